/* OpenCL status codes in words: number, name and a plain hint, from one table.
 *
 *     NX_CL(clFinish(queue));                      dies with the call, the name and the hint
 *     nx_die("clBuildProgram: %s", nx_status_text(status));
 */
#ifndef NX_DEVICE_STATUS_H
#define NX_DEVICE_STATUS_H

#include "base/error.h"

#include <CL/cl.h>

/* "CL_OUT_OF_RESOURCES (-5): ..." in a buffer that the next call overwrites. */
const char *nx_status_text(cl_int status);

#define NX_CL(call)                                                                                                    \
    do {                                                                                                               \
        cl_int nx_status_ = (call);                                                                                    \
        if (nx_status_ != CL_SUCCESS) nx_die("%s: %s", #call, nx_status_text(nx_status_));                             \
    } while (0)

#endif
