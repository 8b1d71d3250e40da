/* Writes the cells of a page's tables. */
#include "report/page.h"

#include <math.h>

void
page_figure(FILE *f, double v)
{
    if (isnan(v))
        (void)fputs("&ndash;", f);
    else
        (void)fprintf(f, "%.*f", fabs(v) >= 1000 ? 0 : fabs(v) >= 10 ? 1 : 3, v);
}

static void
put_interval(FILE *f, struct interval i, double scale)
{
    if (isnan(i.low) && isnan(i.high))
        return;
    (void)fputs("<br><small>", f);
    page_figure(f, i.low * scale);
    (void)fputs(" to ", f);
    page_figure(f, i.high * scale);
    (void)fputs("</small>", f);
}

void
page_cell(FILE *f, double v, struct interval i, double scale)
{
    (void)fputs("<td>", f);
    page_figure(f, v);
    put_interval(f, i, scale);
    (void)fputs("</td>", f);
}
