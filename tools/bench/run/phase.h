/*
 * tools/bench/run/phase.h - one phase of a load, from load_begin() until everything is answered or given up.
 */
#pragma once

#include "run/driver.h"

enum driver_result phase_run(struct driver *d) MUST_USE;
