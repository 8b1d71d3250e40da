/*
 * src/proto/http_sample.h - lines of Prometheus's formats: a metric, and its samples.
 */
#pragma once

#include "http_priv.h"

/* One metric, as its lines call it. */
struct metric {
    char name[STAT_NAME_BYTES * 2]; /* of its samples */
    const char *type;
    const char *help;
    size_t suffix_bytes; /* that OpenMetrics leaves out of HELP and TYPE */
};

/* What comes between a name and its value; TEXT is NULL, or the value of the last label. */
struct labels {
    const char *constant; /* as it is written, or "" */
    const char *name;     /* of the family's; NULL: none */
    const char *value;
    const char *text_name;
    const char *text;
};

/*
 * HELP and TYPE of METRIC, before its first sample; and one sample. At P, up to END, which is
 * http_sample_end() of where the piece began.
 */
char *http_put_metric(char *p, const char *end, const struct request *req,
                      const struct metric *metric);
char *http_put_sample(char *p, const char *end, const char *name, const struct labels *labels,
                      const char *value);

/* "lombard_" PREFIX NAME SUFFIX, NUL-terminated, at DST, which has BYTES; a NAME that begins so keeps to one. */
void http_name_metric(char *dst, size_t bytes, const char *prefix, struct slice name,
                      const char *suffix);

/*
 * Bucket I of INSTANCE, counted from 0, where a piece begins at P; behind the last one all that has to
 * agree with it, its count and sum, in the same piece.
 */
char *http_put_bucket(char *p, const struct request *req,
                      const struct stat_histogram *histogram,
                      const struct stat_instance *instance, unsigned i);
bool http_is_last_bucket(unsigned i);
bool http_is_bucket(unsigned i);

/* Where the texts of a piece at DST end, so that the rest of its last line fits as well. */
static inline const char *
http_sample_end(const char *dst)
{
    return dst + HTTP_TEXT_BYTES;
}
