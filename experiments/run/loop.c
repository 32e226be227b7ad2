/* The loop. A step evaluates the state and logs its row, then moves it on; between two steps come pictures, validation
 * and checkpoints, so that a checkpoint of step n has everything before n and nothing after.
 *
 * Only two things can be cut off in the middle: setting up, after which there is nothing to keep, and a look (a
 * validation takes long), which leaves no trace in the log; a checkpoint then says that it is still due. */
#include "run/loop.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "graph/wisdom.h"
#include "machine/device.h"
#include "machine/first_use.h"
#include "machine/measure.h"
#include "run/interrupt.h"
#include "run/progress.h"
#include "run/rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

typedef struct loop {
    task *t;
    runfile *file;
    const char *path;
    uint64_t step, steps, last_row;
    bool logged;         /* the row of step is in the log */
    bool look_due;       /* a look at step was begun and is still to be made */
    bool fresh;          /* there is something to look at that was not there when this began */
    bool done;           /* the last step is made, or there is none any more */
    bool moved;          /* a state was reached that no checkpoint has */
    bool unread;         /* it failed for an input: the state is sound */
    checkpoint *closing; /* of the last step, from before its evaluation */
    bool early;          /* it ended before the last step */
    double value;        /* the newest total that is known, for the progress */
    double first;        /* that of step 0; NaN: it was made before a resumption */
} loop;

/* ---- cadence ---- */

/* True every so many steps (0: never) and at the last. */
static bool due(int every, uint64_t step, uint64_t last)
{
    return step == last || (every && step % (uint64_t)every == 0);
}

/* The learning rate of a step, the method's usual one where the config leaves it open. */
static double rate_of(const task *t, uint64_t step)
{
    const config *c = t->c;
    const double usual[] = {[METHOD_ADAM] = t->kind->adam_rate, [METHOD_SGD] = 0.001, [METHOD_LBFGS] = 1};
    int every = c->optimizer.decay_every;
    double rate = c->optimizer.learning_rate > 0 ? c->optimizer.learning_rate : usual[c->optimizer.method];
    if (c->optimizer.method == METHOD_LBFGS) return rate;
    if (step < (uint64_t)c->optimizer.warmup) rate *= (double)(step + 1) / (double)c->optimizer.warmup;
    if (c->optimizer.schedule == SCHEDULE_COSINE)
        return rate * (1 + cos(acos(-1.) * (double)step / (double)c->experiment.steps)) / 2;
    return rate * (every ? pow(c->optimizer.decay, (double)(step / (uint64_t)every)) : 1);
}

/* ---- checkpoints ---- */

static checkpoint *state_of(const loop *l, bool logged, bool finished)
{
    checkpoint *k = checkpoint_new();
    l->t->kind->put_state(l->t, k, l->step, finished);
    checkpoint_put_counter(k, "step", l->step);
    if (l->t->kind->closes) checkpoint_put_counter(k, "logged", logged);
    if (l->look_due) checkpoint_put_counter(k, "look_due", 1);
    return k;
}

static bool save_model(const loop *l, nx_error *err)
{
    return !l->t->kind->save_model || l->t->kind->save_model(l->t, l->path, err);
}

static void log_inputs(const loop *l)
{
    if (l->t->kind->log_inputs) l->t->kind->log_inputs(l->t, l->file);
}

static bool save(loop *l, nx_error *err)
{
    l->moved = false;
    log_inputs(l);
    return runfile_save(l->file, state_of(l, l->logged, false), err) && save_model(l, err);
}

/* ---- rows ---- */

/* Parameters and moments after the update of a step are numbers, and so are the gradients that made it. */
static bool sound(finite_check *w, uint64_t step, nx_error *err)
{
    size_t count;
    const char *first = finite_check_look(w, &count);
    return !first || nx_fail(err,
                             "step %llu: the losses are finite, and the update leaves %s with an infinity or NaN (%zu "
                             "such in all): the gradient is too large: lower [optimizer] learning_rate or the weights "
                             "in [loss]",
                             (unsigned long long)step, first, count);
}

/* The gradient of the total by the first picture. */
static void log_gradient(runfile *file, const task_graph *g)
{
    nx_shape s = g->gradient->shape;
    float *values = nx_alloc(nx_shape_count(s) * sizeof(float));
    nx_plan_read(g->plan, g->gradient, values);
    runfile_array(file, "/debug/gradient", 3, (int[]){s.h, s.w, s.c}, values);
    free(values);
}

static bool log_row(loop *l, nx_error *err)
{
    task_graph g = l->t->kind->graph(l->t);
    objective_values v;
    objective_read(g.objective, g.plan, &v); /* waits for the step, which its time includes */
    task_row row = {l->step, runfile_seconds(l->file)};
    if (!rows_finite(g.objective, &v, "", l->step, err) || !sound(g.finite, l->step, err)) return false;
    rows_log(l->file, g.objective, &v, "", row);
    runfile_metric(l->file, "learning_rate", 1, (int64_t)row.step, row.seconds, rate_of(l->t, l->step));
    if (l->t->kind->log_row) l->t->kind->log_row(l->t, l->file, row);
    if (!l->step && l->t->c->log.debug && g.gradient) log_gradient(l->file, &g);
    l->value = (double)v.total;
    l->logged = true;
    l->fresh = l->fresh || l->t->kind->closes;
    return true;
}

/* ---- steps ---- */

static bool look(loop *l, bool pictures, nx_error *err)
{
    l->look_due = true;
    nx_device_finish(l->t->device); /* or the steps before would be counted as the look's */
    task_row row = {l->step, runfile_seconds(l->file)};
    task_did did = l->t->kind->look(l->t, l->file, row, pictures, err);
    l->look_due = did != TASK_DID;
    l->unread = did == TASK_UNREAD;
    return did == TASK_DID || did == TASK_LEFT;
}

/* A look that is due before the last step. */
static bool look_between(loop *l, bool always, nx_error *err)
{
    const config *c = l->t->c;
    bool pictures = due(c->log.images, l->step, l->steps);
    l->look_due = false;
    return (!always && !pictures && !due(c->log.validation, l->step, l->steps)) || look(l, pictures, err);
}

/* What comes between two steps. */
static bool between(loop *l, nx_error *err)
{
    const task_kind *kind = l->t->kind;
    bool turns = kind->turns && kind->turns(l->t, l->step);
    if (!(turns ? look(l, true, err) : look_between(l, false, err))) return false;
    if (l->look_due) return true;
    if (turns && !kind->turn(l->t, l->step, err)) return false;
    if (due(l->t->c->log.checkpoint, l->step, l->steps)) return save(l, err);
    if (!runfile_due(l->file)) return true;
    log_inputs(l);
    return runfile_save(l->file, NULL, err);
}

/* There is no update from here. */
static bool end_early(loop *l, const char *why, nx_error *err)
{
    nx_info("ended at step %llu: %s", (unsigned long long)l->step, why);
    runfile_set_text(l->file, "/", "ended", why);
    l->done = l->early = true;
    if (!l->logged && !log_row(l, err)) return false;
    l->closing = state_of(l, true, true);
    return true;
}

static bool make_step(loop *l, progress *p, nx_error *err)
{
    const task_kind *kind = l->t->kind;
    bool last = l->step == l->steps;
    double rate = last ? 0 : rate_of(l->t, l->step);
    const char *end = NULL;
    if (last && l->steps) l->closing = state_of(l, true, true);
    task_did did = kind->step(l->t, l->step, rate, &l->value, err);
    l->unread = did == TASK_UNREAD;
    if (did != TASK_DID) return false;
    if (!l->step) l->first = l->value;
    if (!l->logged && due(l->t->c->log.every, l->step, l->last_row) && !log_row(l, err)) return false;
    if (last) return l->done = true;
    if (kind->update && !kind->update(l->t, l->step, rate, &l->value, &end, err)) return false;
    interrupt_hold();
    if (end) return end_early(l, end, err);
    l->step++;
    l->logged = false;
    l->fresh = l->moved = true;
    progress_step(p, (int64_t)l->step, l->value);
    if (l->step < l->steps) return between(l, err);
    l->done = !kind->closes;
    return true;
}

/* From where it is to the last step, or until the user interrupts. */
static bool make_steps(loop *l, nx_error *err)
{
    bool ok = true;
    const checkpoint *k = runfile_checkpoint(l->file);
    if (!k) /* a checkpoint, even of step 0, comes with what this logs */
        ok = look(l, l->t->c->log.images != 0, err);
    else if (l->look_due && l->step < l->steps)
        ok = look_between(l, !l->step, err);
    l->done = k && l->step == l->steps && !l->t->kind->closes;
    progress p = progress_begin((int64_t)l->step, (int64_t)l->steps, l->t->c->log.every);
    /* The last evaluation is no longer than any step: an interrupt waits for it. */
    while (ok && !l->look_due && !l->done && (l->step == l->steps || !interrupt_wanted())) ok = make_step(l, &p, err);
    progress_end(&p);
    if (ok && l->done && (l->fresh || l->look_due)) ok = look(l, true, err);
    return ok;
}

/* ---- a run ---- */

static bool open_device(task *t, nx_error *err)
{
    nx_device_options options = device_options(t->c);
    nx_program_list programs = {0};
    task_programs(t, &programs);
    bool ok = first_use(&t->info, &options, &programs, err) && device_open(&t->device, options, err);
    nx_program_list_free(&programs);
    return ok;
}

/* How far the checkpoint is. */
static bool take_up(loop *l, const checkpoint *k, nx_error *err)
{
    uint64_t logged = 0, look_due;
    if (!k) return true;
    l->look_due = checkpoint_get_counter(k, "look_due", &look_due, l->path, NULL);
    bool ok = checkpoint_get_counter(k, "step", &l->step, l->path, err) &&
              (!l->t->kind->closes || checkpoint_get_counter(k, "logged", &logged, l->path, err));
    l->logged = logged;
    return ok;
}

/* An interrupt leaves it unfinished. */
static bool set_up(loop *l, const checkpoint *k, nx_error *err)
{
    task *t = l->t;
    return take_up(l, k, err) && (interrupt_wanted() || open_device(t, err)) &&
           (interrupt_wanted() || t->kind->prepare(t, k, l->path, err));
}

static void log_memory(task *t, runfile *file, task_result *result)
{
    uint64_t planned[NX_MEMORY_KINDS];
    struct rusage usage;
    char name[64];
    task_bytes(t, planned);
    for (int k = 0; k < NX_MEMORY_KINDS; k++) {
        snprintf(name, sizeof name, "planned_%s", nx_memory_kind_name(k));
        runfile_set_int(file, "/memory", name, (int64_t)planned[k]);
        snprintf(name, sizeof name, "measured_%s", nx_memory_kind_name(k));
        runfile_set_int(file, "/memory", name, (int64_t)t->device->peak_bytes[k]);
        result->planned_bytes += planned[k];
    }
    result->measured_bytes = t->device->peak_total;
    getrusage(RUSAGE_SELF, &usage);
    runfile_set_int(file, "/memory", "planned_total", (int64_t)result->planned_bytes);
    runfile_set_int(file, "/memory", "measured_total", (int64_t)result->measured_bytes);
    runfile_set_int(file, "/memory", "host_peak", (int64_t)usage.ru_maxrss * 1024);
}

static void log_profile(task *t, runfile *file)
{
    size_t count;
    if (!t->device->profile) return;
    const nx_plan_line *lines = nx_plan_profile(t->kind->graph(t).plan, &count);
    measure_roof roof = measure_peaks(t->device);
    runfile_set_real(file, "/profile", "peak_gflops", roof.flops * 1e-9);
    runfile_set_real(file, "/profile", "stream_gbytes_per_second", roof.bytes * 1e-9);
    for (size_t i = 0; i < count; i++) {
        const nx_plan_line *l = &lines[i];
        if (!l->calls) continue; /* the first step compiles and is not timed */
        char *group = nx_format("/profile/%s", l->name);
        runfile_set_int(file, group, "calls", (int64_t)l->calls);
        runfile_set_real(file, group, "seconds", l->seconds);
        if (l->seconds > 0) {
            runfile_set_real(file, group, "gflops", l->flops / l->seconds * 1e-9);
            runfile_set_real(file, group, "gbytes_per_second", l->bytes / l->seconds * 1e-9);
            runfile_set_real(file, group, "peak_share", l->flops / l->seconds / roof.flops);
            runfile_set_real(file, group, "stream_share", l->bytes / l->seconds / roof.bytes);
        }
        free(group);
    }
}

/* To the reason of a failure, what is left to go on from. */
static void name_kept(const runfile *file, nx_error *err)
{
    nx_error reason = *err;
    uint64_t step;
    if (runfile_kept(file, &step))
        nx_fail(err, "%s; the checkpoint of step %llu is kept", reason.text, (unsigned long long)step);
}

/* Of a run that was interrupted before its first step, nothing is kept but what was there. */
static task_end leave(loop *l, bool resumed, nx_error *err)
{
    return resumed || runfile_finish(l->file, "interrupted", NULL, err) ? TASK_INTERRUPTED : TASK_FAILED;
}

/* A run that did what it was asked to, and yet not what it is for. */
static void doubt(const loop *l)
{
    if (!l->t->kind->doubt || !l->done || l->early) return;
    char *what = l->t->kind->doubt(l->t, l->first, l->value);
    if (!what) return;
    nx_warn("%s", what);
    runfile_set_text(l->file, "/", "doubt", what);
    free(what);
}

/* A model that is finished lies there before the run says that it is; one on the way follows its checkpoint. */
static bool finish(loop *l, bool ok, nx_error *err)
{
    bool finished = ok && l->done && !l->look_due, wanted = ok ? l->steps > 0 : l->unread && l->moved;
    nx_error late;
    checkpoint *k = l->closing;
    l->closing = NULL;
    if (!k && wanted) k = state_of(l, l->logged, finished);
    if (!wanted) checkpoint_free(k), k = NULL;
    bool model = k && checkpoint_finite(k, NULL), kept = !finished || !model || save_model(l, &late);
    if (!kept) checkpoint_free(k), k = NULL;
    const char *status = !ok || !kept ? "failed" : finished ? "finished" : "interrupted";
    kept = runfile_finish(l->file, status, k, kept ? &late : NULL) && kept;
    kept = kept && (finished || !model || save_model(l, &late));
    if (ok && !kept) *err = late;
    return ok && kept;
}

task_end loop_run(task *t, runfile *file, const char *path, task_result *result, nx_error *err)
{
    uint64_t steps = (uint64_t)t->c->experiment.steps;
    loop l = {.t = t, .file = file, .path = path, .steps = steps, .first = NAN};
    l.last_row = t->kind->closes || !steps ? steps : steps - 1;
    *result = (task_result){0};
    const checkpoint *k = runfile_checkpoint(file);
    if (nx_wisdom_count()) runfile_set_text(file, "/device", "wisdom", nx_wisdom_signature());
    bool ready = set_up(&l, k, err);
    first_use_over();
    result->step = l.step;
    if (interrupt_wanted()) return interrupt_hold(), leave(&l, k, err);
    if (ready && t->pulls.where) pulls_log(&t->pulls, t->c, file);
    bool resumed = k, ok = ready && make_steps(&l, err);
    interrupt_hold();
    if (!ok && resumed && !l.fresh) { /* it made no step: the file on disk stays as it is */
        name_kept(file, err);
        return TASK_FAILED;
    }
    if (ok) doubt(&l);
    if (ready) {
        log_inputs(&l);
        log_memory(t, file, result);
        log_profile(t, file);
    }
    result->seconds = runfile_seconds(file);
    result->step = l.step;
    bool finished = l.done && !l.look_due;
    ok = finish(&l, ok, err);
    if (!ok) name_kept(file, err);
    return !ok ? TASK_FAILED : finished ? TASK_FINISHED : TASK_INTERRUPTED;
}
