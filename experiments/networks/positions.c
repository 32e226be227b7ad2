/* Positions. */
#include "networks/positions.h"

#include <stddef.h>

int positions_border(nx_shape features, int height, int border)
{
    int own = border * features.h / height;
    return own ? own : 1;
}

int positions_list(nx_shape features, int height, int border, int *rows)
{
    int own = positions_border(features, height, border), n = 0;
    for (int i = 0; i < features.n; i++)
        for (int y = own; y < features.h - own; y++)
            for (int x = own; x < features.w - own; x++, n++)
                if (rows) rows[n] = (i * features.h + y) * features.w + x;
    return n;
}
