/* Pictures: PNG, JPEG and WebP in, PNG and JPEG out, and the few operations an experiment needs before the device takes
 * over.
 *
 * A picture is RGB floats from 0 to 255, with the values the file stores: no gamma, no colour profile, as PIL reads it
 * (io/profile.h carries profiles from file to file).
 * This is not an image library: no drawing, no other formats, no colour spaces.
 *
 *     nx_image photo;
 *     if (!nx_image_load(&photo, "photo.jpg", err)) return false;
 *     nx_image small = nx_image_fit(&photo, 512);
 *     bool saved = nx_image_save_png(&small, "small.png", err);
 *     nx_image_free(&small), nx_image_free(&photo);
 */
#ifndef NX_IO_IMAGE_H
#define NX_IO_IMAGE_H

#include "io/profile.h"

typedef struct nx_image {
    int height, width;
    float *rgb; /* [height][width][3], 0 to 255 */
} nx_image;

#define NX_IMAGE_SIDE_MAX   65500      /* pixels a side, JPEG's own limit */
#define NX_IMAGE_PIXELS_MAX 0x10000000 /* pixels in all: 3.2 GB as floats */

typedef enum nx_filter { NX_BICUBIC, NX_BILINEAR } nx_filter;

/* Reads a PNG, a JPEG or a WebP, told apart by content, not by name. Grey becomes RGB, palettes are looked up, 16-bit
 * samples keep their precision (65535 becomes 255), transparency is composited over white (with a message), EXIF
 * orientation is applied, of a PNG or WebP too, CMYK becomes RGB. A JPEG that a decoder warns of is read as others read
 * it. Refused with one line: anything else (by its name, if it is a well-known format), moving pictures, truncated or
 * corrupt data, more than the sizes above or than the memory holds. The caller frees out->rgb with nx_image_free; on
 * failure *out is empty. */
bool nx_image_load(nx_image *out, const char *path, nx_error *err);

/* A mask, made grey: where a picture is transparent, its opacity; without transparency its brightness, and a picture in
 * colours is refused. */
bool nx_image_load_mask(nx_image *out, const char *path, nx_error *err);

/* The size nx_image_load would give, from the header alone. Either pointer may be NULL. */
bool nx_image_size(const char *path, int *height, int *width, nx_error *err);

/* The same, and the file must be all there: one that does not end as its format does is decoded to see. What is corrupt
 * in the middle is found by nx_image_load alone. */
bool nx_image_check(const char *path, int *height, int *width, nx_error *err);

/* What the files name as their software: a tEXt chunk of PNG, a comment of JPEG. */
#define NX_IMAGE_SOFTWARE "libnx"

/* How a picture is written; zero is a PNG of 8 bits. */
typedef enum nx_image_format { NX_IMAGE_PNG, NX_IMAGE_PNG16, NX_IMAGE_JPEG } nx_image_format;
typedef struct nx_image_options {
    nx_image_format format;
    int quality; /* of a JPEG, 1 to 100, whose colours are not subsampled; ignored otherwise */
    bool alpha;  /* a PNG with transparency: rows of nx_image_writer_rows have four floats a pixel, the last its opacity
      from 0 to 255 */
    const nx_profile *profile; /* of its colours; NULL, or an empty one: none */
} nx_image_options;

/* Writes RGB, rounded and clamped (NaN as 0), aside and then renamed. */
bool nx_image_save(const nx_image *image, const char *path, const nx_image_options *o, nx_error *err);
bool nx_image_save_png(const nx_image *image, const char *path, nx_error *err); /* 8 bits */

/* ---- pictures too large for floats ---- */

/* A picture as its file stores it, decoded: 3 to 8 bytes a pixel instead of 12. */
typedef struct nx_raster {
    int height, width; /* as nx_image_load would give it */
    int stored_height, stored_width, orientation, channels, depth;
    unsigned char *samples;
} nx_raster;

/* As nx_image_load, without its message, and nx_image_load_mask; the caller frees with nx_raster_free. */
bool nx_raster_load(nx_raster *out, const char *path, nx_error *err);
bool nx_raster_load_mask(nx_raster *out, const char *path, nx_error *err);
void nx_raster_free(nx_raster *raster); /* leaves *raster empty; NULL is fine */

/* True if something would be seen behind a pixel: what is read of it is composited over white. */
bool nx_raster_transparent(const nx_raster *raster);

/* The opacity of a raster of four channels as a grey raster of its own, 255 where it is opaque. */
bool nx_raster_opacity(const nx_raster *raster, nx_raster *out, nx_error *err);

/* All of it, the picture that nx_image_load gives; the caller frees it. False: too large for the memory; out has its
 * size then. */
bool nx_raster_image(const nx_raster *raster, nx_image *out);

/* Makes it height x width by bicubic interpolation, of the same depth; what is transparent is over white. */
bool nx_raster_resize(nx_raster *raster, int height, int width, nx_error *err);

/* `count` pixels of row y from column x on, the values that nx_image_load gives. */
void nx_raster_read(const nx_raster *raster, int y, int x, int count, float *rgb);

/* A file written from top to bottom; only a JPEG is held whole, as bytes. An open that fails leaves *out NULL. Close
 * publishes the file, once it has all rows, and frees the writer whether that works or not; drop frees it and leaves
 * nothing behind. */
typedef struct nx_image_writer nx_image_writer;
bool nx_image_writer_open(nx_image_writer **out, const char *path, int height, int width, const nx_image_options *o,
                          nx_error *err);
bool nx_image_writer_rows(nx_image_writer *w, int rows, const float *rgb, nx_error *err);
bool nx_image_writer_close(nx_image_writer *w, nx_error *err);
void nx_image_writer_drop(nx_image_writer *w); /* NULL is fine */

/* ---- operations ---- */

/* A black picture. Sizes must be at least 1. */
nx_image nx_image_new(int height, int width);
void nx_image_free(nx_image *image); /* leaves *image empty; NULL is fine */

/* Separable resampling; when it shrinks, the filter widens with the scale, so nothing aliases (as PIL does). Bicubic is
 * Keys' kernel with a = -0.5 (IEEE ASSP 29(6), 1981); it may overshoot: values are left unclamped. A fresh picture. */
nx_image nx_image_resize(const nx_image *image, int height, int width, nx_filter filter);

/* The rectangle of height x width whose first pixel is (top, left); it must lie inside. A fresh picture. */
nx_image nx_image_crop(const nx_image *image, int top, int left, int height, int width);

/* Changes both sides so that the longer one is long_side, the other in proportion, at least 1. */
void nx_image_fit_sides(int long_side, int *height, int *width);

/* Resized (bicubic) to that. A fresh picture. */
nx_image nx_image_fit(const nx_image *image, int long_side);

#endif
