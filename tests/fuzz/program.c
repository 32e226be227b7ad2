/* The readers of the program: configs, run files, models, and networks that others released. */
#include "fuzz.h"

#include "base/memory.h"
#include "base/text.h"
#include "config/config.h"
#include "io/files.h"
#include "networks/pyramid_import.h"
#include "runfile/checkpoint.h"
#include "runfile/model.h"
#include "runfile/reader.h"
#include "runfile/runfile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void must(bool kept, const char *what)
{
    if (kept) return;
    fprintf(stderr, "fuzz: %s\n", what);
    abort();
}

/* ---- configs: what is taken is written out and taken again, as the same ---- */

void read_config(const char *path)
{
    config *c, *again;
    nx_error err = {0};
    if (!config_load(&c, path, NULL, 0, &err)) {
        must(*err.text, "a refusal without a line");
        return;
    }
    char *text = config_text(c, NULL), hash[33], same[33];
    must(config_parse(&again, "the same", text, ".", NULL, 0, &err), "a config whose text is refused");
    config_hash(c, hash), config_hash(again, same);
    must(!strcmp(hash, same), "a config whose text is another config");
    must(config_continues(c, path, text, NULL, NULL, &err), "a config that does not continue itself");
    size_t points = config_points(c);
    for (size_t i = 0; i < points && i < 3; i++) {
        config *point;
        char *label;
        if (!config_point(&point, &label, c, i, &err)) continue;
        config_free(point);
        free(label);
    }
    free(text);
    config_free(again);
    config_free(c);
}

/* Their paths are those of the config itself, which is there. */
void seed_config(fuzz_seeds *out)
{
    static const char *const texts[] = {
        "[experiment]\npaper = improved_texnet\ntask = train\nseed = 3\nsteps = 20\n[generator]\nnorm = instance\n"
        "[data]\ncontent = .\nstyle = file.ini\nsize = 64\n[optimizer]\nlearning_rate = 1e-3\n",
        "[experiment]\npaper = gatys\ntask = optimize\n[loss]\nstyle_layer_weights = 1, 2, 3, 4\n[data]\n"
        "more_styles = file.ini, ./file.ini\nmasks = file.ini\ninit = noise\ncoarse = 64, 128\n",
        "[sweep]\nmode = zip\nexperiment.seed = 1..4 7\ngenerator.norm = batch instance batch instance batch\n"
        "[scale.ci]\ndata.size = 32\nexperiment.steps = 3\n",
        "[sweep]\nexperiment.seed = 1..100\nexperiment.steps = 1..100\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) fuzz_add(out, texts[i], strlen(texts[i]));
}

/* ---- run files ---- */

void read_run(const char *path)
{
    nx_h5 *file;
    nx_h5_names names;
    checkpoint *kept;
    nx_error err = {0};
    series total;
    if (series_read_from(&total, path, "total", &err)) series_free(&total);
    if (!nx_h5_open(&file, path, false, &err)) return;
    if (series_names(file, &names, &err)) {
        for (size_t i = 0; i < names.count; i++) {
            series s;
            if (series_read(&s, file, names.names[i], &err)) series_free(&s);
        }
        nx_h5_names_free(&names);
    }
    if (checkpoint_read(&kept, file, "/checkpoint", &err)) {
        uint64_t step;
        checkpoint_finite(kept, &err);
        checkpoint_get_counter(kept, "step", &step, path, &err);
        checkpoint_free(kept);
    }
    nx_h5_close(file, NULL);
}

static void take_file(fuzz_seeds *out, const char *path)
{
    char *data;
    size_t bytes;
    nx_error err;
    must(nx_file_read(path, &data, &bytes, &err), "a seed is missing");
    fuzz_add(out, data, bytes);
    unlink(path);
    free(data);
}

void seed_run(fuzz_seeds *out)
{
    char *path = nx_format("%s/run.h5", fuzz_folder());
    nx_h5 *file;
    nx_error err;
    checkpoint *c = checkpoint_new();
    double values[2] = {3, 2};
    int64_t steps[2] = {0, 10};
    checkpoint_put_counter(c, "step", 10);
    checkpoint_put_array(c, "parameters/conv1.bias", 1, (int[]){2}, (const float[]){1, 2});
    must(nx_h5_create(&file, path, &err) && nx_h5_write_text(file, "/config", "[experiment]\nseed = 1\n", &err) &&
             nx_h5_append_double(file, "/metrics/total/value", values, 2, &err) &&
             nx_h5_append_double(file, "/metrics/total/time", values, 2, &err) &&
             nx_h5_append_int64(file, "/metrics/total/step", steps, 2, &err) &&
             nx_h5_set_double(file, "/metrics/total", "weight", 1, &err) &&
             checkpoint_write(c, file, "/checkpoint", &err) && nx_h5_close(file, &err),
         "no run file can be made");
    checkpoint_free(c);
    take_file(out, path);
    free(path);
}

/* ---- models ---- */

void read_model(const char *path)
{
    model *m;
    config *c;
    nx_error err = {0};
    if (!model_open(&m, path, &err)) {
        must(*err.text, "a refusal without a line");
        return;
    }
    if (config_parse(&c, path, m->options, ".", NULL, 0, &err)) config_free(c);
    char *exported = nx_format("%s.safetensors", path);
    model_export(exported, m, &err);
    unlink(exported);
    free(exported);
    model_free(m);
}

static void add_model(fuzz_seeds *out, bool safetensors)
{
    char *path = nx_format("%s/made.h5", fuzz_folder()), *exported = nx_format("%s/made.safetensors", fuzz_folder());
    nx_error err;
    model *again = NULL, m = {.network = (char *)"stylenet",
                              .options = (char *)"[experiment]\npaper = johnson\n[generator]\nnorm = instance\n",
                              .input = {"rgb", 1, {0, 0, 0}},
                              .output = {"bgr", 1. / 255, {103, 116, 123}}};
    nx_params *params = nx_params_new();
    nx_param_add(params, "conv1.weight", (nx_shape){3, 3, 2, 1}, 4);
    nx_param_add(params, "norm1.scale", NX_VECTOR(2), 1);
    must(model_save(path, &m, params, &err) && model_open(&again, path, &err) && model_export(exported, again, &err),
         "no model can be made");
    take_file(out, safetensors ? exported : path);
    unlink(path);
    unlink(exported);
    model_free(again);
    nx_params_free(params);
    free(exported);
    free(path);
}

void seed_model(fuzz_seeds *out) { add_model(out, false); }
void seed_model_safetensors(fuzz_seeds *out) { add_model(out, true); }

/* Files of tests/reference. */
static void add_files(fuzz_seeds *out, const char *const *files, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *path = nx_format(NSTX_SOURCE "/tests/reference/%s", files[i]), *data;
        size_t bytes;
        nx_error err;
        must(nx_file_read(path, &data, &bytes, &err), "a seed is missing");
        fuzz_add(out, data, bytes);
        free(data);
        free(path);
    }
}

void seed_model_onnx(fuzz_seeds *out)
{
    add_files(out, (const char *[]){"transformernet/new.onnx", "transformernet/old.onnx"}, 2);
}

void seed_model_t7(fuzz_seeds *out)
{
    add_files(out, (const char *[]){"fastneuralstyle/nearest.t7", "fastneuralstyle/batch.t7"}, 2);
}

void read_pyramid(const char *path)
{
    model *m;
    nx_error err = {0};
    if (model_open(&m, path, &err))
        model_free(m);
    else
        must(*err.text, "a refusal without a line");
}
