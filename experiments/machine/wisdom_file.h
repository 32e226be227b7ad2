/* What `nstx tune` measured, where it lies and when it is used: by every command that plans a network, if it was made
 * on this device by this program.
 *
 *     wisdom_file_use(&info);                                     says in one line what it found
 *     char *path = wisdom_file_path(&info);
 */
#ifndef MACHINE_WISDOM_FILE_H
#define MACHINE_WISDOM_FILE_H

#include "device/device.h"

/* NSTX_WISDOM, or wisdom-DEVICE-KERNELS.txt in the folder nstx of XDG_CACHE_HOME or ~/.cache. Owned by the caller; NULL
 * where there is no such folder, or NSTX_WISDOM is empty: nothing is used. */
char *wisdom_file_path(const nx_device_info *info);

/* Reads it for the first device that it is asked for, and for another one or another kind of kernels instead. A file
 * that does not fit, or has an answer that this program does not know, is named, with the reason, and not used; nor is
 * one in a folder that others may write, unless NSTX_WISDOM names it. */
void wisdom_file_use(const nx_device_info *info);

#endif
