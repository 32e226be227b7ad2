/* The networks of Simonyan and Zisserman 2015: configurations D, VGG-16, and E, VGG-19. torchvision counts the ReLUs
 * and the poolings of its convolutions too, Keras names a layer by its block. */
#include "networks/classifiers.h"

/* clang-format off */
#define CONV(block, i, width, number)                                                                                  \
    {.kind = LAYER_CONV, .name = "conv" #block "_" #i, .also = {"relu" #block "_" #i}, .channels = width,               \
     .torchvision = number, .keras = "block" #block "_conv" #i}
#define POOL(block) {.kind = LAYER_POOL, .name = "pool" #block}
#define FULLY_CONNECTED                                                                                                \
    {.kind = LAYER_LINEAR, .name = "fc6", .also = {"relu6", "fc1"}, .channels = 4096, .torchvision = 0, .keras = "fc1"},\
    {.kind = LAYER_LINEAR, .name = "fc7", .also = {"relu7", "fc2"}, .channels = 4096, .torchvision = 3, .keras = "fc2"},\
    {.kind = LAYER_LINEAR, .name = "fc8", .channels = 1000, .torchvision = 6, .keras = "predictions", .bare = true}

static const descriptor_layer vgg19_layers[] = {
    CONV(1, 1, 64, 0),   CONV(1, 2, 64, 2),                                             POOL(1),
    CONV(2, 1, 128, 5),  CONV(2, 2, 128, 7),                                            POOL(2),
    CONV(3, 1, 256, 10), CONV(3, 2, 256, 12), CONV(3, 3, 256, 14), CONV(3, 4, 256, 16), POOL(3),
    CONV(4, 1, 512, 19), CONV(4, 2, 512, 21), CONV(4, 3, 512, 23), CONV(4, 4, 512, 25), POOL(4),
    CONV(5, 1, 512, 28), CONV(5, 2, 512, 30), CONV(5, 3, 512, 32), CONV(5, 4, 512, 34), POOL(5),
    FULLY_CONNECTED,
};

static const descriptor_layer vgg16_layers[] = {
    CONV(1, 1, 64, 0),   CONV(1, 2, 64, 2),                        POOL(1),
    CONV(2, 1, 128, 5),  CONV(2, 2, 128, 7),                       POOL(2),
    CONV(3, 1, 256, 10), CONV(3, 2, 256, 12), CONV(3, 3, 256, 14), POOL(3),
    CONV(4, 1, 512, 17), CONV(4, 2, 512, 19), CONV(4, 3, 512, 21), POOL(4),
    CONV(5, 1, 512, 24), CONV(5, 2, 512, 26), CONV(5, 3, 512, 28), POOL(5),
    FULLY_CONNECTED,
};

/* The mean of ImageNet as the Oxford models take it away. */
#define COMMON(table)                                                                                                  \
    .layers = table, .count = sizeof table / sizeof *table, .side = 224, .mean = {123.68f, 116.779f, 103.939f},        \
    .padding = NX_PADDING_ZERO, .pool = NX_POOL_MAX, .random_pool = NX_POOL_AVERAGE
/* clang-format on */

const descriptor_network vgg19_network = {
    .name = "vgg19",
    .title = "VGG-19",
    .listing = "conv1_1 to conv5_4, relu1_1 to relu5_4, pool1 to pool5, fc6, fc7 and fc8",
    COMMON(vgg19_layers),
};

const descriptor_network vgg16_network = {
    .name = "vgg16",
    .title = "VGG-16",
    .listing = "conv1_1 to conv5_3, relu1_1 to relu5_3, pool1 to pool5, fc6, fc7 and fc8",
    COMMON(vgg16_layers),
};

/* ---- to be trained ---- */

const classifier_network vgg19_classifier = {.name = "vgg19", .like = &vgg19_network};
const classifier_network vgg16_classifier = {.name = "vgg16", .like = &vgg16_network};
