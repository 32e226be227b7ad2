/* Quotients of scalars. One work-item. */

__kernel void quotient(__global const float *a, __global const float *b, __global float *y) { y[0] = a[0] / b[0]; }

/* db = -dy a / b^2 */
__kernel void quotient_gradient(__global const float *a, __global const float *b, __global const float *dy,
                                __global float *db)
{
    db[0] = -(dy[0] / b[0]) * (a[0] / b[0]);
}
