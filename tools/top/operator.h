/*
 * tools/top/operator.h - the program as its operator sees it: servers, a page, and keys.
 */
#pragma once

#include "screen.h"

/* What the next key belongs to. */
enum asking { ASKING_NO_KEY, ASKING_FILTER, ASKING_WHOM, ASKING_WHETHER };

struct program {
    struct target targets[TARGETS_MAX];
    struct subject subjects[TARGETS_MAX];
    int count;
    struct view view;
    struct screen screen;
    struct credentials credentials;
    enum asking asking;
    char whom[64]; /* is to be killed */
    double end_s;  /* of the round that is under way; 0: none is */
    double next_s; /* then another one begins */
    bool once, json, done;
};

/* KEY is one of tty.h, not KEY_NONE. */
void operator_key(struct program *p, int key);
/* What is asked, if anything, into the page's prompt. */
void operator_prompt(struct program *p);
