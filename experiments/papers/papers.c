/* The papers, in the order of [experiment] paper. */
#include "run/paper.h"

extern const paper improved_texnet, multimodal, texture_networks, gatys, random_weights;

nx_padding paper_padding(const config *c)
{
    static const nx_padding paddings[] = {[PADDING_REPLICATE] = NX_PADDING_REPLICATE,
                                          [PADDING_REFLECT] = NX_PADDING_REFLECT,
                                          [PADDING_ZERO] = NX_PADDING_ZERO,
                                          [PADDING_CIRCULAR] = NX_PADDING_CIRCULAR};
    return paddings[c->generator.padding];
}

const paper *paper_of(const config *c)
{
    static const paper *const papers[] = {[PAPER_IMPROVED_TEXNET] = &improved_texnet,
                                          [PAPER_MULTIMODAL] = &multimodal,
                                          [PAPER_TEXTURE_NETWORKS] = &texture_networks,
                                          [PAPER_GATYS] = &gatys,
                                          [PAPER_RANDOM_WEIGHTS] = &random_weights};
    return papers[c->experiment.paper];
}
