/* One operator case: a row of tests/cases.h. */
#ifndef NX_TESTS_OP_CASE_H
#define NX_TESTS_OP_CASE_H

#include "graph/graph.h"
#include "ops/activation.h"

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
    const char *op, *name;
    nx_tensor *(*build)(nx_graph *g, nx_tensor *const *in, const op_case *c);  /* records the operation */
    void (*reference)(const op_case *c, const double *const *in, double *out); /* out is zeroed before */
    nx_shape in[OP_INPUTS];                                                    /* an empty shape ends the list */
    nx_shape out;
    const void *options; /* whatever build and reference agree on */
    op_range range[OP_INPUTS];
    unsigned no_gradient;      /* bit i: none by input i */
    double tolerance;          /* forward, relative to the largest magnitude of the output; 0: 2e-6 */
    double gradient_tolerance; /* likewise; 0: 1e-5 */
    int probes;                /* elements of each input that finite differences probe; 0: 24 */
    bool timed;                /* a size of real use, for `nstx bench ops` alone: too large for naive loops */
};

#define NO_GRADIENT (~0u) /* in no_gradient: not differentiable */

/* Declares build and reference of an operation, which bench/ops.c and tests/ops/NOUN.c define. */
#define OP(noun)                                                                                                       \
    nx_tensor *noun##_build(nx_graph *g, nx_tensor *const *in, const op_case *c);                                      \
    void noun##_reference(const op_case *c, const double *const *in, double *out);

#define ROW(noun, text, ...)                                                                                           \
    {                                                                                                                  \
        .op = #noun, .name = text, .build = noun##_build, .reference = noun##_reference, __VA_ARGS__                   \
    }

static inline int op_inputs(const op_case *c)
{
    int n = 0;
    while (n < OP_INPUTS && c->in[n].n) n++;
    return n;
}

/* What input i of weighted_sum weighs. */
static inline float weight_of(int i) { return i == 1 ? -1.f : (float)(i + 1) / 4; }

/* What a fused activation makes of a number. */
double op_activated(double v, nx_activation activation, float slope);

/* The index of an element of an NHWC array. */
static inline size_t at(nx_shape s, int n, int h, int w, int c)
{
    return (((size_t)n * (size_t)s.h + (size_t)h) * (size_t)s.w + (size_t)w) * (size_t)s.c + (size_t)c;
}

#endif
