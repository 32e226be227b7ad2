/* nstx figure: the figures and tables of the papers, each with its picture and a table of claims. */
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "commands/apply_options.h"
#include "commands/cli.h"
#include "commands/json.h"
#include "commands/terminal.h"
#include "config/installed.h"
#include "figures/claims_table.h"
#include "figures/figure_work.h"
#include "io/files.h"
#include "run/interrupt.h"
#include "runfile/own.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char figure_options[] =
    "Without a name it lists the figures. Runs are kept below DIR and used again.\n"
    "  --scale ci|laptop|paper  how large the runs are; laptop without it\n"
    "  -s section.key=value    a setting of all runs, such as descriptor.weights=FILE\n"
    "  --seeds N               of every figure that has one seed also seeds 2 to N, with pages of their own\n"
    "  --model FILE            a trained generator of your own, for figures about one\n"
    "  -o DIR                  where pages and runs go; figures without it\n"
    "  --table                 runs nothing: the claims of the figures that are in DIR, all scales and seeds side by\n"
    "                          side\n"
    "  --quiet                 no messages on the way\n"
    "  --json                  claims and verdicts for programs\n";

static const char *const verdict_paint[] = {[FAILS] = TERMINAL_BAD, [HOLDS] = TERMINAL_GOOD, [OPEN] = TERMINAL_NOTE};

/* ---- what is asked ---- */

typedef struct chosen {
    const figure_paper *paper;
    const figure *figure;
} chosen;

typedef struct asked {
    figure_request request;
    config_request settings;
    chosen *figures;
    size_t count;
    int seeds;
    bool json, table;
} asked;

static void list_figures(FILE *out)
{
    const figure_paper *p;
    for (size_t i = 0; (p = figure_paper_at(i)); i++) {
        fprintf(out, "%s\n", p->citation);
        for (const figure *f = p->figures; f->name; f++) {
            char *name = nx_format("%s/%s", p->name, f->name);
            fprintf(out, "  %-30s %s\n", name, f->title);
            free(name);
        }
    }
}

static bool is_chosen(const asked *a, const figure *f)
{
    for (size_t i = 0; i < a->count; i++)
        if (a->figures[i].figure == f) return true;
    return false;
}

/* Adds the figures that a word names: all, PAPER or PAPER/NAME. */
static bool choose(asked *a, const char *word)
{
    bool any = false;
    const figure_paper *p;
    for (size_t i = 0; (p = figure_paper_at(i)); i++)
        for (const figure *f = p->figures; f->name; f++) {
            char *name = nx_format("%s/%s", p->name, f->name);
            bool named = !strcmp(word, "all") || !strcmp(word, p->name) || !strcmp(word, name);
            any = any || named;
            if (named && !is_chosen(a, f)) {
                NX_GROW(a->figures, a->count);
                a->figures[a->count++] = (chosen){p, f};
            }
            free(name);
        }
    if (any) return true;
    fprintf(stderr, "nstx: no figure \"%s\"; there are\n", word);
    list_figures(stderr);
    return false;
}

enum { SEEDS_MOST = 1000 };

/* False after a message. */
static bool parse(asked *a, int argc, char **argv)
{
    static const struct option longs[] = {{"scale", required_argument, NULL, 'S'},
                                          {"model", required_argument, NULL, 'm'},
                                          {"quiet", no_argument, NULL, 'q'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"table", no_argument, NULL, 't'},
                                          {"seeds", required_argument, NULL, 'n'},
                                          {NULL, 0, NULL, 0}};
    *a = (asked){
        .request = {.command = cli_line(), .again = cli_again(), .scale = SCALE_LAPTOP, .folder = "figures", .seed = 1},
        .seeds = 1};
    opterr = 0;
    optind = 1;
    for (int o; (o = getopt_long(argc, argv, "s:o:", longs, NULL)) != -1;) {
        int scale = SCALE_PAPER;
        if (o == 's')
            config_request_set(&a->settings, optarg);
        else if (o == 'o')
            a->request.folder = optarg;
        else if (o == 'm')
            a->request.model = optarg;
        else if (o == 'q')
            nx_log_set(NX_LOG_WARN);
        else if (o == 'j')
            a->json = true;
        else if (o == 't')
            a->table = true;
        else if (o == 'n') {
            if (!option_count(optarg, SEEDS_MOST, &a->seeds))
                return usage_error("figure", "--seeds takes a whole number from 1 to %d, not %s", SEEDS_MOST, optarg),
                       false;
        } else if (o == 'S') {
            while (scale <= SCALE_CI && strcmp(optarg, figure_scale_name((config_scale)scale))) scale++;
            if (scale > SCALE_CI) return usage_error("figure", "no scale \"%s\": ci, laptop or paper", optarg), false;
            a->request.scale = (config_scale)scale;
        } else
            return usage_error("figure", "unknown or incomplete option %s", argv[optind - 1]), false;
    }
    if (a->seeds > 1 && (a->request.model || a->table))
        return usage_error("figure", "--seeds %d: is of runs, of which there are none with %s", a->seeds,
                           a->table ? "--table" : "--model"),
               false;
    a->request.overrides = a->settings.settings;
    a->request.override_count = a->settings.count;
    if (a->seeds > 1 && (figure_request_setting(&a->request, "experiment.seed") ||
                         figure_request_setting(&a->request, "sweep.experiment.seed")))
        return usage_error("figure", "--seeds %d: counts experiment.seed from 1, so -s leaves it alone", a->seeds),
               false;
    for (int i = optind; i < argc; i++)
        if (!choose(a, argv[i])) return false;
    for (size_t i = 0; a->request.model && i < a->count; i++)
        if (!a->figures[i].figure->one_generator)
            return usage_error("figure", "--model: %s/%s is not about one generator alone", a->figures[i].paper->name,
                               a->figures[i].figure->name),
                   false;
    return true;
}

/* ---- one figure ---- */

typedef struct tally {
    size_t verdict[3];
} tally;

/* Columns as wide as their widest text. */
static void print_claims(FILE *out, const figure_claim_text *c, size_t count)
{
    static const char *const heads[] = {"claim", "paper", "ours", "verdict"};
    int width[3];
    for (int k = 0; k < 3; k++) {
        width[k] = (int)strlen(heads[k]);
        for (size_t i = 0; i < count; i++) {
            const char *text[] = {c[i].claim, c[i].paper, c[i].ours};
            if ((int)strlen(text[k]) > width[k]) width[k] = (int)strlen(text[k]);
        }
    }
    fprintf(out, "  %-*s  %-*s  %-*s  %s\n", width[0], heads[0], width[1], heads[1], width[2], heads[2], heads[3]);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "  %-*s  %-*s  %-*s  %s%s%s\n", width[0], c[i].claim, width[1], c[i].paper, width[2], c[i].ours,
                terminal_style(out, verdict_paint[c[i].verdict]), verdict_text(c[i].verdict),
                terminal_style(out, TERMINAL_END));
}

static void add_range(cJSON *json, const char *name, figure_range r)
{
    const double ends[] = {r.least, r.most};
    cJSON_AddItemToObject(json, name, cJSON_CreateDoubleArray(ends, 2));
}

static cJSON *claims_json(const char *name, int seed, const char *picture, double seconds, const figure_judged *j,
                          const figure_claim_text *c, size_t count)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "figure", name);
    cJSON_AddNumberToObject(json, "seed", seed);
    cJSON_AddStringToObject(json, "picture", picture);
    cJSON_AddNumberToObject(json, "seconds", seconds);
    if (j->runs) {
        cJSON *judged = cJSON_AddObjectToObject(json, "judged");
        add_range(judged, "steps", j->steps);
        add_range(judged, "pixels", j->pixels);
        if (j->losses) add_range(judged, "loss_change", j->change);
    }
    cJSON *list = cJSON_AddArrayToObject(json, "claims");
    for (size_t i = 0; i < count; i++) {
        cJSON *claim = cJSON_CreateObject();
        cJSON_AddStringToObject(claim, "claim", c[i].claim);
        cJSON_AddStringToObject(claim, "paper", c[i].paper);
        cJSON_AddStringToObject(claim, "ours", c[i].ours);
        cJSON_AddStringToObject(claim, "verdict", verdict_text(c[i].verdict));
        cJSON_AddItemToArray(list, claim);
    }
    return json;
}

/* Of the request's seed. Gives an exit code after a message; *alone: another seed would be none, for its runs have
 * several. */
static int make_page(const asked *a, const figure_request *r, const chosen *one, tally *sum, cJSON *results,
                     bool *alone)
{
    nx_error err;
    const char *paper = one->paper->name, *figure = one->figure->name;
    double begun = nx_now();
    figure_work *w = figure_work_new(r, one->paper, one->figure);
    char *picture = figure_page_path(r->folder, paper, figure, r->scale, r->seed, "png");
    char *table = figure_page_path(r->folder, paper, figure, r->scale, r->seed, "md");
    char *at = figure_request_scale(r), *name = nx_format("%s/%s", paper, figure);
    char *heading = nx_format("%s, %s", name, at);
    const figure_claim_text *claims;
    bool fine = may_write(picture, &err) && may_write(table, &err) && one->figure->make(w, &err);
    size_t count = figure_claims(w, &claims);
    figure_judged judged = {0};
    if (fine) judged = figure_judge(w);
    char *after = figure_judged_text(&judged);
    fine = fine && nx_folder_make(r->folder, &err) && page_save(figure_page(w), picture, &err) &&
           claims_table_save(table, heading, after, claims, count, &err);
    int code = fine ? EXIT_DONE : figure_interrupted(w) ? EXIT_INTERRUPTED : EXIT_FAILED;
    if (code) fail_with(&err, code);
    for (size_t i = 0; fine && i < count; i++) sum->verdict[claims[i].verdict]++;
    if (fine && a->json)
        cJSON_AddItemToArray(results, claims_json(name, r->seed, picture, nx_now() - begun, &judged, claims, count));
    if (fine && !a->json) {
        printf("%s%s%s  %s, %s, %.1f s\n  picture: %s\n", terminal_style(stdout, TERMINAL_BOLD), name,
               terminal_style(stdout, TERMINAL_END), one->figure->title, at, nx_now() - begun, picture);
        if (after) printf("  judged after %s\n", after);
        print_claims(stdout, claims, count);
        printf("\n");
        fflush(stdout);
    }
    *alone = figure_has_seeds(w);
    figure_work_free(w);
    free(heading), free(at), free(name), free(after);
    free(table);
    free(picture);
    return code;
}

/* With every seed. Gives an exit code after a message. */
static int make_figure(const asked *a, const chosen *one, tally *sum, cJSON *results)
{
    const char *paper = one->paper->name, *figure = one->figure->name;
    if (a->request.scale == SCALE_PAPER && one->figure->wants_vgg && !figure_request_weights(&a->request) &&
        !(a->request.model && one->figure->one_generator)) {
        fprintf(stderr,
                "nstx: %s/%s at the paper's scale wants a trained VGG-19: -s descriptor.weights=FILE, or vgg19, which "
                "`nstx weights get vgg19` fetches; --scale laptop needs none\n",
                paper, figure);
        return EXIT_REQUEST;
    }
    bool alone;
    int code = make_page(a, &a->request, one, sum, results, &alone);
    if (!code && alone && a->seeds > 1)
        nx_info("%s/%s: has runs of several seeds as it is; --seeds adds none", paper, figure);
    figure_request r = a->request;
    for (r.seed = 2; r.seed <= a->seeds && !code && !alone; r.seed++)
        code = make_page(a, &r, one, sum, results, &alone);
    return code;
}

static int print_table(const asked *a)
{
    claims_tables t = {0};
    nx_error err;
    for (size_t i = 0; i < a->count; i++)
        claims_tables_add(&t, a->request.folder, a->figures[i].paper->name, a->figures[i].figure->name);
    bool any = t.count ||
               nx_fail(&err, "%s: none of these figures is there: without --table they are made", a->request.folder);
    if (any) claims_tables_print(stdout, &t);
    claims_tables_free(&t);
    return any ? EXIT_DONE : fail_with(&err, EXIT_REQUEST);
}

static void print_names(void)
{
    const figure_paper *p;
    for (size_t i = 0; (p = figure_paper_at(i)); i++)
        for (const figure *f = p->figures; f->name; f++) printf(" %s/%s", p->name, f->name);
}

static int make_figures(asked *a)
{
    nx_error err;
    tally sum = {0};
    int code = EXIT_DONE;
    char *configs = installed_path("configs", &err);
    if (!configs) return fail_with(&err, EXIT_REQUEST);
    a->request.configs = configs;
    run_config_prepare();
    cJSON *results = cJSON_CreateArray();
    for (size_t i = 0; i < a->count && code != EXIT_INTERRUPTED; i++) {
        int end = make_figure(a, &a->figures[i], &sum, results);
        if (end) code = end;
    }
    if (a->json)
        print_json(results);
    else if (a->count > 1)
        printf("%zu figures%s: %zu claims hold, %zu do not, %zu are open at this scale\n", a->count,
               a->seeds > 1 ? " with their seeds" : "", sum.verdict[HOLDS], sum.verdict[FAILS], sum.verdict[OPEN]);
    cJSON_Delete(results);
    free(configs);
    return code;
}

static int command_figure(int argc, char **argv)
{
    asked a;
    int code = parse(&a, argc, argv) ? EXIT_DONE : EXIT_REQUEST;
    if (!code && !a.count)
        list_figures(stdout);
    else if (!code)
        code = a.table ? print_table(&a) : make_figures(&a);
    config_request_free(&a.settings);
    free(a.figures);
    return code;
}

const command figure_command = {
    .name = "figure",
    .run = command_figure,
    .usage = "figure [PAPER[/NAME]...|all] [--scale ci|laptop|paper] [OPTION]...",
    .does = "reproduces figures and tables of the papers: picture, claims, verdicts",
    .options = figure_options,
    .print_words = print_names,
};
