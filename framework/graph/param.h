/* Parameters: named weights that outlive every graph, in a store of their own.
 *
 *     nx_params *params = nx_params_new();
 *     nx_param *w = nx_param_add(params, "conv1.weight", (nx_shape){3, 3, 16, 32}, 4);
 *     w->initial[0] = .5f;                        values on the host, until
 *     nx_params_realize(params, device);          uploads them
 *
 * On the device weights are HWIO; files keep OIHW (rank 4), [out][in] (rank 2) or a vector (rank 1):
 * nx_param_export and nx_param_import permute.
 */
#ifndef NX_GRAPH_PARAM_H
#define NX_GRAPH_PARAM_H

#include "device/device.h"
#include "graph/shape.h"

typedef struct nx_param {
    char *name;
    nx_shape shape;
    int rank;          /* in files: 1, 2 or 4 */
    bool frozen;       /* never changes after nx_params_realize: what is derived from it is computed once */
    bool trained;      /* an optimiser changes it; running statistics are neither frozen nor trained */
    float *initial;    /* values in device layout, zero at first unless unfilled; NULL after nx_params_realize */
    nx_device *device; /* after nx_params_realize */
    cl_mem buffer;     /* a part of one of the store's blocks */
} nx_param;

typedef struct nx_params {
    nx_param **items;
    size_t count;
    nx_memory_kind kind; /* of all of them */
    bool unfilled;       /* each has no values until nx_param_import brings them: for a file that is checked first */
    nx_device *device;   /* after nx_params_realize */
    cl_mem *blocks;      /* the parameters beside each other, as many in one as the device allows */
    size_t n_blocks;
} nx_params;

nx_params *nx_params_new(void);         /* of NX_MEMORY_PARAMETERS */
void nx_params_free(nx_params *params); /* frees the device's buffers too; before nx_device_free */

/* Names are unique in a store; a second one of the same name is a bug. Trained at first. */
nx_param *nx_param_add(nx_params *params, const char *name, nx_shape shape, int rank);
nx_param *nx_params_find(const nx_params *params, const char *name); /* NULL if there is none */

size_t nx_params_numbers(const nx_params *params, bool trained_only); /* how many floats */
uint64_t nx_params_bytes(const nx_params *params);                    /* on the device, as allocated */

/* Puts those on the device that are not there yet. */
void nx_params_realize(nx_params *params, nx_device *device);

/* Values in the file's layout (count floats), from and to the host or the device, whichever holds them now. */
void nx_param_export(const nx_param *param, float *out);
void nx_param_import(nx_param *param, const float *values);

/* Dimensions in the file's layout; gives the rank. */
int nx_param_dims(const nx_param *param, size_t dims[4]);

#endif
