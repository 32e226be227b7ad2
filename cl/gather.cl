/* Pixels by number. Items as in framework/ops/rows.h, with one column: get_global_id(2) is the place in the list. */

static inline size_t row_of(__global const float *rows) { return (size_t)(rows[get_global_id(2)] + 0.5f); }

/* y[i] = x[rows[i]], each of `channels` floats. */
__kernel void gather(__global const float *x, __global const float *rows, __global float *y, int channels)
{
    x += row_of(rows) * channels;
    y += get_global_id(2) * (size_t)channels;
    for (int c = get_global_id(0) * LANES; c < channels; c += get_global_size(0) * LANES)
        copy_lanes(x + c, y + c, channels - c);
}

/* dx[rows[i]] = dy[i]; dx is 0 elsewhere before. */
__kernel void gather_gradient(__global const float *dy, __global const float *rows, __global float *dx, int channels)
{
    dx += row_of(rows) * channels;
    dy += get_global_id(2) * (size_t)channels;
    for (int c = get_global_id(0) * LANES; c < channels; c += get_global_size(0) * LANES)
        copy_lanes(dy + c, dx + c, channels - c);
}
