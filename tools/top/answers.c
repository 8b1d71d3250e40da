/* Takes the answers of a server apart. */
#include "answers.h"

#include <stdlib.h>
#include <string.h>

void
answers_clear(struct answers *answers)
{
    char *text = answers->text;
    size_t space = answers->space;

    memset(answers, 0, sizeof(*answers));
    answers->text = text;
    answers->space = space;
    if (text != NULL)
        text[0] = '\0';
}

void
answers_free(struct answers *answers)
{
    free(answers->text);
    memset(answers, 0, sizeof(*answers));
}

bool
answers_reserve(struct answers *answers, size_t bytes)
{
    size_t needed = answers->len + bytes + 1;
    char *text;

    if (needed <= answers->space)
        return true;
    if (needed > ANSWERS_BYTES_MAX)
        return false;
    text = realloc(answers->text, needed * 2);
    if (text == NULL)
        return false;
    answers->text = text;
    answers->space = needed * 2;
    return true;
}

void
answers_expect(struct answers *answers, enum answer_kind kind)
{
    answers->expected[answers->expected_count++] = kind;
}

bool
answers_are_complete(const struct answers *answers)
{
    return answers->complete == answers->expected_count;
}

/* The answer that is expected next ends with the line from AT to END. */
static void
finish(struct answers *answers, size_t at, size_t end)
{
    enum answer_kind kind = answers->expected[answers->complete];
    const enum answer_kind *before =
        answers->complete > 0 ? &answers->expected[answers->complete - 1] : NULL;

    answers->of[kind].from = before != NULL ? answers->of[*before].to : 0;
    answers->of[kind].last = at;
    answers->of[kind].to = end;
    answers->complete++;
}

void
answers_received(struct answers *answers, size_t bytes)
{
    answers->len += bytes;
    answers->text[answers->len] = '\0';
    while (!answers_are_complete(answers)) {
        size_t at = answers->scanned;
        const char *line = answers->text + at;
        const char *end = memchr(line, '\n', answers->len - at);

        if (end == NULL)
            return;
        answers->scanned = (size_t)(end + 1 - answers->text);
        /* Whatever is no line of statistics ends them: END, ERROR, CLIENT_ERROR ... */
        if (strncmp(line, "STAT ", 5) != 0)
            finish(answers, at, answers->scanned);
    }
}

static void
copy(char *dst, size_t bytes, const char *src, size_t len)
{
    len = len < bytes - 1 ? len : bytes - 1;
    memcpy(dst, src, len);
    dst[len] = '\0';
}

void
answers_last_line(const struct answers *answers, enum answer_kind kind, char *line,
                  size_t bytes)
{
    const char *p = answers->text + answers->of[kind].last;

    line[0] = '\0';
    if (answers->of[kind].to > 0)
        copy(line, bytes, p, strcspn(p, "\r\n"));
}

bool
answers_next(const struct answers *answers, enum answer_kind kind, size_t *at,
             struct answer_line *line)
{
    const char *p, *blank, *end;

    if (*at == 0)
        *at = answers->of[kind].from;
    if (*at >= answers->of[kind].last)
        return false;
    p = answers->text + *at;
    p += 5;
    end = p + strcspn(p, "\r\n");
    blank = memchr(p, ' ', (size_t)(end - p));
    if (blank == NULL)
        blank = end;
    copy(line->name, sizeof(line->name), p, (size_t)(blank - p));
    copy(line->value, sizeof(line->value), blank < end ? blank + 1 : end,
         blank < end ? (size_t)(end - blank - 1) : 0);
    *at = (size_t)(end - answers->text) + strspn(end, "\r\n");
    return true;
}

bool
answers_find(const struct answers *answers, enum answer_kind kind, const char *name,
             struct answer_line *line)
{
    size_t at = 0;

    while (answers_next(answers, kind, &at, line))
        if (strcmp(line->name, name) == 0)
            return true;
    return false;
}

double
answers_number(const struct answers *answers, enum answer_kind kind, const char *name)
{
    struct answer_line line;

    return answers_find(answers, kind, name, &line) ? strtod(line.value, NULL) : -1;
}
