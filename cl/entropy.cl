/* Nearest neighbours among n images; see framework/ops/entropy.h. */

/* The place of pair (i, j), i != j, in (0,1), (0,2) .. (1,2) .. */
static inline int pair(int i, int j, int n)
{
    int a = min(i, j), b = max(i, j);
    return a * (2 * n - a - 1) / 2 + b - a - 1;
}

/* One work-item. distances: squared, of all pairs; value: -scale * the sum of ln d; weights[n][n]: of x_i - x_j in the
 * gradient by x_i. */
__kernel void entropy(__global const float *distances, __global float *value, __global float *weights, int n,
                      float scale, int literal, float epsilon)
{
    float sum = 0.f;
    for (int i = 0; i < n * n; i++) weights[i] = 0.f;
    for (int i = 0; i < n; i++) {
        int nearest = i == 0;
        for (int j = 0; j < n; j++)
            if (j != i && distances[pair(i, j, n)] < distances[pair(i, nearest, n)]) nearest = j;
        float d = distances[pair(i, nearest, n)];
        float weight = !literal ? -2.f / (d + epsilon) : d > 0.f ? -2.f * scale / d : 0.f;
        weights[i * n + nearest] += weight;
        weights[nearest * n + i] += weight;
        sum += log(d);
    }
    value[0] = -scale * sum;
}

/* dx_i = dy sum_j w_ij (x_i - x_j). Flat in each image of `count` floats. */
KERNEL void entropy_gradient(__global const float *x, __global const float *weights, __global const float *dy,
                             __global float *dx, ulong count, int n)
{
    int image = get_global_id(1);
    float factor = dy[0];
    FLAT_FOR(i)
    {
        if (i >= count) break;
        int left = min((ulong)LANES, count - i);
        vec here = load_lanes(x + image * count + i, left), sum = (vec)(0.f);
        for (int j = 0; j < n; j++) {
            float weight = weights[image * n + j];
            if (weight != 0.f) sum += weight * (here - load_lanes(x + j * count + i, left));
        }
        store_lanes(factor * sum, dx + image * count + i, left);
    }
}
