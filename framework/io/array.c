/* An odometer: the last place of the index turns fastest, and a place that is through steps back to its 0. */
#include "io/array.h"

#include "base/memory.h"

#include <string.h>

void *nx_array_rows(const nx_array *a, const size_t *stride)
{
    char *out = nx_try_alloc(a->bytes);
    size_t count = 1, at[NX_ARRAY_RANK_MAX] = {0}, from = 0;
    for (int d = 0; d < a->rank; d++) count *= (size_t)a->shape[d];
    size_t width = count ? a->bytes / count : 0;
    for (size_t i = 0; out && i < count; i++) {
        memcpy(out + i * width, (const char *)a->data + from * width, width);
        for (int d = a->rank - 1; d >= 0; d--) {
            from += stride[d];
            if (++at[d] < (size_t)a->shape[d]) break;
            from -= stride[d] * at[d];
            at[d] = 0;
        }
    }
    return out;
}
