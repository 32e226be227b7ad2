/* Zips of other programs, for io/npz and io/pth; not a header for users. libzip unpacks and checks sums; what a zip
 * says of sizes is believed as far as its bytes can bear it.
 *
 *     nx_zip *zip;
 *     if (!nx_zip_open(&zip, "a.npz", err)) return false;
 *     bool ok = nx_zip_find(zip, "a.npy", &i) && nx_zip_unpack(zip, i, &data, &bytes, err);
 *     free(data);
 *     nx_zip_close(zip);
 */
#ifndef NX_IO_ZIP_H
#define NX_IO_ZIP_H

#include "base/error.h"

#include <stddef.h>

typedef struct nx_zip nx_zip;

/* True if the file begins like a zip. */
bool nx_zip_is_file(const char *path);

/* The error names the file; those of the calls below do not. */
bool nx_zip_open(nx_zip **out, const char *path, nx_error *err);
void nx_zip_close(nx_zip *zip);

/* Entries 0, 1, 2, ...; the name of one (NULL: it has none), and the one of a name. */
size_t nx_zip_count(const nx_zip *zip);
const char *nx_zip_name(const nx_zip *zip, size_t i);
bool nx_zip_find(const nx_zip *zip, const char *name, size_t *i);

/* The unpacked bytes of an entry, with a zero behind them that *bytes does not count; owned by the caller. Each entry
 * can be asked for once: all of them together unpack to no more than 64 MB and a hundred times the file. */
bool nx_zip_unpack(nx_zip *zip, size_t i, char **data, size_t *bytes, nx_error *err);

#endif
