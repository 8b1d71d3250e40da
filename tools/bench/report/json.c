/* Writes single values of JSON; a number that is not finite becomes null. */
#include "report/json.h"

#include <inttypes.h>
#include <math.h>

void
json_string(FILE *f, const char *text)
{
    (void)fputc('"', f);
    for (; *text != '\0'; text++) {
        unsigned char ch = (unsigned char)*text;

        if (ch == '"' || ch == '\\')
            (void)fprintf(f, "\\%c", ch);
        else if (ch < 0x20 || ch >= 0x7f)
            (void)fprintf(f, "\\u%04x", ch);
        else
            (void)fputc(ch, f);
    }
    (void)fputc('"', f);
}

void
json_number(FILE *f, double v, int digits)
{
    if (isfinite(v))
        (void)fprintf(f, "%.*f", digits, v);
    else
        (void)fputs("null", f);
}

void
json_field(FILE *f, const char *before, const char *name, double v, int digits)
{
    (void)fprintf(f, "%s\"%s\": ", before, name);
    json_number(f, v, digits);
}

void
json_count(FILE *f, const char *before, const char *name, uint64_t v)
{
    (void)fprintf(f, "%s\"%s\": %" PRIu64, before, name, v);
}
