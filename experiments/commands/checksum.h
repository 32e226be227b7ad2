/* Checksums as publishers of files state them: MD5 and SHA-256. For comparing with theirs alone; what nstx notes of
 * files itself is XXH3 (io/tensors.h).
 *
 *     char hash[CHECKSUM];
 *     if (!checksum_of(file, CHECKSUM_SHA256, hash, &err)) return false;
 */
#ifndef COMMANDS_CHECKSUM_H
#define COMMANDS_CHECKSUM_H

#include "base/error.h"

typedef enum checksum_kind { CHECKSUM_MD5, CHECKSUM_SHA256 } checksum_kind;

enum { CHECKSUM = 65 }; /* bytes of the longest as text */

/* The kind that a text of hexadecimal digits is of, by their number, and what it is called. */
checksum_kind checksum_kind_of(const char *hash);
const char *checksum_name(checksum_kind kind);

/* That of the open file from its beginning, in lower case. */
bool checksum_of(int file, checksum_kind kind, char out[CHECKSUM], nx_error *err);

#endif
