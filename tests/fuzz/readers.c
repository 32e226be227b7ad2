/* The table of readers: what each does with a file, and which sums of the file have to be right. */
#include "fuzz.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/text.h"
#include "graph/wisdom.h"
#include "io/classes.h"
#include "io/files.h"
#include "io/hdf5.h"
#include "io/image.h"
#include "io/ini.h"
#include "io/loader.h"
#include "io/onnx.h"
#include "io/packed.h"
#include "io/profile.h"
#include "io/t7.h"
#include "io/tensors.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>
#include <zip.h>

/* What a reader promises and does not keep is found as a crash is. */
static void must(bool kept, const char *what)
{
    if (kept) return;
    fprintf(stderr, "fuzz: %s\n", what);
    abort();
}

/* One line, which a terminal shows and does not obey. */
static void check_message(const nx_error *err)
{
    char *shown = nx_copy_text(err->text);
    must(*err->text && !strcmp(nx_text_printable(shown), err->text), "a refusal without a printable line");
    free(shown);
}

static void sum_up(const float *values, size_t count)
{
    volatile float sum = 0;
    for (size_t i = 0; i < count; i++) sum = sum + values[i];
}

/* User's data must not end the process: nx_die_at is this function instead. */
_Noreturn void __wrap_nx_die_at(const char *file, int line, const char *format, ...);
_Noreturn void __wrap_nx_die_at(const char *file, int line, const char *format, ...)
{
    fprintf(stderr, "fuzz: %s:%d dies of a file: %s\n", file, line, format);
    abort();
}

/* ---- text ---- */

static void read_ini(const char *path)
{
    nx_ini ini;
    nx_error err = {0};
    char *text;
    size_t bytes;
    if (!nx_file_read(path, &text, &bytes, &err)) return;
    bool parsed = nx_ini_parse(&ini, path, text, &err);
    free(text);
    if (!parsed) {
        check_message(&err);
        return;
    }
    for (size_t i = 0; i < ini.count; i++)
        must(*ini.entries[i].section && *ini.entries[i].key && ini.entries[i].value && ini.entries[i].line > 0,
             "an entry without a section, key, value or line");
    nx_ini_free(&ini);
}

static void read_text(const char *path)
{
    char *text;
    size_t bytes;
    nx_error err;
    if (!nx_file_read(path, &text, &bytes, &err)) return;
    size_t length = strlen(text);
    nx_text_printable(text);
    must(strlen(text) == length, "text that changed its length");
    char *once = nx_copy_text(text);
    must(!strcmp(nx_text_printable(text), once), "text that is printable only the second time");
    for (const char *c = once; *c; c++) must((unsigned char)*c >= 32 && *c != 127, "a control character is left");
    free(once);
    free(text);
}

static const nx_device_info device = {
    .name = "some device", .platform = "of none", .driver = "1", .version = "OpenCL 1.2"};

static void read_wisdom(const char *path)
{
    nx_error err = {0};
    if (nx_wisdom_read(path, &device, &err)) {
        for (size_t i = 0; i < nx_wisdom_asked(); i++) nx_wisdom_find(nx_wisdom_question(i));
        nx_wisdom_signature();
    } else if (*err.text) {
        check_message(&err);
    }
    nx_wisdom_forget();
}

/* The last line is the hash of all above it. */
static void repair_wisdom(fuzz_file *file)
{
    enum { SIGNATURE = 22 };
    if (file->bytes <= SIGNATURE) return;
    size_t text = file->bytes - SIGNATURE;
    char line[SIGNATURE + 1];
    snprintf(line, sizeof line, "xxh3 %016llx\n", (unsigned long long)XXH3_64bits(file->data, text));
    memcpy(file->data + text, line, SIGNATURE);
}

/* ---- pictures ---- */

enum { PIXELS = 1 << 22 }; /* more are only measured: they would take the time of a thousand files */

static void read_image(const char *path)
{
    nx_error err = {0};
    nx_image image, mask;
    int height, width;
    if (!nx_image_size(path, &height, &width, &err)) {
        check_message(&err);
        must(!nx_image_load(&image, path, &err), "a picture without a size");
        return;
    }
    must(height > 0 && width > 0, "a size of zero");
    if ((size_t)height * (size_t)width > PIXELS) return;
    nx_image_check(path, NULL, NULL, &err);
    if (nx_image_load_mask(&mask, path, &err)) nx_image_free(&mask);
    if (!nx_image_load(&image, path, &err)) {
        check_message(&err);
        return;
    }
    must(image.height == height && image.width == width, "two sizes");
    for (size_t i = 0, n = (size_t)height * (size_t)width * 3; i < n; i++)
        must(image.rgb[i] >= 0 && image.rgb[i] < 255.01f, "a sample out of range");
    nx_image small = nx_image_fit(&image, 7);
    nx_image_free(&small);
    nx_image_free(&image);
    char *paths[] = {(char *)path};
    int crop = height < width ? height : width;
    nx_loader_options options = {.paths = paths, .count = 1, .crop = crop < 8 ? crop : 8, .batch = 2, .seed = 1};
    nx_loader *loader;
    float batch[2 * 8 * 8 * 3];
    if ((size_t)height * (size_t)width < 1 << 12 && nx_loader_new(&loader, &options, &err)) {
        nx_loader_batch(loader, 0, batch, &err);
        nx_loader_free(loader);
    }
}

static void read_profile(const char *path)
{
    nx_error err = {0};
    nx_profile p;
    if (!nx_profile_load(&p, path, &err)) {
        check_message(&err);
        must(!p.data, "a profile that was refused");
        return;
    }
    must(p.bytes <= NX_PROFILE_MAX, "a profile that is too large");
    if (!p.bytes) return;
    char *name = nx_profile_name(&p), *shown = nx_copy_text(name);
    must(*name && !strcmp(nx_text_printable(shown), name), "a name that is not printable");
    free(shown);
    free(name);
    nx_profile_free(&p);
}

static uint32_t big32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

/* CRC-32, as PNG's and zip's. */
static uint32_t crc32_of(const uint8_t *data, size_t bytes)
{
    uint32_t crc = ~0u;
    for (size_t i = 0; i < bytes; i++) {
        crc ^= data[i];
        for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
    }
    return ~crc;
}

static void repair_png(fuzz_file *file)
{
    for (size_t at = 8; at + 12 <= file->bytes;) {
        size_t length = big32(file->data + at);
        if (length > file->bytes - at - 12) return;
        uint8_t *sum = file->data + at + 8 + length;
        uint32_t crc = crc32_of(file->data + at + 4, length + 4);
        for (int i = 0; i < 4; i++) sum[i] = (uint8_t)(crc >> (24 - 8 * i));
        at += length + 12;
    }
}

/* ---- HDF5 ---- */

static void read_attributes(const nx_h5 *file, const char *path)
{
    nx_h5_names names;
    if (!nx_h5_attributes(file, path, &names, NULL)) return;
    for (size_t i = 0; i < names.count; i++) {
        char *text;
        int64_t whole, *wholes;
        double real;
        size_t count;
        must(nx_h5_has_attribute(file, path, names.names[i]) || !*names.names[i], "an attribute that is not there");
        if (nx_h5_get_string(file, path, names.names[i], &text, NULL)) free(text);
        if (nx_h5_get_ints(file, path, names.names[i], &wholes, &count, NULL)) free(wholes);
        nx_h5_get_int(file, path, names.names[i], &whole, NULL);
        nx_h5_get_double(file, path, names.names[i], &real, NULL);
    }
    nx_h5_names_free(&names);
}

static void read_dataset(const nx_h5 *file, const char *path)
{
    int rank, shape[NX_H5_RANK_MAX];
    float *floats;
    uint8_t *bytes;
    double *doubles;
    int64_t *wholes;
    uint64_t *unsigned_wholes, offset, length;
    size_t count;
    char *text;
    nx_error err = {0};
    if (!nx_h5_shape(file, path, &rank, shape, &err)) check_message(&err);
    if (nx_h5_read_float(file, path, &floats, &rank, shape, NULL)) {
        for (count = 1; rank; rank--) count *= (size_t)shape[rank - 1];
        sum_up(floats, count);
        free(floats);
    }
    if (nx_h5_read_uint8(file, path, &bytes, &rank, shape, NULL)) free(bytes);
    if (nx_h5_read_double(file, path, &doubles, &count, NULL)) free(doubles);
    if (nx_h5_read_int64(file, path, &wholes, &count, NULL)) free(wholes);
    if (nx_h5_read_uint64(file, path, &unsigned_wholes, &count, NULL)) free(unsigned_wholes);
    if (nx_h5_read_text(file, path, &text, NULL)) free(text);
    nx_h5_place(file, path, &offset, &length, NULL);
}

/* Without a bound on the depth: links in circles have none. */
static void read_object(const nx_h5 *file, const char *path)
{
    nx_h5_names names;
    read_attributes(file, path);
    nx_h5_kind kind = nx_h5_kind_of(file, path);
    if (kind != NX_H5_GROUP && kind != NX_H5_NONE) read_dataset(file, path);
    if (kind != NX_H5_GROUP || !nx_h5_children(file, path, &names, NULL)) return;
    for (size_t i = 0; i < names.count; i++) {
        char *below = nx_format("%s/%s", path[1] ? path : "", names.names[i]);
        read_object(file, below);
        free(below);
    }
    nx_h5_names_free(&names);
}

static void read_hdf5(const char *path)
{
    nx_h5 *file;
    nx_error err = {0};
    if (!nx_h5_open(&file, path, false, &err)) {
        check_message(&err);
        return;
    }
    read_object(file, "/");
    nx_h5_close(file, NULL);
}

static void read_packed(const char *path)
{
    nx_packed *data;
    nx_error err = {0};
    nx_file_list list;
    nx_packed_is_file(path);
    if (!nx_packed_open(&data, path, &err)) {
        check_message(&err);
        return;
    }
    int side = nx_packed_size(data);
    size_t count = nx_packed_count(data);
    uint8_t *rgb = nx_try_alloc((size_t)side * (size_t)side * 3);
    for (size_t i = 0; rgb && i < count && i < 16; i++)
        must(nx_packed_read(data, i, rgb, &err), "a picture is missing");
    free(rgb);
    nx_packed_free(data);
    if (count < 1000 && nx_packed_images(&list, path, &err)) {
        must(list.count == count, "another count of pictures");
        nx_file_list_free(&list);
    }
    nx_classes classes;
    if (count < 1000 && !nx_classes_read(&classes, (char *[]){(char *)path}, 1, 0, &err))
        check_message(&err);
    else if (count < 1000)
        must(classes.count == count && classes.classes > 0, "pictures without a class"), nx_classes_free(&classes);
}

/* ---- weights ---- */

static void read_tensors(const char *path)
{
    nx_tensor_file *file;
    nx_error err = {0};
    char hash[33];
    if (!nx_tensor_file_open(&file, path, &err)) {
        check_message(&err);
        return;
    }
    size_t count = nx_tensor_file_count(file);
    for (size_t i = 0; i < count; i++) {
        const nx_tensor_entry *entry = nx_tensor_file_at(file, i);
        must(nx_tensor_file_find(file, entry->name) == entry, "a tensor that is not found by its name");
        sum_up(entry->data, nx_tensor_entry_size(entry));
    }
    nx_tensor_file_metadata(file, "network");
    nx_tensors_hash(nx_tensor_file_at(file, 0), count, hash);
    nx_tensor_file_free(file);
}

static void add_entry(zip_t *zip, const char *name, const void *data, size_t bytes)
{
    zip_int64_t index = zip_file_add(zip, name, zip_source_buffer(zip, data, bytes, 0), ZIP_FL_ENC_UTF_8);
    zip_set_file_compression(zip, (zip_uint64_t)index, ZIP_CM_STORE, 0);
}

/* The file is one entry, which is put into a zip whose sums are right, beside storages of `numbers` bytes. */
static void read_zipped(const char *path, const char *name, const char *const *storages, size_t numbers)
{
    static const char zeros[64];
    char *data, *zipped = nx_format("%s.zip", path);
    size_t bytes;
    int code;
    nx_error err;
    if (nx_file_read(path, &data, &bytes, &err)) {
        unlink(zipped);
        zip_t *zip = zip_open(zipped, ZIP_CREATE | ZIP_TRUNCATE, &code);
        add_entry(zip, name, data, bytes);
        for (; storages && *storages; storages++) add_entry(zip, *storages, zeros, numbers);
        must(!zip_close(zip), "no zip can be made");
        read_tensors(zipped);
        unlink(zipped);
        free(data);
    }
    free(zipped);
}

static void read_npy(const char *path) { read_zipped(path, "a.npy", NULL, 0); }

static void read_pickle(const char *path)
{
    static const char *const storages[] = {"a/data/0", "a/data/1", NULL};
    read_zipped(path, "a/data.pkl", storages, SEED_PICKLE_BYTES);
}

/* As importers do: down the lists and fields, not in circles. */
static void visit(const nx_t7 *value, int depth)
{
    static const char *const fields[] = {"modules", "weight", "bias", "running_mean", "train", "self"};
    if (!value || depth > 6) return;
    if (value->class_name) (void)strlen(value->class_name);
    if (value->kind == NX_T7_STRING) (void)strlen(value->text);
    if (value->kind == NX_T7_STORAGE) sum_up(value->data, value->count);
    if (value->kind == NX_T7_TENSOR && value->storage) {
        size_t last = value->offset;
        for (int i = 0; i < value->rank; i++) last += (value->size[i] - 1) * value->stride[i];
        must(last < value->storage->count, "an element outside its storage");
    }
    size_t length = nx_t7_length(value);
    for (size_t i = 1; i <= length && i <= 4; i++) {
        must(nx_t7_at(value, i) != NULL, "a list with a gap");
        visit(nx_t7_at(value, i), depth + 1);
    }
    nx_t7_at(value, length + 1);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) visit(nx_t7_get(value, fields[i]), depth + 1);
}

static void read_t7(const char *path)
{
    nx_t7_file *file;
    nx_error err = {0};
    if (!nx_t7_open(&file, path, &err)) {
        check_message(&err);
        return;
    }
    visit(nx_t7_root(file), 0);
    nx_t7_free(file);
}

static void sum_tensor(const nx_onnx_tensor *t)
{
    if (!t) return;
    (void)strlen(t->name);
    if (t->reals) sum_up(t->reals, t->count);
    int64_t sum = 0;
    for (size_t i = 0; t->wholes && i < t->count; i++) sum ^= t->wholes[i];
    must(t->rank <= NX_ONNX_RANK_MAX && sum >= INT64_MIN, "a tensor of many dimensions");
}

static void read_onnx(const char *path)
{
    nx_onnx *m;
    nx_error err = {0};
    if (!nx_onnx_open(&m, path, &err)) {
        check_message(&err);
        return;
    }
    for (size_t i = 0; i < m->n_tensors; i++) sum_tensor(&m->tensors[i]);
    for (size_t i = 0; i < m->n_nodes; i++) {
        const nx_onnx_node *n = &m->nodes[i];
        for (size_t k = 0; k < n->n_in; k++) nx_onnx_find(m, n->in[k]);
        for (size_t k = 0; k < n->n_attributes; k++) sum_tensor(n->attributes[k].tensor);
        nx_onnx_attribute_of(n, n->op);
    }
    nx_onnx_free(m);
}

/* ---- the table ---- */

const fuzz_reader fuzz_readers[] = {
    {"ini", ".ini", seed_ini, read_ini, NULL, 100},
    {"text", ".txt", seed_text, read_text, NULL, 100},
    {"wisdom", ".txt", seed_wisdom, read_wisdom, repair_wisdom, 100},
    {"png", ".png", seed_png, read_image, repair_png, 100},
    {"jpeg", ".jpg", seed_jpeg, read_image, NULL, 100},
    {"webp", ".webp", seed_webp, read_image, NULL, 100},
    {"profile", ".jpg", seed_profile, read_profile, NULL, 100},
    {"hdf5", ".h5", seed_hdf5, read_hdf5, NULL, 2},
    {"keras", ".h5", seed_hdf5, read_tensors, NULL, 2},
    {"packed", ".h5", seed_packed, read_packed, NULL, 1},
    {"npz", ".npz", seed_npz, read_tensors, NULL, 100},
    {"npy", ".npy", seed_npy, read_npy, NULL, 100},
    {"pth", ".pth", seed_pth, read_tensors, NULL, 100},
    {"pth-old", ".pth", seed_pth_old, read_tensors, NULL, 100},
    {"pickle", ".pkl", seed_pickle, read_pickle, NULL, 100},
    {"safetensors", ".safetensors", seed_safetensors, read_tensors, NULL, 100},
    {"onnx", ".onnx", seed_onnx, read_onnx, NULL, 100},
    {"t7", ".t7", seed_t7, read_t7, NULL, 100},
    {"config", ".ini", seed_config, read_config, NULL, 30},
    {"run", ".h5", seed_run, read_run, NULL, 2},
    {"model", ".h5", seed_model, read_model, NULL, 2},
    {"model-st", ".safetensors", seed_model_safetensors, read_model, NULL, 50},
    {"model-onnx", ".onnx", seed_model_onnx, read_model, NULL, 50},
    {"model-t7", ".t7", seed_model_t7, read_model, NULL, 50},
    {"pyramid", ".t7", seed_t7, read_pyramid, NULL, 50},
};
const size_t fuzz_reader_count = sizeof fuzz_readers / sizeof *fuzz_readers;

const fuzz_reader *fuzz_find(const char *name)
{
    for (size_t i = 0; i < fuzz_reader_count; i++)
        if (!strcmp(fuzz_readers[i].name, name)) return &fuzz_readers[i];
    return NULL;
}

/* ---- one file ---- */

static char folder[64];
static pid_t owner;

static void remove_folder(void)
{
    if (getpid() != owner) return; /* a child of this process */
    char *command = nx_format("rm -rf '%s'", folder);
    if (system(command)) fprintf(stderr, "fuzz: cannot remove %s\n", folder);
    free(command);
}

const char *fuzz_folder(void)
{
    if (*folder) return folder;
    snprintf(folder, sizeof folder, "%s/nx_fuzz_XXXXXX", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
    must(mkdtemp(folder) != NULL, "no folder can be made");
    owner = getpid();
    atexit(remove_folder);
    nx_log_set(NX_LOG_QUIET);
    return folder;
}

char *fuzz_path(const fuzz_reader *reader) { return nx_format("%s/file%s", fuzz_folder(), reader->ending); }

void fuzz_one(const fuzz_reader *reader, const uint8_t *data, size_t bytes)
{
    static time_t written; /* a time of its own for each file: what was walked once is known by it */
    fuzz_file file = {nx_copy(data, bytes), bytes};
    char *path = fuzz_path(reader);
    if (reader->repair) reader->repair(&file);
    int out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    must(out >= 0 && write(out, file.data, bytes) == (ssize_t)bytes, "a file cannot be written");
    written++;
    must(!futimens(out, (const struct timespec[]){{written, 0}, {written, 0}}), "a file's time cannot be set");
    close(out);
    reader->read(path);
    free(path);
    free(file.data);
}

void fuzz_add(fuzz_seeds *out, const void *data, size_t bytes)
{
    must(bytes <= FUZZ_BYTES_MAX, "a seed too large");
    NX_GROW(out->files, out->count);
    out->files[out->count++] = (fuzz_file){nx_copy(data, bytes), bytes};
}

void fuzz_seeds_free(fuzz_seeds *seeds)
{
    for (size_t i = 0; i < seeds->count; i++) free(seeds->files[i].data);
    free(seeds->files);
    *seeds = (fuzz_seeds){0};
}

bool fuzz_write_seeds(const fuzz_reader *reader, const char *into)
{
    fuzz_seeds seeds = {0};
    nx_error err;
    bool ok = nx_folder_make(into, &err);
    reader->seed(&seeds);
    for (size_t i = 0; ok && i < seeds.count; i++) {
        char *path = nx_format("%s/seed-%zu", into, i);
        ok = nx_file_write(path, seeds.files[i].data, seeds.files[i].bytes, &err);
        free(path);
    }
    fuzz_seeds_free(&seeds);
    if (!ok) fprintf(stderr, "fuzz: %s\n", err.text);
    return ok;
}
