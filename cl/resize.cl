/* Bilinear resampling of h x w pixels (x, dx) to out_h x out_w (y, dy). Items as in framework/ops/rows.h, over the
 * pixels of what is written.
 *
 * Pixel o of an axis of `out` pixels lies at (o + 1/2) n / out - 1/2 = ((2 o + 1) n - out) / (2 out) of the axis of n.
 */

/* The pixels on both sides and the share of the second. */
typedef struct pair_ {
    int first, second;
    float share;
} pair_;

static inline pair_ neighbours(int o, int n, int out)
{
    int place = max((2 * o + 1) * n - out, 0);
    pair_ p;
    p.first = place / (2 * out);
    p.second = min(p.first + 1, n - 1);
    p.share = (float)(place % (2 * out)) / (float)(2 * out);
    return p;
}

__kernel void resize(__global const float *x, __global float *y, int h, int w, int channels, int out_h, int out_w)
{
    __global const float *image = x + get_global_id(2) / out_h * h * w * channels;
    __global float *line = y + get_global_id(2) * out_w * channels;
    pair_ v = neighbours(get_global_id(2) % out_h, h, out_h);
    __global const float *above = image + (size_t)v.first * w * channels;
    __global const float *below = image + (size_t)v.second * w * channels;
    for (int column = get_global_id(1); column < out_w; column += get_global_size(1)) {
        pair_ u = neighbours(column, w, out_w);
        for (int c = get_global_id(0) * LANES; c < channels; c += get_global_size(0) * LANES) {
            int left = u.first * channels + c, right = u.second * channels + c, n = channels - c;
            vec a = load_lanes(above + left, n), b = load_lanes(above + right, n);
            vec d = load_lanes(below + left, n), e = load_lanes(below + right, n);
            vec top = (1.f - u.share) * a + u.share * b, bottom = (1.f - u.share) * d + u.share * e;
            store_lanes((1.f - v.share) * top + v.share * bottom, line + (size_t)column * channels + c, n);
        }
    }
}

/* The pixels of the axis of `out` that lie less than 1 away from pixel i, or a few more, whose weight is 0. */
static inline int first_near(int i, int n, int out)
{
    int a = (2 * i - 1) * out - n;
    return a < 0 ? 0 : a / (2 * n) + 1;
}

static inline int last_near(int i, int n, int out) { return min(((2 * i + 3) * out - n - 1) / (2 * n), out - 1); }

/* The share of pixel i in pixel o. */
static inline float weight_of(int i, int o, int n, int out)
{
    int place = clamp((2 * o + 1) * n - out, 0, 2 * out * (n - 1));
    return max(1.f - abs(place - 2 * out * i) / (2.f * out), 0.f);
}

__kernel void resize_gradient(__global const float *dy, __global float *dx, int h, int w, int channels, int out_h,
                              int out_w)
{
    int row = get_global_id(2) % h;
    int top = first_near(row, h, out_h), bottom = last_near(row, h, out_h);
    __global const float *image = dy + get_global_id(2) / h * out_h * out_w * channels;
    __global float *line = dx + get_global_id(2) * w * channels;
    for (int column = get_global_id(1); column < w; column += get_global_size(1)) {
        int left = first_near(column, w, out_w), right = last_near(column, w, out_w);
        for (int c = get_global_id(0) * LANES; c < channels; c += get_global_size(0) * LANES) {
            vec sum = 0.f;
            for (int i = top; i <= bottom; i++) {
                float v = weight_of(row, i, h, out_h);
                for (int j = left; j <= right; j++) {
                    float share = v * weight_of(column, j, w, out_w);
                    sum += share * load_lanes(image + ((size_t)i * out_w + j) * channels + c, channels - c);
                }
            }
            store_lanes(sum, line + (size_t)column * channels + c, channels - c);
        }
    }
}
