/* Released networks after Johnson et al. as StyleNet: TransformerNet of pytorch/examples' fast_neural_style, as .pth
 * state dicts and as ONNX models that PyTorch exported from it, and the networks of Johnson's own fast-neural-style, as
 * checkpoints of Torch7.
 *
 *     if (!stylenet_import_tensors(params, c, file, "candy.pth", err)) return false;
 *     char *options = config_text(c, "generator");
 *
 * TransformerNet is StyleNet with reflected borders, nearest upsampling and a last convolution of 9 x 9, but for the
 * pixels: it takes RGB from 0 to 255 and makes the same. So the first convolution's weights are multiplied by 255, and
 * GENERATOR_MEAN is taken from the last one's bias; what comes out is a StyleNet as nstx trains it.
 *
 * Those of fast-neural-style take and make BGR minus GENERATOR_MEAN, and end with a tanh. The channels of the first and
 * the last convolution change places; the mean stays outside ([generator] input = centered), since zeros beyond the
 * border are grey there.
 */
#ifndef NETWORKS_STYLENET_IMPORT_H
#define NETWORKS_STYLENET_IMPORT_H

#include "io/onnx.h"
#include "io/t7.h"
#include "io/tensors.h"
#include "networks/stylenet.h"

/* Each of these makes and fills the parameters, with the names of stylenet_record, in an empty store, and sets
 * [generator] of c, which has stylenet and the defaults, to what the network is. path is for messages. Any other
 * network is an error that says what it seems to be. No device is needed. */

/* A file with TransformerNet's names, all of them perhaps behind the "module." of PyTorch's DataParallel; running
 * statistics that older files carry are passed over, as there. */
bool stylenet_import_tensors(nx_params *params, config *c, const nx_tensor_file *file, const char *path, nx_error *err);

/* Every node that works on the picture must be the one that PyTorch writes there, and its parameters are found from
 * those nodes, whatever they are called; the shapes that its reshapes make are not looked at. */
bool stylenet_import_onnx(nx_params *params, config *c, const nx_onnx *model, const char *path, nx_error *err);

/* A checkpoint, or the model of one alone. Every module must be the one that fast-neural-style's -arch builds there:
 * c9s1, d, d, R..., then u or U2 with c3s1, twice, and c9s1; with instance or batch normalization, and any
 * -padding_type but none. */
bool stylenet_import_t7(nx_params *params, config *c, const nx_t7 *root, const char *path, nx_error *err);

/* True of a file of tensors with the names of TransformerNet; of what seems to be of fast-neural-style. */
bool stylenet_released(const nx_tensor_file *file);
bool stylenet_is_t7(const nx_t7 *root);

#endif
