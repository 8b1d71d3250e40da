/* Hands to the store what connections ask of it: parts of values, pins, and trials. */
#include "cmd_priv.h"

struct slice
cmd_value_at(const struct cmd *cmd, const void *handle, uint64_t off)
{
    return store_value_at(cmd->store, handle, off);
}

void
cmd_pin(struct cmd *cmd, const void *addr)
{
    store_pin(cmd->store, addr);
}

void
cmd_unpin(struct cmd *cmd, const void *addr)
{
    store_unpin(cmd->store, addr);
}

void
cmd_pin_item(struct cmd *cmd, const void *handle)
{
    store_pin_item(cmd->store, handle);
}

void
cmd_unpin_item(struct cmd *cmd, const void *handle)
{
    store_unpin_item(cmd->store, handle);
}

uint64_t
cmd_pin_count(const struct cmd *cmd)
{
    return store_pin_count(cmd->store);
}

uint32_t
cmd_item_pin_count(const struct cmd *cmd, const void *handle)
{
    return store_item_pin_count(cmd->store, handle);
}

bool
cmd_check(const struct cmd *cmd)
{
    return store_check(cmd->store);
}

uint64_t
cmd_loc(const struct cmd *cmd, const void *addr)
{
    return store_loc(cmd->store, addr);
}

const void *
cmd_held_at(const struct cmd *cmd, uint64_t loc, uint64_t bytes)
{
    return store_held_at(cmd->store, loc, bytes);
}

void *
cmd_held_item(const struct cmd *cmd, uint64_t loc, uint64_t value_bytes, bool reserved)
{
    return store_held_item(cmd->store, loc, value_bytes, reserved);
}

uint64_t
cmd_missing_bytes(const struct cmd *cmd)
{
    return store_missing_bytes(cmd->store);
}

uint64_t
cmd_excess_bytes(const struct cmd *cmd)
{
    return store_excess_bytes(cmd->store);
}

void
cmd_trial_begin(struct cmd *cmd)
{
    store_trial_begin(cmd->store);
}

void
cmd_trial_unpin(struct cmd *cmd, const void *addr)
{
    store_trial_unpin(cmd->store, addr);
}

void
cmd_trial_unpin_item(struct cmd *cmd, const void *handle)
{
    store_trial_unpin_item(cmd->store, handle);
}

void
cmd_trial_upload_abort(struct cmd *cmd, const void *handle)
{
    store_trial_abort(cmd->store, handle);
}

struct cmd_trial
cmd_trial_result(const struct cmd *cmd)
{
    struct store_trial trial = store_trial_result(cmd->store);

    return (struct cmd_trial){trial.held_bytes, trial.freed_bytes};
}
