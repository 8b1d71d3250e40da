/*
 * src/conn/scan.h - some of all connections: shown, or killed.
 *
 *     kill WHICH                 id N | addr IP[:PORT] | addr unix | stalled SECONDS
 *     stats conns WHICH          these, and: state NAME
 *     stats conns top BY [N]     requests | bytes_in | bytes_out | held | stalled; N: 10, at most 100
 *
 * A TASK_SCAN. It looks at all slots of the table, piece by piece, so that no step of it depends on
 * how many there are; connections that come or go meanwhile are seen or not.
 */
#pragma once

#include "conn_state.h"
#include "step.h"

/* Go on with a TASK_SCAN. */
enum step conn_scan_step(struct conn *c) MUST_USE;
