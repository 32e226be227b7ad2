/* TextureNetV2: two fully connected layers, transposed convolutions 4x4 with stride 2, one convolution. */
#include "networks/texturenet_v2.h"

#include "networks/generators.h"
#include "ops/random.h"
#include "ops/reshape.h"
#include "ops/scale.h"

#include <math.h>
#include <stdio.h>

enum { HIDDEN = 512, MOST = 512, LEAST = 16 }; /* numbers of the first layer; channels before and after doubling */

/* What brings the output's standard deviation to about 50. The last convolution sees max(gamma x, 0) of a normalized x:
 * mean square E[gamma^2] / 2 = 1/6 where gamma is U(0, 1); its weights are U(-b, b) with b^2 = gain^2 / inputs, of
 * variance b^2 / 3. So the output's variance is inputs * gain^2 / (3 inputs) / 6. */
static float output_gain(void) { return 50 * sqrtf(18); }

/* Channels after doubling i. */
static int width(const texturenet_v2_options *o, int i)
{
    int channels = MOST >> i > LEAST ? MOST >> i : LEAST;
    return channels < o->channels ? channels : o->channels;
}

nx_tensor *texturenet_v2_record(const texturenet_v2_options *o, nx_scope *s, nx_tensor *z)
{
    char name[32];
    int channels = o->channels, start = TEXTURENET_V2_START;
    nx_tensor *x = nx_layer_linear(s, "linear1", z, HIDDEN, NX_ACTIVATION_RELU);
    x = nx_layer_linear(s, "linear2", x, start * start * channels, NX_ACTIVATION_RELU);
    x = nx_reshape(s->g, x, (nx_shape){z->shape.n, start, start, channels});
    for (int i = 1; i <= o->doublings; i++) {
        channels = width(o, i);
        snprintf(name, sizeof name, "conv%d", i);
        x = nx_layer_conv_transposed(s, name, x, channels, 4, (nx_conv_options){.stride = 2, .pad = 1});
        snprintf(name, sizeof name, "norm%d", i);
        x = nx_layer_instance_norm(s, name, x, NX_ACTIVATION_RELU, NULL);
    }
    nx_scope last = *s;
    last.gain = output_gain();
    return nx_layer_conv(&last, "output", x, 3, 3, (nx_conv_options){.pad = 1});
}

/* ---- as a generator ---- */

static generator_pictures record(const config *c, nx_scope *s, const generator_inputs *in)
{
    texturenet_v2_options options = {.channels = c->generator.channels, .doublings = c->generator.scales};
    nx_tensor *z = nx_normal(s->g, (nx_shape){in->shape.n, 1, 1, TEXTURENET_V2_NOISE}, in->random);
    z = nx_scale(s->g, z, (float)c->generator.noise_scale);
    return generator_picture(c, s, texturenet_v2_record(&options, s, z));
}

static int multiple(const config *c) { return TEXTURENET_V2_START << c->generator.scales; }
static int reach(const config *c) { return (void)c, 0; }

const generator_network v2_network = {.name = "v2",
                                      .record = record,
                                      .multiple = multiple,
                                      .one_size = true,
                                      .reach = reach,
                                      .torus = generator_never,
                                      .noise = generator_always};
