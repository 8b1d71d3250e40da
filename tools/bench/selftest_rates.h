/*
 * tools/bench/selftest_rates.h - does a search find what a server can do, and does a curve show it?
 *
 * At the built-in server whose capacity is known: it takes the same time for each request, one after the other.
 */
#pragma once

#include <stdbool.h>

#include "lombard/base/attr.h"
#include "options/options.h"

/* With the load of BASE, which has a rate and a time of its own here. Prints what was found; false when it is off
 * by more than 5 %. */
bool selftest_rates(const struct options *base) MUST_USE;
