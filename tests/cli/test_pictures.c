/* The program's own pictures as a user meets them: rendered when a config names them, into the folder of data, or into
 * the user's cache where that cannot be written. The program here is an installed one, with a folder of its own. */
#include "cli.h"

#include <grp.h>

enum { NOBODY = 65534 };

#define DATA    "installed/share/nstx/data"
#define MARBLE  DATA "/textures/marble.png"
#define ONE_RUN "run tiny.ini -s experiment.steps=1 -s log.images=0 -s log.validation=0 "

static int installed(void **state)
{
    if (cli_open(state)) return -1;
    char *copy =
        nx_format("mkdir -p installed/bin " DATA " && cp '%s' installed/bin/nstx && chmod 755 .. && chmod 777 .",
                  getenv("NSTX_BINARY"));
    free(shell(copy));
    free(copy);
    return setenv("NSTX_BINARY", at("installed/bin/nstx"), 1);
}

static int count_of(const char *folder)
{
    char *command = nx_format("find %s -name '*.png*' 2>/dev/null | wc -l", folder), *text = shell(command);
    int count = atoi(text);
    free(text);
    free(command);
    return count;
}

/* ---- the tests ---- */

static void what_needs_none_makes_none(void **state)
{
    (void)state;
    nstx(0, "help");
    nstx(0, "config");
    nstx(0, "completion bash");
    nstx(0, "pictures");
    assert_said(said_out, "photos        0 of  300 there");
    assert_int_equal(count_of(DATA), 0);
    refused("there are no pictures called fotos: did you mean photos", "pictures fotos");
}

/* A config that is wrong is refused before anything is rendered. */
static void mistakes_come_first(void **state)
{
    (void)state;
    refused("[data] has no key styl", "run tiny.ini -s data.style=" MARBLE " -s data.styl=x");
    refused("multiples of", "run tiny.ini -s data.style=" MARBLE " -s data.size=33");
    refused("there is no file " DATA "/textures/nope.png", "run tiny.ini -s data.style=" DATA "/textures/nope.png");
    refused("is a folder, where a file is wanted", "run tiny.ini -s data.style=" DATA "/textures");
    assert_int_equal(count_of(DATA), 0);
}

static void a_config_gets_what_it_names(void **state)
{
    (void)state;
    nstx(0, ONE_RUN "-o a.h5 -s data.style=" MARBLE);
    assert_said(said_err, "rendering 1 picture of ");
    assert_int_equal(count_of(DATA), 1);
    nstx(0, ONE_RUN "-o b.h5 -s data.style=" MARBLE);
    assert_null(strstr(said_err, "rendering"));
    nstx(0, "pictures textures/wood.png");
    assert_int_equal(count_of(DATA), 2);
    nstx(0, "dataset pack " DATA "/motifs/scales/0001.png one.h5 --size 32");
    assert_int_equal(count_of(DATA), 3);
}

static void interrupted_it_goes_on_next_time(void **state)
{
    (void)state;
    pid_t child = start("run tiny.ini -o c.h5 -s data.content=" DATA "/paintings -s data.validation_count=0");
    WAIT_UNTIL(child, count_of(DATA "/paintings"));
    kill(child, SIGTERM);
    assert_int_equal(finish(child), 130);
    assert_said(said_err, "of 200 pictures of ");
    char *drafts = shell("find " DATA " -name '*.tmp.*'");
    assert_string_equal(drafts, "");
    free(drafts);
    int before = count_of(DATA "/paintings");
    nstx(0, "pictures paintings/0199.png");
    assert_int_equal(count_of(DATA "/paintings"), before + 1);
}

static void as_another_user(void)
{
    if (!getuid() && (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY))) _exit(126);
    setenv("XDG_CACHE_HOME", at("cache"), 1);
    setenv("POCL_CACHE_DIR", at("cache/pocl"), 1);
}

static void an_installation_for_all_users(void **state)
{
    (void)state;
    free(shell("rm -rf " DATA "/* && chmod -R a-w installed && mkdir cache && chmod 777 cache"));
    before_exec = as_another_user;
    nstx(0, ONE_RUN "-o d.h5 -s data.style=" MARBLE);
    before_exec = NULL;
    assert_said(said_err, "rendering 1 picture of ");
    assert_int_equal(count_of(DATA), 0);
    assert_int_equal(count_of("cache/nstx/data/textures"), 1);
    free(shell("chmod -R a-w cache/nstx/data && rm -f cache/nstx/data/textures/marble.png"));
    before_exec = as_another_user;
    nstx(2, "run tiny.ini -o e.h5 -s data.style=" MARBLE);
    before_exec = NULL;
    assert_one_line("cache/nstx/data/textures: ");
    free(shell("chmod -R u+w installed cache"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_needs_none_makes_none),    cmocka_unit_test(mistakes_come_first),
        cmocka_unit_test(a_config_gets_what_it_names),   cmocka_unit_test(interrupted_it_goes_on_next_time),
        cmocka_unit_test(an_installation_for_all_users),
    };
    return cmocka_run_group_tests(tests, installed, scratch_close);
}
