/* Pictures. The header is read by our own few lines for both formats, which gives sizes without decoding and checks
 * them before anything is allocated; libpng and TurboJPEG decode. */
#include "io/image.h"

#include "base/log.h"
#include "base/memory.h"
#include "io/files.h"

#include <errno.h>
#include <math.h>
#include <png.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>
#include <unistd.h>

/* ---- headers ---- */

typedef struct header {
    bool png;
    int height, width; /* as stored, before the orientation */
    int orientation;   /* EXIF's, 1 to 8 */
} header;

static unsigned big16(const uint8_t *p) { return (unsigned)p[0] << 8 | p[1]; }
static uint32_t big32(const uint8_t *p) { return (uint32_t)big16(p) << 16 | big16(p + 2); }

/* EXIF is a little TIFF file: byte order, the offset of a table, entries of 12 bytes (tag, type, count, value).
 * Anything odd counts as upright: orientation is advice, not data. */
static int exif_orientation(const uint8_t *exif, size_t bytes)
{
    if (bytes < 14 || memcmp(exif, "Exif\0\0", 6)) return 1;
    const uint8_t *tiff = exif + 6;
    bytes -= 6;
    bool little = tiff[0] == 'I';
    if (memcmp(tiff, little ? "II*\0" : "MM\0*", 4)) return 1;
#define TWO(p)  (little ? (unsigned)(p)[1] << 8 | (p)[0] : big16(p))
#define FOUR(p) (little ? (uint32_t)TWO((p) + 2) << 16 | TWO(p) : big32(p))
    size_t table = FOUR(tiff + 4);
    if (table > bytes - 2) return 1;
    size_t entries = TWO(tiff + table);
    for (size_t i = 0, at = table + 2; i < entries && at + 12 <= bytes; i++, at += 12) {
        const uint8_t *entry = tiff + at;
        if (TWO(entry) != 0x0112) continue;
        unsigned value = TWO(entry + 8);
        return TWO(entry + 2) == 3 && FOUR(entry + 4) == 1 && value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
#undef TWO
#undef FOUR
}

static bool cut_short(const char *path, nx_error *err) { return nx_fail(err, "%s: truncated in its header", path); }

static bool read_png_header(FILE *file, const char *path, header *out, nx_error *err)
{
    uint8_t b[16]; /* the first chunk: length, "IHDR", width, height */
    if (fread(b, 1, sizeof b, file) != sizeof b) return cut_short(path, err);
    if (memcmp(b + 4, "IHDR", 4)) return nx_fail(err, "%s: a corrupt PNG: its first chunk is not IHDR", path);
    uint32_t width = big32(b + 8), height = big32(b + 12);
    out->width = width > NX_IMAGE_SIDE_MAX ? NX_IMAGE_SIDE_MAX + 1 : (int)width;
    out->height = height > NX_IMAGE_SIDE_MAX ? NX_IMAGE_SIDE_MAX + 1 : (int)height;
    return true;
}

/* Walks the segments up to the frame header, which holds the size; APP1 with the orientation comes before it. */
static bool read_jpeg_header(FILE *file, const char *path, header *out, nx_error *err)
{
    bool seen_exif = false;
    for (;;) {
        int c = fgetc(file), marker;
        if (c == EOF) return cut_short(path, err);
        if (c != 0xFF) return nx_fail(err, "%s: a corrupt JPEG: data where a marker is expected", path);
        while ((marker = fgetc(file)) == 0xFF) continue;
        uint8_t b[6];
        if (marker == EOF || fread(b, 1, 2, file) != 2) return cut_short(path, err);
        long length = (long)big16(b) - 2;
        if (length < 0 || marker < 0xC0 || (marker >= 0xD0 && marker <= 0xDA))
            return nx_fail(err, "%s: a corrupt JPEG: marker FF%02X before the frame header", path, marker);
        bool frame = marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
        if (frame) {
            if (fread(b, 1, 6, file) != 6) return cut_short(path, err);
            if (b[0] != 8) return nx_fail(err, "%s: a JPEG of %d bits a sample: convert it to 8 bits", path, b[0]);
            if (b[5] != 1 && b[5] != 3)
                return nx_fail(err, "%s: a JPEG of %d components (CMYK?): convert it to RGB", path, b[5]);
            out->height = (int)big16(b + 1), out->width = (int)big16(b + 3);
            return true;
        }
        if (marker == 0xE1 && !seen_exif) {
            uint8_t app1[65536];
            if (fread(app1, 1, (size_t)length, file) != (size_t)length) return cut_short(path, err);
            seen_exif = length >= 6 && !memcmp(app1, "Exif\0\0", 6);
            if (seen_exif) out->orientation = exif_orientation(app1, (size_t)length);
        } else if (fseek(file, length, SEEK_CUR)) {
            return cut_short(path, err);
        }
    }
}

static bool read_header(const char *path, header *out, nx_error *err)
{
    static const uint8_t png_signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    *out = (header){.orientation = 1};
    FILE *file = fopen(path, "rb");
    if (!file) return nx_fail(err, "%s: cannot open: %s", path, strerror(errno));
    uint8_t first[8];
    size_t got = fread(first, 1, sizeof first, file);
    bool fine;
    if (ferror(file)) {
        fine = nx_fail(err, "%s: cannot read: %s", path, strerror(errno));
    } else if (!got) {
        fine = nx_fail(err, "%s: an empty file", path);
    } else if (got >= 2 && first[0] == 0xFF && first[1] == 0xD8) {
        fine = fseek(file, 2, SEEK_SET) ? cut_short(path, err) : read_jpeg_header(file, path, out, err);
    } else if (!memcmp(first, png_signature, got)) {
        out->png = true;
        fine = got < 8 ? cut_short(path, err) : read_png_header(file, path, out, err);
    } else {
        fine = nx_fail(err, "%s: neither a PNG nor a JPEG", path);
    }
    fclose(file);
    if (!fine) return false;
    if (!out->height || !out->width)
        return nx_fail(err, "%s: a corrupt header: %d x %d pixels", path, out->width, out->height);
    if (out->height > NX_IMAGE_SIDE_MAX || out->width > NX_IMAGE_SIDE_MAX)
        return nx_fail(err, "%s: too large: at most %d pixels a side", path, NX_IMAGE_SIDE_MAX);
    if ((size_t)out->height * out->width > NX_IMAGE_PIXELS_MAX)
        return nx_fail(err, "%s: too large: %d x %d pixels, at most %d million in all", path, out->width, out->height,
                       NX_IMAGE_PIXELS_MAX / 1000000);
    return true;
}

bool nx_image_size(const char *path, int *height, int *width, nx_error *err)
{
    header h;
    if (!read_header(path, &h, err)) return false;
    bool turned = h.orientation >= 5;
    if (height) *height = turned ? h.width : h.height;
    if (width) *width = turned ? h.height : h.width;
    return true;
}

/* True if the last bytes of the file are those of the format. */
static bool ends_well(const char *path, bool png)
{
    static const uint8_t png_end[12] = {0, 0, 0, 0, 'I', 'E', 'N', 'D', 0xAE, 0x42, 0x60, 0x82},
                         jpeg_end[] = {0xFF, 0xD9};
    const uint8_t *end = png ? png_end : jpeg_end;
    size_t bytes = png ? sizeof png_end : sizeof jpeg_end;
    uint8_t last[sizeof png_end];
    FILE *file = fopen(path, "rb");
    bool same = file && !fseek(file, -(long)bytes, SEEK_END) && fread(last, 1, bytes, file) == bytes &&
                !memcmp(last, end, bytes);
    if (file) fclose(file);
    return same;
}

bool nx_image_check(const char *path, int *height, int *width, nx_error *err)
{
    header h;
    if (!read_header(path, &h, err)) return false;
    if (!ends_well(path, h.png)) {
        /* Cut short, or one of the cameras that write something of their own behind the picture. */
        nx_image image;
        if (!nx_image_load(&image, path, err)) return false;
        nx_image_free(&image);
    }
    return nx_image_size(path, height, width, err);
}

/* ---- decoding ---- */

static bool decode_jpeg(nx_image *out, const char *path, const char *data, size_t bytes, nx_error *err)
{
    const unsigned char *jpeg = (const unsigned char *)data;
    tjhandle decoder = tjInitDecompress();
    NX_CHECK(decoder, "TurboJPEG does not start: %s", tjGetErrorStr2(NULL));
    size_t count = (size_t)out->height * out->width * 3;
    uint8_t *rgb = NULL;
    int width, height, sampling, space;
    bool fine = !tjDecompressHeader3(decoder, jpeg, bytes, &width, &height, &sampling, &space);
    if (fine && (width != out->width || height != out->height)) {
        tjDestroy(decoder);
        return nx_fail(err, "%s: a corrupt JPEG: two sizes in its header", path);
    }
    if (fine) {
        rgb = nx_alloc(count);
        /* Missing data is only a warning to TurboJPEG, and grey pixels to the user. */
        int flags = TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS;
        fine = !tjDecompress2(decoder, jpeg, bytes, rgb, width, 0, height, TJPF_RGB, flags);
    }
    if (!fine) nx_fail(err, "%s: a corrupt or truncated JPEG: %s", path, tjGetErrorStr2(decoder));
    for (size_t i = 0; fine && i < count; i++) out->rgb[i] = rgb[i];
    free(rgb);
    tjDestroy(decoder);
    return fine;
}

/* All that libpng's long jumps must not lose. */
typedef struct png_work {
    const char *data;
    size_t bytes, at;
    char message[128];
    jmp_buf escape;
    png_structp png;
    png_infop info;
    uint8_t *pixels;
    png_bytep *rows;
    int channels, depth;
} png_work;

static void on_png_error(png_structp png, png_const_charp message)
{
    png_work *work = png_get_error_ptr(png);
    snprintf(work->message, sizeof work->message, "%s", message);
    longjmp(work->escape, 1);
}

/* Warnings are about colour profiles and the like, which are not used. */
static void on_png_warning(png_structp png, png_const_charp message) { (void)png, (void)message; }

static void read_png_bytes(png_structp png, png_bytep out, size_t bytes)
{
    png_work *work = png_get_io_ptr(png);
    if (bytes > work->bytes - work->at) png_error(png, "the file ends too early");
    memcpy(out, work->data + work->at, bytes);
    work->at += bytes;
}

/* libpng's classic interface, since its simplified one turns 16-bit samples into linear light. False after a jump. */
static bool run_png(png_work *work, int height, int width)
{
    if (setjmp(work->escape)) return false;
    work->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, work, on_png_error, on_png_warning);
    if (work->png) work->info = png_create_info_struct(work->png);
    NX_CHECK(work->info, "libpng does not start");
    png_structp png = work->png;
    png_set_read_fn(png, work, read_png_bytes);
    png_read_info(png, work->info);
    if ((int)png_get_image_height(png, work->info) != height || (int)png_get_image_width(png, work->info) != width)
        png_error(png, "two sizes in its header");
    png_set_expand(png); /* palettes and less than 8 bits, and a transparent colour becomes alpha */
    png_set_gray_to_rgb(png);
    png_set_interlace_handling(png);
    png_read_update_info(png, work->info);
    work->channels = png_get_channels(png, work->info);
    work->depth = png_get_bit_depth(png, work->info);
    size_t pitch = png_get_rowbytes(png, work->info);
    work->pixels = nx_alloc(pitch * height);
    work->rows = nx_alloc(height * sizeof *work->rows);
    for (int y = 0; y < height; y++) work->rows[y] = work->pixels + y * pitch;
    png_read_image(png, work->rows);
    png_read_end(png, NULL);
    return true;
}

static bool decode_png(nx_image *out, const char *path, const char *data, size_t bytes, nx_error *err)
{
    png_work *work = nx_alloc(sizeof *work);
    work->data = data, work->bytes = bytes;
    bool fine = run_png(work, out->height, out->width);
    if (fine) {
        int c = work->channels, wide = work->depth == 16;
        float top = wide ? 65535.f : 255.f;
        bool clear = false;
        size_t count = (size_t)out->height * out->width;
        for (size_t i = 0; i < count; i++) {
            float v[4] = {0, 0, 0, top};
            for (int k = 0; k < c; k++) {
                const uint8_t *sample = work->pixels + (i * c + k) * (wide ? 2 : 1);
                v[k] = wide ? (float)big16(sample) : (float)*sample;
            }
            float alpha = v[3] / top;
            clear |= alpha < 1;
            for (int k = 0; k < 3; k++) {
                float value = wide ? v[k] * 255.f / top : v[k];
                out->rgb[i * 3 + k] = alpha < 1 ? value * alpha + 255.f * (1 - alpha) : value;
            }
        }
        if (clear) nx_info("%s: transparent pixels, composited over white", path);
    } else {
        nx_fail(err, "%s: a corrupt or truncated PNG: %s", path, work->message);
    }
    free(work->rows);
    free(work->pixels);
    png_destroy_read_struct(&work->png, &work->info, NULL);
    free(work);
    return fine;
}

/* out(y, x) is the stored pixel at (row, column): the axes swapped from orientation 5 on, then either one flipped. */
static nx_image turn(const nx_image *stored, int orientation)
{
    bool swap = orientation >= 5;
    bool flip_row = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    bool flip_column = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    nx_image out = nx_image_new(swap ? stored->width : stored->height, swap ? stored->height : stored->width);
    for (int y = 0; y < out.height; y++)
        for (int x = 0; x < out.width; x++) {
            int row = swap ? x : y, column = swap ? y : x;
            if (flip_row) row = stored->height - 1 - row;
            if (flip_column) column = stored->width - 1 - column;
            memcpy(out.rgb + ((size_t)y * out.width + x) * 3, stored->rgb + ((size_t)row * stored->width + column) * 3,
                   3 * sizeof(float));
        }
    return out;
}

bool nx_image_load(nx_image *out, const char *path, nx_error *err)
{
    *out = (nx_image){0};
    header h;
    char *data;
    size_t bytes;
    if (!read_header(path, &h, err) || !nx_file_read(path, &data, &bytes, err)) return false;
    nx_image stored = nx_image_new(h.height, h.width);
    bool fine = (h.png ? decode_png : decode_jpeg)(&stored, path, data, bytes, err);
    free(data);
    if (!fine) {
        nx_image_free(&stored);
        return false;
    }
    *out = h.orientation == 1 ? stored : turn(&stored, h.orientation);
    if (h.orientation != 1) nx_image_free(&stored);
    return true;
}

bool nx_image_save_png(const nx_image *image, const char *path, nx_error *err)
{
    size_t count = (size_t)image->height * image->width * 3;
    uint8_t *rgb = nx_alloc(count);
    for (size_t i = 0; i < count; i++) {
        float v = image->rgb[i];
        rgb[i] = v >= 255 ? 255 : v > 0 ? (uint8_t)(v + 0.5f) : 0;
    }
    char *draft = nx_file_draft(path);
    png_image png = {.version = PNG_IMAGE_VERSION,
                     .width = (png_uint_32)image->width,
                     .height = (png_uint_32)image->height,
                     .format = PNG_FORMAT_RGB};
    bool fine = png_image_write_to_file(&png, draft, 0, rgb, 0, NULL);
    if (!fine) {
        nx_fail(err, "%s: cannot write: %s", path, png.message);
        unlink(draft);
    }
    fine = fine && nx_file_publish(draft, path, err);
    free(draft);
    free(rgb);
    return fine;
}

/* ---- operations ---- */

nx_image nx_image_new(int height, int width)
{
    NX_CHECK(height > 0 && width > 0, "an image of %d x %d", height, width);
    return (nx_image){height, width, nx_alloc((size_t)height * width * 3 * sizeof(float))};
}

void nx_image_free(nx_image *image)
{
    if (!image) return;
    free(image->rgb);
    *image = (nx_image){0};
}

static double bilinear(double x) { return fabs(x) < 1 ? 1 - fabs(x) : 0; }

static double bicubic(double x)
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    if (x < 2) return a * (((x - 5) * x + 8) * x - 4);
    return 0;
}

static const struct {
    double (*weight)(double);
    double support; /* the weight is 0 from here on */
} filters[] = {[NX_BICUBIC] = {bicubic, 2}, [NX_BILINEAR] = {bilinear, 1}};

/* For each output position the first input position and the weights of those from there on; their sum is 1. */
typedef struct taps {
    int most; /* weights kept for each output position */
    int *first, *count;
    float *weight; /* [out][most] */
} taps;

static taps taps_new(int in, int out, nx_filter filter)
{
    double scale = (double)in / out, widen = scale > 1 ? scale : 1, support = filters[filter].support * widen;
    taps t = {.most = (int)ceil(support) * 2 + 1};
    t.first = nx_alloc(out * sizeof *t.first);
    t.count = nx_alloc(out * sizeof *t.count);
    t.weight = nx_alloc((size_t)out * t.most * sizeof *t.weight);
    for (int i = 0; i < out; i++) {
        double center = (i + 0.5) * scale, sum = 0;
        int from = (int)fmax(center - support + 0.5, 0), to = (int)fmin(center + support + 0.5, in);
        for (int k = from; k < to; k++) sum += filters[filter].weight((k + 0.5 - center) / widen);
        for (int k = from; k < to; k++)
            t.weight[(size_t)i * t.most + k - from] = (float)(filters[filter].weight((k + 0.5 - center) / widen) / sum);
        t.first[i] = from, t.count[i] = to - from;
    }
    return t;
}

static void taps_free(taps *t)
{
    free(t->first);
    free(t->count);
    free(t->weight);
}

/* Resamples the middle axis of in [outer][.][inner]; both passes of a resize are this one. */
static void resample(const float *in, int in_length, float *out, int out_length, int outer, size_t inner,
                     nx_filter filter)
{
    taps t = taps_new(in_length, out_length, filter);
    for (int o = 0; o < outer; o++)
        for (int i = 0; i < out_length; i++) {
            float *to = out + ((size_t)o * out_length + i) * inner;
            for (int k = 0; k < t.count[i]; k++) {
                const float *from = in + ((size_t)o * in_length + t.first[i] + k) * inner;
                float w = t.weight[(size_t)i * t.most + k];
                for (size_t j = 0; j < inner; j++) to[j] += w * from[j];
            }
        }
    taps_free(&t);
}

nx_image nx_image_resize(const nx_image *image, int height, int width, nx_filter filter)
{
    nx_image wide = nx_image_new(image->height, width), out = nx_image_new(height, width);
    resample(image->rgb, image->width, wide.rgb, width, image->height, 3, filter);
    resample(wide.rgb, image->height, out.rgb, height, 1, (size_t)width * 3, filter);
    nx_image_free(&wide);
    return out;
}

nx_image nx_image_crop(const nx_image *image, int top, int left, int height, int width)
{
    NX_CHECK(top >= 0 && left >= 0 && top <= image->height - height && left <= image->width - width,
             "a crop of %d x %d at (%d, %d) leaves the image of %d x %d", height, width, top, left, image->height,
             image->width);
    nx_image out = nx_image_new(height, width);
    for (int y = 0; y < height; y++)
        memcpy(out.rgb + (size_t)y * width * 3, image->rgb + ((size_t)(top + y) * image->width + left) * 3,
               (size_t)width * 3 * sizeof(float));
    return out;
}

nx_image nx_image_fit(const nx_image *image, int long_side)
{
    int longer = image->height > image->width ? image->height : image->width;
    int height = (int)lround((double)image->height * long_side / longer);
    int width = (int)lround((double)image->width * long_side / longer);
    return nx_image_resize(image, height > 1 ? height : 1, width > 1 ? width : 1, NX_BICUBIC);
}
