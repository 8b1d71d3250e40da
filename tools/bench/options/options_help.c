/* Prints the table of options, or the topics that were asked for. */
#include <stdio.h>
#include <string.h>

#include "options/options_priv.h"

#define PRESETS "Presets"

/* A heading, or an option with what it does. */
static void
print_option(const struct option_desc *d)
{
    char left[64];

    if (d->name == NULL) {
        (void)printf("\n%s:\n", d->help);
        return;
    }
    (void)snprintf(left, sizeof(left), "%c%c%s --%s %s", d->letter ? '-' : ' ',
                   d->letter ? d->letter : ' ', d->letter ? "," : " ", d->name,
                   d->arg ? d->arg : "");
    (void)printf("  %-24s %s\n", left, d->help);
}

/* The options under the headings that have TOPIC in them. False: there is none. */
static bool
print_topic(const char *topic)
{
    bool shown = false;
    bool any = false;

    for (size_t i = 0; i < option_count; i++) {
        const struct option_desc *d = &option_descs[i];

        if (d->name == NULL)
            shown = strcasestr(d->help, topic) != NULL;
        any |= shown;
        if (shown)
            print_option(d);
    }
    return any;
}

static void
print_topics(const char *topic)
{
    (void)printf("No topic has '%s' in its name. Topics:\n", topic);
    for (size_t i = 0; i < option_count; i++) {
        if (option_descs[i].name == NULL)
            (void)printf("  %s\n", option_descs[i].help);
    }
    (void)printf("  %s\n", PRESETS);
}

/* Whether TOPIC is the beginning of that of presets. */
static bool
means_presets(const char *topic)
{
    return topic[0] != '\0' && strncasecmp(PRESETS, topic, strlen(topic)) == 0;
}

void
options_help(const char *topic)
{
    if (topic != NULL) {
        if (means_presets(topic))
            preset_list();
        else if (!print_topic(topic))
            print_topics(topic);
        return;
    }
    (void)printf("usage: lombard-bench [hitratio | replay | herd] [options]\n\n"
                 "Loads a server that speaks the memcached protocol, checks every value that "
                 "comes back,\n"
                 "and reports throughput and latency. Defaults are in parentheses. One topic "
                 "only:\n--help reports, --help presets, ...\n");
    for (size_t i = 0; i < option_count; i++)
        print_option(&option_descs[i]);
    (void)printf("\n%s:\n", PRESETS);
    preset_summary();
    (void)printf("\nExit status:\n"
                 "  0      valid: measured as asked\n"
                 "  1      wrong data: a value was wrong, or a reply unreadable\n"
                 "  2      nothing was measured: a bad option, an unreadable file, no server\n"
                 "  3      not valid: connections or requests were lost, the server went away, "
                 "every request\n"
                 "         of a kind or more than one answer in 100 was an error, keys could "
                 "not be filled,\n"
                 "         a trace ended early, a rate was not kept, arrivals were not as "
                 "planned,\n"
                 "         --until was not reached; with --strict any error\n"
                 "  4      a report could not be written\n"
                 "  128+N  ended by signal N; what was measured until then is reported\n");
}
