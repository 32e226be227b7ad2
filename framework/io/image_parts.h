/* The parts that picture files are made of: chunks of PNG and WebP, segments of JPEG.
 * Of io/image and io/profile; not a header for users. Only their heads are read, and no more than that from the disk.
 *
 *     nx_image_part p = {0};
 *     while (nx_image_part_next(file, kind, &p)) ... p.type, and p.length bytes from p.at on, as far as the file goes
 */
#ifndef NX_IO_IMAGE_PARTS_H
#define NX_IO_IMAGE_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef enum nx_image_kind { NX_IMAGE_OTHER, NX_IMAGE_IS_PNG, NX_IMAGE_IS_JPEG, NX_IMAGE_IS_WEBP } nx_image_kind;

/* By the first bytes of a file; fewer than 16 are what there is of it. */
nx_image_kind nx_image_kind_of(const uint8_t *first, size_t bytes);

typedef struct nx_image_part {
    uint32_t type; /* NX_FOUR of its letters; JPEG: its marker, of those that have a length */
    off_t at;      /* of what it holds; 0: none was read yet */
    size_t length;
} nx_image_part;

#define NX_FOUR(text)                                                                                                  \
    ((uint32_t)(text)[0] << 24 | (uint32_t)(text)[1] << 16 | (uint32_t)(text)[2] << 8 | (uint32_t)(text)[3])

/* The part behind *p; false: the file ends there, or is none of that kind. Bytes between the segments of a JPEG are
 * passed over, as decoders do. */
bool nx_image_part_next(int file, nx_image_kind kind, nx_image_part *p);

/* The first `bytes` of what the part holds; false: it, or the file, has less. */
bool nx_image_part_read(int file, const nx_image_part *p, void *out, size_t bytes);

static inline unsigned nx_little16(const uint8_t *p) { return (unsigned)p[1] << 8 | p[0]; }
static inline uint32_t nx_little32(const uint8_t *p) { return (uint32_t)nx_little16(p + 2) << 16 | nx_little16(p); }
static inline unsigned nx_big16(const uint8_t *p) { return (unsigned)p[0] << 8 | p[1]; }
static inline uint32_t nx_big32(const uint8_t *p) { return (uint32_t)nx_big16(p) << 16 | nx_big16(p + 2); }

#endif
