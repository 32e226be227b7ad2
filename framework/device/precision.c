/* The words of precisions. */
#include "device/precision.h"

#include <string.h>

const char *nx_precision_name(nx_precision precision)
{
#define WORD(name, word) word,
    static const char *const names[NX_PRECISIONS] = {NX_PRECISION_LIST(WORD)};
    return names[precision];
}

bool nx_precision_named(const char *name, nx_precision *out)
{
    for (nx_precision p = 0; p < NX_PRECISIONS; p++)
        if (!strcmp(name, nx_precision_name(p))) return *out = p, true;
    return false;
}
