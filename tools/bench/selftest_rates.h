/*
 * tools/bench/selftest_rates.h - does a search find what a server can do, and does a curve show it?
 *
 * At the built-in server whose capacity is known: it takes the same time for each request, one after the other.
 */
#pragma once

#include "lombard/base/attr.h"
#include "options/options.h"
#include "selftest_judge.h"

/* With the load of BASE, which has a rate and a time of its own here. Prints what was found: right is what is off by
 * no more than 5 %. */
enum selftest_verdict selftest_rates(const struct options *base) MUST_USE;
