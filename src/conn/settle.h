/*
 * src/conn/settle.h - the end of a dispatch.
 */
#pragma once

#include "conn_state.h"

/*
 * C, which was served, has MORE to do right now, or waits for something: return what is empty,
 * and put it into the state and the list that say so. WAS_STALLED: before it was served.
 */
void conn_settle(struct conn *c, bool more, bool was_stalled);
