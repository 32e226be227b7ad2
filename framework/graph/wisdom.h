/* Wisdom: choices between algorithms that were measured on this device, in a signed text file.
 *
 * An operation that has a choice asks by name; without an answer it goes by its own rule, which is always good enough.
 * Nothing is ever measured on the way: one process has one set of answers from its beginning to its end, so that the
 * same device, wisdom and config give the same bits.
 *
 *     if (!nx_wisdom_read(path, &info, &why)) nx_warn("%s", why.text);       what was refused, and why
 *     const char *answer = nx_wisdom_find("conv 3x3, 1x64x64x64 to 1x64x64x64");        "winograd 2", or NULL
 *
 * A file is taken whole or not at all: only if its signature is right and device, platform, driver, kind of kernels and
 * program are those that it was made with. Whether its answers make sense is not known here: ops/choice.
 */
#ifndef NX_GRAPH_WISDOM_H
#define NX_GRAPH_WISDOM_H

#include "device/device.h"

enum { NX_WISDOM_TEXT = 96 }; /* bytes of a question or an answer, with the zero byte */

/* Takes the file's answers instead of those there are. False: there are none now, and why says what was refused (its
 * text is empty where there is no file at path). */
bool nx_wisdom_read(const char *path, const nx_device_info *info, nx_error *why);

/* Writes all answers, signed; all or nothing. */
bool nx_wisdom_write(const char *path, const nx_device_info *info, nx_error *err);

/* The answer to a question, good until the next call; NULL if nobody measured it. */
const char *nx_wisdom_find(const char *question);

void nx_wisdom_set(const char *question, const char *answer); /* answer NULL: forgets it */
void nx_wisdom_forget(void);                                  /* everything, questions that were asked too */

/* How many answers there are, and their signature as text ("" without any): what a run file states. */
size_t nx_wisdom_count(void);
const char *nx_wisdom_signature(void);

/* The kind of kernels whose choices they are: "cpu", "cpu bf16", "gpu", "gpu tf32" or "gpu bf16". */
const char *nx_wisdom_kernels(const nx_device_info *info);

/* The questions that nx_wisdom_find was asked so far, each once: what there is to measure for a plan. */
size_t nx_wisdom_asked(void);
const char *nx_wisdom_question(size_t i);

#endif
