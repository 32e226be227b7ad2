/* Programs and launches. */
#include "device/program.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "device/status.h"

#include <clblast_c.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

typedef struct nx_program {
    char *name;
    cl_program program;
} nx_program;

/* The text of a file: from the folder, if one is named, else the embedded one. Owned by the caller. */
static char *source_text(const char *folder, const char *file)
{
    if (folder) {
        char *path = nx_format("%s/%s.cl", folder, file);
        FILE *f = fopen(path, "rb");
        NX_CHECK(f, "cannot read %s", path);
        free(path);
        fseek(f, 0, SEEK_END);
        long size = ftell(f);
        rewind(f);
        char *text = nx_alloc((size_t)size + 1);
        NX_CHECK(fread(text, 1, (size_t)size, f) == (size_t)size, "cannot read %s/%s.cl", folder, file);
        fclose(f);
        return text;
    }
    for (size_t i = 0; i < nx_source_count; i++)
        if (!strcmp(nx_sources[i].name, file)) return nx_copy_text(nx_sources[i].text);
    nx_die("no kernel file is called %s.cl", file);
}

/* Where the next kernel's definition begins, a line that starts with __kernel or KERNEL, and where it ends, behind the
 * brace that closes it; false where there is none. */
static bool next_kernel(char *text, char **begin, char **end)
{
    char *at = text;
    while (strncmp(at, "__kernel", 8) && strncmp(at, "KERNEL", 6)) {
        at = strchr(at, '\n');
        if (!at++) return false;
    }
    *begin = at;
    int depth = 0;
    for (at += strcspn(at, "{"); *at; at++) {
        depth += (*at == '{') - (*at == '}');
        if (!depth) break;
    }
    *end = *at ? at + 1 : at;
    return true;
}

/* Leaves a file's one kernel, for the others blank lines. */
static void keep_kernel(char *text, const char *kernel)
{
    char *declared = nx_format("void %s(", kernel), *begin, *end;
    for (; next_kernel(text, &begin, &end); text = end) {
        char *name = strstr(begin, declared);
        if (name && name < end) continue;
        for (char *c = begin; c < end; c++)
            if (*c != '\n') *c = ' ';
    }
    free(declared);
}

static void die_of_build(nx_device *device, cl_program program, const char *file, const char *options, cl_int status)
{
    static char log[16384];
    clGetProgramBuildInfo(program, device->info.id, CL_PROGRAM_BUILD_LOG, sizeof log - 1, log, NULL);
    nx_die("%s.cl does not build on %s with %s: %s:\n%s", file, device->info.name, options, nx_status_text(status),
           log);
}

/* ---- binaries ---- */

static nx_program_cache kept;

void nx_programs_keep(const nx_program_cache *cache) { kept = *cache; }

static char *key_of(const nx_device_info *d, const char *options, const char *const *parts, int count)
{
    char version[256] = "";
    clGetPlatformInfo(d->platform_id, CL_PLATFORM_VERSION, sizeof version - 1, version, NULL);
    const char *about[] = {d->platform, version, d->name, d->vendor, d->version, d->driver, options};
    XXH3_state_t *state = XXH3_createState();
    XXH3_128bits_reset(state);
    for (size_t i = 0; i < sizeof about / sizeof *about; i++)
        XXH3_128bits_update(state, about[i], strlen(about[i]) + 1);
    for (int i = 0; i < count; i++) XXH3_128bits_update(state, parts[i], strlen(parts[i]));
    XXH128_hash_t hash = XXH3_128bits_digest(state);
    XXH3_freeState(state);
    return nx_format("%016llx%016llx", (unsigned long long)hash.high64, (unsigned long long)hash.low64);
}

/* NULL: there is none, or the driver does not want it. */
static cl_program load_binary(nx_device *device, const char *key, const char *options)
{
    size_t bytes;
    unsigned char *binary = kept.load ? kept.load(key, &bytes) : NULL;
    if (!binary) return NULL;
    cl_int fit, status;
    cl_program program = clCreateProgramWithBinary(device->context, 1, &device->info.id, &bytes,
                                                   (const unsigned char **)&binary, &fit, &status);
    free(binary);
    if (status != CL_SUCCESS) return NULL;
    if (fit == CL_SUCCESS && clBuildProgram(program, 1, &device->info.id, options, NULL, NULL) == CL_SUCCESS)
        return program;
    clReleaseProgram(program);
    return NULL;
}

static void store_binary(cl_program program, const char *key)
{
    size_t bytes = 0;
    if (!kept.store || clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof bytes, &bytes, NULL) || !bytes) return;
    unsigned char *binary = nx_alloc(bytes);
    if (clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof binary, &binary, NULL) == CL_SUCCESS)
        kept.store(key, binary, bytes);
    free(binary);
}

static cl_program build(nx_device *device, const char *file, const char *kernel, const char *defines)
{
    double start = nx_now();
    nx_progress("compiling %s.cl", file);
    char *prelude = source_text(device->sources, "prelude"), *text = source_text(device->sources, file);
    keep_kernel(text, kernel);
    const char *parts[] = {prelude, "\n#line 1 \"", file, ".cl\"\n", text};
    const char *family = device->info.family == NX_FAMILY_GPU ? "GPU" : "CPU";
    int group = nx_device_group(&device->info);
    char *options = nx_format("-cl-std=CL1.2 -cl-mad-enable -cl-no-signed-zeros -D%s_FAMILY -DLANES=%d -DGROUP=%d "
                              "-DFLAT_BLOCK=%d%s%s",
                              family, nx_device_lanes(&device->info), group, NX_FLAT / group,
                              defines && *defines ? " " : "", defines ? defines : "");
    char *key = key_of(&device->info, options, parts, 5);
    cl_program program = load_binary(device, key, options);
    if (!program) {
        cl_int status;
        program = clCreateProgramWithSource(device->context, 5, parts, NULL, &status);
        NX_CL(status);
        status = clBuildProgram(program, 1, &device->info.id, options, NULL, NULL);
        if (status != CL_SUCCESS) die_of_build(device, program, file, options, status);
        store_binary(program, key);
    }
    free(key);
    free(options);
    free(prelude);
    free(text);
    device->compile_seconds += nx_now() - start;
    return program;
}

/* The program of a name, which is taken over: built, unless it is there. */
static cl_program program_of(nx_device *device, char *name, const char *file, const char *kernel, const char *defines)
{
    for (size_t i = 0; i < device->n_programs; i++)
        if (!strcmp(device->programs[i].name, name)) return free(name), device->programs[i].program;
    cl_program program = build(device, file, kernel, defines); /* may die, and is counted only then */
    NX_GROW(device->programs, device->n_programs);
    device->programs[device->n_programs++] = (nx_program){name, program};
    return program;
}

cl_kernel nx_kernel_new(nx_device *device, const char *file, const char *name, const char *defines)
{
    cl_int status;
    cl_program program = program_of(device, nx_program_name(file, name, defines), file, name, defines);
    cl_kernel kernel = clCreateKernel(program, name, &status);
    NX_CHECK(status == CL_SUCCESS, "kernel %s of %s.cl: %s", name, file, nx_status_text(status));
    return kernel;
}

/* ---- names ---- */

char *nx_program_name(const char *file, const char *kernel, const char *defines)
{
    return nx_format("%s/%s%s%s", file, kernel, defines && *defines ? " " : "", defines ? defines : "");
}

bool nx_program_listed(const nx_program_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (!strcmp(list->names[i], name)) return true;
    return false;
}

void nx_program_list_add(nx_program_list *list, const char *name)
{
    if (nx_program_listed(list, name)) return;
    NX_GROW(list->names, list->count);
    list->names[list->count++] = nx_copy_text(name);
}

void nx_program_list_free(nx_program_list *list)
{
    for (size_t i = 0; i < list->count; i++) free(list->names[i]);
    free(list->names);
    *list = (nx_program_list){0};
}

void nx_program_build(nx_device *device, const char *name)
{
    char *file = nx_copy_text(name), *kernel = strchr(file, '/'), *defines = strchr(file, ' ');
    NX_CHECK(kernel, "%s is no program", name);
    *kernel++ = 0;
    if (defines) *defines++ = 0;
    program_of(device, nx_copy_text(name), file, kernel, defines);
    free(file);
}

size_t nx_program_length(const char *name)
{
    char *file = nx_format("%.*s", (int)strcspn(name, "/"), name), *text = source_text(NULL, file);
    size_t length = strlen(text);
    free(text);
    free(file);
    return length;
}

static void (*watcher)(const nx_program_list *coming);

void nx_programs_watch(void (*announced)(const nx_program_list *coming)) { watcher = announced; }

bool nx_programs_watched(void) { return watcher; }

void nx_programs_announce(const nx_program_list *coming)
{
    if (watcher && coming->count) watcher(coming);
}

/* One parameter of a declaration: its type is what begins it, its name the last word. */
static nx_parameter parameter_of(const char *text, size_t length, const char *kernel)
{
    static const char *const types[NX_PARAMETER_TYPES] = {"__global", "int", "uint", "ulong", "float"};
    nx_parameter p = {.name = ""};
    size_t end = length, begin;
    while (end && isspace((unsigned char)text[end - 1])) end--;
    for (begin = end; begin && (isalnum((unsigned char)text[begin - 1]) || text[begin - 1] == '_'); begin--) {}
    while (isspace((unsigned char)*text)) text++, begin--, end--;
    while (p.type < NX_PARAMETER_TYPES && strncmp(text, types[p.type], strlen(types[p.type]))) p.type++;
    NX_CHECK(p.type < NX_PARAMETER_TYPES && begin < end && end - begin < sizeof p.name,
             "kernel %s: no such parameter is known: %.*s", kernel, (int)end, text);
    memcpy(p.name, text + begin, end - begin);
    return p;
}

size_t nx_kernel_parameters(const char *file, const char *kernel, nx_parameter out[NX_MAX_PARAMETERS])
{
    char *text = source_text(NULL, file), *declared = nx_format("void %s(", kernel);
    const char *at = strstr(text, declared);
    size_t count = 0;
    NX_CHECK(at, "%s.cl has no kernel %s", file, kernel);
    at += strlen(declared);
    for (bool more = true; more; count++) {
        size_t length = strcspn(at, ",)");
        NX_CHECK(count < NX_MAX_PARAMETERS, "kernel %s: more than %d parameters", kernel, NX_MAX_PARAMETERS);
        out[count] = parameter_of(at, length, kernel);
        more = at[length] == ',';
        at += length + 1;
    }
    free(declared);
    free(text);
    return count;
}

bool nx_program_builds(const nx_device_info *info, const char *sources, const char *file, const char *kernel)
{
    cl_int status;
    cl_context_properties properties[] = {CL_CONTEXT_PLATFORM, (cl_context_properties)info->platform_id, 0};
    cl_context context = clCreateContext(properties, 1, &info->id, NULL, NULL, &status);
    if (status != CL_SUCCESS) return false;
    char *text = source_text(sources, file);
    cl_program program = clCreateProgramWithSource(context, 1, (const char *[]){text}, NULL, &status);
    NX_CL(status);
    cl_kernel found = NULL;
    if (clBuildProgram(program, 1, &info->id, "-cl-std=CL1.2", NULL, NULL) == CL_SUCCESS)
        found = clCreateKernel(program, kernel, &status);
    if (found) clReleaseKernel(found);
    clReleaseProgram(program);
    clReleaseContext(context);
    free(text);
    return found;
}

void nx_launch_run(nx_device *device, const nx_launch *launch, cl_event *event)
{
    if (launch->routine) {
        launch->routine(device, launch->context, event);
        return;
    }
    cl_int status = clEnqueueNDRangeKernel(device->queue, launch->kernel, launch->dims, launch->offset, launch->global,
                                           launch->local[0] ? launch->local : NULL, 0, NULL, event);
    NX_CHECK(status == CL_SUCCESS, "kernel %s, %zu x %zu x %zu work-items in groups of %zu x %zu x %zu, on %s: %s",
             launch->name, launch->global[0], launch->global[1], launch->global[2], launch->local[0], launch->local[1],
             launch->local[2], device->info.name, nx_status_text(status));
}

void nx_program_release_all(nx_device *device)
{
    CLBlastClearCache();
    for (size_t i = 0; i < device->n_programs; i++) {
        clReleaseProgram(device->programs[i].program);
        free(device->programs[i].name);
    }
    free(device->programs);
    device->programs = NULL;
    device->n_programs = 0;
}
