/* Reference of framework/ops/pad. */
#include "ops/pad.h"

#include "op_case.h"

static int source(int i, int n, nx_padding mode)
{
    if (i >= 0 && i < n) return i;
    switch (mode) {
    case NX_PADDING_REFLECT:
        return i < 0 ? -i : n - 1 - (i - (n - 1));
    case NX_PADDING_REPLICATE:
        return i < 0 ? 0 : n - 1;
    case NX_PADDING_CIRCULAR:
        return (i + n) % n;
    default:
        return -1;
    }
}

void pad_reference(const op_case *c, const double *const *in, double *out)
{
    const nx_pad_options *o = c->options;
    nx_shape s = c->in[0];
    for (int n = 0; n < c->out.n; n++)
        for (int i = 0; i < c->out.h; i++)
            for (int j = 0; j < c->out.w; j++)
                for (int k = 0; k < c->out.c; k++) {
                    int y = source(i - o->top, s.h, o->mode), x = source(j - o->left, s.w, o->mode);
                    if (y >= 0 && x >= 0) out[at(c->out, n, i, j, k)] = in[0][at(s, n, y, x, k)];
                }
}
