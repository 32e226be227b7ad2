/* In front of every kernel file, with what the program defines for the device (framework/device/program): CPU_FAMILY or
 * GPU_FAMILY; LANES, the floats of a vector; GROUP, the work-items of a group; FLAT_BLOCK, the floats of a work-item of
 * flat kernels.
 *
 * CPU family: a group is one work-item, a vector is a vector register, and nothing is shared. GPU family: a vector is
 * four floats, a group is 64 work-items that may share local memory. A kernel written with these words serves both.
 *
 * Tensors are padded to 256 floats, so flat kernels need no tail. */
#define JOIN_(a, b) a##b
#define JOIN(a, b)  JOIN_(a, b)
typedef JOIN(float, LANES) vec;
typedef JOIN(int, LANES) ivec;
typedef JOIN(uint, LANES) uvec;
typedef JOIN(ushort, LANES) halves;
#if LANES == 4
#define vload_lanes vload4
#define vstore_lanes vstore4
#endif

/* vload16 and vstore16 as a CPU does them, in one instruction: PoCL's library does them in parts. */
#if LANES > 4
typedef vec loose __attribute__((aligned(4)));
#define LOOSE(space)                                                                                                   \
    static inline vec __attribute__((overloadable)) vload_lanes(size_t i, const space float *p)                        \
    {                                                                                                                  \
        return ((const space loose *)p)[i];                                                                            \
    }                                                                                                                  \
    static inline void __attribute__((overloadable)) vstore_lanes(vec v, size_t i, space float *p)                     \
    {                                                                                                                  \
        ((space loose *)p)[i] = v;                                                                                     \
    }
LOOSE(__global)
LOOSE(__private)
#undef LOOSE
#if LANES == 16
typedef float8 loose_half __attribute__((aligned(4)));
#else
typedef float4 loose_half __attribute__((aligned(4)));
#endif
#endif

#define UNROLL _Pragma("unroll")
#define KERNEL __kernel __attribute__((reqd_work_group_size(GROUP, 1, 1)))

/* The body runs for every vector that starts at float i. */
#define FLAT_FOR(i)                                                                                                    \
    for (size_t i = get_global_id(0) * FLAT_BLOCK, end_ = i + FLAT_BLOCK; i < end_; i += LANES)

/* n floats at p, 1 <= n; more than LANES count as LANES. Lanes beyond n are zero, or are not stored. On CPUs
 * half a vector, the end of 24 or 40 channels, is as fast as a whole one, and the 3 of a picture nearly so. */
static inline vec load_lanes(__global const float *p, int n)
{
    if (n >= LANES) return vload_lanes(0, p);
#if LANES > 4
    if (n == LANES / 2) {
        vec v = (vec)(0.f);
        v.lo = *(__global const loose_half *)p;
        return v;
    }
    if (n == 3) {
        vec v = (vec)(0.f);
        v.s0 = p[0], v.s1 = p[1], v.s2 = p[2];
        return v;
    }
#endif
    float part[LANES];
    for (int i = 0; i < LANES; i++) part[i] = i < n ? p[i] : 0.f;
    return vload_lanes(0, part);
}

static inline void store_lanes(vec v, __global float *p, int n)
{
    if (n >= LANES) {
        vstore_lanes(v, 0, p);
        return;
    }
#if LANES > 4
    if (n == LANES / 2) {
        *(__global loose_half *)p = v.lo;
        return;
    }
    if (n == 3) {
        p[0] = v.s0, p[1] = v.s1, p[2] = v.s2;
        return;
    }
    float part[LANES];
    vstore_lanes(v, 0, part);
    for (int i = 0; i < n; i++) p[i] = part[i];
#else /* a GPU would have an array that is counted through in memory */
    if (n > 0) p[0] = v.s0;
    if (n > 1) p[1] = v.s1;
    if (n > 2) p[2] = v.s2;
#endif
}

/* min(n, LANES) floats. */
static inline void copy_lanes(__global const float *from, __global float *to, int n)
{
    if (n >= LANES || n == LANES / 2)
        store_lanes(load_lanes(from, n), to, n);
    else
        for (int i = 0; i < n; i++) to[i] = from[i];
}

/* To bfloat16, the upper half of a float: to the nearest, halfway to the even one. What is below that half is no part of
 * it. */
static inline uvec to_bfloat16(vec v)
{
    uvec bits = JOIN(as_uint, LANES)(v);
    return bits + 0x7fff + (bits >> 16 & 1);
}
static inline ushort half_of(float v)
{
    uint bits = as_uint(v);
    return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}
static inline halves upper_halves(uvec bits) { return JOIN(convert_ushort, LANES)(bits >> 16); }

#if defined(BF16) && defined(CPU_FAMILY)
/* Products in bfloat16, where the processor has AVX512_BF16: the operands are words of two of them, and a lane of the
 * sum, a float, takes both products. The instruction is written in bytes, vdpbf16ps zmm, zmm, zmm, since compilers that
 * do not know the processor by name refuse its name; NUMBER finds which registers the compiler has chosen. */
#define PAIR 2
typedef ushort operand;
typedef halves loose_halves __attribute__((aligned(2)));
typedef float loose_word __attribute__((aligned(2)));
static inline operand operand_of(float v) { return half_of(v); }
static inline void store_operands(vec v, operand *p) { *(loose_halves *)p = upper_halves(to_bfloat16(v)); }
#define NUMBER(symbol, operand)                                                                                        \
    ".irp i,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"                    \
    ".ifc " operand ",%%zmm\\i\n.set " symbol ",\\i\n.endif\n.endr\n"
static inline vec multiply_add(vec a, vec b, vec sum)
{
    __asm__(NUMBER(".Lsum", "%0") NUMBER(".La", "%1") NUMBER(".Lb", "%2")
            ".byte 0x62, 0x02 | (((~.Lsum >> 3) & 1) << 7) | (((~.Lb >> 4) & 1) << 6) | (((~.Lb >> 3) & 1) << 5) | "
            "(((~.Lsum >> 4) & 1) << 4), 0x06 | ((~.La & 15) << 3), 0x40 | (((~.La >> 4) & 1) << 3), 0x52, "
            "0xc0 | ((.Lsum & 7) << 3) | (.Lb & 7)\n"
            : "+v"(sum)
            : "v"(a), "v"(b));
    return sum;
}
#else
#define PAIR 1 /* operands of a word */
typedef float operand, loose_word;
static inline operand operand_of(float v) { return v; }
static inline void store_operands(vec v, operand *p) { vstore_lanes(v, 0, p); }
#define multiply_add fma
#endif

/* Asks for n floats that will be read or stored soon, in cache lines of 64 bytes. Where they lie does not matter: what is
 * nobody's is not read. */
#if defined(CPU_FAMILY) && !defined(__SPIR__)
#define PREFETCH(name, store)                                                                                          \
    static inline void name(__global const float *p, int n)                                                            \
    {                                                                                                                  \
        for (int i = 0; i < n; i += 16) __builtin_prefetch((const void *)(size_t)(p + i), store);                      \
    }
#else
#define PREFETCH(name, store)                                                                                          \
    static inline void name(__global const float *p, int n) {}
#endif
PREFETCH(prefetch_read, 0)
PREFETCH(prefetch_store, 1)

#ifdef CPU_FAMILY
/* Of the lanes first to end of k channels, statistics as cl/norm.cl takes them: part [3][k], the mean, the sum of
 * squared deviations from it, and how many numbers that were. */
static inline void store_statistics(__global float *part, int k, int first, int end, vec mean, vec deviation, int count)
{
    float values[2][LANES];
    vstore_lanes(mean, 0, values[0]);
    vstore_lanes(deviation, 0, values[1]);
    for (int l = first; l < end; l++) {
        part[l] = values[0][l];
        part[k + l] = values[1][l];
        part[2 * k + l] = count;
    }
}

/* The part, of `left` channels of k, of pixels just stored, `next` floats apart and still in the core's cache. All
 * deviations are from the first, so that nothing cancels. A last vector that is not full is read from where it is: some
 * channels twice, of which nothing is stored. Where half a vector is a pixel, a whole one is two. */
static inline void leave_statistics(__global const float *y, int pixels, int next, __global float *part, int k,
                                    int left)
{
    bool two = next == LANES / 2 && left == LANES / 2 && pixels % 2 == 0;
    for (int i = 0; i < left; i += LANES) {
        int at = max(0, min(i, left - LANES)), n = two ? LANES : left - at, count = pixels >> two, step = next << two;
        vec origin = pixels ? load_lanes(y + at, left - at) : (vec)(0), sum[4], squares[4];
        if (two) origin.hi = origin.lo;
        UNROLL for (int p = 0; p < 4; p++) sum[p] = squares[p] = (vec)(0);
        for (int j = 0; j < count; j += 4)
            UNROLL for (int p = 0; p < 4; p++)
                if (j + p < count) {
                    vec d = load_lanes(y + (size_t)(j + p) * step + at, n) - origin;
                    sum[p] += d;
                    squares[p] = fma(d, d, squares[p]);
                }
        vec first = (sum[0] + sum[1]) + (sum[2] + sum[3]), second = (squares[0] + squares[1]) + (squares[2] + squares[3]);
        if (two) first.lo += first.hi, second.lo += second.hi;
        vec shift = first / (float)max(pixels, 1);
        store_statistics(part + at, k, i - at, min(LANES, left - at), origin + shift, fma(-first, shift, second), pixels);
    }
}
#endif

static inline float sum4(float4 v) { return (v.x + v.y) + (v.z + v.w); }
static inline float sum8(float8 v) { return sum4(v.lo + v.hi); }
static inline float sum_lanes(vec v)
{
#if LANES == 16
    return sum8(v.lo + v.hi);
#elif LANES == 8
    return sum8(v);
#else
    return sum4(v);
#endif
}

/* The sum over a group, in a fixed order; the result is valid in the item of local id 0. buffer holds GROUP floats.
 * Every item of the group must arrive. */
static inline float group_sum(float v, __local float *buffer)
{
#if GROUP == 1
    return v;
#else
    int lid = get_local_id(0);
    buffer[lid] = v;
    for (int half_ = GROUP / 2; half_ > 0; half_ /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lid < half_) buffer[lid] += buffer[lid + half_];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    return buffer[0];
#endif
}

/* Of kernels that are compiled for one activation: 0 none, 1 ReLU, 2 LeakyReLU, 3 tanh. */
#ifdef ACTIVATION
static inline vec activate(vec v, float slope)
{
#if ACTIVATION == 1
    return fmax(v, (vec)(0));
#elif ACTIVATION == 2
    return select(v * slope, v, v > (vec)(0));
#elif ACTIVATION == 3
    return tanh(v);
#else
    return v;
#endif
}
#endif

/* The source index of a coordinate outside [0, n): how convolution and padding read beyond the border. -1: zero.
 * Reflection needs n > the padding, as everywhere. */
#define PAD_ZERO 0
#define PAD_REFLECT 1
#define PAD_REPLICATE 2
#define PAD_CIRCULAR 3
static inline int pad_index(int i, int n, int mode)
{
    if (i >= 0 && i < n) return i;
    if (mode == PAD_REFLECT) return i < 0 ? -i : 2 * n - 2 - i;
    if (mode == PAD_REPLICATE) return i < 0 ? 0 : n - 1;
    if (mode == PAD_CIRCULAR) return i < 0 ? i + n : i - n;
    return -1;
}
