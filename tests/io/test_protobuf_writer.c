/* Messages of Protocol Buffers, byte by byte as its encoding is published. */
#include "io/protobuf_writer.h"
#include "scratch.h"

#include <limits.h>

static void assert_bytes(nx_protobuf_writer *w, const char *wanted, size_t bytes)
{
    assert_int_equal(w->bytes, bytes);
    assert_memory_equal(w->data, wanted, bytes);
    nx_protobuf_writer_free(w);
    assert_int_equal(w->bytes, 0);
}

#define ASSERT_BYTES(w, text) assert_bytes(w, text, sizeof text - 1)

static void numbers_are_varints(void **state)
{
    (void)state;
    nx_protobuf_writer w = {0};
    nx_protobuf_put_number(&w, 1, 0);
    nx_protobuf_put_number(&w, 1, 127);
    nx_protobuf_put_number(&w, 1, 128);
    nx_protobuf_put_number(&w, 1, 150);
    ASSERT_BYTES(&w, "\x08\x00\x08\x7f\x08\x80\x01\x08\x96\x01");
    nx_protobuf_put_number(&w, 2, -2); /* ten bytes */
    nx_protobuf_put_number(&w, 2, INT64_MAX);
    ASSERT_BYTES(&w, "\x10\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01\x10\xff\xff\xff\xff\xff\xff\xff\xff\x7f");
    nx_protobuf_put_number(&w, 20, 1); /* a field beyond 15 */
    ASSERT_BYTES(&w, "\xa0\x01\x01");
}

static void the_rest_has_lengths(void **state)
{
    (void)state;
    nx_protobuf_writer w = {0}, inner = {0}, more = {0};
    nx_protobuf_put_text(&w, 2, "testing");
    ASSERT_BYTES(&w, "\x12\x07testing");
    nx_protobuf_put_bytes(&w, 9, "a\0b", 3);
    nx_protobuf_put_bytes(&w, 9, NULL, 0);
    nx_protobuf_put_float(&w, 2, 1);
    ASSERT_BYTES(&w, "\x4a\x03"
                     "a\0b\x4a\x00\x15\x00\x00\x80\x3f");
    nx_protobuf_put_number(&inner, 1, 150);
    nx_protobuf_put_message(&w, 3, &inner);
    assert_null(inner.data);
    nx_protobuf_put_message(&w, 3, &inner); /* an empty one is there, too */
    nx_protobuf_put_number(&more, 4, 1);
    nx_protobuf_append(&w, &more);
    assert_null(more.data);
    ASSERT_BYTES(&w, "\x1a\x03\x08\x96\x01\x1a\x00\x20\x01");
}

static void long_ones_grow(void **state)
{
    (void)state;
    enum { COUNT = 1000, BYTES = 300 };
    char block[BYTES] = {0};
    nx_protobuf_writer w = {0};
    for (int i = 0; i < COUNT; i++) {
        block[0] = (char)i;
        nx_protobuf_put_bytes(&w, 1, block, BYTES);
    }
    assert_int_equal(w.bytes, COUNT * (BYTES + 3));
    for (int i = 0; i < COUNT; i++) {
        const char *at = w.data + i * (BYTES + 3);
        assert_memory_equal(at, "\x0a\xac\x02", 3);
        assert_int_equal(at[3], (char)i);
    }
    nx_protobuf_writer_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_varints),
        cmocka_unit_test(the_rest_has_lengths),
        cmocka_unit_test(long_ones_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
