/* Pictures: round trips, every kind of PNG, EXIF, files cut at every length, resampling. */
#include "io/image.h"

#include "../given.h"
#include "base/log.h"
#include "icc.h"
#include "scratch.h"
#include "webp.h"

#include <math.h>
#include <png.h>
#include <turbojpeg.h>

/* A picture in which no two corners are alike. */
static nx_image ramp(int height, int width)
{
    nx_image image = nx_image_new(height, width);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            float *rgb = image.rgb + ((size_t)y * width + x) * 3;
            rgb[0] = (float)(y * 255 / height), rgb[1] = (float)(x * 255 / width), rgb[2] = (float)((x + y) % 256);
        }
    return image;
}

static void save_png(const char *path, int height, int width, int type, int depth, int interlace,
                     const uint8_t *samples, size_t pitch)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_init_io(png, file);
    png_set_IHDR(png, info, width, height, depth, type, interlace, 0, 0);
    png_color palette[4] = {{10, 20, 30}, {40, 50, 60}, {70, 80, 90}, {255, 0, 1}};
    if (type == PNG_COLOR_TYPE_PALETTE) png_set_PLTE(png, info, palette, 4);
    png_write_info(png, info);
    png_bytep *rows = nx_alloc(height * sizeof *rows);
    for (int y = 0; y < height; y++) rows[y] = (png_bytep)samples + y * pitch;
    png_write_image(png, rows);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    free(rows);
    fclose(file);
}

/* A JPEG of the picture, with the segment app1 (if any) after the start. Owned by the caller. */
static uint8_t *make_jpeg(const nx_image *image, int sampling, const uint8_t *app1, size_t app1_bytes, size_t *bytes)
{
    size_t count = (size_t)image->height * image->width * 3;
    uint8_t *rgb = nx_alloc(count);
    for (size_t i = 0; i < count; i++) rgb[i] = (uint8_t)image->rgb[i];
    unsigned char *jpeg = NULL;
    unsigned long length = 0;
    tjhandle encoder = tjInitCompress();
    assert_int_equal(tjCompress2(encoder, rgb, image->width, 0, image->height, TJPF_RGB, &jpeg, &length, sampling, 95,
                                 TJFLAG_ACCURATEDCT),
                     0);
    tjDestroy(encoder);
    uint8_t *out = nx_alloc(length + app1_bytes);
    memcpy(out, jpeg, 2);
    if (app1_bytes) memcpy(out + 2, app1, app1_bytes);
    memcpy(out + 2 + app1_bytes, jpeg + 2, length - 2);
    *bytes = length + app1_bytes;
    tjFree(jpeg);
    free(rgb);
    return out;
}

static float largest_difference(const nx_image *a, const nx_image *b)
{
    assert_int_equal(a->height, b->height);
    assert_int_equal(a->width, b->width);
    float most = 0;
    for (size_t i = 0; i < (size_t)a->height * a->width * 3; i++) most = fmaxf(most, fabsf(a->rgb[i] - b->rgb[i]));
    return most;
}

static void png_round_trip_is_exact(void **state)
{
    (void)state;
    nx_error err;
    nx_image image = ramp(37, 53), back;
    /* The name says JPEG: content decides. */
    assert_true(nx_image_save_png(&image, scratch("round.jpg"), &err));
    assert_true(nx_image_load(&back, scratch("round.jpg"), &err));
    assert_float_equal(largest_difference(&image, &back), 0, 0);
    nx_image_free(&back);
    int height, width;
    assert_true(nx_image_size(scratch("round.jpg"), &height, &width, &err));
    assert_int_equal(height, 37);
    assert_int_equal(width, 53);
    nx_image_free(&image);
    assert_no_drafts();
}

static void saving_rounds_and_clamps(void **state)
{
    (void)state;
    nx_error err;
    nx_image image = nx_image_new(1, 2), back;
    const float in[6] = {-20, 300, 127.5f, 0.49f, NAN, 254.6f}, wanted[6] = {0, 255, 128, 0, 0, 255};
    memcpy(image.rgb, in, sizeof in);
    assert_true(nx_image_save_png(&image, scratch("clamp.png"), &err));
    assert_true(nx_image_load(&back, scratch("clamp.png"), &err));
    assert_memory_equal(back.rgb, wanted, sizeof wanted);
    nx_image_free(&back);
    assert_false(nx_image_save_png(&image, scratch("none/clamp.png"), &err));
    assert_message(&err, scratch("none/clamp.png"), "cannot write");
    nx_image_free(&image);
    assert_no_drafts();
}

/* Any stretch of a row, whichever way the picture is turned. */
static void assert_raster(const char *path)
{
    nx_error err;
    nx_image image;
    nx_raster raster;
    assert_true(nx_image_load(&image, path, &err));
    assert_true(nx_raster_load(&raster, path, &err));
    assert_int_equal(raster.height, image.height);
    assert_int_equal(raster.width, image.width);
    float *row = nx_alloc((size_t)image.width * 3 * sizeof *row);
    for (int y = 0; y < image.height; y++)
        for (int x = 0; x < image.width; x += 3) {
            int count = image.width - x < 5 ? image.width - x : 5;
            nx_raster_read(&raster, y, x, count, row);
            assert_memory_equal(row, image.rgb + ((size_t)y * (size_t)image.width + (size_t)x) * 3,
                                (size_t)count * 3 * sizeof *row);
        }
    free(row);
    nx_raster_free(&raster);
    nx_image_free(&image);
}

static void sixteen_bits_are_kept(void **state)
{
    (void)state;
    nx_error err;
    nx_image image = ramp(23, 31), back;
    for (int i = 0; i < 23 * 31 * 3; i++) image.rgb[i] = image.rgb[i] * 0.37f + 0.123f;
    assert_true(nx_image_save(&image, scratch("deep.png"), &(nx_image_options){.format = NX_IMAGE_PNG16}, &err));
    assert_true(nx_image_load(&back, scratch("deep.png"), &err));
    assert_true(largest_difference(&image, &back) <= 0.51f * 255 / 65535);
    assert_raster(scratch("deep.png"));
    nx_image_free(&back);
    nx_image_free(&image);
}

static void jpeg_is_written(void **state)
{
    (void)state;
    nx_error err;
    nx_image image = ramp(40, 56), fine, coarse;
    assert_true(
        nx_image_save(&image, scratch("fine.jpg"), &(nx_image_options){.format = NX_IMAGE_JPEG, .quality = 100}, &err));
    assert_true(
        nx_image_save(&image, scratch("coarse.jpg"), &(nx_image_options){.format = NX_IMAGE_JPEG, .quality = 5}, &err));
    assert_true(nx_image_load(&fine, scratch("fine.jpg"), &err));
    assert_true(nx_image_load(&coarse, scratch("coarse.jpg"), &err));
    assert_true(largest_difference(&image, &fine) < largest_difference(&image, &coarse));
    nx_image_free(&fine);
    nx_image_free(&coarse);
    assert_false(nx_image_save(&image, scratch("none/fine.jpg"),
                               &(nx_image_options){.format = NX_IMAGE_JPEG, .quality = 90}, &err));
    assert_message(&err, scratch("none/fine.jpg"), "cannot");
    nx_image_free(&image);
    assert_no_drafts();
}

/* Rows in several calls are the picture; one that is dropped leaves what was there. */
static void rows_are_written_as_they_come(void **state)
{
    (void)state;
    static const nx_image_format formats[] = {NX_IMAGE_PNG, NX_IMAGE_PNG16, NX_IMAGE_JPEG};
    nx_error err;
    nx_image image = ramp(19, 27), whole, parts;
    for (int f = 0; f < 3; f++) {
        nx_image_writer *w;
        assert_true(
            nx_image_save(&image, scratch("whole"), &(nx_image_options){.format = formats[f], .quality = 90}, &err));
        assert_true(nx_image_writer_open(&w, scratch("parts"), 19, 27,
                                         &(nx_image_options){.format = formats[f], .quality = 90}, &err));
        for (int y = 0; y < 19; y += 5)
            assert_true(nx_image_writer_rows(w, y + 5 > 19 ? 19 - y : 5, image.rgb + y * 27 * 3, &err));
        assert_true(nx_image_writer_close(w, &err));
        assert_true(nx_image_writer_open(&w, scratch("parts"), 19, 27,
                                         &(nx_image_options){.format = formats[f], .quality = 90}, &err));
        assert_true(nx_image_writer_rows(w, 3, image.rgb, &err));
        nx_image_writer_drop(w);
        assert_true(nx_image_load(&whole, scratch("whole"), &err));
        assert_true(nx_image_load(&parts, scratch("parts"), &err));
        assert_float_equal(largest_difference(&whole, &parts), 0, 0);
        nx_image_free(&whole);
        nx_image_free(&parts);
    }
    nx_image_writer *w;
    assert_false(
        nx_image_writer_open(&w, scratch("none/rows.png"), 19, 27, &(nx_image_options){.format = NX_IMAGE_PNG}, &err));
    assert_message(&err, scratch("none/rows.png"), "cannot write");
    assert_null(w);
    nx_image_free(&image);
    assert_no_drafts();
}

/* Colours of what is transparent are kept as well. */
static void opacity_is_written_and_read(void **state)
{
    (void)state;
    static const float row[2][4] = {{10, 20, 30, 51}, {200, 100, 0, 255}};
    for (nx_image_format format = NX_IMAGE_PNG; format <= NX_IMAGE_PNG16; format++) {
        nx_error err;
        nx_raster raster, opacity;
        nx_image_writer *w;
        float rgb[6];
        nx_image_options as = {.format = format, .alpha = true};
        assert_true(nx_image_writer_open(&w, scratch("alpha.png"), 3, 2, &as, &err));
        for (int y = 0; y < 3; y++) assert_true(nx_image_writer_rows(w, 1, row[0], &err));
        assert_true(nx_image_writer_close(w, &err));
        assert_true(nx_raster_load(&raster, scratch("alpha.png"), &err));
        assert_int_equal(raster.channels, 4);
        assert_int_equal(raster.depth, format == NX_IMAGE_PNG16 ? 16 : 8);
        assert_true(nx_raster_transparent(&raster));
        nx_raster_read(&raster, 2, 0, 2, rgb);
        for (int k = 0; k < 3; k++) {
            assert_float_equal(rgb[k], row[0][k] * 0.2f + 255 * 0.8f, 1e-3);
            assert_float_equal(rgb[3 + k], row[1][k], 1e-3);
        }
        assert_true(nx_raster_opacity(&raster, &opacity, &err));
        assert_false(nx_raster_transparent(&opacity));
        nx_raster_read(&opacity, 1, 0, 2, rgb);
        for (int k = 0; k < 6; k++) assert_float_equal(rgb[k], k < 3 ? 51 : 255, 1e-3);
        assert_true(nx_raster_resize(&opacity, 5, 7, &err));
        float wide[21];
        nx_raster_read(&opacity, 4, 0, 7, wide);
        for (int x = 1; x < 7; x++) assert_true(wide[3 * x] >= wide[3 * x - 3]);
        nx_raster_free(&opacity);
        nx_raster_free(&raster);
    }
}

static void png_kinds_become_rgb(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int type, depth;
        uint8_t samples[16]; /* one row of two pixels */
        float wanted[6];
    } kinds[] = {
        {"grey", PNG_COLOR_TYPE_GRAY, 8, {7, 200}, {7, 7, 7, 200, 200, 200}},
        {"grey of one bit", PNG_COLOR_TYPE_GRAY, 1, {0x40}, {0, 0, 0, 255, 255, 255}},
        {"grey of 16 bits",
         PNG_COLOR_TYPE_GRAY,
         16,
         {1, 2, 255, 255},
         {258 / 257.f, 258 / 257.f, 258 / 257.f, 255, 255, 255}},
        {"colour of 16 bits",
         PNG_COLOR_TYPE_RGB,
         16,
         {0, 1, 0, 2, 0, 3, 128, 0, 0, 0, 255, 255},
         {1 / 257.f, 2 / 257.f, 3 / 257.f, 32768 / 257.f, 0, 255}},
        {"palette", PNG_COLOR_TYPE_PALETTE, 2, {0xD0}, {255, 0, 1, 40, 50, 60}},
        {"alpha", PNG_COLOR_TYPE_RGB_ALPHA, 8, {10, 20, 30, 255, 100, 0, 50, 51}, {10, 20, 30, 224, 204, 214}},
        {"grey with alpha", PNG_COLOR_TYPE_GRAY_ALPHA, 8, {9, 0, 100, 255}, {255, 255, 255, 100, 100, 100}},
    };
    nx_log_set(NX_LOG_QUIET);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        nx_error err;
        nx_image image;
        save_png(scratch("kind.png"), 1, 2, kinds[i].type, kinds[i].depth, 0, kinds[i].samples, 16);
        if (!nx_image_load(&image, scratch("kind.png"), &err)) fail_msg("%s: %s", kinds[i].name, err.text);
        for (int k = 0; k < 6; k++)
            if (fabsf(image.rgb[k] - kinds[i].wanted[k]) > 1e-4f)
                fail_msg("%s: sample %d is %g, not %g", kinds[i].name, k, image.rgb[k], kinds[i].wanted[k]);
        nx_image_free(&image);
    }
    nx_log_set(NX_LOG_INFO);
}

static void interlaced_png_is_read(void **state)
{
    (void)state;
    nx_error err;
    nx_image image = ramp(19, 23), back;
    uint8_t samples[19 * 23 * 3];
    for (size_t i = 0; i < sizeof samples; i++) samples[i] = (uint8_t)image.rgb[i];
    save_png(scratch("adam7.png"), 19, 23, PNG_COLOR_TYPE_RGB, 8, PNG_INTERLACE_ADAM7, samples, 23 * 3);
    assert_true(nx_image_load(&back, scratch("adam7.png"), &err));
    assert_float_equal(largest_difference(&image, &back), 0, 0);
    nx_image_free(&back);
    nx_image_free(&image);
}

static void jpeg_is_read(void **state)
{
    (void)state;
    static const int samplings[] = {TJSAMP_444, TJSAMP_420, TJSAMP_GRAY};
    for (size_t s = 0; s < 3; s++) {
        nx_error err;
        nx_image image = ramp(40, 56), back;
        if (samplings[s] == TJSAMP_GRAY) /* grey in, so that grey is right */
            for (size_t i = 0; i < 40 * 56 * 3; i += 3) image.rgb[i + 1] = image.rgb[i + 2] = image.rgb[i];
        size_t bytes;
        uint8_t *jpeg = make_jpeg(&image, samplings[s], NULL, 0, &bytes);
        scratch_write(scratch("photo.png"), jpeg, bytes);
        assert_true(nx_image_load(&back, scratch("photo.png"), &err));
        assert_true(largest_difference(&image, &back) < 16);
        nx_image_free(&back);
        nx_image_free(&image);
        free(jpeg);
    }
}

/* An APP1 segment with the orientation in either byte order. */
static size_t exif(uint8_t *out, int orientation, bool little)
{
    static const uint8_t ii[] = {0xFF, 0xE1, 0,    34, 'E', 'x', 'i', 'f', 0, 0, 'I', 'I', 42, 0, 8, 0, 0, 0,
                                 1,    0,    0x12, 1,  3,   0,   1,   0,   0, 0, 0,   0,   0,  0, 0, 0, 0, 0};
    static const uint8_t mm[] = {0xFF, 0xE1, 0, 34,   'E', 'x', 'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8,
                                 0,    1,    1, 0x12, 0,   3,   0,   0,   0, 1, 0,   0,   0, 0,  0, 0, 0, 0};
    memcpy(out, little ? ii : mm, sizeof ii);
    out[little ? 28 : 29] = (uint8_t)orientation;
    return sizeof ii;
}

static void exif_orientation_is_applied(void **state)
{
    (void)state;
    /* Where the stored first pixel (top left) is shown, and whether the sides swap. */
    static const struct {
        bool bottom, right, swap;
    } shown[9] = {[1] = {0, 0, 0}, [2] = {0, 1, 0}, [3] = {1, 1, 0}, [4] = {1, 0, 0},
                  [5] = {0, 0, 1}, [6] = {0, 1, 1}, [7] = {1, 1, 1}, [8] = {1, 0, 1}};
    nx_image image = nx_image_new(24, 40);
    for (int y = 0; y < 8; y++) /* a red block in the first corner */
        for (int x = 0; x < 8; x++) image.rgb[(y * 40 + x) * 3] = 255;
    for (int y = 0; y < 8; y++) /* and a green one in the next corner along the row */
        for (int x = 32; x < 40; x++) image.rgb[(y * 40 + x) * 3 + 1] = 255;
    for (int orientation = 1; orientation <= 8; orientation++)
        for (int little = 0; little < 2; little++) {
            nx_error err;
            nx_image back;
            uint8_t app1[64];
            size_t bytes, length = exif(app1, orientation, little);
            uint8_t *jpeg = make_jpeg(&image, TJSAMP_444, app1, length, &bytes);
            scratch_write(scratch("turned.jpg"), jpeg, bytes);
            free(jpeg);
            assert_true(nx_image_load(&back, scratch("turned.jpg"), &err));
            bool swap = shown[orientation].swap;
            assert_int_equal(back.height, swap ? 40 : 24);
            assert_int_equal(back.width, swap ? 24 : 40);
            int height, width;
            assert_true(nx_image_size(scratch("turned.jpg"), &height, &width, &err));
            assert_int_equal(height, back.height);
            assert_int_equal(width, back.width);
            int y = shown[orientation].bottom ? back.height - 1 : 0, x = shown[orientation].right ? back.width - 1 : 0;
            assert_true(back.rgb[(y * back.width + x) * 3] > 200);
            /* The green corner lies across along what the stored row became. */
            int gy = swap ? back.height - 1 - y : y, gx = swap ? x : back.width - 1 - x;
            assert_true(back.rgb[(gy * back.width + gx) * 3 + 1] > 200);
            assert_raster(scratch("turned.jpg"));
            nx_image_free(&back);
        }
    nx_image_free(&image);
}

/* Broken EXIF is passed over: every byte of the segment set to 255 in turn, and lengths that point nowhere. */
static void broken_exif_is_passed_over(void **state)
{
    (void)state;
    nx_error err;
    nx_image image = ramp(16, 24), back;
    for (size_t broken = 4; broken < 36; broken++)
        for (int little = 0; little < 2; little++) {
            uint8_t app1[64];
            size_t bytes, length = exif(app1, 6, little);
            app1[broken] = 255;
            uint8_t *jpeg = make_jpeg(&image, TJSAMP_444, app1, length, &bytes);
            scratch_write(scratch("odd.jpg"), jpeg, bytes);
            free(jpeg);
            if (!nx_image_load(&back, scratch("odd.jpg"), &err)) fail_msg("byte %zu: %s", broken, err.text);
            assert_int_equal(back.height * back.width, 16 * 24);
            nx_image_free(&back);
        }
    nx_image_free(&image);
}

/* No prefix of a picture is a picture. */
static void truncated_files_are_refused(void **state)
{
    (void)state;
    nx_error err;
    nx_image image = ramp(24, 32), back;
    size_t bytes[2];
    char *whole[2];
    whole[0] = (char *)make_jpeg(&image, TJSAMP_420, NULL, 0, &bytes[0]);
    assert_true(nx_image_save_png(&image, scratch("whole.png"), &err));
    assert_true(nx_file_read(scratch("whole.png"), &whole[1], &bytes[1], &err));
    for (int kind = 0; kind < 2; kind++) {
        for (size_t length = 0; length < bytes[kind]; length += length < 64 || length + 64 > bytes[kind] ? 1 : 13) {
            scratch_write(scratch("cut"), whole[kind], length);
            if (nx_image_load(&back, scratch("cut"), &err)) fail_msg("taken: %zu bytes of %zu", length, bytes[kind]);
            assert_message(&err, scratch("cut"), "");
            assert_null(back.rgb);
            assert_false(nx_image_check(scratch("cut"), NULL, NULL, &err));
        }
        /* Bytes behind the end are not the picture's. */
        int height, width;
        whole[kind] = nx_realloc(whole[kind], bytes[kind] + 3);
        memcpy(whole[kind] + bytes[kind], "end", 3);
        scratch_write(scratch("longer"), whole[kind], bytes[kind] + 3);
        assert_true(nx_image_check(scratch("longer"), &height, &width, &err));
        assert_int_equal(height, 24);
        assert_int_equal(width, 32);
        free(whole[kind]);
    }
    nx_image_free(&image);
}

/* Any byte may be wrong: the answer is a picture of a sane size or one line, never a crash. */
static void corrupt_files_do_not_crash(void **state)
{
    (void)state;
    nx_error err;
    nx_image image = ramp(24, 32), back;
    size_t bytes, refused = 0, tried = 0;
    char *png;
    assert_true(nx_image_save_png(&image, scratch("whole.png"), &err));
    assert_true(nx_file_read(scratch("whole.png"), &png, &bytes, &err));
    for (size_t i = 0; i < bytes; i++, tried++) {
        png[i] ^= 0x55;
        scratch_write(scratch("flip"), png, bytes);
        if (nx_image_load(&back, scratch("flip"), &err))
            nx_image_free(&back);
        else
            assert_message(&err, scratch("flip"), ""), refused++;
        png[i] ^= 0x55;
    }
    assert_true(refused > tried / 2); /* its checksums see nearly all */
    free(png);
    uint8_t *jpeg = make_jpeg(&image, TJSAMP_420, NULL, 0, &bytes);
    for (size_t i = 0; i < bytes; i++) {
        jpeg[i] ^= 0x55;
        scratch_write(scratch("flip"), jpeg, bytes);
        if (nx_image_load(&back, scratch("flip"), &err))
            nx_image_free(&back);
        else
            assert_message(&err, scratch("flip"), "");
        jpeg[i] ^= 0x55;
    }
    free(jpeg);
    nx_image_free(&image);
}

static void wrong_files_are_named(void **state)
{
    (void)state;
    nx_error err;
    nx_image image;
    assert_false(nx_image_load(&image, scratch("none.png"), &err));
    assert_message(&err, scratch("none.png"), "no such file");
    assert_false(nx_image_load(&image, scratch_folder, &err));
    scratch_write(scratch("text.png"), "this is text", 12);
    assert_false(nx_image_load(&image, scratch("text.png"), &err));
    assert_message(&err, scratch("text.png"), "no PNG, JPEG or WebP");
    scratch_write(scratch("empty.jpg"), "", 0);
    assert_false(nx_image_load(&image, scratch("empty.jpg"), &err));
    assert_message(&err, scratch("empty.jpg"), "empty");
    /* Sizes that no memory holds, or none at all: decided on the header alone. */
    static const struct {
        uint8_t width[4], height[4];
        const char *message;
    } sizes[] = {
        {{0, 1, 0, 0}, {0, 0, 0, 1}, "65500 pixels a side"},
        {{0xFF, 0xFF, 0xFF, 0xFF}, {0, 0, 0, 1}, "65500 pixels a side"},
        {{0, 0, 0xFF, 0}, {0, 0, 0xFF, 0}, "million in all"},
        {{0, 0, 0, 0}, {0, 0, 0, 1}, "0 x 1"},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint8_t png[33] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n', 0, 0, 0, 13, 'I', 'H', 'D', 'R'};
        memcpy(png + 16, sizes[i].width, 4);
        memcpy(png + 20, sizes[i].height, 4);
        scratch_write(scratch("huge.png"), png, sizeof png);
        assert_false(nx_image_load(&image, scratch("huge.png"), &err));
        assert_message(&err, scratch("huge.png"), sizes[i].message);
    }
    static const uint8_t two[] = {0xFF, 0xD8, 0xFF, 0xC0, 0, 14, 8, 0, 8, 0, 8, 2, 1, 17, 0, 2, 17, 0};
    scratch_write(scratch("two.jpg"), two, sizeof two);
    assert_false(nx_image_load(&image, scratch("two.jpg"), &err));
    assert_message(&err, scratch("two.jpg"), "convert it to RGB");
    static const char *const others[][2] = {{"\1\1\1\1ftypheic", "HEIC"},
                                            {"\1\1\1\1ftypavif", "AVIF"},
                                            {"GIF89a: animated", "GIF"},
                                            {"BM: no colours but", "BMP"}};
    for (size_t i = 0; i < 4; i++) {
        scratch_write(scratch("other.jpg"), others[i][0], strlen(others[i][0]));
        assert_false(nx_image_load(&image, scratch("other.jpg"), &err));
        assert_message(&err, scratch("other.jpg"), others[i][1]);
        assert_message(&err, scratch("other.jpg"), "save it as PNG or JPEG");
    }
}

/* ---- WebP ---- */

static nx_image image_of(const uint8_t *file, size_t bytes)
{
    nx_error err;
    nx_image image;
    int height, width;
    scratch_write(scratch("picture.jpg"), file, bytes); /* what it is called does not matter */
    if (!nx_image_load(&image, scratch("picture.jpg"), &err)) fail_msg("%s", err.text);
    assert_true(nx_image_check(scratch("picture.jpg"), &height, &width, &err));
    assert_int_equal(height, image.height);
    assert_int_equal(width, image.width);
    return image;
}

/* Where no two corners are alike, with opacity from left to right if that is wanted. */
static void fill_rgba(uint8_t *rgba, int height, int width, bool fading)
{
    for (int i = 0; i < height * width; i++) {
        int y = i / width, x = i % width;
        uint8_t pixel[4] = {(uint8_t)(y * 255 / height), (uint8_t)(x * 255 / width), (uint8_t)(x + y), 255};
        if (fading) pixel[3] = (uint8_t)(1 + x);
        memcpy(rgba + 4 * i, pixel, 4);
    }
}

static void webp_is_read(void **state)
{
    (void)state;
    enum { H = 21, W = 34 };
    uint8_t rgba[H * W * 4];
    nx_log_set(NX_LOG_QUIET);
    for (int fading = 0; fading < 2; fading++)
        for (int lossy = 0; lossy < 2; lossy++) {
            size_t bytes;
            fill_rgba(rgba, H, W, fading);
            uint8_t *file = make_webp(rgba, W, H, lossy ? 95 : 0, &bytes);
            nx_image image = image_of(file, bytes);
            float most = 0;
            for (int i = 0; i < H * W; i++)
                for (int k = 0; k < 3; k++) {
                    float alpha = (float)rgba[4 * i + 3] / 255, wanted = (float)rgba[4 * i + k];
                    most = fmaxf(most, fabsf(image.rgb[3 * i + k] - (wanted * alpha + 255 * (1 - alpha))));
                }
            if (!(most <= (lossy ? 16 : 1e-3f))) fail_msg("fading %d, lossy %d: %g apart", fading, lossy, (double)most);
            nx_raster raster;
            assert_true(nx_raster_load(&raster, scratch("picture.jpg"), NULL));
            assert_int_equal(raster.channels, fading ? 4 : 3);
            nx_raster_free(&raster);
            nx_image_free(&image);
            free(file);
        }
    nx_log_set(NX_LOG_INFO);
}

static void webp_of_chunks_is_read(void **state)
{
    (void)state;
    enum { H = 5, W = 8 };
    uint8_t rgba[H * W * 4], app1[64];
    nx_profile made = make_named_profile(301, "Display P3"), read;
    nx_error err;
    fill_rgba(rgba, H, W, false);
    for (int prefix = 0; prefix < 2; prefix++) { /* "Exif", as JPEG has it */
        size_t bytes;
        exif(app1, 6, false);
        uint8_t *file = make_webp(rgba, W, H, 0, &bytes);
        file = extend_webp(file, &bytes, W, H, 0x28, &made, app1 + (prefix ? 4 : 10), prefix ? 32 : 26);
        nx_image image = image_of(file, bytes);
        assert_int_equal(image.height, W);
        assert_int_equal(image.width, H);
        for (int y = 0; y < W; y++) /* turned by a quarter */
            for (int x = 0; x < H; x++)
                for (int k = 0; k < 3; k++)
                    assert_float_equal(image.rgb[(y * H + x) * 3 + k], rgba[((H - 1 - x) * W + y) * 4 + k], 0);
        nx_image_free(&image);
        assert_true(nx_profile_load(&read, scratch("picture.jpg"), &err));
        assert_int_equal(read.bytes, made.bytes);
        assert_memory_equal(read.data, made.data, made.bytes);
        nx_profile_free(&read);
        free(file);
    }
    nx_profile_free(&made);
}

static void webp_is_refused(void **state)
{
    (void)state;
    enum { H = 5, W = 8 };
    uint8_t rgba[H * W * 4];
    nx_image image;
    nx_error err;
    size_t bytes, whole;
    fill_rgba(rgba, H, W, false);
    uint8_t *file = make_webp(rgba, W, H, 0, &whole);
    for (size_t length = 1; length < whole - 1; length++) {
        scratch_write(scratch("cut"), file, length);
        assert_false(nx_image_load(&image, scratch("cut"), &err));
        assert_message(&err, scratch("cut"), "");
        assert_false(nx_image_check(scratch("cut"), NULL, NULL, &err));
    }
    static const struct {
        int width, height, flags;
        const char *why;
    } rows[] = {{W, H, 0x02, "an animated WebP picture: save one of its frames"},
                {W + 1, H, 0, "a corrupt or truncated WebP"},
                {1 << 24, H, 0, "too large: at most 65500 pixels a side"},
                {60000, 60000, 0, "too large: 60000 x 60000 pixels, at most"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bytes = whole;
        uint8_t *more =
            extend_webp(nx_copy(file, whole), &bytes, rows[i].width, rows[i].height, rows[i].flags, NULL, NULL, 0);
        scratch_write(scratch("refused"), more, bytes);
        assert_false(nx_image_load(&image, scratch("refused"), &err));
        assert_message(&err, scratch("refused"), rows[i].why);
        free(more);
    }
    file[20] = 0;
    scratch_write(scratch("refused"), file, whole);
    assert_false(nx_image_load(&image, scratch("refused"), &err));
    assert_message(&err, scratch("refused"), "it does not begin with a picture");
    free(file);
}

/* A JPEG with count bytes put in before byte `at`. */
static void write_with(const char *path, const uint8_t *jpeg, size_t bytes, size_t at, const uint8_t *more,
                       size_t count)
{
    uint8_t *all = nx_alloc(bytes + count);
    memcpy(all, jpeg, at);
    memcpy(all + at, more, count);
    memcpy(all + at + count, jpeg + at, bytes - at);
    scratch_write(path, all, bytes + count);
    free(all);
}

/* What a decoder warns of is a picture like any other: stray bytes before the end, as many cameras write them, and
 * between the segments; also where the picture ends in black rows. */
static void warnings_are_no_errors(void **state)
{
    (void)state;
    static const uint8_t stray[] = {0x12, 0x34, 0x56};
    nx_log_set(NX_LOG_QUIET);
    for (int dark = 0; dark < 2; dark++) {
        nx_error err;
        nx_image image = ramp(24, 32), plain, back;
        if (dark) memset(image.rgb + 8 * 32 * 3, 0, 16 * 32 * 3 * sizeof *image.rgb);
        size_t bytes;
        uint8_t *jpeg = make_jpeg(&image, TJSAMP_420, NULL, 0, &bytes);
        scratch_write(scratch("plain.jpg"), jpeg, bytes);
        assert_true(nx_image_load(&plain, scratch("plain.jpg"), &err));
        for (int before = 0; before < 2; before++) {
            write_with(scratch("stray.jpg"), jpeg, bytes, before ? 2 : bytes - 2, stray, sizeof stray);
            assert_true(nx_image_check(scratch("stray.jpg"), NULL, NULL, &err));
            if (!nx_image_load(&back, scratch("stray.jpg"), &err)) fail_msg("%s", err.text);
            assert_float_equal(largest_difference(&plain, &back), 0, 0);
            nx_image_free(&back);
        }
        nx_image_free(&plain);
        nx_image_free(&image);
        free(jpeg);
    }
    nx_log_set(NX_LOG_INFO);
}

/* A picture of two colours, of C, M, Y and K where 255 is no ink, as TurboJPEG writes it: YCCK, so marked by Adobe's
 * segment. Owned by the caller. */
static uint8_t *make_cmyk(const uint8_t colours[2][4], size_t *bytes)
{
    uint8_t ink[8 * 16 * 4];
    for (int i = 0; i < 8 * 16; i++) memcpy(ink + 4 * i, colours[i % 16 / 8], 4);
    unsigned char *jpeg = NULL;
    unsigned long length = 0;
    tjhandle encoder = tjInitCompress();
    assert_int_equal(tjCompress2(encoder, ink, 16, 0, 8, TJPF_CMYK, &jpeg, &length, TJSAMP_444, 100, 0), 0);
    tjDestroy(encoder);
    uint8_t *out = nx_copy(jpeg, length);
    *bytes = length;
    tjFree(jpeg);
    return out;
}

/* Each colour by the black; of the same file marked as CMYK, what was luminance and chroma is ink. */
static void cmyk_becomes_rgb(void **state)
{
    (void)state;
    static const uint8_t colours[2][4] = {{200, 100, 50, 255}, {255, 80, 255, 120}};
    for (int ycck = 0; ycck < 2; ycck++) {
        nx_error err;
        nx_image back;
        size_t bytes;
        uint8_t *jpeg = make_cmyk(colours, &bytes), *adobe = memmem(jpeg, bytes, "Adobe", 5);
        assert_non_null(adobe);
        assert_int_equal(adobe[11], 2);
        adobe[11] = ycck ? 2 : 0;
        scratch_write(scratch("cmyk.jpg"), jpeg, bytes);
        free(jpeg);
        if (!nx_image_load(&back, scratch("cmyk.jpg"), &err)) fail_msg("%s", err.text);
        assert_int_equal(back.height, 8);
        assert_int_equal(back.width, 16);
        for (int side = 0; side < 2; side++) {
            float c = colours[side][0], m = colours[side][1], y = colours[side][2], k = colours[side][3];
            float luminance = 0.299f * (255 - c) + 0.587f * (255 - m) + 0.114f * (255 - y);
            float ink[3] = {luminance, 128 + (255 - y - luminance) / 1.772f, 128 + (255 - c - luminance) / 1.402f};
            for (int i = 0; i < 3; i++)
                assert_float_equal(back.rgb[(4 * 16 + 4 + 8 * side) * 3 + i],
                                   (ycck ? (float)colours[side][i] : ink[i]) * k / 255, 4);
        }
        nx_image_free(&back);
    }
}

/* The chunk may stand before the pixels or behind them. */
static void png_orientation_is_applied(void **state)
{
    (void)state;
    for (int orientation = 0; orientation <= 9; orientation++)
        for (int place = 0; place < 2; place++) {
            nx_error err;
            uint8_t samples[2 * 3 * 3] = {200}, app1[64], *tiff = app1 + 10; /* the first pixel is red */
            exif(app1, orientation, place);
            FILE *file = fopen(scratch("turned.png"), "wb");
            png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
            png_infop info = png_create_info_struct(png), after = png_create_info_struct(png);
            png_init_io(png, file);
            png_set_IHDR(png, info, 3, 2, 8, PNG_COLOR_TYPE_RGB, 0, 0, 0);
            png_set_eXIf_1(png, place ? after : info, 26, tiff);
            png_write_info(png, info);
            for (int y = 0; y < 2; y++) png_write_row(png, samples + y * 9);
            png_write_end(png, after);
            png_destroy_info_struct(png, &after);
            png_destroy_write_struct(&png, &info);
            fclose(file);
            nx_image image;
            int height, width, right = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7,
                               bottom = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
            assert_true(nx_image_size(scratch("turned.png"), &height, &width, &err));
            assert_int_equal(height, orientation >= 5 && orientation <= 8 ? 3 : 2);
            if (!nx_image_load(&image, scratch("turned.png"), &err)) fail_msg("%s", err.text);
            assert_int_equal(image.height, height);
            assert_int_equal(image.width, width);
            assert_float_equal(image.rgb[((bottom ? height - 1 : 0) * width + (right ? width - 1 : 0)) * 3], 200, 0);
            nx_image_free(&image);
        }
}

/* Kilobytes that ask for gigabytes, or for hours. */
static void bombs_are_refused(void **state)
{
    (void)state;
    nx_error err;
    nx_image image = ramp(24, 32), back;
    size_t bytes, frame = 2;
    uint8_t *jpeg = make_jpeg(&image, TJSAMP_420, NULL, 0, &bytes);
    /* Scans that are not worth decoding to see that they are too many. */
    uint8_t scans[101 * 4];
    for (size_t i = 0; i < sizeof scans; i += 4) memcpy(scans + i, "\xFF\xDA\0\2", 4);
    write_with(scratch("scans.jpg"), jpeg, bytes, bytes - 2, scans, sizeof scans);
    assert_false(nx_image_load(&back, scratch("scans.jpg"), &err));
    assert_message(&err, scratch("scans.jpg"), "in 102 scans: too much work");
    while (jpeg[frame + 1] != 0xC0) frame += 2 + ((size_t)jpeg[frame + 2] << 8 | jpeg[frame + 3]);
    memcpy(jpeg + frame + 5, "\x3F\xFF\x3F\xFF", 4);
    scratch_write(scratch("wide.jpg"), jpeg, bytes);
    assert_false(nx_image_load(&back, scratch("wide.jpg"), &err));
    assert_message(&err, scratch("wide.jpg"), "truncated");
    free(jpeg);
    /* A PNG of that size with the same pixels, and one with a chunk that is not there. */
    char *png;
    assert_true(nx_image_save_png(&image, scratch("wide.png"), &err));
    assert_true(nx_file_read(scratch("wide.png"), &png, &bytes, &err));
    uint8_t chunk[33 + 8];
    memcpy(chunk, png, 33);
    memcpy(chunk + 33, "\x7F\xFF\xFF\xFFzTXt", 8);
    scratch_write(scratch("chunk.png"), chunk, sizeof chunk);
    assert_false(nx_image_load(&back, scratch("chunk.png"), &err));
    assert_message(&err, scratch("chunk.png"), "truncated PNG");
    memcpy(png + 16, "\0\0\x3F\xFF\0\0\x3F\xFF", 8);
    scratch_write(scratch("wide.png"), png, bytes);
    assert_false(nx_image_load(&back, scratch("wide.png"), &err));
    assert_message(&err, scratch("wide.png"), "cannot hold 16383 x 16383 pixels");
    free(png);
    nx_image_free(&image);
}

static void masks_are_grey_or_transparent(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int type, depth;
        uint8_t samples[16]; /* one row of two pixels */
        float wanted[2];     /* -1: refused */
    } kinds[] = {
        {"grey", PNG_COLOR_TYPE_GRAY, 8, {7, 200}, {7, 200}},
        {"white, in parts transparent",
         PNG_COLOR_TYPE_RGB_ALPHA,
         8,
         {255, 255, 255, 40, 255, 255, 255, 255},
         {40, 255}},
        {"coloured and transparent", PNG_COLOR_TYPE_RGB_ALPHA, 8, {255, 0, 0, 0, 0, 0, 255, 128}, {0, 128}},
        {"of 16 bits", PNG_COLOR_TYPE_GRAY_ALPHA, 16, {0, 0, 0, 0, 9, 9, 255, 255}, {0, 255}},
        {"opaque", PNG_COLOR_TYPE_GRAY_ALPHA, 8, {60, 255, 70, 255}, {60, 70}},
        {"nearly grey", PNG_COLOR_TYPE_RGB, 8, {60, 66, 54, 9, 9, 9}, {60, 9}},
        {"coloured", PNG_COLOR_TYPE_RGB, 8, {9, 9, 9, 255, 0, 0}, {-1, -1}},
        {"coloured and opaque", PNG_COLOR_TYPE_RGB_ALPHA, 8, {0, 0, 255, 255, 255, 0, 0, 255}, {-1, -1}},
        {"coloured, of 16 bits", PNG_COLOR_TYPE_RGB, 16, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 99, 0}, {-1, -1}},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        nx_error err;
        nx_image mask;
        save_png(scratch("mask.png"), 1, 2, kinds[i].type, kinds[i].depth, 0, kinds[i].samples, 16);
        bool read = nx_image_load_mask(&mask, scratch("mask.png"), &err);
        if (read != (kinds[i].wanted[0] >= 0)) fail_msg("%s: %s", kinds[i].name, read ? "taken" : err.text);
        if (!read) {
            assert_message(&err, scratch("mask.png"), "a grey picture is wanted");
            assert_null(mask.rgb);
            continue;
        }
        for (int x = 0; x < 2; x++)
            if (fabsf((mask.rgb[3 * x] + mask.rgb[3 * x + 1] + mask.rgb[3 * x + 2]) / 3 - kinds[i].wanted[x]) > 1e-3f)
                fail_msg("%s: pixel %d is %g, not %g", kinds[i].name, x, mask.rgb[3 * x], kinds[i].wanted[x]);
        nx_image_free(&mask);
    }
}

static void resize_keeps_constants_and_ramps(void **state)
{
    (void)state;
    static const int sizes[][2] = {{7, 9}, {31, 64}, {100, 3}, {1, 1}};
    nx_image flat = nx_image_new(31, 47), line = nx_image_new(1, 64);
    for (size_t i = 0; i < 31 * 47 * 3; i++) flat.rgb[i] = 77;
    for (int x = 0; x < 64; x++) line.rgb[x * 3] = (float)x;
    for (size_t s = 0; s < 4; s++)
        for (int filter = NX_BICUBIC; filter <= NX_BILINEAR; filter++) {
            nx_image out = nx_image_resize(&flat, sizes[s][0], sizes[s][1], filter);
            for (int i = 0; i < out.height * out.width * 3; i++) assert_float_equal(out.rgb[i], 77, 1e-3);
            nx_image_free(&out);
        }
    /* Away from the ends both filters reproduce a line: at half the size, its value at the pixel's centre. */
    for (int filter = NX_BICUBIC; filter <= NX_BILINEAR; filter++)
        for (int width = 32; width <= 128; width *= 4) {
            nx_image out = nx_image_resize(&line, 1, width, filter);
            for (int x = width / 8; x < width * 7 / 8; x++)
                assert_float_equal(out.rgb[x * 3], (x + 0.5) * 64 / width - 0.5, 1e-3);
            nx_image_free(&out);
        }
    /* Detail finer than the new pixels averages out: no alias. */
    for (int x = 0; x < 64; x++) line.rgb[x * 3] = x % 2 ? 255 : 0;
    nx_image out = nx_image_resize(&line, 1, 9, NX_BICUBIC);
    for (int x = 1; x < 8; x++) assert_float_equal(out.rgb[x * 3], 127.5, 4);
    nx_image_free(&out);
    nx_image_free(&flat);
    nx_image_free(&line);
}

/* Six samples to four by hand: scale 1.5, first output centre 0.75, Keys' weights at (k + 0.5 - 0.75) / 1.5. */
static void resize_matches_the_definition(void **state)
{
    (void)state;
    nx_image line = nx_image_new(1, 6);
    const float values[6] = {10, 200, 30, 90, 250, 0};
    for (int x = 0; x < 6; x++) line.rgb[x * 3] = values[x];
    nx_image out = nx_image_resize(&line, 1, 4, NX_BICUBIC);
    for (int i = 0; i < 4; i++) {
        double sum = 0, total = 0;
        for (int k = 0; k < 6; k++) {
            double d = fabs((k + 0.5 - (i + 0.5) * 1.5) / 1.5), w = 0;
            if (d < 1)
                w = 1.5 * d * d * d - 2.5 * d * d + 1;
            else if (d < 2)
                w = -0.5 * d * d * d + 2.5 * d * d - 4 * d + 2;
            sum += w * values[k], total += w;
        }
        assert_float_equal(out.rgb[i * 3], sum / total, 1e-3);
    }
    nx_image_free(&out);
    nx_image_free(&line);
}

static void crop_and_fit(void **state)
{
    (void)state;
    nx_image image = ramp(20, 30), part = nx_image_crop(&image, 3, 5, 7, 11);
    for (int y = 0; y < 7; y++)
        assert_memory_equal(part.rgb + y * 11 * 3, image.rgb + ((y + 3) * 30 + 5) * 3, 11 * 3 * sizeof(float));
    nx_image_free(&part);
    nx_image small = nx_image_fit(&image, 15);
    assert_int_equal(small.height, 10);
    assert_int_equal(small.width, 15);
    nx_image_free(&small);
    nx_image same = nx_image_fit(&image, 30);
    assert_true(largest_difference(&same, &image) < 1e-3);
    nx_image_free(&same);
    nx_image_free(&image);
}

static void real_pictures_are_read(void **state)
{
    (void)state;
    const char *folder = given_data();
    nx_error err;
    nx_file_list list;
    char *content = nx_format("%s/content", folder);
    if (!nx_files_images(&list, content, &err)) fail_msg("%s", err.text);
    for (size_t i = 0; i < list.count; i++) {
        nx_image image;
        int height, width;
        if (!nx_image_load(&image, list.paths[i], &err)) fail_msg("%s", err.text);
        assert_true(nx_image_size(list.paths[i], &height, &width, &err));
        assert_int_equal(height, image.height);
        assert_int_equal(width, image.width);
        nx_image_free(&image);
    }
    nx_file_list_free(&list);
    free(content);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(png_round_trip_is_exact),
        cmocka_unit_test(saving_rounds_and_clamps),
        cmocka_unit_test(sixteen_bits_are_kept),
        cmocka_unit_test(jpeg_is_written),
        cmocka_unit_test(rows_are_written_as_they_come),
        cmocka_unit_test(png_kinds_become_rgb),
        cmocka_unit_test(interlaced_png_is_read),
        cmocka_unit_test(jpeg_is_read),
        cmocka_unit_test(exif_orientation_is_applied),
        cmocka_unit_test(broken_exif_is_passed_over),
        cmocka_unit_test(truncated_files_are_refused),
        cmocka_unit_test(corrupt_files_do_not_crash),
        cmocka_unit_test(wrong_files_are_named),
        cmocka_unit_test(resize_keeps_constants_and_ramps),
        cmocka_unit_test(resize_matches_the_definition),
        cmocka_unit_test(crop_and_fit),
        cmocka_unit_test(warnings_are_no_errors),
        cmocka_unit_test(cmyk_becomes_rgb),
        cmocka_unit_test(png_orientation_is_applied),
        cmocka_unit_test(bombs_are_refused),
        cmocka_unit_test(webp_is_read),
        cmocka_unit_test(webp_of_chunks_is_read),
        cmocka_unit_test(webp_is_refused),
        cmocka_unit_test(opacity_is_written_and_read),
        cmocka_unit_test(masks_are_grey_or_transparent),
        cmocka_unit_test(real_pictures_are_read),
    };
    return cmocka_run_group_tests_name("image", tests, scratch_open, scratch_close);
}
