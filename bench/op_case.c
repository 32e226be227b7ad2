/* The cases as one list, and what several references share: written apart from the kernels. */
#include "op_case.h"

#include <math.h>
#include <string.h>

size_t op_case_count(void)
{
    size_t count = 0;
    for (size_t t = 0; t < op_table_count; t++) count += op_tables[t]->count;
    return count;
}

const op_case *op_case_at(size_t i)
{
    for (size_t t = 0; t < op_table_count; t++) {
        if (i < op_tables[t]->count) return &op_tables[t]->rows[i];
        i -= op_tables[t]->count;
    }
    return NULL;
}

const op_case *op_case_named(const char *name)
{
    for (size_t t = 0; t < op_table_count; t++)
        for (size_t i = 0; i < op_tables[t]->count; i++)
            if (!strcmp(op_tables[t]->rows[i].name, name)) return &op_tables[t]->rows[i];
    return NULL;
}

double op_activated(double v, nx_activation activation, float slope)
{
    switch (activation) {
    case NX_ACTIVATION_RELU:
        return fmax(v, 0);
    case NX_ACTIVATION_LEAKY_RELU:
        return v > 0 ? v : v * (double)slope;
    case NX_ACTIVATION_TANH:
        return tanh(v);
    default:
        return v;
    }
}

int op_source(int i, int n, nx_padding mode)
{
    if (i >= 0 && i < n) return i;
    switch (mode) {
    case NX_PADDING_REFLECT:
        return i < 0 ? -i : 2 * (n - 1) - i;
    case NX_PADDING_REPLICATE:
        return i < 0 ? 0 : n - 1;
    case NX_PADDING_CIRCULAR:
        return ((i % n) + n) % n;
    default:
        return -1;
    }
}
