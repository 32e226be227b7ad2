/* A place with weather, land, water and solids, and a camera that takes its picture. photo.c decides what stands in a
 * scene; this file knows how it looks: sky, clouds, haze, ground, paints, light and shadow, film.
 *
 *     scene s = {.eye = v(0, 1.7f, 0), .look = v(0, 0, 1), .field = 1, .weather = NOON};
 *     solids_add(&s.solids, ...);
 *     picture p = scene_shoot(&s, 320, 256);
 *     scene_free(&s); */
#ifndef SCENE_H
#define SCENE_H

#include "solid.h"

typedef enum weather { NOON, GOLDEN, SUNSET, OVERCAST, MIST, STORM, DUSK, NIGHT, WEATHERS } weather;
typedef enum land_kind { LAND_NONE, LAND_MOUNTAINS, LAND_HILLS, LAND_DUNES, LAND_COAST, LAND_PLAIN } land_kind;

typedef struct land {
    land_kind kind;
    float height, size; /* of its hills, metres */
    float water;        /* level of the water; below every height for none */
    float waves;        /* steepness of the water's waves */
    float forest;       /* share of the land under trees, 0 to 1 */
    float snow;         /* height above which snow lies */
    float rows;         /* width of the rows of a field; 0: none */
    float flowers;      /* share of blossoms near the camera */
    v3 grass, dry, rock, tree, blossom;
} land;

typedef struct lamp { /* a shining rectangle, indoors */
    v3 corner, side, up;
    v3 colour;
} lamp;

typedef struct film {
    float exposure; /* 1: the middle of the picture's brightness becomes middle grey */
    float contrast, saturation, grain, vignette, bloom;
    v3 cast; /* colour of the light that counts as white */
} film;

typedef struct scene {
    uint32_t seed;
    v3 eye, look;   /* look: direction, of any length */
    float field;    /* width of the picture over its distance */
    float shift;    /* moves the picture up, in parts of its width: the horizon sinks */
    float lens;     /* radius in metres; 0: all is sharp */
    float focus;    /* distance, metres */
    int shade_rays; /* rays that look for the surroundings' light, smoothed after; 0: no occlusion */
    weather weather;
    float sun_turn;    /* 0: the sun ahead; pi: behind the camera */
    float sun_height;  /* radians; 0: as the weather likes */
    float cover, haze; /* clouds, 0 to 1; thickness of the air, 1 usual */
    float lit;         /* share of the windows with light */
    float room;        /* light that a closed room has by itself; 0: outdoors */
    land land;
    solids solids;
    lamp lamp;
    film film;
} scene;

picture scene_shoot(scene *s, int w, int h); /* sRGB values in [0, 1]; the caller frees it */
void scene_free(scene *s);                   /* its solids */

/* Height of the land, for things that stand on it. Details smaller than `footprint` metres are left out. */
float scene_ground(const scene *s, float x, float z, float footprint);

/* Nearly as scene_shoot, but linear light before the film: an underpainting. */
picture scene_light(scene *s, int w, int h);

#endif
