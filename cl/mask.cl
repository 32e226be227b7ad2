/* Every pixel times its weight; y may be x. Items as in framework/ops/rows.h; all images have the same weights. */
__kernel void mask(__global const float *x, __global const float *weights, __global float *y, int height, int width,
                   int channels)
{
    size_t line = get_global_id(2) * width * channels;
    weights += get_global_id(2) % height * width;
    for (int column = get_global_id(1); column < width; column += get_global_size(1))
        for (int c = get_global_id(0) * LANES; c < channels; c += get_global_size(0) * LANES) {
            size_t i = line + (size_t)column * channels + c;
            store_lanes(weights[column] * load_lanes(x + i, channels - c), y + i, channels - c);
        }
}
