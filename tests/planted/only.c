/*
 * Runs of a test program only the test that PLANTED_TEST names.
 */
#include "check.h"

#include <stdlib.h>

__attribute__((constructor)) static void only_the_named_one(void)
{
    cmocka_set_test_filter(getenv("PLANTED_TEST"));
}
