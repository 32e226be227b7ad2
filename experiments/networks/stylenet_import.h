/* Released networks of pytorch/examples' fast_neural_style (TransformerNet, after Johnson et al.) as StyleNet: .pth
 * state dicts, and ONNX models that PyTorch exported from it.
 *
 *     stylenet_options options;
 *     if (!stylenet_import(params, &options, "candy.pth", &err)) return fail_with(&err, EXIT_FAILED);
 *
 * It is StyleNet with reflected borders, nearest upsampling and a last convolution of 9 x 9, but for the pixels: it
 * takes RGB from 0 to 255 and makes the same. So the first convolution's weights are multiplied by 255, and
 * STYLENET_MEAN is taken from the last one's bias; what comes out is a StyleNet as nstx trains it.
 */
#ifndef NETWORKS_STYLENET_IMPORT_H
#define NETWORKS_STYLENET_IMPORT_H

#include "io/tensors.h"
#include "networks/stylenet.h"

/* Of R, G and B: that of ImageNet, which VGG's descriptors subtract. */
#define STYLENET_MEAN                                                                                                  \
    {                                                                                                                  \
        123.68, 116.779, 103.939                                                                                       \
    }

/* Makes and fills the parameters, with the names of stylenet_record, in an empty store, from an ONNX model or a file of
 * tensors with TransformerNet's names. Of a model every node that works on the picture must be the one that PyTorch
 * writes there, and its parameters are found from those nodes, whatever they are called; the shapes that its reshapes
 * make are not looked at. Running statistics that older files carry are passed over, as there. Any other network is an
 * error that says what it seems to be. No device is needed. */
bool stylenet_import(nx_params *params, stylenet_options *options, const char *path, nx_error *err);

/* True of a file of tensors with the names of TransformerNet. */
bool stylenet_released(const nx_tensor_file *file);

#endif
