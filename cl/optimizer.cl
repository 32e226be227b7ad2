/* Updates of a parameter w from its gradient g, in place. Flat over w; rate holds one float: the step's learning rate,
 * bias correction included. */
KERNEL void adam(__global float *w, __global const float *g, __global const float *rate, __global float *m,
                 __global float *v, float beta1, float beta2, float epsilon)
{
    float r = rate[0];
    FLAT_FOR(i)
    {
        vec d = vload_lanes(0, g + i);
        vec first = fma((vec)(beta1), vload_lanes(0, m + i), (1 - beta1) * d);
        vec second = fma((vec)(beta2), vload_lanes(0, v + i), (1 - beta2) * d * d);
        vstore_lanes(first, 0, m + i);
        vstore_lanes(second, 0, v + i);
        vstore_lanes(vload_lanes(0, w + i) - r * first / (sqrt(second) + epsilon), 0, w + i);
    }
}

KERNEL void sgd(__global float *w, __global const float *g, __global const float *rate, __global float *m,
                float momentum)
{
    float r = rate[0];
    FLAT_FOR(i)
    {
        vec first = fma((vec)(momentum), vload_lanes(0, m + i), vload_lanes(0, g + i));
        vstore_lanes(first, 0, m + i);
        vstore_lanes(vload_lanes(0, w + i) - r * first, 0, w + i);
    }
}
