/* The command line: options to a struct config, or a message that names what is wrong. */
#include "config.h"

#include <ctype.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config_priv.h"
#include "config_options.h"

enum { NAME_BYTES = 64, RANGE_BYTES = 128 };

static enum config_result usage(const char *format, ...) PRINTF_LIKE(1, 2);

/* Say on standard error what is wrong with the command line. */
static enum config_result
usage(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)fputs("lombard: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputs("\nTry 'lombard --help'.\n", stderr);
    va_end(args);
    return CONFIG_USAGE;
}

static enum config_result
bad_value(const struct option_info *option, const char *text)
{
    char name[NAME_BYTES], range[RANGE_BYTES];

    option_name(option, name, sizeof(name));
    option_range(option, range, sizeof(range));
    return usage("%s: '%s' is not %s", name, text, range);
}

/* --- Options that are more than a field --- */

/* memcached's -o: of its many settings, those that have a meaning here or need none. */
static enum config_result
take_extended(struct config *config, char *text)
{
    static const char idle[] = "idle_timeout";
    char *rest = text;
    char *word;

    while ((word = strsep(&rest, ",")) != NULL) {
        size_t len;

        word = option_skip_blanks(word);
        len = strcspn(word, "=");
        if (*word == '\0' || config_ignore_extended(config, word))
            continue;
        if (len != sizeof(idle) - 1 || memcmp(word, idle, len) != 0)
            return usage("-o: there is no setting '%s' here", word);
        if (word[len] == '=')
            len++;
        if (!option_set(config, option_of_name("idle-timeout"), word + len))
            return bad_value(option_of_name("idle-timeout"), word + len);
    }
    return CONFIG_RUN;
}

static void
note_threads(struct config *config)
{
    if (config->threads > 1)
        config_note(config, "-t",
                    "Lombard is one thread. To use several cores run several processes, each "
                    "with its own -p and -m, behind clients that hash consistently or a proxy");
    config->threads = 1;
}

static void
note_ignored(struct config *config, const struct option_info *option)
{
    char letter[] = {'-', (char)option->letter, '\0'};

    config_note(config, letter, option->help);
}

/* --- All of them --- */

/* One option, with what follows it; NULL where it takes no value. CONFIG_RUN: go on. */
static enum config_result
take_option(struct config *config, const struct option_info *option, char *text)
{
    switch (option->kind) {
    case OPTION_EXTENDED: return take_extended(config, text);
    case OPTION_HELP: config_print_help(); return CONFIG_DONE;
    case OPTION_VERSION: (void)puts("lombard " LOMBARD_VERSION); return CONFIG_DONE;
    case OPTION_PING: config->ask = ASK_PING; return CONFIG_RUN;
    case OPTION_STATS: config->ask = ASK_STATS; return CONFIG_RUN;
    case OPTION_REFUSED: return usage("-%c: %s", option->letter, option->help);
    case OPTION_IGNORED: note_ignored(config, option); return CONFIG_RUN;
    case OPTION_UDP:
        if (option_set(config, option, text))
            return CONFIG_RUN;
        return usage("-U %s: there is no UDP here: its replies can be forged and amplified. "
                     "Use TCP or a unix socket",
                     text);
    case OPTION_ALLOW:
    case OPTION_FORBID:
    case OPTION_TURN_OFF:
    case OPTION_ON_OFF:
    case OPTION_COUNT:
    case OPTION_NUMBER:
    case OPTION_SECONDS:
    case OPTION_SECONDS_IN_MS:
    case OPTION_MEGABYTES:
    case OPTION_BYTES:
    case OPTION_PORT:
    case OPTION_MODE:
    case OPTION_TEXT:
    case OPTION_FILE:
    case OPTION_HOSTS:
    case OPTION_PROTOCOL:
    case OPTION_THREADS: break;
    }
    if (!option_set(config, option, text))
        return bad_value(option, text);
    if (option->kind == OPTION_PROTOCOL)
        note_ignored(config, option);
    if (option->kind == OPTION_THREADS)
        note_threads(config);
    return CONFIG_RUN;
}

/* getopt_long() found none: why. */
static enum config_result
no_option(int found, const char *word)
{
    const struct option_info *option = option_of(optopt);
    char name[NAME_BYTES];

    if (found == ':')
        return usage("option '%s' needs a value", word);
    if (option != NULL) {
        option_name(option, name, sizeof(name));
        return usage("option %s takes no value", name);
    }
    if (optopt != 0)
        return usage("unknown option '-%c'", optopt);
    return usage("unknown or ambiguous option '%s'", word);
}

static enum config_result
unexpected(const char *word)
{
    return usage("unexpected argument '%s'", word);
}

/* What follows --ping and --stats: a group, and an address, which has a colon or a slash. */
static enum config_result
take_question(struct config *config, int argc, char **argv)
{
    if (optind < argc && config->ask == ASK_STATS && strpbrk(argv[optind], ":/") == NULL)
        config->ask_group = argv[optind++];
    if (optind < argc)
        config->ask_address = argv[optind++];
    if (optind < argc)
        return unexpected(argv[optind]);
    for (const char *p = config->ask_group; *p != '\0'; p++)
        if (iscntrl((unsigned char)*p))
            return usage("--stats: there is no such group");
    return CONFIG_ASK;
}

static enum config_result
check_together(const struct config *config, int argc, char **argv)
{
    if (optind < argc)
        return unexpected(argv[optind]);
    if (config->store.item_bytes_max > config->store.limit_bytes)
        return usage("-I: an item of %zu bytes does not fit into -m %zu megabytes",
                     config->store.item_bytes_max, config->store.limit_bytes >> 20);
    if (config->sasl && config->auth_file == NULL)
        return usage("-S: the users and passwords are those of -Y FILE, which is not given");
    if (config->port == 0 && config->unix_path == NULL)
        return usage("-p 0 means no TCP, and without -s there is nothing to listen on. For any "
                     "free port say -p -1");
    return CONFIG_RUN;
}

static void
set_all_initial(struct config *config)
{
    *config = (struct config){.ask_group = ""};
    for (size_t i = 0; option_at(i) != NULL; i++)
        option_set_initial(config, option_at(i));
}

enum config_result
config_parse(struct config *config, int argc, char **argv)
{
    bool named_tcp = false;
    int found;

    set_all_initial(config);
    /* From the start, even where the last call left a cluster of letters half read. */
    optind = 0;
    opterr = 0;
    while ((found = getopt_long(argc, argv, option_letters(), option_names(), NULL)) != -1) {
        const struct option_info *option = option_of(found);
        enum config_result result;

        if (option == NULL)
            return no_option(found, argv[optind - 1]);
        result =
            take_option(config, option, optarg == NULL ? NULL : option_skip_blanks(optarg));
        if (result != CONFIG_RUN)
            return result;
        named_tcp |= option->letter == 'p' || option->letter == 'l';
    }
    if (config->ask != ASK_NOTHING)
        return take_question(config, argc, argv);
    config->sasl |= config->auth_file != NULL;
    config->tcp = config->port != 0 && (named_tcp || config->unix_path == NULL);
    return check_together(config, argc, argv);
}
