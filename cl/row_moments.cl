/* Mean and squared deviations of the columns first, first + 1, ... of a row: ids (vector of channels, 0, row). The mean is
 * summed as differences from the first pixel; the second pass finds the row in the cache. */
__kernel void row_moments(__global const float *x, __global const float *columns, __global float *y, int width,
                          int channels)
{
    int c = get_global_id(0) * LANES, n = channels - c, count = (int)columns[1];
    if (n <= 0) return;
    x += (get_global_id(2) * width + (int)columns[0]) * channels + c;
    y += get_global_id(2) * 2 * channels + c;
    vec origin = load_lanes(x, n), shift = (vec)(0.f), deviation = (vec)(0.f);
    for (int i = 1; i < count; i++) shift += load_lanes(x + (size_t)i * channels, n) - origin;
    vec mean = origin + shift / count;
    for (int i = 0; i < count; i++) {
        vec d = load_lanes(x + (size_t)i * channels, n) - mean;
        deviation += d * d;
    }
    store_lanes(mean, y, n);
    store_lanes(deviation, y + channels, n);
}
