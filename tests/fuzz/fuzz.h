/*
 * tests/fuzz/fuzz.h - what every fuzz target has: its entry, and how it says that an input broke something.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lombard/base/attr.h"

/* Feed an input to the target. Always 0: what is wrong ends the process. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* End the process, naming COND, unless it holds; in every build. */
#define REQUIRE(cond)                                                                          \
    do {                                                                                       \
        if (!(cond))                                                                           \
            BUG(#cond);                                                                        \
    } while (0)
