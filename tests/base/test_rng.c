/* Random numbers on the host: many at a time are the same as one at a time. (Against Philox itself:
 * tests/ops/random.c.) */
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* From every place within a block of four words, so many that the last is cut anywhere. */
static void normals_are_those_drawn_one_by_one(void **state)
{
    enum { MOST = 23 };
    (void)state;
    for (uint64_t start = 0; start < 8; start++)
        for (size_t count = 0; count <= MOST; count++) {
            nx_rng one = nx_rng_new(3, nx_stream("normals")), many;
            one.index = start;
            many = one;
            float wanted[MOST + 1] = {0}, got[MOST + 1] = {0};
            for (size_t i = 0; i < count; i++) wanted[i] = nx_rng_normal(&one);
            nx_rng_normals(&many, got, count);
            assert_memory_equal(got, wanted, sizeof got);
            assert_int_equal(many.index, one.index);
        }
}

/* Parts of a large parameter are drawn by several threads, from their places in the stream. */
static void parts_are_the_whole(void **state)
{
    enum { COUNT = 1000, CUT = 333 };
    (void)state;
    float whole[COUNT], parts[COUNT];
    nx_rng rng = nx_rng_new(1, 2), late = rng;
    nx_rng_normals(&rng, whole, COUNT);
    rng = nx_rng_new(1, 2);
    nx_rng_normals(&rng, parts, CUT);
    late.index = 2 * CUT;
    nx_rng_normals(&late, parts + CUT, COUNT - CUT);
    assert_memory_equal(whole, parts, sizeof whole);
}

/* All items stay, each once; each is among the chosen about as often as any other. */
static void a_choice_is_fair(void **state)
{
    enum { ITEMS = 10, CHOSEN = 3, TIMES = 3000 };
    int often[ITEMS] = {0};
    nx_rng rng = nx_rng_new(1, nx_stream("choice"));
    (void)state;
    for (int time = 0; time < TIMES; time++) {
        int items[ITEMS], seen[ITEMS] = {0};
        for (int i = 0; i < ITEMS; i++) items[i] = i;
        nx_rng_choose(&rng, items, ITEMS, CHOSEN);
        for (int i = 0; i < ITEMS; i++) seen[items[i]]++;
        for (int i = 0; i < ITEMS; i++) assert_int_equal(seen[i], 1);
        for (int i = 0; i < CHOSEN; i++) often[items[i]]++;
    }
    for (int i = 0; i < ITEMS; i++) assert_in_range(often[i], 780, 1020); /* 900 are expected, five deviations of 25 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(normals_are_those_drawn_one_by_one),
        cmocka_unit_test(parts_are_the_whole),
        cmocka_unit_test(a_choice_is_fair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
