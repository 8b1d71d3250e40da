/*
 * include/lombard/base/place.h - where something was seen, ahead of need.
 *
 * Only what looked knows what it says, and whether that is still so. All zero: nothing was seen.
 */
#pragma once

#include <stdint.h>

struct place {
    uint64_t at;
    uint64_t as_of; /* the state of what was looked at; never 0 */
};
