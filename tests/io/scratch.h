/* What the tests of io/ share: a folder of their own that is gone afterwards, and files made on the spot. */
#ifndef NX_TESTS_IO_SCRATCH_H
#define NX_TESTS_IO_SCRATCH_H

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "io/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char scratch_folder[64];
static char scratch_names[16][256];

/* The path of name in the folder; good for the next sixteen calls. */
static inline const char *scratch(const char *name)
{
    static int next;
    char *out = scratch_names[next++ % 16];
    snprintf(out, sizeof scratch_names[0], "%s/%s", scratch_folder, name);
    return out;
}

static inline int scratch_open(void **state)
{
    (void)state;
    snprintf(scratch_folder, sizeof scratch_folder, "%s", "/tmp/nx_test_XXXXXX");
    return mkdtemp(scratch_folder) ? 0 : -1;
}

static inline int scratch_close(void **state)
{
    (void)state;
    char *command = nx_format("rm -rf '%s'", scratch_folder);
    int result = system(command);
    free(command);
    return result;
}

static inline void scratch_write(const char *path, const void *data, size_t bytes)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

/* The message is one line that names the file and says part. */
static inline void assert_message(const nx_error *err, const char *path, const char *part)
{
    if (!strstr(err->text, path) || !nx_contains(err->text, part) || strchr(err->text, '\n'))
        fail_msg("the message is \"%s\", wanted: \"%s\" and \"%s\"", err->text, path, part);
}

/* No draft was left behind. */
static inline void assert_no_drafts(void)
{
    char *command = nx_format("ls -R '%s' | grep -q '[.]tmp[.]'", scratch_folder);
    assert_int_not_equal(system(command), 0);
    free(command);
}

#endif
