/* What the tests of formats of tensors share: a file that opens, and one that does not. */
#ifndef NX_TESTS_TENSOR_FILE_H
#define NX_TESTS_TENSOR_FILE_H

#include "scratch.h"

#include "io/tensors.h"

/* To be freed by the caller. */
static inline nx_tensor_file *opened(const char *path)
{
    nx_tensor_file *file;
    nx_error err = {0};
    if (!nx_tensor_file_open(&file, path, &err)) fail_msg("%s", err.text);
    return file;
}

static inline void assert_refused(const char *path, const char *part)
{
    nx_tensor_file *file;
    nx_error err = {0};
    assert_false(nx_tensor_file_open(&file, path, &err));
    assert_message(&err, path, part);
}

#endif
