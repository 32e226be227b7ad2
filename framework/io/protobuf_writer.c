/* A field is its number and the kind of its value in one varint, then the value. */
#include "io/protobuf_writer.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

typedef enum wire { WIRE_VARINT = 0, WIRE_LENGTH = 2, WIRE_FOUR_BYTES = 5 } wire;

static void put(nx_protobuf_writer *w, const void *data, size_t bytes)
{
    if (w->capacity - w->bytes < bytes) {
        w->capacity = 2 * w->capacity + bytes;
        w->data = nx_realloc(w->data, w->capacity);
    }
    if (bytes) memcpy(w->data + w->bytes, data, bytes);
    w->bytes += bytes;
}

/* Seven bits a byte, the lowest first; the highest bit says that another follows. */
static void put_varint(nx_protobuf_writer *w, uint64_t value)
{
    unsigned char bytes[10];
    size_t n = 0;
    for (; value > 0x7f; value >>= 7) bytes[n++] = (unsigned char)(value | 0x80);
    bytes[n++] = (unsigned char)value;
    put(w, bytes, n);
}

static void put_field(nx_protobuf_writer *w, int field, wire kind)
{
    put_varint(w, (uint64_t)field << 3 | (uint64_t)kind);
}

void nx_protobuf_put_number(nx_protobuf_writer *w, int field, int64_t value)
{
    put_field(w, field, WIRE_VARINT);
    put_varint(w, (uint64_t)value);
}

void nx_protobuf_put_float(nx_protobuf_writer *w, int field, float value)
{
    put_field(w, field, WIRE_FOUR_BYTES);
    put(w, &value, sizeof value);
}

void nx_protobuf_put_bytes(nx_protobuf_writer *w, int field, const void *data, size_t bytes)
{
    put_field(w, field, WIRE_LENGTH);
    put_varint(w, bytes);
    put(w, data, bytes);
}

void nx_protobuf_put_text(nx_protobuf_writer *w, int field, const char *text)
{
    nx_protobuf_put_bytes(w, field, text, strlen(text));
}

void nx_protobuf_put_message(nx_protobuf_writer *w, int field, nx_protobuf_writer *message)
{
    nx_protobuf_put_bytes(w, field, message->data, message->bytes);
    nx_protobuf_writer_free(message);
}

void nx_protobuf_append(nx_protobuf_writer *w, nx_protobuf_writer *more)
{
    put(w, more->data, more->bytes);
    nx_protobuf_writer_free(more);
}

void nx_protobuf_writer_free(nx_protobuf_writer *w)
{
    free(w->data);
    *w = (nx_protobuf_writer){0};
}
