/* How long a run will take, from steps that were measured: those of an earlier run file of the same config on the same
 * device, or a few that are made for it.
 *
 *     duration d;
 *     if (duration_of_run(&d, "gatys.h5", c, &info) || duration_measure(&d, c, &err)) puts(duration_text(text, &d));
 */
#ifndef RUN_DURATION_H
#define RUN_DURATION_H

#include "config/config.h"
#include "device/device.h"

typedef struct duration {
    double step, total; /* seconds: of a step, what is done between steps included; of the run */
    int steps;
    const char *run; /* the run file, the caller's; NULL: measured now */
} duration;

/* False if there is no run file of this config, which may differ in what a resumption may change, and of this device,
 * or if it has too few rows. */
bool duration_of_run(duration *out, const char *path, const config *c, const nx_device_info *device);

/* Makes a few steps of the config on its device, at the size of the last stage, in a folder of their own that is gone
 * afterwards. An error is that of the run. */
bool duration_measure(duration *out, const config *c, nx_error *err);

/* "2:10:05 for 5000 steps of 1.56 s (measured now)" in out, which is returned. */
char *duration_text(char out[256], const duration *d);

#endif
