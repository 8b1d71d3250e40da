/* Writes one round as JSON; what is not known is null. */
#include "page_json.h"

#include <time.h>

static void
put_text(FILE *out, const char *text)
{
    (void)fputc('"', out);
    for (const char *p = text; *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;

        if (c == '"' || c == '\\')
            (void)fprintf(out, "\\%c", c);
        else if (c < 0x20 || c >= 0x7f)
            (void)fprintf(out, "\\u%04x", c);
        else
            (void)fputc(c, out);
    }
    (void)fputc('"', out);
}

static void
put_number(FILE *out, const char *name, double v)
{
    if (v < 0)
        (void)fprintf(out, ",\"%s\":null", name);
    else
        (void)fprintf(out, ",\"%s\":%.10g", name, v);
}

static void
put_keys(FILE *out, const struct figures *f)
{
    (void)fprintf(out, ",\"hot_keys\":[");
    for (int i = 0; i < f->key_count; i++) {
        (void)fprintf(out, "%s{\"key\":", i > 0 ? "," : "");
        put_text(out, f->keys[i].key);
        put_number(out, "share_pct", f->keys[i].share_pct);
        put_number(out, "error_pct", f->keys[i].error_pct);
        put_number(out, "per_second", f->keys[i].per_second);
        (void)fprintf(out, "}");
    }
    (void)fprintf(out, "]");
}

static void
put_talkers(FILE *out, const struct figures *f)
{
    (void)fprintf(out, ",\"connections_listed\":[");
    for (int i = 0; i < f->talker_count; i++) {
        const struct talker *talker = &f->talkers[i];

        (void)fprintf(out, "%s{\"id\":", i > 0 ? "," : "");
        put_text(out, talker->id[0] != '\0' ? talker->id : talker->line);
        (void)fprintf(out, ",\"address\":");
        put_text(out, talker->address);
        (void)fprintf(out, ",\"name\":");
        put_text(out, talker->name);
        (void)fprintf(out, ",\"state\":");
        put_text(out, talker->state);
        put_number(out, "bytes_in", talker->bytes_in);
        put_number(out, "bytes_out", talker->bytes_out);
        put_number(out, "requests", talker->requests);
        put_number(out, "bytes_held", talker->held);
        put_number(out, "secs_stalled", talker->stalled_s);
        (void)fprintf(out, "}");
    }
    (void)fprintf(out, "],\"events\":[");
    for (int i = 0; i < f->event_count; i++) {
        (void)fprintf(out, "%s", i > 0 ? "," : "");
        put_text(out, f->events[i].text);
    }
    (void)fprintf(out, "]");
}

static void
put_figures(FILE *out, const struct figures *f)
{
    const struct {
        const char *name;
        double v;
    } numbers[] = {
        {"uptime_s", f->uptime_s},
        {"connections", f->conns},
        {"connections_ready", f->ready},
        {"connections_stalled", f->stalled},
        {"items", f->items},
        {"bytes", f->bytes},
        {"limit_bytes", f->limit_bytes},
        {"commands_per_s", f->commands},
        {"hit_pct", f->hit_pct},
        {"bytes_in_per_s", f->bytes_in},
        {"bytes_out_per_s", f->bytes_out},
        {"evictions_per_s", f->evictions},
        {"p50_us", f->p50_us},
        {"p99_us", f->p99_us},
        {"max_us", f->max_us},
        {"iteration_max_us", f->loop_max_us},
    };

    (void)fprintf(out, ",\"version\":");
    put_text(out, f->version);
    (void)fprintf(out, ",\"is_lombard\":%s", f->is_lombard ? "true" : "false");
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        put_number(out, numbers[i].name, numbers[i].v);
    put_keys(out, f);
    put_talkers(out, f);
}

void
page_json(FILE *out, const struct subject *subjects, int count)
{
    (void)fprintf(out, "{\"time\":%lld,\"servers\":[", (long long)time(NULL));
    for (int i = 0; i < count; i++) {
        const struct subject *subject = &subjects[i];

        (void)fprintf(out, "%s{\"address\":", i > 0 ? "," : "");
        put_text(out, subject->address);
        (void)fprintf(out, ",\"up\":%s", subject->up ? "true" : "false");
        if (subject->up) {
            put_figures(out, &subject->figures);
        } else {
            (void)fprintf(
                out, ",\"wants_login\":%s,\"why\":", subject->wants_login ? "true" : "false");
            put_text(out, subject->why);
        }
        (void)fprintf(out, "}");
    }
    (void)fprintf(out, "]}\n");
    (void)fflush(out);
}
