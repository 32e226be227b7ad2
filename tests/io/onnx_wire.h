/* ONNX models for tests, in protobuf's wire format, written message by message. Without cmocka: the fuzzer makes its
 * seeds of it, too.
 *
 *     wire node = {0}, graph = {0}, model = {0};
 *     wire_text(&node, 4, "Relu");
 *     wire_message(&graph, 1, &node);                        node is empty again
 *     wire_message(&model, 7, &graph);
 *     ... model.bytes, model.count ...
 */
#ifndef NX_TESTS_IO_ONNX_WIRE_H
#define NX_TESTS_IO_ONNX_WIRE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct wire {
    unsigned char bytes[4096];
    size_t count;
} wire;

static inline void wire_put(wire *w, const void *data, size_t bytes)
{
    if (bytes > sizeof w->bytes - w->count) abort();
    memcpy(w->bytes + w->count, data, bytes);
    w->count += bytes;
}

static inline void wire_varint(wire *w, uint64_t value)
{
    for (; value > 127; value >>= 7) wire_put(w, &(unsigned char){(unsigned char)(value | 128)}, 1);
    wire_put(w, &(unsigned char){(unsigned char)value}, 1);
}

static inline void wire_whole(wire *w, uint64_t number, int64_t value)
{
    wire_varint(w, number << 3);
    wire_varint(w, (uint64_t)value);
}

static inline void wire_real(wire *w, uint64_t number, float value)
{
    wire_varint(w, number << 3 | 5);
    wire_put(w, &value, sizeof value);
}

static inline void wire_bytes(wire *w, uint64_t number, const void *data, size_t bytes)
{
    wire_varint(w, number << 3 | 2);
    wire_varint(w, bytes);
    wire_put(w, data, bytes);
}

static inline void wire_text(wire *w, uint64_t number, const char *text) { wire_bytes(w, number, text, strlen(text)); }

static inline void wire_message(wire *w, uint64_t number, wire *inner)
{
    wire_bytes(w, number, inner->bytes, inner->count);
    inner->count = 0;
}

/* A graph of one convolution with its two parameters and a Constant, every kind of field among them. */
static inline void wire_graph(wire *graph)
{
    wire part = {0}, inner = {0}, deepest = {0};
    wire_text(&part, 1, "x"), wire_text(&part, 1, "w"), wire_text(&part, 1, "b"), wire_text(&part, 2, "y");
    wire_text(&inner, 1, "strides"), wire_whole(&inner, 8, 2), wire_bytes(&inner, 8, "\3\4", 2);
    wire_message(&part, 5, &inner);
    wire_text(&inner, 1, "epsilon"), wire_real(&inner, 2, 0.5f);
    wire_message(&part, 5, &inner);
    wire_text(&inner, 1, "group"), wire_whole(&inner, 3, -1);
    wire_message(&part, 5, &inner);
    wire_text(&inner, 1, "mode"), wire_text(&inner, 4, "reflect");
    wire_message(&part, 5, &inner);
    wire_text(&part, 4, "Conv");
    wire_message(graph, 1, &part);
    wire_text(&deepest, 8, "inside"), wire_whole(&deepest, 1, 2), wire_whole(&deepest, 2, 7);
    wire_whole(&deepest, 7, -5), wire_whole(&deepest, 7, 6);
    wire_text(&inner, 1, "value");
    wire_message(&inner, 5, &deepest);
    wire_message(&part, 5, &inner);
    wire_text(&part, 2, "c"), wire_text(&part, 4, "Constant");
    wire_message(graph, 1, &part);
    wire_bytes(&part, 1, "\2\3", 2), wire_whole(&part, 2, 1), wire_text(&part, 8, "w");
    wire_bytes(&part, 9, (const float[6]){1, 2, 3, 4, 5, 6}, 24);
    wire_message(graph, 5, &part);
    wire_whole(&part, 1, 3), wire_whole(&part, 2, 1), wire_text(&part, 8, "b");
    wire_real(&part, 4, 7), wire_bytes(&part, 4, (const float[2]){8, 9}, 8);
    wire_message(graph, 5, &part);
    wire_text(&part, 1, "x");
    wire_message(graph, 11, &part);
    wire_text(&part, 1, "y");
    wire_message(graph, 12, &part);
}

/* The whole file, with fields that are passed over. */
static inline void wire_model(wire *model)
{
    wire graph = {0};
    model->count = 0;
    wire_whole(model, 1, 9);
    wire_text(model, 2, "tests");
    wire_varint(model, 99 << 3 | 1), wire_put(model, "12345678", 8);
    wire_graph(&graph);
    wire_message(model, 7, &graph);
}

#endif
