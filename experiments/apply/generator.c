/* A generator: one plan for each size, kept until the next size or scale of noise.
 *
 * A picture is always made of tiles; most have only one. With more, every normalization that measures its own input is
 * recorded with statistics that the host writes (nx_scope.measured), noise is written by the host too, as the numbers
 * that the device would draw for the whole, and normalizations are measured in the order of their depth: each pass over
 * the tiles measures all those whose input depends on measured ones alone. */
#include "apply/generator.h"

#include "apply/tiles.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/text.h"
#include "graph/plan.h"
#include "machine/available_memory.h"
#include "machine/wisdom_file.h"
#include "networks/generators.h"
#include "ops/random.h"
#include "ops/row_moments.h"
#include "run/paper.h"

#include <stdlib.h>
#include <string.h>

/* A normalization of the whole picture. */
typedef struct norm {
    int depth;         /* normalizations before it on the longest way: the pass that measures it */
    int ratio, beyond; /* pixels of the picture a side of one of its input's; rows of that before the picture's first */
    moments found;
    nx_tensor *columns, *rows; /* in the pass that measures it: which columns of a tile, and their moments by row */
} norm;

/* Noise of the whole picture, of which each tile is given its part. */
typedef struct noise {
    nx_tensor *tensor;
    uint64_t stream;
} noise;

struct generator {
    model *m;
    config *c;
    const generator_network *network;
    nx_device_info info;
    nx_device *device;
    nx_params *params;
    bool filled; /* params have the model's values */
    double trained_noise;
    uint64_t seed, number;
    bool (*goes_on)(nx_error *err); /* of the options */

    int height, width, tile; /* of the picture, as asked for; the axes have it as the network takes it */
    uint64_t memory;
    tile_axis down, across;
    generator_content source;

    nx_graph *g;
    nx_plan *plan;
    nx_tensor *content, *random, *output; /* content: NULL for textures */
    nx_measured measured;                 /* of this graph */
    norm *norms;                          /* of the picture, in the same order */
    size_t n_norms;
    noise *noises;
    size_t n_noises;
    int pass, passes;
    bool realized;

    uint64_t bytes, room; /* planned; what there was for it when the generator was opened */
    double seconds;
};

static const int tried[] = {8192, 6144, 4096, 3072, 2048, 1536, 1024, 768, 512, 384, 256, 128};

static int rounded_up(int n, int multiple) { return (n + multiple - 1) / multiple * multiple; }

static bool makes_texture(const generator *g) { return g->c->experiment.task == TASK_TEXTURE; }
static int multiple_of(const generator *g) { return g->network->multiple(g->c); }
static int reach_of(const generator *g) { return g->network->reach(g->c); }
static bool tiled(const generator *g) { return g->down.tiles > 1 || g->across.tiles > 1; }

static bool on_torus(const generator *g) { return g->network->torus(g->c); }

/* A model's options are a config's: what its paper and its network cannot do was never trained. */
static bool check_options(const generator *g, nx_error *err)
{
    const config *c = g->c;
    const paper *p = paper_of(c);
    if (c->experiment.task == TASK_CLASSIFY)
        return nx_fail(err, "%s: a classifier, which tells classes apart and makes no pictures", g->m->file);
    if (c->experiment.task == TASK_OPTIMIZE || !p->trains)
        return nx_fail(err, "%s: the options in it are those of no generator: %s", g->m->file,
                       p->trains ? "task = optimize" : "its paper trains none");
    return paper_check(p, c, err) || nx_fail_in(err, "%s", g->m->file);
}

bool generator_open(generator **out, const char *path, const nx_device_info *info, nx_error *err)
{
    generator *g = nx_alloc(sizeof *g);
    *out = NULL;
    wisdom_file_use(info);
    if (!model_open(&g->m, path, err) || !config_parse(&g->c, path, g->m->options, ".", NULL, 0, err) ||
        !check_options(g, err)) {
        generator_free(g);
        return false;
    }
    g->network = generator_network_of(g->c);
    g->info = *info;
    g->room = generator_memory(info);
    g->params = nx_params_new();
    g->params->unfilled = true; /* what the options ask for is held against the file before there is memory for it */
    g->trained_noise = g->c->generator.noise_scale;
    *out = g;
    return true;
}

/* ---- the graph of a tile ---- */

static void forget_graph(generator *g)
{
    nx_plan_free(g->plan);
    nx_graph_free(g->g);
    free(g->measured.items);
    free(g->noises);
    g->plan = NULL;
    g->g = NULL;
    g->measured = (nx_measured){0};
    g->noises = NULL;
    g->n_noises = 0;
    g->realized = false;
}

static void forget_size(generator *g)
{
    forget_graph(g);
    for (size_t i = 0; i < g->n_norms; i++) moments_free(&g->norms[i].found);
    free(g->norms);
    g->norms = NULL;
    g->n_norms = 0;
}

void generator_free(generator *g)
{
    if (!g) return;
    forget_size(g);
    nx_params_free(g->params);
    config_free(g->c);
    model_free(g->m);
    free(g);
}

/* The depth of every normalization, from that of the tensors on the way; gives the greatest plus one. */
static int find_depths(generator *g)
{
    int *depth = nx_alloc((g->g->n_tensors + 1) * sizeof *depth), passes = 0;
    for (size_t i = 0; i < g->g->n_nodes; i++) {
        const nx_node *node = g->g->nodes[i];
        int deepest = 0;
        for (int k = 0; k < node->n_in; k++)
            if (depth[node->in[k]->id] > deepest) deepest = depth[node->in[k]->id];
        for (size_t k = 0; k < g->n_norms; k++) {
            bool its = false;
            for (int j = 0; j < node->n_in; j++) its |= node->in[j] == g->measured.items[k].mean;
            if (its) g->norms[k].depth = deepest++;
        }
        for (int k = 0; k < node->n_out; k++) depth[node->out[k]->id] = deepest;
        if (deepest > passes) passes = deepest;
    }
    free(depth);
    return passes;
}

/* Records the network on windows of h x w in a new graph. */
static void record_network(generator *g, int h, int w)
{
    nx_shape shape = {1, h, w, 3};
    forget_graph(g);
    g->g = nx_graph_new(&g->info);
    nx_scope scope = {.g = g->g, .params = g->params, .undrawn = true, .measured = tiled(g) ? &g->measured : NULL};
    g->content = makes_texture(g) ? NULL : nx_input(g->g, shape, "content");
    g->random = nx_input(g->g, NX_RANDOM_STATE, "random");
    generator_inputs in = {.shape = shape, .content = g->content, .random = g->random, .applied = true};
    generator_pictures y = g->network->record(g->c, &scope, &in);
    g->output = y.output[y.count - 1];
}

/* The normalizations of a tile's graph, and the passes that they take. How many pixels are one of their inputs', and
 * how far these go beyond the window, is seen on windows of multiples, one larger than the other. */
static void find_norms(generator *g)
{
    int multiple = multiple_of(g), h = rounded_up(g->down.window, multiple), w = rounded_up(g->across.window, multiple);
    record_network(g, h + multiple, w + multiple);
    g->n_norms = g->measured.count;
    g->norms = nx_alloc((g->n_norms + 1) * sizeof *g->norms);
    g->passes = find_depths(g);
    for (size_t i = 0; i < g->n_norms; i++) g->norms[i].ratio = g->measured.items[i].x->shape.h;
    record_network(g, h, w);
    for (size_t i = 0; i < g->n_norms; i++) {
        norm *n = &g->norms[i];
        int rows = g->measured.items[i].x->shape.h;
        n->ratio = multiple / (n->ratio - rows);
        n->beyond = (rows - h / n->ratio) / 2;
    }
    record_network(g, g->down.window, g->across.window);
}

/* Records what a tile computes in this pass: the picture in the last one, before that the moments of normalizations. */
static void record(generator *g, int pass)
{
    record_network(g, g->down.window, g->across.window);
    if (tiled(g) && !g->norms) find_norms(g);
    g->pass = pass;
    if (!tiled(g)) {
        g->passes = 0;
        nx_keep(g->output);
        return;
    }
    for (size_t i = 0; i < g->g->n_nodes; i++) {
        if (strcmp(g->g->nodes[i]->op->name, "random")) continue;
        nx_tensor *t = g->g->nodes[i]->out[0];
        NX_GROW(g->noises, g->n_noises);
        g->noises[g->n_noises++] = (noise){t, nx_random_stream(t)};
        nx_feed(t);
    }
    for (size_t i = 0; i < g->n_norms; i++) {
        norm *n = &g->norms[i];
        if (n->depth != pass) continue;
        n->columns = nx_input(g->g, NX_VECTOR(2), "columns");
        n->rows = nx_keep(nx_row_moments(g->g, g->measured.items[i].x, n->columns));
    }
    if (pass == g->passes) nx_keep(g->output);
    nx_graph_prune(g->g);
}

/* ---- sizes and memory ---- */

static uint64_t planned(const generator *g) { return nx_plan_bytes(g->plan) + nx_params_bytes(g->params); }

/* Records the first pass over pictures of h x w in tiles that keep this many pixels a side. */
static bool record_tiles(generator *g, int h, int w, int keep, nx_error *err)
{
    forget_size(g);
    g->down = tile_axis_new(h, keep, reach_of(g), multiple_of(g), on_torus(g));
    g->across = tile_axis_new(w, keep, reach_of(g), multiple_of(g), on_torus(g));
    record(g, 0);
    return g->filled || (g->filled = model_params(g->m, g->params, err));
}

/* Records and plans pictures of h x w in tiles that keep this many pixels a side; the largest of the plans that it
 * takes goes into g->bytes. */
static bool plan_tiles(generator *g, int h, int w, int keep, nx_error *err)
{
    g->bytes = 0;
    if (!record_tiles(g, h, w, keep, err)) return false;
    for (int pass = 0; pass <= g->passes; pass++) {
        if (pass) record(g, pass);
        if (!nx_plan_new(&g->plan, g->g, err)) return false;
        if (planned(g) > g->bytes) g->bytes = planned(g);
    }
    return true;
}

uint64_t generator_memory(const nx_device_info *info) { return available_memory(info, &system_memory) / 4 * 3; }

static uint64_t allowed(const generator *g, const generator_options *o)
{
    return o->memory ? o->memory : g->room / (uint64_t)(o->generators ? o->generators : 1);
}

/* Of what is left of a processor's memory the host takes its part: a window on its way in and one on its way out, a
 * band of the result, and of the whole the pixels of the file that is read and, of a JPEG, of the one that is written.
 */
static uint64_t needed(const generator *g, const generator_options *o)
{
    enum { PIXEL = 3 * sizeof(float), READ = 3 * sizeof(uint16_t), WRITTEN = 3 };
    uint64_t width = (uint64_t)g->width, rows = (uint64_t)(g->down.keep < g->height ? g->down.keep : g->height);
    uint64_t window = (uint64_t)g->down.window * (uint64_t)g->across.window;
    if (o->memory || !(g->info.type & CL_DEVICE_TYPE_CPU)) return g->bytes;
    return g->bytes + PIXEL * (2 * window + rows * width) + (READ + WRITTEN) * (uint64_t)g->height * width;
}

static bool too_large(const generator *g, const generator_options *o, nx_error *err)
{
    char need[16], have[16];
    nx_bytes_text(need, (double)needed(g, o));
    if (o->memory)
        return nx_fail(err, "a picture of %d x %d needs %s, and %s are allowed: use smaller tiles or allow more",
                       g->width, g->height, need, nx_bytes_text(have, (double)o->memory));
    return nx_fail(err, "a picture of %d x %d needs %s, and three quarters of what %s has left are %s: resize it",
                   g->width, g->height, need, g->info.name, nx_bytes_text(have, (double)allowed(g, o)));
}

/* Plans the picture whole, or in the tiles asked for, or else in the largest tiles of which it needs several and that
 * fit. */
static bool choose_tiles(generator *g, const generator_options *o, nx_error *err)
{
    int multiple = multiple_of(g), h = generator_side(g->c, g->height), w = generator_side(g->c, g->width);
    int longer = h > w ? h : w;
    if (o->tile && o->tile < longer && !reach_of(g))
        return nx_fail(err, "%s: no tiles: every pixel of what it makes may depend on all others", g->m->file);
    bool fits = plan_tiles(g, h, w, o->tile ? rounded_up(o->tile, multiple) : longer, err);
    if (fits && needed(g, o) <= allowed(g, o)) return true;
    if (fits) too_large(g, o, err);
    if (o->tile || !reach_of(g) || !g->filled) return false;
    for (size_t i = 0; i < sizeof tried / sizeof *tried; i++)
        if (tried[i] < longer && plan_tiles(g, h, w, rounded_up(tried[i], multiple), NULL) &&
            needed(g, o) <= allowed(g, o))
            return true;
    return too_large(g, o, err);
}

/* Plans a picture, unless the last one was planned alike. */
static bool take_size(generator *g, int height, int width, const generator_options *o, nx_error *err)
{
    double noise_scale = o->noise_scale < 0 ? g->trained_noise : o->noise_scale;
    if (g->plan && g->height == height && g->width == width && g->c->generator.noise_scale == noise_scale &&
        g->tile == o->tile && g->memory == o->memory)
        return true;
    g->c->generator.noise_scale = noise_scale;
    g->height = height, g->width = width;
    g->tile = o->tile, g->memory = o->memory;
    if (choose_tiles(g, o, err)) return true;
    forget_size(g);
    return false;
}

bool generator_plan(generator *g, int height, int width, const generator_options *o, uint64_t *bytes, nx_error *err)
{
    if (!take_size(g, height, width, o, err)) return false;
    *bytes = g->bytes;
    return true;
}

void generator_programs(const generator *g, nx_program_list *out) { nx_plan_programs(g->plan, out); }

generator_facts generator_ask(const generator *g)
{
    int tiles = g->down.tiles * g->across.tiles;
    return (generator_facts){.file = g->m->file,
                             .texture = makes_texture(g),
                             .noise = g->network->noise(g->c),
                             .multiple = multiple_of(g),
                             .least = generator_least(g->c),
                             .one_size = g->network->one_size,
                             .uneven = g->network->uneven && g->network->uneven(g->c),
                             .bytes = g->bytes,
                             .seconds = g->seconds,
                             .tiles = tiles,
                             .tile = g->down.keep > g->across.keep ? g->down.keep : g->across.keep,
                             .halo = reach_of(g),
                             .passes = g->passes};
}

bool generator_record(generator *g, int height, int width, generator_recording *out, nx_error *err)
{
    if (!record_tiles(g, height, width, height > width ? height : width, err)) return false;
    *out = (generator_recording){g->g, g->content, g->output, g->m};
    return true;
}

/* ---- what a tile is given ---- */

/* Pixels [from, from + count) of row y of the picture, continued by its border up to the axes' sizes. */
static void read_content(const generator *g, int y, int from, int count, float *rgb)
{
    const generator_content *s = &g->source;
    int row = y < s->height ? y : s->height - 1, real = s->width - from;
    if (real > count) real = count;
    if (real > 0) s->read(s->picture, row, from, real, rgb);
    if (real == count) return;
    float last[3];
    s->read(s->picture, row, s->width - 1, 1, last);
    for (int x = real > 0 ? real : 0; x < count; x++) memcpy(rgb + 3 * x, last, sizeof last);
}

typedef struct part { /* of the whole picture's noise */
    const generator *g;
    const noise *n;
    int height, width, channels; /* of the whole, at the noise's scale */
} part;

/* The same of noise: the numbers that the device would draw for the whole picture. */
static void read_noise(const part *p, int y, int from, int count, float *out)
{
    uint64_t whole = (uint64_t)p->height * (uint64_t)p->width * (uint64_t)p->channels;
    nx_rng rng = nx_rng_new(p->g->seed, p->n->stream);
    rng.index = p->g->number * ((whole + 3) / 4 * 4) +
                ((uint64_t)y * (uint64_t)p->width + (uint64_t)from) * (uint64_t)p->channels;
    for (int i = 0; i < count * p->channels; i++) out[i] = nx_rng_uniform(&rng);
}

static int around(int i, int n) { return (i % n + n) % n; }

/* Fills a window of h x w at (top, left), which may go around a torus, in pieces that do not. */
static void fill_window(const generator *g, const part *p, int ratio, tile_span row, tile_span column, float *out)
{
    int channels = p ? p->channels : 3, height = g->down.size / ratio, width = g->across.size / ratio;
    int h = g->down.window / ratio, w = g->across.window / ratio, top = row.from / ratio, left = column.from / ratio;
    for (int y = 0; y < h; y++)
        for (int x = 0, count; x < w; x += count) {
            int from = around(left + x, width), source_row = around(top + y, height);
            count = width - from < w - x ? width - from : w - x;
            float *to = out + ((size_t)y * (size_t)w + (size_t)x) * (size_t)channels;
            if (p)
                read_noise(p, source_row, from, count, to);
            else
                read_content(g, source_row, from, count, to);
        }
}

static void write_tile(generator *g, int i, int j)
{
    tile_span row = tile_axis_at(&g->down, i), column = tile_axis_at(&g->across, j);
    float *window = nx_alloc((size_t)g->down.window * (size_t)g->across.window * 3 * sizeof *window);
    if (g->content) {
        fill_window(g, NULL, 1, row, column, window);
        nx_plan_write(g->plan, g->content, window);
    }
    free(window);
    for (size_t k = 0; k < g->n_noises; k++) {
        const noise *n = &g->noises[k];
        nx_shape s = n->tensor->shape;
        int ratio = g->down.window / s.h;
        part p = {g, n, g->down.size / ratio, g->across.size / ratio, s.c};
        float *values = nx_alloc(nx_shape_count(s) * sizeof *values);
        fill_window(g, &p, ratio, row, column, values);
        nx_plan_write(g->plan, n->tensor, values);
        free(values);
    }
    for (size_t k = 0; k < g->n_norms; k++) {
        const norm *n = &g->norms[k];
        tile_span kept = tile_axis_rows(&g->across, j, g->measured.items[k].x->shape.w, n->ratio, n->beyond);
        if (n->depth == g->pass) nx_plan_write(g->plan, n->columns, (float[]){(float)kept.first, (float)kept.count});
    }
}

/* ---- passes ---- */

/* Brings the plan of a pass onto the device, with what the passes before have measured. */
static bool enter(generator *g, int pass, nx_error *err)
{
    if (g->pass != pass) {
        record(g, pass);
        if (!nx_plan_new(&g->plan, g->g, err)) return false;
    }
    if (!g->realized) {
        nx_params_realize(g->params, g->device);
        nx_plan_realize(g->plan, g->device);
        g->realized = true;
    }
    float bits[4];
    nx_random_state(bits, g->seed, g->number);
    nx_plan_write(g->plan, g->random, bits);
    for (size_t i = 0; i < g->n_norms; i++) {
        const moments *m = &g->norms[i].found;
        if (g->norms[i].depth >= pass) continue;
        float *mean = nx_alloc((size_t)m->channels * sizeof *mean),
              *variance = nx_alloc((size_t)m->channels * sizeof *mean);
        for (int c = 0; c < m->channels; c++) {
            mean[c] = (float)m->mean[c];
            variance[c] = (float)(m->squares[c] / m->count);
        }
        nx_plan_write(g->plan, g->measured.items[i].mean, mean);
        nx_plan_write(g->plan, g->measured.items[i].variance, variance);
        free(mean);
        free(variance);
    }
    return true;
}

/* Adds the rows that the tile keeps to what is known of the whole. */
static void read_moments(generator *g, norm *n, const nx_tensor *x, int i, int j)
{
    nx_shape s = n->rows->shape;
    tile_span row = tile_axis_rows(&g->down, i, s.h, n->ratio, n->beyond);
    int columns = tile_axis_rows(&g->across, j, x->shape.w, n->ratio, n->beyond).count;
    float *rows = nx_alloc(nx_shape_count(s) * sizeof *rows);
    nx_plan_read(g->plan, n->rows, rows);
    for (int y = row.first; y < row.first + row.count; y++)
        moments_merge(&n->found, columns, rows + (size_t)y * 2 * (size_t)s.c, rows + ((size_t)y * 2 + 1) * (size_t)s.c);
    free(rows);
}

static bool measure(generator *g, int pass, nx_error *err)
{
    if (!enter(g, pass, err)) return false;
    for (size_t k = 0; k < g->n_norms; k++)
        if (g->norms[k].depth == pass) moments_clear(&g->norms[k].found, g->measured.items[k].x->shape.c);
    for (int i = 0; i < g->down.tiles; i++)
        for (int j = 0; j < g->across.tiles; j++) {
            nx_progress("measuring layers, pass %d of %d, tile %d of %d", pass + 1, g->passes,
                        i * g->across.tiles + j + 1, g->down.tiles * g->across.tiles);
            if (g->goes_on && !g->goes_on(err)) return false;
            write_tile(g, i, j);
            nx_plan_run(g->plan);
            for (size_t k = 0; k < g->n_norms; k++)
                if (g->norms[k].depth == pass) read_moments(g, &g->norms[k], g->measured.items[k].x, i, j);
        }
    return true;
}

bool generator_begin(generator *g, nx_device *device, const generator_content *content, const generator_options *o,
                     nx_error *err)
{
    if (!take_size(g, content->height, content->width, o, err)) return false;
    g->device = device;
    g->source = *content;
    g->seed = o->seed;
    g->number = o->number;
    g->goes_on = o->goes_on;
    g->seconds = 0;
    double start = nx_now();
    for (int pass = 0; pass < g->passes; pass++)
        if (!measure(g, pass, err)) return false;
    if (!enter(g, g->passes, err)) return false;
    g->seconds = nx_now() - start;
    return true;
}

int generator_band_rows(const generator *g) { return g->down.keep; }

/* The part of a tile that is kept, as RGB from 0 to 255 at its place in the band. */
static void place(const generator *g, const float *tile, tile_span row, tile_span column, float *rgb)
{
    const model_pixels *p = &g->m->output;
    int height = row.first + row.count > g->height ? g->height - row.first : row.count;
    int width = column.first + column.count > g->width ? g->width - column.first : column.count;
    bool swap = p->order[0] == 'b';
    for (int y = 0; y < height; y++) {
        const float *from = tile + ((size_t)(row.first - row.from + y) * (size_t)g->output->shape.w +
                                    (size_t)(column.first - column.from)) *
                                       3;
        float *to = rgb + ((size_t)y * (size_t)g->width + (size_t)column.first) * 3;
        for (int x = 0; x < width; x++)
            for (int k = 0; k < 3; k++)
                to[3 * x + k] = from[3 * x + (swap ? 2 - k : k)] / (float)p->scale + (float)p->mean[k];
    }
}

void generator_band(generator *g, int first, float *rgb)
{
    double start = nx_now();
    int i = first / g->down.keep;
    tile_span row = tile_axis_at(&g->down, i);
    float *tile = nx_alloc(nx_shape_count(g->output->shape) * sizeof *tile);
    for (int j = 0; j < g->across.tiles; j++) {
        tile_span column = tile_axis_at(&g->across, j);
        if (tiled(g)) nx_progress("tile %d of %d", i * g->across.tiles + j + 1, g->down.tiles * g->across.tiles);
        write_tile(g, i, j);
        nx_plan_run(g->plan);
        nx_plan_read(g->plan, g->output, tile);
        place(g, tile, row, column, rgb);
    }
    free(tile);
    g->seconds += nx_now() - start;
}

/* ---- whole pictures ---- */

static bool make(generator *g, nx_device *device, const generator_content *content, const generator_options *o,
                 nx_image *out, nx_error *err)
{
    if (!generator_begin(g, device, content, o, err)) return false;
    *out = nx_image_new(content->height, content->width);
    for (int y = 0; y < content->height; y += generator_band_rows(g))
        generator_band(g, y, out->rgb + (size_t)y * (size_t)content->width * 3);
    return true;
}

void generator_read_image(const void *picture, int y, int x, int count, float *rgb)
{
    const nx_image *image = picture;
    memcpy(rgb, image->rgb + ((size_t)y * (size_t)image->width + (size_t)x) * 3, (size_t)count * 3 * sizeof *rgb);
}

bool generator_apply(generator *g, nx_device *device, const nx_image *content, const generator_options *o,
                     nx_image *out, nx_error *err)
{
    *out = (nx_image){0};
    if (makes_texture(g)) return nx_fail(err, "%s makes a texture from noise: use nstx sample", g->m->file);
    generator_content source = {content->height, content->width, generator_read_image, content};
    return make(g, device, &source, o, out, err);
}

bool generator_check_sample(const generator *g, int height, int width, nx_error *err)
{
    int multiple = multiple_of(g), least = generator_multiple(g->c, 1);
    if (!makes_texture(g)) return nx_fail(err, "%s stylizes pictures: use nstx stylize", g->m->file);
    if (g->network->one_size && (width != multiple || height != multiple))
        return nx_fail(err, "--size %dx%d: %s makes %dx%d alone", width, height, g->m->file, multiple, multiple);
    if (width % multiple || height % multiple)
        return nx_fail(err, "--size %dx%d: %s makes multiples of %d, such as %dx%d", width, height, g->m->file,
                       multiple, generator_multiple(g->c, width), generator_multiple(g->c, height));
    return (width >= least && height >= least) ||
           nx_fail(err, "--size %dx%d: %s makes pictures of at least %dx%d", width, height, g->m->file, least, least);
}

bool generator_sample(generator *g, nx_device *device, int height, int width, const generator_options *o, nx_image *out,
                      nx_error *err)
{
    *out = (nx_image){0};
    return generator_check_sample(g, height, width, err) &&
           make(g, device, &(generator_content){.height = height, .width = width}, o, out, err);
}
