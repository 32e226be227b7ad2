/* curl hands over a block at a time; the first one of an answer decides where it goes. */
#include "commands/fetch.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "base/version.h"
#include "run/interrupt.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define REFRESH 0.1 /* seconds between two lines on a terminal */

enum {
    CONNECT = 30,  /* seconds until a server must have answered */
    SILENCE = 60,  /* seconds without a byte that end it */
    REDIRECTS = 10 /* more are a circle */
};

typedef struct transfer {
    fetch_request *r;
    CURL *curl;
    bool begun;    /* a block has come */
    bool stopped;  /* by an interrupt */
    int64_t first; /* bytes that were there when it began */
    double began, shown;
    nx_error why; /* what went wrong on this side */
} transfer;

/* The protocols that an address and those that it leads to may have; NULL: none. From https nothing leads to less. */
static const char *protocols_of(const char *url)
{
    if (!strncasecmp(url, "https://", 8)) return "https";
    return strncasecmp(url, "http://", 7) ? NULL : "http,https";
}

bool fetch_may(const char *url, nx_error *err)
{
    return protocols_of(url) || nx_fail(err, "%s: an address begins with https:// or http://", url);
}

/* ---- while it goes on ---- */

/* Whether the answer is what was asked for, or at least all of the file. */
static bool begin(transfer *t)
{
    fetch_request *r = t->r;
    long code = 0;
    curl_off_t length = -1;
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &code);
    curl_easy_getinfo(t->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    int64_t skipped = code == 206 ? r->have : 0;
    if (length >= 0 && skipped + length != r->bytes)
        return nx_fail(&t->why, "another file: the server's has %lld bytes, and %lld are expected",
                       (long long)(skipped + length), (long long)r->bytes);
    if (!skipped && r->have) {
        nx_info("%s: the server does not give parts: from the beginning", r->title);
        if (ftruncate(r->file, 0)) return nx_fail(&t->why, "cannot empty what was there: %s", strerror(errno));
    }
    t->first = r->have = skipped;
    return t->begun = true;
}

static size_t take(char *data, size_t size, size_t count, void *user)
{
    transfer *t = user;
    fetch_request *r = t->r;
    size_t bytes = size * count, done = 0; /* size is 1 */
    if (!t->begun && !begin(t)) return 0;
    if (bytes > (uint64_t)(r->bytes - r->have))
        return nx_fail(&t->why, "another file: more than the %lld bytes that are expected", (long long)r->bytes), 0;
    while (done < bytes) {
        ssize_t written = pwrite(r->file, data + done, bytes - done, r->have);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return nx_fail(&t->why, "cannot write: %s", strerror(errno)), 0;
        done += (size_t)written, r->have += written;
    }
    return bytes;
}

static void show(transfer *t)
{
    const fetch_request *r = t->r;
    double now = nx_now(), seconds = now - t->began;
    int64_t came = r->have - t->first;
    char here[16], all[16], speed[16];
    if (now - t->shown < REFRESH || seconds <= 0 || came <= 0) return;
    t->shown = now;
    int64_t left = (int64_t)((double)(r->bytes - r->have) * seconds / (double)came + 0.5);
    nx_progress("%s  %s of %s  %s/s  %lld:%02d left", r->title, nx_bytes_text(here, (double)r->have),
                nx_bytes_text(all, (double)r->bytes), nx_bytes_text(speed, (double)came / seconds),
                (long long)(left / 60), (int)(left % 60));
}

/* Called about once a second at least, whether anything comes or not. */
static int look(void *user, curl_off_t all, curl_off_t came, curl_off_t sent, curl_off_t to_send)
{
    transfer *t = user;
    (void)all, (void)came, (void)sent, (void)to_send;
    show(t);
    return t->stopped = !*t->why.text && interrupt_wanted();
}

/* ---- the request ---- */

/* A server that hangs up makes writing to it fail, and nothing more; interrupt_watch() would have it that no one reads
 * what the program prints. */
static void ignore_broken_pipes(void)
{
    sigset_t pipes;
    sigemptyset(&pipes);
    sigaddset(&pipes, SIGPIPE);
    signal(SIGPIPE, SIG_IGN);
    pthread_sigmask(SIG_UNBLOCK, &pipes, NULL);
}

static void restrict_protocols(CURL *curl, const char *names)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, names);
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, names);
#else
    long known = strcmp(names, "https") ? CURLPROTO_HTTP | CURLPROTO_HTTPS : CURLPROTO_HTTPS;
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS, known);
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS, known);
#endif
}

/* range: "BYTES-", or NULL for all. */
static void set_options(transfer *t, const char *range, char *reason)
{
    static const char *const bundles[] = {"CURL_CA_BUNDLE", "SSL_CERT_FILE"};
    CURL *curl = t->curl;
    char agent[64];
    snprintf(agent, sizeof agent, "nstx/%s", nx_version);
    restrict_protocols(curl, protocols_of(t->r->url));
    curl_easy_setopt(curl, CURLOPT_URL, t->r->url);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, agent);
    curl_easy_setopt(curl, CURLOPT_RANGE, range);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, (long)REDIRECTS);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)SILENCE);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, look);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, t);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
    for (int i = 0; i < 2; i++) {
        const char *bundle = getenv(bundles[i]);
        if (!bundle || !*bundle) continue;
        curl_easy_setopt(curl, CURLOPT_CAINFO, bundle);
        break;
    }
}

/* The reason in words, of this side or curl's. */
static void explain(const transfer *t, CURLcode code, const char *reason, nx_error *err)
{
    long answer = 0;
    char *led = NULL;
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &answer);
    curl_easy_getinfo(t->curl, CURLINFO_EFFECTIVE_URL, &led);
    bool elsewhere = led && strcmp(led, t->r->url);
    char *address = nx_format("%s%s%s", t->r->url, elsewhere ? ", which leads to " : "", elsewhere ? led : "");
    if (*t->why.text)
        nx_fail(err, "%s: %s", address, t->why.text);
    else if (code == CURLE_HTTP_RETURNED_ERROR)
        nx_fail(err, "%s: the server answers %ld%s", address, answer, answer == 404 ? ": it has no such file" : "");
    else if (code == CURLE_OK)
        nx_fail(err, "%s: the server ended early", address);
    else
        nx_fail(err, "%s: %s", address, *reason ? reason : curl_easy_strerror(code));
    free(address);
}

fetch_end fetch(fetch_request *r, nx_error *err)
{
    char range[32], reason[CURL_ERROR_SIZE] = "";
    transfer t = {.r = r, .began = nx_now()};
    ignore_broken_pipes();
    if (curl_global_init(CURL_GLOBAL_DEFAULT) || !(t.curl = curl_easy_init()))
        return nx_fail(err, "%s: curl does not start", r->url), FETCH_FAILED;
    snprintf(range, sizeof range, "%lld-", (long long)r->have);
    set_options(&t, r->have ? range : NULL, reason);
    CURLcode code = curl_easy_perform(t.curl);
    nx_progress("%s", "");
    bool done = code == CURLE_OK && r->have == r->bytes;
    if (!done && !t.stopped) explain(&t, code, reason, err);
    curl_easy_cleanup(t.curl);
    curl_global_cleanup();
    return done ? FETCH_DONE : t.stopped ? FETCH_STOPPED : FETCH_FAILED;
}
