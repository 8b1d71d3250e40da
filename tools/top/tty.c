/* Takes the terminal over, shows pages on it, and gives it back. */
#include "tty.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static struct termios before;
static bool begun;

/* Sequences of ECMA-48 that every terminal has. */
#define OTHER_SCREEN "\x1b[?1049h\x1b[?25l"
#define FIRST_SCREEN "\x1b[?25h\x1b[?1049l"
#define TO_TOP       "\x1b[H"
#define CLEAR_ROW    "\x1b[K"
#define CLEAR_REST   "\x1b[J"
#define REVERSE      "\x1b[7m"
#define PLAIN        "\x1b[m"

static void
say(const char *text)
{
    (void)fputs(text, stdout);
    (void)fflush(stdout);
}

void
tty_end(void)
{
    if (!begun)
        return;
    begun = false;
    say(FIRST_SCREEN);
    (void)tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

bool
tty_begin(void)
{
    struct termios raw;

    if (!isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &before) != 0)
        return false;
    raw = before;
    raw.c_lflag &= (tcflag_t) ~(ICANON | ECHO);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) != 0)
        return false;
    begun = true;
    (void)atexit(tty_end);
    say(OTHER_SCREEN);
    return true;
}

void
tty_size(int *rows, int *columns)
{
    struct winsize size = {0};

    (void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    *rows = size.ws_row > 2 ? size.ws_row : 24;
    *columns = size.ws_col > 9 ? size.ws_col : 80;
}

/* The title, the heads of lists and the prompt stand out. */
static bool
stands_out(const struct screen *screen, int row)
{
    const char *text = screen->text[row];

    return row < 2 || row == screen->rows - 1 || strncmp(text, "HOT KEY", 7) == 0 ||
           strncmp(text, "ID     CONN", 11) == 0 || strcmp(text, "EVENTS") == 0;
}

void
tty_show(const struct screen *screen)
{
    (void)fputs(TO_TOP, stdout);
    for (int row = 0; row < screen->rows; row++) {
        bool out = stands_out(screen, row);

        /* What is cleared takes the row's own colours. */
        (void)fprintf(stdout, "%s%s" CLEAR_ROW "%s%s", out ? REVERSE : "", screen->text[row],
                      out ? PLAIN : "", row + 1 < screen->rows ? "\r\n" : CLEAR_REST);
    }
    (void)fflush(stdout);
}

int
tty_keys(void)
{
    return STDIN_FILENO;
}

/* One byte that is there within WAIT_MS; or KEY_NONE, KEY_END. */
static int
next_byte(int wait_ms)
{
    struct pollfd input = {STDIN_FILENO, POLLIN, 0};
    unsigned char byte;
    int ready = poll(&input, 1, wait_ms);

    if (ready == 0 || (ready < 0 && errno == EINTR))
        return KEY_NONE;
    return read(STDIN_FILENO, &byte, 1) == 1 ? byte : KEY_END;
}

int
tty_key(int wait_ms)
{
    enum { SEQUENCE_MS = 20 };
    int key = next_byte(wait_ms);
    int last;

    if (key != KEY_ESCAPE || next_byte(SEQUENCE_MS) != '[')
        return key;
    last = next_byte(SEQUENCE_MS);
    return last == 'A' || last == 'D'   ? KEY_UP
           : last == 'B' || last == 'C' ? KEY_DOWN
                                        : KEY_NONE;
}
