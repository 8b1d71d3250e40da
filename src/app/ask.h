/*
 * src/app/ask.h - --ping and --stats: a question to a server that runs.
 */
#pragma once

#include "config.h"

enum { ASK_ANSWERED = 0, ASK_FAILED = 1 };

/*
 * Ask the server what CONFIG's `ask` says, and print the answer. Exit status: ASK_ANSWERED, or
 * ASK_FAILED with the reason on standard error. A server that does not answer is waited for
 * some seconds.
 */
int ask_server(const struct config *config);
