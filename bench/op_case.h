/* The operator cases: every operation at several shapes and options, with its naive reference in double. One table that
 * drives forward and gradient tests (tests/test_ops.c), the self-test of a device (`nstx doctor`, and the first run
 * that launches a kernel on it) and timings (`nstx bench ops`).
 *
 * To add the cases of framework/ops/NOUN, write bench/cases/NOUN.c; nothing lists it. In it
 *
 *     static nx_tensor *NOUN_build(nx_graph *g, nx_tensor *const *in, const op_case *c)          records the operation
 *     static void NOUN_reference(const op_case *c, const double *const *in, double *out)         computes the same, in
 *                                        plain loops over doubles and without a thought for speed; out is zeroed before
 *     static const op_case rows[] = {
 *         ROW(NOUN, "odd", .in = {{2, 5, 7, 3}, ...}, .out = {2, 5, 7, 3}, .options = &(const T){...}, .doctor = true),
 *     };
 *     OP_TABLE(NOUN, rows);
 *
 * c gives shapes and options, as in `const nx_pool_options *o = c->options`. What is left out of a row has the usual
 * value. Sizes: odd ones, batches of 1 and more, channels 1, 3, 5, 16, 17, 64. Each operation has a row for
 * the doctor at least. What checks a row is bench/op_check. */
#ifndef BENCH_OP_CASE_H
#define BENCH_OP_CASE_H

#include "device/program.h"
#include "graph/graph.h"
#include "ops/activation.h"
#include "ops/pad.h"

#include <string.h>

enum { OP_INPUTS = 8 };

typedef enum op_values {
    VALUES_UNIFORM, /* uniform noise in [low, high] */
    VALUES_GRID     /* distinct values in [low, high], evenly spaced and shuffled, none near 0: no ties, no kinks */
} op_values;

typedef struct op_range { /* of the values of one input; low == high: -1 to 1 */
    op_values kind;
    float low, high;
} op_range;

typedef struct op_case op_case;
struct op_case {
    const char *name; /* "conv/3x3, 3 to 16": the operation and what is special */
    nx_tensor *(*build)(nx_graph *g, nx_tensor *const *in, const op_case *c);
    void (*reference)(const op_case *c, const double *const *in, double *out);

    /* Where the gradient is not the value's derivative: dx by the first input, with dy that of the output. NULL: it is
     * the derivative, as differences of the reference give it. */
    void (*gradient)(const op_case *c, const double *const *in, const double *dy, double *dx);

    /* Instead of all that, for what is no operation of a graph: runs it and gives the largest error, relative to the
     * largest magnitude; and adds the programs that it launches. */
    double (*check)(nx_device *device, const op_case *c);
    void (*programs)(const nx_device_info *info, const op_case *c, nx_program_list *out);

    nx_shape in[OP_INPUTS]; /* an empty shape ends the list */
    nx_shape out;
    const void *options; /* whatever build and reference agree on */
    op_range range[OP_INPUTS];
    unsigned no_gradient;      /* bit i: none by input i */
    double tolerance;          /* forward, relative to the largest magnitude of the output; 0: 2e-6 */
    double gradient_tolerance; /* likewise; 0: 1e-5 */
    int probes;                /* elements of each input that finite differences probe; 0: 24 */
    bool doctor;               /* also on users' devices, by `nstx doctor` */
    bool first_use;            /* and before the first run on one, whatever kernels it launches */
    bool timed;                /* a size of real use, for `nstx bench ops` alone: too large for naive loops */
};

#define NO_GRADIENT (~0u) /* in no_gradient: not differentiable */

#define ROW(noun, text, ...)                                                                                           \
    {                                                                                                                  \
        .name = #noun "/" text, .build = noun##_build, .reference = noun##_reference, __VA_ARGS__                      \
    }

/* A row that is checked by a function of its own, NOUN_check, and launches what NOUN_programs says. */
#define CHECKED_ROW(noun, text, ...)                                                                                   \
    {                                                                                                                  \
        .name = #noun "/" text, .check = noun##_check, .programs = noun##_programs, .no_gradient = NO_GRADIENT,        \
        __VA_ARGS__                                                                                                    \
    }

/* ---- all of them: the files of bench/cases/, in the order of their names ---- */

typedef struct op_table {
    const op_case *rows;
    size_t count;
} op_table;

#define OP_TABLE(noun, rows) const op_table noun##_cases = {rows, sizeof(rows) / sizeof *(rows)}

extern const op_table *const op_tables[]; /* made by the build */
extern const size_t op_table_count;

size_t op_case_count(void);
const op_case *op_case_at(size_t i);
const op_case *op_case_named(const char *name); /* NULL: there is none */

/* Whose products a device may compute in another precision than float32. */
static inline bool op_is_convolution(const op_case *c) { return !strncmp(c->name, "conv", 4); }

/* ---- for references ---- */

static inline int op_inputs(const op_case *c)
{
    int n = 0;
    while (n < OP_INPUTS && c->in[n].n) n++;
    return n;
}

/* The index of an element of an NHWC array. */
static inline size_t at(nx_shape s, int n, int h, int w, int c)
{
    return (((size_t)n * (size_t)s.h + (size_t)h) * (size_t)s.w + (size_t)w) * (size_t)s.c + (size_t)c;
}

/* What a fused activation makes of a number. */
double op_activated(double v, nx_activation activation, float slope);

/* The pixel of an axis of n that stands for i, which may lie outside; -1: zero. */
int op_source(int i, int n, nx_padding mode);

#endif
