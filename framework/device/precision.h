/* How exactly a device multiplies. What chooses among precisions by their words, as a config does, makes its own list
 * of this one.
 *
 *     #define WORD(name, word) word,
 *     static const char *const words[] = {NX_PRECISION_LIST(WORD)};
 */
#ifndef NX_DEVICE_PRECISION_H
#define NX_DEVICE_PRECISION_H

#include <stdbool.h>

#define NX_PRECISION_LIST(ROW)                                                                                         \
    ROW(FP32, "fp32")                                                                                                  \
    ROW(TF32, "tf32") /* operands of 10 bits of mantissa: NVIDIA's tensor cores */                                     \
    ROW(BF16, "bf16") /* operands of 7: the same, processors with AVX512_BF16, best with AMX */

/* Of the products of convolutions; their sums and all else are float32. */
#define NX_PRECISION(name, word) NX_##name,
typedef enum nx_precision { NX_PRECISION_LIST(NX_PRECISION) NX_PRECISIONS } nx_precision;
#undef NX_PRECISION

const char *nx_precision_name(nx_precision precision);
bool nx_precision_named(const char *name, nx_precision *out);

#endif
