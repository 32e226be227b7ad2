/* Texture Networks: Feed-forward Synthesis of Textures and Stylized Images.
 * Dmitry Ulyanov, Vadim Lebedev, Andrea Vedaldi, Victor Lempitsky. ICML 2016.
 *
 * Reproduced here: the multi-scale generator that makes a texture from noise (task = texture) or stylizes a picture
 * (task = train), trained against the Gram matrices of one style picture, and the authors' own networks, which
 * `nstx check` runs. See notes/papers/texture_networks.md for the paper against the released code. */
#include "run/paper.h"

static const paper_network trained[] = {{.name = "pyramid"}, {0}};

const paper texture_networks = {
    .name = "texture_networks", .trains = trained, .losses = paper_final_picture, .styles = paper_one_style};
