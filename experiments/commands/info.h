/* What `nstx info` prints of a file, by what it is; each stands beside the command that knows such files. */
#ifndef COMMANDS_INFO_H
#define COMMANDS_INFO_H

#include "base/error.h"

bool print_dataset(const char *path, nx_error *err); /* a packed dataset, in dataset.c */
bool print_weights(const char *path, nx_error *err); /* a file of weights, in weights.c */

#endif
