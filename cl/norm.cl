/* Normalisation by channel of `groups` groups, each of `total` floats, channels fastest. See framework/ops/norm.h.
 *
 * A group is read in lines of `period` floats, the least common multiple of the channels and WIDTH, so that vectors are
 * whole whatever the channels are: place p of a line is channel p % channels. A work-item owns WIDTH places of a segment
 * of `run` lines: ids (block of places, segment, group). The last line may be cut short by the group's end.
 *
 * parts: [group][segment][3][period], mean, squared deviations from it, and count; of the gradient two sums.
 * statistics: [group][3][channels], mean, 1 / sqrt(variance + epsilon), variance. Two passes over a segment, while it is
 * in the cache, give its part, or the convolution before leaves parts of its own; they are merged by the formula of Chan
 * et al. No difference of large sums anywhere.
 *
 * Defines: VECTORS (of a work-item). */
#define WIDTH (VECTORS * LANES)
#define EACH(v) _Pragma("unroll") for (int v = 0; v < VECTORS; v++)

/* Like load_lanes and store_lanes for a place of which `left` floats, or none, or less than none are left. */
static inline vec load_left(__global const float *p, long left)
{
    return left >= LANES ? vload_lanes(0, p) : left > 0 ? load_lanes(p, (int)left) : (vec)(0.f);
}

static inline void store_left(vec v, __global float *p, long left)
{
    if (left >= LANES)
        vstore_lanes(v, 0, p);
    else if (left > 0)
        store_lanes(v, p, (int)left);
}

static inline vec keep_left(vec v, long left)
{
    if (left >= LANES) return v;
    float part[LANES];
    vstore_lanes(v, 0, part);
    for (int i = max(0L, left); i < LANES; i++) part[i] = 0.f;
    return vload_lanes(0, part);
}

/* The values of the channels of places p, p + 1, ... */
static inline vec of_channels(__global const float *values, int p, int channels)
{
    int c = p % channels;
    if (c + LANES <= channels) return vload_lanes(0, values + c);
    float part[LANES];
    for (int i = 0; i < LANES; i++, c = c + 1 < channels ? c + 1 : 0) part[i] = values[c];
    return vload_lanes(0, part);
}

/* Lines of a segment in which place p exists. */
static inline int lines_at(int p, int segment, int run, ulong total, int period)
{
    long lines = p < total ? (total - p - 1) / period + 1 : 0;
    return clamp(lines - (long)segment * run, 0L, (long)run);
}

#define PLACE ((int)get_global_id(0) * WIDTH)
#define SEGMENT ((int)get_global_id(1))
#define LINES lines_at(PLACE, SEGMENT, run, total, period)
#define START (get_global_id(2) * total + (size_t)SEGMENT * run * period + PLACE)    /* of the item, in the tensor */
#define LEFT (long)(total - (size_t)SEGMENT * run * period - PLACE)                 /* floats from there to the end */
#define PART(rows) (((get_global_id(2) * get_global_size(1) + SEGMENT) * rows) * period + PLACE) /* of the item */

__kernel void norm_statistics(__global const float *x, __global float *parts, ulong total, int period, int run)
{
    int lines = LINES;
    long left = LEFT;
    x += START;
    parts += PART(3);
    vec mean[VECTORS], count[VECTORS], first[VECTORS], second[VECTORS];
    EACH(v)
    {
        float counts[LANES];
        for (int i = 0; i < LANES; i++) counts[i] = lines_at(PLACE + v * LANES + i, SEGMENT, run, total, period);
        count[v] = vload_lanes(0, counts);
        vstore_lanes(count[v], 0, parts + 2 * period + v * LANES);
        count[v] = fmax(count[v], (vec)(1.f));
        mean[v] = first[v] = second[v] = (vec)(0.f);
    }
    for (int r = 0; r < lines; r++)
        EACH(v) mean[v] += load_left(x + (size_t)r * period + v * LANES, left - (long)r * period - v * LANES);
    EACH(v) mean[v] /= count[v];
    for (int r = 0; r < lines; r++)
        EACH(v)
        {
            long l = left - (long)r * period - v * LANES;
            vec d = keep_left(load_left(x + (size_t)r * period + v * LANES, l) - mean[v], l);
            first[v] += d;
            second[v] = fma(d, d, second[v]);
        }
    EACH(v) /* the mean was rounded: correct both by what the deviations from it sum up to */
    {
        vstore_lanes(mean[v] + first[v] / count[v], 0, parts + v * LANES);
        vstore_lanes(second[v] - first[v] * first[v] / count[v], 0, parts + period + v * LANES);
    }
}

/* The sum over a group, for all its items; buffer holds GROUP + 1 floats. */
static inline float everyone(float v, __local float *buffer)
{
    v = group_sum(v, buffer);
#if GROUP > 1
    if (get_local_id(0) == 0) buffer[GROUP] = v;
    barrier(CLK_LOCAL_MEM_FENCE);
    v = buffer[GROUP];
#endif
    return v;
}

/* Group = channel + channels * group: merges the segments. */
KERNEL void norm_merge(__global const float *parts, __global float *statistics, ulong total, int period, int segments,
                       int channels, float epsilon)
{
    __local float buffer[GROUP + 1];
    int channel = get_group_id(0) % channels, group = get_group_id(0) / channels;
    float count = total / channels;
    parts += (size_t)group * segments * 3 * period;
    float origin = parts[channel], shift = 0.f, deviation = 0.f; /* means are summed as differences from one of them */
    for (int s = get_local_id(0); s < segments; s += GROUP)
        for (int p = channel; p < period; p += channels) {
            __global const float *part = parts + (size_t)s * 3 * period + p;
            shift += part[2 * period] * (part[0] - origin);
        }
    shift = everyone(shift, buffer) / count;
    for (int s = get_local_id(0); s < segments; s += GROUP)
        for (int p = channel; p < period; p += channels) {
            __global const float *part = parts + (size_t)s * 3 * period + p;
            float d = part[0] - origin - shift;
            if (part[2 * period]) deviation += fma(part[2 * period] * d, d, part[period]);
        }
    deviation = everyone(deviation, buffer);
    if (get_local_id(0)) return;
    statistics += (size_t)group * 3 * channels + channel;
    statistics[0] = origin + shift;
    statistics[channels] = 1.f / sqrt(deviation / count + epsilon);
    statistics[2 * channels] = deviation / count;
}

/* Work-item: channel. Statistics of an evaluation, and the update of running ones by those of training. */
__kernel void norm_running(__global const float *mean, __global const float *variance, __global float *statistics,
                           int channels, float epsilon)
{
    int c = get_global_id(0);
    statistics[c] = mean[c];
    statistics[channels + c] = 1.f / sqrt(variance[c] + epsilon);
    statistics[2 * channels + c] = variance[c];
}

__kernel void norm_update(__global const float *statistics, __global float *mean, __global float *variance,
                          int channels, float momentum, float unbiased)
{
    int c = get_global_id(0);
    mean[c] += momentum * (statistics[c] - mean[c]);
    variance[c] += momentum * (unbiased * statistics[2 * channels + c] - variance[c]);
}

/* kind: ACTIVATION of framework/ops/activation.h. slope: of the negative side, 1 without activation, 0 for ReLU. */
#define TANH 3
static inline vec activate(vec v, int kind, float slope)
{
    if (kind == TANH) return tanh(v);
    return v > 0.f ? v : slope * v;
}

/* dy times the activation's slope, from its output. */
static inline vec through(vec dy, vec y, int kind, float slope)
{
    if (kind == TANH) return dy * (1.f - y * y);
    return y > 0.f ? dy : slope * dy;
}

/* y may be x. */
/* residual is read where `add` is set. */
__kernel void norm_apply(__global const float *x, __global const float *statistics, __global const float *gamma,
                         __global const float *beta, __global const float *residual, __global float *y, ulong total,
                         int period, int run, int channels, int affine, int add, int kind, float slope)
{
    int lines = LINES;
    long left = LEFT;
    x += START;
    y += START;
    residual += START;
    statistics += get_global_id(2) * 3 * channels;
    vec mean[VECTORS], scale[VECTORS], shift[VECTORS];
    EACH(v)
    {
        int p = PLACE + v * LANES;
        mean[v] = of_channels(statistics, p, channels);
        scale[v] = of_channels(statistics + channels, p, channels);
        if (affine) scale[v] *= of_channels(gamma, p, channels);
        shift[v] = affine ? of_channels(beta, p, channels) : (vec)(0.f);
    }
    for (int r = 0; r < lines; r++)
        EACH(v)
        {
            size_t i = (size_t)r * period + v * LANES;
            vec z = activate(fma(load_left(x + i, left - (long)i) - mean[v], scale[v], shift[v]), kind, slope);
            if (add) z += load_left(residual + i, left - (long)i);
            store_left(z, y + i, left - (long)i);
        }
}

/* The same into some of the channels of another tensor, from `first` of its `to_channels` on, each pixel as a square of
 * factor x factor. Items as in framework/ops/rows.h, over the pixels of x; a group has so many rows. */
__kernel void norm_place(__global const float *x, __global const float *statistics, __global const float *gamma,
                         __global const float *beta, __global float *y, int rows, int width, int channels, int affine,
                         int kind, float slope, int factor, int to_channels, int first)
{
    size_t to_row = (size_t)width * factor * to_channels;
    statistics += get_global_id(2) / rows * 3 * channels;
    x += get_global_id(2) * width * channels;
    y += get_global_id(2) * factor * to_row + first;
    for (int c = get_global_id(0) * LANES; c < channels; c += get_global_size(0) * LANES) {
        int n = channels - c;
        vec mean = load_lanes(statistics + c, n), scale = load_lanes(statistics + channels + c, n), shift = 0.f;
        if (affine) {
            scale *= load_lanes(gamma + c, n);
            shift = load_lanes(beta + c, n);
        }
        for (int column = get_global_id(1); column < width; column += get_global_size(1)) {
            vec z = activate(fma(load_lanes(x + (size_t)column * channels + c, n) - mean, scale, shift), kind, slope);
            for (int i = 0; i < factor; i++)
                for (int j = 0; j < factor; j++)
                    store_lanes(z, y + i * to_row + ((size_t)column * factor + j) * to_channels + c, n);
        }
    }
}

/* parts: the sums of dz and of dz xhat, where dz = dy through the activation. kind 0: y is not read. */
__kernel void norm_gradient_sums(__global const float *x, __global const float *y, __global const float *dy,
                                 __global const float *statistics, __global float *parts, ulong total, int period,
                                 int run, int channels, int kind, float slope)
{
    int lines = LINES;
    long left = LEFT;
    x += START;
    y += START;
    dy += START;
    parts += PART(2);
    statistics += get_global_id(2) * 3 * channels;
    vec mean[VECTORS], scale[VECTORS], first[VECTORS], second[VECTORS];
    EACH(v)
    {
        mean[v] = of_channels(statistics, PLACE + v * LANES, channels);
        scale[v] = of_channels(statistics + channels, PLACE + v * LANES, channels);
        first[v] = second[v] = (vec)(0.f);
    }
    for (int r = 0; r < lines; r++)
        EACH(v)
        {
            size_t i = (size_t)r * period + v * LANES;
            long l = left - (long)i;
            vec dz = load_left(dy + i, l);
            if (kind) dz = through(dz, load_left(y + i, l), kind, slope);
            first[v] += dz;
            second[v] = fma(dz, (load_left(x + i, l) - mean[v]) * scale[v], second[v]);
        }
    EACH(v)
    {
        vstore_lanes(first[v], 0, parts + v * LANES);
        vstore_lanes(second[v], 0, parts + period + v * LANES);
    }
}

/* Group = channel. means: [group][2][channels], of dz and of dz xhat over the group, or zero with fixed statistics;
 * dgamma and dbeta: sums over all groups. */
KERNEL void norm_gradient_merge(__global const float *parts, __global float *means, __global float *dgamma,
                                __global float *dbeta, ulong total, int period, int segments, int groups, int channels,
                                int fixed_statistics)
{
    __local float buffer[GROUP + 1];
    int channel = get_group_id(0);
    float count = total / channels, all_first = 0.f, all_second = 0.f;
    for (int g = 0; g < groups; g++) {
        float first = 0.f, second = 0.f;
        for (int s = get_local_id(0); s < segments; s += GROUP)
            for (int p = channel; p < period; p += channels) {
                __global const float *part = parts + ((size_t)g * segments + s) * 2 * period + p;
                first += part[0];
                second += part[period];
            }
        first = everyone(first, buffer);
        second = everyone(second, buffer);
        all_first += first;
        all_second += second;
        if (get_local_id(0)) continue;
        means[(size_t)g * 2 * channels + channel] = fixed_statistics ? 0.f : first / count;
        means[((size_t)g * 2 + 1) * channels + channel] = fixed_statistics ? 0.f : second / count;
    }
    if (get_local_id(0)) return;
    dgamma[channel] = all_second;
    dbeta[channel] = all_first;
}

/* dx = gamma / sqrt(variance + epsilon) (dz - mean of dz - xhat mean of dz xhat); dx may be dy. */
__kernel void norm_gradient_apply(__global const float *x, __global const float *y, __global const float *dy,
                                  __global const float *statistics, __global const float *gamma,
                                  __global const float *means, __global float *dx, ulong total, int period, int run,
                                  int channels, int affine, int kind, float slope)
{
    int lines = LINES;
    long left = LEFT;
    x += START;
    y += START;
    dy += START;
    dx += START;
    statistics += get_global_id(2) * 3 * channels;
    means += get_global_id(2) * 2 * channels;
    vec mean[VECTORS], scale[VECTORS], flat[VECTORS], along[VECTORS];
    EACH(v)
    {
        int p = PLACE + v * LANES;
        mean[v] = of_channels(statistics, p, channels);
        scale[v] = of_channels(statistics + channels, p, channels);
        flat[v] = of_channels(means, p, channels);
        along[v] = of_channels(means + channels, p, channels) * scale[v];
        if (affine) scale[v] *= of_channels(gamma, p, channels);
    }
    for (int r = 0; r < lines; r++)
        EACH(v)
        {
            size_t i = (size_t)r * period + v * LANES;
            long l = left - (long)i;
            vec dz = load_left(dy + i, l);
            if (kind) dz = through(dz, load_left(y + i, l), kind, slope);
            vec d = load_left(x + i, l) - mean[v];
            store_left(scale[v] * (dz - flat[v] - d * along[v]), dx + i, l);
        }
}
