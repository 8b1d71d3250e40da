/* What reports say of loads that are more than a mix: replays. */
#include <inttypes.h>
#include <math.h>

#include "report/json.h"
#include "report/report.h"
#include "report/svg.h"

void
report_replay(FILE *f, const struct options *o)
{
    const struct replay *r = o->replay_plan;

    if (r == NULL)
        return;
    (void)fprintf(f,
                  "replay        %s: %" PRIu64 " requests for %" PRIu64 " keys over %.3f s "
                  "(speed %g), at most %" PRIu64 " in a second\n",
                  o->trace_path, r->count, r->keys, (double)r->span_ns / 1e9, o->speed,
                  r->busiest);
    if (r->backwards > 0)
        (void)fprintf(f,
                      "              %" PRIu64 " were earlier than the one before, and left "
                      "with it\n",
                      r->backwards);
}

void
report_replay_json(FILE *f, const struct options *o)
{
    const struct replay *r = o->replay_plan;

    if (r == NULL)
        return;
    (void)fputs(",\n    \"replay\": {\"trace\": ", f);
    json_string(f, o->trace_path);
    json_count(f, ", ", "requests", r->count);
    json_count(f, ", ", "keys", r->keys);
    json_field(f, ", ", "seconds", (double)r->span_ns / 1e9, 6);
    json_field(f, ", ", "speed", o->speed, 6);
    json_count(f, ", ", "most_in_a_second", r->busiest);
    json_count(f, ", ", "backwards", r->backwards);
    (void)fputc('}', f);
}

void
report_replay_html(FILE *f, const struct options *o)
{
    const struct replay *r = o->replay_plan;

    if (r == NULL)
        return;
    (void)fputs("<tr><td>replay</td><td>", f);
    svg_text(f, o->trace_path);
    (void)fprintf(f,
                  ": %" PRIu64 " requests for %" PRIu64
                  " keys over %.3f s (speed %g), at most %" PRIu64 " in a second</td></tr>\n",
                  r->count, r->keys, (double)r->span_ns / 1e9, o->speed, r->busiest);
}
