/* What `nstx info` prints of a file, by what it is; each stands beside the command that knows such files. */
#ifndef COMMANDS_INFO_H
#define COMMANDS_INFO_H

#include "io/tensors.h"

bool print_dataset(const char *path, nx_error *err); /* a packed dataset, in dataset.c */
void print_weights(const nx_tensor_file *file);      /* a file of weights, in info.c */

#endif
