/* Settings of -o that change no answer, and tune what Lombard does without. */
#include <stdio.h>
#include <string.h>

#include "config_priv.h"

static const char no_slabs[] = "there are no slab classes";
static const char no_tuning[] = "expiry and eviction have nothing to tune";
static const char no_watch[] = "there is no command watch";
static const char index_grows[] = "the index grows as it must, with a keyed hash";

static const struct {
    const char *name;
    const char *why;
} settings[] = {
    {"modern", NULL}, /* NULL: nothing is missed, and nothing said */
    {"no_modern", NULL},
    {"maxconns_fast", NULL}, /* clients over -c are always told so */
    {"no_maxconns_fast", "clients over -c are told so, instead of being left to wait"},
    {"hashpower", index_grows},
    {"no_hashexpand", index_grows},
    {"hash_algorithm", index_grows},
    {"slab_reassign", no_slabs},
    {"no_slab_reassign", no_slabs},
    {"slab_automove", no_slabs},
    {"no_slab_automove", no_slabs},
    {"slab_automove_ratio", no_slabs},
    {"slab_automove_window", no_slabs},
    {"slab_automove_freeratio", no_slabs},
    {"slab_sizes", no_slabs},
    {"slab_chunk_max", no_slabs},
    {"no_chunked_items", no_slabs},
    {"lru_crawler", no_tuning},
    {"no_lru_crawler", no_tuning},
    {"lru_crawler_sleep", no_tuning},
    {"lru_crawler_tocrawl", no_tuning},
    {"lru_maintainer", no_tuning},
    {"no_lru_maintainer", no_tuning},
    {"hot_lru_pct", no_tuning},
    {"warm_lru_pct", no_tuning},
    {"hot_max_factor", no_tuning},
    {"warm_max_factor", no_tuning},
    {"temporary_ttl", no_tuning},
    {"tail_repair_time", no_tuning},
    {"watcher_logbuf_size", no_watch},
    {"worker_logbuf_size", no_watch},
    {"track_sizes", "`stats sizes` needs no preparation"},
    {"inline_ascii_resp", "replies are made when they are sent"},
    {"no_inline_ascii_resp", "replies are made when they are sent"},
    {"resp_obj_mem_limit", "--buffer-memory limits all that connections hold"},
    {"read_buf_mem_limit", "--buffer-memory limits all that connections hold"},
    {"drop_privileges", NULL}, /* --sandbox=on, the default */
    {"no_drop_privileges", "--sandbox=off does that"},
};

void
config_note(struct config *config, const char *option, const char *why)
{
    struct config_note *note = config->notes + config->note_count;

    if (config->note_count == CONFIG_NOTES_MAX)
        return;
    config->note_count++;
    (void)snprintf(note->option, sizeof(note->option), "%s", option);
    note->why = why;
}

bool
config_ignore_extended(struct config *config, const char *word)
{
    size_t len = strcspn(word, "=");

    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        if (strlen(settings[i].name) == len && memcmp(settings[i].name, word, len) == 0) {
            if (settings[i].why != NULL)
                config_note(config, settings[i].name, settings[i].why);
            return true;
        }
    return false;
}
