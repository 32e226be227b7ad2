/* HDF5 does not survive a full disk: a file that it could not write stays open, and the program crashes at its end. So
 * HDF5 writes to memory, and the disk sees one plain write of the finished bytes. */
#include "runfile/atomic.h"

#include "io/files.h"

#include <stdlib.h>

bool atomic_write_h5(const char *path, bool (*write)(nx_h5 *file, const void *context, nx_error *err),
                     const void *context, nx_error *err)
{
    nx_h5 *file;
    void *data = NULL;
    size_t bytes;
    nx_error inner = {0};
    bool fine =
        nx_h5_create_memory(&file, &inner) && write(file, context, &inner) && nx_h5_bytes(file, &data, &bytes, &inner);
    nx_h5_close(file, NULL);
    fine = fine ? nx_file_write(path, data, bytes, err) : nx_fail(err, "%s: cannot write: %s", path, inner.text);
    free(data);
    return fine;
}
