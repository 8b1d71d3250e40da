/* The command line: options to a struct config, or a message that names what is wrong. */
#include "config.h"

#include <ctype.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_priv.h"
#include "config_options.h"
#include "tcp_address.h"

enum { NAME_BYTES = 64 };

/* --- Options that are more than a field --- */

static enum config_result
take_threads(struct config *config, const struct option_info *option, char *text)
{
    enum config_result result = config_set(config, option, text);
    char shown[CONFIG_NOTE_BYTES];

    if (result == CONFIG_RUN && config->threads > 1) {
        (void)snprintf(shown, sizeof(shown), "-t %s", text);
        config_note(config, NOTE_WARNING, shown,
                    "Lombard is one thread. To use several cores run several processes, each "
                    "with its own -p and -m, behind clients that hash consistently or a proxy");
    }
    config->threads = 1;
    return result;
}

static enum config_result
take_udp(struct config *config, const struct option_info *option, char *text)
{
    if (option_set(config, option, text))
        return CONFIG_RUN;
    return config_usage("-U %s: there is no UDP here: its replies can be forged and amplified. "
                        "Use TCP or a unix socket",
                        text);
}

/* memcached can have each listener speak its own protocol, name it, and have TLS. */
static enum config_result
take_hosts(struct config *config, const struct option_info *option, char *text)
{
    static const char *const words[] = {"proto[", "tag[", "tag_", "notls:", "btls:", "mtls:"};
    enum config_result result = config_set(config, option, text);

    for (int i = 0; result == CONFIG_RUN && i < config->host_count; i++)
        for (size_t w = 0; w < ARRAY_LEN(words); w++)
            if (strncmp(config->hosts[i], words[w], strlen(words[w])) == 0)
                return config_usage("-l %s: a listener has no protocol, name or TLS of its own "
                                    "here. -B says the protocol of all",
                                    config->hosts[i]);
    return result;
}

static enum config_result
take_ignored(struct config *config, const struct option_info *option)
{
    char letter[] = {'-', (char)option->letter, '\0'};

    config_note(config, NOTE_IGNORED, letter, option->help);
    return CONFIG_RUN;
}

/* --- All of them --- */

/* One option, with what follows it; NULL where it takes no value. CONFIG_RUN: go on. */
static enum config_result
take_option(struct config *config, const struct option_info *option, char *text)
{
    switch (option->kind) {
    case OPTION_EXTENDED: return config_take_extended(config, text);
    case OPTION_HELP: config_print_help(); return CONFIG_DONE;
    case OPTION_LICENSE: config_print_license(); return CONFIG_DONE;
    case OPTION_VERSION: (void)puts("lombard " LOMBARD_VERSION); return CONFIG_DONE;
    case OPTION_PING: config->ask = ASK_PING; return CONFIG_RUN;
    case OPTION_STATS: config->ask = ASK_STATS; return CONFIG_RUN;
    case OPTION_REFUSED: return config_usage("-%c: %s", option->letter, option->help);
    case OPTION_IGNORED: return take_ignored(config, option);
    case OPTION_UDP: return take_udp(config, option, text);
    case OPTION_HOSTS: return take_hosts(config, option, text);
    case OPTION_THREADS: return take_threads(config, option, text);
    case OPTION_TEXT:
    case OPTION_FILE:
    case OPTION_ALLOW:
    case OPTION_FORBID:
    case OPTION_TURN_OFF:
    case OPTION_ON_OFF:
    case OPTION_AUTO_OFF:
    case OPTION_COUNT:
    case OPTION_NUMBER:
    case OPTION_MILLISECONDS:
    case OPTION_SECONDS:
    case OPTION_SECONDS_IN_MS:
    case OPTION_MEGABYTES:
    case OPTION_BYTES:
    case OPTION_PORT:
    case OPTION_MODE:
    case OPTION_PROTOCOL:
    case OPTION_FAVOR:
    case OPTION_DELIMITER: break;
    }
    return config_set(config, option, text);
}

/* The value of OPTION as it is meant: blanks around it are none, but a path may end in one. */
static char *
value_of(const struct option_info *option, char *text)
{
    if (text == NULL)
        return NULL;
    if (option->kind == OPTION_TEXT || option->kind == OPTION_FILE)
        return option_skip_blanks(text);
    return option_trim(text);
}

/* getopt_long() found none: why. */
static enum config_result
no_option(int found, const char *word)
{
    const struct option_info *option = option_of(optopt);
    char name[NAME_BYTES];

    if (found == ':')
        return config_usage("option '%s' needs a value", word);
    if (option != NULL) {
        option_name(option, name, sizeof(name));
        return config_usage("option %s takes no value", name);
    }
    if (optopt != 0)
        return config_usage("unknown option '-%c'", optopt);
    return config_usage("unknown or ambiguous option '%s'", word);
}

static enum config_result
unexpected(const char *word)
{
    return config_usage("unexpected argument '%s'", word);
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
    if (config->ask_address == NULL && config->unix_path == NULL && config->port <= 0)
        return config_usage("-p %d names no port to ask: say an address", config->port);
    for (const char *p = config->ask_group; *p != '\0'; p++)
        if (iscntrl((unsigned char)*p))
            return config_usage("--stats: there is no such group");
    return CONFIG_ASK;
}

/* Whether WORD is the name of a server, which images and charts put before its options. */
static bool
is_program_name(const char *word)
{
    const char *slash = strrchr(word, '/');

    word = slash == NULL ? word : slash + 1;
    return strcmp(word, "memcached") == 0 || strcmp(word, "lombard") == 0;
}

/* A path has a slash. */
static bool
is_path(const char *text)
{
    return text != NULL && strchr(text, '/') != NULL;
}

static enum config_result
check_address(const char *option, const char *text)
{
    struct tcp_address address;

    if (text == NULL || is_path(text) || tcp_address_parse(text, 0, &address))
        return CONFIG_RUN;
    return config_usage("%s: malformed address '%s': host, host:port or [v6]:port", option,
                        text);
}

/* Whether TCP is served at ADDRESS, "host:port", by what -l and -p say. */
static bool
is_served(const struct config *config, const char *address)
{
    struct tcp_address wanted, served;

    if (!config->tcp || address == NULL || is_path(address) ||
        !tcp_address_parse(address, 0, &wanted) || wanted.port == 0)
        return false;
    for (int i = 0; i < config->host_count; i++)
        if (tcp_address_parse(config->hosts[i], config->port, &served) &&
            served.port == wanted.port && strcmp(served.host, wanted.host) == 0)
            return true;
    return config->host_count == 0 && wanted.port == config->port;
}

/* Of all listeners: what they are told to open, and that no two are told the same. */
static enum config_result
check_listeners(const struct config *config)
{
    const struct {
        const char *option;
        const char *path;
    } paths[] = {
        {"-s", config->unix_path}, {"--admin", config->admin}, {"--http", config->http}};
    enum config_result result = CONFIG_RUN;

    for (int i = 0; i < config->host_count && result == CONFIG_RUN; i++)
        result = check_address("-l", config->hosts[i]);
    for (size_t i = 1; i < ARRAY_LEN(paths) && result == CONFIG_RUN; i++)
        result = check_address(paths[i].option, paths[i].path);
    if (result != CONFIG_RUN)
        return result;
    for (size_t i = 1; i < ARRAY_LEN(paths); i++)
        for (size_t j = 0; j < i; j++)
            if (is_path(paths[i].path) && paths[j].path != NULL &&
                strcmp(paths[i].path, paths[j].path) == 0)
                return config_usage("%s and %s name the same path %s", paths[j].option,
                                    paths[i].option, paths[i].path);
    for (size_t i = 1; i < ARRAY_LEN(paths); i++)
        if (is_served(config, paths[i].path))
            return config_usage("%s %s: clients are served there already, by -p %d",
                                paths[i].option, paths[i].path, config->port);
    return CONFIG_RUN;
}

static enum config_result
check_together(const struct config *config, const struct config_named *named, int argc,
               char **argv)
{
    if (optind < argc && is_program_name(argv[optind]))
        optind++;
    if (optind < argc)
        return unexpected(argv[optind]);
    if (config->store.item_bytes_max > config->store.limit_bytes)
        return config_usage("-I: an item of %zu bytes does not fit into -m %zu megabytes",
                            config->store.item_bytes_max, config->store.limit_bytes >> 20);
    if (named->item_size && config->store.item_bytes_max > config->store.limit_bytes / 2)
        return config_usage("-I: an item of %zu bytes is more than half of -m %zu megabytes",
                            config->store.item_bytes_max, config->store.limit_bytes >> 20);
    if (config->sasl && config->auth_file == NULL)
        return config_usage(
            "-S: the users and passwords are those of -Y FILE, which is not given");
    if (config->takeover != NULL && config->control != NULL &&
        strcmp(config->takeover, config->control) != 0)
        return config_usage(
            "--control: with --takeover it is the socket that is taken over, %s",
            config->takeover);
    /* A service manager's sockets are looked for later. */
    if (config->port == 0 && config->unix_path == NULL && getenv("LISTEN_FDS") == NULL)
        return config_usage(
            "-p 0 means no TCP, and without -s there is nothing to listen on. For any "
            "free port say -p -1");
    return check_listeners(config);
}

static void
set_all_initial(struct config *config)
{
    *config = (struct config){.ask_group = ""};
    for (size_t i = 0; option_at(i) != NULL; i++)
        option_set_initial(config, option_at(i));
}

/* What was asked for is known: whether it can be, together. */
static enum config_result
finish(struct config *config, const struct config_named *named, int argc, char **argv)
{
    enum config_result result;

    if (config->ask != ASK_NOTHING)
        return take_question(config, argc, argv);
    config->sasl |= config->auth_file != NULL;
    config->tcp = config->port != 0 && (named->tcp || config->unix_path == NULL);
    result = config_divide_total(config, named);
    if (result != CONFIG_RUN)
        return result;
    /* No item takes more than half of the memory; memcached refuses to start with so little. */
    if (!named->item_size && config->store.item_bytes_max > config->store.limit_bytes / 2)
        config->store.item_bytes_max = config->store.limit_bytes / 2;
    return check_together(config, named, argc, argv);
}

enum config_result
config_parse(struct config *config, int argc, char **argv)
{
    struct config_named named = {0};
    int found;

    set_all_initial(config);
    argv = config_with_environment(config, &argc, argv);
    if (argv == NULL)
        return CONFIG_USAGE;
    /* From the start, even where the last call left a cluster of letters half read. */
    optind = 0;
    opterr = 0;
    while ((found = getopt_long(argc, argv, option_letters(), option_names(), NULL)) != -1) {
        const struct option_info *option = option_of(found);
        enum config_result result;

        if (option == NULL)
            return no_option(found, argv[optind - 1]);
        result = take_option(config, option, value_of(option, optarg));
        if (result != CONFIG_RUN)
            return result;
        named.tcp |= option->letter == 'p' || option->letter == 'l';
        named.memory |= option->letter == 'm';
        named.buffers |= option == option_of_name("buffer-memory");
        named.item_size |= option->letter == 'I';
    }
    return finish(config, &named, argc, argv);
}
