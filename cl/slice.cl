/* Copies of boxes. A box is images of `height` rows of `runs` runs of `length` floats that follow each other in memory;
 * from and to are tensors of from_height and to_height rows an image, from_row and to_row floats a row, and from_run
 * and to_run floats between the beginnings of two runs; the box begins at floats from_first and to_first. Items as in
 * framework/ops/rows.h, with runs as columns and the floats of a run as channels. */

__kernel void slice_copy(__global const float *from, __global float *to, ulong from_first, ulong to_first, int height,
                         int runs, int length, int from_height, int from_row, int from_run, int to_height, int to_row,
                         int to_run)
{
    size_t image = get_global_id(2) / height, row = get_global_id(2) % height;
    from += from_first + (image * from_height + row) * from_row;
    to += to_first + (image * to_height + row) * to_row;
    for (int r = get_global_id(1); r < runs; r += get_global_size(1))
        for (int c = get_global_id(0) * LANES; c < length; c += get_global_size(0) * LANES)
            copy_lanes(from + (size_t)r * from_run + c, to + (size_t)r * to_run + c, length - c);
}

/* Flat. */
KERNEL void slice_zero(__global float *x) { FLAT_FOR(i) vstore_lanes((vec)(0.f), 0, x + i); }
