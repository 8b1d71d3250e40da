/* Says what is wrong with a command line. */
#include <stdarg.h>
#include <stdio.h>

#include "options/options_priv.h"

enum options_result
options_bad(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)fputs("lombard-bench: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputs(" (see --help)\n", stderr);
    va_end(args);
    return OPTIONS_BAD;
}
