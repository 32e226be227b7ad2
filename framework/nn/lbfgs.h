/* L-BFGS (Nocedal and Wright 2006, algorithms 7.4 and 7.5) for one parameter that lives on the device, a picture: the
 * vectors stay on the device, the numbers are the host's.
 *
 * Not an operation of a graph: a step asks for the value and the gradient, which a plan computes, and moves x.
 *
 *     nx_lbfgs_function f = {.x = picture, .gradient = gradient, .evaluate = run_the_plan, .context = plan};
 *     nx_lbfgs *o = nx_lbfgs_new(count, (nx_lbfgs_options){.history = 100});
 *     nx_lbfgs_realize(o, device);
 *     double value = f.evaluate(f.context);
 *     while (nx_lbfgs_step(o, &f, &value, 1) == NX_LBFGS_MOVED) ...
 *
 * As Torch7's optim.lbfgs: history pairs, H0 = y's / y'y, the first step 1 / sum|g| long and then as long as the
 * direction is. Other than there nothing depends on the function's scale: a pair is kept if y's > 1e-10 |y| |s|, the
 * first step is 1 / sum|g| long however small g is, a step may be bounded, the gradient is multiplied by a power of two
 * that brings the first one near 1. So a loss of 1e-16 is minimised like one of 1. Where the first steps meet no
 * positive curvature, as style losses have none at a grey picture, each goes four times as far as the one before. With
 * all tolerances 0 nothing but a zero gradient, an x that does not move, or no descent ends it.
 *
 * The two loops run over coefficients on the host: each step takes the products of the new s, y and g with all rows of
 * the history (one pass, one read of the host), and then the direction as their weighted sum (a second pass).
 *
 * With bounds it is the two-metric projection of Bertsekas (Projected Newton methods for optimization problems with
 * simple constraints, SIAM J. Control and Optimization 20, 1982). Held is what stands at a bound that downhill leads
 * out of. The direction is the history's for the gradient without what is held, and 0 there; x goes along the path
 * that the bounds bend, x(t) = P(x + t d), and the line search asks for the slope of that path. A pair is kept without
 * what is held at its end (Kelley, Iterative Methods for Optimization, 1999, 5.5.3), so once the same numbers stay held
 * it is L-BFGS of the others. Where no step along the path goes down, the gradient's own path is tried, which does
 * unless x is a minimum.
 */
#ifndef NX_NN_LBFGS_H
#define NX_NN_LBFGS_H

#include "device/program.h"
#include "graph/graph.h"

enum { NX_LBFGS_CHANNELS = 4 }; /* at most: of bounds */

typedef struct nx_lbfgs_options {
    int history;      /* pairs that are kept */
    bool float32;     /* keeps them in float32; else in bfloat16, half of the memory and of its traffic */
    bool wolfe;       /* line search for the strong Wolfe conditions; else the step is taken as it is */
    float first;      /* the first step moves some coordinate at least this far: what x can represent. 0: 1 / sum|g| */
    float longest;    /* without the line search: bound on the root mean square of a step. 0: none */
    double tolerance; /* ends where the root mean square of g, without what a bound holds, is at most this */
    double least_change; /* ends where the root mean square of a step, without what a bound holds, is at most this */
    int channels;        /* lower[i % channels] <= x[i] <= upper[i % channels], where x starts, too; 0: no bounds */
    float lower[NX_LBFGS_CHANNELS], upper[NX_LBFGS_CHANNELS];
} nx_lbfgs_options;

typedef struct nx_lbfgs_function {
    const nx_param *x;
    const nx_tensor *gradient;         /* by x; kept, its plan realized */
    double (*evaluate)(void *context); /* the value at x as it is now; fills the gradient */
    void *context;
} nx_lbfgs_function;

typedef enum nx_lbfgs_end {
    NX_LBFGS_MOVED,      /* goes on */
    NX_LBFGS_FLAT,       /* the gradient is zero, or within the tolerance, but for what bounds hold */
    NX_LBFGS_STILL,      /* x does not change any more, neither along a fresh gradient */
    NX_LBFGS_NOT_FINITE, /* the value or the gradient is no number */
    NX_LBFGS_NO_DESCENT  /* the line search finds no lower value, neither along a fresh gradient */
} nx_lbfgs_end;
const char *nx_lbfgs_end_text(nx_lbfgs_end end);

typedef struct nx_lbfgs nx_lbfgs;

nx_lbfgs *nx_lbfgs_new(size_t count, nx_lbfgs_options options);
void nx_lbfgs_free(nx_lbfgs *o); /* before nx_device_free */

/* What nx_lbfgs_realize allocates. */
uint64_t nx_lbfgs_bytes(size_t count, nx_lbfgs_options options, const nx_device_info *info);
void nx_lbfgs_realize(nx_lbfgs *o, nx_device *device);

/* Adds the programs that it will launch. */
void nx_lbfgs_programs(nx_lbfgs_options options, const nx_device_info *info, nx_program_list *out);

/* Moves x once. *value: of f at x, evaluated last. With the line search it becomes the value at the new x; without, the
 * caller evaluates again. rate: on the step's length. Restarts with an empty history, once, where the step
 * degenerates. */
nx_lbfgs_end nx_lbfgs_step(nx_lbfgs *o, const nx_lbfgs_function *f, double *value, double rate);

/* ---- checkpoints: with these, x and the same calls it continues bit for bit ---- */

/* The scalars, as whole numbers. */
enum { NX_LBFGS_NUMBERS = 6 };
typedef struct nx_lbfgs_number {
    const char *name;
    uint64_t value;
} nx_lbfgs_number;
void nx_lbfgs_numbers(const nx_lbfgs *o, nx_lbfgs_number out[NX_LBFGS_NUMBERS]); /* the names are literals */

/* The vectors, `count` floats each: how many the state of these numbers has, and one of them. Restoring: the numbers
 * first, by nx_lbfgs_set_numbers in the order of nx_lbfgs_numbers (false if they are none of these options'), then
 * every vector, then nx_lbfgs_restored. */
size_t nx_lbfgs_vectors(const nx_lbfgs *o);
size_t nx_lbfgs_vectors_after(uint64_t steps, nx_lbfgs_options options); /* where every step gave a pair */
void nx_lbfgs_read(const nx_lbfgs *o, size_t i, float *out);
bool nx_lbfgs_set_numbers(nx_lbfgs *o, const uint64_t values[NX_LBFGS_NUMBERS]);
void nx_lbfgs_write(nx_lbfgs *o, size_t i, const float *values);
void nx_lbfgs_restored(nx_lbfgs *o);

#endif
