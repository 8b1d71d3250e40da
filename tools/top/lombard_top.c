/* lombard-top: what happens in one or many servers, in a terminal, as text or as JSON. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "page_json.h"
#include "tty.h"

/* What the next key belongs to. */
enum asking { ASKING_NOTHING, ASKING_FILTER, ASKING_WHOM, ASKING_WHETHER };

/* Not 0: a signal has come that ends it. */
static volatile sig_atomic_t ended;

struct program {
    struct target targets[TARGETS_MAX];
    struct subject subjects[TARGETS_MAX];
    int count;
    struct view view;
    struct screen screen;
    enum asking asking;
    char whom[64]; /* is to be killed */
    bool once, json, done;
};

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
ask_all(struct program *p)
{
    targets_ask(p->targets, p->count);
    for (int i = 0; i < p->count; i++) {
        struct subject *subject = &p->subjects[i];

        if (p->targets[i].up)
            figures_make(&subject->figures, &p->targets[i], &subject->before, now_s());
        else
            subject->before.known = false;
        figures_sort(&subject->figures, p->view.order);
    }
}

static void
pause_for(double s)
{
    struct timespec span = {(time_t)s, (long)((s - (double)(time_t)s) * 1e9)};

    (void)nanosleep(&span, NULL);
}

/* Whether one of them has no rates after a single round, or was not asked for its connections. */
static bool
needs_another(const struct program *p)
{
    for (int i = 0; i < p->count; i++)
        if (p->targets[i].up &&
            (p->subjects[i].figures.commands < 0 || !p->targets[i].lists_conns))
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

static int
run_plain(struct program *p)
{
    bool any = false;

    do {
        ask_all(p);
        if (p->once && needs_another(p)) {
            pause_for(p->view.interval_s < 1 ? p->view.interval_s : 1);
            ask_all(p);
        }
        if (p->json)
            page_json(stdout, p->subjects, p->count);
        else
            print_page(p);
        if (!p->once)
            pause_for(p->view.interval_s);
    } while (!p->once && ended == 0 && ferror(stdout) == 0);
    for (int i = 0; i < p->count; i++)
        any = any || p->targets[i].up;
    return any ? EX_OK : EX_UNAVAILABLE;
}

/* --- Keys --- */

/* Take KEY into TEXT; true when that is complete, or given up and then empty. */
static bool
type(char *text, size_t bytes, int key)
{
    size_t len = strlen(text);

    if (key == KEY_ESCAPE)
        text[0] = '\0';
    if (key == KEY_ESCAPE || key == '\n' || key == '\r')
        return true;
    if ((key == 127 || key == '\b') && len > 0)
        text[len - 1] = '\0';
    else if (key > ' ' && key < 127 && len + 1 < bytes) {
        text[len] = (char)key;
        text[len + 1] = '\0';
    }
    return false;
}

/* A number is an id, anything else an address. */
static void
kill_whom(struct program *p)
{
    char command[128], answer[64];
    bool is_id = p->whom[strspn(p->whom, "0123456789")] == '\0';

    (void)snprintf(command, sizeof(command), "kill %s %s", is_id ? "id" : "addr", p->whom);
    (void)target_command(&p->targets[p->view.selected], command, answer, sizeof(answer));
    (void)snprintf(p->view.prompt, sizeof(p->view.prompt), "%.50s: %.60s", command, answer);
}

static void
answer_question(struct program *p, int key)
{
    struct view *view = &p->view;

    view->prompt[0] = '\0';
    switch (p->asking) {
    case ASKING_NOTHING: return;
    case ASKING_FILTER:
        if (type(view->filter, sizeof(view->filter), key))
            p->asking = ASKING_NOTHING;
        break;
    case ASKING_WHOM:
        if (type(p->whom, sizeof(p->whom), key))
            p->asking = p->whom[0] == '\0' ? ASKING_NOTHING : ASKING_WHETHER;
        break;
    case ASKING_WHETHER:
        p->asking = ASKING_NOTHING;
        if (key == 'y')
            kill_whom(p);
        return;
    }
}

static void
ask_question(struct program *p)
{
    struct view *view = &p->view;

    switch (p->asking) {
    case ASKING_NOTHING: break;
    case ASKING_FILTER:
        (void)snprintf(view->prompt, sizeof(view->prompt), "filter (keys, addresses): %s_",
                       view->filter);
        break;
    case ASKING_WHOM:
        (void)snprintf(view->prompt, sizeof(view->prompt), "kill which id or address: %s_",
                       p->whom);
        break;
    case ASKING_WHETHER:
        (void)snprintf(view->prompt, sizeof(view->prompt), "kill %s at %.40s? (y/n)", p->whom,
                       p->targets[view->selected].address);
        break;
    }
}

/* STEP is 1 or -1; from the last to the first. */
static void
select_next(struct program *p, int step)
{
    if (p->count > 0)
        p->view.selected = (p->view.selected + p->count + step) % p->count;
}

static void
command(struct program *p, int key)
{
    struct view *view = &p->view;

    view->prompt[0] = '\0';
    if (key == 'q' || key == KEY_END) {
        p->done = true;
    } else if (key == 'p' || key == ' ') {
        view->paused = !view->paused;
    } else if (key == 's') {
        view->order = (enum talker_order)(((int)view->order + 1) % TALKER_ORDERS);
        for (int i = 0; i < p->count; i++)
            figures_sort(&p->subjects[i].figures, view->order);
    } else if (key == 'f' || key == '/') {
        p->asking = ASKING_FILTER;
    } else if (key == 'k') {
        p->whom[0] = '\0';
        p->asking = ASKING_WHOM;
    } else if (key == KEY_UP) {
        select_next(p, -1);
    } else if (key == KEY_DOWN) {
        select_next(p, 1);
    }
}

static void
show(struct program *p)
{
    ask_question(p);
    tty_size(&p->view.rows, &p->view.columns);
    screen_draw(&p->screen, &p->view, p->subjects, p->count);
    tty_show(&p->screen);
}

static int
run_terminal(struct program *p)
{
    double next_s = 0;

    while (!p->done && ended == 0) {
        double left_s;
        int key;

        if (!p->view.paused && now_s() >= next_s) {
            ask_all(p);
            next_s = now_s() + p->view.interval_s;
        }
        show(p);
        left_s = p->view.paused ? 1 : next_s - now_s();
        key = tty_key(left_s > 0 ? (int)(left_s * 1000) + 1 : 0);
        if (key == KEY_NONE)
            continue;
        if (p->asking == ASKING_NOTHING || key == KEY_END)
            command(p, key);
        else
            answer_question(p, key);
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

/* -1: go on; else the exit status. */
static int
parse_options(struct program *p, int argc, char **argv)
{
    static const struct option options[] = {
        {"interval", required_argument, NULL, 'i'}, {"once", no_argument, NULL, 'o'},
        {"json", no_argument, NULL, 'j'},           {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "i:ojhV", options, NULL)) != -1) {
        switch (option) {
        case 'o': p->once = true; break;
        case 'j': p->json = true; break;
        case 'h': usage(stdout); return EX_OK;
        case 'V': (void)puts("lombard-top " LOMBARD_VERSION); return EX_OK;
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
        target_init(&p.targets[p.count++], argv[i]);
    if (p.count == 0)
        target_init(&p.targets[p.count++], "127.0.0.1:11211");
    for (int i = 0; i < p.count; i++)
        p.subjects[i].target = &p.targets[i];
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
