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

bool runfile_continues(const char *path, const config *c)
{
    nx_h5 *file;
    if (!nx_h5_open(&file, path, false, NULL)) return !nx_file_exists(path);
    bool same = inputs_continue(c, file, path, NULL);
    nx_h5_close(file, NULL);
    return same;
}

bool runfile_last(const char *path, const char *metric, double *value, nx_error *err)
{
    series s;
    if (!series_read_from(&s, path, metric, err)) return false;
    *value = s.value[s.rows - 1];
    series_free(&s);
    return true;
}
