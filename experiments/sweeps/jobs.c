/* Jobs: what both ways share. */
#include "sweeps/jobs.h"

#include "runfile/own.h"
#include "runfile/runfile.h"

#include <stdio.h>
#include <string.h>

const char *jobs_name(const job *j) { return *j->point->label ? j->point->label : j->point->path; }

job_state jobs_judge(const job *j)
{
    return runfile_is_finished(j->point->path, j->point->config) ? JOB_DONE : JOB_FAILED;
}

char *jobs_last_line(const job *j, char *out, size_t room)
{
    enum { TAIL = 4096 };
    char tail[TAIL + 1];
    *out = 0;
    FILE *file = fopen(j->log, "rb");
    if (!file) return out;
    if (fseek(file, -TAIL, SEEK_END)) rewind(file);
    tail[fread(tail, 1, TAIL, file)] = 0;
    fclose(file);
    bool error = false;
    for (char *next, *line = strtok_r(tail, "\r\n", &next); line; line = strtok_r(NULL, "\r\n", &next)) {
        bool ours = !strncmp(line, "nstx: ", 6);
        if ((error && !ours) || !strncmp(line, OWN_LOG, strlen(line))) continue;
        error = ours;
        snprintf(out, room, "%s", line + (ours ? 6 : 0));
    }
    return out;
}
