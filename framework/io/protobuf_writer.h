/* Messages of Protocol Buffers, put together field by field: numbers as varints, texts, bytes and messages with their
 * length before them, floats as four bytes. It knows field numbers, not what they mean.
 *
 *     nx_protobuf_writer node = {0}, graph = {0};
 *     nx_protobuf_put_text(&node, 4, "Relu");
 *     nx_protobuf_put_message(&graph, 1, &node);               node is empty again
 *     nx_file_write("graph.bin", graph.data, graph.bytes, err);
 *     nx_protobuf_writer_free(&graph);
 *
 * Repeated fields are put once an element. Not here: reading.
 */
#ifndef NX_IO_PROTOBUF_WRITER_H
#define NX_IO_PROTOBUF_WRITER_H

#include <stddef.h>
#include <stdint.h>

typedef struct nx_protobuf_writer { /* all 0: an empty message */
    char *data;
    size_t bytes, capacity;
} nx_protobuf_writer;

void nx_protobuf_put_number(nx_protobuf_writer *w, int field, int64_t value); /* int32, int64, enum */
void nx_protobuf_put_float(nx_protobuf_writer *w, int field, float value);
void nx_protobuf_put_bytes(nx_protobuf_writer *w, int field, const void *data, size_t bytes);
void nx_protobuf_put_text(nx_protobuf_writer *w, int field, const char *text);               /* UTF-8 */
void nx_protobuf_put_message(nx_protobuf_writer *w, int field, nx_protobuf_writer *message); /* which is freed */

/* The fields of `more`, a part of the same message, which is freed. */
void nx_protobuf_append(nx_protobuf_writer *w, nx_protobuf_writer *more);

void nx_protobuf_writer_free(nx_protobuf_writer *w); /* leaves it empty */

#endif
