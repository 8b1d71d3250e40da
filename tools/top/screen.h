/*
 * tools/top/screen.h - a page of text, as high and as wide as the terminal.
 */
#pragma once

#include "figures_top.h"

enum { SCREEN_COLUMNS_MAX = 400, SCREEN_ROWS_MAX = 200 };

/* One server, and what was made of its last round that is over. */
struct subject {
    const char *address;
    bool up;
    bool wants_login;            /* it is not up because of that */
    char why[TARGET_TEXT_BYTES]; /* it is not up */
    struct before before;
    struct figures figures; /* of the last round in which it was up */
};

/* What the operator has chosen. */
struct view {
    int rows, columns;
    int selected; /* of the subjects */
    enum talker_order order;
    bool paused;
    double interval_s;
    char filter[64];
    char prompt[TARGET_TEXT_BYTES]; /* at the bottom; "" for the keys that there are */
};

/* Rows of text without control bytes, padded to no width. */
struct screen {
    int rows, columns, row;
    char text[SCREEN_ROWS_MAX][SCREEN_COLUMNS_MAX + 1];
};

void screen_draw(struct screen *screen, const struct view *view, const struct subject *subjects,
                 int count);
