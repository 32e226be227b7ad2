/* A trained generator, opened once and applied to many pictures: a model file of nstx, or a network of others
 * (runfile/model).
 *
 * Not here: files of pictures (io/image), and what a command does around the network (stylize.c).
 *
 *     generator *g;
 *     if (!generator_open(&g, "starry.model.h5", &device->info, &err)) return fail_with(&err, EXIT_FAILED);
 *     generator_options o = {.seed = 1, .noise_scale = GENERATOR_NOISE_AS_TRAINED};
 *     bool done = generator_apply(g, device, &photo, &o, &stylized, &err);
 *     generator_free(g);                                              before the device
 *
 * A picture that is too small for the network, or whose sides are no multiples where it takes these alone, is continued
 * by its border pixels, below and to the right. What the network makes is cropped to the picture's size.
 *
 * What does not fit into the memory allowed is made in tiles, each with a halo as wide as the network sees. Instance
 * normalization still takes the statistics of the whole picture: they are measured first, layer by layer, in passes
 * over all tiles. So a picture made in tiles is the same one, up to rounding (notes/decisions/005-tiles.md).
 */
#ifndef APPLY_GENERATOR_H
#define APPLY_GENERATOR_H

#include "device/program.h"
#include "graph/graph.h"
#include "io/image.h"
#include "runfile/model.h"

#define GENERATOR_NOISE_AS_TRAINED (-1.)

typedef struct generator generator;

typedef struct generator_options {
    uint64_t seed, number;  /* of the noise: picture `number` of that seed */
    double noise_scale;     /* factor on uniform or normal noise; negative: what the model was trained with */
    int tile;               /* pixels a side that a tile keeps, rounded up to a multiple; 0: whole, or what fits */
    uint64_t memory;        /* bytes of the device that may be taken; 0: its share of generator_memory, from which on a
                               processor the host takes what it holds of the picture */
    nx_precision precision; /* of the device that it is applied on, by whoever opens that */
    int generators;         /* that share it; 0: there is one */
    bool (*goes_on)(nx_error *err); /* asked between tiles that are measured; false ends it with that error; or NULL */
} generator_options;

/* What a generator takes, and what its last picture took. */
typedef struct generator_facts {
    const char *file; /* of the model */
    bool texture;     /* it makes pictures from noise alone: generator_sample, not generator_apply */
    bool noise;       /* the seed matters */
    int multiple;     /* sides of samples are multiples of this */
    int least;        /* and of no fewer pixels than this */
    bool one_size;    /* it makes squares of that side alone */
    bool uneven;      /* it takes content of any sides from the least on */
    uint64_t bytes;   /* of the device, planned for the last picture, parameters among them */
    double seconds;   /* of the last picture: from the upload to the result, without planning */
    int tiles;        /* of the last picture; 1: it was made whole */
    int tile, halo;   /* pixels a side that a tile keeps, and that it sees around them */
    int passes;       /* over all tiles that measured statistics, before the one that made the picture */
} generator_facts;

/* Reads the model; info is of the device that it will run on, which is not touched. A file that is no model is an error
 * of one line. */
bool generator_open(generator **out, const char *path, const nx_device_info *info, nx_error *err);
void generator_free(generator *g); /* before the device that it ran on; NULL is fine */

generator_facts generator_ask(const generator *g);

/* What a generator takes of a device at most, unasked: three quarters of what is left of its memory
 * (machine/available_memory.h). */
uint64_t generator_memory(const nx_device_info *info);

/* Stylizes content (RGB from 0 to 255, any size) into a fresh picture of the same size, values not clamped, owned by
 * the caller. All calls of a generator are on one device; the plan of the last size is kept. A picture that is too
 * large for the device, or a generator of textures, is an error. */
bool generator_apply(generator *g, nx_device *device, const nx_image *content, const generator_options *o,
                     nx_image *out, nx_error *err);

/* The same from noise alone; height and width as generator_facts wants them, otherwise an error. */
bool generator_sample(generator *g, nx_device *device, int height, int width, const generator_options *o, nx_image *out,
                      nx_error *err);

/* Finds what is wrong with a size of samples, or that the generator makes none. */
bool generator_check_sample(const generator *g, int height, int width, nx_error *err);

/* Plans a picture of that size: false, with an error, where it does not fit. *bytes as in generator_facts. */
bool generator_plan(generator *g, int height, int width, const generator_options *o, uint64_t *bytes, nx_error *err);

/* Adds the programs of what was planned last; before a device is touched. */
void generator_programs(const generator *g, nx_program_list *out);

/* ---- the network itself, for who writes it in other words ---- */

typedef struct generator_recording {
    const nx_graph *graph;
    const nx_tensor *content, *output; /* content: NULL for textures; output: as m->output says */
    const model *m;                    /* what was read */
} generator_recording;

/* Records the graph of a picture of that size, as generator_side has it, made whole; its parameters have the model's
 * values, on the host. The recording is good until the next call; no picture was made before. */
bool generator_record(generator *g, int height, int width, generator_recording *out, nx_error *err);

/* ---- a band at a time: pictures of which not even the host holds the whole ---- */

/* A picture that is read in pieces: `count` pixels of row y from column x on, RGB from 0 to 255. */
typedef struct generator_content {
    int height, width;
    void (*read)(const void *picture, int y, int x, int count, float *rgb);
    const void *picture;
} generator_content;

void generator_read_image(const void *image, int y, int x, int count, float *rgb); /* read of an nx_image */

/* Plans, and measures what has to be known of the whole. content, which stays the caller's, is read until the last
 * band; textures: read is NULL. */
bool generator_begin(generator *g, nx_device *device, const generator_content *content, const generator_options *o,
                     nx_error *err);
int generator_band_rows(const generator *g); /* of each band but the last */

/* The rows from first on, a multiple of generator_band_rows, up to the end of the band or of the picture: RGB, width of
 * the picture. */
void generator_band(generator *g, int first, float *rgb);

#endif
