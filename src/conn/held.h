/*
 * src/conn/held.h - what a connection keeps of the store's memory while it waits.
 */
#pragma once

#include "conn_state.h"

/*
 * Bytes of the store that C keeps, nearly: an upload is not looked at part by part. Not while a
 * trial of cmd is under way.
 */
uint64_t conn_held_bytes(const struct conn *c);
/* As if C were closed, in the trial that has begun. */
void conn_trial_add(struct conn *c);
