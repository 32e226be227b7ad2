/* nstx weights: files of weights that others publish, what is in a file, whether it works, and files made from it. One
 * table of sub-commands. */
#include "apply/onnx_export.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/rng.h"
#include "base/text.h"
#include "commands/cli.h"
#include "commands/info.h"
#include "commands/terminal.h"
#include "commands/weights_get.h"
#include "config/known_weights.h"
#include "config/made.h"
#include "device/device.h"
#include "graph/param.h"
#include "io/files.h"
#include "io/loader.h"
#include "io/packed.h"
#include "io/tensors.h"
#include "machine/device.h"
#include "networks/descriptor_files.h"
#include "networks/descriptor_scale.h"
#include "runfile/model.h"
#include "runfile/own.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct request {
    char **files; /* the words that are no options */
    int count;
    const char *images, *out, *from;
    config_preprocessing preprocessing;
    int number, size; /* of images */
    float floor;      /* of a channel's mean, in parts of its layer's */
} request;

static int weights_get_named(const request *r);
static int weights_info(const request *r);
static int weights_verify(const request *r);
static int weights_normalize(const request *r);
static int weights_export(const request *r);
static int weights_import(const request *r);

#define GET    "weights get [NAME] [--from URL]"
#define INFO   "weights info FILE"
#define VERIFY "weights verify FILE [--preprocessing caffe|torchvision]"
#define NORMALIZE                                                                                                      \
    "weights normalize IN OUT.safetensors --images FOLDER [--count N] [--size S] [--floor F] [--preprocessing "        \
    "caffe|torchvision]"
#define EXPORT "weights export MODEL|RUN.h5 OUT.safetensors|OUT.onnx"
#define IMPORT "weights import FILE [--preprocessing caffe|torchvision] -o OUT.safetensors"

static const struct action {
    const char *name;
    int (*run)(const request *r);
    int least, most; /* files, or names */
    const char *usage;
} actions[] = {
    {"get", weights_get_named, 0, 1, GET},    {"info", weights_info, 1, 1, INFO},
    {"verify", weights_verify, 1, 1, VERIFY}, {"normalize", weights_normalize, 2, 2, NORMALIZE},
    {"export", weights_export, 2, 2, EXPORT}, {"import", weights_import, 1, 1, IMPORT},
};
enum { ACTIONS = sizeof actions / sizeof *actions };

static const char weights_options[] =
    "  nstx " GET "\n    fetches the file of weights that have a name, or what is missing of it, or lists them;\n"
    "    from the folder at URL instead of the published address: a mirror\n"
    "  nstx " INFO "\n    what it holds, its checksums, and that every number is one\n"
    "  nstx " VERIFY "\n    a descriptor on synthetic pictures: what each layer makes of them\n"
    "  nstx " NORMALIZE
    "\n    a descriptor scaled so that every channel's mean over the pictures is 1; one with a mean below F (0.1) of\n"
    "    its layer's is scaled as if it had that: 0 is the paper's\n"
    "  nstx " EXPORT
    "\n    a trained generator, or a run's newest checkpoint, for other programs: its numbers, or as a model of ONNX\n"
    "    the whole network\n"
    "  nstx " IMPORT "\n    a descriptor, or a generator of pytorch/examples (.pth, .onnx), fast-neural-style or "
    "Texture Networks (.t7), as\n"
    "    nstx keeps them\n";

/* ---- a descriptor and a device ---- */

typedef struct subject {
    nx_tensor_file *tensors;
    descriptor *d;
    nx_device *device;
    descriptor_file file;
} subject;

/* From the tensors, which are open. */
static bool make_descriptor(subject *s, const request *r, const char *path, nx_error *err)
{
    if (!descriptor_file_seen(&s->file, s->tensors, path, err)) return false;
    descriptor_options options = {
        .network = s->file.network, .weights = path, .tensors = s->tensors, .preprocessing = r->preprocessing};
    return descriptor_new(&s->d, &options, &s->file.deepest, 1, err);
}

static bool open_weights(subject *s, const request *r, const char *path, nx_error *err)
{
    *s = (subject){0};
    return nx_tensor_file_open(&s->tensors, path, err) && make_descriptor(s, r, path, err);
}

/* Pictures of the size that its deepest layer takes, or else of `side` pixels. */
static int side_of(const subject *s, int side)
{
    const descriptor_network *n = s->file.network;
    return n->layers[descriptor_find(n, s->file.deepest)].kind == LAYER_LINEAR ? n->side : side;
}

static bool open_device(subject *s, nx_error *err)
{
    if (!device_open(&s->device, (nx_device_options){0}, err)) return false;
    nx_info("device: %s (%s)", s->device->info.name, s->device->info.platform);
    return true;
}

static void close_subject(subject *s)
{
    descriptor_free(s->d);
    nx_tensor_file_free(s->tensors);
    nx_device_free(s->device);
}

/* ---- get ---- */

static int weights_get_named(const request *r)
{
    if (r->count) return weights_get(r->files[0], r->from);
    if (r->from) return usage_error_of(GET, "--from %s: of which weights?", r->from);
    return weights_list();
}

/* ---- info and verify ---- */

/* The tensors against the hash that nstx put beside them, and every number for being one: a ReLU would hide it. */
static bool check_tensors(const nx_tensor_file *file, const char *path, nx_error *err)
{
    char hash[33];
    nx_tensors_hash(nx_tensor_file_at(file, 0), nx_tensor_file_count(file), hash);
    const char *kept = nx_tensor_file_metadata(file, "tensors_xxh3");
    bool ok = !kept || !strcmp(kept, hash) ||
              nx_fail(err, "%s: the tensors' hash is %s, the file was written with %s: it was damaged or changed", path,
                      hash, kept);
    printf("  %-28s %s%s\n", "tensors (XXH3)", hash, kept && ok ? ", as the file says" : "");
    for (size_t i = 0; ok && i < nx_tensor_file_count(file); i++) {
        const nx_tensor_entry *e = nx_tensor_file_at(file, i);
        for (size_t k = 0; ok && k < nx_tensor_entry_size(e); k++)
            if (!isfinite(e->data[k])) ok = nx_fail(err, "%s: %s holds what is no number", path, e->name);
    }
    return ok;
}

static int weights_info(const request *r)
{
    nx_error err;
    char hash[33];
    nx_tensor_file *file;
    const char *path = r->files[0];
    if (!nx_file_hash(path, hash, &err) || !nx_tensor_file_open(&file, path, &err))
        return fail_with(&err, EXIT_REQUEST);
    print_weights(file);
    printf("  %-28s %s\n", "file (XXH3)", hash);
    bool ok = check_tensors(file, path, &err);
    nx_tensor_file_free(file);
    return ok ? EXIT_DONE : fail_with(&err, EXIT_FAILED);
}

/* Two pictures that no camera took: noise over the range, and slow waves of colour with some noise. */
static bool synthetic(void *context, size_t batch, float *pixels, nx_error *err)
{
    const nx_shape *s = context;
    nx_rng rng = nx_rng_new(1, nx_stream("weights.verify") + batch);
    (void)err;
    for (int n = 0; n < s->n; n++)
        for (int y = 0; y < s->h; y++)
            for (int x = 0; x < s->w; x++)
                for (int c = 0; c < 3; c++) {
                    float noise = nx_rng_uniform(&rng), wave = sinf(0.11f * (float)(x + c * y) + (float)c);
                    *pixels++ = n % 2 ? 255 * noise : 127.5f * (1 + 0.8f * wave) + 20 * (noise - 0.5f);
                }
    return true;
}

static int weights_verify(const request *r)
{
    nx_error err;
    subject s;
    descriptor_activation layers[DESCRIPTOR_LAYERS];
    size_t count = 0;
    int code = EXIT_REQUEST;
    if (open_weights(&s, r, r->files[0], &err) && open_device(&s, &err)) {
        int side = side_of(&s, 64);
        nx_shape shape = {2, side, side, 3};
        descriptor_images images = {.shape = shape, .batches = 1, .read = synthetic, .context = &shape};
        printf("%s: %s to %s\n", r->files[0], s.file.network->title, s.file.deepest);
        if (descriptor_measure(s.d, s.device, &images, s.file.deepest, layers, &count, &err)) {
            code = check_tensors(s.tensors, r->files[0], &err) ? EXIT_DONE : EXIT_FAILED;
            printf("\n%-10s %9s %6s %12s %12s\n", "layer", "channels", "dead", "mean", "largest");
        }
    }
    for (size_t i = 0; i < count; i++) {
        const descriptor_activation *a = &layers[i];
        printf("%-10s %9d %6d %12.5g %12.5g\n", a->layer, a->channels, a->dead, a->mean, a->most);
        if (code == EXIT_DONE && (!isfinite(a->most) || !isfinite(a->mean) || a->dead == a->channels)) {
            nx_fail(&err, "%s: %s gives %s on synthetic pictures: the weights are damaged, or --preprocessing is wrong",
                    r->files[0], a->layer, a->dead == a->channels ? "nothing but 0" : "what is no number");
            code = EXIT_FAILED;
        }
    }
    if (code == EXIT_DONE) printf("\nevery number is finite\n");
    close_subject(&s);
    return code == EXIT_DONE ? code : fail_with(&err, code);
}

/* ---- normalize ---- */

static bool next_batch(void *context, size_t batch, float *pixels, nx_error *err)
{
    nx_progress("batch %zu", batch + 1);
    return nx_loader_batch(context, batch, pixels, err);
}

/* count of the pictures, evenly taken; the list keeps them alone. */
static void thin_out(nx_file_list *list, size_t count)
{
    char **kept = nx_alloc((count + 1) * sizeof *kept);
    for (size_t i = 0, k = 0; i < list->count; i++) {
        if (k < count && i == k * list->count / count)
            kept[k++] = list->paths[i];
        else
            free(list->paths[i]);
    }
    free(list->paths);
    *list = (nx_file_list){count, kept};
}

static bool may_write_weights(const char *path, const char *source, nx_error *err)
{
    if (same_file(path, source))
        return nx_fail(err, "%s: it is read, and would be written over: name another file", path);
    return may_write_other(path, err);
}

/* And under a name by which what is written is known again. */
static bool may_write_safetensors(const char *path, const char *source, nx_error *err)
{
    static const char ending[] = ".safetensors";
    return may_write_weights(path, source, err) &&
           (nx_ends_with(path, ending) ||
            nx_fail(err, "%s: safetensors are written here: a name that ends with %s", path, ending));
}

/* What the new file says of its origin; kept from the old one where that says it. */
static size_t origin_of(const nx_tensor_file *file, nx_metadata out[2])
{
    static const char *const keys[] = {"origin", "licence"};
    size_t n = 0;
    for (size_t i = 0; i < 2; i++) {
        const char *value = nx_tensor_file_metadata(file, keys[i]);
        if (value) out[n++] = (nx_metadata){keys[i], value};
    }
    return n;
}

/* code: what a failure ends with, a wrong request until there is something to write. */
static bool save_weights(const subject *s, const char *source, const char *out, const char *key, const char *value,
                         int *code, nx_error *err)
{
    nx_metadata more[5];
    char hash[33];
    if (!may_write_safetensors(out, source, err) || !nx_file_hash(source, hash, err)) return false;
    size_t n = origin_of(s->tensors, more);
    more[n++] = (nx_metadata){key, value};
    more[n++] = (nx_metadata){"source", source};
    more[n++] = (nx_metadata){"source_xxh3", hash};
    *code = EXIT_FAILED;
    return descriptor_save(s->d, out, more, n, err);
}

static int weights_normalize(const request *r)
{
    enum { BATCH = 4, COUNT = 200, SIZE = 224 };
    nx_error err;
    subject s = {0};
    nx_file_list list = {0};
    nx_loader *loader = NULL;
    int code = EXIT_REQUEST;
    if (!r->images) return usage_error_of(NORMALIZE, "--images FOLDER is needed: the statistics come from pictures");
    char *folder = NULL;
    bool ok = open_weights(&s, r, r->files[0], &err) && made_open(r->images, 0, &folder, &err) &&
              nx_packed_images(&list, folder, &err);
    size_t rare = 0, wanted = (size_t)(r->number ? r->number : COUNT), batch = BATCH;
    if (ok) {
        if (wanted > list.count) wanted = list.count;
        if (wanted < batch) batch = wanted;
        thin_out(&list, wanted / batch * batch);
        int size = r->size ? r->size : SIZE;
        nx_loader_options options = {.paths = list.paths,
                                     .count = list.count,
                                     .crop = size,
                                     .batch = (int)batch,
                                     .resize_short = size,
                                     .center = true};
        descriptor_images images = {
            .shape = {(int)batch, size, size, 3}, .batches = list.count / batch, .read = next_batch};
        ok = nx_loader_new(&loader, &options, &err) && open_device(&s, &err);
        images.context = loader;
        ok = ok && descriptor_rescale_on(s.d, s.device, &images, &s.file.deepest, 1, true, r->floor, &rare, &err);
        nx_progress("%s", "");
    }
    char *rarely = rare ? nx_format(", but for %zu that hardly ever fire", rare) : nx_copy_text(""),
         *how = nx_format("every channel's mean is 1 over %zu pictures of %s%s", list.count, r->images, rarely);
    ok = ok && save_weights(&s, r->files[0], r->files[1], "normalised", how, &code, &err);
    if (ok) printf("%s: %s to %s, %s\n", r->files[1], s.file.network->title, s.file.deepest, how);
    if (ok && rare)
        printf(
            "these are the channels with a mean below %g of their layer's: they are scaled as if they had that, or the "
            "few pixels where they fire would outweigh all others\n",
            (double)r->floor);
    free(folder);
    free(rarely);
    free(how);
    nx_loader_free(loader);
    nx_file_list_free(&list);
    close_subject(&s);
    return ok ? EXIT_DONE : fail_with(&err, code);
}

/* ---- export and import ---- */

/* A model of nstx, or one that its authors released, as safetensors. */
static int export_model(const model *m, const char *out)
{
    nx_error err;
    if (!may_write_safetensors(out, m->file, &err) || !model_exportable(m, &err)) return fail_with(&err, EXIT_REQUEST);
    if (!model_export(out, m, &err)) return fail_with(&err, EXIT_FAILED);
    terminal_print("%s: %s, %zu tensors", out, m->network, m->arrays->arrays);
    putchar('\n');
    return EXIT_DONE;
}

/* A model of any kind that makes pictures, as ONNX. */
static int export_onnx(const char *file, const char *out)
{
    nx_error err;
    nx_device_info info;
    generator *g;
    nx_protobuf_writer bytes;
    if (!may_write_weights(out, file, &err) || !device_choose(&info, (nx_device_options){0}, &err) ||
        !generator_open(&g, file, &info, &err))
        return fail_with(&err, EXIT_REQUEST);
    bool made = onnx_export(&bytes, g, &err);
    generator_free(g);
    if (!made) return fail_with(&err, EXIT_REQUEST);
    bool written = nx_file_write(out, bytes.data, bytes.bytes, &err);
    if (written) {
        char size[16];
        terminal_print("%s: ONNX, %s", out, nx_bytes_text(size, (double)bytes.bytes));
        putchar('\n');
    }
    nx_protobuf_writer_free(&bytes);
    return written ? EXIT_DONE : fail_with(&err, EXIT_FAILED);
}

static int weights_export(const request *r)
{
    nx_error err;
    model *m;
    if (nx_ends_with(r->files[1], ".onnx")) return export_onnx(r->files[0], r->files[1]);
    if (!model_open(&m, r->files[0], &err)) return fail_with(&err, EXIT_REQUEST);
    int code = export_model(m, r->files[1]);
    model_free(m);
    return code;
}

static int weights_import(const request *r)
{
    static const char *const words[] = {"as its metadata or its kind says", "caffe", "torchvision"};
    const char *path = r->files[0];
    nx_error err;
    subject s = {0};
    model *m = NULL;
    int code = EXIT_REQUEST;
    if (!r->out) return usage_error_of(IMPORT, "-o OUT.safetensors is needed");
    bool ok = model_of_others(path)
                  ? model_open(&m, path, &err)
                  : nx_tensor_file_open(&s.tensors, path, &err) && model_of_tensors(&m, s.tensors, path, &err);
    if (ok && !m) {
        ok = make_descriptor(&s, r, path, &err) &&
             save_weights(&s, path, r->out, "imported_preprocessing", words[r->preprocessing], &code, &err);
        if (ok) printf("%s: %s to %s\n", r->out, s.file.network->title, s.file.deepest);
    }
    code = !ok ? fail_with(&err, code) : m ? export_model(m, r->out) : EXIT_DONE;
    model_free(m);
    close_subject(&s);
    return code;
}

/* ---- the command ---- */

static bool parse_number(const char *text, int least, int most, int *out)
{
    char *end;
    long value = strtol(text, &end, 10);
    *out = (int)value;
    return *text && !*end && value >= least && value <= most;
}

static bool parse_part(const char *text, float *out)
{
    char *end;
    *out = strtof(text, &end);
    return *text && !*end && *out >= 0 && *out <= 1;
}

/* False after a message. */
static bool parse(request *r, const struct action *a, int argc, char **argv)
{
    static const struct option longs[] = {{"images", required_argument, NULL, 'i'},
                                          {"count", required_argument, NULL, 'n'},
                                          {"size", required_argument, NULL, 's'},
                                          {"preprocessing", required_argument, NULL, 'p'},
                                          {"from", required_argument, NULL, 'f'},
                                          {"floor", required_argument, NULL, 'l'},
                                          {NULL, 0, NULL, 0}};
    *r = (request){.floor = DESCRIPTOR_FLOOR};
    opterr = 0;
    optind = 1;
    for (int o; (o = getopt_long(argc, argv, "o:", longs, NULL)) != -1;) {
        if (o == '?') return usage_error_of(a->usage, "unknown or incomplete option %s", argv[optind - 1]), false;
        if (o == 'o') r->out = optarg;
        if (o == 'i') r->images = optarg;
        if (o == 'f') r->from = optarg;
        if (o == 'n' && !parse_number(optarg, 1, 1000000, &r->number))
            return usage_error_of(a->usage, "--count %s: from 1 to 1000000", optarg), false;
        if (o == 's' && !parse_number(optarg, 16, 4096, &r->size))
            return usage_error_of(a->usage, "--size %s: from 16 to 4096", optarg), false;
        if (o == 'l' && !parse_part(optarg, &r->floor))
            return usage_error_of(a->usage, "--floor %s: a number from 0 to 1", optarg), false;
        if (o == 'p') {
            bool caffe = !strcmp(optarg, "caffe");
            if (!caffe && strcmp(optarg, "torchvision"))
                return usage_error_of(a->usage, "--preprocessing %s: caffe or torchvision", optarg), false;
            r->preprocessing = caffe ? PREPROCESSING_CAFFE : PREPROCESSING_TORCHVISION;
        }
    }
    r->files = argv + optind, r->count = argc - optind;
    if (r->count > a->most && !a->least)
        return usage_error_of(a->usage, "one at a time, not also %s", r->files[a->most]), false;
    if (r->count < a->least || r->count > a->most)
        return usage_error_of(a->usage, "%d file%s needed, %d named", a->least, a->least > 1 ? "s are" : " is",
                              r->count),
               false;
    return true;
}

static int command_weights(int argc, char **argv)
{
    request r;
    for (int i = 0; argc > 1 && i < ACTIONS; i++)
        if (!strcmp(argv[1], actions[i].name))
            return parse(&r, &actions[i], argc - 1, argv + 1) ? actions[i].run(&r) : EXIT_REQUEST;
    return usage_error("weights", argc > 1 ? "there is no `weights %s`" : "what to do is missing", argv[argc - 1]);
}

static void print_words(void)
{
    for (int i = 0; i < ACTIONS; i++) printf(" %s", actions[i].name);
    for (size_t i = 0; known_name_at(i); i++) printf(" %s", known_name_at(i));
}

const command weights_command = {
    .name = "weights",
    .run = command_weights,
    .usage = "weights get|info|verify|normalize|export|import ...",
    .does = "fetches, looks into, checks, normalises and converts files of weights",
    .options = weights_options,
    .print_words = print_words,
};
