/* The first step compiles and warms up, so the speed is measured from the second on, over stretches of a second or
 * more, and smoothed. */
#include "run/progress.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>
#include <unistd.h>

#define STRETCH 1.0  /* seconds between measurements of the speed */
#define REFRESH 0.1  /* seconds between two lines on a terminal */
#define LONGEST 1e12 /* seconds that are left, where they are said */

progress progress_begin(int64_t first, int64_t steps, int64_t every)
{
    return (progress){
        .steps = steps, .every = every > 0 ? every : 1, .terminal = isatty(STDERR_FILENO), .marked = first};
}

static void measure(progress *p, int64_t step, double now)
{
    if (p->marked_time > 0 && now - p->marked_time < STRETCH) return;
    if (p->marked_time > 0 && step > p->marked) {
        double fresh = (double)(step - p->marked) / (now - p->marked_time);
        p->speed = p->speed > 0 ? 0.7 * p->speed + 0.3 * fresh : fresh;
    }
    p->marked = step, p->marked_time = now;
}

char *progress_text(char *out, size_t room, int64_t step, int64_t steps, double loss, double speed)
{
    int used = snprintf(out, room, "step %lld/%lld  loss %.4g", (long long)step, (long long)steps, loss);
    if (!(speed > 0) || used < 0 || (size_t)used >= room) return out;
    double seconds_left = ((double)steps - (double)step) / speed;
    if (!(seconds_left < LONGEST)) return out;
    int64_t left = seconds_left > 0 ? (int64_t)(seconds_left + 0.5) : 0, hours = left / 3600;
    int minutes = (int)(left / 60 % 60), seconds = (int)(left % 60);
    used += snprintf(out + used, room - (size_t)used, "  %.3g steps/s  ", speed);
    if ((size_t)used >= room) return out;
    if (hours)
        snprintf(out + used, room - (size_t)used, "%lld:%02d:%02d left", (long long)hours, minutes, seconds);
    else
        snprintf(out + used, room - (size_t)used, "%d:%02d left", minutes, seconds);
    return out;
}

void progress_step(progress *p, int64_t step, double loss)
{
    char text[160];
    double now = nx_now();
    measure(p, step, now);
    bool last = step >= p->steps, due = p->terminal ? now - p->shown >= REFRESH : step % p->every == 0;
    if (!due && !last) return;
    p->shown = now;
    progress_text(text, sizeof text, step, p->steps, loss, p->speed);
    if (p->terminal)
        nx_progress("%s", text);
    else
        nx_info("%s", text);
}

void progress_end(progress *p)
{
    if (p->terminal) nx_progress("%s", "");
}
