/* The OpenCL device of a run: one flat list over all platforms, a choice by score, one context, one in-order queue, and
 * one beside it for uploads.
 *
 *     nx_device *device;
 *     if (!nx_device_open(&device, &(nx_device_options){.name = "H200"}, &err)) ...
 *     nx_info("device: %s", device->info.name);
 *     nx_device_free(device);
 *
 * Not here: buffers (device/memory), programs and launches (device/program), GEMM (device/gemm).
 */
#ifndef NX_DEVICE_DEVICE_H
#define NX_DEVICE_DEVICE_H

#include "base/error.h"
#include "device/precision.h"

#include <CL/cl.h>
#include <stddef.h>
#include <stdint.h>

/* How kernels are shaped. CPU: a work-group is one work-item that owns a vector register tile, no local memory, no
 * barrier. GPU: work-groups share tiles in local memory. */
typedef enum nx_family { NX_FAMILY_CPU, NX_FAMILY_GPU } nx_family;

typedef enum nx_memory_kind {
    NX_MEMORY_PARAMETERS, /* weights of networks and descriptors */
    NX_MEMORY_OPTIMIZER,  /* moments and history */
    NX_MEMORY_ARENA,      /* activations, gradients, inputs and scratch of a plan */
    NX_MEMORY_KINDS
} nx_memory_kind;
const char *nx_memory_kind_name(nx_memory_kind kind);

typedef struct nx_device_info {
    char name[128], platform[128], vendor[128], driver[64], version[96];
    unsigned number; /* in nx_device_list, from 1 */
    cl_platform_id platform_id;
    cl_device_id id;
    cl_device_type type;
    nx_family family;
    unsigned units;             /* compute units */
    unsigned lanes;             /* floats in a vector register (CPU), 1 elsewhere */
    uint64_t memory, max_alloc; /* bytes */
    size_t max_group;           /* work-items */
    uint64_t local;             /* bytes of local memory of a group */
    uint64_t cache, core_cache; /* bytes, as driver and system tell, of whichever level; 0: unknown. See below */
    bool unified;               /* shares the host's memory */
    nx_precision precision;     /* as the device was chosen for */
    bool amx;                   /* bf16: the processor has the tiles of AMX, and the system lets us use them */
    int score;                  /* higher is better; below zero: never chosen by itself */
} nx_device_info;

/* What kernels call LANES and GROUP (cl/prelude.cl): floats of a vector, work-items of a group. */
int nx_device_lanes(const nx_device_info *info); /* 4 on GPUs, 8 or 16 on CPUs */
int nx_device_group(const nx_device_info *info); /* 64 on GPUs, 1 on CPUs */
enum { NX_FLAT = 256 };                          /* floats that a group of flat kernels takes: GROUP * FLAT_BLOCK */

/* Bytes of the cache that all units share, and of a core's own: as told where that can be true, otherwise usual ones.
 * Work is divided by them, and so its sums are: the same device gives the same bits, another driver for it may not. */
size_t nx_device_cache(const nx_device_info *info);
size_t nx_device_core_cache(const nx_device_info *info);

/* Every device of every platform, best score first, equal ones in the order in which drivers name them. *out is owned
 * by the caller (free). An installation without a driver is an error that says what to install. */
bool nx_device_list(nx_device_info **out, size_t *count, nx_error *err);

/* The device of a list that is meant by a part of its name or platform, letters of any case ("h200"), by its number
 * ("#2"), or by both, where several have that part: "h200#2" is the second of those. NULL, with an error that lists
 * them, if there is none, or name is a bare number of one or two digits, which could mean either. */
const nx_device_info *nx_device_named(const nx_device_info *list, size_t count, const char *name, nx_error *err);

typedef struct nx_device_options {
    const char *name;    /* as nx_device_named has it; NULL or "": the best score */
    const char *kernels; /* "cpu" or "gpu" forces the kernel family (both run anywhere); NULL or "auto": by type */
    bool profile;        /* time every launch */
    nx_precision precision;
    const char *sources; /* for work on kernels: a folder whose files replace the embedded ones; NULL: none */
    bool poison;         /* for tests: an arena starts as NaN, so that what is read too early shows */
    /* Of a list that is at hand, instead of a name; NULL: by the name, of a new list. */
    const nx_device_info *listed;
} nx_device_options;

struct nx_program;
struct nx_allocation;

typedef struct nx_device {
    nx_device_info info;
    cl_context context;
    cl_command_queue queue;
    cl_command_queue uploads; /* in order too; the same queue where a device has no second */
    bool profile, poison;
    char *sources;                                                /* as in nx_device_options */
    uint64_t bytes[NX_MEMORY_KINDS], peak_bytes[NX_MEMORY_KINDS]; /* allocated now; the most so far of each kind */
    uint64_t peak_total;                                          /* the most so far of all kinds together */
    struct nx_allocation *allocations;
    size_t n_allocations;
    struct nx_program *programs;
    size_t n_programs;
    double compile_seconds;
} nx_device;

/* Chooses a device without touching it; what nx_device_open does first. A name that fits none is an error that lists
 * those there are. For another precision than float32 a program of a few lines is compiled for it, to see whether it
 * can: what cannot is an error. */
bool nx_device_choose(nx_device_info *out, const nx_device_options *options, nx_error *err);

bool nx_device_open(nx_device **out, const nx_device_options *options, nx_error *err);
void nx_device_finish(nx_device *device); /* waits for all work */
void nx_device_drain(nx_device *device);  /* the same, before something is freed: where the device failed, too */

/* With all its memory. What lives on it (plans, parameters, optimizers) is freed before. NULL is fine. */
void nx_device_free(nx_device *device);

#endif
