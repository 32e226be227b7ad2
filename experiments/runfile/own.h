/* What nstx may write over: nothing that it did not write itself, and nothing that is read. The one rule for every file
 * that a command makes; asked when a command begins, so that no hours are lost, and again by who writes.
 *
 *     if (!may_write("portrait.png", &err)) ...                      a photograph of that name is in the way
 *     if (!may_write_beside(c, "portrait.h5", ".png", &err)) ...     and none of the config's inputs either
 *
 * A file is recognised by what is in it: an attribute of HDF5, a text chunk of PNG, a comment of JPEG, metadata of
 * safetensors, the first line of a text or the first bytes of ONNX (OWN_...).
 */
#ifndef RUNFILE_OWN_H
#define RUNFILE_OWN_H

#include "config/config.h"

/* The first line of texts that nstx writes. */
#define OWN_MARKDOWN "<!-- Written by nstx. -->\n"
#define OWN_HTML     "<!doctype html>\n<!-- Written by nstx. -->\n"
#define OWN_SHELL    "#!/bin/sh\n# Written by nstx"
#define OWN_LOG      "# Written by nstx\n"
#define OWN_CSV      "row,name,seeds"

/* The first bytes of ONNX of version 8: the version, who wrote it. */
#define OWN_ONNX_VERSION  8
#define OWN_ONNX_PRODUCER "nstx"
#define OWN_ONNX          "\x08\x08\x12\x04" OWN_ONNX_PRODUCER

/* True if there is nothing at path, or a file that nstx wrote; otherwise one line says what is in the way. */
bool may_write(const char *path, nx_error *err);

/* The same for what is no HDF5 file itself: a run, a model or a dataset does not give way to a page or to weights. */
bool may_write_other(const char *path, nx_error *err);

/* The same as may_write, and path is none of the files that the config reads, nor lies as a picture in a folder that it
 * reads. */
bool may_write_of(const config *c, const char *path, nx_error *err);

/* The same of what lies beside a run: RUN.h5 with that ending. */
bool may_write_beside(const config *c, const char *run, const char *ending, nx_error *err);

/* True if both are there and one file, under whatever names. */
bool same_file(const char *a, const char *b);

#endif
