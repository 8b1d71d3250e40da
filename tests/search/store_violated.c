/* Ends the search of the store where an invariant is violated. */
#include <unistd.h>

#include "store_search_priv.h"

static void (*report)(const char *what);

void
violated_report_by(void (*print)(const char *what))
{
    report = print;
}

void
violated(const char *what)
{
    report(what);
    _exit(1);
}
