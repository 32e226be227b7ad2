/* Pooling. x and dx: images of h x w pixels; y and dy: of out_h x out_w. A window begins at (row, column) * STRIDE and
 * is cut at the lower and right border. Items as in framework/ops/rows.h, over the pixels of what is written.
 * Defines: SIZE of a window, STRIDE. */

__kernel void pool_max(__global const float *x, __global float *y, int h, int w, int channels, int out_h, int out_w)
{
    int row = get_global_id(2) % out_h, top = row * STRIDE, bottom = min(top + SIZE, h);
    __global const float *image = x + get_global_id(2) / out_h * h * w * channels;
    __global float *line = y + get_global_id(2) * out_w * channels;
    for (int ox = get_global_id(1); ox < out_w; ox += get_global_size(1)) {
        int left = ox * STRIDE, right = min(left + SIZE, w);
        for (int c = get_global_id(0) * LANES; c < channels; c += get_global_size(0) * LANES) {
            vec best = -INFINITY;
            for (int i = top; i < bottom; i++)
                for (int j = left; j < right; j++)
                    best = fmax(best, load_lanes(image + ((size_t)i * w + j) * channels + c, channels - c));
            store_lanes(best, line + (size_t)ox * channels + c, channels - c);
        }
    }
}

__kernel void pool_average(__global const float *x, __global float *y, int h, int w, int channels, int out_h, int out_w)
{
    int row = get_global_id(2) % out_h, top = row * STRIDE, bottom = min(top + SIZE, h);
    __global const float *image = x + get_global_id(2) / out_h * h * w * channels;
    __global float *line = y + get_global_id(2) * out_w * channels;
    for (int ox = get_global_id(1); ox < out_w; ox += get_global_size(1)) {
        int left = ox * STRIDE, right = min(left + SIZE, w);
        float share = 1.f / ((bottom - top) * (right - left));
        for (int c = get_global_id(0) * LANES; c < channels; c += get_global_size(0) * LANES) {
            vec sum = 0.f;
            for (int i = top; i < bottom; i++)
                for (int j = left; j < right; j++)
                    sum += load_lanes(image + ((size_t)i * w + j) * channels + c, channels - c);
            store_lanes(share * sum, line + (size_t)ox * channels + c, channels - c);
        }
    }
}

/* The windows that hold pixel i of an axis are first_window(i) to min(i / STRIDE, windows - 1). */
static inline int first_window(int i) { return i < SIZE ? 0 : (i - SIZE) / STRIDE + 1; }

__kernel void pool_max_gradient(__global const float *x, __global const float *dy, __global float *dx, int h, int w,
                                int channels, int out_h, int out_w)
{
    int row = get_global_id(2) % h, last_oy = min(row / STRIDE, out_h - 1);
    __global const float *image = x + get_global_id(2) / h * h * w * channels;
    __global const float *from = dy + get_global_id(2) / h * out_h * out_w * channels;
    __global float *line = dx + get_global_id(2) * w * channels;
    for (int column = get_global_id(1); column < w; column += get_global_size(1)) {
        int last_ox = min(column / STRIDE, out_w - 1);
        for (int c = get_global_id(0) * LANES; c < channels; c += get_global_size(0) * LANES) {
            int n = channels - c;
            vec own = load_lanes(image + ((size_t)row * w + column) * channels + c, n), sum = 0.f;
            for (int oy = first_window(row); oy <= last_oy; oy++)
                for (int ox = first_window(column); ox <= last_ox; ox++) {
                    ivec beaten = 0; /* by an equal pixel before this one, or by a larger one */
                    for (int i = oy * STRIDE; i < oy * STRIDE + SIZE; i++)
                        for (int j = ox * STRIDE; j < ox * STRIDE + SIZE; j++) {
                            size_t at = (size_t)min(i, h - 1) * w + min(j, w - 1); /* one twice does no harm */
                            vec other = load_lanes(image + at * channels + c, n);
                            bool before = i < row || (i == row && j < column);
                            beaten |= before ? other >= own : other > own;
                        }
                    vec d = load_lanes(from + ((size_t)oy * out_w + ox) * channels + c, n);
                    sum += beaten ? (vec)(0.f) : d;
                }
            store_lanes(sum, line + (size_t)column * channels + c, n);
        }
    }
}

__kernel void pool_average_gradient(__global const float *dy, __global float *dx, int h, int w, int channels, int out_h,
                                    int out_w)
{
    int row = get_global_id(2) % h, last_oy = min(row / STRIDE, out_h - 1);
    __global const float *from = dy + get_global_id(2) / h * out_h * out_w * channels;
    __global float *line = dx + get_global_id(2) * w * channels;
    for (int column = get_global_id(1); column < w; column += get_global_size(1)) {
        int last_ox = min(column / STRIDE, out_w - 1);
        for (int c = get_global_id(0) * LANES; c < channels; c += get_global_size(0) * LANES) {
            vec sum = 0.f;
            for (int oy = first_window(row); oy <= last_oy; oy++)
                for (int ox = first_window(column); ox <= last_ox; ox++) {
                    int high = min(SIZE, h - oy * STRIDE), wide = min(SIZE, w - ox * STRIDE);
                    sum += load_lanes(from + ((size_t)oy * out_w + ox) * channels + c, channels - c) *
                           (1.f / (high * wide));
                }
            store_lanes(sum, line + (size_t)column * channels + c, channels - c);
        }
    }
}
