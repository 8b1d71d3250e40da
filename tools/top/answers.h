/*
 * tools/top/answers.h - what a server answered to several requests, as text and by name.
 *
 *     "STAT a 1\r\nSTAT b 2\r\nEND\r\n" "STAT x:key foo\r\nEND\r\n" "ERROR\r\n"
 *      ANSWER_STATS                      ANSWER_HOTKEYS              ANSWER_EVENTS: not known there
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum answer_kind {
    ANSWER_LOGIN, /* one line */
    ANSWER_STATS,
    ANSWER_RATES,
    ANSWER_LATENCY,
    ANSWER_HOTKEYS,
    ANSWER_CONNS,
    ANSWER_EVENTS,
};

enum {
    ANSWERS = ANSWER_EVENTS + 1,
    ANSWERS_BYTES_MAX = 8 * 1024 * 1024,
    ANSWER_NAME_BYTES = 128,
    ANSWER_VALUE_BYTES = 1024,
};

/* All zero: empty. */
struct answers {
    char *text; /* NUL-terminated */
    size_t len;
    size_t space;
    size_t scanned; /* up to here lines were looked at */
    enum answer_kind expected[ANSWERS];
    int expected_count;
    int complete; /* of the expected ones */
    struct {
        size_t from, last, to; /* it, and its last line; all 0: there is none */
    } of[ANSWERS];
};

/* One line of an answer. */
struct answer_line {
    char name[ANSWER_NAME_BYTES];
    char value[ANSWER_VALUE_BYTES];
};

void answers_clear(struct answers *answers);
void answers_free(struct answers *answers);
/* KIND was asked for: its answer comes behind those before. Each kind once. */
void answers_expect(struct answers *answers, enum answer_kind kind);
/* Room for BYTES more at text + len; false when that would be too much. */
bool answers_reserve(struct answers *answers, size_t bytes);
/* BYTES were put there: see which answers are complete now. */
void answers_received(struct answers *answers, size_t bytes);
/* Whether all that was asked for is there. */
bool answers_are_complete(const struct answers *answers);

/* The last line of KIND without its end: "END", "ERROR", "CLIENT_ERROR ..."; "" where there is none. */
void answers_last_line(const struct answers *answers, enum answer_kind kind, char *line,
                       size_t bytes);
/* The next line of KIND; *AT is 0 before the first. False: there is none. */
bool answers_next(const struct answers *answers, enum answer_kind kind, size_t *at,
                  struct answer_line *line);
/* The value of NAME in LINE; false when it is not there. */
bool answers_find(const struct answers *answers, enum answer_kind kind, const char *name,
                  struct answer_line *line);
/* As a number; -1 when it is not there. */
double answers_number(const struct answers *answers, enum answer_kind kind, const char *name);
