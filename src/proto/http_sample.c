/* Writes metrics and their samples as Prometheus reads them. */
#include "http_sample.h"

#include <string.h>

static char *
put_meta(char *p, const char *end, const struct metric *metric, bool openmetrics)
{
    size_t len = strlen(metric->name) - (openmetrics ? metric->suffix_bytes : 0);
    struct slice name = slice_make(metric->name, len);

    p = http_put(http_put(p, end, SLICE("# HELP ")), end, name);
    p = http_put_help(http_put(p, end, SLICE(" ")), end, metric->help, openmetrics);
    p = http_put(http_put(p, end, SLICE("\n# TYPE ")), end, name);
    p = http_put_text(http_put(p, end, SLICE(" ")), end, metric->type);
    return http_put(p, end, SLICE("\n"));
}

char *
http_put_metric(char *p, const char *end, const struct request *req,
                const struct metric *metric)
{
    return put_meta(p, end, metric, req->echo.http.openmetrics);
}

static char *
put_label(char *p, const char *end, const char *name, const char *value)
{
    const char *value_end = end - 1; /* so that it ends even where it is cut */

    p = http_put(http_put_text(p, end, name), end, SLICE("=\""));
    return put_byte(http_put_label(p, value_end, value), '"');
}

static char *
put_labels(char *p, const char *end, const struct labels *labels)
{
    bool any = labels->constant[0] != '\0';

    if (!any && labels->name == NULL && labels->text == NULL)
        return p;
    p = http_put_text(put_byte(p, '{'), end, labels->constant);
    if (labels->name != NULL) {
        p = any ? put_byte(p, ',') : p;
        p = put_label(p, end, labels->name, labels->value);
        any = true;
    }
    if (labels->text != NULL) {
        p = any ? put_byte(p, ',') : p;
        p = put_label(p, end, labels->text_name, labels->text);
    }
    return put_byte(p, '}');
}

/* END leaves room for more than what is put without asking: punctuation, and a number. */
char *
http_put_sample(char *p, const char *end, const char *name, const struct labels *labels,
                const char *value)
{
    p = put_labels(http_put_text(p, end, name), end, labels);
    p = http_put_text(put_byte(p, ' '), end + STAT_NAME_BYTES, value);
    return put_byte(p, '\n');
}

void
http_name_metric(char *dst, size_t bytes, const char *prefix, struct slice name,
                 const char *suffix)
{
    static const struct slice ours = {"lombard_", sizeof("lombard_") - 1};
    const char *end = dst + bytes - 1;
    char *p;

    /* `lombard_version` of plain `stats` has its own already. */
    if (*prefix == '\0' && name.len > ours.len && memcmp(name.ptr, ours.ptr, ours.len) == 0)
        name = slice_make(name.ptr + ours.len, name.len - ours.len);
    dst[0] = '\0';
    p = http_put(dst, end, ours);
    p = http_put(http_put_text(p, end, prefix), end, name);
    *http_put_text(p, end, suffix) = '\0';
}
