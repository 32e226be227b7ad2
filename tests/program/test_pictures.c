/* The project's own pictures: which there are, what they look like, and that whoever finds one finds it whole. */
#include "../io/scratch.h"

#include "io/image.h"
#include "pictures.h"

#include <grp.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <xxhash.h>

enum { NOBODY = 65534 };

static bool make(const char *part, bool (*stop)(void), nx_error *err)
{
    return pictures_make(&(pictures_want){.folder = scratch("data"), .part = part, .stop = stop}, err);
}

static void made(const char *part)
{
    nx_error err = {0};
    if (!make(part, NULL, &err)) fail_msg("%s", err.text);
    assert_int_equal(pictures_missing(scratch("data"), part), 0);
}

static const char *file(const char *part)
{
    char below[160];
    snprintf(below, sizeof below, "data/%s", part);
    return scratch(below);
}

static void remove_all(void)
{
    char *command = nx_format("rm -rf '%s'", scratch("data"));
    assert_int_equal(system(command), 0);
    free(command);
}

static void wait_a_little(void) { nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL); }

static pid_t start(const char *part)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child) _exit(!make(part, NULL, NULL));
    return child;
}

static int end_of(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* ---- the tests ---- */

static void parts_have_pictures(void **state)
{
    (void)state;
    static const struct {
        const char *part;
        int count;
        bool file;
    } rows[] = {{"photos", 300, false},
                {"photos/0299.png", 1, true},
                {"photos/0300.png", 0, false},
                {"photos/0299", 0, false},
                {"photo", 0, false},
                {"styles/whirls.png", 1, true},
                {"textures", 8, false},
                {"motifs", 3000, false},
                {"motifs/sea", 188, false},
                {"motifs/weave", 187, false},
                {"motifs/sea/0187.png", 1, true},
                {"motifs/weave/0187.png", 0, false},
                {"motifs/se", 0, false},
                {"motifs/sea/0187.pn", 0, false},
                {"paintings", 200, false},
                {"", 0, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(pictures_in(rows[i].part), rows[i].count);
        assert_int_equal(pictures_is_file(rows[i].part), rows[i].file);
        assert_int_equal(pictures_missing(scratch("nowhere"), rows[i].part), rows[i].count);
    }
}

/* Results of runs hang on these bits: if they are to change, the version of the set changes with them. They hold for
 * GCC, which decides in which order a function's arguments draw their random numbers. */
static void the_bits_stay(void **state)
{
    (void)state;
#ifdef __clang__
    skip();
#endif
    static const struct {
        const char *part;
        int width, height;
        uint64_t hash; /* XXH3, 64 bits, of the bytes RGB */
    } rows[] = {
        {"photos/0000.png", 320, 256, 0x2e5d27a95ade7ef8},      {"photos/0028.png", 320, 256, 0xe2d87795b177f12b},
        {"styles/glass.png", 512, 512, 0x9e3fd09ef37bb2ad},     {"textures/marble.png", 256, 256, 0xe414cbcb89375bfb},
        {"textures/bricks.png", 256, 256, 0x38c5ac069a04736d},  {"motifs/tubes/0007.png", 96, 96, 0xfbb69537d795e8d9},
        {"motifs/leaves/0100.png", 96, 96, 0x5474b6a56642c177}, {"paintings/0100.png", 256, 256, 0x3eba948cdf1eea24},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        nx_image image;
        nx_error err = {0};
        made(rows[i].part);
        if (!nx_image_load(&image, file(rows[i].part), &err)) fail_msg("%s", err.text);
        assert_int_equal(image.width, rows[i].width);
        assert_int_equal(image.height, rows[i].height);
        size_t count = (size_t)image.width * (size_t)image.height * 3;
        unsigned char *bytes = nx_alloc(count);
        for (size_t k = 0; k < count; k++) bytes[k] = (unsigned char)image.rgb[k];
        uint64_t hash = XXH3_64bits(bytes, count);
        if (hash != rows[i].hash) fail_msg("%s: 0x%016llx", rows[i].part, (unsigned long long)hash);
        free(bytes);
        nx_image_free(&image);
    }
}

/* So many of a set, or of each of its classes; those that have titles have no order, and are made all. */
static void the_first_are_made(void **state)
{
    (void)state;
    static const struct {
        const char *part;
        int first, stay;
    } rows[] = {{"photos", 1, 299}, {"motifs/weave", 2, 185}, {"textures", 1, 0}};
    remove_all();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        nx_error err;
        pictures_want want = {.folder = scratch("data"), .part = rows[i].part, .first = rows[i].first};
        if (!pictures_make(&want, &err)) fail_msg("%s", err.text);
        assert_int_equal(pictures_missing(scratch("data"), rows[i].part), rows[i].stay);
    }
    assert_true(nx_file_exists(file("photos/0000.png")));
    assert_true(nx_file_exists(file("motifs/weave/0001.png")));
}

static void no_more_is_made_than_wanted(void **state)
{
    (void)state;
    remove_all();
    made("motifs/scales/0005.png");
    assert_int_equal(pictures_missing(scratch("data"), "motifs"), 2999);
    assert_false(nx_folder_exists(file("motifs/sea")));
    assert_false(nx_folder_exists(file("photos")));
    assert_no_drafts();
}

/* Whatever is seen while two processes make the same set is a whole picture. */
static void two_at_once(void **state)
{
    (void)state;
    remove_all();
    pid_t child[2] = {start("textures"), start("textures")};
    for (bool on = true; on; on = pictures_missing(scratch("data"), "textures")) {
        nx_file_list all;
        if (!nx_folder_exists(file("textures")) || !nx_files_images(&all, file("textures"), NULL)) {
            wait_a_little();
            continue;
        }
        for (size_t i = 0; i < all.count; i++) {
            nx_image image;
            nx_error err = {0};
            if (!nx_image_load(&image, all.paths[i], &err)) fail_msg("%s", err.text);
            nx_image_free(&image);
        }
        nx_file_list_free(&all);
    }
    assert_int_equal(end_of(child[0]), 0);
    assert_int_equal(end_of(child[1]), 0);
    assert_no_drafts();
}

static void ended_in_the_middle_it_goes_on(void **state)
{
    (void)state;
    struct stat before, after;
    remove_all();
    pid_t child = start("paintings");
    while (pictures_missing(scratch("data"), "paintings") == 200) wait_a_little();
    kill(child, SIGTERM);
    assert_int_equal(end_of(child), -SIGTERM);
    assert_in_range(pictures_missing(scratch("data"), "paintings"), 1, 199);
    nx_file_list all;
    assert_true(nx_files_images(&all, file("paintings"), NULL));
    const char *name = strrchr(all.paths[0], '/') + 1;
    char *part = nx_format("paintings/%s", name);
    scratch_write(file("paintings/0199.png.tmp.1"), "half", 4);
    assert_int_equal(stat(file(part), &before), 0);
    made(part);
    made("paintings/0199.png");
    assert_int_equal(stat(file(part), &after), 0);
    assert_true(before.st_ino == after.st_ino && before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
    assert_no_drafts();
    free(part);
    nx_file_list_free(&all);
}

static bool one_is_there(void) { return pictures_missing(scratch("data"), "textures") < 8; }

static void it_stops_where_it_is_asked_to(void **state)
{
    (void)state;
    nx_error err = {0};
    remove_all();
    assert_false(make("textures", one_is_there, &err));
    assert_message(&err, scratch("data/textures"), "of 8 pictures");
    assert_in_range(pictures_missing(scratch("data"), "textures"), 1, 7);
    assert_no_drafts();
}

static void pictures_of_another_version_give_way(void **state)
{
    (void)state;
    remove_all();
    made("textures/marble.png");
    scratch_write(file("textures/marble.png"), "old", 3);
    scratch_write(file("textures/wood.png"), "old", 3);
    assert_int_equal(pictures_missing(scratch("data"), "textures"), 6);
    scratch_write(file("textures/stamp"), "textures version 0\n", 19);
    assert_int_equal(pictures_missing(scratch("data"), "textures"), 8);
    made("textures/marble.png");
    assert_int_equal(pictures_missing(scratch("data"), "textures"), 7);
    assert_false(nx_file_exists(file("textures/wood.png")));
    struct stat s;
    assert_true(!stat(file("textures/marble.png"), &s) && s.st_size > 3);
}

/* What is there is read; what is not is answered with a line. */
static void a_folder_that_cannot_be_written(void **state)
{
    (void)state;
    remove_all();
    made("textures/marble.png");
    assert_int_equal(chmod(scratch_folder, 0755) || chmod(scratch("data"), 0555) || chmod(file("textures"), 0555), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        nx_error err = {0};
        if (!getuid() && (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY))) _exit(9);
        if (!make("textures/marble.png", NULL, &err)) _exit(1);
        if (make("textures/wood.png", NULL, &err) || !strstr(err.text, "/data/textures: ")) _exit(2);
        if (make("styles", NULL, &err) || !strstr(err.text, "/data/styles: ")) _exit(3);
        _exit(0);
    }
    assert_int_equal(end_of(child), 0);
    assert_int_equal(chmod(scratch("data"), 0755) || chmod(file("textures"), 0755), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_have_pictures),
        cmocka_unit_test(the_bits_stay),
        cmocka_unit_test(the_first_are_made),
        cmocka_unit_test(no_more_is_made_than_wanted),
        cmocka_unit_test(two_at_once),
        cmocka_unit_test(ended_in_the_middle_it_goes_on),
        cmocka_unit_test(it_stops_where_it_is_asked_to),
        cmocka_unit_test(pictures_of_another_version_give_way),
        cmocka_unit_test(a_folder_that_cannot_be_written),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
