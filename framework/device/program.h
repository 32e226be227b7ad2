/* OpenCL programs, from the sources that are embedded in the binary: the only caller of clBuildProgram.
 *
 * Each kernel is one program for each set of defines: its file's text without the other kernels, behind a common
 * prelude (cl/prelude.cl), so that nothing is compiled but what runs; no file includes another. For work on kernels,
 * nx_device_options.sources names a folder whose files replace the embedded ones. What a driver made of a program is
 * kept from run to run if the caller says where (nx_programs_keep).
 *
 *     cl_kernel kernel = nx_kernel_new(device, "conv", "conv_cpu", "-DROWS=8");
 */
#ifndef NX_DEVICE_PROGRAM_H
#define NX_DEVICE_PROGRAM_H

#include "device/device.h"

/* Binaries of built programs, as the driver gives them. A key, of letters and digits, stands for the source, its
 * options, the device, its driver and platform in their versions: what has the same key is the same program. */
typedef struct nx_program_cache {
    void *(*load)(const char *key, size_t *bytes); /* owned by the caller; NULL: there is none */
    void (*store)(const char *key, const void *binary, size_t bytes);
} nx_program_cache;
void nx_programs_keep(const nx_program_cache *cache); /* in this process; copied */

/* A kernel object of its own (arguments are bound to it), released with clReleaseKernel. Programs are built once for
 * each (file, name, defines) and shared. defines may be NULL. */
cl_kernel nx_kernel_new(nx_device *device, const char *file, const char *name, const char *defines);

/* Programs by their names, "FILE/KERNEL DEFINES", each once. Begins as {0}. */
typedef struct nx_program_list {
    char **names;
    size_t count;
} nx_program_list;
void nx_program_list_add(nx_program_list *list, const char *name); /* copied */
void nx_program_list_free(nx_program_list *list);
bool nx_program_listed(const nx_program_list *list, const char *name);

/* The name of a program; owned by the caller. */
char *nx_program_name(const char *file, const char *kernel, const char *defines);

void nx_program_build(nx_device *device, const char *name); /* ahead of its kernels; kept, too (nx_programs_keep) */
size_t nx_program_length(const char *name); /* of its file, in letters: the longer, the longer it compiles */

/* Who hears of programs before the first of them is built: all that a plan is going to launch, or an optimizer; and may
 * have them built elsewhere, or tested. In this process; NULL: nobody. */
void nx_programs_watch(void (*announced)(const nx_program_list *coming));
bool nx_programs_watched(void);
void nx_programs_announce(const nx_program_list *coming); /* tells it */

/* The parameters of a kernel as its embedded source declares them, in order; how many. Dies where the kernel is not
 * there, or has a parameter of another type. */
typedef enum nx_parameter_type {
    NX_PARAMETER_BUFFER,
    NX_PARAMETER_INT,
    NX_PARAMETER_UINT,
    NX_PARAMETER_ULONG,
    NX_PARAMETER_FLOAT,
    NX_PARAMETER_TYPES
} nx_parameter_type;
typedef struct nx_parameter {
    char name[24];
    nx_parameter_type type;
} nx_parameter;
enum { NX_MAX_PARAMETERS = 32 };
size_t nx_kernel_parameters(const char *file, const char *kernel, nx_parameter out[NX_MAX_PARAMETERS]);

/* Whether cl/FILE.cl, by itself and without defines, builds on a device that need not be open, and has the kernel.
 * sources: as in nx_device_options. */
bool nx_program_builds(const nx_device_info *info, const char *sources, const char *file, const char *kernel);

void nx_program_release_all(nx_device *device); /* at the device's end */

/* One bound kernel with its range, ready to be enqueued again and again. */
typedef struct nx_launch {
    cl_kernel kernel;
    const char *name; /* "file/kernel" or a routine's name; a literal or owned by the plan */
    cl_uint dims;
    size_t global[3], local[3];                                         /* local[0] == 0: the driver chooses */
    size_t offset[3];                                                   /* where get_global_id begins */
    void (*routine)(nx_device *device, void *context, cl_event *event); /* instead of a kernel: a library's call */
    void *context;                                                      /* of the routine; freed with the launch */
} nx_launch;

/* Enqueues it. event may be NULL. */
void nx_launch_run(nx_device *device, const nx_launch *launch, cl_event *event);

/* The sources, made by the build from cl/. */
typedef struct nx_source {
    const char *name, *text;
} nx_source;
extern const nx_source nx_sources[];
extern const size_t nx_source_count;

#endif
