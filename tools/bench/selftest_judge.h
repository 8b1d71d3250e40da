/*
 * tools/bench/selftest_judge.h - a check that is off is made again where others took the processors meanwhile: a busy
 * machine makes no check wrong, but one that cannot be judged.
 */
#pragma once

#include <stdbool.h>

#include "lombard/base/attr.h"

enum selftest_verdict {
    SELFTEST_RIGHT,
    SELFTEST_BUSY, /* off, each time while others took some of the machine */
    SELFTEST_WRONG,
};

/* Makes the check, and prints its row. False: it is off. */
typedef bool (*selftest_check)(void *context);

/* Make CHECK, up to TRIES times as long as it is off and others took some of the machine. */
enum selftest_verdict selftest_judge(selftest_check check, void *context,
                                     unsigned tries) MUST_USE;
/* The worse one of two. */
enum selftest_verdict selftest_worse(enum selftest_verdict a, enum selftest_verdict b) MUST_USE;
