/* Test data that is not the project's own: photographs, trained weights, networks of a paper's authors, in the folder
 * that the environment names. Tests that need it go without where there is none.
 *
 *     char *path = nx_format("%s/weights/vgg19_slim_to_conv5_1.safetensors", given_data());
 */
#ifndef NX_TESTS_GIVEN_H
#define NX_TESTS_GIVEN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* The folder; without one the test ends here, skipped. Before anything that it would have to free. */
static inline const char *given_data(void)
{
    const char *folder = getenv("NSTX_TEST_DATA");
    if (!folder) {
        print_message("skipped: NSTX_TEST_DATA, the folder of test data, is not set\n");
        skip();
    }
    return folder;
}

#endif
