/* One axis of a picture cut into tiles that overlap: each tile keeps a span of its own and sees a halo around it.
 *
 *     tile_axis rows = tile_axis_new(4095, 512, 64, 4, false);
 *     for (int i = 0; i < rows.tiles; i++) {
 *         tile_span s = tile_axis_at(&rows, i);         sees rows.window rows from s.from on,
 *         ...                                           keeps s.count from s.first on
 *     }
 *
 * All windows are equally long, so that one plan serves all of them, and begin at multiples of a unit, as the picture
 * does. At the border of the picture a window ends where the picture does: the network pads there as it does for the
 * whole. On a torus a window goes on at the other side.
 */
#ifndef APPLY_TILES_H
#define APPLY_TILES_H

#include <stdbool.h>

typedef struct tile_axis {
    int size, keep, halo, window, tiles; /* window: at most size, but on a torus */
    bool torus;
} tile_axis;

typedef struct tile_span {
    int from, first, count; /* from: of the window, on a torus perhaps negative */
} tile_span;

/* keep >= size: one tile, the whole axis, without a halo. keep and halo, and the size of a torus, are multiples of
 * unit. */
tile_axis tile_axis_new(int size, int keep, int halo, int unit, bool torus);
tile_span tile_axis_at(const tile_axis *a, int i);

/* What tile i keeps of a tensor of so many rows, each of which is `ratio` pixels: places there. The tensor may begin
 * `beyond` rows before the window, as one that was padded does, and end after it: of that the first and the last tile
 * of the axis keep what lies beyond the picture. */
tile_span tile_axis_rows(const tile_axis *a, int i, int rows, int ratio, int beyond);

/* Mean and squared deviations of numbers by channel, put together from parts. */
typedef struct moments {
    int channels;
    double count, *mean, *squares; /* [channels] */
} moments;

void moments_clear(moments *m, int channels); /* of a zeroed struct or a used one */
void moments_free(moments *m);

/* Adds `count` numbers of each channel that have this mean and sum of squared differences from it. */
void moments_merge(moments *m, double count, const float *mean, const float *squares);

#endif
