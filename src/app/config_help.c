/* --help, made of the table of options. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config_priv.h"
#include "config_options.h"

enum { TEXT_COLUMN = 27, WIDTH = 84, HELP_BYTES = 512 };

static const struct {
    enum option_group group;
    const char *title;
} groups[] = {
    {GROUP_LISTENING, "Where to listen"},
    {GROUP_MEMORY, "Memory"},
    {GROUP_CONNECTIONS, "Connections"},
    {GROUP_PROCESS, "Process"},
    {GROUP_ASKING, "Ask a running server, at host:port or a path (127.0.0.1 and -p, or -s)"},
};

static void
print(const char *text)
{
    (void)fputs(text, stdout);
}

/* Append the LEN bytes at TEXT to the string DST of at most HELP_BYTES. */
static void
append(char *dst, const char *text, size_t len)
{
    size_t used = strlen(dst);

    (void)snprintf(dst + used, HELP_BYTES - used, "%.*s", (int)len, text);
}

/* The option's help at DST, with numbers for {initial} and {max}. */
static void
expand(const struct option_info *option, char *dst)
{
    const char *rest = option->help;
    const char *brace;
    char max[32];

    (void)snprintf(max, sizeof(max), "%" PRIu64, option->max);
    *dst = '\0';
    while ((brace = strchr(rest, '{')) != NULL) {
        const char *word = brace[1] == 'm' ? max : option->initial;

        append(dst, rest, (size_t)(brace - rest));
        append(dst, word, strlen(word));
        rest = strchr(brace, '}') + 1;
    }
    append(dst, rest, strlen(rest));
}

/* Print TEXT word by word, from COLUMN on; further lines begin at TEXT_COLUMN. */
static void
wrap(const char *text, size_t column)
{
    while (*text != '\0') {
        size_t len = strcspn(text, " ");

        if (column > TEXT_COLUMN && column + 1 + len > WIDTH) {
            (void)printf("\n%*s", TEXT_COLUMN, "");
            column = TEXT_COLUMN;
        } else if (column > TEXT_COLUMN) {
            print(" ");
            column++;
        }
        (void)printf("%.*s", (int)len, text);
        column += len;
        text += len + (text[len] == ' ');
    }
    print("\n");
}

static void
print_option(const struct option_info *option)
{
    char head[64], help[HELP_BYTES], letter[] = "    ";
    int used;

    if (option->letter != 0)
        (void)snprintf(letter, sizeof(letter), "-%c, ", option->letter);
    used =
        snprintf(head, sizeof(head), "  %s--%s%s%s", letter, option->name,
                 option->value != NULL ? "=" : "", option->value != NULL ? option->value : "");
    expand(option, help);
    if (used + 2 > TEXT_COLUMN)
        (void)printf("%s\n%*s", head, TEXT_COLUMN, "");
    else
        (void)printf("%-*s", TEXT_COLUMN, head);
    wrap(help, TEXT_COLUMN);
}

static void
print_ignored(void)
{
    print("\nAccepted and ignored, with a line in the log why:");
    for (size_t i = 0; option_at(i) != NULL; i++) {
        const struct option_info *option = option_at(i);

        if (option->kind == OPTION_IGNORED)
            (void)printf(" -%c", option->letter);
    }
    print(",\nand those settings of -o that tune memcached's own memory, index and threads.\n");
}

void
config_print_help(void)
{
    print("lombard " LOMBARD_VERSION " - a memcached-compatible cache server\n"
          "\n"
          "Usage: lombard [options]\n"
          "       lombard --ping [ADDR]\n"
          "       lombard --stats [GROUP] [ADDR]\n");
    for (size_t g = 0; g < ARRAY_LEN(groups); g++) {
        (void)printf("\n%s\n", groups[g].title);
        for (size_t i = 0; option_at(i) != NULL; i++)
            if (option_at(i)->group == groups[g].group)
                print_option(option_at(i));
    }
    print_ignored();
    print(
        "\n"
        "To use several cores, run several: one process a core, each on its own port, behind\n"
        "your clients' consistent hashing or a proxy.\n");
}

void
config_print_license(void)
{
    print(
        "lombard " LOMBARD_VERSION "\n"
        "\n"
        "MIT. Copyright (c) 2026 the Lombard authors\n"
        "\n"
        "Permission is hereby granted, free of charge, to any person obtaining a copy of this\n"
        "software and associated documentation files (the \"Software\"), to deal in the\n"
        "Software without restriction, including without limitation the rights to use, copy,\n"
        "modify, merge, publish, distribute, sublicense, and/or sell copies of the Software,\n"
        "and to permit persons to whom the Software is furnished to do so, subject to the\n"
        "following conditions:\n"
        "\n"
        "The above copyright notice and this permission notice shall be included in all "
        "copies\n"
        "or substantial portions of the Software.\n"
        "\n"
        "THE SOFTWARE IS PROVIDED \"AS IS\", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR "
        "IMPLIED,\n"
        "INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A\n"
        "PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT\n"
        "HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF\n"
        "CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE\n"
        "OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.\n");
}
