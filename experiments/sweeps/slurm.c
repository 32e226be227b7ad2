/* Jobs as an array of Slurm: a script beside the run files that any sbatch takes, and squeue to see what is left of it.
 * Every task is the `nstx run` of one point; partition, time, GPUs and so on are Slurm's own variables
 * (SBATCH_PARTITION, SBATCH_TIMELIMIT, SBATCH_GRES ...). Folders must be shared by the machines. */
#include "sweeps/jobs.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "io/files.h"
#include "machine/kernel_cache.h"
#include "runfile/own.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* 'text' for a shell. */
static void quoted(FILE *out, const char *text)
{
    char *word = nx_text_shell(text);
    fputs(word, out);
    free(word);
}

static void write_script(FILE *out, const jobs *all, const char *program)
{
    char *name = nx_path_stem(all->path);
    const char *cache = kernel_cache_share();
    fprintf(out, OWN_SHELL " sweep; sbatch takes it again.\n#SBATCH --job-name=");
    for (const char *s = name; *s; s++) fputc(strchr(" \t'\"\\", *s) ? '_' : *s, out);
    fprintf(out, "\n#SBATCH --output=/dev/null\n#SBATCH --array=");
    const char *comma = "";
    for (size_t i = 0; i < all->count; i++)
        if (all->job[i].state == JOB_WAITING) fprintf(out, "%s%zu", comma, i), comma = ",";
    if (all->most) fprintf(out, "%%%d", all->most);
    fputc('\n', out);
    if (cache) {
        fprintf(out, "export " KERNEL_CACHE_VARIABLE "=");
        quoted(out, cache);
        fputc('\n', out);
    }
    fprintf(out, "case $SLURM_ARRAY_TASK_ID in\n");
    for (size_t i = 0; i < all->count; i++) {
        const job *j = &all->job[i];
        if (j->state != JOB_WAITING) continue;
        fprintf(out, "%zu) exec >", i);
        quoted(out, j->log);
        fprintf(out, " 2>&1; echo '%.*s'; exec ", (int)strcspn(OWN_LOG, "\n"), OWN_LOG);
        quoted(out, program);
        for (char **word = j->arguments + 1; *word; word++) fputc(' ', out), quoted(out, *word);
        fprintf(out, " ;;\n");
    }
    fprintf(out, "esac\n");
    free(name);
}

/* Runs a command of words without blanks and quotes, and gives what it prints and its exit status. */
static char *output_of(const char *command, int *status)
{
    char *text = NULL, part[4096];
    size_t used = 0;
    FILE *pipe = popen(command, "r");
    for (size_t got; pipe && (got = fread(part, 1, sizeof part, pipe)) > 0; used += got) {
        text = nx_realloc(text, used + got + 1);
        memcpy(text + used, part, got);
    }
    *status = pipe ? pclose(pipe) : -1;
    if (!text) text = nx_alloc(1);
    text[used] = 0;
    return text;
}

static bool begin(jobs *all, nx_error *err)
{
    char program[4096], *text = NULL, *script = path_beside(all->path, ".sbatch");
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    size_t bytes;
    if (length < 0) {
        free(script);
        return nx_fail(err, "cannot tell where this program is: %s", strerror(errno));
    }
    program[length] = 0;
    FILE *out = open_memstream(&text, &bytes);
    NX_CHECK(out, "no memory for a script");
    write_script(out, all, program);
    NX_CHECK(!fclose(out), "no memory for a script");
    bool ok = may_write(script, err) && nx_file_write(script, text, bytes, err);
    free(text);
    if (ok) {
        int status;
        setenv("NSTX_SBATCH_SCRIPT", script, true); /* no quoting needed so */
        char *id = output_of("sbatch --parsable -- \"$NSTX_SBATCH_SCRIPT\"", &status);
        unsetenv("NSTX_SBATCH_SCRIPT");
        size_t digits = strspn(id, "0123456789");
        ok = (!status && digits) ||
             nx_fail(err, "%s: sbatch did not take it (exit status %d): is Slurm installed and running here?", script,
                     WIFEXITED(status) ? WEXITSTATUS(status) : -1);
        id[digits] = 0;
        all->own = ok ? nx_copy_text(id) : NULL;
        free(id);
    }
    free(script);
    return ok;
}

static bool poll_slurm(jobs *all)
{
    int status;
    char *command = nx_format("squeue -h -r -j %s -o '%%K %%T' 2>&1", (char *)all->own);
    char *text = output_of(command, &status);
    free(command);
    bool gone = status && strstr(text, "Invalid job id"), more = false;
    if (status && !gone) { /* the controller does not answer: it may again */
        free(text);
        return true;
    }
    bool *queued = nx_alloc((all->count + 1) * sizeof *queued);
    for (char *next, *line = gone ? NULL : strtok_r(text, "\n", &next); line; line = strtok_r(NULL, "\n", &next)) {
        char state[32] = "";
        size_t i;
        if (sscanf(line, "%zu %31s", &i, state) != 2 || i >= all->count) continue;
        job *j = &all->job[i];
        queued[i] = more = true;
        if (j->state != JOB_WAITING || strcmp(state, "RUNNING")) continue;
        j->state = JOB_RUNNING;
        j->started = nx_now();
    }
    for (size_t i = 0; i < all->count; i++) {
        job *j = &all->job[i];
        if ((j->state != JOB_WAITING && j->state != JOB_RUNNING) || queued[i]) continue;
        if (j->state == JOB_WAITING && all->interrupted) continue;
        if (j->state == JOB_WAITING) j->started = nx_now();
        j->state = jobs_judge(j);
        if (j->state == JOB_FAILED && all->interrupted) j->state = JOB_STOPPED;
        j->ended = nx_now();
    }
    free(queued);
    free(text);
    return more;
}

/* Running tasks are sent SIGTERM and have Slurm's KillWait to write their checkpoints. */
static void interrupt(jobs *all)
{
    int status;
    char *command = nx_format("scancel %s", (char *)all->own);
    free(output_of(command, &status));
    free(command);
}

static void end(jobs *all) { free(all->own); }

const jobs_way jobs_slurm = {begin, poll_slurm, interrupt, end, 1};
