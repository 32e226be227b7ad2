/* Multimodal Transfer: A Hierarchical Deep Convolutional Neural Network for Fast Artistic Style Transfer.
 * Xin Wang, Geoffrey Oxholm, Da Zhang, Yuan-Fang Wang. CVPR 2017.
 *
 * Reproduced here: MT-Net, whose subnets stylize at three sizes (Fig. 2), its hierarchical loss over the three pictures
 * with a style picture of its own size for each (eq. 6 and 7), so that coarse and fine traits come from the right scale
 * (Fig. 3 and 6), and two styles in one network (Fig. 7). The networks that Table 1 compares with are StyleNets of
 * improved_texnet. See notes/papers/multimodal.md for the paper against what its readers built. */
#include "networks/mtnet.h"
#include "ops/hold.h"
#include "run/paper.h"

static const paper_network trained[] = {{.name = "mtnet"}, {0}};

/* The content that picture k keeps, as large as it: that of its subnet's input, which training shall not move towards
 * the picture, or the content picture's. */
static picture_loss target(const config *c, nx_scope *s, const generator_pictures *y, int k, nx_tensor *content)
{
    bool previous = c->loss.content_target == CONTENT_TARGET_PREVIOUS;
    if (k && previous) return (picture_loss){.content = nx_hold(s->g, y->input[k]), .centered = true};
    return (picture_loss){.content = mtnet_resized(s->g, content, y->output[k]->shape.h, y->output[k]->shape.w)};
}

static int losses(const config *c, nx_scope *s, const generator_pictures *y, nx_tensor *content, picture_loss *losses)
{
    static const char *const prefixes[MTNET_SUBNETS] = {"style_subnet/", "enhance_subnet/", "refine_subnet/"};
    for (int k = 0; k < y->count; k++) {
        picture_loss *j = &losses[k];
        *j = target(c, s, y, k, content);
        j->output = y->output[k];
        j->weight = config_layer_weight(&c->loss.stage_weights, k, y->count);
        j->style_weight = config_layer_weight(&c->loss.stage_style_weights, k, y->count);
        j->style = j->style_weight > 0 ? k : -1;
        j->prefix = prefixes[k];
    }
    return y->count;
}

static bool check_stages(const config *c, const config_numbers *weights, const char *key, nx_error *err)
{
    return weights->mean || !weights->count || weights->count == c->generator.stages ||
           nx_fail(err, "[loss] %s: %d numbers for the %d subnets of mtnet", key, weights->count, c->generator.stages);
}

static bool check(const config *c, nx_error *err)
{
    if (c->experiment.task != TASK_TRAIN)
        return nx_fail(err, "[experiment] task: the paper multimodal has the task train alone");
    return check_stages(c, &c->loss.stage_weights, "stage_weights", err) &&
           check_stages(c, &c->loss.stage_style_weights, "stage_style_weights", err) &&
           check_stages(c, &c->loss.stage_style_ratios, "stage_style_ratios", err);
}

static int styles(const config *c, perceptual_style *styles)
{
    const char *fine = *c->data.fine_style ? c->data.fine_style : c->data.style;
    for (int k = 0; k < c->generator.stages; k++)
        styles[k] = (perceptual_style){
            .path = k ? fine : c->data.style, .size = config_style_size(c), .part = 1 << (c->generator.stages - 1 - k)};
    return c->generator.stages;
}

const paper multimodal = {.name = "multimodal", .trains = trained, .check = check, .losses = losses, .styles = styles};
