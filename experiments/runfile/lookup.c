/* What a run file says of its run, for those who do not go on with it. */
#include "io/files.h"
#include "runfile/inputs.h"
#include "runfile/reader.h"
#include "runfile/runfile.h"

#include <stdlib.h>
#include <string.h>

bool runfile_is_finished(const char *path, const config *c)
{
    nx_h5 *file;
    if (!nx_h5_open(&file, path, false, NULL)) return false;
    char *status = NULL, *stored = NULL, *text = config_text(c, NULL);
    bool finished = nx_h5_get_string(file, "/", "status", &status, NULL) &&
                    nx_h5_read_text(file, RUNFILE_CONFIG, &stored, NULL) && !strcmp(status, "finished") &&
                    !strcmp(stored, text);
    free(text);
    free(stored);
    free(status);
    nx_h5_close(file, NULL);
    return finished;
}

/* Whether a run ended before there was anything to keep of it. */
static bool is_void(const nx_h5 *file)
{
    char *status = NULL;
    uint64_t step;
    bool ended = nx_h5_get_string(file, "/", "status", &status, NULL) &&
                 (!strcmp(status, "failed") || !strcmp(status, "interrupted"));
    free(status);
    return ended && !read_kept_step(file, &step);
}

runfile_found runfile_look(const char *path, const config *c, uint64_t *step)
{
    nx_h5 *file;
    *step = 0;
    if (!nx_file_exists(path)) return RUNFILE_NOTHING;
    if (runfile_is_finished(path, c)) return RUNFILE_FINISHED;
    if (!nx_h5_open(&file, path, false, NULL)) return RUNFILE_OTHER;
    bool same = inputs_continue(c, file, path, NULL), other = !same && !is_void(file);
    runfile_found found = other ? RUNFILE_OTHER : same && read_kept_step(file, step) ? RUNFILE_BEGUN : RUNFILE_NOTHING;
    nx_h5_close(file, NULL);
    return found;
}

bool runfile_continues(const char *path, const config *c)
{
    nx_h5 *file;
    if (!nx_h5_open(&file, path, false, NULL)) return !nx_file_exists(path);
    bool same = inputs_continue(c, file, path, NULL);
    nx_h5_close(file, NULL);
    return same;
}
