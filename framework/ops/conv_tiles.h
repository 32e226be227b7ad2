/* Convolution in tiles of local memory, what the sums in float32 (conv_tiles.c) and those of tensor cores (conv_mma.c)
 * share: not a header for users of operations. */
#ifndef NX_OPS_CONV_TILES_H
#define NX_OPS_CONV_TILES_H

#include "ops/algorithm.h"

/* As of nx_algorithm, for convolutions and for gradients by the weights. */
size_t nx_conv_tiles_variants(const nx_device_info *info, const nx_question *q, nx_choice plain, nx_choice *out);
void nx_conv_tiles_plan(nx_plan *plan, nx_node *node, const nx_job *job);
void nx_conv_tiles_bind(nx_plan *plan, nx_node *node, const nx_job *job);

size_t nx_weights_tiles_variants(const nx_device_info *info, const nx_question *q, nx_choice plain, nx_choice *out);
void nx_weights_tiles_plan(nx_plan *plan, nx_node *node, const nx_job *job);
void nx_weights_tiles_bind(nx_plan *plan, nx_node *node, const nx_job *job);

#endif
