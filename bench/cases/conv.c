/* Cases of framework/ops/conv. */
#include "ops/conv.h"

#include "op_case.h"

static nx_tensor *conv_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    const nx_conv_options *o = c->options;
    return nx_conv(g, in[0], in[1], op_inputs(c) > 2 ? in[2] : NULL, *o);
}

static nx_tensor *conv_transposed_build(nx_graph *g, nx_tensor *const *in, const op_case *c)
{
    const nx_conv_options *o = c->options;
    return nx_conv_transposed(g, in[0], in[1], op_inputs(c) > 2 ? in[2] : NULL, *o);
}

static void conv_reference(const op_case *c, const double *const *in, double *out)
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
                            int iy = op_source(oy * stride + ky - o->pad, x.h * zoom, o->padding);
                            int ix = op_source(ox * stride + kx - o->pad, x.w * zoom, o->padding);
                            if (iy < 0 || ix < 0) continue;
                            for (int i = 0; i < x.c; i++)
                                sum += in[0][at(x, n, iy / zoom, ix / zoom, i)] * in[1][at(w, ky, kx, i, k)];
                        }
                    out[at(y, n, oy, ox, k)] = op_activated(sum, o->activation, o->slope);
                }
}

/* Every input pixel scatters its kernel. */
static void conv_transposed_reference(const op_case *c, const double *const *in, double *out)
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

#define CONV(...)                                                                                                      \
    .options = &(const nx_conv_options) { __VA_ARGS__ }

/* Winograd's algorithm: errors of two to four times those of the sum itself. */
#define WINOGRAD(...) CONV(__VA_ARGS__), .tolerance = 5e-6, .gradient_tolerance = 2e-5, .probes = 6

/* What the networks of the papers spend their time in, as large as there. */
#define TIMED(...) CONV(__VA_ARGS__), .timed = true

static const op_case rows[] = {
    ROW(conv, "3x3, 3 to 16", .in = {{1, 9, 11, 3}, {3, 3, 3, 16}, {1, 1, 1, 16}}, .out = {1, 9, 11, 16},
        CONV(.pad = 1)),
    ROW(conv, "3x3, 3 to 8, relu", .in = {{1, 6, 7, 3}, {3, 3, 3, 8}, {1, 1, 1, 8}}, .out = {1, 6, 7, 8},
        CONV(.pad = 1, .activation = NX_ACTIVATION_RELU)), /* as a descriptor begins */
    ROW(conv, "3x3, 16 to 33, batch", .in = {{2, 17, 19, 16}, {3, 3, 16, 33}, {1, 1, 1, 33}}, .out = {2, 17, 19, 33},
        CONV(.pad = 1), .doctor = true),
    ROW(conv, "3x3, 64 to 64", .in = {{1, 16, 16, 64}, {3, 3, 64, 64}}, .out = {1, 16, 16, 64}, CONV(.pad = 1),
        .doctor = true), /* Winograd's, on GPUs too */
    ROW(conv, "9x9, 3 to 32, replicate", .in = {{1, 21, 18, 3}, {9, 9, 3, 32}, {1, 1, 1, 32}}, .out = {1, 21, 18, 32},
        CONV(.pad = 4, .padding = NX_PADDING_REPLICATE), .doctor = true),
    ROW(conv, "3x3, 32 to 3, reflect", .in = {{2, 12, 13, 32}, {3, 3, 32, 3}, {1, 1, 1, 3}}, .out = {2, 12, 13, 3},
        CONV(.pad = 1, .padding = NX_PADDING_REFLECT)),
    ROW(conv, "3x3, circular, leaky", .in = {{2, 8, 8, 8}, {3, 3, 8, 8}, {1, 1, 1, 8}}, .out = {2, 8, 8, 8},
        CONV(.pad = 1, .padding = NX_PADDING_CIRCULAR, .activation = NX_ACTIVATION_LEAKY_RELU, .slope = 0.01f)),
    ROW(conv, "3x3, stride 2, even", .in = {{2, 16, 14, 24}, {3, 3, 24, 48}, {1, 1, 1, 48}}, .out = {2, 8, 7, 48},
        CONV(.stride = 2, .pad = 1, .padding = NX_PADDING_REPLICATE)),
    ROW(conv, "winograd in pieces, stride 2, 32 to 48, batch, replicate",
        .in = {{2, 16, 14, 32}, {3, 3, 32, 48}, {1, 1, 1, 48}}, .out = {2, 8, 7, 48},
        WINOGRAD(.stride = 2, .pad = 1, .padding = NX_PADDING_REPLICATE)),
    ROW(conv, "3x3, stride 2, odd", .in = {{1, 15, 17, 5}, {3, 3, 5, 7}, {1, 1, 1, 7}}, .out = {1, 8, 9, 7},
        CONV(.stride = 2, .pad = 1), .doctor = true),
    ROW(conv, "4x4, stride 2, no padding", .in = {{1, 13, 12, 4}, {4, 4, 4, 17}}, .out = {1, 5, 5, 17},
        CONV(.stride = 2)),
    ROW(conv, "5x3, stride 3", .in = {{1, 14, 16, 3}, {5, 3, 3, 6}}, .out = {1, 4, 5, 6}, CONV(.stride = 3)),
    ROW(conv, "1x1", .in = {{3, 5, 6, 24}, {1, 1, 24, 40}, {1, 1, 1, 40}}, .out = {3, 5, 6, 40},
        CONV(.activation = NX_ACTIVATION_TANH)),
    ROW(conv, "1x1, wider padding, replicate", .in = {{1, 3, 4, 32}, {1, 1, 32, 16}}, .out = {1, 13, 14, 16},
        CONV(.pad = 5, .padding = NX_PADDING_REPLICATE)),
    ROW(conv, "one channel, one pixel wide", .in = {{1, 7, 1, 1}, {3, 1, 1, 1}}, .out = {1, 5, 1, 1}, CONV(0)),
    ROW(conv, "11x11, stride 4, relu", .in = {{1, 31, 35, 3}, {11, 11, 3, 19}, {1, 1, 1, 19}}, .out = {1, 7, 8, 19},
        CONV(.stride = 4, .pad = 2, .activation = NX_ACTIVATION_RELU)),
    ROW(conv, "relu, kernel larger than half the image", .in = {{1, 5, 5, 8}, {5, 5, 8, 16}, {1, 1, 1, 16}},
        .out = {1, 5, 5, 16}, CONV(.pad = 2, .activation = NX_ACTIVATION_RELU)),
    /* Rusticl of Mesa 22.3 ends the loops of a work-item after 65535 turns: notes/drivers.md. */
    ROW(conv, "1x1, 70000 to 8, one long loop", .in = {{1, 1, 8, 70000}, {1, 1, 70000, 8}, {1, 1, 1, 8}},
        .out = {1, 1, 8, 8}, CONV(.activation = NX_ACTIVATION_RELU), .tolerance = 2e-5, .no_gradient = NO_GRADIENT,
        .first_use = true),
    ROW(conv_transposed, "3x3, stride 2, adj 1", .in = {{2, 8, 9, 32}, {3, 3, 16, 32}, {1, 1, 1, 16}},
        .out = {2, 16, 18, 16}, CONV(.stride = 2, .pad = 1, .output_pad = 1), .doctor = true),
    ROW(conv_transposed, "4x4, stride 2, 5 to 7", .in = {{1, 5, 4, 5}, {4, 4, 7, 5}, {1, 1, 1, 7}},
        .out = {1, 10, 8, 7}, CONV(.stride = 2, .pad = 1, .activation = NX_ACTIVATION_TANH)),
    ROW(conv_transposed, "3x3, stride 1", .in = {{1, 6, 6, 3}, {3, 3, 20, 3}}, .out = {1, 6, 6, 20}, CONV(.pad = 1)),
    ROW(conv_transposed, "3x3, stride 3, no padding", .in = {{1, 4, 3, 2}, {3, 3, 3, 2}}, .out = {1, 12, 9, 3},
        CONV(.stride = 3)),
    ROW(conv, "winograd, 16 to 17, odd, relu", .in = {{1, 9, 15, 16}, {3, 3, 16, 17}, {1, 1, 1, 17}},
        .out = {1, 9, 15, 17}, WINOGRAD(.pad = 1, .activation = NX_ACTIVATION_RELU)),
    ROW(conv, "winograd, 33 to 64, batch, reflect, leaky", .in = {{2, 10, 11, 33}, {3, 3, 33, 64}, {1, 1, 1, 64}},
        .out = {2, 10, 11, 64},
        WINOGRAD(.pad = 1, .padding = NX_PADDING_REFLECT, .activation = NX_ACTIVATION_LEAKY_RELU, .slope = 0.2f)),
    ROW(conv, "winograd, 64 to 33, replicate, tanh", .in = {{1, 13, 10, 64}, {3, 3, 64, 33}, {1, 1, 1, 33}},
        .out = {1, 13, 10, 33}, WINOGRAD(.pad = 1, .padding = NX_PADDING_REPLICATE, .activation = NX_ACTIVATION_TANH),
        .range = {{0}, {VALUES_UNIFORM, -0.1f, 0.1f}}),
    ROW(conv, "winograd, 17 to 80, batch, circular", .in = {{3, 7, 6, 17}, {3, 3, 17, 80}, {1, 1, 1, 80}},
        .out = {3, 7, 6, 80}, WINOGRAD(.pad = 1, .padding = NX_PADDING_CIRCULAR)),
    ROW(conv, "winograd, 24 to 40, batch, circular", .in = {{2, 13, 6, 24}, {3, 3, 24, 40}, {1, 1, 1, 40}},
        .out = {2, 13, 6, 40}, WINOGRAD(.pad = 1, .padding = NX_PADDING_CIRCULAR)),
    ROW(conv, "winograd, 40 to 48, reflect, leaky", .in = {{1, 11, 14, 40}, {3, 3, 40, 48}, {1, 1, 1, 48}},
        .out = {1, 11, 14, 48},
        WINOGRAD(.pad = 1, .padding = NX_PADDING_REFLECT, .activation = NX_ACTIVATION_LEAKY_RELU, .slope = 0.2f)),
    ROW(conv, "winograd, 48 to 24, replicate", .in = {{1, 10, 9, 48}, {3, 3, 48, 24}, {1, 1, 1, 24}},
        .out = {1, 10, 9, 24}, WINOGRAD(.pad = 1, .padding = NX_PADDING_REPLICATE)),
    ROW(conv, "winograd, 512 to 16", .in = {{1, 9, 9, 512}, {3, 3, 512, 16}, {1, 1, 1, 16}}, .out = {1, 9, 9, 16},
        WINOGRAD(.pad = 1)),
    ROW(conv, "winograd, 24 to 512, no padding", .in = {{1, 13, 10, 24}, {3, 3, 24, 512}}, .out = {1, 11, 8, 512},
        WINOGRAD(0)),
    ROW(conv, "winograd, 16 to 16, wide padding", .in = {{1, 6, 9, 16}, {3, 3, 16, 16}}, .out = {1, 10, 13, 16},
        WINOGRAD(.pad = 3)),
    ROW(conv, "winograd, 384 to 400, weights larger than a cache",
        .in = {{1, 9, 9, 384}, {3, 3, 384, 400}, {1, 1, 1, 400}}, .out = {1, 9, 9, 400}, WINOGRAD(.pad = 1),
        .no_gradient = NO_GRADIENT),
    ROW(conv_transposed, "winograd, 370 to 390, weights larger than a cache, odd",
        .in = {{1, 9, 11, 370}, {3, 3, 390, 370}, {1, 1, 1, 390}}, .out = {1, 9, 11, 390}, WINOGRAD(.pad = 1),
        .no_gradient = NO_GRADIENT),
    ROW(conv_transposed, "winograd, 40 to 17, batch", .in = {{2, 9, 10, 40}, {3, 3, 17, 40}, {1, 1, 1, 17}},
        .out = {2, 9, 10, 17}, WINOGRAD(.pad = 1, .activation = NX_ACTIVATION_RELU)),
    ROW(conv_transposed, "winograd, 16 to 48, no padding, adj 1", .in = {{1, 7, 10, 16}, {3, 3, 48, 16}},
        .out = {1, 10, 13, 48}, WINOGRAD(.output_pad = 1)),
    ROW(conv, "winograd in pieces, 5x5, 16 to 20, batch, reflect",
        .in = {{2, 13, 14, 16}, {5, 5, 16, 20}, {1, 1, 1, 20}}, .out = {2, 13, 14, 20},
        WINOGRAD(.pad = 2, .padding = NX_PADDING_REFLECT)),
    ROW(conv, "winograd in pieces, 4x4, 32 to 48, no padding, relu", .in = {{1, 14, 17, 32}, {4, 4, 32, 48}},
        .out = {1, 11, 14, 48}, WINOGRAD(.activation = NX_ACTIVATION_RELU)),
    ROW(conv, "winograd in pieces, 7x7, 5 to 33, batch, circular, tanh",
        .in = {{2, 10, 17, 5}, {7, 7, 5, 33}, {1, 1, 1, 33}}, .out = {2, 10, 17, 33},
        WINOGRAD(.pad = 3, .padding = NX_PADDING_CIRCULAR, .activation = NX_ACTIVATION_TANH),
        .range = {{0}, {VALUES_UNIFORM, -0.1f, 0.1f}}),
    ROW(conv, "winograd in pieces, 9x9, 1 to 16, wide padding", .in = {{1, 11, 15, 1}, {9, 9, 1, 16}, {1, 1, 1, 16}},
        .out = {1, 17, 21, 16}, WINOGRAD(.pad = 7)),
    ROW(conv, "winograd in pieces, 5x5, 3 to 16, twice enlarged, reflect", .in = {{2, 5, 7, 3}, {5, 5, 3, 16}},
        .out = {2, 10, 14, 16}, WINOGRAD(.upsample = 2, .pad = 2, .padding = NX_PADDING_REFLECT)),
    ROW(conv, "winograd in pieces, stride 2, 16 to 33, reflect", .in = {{1, 21, 31, 16}, {3, 3, 16, 33}, {1, 1, 1, 33}},
        .out = {1, 11, 16, 33}, WINOGRAD(.stride = 2, .pad = 1, .padding = NX_PADDING_REFLECT)),
    ROW(conv, "winograd in pieces, stride 2, 48 to 32, batch, no padding", .in = {{2, 22, 13, 48}, {3, 3, 48, 32}},
        .out = {2, 10, 6, 32}, WINOGRAD(.stride = 2)),
    ROW(conv, "winograd in pieces, stride 2, 32 to 64, twice enlarged, circular",
        .in = {{2, 9, 11, 32}, {3, 3, 32, 64}, {1, 1, 1, 64}}, .out = {2, 9, 11, 64},
        WINOGRAD(.stride = 2, .upsample = 2, .pad = 1, .padding = NX_PADDING_CIRCULAR)),
    ROW(conv_transposed, "winograd in phases, stride 2, 24 to 40, batch, adj 1, tanh",
        .in = {{2, 7, 9, 24}, {3, 3, 40, 24}, {1, 1, 1, 40}}, .out = {2, 14, 18, 40},
        WINOGRAD(.stride = 2, .pad = 1, .output_pad = 1, .activation = NX_ACTIVATION_TANH),
        .range = {{0}, {VALUES_UNIFORM, -0.1f, 0.1f}}),
    ROW(conv_transposed, "winograd in phases, stride 2, 33 to 16, no padding",
        .in = {{1, 10, 16, 33}, {3, 3, 16, 33}, {1, 1, 1, 16}}, .out = {1, 21, 33, 16}, WINOGRAD(.stride = 2)),
    ROW(conv_transposed, "winograd in phases, stride 2, 16 to 17, wide padding, relu",
        .in = {{1, 14, 19, 16}, {3, 3, 17, 16}}, .out = {1, 25, 35, 17},
        WINOGRAD(.stride = 2, .pad = 2, .activation = NX_ACTIVATION_RELU)),
    ROW(conv, "winograd, twice enlarged, 16 to 20, replicate", .in = {{2, 5, 7, 16}, {3, 3, 16, 20}, {1, 1, 1, 20}},
        .out = {2, 10, 14, 20}, WINOGRAD(.upsample = 2, .pad = 1, .padding = NX_PADDING_REPLICATE)),
    ROW(conv, "winograd, thrice enlarged, 33 to 16, reflect, relu",
        .in = {{1, 3, 4, 33}, {3, 3, 33, 16}, {1, 1, 1, 16}}, .out = {1, 9, 12, 16},
        WINOGRAD(.upsample = 3, .pad = 1, .padding = NX_PADDING_REFLECT, .activation = NX_ACTIVATION_RELU)),
    ROW(conv, "winograd, twice enlarged, 17 to 16, no padding", .in = {{1, 7, 5, 17}, {3, 3, 17, 16}},
        .out = {1, 12, 8, 16}, WINOGRAD(.upsample = 2)),
    ROW(conv, "twice enlarged, 5 to 8, circular", .in = {{2, 4, 3, 5}, {3, 3, 5, 8}, {1, 1, 1, 8}}, .out = {2, 8, 6, 8},
        CONV(.upsample = 2, .pad = 1, .padding = NX_PADDING_CIRCULAR)),
    ROW(conv, "3x3, 501 to 18, stride 2: more channels than a line has", .in = {{1, 5, 6, 501}, {3, 3, 501, 18}},
        .out = {1, 3, 3, 18}, CONV(.stride = 2, .pad = 1, .padding = NX_PADDING_REFLECT), .probes = 6),
    ROW(conv_transposed, "4x4, 1030 to 5, stride 2, odd", .in = {{1, 3, 5, 1030}, {4, 4, 5, 1030}},
        .out = {1, 6, 10, 5}, CONV(.stride = 2, .pad = 1), .probes = 6),
    ROW(conv_transposed, "3x3, 7 to 21, stride 2, adj 1", .in = {{2, 5, 9, 7}, {3, 3, 21, 7}}, .out = {2, 10, 18, 21},
        CONV(.stride = 2, .pad = 1, .output_pad = 1)),
    ROW(conv, "few output channels, 20 to 3, stride 2", .in = {{2, 15, 13, 20}, {3, 3, 20, 3}, {1, 1, 1, 3}},
        .out = {2, 8, 7, 3}, CONV(.stride = 2, .pad = 1, .activation = NX_ACTIVATION_TANH),
        .range = {{0}, {VALUES_UNIFORM, -0.1f, 0.1f}}),
    ROW(conv, "few output channels, 9x9, 32 to 3, reflect", .in = {{1, 22, 19, 32}, {9, 9, 32, 3}, {1, 1, 1, 3}},
        .out = {1, 22, 19, 3}, CONV(.pad = 4, .padding = NX_PADDING_REFLECT)),
    ROW(conv, "few output channels, 5x4, 16 to 4", .in = {{1, 9, 30, 16}, {5, 4, 16, 4}}, .out = {1, 5, 27, 4},
        CONV(0)),
    ROW(conv, "few output channels, 48 to 1", .in = {{1, 10, 33, 48}, {3, 3, 48, 1}}, .out = {1, 10, 33, 1},
        CONV(.pad = 1), .doctor = true),
    ROW(conv_transposed, "few output channels, 18 to 2, stride 2", .in = {{2, 6, 17, 18}, {4, 4, 2, 18}, {1, 1, 1, 2}},
        .out = {2, 12, 34, 2}, CONV(.stride = 2, .pad = 1)),
    ROW(conv, "VGG-19 conv1_1 at 512: 3x3, 3 to 64", .in = {{1, 512, 512, 3}, {3, 3, 3, 64}, {1, 1, 1, 64}},
        .out = {1, 512, 512, 64}, TIMED(.pad = 1, .activation = NX_ACTIVATION_RELU)),
    ROW(conv, "VGG-19 conv1_2 at 512: 3x3, 64 to 64", .in = {{1, 512, 512, 64}, {3, 3, 64, 64}, {1, 1, 1, 64}},
        .out = {1, 512, 512, 64}, TIMED(.pad = 1, .activation = NX_ACTIVATION_RELU)),
    ROW(conv, "VGG-19 conv3_2 at 512: 3x3, 256 to 256", .in = {{1, 128, 128, 256}, {3, 3, 256, 256}, {1, 1, 1, 256}},
        .out = {1, 128, 128, 256}, TIMED(.pad = 1, .activation = NX_ACTIVATION_RELU)),
    ROW(conv, "VGG-19 conv4_2 at 512: 3x3, 512 to 512", .in = {{1, 64, 64, 512}, {3, 3, 512, 512}, {1, 1, 1, 512}},
        .out = {1, 64, 64, 512}, TIMED(.pad = 1, .activation = NX_ACTIVATION_RELU)),
    ROW(conv, "StyleNet, first: 9x9, 3 to 32, replicate", .in = {{1, 512, 512, 3}, {9, 9, 3, 32}, {1, 1, 1, 32}},
        .out = {1, 512, 512, 32}, TIMED(.pad = 4, .padding = NX_PADDING_REPLICATE)),
    ROW(conv, "StyleNet, second: stride 2, 32 to 64", .in = {{1, 512, 512, 32}, {3, 3, 32, 64}, {1, 1, 1, 64}},
        .out = {1, 256, 256, 64}, TIMED(.stride = 2, .pad = 1, .padding = NX_PADDING_REPLICATE)),
    ROW(conv, "StyleNet, residual: 128 to 128, replicate", .in = {{1, 128, 128, 128}, {3, 3, 128, 128}, {1, 1, 1, 128}},
        .out = {1, 128, 128, 128}, TIMED(.pad = 1, .padding = NX_PADDING_REPLICATE)),
    ROW(conv_transposed, "StyleNet, up: stride 2, 64 to 32", .in = {{1, 256, 256, 64}, {3, 3, 32, 64}, {1, 1, 1, 32}},
        .out = {1, 512, 512, 32}, TIMED(.stride = 2, .pad = 1, .output_pad = 1)),
    ROW(conv, "StyleNet, last: 3x3, 32 to 3", .in = {{1, 512, 512, 32}, {3, 3, 32, 3}, {1, 1, 1, 3}},
        .out = {1, 512, 512, 3}, TIMED(.pad = 1, .padding = NX_PADDING_REPLICATE)),
    ROW(conv, "texture network: 3x3, 40 to 40, circular", .in = {{1, 256, 256, 40}, {3, 3, 40, 40}, {1, 1, 1, 40}},
        .out = {1, 256, 256, 40}, TIMED(.pad = 1, .padding = NX_PADDING_CIRCULAR)),
    ROW(conv, "texture network: 1x1, 40 to 40", .in = {{1, 256, 256, 40}, {1, 1, 40, 40}, {1, 1, 1, 40}},
        .out = {1, 256, 256, 40}, TIMED(0)),
};

OP_TABLE(conv, rows);
