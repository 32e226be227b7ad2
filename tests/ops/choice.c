/* The choices between algorithms: what `nstx tune` may store is right, and nothing else is taken. */
#include "ops/algorithm.h"

#include "base/text.h"
#include "harness.h"
#include "op_case.h"
#include "op_check.h"
#include "ops/mse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

void choice_texts_read_back(void **state);
void choice_texts_read_back(void **state)
{
    (void)state;
    static const char *const right[] = {
        "conv 3x3, 1x64x64x64 to 1x64x64x64, zoom 1",
        "conv 9x9, 2x64x64x3 to 2x32x32x64, zoom 2, stride 2",
        "transposed 3x3, 1x8x8x64 to 1x16x16x32, zoom 1, stride 2",
        "weights 1x1, 1x8x8x64 to 1x8x8x32, zoom 1",
        "product tn, 64x64x4096, batch 2, symmetric",
        "product nt, 1x70x33, batch 1",
    };
    static const char *const wrong[] = {
        "",
        "pool 3x3, 1x64x64x64 to 1x64x64x64, zoom 1",
        "conv 3x3, 1x64x64x64 to 1x64x64x64",
        "conv 3x3, 1x64x64x64 to 1x64x64x64, zoom 1, stride 1",
        "conv 3x3, 1x64x64x64 to 1x64x64x64, zoom 1 ",
        "conv 3x3, 1x64x64x0 to 1x64x64x64, zoom 1",
        "conv 3x3, 1x64x64x-3 to 1x64x64x64, zoom 1",
        "conv 3x3, 1x65536x65536x64 to 1x64x64x64, zoom 1",
        "product tx, 64x64x4096, batch 2",
        "product tn, 64x65x4096, batch 2, symmetric",
        "product nn, 65536x65536x65536, batch 1",
    };
    nx_question q;
    char text[NX_WISDOM_TEXT];
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        assert_true(nx_question_read(&q, right[i]));
        nx_question_text(text, &q);
        assert_string_equal(text, right[i]);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) assert_false(nx_question_read(&q, wrong[i]));
}

/* As on a large GPU. */
static const nx_device_info large = {.family = NX_FAMILY_GPU, .units = 128, .max_group = 1024, .local = 49152};

void choice_candidates_are_known(void **state);
void choice_candidates_are_known(void **state)
{
    (void)state;
    static const struct {
        const char *question, *rule, *among, *not_among;
    } rows[] = {
        {"conv 3x3, 1x512x512x64 to 1x512x512x64, zoom 1", "winograd", "winograd clblast", "winograd 4"},
        {"conv 3x3, 1x512x512x64 to 1x512x512x64, zoom 1", "winograd", "direct 64x64", "direct 64x65"},
        {"conv 3x3, 1x512x512x64 to 1x512x512x3, zoom 1", "direct", "direct 16x16", "winograd"},
        {"conv 3x3, 1x512x512x16 to 1x512x512x16, zoom 1", "direct", "winograd", "direct 16x16, 2 splits"},
        {"weights 3x3, 1x512x512x64 to 1x512x512x64, zoom 1", "direct", "winograd 64x32", "winograd clblast"},
        {"transposed 3x3, 1x64x64x64 to 1x128x128x32, zoom 1, stride 2", "direct", "direct 32x32", "winograd"},
        {"product tn, 64x64x65536, batch 1, symmetric", "tiles", "clblast", "direct"},
        {"product tn, 64x64x65536, batch 1, symmetric", "tiles", "tiles 64x64, 128 splits", "tiles 64x64, 3 splits"},
    };
    nx_choice all[NX_CHOICES];
    nx_question q;
    char text[NX_WISDOM_TEXT];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_true(nx_question_read(&q, rows[i].question));
        size_t count = nx_choice_candidates(&large, &q, all);
        assert_in_range(count, 2, NX_CHOICES);
        nx_choice_text(text, &all[0]);
        assert_string_equal(text, rows[i].rule);
        assert_true(nx_choice_known(&large, rows[i].question, rows[i].among));
        assert_false(nx_choice_known(&large, rows[i].question, rows[i].not_among));
        for (size_t k = 0; k < count; k++) { /* all are known, and each is there once */
            nx_choice_text(text, &all[k]);
            assert_true(nx_choice_known(&large, rows[i].question, text));
            for (size_t j = 0; j < k; j++) {
                char other[NX_WISDOM_TEXT];
                nx_choice_text(other, &all[j]);
                assert_string_not_equal(text, other);
            }
        }
    }
    nx_device_info tensor_cores = large;
    for (tensor_cores.precision = NX_TF32; tensor_cores.precision < NX_PRECISIONS; tensor_cores.precision++) {
        assert_false(nx_choice_known(&tensor_cores, rows[0].question, "winograd"));
        assert_false(nx_choice_known(&tensor_cores, rows[0].question, "direct 64x64"));
        assert_true(nx_choice_known(&tensor_cores, rows[0].question, "mma 64x64"));
        assert_false(nx_choice_known(&tensor_cores, rows[0].question, "mma 128x128")); /* no fragments */
    }
    nx_device_info cpu = {.family = NX_FAMILY_CPU, .units = 2, .lanes = 16};
    assert_true(nx_choice_known(&cpu, rows[0].question, "winograd 4"));
    assert_false(nx_choice_known(&cpu, rows[0].question, "winograd 3"));
    assert_false(nx_choice_known(&cpu, rows[0].question, "direct 64x64"));
    nx_device_info bf16 = cpu;
    bf16.precision = NX_BF16;
    assert_true(nx_choice_known(&cpu, rows[0].question, "winograd 6x6"));
    assert_false(nx_choice_known(&bf16, rows[0].question, "winograd 6x6"));
    assert_false(nx_choice_known(&large, rows[0].question, "winograd 6x6"));
}

/* Answers every question that was asked with its i-th candidate; false if none has so many. */
static bool answer(const nx_device_info *info, size_t i)
{
    bool any = false;
    for (size_t k = 0; k < nx_wisdom_asked(); k++) {
        nx_question q;
        nx_choice all[NX_CHOICES];
        char text[NX_WISDOM_TEXT];
        assert_true(nx_question_read(&q, nx_wisdom_question(k)));
        size_t count = nx_choice_candidates(info, &q, all);
        any = any || i < count;
        nx_choice_text(text, &all[i % count]);
        nx_wisdom_set(nx_wisdom_question(k), text);
    }
    return any;
}

/* What the tolerances of cases, which are for the sum and for F(4 x 4, 3 x 3), are multiplied by where something has
 * been answered by F(6 x 6, 3 x 3), whose errors at the corners of its tiles are larger. */
static double slack(void)
{
    for (size_t k = 0; k < nx_wisdom_asked(); k++) {
        const char *answer = nx_wisdom_find(nx_wisdom_question(k));
        if (answer && !strncmp(answer, "winograd 6x6", 12)) return 5;
    }
    return 1;
}

/* Forward and gradients of a row, with what has been answered. */
static bool right(nx_device *device, const op_case *c)
{
    const op_strictness strictness = {.in_place = true, .slack = slack()};
    op_finding f = op_check_forward(device, c, &strictness);
    if (f.good && op_has_gradient(c, 0)) f = op_check_gradient(device, c, &strictness);
    if (!f.good) print_error("%s %s%s\n", c->name, f.wrong, f.where);
    return f.good;
}

/* Forward and gradients of rows of the case table, with each candidate of all that they ask. */
void choice_candidates_are_right(void **state);
void choice_candidates_are_right(void **state)
{
    (void)state;
    static const char *const names[] = {
        "winograd, 33 to 64, batch, reflect, leaky",
        "twice enlarged, 16 to 20",
        "3x3, stride 2, adj 1",
        "a transposed, batch",
        "both transposed, a long sum",
        "17 channels, many pixels",
    };
    nx_device *device = test_device();
    size_t rows = 0;
    for (size_t i = 0; i < op_case_count(); i++)
        for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
            const op_case *c = op_case_at(i);
            if (!nx_contains(c->name, names[n])) continue;
            rows++;
            nx_wisdom_forget();
            size_t candidate = 0;
            do {
                if (right(device, c)) continue;
                for (size_t k = 0; k < nx_wisdom_asked(); k++)
                    print_error("%s = %s\n", nx_wisdom_question(k), nx_wisdom_find(nx_wisdom_question(k)));
                fail_msg("%s", c->name);
            } while (answer(&device->info, candidate++));
            if (device->info.family == NX_FAMILY_GPU) assert_true(candidate > 2);
        }
    nx_wisdom_forget();
    assert_true(rows >= sizeof names / sizeof *names);
}

/* Plans forward and gradients of a row, so that its operations ask. */
static void ask(const nx_device_info *info, const op_case *c)
{
    nx_error err;
    nx_graph *g = nx_graph_new(info);
    nx_tensor *in[OP_INPUTS], *wrt[OP_INPUTS], *dx[OP_INPUTS];
    nx_plan *plan;
    size_t n = 0;
    for (int i = 0; i < op_inputs(c); i++) {
        in[i] = nx_input(g, c->in[i], "in");
        if (!(c->no_gradient >> i & 1)) wrt[n++] = in[i];
    }
    nx_tensor *y = c->build(g, in, c);
    if (n) nx_gradient(g, nx_mse(g, y, nx_constant(g, y->shape, NULL)), wrt, n, dx);
    assert_true(nx_plan_new(&plan, g, &err));
    nx_plan_free(plan);
    nx_graph_free(g);
}

/* Answers every question that was asked, and to which the rule has another answer, by this algorithm; false if there is
 * none. */
static bool answer_by(const nx_device_info *info, const nx_algorithm *algorithm)
{
    bool any = false;
    for (size_t k = 0; k < nx_wisdom_asked(); k++) {
        nx_question q;
        nx_choice all[NX_CHOICES];
        assert_true(nx_question_read(&q, nx_wisdom_question(k)));
        nx_wisdom_set(nx_wisdom_question(k), NULL);
        size_t i = 1, count = nx_choice_candidates(info, &q, all);
        if (all[0].algorithm == algorithm) continue;
        while (i < count && all[i].algorithm != algorithm) i++;
        if (i == count) continue;
        nx_wisdom_set(nx_wisdom_question(k), algorithm->name);
        any = true;
    }
    return any;
}

/* Forward and gradients of every row of the case table, by every algorithm of the table that can and is not the rule's,
 * which the rows' own tests take. */
void choice_algorithms_are_right(void **state);
void choice_algorithms_are_right(void **state)
{
    (void)state;
    nx_device *device = test_device();
    size_t tried = 0;
    for (size_t i = 0; i < op_case_count(); i++) {
        const op_case *c = op_case_at(i);
        if (c->timed || (c->no_gradient == NO_GRADIENT && !op_is_convolution(c))) continue;
        nx_wisdom_forget();
        ask(&device->info, c);
        for (size_t a = 0; a < nx_algorithm_count; a++) {
            if (!answer_by(&device->info, nx_algorithms[a])) continue;
            tried++;
            if (!right(device, c)) fail_msg("%s by %s", c->name, nx_algorithms[a]->name);
        }
    }
    nx_wisdom_forget();
    assert_true(tried > 0);
}
