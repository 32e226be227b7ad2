/* What an address holds, into an open file, from where an earlier try broke off. Over https, or http where the address
 * says so; proxies and redirections as curl takes them, certificates too: CURL_CA_BUNDLE or SSL_CERT_FILE names the
 * file of those that are trusted.
 *
 *     interrupt_watch();
 *     fetch_request r = {.url = url, .file = part, .have = have, .bytes = 80134624, .title = "vgg19"};
 *     if (fetch(&r, &err) == FETCH_DONE) ...     all bytes are there; if they are the right ones a checksum says
 *
 * An interrupt (run/interrupt.h) stops it.
 */
#ifndef COMMANDS_FETCH_H
#define COMMANDS_FETCH_H

#include "base/error.h"

#include <stdint.h>

typedef struct fetch_request {
    const char *url;
    int file;          /* open for writing, and nobody else's */
    int64_t have;      /* bytes that are in it, fewer than `bytes`; afterwards too */
    int64_t bytes;     /* of the whole; a server that has more or fewer is refused before anything is written */
    const char *title; /* before the progress */
} fetch_request;

typedef enum fetch_end { FETCH_DONE, FETCH_FAILED, FETCH_STOPPED } fetch_end;

/* An address that does not begin with https:// or http:// is an error. */
bool fetch_may(const char *url, nx_error *err);

/* After a failure, whose line names the address, and after an interrupt, the file keeps what came. A server that begins
 * at the beginning although the rest was asked for is followed: the file is emptied first. */
fetch_end fetch(fetch_request *r, nx_error *err);

#endif
