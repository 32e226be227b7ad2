/* y = (y +) w0 s0 + w1 s1 ..., the first n of eight, in this order. One work-item. */
__kernel void weighted_sum(__global const float *s0, __global const float *s1, __global const float *s2,
                           __global const float *s3, __global const float *s4, __global const float *s5,
                           __global const float *s6, __global const float *s7, float w0, float w1, float w2, float w3,
                           float w4, float w5, float w6, float w7, int n, int add, __global float *y)
{
    float sum = w0 * s0[0];
    if (add) sum += y[0];
    if (n > 1) sum += w1 * s1[0];
    if (n > 2) sum += w2 * s2[0];
    if (n > 3) sum += w3 * s3[0];
    if (n > 4) sum += w4 * s4[0];
    if (n > 5) sum += w5 * s5[0];
    if (n > 6) sum += w6 * s6[0];
    if (n > 7) sum += w7 * s7[0];
    y[0] = sum;
}
