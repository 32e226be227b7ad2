/* Classification: a network learns the class of a picture, by the cross-entropy of its softmax (ops/cross_entropy), on
 * random crops; what is held out is judged by the crop in its middle. */
#include "run/train.h"

#include "base/memory.h"
#include "base/text.h"
#include "config/made.h"
#include "config/sweep_points.h"
#include "io/classes.h"
#include "networks/classifiers.h"
#include "ops/cross_entropy.h"
#include "ops/random.h"
#include "runfile/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { FEW = 5 }; /* the 5 of top-5, which means something where there are more classes */

typedef struct classifying {
    trainer trainer;
    nx_classes train, held; /* of content and of what is held out; their paths are the trainer's */
    uint64_t hash;          /* of every picture's class, and of the classes' names */
    float *labels;          /* of the batch that ran last */
} classifying;

/* A side's own. */
typedef struct answers {
    nx_tensor *labels, *logits; /* logits: kept */
} answers;

static int classes_of(const classifying *t) { return (int)t->train.classes; }

/* ---- recording ---- */

static bool record(trainer *base, side *s, nx_params *params, int size, nx_error *err)
{
    classifying *t = (classifying *)base;
    const config *c = base->task.c;
    nx_scope scope = train_scope(base, s, params);
    answers *a = s->own = nx_alloc(sizeof *a);
    if (!classifier_check_size(c, size, err)) return false;
    if (s->training && c->classifier.dropout > 0) s->random = nx_input(s->g, NX_RANDOM_STATE, "random");
    a->labels = nx_input(s->g, (nx_shape){s->batch, 1, 1, 1}, "labels");
    nx_graph_label(s->g, "classifier");
    classifier_inputs in = {.pixels = s->content, .random = s->random, .classes = classes_of(t)};
    a->logits = nx_keep(classifier_record(c, &scope, &in));
    objective_add(&s->objective, OBJECTIVE_CLASSES, "cross_entropy",
                  nx_cross_entropy(s->g, a->logits, a->labels, (float)c->loss.label_smoothing), 1);
    nx_graph_label(s->g, NULL);
    return true;
}

/* The labels of the batch that the loader gave out last, which is the one that runs now. */
static void feed(const trainer *base, side *s, const char *stream, uint64_t step)
{
    const classifying *t = (const classifying *)base;
    const answers *a = s->own;
    (void)stream, (void)step;
    nx_loader_labels(s->training ? base->loader : base->held_out, t->labels);
    nx_plan_write(s->plan, a->labels, t->labels);
}

/* ---- how many are right ---- */

/* The first of the largest, and how many come before the right one. */
static int largest_of(const float *logits, int classes)
{
    int best = 0;
    for (int k = 1; k < classes; k++)
        if (logits[k] > logits[best]) best = k;
    return best;
}

static int rank_of(const float *logits, int classes, int right)
{
    int before = 0;
    for (int k = 0; k < classes; k++)
        before += logits[k] > logits[right] || (!(logits[k] < logits[right]) && k < right);
    return before;
}

typedef struct tally {
    size_t pictures, first, few; /* of these those whose class is the first, or among the first few */
    size_t *confusion;           /* [class][answer]; NULL: it is not asked for */
} tally;

/* Adds the batch that a side ran last. */
static void count(const classifying *t, const side *s, tally *out)
{
    const answers *a = s->own;
    int classes = classes_of(t);
    float *logits = nx_alloc(nx_shape_count(a->logits->shape) * sizeof *logits), *at = logits;
    nx_plan_read(s->plan, a->logits, logits);
    for (int n = 0; n < s->batch; n++, at += classes) {
        int right = (int)t->labels[n], rank = rank_of(at, classes, right);
        out->pictures++;
        out->first += rank == 0;
        out->few += rank < FEW;
        if (out->confusion) out->confusion[right * classes + largest_of(at, classes)]++;
    }
    free(logits);
}

static void log_tally(const classifying *t, runfile *file, const tally *of, const char *prefix, task_row row)
{
    char name[32];
    double all = (double)of->pictures;
    snprintf(name, sizeof name, "%stop1", prefix);
    runfile_metric(file, name, 1, (int64_t)row.step, row.seconds, (double)of->first / all);
    snprintf(name, sizeof name, "%stop5", prefix);
    if (classes_of(t) > FEW) runfile_metric(file, name, 1, (int64_t)row.step, row.seconds, (double)of->few / all);
}

static void log_row(const task *base, runfile *file, task_row row)
{
    const classifying *t = (const classifying *)base;
    tally of = {0};
    count(t, &t->trainer.train, &of);
    log_tally(t, file, &of, "", row);
}

/* ---- what is looked at ---- */

/* The matrix of confusion, a row for each class and a column for each answer: from white, none of the row's pictures,
 * to black, all of them. */
enum { MATRIX = 480 }; /* pixels a side, about */

static int cell_of(const classifying *t) { return classes_of(t) < MATRIX ? MATRIX / classes_of(t) : 1; }

static nx_image draw_confusion(const classifying *t, const size_t *confusion)
{
    int classes = classes_of(t), cell = cell_of(t), side = classes * cell;
    nx_image out = nx_image_new(side, side);
    for (int y = 0; y < side; y++) {
        const size_t *row = confusion + (size_t)(y / cell) * (size_t)classes;
        size_t all = 0;
        for (int k = 0; k < classes; k++) all += row[k];
        for (int x = 0; x < side; x++) {
            float *rgb = out.rgb + ((size_t)y * (size_t)side + (size_t)x) * 3;
            bool line = cell > 4 && (x % cell == 0 || y % cell == 0);
            float share = all ? (float)row[x / cell] / (float)all : 0;
            rgb[0] = rgb[1] = rgb[2] = line ? 200 : 255 * (1 - share);
        }
    }
    return out;
}

static bool log_confusion(const classifying *t, runfile *file, const size_t *confusion, task_row row, nx_error *err)
{
    nx_image picture = draw_confusion(t, confusion);
    bool ok = train_log_picture(file, "confusion", &picture, row, err);
    nx_image_free(&picture);
    return ok;
}

static void find(trainer *base, void *context, uint64_t batch, const float *pixels)
{
    (void)batch, (void)pixels;
    count((const classifying *)base, &base->valid, context);
}

static task_did look(task *base, runfile *file, task_row row, bool pictures, nx_error *err)
{
    classifying *t = (classifying *)base;
    trainer *r = &t->trainer;
    objective_values mean;
    tally of = {0};
    if (!r->valid.plan) return TASK_DID;
    if (pictures) of.confusion = nx_alloc((size_t)classes_of(t) * (size_t)classes_of(t) * sizeof *of.confusion);
    task_did did = train_validate(r, find, &of, &mean, err);
    if (did == TASK_DID && pictures && !log_confusion(t, file, of.confusion, row, err)) did = TASK_BROKEN;
    if (did == TASK_DID && !train_log_validation(r, file, &mean, row, err)) did = TASK_BROKEN;
    if (did == TASK_DID) log_tally(t, file, &of, "validation/", row);
    free(of.confusion);
    return did;
}

/* Rows of right answers, and one series of pictures. */
static void store(const trainer *base, const nx_params *params, const side *valid, task_stored *s)
{
    const classifying *t = (const classifying *)base;
    const config *c = base->task.c;
    int rows = classes_of(t) > FEW ? 2 : 1;
    size_t side = (size_t)(classes_of(t) * cell_of(t));
    (void)params;
    s->rows += rows;
    s->counters++;
    if (!valid->plan) return;
    s->looks += rows;
    task_store_series(s, c, (uint64_t)c->experiment.steps, side * side);
}

/* ---- what it reads ---- */

static const train_subject subject = {.record = record, .alter = train_change_contrast, .feed = feed, .store = store};

static bool check_classes(const nx_classes *c, nx_error *err)
{
    return c->classes > 1 ||
           nx_fail(err, "[data] content: all pictures are of one class, \"%s\": there is nothing to tell apart",
                   c->names[0]);
}

/* Every class has pictures left. */
static bool check_left(const nx_classes *c, size_t each, nx_error *err)
{
    size_t *left = nx_alloc(c->classes * sizeof *left), k = 0;
    for (size_t i = 0; i < c->count; i++) left[c->labels[i]]++;
    while (k < c->classes && left[k]) k++;
    free(left);
    return k == c->classes ||
           nx_fail(err, "[data] validation_count = %zu of each class leaves nothing of \"%s\" to train on", each,
                   c->names[k]);
}

static bool read_classes(classifying *t, nx_error *err)
{
    const config *c = t->trainer.task.c;
    size_t each = (size_t)c->data.validation_count;
    nx_classes all;
    nx_error reason;
    if (!train_check_crops(c, 64, err) || !config_need(c, "data", "content", err) || !made_of_config(c, err) ||
        !nx_classes_read(&t->train, c->data.content.items, (size_t)c->data.content.count, (size_t)c->data.content_count,
                         err) ||
        !check_classes(&t->train, err))
        return false;
    if (!c->data.validation.count) {
        nx_classes_move(&t->held, &t->train, each);
        return check_left(&t->train, each, err);
    }
    if (!nx_classes_read(&all, c->data.validation.items, (size_t)c->data.validation.count, 0, err)) return false;
    nx_classes_move(&t->held, &all, each ? each : all.count);
    nx_classes_free(&all);
    return nx_classes_match(&t->held, &t->train, &reason) || nx_fail(err, "[data] validation: %s", reason.text);
}

static void add_classes(XXH3_state_t *state, const nx_classes *c)
{
    XXH3_64bits_update(state, c->labels, c->count * sizeof *c->labels);
    for (size_t i = 0; i < c->classes; i++) XXH3_64bits_update(state, c->names[i], strlen(c->names[i]) + 1);
}

static uint64_t hash_of(const classifying *t)
{
    XXH3_state_t *state = XXH3_createState();
    NX_CHECK(state, "no memory for a hash");
    XXH3_64bits_reset(state);
    add_classes(state, &t->train);
    add_classes(state, &t->held);
    uint64_t hash = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    return hash;
}

/* The paths to the trainer. */
static nx_file_list hand_over(nx_classes *c)
{
    nx_file_list paths = {c->count, c->paths};
    c->count = 0, c->paths = NULL;
    return paths;
}

/* The names, one a line. Owned by the caller. */
static char *names_text(const nx_classes *c)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    NX_CHECK(out, "no memory for the names of classes");
    for (size_t i = 0; i < c->classes; i++) fprintf(out, "%s\n", c->names[i]);
    NX_CHECK(!fclose(out), "no memory for the names of classes");
    return text;
}

/* What is trained, but for its network's name and options. */
static model description(char *names) { return (model){.classes = names, .input = {.order = "rgb", .scale = 1}}; }

static bool open_start(classifying *t, nx_error *err)
{
    char *names = names_text(&t->train);
    model like = description(names);
    bool fine = train_open_start(&t->trainer, "classifier", &like, err);
    free(names);
    return fine;
}

static bool open_inputs(task *base, nx_error *err)
{
    classifying *t = (classifying *)base;
    trainer *r = &t->trainer;
    r->subject = &subject;
    r->params = nx_params_new();
    if (!read_classes(t, err)) return false;
    t->hash = hash_of(t);
    t->labels = nx_alloc((size_t)base->c->data.batch * sizeof *t->labels);
    r->content = hand_over(&t->train), r->labels = t->train.labels;
    r->validation = hand_over(&t->held), r->held_labels = t->held.labels;
    return open_start(t, err) && train_check_size(r, err) && train_open_pictures(r, err);
}

static void close_all(task *base)
{
    classifying *t = (classifying *)base;
    train_close(base);
    nx_classes_free(&t->train);
    nx_classes_free(&t->held);
    free(t->labels);
}

/* ---- memory ---- */

static void sizes(const task *t, int *now, int *multiple, int *most)
{
    *now = t->c->data.size;
    *multiple = 1;
    *most = TASK_MOST_SIZE;
}

static bool print(task *base, nx_error *err)
{
    classifying *t = (classifying *)base;
    side train;
    nx_params *params = nx_params_new();
    bool ok = train_record(&t->trainer, &train, params, base->c->data.size, base->c->data.batch, true, err);
    train_print_pictures(&t->trainer);
    printf("classes   %zu\n", t->train.classes);
    if (ok) task_print_params("classifier", params);
    train_free_side(&train);
    nx_params_free(params);
    return ok;
}

/* ---- how it runs ---- */

/* Says which class it is that the run at path was not begun with, or has no more. */
static bool refuse_other(const classifying *t, const char *path, nx_error *err)
{
    nx_h5 *file;
    char *kept = NULL, *rest = NULL;
    if (nx_h5_open(&file, path, false, NULL)) {
        nx_h5_get_string(file, "/data", "classes", &kept, NULL);
        nx_h5_close(file, NULL);
    }
    size_t i = 0;
    char *was = kept ? strtok_r(kept, "\n", &rest) : NULL;
    while (was && i < t->train.classes && !strcmp(was, t->train.names[i])) was = strtok_r(NULL, "\n", &rest), i++;
    const char *now = i < t->train.classes ? t->train.names[i] : NULL;
    if (kept && (was || now))
        nx_fail(err, "%s: the classes changed since the run began: number %zu was %s%s%s and is %s%s%s", path, i + 1,
                was ? "\"" : "none", was ? was : "", was ? "\"" : "", now ? "\"" : "none", now ? now : "",
                now ? "\"" : "");
    else
        nx_fail(err, "%s: the classes have more or fewer pictures than when the run began", path);
    free(kept);
    return false;
}

static bool continues(const task *base, const checkpoint *k, const char *path, nx_error *err)
{
    const classifying *t = (const classifying *)base;
    uint64_t hash;
    return checkpoint_get_counter(k, "labels", &hash, path, err) && (hash == t->hash || refuse_other(t, path, err));
}

static void put_state(const task *base, checkpoint *k, uint64_t step, bool finished)
{
    train_put_state(base, k, step, finished);
    checkpoint_put_counter(k, "labels", ((const classifying *)base)->hash);
}

static void log_inputs(const task *base, runfile *file)
{
    char *names = names_text(&((const classifying *)base)->train);
    model m = description(names);
    train_log_inputs(base, file);
    model_set_options(&m, base->c, "classifier");
    model_note(file, &m);
    free(m.options);
    free(m.network);
    names[strlen(names) - 1] = 0; /* the last end of a line */
    runfile_set_text(file, "/data", "classes", names);
    free(names);
}

static bool save_model(const task *base, const char *run, nx_error *err)
{
    const classifying *t = (const classifying *)base;
    char *names = names_text(&t->train), *path = path_beside(run, ".model.h5");
    model m = description(names);
    model_set_options(&m, base->c, "classifier");
    bool ok = model_save(path, &m, t->trainer.params, err);
    free(m.options);
    free(m.network);
    free(names);
    free(path);
    return ok;
}

const task_kind classification = {TRAIN_KIND,
                                  .starts = true,
                                  .bytes = sizeof(classifying),
                                  .open = open_inputs,
                                  .close = close_all,
                                  .remedy = "lower [data] batch or [classifier] width",
                                  .sizes = sizes,
                                  .measure = train_measure,
                                  .print = print,
                                  .continues = continues,
                                  .prepare = train_prepare,
                                  .log_row = log_row,
                                  .look = look,
                                  .log_inputs = log_inputs,
                                  .put_state = put_state,
                                  .save_model = save_model};
