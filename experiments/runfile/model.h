/* Model files: what was trained alone, a generator, which `nstx stylize` and `nstx sample` take, or a classifier. An
 * HDF5 file of one group:
 *
 *     /model             attributes network, input_*, output_* (of a generator), nstx_version
 *     /model/options     the paper, the task and the [generator] or [classifier] section of the config, as INI text
 *     /model/classes     of a classifier: their names, one a line
 *     /model/parameters  each by name, float32, OIHW
 *
 * A run file is one, too, that of its newest checkpoint: its /model has options and classes as attributes, and the
 * parameters are those of /checkpoint. The same as safetensors: parameters as tensors, the rest as metadata. The
 * networks that Ulyanov et al. released for Texture Networks are read too, as .t7 or as safetensors with the names of
 * networks/pyramid and no metadata of nstx, and those of pytorch/examples' fast_neural_style, as .pth or .onnx, and of
 * fast-neural-style, as .t7 (networks/stylenet_import).
 *
 * A network's numbers are (pixel - mean) * scale, pixel being RGB from 0 to 255, in the given order of channels.
 *
 *     model *m;
 *     if (!model_open(&m, "starry.h5", &err)) return fail_with(&err, EXIT_FAILED);
 *     ... build m->network from m->options: config_parse(&c, path, m->options, ".", NULL, 0, &err) ...
 *     if (!model_params(m, params, &err)) return fail_with(&err, EXIT_FAILED);
 *     model_free(m);
 */
#ifndef RUNFILE_MODEL_H
#define RUNFILE_MODEL_H

#include "config/config.h"
#include "io/tensors.h"
#include "runfile/runfile.h"

typedef struct model_pixels {
    char order[4];  /* "rgb" or "bgr" */
    double scale;   /* not 0 */
    double mean[3]; /* of R, G and B, whatever the order */
} model_pixels;

typedef struct model {
    char *file;                 /* where it was read */
    const char *origin;         /* of a file of others: "a network of fast-neural-style"; NULL: of nstx */
    char *network, *options;    /* "stylenet"; INI text */
    char *classes;              /* of a classifier, one a line; NULL: it is none */
    model_pixels input, output; /* of the network; a classifier has no output */
    checkpoint *arrays;         /* parameters/NAME */
} model;

/* What a generator of that config is given. */
model_pixels model_input(const config *c);

/* Sets network and options to what is trained by a config, whose section it is: generator or classifier. The caller
 * frees both. */
void model_set_options(model *m, const config *c, const char *section);

/* Puts all of m but its parameters into a run file, as attributes of /model: with those of its newest checkpoint it is
 * read as a model. file and arrays of m are not looked at. */
void model_note(runfile *run, const model *m);

/* Writes all or nothing. file and arrays of m are not looked at. */
bool model_save(const char *path, const model *m, const nx_params *params, nx_error *err);

/* Whether what was read is parameters alone, and some. */
bool model_exportable(const model *m, nx_error *err);

/* Writes what was read as safetensors, with the name of the file that it came from. */
bool model_export(const char *path, const model *m, nx_error *err);

/* Whether a file by its name's ending is of Torch7 or ONNX, which hold networks alone. */
bool model_of_others(const char *path);

/* Reads the one of pytorch/examples' networks that an open file of tensors is; *out is NULL where it is none. path is
 * for messages. */
bool model_of_tensors(model **out, const nx_tensor_file *tensors, const char *path, nx_error *err);

/* Reads all of it: HDF5, safetensors, .pth, .onnx or .t7, or the newest checkpoint of a run file. What is no model,
 * such as a run that trains none, is an error that says so. */
bool model_open(model **out, const char *path, nx_error *err);
void model_free(model *m);

/* Fills the parameters of the store, each of which must be there with its shape, and no other. */
bool model_params(const model *m, nx_params *params, nx_error *err);

#endif
