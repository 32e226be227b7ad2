/* PyTorch's .pth and .pt: the tensors of a state dict, as torch.save writes them, in a zip and in the format before
 * PyTorch 1.6. For io/tensors, which is what programs use.
 *
 * Such a file is a Python pickle, a program that may call anything. Here it is read, not run: a reader that knows the
 * few names that tensors in dictionaries need, and refuses a file that asks for any other by that name.
 *
 *     nx_array_take take;
 *     bool ok = nx_pth_is_file(path) && nx_pth_read(path, take, context, err);
 *
 * Not here: whole models (their classes are Python's), TorchScript, sparse, quantised and complex tensors.
 */
#ifndef NX_IO_PTH_H
#define NX_IO_PTH_H

#include "io/array.h"

/* True of a zip that has a data.pkl, and of what begins as the older format does. */
bool nx_pth_is_file(const char *path);

/* Gives every tensor of the state dict to take, by its key and in the dict's order, rows one after another however they
 * lie in the file. Where dicts lie in a dict, the state dict is the one under state_dict, model_state_dict or model,
 * else the one with tensors that is nearest to the whole, of several the one with most; two that are alike in all this
 * are an error that names them. Values of it that are no tensors are passed over. */
bool nx_pth_read(const char *path, nx_array_take *take, void *context, nx_error *err);

#endif
