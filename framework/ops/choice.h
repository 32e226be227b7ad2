/* Which algorithm an operation takes where there are several: convolutions, their gradients by the weights, matrix
 * products. For these operations and for `nstx tune`: not a header for users of operations.
 *
 * One table of algorithms (ops/algorithm) serves the rule, which takes the first row that pays by experience, and tune,
 * which tries every row that can, with every tile and number of splits that suits. What was measured on this device
 * (graph/wisdom) decides; without that the rule does.
 *
 *     nx_question q = {.work = NX_WORK_CONV, .x = x, .y = y, .kh = 3, .kw = 3, .stride = 1, .zoom = 1};
 *     nx_choice choice = nx_choose(info, &q);
 */
#ifndef NX_OPS_CHOICE_H
#define NX_OPS_CHOICE_H

#include "device/gemm.h"
#include "graph/wisdom.h"
#include "ops/tile.h"

typedef enum nx_work {
    NX_WORK_CONV,       /* with stride 1 transposed ones too, which are the same work */
    NX_WORK_TRANSPOSED, /* with larger strides */
    NX_WORK_WEIGHTS,    /* the gradient by the weights */
    NX_WORK_PRODUCT,
    NX_WORKS
} nx_work;

typedef struct nx_question {
    nx_work work;
    nx_shape x, y;            /* of the gradient by the weights: y is that of the convolution */
    int kh, kw, stride, zoom; /* x is read enlarged so many times */
    nx_gemm_problem product;  /* of NX_WORK_PRODUCT, which has none of the above */
} nx_question;

typedef struct nx_algorithm nx_algorithm; /* ops/algorithm */

typedef struct nx_choice {
    const nx_algorithm *algorithm;
    int block;           /* register tiles that Winograd's takes at a time on CPUs; 0: by the rule */
    const nx_tile *tile; /* of GPUs; NULL: by the rule */
    int splits;          /* of a long sum on GPUs; 0: by the rule */
} nx_choice;

/* An answer that is none of the candidates is a bug: what comes from a file is checked with nx_choice_known first. */
nx_choice nx_choose(const nx_device_info *info, const nx_question *q);

/* All that a device may do for a question, the rule's first; how many (at most NX_CHOICES, out has room for them). One:
 * there is no choice, and nobody asks. */
enum { NX_CHOICES = 80 };
size_t nx_choice_candidates(const nx_device_info *info, const nx_question *q, nx_choice *out);

/* Questions and choices as wisdom has them: "conv 3x3, 1x64x64x64 to 1x64x64x64, zoom 1" and "direct 64x32". Reading
 * fails if the text is no question, or one of tensors too large to try. */
#define NX_QUESTION_MOST (1 << 28) /* numbers in a tensor */
void nx_question_text(char out[NX_WISDOM_TEXT], const nx_question *q);
bool nx_question_read(nx_question *q, const char *text);
void nx_choice_text(char out[NX_WISDOM_TEXT], const nx_choice *choice);

/* Whether the answer is one of the candidates for the question. */
bool nx_choice_known(const nx_device_info *info, const char *question, const char *answer);

#endif
