/*
 * tests/sim/habits.h - how often each of several choices is made.
 *
 * Every world draws its own weights, and some of them are zero: what never
 * happens together when everything happens a little, happens in some of them
 * all the time ("Swarm testing", ISSTA 2012).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { CHOICES_MAX = 16 };

/* Weights of up to CHOICES_MAX choices. Where all are zero, each is as likely as another. */
struct choice {
    uint32_t weight[CHOICES_MAX];
};

/* What the clients of a world do, and how often. */
struct habits {
    struct choice classic, meta, binary; /* actions: see *_ask.c */
    struct choice dialects;              /* enum wire, and then: text of both kinds */
    struct choice depths, pieces, reads, leaves, in_caps, out_caps;
    struct choice sizes, exptimes, modes;
    uint32_t silent_in_16; /* commands that want no answer, or only an unexpected one */
    uint32_t shared_in_16; /* keys that others write, too */
    uint32_t stall_in_16;  /* connections whose client stops reading now and then */
    uint32_t finish_one_in;
    uint32_t local_in_16;
    uint32_t edge_bytes; /* sizes are drawn around this, too: a limit of the server's */
};

/* A number below N. */
uint32_t choose(const struct choice *choice, uint32_t n);
/* What is usual in every respect. */
void habits_usual(struct habits *habits);
/* Draw each weight anew around the usual one; some are zero, some far above. */
void habits_draw(struct habits *habits);
