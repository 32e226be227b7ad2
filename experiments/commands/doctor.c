/* nstx doctor: what is installed, what is missing, and whether the numbers are right.
 *
 * Drivers may crash, hang or disagree with each other, and the doctor is asked when they do. So everything that loads a
 * driver happens in a child, and how a child ends is a finding like any other. The parent loads none. */
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/version.h"
#include "commands/cli.h"
#include "commands/terminal.h"
#include "device/device.h"
#include "device/memory.h"
#include "io/files.h"
#include "machine/device.h"
#include "machine/first_use.h"
#include "machine/kernel_cache.h"
#include "machine/measure.h"
#include "machine/program_cache.h"
#include "machine/selftest.h"
#include "op_case.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <glob.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE = 300 }; /* seconds without a sign of life */

/* How a child ends. */
enum { FINE, WRONG, NO_MORE = 9 };

typedef enum verdict { GOOD, NOTE, BAD } verdict;

static bool wrong; /* something was BAD, in this process */

/* Children at once: most of a test is the driver's compiler, which works on one core. */
enum { AT_ONCE = 2 };

/* Shared with the children. */
static struct shared {
    selftest_watch watch[AT_ONCE]; /* what each is at */
    selftest_share share;
    selftest_result result[AT_ONCE];
} * shared;

static int part; /* which of the children this process is */

__attribute__((format(printf, 3, 4))) static void say(verdict v, const char *what, const char *format, ...)
{
    static const char *const words[] = {"ok", "note", "wrong"}, *const inks[] = {TERMINAL_GOOD, TERMINAL_NOTE,
                                                                                 TERMINAL_BAD};
    va_list args;
    va_start(args, format);
    printf("  %s%-5s%s  %-11s  ", terminal_style(stdout, inks[v]), words[v], terminal_style(stdout, TERMINAL_END),
           what);
    vprintf(format, args);
    putchar('\n');
    fflush(stdout);
    va_end(args);
    wrong = wrong || v == BAD;
}

static void title(const char *text)
{
    printf("%s%s%s\n", terminal_style(stdout, TERMINAL_BOLD), text, terminal_style(stdout, TERMINAL_END));
}

/* ---- drivers ---- */

typedef struct vendor {
    const char *name;
    const char *library; /* of its driver, as the loader of libraries knows it */
    const char *icd;     /* the name of the file that lists it */
    const char *part;    /* what a library named in an .icd file has in its name */
    const char *sign;    /* files that show that its hardware is there; NULL: it always is */
    const char *content; /* what such a file holds; NULL: anything */
    const char *package;
} vendor;

static const vendor vendors[] = {
    {"NVIDIA", "libnvidia-opencl.so.1", "nvidia.icd", "nvidia", "/dev/nvidiactl", NULL,
     "apt-get install nvidia-opencl-icd (in a container: start it with NVIDIA_DRIVER_CAPABILITIES=compute,utility)"},
    {"AMD", "libamdocl64.so", "amdocl64.icd", "amdocl", "/dev/kfd", NULL, "apt-get install rocm-opencl-icd"},
    {"Intel", "/usr/lib/x86_64-linux-gnu/intel-opencl/libigdrcl.so", "intel.icd", "igdrcl",
     "/sys/class/drm/card*/device/vendor", "0x8086", "apt-get install intel-opencl-icd"},
    {"PoCL", "libpocl.so.2", "pocl.icd", "pocl", NULL, NULL, "apt-get install pocl-opencl-icd"},
};
enum { VENDORS = sizeof vendors / sizeof *vendors };

static const char *vendors_folder(void)
{
    const char *named = getenv("OCL_ICD_VENDORS");
    return named && *named ? named : "/etc/OpenCL/vendors";
}

static bool hardware_is_there(const vendor *v)
{
    glob_t found;
    bool there = !v->sign;
    if (there || glob(v->sign, 0, NULL, &found)) return there;
    for (size_t i = 0; i < found.gl_pathc && !there; i++) {
        char text[64] = "";
        FILE *file = v->content ? fopen(found.gl_pathv[i], "r") : NULL;
        if (file && !fgets(text, sizeof text, file)) *text = 0;
        if (file) fclose(file);
        there = !v->content || strstr(text, v->content);
    }
    globfree(&found);
    return there;
}

/* Loads the library that the .icd file names; true if it is a driver. Marks its vendor as listed. */
static bool check_icd(const char *folder, const char *name, bool listed[VENDORS])
{
    char *path = strcmp(folder, name) ? nx_format("%s/%s", folder, name) : nx_copy_text(name), library[512] = "";
    FILE *file = fopen(path, "r");
    if (!file || !fgets(library, sizeof library, file)) *library = 0;
    if (file) fclose(file);
    library[strcspn(library, " \t\r\n")] = 0;
    void *handle = *library ? dlopen(library, RTLD_LAZY | RTLD_LOCAL) : NULL;
    if (!*library)
        say(BAD, "driver", "%s is empty: it should name a library", path);
    else if (!handle)
        say(BAD, "driver", "%s names %s, which does not load: %s", path, library, dlerror());
    else
        say(GOOD, "driver", "%s: %s", path, library);
    for (int i = 0; i < VENDORS; i++) listed[i] = listed[i] || nx_contains(library, vendors[i].part);
    free(path);
    return handle;
}

static int is_icd(const struct dirent *entry) { return nx_ends_with(entry->d_name, ".icd"); }

static void check_drivers(const void *nothing)
{
    (void)nothing;
    const char *folder = vendors_folder();
    struct dirent **entries = NULL;
    bool listed[VENDORS] = {0};
    int loaded = 0, count = 0;
    if (nx_ends_with(folder, ".icd"))
        loaded = check_icd(folder, folder, listed);
    else
        count = scandir(folder, &entries, is_icd, alphasort);
    for (int i = 0; i < count; i++) {
        loaded += check_icd(folder, entries[i]->d_name, listed);
        free(entries[i]);
    }
    free(entries);
    for (int i = 0; i < VENDORS; i++) {
        const vendor *v = &vendors[i];
        if (listed[i]) continue;
        if (dlopen(v->library, RTLD_LAZY | RTLD_LOCAL))
            say(loaded && getenv("OCL_ICD_VENDORS") ? NOTE : BAD, v->name,
                "%s is here, but no .icd file names it: echo %s > %s/%s", v->library, v->library, folder, v->icd);
        else if (hardware_is_there(v))
            say(NOTE, v->name, "no driver: %s", v->package);
    }
    if (!loaded) say(BAD, "driver", "no OpenCL driver in %s: %s", folder, vendors[VENDORS - 1].package);
}

/* ---- caches ---- */

static char *driver_cache(const nx_device_info *d)
{
    const char *named = getenv("CUDA_CACHE_PATH"), *home = getenv("HOME");
    if (nx_contains(d->platform, "portable")) return kernel_cache_pocl();
    if (!nx_contains(d->platform, "nvidia")) return NULL;
    return named ? nx_copy_text(named) : nx_format("%s/.nv/ComputeCache", home ? home : "");
}

static void check_cache(const nx_device_info *d)
{
    char *path = driver_cache(d);
    if (!path) return;
    if (nx_folder_may_write(path))
        say(GOOD, "cache", "compiled kernels are kept in %s", path);
    else
        say(NOTE, "cache", "%s cannot be written: kernels are compiled anew in every run", path);
    free(path);
}

/* ---- a device ---- */

typedef struct patient {
    size_t device; /* in the list of devices */
    const char *kernels;
    bool chosen; /* the one of NSTX_DEVICE alone */
} patient;

/* The device of a patient; ends the process if there is none. */
static nx_device_info find(const patient *p)
{
    nx_device_info *list, info = {0};
    size_t count;
    nx_error err;
    if (p->chosen && p->device == 0) {
        if (!device_choose(&info, (nx_device_options){0}, &err)) {
            say(BAD, "device", "%s", err.text);
            exit(WRONG);
        }
        return info;
    }
    if (p->chosen || !device_list(&list, &count, &err)) {
        if (!p->chosen && p->device == 0) {
            say(BAD, "device", "%s", err.text);
            exit(WRONG);
        }
        exit(NO_MORE);
    }
    if (p->device >= count) exit(NO_MORE);
    info = list[p->device];
    free(list);
    return info;
}

static void check_limits(const void *context)
{
    nx_device_info d = find(context);
    char memory[16], most[16], local[16];
    cl_ulong local_bytes = 0;
    cl_uint align = 0;
    cl_bool compiler = CL_FALSE;
    clGetDeviceInfo(d.id, CL_DEVICE_LOCAL_MEM_SIZE, sizeof local_bytes, &local_bytes, NULL);
    clGetDeviceInfo(d.id, CL_DEVICE_MEM_BASE_ADDR_ALIGN, sizeof align, &align, NULL);
    clGetDeviceInfo(d.id, CL_DEVICE_COMPILER_AVAILABLE, sizeof compiler, &compiler, NULL);
    int major = 0, minor = 0;
    sscanf(d.version, "OpenCL %d.%d", &major, &minor);
    char *heading = nx_format("\n%s (%s, driver %s)", d.name, d.platform, d.driver);
    title(heading);
    free(heading);
    say(GOOD, "limits", "%u units, %s, %s in one buffer, groups of %zu, %s of local memory", d.units,
        nx_bytes_text(memory, (double)d.memory), nx_bytes_text(most, (double)d.max_alloc), d.max_group,
        nx_bytes_text(local, (double)local_bytes));
    if (major * 10 + minor < 12) say(BAD, "version", "%s: 1.2 is the least", d.version);
    if (!compiler) say(BAD, "compiler", "the driver has none");
    if (align / 8 > NX_ALIGN) say(BAD, "alignment", "buffers want %u bytes, parts are cut at %zu", align / 8, NX_ALIGN);
    if (d.max_group < 64) say(BAD, "groups", "of at most %zu work-items: the kernels for GPUs want 64", d.max_group);
    if (d.score < 0) say(NOTE, "driver", "nstx does not choose it by itself: it lists devices that it cannot drive");
    check_cache(&d);
    size_t known = first_use_known(&d);
    if (known)
        say(GOOD, "first use", "runs know this device and driver: the self-test of %zu kernels passed", known);
    else
        say(NOTE, "first use", "the first run on it begins with a short self-test (NSTX_SELFTEST=off leaves it out)");
}

static nx_device *open_patient(const patient *p)
{
    nx_device_info info = find(p);
    nx_device *device;
    nx_error err;
    char number[16];
    snprintf(number, sizeof number, "#%u", info.number);
    nx_device_options options = {.name = p->chosen ? NULL : number, .kernels = p->kernels, .profile = true};
    if (!device_open(&device, options, &err)) {
        if (!part) say(BAD, "device", "%s", err.text);
        exit(WRONG);
    }
    return device;
}

/* The kernels that a run uses by itself must be right. The kernels for CPUs are tested on CPUs alone: a GPU would run
 * them, slowly. */
static void check_numbers(const void *context)
{
    const patient *p = context;
    nx_device *device = open_patient(p);
    if (device->info.family == NX_FAMILY_CPU && !(device->info.type & CL_DEVICE_TYPE_CPU)) exit(FINE);
    selftest_rows rows = selftest_thorough(&device->info);
    if (!program_cache_writable()) nx_program_list_free(&rows.programs); /* neither finds what the other builds */
    shared->result[part] = selftest(device, &rows, &shared->share, &shared->watch[part]);
    selftest_rows_free(&rows);
    nx_device_free(device);
}

/* What they found together; nothing where those kernels are not for that device. */
static void say_numbers(const patient *p)
{
    selftest_result r = {0};
    for (int i = 0; i < AT_ONCE; i++) selftest_add(&r, &shared->result[i]);
    const char *what = strcmp(p->kernels, "cpu") ? "GPU kernels" : "CPU kernels";
    char *which = selftest_failures(&r);
    if (r.failed)
        say(BAD, what, "%d of %d tests fail: %s", r.failed, r.cases, which);
    else if (r.cases)
        say(GOOD, what, "%d tests of operations and gradients, the same bits twice; largest error %.1e, %s", r.cases,
            r.error, r.worst);
    free(which);
}

/* Of a case of `nstx bench`. */
static measured speed_of(nx_device *device, const char *name)
{
    nx_graph *g = nx_graph_new(&device->info);
    nx_progress("measuring %s", name);
    nx_plan *plan = measure_record(g, op_case_named(name), device);
    measured m = measure_plan(plan, device, 0.5);
    nx_progress("%s", "");
    nx_plan_free(plan);
    nx_graph_free(g);
    return m;
}

static void check_speed(const void *context)
{
    nx_device *device = open_patient(context);
    measured product = speed_of(device, "gemm/1024 cubed"), numbers = speed_of(device, "add/large"),
             image = speed_of(device, "conv/StyleNet, residual: 128 to 128, replicate");
    say(GOOD, "speed", "products %.4g GFLOP/s, 3x3 convolutions %.4g GFLOP/s, memory %.4g GB/s",
        1e-9 * product.flops / product.times.seconds, 1e-9 * image.flops / image.times.seconds,
        1e-9 * numbers.bytes / numbers.times.seconds);
    nx_device_free(device);
}

/* ---- children ---- */

/* How one ended by a signal. */
static void say_end(const char *what, int status, const char *step)
{
    const char *at = *step ? " at " : "";
    if (WTERMSIG(status) == SIGALRM)
        say(BAD, what, "no answer in %d seconds%s%s", PATIENCE, at, step);
    else
        say(BAD, what, "the driver crashed%s%s (%s). With several drivers, try one alone: OCL_ICD_VENDORS=%s/NAME.icd",
            at, step, strsignal(WTERMSIG(status)), vendors_folder());
}

/* Runs examine(context) in so many children at once; gives how they ended, after a line if that was no end of its own:
 * the others, which may wait for that one, are stopped then. */
static int examine_aside(const char *what, void (*examine)(const void *context), const void *context, int count)
{
    pid_t children[AT_ONCE] = {0};
    int end = FINE, status;
    fflush(stdout);
    *shared = (struct shared){0};
    for (part = 0; part < count; part++) {
        shared->watch[part].patience = PATIENCE;
        children[part] = fork();
        NX_CHECK(children[part] >= 0, "fork: %s", strerror(errno));
        if (!children[part]) {
            alarm(PATIENCE);
            wrong = false;
            examine(context);
            fflush(stdout);
            _exit(wrong ? WRONG : FINE); /* some drivers crash in what they do at exit */
        }
    }
    for (int left = count; left;) {
        pid_t child = waitpid(-1, &status, 0);
        int which = 0;
        while (which < count && children[which] != child) which++;
        if (which == count) continue; /* interrupted */
        children[which] = 0;
        left--;
        if (WIFEXITED(status)) {
            if (WEXITSTATUS(status) != FINE) end = WEXITSTATUS(status) == NO_MORE ? NO_MORE : WRONG;
            continue;
        }
        if (end != WRONG) say_end(what, status, shared->watch[which].step);
        end = WRONG;
        for (int i = 0; i < count; i++)
            if (children[i]) kill(children[i], SIGKILL);
    }
    return end;
}

static int command_doctor(int argc, char **argv)
{
    if (argc > 2 || (argc == 2 && argv[1][0] == '-')) return usage_error("doctor", "one device, or none for all");
    if (argc == 2) setenv("NSTX_DEVICE", argv[1], 1);
    const char *named = getenv("NSTX_DEVICE");
    bool chosen = named && *named, sick = false;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    NX_CHECK(shared != MAP_FAILED, "mmap: %s", strerror(errno));
    kernel_cache_prepare();
    printf("nstx %s (%s)\n\n", nx_version, nx_revision);
    title("drivers");
    sick = examine_aside("driver", check_drivers, NULL, 1) != FINE;
    for (size_t i = 0;; i++) {
        patient p = {.device = i, .chosen = chosen, .kernels = "auto"};
        int end = examine_aside("device", check_limits, &p, 1);
        if (end == NO_MORE) break;
        sick = sick || end != FINE;
        if (end != FINE && i == 0) break; /* there is no device, or asking for one ends the program */
        for (int family = 0; family < 2; family++) {
            p.kernels = family ? "gpu" : "cpu";
            bool answered = examine_aside("kernels", check_numbers, &p, cores > 1 ? AT_ONCE : 1) == FINE;
            if (answered) say_numbers(&p);
            sick = sick || !answered;
        }
        p.kernels = "auto";
        sick = examine_aside("speed", check_speed, &p, 1) != FINE || sick;
    }
    sick = sick || wrong;
    printf("\n%s\n", sick ? "something is wrong" : "all is right");
    return sick ? EXIT_FAILED : EXIT_DONE;
}

const command doctor_command = {
    .name = "doctor",
    .run = command_doctor,
    .usage = "doctor [DEVICE]",
    .does = "drivers found and missing, limits, a test of every kernel, the speed",
};
