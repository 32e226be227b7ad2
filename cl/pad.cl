/* Padding of h x w pixels (x, dx) to larger images (y, dy). Items as in framework/ops/rows.h, over the pixels of what
 * is written. */

__kernel void pad(__global const float *x, __global float *y, int h, int w, int channels, int out_h, int out_w, int top,
                  int left, int mode)
{
    int row = pad_index((int)(get_global_id(2) % out_h) - top, h, mode);
    __global const float *from = x + (get_global_id(2) / out_h * h + max(row, 0)) * w * channels;
    __global float *line = y + get_global_id(2) * out_w * channels;
    for (int place = get_global_id(1); place < out_w; place += get_global_size(1)) {
        int column = row < 0 ? -1 : pad_index(place - left, w, mode);
        for (int c = get_global_id(0) * LANES; c < channels; c += get_global_size(0) * LANES) {
            __global float *to = line + (size_t)place * channels + c;
            if (column < 0)
                store_lanes((vec)(0.f), to, channels - c);
            else
                copy_lanes(from + (size_t)column * channels + c, to, channels - c);
        }
    }
}

/* Where pixel i of an axis of n went: places[0..1], [2..3] and [4..5], first and last of each run, in a padded axis
 * with `before` and `after` pixels more. Runs may be empty, last < first. Returns whether there is but one place. */
static inline bool places_of(int i, int n, int before, int after, int mode, int *places)
{
    places[0] = places[1] = i + before;
    places[2] = places[4] = 0;
    places[3] = places[5] = -1;
    int end = before + n; /* the first place after the image */
    if (mode == PAD_REFLECT) {
        if (i >= 1 && i <= before) places[2] = places[3] = before - i;
        if (i <= n - 2 && i >= n - 1 - after) places[4] = places[5] = end + n - 2 - i;
    } else if (mode == PAD_REPLICATE) {
        if (i == 0) places[3] = before - 1;
        if (i == n - 1) {
            places[4] = end;
            places[5] = end + after - 1;
        }
    } else if (mode == PAD_CIRCULAR) {
        if (i >= n - before) places[2] = places[3] = i - (n - before);
        if (i < after) places[4] = places[5] = end + i;
    }
    return places[3] < places[2] && places[5] < places[4];
}

__kernel void pad_gradient(__global const float *dy, __global float *dx, int h, int w, int channels, int top,
                           int bottom, int left, int right, int mode, int out_w)
{
    int out_h = top + h + bottom, rows[6], columns[6];
    bool row_alone = places_of(get_global_id(2) % h, h, top, bottom, mode, rows);
    __global const float *image = dy + get_global_id(2) / h * out_h * out_w * channels;
    __global float *line = dx + get_global_id(2) * w * channels;
    for (int column = get_global_id(1); column < w; column += get_global_size(1)) {
        bool alone = places_of(column, w, left, right, mode, columns) && row_alone;
        for (int c = get_global_id(0) * LANES; c < channels; c += get_global_size(0) * LANES) {
            __global float *to = line + (size_t)column * channels + c;
            if (alone) {
                copy_lanes(image + ((size_t)rows[0] * out_w + columns[0]) * channels + c, to, channels - c);
                continue;
            }
            vec sum = 0.f;
            for (int a = 0; a < 6; a += 2)
                for (int i = rows[a]; i <= rows[a + 1]; i++)
                    for (int b = 0; b < 6; b += 2)
                        for (int j = columns[b]; j <= columns[b + 1]; j++)
                            sum += load_lanes(image + ((size_t)i * out_w + j) * channels + c, channels - c);
            store_lanes(sum, to, channels - c);
        }
    }
}
