/* TextureNetV2 of Improved Texture Networks (Ulyanov, Vedaldi, Lempitsky 2017): a vector of noise becomes a whole
 * picture, so that every pixel may depend on every number. The paper gives its outline alone ("256-d noise, two fully
 * connected layers, reshape to 4x4, repeated fractionally-strided convolutions like DCGAN"); the widths are ours.
 *
 *     nx_tensor *z = nx_normal(g, (nx_shape){batch, 1, 1, TEXTURENET_V2_NOISE}, state);
 *     nx_tensor *y = texturenet_v2_record(&(texturenet_v2_options){.channels = 512, .doublings = 6}, &scope, z);
 *
 * z is [n, 1, 1, TEXTURENET_V2_NOISE], N(0, 1); y is [n, side, side, 3], linear, side = 4 times 2 to the power of
 * doublings, with a standard deviation of about 50 at first. 7 133 619 parameters at 512 channels and 6 doublings,
 * 3 983 795 at 256.
 */
#ifndef NETWORKS_TEXTURENET_V2_H
#define NETWORKS_TEXTURENET_V2_H

#include "nn/layer.h"

enum { TEXTURENET_V2_NOISE = 256, TEXTURENET_V2_START = 4 };

typedef struct texturenet_v2_options {
    int channels;  /* of the 4 x 4 pixels that it starts from; then 256, 128, ... 16, where that is less */
    int doublings; /* of the side */
} texturenet_v2_options;

nx_tensor *texturenet_v2_record(const texturenet_v2_options *options, nx_scope *s, nx_tensor *z);

#endif
