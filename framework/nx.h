/* The whole of nx: differentiable image operations on OpenCL devices, and what training and optimising with them takes.
 * This list is the map of the library, floor by floor; a floor knows nothing of those above it. What a header is for
 * stands at its top.
 *
 *     if (!nx_device_open(&device, &(nx_device_options){.name = "H200"}, &err)) return false;
 *     nx_graph *g = nx_graph_new(&device->info);
 *     nx_tensor *x = nx_input(g, (nx_shape){1, 256, 256, 3}, "x"), *y = nx_keep(nx_upsample(g, x, 2));
 *     if (!nx_plan_new(&plan, g, &err)) return false;
 *     nx_plan_realize(plan, device);
 *     nx_plan_write(plan, x, small), nx_plan_run(plan), nx_plan_read(plan, y, large);
 *
 * framework/example.c is a whole program, and notes/library.md says how it is compiled.
 */
#ifndef NX_H
#define NX_H

/* C++ includes this header alone, and no other of the library. The system's come first: they are not C's alone. */
#include <CL/cl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __cplusplus
extern "C" {
#endif

/* base: the host */
#include "base/bfloat16.h" /* half a float */
#include "base/blocks.h"   /* how many blocks hold so many things */
#include "base/clock.h"    /* seconds */
#include "base/error.h"    /* answers to users, and death by bugs */
#include "base/log.h"      /* messages and the progress line */
#include "base/memory.h"   /* allocation that never fails */
#include "base/quantile.h" /* medians and quartiles */
#include "base/rng.h"      /* counter-based random numbers, the same on host and device */
#include "base/text.h"     /* formatted strings, paths, the nearest name for a typo */
#include "base/version.h"  /* what this build is */

/* device: OpenCL */
#include "device/device.h"    /* finding, choosing and opening a device */
#include "device/gemm.h"      /* matrix products: own kernels on CPUs, CLBlast's on GPUs */
#include "device/memory.h"    /* buffers, every byte counted by kind */
#include "device/precision.h" /* of products */
#include "device/program.h"   /* kernels, from the embedded sources */
#include "device/status.h"    /* OpenCL's status codes in words */

/* io: files; a stranger to device */
#include "io/array.h"           /* arrays of other programs' files */
#include "io/classes.h"         /* pictures in a folder for each class */
#include "io/files.h"           /* whole reads, writes that are all or nothing */
#include "io/hdf5.h"            /* HDF5 in small typed calls */
#include "io/image.h"           /* PNG, JPEG and WebP pictures */
#include "io/ini.h"             /* INI files, strictly */
#include "io/loader.h"          /* batches of crops of pictures, decoded ahead */
#include "io/npz.h"             /* NumPy's .npz */
#include "io/onnx.h"            /* models of ONNX */
#include "io/packed.h"          /* packed datasets: many pictures in one file */
#include "io/profile.h"         /* colour profiles of pictures, carried along */
#include "io/protobuf_writer.h" /* messages of Protocol Buffers, written */
#include "io/pth.h"             /* PyTorch's .pth and .pt */
#include "io/t7.h"              /* files of Torch7 */
#include "io/tensors.h"         /* weights: safetensors, HDF5, .npz and .pth */

/* graph: a computation, recorded once */
#include "graph/graph.h"     /* tensors, nodes, differentiation */
#include "graph/param.h"     /* named weights, which outlive graphs */
#include "graph/plan.h"      /* order, memory and launches of a step */
#include "graph/recompute.h" /* less memory for more time */
#include "graph/shape.h"     /* NHWC, HWIO */
#include "graph/wisdom.h"    /* choices that were measured on this device */

/* ops: one differentiable operation each */
#include "ops/activation.h"      /* ReLU, LeakyReLU, tanh */
#include "ops/add.h"             /* a + b */
#include "ops/affine.h"          /* a scale and a shift for each channel */
#include "ops/channel_sum.h"     /* a sum for each channel */
#include "ops/concat.h"          /* side by side along the channels */
#include "ops/conv.h"            /* convolution and transposed convolution */
#include "ops/cross_entropy.h"   /* the loss of classification */
#include "ops/dropout.h"         /* numbers that fall by chance */
#include "ops/entropy.h"         /* how far apart the images of a batch are: diversity */
#include "ops/gather.h"          /* some of the pixels */
#include "ops/gemm.h"            /* matrix products in a graph */
#include "ops/gradient_norm.h"   /* the identity, with a normalised gradient */
#include "ops/gram.h"            /* Gram matrices: texture */
#include "ops/hold.h"            /* the identity, taken for a constant by differentiation */
#include "ops/linear.h"          /* fully connected layers */
#include "ops/log.h"             /* natural logarithms */
#include "ops/lrn.h"             /* local response normalisation */
#include "ops/mask.h"            /* a weight for each pixel */
#include "ops/mean_square.h"     /* the mean of squares */
#include "ops/mse.h"             /* mean squared difference */
#include "ops/norm.h"            /* instance and batch normalisation */
#include "ops/pad.h"             /* zeros, mirrored, repeated, circular */
#include "ops/pool.h"            /* maximum and mean over windows */
#include "ops/quotient.h"        /* of two scalars */
#include "ops/random.h"          /* noise, drawn on the device */
#include "ops/reshape.h"         /* the same numbers under another shape */
#include "ops/resize.h"          /* bilinear resampling to any size */
#include "ops/row_moments.h"     /* means and deviations of each row */
#include "ops/scale.h"           /* a factor */
#include "ops/slice.h"           /* a box cut out */
#include "ops/total_variation.h" /* how rough an image is */
#include "ops/upsample.h"        /* enlargement by a whole factor */
#include "ops/weighted_sum.h"    /* the total of a loss's terms */

/* nn: networks and their training */
#include "nn/init.h"      /* initial weights */
#include "nn/layer.h"     /* layers with named parameters */
#include "nn/lbfgs.h"     /* a picture optimised with curvature */
#include "nn/loss.h"      /* content, style and the other losses of the field */
#include "nn/optimizer.h" /* from a loss to updated parameters */

#ifdef __cplusplus
}
#endif

#endif
