/* What the commands that apply a generator take alike: where to, the noise, tiles and memory.
 *
 *     static const struct option longs[] = {APPLY_LONGS, {NULL, 0, NULL, 0}};
 *     generator_options o = APPLY_DEFAULTS;
 *     ... apply_option(letter, optarg, &o, &outputs, &err) for every letter that is not the command's own ...
 */
#ifndef COMMANDS_APPLY_OPTIONS_H
#define COMMANDS_APPLY_OPTIONS_H

#include "apply/generator.h"
#include "apply/outputs.h"
#include "run/interrupt.h"

#define APPLY_DEFAULTS                                                                                                 \
    {                                                                                                                  \
        .seed = 1, .noise_scale = GENERATOR_NOISE_AS_TRAINED, .goes_on = interrupt_goes_on                             \
    }

/* For getopt_long, beside "o:". */
#define APPLY_LONGS                                                                                                    \
    {"seed", required_argument, NULL, 'S'}, {"noise-scale", required_argument, NULL, 'N'},                             \
        {"tile", required_argument, NULL, 'T'}, {"memory", required_argument, NULL, 'M'},                              \
        {"format", required_argument, NULL, 'F'}, {"precision", required_argument, NULL, 'P'},                         \
    {                                                                                                                  \
        "quality", required_argument, NULL, 'Q'                                                                        \
    }

/* Their lines in the options of a command. */
#define APPLY_OPTIONS                                                                                                  \
    "  -o OUT                  a .png or .jpg file, or a folder\n"                                                     \
    "  --format png|png16|jpg  8 or 16 bits, or JPEG; without it what the name of a file says, or png\n"               \
    "  --quality Q             of JPEGs, 1 to 100; 95 without it\n"                                                    \
    "  --seed S                of the noise; 1 without it\n"                                                           \
    "  --noise-scale K         factor on the noise, where the model has some; what it was trained with\n"              \
    "  --tile N                in tiles that keep N pixels a side; without it whole, where that fits\n"                \
    "  --memory BYTES          of the device that may be taken, such as 2G; without it three quarters of what is\n"    \
    "                          left, which on a processor has room for what the host holds\n"                          \
    "  --precision P           of convolutions: fp32; tf32 on NVIDIA's GPUs; bf16 there or with AVX512_BF16\n"

/* Takes the option of this letter. A value that is no such thing is an error that says what is meant. */
bool apply_option(int letter, const char *value, generator_options *o, outputs *t, nx_error *err);

/* The whole text as a whole number from 1 to most; as two sides of a picture, "512x256". */
bool option_count(const char *text, int most, int *out);
bool option_size(const char *text, int *width, int *height);

/* The whole text as a number from least to most. */
bool option_number(const char *text, double least, double most, double *out);

#endif
