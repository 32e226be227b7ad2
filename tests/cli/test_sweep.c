/* nstx sweep: all points, side by side, with the bits of a run alone; what is finished is left alone, what failed or
 * was interrupted is gone on with; and the same as a job array of Slurm, where that is installed. */
#include "cli.h"

#include <signal.h>

#define SWEEP                                                                                                          \
    TINY "[experiment]\nsteps = 4\n"                                                                                   \
         "[log]\nevery = 1\nimages = 4\nvalidation = 4\ncheckpoint = 2\n"

static size_t lines_of(const char *name, const char *start)
{
    char *text, *next;
    size_t bytes, count = 0;
    nx_error err = {0};
    if (!nx_file_read(at(name), &text, &bytes, &err)) fail_msg("%s", err.text);
    for (char *line = strtok_r(text, "\n", &next); line; line = strtok_r(NULL, "\n", &next))
        count += !strncmp(line, start, strlen(start));
    free(text);
    return count;
}

static void every_point_is_run_once(void **state)
{
    (void)state;
    write_text("grid.ini", SWEEP "[sweep]\ngenerator.norm = instance batch\nexperiment.seed = 1..2\n");
    nstx(0, "sweep grid.ini -j 2 -o out/s.h5");
    assert_said(said_out, "norm=instance seed=1");
    assert_said(said_out, "norm=batch seed=2");
    assert_said(said_out, "mean and deviation over seeds");
    assert_said(said_err, "4 points, 2 at a time");
    assert_int_equal(lines_of("out/s.csv", ""), 9);
    assert_int_equal(lines_of("out/s.csv", "point,"), 4);
    assert_int_equal(lines_of("out/s.csv", "mean,norm="), 2);
    assert_int_equal(lines_of("out/s.csv", "deviation,norm="), 2);
    assert_int_equal(lines_of("out/s.md", "| norm=instance"), 3);
    assert_true(nx_file_exists(at("out/s.png")));
    assert_false(nx_file_exists(at("out/s-norm=batch-seed=2.log")));

    /* The bits of a run alone. */
    nstx(0, "run grid.ini -s generator.norm=batch -s experiment.seed=2 -o one.h5");
    assert_same_run("one.h5", "out/s-norm=batch-seed=2.h5");

    /* Once more: nothing is run, the same is said; one that is missing is run alone. */
    char *before = shell("cksum out/*"), *table = nx_copy_text(said_out);
    nstx(0, "sweep grid.ini -o out/s.h5");
    assert_said(said_err, "4 of 4 points are done already");
    char *after = shell("cksum out/*");
    assert_string_equal(before, after);
    assert_int_equal(unlink(at("out/s-norm=batch-seed=1.h5")), 0);
    nstx(0, "sweep grid.ini -o out/s.h5");
    assert_said(said_err, "1 point, 1 at a time");
    free(before);
    free(after);
    free(table);
}

static void mean_and_deviation_are_right(void **state)
{
    (void)state;
    char *text, *next;
    size_t bytes, n = 0, column = 0;
    double v[4] = {0}; /* two points, their mean, their deviation */
    assert_true(nx_file_read(at("out/s.csv"), &text, &bytes, NULL));
    for (char *line = strtok_r(text, "\n", &next); line; line = strtok_r(NULL, "\n", &next)) {
        char *cell = line, *field;
        if (!strncmp(line, "row,", 4)) {
            for (; (field = strsep(&cell, ",")) && strcmp(field, "training");) column++;
            continue;
        }
        if (!strstr(line, "norm=instance")) continue;
        for (size_t i = 0; i < column; i++) strsep(&cell, ",");
        assert_true(n < 4);
        v[n++] = strtod(cell, NULL);
    }
    free(text);
    assert_int_equal(n, 4);
    assert_true(v[0] > 0 && v[0] != v[1]);
    assert_float_equal(v[2], (v[0] + v[1]) / 2, 1e-6 * v[2]);
    double deviation = (v[0] > v[1] ? v[0] - v[1] : v[1] - v[0]) / 1.41421356237;
    assert_float_equal(v[3], deviation, 1e-5 * deviation);
}

static void a_failure_leaves_the_others(void **state)
{
    (void)state;
    write_text("bad.ini", SWEEP "[sweep]\nloss.style_weight = 1 1e300\n");
    nstx(1, "sweep bad.ini -j 1");
    assert_said(said_out, "style_weight=1 ");
    assert_said(said_err, "nstx: style_weight=1e+300 failed: ");
    assert_said(said_err, "lower the weights in [loss]");
    assert_said(said_err, "1 of 2 points are done; the same command goes on with the others");
    assert_true(nx_file_exists(at("bad-style_weight=1e+300.log")));
    nstx(1, "sweep bad.ini");
    assert_said(said_err, "1 of 2 points are done already");
}

static void mistakes_start_nothing(void **state)
{
    (void)state;
    write_text("zip.ini", SWEEP "[sweep]\nmode = zip\nexperiment.seed = 1 2 3\ngenerator.norm = instance batch\n");
    refused("with mode = zip all have as many", "sweep zip.ini");
    refused("1..: [sweep] experiment.seed", "sweep zip.ini -s sweep.experiment.seed=1..");
    refused("-j 0: from 1 to 4096", "sweep grid.ini -j 0");
    refused("the run began with [optimizer] learning_rate",
            "sweep grid.ini -o out/s.h5 -s optimizer.learning_rate=0.5");
    refused("[data] size = 33", "sweep grid.ini -s data.size=33 -o other.h5");
    nstx(0, "plan zip.ini -s sweep.experiment.seed=7..9..2");
    assert_said(said_out, "norm=instance seed=7");
    assert_said(said_out, "norm=batch seed=9");
    assert_null(strstr(said_out, "norm=instance seed=9"));
}

static bool log_says(const char *name, const char *part)
{
    char *text;
    size_t bytes;
    if (!nx_file_read(at(name), &text, &bytes, NULL)) return false;
    bool there = strstr(text, part);
    free(text);
    return there;
}

/* Waits until a file that the child, or a job of it, writes has this in it. */
static void wait_for_log(pid_t child, const char *name, const char *part)
{
    WAIT_UNTIL(child, log_says(name, part));
    if (!log_says(name, part)) fail_msg("%s never said \"%s\"", name, part);
}

static void an_interruption_is_gone_on_with(void **state)
{
    (void)state;
    write_text("long.ini", TINY "[experiment]\nsteps = 1500\n[log]\nevery = 25\nimages = 0\nvalidation = 0\n"
                                "checkpoint = 500\n[sweep]\nexperiment.seed = 1 2\n");
    pid_t child = start("sweep long.ini -j 1");
    wait_for_log(child, "long-seed=1.log", "step 50/");
    kill(child, SIGINT);
    assert_int_equal(finish(child), 130);
    assert_said(said_err, "seed=1 stopped with a checkpoint");
    assert_said(said_err, "0 of 2 points are done");
    assert_status("long-seed=1.h5", "interrupted");
    assert_false(nx_file_exists(at("long-seed=2.h5")));
    nstx(0, "sweep long.ini -j 2");
    assert_status("long-seed=1.h5", "finished");
    nstx(0, "run long.ini -s experiment.seed=1 -o whole.h5");
    assert_same_run("whole.h5", "long-seed=1.h5");
    assert_no_drafts();
}

/* ---- Slurm: a controller, a node and their munge, on this machine alone ---- */

static pid_t daemons[3];

static void start_daemon(int i, const char *format, ...)
{
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    daemons[i] = fork();
    if (!daemons[i]) {
        send_to_file(1, "daemon"), send_to_file(2, "daemon");
        if (!chdir(work)) execl("/bin/sh", "sh", "-c", line, (char *)NULL);
        _exit(127);
    }
}

static int stop_daemons(void **state)
{
    (void)state;
    for (int i = 2; i >= 0; i--) {
        if (daemons[i] <= 0) continue;
        kill(daemons[i], SIGTERM);
        for (int k = 0; k < 250 && !waitpid(daemons[i], NULL, WNOHANG); k++) {
            usleep(20000);
            if (k == 200) kill(daemons[i], SIGKILL);
        }
        daemons[i] = 0;
    }
    unsetenv("SLURM_CONF");
    return 0;
}

/* The daemons in folder slurm/ of the test's own; false, after a word why, where they do not come up. */
static bool start_slurm(void)
{
    char path[4096];
    const char *old = getenv("PATH");
    snprintf(path, sizeof path, "%s:/usr/sbin:/sbin", old ? old : "/usr/bin:/bin");
    setenv("PATH", path, true);
    if (system("command -v slurmctld slurmd munged sbatch squeue scancel >/dev/null")) {
        print_message("Slurm (slurmctld, slurmd, munge, sbatch) is not installed\n");
        return false;
    }
    char *made = shell("mkdir -p slurm/state slurm/spool && chmod 755 .. . slurm && "
                       "head -c 128 /dev/urandom > slurm/key && chmod 400 slurm/key && "
                       "printf '%s\\n' ClusterName=nstx \"SlurmctldHost=$(hostname -s)(127.0.0.1)\" "
                       "SlurmUser=$(id -un) SlurmdUser=$(id -un) AuthType=auth/munge AuthInfo=socket=$PWD/slurm/socket "
                       "CredType=cred/munge StateSaveLocation=$PWD/slurm/state SlurmdSpoolDir=$PWD/slurm/spool "
                       "SlurmctldPidFile=$PWD/slurm/controller.pid SlurmdPidFile=$PWD/slurm/node.pid "
                       "SlurmctldLogFile=$PWD/slurm/controller.log SlurmdLogFile=$PWD/slurm/node.log "
                       "SlurmctldPort=$((20000 + $$ % 10000)) SlurmdPort=$((30000 + $$ % 10000)) "
                       "ProctrackType=proctrack/linuxproc TaskPlugin=task/none SwitchType=switch/none MpiDefault=none "
                       "JobAcctGatherType=jobacct_gather/none AccountingStorageType=accounting_storage/none "
                       "ReturnToService=2 SchedulerParameters=defer_batch,sched_interval=1 "
                       "\"NodeName=$(hostname -s) NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN\" "
                       "'PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP' > slurm/slurm.conf");
    free(made);
    setenv("SLURM_CONF", at("slurm/slurm.conf"), true);
    start_daemon(0, "exec munged --force --foreground --key-file=$PWD/slurm/key --socket=$PWD/slurm/socket "
                    "--pid-file=$PWD/slurm/munged.pid --log-file=$PWD/slurm/munged.log --seed-file=$PWD/slurm/seed");
    for (int i = 0; i < 250 && !nx_file_exists(at("slurm/socket")); i++) usleep(20000);
    start_daemon(1, "exec slurmctld -D");
    start_daemon(2, "exec slurmd -D");
    for (int i = 0; i < 100; i++, usleep(200000))
        if (!system("sinfo -h -o %T 2>/dev/null | grep -q idle")) return true;
    print_message("Slurm does not come up here: %s\n", shell("tail -n 3 slurm/*.log"));
    return false;
}

static void slurm_gives_the_same(void **state)
{
    (void)state;
    if (!start_slurm()) skip();
    write_text("array.ini", SWEEP "[sweep]\ngenerator.norm = instance batch\n");
    nstx(0, "sweep array.ini --slurm -o array/s.h5");
    assert_said(said_out, "norm=instance");
    assert_said(said_out, "tables: array/s.md, array/s.csv");
    assert_same_run("array/s-norm=batch.h5", "out/s-norm=batch-seed=1.h5");
    nstx(0, "sweep array.ini --slurm -o array/s.h5");
    assert_said(said_err, "2 of 2 points are done already");

    pid_t child = start("sweep long.ini --slurm -j 1 -o array/long.h5");
    wait_for_log(child, "array/long-seed=1.log", "step 50/");
    kill(child, SIGINT);
    assert_int_equal(finish(child), 130);
    assert_said(said_err, "0 of 2 points are done");
    assert_status("array/long-seed=1.h5", "interrupted");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_point_is_run_once),
        cmocka_unit_test(mean_and_deviation_are_right),
        cmocka_unit_test(a_failure_leaves_the_others),
        cmocka_unit_test(mistakes_start_nothing),
        cmocka_unit_test(an_interruption_is_gone_on_with),
        cmocka_unit_test_teardown(slurm_gives_the_same, stop_daemons),
    };
    return cmocka_run_group_tests(tests, cli_open, scratch_close);
}
