/* Timing. Quartiles instead of means: a machine that does something else for a moment shows in the spread alone. */
#include "machine/measure.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/quantile.h"
#include "device/memory.h"
#include "device/status.h"
#include "op_check.h"

#include <math.h>
#include <stdlib.h>

measure_times measure_calls(void (*run)(void *context), void (*prepare)(void *context), void *context, double seconds)
{
    enum { LEAST = 3, MOST = 2000 };
    double times[MOST];
    int n = 0;
    for (double end = nx_now() + seconds; n < LEAST || (n < MOST && nx_now() < end);) {
        if (prepare) prepare(context);
        double start = nx_now();
        run(context);
        times[n++] = nx_now() - start;
    }
    nx_sort(times, (size_t)n);
    double middle = nx_quantile(times, (size_t)n, .5),
           between = nx_quantile(times, (size_t)n, .75) - nx_quantile(times, (size_t)n, .25);
    return (measure_times){middle, between / middle, n};
}

typedef struct subject {
    nx_plan *plan;
    nx_device *device;
} subject;

static void run(void *context)
{
    const subject *s = context;
    nx_plan_run(s->plan);
    nx_device_finish(s->device);
}

measured measure_plan(nx_plan *plan, nx_device *device, double seconds)
{
    enum { WARM = 2, PROFILED = 3 };
    subject s = {plan, device};
    measured m = {0};
    device->profile = false;
    for (int i = 0; i < WARM; i++) run(&s);
    m.times = measure_calls(run, NULL, &s, seconds);
    device->profile = true;
    double start = nx_now(), inside = 0;
    for (int i = 0; i < PROFILED; i++) run(&s);
    double all = nx_now() - start;
    size_t count;
    const nx_plan_line *lines = nx_plan_profile(plan, &count);
    for (size_t i = 0; i < count; i++) {
        inside += lines[i].seconds;
        m.flops += lines[i].flops / PROFILED;
        m.bytes += lines[i].bytes / PROFILED;
    }
    m.outside = fmax(1 - inside / all, 0);
    return m;
}

nx_plan *measure_record(nx_graph *g, const op_case *c, nx_device *device)
{
    nx_tensor *inputs[OP_INPUTS];
    for (int i = 0; i < op_inputs(c); i++) inputs[i] = nx_input(g, c->in[i], "in");
    nx_keep(c->build(g, inputs, c));
    nx_plan *plan = op_plan(device, g);
    for (int i = 0; i < op_inputs(c); i++) {
        size_t n = nx_shape_count(c->in[i]);
        float *values = nx_alloc(n * sizeof *values);
        for (size_t k = 0; k < n; k++) values[k] = (float)((k * 2654435761u) >> 8 & 1023) / 512 - 1;
        nx_plan_write(plan, inputs[i], values);
        free(values);
    }
    return plan;
}

double measure_power(const double *n, const double *value, size_t count)
{
    double mean_x = 0, mean_y = 0, xy = 0, xx = 0;
    for (size_t i = 0; i < count; i++) mean_x += log(n[i]) / (double)count, mean_y += log(value[i]) / (double)count;
    for (size_t i = 0; i < count; i++) {
        xy += (log(n[i]) - mean_x) * (log(value[i]) - mean_y);
        xx += (log(n[i]) - mean_x) * (log(n[i]) - mean_x);
    }
    return xy / xx;
}

/* ---- the most that the device can do ---- */

/* Seconds of one launch, the best within a second: whatever else the machine does, it leaves some moments alone. */
static double best_seconds(nx_device *device, const nx_launch *launch)
{
    enum { LAUNCHES = 4 };
    double best = INFINITY;
    nx_launch_run(device, launch, NULL);
    nx_device_finish(device);
    for (double end = nx_now() + 1; nx_now() < end;) {
        double start = nx_now();
        for (int k = 0; k < LAUNCHES; k++) nx_launch_run(device, launch, NULL);
        nx_device_finish(device);
        best = fmin(best, (nx_now() - start) / LAUNCHES);
    }
    return best;
}

static void set(cl_kernel kernel, cl_uint i, size_t bytes, const void *value)
{
    NX_CL(clSetKernelArg(kernel, i, bytes, value));
}

enum { CHAINS = 12 }; /* sums of a work-item of cl/bench.cl, x0 to x11 */

static double peak_flops(nx_device *device)
{
    bool gpu = device->info.family == NX_FAMILY_GPU;
    size_t lanes = (size_t)nx_device_lanes(&device->info), group = (size_t)nx_device_group(&device->info);
    size_t items = device->info.units * (gpu ? 32 * group : 8);
    cl_int rounds = gpu ? 4096 : 200000;
    cl_float factor = 0.999f, term = 0.5f;
    cl_mem out = nx_buffer_new(device, items * lanes * sizeof(float), NX_MEMORY_ARENA);
    nx_launch launch = {.kernel = nx_kernel_new(device, "bench", "bench_multiply_add", NULL),
                        .name = "bench_multiply_add",
                        .dims = 1,
                        .global = {items},
                        .local = {group}};
    set(launch.kernel, 0, sizeof out, &out);
    set(launch.kernel, 1, sizeof rounds, &rounds);
    set(launch.kernel, 2, sizeof factor, &factor);
    set(launch.kernel, 3, sizeof term, &term);
    double flops = 2.0 * CHAINS * (double)lanes * rounds * (double)items / best_seconds(device, &launch);
    clReleaseKernel(launch.kernel);
    nx_buffer_free(device, out);
    return flops;
}

static double peak_bytes(nx_device *device)
{
    const size_t count = (size_t)1 << 25; /* floats: 128 MiB, three times */
    size_t group = (size_t)nx_device_group(&device->info);
    cl_mem buffers[3];
    nx_launch launch = {.kernel = nx_kernel_new(device, "bench", "bench_stream", NULL),
                        .name = "bench_stream",
                        .dims = 1,
                        .global = {count / NX_FLAT * group},
                        .local = {group}};
    for (cl_uint i = 0; i < 3; i++) { /* zeroed ones: pages that nobody wrote are all one page, and in the cache */
        buffers[i] = nx_buffer_new(device, count * sizeof(float), NX_MEMORY_PARAMETERS);
        set(launch.kernel, i, sizeof *buffers, &buffers[i]);
    }
    double bytes = 3.0 * sizeof(float) * (double)count / best_seconds(device, &launch);
    clReleaseKernel(launch.kernel);
    for (int i = 0; i < 3; i++) nx_buffer_free(device, buffers[i]);
    return bytes;
}

measure_roof measure_peaks(nx_device *device) { return (measure_roof){peak_flops(device), peak_bytes(device)}; }
