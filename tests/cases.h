/* The operator cases: one table that drives forward tests against a naive reference in double, gradient tests against
 * finite differences of that reference (both tests/test_ops.c), and timings (`nstx bench ops`, rows marked timed).
 *
 * To add an operation NOUN:
 *   1. bench/ops.c records it, as tests and timings do:
 *          nx_tensor *NOUN_build(nx_graph *g, nx_tensor *const *in, const op_case *c);
 *      tests/ops/NOUN.c computes the same, in plain loops over doubles and without a thought for speed:
 *          void NOUN_reference(const op_case *c, const double *const *in, double *out);
 *      c gives shapes and options, as in `const nx_pool_options *o = c->options`;
 *   2. OP(NOUN) below declares the two;
 *   3. rows: ROW(NOUN, "case", .in = {{n, h, w, c}, ...}, .out = {n, h, w, c}, .options = &(const T){...}). What is
 * left out has the usual value (tests/op_case.h). Sizes: odd ones, batches of 1 and more, channels 1, 3, 5, 16, 17, 64.
 * Tests that are no comparison with a reference go to tests/ops/NOUN.c too and are listed under OP_TESTS in
 * tests/test_ops.c.
 */
#ifndef NX_TESTS_CASES_H
#define NX_TESTS_CASES_H

#include "op_case.h"
#include "ops/conv.h"
#include "ops/entropy.h"
#include "ops/gemm.h"
#include "ops/lrn.h"
#include "ops/norm.h"
#include "ops/pad.h"
#include "ops/pool.h"
#include "ops/slice.h"
#include "ops/total_variation.h"

OP(add)
OP(relu)
OP(leaky_relu)
OP(tanh)
OP(scale)
OP(hold)
OP(row_moments)
OP(mask)
OP(reshape)
OP(affine)
OP(channel_sum)
OP(channel_dot)
OP(pool)
OP(upsample)
OP(resize)
OP(concat)
OP(slice)
OP(pad)
OP(lrn)
OP(conv)
OP(conv_transposed)
OP(gemm)
OP(linear)
OP(gram)
OP(mse)
OP(weighted_sum)
OP(total_variation)
OP(instance_norm)
OP(batch_norm)
OP(entropy)

static const op_case op_cases[] = {
    ROW(add, "odd", .in = {{2, 5, 7, 3}, {2, 5, 7, 3}}, .out = {2, 5, 7, 3}),
    ROW(add, "twice the same length of lanes", .in = {{1, 4, 4, 64}, {1, 4, 4, 64}}, .out = {1, 4, 4, 64}),

    ROW(relu, "3 channels", .in = {{2, 7, 9, 3}}, .out = {2, 7, 9, 3}, .range = {{VALUES_GRID}}),
    ROW(relu, "large", .in = {{1, 512, 512, 64}}, .out = {1, 512, 512, 64}, .timed = true),
    ROW(leaky_relu, "17 channels", .in = {{1, 5, 5, 17}}, .out = {1, 5, 5, 17}, .range = {{VALUES_GRID}},
        .options = &(const float){.2f}),
    ROW(tanh, "-4 to 4", .in = {{1, 9, 9, 5}}, .out = {1, 9, 9, 5}, .range = {{.low = -4, .high = 4}}),
    ROW(tanh, "large", .in = {{1, 512, 512, 64}}, .out = {1, 512, 512, 64}, .timed = true),

    ROW(reshape, "channels to pixels", .in = {{3, 1, 1, 80}}, .out = {3, 4, 4, 5}),
    ROW(reshape, "rows", .in = {{2, 3, 5, 7}}, .out = {1, 15, 2, 7}),
    ROW(hold, "odd", .in = {{2, 3, 5, 7}}, .out = {2, 3, 5, 7}, .no_gradient = NO_GRADIENT),
    ROW(row_moments, "3 channels, some columns", .in = {{2, 5, 9, 3}}, .out = {2, 5, 2, 3},
        .options = &(const float[]){2, 6}, .no_gradient = NO_GRADIENT),
    ROW(row_moments, "far from 0", .in = {{1, 3, 40, 19}}, .out = {1, 3, 2, 19}, .options = &(const float[]){0, 40},
        .range = {{.low = 99, .high = 101}}, .no_gradient = NO_GRADIENT),
    ROW(row_moments, "one column", .in = {{1, 4, 4, 32}}, .out = {1, 4, 2, 32}, .options = &(const float[]){3, 1},
        .no_gradient = NO_GRADIENT),
    ROW(mask, "odd", .in = {{2, 5, 7, 19}, {1, 5, 7, 1}}, .out = {2, 5, 7, 19}, .no_gradient = 2),
    ROW(mask, "a picture", .in = {{1, 9, 12, 3}, {1, 9, 12, 1}}, .out = {1, 9, 12, 3}, .no_gradient = 2),
    ROW(scale, "1/3", .in = {{1, 3, 5, 7}}, .out = {1, 3, 5, 7}, .options = &(const float){1 / 3.f}),

    ROW(affine, "an image", .in = {{2, 33, 35, 3}, {1, 1, 1, 3}, {1, 1, 1, 3}}, .out = {2, 33, 35, 3}),
    ROW(affine, "1 channel", .in = {{1, 9, 9, 1}, {1, 1, 1, 1}, {1, 1, 1, 1}}, .out = {1, 9, 9, 1}),
    ROW(affine, "17 channels", .in = {{3, 9, 7, 17}, {1, 1, 1, 17}, {1, 1, 1, 17}}, .out = {3, 9, 7, 17}),
    ROW(affine, "64 channels", .in = {{1, 10, 11, 64}, {1, 1, 1, 64}, {1, 1, 1, 64}}, .out = {1, 10, 11, 64}),
    ROW(affine, "large image", .in = {{1, 1024, 1024, 3}, {1, 1, 1, 3}, {1, 1, 1, 3}}, .out = {1, 1024, 1024, 3},
        .timed = true),

    ROW(channel_sum, "fewer numbers than lanes", .in = {{1, 1, 3, 3}}, .out = {1, 1, 1, 3}),
    ROW(channel_sum, "3 channels, many segments", .in = {{2, 97, 91, 3}}, .out = {1, 1, 1, 3}),
    ROW(channel_sum, "17 channels", .in = {{1, 30, 31, 17}}, .out = {1, 1, 1, 17}),
    ROW(channel_sum, "64 channels, many segments", .in = {{1, 41, 40, 64}}, .out = {1, 1, 1, 64}),
    ROW(channel_sum, "large", .in = {{1, 512, 512, 64}}, .out = {1, 1, 1, 64}, .timed = true),
    ROW(channel_dot, "5 channels", .in = {{2, 19, 21, 5}, {2, 19, 21, 5}}, .out = {1, 1, 1, 5},
        .no_gradient = NO_GRADIENT),

#define POOL(...) .options = &(const nx_pool_options){__VA_ARGS__}, .range = {{VALUES_GRID}}
    ROW(pool, "maximum, 2x2, even", .in = {{2, 8, 6, 64}}, .out = {2, 4, 3, 64},
        POOL(.kind = NX_POOL_MAX, .size = 2, .stride = 2)),
    ROW(pool, "maximum, 2x2, odd", .in = {{1, 9, 7, 17}}, .out = {1, 4, 3, 17},
        POOL(.kind = NX_POOL_MAX, .size = 2, .stride = 2)),
    ROW(pool, "maximum, 3x3, stride 2, ceil", .in = {{2, 10, 9, 5}}, .out = {2, 5, 4, 5},
        POOL(.kind = NX_POOL_MAX, .size = 3, .stride = 2, .ceil = true)),
    ROW(pool, "maximum, 2x2, stride 3", .in = {{1, 9, 10, 3}}, .out = {1, 3, 3, 3},
        POOL(.kind = NX_POOL_MAX, .size = 2, .stride = 3)),
    ROW(pool, "maximum, 1x1, stride 2, ceil", .in = {{1, 4, 5, 3}}, .out = {1, 2, 3, 3},
        POOL(.kind = NX_POOL_MAX, .size = 1, .stride = 2, .ceil = true)),
    ROW(pool, "average, 2x2, even", .in = {{1, 6, 8, 16}}, .out = {1, 3, 4, 16},
        POOL(.kind = NX_POOL_AVERAGE, .size = 2, .stride = 2)),
    ROW(pool, "average, 2x2, ceil", .in = {{2, 7, 5, 3}}, .out = {2, 4, 3, 3},
        POOL(.kind = NX_POOL_AVERAGE, .size = 2, .stride = 2, .ceil = true)),
    ROW(pool, "average, 3x3, stride 1", .in = {{1, 5, 6, 1}}, .out = {1, 3, 4, 1},
        POOL(.kind = NX_POOL_AVERAGE, .size = 3, .stride = 1)),
    ROW(pool, "maximum, large", .in = {{1, 512, 512, 64}}, .out = {1, 256, 256, 64},
        POOL(.kind = NX_POOL_MAX, .size = 2, .stride = 2), .timed = true),
    ROW(pool, "average, large", .in = {{1, 512, 512, 64}}, .out = {1, 256, 256, 64},
        POOL(.kind = NX_POOL_AVERAGE, .size = 2, .stride = 2), .timed = true),
#undef POOL

    ROW(upsample, "2, 3 channels", .in = {{2, 5, 7, 3}}, .out = {2, 10, 14, 3}, .options = &(const int){2}),
    ROW(upsample, "3, 17 channels", .in = {{1, 4, 3, 17}}, .out = {1, 12, 9, 17}, .options = &(const int){3}),
    ROW(upsample, "2, large", .in = {{1, 128, 128, 64}}, .out = {1, 256, 256, 64}, .options = &(const int){2},
        .timed = true),

    ROW(resize, "doubled", .in = {{2, 6, 7, 3}}, .out = {2, 12, 14, 3}),
    ROW(resize, "halved", .in = {{1, 12, 14, 16}}, .out = {1, 6, 7, 16}),
    ROW(resize, "taller and narrower, odd", .in = {{1, 7, 19, 5}}, .out = {1, 16, 6, 5}),
    ROW(resize, "a fifth", .in = {{1, 25, 23, 3}}, .out = {1, 5, 4, 3}),
    ROW(resize, "from one pixel", .in = {{1, 1, 1, 17}}, .out = {1, 4, 3, 17}),
    ROW(resize, "to one pixel", .in = {{1, 6, 5, 3}}, .out = {1, 1, 1, 3}),
    ROW(resize, "the same size", .in = {{1, 6, 5, 3}}, .out = {1, 6, 5, 3}),
    ROW(resize, "large image", .in = {{1, 1024, 1024, 3}}, .out = {1, 512, 512, 3}, .timed = true),
    ROW(resize, "large", .in = {{1, 256, 256, 64}}, .out = {1, 512, 512, 64}, .timed = true),

    ROW(concat, "3 + 16 + 5", .in = {{2, 5, 4, 3}, {2, 5, 4, 16}, {2, 5, 4, 5}}, .out = {2, 5, 4, 24}),
    ROW(concat, "vectors", .in = {{1, 1, 1, 33}, {1, 1, 1, 1}}, .out = {1, 1, 1, 34}),
    ROW(concat, "large", .in = {{1, 256, 256, 64}, {1, 256, 256, 64}}, .out = {1, 256, 256, 128}, .timed = true),

#define SLICE(...)                                                                                                     \
    .options = &(const nx_slice_options) { __VA_ARGS__ }
    ROW(slice, "along all axes", .in = {{4, 7, 8, 37}}, .out = {2, 3, 4, 21},
        SLICE(.n = {1, 2}, .h = {2, 3}, .w = {3, 4}, .c = {5, 21})),
    ROW(slice, "an image of a batch", .in = {{3, 5, 5, 3}}, .out = {1, 5, 5, 3}, SLICE(.n = {2, 1})),
    ROW(slice, "a crop", .in = {{2, 9, 9, 3}}, .out = {2, 7, 5, 3}, SLICE(.h = {1, 7}, .w = {4})),
    ROW(slice, "channels to the end", .in = {{1, 4, 4, 48}}, .out = {1, 4, 4, 32}, SLICE(.c = {16})),
    ROW(slice, "a large crop", .in = {{1, 1032, 1032, 3}}, .out = {1, 1024, 1024, 3},
        SLICE(.h = {4, 1024}, .w = {4, 1024}), .timed = true),
#undef SLICE

#define PAD(...)                                                                                                       \
    .options = &(const nx_pad_options) { __VA_ARGS__ }
    ROW(pad, "zero", .in = {{2, 5, 6, 3}}, .out = {2, 9, 14, 3}, PAD(1, 3, 6, 2, NX_PADDING_ZERO)),
    ROW(pad, "reflect", .in = {{2, 7, 5, 3}}, .out = {2, 13, 13, 3}, PAD(6, 0, 4, 4, NX_PADDING_REFLECT)),
    ROW(pad, "replicate", .in = {{1, 4, 5, 17}}, .out = {1, 12, 8, 17}, PAD(2, 6, 1, 2, NX_PADDING_REPLICATE)),
    ROW(pad, "circular", .in = {{2, 4, 5, 16}}, .out = {2, 12, 9, 16}, PAD(4, 4, 1, 3, NX_PADDING_CIRCULAR)),
    ROW(pad, "replicate, one pixel", .in = {{1, 1, 1, 3}}, .out = {1, 3, 4, 3}, PAD(1, 1, 2, 1, NX_PADDING_REPLICATE)),
    ROW(pad, "reflect, large", .in = {{1, 512, 512, 64}}, .out = {1, 514, 514, 64}, PAD(1, 1, 1, 1, NX_PADDING_REFLECT),
        .timed = true),
    ROW(pad, "reflect, large image", .in = {{1, 1024, 1024, 3}}, .out = {1, 1032, 1032, 3},
        PAD(4, 4, 4, 4, NX_PADDING_REFLECT), .timed = true),
#undef PAD

#define LRN(...)                                                                                                       \
    .options = &(const nx_lrn_options) { __VA_ARGS__ }
    ROW(lrn, "as in CaffeNet, 20 channels", .in = {{2, 3, 4, 20}}, .out = {2, 3, 4, 20},
        .range = {{.low = -90, .high = 90}}, LRN(5, 1e-4f, .75f, 1)),
    ROW(lrn, "strong, 3 of 40 channels", .in = {{1, 3, 3, 40}}, .out = {1, 3, 3, 40}, LRN(3, 2, .5f, 2)),
    ROW(lrn, "window larger than 3 channels", .in = {{1, 5, 5, 3}}, .out = {1, 5, 5, 3}, LRN(9, 1, .75f, 1)),
#undef LRN

#define CONV(...)                                                                                                      \
    .options = &(const nx_conv_options) { __VA_ARGS__ }
    ROW(conv, "3x3, 3 to 16", .in = {{1, 9, 11, 3}, {3, 3, 3, 16}, {1, 1, 1, 16}}, .out = {1, 9, 11, 16},
        CONV(.pad = 1)),
    ROW(conv, "3x3, 16 to 33, batch", .in = {{2, 17, 19, 16}, {3, 3, 16, 33}, {1, 1, 1, 33}}, .out = {2, 17, 19, 33},
        CONV(.pad = 1)),
    ROW(conv, "3x3, 64 to 64", .in = {{1, 16, 16, 64}, {3, 3, 64, 64}}, .out = {1, 16, 16, 64}, CONV(.pad = 1)),
    ROW(conv, "9x9, 3 to 32, replicate", .in = {{1, 21, 18, 3}, {9, 9, 3, 32}, {1, 1, 1, 32}}, .out = {1, 21, 18, 32},
        CONV(.pad = 4, .padding = NX_PADDING_REPLICATE)),
    ROW(conv, "3x3, 32 to 3, reflect", .in = {{2, 12, 13, 32}, {3, 3, 32, 3}, {1, 1, 1, 3}}, .out = {2, 12, 13, 3},
        CONV(.pad = 1, .padding = NX_PADDING_REFLECT)),
    ROW(conv, "3x3, circular, leaky", .in = {{2, 8, 8, 8}, {3, 3, 8, 8}, {1, 1, 1, 8}}, .out = {2, 8, 8, 8},
        CONV(.pad = 1, .padding = NX_PADDING_CIRCULAR, .activation = NX_ACTIVATION_LEAKY_RELU, .slope = 0.01f)),
    ROW(conv, "3x3, stride 2, even", .in = {{2, 16, 14, 32}, {3, 3, 32, 48}, {1, 1, 1, 48}}, .out = {2, 8, 7, 48},
        CONV(.stride = 2, .pad = 1, .padding = NX_PADDING_REPLICATE)),
    ROW(conv, "3x3, stride 2, odd", .in = {{1, 15, 17, 5}, {3, 3, 5, 7}, {1, 1, 1, 7}}, .out = {1, 8, 9, 7},
        CONV(.stride = 2, .pad = 1)),
    ROW(conv, "4x4, stride 2, no padding", .in = {{1, 13, 12, 4}, {4, 4, 4, 17}}, .out = {1, 5, 5, 17},
        CONV(.stride = 2)),
    ROW(conv, "5x3, stride 3", .in = {{1, 14, 16, 3}, {5, 3, 3, 6}}, .out = {1, 4, 5, 6}, CONV(.stride = 3)),
    ROW(conv, "1x1", .in = {{3, 5, 6, 24}, {1, 1, 24, 40}, {1, 1, 1, 40}}, .out = {3, 5, 6, 40},
        CONV(.activation = NX_ACTIVATION_TANH)),
    ROW(conv, "one channel, one pixel wide", .in = {{1, 7, 1, 1}, {3, 1, 1, 1}}, .out = {1, 5, 1, 1}, CONV(0)),
    ROW(conv, "relu, kernel larger than half the image", .in = {{1, 5, 5, 8}, {5, 5, 8, 16}, {1, 1, 1, 16}},
        .out = {1, 5, 5, 16}, CONV(.pad = 2, .activation = NX_ACTIVATION_RELU)),
    ROW(conv_transposed, "3x3, stride 2, adj 1", .in = {{2, 8, 9, 32}, {3, 3, 16, 32}, {1, 1, 1, 16}},
        .out = {2, 16, 18, 16}, CONV(.stride = 2, .pad = 1, .output_pad = 1)),
    ROW(conv_transposed, "4x4, stride 2, 5 to 7", .in = {{1, 5, 4, 5}, {4, 4, 7, 5}, {1, 1, 1, 7}},
        .out = {1, 10, 8, 7}, CONV(.stride = 2, .pad = 1, .activation = NX_ACTIVATION_TANH)),
    ROW(conv_transposed, "3x3, stride 1", .in = {{1, 6, 6, 3}, {3, 3, 20, 3}}, .out = {1, 6, 6, 20}, CONV(.pad = 1)),
    ROW(conv_transposed, "3x3, stride 3, no padding", .in = {{1, 4, 3, 2}, {3, 3, 3, 2}}, .out = {1, 12, 9, 3},
        CONV(.stride = 3)),
/* Winograd's algorithm: errors of two to four times those of the sum itself. */
#define WINOGRAD(...) CONV(__VA_ARGS__), .tolerance = 5e-6, .gradient_tolerance = 2e-5, .probes = 6
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
    ROW(conv, "winograd, twice enlarged, 16 to 20, replicate", .in = {{2, 5, 7, 16}, {3, 3, 16, 20}, {1, 1, 1, 20}},
        .out = {2, 10, 14, 20}, WINOGRAD(.upsample = 2, .pad = 1, .padding = NX_PADDING_REPLICATE)),
    ROW(conv, "winograd, thrice enlarged, 33 to 16, reflect, relu",
        .in = {{1, 3, 4, 33}, {3, 3, 33, 16}, {1, 1, 1, 16}}, .out = {1, 9, 12, 16},
        WINOGRAD(.upsample = 3, .pad = 1, .padding = NX_PADDING_REFLECT, .activation = NX_ACTIVATION_RELU)),
    ROW(conv, "winograd, twice enlarged, 17 to 16, no padding", .in = {{1, 7, 5, 17}, {3, 3, 17, 16}},
        .out = {1, 12, 8, 16}, WINOGRAD(.upsample = 2)),
#undef WINOGRAD
    ROW(conv, "twice enlarged, 5 to 8, circular", .in = {{2, 4, 3, 5}, {3, 3, 5, 8}, {1, 1, 1, 8}}, .out = {2, 8, 6, 8},
        CONV(.upsample = 2, .pad = 1, .padding = NX_PADDING_CIRCULAR)),
    ROW(conv, "few output channels, 20 to 3, stride 2", .in = {{2, 15, 13, 20}, {3, 3, 20, 3}, {1, 1, 1, 3}},
        .out = {2, 8, 7, 3}, CONV(.stride = 2, .pad = 1, .activation = NX_ACTIVATION_TANH)),
    ROW(conv, "few output channels, 9x9, 32 to 3, reflect", .in = {{1, 22, 19, 32}, {9, 9, 32, 3}, {1, 1, 1, 3}},
        .out = {1, 22, 19, 3}, CONV(.pad = 4, .padding = NX_PADDING_REFLECT)),
    ROW(conv, "few output channels, 5x4, 16 to 4", .in = {{1, 9, 30, 16}, {5, 4, 16, 4}}, .out = {1, 5, 27, 4},
        CONV(0)),
    ROW(conv, "few output channels, 48 to 1", .in = {{1, 10, 33, 48}, {3, 3, 48, 1}}, .out = {1, 10, 33, 1},
        CONV(.pad = 1)),
    ROW(conv_transposed, "few output channels, 18 to 2, stride 2", .in = {{2, 6, 17, 18}, {4, 4, 2, 18}, {1, 1, 1, 2}},
        .out = {2, 12, 34, 2}, CONV(.stride = 2, .pad = 1)),
#undef CONV

#define GEMM(...)                                                                                                      \
    .options = &(const nx_gemm_options) { __VA_ARGS__ }
    ROW(gemm, "plain", .in = {{1, 5, 7, 33}, {1, 1, 33, 70}}, .out = {1, 1, 35, 70}, GEMM(.alpha = 0.5f)),
    ROW(gemm, "whole tiles", .in = {{1, 1, 48, 64}, {1, 1, 64, 64}}, .out = {1, 1, 48, 64}, GEMM(0)),
    ROW(gemm, "b transposed, batch", .in = {{3, 1, 13, 20}, {3, 1, 17, 20}}, .out = {3, 1, 13, 17},
        GEMM(.transpose_b = true)),
    ROW(gemm, "a transposed, batch", .in = {{2, 1, 20, 13}, {2, 1, 20, 64}}, .out = {2, 1, 13, 64},
        GEMM(.transpose_a = true)),
    ROW(gemm, "both transposed, a long sum", .in = {{2, 1, 1100, 5}, {2, 1, 3, 1100}}, .out = {2, 1, 5, 3},
        GEMM(.transpose_a = true, .transpose_b = true)),
    ROW(gemm, "a longer sum", .in = {{1, 1, 14, 2500}, {1, 1, 2500, 32}}, .out = {1, 1, 14, 32}, GEMM(0)),
    ROW(gemm, "both transposed, in fours", .in = {{2, 1, 36, 20}, {2, 1, 24, 36}}, .out = {2, 1, 20, 24},
        GEMM(.transpose_a = true, .transpose_b = true, .alpha = 2)),
    ROW(gemm, "one number", .in = {{1, 1, 1, 1}, {1, 1, 1, 1}}, .out = {1, 1, 1, 1}, GEMM(0)),
#undef GEMM

    ROW(linear, "bias, tanh, an image", .in = {{3, 2, 5, 3}, {1, 1, 30, 17}, {1, 1, 1, 17}}, .out = {3, 1, 1, 17},
        .options = &(const nx_activation){NX_ACTIVATION_TANH}),
    ROW(linear, "one row, relu", .in = {{1, 1, 1, 40}, {1, 1, 40, 64}, {1, 1, 1, 64}}, .out = {1, 1, 1, 64},
        .options = &(const nx_activation){NX_ACTIVATION_RELU}),
    ROW(linear, "no bias, leaky", .in = {{13, 1, 1, 16}, {1, 1, 16, 5}}, .out = {13, 1, 1, 5},
        .options = &(const nx_activation){NX_ACTIVATION_LEAKY_RELU}),

    ROW(gram, "3 channels", .in = {{2, 5, 7, 3}}, .out = {2, 1, 3, 3}, .options = &(const float){0.01f}),
    ROW(gram, "16 channels", .in = {{1, 9, 8, 16}}, .out = {1, 1, 16, 16}, .options = &(const float){1}),
    ROW(gram, "17 channels, many pixels", .in = {{2, 36, 31, 17}}, .out = {2, 1, 17, 17},
        .options = &(const float){0.125f}, .probes = 6),
    ROW(gram, "64 channels, many pixels", .in = {{1, 33, 35, 64}}, .out = {1, 1, 64, 64},
        .options = &(const float){0.001f}, .probes = 6),

    ROW(mse, "odd", .in = {{2, 5, 7, 3}, {2, 5, 7, 3}}, .out = {1, 1, 1, 1}),
    ROW(mse, "shared target", .in = {{3, 1, 17, 17}, {1, 1, 17, 17}}, .out = {1, 1, 1, 1}),
    ROW(mse, "several segments", .in = {{2, 77, 65, 5}, {1, 77, 65, 5}}, .out = {1, 1, 1, 1}, .probes = 6),
    ROW(weighted_sum, "ten", .in = {{1, 1, 1, 1}, {1, 1, 1, 1}, {1, 1, 1, 1}, {1, 1, 1, 1}, {1, 1, 1, 1}},
        .out = {1, 1, 1, 1}),

    ROW(total_variation, "squares", .in = {{2, 5, 7, 3}}, .out = {1, 1, 1, 1},
        .options = &(const nx_variation){NX_VARIATION_L2}),
    ROW(total_variation, "squares, 16 channels, wide", .in = {{1, 4, 19, 16}}, .out = {1, 1, 1, 1},
        .options = &(const nx_variation){NX_VARIATION_L2}),
    ROW(total_variation, "magnitudes", .in = {{1, 9, 33, 3}}, .out = {1, 1, 1, 1}, .range = {{VALUES_GRID}},
        .options = &(const nx_variation){NX_VARIATION_L1}),
    ROW(total_variation, "one pixel wide", .in = {{1, 6, 1, 1}}, .out = {1, 1, 1, 1},
        .options = &(const nx_variation){NX_VARIATION_L2}),

#define NORM(...)                                                                                                      \
    .options = &(const nx_norm_options) { __VA_ARGS__ }
    ROW(instance_norm, "3 channels", .in = {{2, 5, 7, 3}}, .out = {2, 5, 7, 3}, NORM(0)),
    ROW(instance_norm, "16 channels, relu", .in = {{2, 9, 7, 16}, {1, 1, 1, 16}, {1, 1, 1, 16}}, .out = {2, 9, 7, 16},
        NORM(.activation = NX_ACTIVATION_RELU)),
    ROW(instance_norm, "17 channels, tanh", .in = {{1, 8, 9, 17}, {1, 1, 1, 17}, {1, 1, 1, 17}}, .out = {1, 8, 9, 17},
        NORM(.activation = NX_ACTIVATION_TANH, .epsilon = 0.01f)),
    ROW(instance_norm, "128 channels, several segments", .in = {{1, 33, 35, 128}, {1, 1, 1, 128}, {1, 1, 1, 128}},
        .out = {1, 33, 35, 128}, NORM(0), .probes = 6),
    ROW(instance_norm, "mean much larger than deviation", .in = {{1, 33, 31, 5}}, .out = {1, 33, 31, 5}, NORM(0),
        .range = {{VALUES_UNIFORM, 1000, 1002}}, .tolerance = 1e-4, .no_gradient = NO_GRADIENT),
    ROW(batch_norm, "training, leaky, 8 channels",
        .in = {{3, 6, 5, 8}, {1, 1, 1, 8}, {1, 1, 1, 8}, {1, 1, 1, 8}, {1, 1, 1, 8}}, .out = {3, 6, 5, 8},
        NORM(.training = true, .activation = NX_ACTIVATION_LEAKY_RELU, .slope = 0.01f), .no_gradient = 24),
    ROW(batch_norm, "training, 64 channels, several segments",
        .in = {{2, 33, 17, 64}, {1, 1, 1, 64}, {1, 1, 1, 64}, {1, 1, 1, 64}, {1, 1, 1, 64}}, .out = {2, 33, 17, 64},
        NORM(.training = true), .no_gradient = 24, .probes = 6),
    ROW(batch_norm, "evaluation, relu",
        .in = {{2, 5, 7, 20}, {1, 1, 1, 20}, {1, 1, 1, 20}, {1, 1, 1, 20}, {1, 1, 1, 20}}, .out = {2, 5, 7, 20},
        .range = {{0}, {0}, {0}, {0}, {VALUES_UNIFORM, 0.5f, 2}}, NORM(.activation = NX_ACTIVATION_RELU),
        .no_gradient = 24),
    ROW(instance_norm, "residual, 17 channels", .in = {{2, 8, 9, 17}, {1, 1, 1, 17}, {1, 1, 1, 17}, {2, 8, 9, 17}},
        .out = {2, 8, 9, 17}, NORM(0)),
    ROW(batch_norm, "residual, training",
        .in = {{2, 5, 7, 16}, {1, 1, 1, 16}, {1, 1, 1, 16}, {1, 1, 1, 16}, {1, 1, 1, 16}, {2, 5, 7, 16}},
        .out = {2, 5, 7, 16}, NORM(.training = true), .no_gradient = 24),
    ROW(batch_norm, "residual, evaluation",
        .in = {{2, 5, 7, 20}, {1, 1, 1, 20}, {1, 1, 1, 20}, {1, 1, 1, 20}, {1, 1, 1, 20}, {2, 5, 7, 20}},
        .out = {2, 5, 7, 20}, .range = {{0}, {0}, {0}, {0}, {VALUES_UNIFORM, 0.5f, 2}}, NORM(0), .no_gradient = 24),
#undef NORM

    ROW(entropy, "literal", .in = {{5, 3, 5, 3}}, .out = {1, 1, 1, 1},
        .options = &(const nx_entropy_options){.literal = true}),
    ROW(entropy, "literal, two images", .in = {{2, 4, 4, 16}}, .out = {1, 1, 1, 1},
        .options = &(const nx_entropy_options){.literal = true}),
    ROW(entropy, "as released", .in = {{4, 70, 81, 3}}, .out = {1, 1, 1, 1}, .options = &(const nx_entropy_options){0},
        .no_gradient = NO_GRADIENT),

/* What the networks of the papers spend their time in, as large as there. */
#define TIMED(...) .options = &(const nx_conv_options){__VA_ARGS__}, .timed = true
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
#undef TIMED
    ROW(gemm, "1024 cubed", .in = {{1, 1, 1024, 1024}, {1, 1, 1024, 1024}}, .out = {1, 1, 1024, 1024},
        .options = &(const nx_gemm_options){0}, .timed = true),
    ROW(gram, "64 channels of 512 x 512", .in = {{1, 512, 512, 64}}, .out = {1, 1, 64, 64},
        .options = &(const float){1}, .timed = true),
    ROW(gram, "512 channels of 64 x 64", .in = {{1, 64, 64, 512}}, .out = {1, 1, 512, 512},
        .options = &(const float){1}, .timed = true),
    ROW(add, "large", .in = {{1, 512, 512, 64}, {1, 512, 512, 64}}, .out = {1, 512, 512, 64}, .timed = true),
    ROW(mse, "large", .in = {{1, 64, 64, 512}, {1, 64, 64, 512}}, .out = {1, 1, 1, 1}, .timed = true),
    ROW(total_variation, "large image", .in = {{1, 1024, 1024, 3}}, .out = {1, 1, 1, 1},
        .options = &(const nx_variation){NX_VARIATION_L2}, .timed = true),
    ROW(instance_norm, "large, relu", .in = {{1, 512, 512, 32}, {1, 1, 1, 32}, {1, 1, 1, 32}}, .out = {1, 512, 512, 32},
        .options = &(const nx_norm_options){.activation = NX_ACTIVATION_RELU}, .timed = true),
    ROW(batch_norm, "training, large, leaky",
        .in = {{1, 256, 256, 40}, {1, 1, 1, 40}, {1, 1, 1, 40}, {1, 1, 1, 40}, {1, 1, 1, 40}}, .out = {1, 256, 256, 40},
        .options = &(const nx_norm_options){.training = true, .activation = NX_ACTIVATION_LEAKY_RELU, .slope = 0.01f},
        .timed = true),
};

static const size_t op_case_count = sizeof op_cases / sizeof *op_cases;

#endif
