/* Not part of any computation: asks the processor itself, by cpuid, whether it has AVX512_BF16, which cl/prelude.cl
 * writes in bytes: a compiler that does not know the processor would neither refuse those nor give them. What is not
 * for such a processor has no kernel. */
#ifdef __x86_64__
__kernel void bf16(__global uint *can)
{
    uint a = 7, b, c = 1, d; /* leaf 7, its second part */
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    *can = a >> 5 & 1;
}
#endif
