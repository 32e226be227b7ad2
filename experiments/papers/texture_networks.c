/* Texture Networks: Feed-forward Synthesis of Textures and Stylized Images.
 * Dmitry Ulyanov, Vadim Lebedev, Andrea Vedaldi, Victor Lempitsky. ICML 2016.
 *
 * Reproduced here: the multi-scale generator that makes a texture from noise (task = texture) or stylizes a picture
 * (task = train), trained against the Gram matrices of one style picture, and the authors' own networks, which
 * `nstx check` runs. See notes/papers/texture_networks.md for the paper against the released code. */
#include "networks/pyramid.h"
#include "ops/scale.h"
#include "run/paper.h"

static int generate(const config *c, nx_scope *s, nx_shape shape, nx_tensor *content, nx_tensor *random,
                    picture_loss *losses)
{
    pyramid_options options = {.scales = c->generator.scales, .pointwise_left_out = !c->generator.pointwise};
    nx_tensor *picture = content ? nx_scale(s->g, content, 1.f / 255) : NULL;
    nx_tensor *y = pyramid_generate(&options, s, shape, picture, random, (float)c->generator.noise_scale);
    if (c->generator.output_scale != 1) y = nx_scale(s->g, y, (float)c->generator.output_scale);
    losses[0] = (picture_loss){.output = y, .content = content, .weight = 1, .prefix = ""};
    return 1;
}

static bool check(const config *c, nx_error *err)
{
    return c->generator.network == GENERATOR_pyramid ||
           nx_fail(err, "[generator] network: the paper texture_networks trains the pyramid");
}

static int styles(const config *c, perceptual_style *styles)
{
    styles[0] = (perceptual_style){.path = c->data.style, .size = c->data.style_size};
    return 1;
}

static int reach(const config *c) { return pyramid_reach(&(pyramid_options){.scales = c->generator.scales}); }

static int multiple(const config *c) { return 1 << (c->generator.scales - 1); }

const paper texture_networks = {.name = "texture_networks",
                                .generate = generate,
                                .check = check,
                                .styles = styles,
                                .multiple = multiple,
                                .reach = reach};
