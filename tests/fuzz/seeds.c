/* Small valid files of every kind, most of them written by the library itself. */
#include "fuzz.h"

#include "base/memory.h"
#include "base/text.h"
#include "graph/wisdom.h"
#include "io/files.h"
#include "io/hdf5.h"
#include "io/image.h"
#include "io/packed.h"
#include "io/tensors.h"

#include "../io/icc.h"
#include "../io/onnx_wire.h"
#include "../io/pth.h"
#include "../io/webp.h"

#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>
#include <unistd.h>
#include <zip.h>

static void need(bool done, const char *what)
{
    if (done) return;
    fprintf(stderr, "fuzz: no seed: %s\n", what);
    exit(1);
}

/* Where a seed is made. */
static const char *made(void)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/seed", fuzz_folder());
    return path;
}

static void take_made(fuzz_seeds *out)
{
    char *data;
    size_t bytes;
    nx_error err;
    need(nx_file_read(made(), &data, &bytes, &err), err.text);
    fuzz_add(out, data, bytes);
    unlink(made());
    free(data);
}

static void add_text(fuzz_seeds *out, const char *text) { fuzz_add(out, text, strlen(text)); }

/* ---- text ---- */

void seed_ini(fuzz_seeds *out)
{
    add_text(out,
             "; first\n[train]\nsteps = 500 ; a comment\n  indented: yes\n\n# second\n[data]\r\ncolour = #ff0000\r\n"
             "empty =\npath = a;b = c\n[train]\nrate=1e-3");
    add_text(out, "\xEF\xBB\xBF[a]\nx = 1\nx = 2\n[b]\nx = 1\n");
    char *longer = nx_format("[a]\nx = %0300d ; c\n%0250d = 1\n", 1, 2);
    add_text(out, longer);
    free(longer);
}

void seed_text(fuzz_seeds *out)
{
    add_text(out, "Größe 写真 🎨 a\xC2\xA0z");
    add_text(out, "a\033[31mb\n\xC2\x9B\xE2\x80\xAE\xED\xA0\x80\xF4\x8F\xBF\xBF\xC0\x9B");
}

void seed_wisdom(fuzz_seeds *out)
{
    const nx_device_info device = {
        .name = "some device", .platform = "of none", .driver = "1", .version = "OpenCL 1.2"};
    nx_error err;
    nx_wisdom_forget();
    for (int answers = 0; answers < 3; answers++) {
        need(nx_wisdom_write(made(), &device, &err), err.text);
        take_made(out);
        nx_wisdom_set(answers ? "gemm 64x64x64" : "conv 3x3, 1x64x64x64 to 1x64x64x64",
                      answers ? "tiled 4" : "winograd 2");
    }
    nx_wisdom_forget();
}

/* ---- pictures ---- */

enum { HEIGHT = 9, WIDTH = 13 };

static void add_png(fuzz_seeds *out, int type, int depth, bool interlaced, bool more)
{
    FILE *file = fopen(made(), "wb");
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_color palette[4] = {{10, 20, 30}, {40, 50, 60}, {70, 80, 90}, {255, 0, 1}};
    png_byte alpha[2] = {0, 99}, exif[26] = "II*\0\10\0\0\0\1\0\x12\1\3\0\1\0\0\0\6", row[WIDTH * 8];
    png_text text = {.compression = PNG_TEXT_COMPRESSION_zTXt, .key = "Title", .text = "some text", .text_length = 9};
    need(file && info, "PNG");
    png_init_io(png, file);
    png_set_IHDR(png, info, WIDTH, HEIGHT, depth, type, interlaced, 0, 0);
    if (type == PNG_COLOR_TYPE_PALETTE) png_set_PLTE(png, info, palette, 4);
    if (more && type == PNG_COLOR_TYPE_PALETTE) png_set_tRNS(png, info, alpha, 2, NULL);
    if (more && !(type & PNG_COLOR_MASK_ALPHA) && type != PNG_COLOR_TYPE_PALETTE)
        png_set_tRNS(png, info, NULL, 0, &(png_color_16){.gray = 1});
    if (more) png_set_eXIf_1(png, info, sizeof exif, exif), png_set_gAMA(png, info, 0.45);
    if (more) png_set_text(png, info, &text, 1);
    png_write_info(png, info);
    for (int pass = 0, passes = png_set_interlace_handling(png); pass < passes; pass++)
        for (int y = 0; y < HEIGHT; y++) {
            for (size_t i = 0; i < sizeof row; i++)
                row[i] = type == PNG_COLOR_TYPE_PALETTE ? 0 : (png_byte)((int)i * 37 + y * 11);
            png_write_row(png, row);
        }
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    fclose(file);
    take_made(out);
}

void seed_png(fuzz_seeds *out)
{
    static const int kinds[][2] = {
        {PNG_COLOR_TYPE_GRAY, 1},       {PNG_COLOR_TYPE_GRAY, 8},      {PNG_COLOR_TYPE_GRAY, 16},
        {PNG_COLOR_TYPE_RGB, 8},        {PNG_COLOR_TYPE_RGB, 16},      {PNG_COLOR_TYPE_PALETTE, 2},
        {PNG_COLOR_TYPE_GRAY_ALPHA, 8}, {PNG_COLOR_TYPE_RGB_ALPHA, 8}, {PNG_COLOR_TYPE_RGB_ALPHA, 16},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        add_png(out, kinds[i][0], kinds[i][1], i % 3 == 1, i % 2 == 0);
}

static void add_jpeg(fuzz_seeds *out, int format, int sampling, int flags)
{
    unsigned char samples[HEIGHT * WIDTH * 4], *jpeg = NULL;
    unsigned long bytes = 0;
    for (size_t i = 0; i < sizeof samples; i++) samples[i] = (unsigned char)(i * 37 + i / 39 * 11);
    tjhandle encoder = tjInitCompress();
    need(encoder && !tjCompress2(encoder, samples, WIDTH, 0, HEIGHT, format, &jpeg, &bytes, sampling, 60, flags),
         "JPEG");
    tjDestroy(encoder);
    fuzz_add(out, jpeg, bytes);
    /* The same with an orientation. */
    static const unsigned char exif[] = "\xFF\xE1\0\x22"
                                        "Exif\0\0MM\0*\0\0\0\10\0\1\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0";
    unsigned char *turned = nx_alloc(bytes + 36);
    memcpy(turned, jpeg, 2);
    memcpy(turned + 2, exif, 36);
    memcpy(turned + 38, jpeg + 2, bytes - 2);
    fuzz_add(out, turned, bytes + 36);
    free(turned);
    tjFree(jpeg);
}

void seed_jpeg(fuzz_seeds *out)
{
    add_jpeg(out, TJPF_RGB, TJSAMP_420, 0);
    add_jpeg(out, TJPF_RGB, TJSAMP_444, TJFLAG_PROGRESSIVE);
    add_jpeg(out, TJPF_RGB, TJSAMP_GRAY, 0);
    add_jpeg(out, TJPF_CMYK, TJSAMP_444, 0);
}

/* Lossless and not, with opacity and without, in one chunk and in several. */
void seed_webp(fuzz_seeds *out)
{
    uint8_t rgba[HEIGHT * WIDTH * 4];
    nx_profile profile = make_named_profile(201, "Display P3");
    for (int kind = 0; kind < 6; kind++) {
        size_t bytes;
        for (size_t i = 0; i < sizeof rgba; i++)
            rgba[i] = (uint8_t)(i % 4 == 3 && kind % 2 == 0 ? 255 : i * 37 + i / 39 * 11);
        uint8_t *webp = make_webp(rgba, WIDTH, HEIGHT, kind / 2 == 1 ? 40 : 0, &bytes);
        if (kind == 4)
            webp = extend_webp(webp, &bytes, WIDTH, HEIGHT, 0x28, &profile,
                               "MM\0*\0\0\0\10\0\1\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0", 26);
        fuzz_add(out, webp, bytes);
        free(webp);
    }
    nx_profile_free(&profile);
}

/* A JPEG that ends behind its profile, which is in so many parts. */
static void add_profile(fuzz_seeds *out, const nx_profile *p, int parts)
{
    uint8_t *jpeg = nx_alloc(2 + (size_t)parts * 18 + p->bytes), *at = jpeg;
    *at++ = 0xFF, *at++ = 0xD8;
    for (int i = 1; i <= parts; i++) {
        size_t from = p->bytes * (size_t)(i - 1) / (size_t)parts, part = p->bytes * (size_t)i / (size_t)parts - from;
        memcpy(at, "\xFF\xE2\0\0ICC_PROFILE", 16);
        at[2] = (uint8_t)((part + 16) >> 8), at[3] = (uint8_t)(part + 16), at[16] = (uint8_t)i, at[17] = (uint8_t)parts;
        memcpy(at + 18, p->data + from, part);
        at += 18 + part;
    }
    fuzz_add(out, jpeg, (size_t)(at - jpeg));
    free(jpeg);
}

/* Names of both kinds; and a PNG that ends behind its profile. */
void seed_profile(fuzz_seeds *out)
{
    static const char localized[] = "mluc\0\0\0\0\0\0\0\2\0\0\0\x0c"
                                    "deDE\0\0\0\4\0\0\0\x28"
                                    "enUS\0\0\0\4\0\0\0\x2c"
                                    "\0B\0l\0P\0\x33";
    nx_profile profiles[] = {make_named_profile(240, "Display P3"), make_profile(260, localized, sizeof localized - 1)};
    for (int i = 0; i < 2; i++)
        for (int parts = 1; parts <= 3; parts++) add_profile(out, &profiles[i], parts);
    uint8_t *chunk;
    size_t bytes = nx_profile_as_chunk(&profiles[0], &chunk);
    uint8_t *png = nx_alloc(16 + bytes);
    memcpy(png, "\x89PNG\r\n\x1a\n", 8);
    put32(png + 8, (uint32_t)bytes);
    memcpy(png + 12, "iCCP", 4);
    memcpy(png + 16, chunk, bytes);
    fuzz_add(out, png, 16 + bytes);
    free(chunk);
    free(png);
    for (int i = 0; i < 2; i++) nx_profile_free(&profiles[i]);
}

/* ---- HDF5 ---- */

/* As a run's file is: text, series, pictures, attributes; and weights in groups, as Keras'. */
void seed_hdf5(fuzz_seeds *out)
{
    static const float kernel[24] = {1, 2, 3, 4};
    static const uint8_t rgb[4 * 5 * 3] = {9, 8, 7};
    nx_h5 *file;
    nx_error err;
    double value = 0.5;
    int64_t step = 3, whole[3] = {1, 2, 3};
    need(nx_h5_create(&file, made(), &err) && nx_h5_write_text(file, "/config", "[a]\nb = 1\n", &err) &&
             nx_h5_set_string(file, "/", "status", "finished", &err) && nx_h5_set_int(file, "/", "seed", 7, &err) &&
             nx_h5_append_double(file, "/metrics/total/value", &value, 1, &err) &&
             nx_h5_append_int64(file, "/metrics/total/step", &step, 1, &err) &&
             nx_h5_set_double(file, "/metrics/total", "weight", 1, &err) &&
             nx_h5_append_image(file, "/images/output0", rgb, 4, 5, &err) &&
             nx_h5_append_image(file, "/images/output0", rgb, 4, 5, &err) &&
             nx_h5_set_ints(file, "/images/output0", "step", whole, 3, &err) && nx_h5_close(file, &err),
         err.text);
    take_made(out);
    need(nx_h5_create(&file, made(), &err) &&
             nx_h5_write_float(file, "/conv1/conv1/kernel:0", kernel, 4, (int[]){2, 3, 2, 2}, &err) &&
             nx_h5_write_float(file, "/conv1/conv1/bias:0", kernel, 1, (int[]){2}, &err) &&
             nx_h5_append_uint64(file, "/count", (const uint64_t[]){1, 2}, 2, &err) &&
             nx_h5_write_float(file, "/scalar", kernel, 0, NULL, &err) &&
             nx_h5_set_string(file, "/", "backend", "tensorflow", &err) && nx_h5_close(file, &err),
         err.text);
    take_made(out);
}

void seed_packed(fuzz_seeds *out)
{
    static const uint8_t rgb[4 * 4 * 3] = {9, 8, 7};
    nx_packer *packer;
    nx_error err;
    need(nx_packer_new(&packer, made(), 4, 3, &err), err.text);
    for (int i = 0; i < 3; i++) need(nx_packer_add(packer, i ? "dog/a.png" : "cat/a.png", rgb, &err), err.text);
    need(nx_packer_finish(packer, "photos", &err), err.text);
    nx_packer_free(packer);
    take_made(out);
}

/* ---- weights ---- */

static const nx_tensor_entry entries[] = {
    {"features.0.weight", 4, {1, 2, 3, 1}, (const float[6]){1, 2, 3, 4, 5, 6}},
    {"features.0.bias", 1, {2}, (const float[2]){7, 8}},
    {"scalar", 0, {0}, (const float[1]){9}},
    {"nothing", 2, {0, 4}, NULL},
};

void seed_safetensors(fuzz_seeds *out)
{
    static const nx_metadata metadata[] = {{"mean", "1 2 3"}, {"network", "vgg19"}};
    static const char types[] =
        "\x90\0\0\0\0\0\0\0{\"h\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]},"
        "\"d\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[4,12]},"
        "\"b\":{\"dtype\":\"BF16\",\"shape\":[],\"data_offsets\":[12,14]}}\0\0\0\0\0\0\0\0\0\0\0\0\0";
    nx_error err;
    need(nx_tensors_save_safetensors(made(), entries, 4, metadata, 2, &err), err.text);
    take_made(out);
    fuzz_add(out, types, 8 + strcspn(types + 8, "\xFF") + 14);
}

/* An array as NumPy writes it. */
static fuzz_file npy(const char *type, const char *shape, const char *columns, size_t bytes)
{
    char header[128];
    int length =
        snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }\n", type, columns, shape);
    fuzz_file out = {nx_alloc(10 + (size_t)length + bytes), 10 + (size_t)length + bytes};
    memcpy(out.data, "\x93NUMPY\1", 8);
    out.data[8] = (uint8_t)length;
    memcpy(out.data + 10, header, (size_t)length);
    for (size_t i = 0; i < bytes; i++) out.data[10 + (size_t)length + i] = (uint8_t)(i * 7);
    return out;
}

static const struct {
    const char *type, *shape, *columns;
    size_t bytes;
} arrays[] = {{"<f4", "(2, 3)", "False", 24},
              {"<f8", "(3, 1)", "True", 24},
              {"<f2", "(1, 2, 3)", "True", 12},
              {"<i8", "()", "False", 8},
              {"<f4", "(0, 5)", "False", 0}};

void seed_npy(fuzz_seeds *out)
{
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        fuzz_file one = npy(arrays[i].type, arrays[i].shape, arrays[i].columns, arrays[i].bytes);
        fuzz_add(out, one.data, one.bytes);
        free(one.data);
    }
}

void seed_npz(fuzz_seeds *out)
{
    for (int packed = 0; packed < 2; packed++) {
        enum { COUNT = sizeof arrays / sizeof *arrays };
        fuzz_file files[COUNT];
        int code;
        zip_t *zip = zip_open(made(), ZIP_CREATE | ZIP_TRUNCATE, &code);
        need(zip != NULL, "zip");
        for (int i = 0; i < COUNT; i++) {
            char name[16];
            snprintf(name, sizeof name, "a%d.npy", i);
            files[i] = npy(arrays[i].type, arrays[i].shape, arrays[i].columns, arrays[i].bytes);
            zip_source_t *source = zip_source_buffer(zip, files[i].data, files[i].bytes, 0);
            zip_int64_t index = zip_file_add(zip, name, source, ZIP_FL_ENC_UTF_8);
            zip_set_file_compression(zip, (zip_uint64_t)index, packed ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0);
        }
        need(!zip_close(zip), "zip");
        for (int i = 0; i < COUNT; i++) free(files[i].data);
        take_made(out);
    }
}

/* ---- PyTorch ---- */

static const nx_tensor_entry six[] = {{"0.weight", 2, {2, 3}, (const float[6]){1, 2, 3, 4, 5, 6}},
                                      {"0.bias", 1, {6}, (const float[6]){7, 8, 9, 10, 11, 12}}};

void seed_pth(fuzz_seeds *out)
{
    need(write_pth(made(), six, 2, false), "zip");
    take_made(out);
}

void seed_pth_old(fuzz_seeds *out)
{
    need(write_pth(made(), six, 2, true), "a file");
    take_made(out);
}

#define STORAGE(kind, key, count) "(X\7\0\0\0storagectorch\n" kind "Storage\nX\1\0\0\0" key "X\3\0\0\0cpuK" count "tQ"
#define TENSOR(storage, place)                                                                                         \
    "ctorch._utils\n_rebuild_tensor_v2\n(" storage place "\x89"                                                        \
    "ccollections\nOrderedDict\n)RtR"
#define ADD(literal) fuzz_add(out, literal, sizeof literal - 1)

/* The ways to write dicts, texts and tensors: today's, Python 2's, of the first PyTorch, of a later pickle. */
void seed_pickle(fuzz_seeds *out)
{
    pth_buffer b = {0};
    pth_put_dict(&b, six, 2);
    fuzz_add(out, b.bytes, b.count);
    free(b.bytes);
    ADD("\x80\2}X\3\0\0\0netccollections\nOrderedDict\n](]U\1wa" TENSOR(STORAGE("Half", "0", "\14"),
                                                                        "K\2(K\3K\3t(K\1K\3t") //
        "a]T\1\0\0\0va" TENSOR(STORAGE("Double", "1", "\3"), "\x8a\1\1))") "ae\x85Rs.");
    ADD("\x80\2}(X\1\0\0\0wctorch\nFloatTensor\n)R(" STORAGE("Float", "0", "\6") //
        "K\0M\6\0\x85q\0K\1\x85tbX\1\0\0\0vctorch.nn.parameter\nParameter\n)\x81(" TENSOR(
            STORAGE("BFloat16", "1", "\14"),
            "K\0h\0K\1\x85") //
        "NN\x88\x89tbu}X\1\0\0\0nG\0\0\0\0\0\0\0\0sb.");
    ADD("\x80\4\x95\0\0\0\0\0\0\0\0}\x94(\x8c\1w\x8c\14torch._utils\x94\x8c\22_rebuild_tensor_v2\x93((\x8c\7storage"
        "\x8c\5torch\x8c\14FloatStorage\x93\x94\x8c\1"
        "0\x8c\3cpuK\6tQK\0K\2K\3\x86\x94K\3K\1\x86\x89NtRu.");
}

/* ---- ONNX ---- */

void seed_onnx(fuzz_seeds *out)
{
    wire w = {0};
    wire_model(&w);
    fuzz_add(out, w.bytes, w.count);
}

/* ---- Torch7 ---- */

static uint8_t t7[4096];
static size_t t7_bytes;

static void put(const void *data, size_t bytes)
{
    memcpy(t7 + t7_bytes, data, bytes);
    t7_bytes += bytes;
}

static void put_int(int32_t value) { put(&value, sizeof value); }
static void put_long(int64_t value) { put(&value, sizeof value); }

static void put_string(const char *text)
{
    put_int((int32_t)strlen(text));
    put(text, strlen(text));
}

static void put_text(const char *text) { put_int(2), put_string(text); }
static void put_number(double value) { put_int(1), put(&value, sizeof value); }
static void begin_table(int32_t index, int32_t count) { put_int(3), put_int(index), put_int(count); }

static void begin_object(int32_t index, const char *name)
{
    put_int(4), put_int(index);
    put_string("V 1"), put_string(name);
}

static void put_tensor(int32_t index, const char *tensor, const char *storage, size_t each)
{
    static const char zeros[6 * 8];
    begin_object(index, tensor);
    put_int(2), put_long(2), put_long(3), put_long(3), put_long(1), put_long(1);
    begin_object(index + 1, storage);
    put_long(6), put(zeros, 6 * each);
}

void seed_t7(fuzz_seeds *out)
{
    t7_bytes = 0;
    begin_object(1, "nn.Sequential");
    begin_table(2, 5);
    put_text("train"), put_int(5), put_int(1);
    put_text("modules");
    begin_table(3, 3);
    put_number(1);
    begin_object(4, "nn.SpatialConvolution");
    begin_table(5, 2);
    put_text("weight"), put_tensor(6, "torch.FloatTensor", "torch.FloatStorage", 4);
    put_text("bias"), put_tensor(8, "torch.DoubleTensor", "torch.DoubleStorage", 8);
    put_number(2), put_int(4), put_int(4); /* the same module again */
    put_number(3);
    begin_object(10, "nn.Mul");
    put_int(3), put_int(5); /* with the same fields */
    put_text("self"), put_int(3), put_int(2);
    put_text("nothing"), put_int(0);
    put_text("callback"), put_int(8), put_int(11), put_string("\033Lua"), put_int(0);
    fuzz_add(out, t7, t7_bytes);
    t7_bytes = 0;
    put_tensor(1, "torch.ByteTensor", "torch.ByteStorage", 1);
    fuzz_add(out, t7, t7_bytes);
}
