/*
 * tools/bench/report/page.h - the cells of a page's tables.
 */
#pragma once

#include <stdio.h>

#include "stat/interval.h"

/* 0.0123, 12.3, 12345: as many digits as say something; a dash where it is not a number. */
void page_figure(FILE *f, double v);
/* A cell of a table with V, and below it its 95 % interval times SCALE, where that is one. */
void page_cell(FILE *f, double v, struct interval i, double scale);
