/* What decides the verdicts of figures: runs and generators are made here, with numbers and pictures that satisfy a
 * claim and then with some that break it, and the verdict must follow. Nothing is trained and no picture generated:
 * run_config, which a figure calls for each of its runs, and all of figures/trained_generator.h are this file's. Not
 * here is what a figure plans, or asks a network itself: the tests of the papers have that. */
#include "../io/scratch.h"

#include "base/log.h"
#include "base/rng.h"
#include "figures/figure_work.h"
#include "figures/trained_generator.h"
#include "io/tensors.h"
#include "runfile/runfile.h"

#include <fnmatch.h>
#include <math.h>

/* ---- made runs ---- */

/* The rules of a case, separated by semicolons: a part of the run's file name or *, what, and numbers. What is
 *
 *     a metric    its values at step 0 and after; third number: the step from which on it has the second one; a name
 *                 may have wildcards
 *     @picture    so much noise, from 0 to 1, in place of the picture that the run is about; 1: another noise for each
 *                 seed; and more noise by this from each seed to the next
 *     seconds     a step takes so much times the number of pixels, to this power
 *     made        what a generator makes has this part of its content's contrast (or its style's), noise of so much,
 * and this part more for each factor on its noise loss        of any picture: so much, and this times its contrast, and
 * this times its number of pixels; loss2: against style number 2 cost        seconds and megabytes of a picture
 *
 * The last rule that fits counts. Metrics are 1 and then 0.5 without one, pictures are all noise. */
static const char *rules;

typedef struct rule {
    double number[3];
} rule;

static rule rule_of(const char *run, const char *what, rule usual)
{
    char *all = nx_copy_text(rules), *next = NULL;
    for (char *one = strtok_r(all, ";", &next); one; one = strtok_r(NULL, ";", &next)) {
        char part[128], name[64];
        rule r = {{0}};
        if (sscanf(one, " %127s %63s %lf %lf %lf", part, name, &r.number[0], &r.number[1], &r.number[2]) < 3)
            fail_msg("\"%s\" is no rule", one);
        if ((!strcmp(part, "*") || strstr(run, part)) && !fnmatch(name, what, 0)) usual = r;
    }
    free(all);
    return usual;
}

/* What the run is about, its content, or its style where it has none; owned here, good until the next call. */
static const nx_image *source_of(const config *c, int side)
{
    static char *path;
    static nx_image whole, out;
    nx_error err;
    const char *wanted = c->data.style;
    if (c->experiment.task == TASK_OPTIMIZE && c->data.content.count) wanted = c->data.content.items[0];
    if (!path || strcmp(path, wanted)) {
        free(path);
        path = nx_copy_text(wanted);
        nx_image_free(&whole);
        if (!nx_image_load(&whole, path, &err)) fail_msg("%s", err.text);
        nx_image_free(&out);
    }
    if (out.width != side) {
        nx_image_free(&out);
        out = nx_image_resize(&whole, side, side, NX_BICUBIC);
    }
    return &out;
}

static void make_picture(runfile *run, const sweep_point *p, const char *name, const char *what, int side)
{
    rule r = rule_of(strrchr(p->path, '/') + 1, what, (rule){{1}});
    int seed = p->config->experiment.seed;
    double noise = r.number[0] + r.number[2] * (seed - 1);
    nx_rng rng = nx_rng_new(r.number[1] > 0 ? (uint64_t)seed : 0, 1);
    const nx_image *source = source_of(p->config, side);
    uint8_t *bytes = nx_alloc((size_t)(side * side * 3));
    for (int i = 0; i < side * side * 3; i++) {
        double v = (1 - noise) * (double)source->rgb[i] + noise * 255 * (double)nx_rng_uniform(&rng);
        bytes[i] = (uint8_t)lrint(fmin(fmax(v, 0), 255));
    }
    runfile_image(run, name, p->config->experiment.steps, side, side, bytes, NULL);
    free(bytes);
}

static void make_metric(runfile *run, const sweep_point *p, const char *name, double pixels)
{
    const int64_t last = p->config->experiment.steps, steps[] = {0, 50, 100, 150, 200, last};
    const char *file = strrchr(p->path, '/') + 1;
    rule r = rule_of(file, name, (rule){{1, .5}}), seconds = rule_of(file, "seconds", (rule){{.01}});
    int64_t before = -1;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (steps[i] <= before || steps[i] > last) continue;
        before = steps[i];
        runfile_metric(run, name, 1, steps[i], (double)steps[i] * seconds.number[0] * pow(pixels, seconds.number[1]),
                       r.number[steps[i] > 0 && steps[i] >= (int64_t)r.number[2]]);
    }
}

static void make_layers(runfile *run, const sweep_point *p, const char *kind, const config_list *layers)
{
    for (int i = 0; i < layers->count; i++) {
        char *name = nx_format("%s/%s", kind, layers->items[i]);
        make_metric(run, p, name, 1);
        free(name);
    }
}

int run_config(const sweep_point *p, const run_request *r, run_outcome *out, nx_error *err_out)
{
    static const nx_device_info device = {.name = "none"};
    static const char *const metrics[] = {"total",
                                          "style",
                                          "content",
                                          "validation/total",
                                          "validation/style",
                                          "validation/content",
                                          "validation/style_subnet/style",
                                          "validation/enhance_subnet/style",
                                          "validation/refine_subnet/style",
                                          "samples/neighbour",
                                          "samples/contrast"};
    static const char *const pictures[] = {"picture", "content0", "output0",        "output1",
                                           "output2", "output3",  "stage1_output0", "stage2_output0"};
    enum { PICTURES = sizeof pictures / sizeof *pictures };
    (void)r, (void)err_out;
    *out = (run_outcome){0};
    nx_error err;
    runfile *run;
    runfile_info info = {"made", p->config, &device};
    bool sizes = strstr(p->path, "/cost-"); /* the only figure that looks at the number of pixels */
    int side = sizes ? p->config->data.size : 32;
    if (!runfile_new(&run, p->path, &info, &err)) fail_msg("%s", err.text);
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) make_metric(run, p, metrics[i], side * side);
    make_layers(run, p, "content", &p->config->descriptor.content_layers);
    make_layers(run, p, "style", &p->config->descriptor.style_layers);
    bool optimized = p->config->experiment.task == TASK_OPTIMIZE;
    for (size_t i = optimized ? 0 : 1; i < (optimized ? 1 : PICTURES); i++) {
        char *what = nx_format("@%s", pictures[i]);
        make_picture(run, p, pictures[i], what, side);
        free(what);
    }
    if (!runfile_finish(run, "finished", NULL, &err)) fail_msg("%s", err.text);
    runfile_free(run);
    return 0;
}

/* ---- made generators ---- */

struct trained {
    const sweep_point *p;
    int style;
};

static rule rule_for(const trained *t, const char *what, rule usual)
{
    return rule_of(strrchr(t->p->path, '/') + 1, what, usual);
}

bool trained_open(trained **out, const sweep_point *p, const char *model, nx_error *err)
{
    (void)model, (void)err;
    *out = nx_alloc(sizeof **out);
    (*out)->p = p;
    return true;
}

void trained_free(trained *t) { free(t); }
void trained_against(trained *t, int style) { t->style = style; }

generator_facts trained_facts(const trained *t)
{
    return (generator_facts){.seconds = rule_for(t, "cost", (rule){{1, 1}}).number[0]};
}

bool trained_bytes(trained *t, int height, int width, uint64_t *bytes, nx_error *err)
{
    (void)height, (void)width, (void)err;
    *bytes = (uint64_t)(1e6 * rule_for(t, "cost", (rule){{1, 1}}).number[1]);
    return true;
}

bool trained_apply(trained *t, const nx_image *content, generator_options o, nx_image *out, nx_error *err)
{
    (void)err;
    rule r = rule_for(t, "made", (rule){{1}});
    double part = r.number[0] + r.number[2] * fmax(o.noise_scale, 0), mean[3] = {0};
    int count = content->height * content->width * 3;
    nx_rng rng = nx_rng_new(o.number, 2);
    *out = nx_image_new(content->height, content->width);
    for (int i = 0; i < count; i++) mean[i % 3] += 3 * (double)content->rgb[i] / count;
    for (int i = 0; i < count; i++)
        out->rgb[i] = (float)(mean[i % 3] + part * ((double)content->rgb[i] - mean[i % 3]) +
                              r.number[1] * ((double)nx_rng_uniform(&rng) - .5));
    return true;
}

bool trained_sample(trained *t, int height, int width, generator_options o, nx_image *out, nx_error *err)
{
    nx_image style = nx_image_resize(source_of(t->p->config, 32), height, width, NX_BICUBIC);
    bool fine = trained_apply(t, &style, o, out, err);
    nx_image_free(&style);
    return fine;
}

bool trained_losses(trained *t, const nx_image *picture, const nx_image *content, trained_loss *out, nx_error *err)
{
    (void)content, (void)err;
    rule r = rule_for(t, t->style ? "loss2" : "loss", (rule){{1}});
    double loss = r.number[0] + r.number[1] * image_contrast(picture) + r.number[2] * picture->height * picture->width;
    *out = (trained_loss){.total = loss, .content = loss, .style = loss, .layer = {loss}, .layers = 1};
    return true;
}

bool trained_content(const sweep_point *p, size_t k, int side, nx_image *out, nx_error *err)
{
    nx_file_list found;
    if (!nx_files_images(&found, p->config->data.content.items[0], err)) return false;
    nx_image whole;
    bool fine = nx_image_load(&whole, found.paths[k % found.count], err);
    if (fine) *out = nx_image_fit(&whole, side);
    if (fine) nx_image_free(&whole);
    nx_file_list_free(&found);
    return fine;
}

bool trained_style(const sweep_point *p, nx_image *out, nx_error *err)
{
    (void)err;
    *out = nx_image_resize(source_of(p->config, 32), 32, 32, NX_BICUBIC);
    return true;
}

/* ---- claims ---- */

typedef struct made_case {
    const char *paper, *figure, *words; /* of the claim; of several claims with a | between them */
    enum { ANY, TRAINED, GIVEN } needs; /* trained weights, without which it is open; a file to compare with */
    const char *holds, *breaks;         /* rules; the second are added to the first */
} made_case;

#define POOLS "pool1 @picture .1; pool2 @picture .2; pool3 @picture .3; pool4 @picture .4; pool5 @picture .5"

static const made_case cases[] = {
    {"gatys", "fig1", "deeper layers keep fewer pixels", ANY,
     "relu1_2 @picture .1; relu2_2 @picture .2; relu3_2 @picture .3; relu4_2 @picture .4; relu5_1 @picture .5",
     "relu3_2 @picture .15"},
    {"gatys", "fig1", "lose the arrangement", ANY, "* @picture 1", "relu1_1.h5 @picture .1"},
    {"gatys", "fig1", "match the Gram matrices", ANY, "fig1_style style 1 .009", "relu5_1 style 1 .011"},
    {"gatys", "fig3", "the style is taken over", TRAINED, "* style 1 .049", "bands style 1 .051"},
    {"gatys", "fig3", "the content is kept", TRAINED,
     "* content/relu4_2 1 .49; fig3-content_weight=0 content/relu4_2 1 1",
     "bands content/relu4_2 1 .51; fig3-content_weight=0 content/relu4_2 1 1"},
    {"gatys", "fig4", "content loss falls", TRAINED,
     "=0.01 content/relu4_2 9 4; =0.1 content/relu4_2 9 3; =1 content/relu4_2 9 2; =1e+01 content/relu4_2 9 1",
     "=1.h5 content/relu4_2 9 3"},
    {"gatys", "fig4", "style loss rises", TRAINED, "=0.01 style 9 1; =0.1 style 9 2; =1 style 9 3; =1e+01 style 9 4",
     "=1.h5 style 9 2"},
    {"gatys", "fig5", "keeps more of the drawing", TRAINED, "relu2_2 @picture .1; relu4_2 @picture .3",
     "relu2_2 @picture .5"},
    {"gatys", "fig5", "takes on more of the style", TRAINED, "relu2_2 style 9 2; relu4_2 style 9 1",
     "relu2_2 style 9 .9"},
    {"gatys", "fig6", "where it starts hardly matters", TRAINED, "* total 9 1; seed=4 total 9 1.1",
     "seed=4 total 9 1.2"},
    {"gatys", "fig6", "each noise gives another picture", ANY, "noise @picture 1 1", "noise @picture 1 0"},
    {"gatys", "fig6", "from content or style the result is always the same", ANY, "* @picture 1 0",
     "content @picture 1 1"},
    {"gatys", "fig7", "ten times the ratio", TRAINED, "=1.h5 content/relu4_2 9 1; =0.1.h5 content/relu4_2 9 2",
     "=0.1.h5 content/relu4_2 9 1"},
    {"gatys", "cost", "time grows with the number of pixels", ANY, "* seconds 1e-6 1", "* seconds 1e-6 1.2"},

    {"random_weights", "fig2", "distances grow from pool1 to pool5", ANY, POOLS, "pool4 @picture .25"},
    {"random_weights", "fig2", "keeps accurate information", ANY, "* @picture .1", "relu3_2 @picture 1"},
    {"random_weights", "fig2", "it is recognised", ANY, "* @picture .1", "relu3_2 @picture 1"},
    {"random_weights", "fig2", "keep rough contours", ANY, "* @picture .1", "fc7 @picture 1"},
    {"random_weights", "fig3", "better than VGG", GIVEN, "* @picture .1; gatys @picture .2",
     "pool2-paper=gatys @picture .05"},
    {"random_weights", "fig3", "met more closely", GIVEN, "* content/* 1 .1; gatys content/* 1 .2",
     "pool2-paper=gatys content/* 1 .05"},
    {"random_weights", "fig4", "better than VGG", GIVEN, "* @picture .1; gatys @picture .2",
     "pool2-paper=gatys @picture .05"},
    {"random_weights", "fig5", "converges within 100 steps", GIVEN, "* content/relu3_1 1 1e-4 100",
     "* content/relu3_1 1 1e-4 150"},
    {"random_weights", "fig5", "much quicker than VGG", GIVEN,
     "* content/relu3_1 1 1e-4 50; gatys content/relu3_1 1 1e-4 100", "gatys content/relu3_1 1 1e-4 50"},
    {"random_weights", "fig6", "vary less", ANY, "* @picture .1 0 .01; stacked=0 @picture .1 0 .02",
     "stacked=0 @picture .1 0 .005"},
    {"random_weights", "fig6", "are nearer", ANY, "* @picture .1; stacked=0 @picture .2", "stacked=0 @picture .05"},
    {"random_weights", "fig6", "both are nearer than VGG", GIVEN, "* @picture .1; gatys @picture .2",
     "gatys @picture .05"},
    {"random_weights", "fig7", "do not fall with depth", ANY, POOLS, "pool4 @picture .25"},
    {"random_weights", "fig8", "each layer more", ANY,
     "1,0,0,0 style/* 1 .4; 1,1,0,0 style/* 1 .3; 1,1,1,0 style/* 1 .2; 1,1,1,1 style/* 1 .1", "1,1,1,0 style/* 1 .35"},
    {"random_weights", "fig9", "100 : 1 keeps", ANY, "* content 1 .19; * style 1 .19",
     "fig9-weights=random-style=glass style 1 .21"},
    {"random_weights", "fig9", "1 : 1 does", ANY, "* content 1 .19; * style 1 .19",
     "content_weight=1-style=glass content 1 .21"},
    {"random_weights", "fig10", "landscapes keep", ANY, "* content 1 .19; * style 1 .19", "bands content 1 .21"},
    {"random_weights", "contrary", "without weights of the layers", ANY, "balance=none style/relu4_1 1 .51",
     "balance=none style/relu4_1 1 .49"},
    {"random_weights", "contrary", "with them they do not", ANY, "balance=mean style/relu4_1 1 .49",
     "balance=mean style/relu4_1 1 .51"},
    {"random_weights", "contrary", "without weights and without a tolerance", ANY, "tolerance=0 style/relu4_1 1 .51",
     "tolerance=0 style/relu4_1 1 .49"},

    {"improved_texnet", "fig3a", "validation loss, instance over batch", TRAINED,
     "norm=instance.h5 validation/total 9 .84; norm=batch validation/total 9 1",
     "norm=instance.h5 validation/total 9 .86"},
    {"improved_texnet", "fig3a", "training loss, instance over batch", TRAINED,
     "norm=instance.h5 total .94 .94; norm=batch total 1 1", "norm=instance.h5 total .96 .96"},
    {"improved_texnet", "fig5", "repeats itself", ANY,
     "v2-diversity=0.h5 samples/neighbour 9 .09; * samples/contrast 9 1", "v2-diversity=0.h5 samples/neighbour 9 .11"},
    {"improved_texnet", "fig5", "V2 with the term does not", ANY,
     "v2-diversity=0.h5 samples/neighbour 9 .05; v2-diversity=0.02 samples/neighbour 9 .51",
     "v2-diversity=0.02 samples/neighbour 9 .49"},
    {"improved_texnet", "fig5", "diverse by itself", ANY, "v1 samples/neighbour 9 .51; v1 samples/contrast 9 1",
     "v1 samples/neighbour 9 .49"},
    {"improved_texnet", "fig5", "fits better than V1", ANY, "v2-diversity=0.02 style 1 1; v1 style 2 2",
     "v1 style .9 .9"},
    {"improved_texnet", "fig7", "changes brightness", ANY,
     "* samples/contrast 9 1; v2-diversity=0.1 samples/contrast 9 1.31", "v2-diversity=0.1 samples/contrast 9 1.29"},
    {"improved_texnet", "fig7", "changes brightness", ANY, "* samples/contrast 9 1; v2-diversity=0.h5 @output? .5",
     "v2-diversity=0.h5 @output? 1"},
    {"improved_texnet", "fig7", "the texture suffers", ANY, "v2-diversity=0.02 style 1 1; v2-diversity=0.1 style 2 2",
     "v2-diversity=0.1 style .9 .9"},
    {"improved_texnet", "textures", "loss of textures", TRAINED, "norm=instance style 1 1; norm=batch style 1.05 1.05",
     "norm=batch style 1.2 1.2"},

    {"improved_texnet", "fig2", "validation loss, instance over batch", TRAINED,
     "norm=instance.h5 validation/total 9 .84; norm=batch validation/total 9 1",
     "norm=instance.h5 validation/total 9 .86"},
    {"improved_texnet", "fig2", "LRN at the input is like batch alone", TRAINED,
     "* validation/total 9 1; lrn_first validation/total 9 1.09", "lrn_first validation/total 9 1.11"},
    {"improved_texnet", "fig2", "instance at the input below batch", TRAINED,
     "instance_first loss 1; norm=batch loss 2", "norm=batch loss .9"},
    {"improved_texnet", "fig2", "instance drops the input's contrast", ANY, "* loss 1", "instance_first loss 1 .01"},
    {"improved_texnet", "fig2", "batch does not", ANY, "* loss 1; norm=batch loss 1 .01", "norm=batch loss 1"},
    {"improved_texnet", "fig3b", "noise above batch above instance", TRAINED,
     "init=noise total 3 1; init=finetuning-batch total 2 1; init=finetuning-instance total 1.5 1",
     "init=finetuning-batch total 1.4 1"},
    {"improved_texnet", "fig3b", "all are alike", TRAINED, "* total 3 1; init=noise total 3 1.19",
     "init=noise total 3 1.21"},
    {"improved_texnet", "fig3b", "less to gain", TRAINED,
     "init=finetuning-batch total 2 1; init=finetuning-instance total 1.5 1", "init=finetuning-instance total 1.5 .7"},
    {"improved_texnet", "fig4", "below batch on every picture", TRAINED, "norm=instance.h5 loss 1; norm=batch loss 2",
     "norm=batch loss .9"},
    {"improved_texnet", "fig6", "flat regions differ", TRAINED, "diversity=0.h5 made 1 2; diversity=0.06 made 1 5",
     "diversity=0.06 made 1 4"},

    {"multimodal", "table1", "time of MT-Net|its memory|slower than MT-Net|transposed convolutions", ANY,
     "* cost 1 1; mtnet cost 1.59 1.59; blocks=8 cost 1.6 1", "mtnet cost 1.61 1.61"},
    {"multimodal", "fig6", "than a network of the small one", TRAINED,
     "* loss2 1 1; style_size=48 made .9; fig3 made .8", "style_size=48 made .7"},
    {"multimodal", "fig6", "than a network of the large one", TRAINED,
     "* loss 1 1; style_size=192 made .9; fig3 made .8", "style_size=192 made .7"},
    {"multimodal", "fig6", "the best of the three", TRAINED,
     "* loss 1 1; * loss2 1 1; style_size made .9; fig3 made .8", "style_size=48 made .7"},
    {"multimodal", "fig6", "trained at the size of the test", TRAINED,
     "* loss 1 1; * loss2 1 1; style_size made .9; fig3 made .8", "refine=2 made 1"},
    {"multimodal", "fig7", "closer to a than", TRAINED,
     "* loss 1 1; style=bands-fine_style=bands made .9; style=glass-fine_style=bands made .8",
     "style=bands-fine_style=bands made .7"},
    {"multimodal", "fig7", "closer to b than", TRAINED,
     "* loss2 1 1; style=glass-fine_style=glass made .9; style=glass-fine_style=bands made .8",
     "style=glass-fine_style=glass made .7"},

    {"multimodal", "fig3", "each subnet changes less", TRAINED,
     "* @content0 0; * @stage1_output0 .5; * @stage2_output0 .8; * @output0 .9", "* @output0 .4"},
    {"multimodal", "fig5", "than Ulyanov's network", TRAINED, "* validation/style 9 2; mtnet validation/style 9 1",
     "norm=instance validation/style 9 .9; mtnet validation/style 9 1"},
    {"multimodal", "fig5", "and than Johnson's", TRAINED, "* validation/style 9 2; mtnet validation/style 9 1",
     "norm=batch validation/style 9 .9"},
    {"multimodal", "lambda", "lambda hardly matters", TRAINED,
     "=1,0.25,0.125 validation/*_subnet/style 9 .6; =1,0.5,0.25 validation/*_subnet/style 9 1; =1,1,0.5 "
     "validation/*_subnet/style 9 1.5",
     "=1,0.25,0.125 validation/*_subnet/style 9 .8"},

    {"texture_networks", "fig4", "samples fit as well", TRAINED,
     "texture validation/style 9 1; optimization total 9 1.1", "optimization-style=weave total 9 .9"},
    {"texture_networks", "fig9", "five times the steps", TRAINED,
     "* validation/style 1 .5 201; * samples/neighbour 1 .69 201", "* samples/neighbour 1 .71 201"},
    {"texture_networks", "fig9", "five times the steps", TRAINED,
     "* validation/style 1 .9 201; * samples/neighbour 1 .5 201", "* validation/style 1 1.1 201"},
    {"texture_networks", "fig5", "more noise, farther", TRAINED, "* made 1 0 -.1", "* made 1"},
    {"texture_networks", "fig6", "updates of optimization", TRAINED,
     "texture validation/style 1 .5; optimization total 1 .4 100", "optimization-style=weave total 1 .4 50"},
    {"texture_networks", "fig6", "its time over that of a sample", TRAINED,
     "texture validation/style 1 .5; optimization total 1 .4 100; * cost .009 1", "texture-style=weave cost .011 1"},
    {"texture_networks", "fig10", "other sizes fit as well", TRAINED, "* loss 1", "* loss 1 0 1e-3"},
};

/* VGG-19 down to conv3_1, in full width and of zeros: nothing looks at the numbers. */
static int open_all(void **state)
{
    static const struct {
        const char *name;
        int in, out;
    } layers[] = {{"features.0", 3, 64},
                  {"features.2", 64, 64},
                  {"features.5", 64, 128},
                  {"features.7", 128, 128},
                  {"features.10", 128, 256}};
    enum { LAYERS = sizeof layers / sizeof *layers, MOST = 256 * 128 * 9 };
    static float zeros[MOST];
    nx_tensor_entry entries[2 * LAYERS];
    char names[2 * LAYERS][32];
    nx_error err;
    if (scratch_open(state)) return -1;
    for (size_t i = 0; i < LAYERS; i++) {
        snprintf(names[2 * i], sizeof names[0], "%s.weight", layers[i].name);
        snprintf(names[2 * i + 1], sizeof names[0], "%s.bias", layers[i].name);
        entries[2 * i] = (nx_tensor_entry){names[2 * i], 4, {(size_t)layers[i].out, (size_t)layers[i].in, 3, 3}, zeros};
        entries[2 * i + 1] = (nx_tensor_entry){names[2 * i + 1], 1, {(size_t)layers[i].out}, zeros};
    }
    return !nx_tensors_save_safetensors(scratch("vgg19.safetensors"), entries, 2 * LAYERS, NULL, 0, &err);
}

static const figure *figure_of(const made_case *c, const figure_paper **paper)
{
    for (size_t i = 0; (*paper = figure_paper_at(i)); i++)
        for (const figure *f = (*paper)->figures; !strcmp((*paper)->name, c->paper) && f->name; f++)
            if (!strcmp(f->name, c->figure)) return f;
    fail_msg("there is no figure %s of %s", c->figure, c->paper);
    return NULL;
}

/* Makes the figure of runs by these rules; with random weights where they are asked for, else a claim's own. */
static void assert_verdict(const made_case *c, const char *given, bool random, verdict wanted)
{
    static const char *const verdicts[] = {[FAILS] = "does not hold", [HOLDS] = "holds", [OPEN] = "open"};
    static char *setting;
    free(setting);
    setting = nx_format("descriptor.weights=%s", random ? "random" : scratch("vgg19.safetensors"));
    const char *overrides[] = {setting};
    figure_request request = {.scale = c->needs == GIVEN ? SCALE_LAPTOP : SCALE_CI,
                              .folder = scratch("out"),
                              .configs = NSTX_SOURCE "/configs",
                              .overrides = overrides,
                              .override_count = random || c->needs == GIVEN};
    const figure_paper *paper;
    const figure *f = figure_of(c, &paper);
    const figure_claim_text *claims;
    nx_error err = {""};
    rules = given;
    figure_work *w = figure_work_new(&request, paper, f);
    if (!f->make(w, &err)) fail_msg("%s %s: %s", c->paper, c->figure, err.text);
    size_t n = figure_claims(w, &claims);
    char *all = nx_copy_text(c->words), *next = NULL;
    for (char *words = strtok_r(all, "|", &next); words; words = strtok_r(NULL, "|", &next)) {
        size_t i = 0;
        while (i < n && !strstr(claims[i].claim, words)) i++;
        if (i == n) fail_msg("%s %s: no claim has the words \"%s\"", c->paper, c->figure, words);
        if (claims[i].verdict != wanted)
            fail_msg("%s %s: %s: %s: %s instead of %s, by \"%s\"", c->paper, c->figure, claims[i].claim, claims[i].ours,
                     verdicts[claims[i].verdict], verdicts[wanted], given);
    }
    free(all);
    figure_work_free(w);
}

static void verdicts_follow_the_numbers(void **state)
{
    const figure_paper *paper = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const made_case *c = &cases[i];
        if (strcmp(c->paper, paper->name)) continue;
        char *broken = nx_format("%s;%s", c->holds, c->breaks);
        assert_verdict(c, c->holds, false, HOLDS);
        assert_verdict(c, broken, false, FAILS);
        if (c->needs == TRAINED) assert_verdict(c, c->holds, true, OPEN);
        free(broken);
    }
}

/* Of a figure that makes nothing by itself; *r must live as long. */
static figure_work *work_of_gatys(figure_request *r, const char *folder, const char *const *overrides, size_t count)
{
    static const figure any = {.name = "any", .title = "any"};
    size_t gatys = 0;
    while (strcmp(figure_paper_at(gatys)->name, "gatys")) gatys++;
    *r = (figure_request){.scale = SCALE_CI,
                          .folder = folder,
                          .configs = NSTX_SOURCE "/configs",
                          .overrides = overrides,
                          .override_count = count};
    return figure_work_new(r, figure_paper_at(gatys), &any);
}

/* On pages and tables: as in other figures nothing, if it is the usual one. */
static void precision_and_seed_are_said(void **state)
{
    (void)state;
    const char *overrides[] = {"device.precision=bf16", "device.profile=true", "device.precision=fp32"};
    static const char *const want[] = {"ci scale", "ci scale, bf16", "ci scale, bf16", "ci scale"};
    figure_request r = {.scale = SCALE_CI, .overrides = overrides};
    for (; r.override_count < sizeof want / sizeof *want; r.override_count++) {
        char *got = figure_request_scale(&r);
        assert_string_equal(got, want[r.override_count]);
        free(got);
    }
    r.override_count = 1;
    r.seed = 2;
    char *got = figure_request_scale(&r);
    assert_string_equal(got, "ci scale, bf16, seed 2");
    free(got);
}

/* How far the runs had come: their losses in the second quarter of the steps, and in the last. */
static void runs_are_judged_by_their_quarters(void **state)
{
    (void)state;
    static const struct {
        const char *steps, *rules, *want;
    } rows[] = {
        {"experiment.steps=200", "* total 1 .5 150",
         "200 steps at 48 pixels; the loss from their second quarter to the last: -50 %"},
        {"experiment.steps=200", "* total 1 .5 150; style=wave total 1 1.25 150; style=glass total 1 .125 150",
         "200 steps at 48 pixels; the loss from their second quarter to the last: -88 to 25 %"},
        {"experiment.steps=200", "* total 1 .998 150; style=wave total 1 .5 50",
         "200 steps at 48 pixels; the loss from their second quarter to the last: -0.2 to 0 %"},
        {"experiment.steps=10", "* total 1 .5 5", "10 steps at 48 pixels"},
        {"experiment.steps=0", "* total 1 .5", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *overrides[] = {"data.size=48", rows[i].steps};
        nx_error err;
        figure_request r;
        figure_work *w = work_of_gatys(&r, scratch("judged"), overrides, 2);
        rules = rows[i].rules;
        if (!figure_points(w, "fig3", "data.size=96", &err)) fail_msg("%s", err.text); /* only looked at */
        if (!figure_run(w, "fig3", NULL, &err)) fail_msg("%s", err.text);
        figure_judged j = figure_judge(w);
        char *got = figure_judged_text(&j);
        if (rows[i].want)
            assert_string_equal(got, rows[i].want);
        else
            assert_null(got);
        free(got);
        figure_work_free(w);
    }
}

/* What a figure compares stays what it is, also where the user sweeps over it. */
static void changes_hold_against_sweeps(void **state)
{
    (void)state;
    const char *overrides[] = {"sweep.loss.content_weight=0.1 0.2 0.3 0.4 0.5"};
    nx_error err;
    figure_request r;
    figure_work *w = work_of_gatys(&r, scratch("swept"), overrides, 1);
    const sweep_points *swept = figure_points(w, "fig3", NULL, &err),
                       *fixed = figure_points(w, "fig3", "loss.content_weight=0", &err);
    assert_non_null(swept);
    assert_non_null(fixed);
    assert_int_equal(swept->count, 5);
    assert_int_equal(fixed->count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_true(fabs(swept->point[i].config->loss.content_weight - .1 * (double)(i + 1)) < 1e-6);
        assert_true(fixed->point[i].config->loss.content_weight == 0);
    }
    figure_work_free(w);
}

int main(void)
{
    nx_log_set(NX_LOG_QUIET);
    struct CMUnitTest tests[] = {
#define ROW(name) cmocka_unit_test_prestate(verdicts_follow_the_numbers, NULL),
        PAPERS(ROW)
#undef ROW
            cmocka_unit_test(precision_and_seed_are_said),
        cmocka_unit_test(runs_are_judged_by_their_quarters),
        cmocka_unit_test(changes_hold_against_sweeps),
    };
    for (size_t i = 0; figure_paper_at(i); i++) {
        tests[i].name = figure_paper_at(i)->name;
        tests[i].initial_state = (void *)figure_paper_at(i);
    }
    return cmocka_run_group_tests(tests, open_all, scratch_close);
}
