/* Notes the signals that ask for an early end. */
#include "host/stop.h"

#include <signal.h>
#include <stddef.h>

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

enum { SIGNAL_COUNT = sizeof(signals) / sizeof(signals[0]) };

static volatile sig_atomic_t noted;

static void
note(int number)
{
    noted = number;
}

void
stop_prepare(void)
{
    for (size_t i = 0; i < SIGNAL_COUNT; i++) {
        struct sigaction action = {.sa_handler = note, .sa_flags = (int)SA_RESETHAND};
        struct sigaction before;

        /* What nohup or a shell in the background has switched off stays off. */
        if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            (void)sigaction(signals[i], &action, NULL);
    }
}

int
stop_signal(void)
{
    return noted;
}

void
stop_leave_to_parent(void)
{
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    (void)signal(SIGTERM, SIG_DFL);
}
