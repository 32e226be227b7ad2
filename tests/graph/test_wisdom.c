/* Wisdom in a file: what is written is read; a file that is not quite one is not used, with the reason. */
#include "graph/wisdom.h"

#include "../io/scratch.h"

#include <xxhash.h>

static const nx_device_info device = {.name = "some device", .platform = "of none", .driver = "1"};

/* Writes text with the sum of its bytes behind it. */
static void write_signed(const char *path, const char *text, size_t bytes)
{
    char *whole = nx_alloc(bytes + 32);
    memcpy(whole, text, bytes);
    int sum = sprintf(whole + bytes, "xxh3 %016llx\n", (unsigned long long)XXH3_64bits(text, bytes));
    scratch_write(path, whole, bytes + (size_t)sum);
    free(whole);
}

static void answers_are_kept(void **state)
{
    (void)state;
    const char *path = scratch("wisdom");
    nx_error err = {0};
    nx_wisdom_forget();
    nx_wisdom_set("conv 3x3", "winograd 2");
    nx_wisdom_set("gemm 64x64x64", "tiled 4");
    assert_true(nx_wisdom_write(path, &device, &err));
    nx_wisdom_forget();
    if (!nx_wisdom_read(path, &device, &err)) fail_msg("%s", err.text);
    assert_int_equal(nx_wisdom_count(), 2);
    assert_string_equal(nx_wisdom_find("conv 3x3"), "winograd 2");
    assert_string_equal(nx_wisdom_find("gemm 64x64x64"), "tiled 4");
    nx_wisdom_forget();
}

static void refused(const char *path, const char *part)
{
    nx_error err = {0};
    assert_false(nx_wisdom_read(path, &device, &err));
    assert_message(&err, path, part);
    assert_int_equal(nx_wisdom_asked(), 0);
}

static void damage_is_named(void **state)
{
    (void)state;
    enum { ANSWERS = 5000 };
    const char *path = scratch("wisdom"), *damaged = scratch("damaged");
    nx_error err;
    char *data;
    size_t bytes;
    nx_wisdom_forget();
    assert_true(nx_wisdom_write(path, &device, &err) && nx_file_read(path, &data, &bytes, &err));
    size_t head = bytes - strlen("xxh3 0123456789abcdef\n");
    for (size_t length = 0; length < bytes; length += 7) { /* cut short, with a right sum or none */
        scratch_write(damaged, data, length);
        refused(damaged, "is not used");
        write_signed(damaged, data, length < head ? length : head - 1);
        refused(damaged, "is not used");
    }
    data[head - 3] = 0;
    write_signed(damaged, data, head);
    refused(damaged, "not a text file");
    data[head - 3] = 'x';
    write_signed(damaged, data, head);
    refused(damaged, "it was made with");
    free(data);
    assert_true(nx_file_read(path, &data, &bytes, &err));
    char *many = nx_alloc(head + ANSWERS * 16), *at = many + head;
    memcpy(many, data, head);
    for (int i = 0; i < ANSWERS; i++) at += sprintf(at, "q%d = a\n", i);
    write_signed(damaged, many, (size_t)(at - many));
    refused(damaged, "more than 4096 answers");
    memcpy(many + head, "no answer\n", 10);
    write_signed(damaged, many, head + 10);
    refused(damaged, "\"no answer\" is no answer");
    free(many);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_kept),
        cmocka_unit_test(damage_is_named),
    };
    return cmocka_run_group_tests_name("wisdom", tests, scratch_open, scratch_close);
}
