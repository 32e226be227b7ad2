/* The program runs itself, as a user would: once to fill the cache, then on the clock. */
#include "bench/first_step.h"

#include "base/memory.h"
#include "base/rng.h"
#include "base/text.h"
#include "io/files.h"
#include "io/image.h"
#include "run/interrupt.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char config[] = "[experiment]\npaper = gatys\ntask = optimize\nsteps = 1\n"
                             "[descriptor]\nweights = random\ninit = he\npooling = average\ncontent_layers = relu4_2\n"
                             "style_layers = relu1_1 relu2_1 relu3_1 relu4_1 relu5_1\n"
                             "[optimizer]\nmethod = adam\n"
                             "[data]\ncontent = content.png\nstyle = style.png\nsize = 256\nstyle_size = 256\n"
                             "[log]\nimages = 0\ncheckpoint = 0\n";

static const char *const names[] = {"content.png", "style.png"};
enum { PICTURES = sizeof names / sizeof *names };

static bool write_inputs(const char *folder, nx_error *err)
{
    enum { SIDE = 256 };
    bool ok = true;
    for (int k = 0; ok && k < PICTURES; k++) {
        nx_rng rng = nx_rng_new(1, (uint64_t)k);
        nx_image image = nx_image_new(SIDE, SIDE);
        for (int i = 0; i < 3 * SIDE * SIDE; i++) image.rgb[i] = (float)nx_rng_below(&rng, 256);
        char *path = nx_format("%s/%s", folder, names[k]);
        ok = nx_image_save_png(&image, path, err);
        free(path);
        nx_image_free(&image);
    }
    char *path = nx_format("%s/first.ini", folder);
    ok = ok && nx_file_write(path, config, strlen(config), err);
    free(path);
    return ok;
}

typedef struct child {
    const char *folder;
    int failed;
} child;

/* Its status. An interrupt ends it, and all that it started. */
static int wait_for(pid_t group)
{
    int status = 0;
    while (!waitpid(group, &status, WNOHANG)) {
        if (interrupt_wanted()) kill(-group, SIGKILL);
        poll(NULL, 0, 1); /* a millisecond, of the second or so that it takes */
    }
    return status;
}

/* In a group of its own, since what a terminal sends is for this program alone. */
static void run_program(void *context)
{
    child *c = context;
    if (c->failed) return;
    fflush(NULL); /* or the child would write it again */
    pid_t pid = fork();
    NX_CHECK(pid >= 0, "fork: %s", strerror(errno));
    if (!pid) {
        setpgid(0, 0);
        if (chdir(c->folder) || !freopen("/dev/null", "w", stdout)) _exit(127);
        execl("/proc/self/exe", "nstx", "run", "first.ini", "-o", "first.h5", "--overwrite", "--quiet", (char *)NULL);
        _exit(127);
    }
    int status = wait_for(pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status)) c->failed++;
}

static void remove_folder(const char *folder)
{
    DIR *open = opendir(folder);
    for (struct dirent *e; open && (e = readdir(open));) unlinkat(dirfd(open), e->d_name, 0);
    if (open) closedir(open);
    rmdir(folder);
}

bool first_step_measure(measure_times *out, nx_error *err)
{
    char folder[] = "/tmp/nstx-first-XXXXXX";
    if (!mkdtemp(folder)) return nx_fail(err, "%s: cannot make a folder: %s", folder, strerror(errno));
    child c = {.folder = folder};
    bool ok = write_inputs(folder, err);
    if (ok) {
        run_program(&c);
        *out = measure_calls(run_program, NULL, &c, 1);
        if (c.failed) ok = nx_fail(err, "nstx run %s/first.ini: it failed", folder);
    }
    remove_folder(folder);
    return ok;
}
