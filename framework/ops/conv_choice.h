/* Which algorithm a 3 x 3 convolution in steps of one pixel takes, for ops/conv: not a header for users of operations.
 *
 * Where Winograd's suits by its own rule there is a choice, and what was measured on this device (graph/wisdom)
 * decides; without that the rule does.
 *
 *     nx_conv_question q = {.x = x, .y = y, .zoom = 1};
 *     if (nx_conv_choose(&q, suits).winograd) ...
 */
#ifndef NX_OPS_CONV_CHOICE_H
#define NX_OPS_CONV_CHOICE_H

#include "device/device.h"
#include "graph/shape.h"

typedef struct nx_conv_question {
    nx_shape x, y; /* of the gradient by the weights: y is that of the convolution */
    int zoom;      /* x is read enlarged so many times */
    bool weights;  /* the gradient by the weights */
} nx_conv_question;

typedef struct nx_conv_choice {
    bool winograd;
    int block; /* register tiles that Winograd's takes at a time on CPUs; 0: by the size of the weights */
} nx_conv_choice;

/* suits: whether the rule takes Winograd's. Where it does not, that is the answer. */
nx_conv_choice nx_conv_choose(const nx_conv_question *q, bool suits);

/* The i-th answer that a device may have for a question, as text: what `nstx tune` tries. NULL: no more. The first is
 * the rule's. */
const char *nx_conv_candidate(const nx_device_info *info, const nx_conv_question *q, int i);

/* A question from the text by which wisdom knows it; false if the text is none of a convolution, or one of tensors too
 * large to try. */
#define NX_CONV_QUESTION_MOST (1 << 28) /* numbers in a tensor */
bool nx_conv_question_read(nx_conv_question *q, const char *text);

#endif
