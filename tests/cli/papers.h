/* A tiny config of every paper and optimiser, for tests of what all of them have in common. */
#ifndef NSTX_TESTS_CLI_PAPERS_H
#define NSTX_TESTS_CLI_PAPERS_H

#include "cli.h"

#define LOG   "[log]\nevery = 1\nimages = 10\nvalidation = 10\ncheckpoint = 4\n"
#define STEPS "[experiment]\nsteps = 24\n"
#define OPTIMIZE                                                                                                       \
    STEPS "task = optimize\n"                                                                                          \
          "[descriptor]\nweights = random\nwidth = 0.125\npooling = average\ncontent_layers = relu1_2\nstyle_layers "  \
          "= relu1_1 relu2_1\n"                                                                                        \
          "[data]\ncontent = photos/odd.png\nstyle = style.png\nstyle_size = 32\nsize = 40\n" LOG

static const struct paper_config {
    const char *what, *config;
} papers[] = {
    {"improved_texnet", TINY STEPS "[generator]\nnoise = 1\n[loss]\ndiversity = 1\n" LOG},
    {"texture_networks", STEPS
     "paper = texture_networks\ntask = texture\n[descriptor]\nweights = random\nwidth = 0.0625\ncontent_layers =\n"
     "style_layers = relu1_1 relu2_1\n[generator]\nnetwork = pyramid\nscales = 3\n"
     "[data]\nstyle = style.png\nstyle_size = 32\nsize = 32\nbatch = 2\nvalidation_count = 2\n" LOG},
    {"multimodal", STEPS
     "paper = multimodal\n[descriptor]\nweights = random\nwidth = 0.0625\ncontent_layers = relu1_2\nstyle_layers = "
     "relu1_1\n"
     "[generator]\nnetwork = mtnet\nchannels = 4\n"
     "[data]\ncontent = photos\nvalidation_count = 1\nstyle = style.png\nstyle_size = 32\nsize = 32\nbatch = 1\n" LOG},
    {"gatys, Adam", "[optimizer]\nmethod = adam\n" OPTIMIZE "[experiment]\npaper = gatys\n"},
    {"gatys, coarse to fine", "[optimizer]\nmethod = lbfgs\nline_search = wolfe\nhistory = 4\n" OPTIMIZE
                              "[experiment]\npaper = gatys\n[data]\ncoarse = 24\ncoarse_steps = 9\n"},
    {"random_weights, L-BFGS",
     "[optimizer]\nmethod = lbfgs\nhistory = 4\n" OPTIMIZE "[experiment]\npaper = random_weights\n"},
};
enum { PAPERS = sizeof papers / sizeof *papers };

#endif
