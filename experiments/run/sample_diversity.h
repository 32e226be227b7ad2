/* How much the samples of a texture differ: what tells a generator that draws from one that repeats itself.
 *
 *     sample_diversity v = sample_diversity_of(samples, 8, 64 * 64);
 *     if (v.neighbour < 0.1 * v.contrast) ...                   every noise gives the same picture
 */
#ifndef RUN_SAMPLE_DIVERSITY_H
#define RUN_SAMPLE_DIVERSITY_H

#include <stddef.h>

typedef struct sample_diversity { /* in grey levels, root mean squares over pixels and channels */
    double neighbour; /* distance of a sample to the nearest other one, the mean over samples; NaN of fewer than two */
    double contrast;  /* distance of pixels to the mean colour of all samples */
} sample_diversity;

/* samples: count pictures of `pixels` pixels, RGB. */
sample_diversity sample_diversity_of(const float *samples, size_t count, size_t pixels);

#endif
