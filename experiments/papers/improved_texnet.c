/* Improved Texture Networks: Maximizing Quality and Diversity in Feed-forward Stylization and Texture Synthesis.
 * Dmitry Ulyanov, Andrea Vedaldi, Victor Lempitsky. CVPR 2017.
 *
 * Reproduced here: the stylization network with instance or batch normalization in every layer, instance normalization
 * or local response normalization at the input alone (Fig. 2), its training against a descriptor's content and Gram
 * matrices (Fig. 3a), and the entropy term that asks for diverse outputs (eq. 10, and as released). See
 * notes/papers/improved_texnet.md for the paper against the released code. */
#include "run/paper.h"

static const paper_network trained[] = {
    {.name = "stylenet"}, {.name = "v2", .textures = true}, {.name = "pyramid", .textures = true}, {0}};

static bool check(const config *c, nx_error *err)
{
    return !(c->loss.diversity > 0) || generator_network_of(c)->noise(c) ||
           nx_fail(err, "[loss] diversity compares outputs of one batch: it needs [generator] noise of 1 or more");
}

const paper improved_texnet = {.name = "improved_texnet",
                               .trains = trained,
                               .check = check,
                               .losses = paper_final_picture,
                               .styles = paper_one_style};
