/* The sums are those of OpenSSL, which curl brings along. */
#include "commands/checksum.h"

#include "base/memory.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 1 << 20 };

checksum_kind checksum_kind_of(const char *hash) { return strlen(hash) == 32 ? CHECKSUM_MD5 : CHECKSUM_SHA256; }
const char *checksum_name(checksum_kind kind) { return kind == CHECKSUM_MD5 ? "MD5" : "SHA-256"; }

bool checksum_of(int file, checksum_kind kind, char out[CHECKSUM], nx_error *err)
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned bytes = 0;
    EVP_MD_CTX *state = EVP_MD_CTX_new();
    char *block = nx_alloc(BLOCK);
    ssize_t got = 0;
    off_t at = 0;
    bool fine = state && EVP_DigestInit_ex(state, kind == CHECKSUM_MD5 ? EVP_md5() : EVP_sha256(), NULL);
    for (; fine && (got = pread(file, block, BLOCK, at)) > 0; at += got)
        fine = EVP_DigestUpdate(state, block, (size_t)got);
    if (got < 0) nx_fail(err, "cannot read: %s", strerror(errno));
    fine = fine && EVP_DigestFinal_ex(state, sum, &bytes);
    if (!fine) nx_fail(err, "OpenSSL gives no %s here", checksum_name(kind)); /* as where a policy forbids MD5 */
    for (unsigned i = 0; i < bytes; i++) snprintf(out + 2 * i, 3, "%02x", sum[i]);
    free(block);
    EVP_MD_CTX_free(state);
    return fine && got == 0;
}
