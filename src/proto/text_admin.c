/*
 * Parses what operators and monitoring send. What sets threads, slabs and orders of eviction that do
 * not exist here is checked and answered as memcached does, and has no effect.
 */
#include <string.h>

#include "request_priv.h"
#include "text_priv.h"
#include "token_priv.h"

#define ANSWER_OK    SLICE("OK\r\n")
#define REFUSE_CLASS SLICE("BADCLASS invalid class id\r\n")

/* <command> <words>: what they mean is not for a parser to know. */
void
admin_rest(const struct words *words, struct request *req)
{
    struct words rest = *words;

    if ((req->flags & REQ_QUIET) != 0)
        rest.count--;
    req->value = words_from(&rest, 1);
}

/* stats cachedump <class> <limit> */
static void
parse_cachedump(const struct words *words, struct request *req)
{
    uint32_t class = 0, limit = 0;

    request_init(req, OP_DUMP_CLASS);
    /* With -X another refusal comes first. */
    if (words->count < 4)
        req->refusal = SLICE("CLIENT_ERROR bad command line\r\n");
    else if (!token_u32(words->at[2], &class) || !token_u32(words->at[3], &limit))
        req->refusal = REFUSE_BAD_FORMAT;
    else if (class >= 64)
        req->refusal = SLICE("CLIENT_ERROR Illegal slab id\r\n");
    req->initial = class;
    req->delta = limit;
}

/* A word that is no key, but no longer than one either: what follows is not looked at. */
static struct slice
word_cut(struct slice word)
{
    return slice_make(word.ptr, word.len < KEY_BYTES_MAX ? word.len : KEY_BYTES_MAX);
}

/* stats detail on|off|dump; with -X another refusal comes first. */
static void
parse_detail(const struct words *words, struct request *req)
{
    request_init(req, OP_DETAIL);
    if (words->count > 2)
        req->key = word_cut(words->at[2]);
    if (!words_has(words, 2, SLICE("on")) && !words_has(words, 2, SLICE("off")) &&
        !words_has(words, 2, SLICE("dump")))
        req->refusal = SLICE("CLIENT_ERROR usage: stats detail on|off|dump\r\n");
}

/* stats [<group> [...]] */
void
admin_stats(const struct words *words, struct request *req)
{
    if (words->count == 1)
        return;
    req->key = word_cut(words->at[1]);
    req->value = words_from(words, 2);
    if (words_has(words, 1, SLICE("cachedump")))
        parse_cachedump(words, req);
    else if (words_has(words, 1, SLICE("detail")))
        parse_detail(words, req);
}

/* memcached's slab classes are numbered so. */
enum { CLASS_FIRST = 1, CLASS_LAST = 63 };

/* slabs reassign <from> <to>: there is one class, with no page to spare */
static void
parse_reassign(const struct words *words, struct request *req)
{
    int32_t from, to;

    if (!token_i32(words->at[2], &from) || !token_i32(words->at[3], &to))
        request_answer(req, REFUSE_BAD_FORMAT);
    else if (from == to)
        request_answer(req, SLICE("SAME src and dst class are identical\r\n"));
    else if (from < CLASS_FIRST || from > CLASS_LAST || to < CLASS_FIRST - 1 || to > CLASS_LAST)
        request_answer(req, SLICE("BADCLASS invalid src or dst class id\r\n"));
    else
        request_answer(req, SLICE("NOSPARE source class has no spare pages\r\n"));
}

/* A decimal number with or without a fraction; *POSITIVE: it is not 0. */
static bool
is_factor(struct slice s, bool *positive)
{
    bool digits = false, point = false;

    *positive = false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];

        if (c == '.' && !point) {
            point = true;
            continue;
        }
        if (c < '0' || c > '9')
            return false;
        digits = true;
        *positive = *positive || c != '0';
    }
    return digits;
}

/* slabs automove <level>|ratio <r>|freeratio <r>|window <n>: accepted, and without effect */
static void
parse_automove(const struct words *words, struct request *req)
{
    enum { LEVEL_MAX = 2, WINDOW_MIN = 3, WINDOW_MAX = 1800 };
    bool window = words_has(words, 2, SLICE("window")), positive;
    uint32_t number = 0;

    if (words_has(words, 2, SLICE("ratio")) || words_has(words, 2, SLICE("freeratio")))
        request_answer(req, words->count >= 4 && is_factor(words->at[3], &positive)
                                ? ANSWER_OK
                                : REFUSE_ERROR);
    else if (words->count < 3U + window || !token_u32(words->at[2 + window], &number))
        request_answer(req, REFUSE_BAD_FORMAT);
    else if (window && (number < WINDOW_MIN || number > WINDOW_MAX))
        request_answer(req, SLICE("CLIENT_ERROR automove window too low or too high\r\n"));
    else
        request_answer(req, window || number <= LEVEL_MAX ? ANSWER_OK : REFUSE_ERROR);
}

void
admin_slabs(const struct words *words, struct request *req)
{
    if (words->count == 4 && words_has(words, 1, SLICE("reassign")))
        parse_reassign(words, req);
    else if (words->count >= 3 && words_has(words, 1, SLICE("automove")))
        parse_automove(words, req);
    else
        request_answer(req, REFUSE_ERROR);
}

/* lru tune <hot %> <warm %> <hot factor> <warm factor>: as above */
static void
parse_tune(const struct words *words, struct request *req)
{
    enum { PERCENT_MAX = 80 };
    uint32_t hot, warm;
    bool hot_positive, warm_positive;

    if (!token_u32(words->at[2], &hot) || !token_u32(words->at[3], &warm) ||
        !is_factor(words->at[4], &hot_positive) || !is_factor(words->at[5], &warm_positive))
        request_answer(req, REFUSE_ERROR);
    else if ((uint64_t)hot + warm > PERCENT_MAX)
        request_answer(req, SLICE("ERROR hot and warm pcts must not exceed 80\r\n"));
    else if (!hot_positive || !warm_positive)
        request_answer(req, SLICE("ERROR hot/warm age factors must be greater than 0\r\n"));
    else
        request_answer(req, ANSWER_OK);
}

/* lru tune ...|mode flat|segmented|temp_ttl <seconds>: there is one order of eviction */
void
admin_lru(const struct words *words, struct request *req)
{
    bool valid = false;
    int32_t ttl;

    if (words->count >= 6 && words_has(words, 1, SLICE("tune"))) {
        parse_tune(words, req);
        return;
    }
    if (words->count >= 3 && words_has(words, 1, SLICE("mode")))
        valid = words_has(words, 2, SLICE("flat")) || words_has(words, 2, SLICE("segmented"));
    else if (words->count >= 3 && words_has(words, 1, SLICE("temp_ttl")))
        valid = token_i32(words->at[2], &ttl);
    request_answer(req, valid ? ANSWER_OK : REFUSE_ERROR);
}

/* Classes are all one here: "all", "hash", or a list of numbers. */
static bool
is_class_list(struct slice s)
{
    bool any = false;

    if (slice_equal(s, SLICE("all")) || slice_equal(s, SLICE("hash")))
        return true;
    while (s.len > 0) {
        const char *comma = memchr(s.ptr, ',', s.len);
        size_t len = comma == NULL ? s.len : (size_t)(comma - s.ptr);
        uint32_t class;

        if (len > 0 && (!token_low_u32(slice_make(s.ptr, len), &class) || class < CLASS_FIRST ||
                        class > CLASS_LAST))
            return false;
        any = any || len > 0;
        len += comma != NULL;
        s = slice_make(s.ptr + len, s.len - len);
    }
    return any;
}

/* lru_crawler sleep|tocrawl <number>: accepted, and without effect */
static void
parse_crawler_number(const struct words *words, struct request *req)
{
    enum { SLEEP_US_MAX = 1000000 };
    uint32_t number;

    if (!token_u32(words->at[2], &number))
        request_answer(req, REFUSE_BAD_FORMAT);
    else if (words_has(words, 1, SLICE("sleep")) && number > SLEEP_US_MAX)
        request_answer(req, SLICE("CLIENT_ERROR sleep must be one second or less\r\n"));
    else
        request_answer(req, ANSWER_OK);
}

/* lru_crawler metadump|mgdump|crawl <classes>; expired items are collected without a crawl */
static void
parse_crawl(const struct words *words, struct request *req)
{
    bool valid = is_class_list(words->at[2]);

    if (words_has(words, 1, SLICE("crawl"))) {
        request_answer(req, valid ? ANSWER_OK : REFUSE_CLASS);
        return;
    }
    request_init(req, words_has(words, 1, SLICE("mgdump")) ? OP_DUMP_KEYS : OP_DUMP);
    if (!valid) /* with -X another refusal comes first */
        req->refusal = REFUSE_CLASS;
}

void
admin_lru_crawler(const struct words *words, struct request *req)
{
    bool crawls = words_has(words, 1, SLICE("metadump")) ||
                  words_has(words, 1, SLICE("mgdump")) || words_has(words, 1, SLICE("crawl"));
    bool number = words_has(words, 1, SLICE("sleep")) || words_has(words, 1, SLICE("tocrawl"));

    if (words->count == 3 && crawls)
        parse_crawl(words, req);
    else if (words->count == 3 && number)
        parse_crawler_number(words, req);
    else if (words->count == 2 &&
             (words_has(words, 1, SLICE("enable")) || words_has(words, 1, SLICE("disable"))))
        request_answer(req, ANSWER_OK);
    else
        request_answer(req, REFUSE_ERROR);
}

/* cache_memlimit <megabytes> [noreply] */
void
admin_cache_memlimit(const struct words *words, struct request *req)
{
    enum { MEGABYTES_MIN = 8, MEGABYTES_MAX = 1000000000 };
    uint32_t megabytes;

    if (words->count < 2 || !token_u32(words->at[1], &megabytes))
        request_answer(req, REFUSE_ERROR);
    else if (megabytes < MEGABYTES_MIN)
        request_answer(req,
                       SLICE("MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m\r\n"));
    else if (megabytes > MEGABYTES_MAX)
        request_answer(req,
                       SLICE("MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes\r\n"));
    else
        req->delta = megabytes;
}

/* The topic whose name begins with WORD, as at memcached; 0: none. */
static uint32_t
topic_of(struct slice word)
{
    static const struct {
        struct slice name;
        uint32_t topic;
    } topics[] = {
        {{"rawcmds", 7}, TOPIC_RAWCMDS},     {{"evictions", 9}, TOPIC_EVICTIONS},
        {{"fetchers", 8}, TOPIC_FETCHERS},   {{"mutations", 9}, TOPIC_MUTATIONS},
        {{"sysevents", 9}, TOPIC_SYSEVENTS}, {{"connevents", 10}, TOPIC_CONNEVENTS},
        {{"proxyreqs", 9}, TOPIC_SILENT},    {{"proxyevents", 11}, TOPIC_SILENT},
        {{"proxyuser", 9}, TOPIC_SILENT},    {{"deletions", 9}, TOPIC_DELETIONS},
    };

    for (size_t i = 0; i < ARRAY_LEN(topics); i++)
        if (word.len <= topics[i].name.len &&
            memcmp(word.ptr, topics[i].name.ptr, word.len) == 0)
            return topics[i].topic;
    return 0;
}

/* watch [<topic> ...] */
void
admin_watch(const struct words *words, struct request *req)
{
    for (uint32_t i = 1; i < words->count; i++) {
        uint32_t topic = topic_of(words->at[i]);

        if (topic == 0) {
            request_answer(req, REFUSE_ERROR);
            return;
        }
        req->delta |= topic;
    }
    if (words->count == 1)
        req->delta = TOPIC_FETCHERS;
}

void
admin_refresh_certs(const struct words *words, struct request *req)
{
    (void)words;
    request_answer(req, SLICE("Error TLS not enabled\r\n"));
}

/* shutdown [graceful]: whether the mode is one is said only where it is enabled. */
void
admin_shutdown(const struct words *words, struct request *req)
{
    if (words->count == 1)
        return;
    if (words->count > 2 || !words_has(words, 1, SLICE("graceful")))
        req->key = word_cut(words->at[1]);
}

/* verbosity <level> [noreply] */
void
admin_verbosity(const struct words *words, struct request *req)
{
    uint32_t level;

    if (token_u32(words->at[1], &level))
        req->delta = level;
    else
        request_answer(req, REFUSE_BAD_FORMAT);
}
