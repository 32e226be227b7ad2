/* Positions of a layer's features: its pixels by number, (image * h + y) * w + x, but for a border, where the padding
 * speaks.
 *
 *     int *rows = nx_alloc((size_t)positions_list(shape, 128, 16, NULL) * sizeof *rows);
 *     int n = positions_list(shape, 128, 16, rows);
 */
#ifndef NETWORKS_POSITIONS_H
#define NETWORKS_POSITIONS_H

#include "graph/shape.h"

/* The border of features of a picture of `height` pixels, `border` of them at each side: 1 at least. */
int positions_border(nx_shape features, int height, int border);

/* Lists all positions within, image by image and row by row, unless rows is NULL; gives how many there are. */
int positions_list(nx_shape features, int height, int border, int *rows);

#endif
