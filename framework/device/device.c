/* Devices: list, score, choose, open. */
#include "device/device.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "device/memory.h"
#include "device/program.h"
#include "device/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#endif

const char *nx_memory_kind_name(nx_memory_kind kind)
{
    static const char *const names[NX_MEMORY_KINDS] = {"parameters", "optimizer", "arena"};
    return names[kind];
}

/* GPU before accelerator before CPU; a discrete GPU before one that shares the host's memory; Clover, which lists
 * devices that it cannot drive, last. */
static int score(const nx_device_info *info)
{
    int points = info->type & CL_DEVICE_TYPE_GPU ? 3000 : info->type & CL_DEVICE_TYPE_ACCELERATOR ? 2000 : 1000;
    if (info->type & CL_DEVICE_TYPE_GPU && !info->unified) points += 500;
    if (nx_contains(info->platform, "clover")) points -= 5000;
    return points + (int)(info->units < 400 ? info->units : 400);
}

int nx_device_lanes(const nx_device_info *info)
{
    return info->family == NX_FAMILY_GPU ? 4 : info->lanes >= 16 ? 16 : 8;
}

int nx_device_group(const nx_device_info *info) { return info->family == NX_FAMILY_GPU ? 64 : 1; }

/* Drivers tell of any level: NVIDIA's of the first of all processors together, Intel's for CPUs of the second of a
 * core. What is less than what any device shares is none of that; and of GPUs only more than the usual is believed. Of
 * processors no more is: what exceeds it are the caches of several groups of cores together, of which a core reaches
 * its own group's well, or those of a host, of which a virtual machine has a few cores. */
size_t nx_device_cache(const nx_device_info *info)
{
    const uint64_t usual = 32 << 20, least = info->family == NX_FAMILY_GPU ? usual : 4 << 20;
    const uint64_t most = info->type & CL_DEVICE_TYPE_CPU ? usual : UINT64_MAX;
    return (size_t)(info->cache >= least && info->cache <= most ? info->cache : usual);
}

size_t nx_device_core_cache(const nx_device_info *info)
{
    const uint64_t usual = 1 << 20, least = 128 << 10;
    return (size_t)(info->core_cache >= least ? info->core_cache : usual);
}

/* OpenCL has no word for it: of the host's processor, which every device of this type is. */
static uint64_t core_cache(const nx_device_info *info)
{
#ifdef _SC_LEVEL2_CACHE_SIZE
    long bytes = info->type & CL_DEVICE_TYPE_CPU ? sysconf(_SC_LEVEL2_CACHE_SIZE) : 0;
    return bytes > 0 ? (uint64_t)bytes : 0;
#else
    return (void)info, 0;
#endif
}

static void query(nx_device_info *info)
{
    cl_bool unified = CL_FALSE;
    cl_uint units = 1, lanes = 1;
    cl_ulong memory = 0, max_alloc = 0, local = 0, cache = 0;
    struct {
        cl_device_info key;
        size_t size;
        void *value;
    } rows[] = {
        {CL_DEVICE_NAME, sizeof info->name, info->name},
        {CL_DEVICE_VENDOR, sizeof info->vendor, info->vendor},
        {CL_DRIVER_VERSION, sizeof info->driver, info->driver},
        {CL_DEVICE_VERSION, sizeof info->version, info->version},
        {CL_DEVICE_TYPE, sizeof info->type, &info->type},
        {CL_DEVICE_MAX_COMPUTE_UNITS, sizeof units, &units},
        {CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, sizeof lanes, &lanes},
        {CL_DEVICE_GLOBAL_MEM_SIZE, sizeof memory, &memory},
        {CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof max_alloc, &max_alloc},
        {CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof info->max_group, &info->max_group},
        {CL_DEVICE_LOCAL_MEM_SIZE, sizeof local, &local},
        {CL_DEVICE_GLOBAL_MEM_CACHE_SIZE, sizeof cache, &cache},
        {CL_DEVICE_HOST_UNIFIED_MEMORY, sizeof unified, &unified},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        clGetDeviceInfo(info->id, rows[i].key, rows[i].size, rows[i].value, NULL);
    clGetPlatformInfo(info->platform_id, CL_PLATFORM_NAME, sizeof info->platform, info->platform, NULL);
    info->units = units;
    info->memory = memory;
    info->max_alloc = max_alloc;
    info->local = local;
    info->cache = cache;
    info->core_cache = core_cache(info);
    info->unified = unified;
    info->family = info->type & CL_DEVICE_TYPE_CPU ? NX_FAMILY_CPU : NX_FAMILY_GPU;
    info->lanes = info->family == NX_FAMILY_CPU ? lanes : 1;
    info->score = score(info);
}

static int by_score(const void *a, const void *b)
{
    const nx_device_info *x = a, *y = b;
    return x->score != y->score ? y->score - x->score : (int)x->number - (int)y->number;
}

bool nx_device_list(nx_device_info **out, size_t *count, nx_error *err)
{
    cl_platform_id platforms[32];
    cl_uint n_platforms = 0;
    cl_int status = clGetPlatformIDs(32, platforms, &n_platforms);
    if (status != CL_SUCCESS || !n_platforms)
        return nx_fail(err, "no OpenCL driver: looked in %s; %s",
                       getenv("OCL_ICD_VENDORS") ? getenv("OCL_ICD_VENDORS") : "/etc/OpenCL/vendors",
                       nx_status_text(status ? status : -1001));
    *out = NULL;
    *count = 0;
    for (cl_uint p = 0; p < n_platforms; p++) {
        cl_device_id ids[64];
        cl_uint n_ids = 0;
        if (clGetDeviceIDs(platforms[p], CL_DEVICE_TYPE_ALL, 64, ids, &n_ids) != CL_SUCCESS) continue;
        for (cl_uint d = 0; d < n_ids; d++) {
            NX_GROW(*out, *count);
            nx_device_info *info = &(*out)[(*count)++];
            *info = (nx_device_info){.number = (unsigned)*count, .platform_id = platforms[p], .id = ids[d]};
            query(info);
        }
    }
    if (!*count) return nx_fail(err, "no OpenCL device: %u driver(s) are installed, none offers one", n_platforms);
    qsort(*out, *count, sizeof **out, by_score);
    for (size_t i = 0; i < *count; i++) (*out)[i].number = (unsigned)i + 1;
    return true;
}

/* "#1 NAME, #2 NAME"; what does not fit is left out. */
static void list_names(char *out, size_t size, const nx_device_info *list, size_t count)
{
    size_t length = 0;
    *out = 0;
    for (size_t i = 0; i < count && length + strlen(list[i].name) + 16 < size; i++)
        length += (size_t)sprintf(out + length, "%s#%u %s", i ? ", " : "", list[i].number, list[i].name);
}

static bool all_digits(const char *text) { return *text && !text[strspn(text, "0123456789")]; }

const nx_device_info *nx_device_named(const nx_device_info *list, size_t count, const char *name, nx_error *err)
{
    char names[1024];
    const char *sign = strrchr(name, '#');
    bool numbered = sign && all_digits(sign + 1), bare = all_digits(name) && strlen(name) <= 2;
    char *part = numbered ? nx_format("%.*s", (int)(sign - name), name) : nx_copy_text(name);
    unsigned long wanted = numbered ? strtoul(sign + 1, NULL, 10) : 1, found = 0;
    const nx_device_info *meant = NULL;
    for (size_t i = 0; !bare && !meant && i < count; i++)
        if ((nx_contains(list[i].name, part) || nx_contains(list[i].platform, part)) && ++found == wanted)
            meant = &list[i];
    free(part);
    if (meant) return meant;
    list_names(names, sizeof names, list, count);
    if (bare)
        nx_fail(err, "\"%s\" alone is no name: a device's number is written #%s; there are: %s", name, name, names);
    else
        nx_fail(err, "no device is called \"%s\"; there are: %s", name, names);
    return NULL;
}

/* Of the host, which every device of this type is. */
static bool processor_has_bf16(void)
{
#ifdef __x86_64__
    return __builtin_cpu_supports("avx512bf16");
#else
    return false;
#endif
}

/* The matrix unit of Intel's Xeons since Sapphire Rapids. Linux gives a process its registers on request; a system that
 * does not know of them refuses, and other instructions do. */
static bool processor_has_amx(void)
{
#if defined(__x86_64__) && defined(__linux__)
    enum { LEAF = 7, BF16 = 1 << 22, TILES = 1 << 24, REQUEST = 0x1023, TILE_DATA = 18 }; /* arch_prctl(2) */
    unsigned a, b, c, d;
    return __get_cpuid_count(LEAF, 0, &a, &b, &c, &d) && d & BF16 && d & TILES &&
           syscall(SYS_arch_prctl, REQUEST, TILE_DATA) == 0;
#else
    return false;
#endif
}

static bool check_tensor_cores(const nx_device_info *info, const char *sources, nx_error *err)
{
    const char *name = nx_precision_name(info->precision);
    return nx_program_builds(info, sources, "mma", name) ||
           nx_fail(err,
                   "%s: %s needs NVIDIA's tensor cores (compute capability 8.0 or later), and this device's compiler "
                   "knows no mma.sync in inline PTX",
                   info->name, name);
}

static bool check_precision(nx_device_info *info, const char *sources, nx_error *err)
{
    if (info->precision == NX_FP32) return true;
    if (info->precision == NX_TF32 || info->family == NX_FAMILY_GPU) return check_tensor_cores(info, sources, err);
    info->amx = processor_has_amx();
    return (info->type & CL_DEVICE_TYPE_CPU && nx_device_lanes(info) == 16 && processor_has_bf16() &&
            nx_program_builds(info, sources, "bf16", "bf16")) ||
           nx_fail(err,
                   "%s: bf16 needs a processor with AVX512_BF16 (AMD's since Zen 4, Intel's Xeons since Sapphire "
                   "Rapids) and a driver that compiles for its vectors of 16 floats",
                   info->name);
}

/* The one that is meant, as it is listed. */
static bool find(nx_device_info *out, const nx_device_options *options, nx_error *err)
{
    const char *name = options->name ? options->name : "";
    nx_device_info *list;
    size_t count;
    if (options->listed) return *out = *options->listed, true;
    if (!nx_device_list(&list, &count, err)) return false;
    const nx_device_info *found = *name ? nx_device_named(list, count, name, err) : list;
    bool ok = found;
    if (ok) *out = *found;
    free(list);
    return ok;
}

bool nx_device_choose(nx_device_info *out, const nx_device_options *options, nx_error *err)
{
    const char *kernels = options->kernels ? options->kernels : "auto";
    if (!find(out, options, err)) return false;
    if (!strcmp(kernels, "cpu")) out->family = NX_FAMILY_CPU;
    if (!strcmp(kernels, "gpu")) out->family = NX_FAMILY_GPU;
    out->precision = options->precision;
    return check_precision(out, options->sources, err);
}

bool nx_device_open(nx_device **out, const nx_device_options *options, nx_error *err)
{
    nx_device_info info;
    if (!nx_device_choose(&info, options, err)) return false;
    nx_device *device = nx_alloc(sizeof *device);
    device->info = info;
    device->profile = options->profile;
    device->poison = options->poison;
    cl_int status;
    cl_context_properties properties[] = {CL_CONTEXT_PLATFORM, (cl_context_properties)info.platform_id, 0};
    device->context = clCreateContext(properties, 1, &info.id, NULL, NULL, &status);
    if (status != CL_SUCCESS) {
        free(device);
        return nx_fail(err, "%s: cannot open the device: %s", info.name, nx_status_text(status));
    }
    cl_command_queue_properties timed = options->profile ? CL_QUEUE_PROFILING_ENABLE : 0;
    device->queue = clCreateCommandQueue(device->context, info.id, timed, &status);
    NX_CL(status);
    device->uploads = clCreateCommandQueue(device->context, info.id, timed, &status);
    if (status != CL_SUCCESS) NX_CL(clRetainCommandQueue(device->uploads = device->queue));
    device->sources = nx_copy_text(options->sources);
    *out = device;
    return true;
}

void nx_device_finish(nx_device *device)
{
    NX_CL(clFinish(device->uploads));
    NX_CL(clFinish(device->queue));
}

void nx_device_drain(nx_device *device)
{
    clFinish(device->uploads);
    clFinish(device->queue);
}

void nx_device_free(nx_device *device)
{
    if (!device) return;
    nx_device_drain(device);
    nx_program_release_all(device);
    nx_memory_release_all(device);
    clReleaseCommandQueue(device->uploads);
    clReleaseCommandQueue(device->queue);
    clReleaseContext(device->context);
    free(device->sources);
    free(device);
}
