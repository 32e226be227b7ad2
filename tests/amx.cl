/* The instructions of AMX as cl/conv_amx.cl has them, for a device without: tiles as arrays of 16 rows of 64 bytes (Intel's
 * manual of its instruction set, volume 2, TILELOADD, TILESTORED, TDPBF16PS). */
typedef struct tile {
    uint word[16][16];
} tile;
#define TILES tile tiles[8]
static inline void begin_tiles(void) {}
#define END_TILES
#define ZERO(t)                                                                                                        \
    for (int i_ = 0; i_ < 256; i_++) tiles[t].word[i_ / 16][i_ % 16] = 0
#define LOAD(t, p, step)                                                                                               \
    for (int i_ = 0; i_ < 256; i_++)                                                                                   \
    tiles[t].word[i_ / 16][i_ % 16] =                                                                                  \
        ((__global const uint *)((__global const uchar *)(p) + (size_t)(i_ / 16) * (step)))[i_ % 16]
#define STORE(t, p, step)                                                                                              \
    for (int i_ = 0; i_ < 256; i_++)                                                                                   \
    ((uint *)((uchar *)(p) + (size_t)(i_ / 16) * (step)))[i_ % 16] = tiles[t].word[i_ / 16][i_ % 16]

static inline float float_of(uint half_) { return as_float(half_ << 16); }

static inline void multiply(tile *sum, const tile *a, const tile *b)
{
    for (int m = 0; m < 16; m++)
        for (int n = 0; n < 16; n++) {
            float s = as_float(sum->word[m][n]);
            for (int k = 0; k < 16; k++) {
                s += float_of(a->word[m][k] & 0xffff) * float_of(b->word[k][n] & 0xffff);
                s += float_of(a->word[m][k] >> 16) * float_of(b->word[k][n] >> 16);
            }
            sum->word[m][n] = as_uint(s);
        }
}
#define MULTIPLY(sum, a, b) multiply(&tiles[sum], &tiles[a], &tiles[b])

