/* What was found in a file that is a StyleNet of others: its options, and its parameters in the order in which they
 * run, which is the order in which StyleNet's are recorded. The readers of files fill it, and stylenet_import.c makes
 * the network of it.
 */
#ifndef NETWORKS_STYLENET_SOURCE_H
#define NETWORKS_STYLENET_SOURCE_H

#include "config/config.h"
#include "io/t7.h"
#include "io/tensors.h"

enum { STYLENET_BLOCKS_MOST = 64, STYLENET_CHANNELS_MOST = 1024 };              /* as [generator] blocks and channels */
enum { STYLENET_PARAMETERS_MOST = 6 * (5 + 2 * STYLENET_BLOCKS_MOST) + 8 + 2 }; /* a convolution 2, a norm 4 at most */

/* A parameter as the file has it. */
typedef struct stylenet_given {
    int rank;
    size_t shape[NX_TENSOR_RANK_MAX];
    const float *data; /* the file's */
    char name[96];     /* for messages */
} stylenet_given;

typedef struct stylenet_source {
    const char *path, *whose; /* for messages: "TransformerNet's" */
    config *c;                /* [generator] is the network's */
    bool descriptors;         /* pixels are BGR minus GENERATOR_MEAN on both sides; otherwise RGB, from 0 to 255 */
    size_t count;
    stylenet_given params[STYLENET_PARAMETERS_MOST];
} stylenet_source;

/* Adds a parameter, whose rank, shape and data are to be filled; NULL: there are too many. */
stylenet_given *stylenet_source_add(stylenet_source *s, const char *name);

/* Fills all of it from a checkpoint of fast-neural-style, or its model alone. False with an error: a module, by its
 * name and its place, that no such network has there. */
bool stylenet_source_t7(stylenet_source *s, const nx_t7 *root, nx_error *err);

#endif
