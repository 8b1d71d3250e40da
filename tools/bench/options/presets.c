/*
 * Loads modelled on what operators have published. A model keeps the mix, the
 * sizes and the skew, but not the order of the requests.
 */
#include "options/options_priv.h"

#include <stdio.h>
#include <string.h>

struct preset {
    const char *name;
    const char *help;
    double get, set, remove;
    const char *key_sizes;
    const char *value_sizes;
    struct dist_config dist;
};

/*
 * [A] "Workload Analysis of a Large-Scale Key-Value Store",
 *     SIGMETRICS 2012: pools of Facebook's memcached.
 * [Y] "A Large-Scale Analysis of Hundreds of
 *     In-Memory Key-Value Cache Clusters at Twitter", OSDI 2020 / TOS 2021.
 */
static const struct preset presets[] = {
    {"meta-usr",
     "Facebook's USR pool [A]: tiny values, nearly only reads",
     998,
     2,
     0,
     "16:50,21:50",
     "2",
     {.kind = DIST_ZIPF, .alpha = 1.0}},
    {"meta-etc",
     "Facebook's ETC pool [A]: 30 gets a set, many tiny and few large values",
     30,
     1,
     0,
     "20-45",
     "2:20,3:10,11:10,12-100:15,100-500:35,500-4k:9,4k-64k:1",
     {.kind = DIST_ZIPF, .alpha = 1.0}},
    {"twitter-read",
     "a typical read-heavy cluster of Twitter's [Y]: small objects, skewed",
     97,
     3,
     0,
     "30-60",
     "50-100:25,100-230:25,230-800:35,800-5k:15",
     {.kind = DIST_ZIPF, .alpha = 1.2}},
    {"twitter-write",
     "a write-heavy cluster of Twitter's [Y]: over 30 % stores, less skew",
     65,
     35,
     0,
     "30-60",
     "50-100:25,100-230:25,230-800:35,800-5k:15",
     {.kind = DIST_ZIPF, .alpha = 0.9}},
    {"session",
     "web sessions (no source: a plain guess): 1 to 4 KB, as many stores as reads",
     50,
     48,
     2,
     "32",
     "1k-4k",
     {.kind = DIST_UNIFORM}},
};

bool
preset_apply(struct options *o, const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(presets); i++) {
        const struct preset *p = &presets[i];

        if (strcmp(p->name, name) != 0)
            continue;
        memset(o->weights, 0, sizeof(o->weights));
        o->weights[QUERY_GET] = p->get;
        o->weights[QUERY_SET] = p->set;
        o->weights[QUERY_DELETE] = p->remove;
        o->dist = p->dist;
        return sizes_parse(p->key_sizes, OPTIONS_VALUE_MAX_BYTES, &o->key_size) &&
               sizes_parse(p->value_sizes, OPTIONS_VALUE_MAX_BYTES, &o->value_size);
    }
    return false;
}

void
preset_list(void)
{
    for (size_t i = 0; i < ARRAY_LEN(presets); i++)
        (void)printf("  %-14s %s\n", presets[i].name, presets[i].help);
    (void)printf("  [A] Workload Analysis of a Large-Scale Key-Value Store, SIGMETRICS 2012\n"
                 "  [Y] A Large-Scale Analysis of Hundreds of In-Memory Key-Value Cache\n"
                 "      Clusters at Twitter, OSDI 2020\n");
}
