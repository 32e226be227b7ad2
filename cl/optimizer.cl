/* Updates of all parameters from their gradients, in place. Each group takes one block of BLOCK numbers; row `first` +
 * its own number of the table says where the block lies, in blocks from the start of each buffer: of the parameters
 * (w), their gradients (g) and moments (m, v). rate holds one float: the step's learning rate, bias correction
 * included. squares holds one, too: the sum of the squares of all gradients, which are scaled for its root to be at most
 * `clip`; clip 0: they are not, and squares means nothing. Then decay w is added to each. */
#define BLOCK        (GROUP * FLAT_BLOCK)
#define BLOCK_FOR(i) for (size_t i = get_local_id(0) * FLAT_BLOCK, end_ = i + FLAT_BLOCK; i < end_; i += LANES)

static inline float factor_of(__global const float *squares, float clip)
{
    return clip > 0.f && squares[0] > clip * clip ? clip / sqrt(squares[0]) : 1.f;
}

KERNEL void adam(__global float *w, __global const float *g, __global float *m, __global float *v,
                 __global const int4 *table, int first, __global const float *rate, __global const float *squares,
                 float clip, float decay, float beta1, float beta2, float epsilon)
{
    int4 at = table[first + get_group_id(0)];
    float r = rate[0], factor = factor_of(squares, clip);
    w += (size_t)at.x * BLOCK;
    g += (size_t)at.y * BLOCK;
    m += (size_t)at.z * BLOCK;
    v += (size_t)at.w * BLOCK;
    BLOCK_FOR(i)
    {
        vec weight = vload_lanes(0, w + i), d = fma((vec)(decay), weight, factor * vload_lanes(0, g + i));
        vec one = fma((vec)(beta1), vload_lanes(0, m + i), (1 - beta1) * d);
        vec two = fma((vec)(beta2), vload_lanes(0, v + i), (1 - beta2) * d * d);
        vstore_lanes(one, 0, m + i);
        vstore_lanes(two, 0, v + i);
        vstore_lanes(weight - r * one / (sqrt(two) + epsilon), 0, w + i);
    }
}

KERNEL void sgd(__global float *w, __global const float *g, __global float *m, __global const int4 *table, int first,
                __global const float *rate, __global const float *squares, float clip, float decay, float momentum)
{
    int4 at = table[first + get_group_id(0)];
    float r = rate[0], factor = factor_of(squares, clip);
    w += (size_t)at.x * BLOCK;
    g += (size_t)at.y * BLOCK;
    m += (size_t)at.z * BLOCK;
    BLOCK_FOR(i)
    {
        vec weight = vload_lanes(0, w + i), d = fma((vec)(decay), weight, factor * vload_lanes(0, g + i));
        vec one = fma((vec)(momentum), vload_lanes(0, m + i), d);
        vstore_lanes(one, 0, m + i);
        vstore_lanes(weight - r * one, 0, w + i);
    }
}

/* x back between its bounds. Flat. */
KERNEL void bound(__global float *x, __global const float *lower, __global const float *upper)
{
    FLAT_FOR(i)
    vstore_lanes(clamp(vload_lanes(0, x + i), vload_lanes(0, lower + i), vload_lanes(0, upper + i)), 0, x + i);
}
