/* ONNX models, built here field by field: every kind of field; then each way in which a file can be wrong. */
#include "onnx_wire.h"
#include "scratch.h"

#include "io/onnx.h"

static bool open_wire(nx_onnx **model, const wire *w, nx_error *err)
{
    const char *path = scratch("file.onnx");
    scratch_write(path, w->bytes, w->count);
    *err = (nx_error){""};
    return nx_onnx_open(model, path, err);
}

static void refused(const wire *w, const char *words)
{
    nx_onnx *model;
    nx_error err;
    bool opened = open_wire(&model, w, &err);
    if (opened) nx_onnx_free(model);
    assert_false(opened);
    assert_null(model);
    assert_message(&err, "file.onnx", words);
}

static void reads_a_model(void **state)
{
    (void)state;
    wire w = {0};
    nx_onnx *m;
    nx_error err;
    wire_model(&w);
    if (!open_wire(&m, &w, &err)) fail_msg("%s", err.text);
    assert_int_equal(m->n_nodes, 2);
    assert_int_equal(m->n_tensors, 2);
    assert_int_equal(m->n_inputs, 1);
    assert_int_equal(m->n_outputs, 1);
    assert_string_equal(m->inputs[0], "x");
    assert_string_equal(m->outputs[0], "y");
    const nx_onnx_node *conv = &m->nodes[0];
    assert_string_equal(conv->op, "Conv");
    assert_int_equal(conv->n_in, 3);
    assert_string_equal(conv->in[2], "b");
    assert_string_equal(conv->out[0], "y");
    const nx_onnx_attribute *strides = nx_onnx_attribute_of(conv, "strides");
    assert_int_equal(strides->n_wholes, 3);
    for (int i = 0; i < 3; i++) assert_int_equal(strides->wholes[i], i + 2);
    assert_true(nx_onnx_attribute_of(conv, "epsilon")->real == 0.5f);
    assert_int_equal(nx_onnx_attribute_of(conv, "group")->whole, -1);
    assert_string_equal(nx_onnx_attribute_of(conv, "mode")->text, "reflect");
    assert_null(nx_onnx_attribute_of(conv, "mod"));
    const nx_onnx_tensor *weight = nx_onnx_find(m, "w"), *bias = nx_onnx_find(m, "b"), *inside = nx_onnx_find(m, "c");
    assert_true(weight->rank == 2 && weight->shape[0] == 2 && weight->shape[1] == 3 && weight->count == 6);
    for (int i = 0; i < 6; i++) assert_true(weight->reals[i] == (float)(i + 1));
    for (int i = 0; i < 3; i++) assert_true(bias->reals[i] == (float)(i + 7));
    assert_true(inside->type == NX_ONNX_INT64 && inside->wholes[0] == -5 && inside->wholes[1] == 6);
    assert_null(nx_onnx_find(m, "inside"));
    nx_onnx_free(m);
}

/* Another type, or numbers in another file: a tensor with a shape and no numbers. */
static void keeps_what_it_cannot_read(void **state)
{
    (void)state;
    wire tensor = {0}, graph = {0}, w = {0};
    nx_onnx *m;
    nx_error err;
    wire_whole(&tensor, 1, 1000), wire_whole(&tensor, 1, 1000), wire_whole(&tensor, 2, 10), wire_text(&tensor, 8, "h");
    wire_message(&graph, 5, &tensor);
    wire_whole(&tensor, 1, 1000), wire_whole(&tensor, 2, 1), wire_text(&tensor, 8, "f"), wire_whole(&tensor, 14, 1);
    wire_message(&graph, 5, &tensor);
    wire_graph(&graph);
    wire_message(&w, 7, &graph);
    if (!open_wire(&m, &w, &err)) fail_msg("%s", err.text);
    assert_int_equal(nx_onnx_find(m, "h")->count, 1000000);
    assert_null(nx_onnx_find(m, "h")->reals);
    assert_null(nx_onnx_find(m, "f")->reals);
    nx_onnx_free(m);
}

static void refuses_parts(void **state)
{
    (void)state;
    wire w = {0};
    wire_model(&w);
    size_t size = w.count;
    for (; w.count > 0; w.count--) {
        nx_onnx *m;
        nx_error err;
        bool whole = open_wire(&m, &w, &err);
        if (whole) nx_onnx_free(m);
        if (!whole) assert_message(&err, "file.onnx", "");
        assert_true(whole == (w.count == size));
    }
    wire_model(&w);
    w.count--;
    refused(&w, "cut off at byte");
    w.count = 0;
    refused(&w, "there is no graph");
}

/* Each wrong thing once: a tensor, with a good graph behind it. */
static void refused_tensor(wire *tensor, const char *words)
{
    wire graph = {0}, w = {0};
    wire_text(tensor, 8, "bad");
    wire_message(&graph, 5, tensor);
    wire_graph(&graph);
    wire_message(&w, 7, &graph);
    refused(&w, words);
}

static void refuses_what_is_wrong(void **state)
{
    (void)state;
    wire w = {0}, t = {0}, graph = {0};
    wire_put(&w, "\x89PNG", 4);
    refused(&w, "no ONNX model");
    w.count = 0, wire_put(&w, "\3", 1);
    refused(&w, "a field without a number");
    w.count = 0, wire_put(&w, "\x0f", 1);
    refused(&w, "a field of no known kind");
    w.count = 0, wire_put(&w, "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 11);
    refused(&w, "more than 64 bits");
    w.count = 0, wire_put(&w, "\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\1", 11);
    refused(&w, "cut off");
    w.count = 0, wire_put(&w, "\x3a\4\x0a\5ab", 6); /* a node that ends behind its graph */
    refused(&w, "cut off");
    wire_model(&w), wire_graph(&graph), wire_message(&w, 7, &graph);
    refused(&w, "a second graph");

    wire_whole(&t, 1, 3), wire_whole(&t, 2, 1), wire_bytes(&t, 9, "12345678", 8);
    refused_tensor(&t, "bad has 2 numbers, and its shape asks for 3");
    wire_whole(&t, 1, 3), wire_whole(&t, 2, 1), wire_bytes(&t, 9, "1234567890123", 13);
    refused_tensor(&t, "bad has 3 numbers");
    wire_whole(&t, 1, 2), wire_whole(&t, 2, 7), wire_whole(&t, 7, 1);
    refused_tensor(&t, "bad has 1 numbers, and its shape asks for 2");
    wire_whole(&t, 1, 2), wire_whole(&t, 2, 1), wire_real(&t, 4, 1);
    refused_tensor(&t, "bad has 1 numbers");
    for (int i = 0; i < 4; i++) wire_whole(&t, 1, 1 << 30);
    wire_whole(&t, 2, 1), wire_bytes(&t, 9, "1234", 4);
    refused_tensor(&t, "bad has 1 numbers, and its shape asks for 1844674407370955161");
    wire_whole(&t, 1, -1), wire_whole(&t, 2, 1);
    refused_tensor(&t, "negative");
    for (int i = 0; i < 9; i++) wire_whole(&t, 1, 1);
    refused_tensor(&t, "9 dimensions, more than 8");
    wire_real(&t, 1, 1);
    refused_tensor(&t, "whole numbers that are none");
    wire_whole(&t, 4, 1);
    refused_tensor(&t, "real numbers that are none");
    wire_bytes(&t, 4, "12345", 5);
    refused_tensor(&t, "cut off");
    wire_bytes(&t, 8, "a\0b", 3);
    refused_tensor(&t, "a zero byte in a text");
}

/* Whatever one byte becomes, the answer is yes or one line; a sanitizer sees the rest. */
static void survives_damage(void **state)
{
    (void)state;
    wire w = {0};
    wire_model(&w);
    for (size_t i = 0; i < w.count; i++) {
        static const unsigned char values[] = {0, 10, 127, 255};
        unsigned char kept = w.bytes[i];
        for (size_t k = 0; k < sizeof values; k++) {
            nx_onnx *m;
            nx_error err;
            w.bytes[i] = values[k];
            if (open_wire(&m, &w, &err))
                nx_onnx_free(m);
            else
                assert_message(&err, "file.onnx", "");
        }
        w.bytes[i] = kept;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_model),   cmocka_unit_test(keeps_what_it_cannot_read),
        cmocka_unit_test(refuses_parts),   cmocka_unit_test(refuses_what_is_wrong),
        cmocka_unit_test(survives_damage),
    };
    return cmocka_run_group_tests_name("onnx", tests, scratch_open, scratch_close) != 0;
}
