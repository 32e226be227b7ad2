/* A narrow descriptor made of a wide one without training: layer by layer, some of the teacher's channels are chosen,
 * and the weights that give them from the student's own layer before are fitted by least squares.
 *
 *     descriptor_images images = {.shape = {2, 128, 128, 3}, .batches = 200, .read = next, .context = loader};
 *     if (!descriptor_reduce(student, teacher, device, &images, &options, &err)) return false;
 *
 * What is to be kept is the kernel k(p, q) = <f(p), f(q)> / C of two positions. With weights w >= 0 of the channels S
 * it is sum_S w_c f_c(p) f_c(q) / C, and the mean over p and q of the squared difference of both is a quadratic
 * function of w and of the squares of the second moments E[f_c f_d] alone. Channels are added greedily, the weights
 * solved again after each (matching pursuit; Mallat, Zhang 1993, orthogonal and non-negative here).
 */
#ifndef NETWORKS_DESCRIPTOR_REDUCE_H
#define NETWORKS_DESCRIPTOR_REDUCE_H

#include "networks/descriptor_scale.h"

typedef struct descriptor_reduction {
    double floor;            /* the teacher's channels are divided as descriptor_scales_of does */
    float input_scale;       /* the student's input is divided by that */
    int border;              /* pixels of the picture at each side in which no position is taken */
    bool (*cancelled)(void); /* asked between batches; NULL: never */
} descriptor_reduction;

/* Sets every weight of the student. A layer that the teacher lacks learns from the one before it. Both networks take
 * pictures minus the teacher's mean. Parameters of both are on the device afterwards. Says on the way what was kept. If
 * cancelled, it returns true with the layers left as they are. */
bool descriptor_reduce(descriptor *student, descriptor *teacher, nx_device *device, const descriptor_images *images,
                       const descriptor_reduction *options, nx_error *err);

/* Factors on `count` channels: one over a channel's root mean square, or over `floor` times the mean of these roots
 * where that is more, so that a channel that hardly ever fires does not outweigh the others; all times one number, for
 * a mean square of 1 over the channels. A large floor leaves the channels' proportions as they are. 1 where all are 0.
 */
void descriptor_scales_of(const float *squares, int count, double floor, float *scales);

#endif
