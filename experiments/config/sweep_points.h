/* The points of a config's sweep, each with all that a run of it needs: its config, its name, its run file. A config
 * without a sweep has one point.
 *
 * Not here: running them (run.c, one after another; sweep.c, side by side) and comparing them (run/comparison).
 *
 *     sweep_points p;
 *     if (!sweep_points_new(&p, c, out, &err)) return fail_with(&err, EXIT_REQUEST);
 *     for (size_t i = 0; i < p.count; i++) run(p.point[i].config, p.point[i].path);
 *     sweep_points_free(&p);
 */
#ifndef CONFIG_SWEEP_POINTS_H
#define CONFIG_SWEEP_POINTS_H

#include "config/config.h"

typedef struct sweep_point {
    config *config;
    config_list overrides; /* "section.key=value": what makes it of the sweep's config */
    char *label;           /* "norm=batch seed=2"; "" without a sweep */
    char *group;           /* the label without the seed: points of one group differ in nothing else */
    char *path;            /* of its run file */
} sweep_point;

typedef struct sweep_points {
    size_t count;
    sweep_point *point;
    char *path; /* of the whole: the run file of a config without a sweep, RUN.h5 */
} sweep_points;

/* All points of c. The run file is `out`, else [log] file, else the config's name with .h5 in the working folder; that
 * of the point "norm=batch seed=2" of RUN.h5 is RUN-norm=batch-seed=2.h5. An error is the user's: a point's config that
 * cannot be, two points of one name. */
bool sweep_points_new(sweep_points *p, const config *c, const char *out, nx_error *err);
void sweep_points_free(sweep_points *p);

/* RUN.h5 with another ending: path_beside("a/RUN.h5", ".png") is "a/RUN.png". Owned by the caller. */
char *path_beside(const char *path, const char *ending);

#endif
