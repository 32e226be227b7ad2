/* Recomputation: the bits of level 0 in less memory, in the two kinds of step that there are. */
#include "base/log.h"
#include "base/text.h"
#include "graph/recompute.h"
#include "networks/descriptor.h"
#include "networks/stylenet.h"
#include "nn/loss.h"
#include "nn/optimizer.h"
#include "ops/add.h"
#include "ops/weighted_sum.h"
#include "planned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LEVELS = NX_RECOMPUTE_MOST + 1, STEPS = 2 };

static const char *const layers[] = {"relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1", "relu4_2"};
enum { LAYERS = sizeof layers / sizeof *layers, STYLES = LAYERS - 1 };

/* A step: of a picture that is optimised, or of a network that is trained. */
typedef struct scene {
    nx_graph *g;
    descriptor *vgg;
    nx_params *params;
    nx_optimizer *optimizer;
    nx_tensor *content, *total; /* content: NULL where a picture is optimised */
    size_t added;
} scene;

static nx_tensor *fixed_values(nx_graph *g, nx_shape shape, const char *name)
{
    float *values = random_values(name, nx_shape_count(shape), 0, 1);
    nx_tensor *t = nx_constant(g, shape, values);
    free(values);
    return t;
}

static scene record(const nx_device_info *info, bool training, int size, float width, int level)
{
    nx_error err;
    scene s = {.g = nx_graph_new(info), .params = nx_params_new()};
    nx_shape shape = {training ? 2 : 1, size, size, 3};
    nx_tensor *y, *out[LAYERS], *terms[LAYERS];
    if (!descriptor_new(&s.vgg, &(descriptor_options){.sigma = .05f, .width = width, .pooling = POOLING_AVERAGE},
                        layers, LAYERS, &err))
        fail_msg("%s", err.text);
    if (training) {
        nx_scope scope = {.g = s.g, .params = s.params, .training = true};
        s.content = nx_input(s.g, shape, "content");
        stylenet_options options = {.channels = 8, .blocks = 2, .padding = NX_PADDING_REFLECT};
        y = stylenet_record(&options, &scope, s.content);
    } else {
        nx_param *picture = nx_param_add(s.params, "picture", shape, 4);
        float *values = random_values("picture", nx_shape_count(shape), -100, 100);
        memcpy(picture->initial, values, nx_shape_count(shape) * sizeof *values);
        free(values);
        y = nx_use(s.g, picture);
    }
    if (!descriptor_record(s.vgg, s.g, y, layers, LAYERS, out, &err)) fail_msg("%s", err.text);
    for (int i = 0; i < STYLES; i++)
        terms[i] = nx_style_loss(s.g, out[i],
                                 fixed_values(s.g, (nx_shape){1, 1, out[i]->shape.c, out[i]->shape.c}, layers[i]), 0);
    terms[STYLES] = nx_content_loss(s.g, out[STYLES], fixed_values(s.g, out[STYLES]->shape, "content"));
    s.total = nx_keep(nx_weighted_sum(s.g, terms, (float[]){1, 1, 1, 1, 1, 1}, LAYERS));
    s.optimizer = nx_optimizer_new(
        s.g, s.total, s.params,
        (nx_optimizer_options){.method = NX_OPTIMIZER_ADAM, .beta1 = .9f, .beta2 = .999f, .epsilon = 1e-8f});
    s.added = nx_recompute(s.g, level);
    return s;
}

static void free_scene(scene *s)
{
    nx_graph_free(s->g);
    nx_optimizer_free(s->optimizer);
    nx_params_free(s->params);
    descriptor_free(s->vgg);
}

/* All that some steps leave: the loss and every parameter. Owned by the caller. */
static float *after_steps(scene *s, size_t *count)
{
    nx_device *device = test_device();
    nx_params_realize(s->vgg->params, device);
    nx_params_realize(s->params, device);
    nx_params_realize(s->optimizer->state, device);
    uint64_t before = device->bytes[NX_MEMORY_ARENA];
    nx_plan *plan = planned(s->g);
    assert_int_equal(device->bytes[NX_MEMORY_ARENA] - before, nx_plan_bytes(plan));
    for (int step = 1; step <= STEPS; step++) {
        if (s->content) {
            float *content =
                random_values(step == 1 ? "first" : "second", nx_shape_count(s->content->shape), -100, 100);
            nx_plan_write(plan, s->content, content);
            free(content);
        }
        nx_optimizer_rate(s->optimizer, plan, (uint64_t)step, 1e-3);
        nx_plan_run(plan);
    }
    size_t n = 1;
    float *out = nx_alloc((1 + nx_params_numbers(s->params, false)) * sizeof *out);
    out[0] = scalar_of(plan, s->total);
    for (size_t i = 0; i < s->params->count; i++) {
        nx_param_export(s->params->items[i], out + n);
        n += nx_shape_count(s->params->items[i]->shape);
    }
    assert_int_equal(device->bytes[NX_MEMORY_ARENA] - before, nx_plan_bytes(plan)); /* runs allocate nothing */
    nx_plan_free(plan);
    *count = n;
    return out;
}

static void results_keep_their_bits(void **state)
{
    (void)state;
    for (int training = 0; training < 2; training++) {
        float *want = NULL;
        for (int level = 0; level < LEVELS; level++) {
            size_t count;
            scene s = record(&test_device()->info, training, 48, 1.f / 16, level);
            assert_true(level ? s.added > 0 : s.added == 0);
            float *got = after_steps(&s, &count);
            assert_true(isfinite(got[0]) && got[0] > 0);
            if (level) assert_memory_equal(got, want, count * sizeof *got);
            if (level) free(got);
            if (!level) want = got;
            free_scene(&s);
        }
        free(want);
    }
}

/* At the size of the papers, without a device's work: what a step takes. Level 1 finds only the first convolution to
 * drop in an optimised picture, whose descriptor is all convolutions and pools; level 2 saves a third of either step.
 */
static void memory_falls(void **state)
{
    (void)state;
    static const double most[2][LEVELS] = {{1, 0.9, 0.72}, {1, 0.9, 0.72}}; /* of level 0 */
    nx_device_info info = test_device()->info;
    info.family = NX_FAMILY_CPU;      /* those of GPUs keep more beside, which nothing saves: a seventh then */
    info.cache = info.core_cache = 0; /* scratch follows them: as on a usual device */
    for (int training = 0; training < 2; training++) {
        uint64_t bytes[LEVELS];
        for (int level = 0; level < LEVELS; level++) {
            nx_error err;
            nx_plan *plan;
            scene s = record(&info, training, training ? 256 : 512, 1, level);
            if (!nx_plan_new(&plan, s.g, &err)) fail_msg("%s", err.text);
            bytes[level] = nx_plan_bytes(plan);
            print_message("%s, level %d: %.1f MB, %zu of %zu nodes are copies\n",
                          training ? "training at 256" : "a picture of 512", level, (double)bytes[level] * 1e-6,
                          s.added, s.g->n_nodes);
            nx_plan_free(plan);
            free_scene(&s);
        }
        for (int level = 1; level < LEVELS; level++) {
            double share = (double)bytes[level] / (double)bytes[0];
            if (share > most[training][level])
                fail_msg("level %d takes %.3f of level 0, wanted at most %g", level, share, most[training][level]);
        }
    }
}

/* Copies only where they may be: a graph without a gradient is left alone, and so is what is kept. */
static void nothing_is_copied_without_need(void **state)
{
    (void)state;
    nx_graph *g = nx_graph_new(&test_device()->info);
    nx_tensor *x = nx_input(g, (nx_shape){1, 4, 4, 3}, "x"), *y = nx_keep(nx_add(g, x, x));
    size_t n = g->n_nodes;
    assert_int_equal(nx_recompute(g, 2), 0);
    nx_tensor *loss = nx_content_loss(g, y, nx_constant(g, y->shape, (const float[48]){1})), *dx;
    nx_gradient(g, loss, &x, 1, &dx);
    assert_true(g->n_nodes > n);
    assert_int_equal(nx_recompute(g, 2), 0);
    nx_graph_free(g);
}

int main(void)
{
    nx_log_set(NX_LOG_WARN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_keep_their_bits),
        cmocka_unit_test(memory_falls),
        cmocka_unit_test(nothing_is_copied_without_need),
    };
    int failed = cmocka_run_group_tests_name("recomputation", tests, NULL, NULL);
    test_device_close();
    return failed != 0;
}
