/* Local response normalisation across channels. All tensors are NHWC of one shape, `width` pixels a row; the window of
 * channel c is c - reach .. c + reach. Items as in framework/ops/rows.h. */

/* Channels c, c + 1, ... of a pixel; zero outside. */
static inline vec channels_at(__global const float *pixel, int c, int channels)
{
    if (c >= 0 && c + LANES <= channels) return vload_lanes(0, pixel + c);
    float part[LANES];
    for (int i = 0; i < LANES; i++) part[i] = c + i >= 0 && c + i < channels ? pixel[c + i] : 0.f;
    return vload_lanes(0, part);
}

static inline vec scale_at(__global const float *pixel, int c, int channels, int reach, float share, float k)
{
    vec sum = 0.f;
    for (int d = -reach; d <= reach; d++) {
        vec v = channels_at(pixel, c + d, channels);
        sum = fma(v, v, sum);
    }
    return fma((vec)(share), sum, (vec)(k));
}

static inline vec power(vec base, float exponent) { return exp2(exponent * log2(base)); }

__kernel void lrn(__global const float *x, __global float *y, int width, int channels, int reach, float share,
                  float beta, float k)
{
    for (int column = get_global_id(1); column < width; column += get_global_size(1)) {
        size_t at = (get_global_id(2) * width + column) * channels;
        for (int c = get_global_id(0) * LANES; c < channels; c += get_global_size(0) * LANES) {
            vec s = scale_at(x + at, c, channels, reach, share, k);
            store_lanes(load_lanes(x + at + c, channels - c) * power(s, -beta), y + at + c, channels - c);
        }
    }
}

/* dx = dy s^-beta; terms = dx x / s. */
__kernel void lrn_gradient_terms(__global const float *x, __global const float *dy, __global float *dx,
                                 __global float *terms, int width, int channels, int reach, float share, float beta,
                                 float k)
{
    for (int column = get_global_id(1); column < width; column += get_global_size(1)) {
        size_t at = (get_global_id(2) * width + column) * channels;
        for (int c = get_global_id(0) * LANES; c < channels; c += get_global_size(0) * LANES) {
            int n = channels - c;
            vec s = scale_at(x + at, c, channels, reach, share, k);
            vec d = load_lanes(dy + at + c, n) * power(s, -beta);
            store_lanes(d, dx + at + c, n);
            store_lanes(d * load_lanes(x + at + c, n) / s, terms + at + c, n);
        }
    }
}

/* dx -= factor x * (the sum of terms over the window). */
__kernel void lrn_gradient(__global const float *x, __global const float *terms, __global float *dx, int width,
                           int channels, int reach, float factor)
{
    for (int column = get_global_id(1); column < width; column += get_global_size(1)) {
        size_t at = (get_global_id(2) * width + column) * channels;
        for (int c = get_global_id(0) * LANES; c < channels; c += get_global_size(0) * LANES) {
            int n = channels - c;
            vec sum = 0.f;
            for (int d = -reach; d <= reach; d++) sum += channels_at(terms + at, c + d, channels);
            store_lanes(load_lanes(dx + at + c, n) - factor * load_lanes(x + at + c, n) * sum, dx + at + c, n);
        }
    }
}
