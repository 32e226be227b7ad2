/* The memory plan, checked by brute force on random graphs and on real ones: who is alive when is worked out here
 * again, from the graph alone, and results must not depend on what shares which memory. */
#include "base/log.h"
#include "base/text.h"
#include "device/memory.h"
#include "graph/recompute.h"
#include "networks/descriptor.h"
#include "networks/stylenet.h"
#include "nn/loss.h"
#include "nn/optimizer.h"
#include "ops/activation.h"
#include "ops/add.h"
#include "ops/affine.h"
#include "ops/concat.h"
#include "ops/conv.h"
#include "ops/gradient_norm.h"
#include "ops/mse.h"
#include "ops/pool.h"
#include "ops/scale.h"
#include "ops/slice.h"
#include "ops/upsample.h"
#include "ops/weighted_sum.h"
#include "planned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- invariants ---- */

typedef struct life {
    int first, last; /* nodes in the plan's order; first < 0: nobody needs it */
} life;

static void reach(life *l, int index)
{
    if (l->first < 0 || index < l->first) l->first = index;
    if (index > l->last) l->last = index;
}

/* From the node that makes it to the last that reads it; inputs, constants and what is kept to the end, and so what is
 * computed once and read by a step. */
static life *lives_of(const nx_graph *g)
{
    life *lives = nx_alloc(g->n_tensors * sizeof *lives);
    int end = (int)g->n_nodes;
    for (size_t i = 0; i < g->n_tensors; i++) lives[i] = (life){-1, -1};
    for (size_t i = 0; i < g->n_nodes; i++) {
        const nx_node *node = g->nodes[i];
        nx_tensor *const *lists[] = {node->in, node->out, node->scratch};
        const int counts[] = {node->n_in, node->n_out, NX_MAX_SCRATCH};
        for (int l = 0; l < 3; l++)
            for (int k = 0; k < counts[l]; k++) {
                const nx_tensor *t = lists[l][k];
                if (!t) continue;
                reach(&lives[t->id], node->index);
                bool once = t->producer ? t->producer->fixed : t->fixed;
                if (once && !node->fixed) reach(&lives[t->id], end);
                if (once && l == 2) reach(&lives[t->id], 0); /* derived: filled before the first step, by any node */
            }
    }
    for (size_t i = 0; i < g->n_tensors; i++) {
        const nx_tensor *t = g->tensors[i];
        if (t->role == NX_ROLE_INPUT || t->role == NX_ROLE_CONSTANT) reach(&lives[i], 0);
        if (t->role == NX_ROLE_INPUT || t->role == NX_ROLE_CONSTANT || t->kept) reach(&lives[i], end);
    }
    return lives;
}

static const nx_tensor *root_of(const nx_tensor *t)
{
    while (t->root != t) t = t->root;
    return t;
}

/* Another name of the same values: the identity of normalised gradients. */
static const nx_tensor *source_of(const nx_tensor *t)
{
    while (t->producer && !strcmp(t->producer->op->name, "identity")) t = t->producer->in[0];
    return t;
}

/* a and b share a place: fine if they are one tensor, or if the node that makes the later one works in place on the
 * earlier, which nobody reads any more. */
static bool may_share(const nx_tensor *a, const nx_tensor *b, const life *lives)
{
    if (source_of(a) == source_of(b)) return true;
    if (lives[a->id].first > lives[b->id].first) {
        const nx_tensor *swap = a;
        a = b, b = swap;
    }
    b = source_of(b);
    if (!b->producer || lives[a->id].last > b->producer->index) return false;
    if (lives[a->id].last < b->producer->index) return true;
    const nx_node *node = b->producer;
    int place = node->op->in_place - 1, reads = 0;
    for (int k = 0; k < node->n_in; k++) reads += source_of(node->in[k]) == source_of(a);
    return place >= 0 && reads == 1 && source_of(node->in[place]) == source_of(a) && node->out[0] == b;
}

/* What a plan of g must be. */
static void check_plan(const nx_plan *plan, const nx_graph *g)
{
    life *lives = lives_of(g), *groups = nx_alloc(g->n_tensors * sizeof *groups);
    const nx_tensor **list = nx_alloc(g->n_tensors * sizeof *list);
    uint64_t extent = 0, sum = 0, least = 0;
    size_t n = 0;
    for (size_t i = 0; i < g->n_tensors; i++) groups[i] = (life){-1, -1};
    for (size_t i = 0; i < g->n_tensors; i++) {
        const nx_tensor *t = g->tensors[i], *root = root_of(t);
        if (source_of(t)->role == NX_ROLE_PARAM || lives[i].first < 0) continue;
        assert_true(root->role != NX_ROLE_PARAM); /* never overwritten */
        assert_true(t->bytes >= nx_shape_count(t->shape) * sizeof(float) && t->bytes <= root->bytes);
        assert_true(root->offset % NX_ALIGN == 0 && root->bytes % NX_ALIGN == 0);
        assert_true(root->chunk >= 0);
        assert_true(root->offset + root->bytes <= g->info.max_alloc);
        list[n++] = t;
        sum += t->bytes;
        reach(&groups[root->id], lives[i].first);
        reach(&groups[root->id], lives[i].last);
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++) {
            const nx_tensor *a = list[i], *b = list[j], *ra = root_of(a), *rb = root_of(b);
            const life *la = &lives[a->id], *lb = &lives[b->id];
            if (ra == rb) {
                if (!may_share(a, b, lives)) fail_msg("tensors %zu and %zu share a buffer", a->id, b->id);
            } else if (ra->chunk == rb->chunk && la->first <= lb->last && lb->first <= la->last &&
                       ra->offset < rb->offset + b->bytes && rb->offset < ra->offset + a->bytes) {
                fail_msg("tensors %zu and %zu overlap", a->id, b->id);
            }
        }
    for (int c = 0; c < chunks_of(g); c++) {
        uint64_t most = 0;
        for (size_t i = 0; i < n; i++) {
            const nx_tensor *root = root_of(list[i]);
            if (root->chunk == c && root->offset + root->bytes > most) most = root->offset + root->bytes;
        }
        extent += most;
    }
    for (int at = 0; at <= (int)g->n_nodes; at++) {
        uint64_t alive = 0;
        for (size_t i = 0; i < g->n_tensors; i++)
            if (groups[i].first >= 0 && groups[i].first <= at && at <= groups[i].last) alive += g->tensors[i]->bytes;
        if (alive > least) least = alive;
    }
    assert_int_equal(nx_plan_bytes(plan), extent);
    assert_true(nx_plan_bytes(plan) >= least && nx_plan_bytes(plan) <= nx_plan_sum(plan));
    assert_true(nx_plan_sum(plan) >= sum);
    free(lives);
    free(groups);
    free(list);
}

static nx_plan *plan_of(nx_graph *g)
{
    nx_error err = {""};
    nx_plan *plan;
    if (!nx_plan_new(&plan, g, &err)) fail_msg("%s", err.text);
    check_plan(plan, g);
    return plan;
}

/* The largest allocation that a plan of g, planned already, cannot do without. */
static uint64_t largest_of(const nx_graph *g)
{
    uint64_t largest = 0;
    for (size_t i = 0; i < g->n_tensors; i++)
        if (g->tensors[i]->role != NX_ROLE_PARAM && g->tensors[i]->bytes > largest) largest = g->tensors[i]->bytes;
    return largest;
}

/* ---- random graphs ---- */

enum { POOL = 40, INPUTS = 2, MOST_KEPT = 24, GRAPHS = 24 };

typedef struct sketch {
    nx_graph *g;
    nx_params *params; /* of all recordings of a graph */
    nx_rng rng;
    nx_tensor *pool[POOL], *input[INPUTS], *kept[MOST_KEPT];
    int count, n_kept;
} sketch;

static int below(sketch *s, int limit) { return (int)nx_rng_below(&s->rng, (uint32_t)limit); }

static nx_tensor *constant(sketch *s, nx_shape shape)
{
    char *name = nx_format("constant%llu", (unsigned long long)s->rng.index);
    float *values = random_values(name, nx_shape_count(shape), -1, 1);
    nx_tensor *t = nx_constant(s->g, shape, values);
    free(values);
    free(name);
    return t;
}

/* A tensor of the pool with the rows and columns of t and, if asked for, its channels: perhaps t itself. */
static nx_tensor *partner(sketch *s, const nx_tensor *t, bool channels)
{
    for (int k = 0, start = below(s, s->count); k < s->count; k++) {
        nx_tensor *p = s->pool[(start + k) % s->count];
        if (p->shape.h == t->shape.h && p->shape.w == t->shape.w && (!channels || p->shape.c == t->shape.c)) return p;
    }
    return NULL;
}

/* One of a few parameters, so that several nodes use the same one and derive the same from it. */
static nx_tensor *parameter(sketch *s, nx_shape shape, bool frozen)
{
    char *name = nx_format("w%dx%dx%d%s", shape.n, shape.w, shape.c, frozen ? "f" : "");
    nx_param *p = nx_params_find(s->params, name);
    if (!p) {
        float *values = random_values(name, nx_shape_count(shape), -.3f, .3f);
        p = nx_param_add(s->params, name, shape, 4);
        p->frozen = frozen;
        p->trained = !frozen;
        nx_param_import(p, values);
        free(values);
    }
    free(name);
    return nx_use(s->g, p);
}

static nx_tensor *something(sketch *s)
{
    nx_graph *g = s->g;
    nx_tensor *t = s->pool[below(s, s->count)];
    nx_shape shape = t->shape;
    switch (below(s, 13)) {
    case 0:
        return nx_scale(g, t, -.75f);
    case 1:
        return nx_relu(g, t);
    case 2:
        return nx_tanh(g, t);
    case 3:
        return nx_add(g, t, partner(s, t, true));
    case 4: {
        nx_tensor *scale = constant(s, NX_VECTOR(shape.c));
        return nx_affine(g, t, scale, constant(s, NX_VECTOR(shape.c)));
    }
    case 5:
        return shape.h < 4 ? nx_upsample(g, t, 2)
                           : nx_pool(g, t, (nx_pool_options){.kind = below(s, 2) ? NX_POOL_MAX : NX_POOL_AVERAGE});
    case 6:
        return shape.h > 12 ? nx_slice(g, t, (nx_slice_options){.h = {.first = 1, .size = shape.h / 2}})
                            : nx_upsample(g, t, 2);
    case 7: {
        nx_tensor *other = partner(s, t, false);
        return shape.c + other->shape.c > 40 ? nx_leaky_relu(g, t, .2f) : nx_concat(g, (nx_tensor *[]){t, other}, 2);
    }
    case 8:
    case 9: {
        int size = below(s, 2) ? 3 : 1, out = 4 + 5 * below(s, 4);
        nx_tensor *w = parameter(s, (nx_shape){size, size, shape.c, out}, below(s, 2));
        return nx_conv(g, t, w, NULL, (nx_conv_options){.pad = size / 2, .activation = NX_ACTIVATION_RELU});
    }
    case 10:
        return nx_normalize_gradient(g, t, 2);
    case 11:
        return constant(s, shape);
    default:
        return nx_leaky_relu(g, nx_scale(g, nx_tanh(g, t), 2), .1f); /* a chain, in place all the way */
    }
}

static void keep(sketch *s, nx_tensor *t)
{
    if (t && !t->kept && s->n_kept < MOST_KEPT && t->role == NX_ROLE_VALUE) s->kept[s->n_kept++] = nx_keep(t);
}

/* The same graph for the same seed, with the gradient of some scalar; everything: nothing shares any memory. */
static sketch draw(uint64_t seed, const nx_device_info *info, nx_params *params, bool everything)
{
    enum { TERMS = 3 };
    sketch s = {.g = nx_graph_new(info), .params = params, .rng = nx_rng_new(seed, nx_stream("plan"))};
    for (int i = 0; i < INPUTS; i++)
        s.pool[s.count++] = s.input[i] = nx_input(s.g, (nx_shape){2, 8, 6 + 3 * i, 3 + 4 * i}, "input");
    s.pool[s.count++] = constant(&s, (nx_shape){2, 8, 6, 5});
    for (int frozen = 0; frozen < 2; frozen++) s.pool[s.count++] = parameter(&s, (nx_shape){2, 8, 6, 5}, frozen);
    while (s.count < POOL) {
        nx_tensor *t = something(&s);
        s.pool[s.count++] = t;
        if (!below(&s, 8)) keep(&s, t);
    }
    nx_tensor *terms[TERMS], *wrt[INPUTS + POOL], *gradients[INPUTS + POOL];
    for (int i = 0; i < TERMS; i++) {
        nx_tensor *t = s.pool[POOL - 1 - below(&s, POOL / 2)];
        terms[i] = nx_mse(s.g, t, constant(&s, t->shape));
    }
    nx_tensor *total = nx_weighted_sum(s.g, terms, (float[TERMS]){1, .5f, 2}, TERMS);
    size_t n = 0;
    for (int i = 0; i < INPUTS; i++) wrt[n++] = s.input[i];
    for (size_t i = 0; i < s.g->n_tensors && n < INPUTS + POOL; i++)
        if (s.g->tensors[i]->param && s.g->tensors[i]->param->trained) wrt[n++] = s.g->tensors[i];
    nx_gradient(s.g, total, wrt, n, gradients);
    keep(&s, total);
    for (size_t i = 0; i < n; i++) keep(&s, gradients[i]);
    for (size_t i = 0; everything && i < s.g->n_tensors; i++)
        if (s.g->tensors[i]->role == NX_ROLE_VALUE) nx_keep(s.g->tensors[i]);
    return s;
}

/* What is kept after a run on inputs `which`; owned by the caller. */
static void run(const sketch *s, nx_plan *plan, int which, float *out[MOST_KEPT])
{
    for (int i = 0; i < INPUTS; i++) {
        char name[32];
        snprintf(name, sizeof name, "input%d of %d", i, which);
        float *values = random_values(name, nx_shape_count(s->input[i]->shape), -1, 1);
        nx_plan_write(plan, s->input[i], values);
        free(values);
    }
    nx_plan_run(plan);
    for (int i = 0; i < s->n_kept; i++) out[i] = values_of(plan, s->kept[i]);
}

static void assert_same_bits(const sketch *s, const char *what, float *a[MOST_KEPT], float *b[MOST_KEPT])
{
    for (int i = 0; i < s->n_kept; i++)
        if (memcmp(a[i], b[i], nx_shape_count(s->kept[i]->shape) * sizeof(float)))
            fail_msg("%s: kept tensor %d of %d differs", what, i, s->n_kept);
}

static void free_values(const sketch *s, float *values[MOST_KEPT])
{
    for (int i = 0; i < s->n_kept; i++) free(values[i]);
}

static void random_graphs_keep_their_results(void **state)
{
    (void)state;
    nx_device *device = test_device();
    uint64_t planned_bytes = 0, sum = 0;
    size_t chunks = 0, copies = 0;
    for (uint64_t seed = 0; seed < GRAPHS; seed++) {
        nx_params *params = nx_params_new();
        nx_device_info small = device->info;
        float *apart[MOST_KEPT], *got[MOST_KEPT];

        /* nothing shares memory */
        sketch s = draw(seed, &device->info, params, true);
        nx_plan *plan = plan_of(s.g);
        nx_params_realize(params, device);
        nx_plan_realize(plan, device);
        run(&s, plan, 0, apart);
        nx_plan_free(plan);
        nx_graph_free(s.g);

        /* as planned: as many bytes as it said, the same results, also after a run on something else */
        s = draw(seed, &device->info, params, false);
        plan = plan_of(s.g);
        uint64_t before = device->bytes[NX_MEMORY_ARENA];
        nx_plan_realize(plan, device);
        assert_int_equal(device->bytes[NX_MEMORY_ARENA] - before, nx_plan_bytes(plan));
        planned_bytes += nx_plan_bytes(plan);
        sum += nx_plan_sum(plan);
        static const int inputs[] = {0, 0, 1, 0};
        for (int k = 0; k < 4; k++) {
            run(&s, plan, inputs[k], got);
            if (!inputs[k]) assert_same_bits(&s, k ? "a later run" : "shared memory", got, apart);
            free_values(&s, got);
        }
        assert_int_equal(device->bytes[NX_MEMORY_ARENA] - before, nx_plan_bytes(plan)); /* runs allocate nothing */
        small.max_alloc = largest_of(s.g);
        nx_plan_free(plan);
        assert_int_equal(device->bytes[NX_MEMORY_ARENA], before);
        nx_graph_free(s.g);

        /* in small chunks, and in chunks that are no multiple of anything */
        for (int k = 0; k < 2; k++, small.max_alloc += 1234) {
            s = draw(seed, &small, params, false);
            plan = plan_of(s.g);
            chunks += (size_t)chunks_of(s.g);
            nx_plan_realize(plan, device);
            assert_int_equal(device->bytes[NX_MEMORY_ARENA] - before, nx_plan_bytes(plan));
            run(&s, plan, 0, got);
            assert_same_bits(&s, "in chunks", got, apart);
            free_values(&s, got);
            nx_plan_free(plan);
            nx_graph_free(s.g);
        }

        /* recomputed */
        for (int level = 1; level <= NX_RECOMPUTE_MOST; level++) {
            s = draw(seed, &device->info, params, false);
            copies += nx_recompute(s.g, level);
            plan = plan_of(s.g);
            nx_plan_realize(plan, device);
            run(&s, plan, 0, got);
            assert_same_bits(&s, "recomputed", got, apart);
            free_values(&s, got);
            nx_plan_free(plan);
            nx_graph_free(s.g);
        }
        free_values(&s, apart);
        nx_params_free(params);
    }
    print_message("%d graphs: %.1f kB of %.1f kB on average, in %.1f chunks where they are small\n", GRAPHS,
                  (double)planned_bytes / GRAPHS / 1000, (double)sum / GRAPHS / 1000, (double)chunks / GRAPHS / 2);
    assert_true(chunks > 2 * GRAPHS * 2); /* else chunks were not tried */
    assert_true(planned_bytes < sum / 2);
    assert_true(copies > GRAPHS); /* else recomputation was not tried */
}

/* Many more, planned alone: for both kernel families, with small chunks and large. */
static void random_graphs_are_planned_well(void **state)
{
    (void)state;
    for (uint64_t seed = 1000; seed < 1200; seed++) {
        nx_params *params = nx_params_new();
        nx_device_info info = test_device()->info;
        info.family = seed % 2 ? NX_FAMILY_GPU : NX_FAMILY_CPU;
        for (int k = 0; k < 3; k++) {
            sketch s = draw(seed, &info, params, false);
            nx_recompute(s.g, k);
            nx_plan *plan = plan_of(s.g);
            info.max_alloc = k ? largest_of(s.g) : 2 * largest_of(s.g);
            nx_plan_free(plan);
            nx_graph_free(s.g);
        }
        nx_params_free(params);
    }
}

/* ---- order ---- */

/* A loss that is recorded last comes right after the features that nobody reads later; one of features that are kept
 * stays where it was, and nothing comes before an update of what it reads. */
static void little_of_much_comes_early(void **state)
{
    (void)state;
    nx_graph *g = nx_graph_new(&test_device()->info);
    nx_params *params = nx_params_new();
    nx_shape shape = {1, 8, 8, 16};
    nx_tensor *x = nx_use(g, nx_param_add(params, "x", shape, 4)), *target = nx_constant(g, shape, NULL);
    nx_tensor *read_once = nx_add(g, x, x), *deeper = nx_add(g, read_once, x), *last = nx_keep(nx_add(g, deeper, x));
    nx_tensor *before = nx_add(g, x, target);
    nx_tensor *early = nx_keep(nx_mse(g, read_once, target)), *stays = nx_keep(nx_mse(g, last, target));
    nx_optimizer *optimizer = nx_optimizer_new(
        g, stays, params,
        (nx_optimizer_options){.method = NX_OPTIMIZER_ADAM, .beta1 = .9f, .beta2 = .999f, .epsilon = 1e-8f});
    size_t updated = g->n_nodes;
    nx_tensor *after = nx_keep(nx_mse(g, before, x));
    nx_plan *plan = plan_of(g);
    assert_int_equal(early->producer->index, read_once->producer->index + 1);
    assert_int_equal(stays->producer->index, before->producer->index + 1);
    assert_int_equal(after->producer->index, updated);
    nx_plan_free(plan);
    nx_graph_free(g);
    nx_optimizer_free(optimizer);
    nx_params_free(params);
}

/* ---- a real one ---- */

/* StyleNet, the descriptor, losses, gradients and Adam; no device is needed to plan it. */
static void record_training(nx_graph *g, descriptor *vgg, nx_params *params, nx_optimizer **optimizer, int size)
{
    static const char *const layers[] = {"relu4_2", "relu1_1", "relu2_1", "relu3_1", "relu4_1"};
    enum { LAYERS = sizeof layers / sizeof *layers };
    nx_error err = {""};
    nx_tensor *x = nx_input(g, (nx_shape){2, size, size, 3}, "content"), *target, *out[LAYERS], *terms[LAYERS];
    nx_scope scope = {.g = g, .params = params, .training = true};
    nx_tensor *y = nx_keep(
        stylenet_record(&(stylenet_options){.channels = 32, .blocks = 5, .padding = NX_PADDING_REPLICATE}, &scope, x));
    if (!descriptor_record(vgg, g, x, layers, 1, &target, &err) ||
        !descriptor_record(vgg, g, y, layers, LAYERS, out, &err))
        fail_msg("%s", err.text);
    terms[0] = nx_content_loss(g, out[0], target);
    for (int i = 1; i < LAYERS; i++) {
        size_t c = (size_t)out[i]->shape.c;
        float *zero = nx_alloc(c * c * sizeof *zero);
        nx_tensor *gram = nx_constant(g, (nx_shape){1, 1, (int)c, (int)c}, zero);
        terms[i] = nx_style_loss(g, out[i], gram, 1);
        free(zero);
    }
    nx_tensor *total = nx_keep(nx_weighted_sum(g, terms, (float[LAYERS]){1, 1, 1, 1, 1}, LAYERS));
    *optimizer = nx_optimizer_new(
        g, total, params,
        (nx_optimizer_options){.method = NX_OPTIMIZER_ADAM, .beta1 = .9f, .beta2 = .999f, .epsilon = 1e-8f});
}

static void training_is_planned_well(void **state)
{
    (void)state;
    static const char *const deepest[] = {"relu4_2"};
    for (int family = 0; family < 2; family++)
        for (int k = 0; k < 2; k++) {
            nx_device_info info = test_device()->info;
            nx_error err = {""};
            descriptor *vgg;
            if (!descriptor_new(&vgg, &(descriptor_options){.sigma = .015f, .width = .25f}, deepest, 1, &err))
                fail_msg("%s", err.text);
            info.family = family ? NX_FAMILY_GPU : NX_FAMILY_CPU;
            info.max_alloc = k ? (uint64_t)1 << 40 : 40000000; /* 256 x 256 x 32 floats of two images are 16.8 MB */
            info.memory = (uint64_t)1 << 40;
            nx_params *params = nx_params_new();
            nx_graph *g = nx_graph_new(&info);
            nx_optimizer *optimizer;
            record_training(g, vgg, params, &optimizer, 256);
            nx_plan *plan = plan_of(g);
            assert_true(k ? chunks_of(g) == 1 : chunks_of(g) > 1);
            print_message("StyleNet's training at 256: %.0f MB of %.0f MB in %d chunks\n",
                          (double)nx_plan_bytes(plan) * 1e-6, (double)nx_plan_sum(plan) * 1e-6, chunks_of(g));
            nx_plan_free(plan);
            nx_graph_free(g);
            nx_optimizer_free(optimizer);
            nx_params_free(params);
            descriptor_free(vgg);
        }
}

/* ---- inputs that are written ahead ---- */

enum { BATCHES = 7 };

typedef struct stream {
    nx_graph *g;
    nx_tensor *x, *y;
    nx_plan *plan;
} stream;

/* A convolution of an input; own: on a device whose memory is not the host's. */
static stream record_stream(nx_device *device, nx_params *params, bool ahead, bool own)
{
    nx_device_info info = device->info;
    info.unified = !own;
    stream s = {.g = nx_graph_new(&info)};
    sketch weights = {.g = s.g, .params = params};
    s.x = nx_input(s.g, (nx_shape){2, 60, 40, 3}, "x");
    if (ahead) nx_ahead(s.x);
    nx_tensor *w = parameter(&weights, (nx_shape){3, 3, 3, 16}, true);
    s.y = nx_keep(nx_conv(s.g, nx_relu(s.g, s.x), w, NULL, (nx_conv_options){.pad = 1}));
    nx_params_realize(params, device);
    uint64_t before = device->bytes[NX_MEMORY_ARENA];
    nx_error err = {""};
    if (!nx_plan_new(&s.plan, s.g, &err)) fail_msg("%s", err.text);
    nx_plan_realize(s.plan, device);
    assert_int_equal(device->bytes[NX_MEMORY_ARENA] - before, nx_plan_bytes(s.plan));
    return s;
}

static void free_stream(stream *s)
{
    nx_plan_free(s->plan);
    nx_graph_free(s->g);
}

static void write_batch(const stream *s, int k)
{
    char *name = nx_format("batch %d", k);
    float *values = random_values(name, nx_shape_count(s->x->shape), -1, 1);
    nx_plan_write(s->plan, s->x, values);
    free(values);
    free(name);
}

static void assert_batch(const stream *s, float *const *want, int k)
{
    float *got = values_of(s->plan, s->y);
    if (memcmp(got, want[k], nx_shape_count(s->y->shape) * sizeof *got)) fail_msg("batch %d gives something else", k);
    free(got);
}

/* Every run sees what was written last before it, however many writes and runs are under way. */
static void assert_order(const stream *s, float *const *want)
{
    write_batch(s, 0);
    for (int k = 0; k < BATCHES; k++) { /* as training does: the next is on its way while this one is computed */
        nx_plan_run(s->plan);
        if (k + 1 < BATCHES) write_batch(s, k + 1);
        assert_batch(s, want, k);
    }
    for (int k = 0; k < BATCHES; k++) { /* nobody waits for anything */
        write_batch(s, k);
        nx_plan_run(s->plan);
    }
    assert_batch(s, want, BATCHES - 1);
    for (int k = 0; k < 4; k++) write_batch(s, k); /* the last one counts */
    nx_plan_run(s->plan);
    nx_plan_run(s->plan); /* and stays */
    assert_batch(s, want, 3);
}

static nx_device *open_device(bool one_queue)
{
    nx_error err = {""};
    nx_device *device;
    nx_device_options options = test_options(test_device()->info.family == NX_FAMILY_GPU ? "gpu" : "cpu");
    if (!nx_device_open(&device, &options, &err)) fail_msg("%s", err.text);
    if (one_queue) {
        assert_int_equal(clReleaseCommandQueue(device->uploads), CL_SUCCESS);
        assert_int_equal(clRetainCommandQueue(device->uploads = device->queue), CL_SUCCESS);
    }
    return device;
}

static void what_is_written_ahead_comes_in_order(void **state)
{
    (void)state;
    for (int one_queue = 0; one_queue < 2; one_queue++) {
        nx_device *device = open_device(one_queue);
        nx_params *params = nx_params_new();
        float *want[BATCHES];
        uint64_t plain = 0;
        for (int ahead = 0; ahead < 2; ahead++)
            for (int own = 0; own < 2; own++) {
                stream s = record_stream(device, params, ahead, own);
                for (int k = 0; !ahead && !own && k < BATCHES; k++) {
                    write_batch(&s, k);
                    nx_plan_run(s.plan);
                    want[k] = values_of(s.plan, s.y);
                }
                assert_order(&s, want);
                if (!ahead && !own) plain = nx_plan_bytes(s.plan);
                assert_int_equal(nx_plan_bytes(s.plan) - plain, ahead && own ? s.x->bytes : 0); /* the second buffer */
                free_stream(&s);
            }
        for (int k = 1; k < BATCHES; k++)
            assert_memory_not_equal(want[k], want[0], 1000 * sizeof(float)); /* else order would not show */
        for (int k = 0; k < BATCHES; k++) free(want[k]);
        nx_params_free(params);
        nx_device_free(device);
    }
}

/* Holds up what comes next in the queue until the event is set complete. */
static cl_event hold(nx_device *device)
{
    cl_int status;
    cl_event end = clCreateUserEvent(device->context, &status);
    assert_int_equal(status, CL_SUCCESS);
    assert_int_equal(clEnqueueBarrierWithWaitList(device->queue, 1, &end, NULL), CL_SUCCESS);
    assert_int_equal(clFlush(device->queue), CL_SUCCESS);
    return end;
}

static void let_go(cl_event end)
{
    assert_int_equal(clSetUserEventStatus(end, CL_COMPLETE), CL_SUCCESS);
    assert_int_equal(clReleaseEvent(end), CL_SUCCESS);
}

/* A step that does not end is a queue that is held. Meanwhile batch after batch gets to the device: a third write needs
 * the host's memory of the first one, so it returns only once that is there; in one queue it never would, and the alarm
 * ends the test. And a run that has not begun yet keeps its batch, although the next one is ready. */
static void uploads_wait_for_no_step_but_their_own(void **state)
{
    (void)state;
    nx_device *device = open_device(false);
    nx_params *params = nx_params_new();
    stream s = record_stream(device, params, true, true);
    float *want[4];
    for (int k = 0; k < 4; k++) {
        write_batch(&s, k);
        nx_plan_run(s.plan);
        want[k] = values_of(s.plan, s.y);
    }
    alarm(60);
    cl_event end = hold(device);
    for (int k = 0; k < 4; k++) write_batch(&s, 3 - k);
    assert_int_equal(clFinish(device->uploads), CL_SUCCESS);
    nx_plan_run(s.plan);
    let_go(end);
    assert_batch(&s, want, 0);

    write_batch(&s, 1);
    end = hold(device);
    nx_plan_run(s.plan);
    write_batch(&s, 2);
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL); /* time enough for an upload that waits for nothing */
    let_go(end);
    assert_batch(&s, want, 1);
    nx_plan_run(s.plan);
    assert_batch(&s, want, 2);
    alarm(0);
    for (int k = 0; k < 4; k++) free(want[k]);
    free_stream(&s);
    nx_params_free(params);
    nx_device_free(device);
}

/* ---- refusal ---- */

static void a_tensor_too_large_is_refused(void **state)
{
    (void)state;
    static const uint64_t limits[] = {1048576, 1048575, 524288}; /* the first is enough */
    nx_device_info info = test_device()->info;
    for (int k = 0; k < 3; k++) {
        nx_error err = {""};
        nx_plan *plan = NULL;
        info.max_alloc = limits[k];
        nx_graph *g = nx_graph_new(&info);
        nx_keep(nx_relu(g, nx_input(g, (nx_shape){1, 256, 256, 4}, "x")));
        assert_int_equal(nx_plan_new(&plan, g, &err), k == 0);
        if (!k) {
            assert_int_equal(chunks_of(g), 2);
            check_plan(plan, g);
        } else if (!strstr(err.text, info.name) || !strstr(err.text, "1.0 MB") || strchr(err.text, '\n') ||
                   (k == 2 && !strstr(err.text, "at most 524 kB"))) {
            fail_msg("the message is \"%s\"", err.text);
        }
        nx_plan_free(plan);
        nx_graph_free(g);
    }
}

int main(void)
{
    nx_log_set(NX_LOG_WARN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_graphs_keep_their_results),
        cmocka_unit_test(random_graphs_are_planned_well),
        cmocka_unit_test(little_of_much_comes_early),
        cmocka_unit_test(training_is_planned_well),
        cmocka_unit_test(what_is_written_ahead_comes_in_order),
        cmocka_unit_test(uploads_wait_for_no_step_but_their_own),
        cmocka_unit_test(a_tensor_too_large_is_refused),
    };
    int failed = cmocka_run_group_tests_name("plans", tests, NULL, NULL);
    test_device_close();
    return failed != 0;
}
