/* lombard-top: what happens in one or many servers, in a terminal, as text or as JSON. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "dial.h"
#include "operator.h"
#include "page_json.h"
#include "tty.h"

/* Not 0: a signal has come that ends it. */
static volatile sig_atomic_t ended;

static void
usage(FILE *out)
{
    (void)fprintf(
        out,
        "lombard-top [options] [address...]: what happens in servers of memcached's protocol.\n"
        "An address is host:port, :port, host, [v6]:port or the path of a UNIX socket;\n"
        "127.0.0.1:11211 by default.\n\n"
        "  -i, --interval=S   seconds between two rounds (default 1)\n"
        "  -o, --once         one round, as text\n"
        "  -j, --json         rounds as lines of JSON; with --once, one\n"
        "  -a, --auth=FILE    log in where a server wants that; its first line is "
        "user:password\n"
        "  -h, --help         this text\n"
        "  -V, --version      the version\n\n"
        "Keys: q quit, p pause, s sort, f filter, k kill, arrows another server.\n");
}

/* --- Rounds --- */

static double
now_s(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void
begin_round(struct program *p)
{
    p->end_s = now_s() + TARGET_WAIT_MS / 1000.0;
    targets_begin(p->targets, p->count, talker_order_word(p->view.order));
}

static void
end_round(struct program *p)
{
    p->end_s = 0;
    targets_end(p->targets, p->count);
    for (int i = 0; i < p->count; i++) {
        const struct target *target = &p->targets[i];
        struct subject *subject = &p->subjects[i];

        subject->up = target->up;
        subject->wants_login = target->wants_login;
        (void)snprintf(subject->why, sizeof(subject->why), "%s", target->why);
        if (target->up)
            figures_make(&subject->figures, target, &subject->before, now_s());
        else
            subject->before.known = false;
        figures_sort(&subject->figures, p->view.order);
    }
}

static int
milliseconds(double s)
{
    return s > 0 ? (int)(s * 1000) + 1 : 0;
}

/* A whole one. */
static void
ask_all(struct program *p)
{
    int left_ms;

    begin_round(p);
    while (ended == 0 && (left_ms = milliseconds(p->end_s - now_s())) > 0 &&
           !targets_go_on(p->targets, p->count, left_ms, -1))
        continue;
    end_round(p);
}

static void
pause_for(double s)
{
    struct timespec span = {(time_t)s, (long)((s - (double)(time_t)s) * 1e9)};

    (void)nanosleep(&span, NULL);
}

/* Whether one of them has no rates after a single round. */
static bool
needs_another(const struct program *p)
{
    for (int i = 0; i < p->count; i++)
        if (p->subjects[i].up && p->subjects[i].figures.commands < 0)
            return true;
    return false;
}

static void
print_page(struct program *p)
{
    p->view.rows = SCREEN_ROWS_MAX;
    p->view.columns = 120;
    for (int i = 0; i < p->count; i++) {
        p->view.selected = i;
        screen_draw(&p->screen, &p->view, p->subjects, p->count);
        for (int row = i == 0 ? 0 : p->count + 2; row < p->screen.rows - 1; row++)
            if (p->screen.text[row][0] != '\0')
                (void)puts(p->screen.text[row]);
    }
}

/* Of what the servers said last. Who has to do something about it is told on standard error, too. */
static int
status_of(const struct program *p)
{
    int status = EX_UNAVAILABLE;

    for (int i = 0; i < p->count; i++)
        if (p->subjects[i].up)
            status = EX_OK;
    for (int i = 0; i < p->count; i++) {
        const struct subject *subject = &p->subjects[i];

        if (!subject->wants_login)
            continue;
        (void)fprintf(stderr, "lombard-top: %s: %s\n", subject->address, subject->why);
        status = EX_NOPERM;
    }
    return status;
}

static void
print_round(struct program *p)
{
    if (p->json)
        page_json(stdout, p->subjects, p->count);
    else
        print_page(p);
    (void)fflush(stdout);
}

/* What was printed must have arrived; STATUS says how it went else. */
static int
finish_output(int status)
{
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return status;
    (void)fprintf(stderr, "lombard-top: could not write to standard output: %s\n",
                  strerror(errno));
    return EX_IOERR;
}

static int
run_plain(struct program *p)
{
    do {
        ask_all(p);
        if (p->once && needs_another(p)) {
            pause_for(p->view.interval_s < 1 ? p->view.interval_s : 1);
            ask_all(p);
        }
        print_round(p);
        if (!p->once && ferror(stdout) == 0)
            pause_for(p->view.interval_s);
    } while (!p->once && ended == 0 && ferror(stdout) == 0);
    return finish_output(status_of(p));
}

static void
show(struct program *p)
{
    operator_prompt(p);
    tty_size(&p->view.rows, &p->view.columns);
    screen_draw(&p->screen, &p->view, p->subjects, p->count);
    tty_show(&p->screen);
}

/* Go on with the round, or begin another one. How many ms there is nothing to do but to await keys. */
static int
go_on(struct program *p)
{
    if (p->end_s == 0) {
        if (p->view.paused)
            return 1000;
        if (now_s() < p->next_s)
            return milliseconds(p->next_s - now_s());
        p->next_s = now_s() + p->view.interval_s;
        begin_round(p);
    }
    if (targets_go_on(p->targets, p->count, milliseconds(p->end_s - now_s()), tty_keys()) ||
        now_s() >= p->end_s)
        end_round(p);
    return 0;
}

static int
run_terminal(struct program *p)
{
    bool changed = true;

    while (!p->done && ended == 0) {
        int wait_ms;
        int key;

        if (changed)
            show(p);
        wait_ms = go_on(p);
        key = tty_key(wait_ms);
        changed = p->end_s == 0 || key != KEY_NONE;
        if (key != KEY_NONE)
            operator_key(p, key);
    }
    tty_end();
    return EX_OK;
}

/* --- The program --- */

static void
on_signal(int number)
{
    ended = number;
}

static bool
parse_interval(const char *text, double *interval_s)
{
    char *end;

    *interval_s = strtod(text, &end);
    return end != text && *end == '\0' && *interval_s >= 0.1 && *interval_s <= 3600;
}

static bool
take_auth(struct program *p, const char *path)
{
    const char *why;

    if (credentials_load(&p->credentials, path, &why))
        return true;
    (void)fprintf(stderr, "lombard-top: --auth=%s: %s\n", path, why);
    return false;
}

/* -1: go on; else the exit status. */
static int
parse_options(struct program *p, int argc, char **argv)
{
    static const struct option options[] = {
        {"interval", required_argument, NULL, 'i'},
        {"once", no_argument, NULL, 'o'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {"auth", required_argument, NULL, 'a'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "i:oja:hV", options, NULL)) != -1) {
        switch (option) {
        case 'o': p->once = true; break;
        case 'j': p->json = true; break;
        case 'h': usage(stdout); return finish_output(EX_OK);
        case 'V': (void)puts("lombard-top " LOMBARD_VERSION); return finish_output(EX_OK);
        case 'a':
            if (take_auth(p, optarg))
                break;
            return EX_USAGE;
        case 'i':
            if (parse_interval(optarg, &p->view.interval_s))
                break;
            (void)fprintf(stderr, "lombard-top: an interval has 0.1 to 3600 seconds\n");
            return EX_USAGE;
        default: usage(stderr); return EX_USAGE;
        }
    }
    if (argc - optind > TARGETS_MAX) {
        (void)fprintf(stderr, "lombard-top: at most %d servers\n", TARGETS_MAX);
        return EX_USAGE;
    }
    for (int i = optind; i < argc; i++)
        if (!dial_is_address(argv[i])) {
            (void)fprintf(stderr, "lombard-top: '%s': a port is a number from 1 to 65535\n",
                          argv[i]);
            return EX_USAGE;
        }
    return -1;
}

int
main(int argc, char **argv)
{
    static struct program p = {.view = {.interval_s = 1}};
    int status = parse_options(&p, argc, argv);

    if (status >= 0)
        return status;
    for (int i = optind; i < argc; i++)
        target_init(&p.targets[p.count++], argv[i], &p.credentials);
    if (p.count == 0)
        target_init(&p.targets[p.count++], "127.0.0.1:11211", &p.credentials);
    for (int i = 0; i < p.count; i++)
        p.subjects[i].address = p.targets[i].address;
    (void)signal(SIGINT, on_signal);
    (void)signal(SIGTERM, on_signal);
    if (!p.once && !p.json && tty_begin()) {
        status = run_terminal(&p);
    } else if (p.once || p.json) {
        status = run_plain(&p);
    } else {
        (void)fprintf(stderr, "lombard-top: this is no terminal; say --once or --json\n");
        status = EX_USAGE;
    }
    for (int i = 0; i < p.count; i++)
        target_fini(&p.targets[i]);
    return status;
}
