/*
 * tools/bench/report/svg.h - plain charts as SVG, for a page or a file of their own.
 *
 * Classes for a page's style: b background, g grid, a axes, n notes, l lines; c0 to c7 set the colour of a line
 * and all that belongs to it.
 *
 *     +-- title ---------------------------+
 *     | y |                                |
 *     |   |        the plot                |
 *     |   |________________________________|
 *     |            x            key: names |
 *     +------------------------------------+
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

enum { SVG_WIDTH = 720, SVG_HEIGHT = 340 };

struct svg_axis {
    const char *title;
    double low, high; /* in the units of its labels */
    bool log;         /* then LOW is above 0 */
    double step;      /* between labels of an axis that is not logarithmic; 0: choose */
    const char *(*label)(double v, char *dst, size_t bytes); /* NULL: the number */
};

struct svg {
    FILE *f;
    struct svg_axis x, y;
    int keys;     /* written so far */
    bool drawing; /* the line has a point to go on from */
};

void svg_begin(struct svg *s, FILE *f, const char *title, struct svg_axis x, struct svg_axis y);
void svg_end(struct svg *s);
/* Where a value is; what lies outside is put to the edge. */
double svg_x(const struct svg *s, double v);
double svg_y(const struct svg *s, double v);
/* A line in the colour of number I: begin, add points, end. Points that are not finite interrupt it. */
void svg_line_begin(struct svg *s, unsigned i);
void svg_line_to(struct svg *s, double x, double y);
void svg_line_end(struct svg *s);
/* A bar from LOW to HIGH at X, as intervals are drawn; to the edge where one is not known. */
void svg_whisker(struct svg *s, unsigned i, double x, double low, double high);
/* A dot in the colour of number I. */
void svg_dot(struct svg *s, unsigned i, double x, double y);
/* A rectangle between two corners, of an opacity from 0 to 1. */
void svg_cell(struct svg *s, double x0, double y0, double x1, double y1, double opacity);
/* The name of line number I. */
void svg_key(struct svg *s, unsigned i, const char *name);
/* TEXT, with what XML reserves replaced. */
void svg_text(FILE *f, const char *text);
