/* y = a + a^T for each of a batch of c x c matrices. Work-item: (vector of a row, LANES rows, image), so that the
 * columns that it reads come in whole cache lines. */
__kernel void gram_symmetric(__global const float *a, __global float *y, int c)
{
    int column = get_global_id(0) * LANES, first = get_global_id(1) * LANES, left = c - column;
    if (left <= 0) return;
    size_t image = get_global_id(2) * c * c;
    for (int row = first; row < min(first + LANES, c); row++) {
        float mirrored[LANES];
        for (int j = 0; j < LANES; j++) mirrored[j] = j < left ? a[image + (size_t)(column + j) * c + row] : 0.f;
        size_t here = image + (size_t)row * c + column;
        store_lanes(load_lanes(a + here, left) + vload_lanes(0, mirrored), y + here, left);
    }
}
