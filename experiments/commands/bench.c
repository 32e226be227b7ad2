/* nstx bench: how fast operations, steps and inference are on this device, held against what the device can do at most,
 * which is measured in the same run.
 *
 * A convolution counts the multiply-adds of the plain sum, so Winograd's algorithm may show more than the peak. */
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "bench/first_step.h"
#include "bench/workloads.h"
#include "commands/cli.h"
#include "commands/json.h"
#include "device/memory.h"
#include "machine/device.h"
#include "machine/kernel_cache.h"
#include "machine/wisdom_file.h"
#include "op_case.h"
#include "run/interrupt.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The tables, in the order in which they are printed. */
static const struct table {
    const char *name, *title;
    bool asked; /* only when it is named */
} tables[] = {
    {"ops", "operations, forward", false},
    {"steps", "steps", false},
    {"inference", "inference", false},
    {"start", "from the command line to the first step done, kernel cache warm", false},
    {"growth", "growth", true},
};
enum { TABLES = sizeof tables / sizeof *tables };

typedef struct bench {
    nx_device *device;
    measure_roof roof;
    double seconds;
    bool json, profile;
    nx_precision precision;
    const char *const *wanted; /* tables and rows that are named; none: every table but those that must be asked for */
    size_t n_wanted;
    cJSON *rows;
    double median[64]; /* of the workloads so far, for shares; 0: not timed */
} bench;

static bool named(const bench *b, const char *name)
{
    for (size_t i = 0; i < b->n_wanted; i++)
        if (!strcmp(b->wanted[i], name)) return true;
    return false;
}

static const struct table *table_of(const char *name)
{
    for (int i = 0; i < TABLES; i++)
        if (!strcmp(tables[i].name, name)) return &tables[i];
    return NULL;
}

static bool row_wanted(const bench *b, const char *table, const char *row)
{
    return named(b, table) || named(b, row) || (!b->n_wanted && !table_of(table)->asked);
}

/* ---- a row ---- */

static void print_header(const bench *b, const char *title)
{
    if (b->json) return;
    printf("\n%s\n%-52s %10s %6s %8s %6s %7s %6s %9s %7s\n", title, "", "ms", "+-", "GFLOP/s", "peak", "GB/s", "stream",
           "memory", "outside");
}

static void print_row(bench *b, const char *table, const char *name, const measured *m, uint64_t memory, double of_step)
{
    double flops = m->flops / m->times.seconds, bytes = m->bytes / m->times.seconds;
    if (b->json) {
        cJSON *row = cJSON_CreateObject();
        cJSON_AddStringToObject(row, "table", table);
        cJSON_AddStringToObject(row, "name", name);
        cJSON_AddNumberToObject(row, "seconds", m->times.seconds);
        cJSON_AddNumberToObject(row, "spread", m->times.spread);
        cJSON_AddNumberToObject(row, "runs", m->times.runs);
        cJSON_AddNumberToObject(row, "gflops", flops * 1e-9);
        cJSON_AddNumberToObject(row, "peak_share", flops / b->roof.flops);
        cJSON_AddNumberToObject(row, "gbytes_per_second", bytes * 1e-9);
        cJSON_AddNumberToObject(row, "stream_share", bytes / b->roof.bytes);
        cJSON_AddNumberToObject(row, "memory_bytes", (double)memory);
        cJSON_AddNumberToObject(row, "outside_kernels", m->outside);
        if (of_step > 0) cJSON_AddNumberToObject(row, "share_of_step", of_step);
        cJSON_AddItemToArray(b->rows, row);
        return;
    }
    char text[16];
    printf("%-52s %10.3f %5.1f%% %8.1f %5.0f%% %7.1f %5.0f%% %9s %6.1f%%", name, 1e3 * m->times.seconds,
           100 * m->times.spread, flops * 1e-9, 100 * flops / b->roof.flops, bytes * 1e-9, 100 * bytes / b->roof.bytes,
           nx_bytes_text(text, (double)memory), 100 * m->outside);
    if (of_step > 0) printf("  %.1f%% of the step it serves", 100 * of_step);
    printf("\n");
    fflush(stdout);
}

static void print_profile(const bench *b, nx_plan *plan)
{
    size_t count;
    const nx_plan_line *lines = nx_plan_profile(plan, &count);
    double all = 0;
    for (size_t i = 0; i < count; i++) all += lines[i].seconds;
    for (size_t i = 0; i < count; i++)
        printf("  %-50s %9.1f%% of the time %8.1f %5.0f%% %7.1f %5.0f%%\n", lines[i].name, 100 * lines[i].seconds / all,
               lines[i].flops / lines[i].seconds * 1e-9, 100 * lines[i].flops / lines[i].seconds / b->roof.flops,
               lines[i].bytes / lines[i].seconds * 1e-9, 100 * lines[i].bytes / lines[i].seconds / b->roof.bytes);
}

/* ---- the tables ---- */

/* Bytes that must move at least: what goes in and what comes out. */
static double least_bytes(const op_case *c)
{
    double bytes = (double)nx_shape_count(c->out) * sizeof(float);
    for (int i = 0; i < op_inputs(c); i++) bytes += (double)nx_shape_count(c->in[i]) * sizeof(float);
    return bytes;
}

/* The i-th case of a size of real use; NULL: there are no more. */
static const op_case *timed(size_t i)
{
    for (size_t k = 0; k < op_case_count(); k++)
        if (op_case_at(k)->timed && !i--) return op_case_at(k);
    return NULL;
}

static size_t timed_count(void)
{
    size_t count = 0;
    while (timed(count)) count++;
    return count;
}

static void bench_ops(bench *b)
{
    const op_case *c;
    for (size_t i = 0; !interrupt_wanted() && (c = timed(i)); i++) {
        if (!row_wanted(b, "ops", c->name)) continue;
        nx_graph *g = nx_graph_new(&b->device->info);
        nx_plan *plan = measure_record(g, c, b->device);
        measured m = measure_plan(plan, b->device, b->seconds / 10);
        m.bytes = least_bytes(c);
        print_row(b, "ops", c->name, &m, nx_memory_total(b->device), 0);
        if (b->profile) print_profile(b, plan);
        nx_plan_free(plan);
        nx_graph_free(g);
    }
}

static size_t index_of(const char *name)
{
    size_t i = 0;
    while (i < workload_count && strcmp(workloads[i].name, name)) i++;
    return i;
}

static measure_times time_row(bench *b, const workload_row *row, bool print, uint64_t *memory)
{
    workload *w = workload_new(row, b->device);
    workload_result r = workload_measure(w, row->axis ? b->seconds / 5 : b->seconds);
    double step = row->beside ? b->median[index_of(row->beside)] : 0;
    b->median[row - workloads] = r.m.times.seconds;
    if (print) print_row(b, row->table, row->name, &r.m, r.memory, step > 0 ? r.m.times.seconds / step : 0);
    if (print && b->profile && !row->history) print_profile(b, workload_plan(w));
    workload_free(w);
    *memory = r.memory;
    return r.m.times;
}

static void bench_workloads(bench *b, const char *table)
{
    uint64_t memory;
    for (size_t i = 0; i < workload_count && !interrupt_wanted(); i++) {
        const workload_row *row = &workloads[i];
        if (strcmp(row->table, table) || !row_wanted(b, table, row->name)) continue;
        bool needs = row->beside && !(b->median[index_of(row->beside)] > 0);
        if (needs) time_row(b, &workloads[index_of(row->beside)], false, &memory);
        time_row(b, row, true, &memory);
    }
}

/* An interrupt waits until the folder of its runs is gone. */
static void bench_start(bench *b)
{
    nx_error err;
    measured m = {0};
    interrupt_hold();
    bool done = first_step_measure(&m.times, &err);
    if (interrupt_wanted()) return;
    interrupt_let_go(say_interrupted, NULL);
    if (done)
        print_row(b, "start", "first_step_256", &m, 0, 0);
    else
        fail_with(&err, EXIT_FAILED);
}

/* What was found of an axis. */
typedef struct growth {
    const growth_axis *axis;
    int rows, least, most; /* rows, and the values of the first and the last */
    double time, memory;   /* powers */
} growth;

/* The rows of an axis, timed. */
static growth grow(bench *b, const growth_axis *axis)
{
    enum { MOST = 8 };
    growth g = {.axis = axis};
    double n[MOST], seconds[MOST], bytes[MOST];
    for (size_t i = 0; i < workload_count && g.rows < MOST && !interrupt_wanted(); i++) {
        const workload_row *row = &workloads[i];
        uint64_t memory;
        if (!row->axis || strcmp(row->axis, axis->name)) continue;
        if (!g.rows) g.least = row->n;
        g.most = row->n;
        n[g.rows] = row->n;
        seconds[g.rows] = time_row(b, row, true, &memory).seconds;
        bytes[g.rows++] = (double)memory;
    }
    g.time = measure_power(n, seconds, (size_t)g.rows);
    g.memory = measure_power(n, bytes, (size_t)g.rows);
    return g;
}

static void print_growth(bench *b, const growth *all, size_t count)
{
    if (!b->json)
        printf("\n%-52s %12s %8s %8s %8s %8s\n", "power with which grow, with", "from", "to", "time", "memory",
               "expected");
    for (size_t i = 0; i < count; i++) {
        const growth *g = &all[i];
        if (b->json) {
            cJSON *line = cJSON_CreateObject();
            cJSON_AddStringToObject(line, "table", "growth");
            cJSON_AddStringToObject(line, "name", g->axis->name);
            cJSON_AddNumberToObject(line, "rows", g->rows);
            cJSON_AddNumberToObject(line, "time_exponent", g->time);
            cJSON_AddNumberToObject(line, "memory_exponent", g->memory);
            cJSON_AddNumberToObject(line, "expected_time_exponent", g->axis->time);
            cJSON_AddNumberToObject(line, "expected_memory_exponent", g->axis->memory);
            cJSON_AddItemToArray(b->rows, line);
        } else {
            printf("%-52s %12d %8d %8.2f %8.2f     at most %g, memory %g: %s\n", g->axis->of, g->least, g->most,
                   g->time, g->memory, g->axis->time, g->axis->memory, g->axis->why);
        }
    }
}

static void bench_growth(bench *b)
{
    growth all[16];
    size_t count = 0;
    NX_CHECK(growth_axis_count <= sizeof all / sizeof *all, "%zu axes", growth_axis_count);
    for (size_t i = 0; i < growth_axis_count; i++)
        if (row_wanted(b, "growth", growth_axes[i].name)) all[count++] = grow(b, &growth_axes[i]);
    if (!interrupt_wanted()) print_growth(b, all, count);
}

/* ---- the command ---- */

/* Those that may be named: the rows of an axis come together. */
static size_t row_count(void)
{
    size_t count = 0;
    while (count < workload_count && !workloads[count].axis) count++;
    return count;
}

static bool is_axis(const char *name)
{
    for (size_t i = 0; i < growth_axis_count; i++)
        if (!strcmp(growth_axes[i].name, name)) return true;
    return false;
}

static bool known(const char *name)
{
    if (table_of(name) || is_axis(name) || index_of(name) < row_count() || !strcmp(name, "first_step_256")) return true;
    const op_case *c = op_case_named(name);
    return c && c->timed;
}

static const char *name_at(size_t i, const void *context)
{
    (void)context;
    size_t rows = TABLES + row_count(), axes = rows + growth_axis_count;
    return i < TABLES ? tables[i].name
           : i < rows ? workloads[i - TABLES].name
           : i < axes ? growth_axes[i - rows].name
                      : timed(i - axes)->name;
}

/* Whether something of a table is to be printed. */
static bool table_wanted(const bench *b, const char *table)
{
    if (row_wanted(b, table, "")) return true;
    for (size_t i = 0; i < b->n_wanted; i++) {
        size_t k = index_of(b->wanted[i]);
        if (k < row_count()                           ? !strcmp(workloads[k].table, table)
            : !strcmp(b->wanted[i], "first_step_256") ? !strcmp(table, "start")
            : is_axis(b->wanted[i])                   ? !strcmp(table, "growth")
                                                      : !table_of(b->wanted[i]) && !strcmp(table, "ops"))
            return true;
    }
    return false;
}

static void run_tables(bench *b)
{
    for (int i = 0; i < TABLES && !interrupt_wanted(); i++) {
        const char *table = tables[i].name;
        if (!table_wanted(b, table)) continue;
        print_header(b, tables[i].title);
        if (!strcmp(table, "ops"))
            bench_ops(b);
        else if (!strcmp(table, "start"))
            bench_start(b);
        else if (!strcmp(table, "growth"))
            bench_growth(b);
        else
            bench_workloads(b, table);
    }
}

static bool parse(bench *b, int argc, char **argv)
{
    static const struct option longs[] = {{"seconds", required_argument, NULL, 's'},
                                          {"profile", no_argument, NULL, 'p'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"precision", required_argument, NULL, 'r'},
                                          {NULL, 0, NULL, 0}};
    opterr = 0;
    optind = 1;
    for (int o; (o = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        char *end = NULL;
        if (o == 's') {
            b->seconds = strtod(optarg, &end);
            if (*end || !(b->seconds > 0) || !(b->seconds <= 3600))
                return usage_error("bench", "--seconds %s: a number of seconds, such as 2", optarg), false;
        } else if (o == 'r') {
            if (!nx_precision_named(optarg, &b->precision))
                return usage_error("bench", "--precision %s: fp32, tf32 or bf16", optarg), false;
        } else if (o == 'p') {
            b->profile = true;
        } else if (o == 'j') {
            b->json = true;
        } else {
            return usage_error("bench", "unknown or incomplete option %s", argv[optind - 1]), false;
        }
    }
    b->wanted = (const char *const *)argv + optind;
    b->n_wanted = (size_t)(argc - optind);
    for (size_t i = 0; i < b->n_wanted; i++) {
        if (known(b->wanted[i])) continue;
        const char *near =
            nx_nearest(b->wanted[i], TABLES + row_count() + growth_axis_count + timed_count(), name_at, NULL);
        return usage_error("bench", "no table or row \"%s\"%s%s; tables: ops, steps, inference, start, growth",
                           b->wanted[i], near ? ": did you mean " : "", near ? near : ""),
               false;
    }
    if (b->json && b->profile) return usage_error("bench", "--profile prints lines for readers: without --json"), false;
    return true;
}

static void print_tables(void) { printf(" ops steps inference start growth"); }

static int command_bench(int argc, char **argv)
{
    bench b = {.seconds = 3};
    nx_error err;
    if (!parse(&b, argc, argv)) return EXIT_REQUEST;
    NX_CHECK(workload_count <= sizeof b.median / sizeof *b.median, "%zu workloads", workload_count);
    kernel_cache_take();
    interrupt_watch();
    interrupt_let_go(say_interrupted, NULL);
    if (!device_open(&b.device, (nx_device_options){.profile = true, .precision = b.precision}, &err))
        return fail_with(&err, interrupt_code(EXIT_REQUEST));
    const nx_device_info *info = &b.device->info;
    if (b.json) nx_log_set(NX_LOG_WARN);
    wisdom_file_use(info);
    b.rows = cJSON_CreateArray();
    b.roof = measure_peaks(b.device);
    if (!b.json)
        printf("%s (%s, driver %s)\npeak of multiply-adds %.1f GFLOP/s, of streaming %.1f GB/s\n", info->name,
               info->platform, info->driver, b.roof.flops * 1e-9, b.roof.bytes * 1e-9);
    run_tables(&b);
    interrupt_hold();
    int code = interrupt_goes_on(&err) ? EXIT_DONE : fail_with(&err, interrupt_code(EXIT_FAILED));
    if (b.json && !code) {
        cJSON *all = cJSON_CreateObject();
        cJSON_AddStringToObject(all, "device", info->name);
        cJSON_AddStringToObject(all, "driver", info->driver);
        cJSON_AddStringToObject(all, "precision", nx_precision_name(info->precision));
        cJSON_AddNumberToObject(all, "peak_gflops", b.roof.flops * 1e-9);
        cJSON_AddNumberToObject(all, "stream_gbytes_per_second", b.roof.bytes * 1e-9);
        cJSON_AddItemToObject(all, "rows", b.rows);
        print_json(all);
        cJSON_Delete(all);
    } else {
        cJSON_Delete(b.rows);
    }
    nx_device_free(b.device);
    return code;
}

const command bench_command = {
    .name = "bench",
    .run = command_bench,
    .usage = "bench [TABLE|ROW]... [--seconds S] [--precision P] [--profile] [--json]",
    .does = "how fast operations, steps and inference are, and what the device can do at most",
    .print_words = print_tables,
};
