/* Draws the page: servers, then of the selected one hot keys, connections and events. */
#include "screen.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

static void put(struct screen *screen, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* One row, cut at the width; bytes that a terminal might obey become dots. */
static void
put(struct screen *screen, const char *format, ...)
{
    char *row = screen->text[screen->row];
    va_list args;

    if (screen->row >= screen->rows)
        return;
    va_start(args, format);
    (void)vsnprintf(row, SCREEN_COLUMNS_MAX + 1, format, args);
    va_end(args);
    row[screen->columns] = '\0';
    for (char *p = row; *p != '\0'; p++)
        if (!isprint((unsigned char)*p))
            *p = '.';
    screen->row++;
}

/* "12.3k"; "-" for what is not known. */
static const char *
short_number(double v, char text[16])
{
    static const char units[] = " kMGTP";
    size_t unit = 0;

    if (v < 0)
        return "-";
    while (v >= 9999.5 && units[unit + 1] != '\0') {
        v /= 1000;
        unit++;
    }
    if (unit == 0)
        (void)snprintf(text, 16, v < 10 && v != (double)(long)v ? "%.1f" : "%.0f", v);
    else
        (void)snprintf(text, 16, v < 100 ? "%.1f%c" : "%.0f%c", v, units[unit]);
    return text;
}

static const char *
percent(double v, char text[16])
{
    if (v < 0)
        return "-";
    (void)snprintf(text, 16, "%.1f", v);
    return text;
}

static void
draw_server(struct screen *screen, const struct subject *subject, bool selected)
{
    const struct figures *f = &subject->figures;
    char n[10][16];

    if (!subject->up) {
        put(screen, "%c%-18.18s %s: %s", selected ? '>' : ' ', subject->address,
            subject->wants_login ? "LOGIN" : "DOWN", subject->why);
        return;
    }
    put(screen, "%c%-18.18s %6s %7s %5s %6s %6s %6s %5s %5s %6s", selected ? '>' : ' ',
        subject->address, short_number(f->conns, n[0]), short_number(f->commands, n[1]),
        percent(f->hit_pct, n[2]), short_number(f->bytes_in, n[3]),
        short_number(f->bytes_out, n[4]), short_number(f->evictions, n[5]),
        short_number(f->p50_us, n[6]), short_number(f->p99_us, n[7]),
        short_number(f->max_us, n[8]));
}

static void
draw_summary(struct screen *screen, const struct subject *subject)
{
    const struct figures *f = &subject->figures;
    double idle = f->conns - (f->ready > 0 ? f->ready : 0) - (f->stalled > 0 ? f->stalled : 0);
    char n[8][16];

    put(screen, "%s", "");
    put(screen, "%s %s, up %.0f s; connections: %s idle, %s ready, %s stalled",
        f->is_lombard ? "Lombard" : "memcached", f->version, f->uptime_s,
        short_number(f->ready < 0 ? f->conns : idle, n[0]), short_number(f->ready, n[1]),
        short_number(f->stalled, n[2]));
    put(screen, "%s items, %s of %s bytes; longest iteration in 10 s: %s us",
        short_number(f->items, n[3]), short_number(f->bytes, n[4]),
        short_number(f->limit_bytes, n[5]), short_number(f->loop_max_us, n[6]));
}

static bool
matches(const char *text, const char *filter)
{
    return filter[0] == '\0' || strcasestr(text, filter) != NULL;
}

/* At most ROWS rows, title included. */
static void
draw_keys(struct screen *screen, const struct view *view, const struct figures *f, int rows)
{
    int drawn = 1;
    char n[16];

    put(screen, "HOT KEY %*s SHARE%%  ERROR%%     /S", screen->columns > 70 ? 40 : 24, "");
    for (int i = 0; i < f->key_count && drawn < rows; i++) {
        const struct shown_key *key = &f->keys[i];

        if (!matches(key->key, view->filter))
            continue;
        put(screen, "%-*.*s %6.2f %7.2f %6s", screen->columns > 70 ? 48 : 32,
            screen->columns > 70 ? 48 : 32, key->key, key->share_pct, key->error_pct,
            short_number(key->per_second, n));
        drawn++;
    }
    if (f->key_count > 0)
        return;
    if (f->keys_refused[0] != '\0')
        put(screen, "(it says: %s)", f->keys_refused);
    else
        put(screen, "%s", f->is_lombard ? "(none yet)" : "(memcached does not tell)");
}

/* "10.0.0.1:80", or "10.0.0.1:80 worker-7": most have come by TCP. */
static void
put_peer(const struct talker *talker, char *text, size_t bytes)
{
    const char *address = talker->address;

    if (strncmp(address, "tcp:", 4) == 0)
        address += 4;
    else if (strncmp(address, "tcp6:", 5) == 0)
        address += 5;
    (void)snprintf(text, bytes, "%s%s%s", address, talker->name[0] != '\0' ? " " : "",
                   talker->name);
}

static void
draw_talkers(struct screen *screen, const struct view *view, const struct figures *f, int rows)
{
    enum { ID_COLUMNS = 6, OTHER_COLUMNS = 2 + 15 + 5 * 7 - 1, ADDRESS_COLUMNS = 21 };
    int width = screen->columns - ID_COLUMNS - OTHER_COLUMNS;
    int drawn = 1;

    width = width > ADDRESS_COLUMNS ? width : ADDRESS_COLUMNS;
    put(screen, "ID     %-*.*s STATE             REQS     IN    OUT   HELD STALL", width, width,
        "CONNECTION");
    for (int i = 0; i < f->talker_count && drawn < rows; i++) {
        const struct talker *talker = &f->talkers[i];
        const char *id = talker->id[0] != '\0' ? talker->id : talker->line;
        int over = (int)strlen(id) - ID_COLUMNS; /* an id is typed: it is never cut */
        char peer[sizeof(talker->address) + sizeof(talker->name) + 2];
        char n[5][16];

        over = over > 0 ? over : 0;
        put_peer(talker, peer, sizeof(peer));
        if (!matches(peer, view->filter) && !matches(talker->state, view->filter))
            continue;
        put(screen, "%-*s %-*.*s %-15.15s %6s %6s %6s %6s %5s", ID_COLUMNS, id, width - over,
            width - over, peer, talker->state, short_number(talker->requests, n[0]),
            short_number(talker->bytes_in, n[1]), short_number(talker->bytes_out, n[2]),
            short_number(talker->held, n[3]), short_number(talker->stalled_s, n[4]));
        drawn++;
    }
    if (f->talkers_left_out && drawn < rows)
        put(screen, "(%d of %.0f connections are listed)", f->talker_count, f->conns);
}

/* --- Events: "id time=1795744351.852 level=warn event=refused reason=admin_only id=1 ..." --- */

enum { EVENT_INDENT = 9 };

/* Without what an operator does not read: "14:32:31 warn refused admin_only id=1 ...". */
static void
shorten_event(const char *event, char *text, size_t bytes)
{
    const char *at = strstr(event, "time=");
    time_t when = at == NULL ? 0 : (time_t)strtoll(at + strlen("time="), NULL, 10);
    size_t len = 0;
    struct tm local;

    text[0] = '\0';
    if (at != NULL)
        len = strftime(text, bytes, "%H:%M:%S", localtime_r(&when, &local));
    for (const char *word = event + strcspn(event, " "); *word != '\0' && len < bytes;) {
        size_t word_len;

        word += strspn(word, " ");
        word_len = strcspn(word, " ");
        if (strncmp(word, "time=", 5) != 0 && strncmp(word, "name=- ", 7) != 0 &&
            strcmp(word, "name=-") != 0) {
            size_t skip = strncmp(word, "level=", 6) == 0    ? 6
                          : strncmp(word, "event=", 6) == 0  ? 6
                          : strncmp(word, "reason=", 7) == 0 ? 7
                                                             : 0;

            len += (size_t)snprintf(text + len, bytes - len, " %.*s", (int)(word_len - skip),
                                    word + skip);
        }
        word += word_len;
    }
}

/* How much of TEXT a row of COLUMNS takes: up to a blank, where there is one. */
static int
row_of(const char *text, int columns)
{
    int len = (int)strlen(text);
    int cut = columns;

    if (len <= columns)
        return len;
    while (cut > columns / 2 && text[cut] != ' ')
        cut--;
    return text[cut] == ' ' ? cut : columns;
}

/* In as many rows as it needs, the first of which begins at the left. */
static int
event_rows_of(const char *text, int columns, struct screen *screen)
{
    int rows = 0;

    do {
        int indent = rows > 0 ? EVENT_INDENT : 0;
        int len = row_of(text, columns - indent);

        if (screen != NULL)
            put(screen, "%*s%.*s", indent, "", len, text);
        text += len;
        text += *text == ' ';
        rows++;
    } while (*text != '\0');
    return rows;
}

/* The last ones that fit whole into ROWS rows, title included. */
static void
draw_events(struct screen *screen, const struct view *view, const struct figures *f, int rows)
{
    char text[SHOWN_TEXT_BYTES];
    int from = f->event_count;

    if (f->event_count == 0)
        return;
    for (rows--; from > 0; from--) {
        shorten_event(f->events[from - 1].text, text, sizeof(text));
        if (matches(text, view->filter))
            rows -= event_rows_of(text, screen->columns, NULL);
        if (rows < 0)
            break;
    }
    put(screen, "EVENTS");
    for (int i = from; i < f->event_count; i++) {
        shorten_event(f->events[i].text, text, sizeof(text));
        if (matches(text, view->filter))
            (void)event_rows_of(text, screen->columns, screen);
    }
}

static void
draw_title(struct screen *screen, const struct view *view, int count)
{
    time_t now = time(NULL);
    struct tm local;
    char clock[16];

    (void)strftime(clock, sizeof(clock), "%H:%M:%S", localtime_r(&now, &local));
    put(screen, "lombard-top %s  %severy %.1f s  %d server%s  sorted by %s%s%s", clock,
        view->paused ? "PAUSED  " : "", view->interval_s, count, count == 1 ? "" : "s",
        talker_order_name(view->order), view->filter[0] != '\0' ? "  filter: " : "",
        view->filter);
}

static void
draw_selected(struct screen *screen, const struct view *view, const struct subject *subject)
{
    const struct figures *f = &subject->figures;
    int left, event_rows;

    draw_summary(screen, subject);
    left = screen->rows - screen->row;
    event_rows = f->event_count == 0 ? 0 : left > 12 ? left / 4 : 0;
    draw_keys(screen, view, f, (left - event_rows) / 2);
    draw_talkers(screen, view, f, screen->rows - screen->row - event_rows);
    if (event_rows > 1)
        draw_events(screen, view, f, event_rows);
}

void
screen_draw(struct screen *screen, const struct view *view, const struct subject *subjects,
            int count)
{
    int shown = view->rows / 3 > 0 ? view->rows / 3 : 1;
    int first = view->selected >= shown ? view->selected - shown + 1 : 0;

    memset(screen, 0, sizeof(*screen));
    screen->rows = view->rows < SCREEN_ROWS_MAX ? view->rows : SCREEN_ROWS_MAX;
    screen->columns = view->columns < SCREEN_COLUMNS_MAX ? view->columns : SCREEN_COLUMNS_MAX;
    screen->rows--; /* the last is the prompt's */
    draw_title(screen, view, count);
    put(screen,
        " SERVER              CONNS   CMD/S  HIT%%   IN/S  OUT/S EVIC/S   P50   P99    MAX");
    for (int i = first; i < count && i < first + shown; i++)
        draw_server(screen, &subjects[i], i == view->selected);
    if (count > shown)
        put(screen, " (%d to %d of %d servers)", first + 1, first + shown, count);
    if (subjects[view->selected].up)
        draw_selected(screen, view, &subjects[view->selected]);
    screen->rows++;
    screen->row = screen->rows - 1;
    put(screen, "%s",
        view->prompt[0] != '\0' ? view->prompt
                                : "q quit  p pause  s sort  f filter  k kill  arrows: server");
}
