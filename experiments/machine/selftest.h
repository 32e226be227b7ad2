/* A numeric test of operations on the device at hand: rows of the operator cases (bench/op_case.h), forward and
 * backward, all twice for the same bits. No files.
 *
 * For users' machines: before a run trusts a kernel (machine/first_use), and `nstx doctor`; tests/test_ops.c, which
 * runs all cases, is the thorough one.
 *
 *     selftest_rows rows = selftest_thorough(&device->info);
 *     selftest_result r = selftest(device, &rows, NULL, NULL);
 *     printf("%d of %d failed, largest error %g in %s", r.failed, r.cases, r.error, r.worst);
 *     selftest_rows_free(&rows);
 */
#ifndef MACHINE_SELFTEST_H
#define MACHINE_SELFTEST_H

#include "device/program.h"

/* What is tested: rows, and for each by which inputs not backward; and programs that are built before. */
typedef struct selftest_row {
    const struct op_case *c;
    unsigned no_gradient;
} selftest_row;

typedef struct selftest_rows {
    selftest_row *items;
    size_t count;
    nx_program_list programs;
} selftest_rows;

/* The doctor's: every operation. What the rows launch is built before, what compiles longest first. */
selftest_rows selftest_thorough(const nx_device_info *info);

/* Rows that launch all these programs: of those that launch the very same, the ones that launch the least beside, then
 * the doctor's, then the smallest. Where none does, the same kernel with other defines stands for it. The programs are
 * built before, and so is what the rows launch beside; those that compile longest come first. fresh: with what is asked
 * of every device, whatever it runs (first_use in op_case.h). */
selftest_rows selftest_covering(const nx_device_info *info, const nx_program_list *programs, bool fresh);
void selftest_rows_free(selftest_rows *rows);

enum { SELFTEST_TOLD = 8 };

typedef struct selftest_failure {
    size_t row;
    char text[128]; /* "conv/3x3, 3 to 16 is off by 0.1", "scale/1/3 differs between two runs" */
} selftest_failure;

typedef struct selftest_result {
    int cases, failed;
    selftest_failure failures[SELFTEST_TOLD]; /* the first of those that failed, by row */
    double error;   /* of the operation that comes closest to what it is allowed, relative to its largest magnitude */
    double closest; /* its error over what it is allowed */
    char worst[96];
} selftest_result;

/* For a process of its own: what it is at, for one that watches it, and how long it may be at that. Kernels are
 * compiled one after another, which takes minutes in all with some drivers, but not for one case. */
typedef struct selftest_watch {
    int patience;   /* SIGALRM comes after so many seconds without a step */
    char step[160]; /* "conv/3x3, 3 to 16: compiling"; empty before and after */
} selftest_watch;

/* Of processes that divide the work among them, in memory that they share; {0} at first. Each takes the next program
 * when it has built one, and, once all are built, the next row. */
typedef struct selftest_share {
    _Atomic size_t next, built;
} selftest_share;

/* share, watch: NULL for none. */
selftest_result selftest(nx_device *device, const selftest_rows *rows, selftest_share *share, selftest_watch *watch);

/* Adds what another of them found. */
void selftest_add(selftest_result *sum, const selftest_result *part);

/* What failed, "A; B; and 3 more"; owned by the caller. */
char *selftest_failures(const selftest_result *r);

#endif
