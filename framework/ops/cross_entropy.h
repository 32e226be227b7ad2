/* Softmax and cross-entropy in one, with label smoothing (Szegedy et al. 2016, section 7): the loss of classification.
 *
 *     nx_tensor *labels = nx_input(g, (nx_shape){batch, 1, 1, 1}, "labels");
 *     nx_tensor *loss = nx_cross_entropy(g, logits, labels, 0.1f);
 *
 * With C classes, logits z and label t of an image,
 *     loss = -sum over k of q_k ln(softmax(z)_k),     q_k = smoothing / C + (1 - smoothing) [k = t]
 * the mean over images, as PyTorch's CrossEntropyLoss(label_smoothing=...) has it; by z its gradient is (softmax(z) -
 * q) / images.
 */
#ifndef NX_OPS_CROSS_ENTROPY_H
#define NX_OPS_CROSS_ENTROPY_H

#include "graph/graph.h"

/* A scalar. logits: n x 1 x 1 x C. labels: n x 1 x 1 x 1, classes from 0 to C - 1 as whole numbers; any other is no
 * class, so that nothing but smoothing / C is asked for. smoothing: from 0 to 1. Differentiable by the logits. */
nx_tensor *nx_cross_entropy(nx_graph *g, nx_tensor *logits, nx_tensor *labels, float smoothing);

#endif
