/* Which folders of caches are trusted, and how they are made. */
#include "../io/scratch.h"

#include "machine/kernel_cache.h"

static mode_t mode_of(const char *path)
{
    struct stat s;
    assert_int_equal(stat(path, &s), 0);
    return s.st_mode & 0777;
}

static void made_for_the_user_alone(void **state)
{
    (void)state;
    mode_t usual = umask(0);
    setenv(KERNEL_CACHE_VARIABLE, scratch("a/b/caches"), 1);
    assert_true(kernel_cache_make(scratch("a/b/caches/programs")));
    umask(usual);
    assert_int_equal(mode_of(scratch("a/b/caches")), 0700);
    assert_true(nx_folder_exists(scratch("a/b/caches/programs")));
    char *folder = kernel_cache_folder();
    assert_string_equal(folder, scratch("a/b/caches"));
    free(folder);
}

static void used_only_if_it_is_ones_own(void **state)
{
    (void)state;
    nx_error why;
    const char *folder = scratch("open");
    setenv(KERNEL_CACHE_VARIABLE, folder, 1);
    assert_true(kernel_cache_trusted(folder, &why)); /* it is not there */
    assert_int_equal(mkdir(folder, 0755), 0);
    assert_true(kernel_cache_trusted(folder, &why));
    static const mode_t open[] = {0775, 0757, 0777};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(chmod(folder, open[i]), 0);
        assert_false(kernel_cache_trusted(folder, &why));
        assert_message(&why, folder, "others may write it");
        assert_null(kernel_cache_folder());
        assert_null(kernel_cache_share());
        assert_false(kernel_cache_make(scratch("open/programs")));
    }
    assert_false(nx_folder_exists(scratch("open/programs")));
    if (getuid()) return;
    assert_int_equal(chmod(folder, 0755) || chown(folder, 65534, 65534), 0);
    assert_false(kernel_cache_trusted(folder, &why));
    assert_message(&why, folder, "it belongs to another user");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_for_the_user_alone),
        cmocka_unit_test(used_only_if_it_is_ones_own),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
