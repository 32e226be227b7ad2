/* Solids and the rays that meet them: balls, blocks and tubes, each squeezed, turned and moved at will, in a tree of
 * boxes. It knows no light and no colour beyond the paint that a solid carries.
 *
 *     solids s = {0};
 *     solids_add(&s, (solid){BALL, .centre = v(0, 1, 5), .half = v(1, 1, 1), .paint = {PAINT_PLAIN, red}});
 *     solids_build(&s);
 *     if (solids_hit(&s, eye, direction, 1e9f, &hit)) ...
 *     solids_free(&s); */
#ifndef SOLID_H
#define SOLID_H

#include "art.h"

/* What a surface is made of: scene.c has one function for each. */
typedef enum paint_kind {
    PAINT_PLAIN,
    PAINT_WOOD,
    PAINT_TILES,
    PAINT_MARBLE,
    PAINT_CLOTH,
    PAINT_BRICK,
    PAINT_FACADE,
    PAINT_LEAF,
    PAINT_BARK,
    PAINT_PETAL,
    PAINT_FRUIT,
    PAINT_ROAD,
    PAINT_GRASS,
    PAINT_STONE,
    PAINT_PICTURE,
    PAINT_LAMP,
    PAINT_KINDS
} paint_kind;

typedef struct paint {
    paint_kind kind;
    v3 first, second; /* two colours, used as the paint likes; a plain one has the first alone */
    float scale;      /* of its pattern, in metres */
    float shine;      /* reflection seen head on: 0 dull, .04 varnish, .6 metal */
    uint32_t seed;
} paint;

typedef enum shape { BALL, BLOCK, TUBE } shape;

typedef struct solid {
    shape shape;
    v3 centre, half;         /* half sizes along its own axes */
    v3 up;                   /* its own y axis; zero: straight up */
    float turn;              /* around that axis, radians */
    float taper;             /* TUBE: the upper radius is 1 - taper of the lower */
    float holes;             /* 0 to 1: this part of the surface is missing, as between leaves */
    paint paint;             /* the colours */
    v3 axis[3], to_local[3]; /* filled by solids_add: its axes, and the same over the half sizes */
} solid;

typedef struct solids {
    solid *items;
    int count;
    struct solid_box *boxes;
    int box_count;
} solids;

typedef struct hit {
    float t;
    v3 normal; /* of unit length, outward */
    v3 own;    /* the place in the solid's own axes, each in -1 to 1 */
    const solid *solid;
} hit;

void solids_add(solids *s, solid one);

/* The x and z axes, unturned, of a solid whose y axis is `up` (of unit length). */
void solid_frame(v3 up, v3 *side, v3 *front);

void solids_build(solids *s); /* once, after the last solids_add */
void solids_free(solids *s);

/* The nearest solid at a distance below `limit`; direction is of unit length. */
bool solids_hit(const solids *s, v3 from, v3 direction, float limit, hit *out);

/* Whether anything is nearer than `limit`. */
bool solids_block(const solids *s, v3 from, v3 direction, float limit);

#endif
