/* Lists, folders, whole reads and writes. */
#include "scratch.h"

static void lists_are_sorted_and_recursive(void **state)
{
    (void)state;
    nx_error err;
    nx_file_list list;
    assert_true(nx_folder_make(scratch("tree/b/deep"), &err));
    assert_true(nx_folder_make(scratch("tree/B"), &err));
    assert_true(nx_folder_make(scratch("tree/.hidden"), &err));
    static const char *const names[] = {"tree/b/deep/1.jpeg", "tree/b/2.PNG", "tree/B/3.jpg",       "tree/z.WebP",
                                        "tree/a.png",         "tree/no.txt",  "tree/.hidden/4.png", "tree/png"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) scratch_write(scratch(names[i]), "x", 1);
    static const char *const wanted[] = {"tree/B/3.jpg", "tree/a.png", "tree/b/2.PNG", "tree/b/deep/1.jpeg",
                                         "tree/z.WebP"};
    assert_true(nx_files_images(&list, scratch("tree"), &err));
    assert_int_equal(list.count, 5);
    for (size_t i = 0; i < 5; i++) assert_string_equal(list.paths[i], scratch(wanted[i]));
    nx_file_list_free(&list);
    /* A closing slash gives the same names. */
    assert_true(nx_files_images(&list, scratch("tree/"), &err));
    assert_string_equal(list.paths[1], scratch("tree/a.png"));
    nx_file_list_free(&list);
}

static void assert_first(size_t most, const char *const *wanted, size_t count)
{
    nx_error err;
    nx_file_list list;
    assert_true(nx_files_images(&list, scratch("row"), &err));
    nx_files_first(&list, most);
    assert_int_equal(list.count, count);
    for (size_t i = 0; i < count; i++) assert_string_equal(list.paths[i], scratch(wanted[i]));
    nx_file_list_free(&list);
}

/* Of each folder by itself, also where another one's pictures lie between its own. */
static void the_first_of_each_folder(void **state)
{
    (void)state;
    nx_error err;
    static const char *const all[] = {"row/a.png",   "row/b/1.png", "row/b/2.png",
                                      "row/b/3.png", "row/c.png",   "row/d.png"};
    static const char *const two[] = {"row/a.png", "row/b/1.png", "row/b/2.png", "row/c.png"};
    assert_true(nx_folder_make(scratch("row/b"), &err));
    for (size_t i = 0; i < 6; i++) scratch_write(scratch(all[i]), "x", 1);
    assert_first(0, all, 6);
    assert_first(2, two, 4);
    assert_first(3, all, 6);
}

static void list_of_a_file_is_that_file(void **state)
{
    (void)state;
    nx_error err;
    nx_file_list list;
    scratch_write(scratch("single.dat"), "x", 1);
    assert_true(nx_files_images(&list, scratch("single.dat"), &err));
    assert_int_equal(list.count, 1);
    assert_string_equal(list.paths[0], scratch("single.dat"));
    nx_file_list_free(&list);
}

static void empty_lists_are_errors(void **state)
{
    (void)state;
    nx_error err;
    nx_file_list list;
    assert_true(nx_folder_make(scratch("empty"), &err));
    scratch_write(scratch("empty/readme.txt"), "x", 1);
    assert_false(nx_files_images(&list, scratch("empty"), &err));
    assert_message(&err, scratch("empty"), ".png, .jpg, .jpeg, .webp");
    assert_false(nx_files_images(&list, scratch("missing"), &err));
    assert_message(&err, scratch("missing"), "no such file or folder");
}

/* As for the system, a path that goes up from nowhere leads nowhere. */
static void no_folder_is_made_to_go_up_from(void **state)
{
    (void)state;
    nx_error err;
    assert_true(nx_folder_make(scratch("ground/floor"), &err));
    assert_true(nx_folder_make(scratch("ground/floor/../other"), &err));
    assert_true(nx_folder_exists(scratch("ground/other")));
    static const char *const paths[] = {"ground/new/..", "ground/new/../more", "ground/new/deep/../../other/more"};
    for (size_t i = 0; i < 3; i++) {
        assert_false(nx_folder_make(scratch(paths[i]), &err));
        assert_message(&err, scratch(paths[i]), "from which it goes up, is not there");
    }
    assert_true(nx_folder_make(scratch("ground/new/..dots"), &err));
}

static void links_in_a_circle_end(void **state)
{
    (void)state;
    nx_error err;
    nx_file_list list;
    assert_true(nx_folder_make(scratch("circle/deep/er"), &err));
    scratch_write(scratch("circle/deep/a.png"), "x", 1);
    scratch_write(scratch("circle/z.png"), "x", 1);
    assert_int_equal(symlink(".", scratch("circle/again")), 0);
    assert_int_equal(symlink("../..", scratch("circle/deep/er/up")), 0);
    assert_int_equal(symlink("deep", scratch("circle/same")), 0);
    assert_int_equal(symlink("nowhere", scratch("circle/gone.png")), 0);
    assert_int_equal(mkfifo(scratch("circle/pipe.png"), 0600), 0);
    assert_true(nx_files_images(&list, scratch("circle"), &err));
    assert_int_equal(list.count, 2); /* each picture once */
    assert_string_equal(list.paths[0], scratch("circle/deep/a.png"));
    assert_string_equal(list.paths[1], scratch("circle/z.png"));
    nx_file_list_free(&list);
}

/* What is at the draft's name is not written through: a link that someone put there. */
static void drafts_follow_no_links(void **state)
{
    (void)state;
    nx_error err;
    char *data, *draft = nx_file_draft(scratch("out"));
    size_t bytes;
    scratch_write(scratch("precious"), "kept", 4);
    assert_int_equal(symlink("precious", draft), 0);
    assert_true(nx_file_write(scratch("out"), "new", 3, &err));
    assert_true(nx_file_read(scratch("precious"), &data, &bytes, &err));
    assert_string_equal(data, "kept");
    free(data);
    assert_true(nx_file_read(scratch("out"), &data, &bytes, &err));
    assert_string_equal(data, "new");
    free(data);
    free(draft);
    assert_no_drafts();
}

static void folders_are_made_with_parents(void **state)
{
    (void)state;
    nx_error err;
    assert_true(nx_folder_make(scratch("p//q/r/"), &err));
    assert_true(nx_folder_exists(scratch("p/q/r")));
    assert_true(nx_folder_make(scratch("p/q/r"), &err));
    assert_false(nx_file_exists(scratch("p/q/r")));
    scratch_write(scratch("p/file"), "x", 1);
    assert_true(nx_file_exists(scratch("p/file")));
    assert_false(nx_folder_make(scratch("p/file/below"), &err));
    assert_message(&err, scratch("p/file"), "cannot make the folder");
    assert_false(nx_folder_make(scratch("p/file"), &err));
}

static void writes_are_whole(void **state)
{
    (void)state;
    nx_error err;
    char *data;
    size_t bytes;
    assert_true(nx_file_write(scratch("w"), "one\0two", 7, &err));
    assert_true(nx_file_write(scratch("w"), "three", 5, &err));
    assert_true(nx_file_read(scratch("w"), &data, &bytes, &err));
    assert_int_equal(bytes, 5);
    assert_string_equal(data, "three");
    free(data);
    assert_true(nx_file_write(scratch("w"), "", 0, &err));
    assert_true(nx_file_read(scratch("w"), &data, &bytes, &err));
    assert_int_equal(bytes, 0);
    free(data);
    assert_false(nx_file_write(scratch("none/w"), "x", 1, &err));
    assert_message(&err, scratch("none/w"), "cannot write");
    /* A target that cannot be replaced: the draft must go. */
    assert_true(nx_folder_make(scratch("taken/in"), &err));
    assert_false(nx_file_write(scratch("taken"), "x", 1, &err));
    assert_message(&err, scratch("taken"), "cannot write");
    assert_no_drafts();
}

static void unreadable_files_are_errors(void **state)
{
    (void)state;
    nx_error err;
    char *data;
    size_t bytes;
    assert_false(nx_file_read(scratch("nothing"), &data, &bytes, &err));
    assert_message(&err, scratch("nothing"), "no such file");
    assert_false(nx_file_read(scratch_folder, &data, &bytes, &err));
    assert_message(&err, scratch_folder, "a folder");
    assert_false(nx_file_read("/dev/zero", &data, &bytes, &err)); /* it has no end */
    assert_message(&err, "/dev/zero", "too large");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_sorted_and_recursive),  cmocka_unit_test(the_first_of_each_folder),
        cmocka_unit_test(list_of_a_file_is_that_file),     cmocka_unit_test(empty_lists_are_errors),
        cmocka_unit_test(no_folder_is_made_to_go_up_from), cmocka_unit_test(links_in_a_circle_end),
        cmocka_unit_test(folders_are_made_with_parents),   cmocka_unit_test(writes_are_whole),
        cmocka_unit_test(drafts_follow_no_links),          cmocka_unit_test(unreadable_files_are_errors),
    };
    return cmocka_run_group_tests_name("files", tests, scratch_open, scratch_close);
}
