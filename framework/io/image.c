/* Pictures. The header is read by our own few lines for every format, which gives sizes without decoding and checks
 * them before anything is allocated; libpng, TurboJPEG and libwebp decode and encode. What a file asks for is held
 * against what so many bytes can hold: compression has limits. */
#include "io/image.h"

#include "base/log.h"
#include "base/memory.h"
#include "io/files.h"
#include "io/image_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <png.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <turbojpeg.h>
#include <unistd.h>
#include <webp/decode.h>

/* ---- headers ---- */

typedef struct header {
    nx_image_kind kind;
    int height, width; /* as stored, before the orientation */
    int orientation;   /* EXIF's, 1 to 8 */
    size_t packed;     /* bytes of a PNG's pixels, compressed and not */
    size_t unpacked;
} header;

/* EXIF is a little TIFF file: byte order, the offset of a table, entries of 12 bytes (tag, type, count, value).
 * Anything odd counts as upright: orientation is advice, not data. */
static int exif_orientation(const uint8_t *tiff, size_t bytes)
{
    if (bytes < 8) return 1;
    bool little = tiff[0] == 'I';
    if (memcmp(tiff, little ? "II*\0" : "MM\0*", 4)) return 1;
#define TWO(p)  (little ? nx_little16(p) : nx_big16(p))
#define FOUR(p) (little ? nx_little32(p) : nx_big32(p))
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

/* Bits of a pixel by PNG's colour type and bits a sample; 0 for none of them. */
static size_t png_bits(int colour, int depth)
{
    static const int channels[7] = {1, 0, 3, 1, 2, 0, 4};
    return colour < 7 && depth <= 16 ? (size_t)(channels[colour] * depth) : 0;
}

/* A side as it stands in a header; too large is one more than is allowed. */
static int side_of(uint32_t pixels) { return pixels > NX_IMAGE_SIDE_MAX ? NX_IMAGE_SIDE_MAX + 1 : (int)pixels; }

/* Walks the chunks: the size, how many bytes of pixels there are, and the orientation, which may come behind them. What
 * is cut off or odd behind the first one is found by the decoder. */
static bool read_png_header(int file, const char *path, header *out, nx_error *err)
{
    uint8_t b[13], exif[65536]; /* b: width, height, bits a sample, colour type and three more */
    struct stat info;
    nx_image_part p = {0};
    bool seen = false;
    if (fstat(file, &info) || !nx_image_part_next(file, out->kind, &p)) return cut_short(path, err);
    if (p.type != NX_FOUR("IHDR")) return nx_fail(err, "%s: a corrupt PNG: its first chunk is not IHDR", path);
    if (!nx_image_part_read(file, &p, b, sizeof b)) return cut_short(path, err);
    out->width = side_of(nx_big32(b)), out->height = side_of(nx_big32(b + 4));
    out->unpacked = (size_t)out->height * (((size_t)out->width * png_bits(b[9], b[8]) + 7) / 8 + 1);
    posix_fadvise(file, 0, 0, POSIX_FADV_RANDOM);
    while (nx_image_part_next(file, out->kind, &p) && p.type != NX_FOUR("IEND")) {
        size_t left = (size_t)(info.st_size > p.at ? info.st_size - p.at : 0);
        if (p.type == NX_FOUR("IDAT")) out->packed += p.length < left ? p.length : left;
        if (!seen && p.type == NX_FOUR("eXIf") && p.length <= sizeof exif) {
            if (!nx_image_part_read(file, &p, exif, p.length)) break;
            seen = true;
            out->orientation = exif_orientation(exif, p.length);
        }
    }
    return true;
}

/* Walks the segments up to the frame header, which holds the size; APP1 with the orientation comes before it. */
static bool read_jpeg_header(int file, const char *path, header *out, nx_error *err)
{
    uint8_t b[6], app1[65536]; /* b: bits a sample, height, width, components */
    bool seen = false;
    for (nx_image_part p = {0}; nx_image_part_next(file, out->kind, &p);) {
        unsigned marker = p.type;
        if (marker < 0xC0 || (marker >= 0xD8 && marker <= 0xDA))
            return nx_fail(err, "%s: a corrupt JPEG: marker FF%02X before the frame header", path, marker);
        bool frame = marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
        if (frame) {
            if (!nx_image_part_read(file, &p, b, sizeof b)) return cut_short(path, err);
            if (b[0] != 8) return nx_fail(err, "%s: a JPEG of %d bits a sample: convert it to 8 bits", path, b[0]);
            if (b[5] != 1 && b[5] != 3 && b[5] != 4)
                return nx_fail(err, "%s: a JPEG of %d components: convert it to RGB", path, b[5]);
            out->height = (int)nx_big16(b + 1), out->width = (int)nx_big16(b + 3);
            return true;
        }
        if (marker != 0xE1 || seen) continue;
        if (!nx_image_part_read(file, &p, app1, p.length)) return cut_short(path, err);
        seen = p.length >= 6 && !memcmp(app1, "Exif\0\0", 6);
        if (seen) out->orientation = exif_orientation(app1 + 6, p.length - 6);
    }
    return cut_short(path, err);
}

/* The first chunk has the size: of a canvas, where there is more than one chunk, or of the picture, lossless or not. */
static bool read_webp_header(int file, const char *path, header *out, nx_error *err)
{
    uint8_t b[10], exif[6 + 65536];
    nx_image_part p = {0};
    size_t bytes = sizeof b;
    if (!nx_image_part_next(file, out->kind, &p)) return cut_short(path, err);
    if (bytes > p.length) bytes = p.length;
    if (!nx_image_part_read(file, &p, b, bytes)) return cut_short(path, err);
    if (p.type == NX_FOUR("VP8L") && bytes >= 5 && b[0] == 0x2F) {
        uint32_t sides = nx_little32(b + 1);
        out->width = 1 + (int)(sides & 0x3FFF), out->height = 1 + (int)(sides >> 14 & 0x3FFF);
        return true;
    }
    if (bytes == sizeof b && p.type == NX_FOUR("VP8 ") && !memcmp(b + 3, "\x9D\x01\x2A", 3)) {
        out->width = (int)(nx_little16(b + 6) & 0x3FFF), out->height = (int)(nx_little16(b + 8) & 0x3FFF);
        return true;
    }
    if (bytes < sizeof b || p.type != NX_FOUR("VP8X"))
        return nx_fail(err, "%s: a corrupt WebP: it does not begin with a picture", path);
    if (b[0] & 0x02) return nx_fail(err, "%s: an animated WebP picture: save one of its frames", path);
    out->width = side_of(1 + (nx_little32(b + 3) >> 8)), out->height = side_of(1 + (nx_little32(b + 6) >> 8));
    while (nx_image_part_next(file, out->kind, &p) && p.type != NX_FOUR("EXIF")) continue;
    if (p.type == NX_FOUR("EXIF") && p.length <= sizeof exif && nx_image_part_read(file, &p, exif, p.length)) {
        size_t start = p.length >= 6 && !memcmp(exif, "Exif\0\0", 6) ? 6 : 0; /* as JPEG has it, by some */
        out->orientation = exif_orientation(exif + start, p.length - start);
    }
    return true;
}

/* Other formats that go by the names of these. */
static const struct {
    size_t at;
    const char *bytes, *name;
} other_formats[] = {
    {8, "avif", "an AVIF picture"},     {8, "heic", "an HEIC picture"},       {8, "mif1", "an HEIF picture"},
    {0, "GIF8", "a GIF picture"},       {0, "BM", "a BMP picture"},           {0, "II*", "a TIFF picture"},
    {0, "MM\0*", "a TIFF picture"},     {0, "\xFF\x0A", "a JPEG XL picture"}, {4, "JXL ", "a JPEG XL picture"},
    {4, "jP  ", "a JPEG 2000 picture"},
};

static const char *other_format(const uint8_t *first, size_t bytes)
{
    for (size_t i = 0; i < sizeof other_formats / sizeof *other_formats; i++) {
        size_t at = other_formats[i].at,
               length = at || *other_formats[i].bytes != 'M' ? strlen(other_formats[i].bytes) : 4;
        if (at + length <= bytes && !memcmp(first + at, other_formats[i].bytes, length)) return other_formats[i].name;
    }
    return NULL;
}

static bool (*const header_readers[])(int file, const char *path, header *out, nx_error *err) = {
    [NX_IMAGE_IS_PNG] = read_png_header, [NX_IMAGE_IS_JPEG] = read_jpeg_header, [NX_IMAGE_IS_WEBP] = read_webp_header};

static bool read_header(const char *path, header *out, nx_error *err)
{
    *out = (header){.orientation = 1};
    int file = open(path, O_RDONLY);
    if (file < 0) return nx_fail(err, "%s: cannot open: %s", path, strerror(errno));
    uint8_t first[16];
    ssize_t got = pread(file, first, sizeof first, 0);
    const char *other = got > 0 ? other_format(first, (size_t)got) : NULL;
    out->kind = got > 0 ? nx_image_kind_of(first, (size_t)got) : NX_IMAGE_OTHER;
    bool fine;
    if (got < 0)
        fine = nx_fail(err, "%s: cannot read: %s", path, strerror(errno));
    else if (!got)
        fine = nx_fail(err, "%s: an empty file", path);
    else if (out->kind)
        fine = header_readers[out->kind](file, path, out, err);
    else if (other)
        fine = nx_fail(err, "%s: %s: save it as PNG or JPEG", path, other);
    else
        fine = nx_fail(err, "%s: no PNG, JPEG or WebP", path);
    close(file);
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

/* True if the file is as long as it says or, where that is said nowhere, its last bytes are those of the format. */
static bool ends_well(const char *path, nx_image_kind kind)
{
    bool png = kind == NX_IMAGE_IS_PNG;
    static const uint8_t png_end[12] = {0, 0, 0, 0, 'I', 'E', 'N', 'D', 0xAE, 0x42, 0x60, 0x82},
                         jpeg_end[] = {0xFF, 0xD9};
    const uint8_t *end = png ? png_end : jpeg_end;
    size_t bytes = png ? sizeof png_end : sizeof jpeg_end;
    uint8_t last[sizeof png_end];
    FILE *file = fopen(path, "rb");
    bool well;
    if (kind == NX_IMAGE_IS_WEBP)
        well = file && fread(last, 1, 8, file) == 8 && !fseek(file, 0, SEEK_END) &&
               (uint64_t)ftell(file) >= 8 + (uint64_t)nx_little32(last + 4);
    else
        well = file && !fseek(file, -(long)bytes, SEEK_END) && fread(last, 1, bytes, file) == bytes &&
               !memcmp(last, end, bytes);
    if (file) fclose(file);
    return well;
}

bool nx_image_check(const char *path, int *height, int *width, nx_error *err)
{
    header h;
    if (!read_header(path, &h, err)) return false;
    if (!ends_well(path, h.kind)) {
        /* Cut short, or one of the cameras that write something of their own behind the picture. */
        nx_image image;
        if (!nx_image_load(&image, path, err)) return false;
        nx_image_free(&image);
    }
    return nx_image_size(path, height, width, err);
}

/* ---- decoding ---- */

static bool too_large(const char *path, const header *h, nx_error *err)
{
    return nx_fail(err, "%s: %d x %d pixels: too large for the memory", path, h->width, h->height);
}

/* Whether a JPEG ends as it should; counts its scans. Markers are an FF that neither a zero nor a restart follows. */
static bool walk_jpeg(const uint8_t *jpeg, size_t bytes, int *scans)
{
    const uint8_t *at = jpeg + 2, *end = jpeg + bytes;
    for (*scans = 0; at < end && (at = memchr(at, 0xFF, (size_t)(end - at)));) {
        while (at < end && *at == 0xFF) at++;
        if (at == end) break;
        int marker = *at++;
        if (marker == 0xD9) return true;
        if (marker <= 0x01 || (marker >= 0xD0 && marker <= 0xD8)) continue;
        if (end - at < 2) break;
        if (marker == 0xDA) ++*scans;
        size_t length = nx_big16(at);
        at += length < (size_t)(end - at) ? length : (size_t)(end - at);
    }
    return false;
}

/* CMYK as Adobe's programs write it and others after them, with the ink inverted (YCCK is turned into it by TurboJPEG),
 * into RGB: each colour is what the ink and the black leave, C K / 255, as PIL's convert("RGB") has it. A profile of
 * the inks is not applied. */
static void cmyk_to_rgb(uint8_t *samples, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < 3; k++)
            samples[3 * i + k] = (uint8_t)((samples[4 * i + k] * samples[4 * i + 3] + 127) / 255);
}

/* Warnings are no errors: the picture is what every other program sees. They share TurboJPEG's answer with errors,
 * which may come after them; but rows are written from top to bottom, so that one that is complete has a last row,
 * which is not what stood there before; if it is, once more with something else standing there. */
static bool decompress(tjhandle decoder, const uint8_t *jpeg, size_t bytes, nx_raster *out, int format)
{
    size_t row = (size_t)out->stored_width * (size_t)tjPixelSize[format];
    uint8_t *last = out->samples + ((size_t)out->stored_height - 1) * row;
    for (int before = 0; before < 256; before += 255) {
        memset(last, before, row);
        if (!tjDecompress2(decoder, jpeg, bytes, out->samples, out->stored_width, 0, out->stored_height, format,
                           TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS))
            return true;
        if (tjGetErrorCode(decoder) != TJERR_WARNING) return false;
        for (size_t i = 0; i < row; i++)
            if (last[i] != before) return true;
    }
    return false;
}

enum {
    SCANS_USUAL = 16,       /* encoders write ten or so; each goes over the whole picture */
    SCANS_MAX = 100,        /* of a picture of up to 40 million pixels, and fewer of a larger one */
    JPEG_PIXELS_MAX = 1024, /* for a byte: 64 for two bits, or for one and a scan more, and room */
    PNG_PACKED_MAX = 1100   /* of deflate, with room */
};

static bool decode_jpeg(nx_raster *out, const header *h, const char *path, nx_error *err)
{
    char *data;
    size_t bytes, count = (size_t)h->height * (size_t)h->width;
    if (!nx_file_read(path, &data, &bytes, err)) return false;
    const unsigned char *jpeg = (const unsigned char *)data;
    tjhandle decoder = tjInitDecompress();
    NX_CHECK(decoder, "TurboJPEG does not start: %s", tjGetErrorStr2(NULL));
    int width = 0, height = 0, sampling, space = 0, scans;
    bool fine = walk_jpeg(jpeg, bytes, &scans) && count / JPEG_PIXELS_MAX <= bytes;
    if (!fine) {
        nx_fail(err, "%s: a truncated JPEG: it ends too early", path);
    } else if (scans > SCANS_MAX || (scans > SCANS_USUAL && count * (size_t)scans > UINT32_MAX)) {
        fine = nx_fail(err, "%s: a JPEG of %d x %d pixels in %d scans: too much work, usual are ten", path, h->width,
                       h->height, scans);
    } else if (tjDecompressHeader3(decoder, jpeg, bytes, &width, &height, &sampling, &space) &&
               tjGetErrorCode(decoder) != TJERR_WARNING) {
        fine = nx_fail(err, "%s: a corrupt JPEG: %s", path, tjGetErrorStr2(decoder));
    } else if (width != out->stored_width || height != out->stored_height) {
        fine = nx_fail(err, "%s: a corrupt JPEG: two sizes in its header", path);
    }
    bool cmyk = space == TJCS_CMYK || space == TJCS_YCCK;
    if (fine) {
        out->channels = 3;
        out->depth = 8;
        out->samples = nx_try_alloc(nx_times(count, cmyk ? 4 : 3));
        fine = out->samples || too_large(path, h, err);
    }
    if (fine && !decompress(decoder, jpeg, bytes, out, cmyk ? TJPF_CMYK : TJPF_RGB))
        fine = nx_fail(err, "%s: a corrupt JPEG: %s", path, tjGetErrorStr2(decoder));
    if (fine && cmyk) cmyk_to_rgb(out->samples, count);
    free(data);
    tjDestroy(decoder);
    return fine;
}

/* All that libpng's long jumps must not lose. */
typedef struct png_work {
    FILE *file;
    char message[128];
    jmp_buf escape;
    png_structp png;
    png_infop info;
    png_bytep *rows;
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
    if (fread(out, 1, bytes, work->file) != bytes) png_error(png, "the file ends too early");
}

/* libpng's classic interface, since its simplified one turns 16-bit samples into linear light. False after a jump. */
static bool run_png(png_work *work, nx_raster *out)
{
    if (setjmp(work->escape)) return false;
    work->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, work, on_png_error, on_png_warning);
    if (work->png) work->info = png_create_info_struct(work->png);
    NX_CHECK(work->info, "libpng does not start");
    png_structp png = work->png;
    png_set_read_fn(png, work, read_png_bytes);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1); /* texts, profiles: may be of any size */
    png_read_info(png, work->info);
    int height = out->stored_height;
    if ((int)png_get_image_height(png, work->info) != height ||
        (int)png_get_image_width(png, work->info) != out->stored_width)
        png_error(png, "two sizes in its header");
    png_set_expand(png); /* palettes and less than 8 bits, and a transparent colour becomes alpha */
    png_set_gray_to_rgb(png);
    png_set_interlace_handling(png);
    png_read_update_info(png, work->info);
    out->channels = png_get_channels(png, work->info);
    out->depth = png_get_bit_depth(png, work->info);
    size_t pitch = png_get_rowbytes(png, work->info);
    out->samples = nx_try_alloc(nx_times(pitch, (size_t)height));
    if (!out->samples) png_error(png, "too large for the memory");
    work->rows = nx_alloc((size_t)height * sizeof *work->rows);
    for (int y = 0; y < height; y++) work->rows[y] = out->samples + (size_t)y * pitch;
    png_read_image(png, work->rows);
    png_read_end(png, NULL);
    return true;
}

bool nx_raster_transparent(const nx_raster *r)
{
    if (r->channels < 4) return false;
    size_t bytes = (size_t)r->depth / 8, count = (size_t)r->stored_height * (size_t)r->stored_width;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 3 * bytes; k < 4 * bytes; k++)
            if (r->samples[i * 4 * bytes + k] != 255) return true;
    return false;
}

static bool decode_png(nx_raster *out, const header *h, const char *path, nx_error *err)
{
    if (h->unpacked / PNG_PACKED_MAX > h->packed)
        return nx_fail(err, "%s: a corrupt or truncated PNG: %zu bytes cannot hold %d x %d pixels", path, h->packed,
                       h->width, h->height);
    png_work *work = nx_alloc(sizeof *work);
    work->file = fopen(path, "rb");
    bool fine = work->file || nx_fail(err, "%s: cannot open: %s", path, strerror(errno));
    if (fine && !(fine = run_png(work, out))) nx_fail(err, "%s: a corrupt or truncated PNG: %s", path, work->message);
    if (work->file) fclose(work->file);
    free(work->rows);
    if (work->png) png_destroy_read_struct(&work->png, &work->info, NULL);
    free(work);
    return fine;
}

static bool decode_webp(nx_raster *out, const header *h, const char *path, nx_error *err)
{
    char *data;
    size_t bytes;
    WebPBitstreamFeatures f;
    if (!nx_file_read(path, &data, &bytes, err)) return false;
    const uint8_t *webp = (const uint8_t *)data;
    bool fine = WebPGetFeatures(webp, bytes, &f) == VP8_STATUS_OK && f.width == h->width && f.height == h->height;
    if (fine) {
        out->channels = f.has_alpha ? 4 : 3;
        out->depth = 8;
        size_t row = (size_t)h->width * (size_t)out->channels, all = nx_times(row, (size_t)h->height);
        out->samples = nx_try_alloc(all);
        if (!out->samples) return free(data), too_large(path, h, err);
        fine = (f.has_alpha ? WebPDecodeRGBAInto : WebPDecodeRGBInto)(webp, bytes, out->samples, all, (int)row);
    }
    free(data);
    return fine || nx_fail(err, "%s: a corrupt or truncated WebP", path);
}

static bool (*const decoders[])(nx_raster *out, const header *h, const char *path, nx_error *err) = {
    [NX_IMAGE_IS_PNG] = decode_png, [NX_IMAGE_IS_JPEG] = decode_jpeg, [NX_IMAGE_IS_WEBP] = decode_webp};

static bool load_raster(nx_raster *out, const char *path, nx_error *err)
{
    header h;
    *out = (nx_raster){0};
    if (!read_header(path, &h, err)) return false;
    bool turned = h.orientation >= 5;
    *out = (nx_raster){.height = turned ? h.width : h.height,
                       .width = turned ? h.height : h.width,
                       .stored_height = h.height,
                       .stored_width = h.width,
                       .orientation = h.orientation};
    if (decoders[h.kind](out, &h, path, err)) return true;
    nx_raster_free(out);
    return false;
}

bool nx_raster_load(nx_raster *out, const char *path, nx_error *err) { return load_raster(out, path, err); }

bool nx_raster_opacity(const nx_raster *r, nx_raster *out, nx_error *err)
{
    size_t bytes = (size_t)r->depth / 8, count = (size_t)r->stored_height * (size_t)r->stored_width;
    NX_CHECK(r->channels == 4, "the opacity of %d channels", r->channels);
    *out = *r;
    out->channels = 1;
    out->samples = nx_try_alloc(nx_times(count, bytes));
    if (!out->samples) {
        *out = (nx_raster){0};
        return nx_fail(err, "%d x %d pixels: too large for the memory", r->width, r->height);
    }
    for (size_t i = 0; i < count; i++) memcpy(out->samples + i * bytes, r->samples + (4 * i + 3) * bytes, bytes);
    return true;
}

/* How far the samples of a pixel may be apart in a grey picture, of 255: JPEG's rounding. */
#define GREY_MOST 24

/* A pixel's samples, as whole numbers; k from 0 to channels - 1. */
static unsigned sample(const nx_raster *r, size_t pixel, int k)
{
    const uint8_t *s = r->samples + (pixel * (size_t)r->channels + (size_t)k) * (size_t)(r->depth / 8);
    return r->depth == 16 ? nx_big16(s) : *s;
}

/* The first pixel that has a colour; the count of pixels if none has. */
static size_t first_coloured(const nx_raster *r, size_t count)
{
    int most = r->depth == 16 ? GREY_MOST * 257 : GREY_MOST;
    for (size_t i = 0; i < count; i++) {
        int red = (int)sample(r, i, 0), green = (int)sample(r, i, 1), blue = (int)sample(r, i, 2);
        if (abs(red - green) > most || abs(green - blue) > most || abs(red - blue) > most) return i;
    }
    return count;
}

bool nx_raster_load_mask(nx_raster *out, const char *path, nx_error *err)
{
    if (!load_raster(out, path, err)) return false;
    size_t count = (size_t)out->stored_height * (size_t)out->stored_width;
    if (nx_raster_transparent(out)) {
        nx_raster opacity;
        bool fine = nx_raster_opacity(out, &opacity, err) || nx_fail_in(err, "%s", path);
        nx_raster_free(out);
        *out = opacity;
        return fine;
    }
    if (first_coloured(out, count) == count) return true;
    nx_raster_free(out);
    return nx_fail(err, "%s: a mask in colours, which have no meaning: a grey picture is wanted, or transparency",
                   path);
}

void nx_raster_free(nx_raster *raster)
{
    if (!raster) return;
    free(raster->samples);
    *raster = (nx_raster){0};
}

/* Which stored pixel is at (y, x): the axes swapped from orientation 5 on, then either one flipped. */
static ptrdiff_t stored_place(const nx_raster *r, int y, int x)
{
    int o = r->orientation, row = o >= 5 ? x : y, column = o >= 5 ? y : x;
    if (o == 3 || o == 4 || o == 6 || o == 7) row = r->stored_height - 1 - row;
    if (o == 2 || o == 3 || o == 7 || o == 8) column = r->stored_width - 1 - column;
    return (ptrdiff_t)row * r->stored_width + column;
}

void nx_raster_read(const nx_raster *r, int y, int x, int count, float *rgb)
{
    NX_CHECK(y >= 0 && y < r->height && x >= 0 && count >= 0 && x <= r->width - count,
             "%d pixels from (%d, %d) on leave the picture of %d x %d", count, y, x, r->height, r->width);
    ptrdiff_t first = stored_place(r, y, x), step = stored_place(r, y, x + 1) - first;
    bool wide = r->depth == 16;
    ptrdiff_t pixel = r->channels * (wide ? 2 : 1);
    const uint8_t *from = r->samples + first * pixel;
    for (int i = 0; i < count; i++, from += step * pixel)
        for (int k = 0; k < 3; k++) {
            int at = r->channels == 1 ? 0 : k;
            float value = wide ? (float)nx_big16(from + 2 * at) * 255.f / 65535.f : (float)from[at];
            if (r->channels == 4) {
                float alpha = wide ? (float)nx_big16(from + 6) / 65535.f : (float)from[3] / 255.f;
                if (alpha < 1) value = value * alpha + 255.f * (1 - alpha);
            }
            *rgb++ = value;
        }
}

bool nx_raster_image(const nx_raster *r, nx_image *out)
{
    size_t count = nx_times((size_t)r->height * (size_t)r->width, 3 * sizeof(float));
    *out = (nx_image){r->height, r->width, nx_try_alloc(count)};
    for (int y = 0; out->rgb && y < out->height; y++)
        nx_raster_read(r, y, 0, out->width, out->rgb + (size_t)y * (size_t)out->width * 3);
    return out->rgb;
}

/* v from 0 to 255 as a whole number from 0 to top; NaN as 0. */
static unsigned quantized(float v, unsigned top)
{
    return v >= 255 ? top : v > 0 ? (unsigned)(v * ((float)top / 255) + 0.5f) : 0;
}

/* As files store them: of 16 bits the upper half first. */
static void store_samples(uint8_t *to, const float *from, size_t count, int depth)
{
    for (size_t i = 0; i < count; i++) {
        unsigned v = quantized(from[i], depth == 16 ? 65535 : 255);
        if (depth == 16) *to++ = (uint8_t)(v >> 8);
        *to++ = (uint8_t)v;
    }
}

bool nx_raster_resize(nx_raster *r, int height, int width, nx_error *err)
{
    size_t count = nx_times((size_t)height * (size_t)width, 3);
    nx_image whole;
    uint8_t *samples = nx_try_alloc(nx_times(count, (size_t)r->depth / 8));
    bool fine = (nx_raster_image(r, &whole) && samples) ||
                nx_fail(err, "%d x %d pixels: too large for the memory", width, height);
    if (fine) {
        nx_image resized = nx_image_resize(&whole, height, width, NX_BICUBIC);
        store_samples(samples, resized.rgb, count, r->depth);
        nx_image_free(&resized);
        nx_raster resized_raster = {height, width, height, width, 1, 3, r->depth, samples};
        nx_raster_free(r);
        *r = resized_raster;
    } else {
        free(samples);
    }
    nx_image_free(&whole);
    return fine;
}

static bool load_image(nx_image *out, const char *path, bool (*load)(nx_raster *r, const char *path, nx_error *err),
                       nx_error *err)
{
    nx_raster raster;
    *out = (nx_image){0};
    if (!load(&raster, path, err)) return false;
    if (nx_raster_transparent(&raster)) nx_warn("%s: transparent pixels, composited over white", path);
    bool fine = nx_raster_image(&raster, out) ||
                nx_fail(err, "%s: %d x %d pixels: too large for the memory", path, out->width, out->height);
    nx_raster_free(&raster);
    if (!fine) *out = (nx_image){0};
    return fine;
}

bool nx_image_load(nx_image *out, const char *path, nx_error *err)
{
    return load_image(out, path, nx_raster_load, err);
}

bool nx_image_load_mask(nx_image *out, const char *path, nx_error *err)
{
    return load_image(out, path, nx_raster_load_mask, err);
}

/* ---- encoding ---- */

struct nx_image_writer {
    char *path, *draft;
    int height, width, done; /* rows so far */
    nx_image_options o;
    uint8_t *samples; /* JPEG: the whole picture, which TurboJPEG takes at once; PNG: a row */
    png_work work;    /* of PNG */
    uint8_t *profile; /* as the format has it */
    size_t profile_bytes;
};

/* libpng's own says no more than that it failed. */
static void write_png_data(png_structp png, png_bytep data, size_t bytes)
{
    if (fwrite(data, 1, bytes, png_get_io_ptr(png)) != bytes) png_error(png, strerror(errno));
}

/* What names the software comes first: it is looked for in the first bytes of a file. */
static bool begin_png(nx_image_writer *w)
{
    static const char software[] = "Software\0" NX_IMAGE_SOFTWARE;
    png_work *work = &w->work;
    if (setjmp(work->escape)) return false;
    work->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, work, on_png_error, on_png_warning);
    if (work->png) work->info = png_create_info_struct(work->png);
    NX_CHECK(work->info, "libpng does not start");
    png_set_write_fn(work->png, work->file, write_png_data, NULL);
    png_set_IHDR(work->png, work->info, (png_uint_32)w->width, (png_uint_32)w->height,
                 w->o.format == NX_IMAGE_PNG16 ? 16 : 8, w->o.alpha ? PNG_COLOR_TYPE_RGB_ALPHA : PNG_COLOR_TYPE_RGB,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info_before_PLTE(work->png, work->info);
    png_write_chunk(work->png, (png_const_bytep) "tEXt", (png_const_bytep)software, sizeof software - 1);
    if (w->profile_bytes) png_write_chunk(work->png, (png_const_bytep) "iCCP", w->profile, w->profile_bytes);
    png_write_info(work->png, work->info);
    return true;
}

static bool write_png_row(nx_image_writer *w)
{
    if (setjmp(w->work.escape)) return false;
    png_write_row(w->work.png, w->samples);
    return true;
}

static bool end_png(nx_image_writer *w)
{
    if (setjmp(w->work.escape)) return false;
    png_write_end(w->work.png, NULL);
    return true;
}

static bool cannot_write(const nx_image_writer *w, const char *why, nx_error *err)
{
    return nx_fail(err, "%s: cannot write: %s", w->path, why);
}

/* Numbers of a row. */
static size_t row_of(const nx_image_writer *w) { return (size_t)w->width * (w->o.alpha ? 4 : 3); }

bool nx_image_writer_open(nx_image_writer **out, const char *path, int height, int width, const nx_image_options *o,
                          nx_error *err)
{
    nx_image_writer *w = nx_alloc(sizeof *w);
    bool jpeg = o->format == NX_IMAGE_JPEG;
    NX_CHECK(!jpeg || !o->alpha, "%s: a JPEG with transparency", path);
    *out = w;
    w->path = nx_copy_text(path);
    w->draft = nx_file_draft(path);
    w->height = height, w->width = width, w->o = *o;
    w->samples = nx_alloc(row_of(w) * (jpeg ? (size_t)height : 2));
    if (o->profile && o->profile->bytes)
        w->profile_bytes = (jpeg ? nx_profile_as_segments : nx_profile_as_chunk)(o->profile, &w->profile);
    w->o.profile = NULL; /* the caller's */
    if (!jpeg) w->work.file = nx_file_create(w->draft);
    bool fine = jpeg || w->work.file || cannot_write(w, strerror(errno), err);
    if (fine && !jpeg && !begin_png(w)) fine = cannot_write(w, w->work.message, err);
    if (!fine) nx_image_writer_drop(w), *out = NULL;
    return fine;
}

bool nx_image_writer_rows(nx_image_writer *w, int rows, const float *rgb, nx_error *err)
{
    NX_CHECK(rows <= w->height - w->done, "%s: more rows than the picture has", w->path);
    size_t line = row_of(w);
    for (int y = 0; y < rows; y++, w->done++, rgb += line) {
        uint8_t *to = w->samples + (w->o.format == NX_IMAGE_JPEG ? (size_t)w->done * line : 0);
        store_samples(to, rgb, line, w->o.format == NX_IMAGE_PNG16 ? 16 : 8);
        if (w->o.format != NX_IMAGE_JPEG && !write_png_row(w)) return cannot_write(w, w->work.message, err);
    }
    return true;
}

/* With what TurboJPEG does not write, behind the first segment: a comment, which names the software, and the profile.
 */
static bool write_signed(const nx_image_writer *w, const unsigned char *jpeg, size_t bytes, nx_error *err)
{
    enum { START = 2, MARK = 4, LENGTH = sizeof NX_IMAGE_SOFTWARE - 1 };
    size_t first = START + 2 + nx_big16(jpeg + START + 2), more = MARK + LENGTH + w->profile_bytes;
    unsigned char *whole = nx_alloc(bytes + more), *at = whole;
    memcpy(at, jpeg, first), at += first;
    memcpy(at, (const unsigned char[]){0xff, 0xfe, 0, LENGTH + 2}, MARK), at += MARK;
    memcpy(at, NX_IMAGE_SOFTWARE, LENGTH), at += LENGTH;
    if (w->profile) memcpy(at, w->profile, w->profile_bytes), at += w->profile_bytes;
    memcpy(at, jpeg + first, bytes - first);
    bool fine = nx_file_write(w->path, whole, bytes + more, err);
    free(whole);
    return fine;
}

static bool write_jpeg(nx_image_writer *w, nx_error *err)
{
    unsigned char *jpeg = NULL;
    unsigned long bytes = 0;
    tjhandle encoder = tjInitCompress();
    NX_CHECK(encoder, "TurboJPEG does not start: %s", tjGetErrorStr2(NULL));
    bool fine = !tjCompress2(encoder, w->samples, w->width, 0, w->height, TJPF_RGB, &jpeg, &bytes, TJSAMP_444,
                             w->o.quality, TJFLAG_ACCURATEDCT) ||
                cannot_write(w, tjGetErrorStr2(encoder), err);
    fine = fine && write_signed(w, jpeg, bytes, err);
    tjFree(jpeg);
    tjDestroy(encoder);
    return fine;
}

bool nx_image_writer_close(nx_image_writer *w, nx_error *err)
{
    NX_CHECK(w->done == w->height, "%s: %d rows of %d", w->path, w->done, w->height);
    bool fine;
    if (w->o.format == NX_IMAGE_JPEG) {
        fine = write_jpeg(w, err);
    } else {
        fine = end_png(w) || cannot_write(w, w->work.message, err);
        bool closed = !fclose(w->work.file);
        w->work.file = NULL;
        if (fine && !closed) fine = cannot_write(w, strerror(errno), err);
        fine = fine && nx_file_publish(w->draft, w->path, err);
    }
    nx_image_writer_drop(w);
    return fine;
}

void nx_image_writer_drop(nx_image_writer *w)
{
    if (!w) return;
    if (w->work.file) fclose(w->work.file);
    if (w->o.format != NX_IMAGE_JPEG) unlink(w->draft); /* nothing, where it was published */
    if (w->work.png) png_destroy_write_struct(&w->work.png, &w->work.info);
    free(w->profile);
    free(w->samples);
    free(w->draft);
    free(w->path);
    free(w);
}

bool nx_image_save(const nx_image *image, const char *path, const nx_image_options *o, nx_error *err)
{
    nx_image_writer *w;
    NX_CHECK(!o->alpha, "%s: a picture without transparency", path);
    if (!nx_image_writer_open(&w, path, image->height, image->width, o, err)) return false;
    if (nx_image_writer_rows(w, image->height, image->rgb, err)) return nx_image_writer_close(w, err);
    nx_image_writer_drop(w);
    return false;
}

bool nx_image_save_png(const nx_image *image, const char *path, nx_error *err)
{
    return nx_image_save(image, path, &(nx_image_options){0}, err);
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

void nx_image_fit_sides(int long_side, int *height, int *width)
{
    int longer = *height > *width ? *height : *width, *sides[] = {height, width};
    for (int k = 0; k < 2; k++) {
        int side = (int)lround((double)*sides[k] * long_side / longer);
        *sides[k] = side > 1 ? side : 1;
    }
}

nx_image nx_image_fit(const nx_image *image, int long_side)
{
    int height = image->height, width = image->width;
    nx_image_fit_sides(long_side, &height, &width);
    return nx_image_resize(image, height, width, NX_BICUBIC);
}
