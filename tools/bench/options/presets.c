/*
 * Loads modelled on what operators have published. A model keeps the mix, the sizes, the times to live
 * and the skew, but not the order of the requests.
 */
#include "options/options_priv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/keys.h"

enum { ETC_KEY_CLASSES = 40, ETC_TAIL_CLASSES = 44 };

/* Of a name that is used: as "cluster 52: ...". */
static char described[192];

struct cluster {
    uint32_t number;
    uint32_t key_bytes;
    uint32_t value_bytes;
    double kqps;
    double alpha;
    uint32_t working_set_mb;
    const char *mix;
    const char *ttls;
};

#define CLUSTER(number, key, value, kqps, alpha, set, mix, ttls)                               \
    {number, key, value, kqps, alpha, set, mix, ttls},
static const struct cluster clusters[] = {
#include "options/twitter_clusters.def"
};
#undef CLUSTER

/* "get=91,add=4" becomes "get 91 %, add 4 %". */
static void
name_mix(const char *mix, char *dst, size_t bytes)
{
    size_t used = 0;

    for (; *mix != '\0' && used + 8 < bytes; mix++) {
        const char *as = *mix == '=' ? " " : *mix == ',' ? " %, " : NULL;

        if (as == NULL)
            dst[used++] = *mix;
        else
            used += (size_t)snprintf(dst + used, bytes - used, "%s", as);
    }
    (void)snprintf(dst + used, bytes - used, " %%");
}

static void
describe_cluster(const struct cluster *c, char *dst, size_t bytes)
{
    char mix[96];
    char skew[32] = "no skew known";

    name_mix(c->mix, mix, sizeof(mix));
    if (c->alpha > 0)
        (void)snprintf(skew, sizeof(skew), "zipf %.4g", c->alpha);
    (void)snprintf(dst, bytes, "keys %u B, values %u B, %s; %s", c->key_bytes, c->value_bytes,
                   mix, skew);
}

/* The means were published, not the distributions: all keys and values are as long. */
static bool
apply_cluster(struct options *o, const struct cluster *c)
{
    char text[32];

    (void)snprintf(text, sizeof(text), "%u", c->key_bytes);
    if (!option_key_size(o, text))
        return false;
    (void)snprintf(text, sizeof(text), "%u", c->value_bytes);
    if (!option_value_size(o, text) || !option_mix(o, c->mix) || !option_ttl(o, c->ttls))
        return false;
    o->dist = (struct dist_config){.kind = DIST_UNIFORM};
    if (c->alpha > 0)
        o->dist = (struct dist_config){.kind = DIST_ZIPF, .alpha = c->alpha};
    describe_cluster(c, described, sizeof(described));
    return true;
}

static bool
apply_twitter(struct options *o, const char *number)
{
    char *end;
    unsigned long n = strtoul(number, &end, 10);

    if (end == number || *end != '\0')
        return false;
    for (size_t i = 0; i < ARRAY_LEN(clusters); i++) {
        if (clusters[i].number == n)
            return apply_cluster(o, &clusters[i]);
    }
    return false;
}

/* Below this value are the share P of all: the generalized extreme value distribution of key sizes. */
static double
etc_key_quantile(double p)
{
    return 30.7984 + 8.20449 / 0.078688 * (pow(-log(p), -0.078688) - 1);
}

/* Above this value are the share Q of all that are 15 bytes or more: a generalized Pareto
 * distribution. */
static double
etc_value_above(double q)
{
    return 15 + 214.476 / 0.348238 * (pow(q, -0.348238) - 1);
}

/* Classes with equally many keys, each uniform. */
static bool
set_etc_keys(struct options *o)
{
    char text[ETC_KEY_CLASSES * 12];
    size_t used = 0;

    for (int i = 0; i < ETC_KEY_CLASSES; i++) {
        double low = etc_key_quantile(fmax(i, 0.02) / ETC_KEY_CLASSES);
        double high = etc_key_quantile(fmin(i + 1, ETC_KEY_CLASSES - 0.02) / ETC_KEY_CLASSES);

        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%.0f-%.0f",
                                 i > 0 ? "," : "", round(low), fmin(round(high), KEY_TEXT_MAX));
    }
    return option_key_size(o, text);
}

/* The shares of values of 0 to 14 bytes, and of each class of the tail, whose shares shrink by the same
 * factor to one in 10 million. */
static bool
set_etc_values(struct options *o)
{
    static const double small[] = {0.00536, 0.00047, 0.17820, 0.09239, 0.00018,
                                   0.02740, 0.00065, 0.00606, 0.00023, 0.00837,
                                   0.00837, 0.08989, 0.00092, 0.00326, 0.01980};
    const double factor = pow(1e-7, 1.0 / ETC_TAIL_CLASSES);
    char text[(ARRAY_LEN(small) + ETC_TAIL_CLASSES) * 32];
    size_t used = 0;
    double tail = 1;

    for (size_t i = 0; i < ARRAY_LEN(small); i++) {
        tail -= small[i];
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%zu:%.5f,", i, small[i]);
    }
    for (int i = 0; i < ETC_TAIL_CLASSES; i++) {
        double q = pow(factor, i);
        double share = tail * (i + 1 < ETC_TAIL_CLASSES ? q - q * factor : q);

        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%.0f-%.0f:%.9f",
                                 i > 0 ? "," : "", ceil(etc_value_above(q)),
                                 ceil(etc_value_above(q * factor)), share);
    }
    return option_value_size(o, text);
}

static bool
apply_etc(struct options *o)
{
    /* A hundredth of a million keys gets 55 % of the requests. */
    o->dist = (struct dist_config){.kind = DIST_ZIPF, .alpha = 0.93};
    o->arrivals = ARRIVALS_PARETO;
    (void)snprintf(described, sizeof(described),
                   "keys GEV(30.80, 8.204, 0.0787), values 0 to 14 B by share, above "
                   "GP(15, 214.5, 0.348), 30 gets a set");
    return option_ratio(o, "30:1") && set_etc_keys(o) && set_etc_values(o);
}

static bool
apply_usr(struct options *o)
{
    o->dist = (struct dist_config){.kind = DIST_ZIPF, .alpha = 0.99};
    (void)snprintf(described, sizeof(described),
                   "keys of 16 or 21 B, values of 2 B, 99.8 %% gets");
    return option_ratio(o, "998:2") && option_key_size(o, "16,21") && option_value_size(o, "2");
}

/* Meta's pools of which slides about the paper have shares of operations and some sizes: approximately. */
struct meta_pool {
    const char *name;
    const char *mix;
    const char *keys;
    const char *values;
    const char *words;
};

static const struct meta_pool pools[] = {
    {"meta-app", "get=84,set=4,delete=12", "31:90,20-45:10", "270:30,1-500:70",
     "84 % gets, 4 % sets, 12 % deletes; 90 % of keys 31 B, 30 % of values 270 B"},
    {"meta-var", "get=18,set=82", "31:90,20-45:10", "1-500",
     "18 % gets, 82 % sets; 90 % of keys 31 B"},
    {"meta-sys", "get=67,set=33", "20-45", "1-500", "67 % gets, 33 % sets"},
};

/* Guesses: that zipf's exponent is 0.99, other keys are of 20 to 45 bytes, and other values of 1 to 500, to which
 * 90 % of the data are said to belong. */
static bool
apply_pool(struct options *o, const struct meta_pool *p)
{
    o->dist = (struct dist_config){.kind = DIST_ZIPF, .alpha = 0.99};
    (void)snprintf(described, sizeof(described), "about %s (from slides)", p->words);
    return option_mix(o, p->mix) && option_key_size(o, p->keys) &&
           option_value_size(o, p->values);
}

static bool
apply_meta(struct options *o, const char *name)
{
    if (strcmp(name, "meta-etc") == 0)
        return apply_etc(o);
    if (strcmp(name, "meta-usr") == 0)
        return apply_usr(o);
    for (size_t i = 0; i < ARRAY_LEN(pools); i++) {
        if (strcmp(name, pools[i].name) == 0)
            return apply_pool(o, &pools[i]);
    }
    return false;
}

bool
preset_apply(struct options *o, const char *name)
{
    struct options draft = *o;
    bool known;

    if (strcmp(name, "list") == 0) {
        o->list_presets = true;
        return true;
    }
    if (strncmp(name, "twitter:", 8) == 0)
        known = apply_twitter(&draft, name + 8);
    else
        known = apply_meta(&draft, name);
    if (!known)
        return false;
    *o = draft;
    o->preset = name;
    o->preset_words = described;
    return true;
}

void
preset_summary(void)
{
    (void)printf(
        "  meta-app, meta-etc, meta-sys, meta-usr, meta-var, twitter:1 to twitter:54;\n"
        "  --help presets shows what each is, its source, and what of it is a guess\n");
}

static void
list_meta(void)
{
    (void)printf(
        "meta-usr      keys of 16 or 21 B, values of 2 B, 99.8 %% gets [A]; zipf 0.99 is a "
        "guess\n"
        "meta-etc      keys: generalized extreme value (30.7984, 8.20449, 0.078688);\n"
        "              values: 0 to 14 B by their shares, above that generalized Pareto\n"
        "              (15, 214.476, 0.348238) to some 170 KB; 30 gets a set; gaps: "
        "generalized\n"
        "              Pareto (0, 16.0292 us, 0.154971), which --rate scales (52,700/s) [A, "
        "M];\n"
        "              zipf 0.93: of a million keys a hundredth gets 55 %% of the requests "
        "[S]\n");
    for (size_t i = 0; i < ARRAY_LEN(pools); i++) {
        const char *words = pools[i].words;
        size_t mix = strcspn(words, ";");

        (void)printf("%-13s about %.*s%s%s [S]\n", pools[i].name, (int)mix, words,
                     words[mix] != '\0' ? ";\n             " : "",
                     words + mix + (words[mix] != '\0'));
    }
    (void)printf(
        "              these three approximately: shares and sizes from slides about [A], not\n"
        "              from its text; zipf 0.99, other keys of 20 to 45 B and other values of\n"
        "              1 to 500 B are guesses\n");
}

static void
list_twitter(void)
{
    char words[160];

    (void)printf(
        "\nTwitter's clusters [T], each the row of its number: means, so that all keys and\n"
        "values are as long; their times to live with their shares; rate and working set\n"
        "(--rate and --keys are yours to choose):\n");
    for (size_t i = 0; i < ARRAY_LEN(clusters); i++) {
        const struct cluster *c = &clusters[i];

        describe_cluster(c, words, sizeof(words));
        (void)printf("twitter:%-5u %s\n              TTL s %s; %.2fk/s, working set %u MB\n",
                     c->number, words, c->ttls, c->kqps, c->working_set_mb);
    }
}

void
preset_list(void)
{
    list_meta();
    list_twitter();
    (void)printf(
        "\n[A] Workload Analysis of a Large-Scale Key-Value Store, SIGMETRICS 2012: the pools\n"
        "    USR, APP, ETC, VAR and SYS, and the model of ETC\n"
        "[M] the constants of that model as mutilate has them (leverich/mutilate, "
        "Generator.cc:\n"
        "    fb_key, fb_value, fb_ia)\n"
        "[S] slides about [A], not checked against its text\n"
        "[T] the table stat/2020Mar.md of the repository twitter/cache-trace (CC-BY 4.0), "
        "rows\n"
        "    cluster1 to cluster54 (cluster5 has no figures), of the paper A Large-Scale "
        "Analysis\n"
        "    of Hundreds of In-Memory Cache Clusters at Twitter, OSDI 2020. gets counts as "
        "get;\n"
        "    an alpha that was not published, or is 0, is shown as no skew known\n");
}
