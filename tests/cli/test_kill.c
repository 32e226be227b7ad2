/* kill -9 at any moment: what lies under a name stays whole, and --resume ends with the bits of a run that was left
 * alone, for every paper and every optimiser.
 *
 * The moments are of two kinds, from one seeded list: shares of the time that a run takes, and things that a run does
 * to its files, seen through inotify: the kill then falls into the write of a checkpoint, between its end and its
 * rename, after it, into a picture or the model. */
#include "papers.h"

#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>

/* What a run does at which it is killed. */
typedef struct event {
    const char *what, *name; /* of the file begins with this */
    uint32_t mask;
    int most; /* it is one of the first so many */
} event;

static const event events[] = {
    {"while a checkpoint is written", "killed.h5.tmp.", IN_CREATE, 4},
    {"before a checkpoint gets its name", "killed.h5.tmp.", IN_CLOSE_WRITE, 4},
    {"after a checkpoint got its name", "killed.h5", IN_MOVED_TO, 4},
    {"while a picture is written", "killed.png.tmp.", IN_CREATE, 3},
    {"before a picture gets its name", "killed.png.tmp.", IN_CLOSE_WRITE, 3},
    {"at the start", "killed.h5.lock", IN_CREATE, 1},
    {"while rows are logged", "err.", IN_MODIFY, 12},
    {"while the model is written", "killed.model.h5.tmp.", IN_CREATE, 1},
    {"after the model got its name", "killed.model.h5", IN_MOVED_TO, 1},
};
enum { EVENTS = sizeof events / sizeof *events, OF_MODEL = 2 /* the last ones */ };

static const int kills_of[PAPERS] = {22, 4, 4, 5, 5, 8}; /* at least */

static int watcher;

/* True once the child has done what the event says for the n-th time; false if it ended before. named: whether a run
 * file got its name on the way. */
static bool wait_until(pid_t child, const event *e, int n, bool *named)
{
    char room[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    char own[32];
    snprintf(own, sizeof own, "err.%ld", (long)child);
    const char *wanted = strcmp(e->name, "err.") ? e->name : own;
    for (;;) {
        ssize_t got =
            poll(&(struct pollfd){.fd = watcher, .events = POLLIN}, 1, 20) > 0 ? read(watcher, room, sizeof room) : 0;
        for (ssize_t at = 0; at < got;) {
            const struct inotify_event *seen = (const struct inotify_event *)(room + at);
            at += (ssize_t)(sizeof *seen + seen->len);
            *named = *named || (seen->mask & IN_MOVED_TO && !strcmp(seen->name, "killed.h5"));
            bool same = wanted[strlen(wanted) - 1] == '.' ? !strncmp(seen->name, wanted, strlen(wanted))
                                                          : !strcmp(seen->name, wanted);
            if (same && seen->mask & e->mask && !--n) return true;
        }
        siginfo_t ended = {0};
        if (got <= 0 && !waitid(P_PID, (id_t)child, &ended, WEXITED | WNOHANG | WNOWAIT) && ended.si_pid) return false;
    }
}

static void forget_events(void)
{
    char room[4096];
    while (poll(&(struct pollfd){.fd = watcher, .events = POLLIN}, 1, 0) > 0 && read(watcher, room, sizeof room) > 0)
        continue;
}

/* Kills a run or its resumption at a moment from the list; gives whether it died of that. */
static bool kill_at(int number, nx_rng *rng, double takes, bool model, char *what, size_t room)
{
    bool named = false;
    forget_events();
    pid_t child = start("run killed.ini -o killed.h5 --resume");
    if (number % 3 == 0) {
        double moment = takes * (double)nx_rng_uniform(rng);
        snprintf(what, room, "after %.3f s of %.3f", moment, takes);
        sleep_for(moment);
    } else {
        const event *e = &events[nx_rng_below(rng, model ? EVENTS : EVENTS - OF_MODEL)];
        int n = 1 + (int)nx_rng_below(rng, (uint32_t)e->most);
        snprintf(what, room, "%s (%d)", e->what, n);
        wait_until(child, e, n, &named);
    }
    kill(child, SIGKILL);
    bool died = finish(child) == -SIGKILL;
    struct stat info;
    assert_true(!named || !stat(at("killed.h5"), &info));
    if (!stat(at("killed.h5"), &info)) { /* every save has a checkpoint by now, and a kill takes none away */
        nx_h5 *file = open_h5("killed.h5");
        assert_true(nx_h5_exists(file, "/config"));
        assert_true(nx_h5_exists(file, "/checkpoint/counters/step"));
        close_h5(file);
    }
    return died;
}

/* Kills and resumes, one to three kills on the way of each run to its end. */
static void test_way(void **state)
{
    const struct paper_config *way = *state;
    const int kills = kills_of[way - papers];
    nx_rng rng = nx_rng_new(2016, nx_stream(way->what));
    write_text("killed.ini", way->config);
    free(shell("rm -f killed.h5 killed.png killed.model.h5 straight.*"));
    nstx(0, "run killed.ini -o straight.h5");
    double begun = seconds_now();
    nstx(0, "run killed.ini --overwrite -o straight.h5");
    double takes = seconds_now() - begun;
    char *wanted = digest("straight.h5"), what[3][80];
    bool model = nx_file_exists(at("straight.model.h5"));
    int died = 0, tries = 0;
    while (died < kills && tries < 4 * kills) {
        remove_run("killed");
        int row = 1 + (int)nx_rng_below(&rng, 3);
        for (int i = 0; i < row; i++) died += kill_at(tries++, &rng, takes, model, what[i], sizeof what[i]);
        nstx(0, "run killed.ini -o killed.h5 --resume");
        char *got = digest("killed.h5");
        if (strcmp(got, wanted))
            fail_msg("%s: killed %s%s%s%s%s, it came to other bits", way->what, what[0], row > 1 ? ", then " : "",
                     row > 1 ? what[1] : "", row > 2 ? ", then " : "", row > 2 ? what[2] : "");
        free(got);
        free(shell("cmp straight.png killed.png"));
        if (model) assert_same_run("straight.model.h5", "killed.model.h5");
        assert_no_drafts();
    }
    print_message("%s: died of %d kills, %d came too late\n", way->what, died, tries - died);
    assert_true(died >= kills);
    free(wanted);
}

static int open_all(void **state)
{
    if (cli_open(state)) return -1;
    watcher = inotify_init1(IN_CLOEXEC);
    return inotify_add_watch(watcher, work, IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO) < 0 ||
           inotify_add_watch(watcher, scratch_folder, IN_MODIFY) < 0;
}

int main(void)
{
    struct CMUnitTest tests[PAPERS];
    for (int i = 0; i < PAPERS; i++)
        tests[i] = (struct CMUnitTest){papers[i].what, test_way, NULL, NULL, (void *)&papers[i]};
    return cmocka_run_group_tests(tests, open_all, scratch_close);
}
