/* AlexNet in one column, of Krizhevsky 2014, "One weird trick for parallelizing convolutional neural networks": that of
 * Krizhevsky, Sutskever and Hinton 2012 without its two halves and its local response normalization. torchvision has
 * the same. */
#include "networks/classifiers.h"

static const classifier_layer layers[] = {
    {64, 11, 4, 2}, {.size = 3, .stride = 2}, /* 224 pixels a side to 55 and 27 */
    {192, 5, 1, 2}, {.size = 3, .stride = 2}, /* 13 */
    {384, 3, 1, 1}, {256, 3, 1, 1},           {256, 3, 1, 1}, {.size = 3, .stride = 2}, /* 6 */
};

const classifier_network alexnet_classifier = {
    .name = "alexnet", .layers = layers, .count = sizeof layers / sizeof *layers, .drops_first = true};
