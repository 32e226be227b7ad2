/* Multimodal Transfer: A Hierarchical Deep Convolutional Neural Network for Fast Artistic Style Transfer.
 * Xin Wang, Geoffrey Oxholm, Da Zhang, Yuan-Fang Wang. CVPR 2017.
 *
 * Reproduced here: MT-Net, whose subnets stylize at three sizes (Fig. 2), its hierarchical loss over the three pictures
 * with a style picture of its own size for each (eq. 6 and 7), so that coarse and fine traits come from the right scale
 * (Fig. 3 and 6), and two styles in one network (Fig. 7). The networks that Table 1 compares with are StyleNets of
 * improved_texnet. See notes/papers/multimodal.md for the paper against what its readers built. */
#include "networks/mtnet.h"
#include "ops/hold.h"
#include "ops/scale.h"
#include "run/paper.h"

static mtnet_options options_of(const config *c)
{
    static const mtnet_subnets subnets[] = {[SUBNETS_TWO_BRANCHES] = MTNET_TWO_BRANCHES,
                                            [SUBNETS_FULLFANTA] = MTNET_FULLFANTA,
                                            [SUBNETS_FELIME] = MTNET_FELIME};
    return (mtnet_options){.subnets = subnets[c->generator.subnets],
                           .channels = c->generator.channels,
                           .output_scale = (float)c->generator.output_scale,
                           .padding = paper_padding(c),
                           .stages = c->generator.stages};
}

static mtnet_pictures record(const config *c, nx_scope *s, nx_tensor *content, int refine)
{
    mtnet_options options = options_of(c);
    return mtnet_record(&options, s, nx_scale(s->g, content, 1.f / 255), refine);
}

/* The content that picture k keeps, as large as it: that of its subnet's input, which training shall not move towards
 * the picture, or the content picture's. */
static picture_loss target(const config *c, nx_scope *s, const mtnet_pictures *p, int k, nx_tensor *content)
{
    bool previous = c->loss.content_target == CONTENT_TARGET_PREVIOUS;
    if (k && previous) return (picture_loss){.content = nx_hold(s->g, p->input[k]), .centered = true};
    return (picture_loss){.content = mtnet_resized(s->g, content, p->output[k]->shape.h, p->output[k]->shape.w)};
}

static int generate(const config *c, nx_scope *s, nx_shape shape, nx_tensor *content, nx_tensor *random,
                    picture_loss *losses)
{
    static const char *const prefixes[MTNET_SUBNETS] = {"style_subnet/", "enhance_subnet/", "refine_subnet/"};
    (void)shape, (void)random;
    mtnet_pictures p = record(c, s, content, c->generator.refine);
    for (int k = 0; k < c->generator.stages; k++) {
        picture_loss *j = &losses[k];
        *j = target(c, s, &p, k, content);
        j->output = p.output[k];
        j->weight = config_layer_weight(&c->loss.stage_weights, k, c->generator.stages);
        j->style_weight = config_layer_weight(&c->loss.stage_style_weights, k, c->generator.stages);
        j->style = j->style_weight > 0 ? k : -1;
        j->prefix = prefixes[k];
    }
    return c->generator.stages;
}

static nx_tensor *apply(const config *c, nx_scope *s, nx_tensor *content, nx_tensor *random)
{
    (void)random;
    return record(c, s, content, 2).output[c->generator.stages - 1];
}

static bool check_stages(const config *c, const config_numbers *weights, const char *key, nx_error *err)
{
    return weights->mean || !weights->count || weights->count == c->generator.stages ||
           nx_fail(err, "[loss] %s: %d numbers for the %d subnets of mtnet", key, weights->count, c->generator.stages);
}

static bool check(const config *c, nx_error *err)
{
    if (c->generator.network != GENERATOR_mtnet)
        return nx_fail(err, "[generator] network: the paper multimodal trains mtnet");
    if (c->experiment.task != TASK_TRAIN)
        return nx_fail(err, "[experiment] task: the paper multimodal has the task train alone");
    if (c->generator.norm != NORM_INSTANCE)
        return nx_fail(err, "[generator] norm: mtnet has instance normalization alone");
    if (c->generator.padding == PADDING_ZERO)
        return nx_fail(err, "[generator] padding: mtnet takes replicate, reflect or circular");
    return check_stages(c, &c->loss.stage_weights, "stage_weights", err) &&
           check_stages(c, &c->loss.stage_style_weights, "stage_style_weights", err) &&
           check_stages(c, &c->loss.stage_style_ratios, "stage_style_ratios", err);
}

static int styles(const config *c, perceptual_style *styles)
{
    const char *fine = *c->data.fine_style ? c->data.fine_style : c->data.style;
    for (int k = 0; k < c->generator.stages; k++)
        styles[k] =
            (perceptual_style){k ? fine : c->data.style, c->data.style_size, 1 << (c->generator.stages - 1 - k)};
    return c->generator.stages;
}

static int multiple(const config *c) { return (void)c, MTNET_MULTIPLE; }

static int reach(const config *c)
{
    mtnet_options options = options_of(c);
    return mtnet_reach(&options);
}

const paper multimodal = {.name = "multimodal",
                          .generate = generate,
                          .apply = apply,
                          .check = check,
                          .styles = styles,
                          .multiple = multiple,
                          .reach = reach};
