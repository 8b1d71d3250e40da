/* Says what to do instead of the options that memtier and redis-benchmark have and this program has not. */
#include <string.h>

#include "options/options_priv.h"

/* What other tools have and this one has otherwise, or not. */
static const struct {
    const char *name, *instead;
} foreign[] = {
    {"--host", "use --server HOST:PORT"},
    {"--rate-limiting", "use --rate N: of all connections, and kept"},
    {"--key-pattern", "use --distribution: uniform, zipf:ALPHA, sequential"},
    {"--key-zipf-exp", "use --distribution zipf:ALPHA"},
    {"--key-minimum", "keys are numbered from 0: use --keys N"},
    {"--key-prefix", "names of keys are lombard-bench's own: use --key-size"},
    {"--authenticate", "use --auth FILE, which has a line user:password"},
    {"--hide-histogram", "there is none without --histogram"},
    {"--print-percentiles", "p50 to p99.999 are always shown"},
    {"--hdr-file-prefix", "use --hgrm FILE and --hdr-log FILE"},
    {"--out-file", "redirect standard output"},
    {"--random-data", "values are random, and verified, always"},
    {"--data-verify", "every value is verified, always"},
    {"--command", "use --mix get=90,set=10"},
    {"--tests", "use --mix get=90,set=10"},
    {"--cluster-mode", "the memcached protocol has no cluster"},
    {"--cluster", "the memcached protocol has no cluster"},
    {"--tls", "there is no TLS"},
    {"--distinct-client-seed", "connections draw from one --seed"},
    {"--randomize", "use --seed N"},
};

const char *
option_instead(const char *word)
{
    size_t len = strcspn(word, "=");

    for (size_t i = 0; i < ARRAY_LEN(foreign); i++) {
        if (strlen(foreign[i].name) == len && strncmp(foreign[i].name, word, len) == 0)
            return foreign[i].instead;
    }
    return NULL;
}
