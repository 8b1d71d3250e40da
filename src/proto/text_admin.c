/*
 * What operators and monitoring send. What is about threads and slabs that do
 * not exist here is answered as memcached answers with that feature off.
 */
#include "lombard/base/attr.h"
#include "lombard/base/num.h"

#include "text_priv.h"

#define ANSWER_OK    SLICE("OK\r\n")
#define REFUSE_CLASS SLICE("BADCLASS invalid class id\r\n")

static bool
word_is(const struct words *words, unsigned i, struct slice text)
{
    return i < words->count && slice_equal(words->at[i], text);
}

static bool
word_is_u32(const struct words *words, unsigned i)
{
    uint32_t ignored;

    return i < words->count && num_parse_u32(words->at[i], &ignored);
}

/* stats cachedump <class> <limit>: the only one with arguments. */
static void
parse_cachedump(const struct words *words, struct request *req)
{
    uint32_t class, limit;

    if (words->count < 4) {
        request_refuse(req, SLICE("CLIENT_ERROR bad command line\r\n"));
    } else if (!num_parse_u32(words->at[2], &class) || !num_parse_u32(words->at[3], &limit)) {
        request_refuse(req, REFUSE_BAD_FORMAT);
    } else if (class >= 64) {
        request_refuse(req, SLICE("CLIENT_ERROR Illegal slab id\r\n"));
    } else {
        req->initial = class;
        req->delta = limit;
    }
}

/* A word that is no key, but no longer than one either: what follows is not looked at. */
static struct slice
word_cut(struct slice word)
{
    return slice_make(word.ptr, word.len < KEY_BYTES_MAX ? word.len : KEY_BYTES_MAX);
}

/* stats [<group> [...]] */
void
admin_stats(const struct words *words, struct request *req)
{
    if (words->count == 1)
        return;
    req->key = word_cut(words->at[1]);
    if (word_is(words, 1, SLICE("cachedump")))
        parse_cachedump(words, req);
}

/* slabs reassign <from> <to> | slabs automove <level> */
void
admin_slabs(const struct words *words, struct request *req)
{
    struct slice answer = REFUSE_ERROR;

    if (words->count == 4 && word_is(words, 1, SLICE("reassign")))
        answer = SLICE("CLIENT_ERROR slab reassignment disabled\r\n");
    else if (words->count == 3 && word_is(words, 1, SLICE("automove")))
        answer = word_is(words, 2, SLICE("0")) ? ANSWER_OK : REFUSE_ERROR;
    request_refuse(req, answer);
}

/* lru mode|tune|temp_ttl: there is one order of eviction, and nothing to set. */
void
admin_lru(const struct words *words, struct request *req)
{
    (void)words;
    request_refuse(req, REFUSE_ERROR);
}

/* Classes are all one here: "all", "hash", or a list of numbers. */
static bool
is_class_list(struct slice s)
{
    bool digit = false;

    if (slice_equal(s, SLICE("all")) || slice_equal(s, SLICE("hash")))
        return true;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] >= '0' && s.ptr[i] <= '9')
            digit = true;
        else if (s.ptr[i] != ',' || !digit)
            return false;
    }
    return digit;
}

/* metadump, mgdump, crawl <classes>; expired items are collected without being told. */
void
admin_lru_crawler(const struct words *words, struct request *req)
{
    bool metadump = words->count == 3 && word_is(words, 1, SLICE("metadump"));
    bool mgdump = words->count == 3 && word_is(words, 1, SLICE("mgdump"));
    bool crawl = words->count == 3 && word_is(words, 1, SLICE("crawl"));
    struct slice answer = REFUSE_ERROR;

    if ((metadump || mgdump) && is_class_list(words->at[2])) {
        req->flags = mgdump ? REQ_MGDUMP : 0;
        return;
    }
    if (metadump || mgdump || crawl)
        answer = crawl && is_class_list(words->at[2]) ? ANSWER_OK : REFUSE_CLASS;
    else if (words->count == 3 &&
             (word_is(words, 1, SLICE("sleep")) || word_is(words, 1, SLICE("tocrawl"))))
        answer = word_is_u32(words, 2) ? ANSWER_OK : REFUSE_BAD_FORMAT;
    else if (words->count == 2 && word_is(words, 1, SLICE("enable")))
        answer = ANSWER_OK;
    else if (words->count == 2 && word_is(words, 1, SLICE("disable")))
        answer = SLICE("ERROR failed to stop lru crawler thread\r\n");
    request_refuse(req, answer);
}

/* cache_memlimit <megabytes> [noreply]: the limit is set at the start. */
void
admin_cache_memlimit(const struct words *words, struct request *req)
{
    struct slice answer =
        word_is_u32(words, 1)
            ? SLICE("MEMLIMIT_ADJUST_FAILED out of bounds or unable to adjust\r\n")
            : REFUSE_ERROR;

    request_refuse(req, words_end_in_noreply(words) ? slice_make(NULL, 0) : answer);
}

void
admin_watch(const struct words *words, struct request *req)
{
    (void)words;
    request_refuse(req, SLICE("CLIENT_ERROR watch commands not allowed\r\n"));
}

void
admin_refresh_certs(const struct words *words, struct request *req)
{
    (void)words;
    request_refuse(req, SLICE("Error TLS not enabled\r\n"));
}

/* shutdown [graceful]: whether the mode is one is said only where it is enabled. */
void
admin_shutdown(const struct words *words, struct request *req)
{
    if (words->count == 1)
        return;
    if (words->count == 2 && word_is(words, 1, SLICE("graceful")))
        req->flags |= REQ_GRACEFUL;
    else
        req->key = word_cut(words->at[1]);
}

/* verbosity <level> [noreply] */
void
admin_verbosity(const struct words *words, struct request *req)
{
    uint32_t level;

    if (words_end_in_noreply(words))
        req->flags |= REQ_QUIET;
    if (num_parse_u32(words->at[1], &level)) {
        req->delta = level;
        return;
    }
    request_refuse(req,
                   (req->flags & REQ_QUIET) != 0 ? slice_make(NULL, 0) : REFUSE_BAD_FORMAT);
}
