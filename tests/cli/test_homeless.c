/* A user without a home, as in containers, and caches that others may write. */
#include "cli.h"

#include <grp.h>

enum { NOBODY = 65534 };

static const char *tmp; /* the user's TMPDIR */

/* Root, who may write anywhere, becomes nobody. */
static void without_home(void)
{
    if (!getuid() && (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY))) _exit(126);
    unsetenv("POCL_CACHE_DIR");
    unsetenv("XDG_CACHE_HOME");
    unsetenv("NSTX_KERNEL_CACHES");
    setenv("HOME", "/proc", 1);
    setenv("TMPDIR", tmp, 1);
}

static uid_t user(void) { return getuid() ? getuid() : NOBODY; }

/* What everybody can reach nobody can. */
static bool program_is_everybodys(void)
{
    char *path = nx_copy_text(getenv("NSTX_BINARY"));
    bool may = true;
    struct stat s;
    for (char *up; may && strcmp(path, "/"); path = up) {
        may = !stat(path, &s) && s.st_mode & S_IXOTH;
        up = nx_path_folder(path);
        free(path);
    }
    free(path);
    return may;
}

static int homeless(void **state)
{
    if (cli_open(state)) return -1;
    tmp = nx_copy_text(at("tmp")); /* as long as the process lives */
    if (mkdir(tmp, 0777) || chmod(tmp, 0777) || chmod(work, 0777) || chmod(scratch_folder, 0755)) return -1;
    return 0;
}

static int times_said(const char *part)
{
    int times = 0;
    for (const char *place = said_err; (place = strstr(place, part)); place++) times++;
    return times;
}

/* ---- the tests ---- */

static void a_private_folder_is_made(void **state)
{
    (void)state;
    struct stat s;
    if (!getuid() && !program_is_everybodys()) skip();
    char *folder = nx_format("%s/nstx-%u", tmp, (unsigned)user());
    char *line = nx_format("/proc/.cache/pocl/kcache cannot be written: compiled kernels are kept in %s\n", folder);
    before_exec = without_home;
    nstx(0, "devices");
    assert_string_equal(said_err, line);
    assert_int_equal(stat(folder, &s), 0);
    assert_true(s.st_uid == user() && (s.st_mode & 0777) == 0700);
    nstx(0, "run tiny.ini -s experiment.steps=1 -s log.images=0 -s log.validation=0");
    assert_int_equal(times_said(line), 1);
    char *list = nx_format("ls %s/nstx/programs | wc -l", folder), *programs = shell(list);
    assert_true(atoi(programs) > 0);
    free(programs);
    free(list);
    before_exec = NULL;
    free(line);
    free(folder);
}

/* Who made the folder first may have put something there. */
static void a_folder_of_others_is_not_taken(void **state)
{
    (void)state;
    if (!getuid() && !program_is_everybodys()) skip();
    char *folder = nx_format("%s/nstx-%u", tmp, (unsigned)user()), *line = nx_format("are kept in %s\n", folder);
    free(shell("rm -rf tmp/nstx-*"));
    assert_int_equal(mkdir(folder, 0777), 0);
    assert_int_equal(chmod(folder, 0777), 0);
    before_exec = without_home;
    nstx(0, "devices");
    assert_said(said_err, "compiled kernels are kept in ");
    assert_null(strstr(said_err, line));
    before_exec = NULL;
    free(line);
    free(folder);
}

static void with_an_open_cache(void) { setenv("POCL_CACHE_DIR", at("cache"), 1); }

static void a_cache_that_others_may_write_is_not_used(void **state)
{
    (void)state;
    assert_int_equal(mkdir(at("cache"), 0777) || mkdir(at("cache/nstx"), 0777) || chmod(at("cache/nstx"), 0777), 0);
    before_exec = with_an_open_cache;
    nstx(0, "devices");
    before_exec = NULL;
    assert_said(said_err, "cache/nstx is not used: others may write it; `chmod go-w` makes it yours alone\n");
    assert_int_equal(times_said("is not used"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_private_folder_is_made),
        cmocka_unit_test(a_folder_of_others_is_not_taken),
        cmocka_unit_test(a_cache_that_others_may_write_is_not_used),
    };
    return cmocka_run_group_tests(tests, homeless, scratch_close);
}
