/*
 * tools/top/page_json.h - one round as a line of JSON.
 */
#pragma once

#include <stdio.h>

#include "screen.h"

void page_json(FILE *out, const struct subject *subjects, int count);
