/* Not part of any computation: what conv_gpu.cl wants of a compiler for tf32 and bf16, in as few lines as possible. A
 * device can do it if this builds and the kernel is there. A compiler that is not for NVIDIA's processors may take
 * foreign assembly for good until a launch meets it, so it must first say of itself that it makes PTX; otherwise there
 * is no kernel. */
#ifndef __NV_CL_C_VERSION
#define asm __asm__
#endif
#if defined(__NV_CL_C_VERSION) || defined(__NVPTX__)
#define PROBE(name, round, multiply)                                                                                   \
    __kernel void name(__global float *p)                                                                              \
    {                                                                                                                  \
        uint a;                                                                                                        \
        float c = p[0], d = 0, e = 0, f = 0;                                                                           \
        asm(round : "=r"(a) : "f"(c));                                                                                 \
        asm(multiply " {%0,%1,%2,%3}, {%4,%4,%4,%4}, {%4,%4}, {%0,%1,%2,%3};"                                          \
            : "+f"(c), "+f"(d), "+f"(e), "+f"(f)                                                                       \
            : "r"(a));                                                                                                 \
        p[get_global_id(0)] = c + d + e + f;                                                                           \
    }
PROBE(tf32, "cvt.rna.tf32.f32 %0, %1;", "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32")
PROBE(bf16, "cvt.rn.bf16x2.f32 %0, %1, %1;", "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32")
#endif
