#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "leak.h"
#include "config_options.h"

/* --- Parsing a line of options, with what it says --- */

enum { ARGS_MAX = 32, LINE_BYTES = 512 };

static struct config config;
static char line[LINE_BYTES]; /* cut into arguments; config points into it */
static char said[8192];       /* on standard error and output */

/* OPTIONS are separated by single blanks; two of them enclose an empty argument. */
static enum config_result
parse(const char *options)
{
    char name[] = "lombard";
    char *argv[ARGS_MAX + 1] = {name};
    FILE *real_stderr = stderr;
    FILE *real_stdout = stdout;
    FILE *memory = fmemopen(said, sizeof(said), "w+"); /* "w" alone keeps what was there */
    char *rest = line;
    int argc = 1;
    enum config_result result;

    ck_assert_uint_lt(strlen(options), sizeof(line));
    (void)snprintf(line, sizeof(line), "%s", options);
    while (*options != '\0' && argc < ARGS_MAX && rest != NULL)
        argv[argc++] = strsep(&rest, " ");
    ck_assert_ptr_nonnull(memory);
    stderr = memory;
    stdout = memory;
    result = config_parse(&config, argc, argv);
    stderr = real_stderr;
    stdout = real_stdout;
    (void)fclose(memory);
    return result;
}

static void
expect_setting(const char *name, const char *want)
{
    const struct stat_instance instance = {.record = &config};
    struct stat_value value;

    for (size_t i = 0; i < config_settings.entry_count; i++)
        if (strcmp(config_settings.entries[i].name, name) == 0) {
            stats_read(&config_settings.entries[i], &instance, &value);
            ck_assert_str_eq(value.text, want);
            return;
        }
    ck_abort_msg("no setting %s", name);
}

/* --- What each option does, as `stats settings` shows it --- */

static const struct {
    const char *options;
    const char *name;
    const char *want;
} settings[] = {
    {"", "maxbytes", "67108864"},
    {"", "maxconns", "1024"},
    {"", "tcpport", "11211"},
    {"", "udpport", "0"},
    {"", "inter", "NULL"},
    {"", "verbosity", "0"},
    {"", "evictions", "on"},
    {"", "domain_socket", "NULL"},
    {"", "cas_enabled", "yes"},
    {"", "num_threads", "1"},
    {"", "reqs_per_event", "0"},
    {"", "tcp_backlog", "1024"},
    {"", "item_size_max", "1048576"},
    {"", "flush_enabled", "yes"},
    {"", "dump_enabled", "yes"},
    {"", "watch_enabled", "yes"},
    {"", "shutdown_command", "no"},
    {"", "idle_timeout", "0"},
    {"", "send_timeout", "300"},
    {"", "peer_timeout", "120"},
    {"", "operator_timeout", "60"},
    {"", "drain_time_ms", "5000"},
    {"", "buffer_memory", "268435456"},
    {"", "auth_enabled_ascii", "no"},
    {"", "auth_enabled_sasl", "no"},
    {"", "auth_timeout", "30"},
    {"", "log_file", "no"},
    {"", "sandbox", "on"},
    {"", "loan", "on"},
    {"", "favor", "objects"},
    {"", "total_memory", "0"},
    {"--total-memory 1024", "total_memory", "1073741824"},
    {"--total-memory 1g", "maxbytes", "923795456"}, /* 1024 - 16 - 1/4 - 3 * 42 */
    {"--total-memory 1g", "buffer_memory", "44040192"},
    {"--total-memory 64g", "buffer_memory", "268435456"}, /* no more than without */
    {"--total-memory 1g --buffer-memory 10", "maxbytes", "1024458752"},
    {"--total-memory 1g --buffer-memory 10", "buffer_memory", "10485760"},
    {"-m 900 --total-memory 1g", "maxbytes", "943718400"},
    {"-m 900 --total-memory 1g", "buffer_memory", "36700160"},
    {"--total-memory 22", "maxbytes", "2097152"},
    {"-p 0 -s /tmp/a", "tcpport", "0"},
    {"-p -1", "tcpport", "-1"},
    {"-p 65535", "tcpport", "65535"},
    {"--port=11212", "tcpport", "11212"},
    {"-l 127.0.0.1,[::1]:2", "inter", "127.0.0.1,[::1]:2"},
    {"-l a;b -l c", "inter", "a,b,c"},
    {"--listen host:1", "inter", "host:1"},
    {"-s /tmp/a", "domain_socket", "/tmp/a"},
    {"--unix-socket /tmp/b", "domain_socket", "/tmp/b"},
    {"-b 1", "tcp_backlog", "1"},
    {"--listen-backlog 1048576", "tcp_backlog", "1048576"},
    {"-m 1", "maxbytes", "1048576"},
    {"-m 1", "item_size_max", "524288"},
    {"-m 2", "item_size_max", "1048576"},
    {"-m 200m", "maxbytes", "209715200"},
    {"-m 3G", "maxbytes", "3221225472"},
    {"-m 256g", "maxbytes", "274877906944"},
    {"--buffer-memory 1g", "buffer_memory", "1073741824"},
    {"--memory-limit=262144", "maxbytes", "274877906944"},
    {"-I 1024", "item_size_max", "1024"},
    {"-I 2k", "item_size_max", "2048"},
    {"-I 3M", "item_size_max", "3145728"},
    {"-m 2048 -I 1g", "item_size_max", "1073741824"},
    {"--max-item-size 1m", "item_size_max", "1048576"},
    {"-M", "evictions", "off"},
    {"--disable-evictions", "evictions", "off"},
    {"-C", "cas_enabled", "no"},
    {"--disable-cas", "cas_enabled", "no"},
    {"--buffer-memory 1", "buffer_memory", "1048576"},
    {"--loan off", "loan", "off"},
    {"--favor bytes", "favor", "bytes"},
    {"--favor=balanced", "favor", "balanced"},
    {"--favor objects", "favor", "objects"},
    {"--loan=on", "loan", "on"},
    {"-c 1", "maxconns", "1"},
    {"--conn-limit 1073741824", "maxconns", "1073741824"},
    {"-R 20", "reqs_per_event", "20"},
    {"--max-reqs-per-event 4294967295", "reqs_per_event", "4294967295"},
    {"--idle-timeout 10", "idle_timeout", "10"},
    {"-o idle_timeout=11", "idle_timeout", "11"},
    {"-o modern,idle_timeout=12", "idle_timeout", "12"},
    {"--extended idle_timeout=13", "idle_timeout", "13"},
    {"--send-timeout 0", "send_timeout", "0"},
    {"--peer-timeout 86400", "peer_timeout", "86400"},
    {"--operator-timeout 0", "operator_timeout", "0"},
    {"--drain-time 3600", "drain_time_ms", "3600000"},
    {"-v", "verbosity", "1"},
    {"-vv", "verbosity", "2"},
    {"--verbose --verbose --verbose", "verbosity", "3"},
    {"-Y users", "auth_enabled_ascii", "users"},
    {"-Y users", "auth_enabled_sasl", "yes"},
    {"-S --auth-file=users", "auth_enabled_sasl", "yes"},
    {"--auth-timeout 5", "auth_timeout", "5"},
    {"--log-file=/tmp/log", "log_file", "/tmp/log"},
    {"--control=/run/control", "control", "/run/control"},
    {"--takeover=/run/control", "takeover", "/run/control"},
    {"--takeover=/run/control --control=/run/control", "control", "/run/control"},
    {"--sandbox=off", "sandbox", "off"},
    {"-A", "shutdown_command", "yes"},
    {"--enable-shutdown", "shutdown_command", "yes"},
    {"-F", "flush_enabled", "no"},
    {"--disable-flush-all", "flush_enabled", "no"},
    {"-X", "dump_enabled", "no"},
    {"--disable-dumping", "dump_enabled", "no"},
    {"-W", "watch_enabled", "no"},
    {"--disable-watch", "watch_enabled", "no"},
    {"-t 1 -U 0", "num_threads", "1"},
    {"--threads=1 --udp-port=0", "udpport", "0"},
    {"", "lock_memory", "no"},
    {"-k", "lock_memory", "yes"},
    {"--lock-memory", "lock_memory", "yes"},
    {"", "core_dumps", "no"},
    {"-r", "core_dumps", "yes"},
    {"--enable-coredumps", "core_dumps", "yes"},
    {"", "large_pages", "no"},
    {"-L", "large_pages", "yes"},
    {"--enable-largepages", "large_pages", "yes"},
    {"", "binding_protocol", "auto-negotiate"},
    {"-B ascii", "binding_protocol", "ascii"},
    {"--protocol=binary", "binding_protocol", "binary"},
    {"-B binary -B auto", "binding_protocol", "auto-negotiate"},
    {"", "stat_key_prefix", ":"},
    {"-D /", "stat_key_prefix", "/"},
    {"-D ab", "stat_key_prefix", "a"},
    {"", "detail_prefixes", "1024"},
    {"--detail-prefixes 65536", "detail_prefixes", "65536"},
    {"--verbose=3", "verbosity", "1"},
    {"-l a, -l ,b", "inter", "a,b"},
    {"-l a,a -l a", "inter", "a"},
    {"memcached -m 5", "maxbytes", "5242880"},
    {"/usr/bin/memcached -m 6", "maxbytes", "6291456"},
    {"-MC", "cas_enabled", "no"},
    {"-m 100 -m 200", "maxbytes", "209715200"},
};

START_TEST(options_are_in_force)
{
    ck_assert_int_eq(parse(settings[_i].options), CONFIG_RUN);
    expect_setting(settings[_i].name, settings[_i].want);
    ck_assert_str_eq(said, "");
}
END_TEST

/* --- What no setting shows --- */

START_TEST(no_port_where_sockets_may_be_given)
{
    ck_assert_int_eq(setenv("LISTEN_FDS", "1", 1), 0);
    ck_assert_int_eq(parse("-p 0"), CONFIG_RUN);
    ck_assert(!config.tcp);
    ck_assert_int_eq(unsetenv("LISTEN_FDS"), 0);
}
END_TEST

START_TEST(places_to_listen)
{
    ck_assert_int_eq(parse(""), CONFIG_RUN);
    ck_assert(config.tcp);
    ck_assert_int_eq(config.host_count, 0);
    ck_assert_int_eq(parse("-s /tmp/x"), CONFIG_RUN);
    ck_assert(!config.tcp);
    ck_assert_uint_eq(config.unix_mode, 0700);
    ck_assert_int_eq(parse("-s /tmp/x -a 0660 -p 1"), CONFIG_RUN);
    ck_assert(config.tcp);
    ck_assert_uint_eq(config.unix_mode, 0660);
    ck_assert_int_eq(parse("-s /tmp/x --unix-mask 777 -l a,b:1 -l c"), CONFIG_RUN);
    ck_assert(config.tcp);
    ck_assert_uint_eq(config.unix_mode, 0777);
    ck_assert_int_eq(config.host_count, 3);
    ck_assert_str_eq(config.hosts[1], "b:1");
    ck_assert_str_eq(config.hosts[2], "c");
    ck_assert_int_eq(parse("-p 0 -s /tmp/x"), CONFIG_RUN); /* no TCP, even with -l */
    ck_assert(!config.tcp);
    ck_assert_int_eq(parse("-l a -s /tmp/x -p 0"), CONFIG_RUN);
    ck_assert(!config.tcp);
    ck_assert_int_eq(parse("-s /tmp/x -p -1"), CONFIG_RUN);
    ck_assert(config.tcp);
    /* Two free ports are never the same. */
    ck_assert_int_eq(parse("-l 127.0.0.1 -p -1 --http 127.0.0.1:0"), CONFIG_RUN);
}
END_TEST

START_TEST(the_process)
{
    ck_assert_int_eq(parse(""), CONFIG_RUN);
    ck_assert(!config.daemon);
    ck_assert_ptr_null(config.pid_file);
    ck_assert_ptr_null(config.user);
    ck_assert_int_eq(parse("-d -P /run/x -u me"), CONFIG_RUN);
    ck_assert(config.daemon);
    ck_assert_str_eq(config.pid_file, "/run/x");
    ck_assert_str_eq(config.user, "me");
    ck_assert_int_eq(parse("--daemon --pidfile y --user you"), CONFIG_RUN);
    ck_assert(config.daemon);
    ck_assert_str_eq(config.pid_file, "y");
    ck_assert_str_eq(config.user, "you");
}
END_TEST

/* A parse that ended within a cluster of letters leaves nothing to the next. */
START_TEST(a_parse_leaves_nothing_behind)
{
    ck_assert_int_eq(parse("-hF"), CONFIG_DONE);
    ck_assert_int_eq(parse("-C"), CONFIG_RUN);
    ck_assert(!config.store.with_cas);
    ck_assert(config.cmd.flush_enabled);
}
END_TEST

/* --- Arguments as charts pass them: option and value in one, with a blank --- */

START_TEST(blanks_around_a_value)
{
    char name[] = "lombard", memory[] = "-m 128 ", size[] = "-I  5m", hosts[] = "-l a, b ,";
    char settings_of_o[] = "-o modern , idle_timeout=7 ", file[] = "--pidfile= /run/x";
    char *argv[] = {name, memory, size, hosts, settings_of_o, file, NULL};

    ck_assert_int_eq(config_parse(&config, ARRAY_LEN(argv) - 1, argv), CONFIG_RUN);
    ck_assert_uint_eq(config.store.limit_bytes, 128U << 20);
    ck_assert_uint_eq(config.store.item_bytes_max, 5U << 20);
    ck_assert_str_eq(config.hosts[1], "b");
    ck_assert_uint_eq(config.server.idle_timeout_s, 7);
    ck_assert_str_eq(config.pid_file, "/run/x");
    ck_assert_int_eq(config.host_count, 2);
}
END_TEST

/* --- What the log says at the start --- */

static const struct {
    const char *options;
    enum note_kind kind;
    const char *option; /* NULL: nothing is said */
    const char *why;
} noted[] = {
    {"-f 1.25", NOTE_IGNORED, "-f", "slab"},
    {"--slab-min-size=48", NOTE_IGNORED, "-n", "slab"},
    {"-N 2", NOTE_IGNORED, "-N", "one thread"},
    {"-t 1", NOTE_IGNORED, NULL, NULL},
    {"-t 4", NOTE_WARNING, "-t 4", "run several processes"},
    {"-k -r -L -B auto", NOTE_IGNORED, NULL, NULL},
    {"-o ", NOTE_IGNORED, NULL, NULL},
    {"-o modern,no_modern,maxconns_fast,", NOTE_IGNORED, NULL, NULL},
    {"-o no_modern,lru_crawler", NOTE_IGNORED, "-o lru_crawler", "background"},
    {"-o slab_automove=1", NOTE_IGNORED, "-o slab_automove", "slab"},
    {"--extended=modern,track_sizes", NOTE_IGNORED, "-o track_sizes", "not counted"},
    {"-o hashpower=20", NOTE_IGNORED, "-o hashpower", "index"},
    {"-o hash_algorithm=murmur3", NOTE_IGNORED, "-o hash_algorithm", "index"},
    {"-o resp_obj_mem_limit=10", NOTE_IGNORED, "-o resp_obj_mem_limit", "--buffer-memory"},
    {"-o ext_item_age=10", NOTE_IGNORED, "-o ext_item_age", "no external storage"},
    {"-f 2 -f 3 -f 4", NOTE_IGNORED, "-f", "slab"}, /* once */
};

START_TEST(options_say_why)
{
    ck_assert_int_eq(parse(noted[_i].options), CONFIG_RUN);
    ck_assert_str_eq(said, "");
    ck_assert_int_eq(config.note_count, noted[_i].option != NULL);
    if (noted[_i].option == NULL)
        return;
    ck_assert_int_eq(config.notes[0].kind, noted[_i].kind);
    ck_assert_str_eq(config.notes[0].option, noted[_i].option);
    ck_assert_msg(strstr(config.notes[0].why, noted[_i].why) != NULL, "it says: %s",
                  config.notes[0].why);
}
END_TEST

/* Whatever there is, there is room for a note about it. */
START_TEST(there_is_room_for_all_notes)
{
    size_t extended = 0;

#define EXTENDED(name, value, fate, why) extended++;
#include "extended.def"
    for (size_t i = 0; option_at(i) != NULL; i++)
        extended += option_at(i)->kind == OPTION_IGNORED;
    ck_assert_uint_le(extended + 8, CONFIG_NOTES_MAX); /* -t, and those of the environment */
}
END_TEST

/* Names are told from each other, and fit where they are noted. */
START_TEST(extended_settings_are_different)
{
    static const char *const names[] = {
#define EXTENDED(name, value, fate, why) name,
#include "extended.def"
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        ck_assert_uint_lt(strlen("-o ") + strlen(names[i]), CONFIG_NOTE_BYTES);
        for (size_t j = 0; j < i; j++)
            ck_assert_str_ne(names[i], names[j]);
    }
}
END_TEST

/* --- Options in the environment --- */

static const struct {
    const char *name;
    const char *value;
    const char *options; /* of the command line, which count */
    const char *setting;
    const char *want;
} environment[] = {
    {"MEMCACHED_CACHE_SIZE", "128", "", "maxbytes", "134217728"},
    {"MEMCACHED_CACHE_SIZE", "128", "-m 5", "maxbytes", "5242880"},
    {"MEMCACHED_CACHE_SIZE", "", "", "maxbytes", "67108864"},
    {"MEMCACHED_MAX_CONNECTIONS", "7", "", "maxconns", "7"},
    {"MEMCACHED_MAX_ITEM_SIZE", "2m", "", "item_size_max", "2097152"},
    {"MEMCACHED_THREADS", "4", "", "num_threads", "1"},
    {"MEMCACHED_PORT_NUMBER", "11213", "", "tcpport", "11213"},
    {"MEMCACHED_LISTEN_ADDRESS", "127.0.0.1", "-l 127.0.0.2", "inter", "127.0.0.1,127.0.0.2"},
    {"MEMCACHED_EXTRA_FLAGS", " -M  --disable-cas ", "", "evictions", "off"},
    {"MEMCACHED_EXTRA_FLAGS", "-m 8 -X", "-m 9", "maxbytes", "9437184"},
    {"MEMCACHED_PORT", "tcp://10.0.0.1:11211", "", "tcpport", "11211"},
};

START_TEST(environment_is_read_first)
{
    ck_assert_int_eq(setenv(environment[_i].name, environment[_i].value, 1), 0);
    ck_assert_int_eq(parse(environment[_i].options), CONFIG_RUN);
    expect_setting(environment[_i].setting, environment[_i].want);
    ck_assert_int_eq(unsetenv(environment[_i].name), 0);
}
END_TEST

static const struct {
    const char *name;
    const char *value;
    const char *says;
} bad_environment[] = {
    {"MEMCACHED_PASSWORD", "secret", "write 'user:password' into one, and name it with -Y"},
    {"MEMCACHED_PASSWORD_FILE", "/x", "passwords are read from a file"},
    {"MEMCACHED_CACHE_SIZE", "x", "-m (--memory-limit): 'x' is not"},
    {"MEMCACHED_EXTRA_FLAGS", "-Z", "-Z: there is no TLS here"},
};

START_TEST(bad_environment_is_named)
{
    ck_assert_int_eq(setenv(bad_environment[_i].name, bad_environment[_i].value, 1), 0);
    ck_assert_int_eq(parse(""), CONFIG_USAGE);
    ck_assert_msg(strstr(said, bad_environment[_i].says) != NULL, "it says: %s", said);
    ck_assert_int_eq(unsetenv(bad_environment[_i].name), 0);
}
END_TEST

START_TEST(too_long_an_environment_is_refused)
{
    static char many[5000];

    memset(many, 'v', sizeof(many) - 1);
    many[0] = '-';
    ck_assert_int_eq(setenv("MEMCACHED_EXTRA_FLAGS", many, 1), 0);
    ck_assert_int_eq(parse(""), CONFIG_USAGE);
    ck_assert_ptr_nonnull(strstr(said, "too many options"));
    for (size_t i = 0; i + 3 < 1200; i += 3)
        memcpy(many + i, "-v ", 3);
    many[1197] = '\0';
    ck_assert_int_eq(setenv("MEMCACHED_EXTRA_FLAGS", many, 1), 0);
    ck_assert_int_eq(parse(""), CONFIG_USAGE);
    ck_assert_ptr_nonnull(strstr(said, "too many options"));
    ck_assert_int_eq(unsetenv("MEMCACHED_EXTRA_FLAGS"), 0);
}
END_TEST

/* --- What is answered immediately --- */

static const struct {
    const char *options;
    const char *says;
} answers[] = {
    {"-h", "--memory-limit=N"},
    {"--help", "Usage: lombard"},
    {"-V", "lombard " LOMBARD_VERSION "\n"},
    {"--version", "lombard " LOMBARD_VERSION "\n"},
    {"-i", "MIT. Copyright"},
    {"--license", "THE SOFTWARE IS PROVIDED"},
    {"-m 5 -V -m nonsense", "lombard " LOMBARD_VERSION "\n"},
};

START_TEST(answered_immediately)
{
    ck_assert_int_eq(parse(answers[_i].options), CONFIG_DONE);
    ck_assert_ptr_nonnull(strstr(said, answers[_i].says));
}
END_TEST

/* The help text says every option that has an effect, by letter and name, and its default. */
START_TEST(help_is_complete)
{
    char name[64];

    ck_assert_int_eq(parse("-h"), CONFIG_DONE);
    for (size_t i = 0; option_at(i) != NULL; i++) {
        const struct option_info *o = option_at(i);

        if (o->kind == OPTION_IGNORED || o->kind == OPTION_REFUSED)
            continue;
        (void)snprintf(name, sizeof(name), "%s--%s", o->letter == 0 ? "      " : "", o->name);
        if (o->group != GROUP_NONE)
            ck_assert_msg(strstr(said, name) != NULL, "help says nothing of %s", name);
    }
    ck_assert_ptr_nonnull(strstr(said, "(default 64, at most 262144)"));
    ck_assert_ptr_nonnull(strstr(said, "why: -f -n -N,"));
    ck_assert_ptr_null(strchr(said, '{'));
}
END_TEST

START_TEST(help_fits_a_terminal)
{
    char *rest = said;
    char *one;

    ck_assert_int_eq(parse("-h"), CONFIG_DONE);
    while ((one = strsep(&rest, "\n")) != NULL)
        ck_assert_uint_le(strlen(one), 84);
}
END_TEST

/* --- What is refused, and how the option is named --- */

static const struct {
    const char *options;
    const char *says;
} refused[] = {
    {"-p 65536", "-p (--port): '65536' is not -1 to 65535 (0: none; -1: any free port)"},
    {"-p -2", "'-2' is not -1 to 65535"},
    {"-p x", "'x' is not"},
    {"-p ", "'' is not"},
    {"-l ", "-l (--listen): '' is not 1 to 16 addresses, separated by commas"},
    {"-l ,;,", "-l (--listen): '' is not 1 to 16 addresses"},
    {"-l proto[ascii]:127.0.0.1", "a listener has no protocol, name or TLS of its own here"},
    {"-l a,mtls:b", "-l mtls:b: a listener has no protocol"},
    {"-l a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", "is not 1 to 16 addresses"},
    {"-l a,b,c,d,e,f,g,h -l i,j,k,l,m,n,o,p,q", "is not 1 to 16 addresses"},
    {"-s ", "-s (--unix-socket): '' is not a path"},
    {"-a 800", "-a (--unix-mask): '800' is not 0 to 0777 (octal)"},
    {"-a 1777", "'1777' is not"},
    {"-a ", "'' is not"},
    {"-a -1", "'-1' is not"},
    {"-a 7x", "'7x' is not"},
    {"-b 0", "-b (--listen-backlog): '0' is not 1 to 1048576 (connections)"},
    {"-b 1048577", "'1048577' is not"},
    {"-m 0", "-m (--memory-limit): '0' is not 1 to 262144 (megabytes)"},
    {"-m -1", "'-1' is not"},
    {"-m 262145", "'262145' is not 1 to 262144 (megabytes)"},
    {"-m 18446744073709551615", "is not 1 to 262144"},
    {"-m 18446744073709551616", "is not 1 to 262144"},
    {"-m 64k", "'64k' is not"},
    {"-m m", "'m' is not"},
    {"-m 0g", "'0g' is not"},
    {"-m 257g", "'257g' is not 1 to 262144"},
    {"-m 300000m", "is not 1 to 262144"},
    {"-I 1023", "-I (--max-item-size): '1023' is not 1k to 1g (bytes, or with k, m or g)"},
    {"-I 1025m", "'1025m' is not"},
    {"-I 18446744073709551615k", "is not"},
    {"-I k", "'k' is not"},
    {"-I ", "'' is not"},
    {"-I 1kk", "'1kk' is not"},
    {"-I 65m", "-I: an item of 68157440 bytes does not fit into -m 64 megabytes"},
    {"-m 1 -I 2m", "does not fit into -m 1 megabytes"},
    {"-m 1 -I 1m", "-I: an item of 1048576 bytes is more than half of -m 1 megabytes"},
    {"--total-memory 20",
     "--total-memory 20: at least 21 megabytes are needed for -m 1, -c 1024 and "
     "--buffer-memory 1"},
    {"--total-memory 1g -c 5000000", "--total-memory 1024: at least"},
    {"--total-memory 500 -m 490",
     "--total-memory 500: at least 510 megabytes are needed for -m 490"},
    {"--total-memory 1g -m 900 --buffer-memory 40", "at least 1037 megabytes"},
    {"--total-memory 524289", "--total-memory: '524289' is not 0 to 524288 (megabytes)"},
    {"--buffer-memory 0", "--buffer-memory: '0' is not 1 to 1048576 (megabytes)"},
    {"--buffer-memory 1048577", "--buffer-memory: '1048577' is not"},
    {"--loan maybe", "--loan: 'maybe' is not on or off"},
    {"-c 0", "-c (--conn-limit): '0' is not 1 to 1073741824 (connections)"},
    {"-c 1073741825", "is not"},
    {"-R 4294967296", "-R (--max-reqs-per-event): '4294967296' is not 0 to 4294967295 (req"},
    {"--idle-timeout 4294968", "--idle-timeout: '4294968' is not 0 to 4294967 (seconds)"},
    {"--idle-timeout x", "--idle-timeout: 'x' is not"},
    {"--send-timeout -1", "--send-timeout: '-1' is not 0 to 4294967 (seconds)"},
    {"--peer-timeout 86401", "--peer-timeout: '86401' is not 0 to 86400 (seconds)"},
    {"--operator-timeout 86401", "--operator-timeout: '86401' is not 0 to 86400 (seconds)"},
    {"--drain-time 3601", "--drain-time: '3601' is not 0 to 3600 (seconds)"},
    {"-o idle_timeout=x", "--idle-timeout: 'x' is not 0 to 4294967 (seconds)"},
    {"-o idle_timeout=", "--idle-timeout: '' is not"},
    {"-o idle_timeout", "-o idle_timeout: it needs a value, 'idle_timeout=...'"},
    {"-o hashpower", "-o hashpower: it needs a value"},
    {"-o idle_timeouts=1", "-o: there is no setting 'idle_timeouts', nor has memcached one"},
    {"-o ext_path=/mnt/x:1G", "-o ext_path: there is no external storage here"},
    {"-o modern,ssl_key=x", "-o ssl_key: there is no TLS here"},
    {"-o proxy_config=x", "-o proxy_config: there is no proxy in here"},
    {"-D ", "-D (--prefix-delimiter): '' is not a character"},
    {"--detail-prefixes 65537", "--detail-prefixes: '65537' is not 0 to 65536 (prefixes)"},
    {"-B none", "-B (--protocol): 'none' is not auto, ascii or binary"},
    {"-l a:x", "-l: malformed address 'a:x': host, host:port or [v6]:port"},
    {"-l [::1", "-l: malformed address '[::1': host, host:port or [v6]:port"},
    {"--admin a:65536", "--admin: malformed address 'a:65536': host, host:port or [v6]:port"},
    {"--http [a]b", "--http: malformed address '[a]b': host, host:port or [v6]:port"},
    {"--admin 127.0.0.1:11211",
     "--admin 127.0.0.1:11211: clients are served there already, by -p 11211"},
    {"-l 127.0.0.1 -p 5 --http 127.0.0.1:5", "--http 127.0.0.1:5: clients are served there"},
    {"-s /run/x --admin /run/x", "-s and --admin name the same path /run/x"},
    {"-s /run/x --http /run/x", "-s and --http name the same path /run/x"},
    {"--admin /run/x --http /run/x", "--admin and --http name the same path /run/x"},
    {"-S", "-S: the users and passwords are those of -Y FILE, which is not given"},
    {"-Y ", "-Y (--auth-file): '' is not a path"},
    {"--auth-timeout 86401", "--auth-timeout: '86401' is not 0 to 86400 (seconds)"},
    {"-Z", "-Z: there is no TLS here"},
    {"-e ", "-e (--memory-file): '' is not a path"},
    {"--control=a --takeover=b",
     "--control: with --takeover it is the socket that is taken over, b"},
    {"-P ", "-P (--pidfile): '' is not a path"},
    {"-u ", "-u (--user): '' is not a name"},
    {"-t 0", "-t (--threads): '0' is not 1 to 4294967295 (threads, of which one is used)"},
    {"-t x", "-t (--threads): 'x' is not"},
    {"-U 11211", "-U 11211: there is no UDP here"},
    {"-m", "option '-m' needs a value"},
    {"--memory-limit", "option '--memory-limit' needs a value"},
    {"-z", "unknown option '-z'"},
    {"-vz", "unknown option '-z'"},
    {"-zv", "unknown option '-z'"},
    {"--nonsense", "unknown or ambiguous option '--nonsense'"},
    {"--li 1", "unknown or ambiguous option '--li'"}, /* listen and listen-backlog */
    {"--ping -p 0", "-p 0 names no port to ask: say an address"},
    {"--stats -p -1", "-p -1 names no port to ask"},
    {"-p 0", "-p 0 means no TCP"},
    {"-p 0 -l 127.0.0.1", "For any free port say -p -1"},
    {"stray", "unexpected argument 'stray'"},
    {"memcached memcached", "unexpected argument 'memcached'"},
    {"-v -- -v", "unexpected argument '-v'"},
};

START_TEST(bad_options_are_named)
{
    ck_assert_int_eq(parse(refused[_i].options), CONFIG_USAGE);
    ck_assert_msg(strstr(said, refused[_i].says) != NULL, "'%s' says: %s", refused[_i].options,
                  said);
    ck_assert_ptr_nonnull(strstr(said, "Try 'lombard --help'.\n"));
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("config");

    tcase_add_loop_test(tc, options_are_in_force, 0, ARRAY_LEN(settings));
    tcase_add_test(tc, no_port_where_sockets_may_be_given);
    tcase_add_test(tc, places_to_listen);
    tcase_add_test(tc, the_process);
    tcase_add_test(tc, a_parse_leaves_nothing_behind);
    tcase_add_test(tc, blanks_around_a_value);
    tcase_add_loop_test(tc, options_say_why, 0, ARRAY_LEN(noted));
    tcase_add_test(tc, there_is_room_for_all_notes);
    tcase_add_test(tc, extended_settings_are_different);
    tcase_add_loop_test(tc, environment_is_read_first, 0, ARRAY_LEN(environment));
    tcase_add_loop_test(tc, bad_environment_is_named, 0, ARRAY_LEN(bad_environment));
    tcase_add_test(tc, too_long_an_environment_is_refused);
    tcase_add_loop_test(tc, answered_immediately, 0, ARRAY_LEN(answers));
    tcase_add_test(tc, help_is_complete);
    tcase_add_test(tc, help_fits_a_terminal);
    tcase_add_loop_test(tc, bad_options_are_named, 0, ARRAY_LEN(refused));
    return leak_run(tc, "app/config");
}
