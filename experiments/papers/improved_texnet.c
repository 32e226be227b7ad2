/* Improved Texture Networks: Maximizing Quality and Diversity in Feed-forward Stylization and Texture Synthesis.
 * Dmitry Ulyanov, Andrea Vedaldi, Victor Lempitsky. CVPR 2017.
 *
 * Reproduced here: the stylization network with instance or batch normalization in every layer, instance normalization
 * or local response normalization at the input alone (Fig. 2), its training against a descriptor's content and Gram
 * matrices (Fig. 3a), and the entropy term that asks for diverse outputs (eq. 10, and as released). See
 * notes/papers/improved_texnet.md for the paper against the released code. */
#include "networks/pyramid.h"
#include "networks/stylenet.h"
#include "networks/texturenet_v2.h"
#include "ops/affine.h"
#include "ops/concat.h"
#include "ops/random.h"
#include "ops/scale.h"
#include "run/paper.h"

static stylenet_options stylenet_of(const config *c)
{
    static const stylenet_norm norms[] = {[NORM_INSTANCE] = STYLENET_INSTANCE,
                                          [NORM_BATCH] = STYLENET_BATCH,
                                          [NORM_INSTANCE_FIRST] = STYLENET_INSTANCE_FIRST,
                                          [NORM_LRN_FIRST] = STYLENET_LRN_FIRST};
    return (stylenet_options){.norm = norms[c->generator.norm],
                              .channels = c->generator.channels,
                              .blocks = c->generator.blocks,
                              .nearest = c->generator.upsample == UPSAMPLE_NEAREST,
                              .padding = paper_padding(c)};
}

/* StyleNet on a picture and noise, or for textures on noise alone. */
static nx_tensor *stylenet(const config *c, nx_scope *s, nx_shape shape, nx_tensor *content, nx_tensor *random)
{
    stylenet_options options = stylenet_of(c);
    nx_tensor *x = content ? nx_scale(s->g, content, 1.f / 255) : NULL;
    if (c->generator.noise) {
        shape.c = c->generator.noise;
        nx_tensor *noise = nx_scale(s->g, nx_uniform(s->g, shape, random), (float)c->generator.noise_scale);
        x = x ? nx_concat(s->g, (nx_tensor *[]){x, noise}, 2) : noise;
    }
    return stylenet_record(&options, s, x);
}

/* The two generators of textures that the paper compares: TextureNet V1 and V2. */
static nx_tensor *texturenet_v1(const config *c, nx_scope *s, nx_shape shape, nx_tensor *content, nx_tensor *random)
{
    pyramid_options options = {.scales = c->generator.scales, .pointwise_left_out = !c->generator.pointwise};
    return pyramid_generate(&options, s, shape, content, random, (float)c->generator.noise_scale);
}

static nx_tensor *texturenet_v2(const config *c, nx_scope *s, nx_shape shape, nx_tensor *content, nx_tensor *random)
{
    texturenet_v2_options options = {.channels = c->generator.channels, .doublings = c->generator.scales};
    nx_tensor *z = nx_normal(s->g, (nx_shape){shape.n, 1, 1, TEXTURENET_V2_NOISE}, random);
    (void)content;
    return texturenet_v2_record(&options, s, nx_scale(s->g, z, (float)c->generator.noise_scale));
}

static int generate(const config *c, nx_scope *s, nx_shape shape, nx_tensor *content, nx_tensor *random,
                    picture_loss *losses)
{
    nx_tensor *y = c->generator.network == GENERATOR_v2        ? texturenet_v2(c, s, shape, content, random)
                   : c->generator.network == GENERATOR_pyramid ? texturenet_v1(c, s, shape, content, random)
                                                               : stylenet(c, s, shape, content, random);
    if (c->generator.output_scale != 1) y = nx_scale(s->g, y, (float)c->generator.output_scale);
    losses[0] = (picture_loss){.output = y, .content = content, .weight = 1, .prefix = ""};
    return 1;
}

static int styles(const config *c, perceptual_style *styles)
{
    styles[0] = (perceptual_style){.path = c->data.style, .size = c->data.style_size};
    return 1;
}

static bool one_size(const config *c) { return c->generator.network == GENERATOR_v2; }

static int multiple(const config *c)
{
    return c->generator.network == GENERATOR_v2        ? TEXTURENET_V2_START << c->generator.scales
           : c->generator.network == GENERATOR_pyramid ? 1 << (c->generator.scales - 1)
                                                       : STYLENET_MULTIPLE;
}

/* A transposed convolution sees zeros beyond the border even where everything else goes around, so that a tile there is
 * unlike one within. */
static int reach(const config *c)
{
    if (c->generator.network == GENERATOR_v2) return 0;
    if (c->generator.network == GENERATOR_pyramid)
        return pyramid_reach(&(pyramid_options){.scales = c->generator.scales});
    if (c->generator.padding == PADDING_CIRCULAR && c->generator.upsample == UPSAMPLE_TRANSPOSED) return 0;
    stylenet_options options = stylenet_of(c);
    return stylenet_reach(&options);
}

static bool check(const config *c, nx_error *err)
{
    bool texture = c->experiment.task == TASK_TEXTURE;
    switch (c->generator.network) {
    case GENERATOR_stylenet:
        if (texture && !c->generator.noise)
            return nx_fail(err,
                           "[generator] noise = 0: a texture from stylenet is made from noise, such as 3 channels");
        return !(c->loss.diversity > 0) || c->generator.noise ||
               nx_fail(err, "[loss] diversity compares outputs of one batch: it needs [generator] noise of 1 or more");
    case GENERATOR_pyramid:
    case GENERATOR_v2:
        return texture || nx_fail(err,
                                  "[experiment] task: the paper improved_texnet trains %s for textures: task = "
                                  "texture",
                                  c->generator.network == GENERATOR_v2 ? "v2" : "the pyramid");
    default:
        return nx_fail(err, "[generator] network: the paper improved_texnet trains stylenet, v2 or pyramid");
    }
}

const paper improved_texnet = {.name = "improved_texnet",
                               .generate = generate,
                               .check = check,
                               .styles = styles,
                               .multiple = multiple,
                               .reach = reach,
                               .one_size = one_size};
