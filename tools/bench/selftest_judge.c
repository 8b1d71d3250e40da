/* Makes a check again where others took the machine's processors while it was off. */
#include "selftest_judge.h"

#include <stdio.h>

#include "host/others.h"

/* Processors: what always runs on a machine that is left alone takes less. */
#define OTHERS_MAX 0.1

enum selftest_verdict
selftest_judge(selftest_check check, void *context, unsigned tries)
{
    for (unsigned i = 0; i < tries; i++) {
        struct others_look before;
        double took;

        others_look(&before);
        if (check(context))
            return SELFTEST_RIGHT;
        took = others_since(&before);
        if (!(took > OTHERS_MAX))
            return SELFTEST_WRONG;
        (void)printf("    others took %.2f processors meanwhile: %s\n", took,
                     i + 1 < tries ? "once more" : "not judged");
    }
    return SELFTEST_BUSY;
}

enum selftest_verdict
selftest_worse(enum selftest_verdict a, enum selftest_verdict b)
{
    return a > b ? a : b;
}
