/* nstx check: a texture network with golden inputs and the output that its authors' own layers gave for them. */
#include "base/memory.h"
#include "commands/cli.h"
#include "graph/plan.h"
#include "io/tensors.h"
#include "machine/device.h"
#include "networks/pyramid.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double most = 1e-3; /* difference to the golden output, as a fraction of its largest number */

static const nx_tensor_entry *golden(const nx_tensor_file *file, const char *path, const char *name, nx_error *err)
{
    const nx_tensor_entry *e = nx_tensor_file_find(file, name);
    if (e && e->rank == 4 && nx_tensor_entry_size(e)) return e;
    nx_fail(err, "%s: no %s, an array of n x c x h x w: this is no texture network with golden outputs", path, name);
    return NULL;
}

/* NCHW to NHWC. Owned by the caller. */
static float *channels_last(const nx_tensor_entry *e, nx_shape *shape)
{
    nx_shape s = *shape = (nx_shape){e->shape[0], e->shape[2], e->shape[3], e->shape[1]};
    float *out = nx_alloc(nx_shape_count(s) * sizeof *out);
    size_t pixels = (size_t)s.h * (size_t)s.w;
    for (size_t n = 0; n < (size_t)s.n; n++)
        for (size_t c = 0; c < (size_t)s.c; c++)
            for (size_t p = 0; p < pixels; p++)
                out[(n * pixels + p) * (size_t)s.c + c] = e->data[(n * (size_t)s.c + c) * pixels + p];
    return out;
}

/* Every parameter of the network from the file, by name and shape. */
static bool fill(nx_params *params, const nx_tensor_file *file, const char *path, nx_error *err)
{
    for (size_t i = 0; i < params->count; i++) {
        nx_param *p = params->items[i];
        const nx_tensor_entry *e = nx_tensor_file_find(file, p->name);
        if (!e) return nx_fail(err, "%s: no %s", path, p->name);
        size_t dims[4];
        bool same = nx_param_dims(p, dims) == e->rank;
        for (int d = 0; same && d < e->rank; d++) same = dims[d] == (size_t)e->shape[d];
        if (!same) return nx_fail(err, "%s: %s has another shape than the network's", path, p->name);
        nx_param_import(p, e->data);
    }
    return true;
}

typedef struct inputs {
    int scales;
    nx_shape shape[PYRAMID_MOST_SCALES];
    float *values[PYRAMID_MOST_SCALES];
} inputs;

static bool read_inputs(inputs *in, const nx_tensor_file *file, const char *path, nx_error *err)
{
    const char *scales = nx_tensor_file_metadata(file, "scales");
    int count = scales ? atoi(scales) : 0;
    if (count < 1 || count > PYRAMID_MOST_SCALES)
        return nx_fail(err, "%s: metadata scales = \"%s\": a number from 1 to %d was expected", path,
                       scales ? scales : "", PYRAMID_MOST_SCALES);
    for (; in->scales < count; in->scales++) {
        char name[48];
        snprintf(name, sizeof name, "golden.input.scale%d", in->scales + 1);
        const nx_tensor_entry *e = golden(file, path, name, err);
        if (!e) return false;
        nx_shape *s = &in->shape[in->scales];
        in->values[in->scales] = channels_last(e, s);
        if (in->scales && (s->h != 2 * s[-1].h || s->w != 2 * s[-1].w || s->n != s[-1].n))
            return in->scales++, nx_fail(err, "%s: %s is not twice as large as the scale below", path, name);
    }
    return true;
}

/* Runs the network and gives the largest difference to the golden output, and the largest number in that. */
static bool compare(const char *path, const nx_tensor_file *file, inputs *in, nx_device *device, nx_params *params,
                    double *difference, double *largest, nx_error *err)
{
    nx_shape shape;
    const nx_tensor_entry *e = golden(file, path, "golden.output", err);
    if (!e) return false;
    nx_graph *g = nx_graph_new(&device->info);
    nx_scope scope = {.g = g, .params = params};
    pyramid_options options = {.scales = in->scales,
                               .pointwise_left_out = !nx_tensor_file_find(file, "scale1.branch.conv3.weight")};
    nx_tensor *x[PYRAMID_MOST_SCALES], *y;
    for (int i = 0; i < in->scales; i++) x[i] = nx_input(g, in->shape[i], "golden");
    y = nx_keep(pyramid_record(&options, &scope, x));
    float *want = channels_last(e, &shape), *got = nx_alloc(nx_shape_count(y->shape) * sizeof *got);
    nx_plan *plan = NULL;
    bool ok =
        nx_shape_equal(shape, y->shape) || nx_fail(err, "%s: golden.output is not as large as the last scale", path);
    ok = ok && fill(params, file, path, err) && nx_plan_new(&plan, g, err);
    if (ok) {
        nx_params_realize(params, device);
        nx_plan_realize(plan, device);
        for (int i = 0; i < in->scales; i++) nx_plan_write(plan, x[i], in->values[i]);
        nx_plan_run(plan);
        nx_plan_read(plan, y, got);
        for (size_t i = 0; i < nx_shape_count(shape); i++) {
            double d = fabs((double)got[i] - (double)want[i]);
            if (!(d <= *difference)) *difference = d; /* NaN too */
            if (fabs((double)want[i]) > *largest) *largest = fabs((double)want[i]);
        }
    }
    nx_plan_free(plan);
    nx_graph_free(g);
    free(want);
    free(got);
    return ok;
}

static int command_check(int argc, char **argv)
{
    if (argc != 2) return usage_error("check", "one file is named, not %d", argc - 1);
    const char *path = argv[1];
    nx_error err;
    nx_tensor_file *file;
    inputs in = {0};
    nx_params *params = nx_params_new();
    nx_device *device = NULL;
    double difference = 0, largest = 0;
    bool ok = nx_tensor_file_open(&file, path, &err);
    if (ok) {
        ok = read_inputs(&in, file, path, &err) && device_open(&device, (nx_device_options){0}, &err) &&
             compare(path, file, &in, device, params, &difference, &largest, &err);
        nx_tensor_file_free(file);
    }
    for (int i = 0; i < in.scales; i++) free(in.values[i]);
    nx_params_free(params);
    nx_device_free(device);
    if (!ok) return fail_with(&err, EXIT_REQUEST);
    bool fine = difference <= most * largest;
    printf("%s: %d scales, largest difference %.3g, %.3g of the largest number %.4g: %s\n", path, in.scales, difference,
           difference / largest, largest, fine ? "the same network" : "DIFFERENT");
    return fine ? EXIT_DONE : EXIT_FAILED;
}

const command check_command = {
    .name = "check",
    .run = command_check,
    .usage = "check FILE",
    .does = "golden inputs of a texture network against its golden output",
};
