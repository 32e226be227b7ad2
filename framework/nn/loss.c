/* Perceptual losses: compositions of Gram matrices and mean squared errors. */
#include "nn/loss.h"

#include "ops/gradient_norm.h"
#include "ops/gram.h"
#include "ops/hold.h"
#include "ops/mean_square.h"
#include "ops/mse.h"
#include "ops/quotient.h"
#include "ops/scale.h"

nx_tensor *nx_content_loss(nx_graph *g, nx_tensor *features, nx_tensor *target) { return nx_mse(g, features, target); }

nx_tensor *nx_gram_matrix(nx_graph *g, nx_tensor *features)
{
    return nx_gram(g, features, 1.f / ((float)features->shape.h * (float)features->shape.w));
}

nx_tensor *nx_style_loss(nx_graph *g, nx_tensor *features, nx_tensor *gram, float strength)
{
    if (strength > 0) features = nx_normalize_gradient(g, features, strength);
    return nx_scale(g, nx_mse(g, nx_gram_matrix(g, features), gram), 0.25f);
}

nx_tensor *nx_content_energy(nx_graph *g, nx_tensor *target) { return nx_mean_square(g, target); }

nx_tensor *nx_style_energy(nx_graph *g, nx_tensor *gram) { return nx_scale(g, nx_mean_square(g, gram), 0.25f); }

nx_tensor *nx_relative_loss(nx_graph *g, nx_tensor *loss, nx_tensor *energy)
{
    return nx_quotient(g, loss, nx_hold(g, energy));
}

void nx_loss_factors(nx_convention convention, nx_shape features, double *content, double *style)
{
    double c = features.c, m = (double)features.h * features.w;
    const double factors[][2] = {
        [NX_CONVENTION_GATYS] = {c * m / 2, 1}, [NX_CONVENTION_MEAN] = {1, 4},
        [NX_CONVENTION_CHW] = {1, 4 / (c * c)}, [NX_CONVENTION_SUM] = {c * m, 4 * c * c * m * m},
        [NX_CONVENTION_RELATIVE] = {1, 1},
    };
    *content = factors[convention][0];
    *style = factors[convention][1];
}
