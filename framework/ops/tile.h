/* The tiles of local memory in which the GPU family multiplies matrices (cl/conv_gpu.cl), for the operations that do:
 * not a header for users of operations.
 *
 * One table, of which the rule takes a row by the sizes and by what the device allows in a group, and `nstx tune`
 * tries every row that suits. Whichever is taken, the sums of one split are added in the same order.
 *
 *     nx_sums sums = {.rows = m, .columns = n, .products = 1, .terms = k};
 *     const nx_tile *tile = nx_tile_choose(info, &sums);
 *     nx_splits splits = nx_tile_splits(info, tile, &sums, NX_SPLIT_GROUPS);
 */
#ifndef NX_OPS_TILE_H
#define NX_OPS_TILE_H

#include "graph/plan.h"

typedef struct nx_tile {
    int pixels, channels; /* rows and columns of sums of a group */
    int rows, columns;    /* of them those of a work-item */
} nx_tile;

/* From the one that reads least for what it computes to the smallest. */
enum { NX_TILES = 7 };
extern const nx_tile nx_tiles[NX_TILES];

/* What is multiplied, as tiles see it. */
typedef struct nx_sums {
    size_t rows, columns;   /* of one product */
    size_t products;        /* beside each other */
    size_t terms;           /* of each sum; 0: it is not split */
    nx_precision precision; /* other than float32: by tensor cores, 32 x 32 sums of 32 work-items */
} nx_sums;

/* Whether the device allows the tile, and less than half of it would be idle; the smallest is never too large. */
bool nx_tile_suits(const nx_device_info *info, const nx_tile *tile, const nx_sums *sums);

/* The rule: the first that suits and gives every unit a group, if need be by splits; else the smallest that is allowed
 * and has a whole group of work-items. */
const nx_tile *nx_tile_choose(const nx_device_info *info, const nx_sums *sums);

/* The sum cut in parts that are added up in order. */
typedef struct nx_splits {
    int count, depth; /* terms of a split, the last may have fewer */
} nx_splits;

enum { NX_SPLIT_GROUPS = 4 }; /* groups for every unit, by the rule */

/* As many as give every unit so many groups, as long as a split has work and the parts little memory. */
nx_splits nx_tile_splits(const nx_device_info *info, const nx_tile *tile, const nx_sums *sums, int groups);
nx_splits nx_splits_into(size_t terms, size_t count); /* about so many, never more */

/* For algorithms: adds the choices of a tile that suits and, where the sum may be split, of so many splits as give
 * every unit a few groups or many. What the rule takes is there already, as `plain`. How many. */
typedef struct nx_choice nx_choice;
size_t nx_tile_variants(const nx_device_info *info, const nx_sums *sums, bool split, nx_choice plain, nx_choice *out);

/* For launches: the compiler's definitions of the tile, where `width` is 4 or 1, and `more`; the groups. */
void nx_tile_defines(char *text, size_t size, const nx_tile *tile, const nx_sums *sums, int width, const char *more);
nx_range nx_tile_range(const nx_tile *tile, const nx_sums *sums, size_t splits);

#endif
