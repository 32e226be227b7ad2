/* nstx weights export MODEL OUT.onnx: a file of ONNX that holds together, with the model's own numbers in it, and what
 * is refused. That it computes what nstx does is shown by tests/reference/onnx_export.py. */
#include "cli.h"

#include "apply/onnx_graph.h"
#include "ops/add.h"
#include "ops/gram.h"

/* ---- messages ---- */

typedef struct message {
    const char *at, *end;
} message;

typedef struct field {
    int number;
    uint64_t value;  /* of a varint */
    message content; /* of what has a length */
} field;

static uint64_t take_varint(message *m)
{
    uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
        assert_true(m->at < m->end && shift < 64);
        unsigned char byte = (unsigned char)*m->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) return value;
    }
}

/* False at the end of the message. */
static bool next(message *m, field *f)
{
    if (m->at == m->end) return false;
    uint64_t key = take_varint(m), kind = key & 7, length;
    *f = (field){.number = (int)(key >> 3)};
    if (!kind) return f->value = take_varint(m), true;
    assert_true(kind == 2 || kind == 5);
    length = kind == 5 ? 4 : take_varint(m);
    assert_true(length <= (uint64_t)(m->end - m->at));
    f->content = (message){m->at, m->at + length};
    m->at += length;
    return true;
}

/* The field of that number, the index-th of them. */
static bool find(message m, int number, int index, field *f)
{
    while (next(&m, f))
        if (f->number == number && !index--) return true;
    return false;
}

/* Its text; "" where there is none. Good for the next sixteen calls. */
static const char *text_of(message m, int number, int index)
{
    static char texts[16][4096];
    static int turn;
    char *text = texts[turn++ % 16];
    field f;
    bool there = find(m, number, index, &f);
    snprintf(text, sizeof texts[0], "%.*s", there ? (int)(f.content.end - f.content.at) : 0, there ? f.content.at : "");
    return text;
}

/* ---- what a file holds ---- */

enum { NODE = 1, INITIALIZER = 5, INPUT = 11, OUTPUT = 12 };

typedef struct onnx_file {
    char *data;
    message whole, graph;
} onnx_file;

static onnx_file load_onnx(const char *name)
{
    onnx_file file;
    size_t bytes;
    field graph;
    nx_error err = {0};
    if (!nx_file_read(at(name), &file.data, &bytes, &err)) fail_msg("%s", err.text);
    file.whole = (message){file.data, file.data + bytes};
    assert_true(find(file.whole, 7, 0, &graph));
    file.graph = graph.content;
    return file;
}

/* "content:3xheightxwidth noise:2xnoise_heightxnoise_width " of the inputs, or of the outputs. */
static char *signature(const onnx_file *file, int which)
{
    char *text = nx_copy_text("");
    field value, type, tensor, shape, dim, size;
    for (int i = 0; find(file->graph, which, i, &value); i++) {
        assert_true(find(value.content, 2, 0, &type) && find(type.content, 1, 0, &tensor) &&
                    find(tensor.content, 2, 0, &shape));
        char *longer = nx_format("%s%s:", text, text_of(value.content, 1, 0));
        for (int k = 1; k < 4; k++) {
            assert_true(find(shape.content, 1, k, &dim));
            char *more = find(dim.content, 1, 0, &size) ? nx_format("%s%d", longer, (int)size.value)
                                                        : nx_format("%s%s", longer, text_of(dim.content, 2, 0));
            free(longer);
            longer = nx_format("%s%s", more, k < 3 ? "x" : " ");
            free(more);
        }
        free(text);
        text = longer;
    }
    return text;
}

static void assert_signature(const onnx_file *file, const char *inputs, const char *outputs)
{
    char *in = signature(file, INPUT), *out = signature(file, OUTPUT);
    assert_string_equal(in, inputs);
    assert_string_equal(out, outputs);
    free(in);
    free(out);
}

/* Every input of a node was there before it, and no name is given twice. */
static void assert_in_order(const onnx_file *file)
{
    char *known = nx_copy_text("\n");
    field f, in;
    for (int kind = 0; kind < 3; kind++) {
        const int numbers[] = {INPUT, INITIALIZER, NODE}, names[] = {1, 8, 2};
        for (int i = 0; find(file->graph, numbers[kind], i, &f); i++) {
            for (int k = 0; numbers[kind] == NODE && find(f.content, 1, k, &in); k++) {
                char *wanted = nx_format("\n%s\n", text_of(f.content, 1, k));
                if (wanted[1] != '\n' && !strstr(known, wanted)) fail_msg("nothing makes %s", wanted);
                free(wanted);
            }
            char *made = nx_format("\n%s\n", text_of(f.content, names[kind], 0));
            if (strstr(known, made)) fail_msg("made twice: %s", made);
            char *longer = nx_format("%s%s", known, made + 1);
            free(made);
            free(known);
            known = longer;
        }
    }
    assert_non_null(strstr(known, "\npicture\n"));
    free(known);
}

/* The tensors of a file of safetensors are the initializers of those names. */
static void assert_same_numbers(const onnx_file *file, const char *tensors)
{
    nx_tensor_file *t;
    nx_error err = {0};
    if (!nx_tensor_file_open(&t, at(tensors), &err)) fail_msg("%s", err.text);
    size_t found = 0;
    field f, raw, dim;
    for (int i = 0; find(file->graph, INITIALIZER, i, &f); i++) {
        const nx_tensor_entry *e = nx_tensor_file_find(t, text_of(f.content, 8, 0));
        if (!e) continue;
        for (int k = 0; k < e->rank; k++) {
            assert_true(find(f.content, 1, k, &dim));
            assert_int_equal(dim.value, e->shape[k]);
        }
        assert_true(find(f.content, 9, 0, &raw));
        assert_int_equal(raw.content.end - raw.content.at, nx_tensor_entry_size(e) * sizeof(float));
        assert_memory_equal(raw.content.at, e->data, nx_tensor_entry_size(e) * sizeof(float));
        found++;
    }
    assert_int_equal(found, nx_tensor_file_count(t));
    nx_tensor_file_free(t);
}

/* ---- tests ---- */

static void a_generator_is_exported(void **state)
{
    (void)state;
    field f, other;
    nstx(0, "weights export noisy.model.h5 noisy.onnx");
    assert_said(said_out, "noisy.onnx: ONNX, ");
    onnx_file file = load_onnx("noisy.onnx");
    assert_memory_equal(file.data, "\x08\x08\x12\x04nstx", 8);
    assert_true(find(file.whole, 8, 0, &f) && find(f.content, 2, 0, &other));
    assert_int_equal(other.value, 17);
    assert_true(find(file.whole, 14, 1, &f));
    assert_string_equal(text_of(f.content, 1, 0), "options");
    assert_said(text_of(f.content, 2, 0), "channels = 4");
    assert_signature(&file, "content:3xheightxwidth noise:2xnoise_heightxnoise_width ", "picture:3xheightxwidth ");
    assert_true(find(file.graph, INPUT, 1, &f));
    assert_said(text_of(f.content, 3, 0), "uniform");
    assert_said(text_of(f.content, 3, 0), "multiples of 4");
    assert_in_order(&file);
    nstx(0, "weights export noisy.model.h5 noisy.safetensors");
    assert_same_numbers(&file, "noisy.safetensors");
    free(file.data);
}

/* From HDF5, safetensors or the run file, over its own file or a fresh one: the same bytes. */
static void the_bytes_are_the_models(void **state)
{
    (void)state;
    nstx(0, "weights export noisy.model.h5 a.onnx");
    nstx(0, "weights export noisy.model.h5 a.onnx");
    nstx(0, "weights export noisy.model.h5 b.safetensors");
    nstx(0, "weights export b.safetensors b.onnx");
    nstx(0, "weights export noisy.h5 run.onnx");
    free(shell("cmp a.onnx b.onnx && cmp a.onnx run.onnx"));
}

static void textures_take_noise_alone(void **state)
{
    (void)state;
    nstx(0, "weights export texture.model.h5 texture.onnx");
    onnx_file file = load_onnx("texture.onnx");
    assert_signature(&file, "noise1:3xnoise1_heightxnoise1_width noise2:3xnoise2_heightxnoise2_width ",
                     "picture:3xheightxwidth ");
    assert_in_order(&file);
    free(file.data);
}

/* Padded once and shaved by every block, its pixels centered, for every size. */
static void a_checkpoint_of_others_is_exported(void **state)
{
    (void)state;
    nstx(0, "weights export " NSTX_SOURCE "/tests/reference/fastneuralstyle/nearest.t7 johnson.onnx");
    onnx_file file = load_onnx("johnson.onnx");
    assert_signature(&file, "content:3xheightxwidth ", "picture:3xheightxwidth ");
    assert_in_order(&file);
    free(file.data);
}

static void what_is_refused(void **state)
{
    (void)state;
    static const float weights[3 * 3 * 3 * 4];
    const nx_tensor_entry kernel[] = {{"features.0.weight", 4, {4, 3, 3, 3}, weights},
                                      {"features.0.bias", 1, {4}, weights}};
    nx_error err = {0};
    if (!nx_tensors_save_safetensors(at("vgg.safetensors"), kernel, 2, NULL, 0, &err)) fail_msg("%s", err.text);
    refused("vgg.safetensors: not a model", "weights export vgg.safetensors x.onnx");
    refused("noisy.h5: it is read", "weights export noisy.h5 noisy.h5");
    refused("no.model.h5", "weights export no.model.h5 x.onnx");
    refused("noisy.model.h5: it is read", "weights export noisy.model.h5 noisy.model.h5");
    write_text("mine.onnx", "mine");
    refused("mine.onnx: there is a file that nstx did not write", "weights export noisy.model.h5 mine.onnx");
    nstx(1, "weights export noisy.model.h5 nowhere/x.onnx");
    assert_one_line("nowhere/x.onnx");
    assert_false(nx_folder_exists(at("nowhere")));
}

/* What has no row is named; what is made otherwise is left out. */
static void operations_without_a_row_are_named(void **state)
{
    (void)state;
    nx_error err = {0};
    nx_graph *g = nx_graph_new(&(nx_device_info){.family = NX_FAMILY_CPU});
    nx_tensor *x = nx_input(g, (nx_shape){1, 4, 4, 2}, "x"), *gram = nx_gram(g, x, 1);
    nx_tensor *y = nx_add(g, gram, gram);
    onnx_graph *o = onnx_graph_new(g);
    onnx_set_value(o, x, "x");
    assert_false(onnx_record(o, &err));
    assert_string_equal(err.text, "the operation gram has no counterpart in ONNX here");
    assert_null(onnx_value(o, y));
    onnx_set_value(o, gram, "gram");
    assert_true(onnx_record(o, &err));
    assert_non_null(onnx_value(o, y));
    onnx_graph_free(o);
    nx_graph_free(g);
}

static int open_all(void **state)
{
    if (cli_open(state)) return -1;
    nstx(0, "run tiny.ini -o noisy.h5 -s experiment.steps=1 -s data.validation_count=0 -s generator.noise=2 "
            "-s generator.upsample=nearest -s generator.padding=circular");
    nstx(0, "run tiny.ini -o texture.h5 -s experiment.steps=1 -s experiment.paper=texture_networks "
            "-s experiment.task=texture -s generator.network=pyramid -s generator.scales=2");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_generator_is_exported),   cmocka_unit_test(the_bytes_are_the_models),
        cmocka_unit_test(textures_take_noise_alone), cmocka_unit_test(a_checkpoint_of_others_is_exported),
        cmocka_unit_test(what_is_refused),           cmocka_unit_test(operations_without_a_row_are_named),
    };
    return cmocka_run_group_tests(tests, open_all, scratch_close);
}
