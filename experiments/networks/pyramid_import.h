/* The texture networks that Ulyanov et al. released, as Torch7 wrote them (branch texture_nets_v1 of texture_nets).
 *
 *     pyramid_options options;
 *     int channels;
 *     if (!pyramid_import(params, &options, &channels, nx_t7_root(torch), "night.t7", err)) return false;
 *
 * Their code gives the normalization of the lower branch of a join 8 numbers, whatever its channels are, and Torch's
 * kernels read on behind them, into what lies next in the flat storage of all parameters. The networks were trained and
 * are used that way, so that is what is read here: as many consecutive numbers as there are channels.
 */
#ifndef NETWORKS_PYRAMID_IMPORT_H
#define NETWORKS_PYRAMID_IMPORT_H

#include "io/t7.h"
#include "io/tensors.h"
#include "networks/pyramid.h"

/* Makes and fills the parameters, with the names of pyramid_record, in an empty store, from what the file at path has.
 * channels: of each scale's input: 3 for textures (noise), 6 for stylizations (RGB in [0, 1], then noise). The
 * network's output is BGR. A file that is damaged, or any other network, is an error that names what is different. No
 * device is needed. */
bool pyramid_import(nx_params *params, pyramid_options *options, int *channels, const nx_t7 *root, const char *path,
                    nx_error *err);

/* The same from the names and shapes of a file of tensors; false where it is no such network. */
bool pyramid_described(const nx_tensor_file *file, pyramid_options *options, int *channels);

#endif
