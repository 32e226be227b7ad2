/* Many runs at a time: jobs, each a `nstx run` of one point, and the two ways to have them done: as processes of this
 * machine (children.c) or as an array of the Slurm workload manager (slurm.c).
 *
 * Both only start programs: what a job came to is in its run file, which survives whatever happens here.
 *
 * Processes are spread over the devices that a job may run on: each is given the one with the fewest, in NSTX_DEVICE.
 * One that fails before it has kept anything is tried once more, on another device; until it fails there in the same
 * way, the first device is given nothing more. Slurm gives devices itself.
 *
 *     const jobs_way *way = slurm ? &jobs_slurm : &jobs_children;
 *     if (!way->begin(&all, &err)) return fail_with(&err, EXIT_FAILED);
 *     while (way->poll(&all)) { show(&all); if (interrupt_wanted()) way->interrupt(&all); }
 *     way->end(&all);
 */
#ifndef SWEEPS_JOBS_H
#define SWEEPS_JOBS_H

#include "config/sweep_points.h"
#include "device/device.h"

#include <sys/types.h>

typedef enum job_state { JOB_WAITING, JOB_RUNNING, JOB_DONE, JOB_FAILED, JOB_STOPPED } job_state;

typedef struct job {
    const sweep_point *point;
    char **arguments; /* of the program, "nstx" first, NULL at the end */
    char *log;        /* where its messages go */
    job_state state;
    bool before;           /* done when the sweep began */
    double started, ended; /* nx_now() */
    pid_t process;
    nx_device_info *devices; /* that it may run on, one at least */
    size_t n_devices;
    const nx_device_info *on, *failed_on; /* the one it was given last; one on which it failed, to be tried once more */
    int64_t kept;                         /* when it was started: the step of its checkpoint, -1: it had none */
} job;

/* What is known of a device, at its number less 1. */
typedef struct job_place {
    int running;
    int failures; /* of points that came to nothing there, and are not known to come to nothing elsewhere */
} job_place;

typedef struct jobs {
    size_t count;
    job *job;
    int most; /* at a time; 0: no limit */
    const char *path;
    job_place *places; /* as many as the largest number of a device */
    bool interrupted;
    bool told; /* a line was written below the table that a terminal shows */
    void *own; /* the way's */
} jobs;

typedef struct jobs_way {
    bool (*begin)(jobs *all, nx_error *err);
    bool (*poll)(jobs *all); /* looks at all jobs and starts what may start; false once nothing waits or runs */
    void (*interrupt)(jobs *all);
    void (*end)(jobs *all);
    double pause; /* seconds between polls */
} jobs_way;

extern const jobs_way jobs_children, jobs_slurm;

/* What to call it: its point's label, or its run file. */
const char *jobs_name(const job *j);

/* What a job that has ended came to: done if its run file says so. */
job_state jobs_judge(const job *j);

/* The last line of a job's messages in out, which is returned; the last one of nstx's errors if there is one. */
char *jobs_last_line(const job *j, char *out, size_t room);

#endif
