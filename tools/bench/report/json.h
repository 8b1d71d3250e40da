/*
 * tools/bench/report/json.h - single values of JSON.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

/* TEXT as a string. */
void json_string(FILE *f, const char *text);
/* A number with DIGITS digits after the point; null where it is not finite. */
void json_number(FILE *f, double v, int digits);
/* "NAME": the same. BEFORE, such as a comma, is written first. */
void json_field(FILE *f, const char *before, const char *name, double v, int digits);
void json_count(FILE *f, const char *before, const char *name, uint64_t v);
