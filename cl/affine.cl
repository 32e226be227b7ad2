/* y = scale[c] x + shift[c], each part with a flag that says whether it is there. x and y are NHWC of `count` floats,
 * read as pixels of `period` floats, a multiple of both the channels and LANES; y may be x.
 *
 * One item walks `run` pixels, for every (GPU family: for one) vector of the period. */

/* Numbers c, c + 1, ... of a vector that repeats after `channels`. */
static inline vec repeated(__global const float *p, int c, int channels)
{
    c %= channels;
    if (c + LANES <= channels) return vload_lanes(0, p + c);
    float part[LANES];
    for (int i = 0; i < LANES; i++) {
        part[i] = p[c];
        c = c + 1 < channels ? c + 1 : 0;
    }
    return vload_lanes(0, part);
}

__kernel void affine(__global const float *x, __global const float *scale, __global const float *shift,
                     __global float *y, int has_x, int has_scale, int has_shift, int channels, int period, int run,
                     ulong count)
{
    size_t first = get_global_id(1) * run, step = get_global_size(0) * LANES;
    for (size_t c = get_global_id(0) * LANES; c < period; c += step) {
        vec a = has_scale ? repeated(scale, c, channels) : (vec)(1.f);
        vec b = has_shift ? repeated(shift, c, channels) : (vec)(0.f);
        size_t end = min((ulong)((first + run) * period), count);
        for (size_t i = first * period + c; i < end; i += period)
            vstore_lanes(has_x ? fma(vload_lanes(0, x + i), a, b) : b, 0, y + i);
    }
}
