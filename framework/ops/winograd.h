/* What the algorithms by Winograd share (cl/winograd.cl): not a header for users of operations.
 *
 * F(4 x 4, 3 x 3): 3 x 3 kernels in steps of one pixel, with twice the rounding error of the sum itself (about 2e-6 of
 * the largest output at 512 channels). Transformed weights take four times the memory. On CPUs other convolutions are
 * cut into pieces that are such ones, or F(5 x 5, 2 x 2); and there is F(6 x 6, 3 x 3), with a fifth less to multiply,
 * some four times the error and seven times the memory.
 */
#ifndef NX_OPS_WINOGRAD_H
#define NX_OPS_WINOGRAD_H

#include "ops/algorithm.h"

enum { NX_WINOGRAD_TILE = 4, NX_WINOGRAD_FREQUENCIES = 36 }; /* pixels of y along a side; numbers of a transform */

/* A convolution as the sum of in x in convolutions of side x side taps, whose pixels of x are `step` apart, in tiles of
 * tile x tile pixels, for each of out x out phases of y. */
typedef struct nx_winograd_form {
    int tile, side, in, step, out;
} nx_winograd_form;
nx_winograd_form nx_winograd_form_of(const nx_question *q); /* but of conv_winograd_6x6 */
nx_winograd_form nx_winograd_form_of_job(const nx_job *job);
extern const nx_algorithm nx_conv_winograd_6x6;

/* Where kernel, stride and size suit, there are so many channels in and out, and the kernels are not those of tensor
 * cores: transforms lose what tf32 has not to spare, and sums of bfloat16 in fragments need none. */
bool nx_winograd_can(const nx_device_info *info, const nx_question *q, int channels);

size_t nx_winograd_tiles(const nx_question *q, nx_winograd_form form); /* of all images, of one phase */
enum { NX_WINOGRAD_LEAST = 8 };                                        /* tiles that it is worth while for */

/* Launches of cl/winograd.cl; slot < 0: each step, otherwise in the list of the derived tensor. On CPUs some kernels
 * have a choice of the vectors of a panel. */
enum { NX_WINOGRAD_VECTORS = 2 };
nx_step *nx_winograd_launch(nx_plan *plan, nx_node *node, int slot, const char *kernel, nx_range range,
                            const nx_arg *args);
nx_step *nx_winograd_launch_panels(nx_plan *plan, nx_node *node, int slot, size_t vectors, const char *kernel,
                                   nx_range range, const nx_arg *args);

/* Whether the pieces of a convolution with few channels are read beside each other. */
bool nx_winograd_patch(const nx_plan *plan, const nx_job *job);

/* On CPUs, as its kernels are compiled: tiles of a register tile. */
size_t nx_winograd_rows(const nx_plan *plan, size_t vectors);

#endif
