/* A picture is painted in the texture of another one: the library in one file, to read first and to change.
 *
 *     cc example.c $(pkg-config --cflags --libs nx) -o example
 *     ./example texture.png                        without a name nothing is written
 *
 * Texture is what the features of a picture have to do with each other wherever they are: their Gram matrix (Gatys,
 * Ecker and Bethge 2015). The features are those of one convolution with random filters, the texture is of stripes that
 * are drawn here, and the picture begins as noise. Adam moves its pixels until both Gram matrices are alike. */
#include "nx.h"

#include <math.h>
#include <stdio.h>

enum { SIZE = 64, FILTER = 7, FEATURES = 64, STEPS = 300, EVERY = 50 };

static const nx_shape of_picture = {1, SIZE, SIZE, 3}, of_filters = {FILTER, FILTER, 3, FEATURES};

static int fail(const nx_error *err)
{
    fprintf(stderr, "example: %s\n", err->text);
    return 1;
}

/* Diagonal stripes, blue on yellow, from 0 to 1. */
static void draw_stripes(float *rgb)
{
    for (int y = 0; y < SIZE; y++)
        for (int x = 0; x < SIZE; x++, rgb += 3) {
            float blue = .5f + .5f * sinf((float)(x + 2 * y) * 6.2831853f / 16);
            rgb[0] = 1 - blue, rgb[1] = .8f - .6f * blue, rgb[2] = blue;
        }
}

/* The Gram matrix of a picture's features: shapes 1 x SIZE x SIZE x 3 to 1 x 1 x FEATURES x FEATURES. */
static nx_tensor *texture_of(nx_graph *g, nx_tensor *picture, nx_param *filters)
{
    nx_conv_options options = {.pad = FILTER / 2, .padding = NX_PADDING_REFLECT, .activation = NX_ACTIVATION_RELU};
    return nx_gram_matrix(g, nx_conv(g, picture, nx_use(g, filters), NULL, options));
}

int main(int argc, char **argv)
{
    nx_error err;
    nx_device *device; /* the best that there is; {.name = "H200"} would ask for one */
    if (!nx_device_open(&device, &(nx_device_options){0}, &err)) return fail(&err);
    printf("device %s\n", device->info.name);

    /* Numbers that outlive every graph: filters that stay as they are, and pixels that an optimizer changes. */
    nx_params *fixed = nx_params_new(), *pixels = nx_params_new();
    nx_param *filters = nx_param_add(fixed, "filters", of_filters, 4);
    nx_param *painted = nx_param_add(pixels, "painted", of_picture, 4);
    nx_init_normal(filters, 1, .1f);
    nx_init_unit(painted, 2, 1);
    filters->frozen = true;

    /* The computation, recorded: first as if by hand, then the gradient and the update, which are appended. */
    float stripes[SIZE * SIZE * 3];
    draw_stripes(stripes);
    nx_graph *g = nx_graph_new(&device->info);
    nx_tensor *wanted = texture_of(g, nx_constant(g, of_picture, stripes), filters);
    nx_tensor *loss = nx_keep(nx_mse(g, texture_of(g, nx_use(g, painted), filters), wanted));
    nx_optimizer_options options = {.method = NX_OPTIMIZER_ADAM, .beta1 = .9f, .beta2 = .999f, .epsilon = 1e-8f};
    nx_optimizer *adam = nx_optimizer_new(g, loss, pixels, options);

    /* Every buffer has its place before the device is asked for the first. What depends on constants alone, such as
     * the wanted texture, is computed once. */
    nx_plan *plan;
    if (!nx_plan_new(&plan, g, &err)) return fail(&err);
    printf("memory %.1f MB\n", (double)nx_plan_bytes(plan) * 1e-6);
    nx_params_realize(fixed, device);
    nx_params_realize(pixels, device);
    nx_params_realize(adam->state, device);
    nx_plan_realize(plan, device);

    for (int step = 1; step <= STEPS; step++) {
        nx_optimizer_rate(adam, plan, (uint64_t)step, .02);
        nx_plan_run(plan);
        if (step > 1 && step % EVERY) continue;
        float value;
        nx_plan_read(plan, loss, &value); /* waits for the device; nothing else does */
        printf("step %d loss %g\n", step, (double)value);
    }

    nx_image image = nx_image_new(SIZE, SIZE);
    nx_buffer_read(device, painted->buffer, image.rgb, sizeof stripes);
    for (int i = 0; i < SIZE * SIZE * 3; i++) image.rgb[i] *= 255;
    bool saved = argc < 2 || nx_image_save_png(&image, argv[1], &err);

    nx_image_free(&image);
    nx_plan_free(plan); /* what lives on the device before the device */
    nx_optimizer_free(adam);
    nx_graph_free(g);
    nx_params_free(pixels);
    nx_params_free(fixed);
    nx_device_free(device);
    return saved ? 0 : fail(&err);
}
