/* Convolution and transposed convolution, as naive loops. */
#include "ops/conv.h"

#include "op_case.h"

#include <math.h>

/* The source of a pixel outside an image of n; -1: zero. Written apart from the kernel's. */
static int source(int i, int n, nx_padding mode)
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

void conv_reference(const op_case *c, const double *const *in, double *out)
{
    const nx_conv_options *o = c->options;
    int stride = o->stride ? o->stride : 1, zoom = o->upsample ? o->upsample : 1;
    nx_shape x = c->in[0], w = c->in[1], y = c->out;
    for (int n = 0; n < y.n; n++)
        for (int oy = 0; oy < y.h; oy++)
            for (int ox = 0; ox < y.w; ox++)
                for (int k = 0; k < y.c; k++) {
                    double sum = op_inputs(c) > 2 ? in[2][k] : 0;
                    for (int ky = 0; ky < w.n; ky++)
                        for (int kx = 0; kx < w.h; kx++) {
                            int iy = source(oy * stride + ky - o->pad, x.h * zoom, o->padding);
                            int ix = source(ox * stride + kx - o->pad, x.w * zoom, o->padding);
                            if (iy < 0 || ix < 0) continue;
                            for (int i = 0; i < x.c; i++)
                                sum += in[0][at(x, n, iy / zoom, ix / zoom, i)] * in[1][at(w, ky, kx, i, k)];
                        }
                    out[at(y, n, oy, ox, k)] = op_activated(sum, o->activation, o->slope);
                }
}

/* Every input pixel scatters its kernel. */
void conv_transposed_reference(const op_case *c, const double *const *in, double *out)
{
    const nx_conv_options *o = c->options;
    int stride = o->stride ? o->stride : 1;
    nx_shape x = c->in[0], w = c->in[1], y = c->out;
    for (size_t i = 0; op_inputs(c) > 2 && i < nx_shape_count(y); i++) out[i] = in[2][i % (size_t)y.c];
    for (int n = 0; n < x.n; n++)
        for (int iy = 0; iy < x.h; iy++)
            for (int ix = 0; ix < x.w; ix++)
                for (int ky = 0; ky < w.n; ky++)
                    for (int kx = 0; kx < w.h; kx++) {
                        int oy = iy * stride + ky - o->pad, ox = ix * stride + kx - o->pad;
                        if (oy < 0 || ox < 0 || oy >= y.h || ox >= y.w) continue;
                        for (int i = 0; i < x.c; i++)
                            for (int k = 0; k < y.c; k++)
                                out[at(y, n, oy, ox, k)] += in[0][at(x, n, iy, ix, i)] * in[1][at(w, ky, kx, k, i)];
                    }
    for (size_t i = 0; i < nx_shape_count(y); i++) out[i] = op_activated(out[i], o->activation, o->slope);
}
