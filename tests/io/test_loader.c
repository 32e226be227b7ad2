/* The loader: what a batch holds is a function of the seed and its number, and nothing else. */
#include "io/loader.h"

#include "io/image.h"
#include "scratch.h"

enum { COUNT = 7, CROP = 8, BATCH = 3, SIZE = BATCH * CROP * CROP * 3 };

/* Picture i is all i in red, its row in green, its column in blue: a crop tells where it is from. */
static char *paths[COUNT];

static int make_pictures(void **state)
{
    if (scratch_open(state)) return -1;
    for (int i = 0; i < COUNT; i++) {
        nx_image image = nx_image_new(12 + i, 20 - i);
        for (int y = 0; y < image.height; y++)
            for (int x = 0; x < image.width; x++) {
                float *rgb = image.rgb + (y * image.width + x) * 3;
                rgb[0] = (float)i, rgb[1] = (float)y, rgb[2] = (float)x;
            }
        paths[i] = nx_format("%s/%d.png", scratch_folder, i);
        bool saved = nx_image_save_png(&image, paths[i], NULL);
        nx_image_free(&image);
        if (!saved) return -1;
    }
    return 0;
}

static int remove_pictures(void **state)
{
    for (int i = 0; i < COUNT; i++) free(paths[i]);
    return scratch_close(state);
}

static nx_loader *open_loader(nx_loader_options options)
{
    nx_error err;
    nx_loader *loader;
    options.paths = paths, options.count = COUNT, options.crop = CROP, options.batch = BATCH;
    if (!nx_loader_new(&loader, &options, &err)) fail_msg("%s", err.text);
    return loader;
}

static void get(nx_loader *loader, uint64_t k, float *out)
{
    nx_error err;
    if (!nx_loader_batch(loader, k, out, &err)) fail_msg("%s", err.text);
}

static void crops_are_whole_and_vary(void **state)
{
    (void)state;
    static float out[SIZE];
    nx_loader *loader = open_loader((nx_loader_options){.seed = 1});
    int top_of[COUNT], left_of[COUNT]; /* where the first crop of each picture was */
    bool seen[COUNT] = {0}, top_moves = false, left_moves = false;
    for (uint64_t k = 0; k < 20; k++) {
        get(loader, k, out);
        for (int b = 0; b < BATCH; b++) {
            const float *crop = out + b * CROP * CROP * 3;
            int i = (int)crop[0], top = (int)crop[1], left = (int)crop[2];
            assert_true(i >= 0 && i < COUNT && top + CROP <= 12 + i && left + CROP <= 20 - i);
            for (int y = 0; y < CROP; y++)
                for (int x = 0; x < CROP; x++) {
                    const float *rgb = crop + (y * CROP + x) * 3;
                    assert_true(rgb[0] == i && rgb[1] == top + y && rgb[2] == left + x);
                }
            if (!seen[i]) top_of[i] = top, left_of[i] = left, seen[i] = true;
            top_moves |= top != top_of[i], left_moves |= left != left_of[i];
        }
    }
    assert_true(top_moves && left_moves);
    nx_loader_free(loader);
}

static void every_epoch_sees_every_picture(void **state)
{
    (void)state;
    static float out[SIZE];
    nx_loader *loader = open_loader((nx_loader_options){.seed = 2});
    int order[5 * COUNT], seen = 0; /* 35 pictures, in batches of 3 */
    for (uint64_t k = 0; seen < 5 * COUNT; k++) {
        get(loader, k, out);
        for (int b = 0; b < BATCH && seen < 5 * COUNT; b++) order[seen++] = (int)out[b * CROP * CROP * 3];
    }
    bool orders_differ = false;
    for (int epoch = 0; epoch < 5; epoch++) {
        int times[COUNT] = {0};
        for (int i = 0; i < COUNT; i++) times[order[epoch * COUNT + i]]++;
        for (int i = 0; i < COUNT; i++) assert_int_equal(times[i], 1);
        orders_differ |= epoch && memcmp(order, order + epoch * COUNT, COUNT * sizeof *order);
    }
    assert_true(orders_differ);
    nx_loader_free(loader);
}

/* In order, backwards, twice, from the middle, with and without a cache: batch k is batch k. */
static void batches_depend_on_seed_and_number_alone(void **state)
{
    (void)state;
    enum { N = 12 };
    static float wanted[N][SIZE], out[SIZE];
    nx_loader *loader = open_loader((nx_loader_options){.seed = 3, .resize_short = 11});
    for (int k = 0; k < N; k++) get(loader, k, wanted[k]);
    nx_loader_free(loader);
    for (size_t cache = 0; cache <= 1; cache++) { /* 0: the usual; one byte: none */
        loader = open_loader((nx_loader_options){.seed = 3, .resize_short = 11, .cache_bytes = cache});
        static const int ks[] = {11, 10, 10, 0, 5, 6, 7, 3, 3, 4, 11};
        for (size_t i = 0; i < sizeof ks / sizeof *ks; i++) {
            get(loader, ks[i], out);
            assert_memory_equal(out, wanted[ks[i]], sizeof out);
        }
        /* The same one again and again, at every moment of the thread's work on the next. */
        for (useconds_t i = 0; i < 300; i++) {
            get(loader, 5, out);
            usleep(i * 3);
            get(loader, 5, out);
            assert_memory_equal(out, wanted[5], sizeof out);
        }
        nx_loader_free(loader);
    }
    loader = open_loader((nx_loader_options){.seed = 4, .resize_short = 11});
    get(loader, 0, out);
    assert_memory_not_equal(out, wanted[0], sizeof out);
    nx_loader_free(loader);
}

static void centre_crops_come_in_order(void **state)
{
    (void)state;
    static float out[SIZE];
    nx_loader *loader = open_loader((nx_loader_options){.center = true, .seed = 9});
    for (int k = 0; k < 4; k++) {
        get(loader, k, out);
        for (int b = 0; b < BATCH; b++) {
            const float *crop = out + b * CROP * CROP * 3;
            int i = (k * BATCH + b) % COUNT;
            assert_true(crop[0] == i && crop[1] == (12 + i - CROP) / 2 && crop[2] == (20 - i - CROP) / 2);
        }
    }
    nx_loader_free(loader);
}

/* Mirrored, the columns go down; about every other one of the random crops, none of those of the centre. */
static void crops_are_flipped(void **state)
{
    (void)state;
    static float out[SIZE];
    int flipped = 0, all = 0;
    for (int center = 0; center < 2; center++) {
        nx_loader *loader = open_loader((nx_loader_options){.seed = 6, .flip = true, .center = center});
        for (uint64_t k = 0; k < 40; k++) {
            get(loader, k, out);
            for (int b = 0; b < BATCH; b++) {
                const float *crop = out + b * CROP * CROP * 3;
                bool mirrored = crop[2] > crop[5];
                int left = (int)crop[mirrored ? 3 * CROP - 1 : 2];
                for (int x = 0; x < CROP; x++) assert_true(crop[3 * x + 2] == left + (mirrored ? CROP - 1 - x : x));
                if (center) assert_false(mirrored);
                if (!center) flipped += mirrored, all++;
            }
        }
        nx_loader_free(loader);
    }
    assert_true(flipped > all / 3 && flipped < all * 2 / 3);
}

/* The label that comes with a crop is that of its picture, in whatever order, and also where one stands in for another.
 */
static void labels_come_with_their_pictures(void **state)
{
    (void)state;
    static float out[SIZE];
    float labels[BATCH];
    int numbers[COUNT];
    nx_error err;
    nx_loader *loader;
    char *all[COUNT], *none = nx_format("%s/none.png", scratch_folder);
    bool optional[COUNT];
    for (int i = 0; i < COUNT; i++) all[i] = i == 3 ? none : paths[i], optional[i] = true, numbers[i] = 100 + i;
    nx_loader_options options = {
        .paths = all, .count = COUNT, .labels = numbers, .optional = optional, .crop = CROP, .batch = BATCH, .seed = 8};
    if (!nx_loader_new(&loader, &options, &err)) fail_msg("%s", err.text);
    for (uint64_t k = 0; k < 20; k++) {
        get(loader, k, out);
        usleep(k % 3 * 1000); /* the thread is at the next batch by now */
        nx_loader_labels(loader, labels);
        for (int b = 0; b < BATCH; b++) assert_true(labels[b] == 100 + out[b * CROP * CROP * 3] && labels[b] != 103);
    }
    nx_loader_free(loader);
    free(none);
}

static void resize_short_makes_room(void **state)
{
    (void)state;
    nx_error err;
    nx_loader *loader;
    nx_loader_options options = {.paths = paths, .count = COUNT, .crop = 16, .batch = 1};
    assert_false(nx_loader_new(&loader, &options, &err));
    assert_message(&err, paths[0], "20 x 12 pixels, smaller than the crop of 16 x 16");
    options.resize_short = 16;
    if (!nx_loader_new(&loader, &options, &err)) fail_msg("%s", err.text);
    float *out = nx_alloc(16 * 16 * 3 * sizeof *out);
    get(loader, 0, out);
    for (int i = 1; i < 16 * 16; i++) assert_true(out[i * 3] == out[0]); /* red is still the picture's number */
    free(out);
    nx_loader_free(loader);
    options.resize_short = 15;
    assert_false(nx_loader_new(&loader, &options, &err));
    assert_message(&err, "15", "crop of 16");
    options = (nx_loader_options){.paths = paths, .count = COUNT, .crop = NX_IMAGE_SIDE_MAX, .batch = INT32_MAX};
    assert_false(nx_loader_new(&loader, &options, &err)); /* 2^66 bytes */
    assert_message(&err, "65500 x 65500", "more than any memory");
}

static void bad_files_are_named_at_once(void **state)
{
    (void)state;
    nx_error err;
    nx_loader *loader;
    char *bad[] = {paths[1], nx_format("%s/none.png", scratch_folder)};
    nx_loader_options options = {.paths = bad, .count = 2, .crop = 8, .batch = 2};
    assert_false(nx_loader_new(&loader, &options, &err));
    assert_message(&err, bad[1], "no such file");
    char *data;
    size_t bytes;
    assert_true(nx_file_read(paths[1], &data, &bytes, &err));
    scratch_write(bad[1], data, bytes - 20);
    free(data);
    assert_false(nx_loader_new(&loader, &options, &err));
    assert_message(&err, bad[1], "truncated PNG");
    options.count = 0;
    assert_false(nx_loader_new(&loader, &options, &err));
    options.count = 1, options.batch = 0;
    assert_false(nx_loader_new(&loader, &options, &err));
    free(bad[1]);
}

/* Both ends are fine, what is between them is not: the batch fails, the loader lives. */
static void bad_data_fails_its_batch(void **state)
{
    (void)state;
    static float out[CROP * CROP * 3];
    nx_error err;
    nx_loader *loader;
    char *data, *pair[] = {paths[0], nx_format("%s/corrupt.dat", scratch_folder)};
    size_t bytes;
    assert_true(nx_file_read(paths[1], &data, &bytes, &err));
    data[bytes - 30] ^= 0x55; /* of the pixels: what follows them takes 16 */
    scratch_write(pair[1], data, bytes);
    free(data);
    nx_loader_options options = {.paths = pair, .count = 2, .crop = CROP, .batch = 1, .center = true};
    assert_true(nx_loader_new(&loader, &options, &err));
    assert_true(nx_loader_batch(loader, 0, out, &err));
    assert_false(nx_loader_batch(loader, 1, out, &err));
    assert_message(&err, pair[1], "truncated PNG");
    assert_true(nx_loader_batch(loader, 2, out, &err));
    nx_loader_free(loader);
    nx_loader_free(NULL);
    free(pair[1]);
}

/* A copy of picture i that is bad: cut short at its end, or corrupt between two good ends. */
static char *write_bad(int i, const char *name, bool cut)
{
    nx_error err;
    char *data, *path = nx_format("%s/%s", scratch_folder, name);
    size_t bytes;
    assert_true(nx_file_read(paths[i], &data, &bytes, &err));
    data[bytes - 30] ^= 0x55;
    scratch_write(path, data, bytes - (cut ? 20 : 0));
    free(data);
    return path;
}

enum { BATCHES = 15 };

/* Every batch of COUNT pictures of which two are bad. */
static void run_with_bad(char *bad[2], bool center, float (*out)[SIZE])
{
    nx_error err;
    nx_loader *loader;
    char *all[COUNT];
    bool optional[COUNT];
    for (int i = 0; i < COUNT; i++) all[i] = i == 2 ? bad[0] : i == 3 ? bad[1] : paths[i], optional[i] = true;
    nx_loader_options options = {
        .paths = all, .count = COUNT, .optional = optional, .crop = CROP, .batch = BATCH, .seed = 5, .center = center};
    if (!nx_loader_new(&loader, &options, &err)) fail_msg("%s", err.text);
    for (int k = 0; k < BATCHES; k++) get(loader, (uint64_t)k, out[k]);
    assert_int_equal(nx_loader_bad(loader), 2);
    nx_loader_free(loader);
    if (!nx_loader_new(&loader, &options, &err)) fail_msg("%s", err.text);
    static float again[SIZE];
    for (int k = BATCHES; k--;) { /* from any other one, as after a resumption */
        get(loader, (uint64_t)k, again);
        assert_memory_equal(again, out[k], sizeof again);
    }
    nx_loader_free(loader);
    optional[3] = false; /* one that is wanted fails with its reason, at the start or where it is met */
    bool ok = nx_loader_new(&loader, &options, &err);
    for (uint64_t k = 0; ok && k < BATCHES; k++) ok = nx_loader_batch(loader, k, again, &err);
    assert_false(ok);
    assert_message(&err, bad[1], "truncated PNG");
    nx_loader_free(loader);
}

/* The next good one in order stands in for a bad one, whenever that is found to be bad. */
static void bad_pictures_are_left_out(void **state)
{
    (void)state;
    static float early[BATCHES][SIZE], late[BATCHES][SIZE];
    char *cut[2] = {write_bad(2, "cut2.png", true), write_bad(3, "cut3.png", true)},
         *corrupt[2] = {write_bad(2, "bad2.png", false), write_bad(3, "bad3.png", false)};
    for (int center = 0; center < 2; center++) {
        int seen[COUNT] = {0};
        run_with_bad(cut, center, early);
        run_with_bad(corrupt, center, late);
        assert_memory_equal(early, late, sizeof early);
        for (int p = 0; p < COUNT; p++) { /* of the first epoch */
            int number = (int)early[p / BATCH][p % BATCH * CROP * CROP * 3];
            seen[number]++;
            if (center) assert_int_equal(number, p == 2 || p == 3 ? 4 : p);
        }
        for (int i = 0; i < COUNT; i++) assert_true((seen[i] > 0) == (i != 2 && i != 3));
    }
    nx_error err;
    nx_loader *loader;
    bool optional[2] = {true, true};
    nx_loader_options options = {.paths = cut, .count = 2, .optional = optional, .crop = CROP, .batch = 1};
    assert_false(nx_loader_new(&loader, &options, &err));
    assert_message(&err, cut[0], "none of the 2 pictures can be used");
    options.paths = corrupt;
    assert_true(nx_loader_new(&loader, &options, &err));
    assert_false(nx_loader_batch(loader, 0, early[0], &err));
    assert_message(&err, scratch_folder, "none of the 2 pictures can be used");
    assert_int_equal(nx_loader_bad(loader), 2);
    nx_loader_free(loader);
    for (int i = 0; i < 2; i++) free(cut[i]), free(corrupt[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crops_are_whole_and_vary),
        cmocka_unit_test(every_epoch_sees_every_picture),
        cmocka_unit_test(batches_depend_on_seed_and_number_alone),
        cmocka_unit_test(centre_crops_come_in_order),
        cmocka_unit_test(crops_are_flipped),
        cmocka_unit_test(labels_come_with_their_pictures),
        cmocka_unit_test(resize_short_makes_room),
        cmocka_unit_test(bad_files_are_named_at_once),
        cmocka_unit_test(bad_data_fails_its_batch),
        cmocka_unit_test(bad_pictures_are_left_out),
    };
    return cmocka_run_group_tests_name("loader", tests, make_pictures, remove_pictures);
}
