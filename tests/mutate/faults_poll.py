"""Faults of looking for events before sleeping."""

LOOP = "src/event/loop.c"
POLL = "src/event/busy_poll.c"

POLL_FAULTS = [
    ("poll: it spins for ever", LOOP, "    } while (count == 0 && *ns < budget_ns);", "    } while (count == 0);"),
    ("poll: it looks once only", LOOP, "    } while (count == 0 && *ns < budget_ns);", "    } while (false);"),
    ("poll: a spin in vain is no reason to sleep", LOOP,
     "    if (count == 0) {\n        count = sleep_on", "    if (count == 0 && budget_ns == 0) {\n        count = sleep_on"),
    ("poll: it spins although there is work", LOOP, "    if (wait_ms != 0 && UNLIKELY(loop->busy", "    if (UNLIKELY(loop->busy"),
    ("poll: it sleeps on what it found", LOOP,
     "    if (count == 0) {\n        count = sleep_on", "    if (true) {\n        count = sleep_on"),
    ("poll: it spins for longer than it may", POLL,
     "    return usual_ns < poll->limit_ns ? (uint32_t)usual_ns : poll->limit_ns;",
     "    return usual_ns > poll->limit_ns ? (uint32_t)usual_ns : poll->limit_ns;"),
    ("poll: an idle server goes on spinning", POLL,
     "    poll->pays = poll->share >= (poll->pays ? PAYS_NOT : PAYS);", "    poll->pays = true;"),
    ("poll: once in vain, never again", POLL,
     "    poll->pays = poll->share >= (poll->pays ? PAYS_NOT : PAYS);",
     "    poll->pays = poll->pays && poll->share >= PAYS_NOT;"),
    ("poll: it wavers", POLL,
     "poll->share >= (poll->pays ? PAYS_NOT : PAYS);", "poll->share >= ALL * 2 / 5;"),
    ("poll: what sleeping hides is never tried", POLL, "        poll->tries = poll->doubts == 0;", "        poll->tries = false;"),
    ("poll: what sleeping may hide is always tried", POLL,
     "        poll->tries = poll->doubts == 0;", "        poll->tries = true;"),
    ("poll: a long wait lengthens the next spin", POLL,
     "    if (within)\n        learn_length", "    if (waited_ns <= UINT32_MAX)\n        learn_length"),
    ("poll: time that was spent is not counted", POLL, "    poll->us += ns / 1000;\n", ""),
    ("poll: a new limit is not in force", "src/conn/server.c",
     "    if (now->busy_poll_us != config->busy_poll_us)\n", "    if (false)\n"),
]
