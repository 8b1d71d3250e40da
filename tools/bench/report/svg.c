/* Draws axes, lines and cells as SVG. */
#include "report/svg.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "lombard/base/attr.h"

enum { LEFT = 78, TOP = 34, RIGHT = 14, BOTTOM = 62, TICKS_MAX = 12, LABEL_WIDTH = 48 };

static const char *const colours[] = {"#0068b3", "#d1495b", "#00875a", "#8e44ad",
                                      "#c77700", "#3f8fbf", "#6b705c", "#111111"};

/* The attributes that make an element of line number I: its colour is `currentColor`. A page has others for the
 * same class where the reader's system is dark. */
static void
put_colour(struct svg *s, unsigned i, const char *more_classes)
{
    size_t n = i % ARRAY_LEN(colours);

    (void)fprintf(s->f, " class=\"c%zu%s\" color=\"%s\"", n, more_classes, colours[n]);
}

void
svg_text(FILE *f, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '<': (void)fputs("&lt;", f); break;
        case '>': (void)fputs("&gt;", f); break;
        case '&': (void)fputs("&amp;", f); break;
        case '"': (void)fputs("&quot;", f); break;
        default: (void)fputc(*text, f);
        }
    }
}

/* 0 to 1 along an axis. */
static double
along(const struct svg_axis *a, double v)
{
    double share = a->log ? (log(fmax(v, 1e-300)) - log(a->low)) / (log(a->high) - log(a->low))
                          : (v - a->low) / (a->high - a->low);

    return share < 0 ? 0 : share > 1 ? 1 : share;
}

double
svg_x(const struct svg *s, double v)
{
    return LEFT + along(&s->x, v) * (SVG_WIDTH - LEFT - RIGHT);
}

double
svg_y(const struct svg *s, double v)
{
    return SVG_HEIGHT - BOTTOM - along(&s->y, v) * (SVG_HEIGHT - TOP - BOTTOM);
}

/* 1500 as 1.5k. */
static const char *
plain_label(double v, char *dst, size_t bytes)
{
    static const char *const units[] = {"", "k", "M", "G"};
    unsigned unit = 0;

    for (; fabs(v) >= 1000 && unit + 1 < ARRAY_LEN(units); unit++)
        v /= 1000;
    (void)snprintf(dst, bytes, "%.3g%s", v, units[unit]);
    return dst;
}

static void
put_tick(const struct svg *s, double v, bool is_x)
{
    const struct svg_axis *a = is_x ? &s->x : &s->y;
    double at = is_x ? svg_x(s, v) : svg_y(s, v);
    char text[32];
    const char *label = (a->label != NULL ? a->label : plain_label)(v, text, sizeof(text));
    bool at_edge = at + LABEL_WIDTH / 2.0 > SVG_WIDTH;

    if (is_x)
        (void)fprintf(s->f,
                      "<path class=\"g\" d=\"M%.1f %dV%d\"/><text x=\"%.1f\" y=\"%d\" "
                      "text-anchor=\"%s\">",
                      at, TOP, SVG_HEIGHT - BOTTOM, at_edge ? (double)SVG_WIDTH : at,
                      SVG_HEIGHT - BOTTOM + 16, at_edge ? "end" : "middle");
    else
        (void)fprintf(s->f,
                      "<path class=\"g\" d=\"M%d %.1fH%d\"/><text x=\"%d\" y=\"%.1f\" "
                      "text-anchor=\"end\">",
                      LEFT, at, SVG_WIDTH - RIGHT, LEFT - 6, at + 4);
    svg_text(s->f, label);
    (void)fprintf(s->f, "</text>\n");
}

/* 1, 2 or 5 times a power of ten, so that some six of them cover the axis. */
static double
linear_step(const struct svg_axis *a)
{
    double rough = a->step > 0 ? a->step : (a->high - a->low) / 6;
    double power = pow(10, floor(log10(rough)));
    double factor = rough / power;

    if (a->step > 0)
        return a->step;
    return power * (factor <= 1 ? 1 : factor <= 2 ? 2 : factor <= 5 ? 5 : 10);
}

static void
put_ticks(const struct svg *s, bool is_x)
{
    const struct svg_axis *a = is_x ? &s->x : &s->y;
    bool few = a->log && a->high / a->low < 100;
    static const double steps[] = {1, 2, 5};

    if (!a->log) {
        double step = linear_step(a);

        int64_t n = (int64_t)ceil(a->low / step - 1e-9);

        for (; (double)n * step <= a->high * (1 + 1e-9); n++)
            put_tick(s, n == 0 ? 0 : (double)n * step, is_x);
        return;
    }
    for (int i = (int)floor(log10(a->low)); i <= (int)log10(a->high) + 1; i++) {
        for (size_t k = 0; k < (few ? ARRAY_LEN(steps) : 1); k++) {
            double v = pow(10, i) * steps[k];

            if (v >= a->low * 0.999 && v <= a->high * 1.001)
                put_tick(s, v, is_x);
        }
    }
}

void
svg_begin(struct svg *s, FILE *f, const char *title, struct svg_axis x, struct svg_axis y)
{
    *s = (struct svg){.f = f, .x = x, .y = y};
    (void)fprintf(
        f,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\" "
        "font-family=\"sans-serif\" font-size=\"11\" fill=\"#222\">\n"
        "<style>.g{stroke:#ddd;fill:none}.l{fill:none;stroke-width:1.6}</style>\n"
        "<rect width=\"%d\" height=\"%d\" fill=\"#fff\" class=\"b\"/>\n"
        "<text x=\"%d\" y=\"20\" font-size=\"14\" font-weight=\"bold\">",
        SVG_WIDTH, SVG_HEIGHT, SVG_WIDTH, SVG_HEIGHT, LEFT);
    svg_text(f, title);
    (void)fprintf(f, "</text>\n");
    put_ticks(s, true);
    put_ticks(s, false);
    (void)fprintf(f, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">",
                  (LEFT + SVG_WIDTH - RIGHT) / 2, SVG_HEIGHT - BOTTOM + 33);
    svg_text(f, x.title);
    (void)fprintf(f,
                  "</text>\n<text transform=\"translate(14 %d) rotate(-90)\" "
                  "text-anchor=\"middle\">",
                  (TOP + SVG_HEIGHT - BOTTOM) / 2);
    svg_text(f, y.title);
    (void)fprintf(f, "</text>\n");
}

void
svg_end(struct svg *s)
{
    (void)fprintf(
        s->f, "<path class=\"a\" d=\"M%d %dV%dH%d\" fill=\"none\" stroke=\"#555\"/>\n</svg>\n",
        LEFT, TOP, SVG_HEIGHT - BOTTOM, SVG_WIDTH - RIGHT);
}

void
svg_line_begin(struct svg *s, unsigned i)
{
    (void)fputs("<path", s->f);
    put_colour(s, i, " l");
    (void)fputs(" stroke=\"currentColor\" d=\"", s->f);
    s->drawing = false;
}

void
svg_line_to(struct svg *s, double x, double y)
{
    if (!isfinite(x) || !isfinite(y)) {
        s->drawing = false;
        return;
    }
    (void)fprintf(s->f, "%c%.1f %.1f", s->drawing ? 'L' : 'M', svg_x(s, x), svg_y(s, y));
    s->drawing = true;
}

void
svg_line_end(struct svg *s)
{
    (void)fprintf(s->f, "\"/>\n");
}

void
svg_whisker(struct svg *s, unsigned i, double x, double low, double high)
{
    double at = svg_x(s, x);
    double top = isfinite(high) ? svg_y(s, high) : TOP;
    double bottom = isfinite(low) ? svg_y(s, low) : SVG_HEIGHT - BOTTOM;

    (void)fputs("<path", s->f);
    put_colour(s, i, "");
    (void)fprintf(s->f, " stroke=\"currentColor\" fill=\"none\" d=\"M%.1f %.1fV%.1f", at,
                  bottom, top);
    if (isfinite(high))
        (void)fprintf(s->f, "m-4 0h8");
    if (isfinite(low))
        (void)fprintf(s->f, "M%.1f %.1fh8", at - 4, bottom);
    (void)fprintf(s->f, "\"/>\n");
}

void
svg_dot(struct svg *s, unsigned i, double x, double y)
{
    (void)fputs("<circle", s->f);
    put_colour(s, i, "");
    (void)fprintf(s->f, " cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\" fill=\"currentColor\"/>\n",
                  svg_x(s, x), svg_y(s, y));
}

void
svg_cell(struct svg *s, double x0, double y0, double x1, double y1, double opacity)
{
    double left = svg_x(s, x0);
    double top = svg_y(s, y1);

    (void)fputs("<rect", s->f);
    put_colour(s, 0, "");
    (void)fprintf(s->f,
                  " x=\"%.1f\" y=\"%.1f\" width=\"%.2f\" height=\"%.2f\" fill=\"currentColor\" "
                  "fill-opacity=\"%.3f\"/>\n",
                  left, top, svg_x(s, x1) - left, svg_y(s, y0) - top, opacity);
}

void
svg_key(struct svg *s, unsigned i, const char *name)
{
    int x = LEFT + 210 * (s->keys % 3);
    int y = SVG_HEIGHT - 12 - 13 * (s->keys / 3 % 2);

    (void)fputs("<path", s->f);
    put_colour(s, i, " l");
    (void)fprintf(s->f, " stroke=\"currentColor\" d=\"M%d %dh18\"/><text x=\"%d\" y=\"%d\">", x,
                  y - 4, x + 23, y);
    svg_text(s->f, name);
    (void)fprintf(s->f, "</text>\n");
    s->keys++;
}
