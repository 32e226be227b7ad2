/* Not part of any computation: what cl/prelude.cl wants of a compiler for bfloat16, assembly for x86-64 with registers of
 * 16 floats, in as few lines as possible. A device can do it if this builds and the kernel is there, and the processor
 * has the instruction (framework/device/device.c): in bytes, no compiler would miss it. */
#ifdef __x86_64__
__kernel void bf16(__global float16 *p)
{
    float16 v = *p;
    __asm__(".irp i,0\n.ifc %0,%%zmm\\i\n.endif\n.endr\n" : "+v"(v));
    *p = v;
}
#endif
