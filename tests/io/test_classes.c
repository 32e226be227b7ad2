/* Pictures by class: from folders, from a packed dataset, split and matched; and what is no such folder. */
#include "io/classes.h"

#include "io/packed.h"
#include "scratch.h"

/* An empty file that is called a picture: nothing here looks into it. */
static void put(const char *path)
{
    char *folder = nx_path_folder(scratch(path));
    nx_error err;
    assert_true(nx_folder_make(folder, &err));
    scratch_write(scratch(path), "", 0);
    free(folder);
}

static void put_all(const char *const *paths)
{
    for (; *paths; paths++) put(*paths);
}

/* "name: path path; name: path" below the scratch folder. */
static char *text_of(const nx_classes *c)
{
    char *text = nx_copy_text("");
    for (size_t i = 0; i < c->count; i++) {
        bool first = !i || c->labels[i] != c->labels[i - 1];
        char *longer = first ? nx_format("%s%s%s: %s", text, i ? "; " : "", c->names[c->labels[i]], c->paths[i])
                             : nx_format("%s %s", text, c->paths[i]);
        free(text);
        text = longer;
        char *at;
        while ((at = strstr(text, scratch_folder)))
            memmove(at, at + strlen(scratch_folder) + 1, strlen(at) - strlen(scratch_folder));
    }
    return text;
}

static void assert_classes(const nx_classes *c, const char *wanted)
{
    char *text = text_of(c);
    assert_string_equal(text, wanted);
    free(text);
}

static nx_classes classes_of(const char *a, const char *b)
{
    nx_error err = {0};
    nx_classes c;
    char *paths[] = {nx_copy_text(scratch(a)), b ? nx_copy_text(scratch(b)) : NULL};
    if (!nx_classes_read(&c, paths, b ? 2 : 1, 0, &err)) fail_msg("%s", err.text);
    free(paths[0]), free(paths[1]);
    return c;
}

/* Classes are in the order of their names alone, in which "a" comes before "a-b", whatever a path's order is. */
static void folders_are_classes(void **state)
{
    (void)state;
    put_all((const char *const[]){"one/cat/2.png", "one/cat/1.png", "one/cat/deep/0.jpg", "one/cat/notes.txt",
                                  "one/cat-like/1.png", "one/.hidden/1.png", "one/dog/1.PNG", "one/readme.txt", NULL});
    put_all((const char *const[]){"two/ant/1.png", "two/cat/1.png", NULL});
    nx_classes c = classes_of("one", NULL);
    assert_int_equal(c.classes, 3);
    assert_classes(&c, "cat: one/cat/1.png one/cat/2.png one/cat/deep/0.jpg; cat-like: one/cat-like/1.png; "
                       "dog: one/dog/1.PNG");
    nx_classes_free(&c);
    c = classes_of("one/", "two");
    assert_int_equal(c.classes, 4);
    assert_classes(&c, "ant: two/ant/1.png; cat: one/cat/1.png one/cat/2.png one/cat/deep/0.jpg two/cat/1.png; "
                       "cat-like: one/cat-like/1.png; dog: one/dog/1.PNG");
    nx_classes_free(&c);
}

static void the_first_of_each_are_taken(void **state)
{
    (void)state;
    nx_error err;
    nx_classes c;
    char *path = nx_copy_text(scratch("one"));
    assert_true(nx_classes_read(&c, &path, 1, 2, &err));
    assert_classes(&c, "cat: one/cat/1.png one/cat/2.png; cat-like: one/cat-like/1.png; dog: one/dog/1.PNG");
    nx_classes_free(&c);
    free(path);
}

static void some_of_each_are_moved(void **state)
{
    (void)state;
    nx_classes c = classes_of("one", "two"), held = {0};
    nx_classes_move(&held, &c, 2);
    assert_classes(&c, "cat: one/cat/1.png one/cat/2.png");
    assert_classes(&held, "ant: two/ant/1.png; cat: one/cat/deep/0.jpg two/cat/1.png; cat-like: one/cat-like/1.png; "
                          "dog: one/dog/1.PNG");
    assert_int_equal(held.classes, 4);
    nx_classes_free(&c), nx_classes_free(&held);
}

static void names_match_or_are_named(void **state)
{
    (void)state;
    nx_error err;
    nx_classes one = classes_of("one", NULL), two = classes_of("two", NULL), both = classes_of("one", "two");
    assert_false(nx_classes_match(&two, &one, &err));
    assert_message(&err, "\"ant\"", "none of the 3");
    assert_true(nx_classes_match(&two, &both, &err));
    assert_int_equal(two.classes, 4);
    assert_classes(&two, "ant: two/ant/1.png; cat: two/cat/1.png");
    assert_true(nx_classes_match(&one, &both, &err));
    assert_int_equal(one.labels[0], 1);
    assert_int_equal(one.labels[4], 3);
    nx_classes_free(&one), nx_classes_free(&two), nx_classes_free(&both);
}

static void refused(const char *path, const char *named, const char *part)
{
    nx_error err = {0};
    nx_classes c;
    char *wanted = nx_copy_text(scratch(path));
    assert_false(nx_classes_read(&c, &wanted, 1, 0, &err));
    assert_message(&err, named, part);
    assert_int_equal(c.count, 0);
    free(wanted);
}

static void what_has_no_classes_is_refused(void **state)
{
    (void)state;
    nx_error err;
    refused("nowhere", "nowhere", "no such file or folder");
    put("flat/1.png");
    refused("flat", "flat", "no class folders in it");
    refused("flat/1.png", "flat/1.png", "neither a folder of class folders nor a packed dataset");
    put("flat/class/1.png");
    refused("flat", "flat/1.png", "in no class");
    put("holes/full/1.png"), assert_true(nx_folder_make(scratch("holes/hollow"), &err));
    refused("holes", "holes/hollow", "a class without a picture");
    assert_true(nx_folder_make(scratch("none/hollow"), &err));
    refused("none", "none", "no picture in this folder");
}

/* ---- packed ---- */

static void pack(const char *path, const char *const *names)
{
    nx_packer *packer;
    nx_error err = {0};
    if (!nx_packer_new(&packer, path, 1, 8, &err)) fail_msg("%s", err.text);
    for (; *names; names++) assert_true(nx_packer_add(packer, *names, (const uint8_t[]){1, 2, 3}, &err));
    if (!nx_packer_finish(packer, "photos", &err)) fail_msg("%s", err.text);
    nx_packer_free(packer);
}

static void a_packed_folder_has_its_classes(void **state)
{
    (void)state;
    pack(scratch("some.h5"), (const char *const[]){"b-c/1.png", "b/1.png", "b/deep/2.png", NULL});
    nx_classes c = classes_of("some.h5", NULL);
    assert_classes(&c, "b: some.h5#1 some.h5#2; b-c: some.h5#0");
    nx_classes_free(&c);
    pack(scratch("flat.h5"), (const char *const[]){"1.png", "2.png", NULL});
    refused("flat.h5", "flat.h5", "no class folders in it");
    pack(scratch("mixed.h5"), (const char *const[]){"1.png", "b/2.png", NULL});
    refused("mixed.h5", "mixed.h5#0", "in no class");
    pack(scratch("broken.h5"), (const char *const[]){"a/1\n.png", "b/2.png", NULL});
    refused("broken.h5", "broken.h5", "one line for each of the 2 pictures");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folders_are_classes),
        cmocka_unit_test(the_first_of_each_are_taken),
        cmocka_unit_test(some_of_each_are_moved),
        cmocka_unit_test(names_match_or_are_named),
        cmocka_unit_test(what_has_no_classes_is_refused),
        cmocka_unit_test(a_packed_folder_has_its_classes),
    };
    return cmocka_run_group_tests_name("classes", tests, scratch_open, scratch_close);
}
