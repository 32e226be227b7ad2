/* Softmax and cross-entropy of rows of `classes` numbers; see framework/ops/cross_entropy.h. A group takes one row, its
 * items the classes in turn. normalizer[row]: the largest number of the row, and the logarithm of the sum of exp(x -
 * largest). */

/* What is asked of class k of an image with this label. */
static inline float wanted(int k, float label, int classes, float smoothing)
{
    return smoothing / classes + (k == (int)label ? 1.f - smoothing : 0.f);
}

/* As group_sum of the prelude, of a maximum; every item has the result. */
static inline float group_max(float v, __local float *buffer)
{
#if GROUP == 1
    return v;
#else
    int lid = get_local_id(0);
    buffer[lid] = v;
    for (int half_ = GROUP / 2; half_ > 0; half_ /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lid < half_) buffer[lid] = fmax(buffer[lid], buffer[lid + half_]);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    float largest = buffer[0];
    barrier(CLK_LOCAL_MEM_FENCE); /* before the buffer is used again */
    return largest;
#endif
}

/* losses[row] = -sum q ln softmax(x) = ln sum exp(x - largest) - sum q (x - largest), for q sums to 1. */
KERNEL void cross_entropy(__global const float *x, __global const float *labels, __global float *losses,
                          __global float *normalizer, int classes, float smoothing)
{
    __local float buffer[GROUP];
    size_t row = get_group_id(0);
    float label = labels[row], largest = -INFINITY, sum = 0.f, asked = 0.f;
    x += row * classes;
    for (int k = get_local_id(0); k < classes; k += GROUP) largest = fmax(largest, x[k]);
    largest = group_max(largest, buffer);
    for (int k = get_local_id(0); k < classes; k += GROUP) {
        sum += exp(x[k] - largest);
        asked = fma(wanted(k, label, classes, smoothing), x[k] - largest, asked);
    }
    sum = group_sum(sum, buffer);
    barrier(CLK_LOCAL_MEM_FENCE); /* item 0 has read the buffer */
    asked = group_sum(asked, buffer);
    if (get_local_id(0)) return;
    normalizer[2 * row] = largest;
    normalizer[2 * row + 1] = log(sum);
    losses[row] = log(sum) - asked;
}

/* dx = factor dy (softmax(x) - q). */
KERNEL void cross_entropy_gradient(__global const float *x, __global const float *labels,
                                   __global const float *normalizer, __global const float *dy, __global float *dx,
                                   int classes, float smoothing, float factor)
{
    size_t row = get_group_id(0);
    float label = labels[row], largest = normalizer[2 * row], logarithm = normalizer[2 * row + 1];
    factor *= dy[0];
    x += row * classes;
    dx += row * classes;
    for (int k = get_local_id(0); k < classes; k += GROUP)
        dx[k] = factor * (exp(x[k] - largest - logarithm) - wanted(k, label, classes, smoothing));
}
