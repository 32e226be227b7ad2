/* What `nstx tune` measured, where it lies and when it is used: by every command that plans a network, if it was made
 * on this device by this program.
 *
 *     tuned_use(&info);                                     says in one line what it found
 *     char *path = tuned_path(&info);
 */
#ifndef RUN_TUNED_H
#define RUN_TUNED_H

#include "device/device.h"

/* NSTX_WISDOM, or wisdom-DEVICE-KERNELS.txt in the folder nstx of XDG_CACHE_HOME or ~/.cache. Owned by the caller; NULL
 * where there is no such folder, or NSTX_WISDOM is empty: nothing is used. */
char *tuned_path(const nx_device_info *info);

/* Reads it for the first device that it is asked for, and for another one or another kind of kernels instead. A file
 * that does not fit, or has an answer that this program does not know, is named, with the reason, and not used. */
void tuned_use(const nx_device_info *info);

#endif
