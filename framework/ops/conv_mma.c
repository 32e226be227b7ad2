/* Convolution on NVIDIA's tensor cores, where the device was opened for tf32 or bf16: the tiles of conv_tiles.c with
 * operands rounded to it, 32 x 32 sums in fragments of mma.sync (cl/conv_gpu.cl). */
#include "ops/conv_tiles.h"

static bool can(const nx_device_info *info, const nx_question *q) { return (void)q, info->precision != NX_FP32; }

const nx_algorithm nx_conv_mma = {.name = "mma",
                                  .family = NX_FAMILY_GPU,
                                  .works = 1u << NX_WORK_CONV | 1u << NX_WORK_TRANSPOSED,
                                  .enlarged = true,
                                  .can = can,
                                  .variants = nx_conv_tiles_variants,
                                  .plan = nx_conv_tiles_plan,
                                  .bind = nx_conv_tiles_bind};

const nx_algorithm nx_weights_mma = {.name = "mma",
                                     .family = NX_FAMILY_GPU,
                                     .works = 1u << NX_WORK_WEIGHTS,
                                     .enlarged = true,
                                     .can = can,
                                     .variants = nx_weights_tiles_variants,
                                     .plan = nx_weights_tiles_plan,
                                     .bind = nx_weights_tiles_bind};
