/* Ulyanov, Vedaldi, Lempitsky: Improved texture networks: maximizing quality and diversity in feed-forward stylization
 * and texture synthesis. CVPR 2017. */
#include "figures/figure.h"

#include <math.h>

/* Fig. 3, left: ln of the loss against the iteration, instance normalization below batch normalization. */
static bool learning_curves(figure_work *w, nx_error *err)
{
    const points *p = figure_run(w, "fig3a", NULL, err);
    if (!p) return false;
    int chart = page_chart(figure_page(w), (page_axes){.x = "step", .y = "loss", .log_y = true});
    double training[2], validation[2];
    for (size_t i = 0; i < 2; i++)
        if (!figure_curve(w, chart, p->point[i].label, p->point[i].path, "total", false, err) ||
            !figure_mean(p->point[i].path, "total", 50, &training[i], err) ||
            !figure_metric(p->point[i].path, "validation/total", &validation[i], err))
            return false;
    double ratio = validation[0] / validation[1];
    figure_claim(w, verdict_trained(w, ratio <= .85), "validation loss, instance over batch", "about 0.5",
                 "%.3f (at most 0.85)", ratio);
    figure_claim(w, verdict_trained(w, training[0] <= .95 * training[1]), "training loss, instance over batch",
                 "below 1", "%.3f (at most 0.95)", training[0] / training[1]);
    return true;
}

const figure improved_texnet_figures[] = {
    {"fig3a", "learning curves of instance and batch normalization",
     "the curves on random features, which decide nothing", learning_curves},
    {0},
};
