/* Dividing work: how many blocks of a size hold n things, and how many things fill whole blocks. */
#ifndef NX_BASE_BLOCKS_H
#define NX_BASE_BLOCKS_H

#include <stddef.h>

static inline size_t nx_blocks(size_t n, size_t size) { return (n + size - 1) / size; }
static inline size_t nx_round_up(size_t n, size_t size) { return nx_blocks(n, size) * size; }

#endif
