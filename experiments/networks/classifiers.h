/* Classifiers: networks that give a number for each class of a picture, for what a network of the field does beside
 * pictures: how much a normalization costs it, and trained features for a descriptor.
 *
 *     classifier_inputs in = {.pixels = x, .random = state, .classes = 16};
 *     nx_tensor *logits = classifier_record(c, &scope, &in);
 *
 * A network is the table of its convolutions and poolings, and a row in config/keys.h; what makes classes of the last
 * features is [classifier] head. Parameters are called as torchvision calls them, features.N and classifier.N, with the
 * layers counted one by one, so that a VGG that was trained here without normalization, exported, is a file of weights
 * for [descriptor], with preprocessing = torchvision.
 */
#ifndef NETWORKS_CLASSIFIERS_H
#define NETWORKS_CLASSIFIERS_H

#include "networks/descriptor.h"
#include "nn/layer.h"

/* A convolution with its normalization and a ReLU; without channels the maximum of windows. */
typedef struct classifier_layer {
    int channels, size, stride, pad;
} classifier_layer;

typedef struct classifier_network {
    const char *name; /* as [classifier] network */
    const classifier_layer *layers;
    int count;
    const descriptor_network *like; /* where layers is NULL: up to its last pooling */
    bool drops_first;               /* dropout before the two hidden layers of head = full, not after them */
} classifier_network;

typedef struct classifier_inputs {
    nx_tensor *pixels; /* n x h x w x 3, RGB from 0 to 255 */
    nx_tensor *random; /* the state of dropout's random numbers; where the scope is training */
    int classes;
} classifier_inputs;

/* The network of a config. */
const classifier_network *classifier_network_of(const config *c);

/* Whether squares of that side are large enough for it; the error says what is. */
bool classifier_check_size(const config *c, int side, nx_error *err);

/* n x 1 x 1 x classes, of pictures that are large enough. */
nx_tensor *classifier_record(const config *c, nx_scope *s, const classifier_inputs *in);

#endif
