/* The tables of generators, classifiers, descriptors and papers: every word of a config has its row, and what a row
 * says of a network is so. */
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "networks/classifiers.h"
#include "ops/random.h"
#include "planned.h"
#include "run/paper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static config *config_of(const char *section, const char *key, const char *word, const char *more)
{
    nx_error err = {""};
    config *c;
    char *text = nx_format("[%s]\n%s = %s\n%s", section, key, word, more);
    if (!config_parse(&c, "words.ini", text, ".", NULL, 0, &err)) fail_msg("%s", err.text);
    free(text);
    return c;
}

static const char *const *words_of(const char *section, const char *key)
{
    config_key k;
    for (size_t i = 0; config_key_at(i, &k); i++)
        if (!strcmp(k.section, section) && !strcmp(k.key, key)) return k.words;
    fail_msg("no [%s] %s", section, key);
    return NULL;
}

static void words_have_rows(void **state)
{
    (void)state;
    const char *const *words = words_of("generator", "network");
    for (size_t i = 0; words[i]; i++) {
        config *c = config_of("generator", "network", words[i], "");
        assert_string_equal(generator_network_of(c)->name, words[i]);
        config_free(c);
    }
    words = words_of("classifier", "network");
    for (size_t i = 0; words[i]; i++) {
        config *c = config_of("classifier", "network", words[i], "");
        assert_string_equal(classifier_network_of(c)->name, words[i]);
        config_free(c);
    }
    words = words_of("descriptor", "network");
    size_t descriptors = 0;
    for (; words[descriptors]; descriptors++)
        assert_string_equal(descriptor_network_at(descriptors)->name, words[descriptors]);
    assert_null(descriptor_network_at(descriptors));
    words = words_of("experiment", "paper");
    for (size_t i = 0; words[i]; i++) {
        config *c = config_of("experiment", "paper", words[i], "");
        assert_string_equal(paper_of(c)->name, words[i]);
        config_free(c);
    }
}

/* What a paper trains is a network. */
static void papers_train_networks(void **state)
{
    (void)state;
    const char *const *papers = words_of("experiment", "paper"), *const *networks = words_of("generator", "network");
    for (size_t i = 0; papers[i]; i++) {
        config *c = config_of("experiment", "paper", papers[i], "");
        for (const paper_network *n = paper_of(c)->trains; n && n->name; n++) {
            bool known = false;
            for (size_t k = 0; networks[k]; k++) known = known || !strcmp(n->name, networks[k]);
            if (!known) fail_msg("%s trains %s, which is no network", papers[i], n->name);
        }
        assert_true(!paper_of(c)->trains == !paper_of(c)->losses);
        config_free(c);
    }
}

/* A config that asks a paper for what it does not have. */
static void papers_refuse(void **state)
{
    (void)state;
    static const struct {
        const char *paper, *more, *part;
    } cases[] = {
        {"improved_texnet", "[generator]\nnetwork = mtnet\n", "improved_texnet trains stylenet, v2 or pyramid"},
        {"improved_texnet", "[generator]\nnetwork = v2\n", "improved_texnet trains v2 for textures: task = texture"},
        {"improved_texnet", "task = texture\n", "noise = 0: a texture from stylenet is made from noise"},
        {"improved_texnet", "[loss]\ndiversity = 1\n", "it needs [generator] noise of 1 or more"},
        {"texture_networks", "", "texture_networks trains pyramid"},
        {"improved_texnet", "[generator]\npadding = circular\npadding_place = start\n", "padding_place = start: "},
        {"improved_texnet", "[generator]\npadding = circular\npadding_place = unstrided\n",
         "padding_place = unstrided: "},
        {"multimodal", "", "multimodal trains mtnet"},
        {"multimodal", "task = texture\n[generator]\nnetwork = mtnet\n", "has the task train alone"},
        {"multimodal", "[generator]\nnetwork = mtnet\nnorm = batch\n", "mtnet has instance normalization alone"},
        {"multimodal", "[generator]\nnetwork = mtnet\npadding = zero\n", "takes replicate, reflect or circular"},
        {"multimodal", "[generator]\nnetwork = mtnet\nstages = 2\n[loss]\nstage_weights = 1 2 3\n",
         "3 numbers for the 2 subnets"},
        {"improved_texnet", "task = texture\n[generator]\nnetwork = v2\n[loss]\ndiversity = 1\n", NULL},
        {"improved_texnet", "", NULL},
        {"texture_networks", "[generator]\nnetwork = pyramid\n", NULL},
        {"multimodal", "[generator]\nnetwork = mtnet\n", NULL},
        {"gatys", "[generator]\nnetwork = v2\n", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nx_error err = {""};
        config *c = config_of("experiment", "paper", cases[i].paper, cases[i].more);
        bool fine = paper_check(paper_of(c), c, &err);
        if (fine != !cases[i].part || (!fine && !strstr(err.text, cases[i].part)))
            fail_msg("case %zu: %s", i, fine ? "nothing is wrong" : err.text);
        config_free(c);
    }
}

/* Pictures of the sizes that the row names, from a content where the network takes one. */
static void rows_make_pictures(void **state)
{
    (void)state;
    static const struct {
        const char *network, *more;
        bool texture, noise, torus;
        int count;
    } cases[] = {
        {"stylenet", "channels = 4\nblocks = 1\n", false, false, false, 1},
        {"stylenet", "channels = 4\nblocks = 1\nnoise = 2\npadding = circular\n", false, true, true, 1},
        {"stylenet", "channels = 4\nblocks = 1\nnoise = 2\n", true, true, false, 1},
        {"stylenet", "channels = 4\nblocks = 2\npadding = reflect\npadding_place = start\n", false, false, false, 1},
        {"stylenet", "channels = 4\npadding = reflect\npadding_place = unstrided\n", false, false, false, 1},
        {"mtnet", "channels = 4\n", false, false, false, 3},
        {"mtnet", "channels = 4\nstages = 2\npadding = circular\n", false, false, true, 2},
        {"pyramid", "scales = 3\n", true, true, true, 1},
        {"pyramid", "scales = 3\noutput_scale = 100\n", false, true, true, 1},
        {"v2", "channels = 16\nscales = 2\n", true, true, false, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        config *c = config_of("generator", "network", cases[i].network, cases[i].more);
        const generator_network *n = generator_network_of(c);
        int side = n->multiple(c) * (n->one_size ? 1 : 2);
        if (generator_least(c) > side) side = generator_least(c);
        int made = (side + n->multiple(c) - 1) / n->multiple(c) * n->multiple(c);
        assert_int_equal(n->reach(c) % n->multiple(c), 0);
        assert_int_equal(n->noise(c), cases[i].noise);
        assert_int_equal(n->torus(c), cases[i].torus);
        for (int applied = 0; applied < 2; applied++) {
            nx_graph *g = nx_graph_new(&test_device()->info);
            nx_params *params = nx_params_new();
            nx_scope scope = {.g = g, .params = params, .seed = 1};
            nx_shape shape = {2, side, side, 3};
            generator_inputs in = {.shape = shape,
                                   .content = cases[i].texture ? NULL : nx_input(g, shape, "content"),
                                   .random = nx_input(g, NX_RANDOM_STATE, "random"),
                                   .applied = applied};
            generator_pictures y = n->record(c, &scope, &in);
            assert_int_equal(y.count, cases[i].count);
            assert_true(nx_shape_equal(y.output[y.count - 1]->shape, (nx_shape){2, made, made, 3}));
            assert_null(y.input[0]);
            for (int k = 1; k < y.count; k++) assert_true(nx_shape_equal(y.input[k]->shape, y.output[k]->shape));
            nx_params_free(params);
            nx_graph_free(g);
        }
        config_free(c);
    }
}

/* Of the smallest pictures that can be padded as far. */
static void smallest_pictures_are_made(void **state)
{
    (void)state;
    static const struct {
        const char *more;
        int least;
    } cases[] = {
        {"padding = reflect\n", 5},
        {"padding = reflect\noutput_size = 31\n", 13},
        {"padding = circular\n", 4},
        {"padding = circular\noutput_size = 31\n", 16},
        {"padding = zero\n", 4},
        {"padding = reflect\npadding_place = start\nblocks = 1\n", 9},
        {"padding = reflect\npadding_place = start\n", 41},
        {"padding = replicate\npadding_place = start\n", 4},
        {"padding = reflect\npadding_place = unstrided\nupsample = nearest\n", 5},
        {"padding = zero\npadding_place = start\nupsample = nearest\nupsample_norm = true\n", 4},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        config *c = config_of("generator", "channels", "2", cases[i].more);
        assert_int_equal(generator_least(c), cases[i].least);
        nx_graph *g = nx_graph_new(&test_device()->info);
        nx_params *params = nx_params_new();
        nx_scope scope = {.g = g, .params = params, .undrawn = true};
        int made = (cases[i].least + 3) / 4 * 4;
        nx_shape shape = {1, cases[i].least, cases[i].least, 3};
        generator_inputs in = {.shape = shape, .content = nx_input(g, shape, "content")};
        assert_true(nx_shape_equal(generator_network_of(c)->record(c, &scope, &in).output[0]->shape,
                                   (nx_shape){1, made, made, 3}));
        nx_params_free(params);
        nx_graph_free(g);
        config_free(c);
    }
}

/* A network that rounds sides up itself is given them as they are. */
static void sides_are_those_the_network_takes(void **state)
{
    (void)state;
    static const struct {
        const char *network, *more;
        int pixels, side;
    } cases[] = {
        {"stylenet", "", 61, 61},
        {"stylenet", "padding = reflect\npadding_place = start\n", 3, 41},
        {"stylenet", "padding = circular\n", 61, 64},
        {"mtnet", "", 61, 64},
        {"pyramid", "scales = 3\n", 61, 64},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        config *c = config_of("generator", "network", cases[i].network, cases[i].more);
        assert_int_equal(generator_side(c, cases[i].pixels), cases[i].side);
        config_free(c);
    }
}

int main(void)
{
    nx_log_set(NX_LOG_WARN);
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_have_rows),
        cmocka_unit_test(papers_train_networks),
        cmocka_unit_test(papers_refuse),
        cmocka_unit_test(rows_make_pictures),
        cmocka_unit_test(smallest_pictures_are_made),
        cmocka_unit_test(sides_are_those_the_network_takes),
    };
    int failed = cmocka_run_group_tests_name("generators", tests, NULL, NULL);
    test_device_close();
    return failed != 0;
}
