/* What `nstx figure` does with the figures; the figures themselves see figures/figure.h alone. */
#ifndef FIGURES_FIGURE_WORK_H
#define FIGURES_FIGURE_WORK_H

#include "figures/figure.h"

enum { FIGURE_RUNS = 64, FIGURE_CLAIMS = 32 };

/* Every paper with its figures, in the order of config/keys.h; NULL past the last one. Paper NAME's are NAME_figures.
 */
const figure_paper *figure_paper_at(size_t i);

typedef struct figure_request {
    const char *command; /* the command line, for the run files */
    const char *again;   /* and as a shell takes it, for who continues */
    config_scale scale;
    const char *folder, *configs; /* where figures go; where the configs lie */
    const char *model;            /* the user's own generator; NULL: none */
    const char *const *overrides; /* the user's -s */
    size_t override_count;
    int seed; /* 1, or another one that is asked for besides: its runs and pages lie beside the first's */
} figure_request;

typedef struct figure_claim_text {
    verdict verdict;
    const char *claim, *paper;
    char *ours;
} figure_claim_text;

typedef struct figure_range { /* over the runs of a figure */
    double least, most;
} figure_range;

/* How far what a figure's claims were judged by had come. */
typedef struct figure_judged {
    size_t runs;                /* of steps; 0: the figure trained and optimised nothing */
    figure_range steps, pixels; /* of each run; pixels along a side, 0: as many as its pictures have */
    size_t losses;              /* how many of the runs have one, over steps enough to be quartered */
    figure_range change;        /* a part of it: from its mean in the second quarter of the steps to that in the last */
} figure_judged;

/* The request and the figure must live as long as the work. */
figure_work *figure_work_new(const figure_request *request, const figure_paper *paper, const figure *f);
void figure_work_free(figure_work *w);

size_t figure_claims(const figure_work *w, const figure_claim_text **claims);
figure_judged figure_judge(const figure_work *w);

#define FIGURE_TREND "the loss from their second quarter to the last"

/* "600 steps at 256 pixels; the loss from their second quarter to the last: -40 to -3 %"; NULL without a run. Owned by
 * the caller. */
char *figure_judged_text(const figure_judged *j);

bool figure_interrupted(const figure_work *w);
bool figure_has_seeds(const figure_work *w); /* its runs are of several seeds already */
const char *figure_scale_name(config_scale scale);
const char *figure_request_weights(const figure_request *r);

/* What the user sets a key to, such as "experiment.seed"; the last of several, NULL: leaves it to the config. */
const char *figure_request_setting(const figure_request *r, const char *key);

/* "paper scale", or "paper scale, bf16, seed 2": with the precision that is asked for, unless it is float32, and with
 * the seed, unless it is the first. Owned by the caller. */
char *figure_request_scale(const figure_request *r);

/* "ci", or "ci-seed2", by which runs and pages are told apart. Owned by the caller. */
char *figure_place(config_scale scale, int seed);

#endif
