/* Draws the page: servers, then of the selected one hot keys, connections and events. */
#include "screen.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
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
draw_server(struct screen *screen, const struct view *view, const struct subject *subject,
            bool selected)
{
    const struct figures *f = &subject->figures;
    char n[10][16];

    (void)view;
    if (!subject->target->up) {
        put(screen, "%c%-18.18s DOWN: %s", selected ? '>' : ' ', subject->target->address,
            subject->target->why);
        return;
    }
    put(screen, "%c%-18.18s %6s %7s %5s %6s %6s %6s %5s %5s %6s", selected ? '>' : ' ',
        subject->target->address, short_number(f->conns, n[0]), short_number(f->commands, n[1]),
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
    if (f->key_count == 0)
        put(screen, "%s", f->is_lombard ? "(none yet)" : "(memcached does not tell)");
}

static void
draw_talkers(struct screen *screen, const struct view *view, const struct figures *f, int rows)
{
    int drawn = 1;

    put(screen, "CONNECTION %-24s STATE                 IN    OUT   PEND STALL",
        "(ID, ADDRESS)");
    for (int i = 0; i < f->talker_count && drawn < rows; i++) {
        const struct talker *talker = &f->talkers[i];
        char n[4][16];

        if (!matches(talker->address, view->filter) && !matches(talker->state, view->filter))
            continue;
        put(screen, "%-8.8s %-26.26s %-17.17s %6s %6s %6s %5s", talker->id, talker->address,
            talker->state, short_number(talker->bytes_in, n[0]),
            short_number(talker->bytes_out, n[1]), short_number(talker->pending, n[2]),
            short_number(talker->stalled_s, n[3]));
        drawn++;
    }
    if (f->talkers_left_out && drawn < rows)
        put(screen, "%s", "(more connections than are listed here)");
}

static void
draw_events(struct screen *screen, const struct view *view, const struct figures *f, int rows)
{
    int from = f->event_count > rows - 1 ? f->event_count - rows + 1 : 0;

    if (f->event_count == 0)
        return;
    put(screen, "EVENTS");
    for (int i = from; i < f->event_count; i++)
        if (matches(f->events[i].text, view->filter))
            put(screen, "%s", f->events[i].text);
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
        draw_server(screen, view, &subjects[i], i == view->selected);
    if (subjects[view->selected].target->up)
        draw_selected(screen, view, &subjects[view->selected]);
    screen->rows++;
    screen->row = screen->rows - 1;
    put(screen, "%s",
        view->prompt[0] != '\0' ? view->prompt
                                : "q quit  p pause  s sort  f filter  k kill  arrows: server");
}
