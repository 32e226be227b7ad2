/* Colour profiles (ICC) of pictures, which are carried along and never applied: a picture made of another one has
 * numbers that mean what that one's do. In PNG the chunk iCCP, in WebP the chunk
 * ICCP, in JPEG segments APP2 (ICC.1:2010, annex B).
 *
 *     nx_profile profile = nx_profile_of("photo.jpg");
 *     ... nx_image_save(&made, "made.png", &(nx_image_options){.profile = &profile}, err) ...
 *     nx_profile_free(&profile);
 */
#ifndef NX_IO_PROFILE_H
#define NX_IO_PROFILE_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define NX_PROFILE_MAX ((size_t)4 << 20) /* bytes; tables of printers take one or two million */

typedef struct nx_profile {
    size_t bytes;  /* 0: there is none */
    uint8_t *data; /* as a file of its own would hold them */
} nx_profile;

/* The profile in a picture's file, checked as far as that it is one of RGB colours; *out, which the caller frees, is
 * empty where the file has none. Refused with one line, *out empty: parts missing or twice, more than NX_PROFILE_MAX
 * bytes, a header or a table that is none, the colours of something else than RGB, as grey or ink. */
bool nx_profile_load(nx_profile *out, const char *path, nx_error *err);
void nx_profile_free(nx_profile *profile); /* leaves *profile empty; NULL is fine */

/* The same, where a profile that is refused is no reason to stop: a warning, and none. One that is not sRGB is named.
 */
nx_profile nx_profile_of(const char *path);

/* What it calls itself, as a terminal may show it: "Display P3"; "a profile without a name". Owned by the caller. */
char *nx_profile_name(const nx_profile *profile);

/* As a file holds it: data of the chunk iCCP; segments APP2, whole. In *out, owned by the caller; gives the bytes. */
size_t nx_profile_as_chunk(const nx_profile *profile, uint8_t **out);
size_t nx_profile_as_segments(const nx_profile *profile, uint8_t **out);

#endif
