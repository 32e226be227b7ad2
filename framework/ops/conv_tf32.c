/* Convolution on NVIDIA's tensor cores, where the device was opened for it: the tiles of conv_tiles.c with operands
 * rounded to tf32, 32 x 32 sums in fragments of mma.m16n8k8 (cl/conv_gpu.cl). */
#include "ops/conv_tiles.h"

static bool can(const nx_device_info *info, const nx_question *q) { return (void)q, info->precision == NX_TF32; }

const nx_algorithm nx_conv_tf32 = {.name = "tf32",
                                   .family = NX_FAMILY_GPU,
                                   .works = 1u << NX_WORK_CONV | 1u << NX_WORK_TRANSPOSED,
                                   .enlarged = true,
                                   .can = can,
                                   .variants = nx_conv_tiles_variants,
                                   .plan = nx_conv_tiles_plan,
                                   .bind = nx_conv_tiles_bind};

const nx_algorithm nx_weights_tf32 = {.name = "tf32",
                                      .family = NX_FAMILY_GPU,
                                      .works = 1u << NX_WORK_WEIGHTS,
                                      .enlarged = true,
                                      .can = can,
                                      .variants = nx_weights_tiles_variants,
                                      .plan = nx_weights_tiles_plan,
                                      .bind = nx_weights_tiles_bind};
