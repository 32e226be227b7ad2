/* The instructions of tensor cores as cl/conv_gpu.cl has them, for a device without: mma.sync with a warp's matrices in
 * local memory, where each lane puts its elements in the places that the manual gives them (PTX ISA 9.7.14.5, "Matrix
 * Fragments for mma.m16n8k8" and "... m16n8k16"), low ones of a register first, and takes its sums from theirs. */
#define FRAGMENTS
#undef UNROLL /* the model would be there eight times */
#define UNROLL
#ifdef TF32
#define TERMS_OF_MMA 8
#define ELEMENT(registers, i) as_float(registers[i] & ~0x1fffu) /* the instruction does not look at the others */
#define A_ELEMENTS 4
#define A_ROW(i) (group_id + ((i) == 1 || (i) == 3 ? 8 : 0))
#define A_COLUMN(i) (thread_in_group + ((i) >= 2 ? 4 : 0))
#define B_ELEMENTS 2
#define B_ROW(i) (thread_in_group + ((i) == 1 ? 4 : 0))
#else
#define TERMS_OF_MMA 16
#define ELEMENT(registers, i) as_float((registers[(i) / 2] >> ((i) % 2 * 16) & 0xffffu) << 16)
#define A_ELEMENTS 8
#define A_ROW(i) (group_id + ((i) < 2 || ((i) >= 4 && (i) < 6) ? 0 : 8))
#define A_COLUMN(i) (thread_in_group * 2 + ((i) & 1) + ((i) >= 4 ? 8 : 0))
#define B_ELEMENTS 4
#define B_ROW(i) (thread_in_group * 2 + ((i) & 1) + ((i) >= 2 ? 8 : 0))
#endif
#define B_COLUMN group_id
#define C_ROW(i) (group_id + ((i) < 2 ? 0 : 8))
#define C_COLUMN(i) (thread_in_group * 2 + ((i) & 1))

/* To the nearest, halfway away from zero. */
static inline uint to_tf32(float v) { return (as_uint(v) + 0x1000) & ~0x1fffu; }

/* To the nearest, halfway to the even one. */
static inline uint to_bf16(float first, float second)
{
    uint2 bits = as_uint2((float2)(first, second));
    bits = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    return bits.x | bits.y << 16;
}

typedef struct matrices { /* of a warp */
    float a[16][TERMS_OF_MMA], b[TERMS_OF_MMA][8];
} matrices;

/* They lie behind the tile b, in so many rows more. */
#define ROWS_OF_MATRICES (ITEMS / 32 * 24 * TERMS_OF_MMA / CHANNELS + 1)
#define mma(c, p, q) model_of_mma(c, p, q, (__local matrices *)b[DEPTH / TERMS] + get_local_id(0) / 32)

static inline void model_of_mma(float *c, const uint *a, const uint *b, __local matrices *m)
{
    int lane = get_local_id(0) % 32, group_id = lane >> 2, thread_in_group = lane % 4;
    for (int i = 0; i < A_ELEMENTS; i++) m->a[A_ROW(i)][A_COLUMN(i)] = ELEMENT(a, i);
    for (int i = 0; i < B_ELEMENTS; i++) m->b[B_ROW(i)][B_COLUMN] = ELEMENT(b, i);
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < TERMS_OF_MMA; k++) c[i] = fma(m->a[C_ROW(i)][k], m->b[k][C_COLUMN(i)], c[i]);
    barrier(CLK_LOCAL_MEM_FENCE);
}
