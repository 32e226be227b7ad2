/* HDF5 tells at length that a write failed, but not why in words. So the reason is asked for once more, in plain. */
#include "run/aside.h"

#include "io/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the system says to appending to the file; 0: nothing wrong. */
static int ask_reason(const char *path)
{
    static const char block[1 << 16];
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (file < 0) return errno;
    int reason = write(file, block, sizeof block) < 0 ? errno : 0;
    if (!reason && fsync(file)) reason = errno;
    close(file);
    return reason;
}

bool aside_write(const char *path, bool (*write)(nx_h5 *file, const void *context, nx_error *err), const void *context,
                 nx_error *err)
{
    char *draft = nx_file_draft(path);
    nx_h5 *file;
    nx_error inner = {0};
    bool fine = nx_h5_create(&file, draft, &inner) && write(file, context, &inner);
    fine = nx_h5_close(file, fine ? &inner : NULL) && fine;
    int reason = fine ? 0 : ask_reason(draft);
    if (fine)
        fine = nx_file_publish(draft, path, err);
    else
        nx_fail(err, "%s: cannot write: %s", path, reason ? strerror(reason) : inner.text);
    if (!fine) unlink(draft);
    free(draft);
    return fine;
}
