/* Improved Texture Networks: Maximizing Quality and Diversity in Feed-forward Stylization and Texture Synthesis.
 * Dmitry Ulyanov, Andrea Vedaldi, Victor Lempitsky. CVPR 2017.
 *
 * Reproduced here: the stylization network with instance or batch normalization in every layer, instance normalization
 * or local response normalization at the input alone (Fig. 2), its training against a descriptor's content and Gram
 * matrices (Fig. 3a), and the entropy term that asks for diverse outputs (eq. 10, and as released). See
 * notes/papers/improved_texnet.md for the paper against the released code. */
#include "networks/stylenet.h"
#include "ops/affine.h"
#include "ops/concat.h"
#include "ops/random.h"
#include "ops/scale.h"
#include "run/paper.h"

static int generate(const config *c, nx_scope *s, nx_shape shape, nx_tensor *content, nx_tensor *random, judge *judges)
{
    static const stylenet_norm norms[] = {[NORM_INSTANCE] = STYLENET_INSTANCE,
                                          [NORM_BATCH] = STYLENET_BATCH,
                                          [NORM_INSTANCE_FIRST] = STYLENET_INSTANCE_FIRST,
                                          [NORM_LRN_FIRST] = STYLENET_LRN_FIRST};
    static const nx_padding paddings[] = {[PADDING_REPLICATE] = NX_PADDING_REPLICATE,
                                          [PADDING_REFLECT] = NX_PADDING_REFLECT,
                                          [PADDING_ZERO] = NX_PADDING_ZERO,
                                          [PADDING_CIRCULAR] = NX_PADDING_CIRCULAR};
    stylenet_options options = {.norm = norms[c->generator.norm],
                                .channels = c->generator.channels,
                                .blocks = c->generator.blocks,
                                .nearest = c->generator.upsample == UPSAMPLE_NEAREST,
                                .padding = paddings[c->generator.padding]};
    nx_tensor *x = nx_scale(s->g, content, 1.f / 255);
    if (c->generator.noise) {
        shape.c = c->generator.noise;
        nx_tensor *noise = nx_scale(s->g, nx_uniform(s->g, shape, random), (float)c->generator.noise_scale);
        x = nx_concat(s->g, (nx_tensor *[]){x, noise}, 2);
    }
    nx_tensor *y = stylenet_record(&options, s, x);
    if (c->generator.output_scale != 1) y = nx_scale(s->g, y, (float)c->generator.output_scale);
    judges[0] = (judge){.output = y, .content = content, .weight = 1, .prefix = ""};
    return 1;
}

static int styles(const config *c, perception_style *styles)
{
    styles[0] = (perception_style){c->data.style, c->data.style_size};
    return 1;
}

const paper improved_texnet = {
    .name = "improved_texnet", .generate = generate, .styles = styles, .multiple = STYLENET_MULTIPLE};
