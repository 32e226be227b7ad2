/* Nearest enlargement. Items as in framework/ops/rows.h, over the pixels of what is written, which is `width` wide.
 * Rows of all images count on: row r of the large tensor is row r / factor of the small one. */

__kernel void upsample_nearest(__global const float *x, __global float *y, int width, int channels, int factor)
{
    __global const float *from = x + get_global_id(2) / factor * (width / factor) * channels;
    __global float *line = y + get_global_id(2) * width * channels;
    for (int column = get_global_id(1); column < width; column += get_global_size(1))
        for (int c = get_global_id(0) * LANES; c < channels; c += get_global_size(0) * LANES)
            store_lanes(load_lanes(from + (size_t)(column / factor) * channels + c, channels - c),
                        line + (size_t)column * channels + c, channels - c);
}

__kernel void upsample_nearest_gradient(__global const float *dy, __global float *dx, int width, int channels,
                                        int factor)
{
    size_t large = (size_t)width * factor * channels; /* floats of a row of dy */
    __global const float *from = dy + get_global_id(2) * factor * large;
    __global float *line = dx + get_global_id(2) * width * channels;
    for (int column = get_global_id(1); column < width; column += get_global_size(1))
        for (int c = get_global_id(0) * LANES; c < channels; c += get_global_size(0) * LANES) {
            vec sum = 0.f;
            for (int i = 0; i < factor; i++)
                for (int j = 0; j < factor; j++)
                    sum += load_lanes(from + i * large + ((size_t)column * factor + j) * channels + c, channels - c);
            store_lanes(sum, line + (size_t)column * channels + c, channels - c);
        }
}
