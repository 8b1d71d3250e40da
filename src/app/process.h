/*
 * src/app/process.h - what one server process has, from its options to its end; and how it gets ready.
 */
#pragma once

#include "auth_file.h"
#include "config.h"
#include "config_live.h"
#include "control.h"
#include "daemon.h"
#include "detach.h"
#include "log_file.h"
#include "ledger.h"
#include "lombard/base/attr.h"
#include "lombard/base/stats.h"
#include "lombard/conn/server.h"
#include "memory_file.h"
#include "notify.h"
#include "own_file.h"
#include "rates.h"
#include "sandbox.h"
#include "takeover.h"
#include "user.h"

struct process {
    struct config config;
    struct user user;
    struct detach detach;
    struct daemon_sockets sockets;
    struct own_file pid_file;
    struct auth_file auth_file;
    struct log_file log_file;
    struct memory_file memory_file;
    struct notify notify;
    struct sandbox sandbox;
    struct control control;
    struct takeover takeover;
    int32_t pid;
    const struct clock *clock;
    struct store *store;
    struct server *server;
    struct config_live live;
    struct stat_registry stats;
    struct rates rates;
    struct ledger ledger;
};

/*
 * Whether standard error is the log in the background, too: a service manager that has its server taken over
 * waits for the command to return, and reads the log from there.
 */
bool process_keeps_log(const struct config *config);
/*
 * Open the log, and become its user. In a takeover before it is asked for, for from then on nothing may
 * fail. False, logged.
 */
bool process_become(struct process *process) MUST_USE;
/*
 * Its sockets are watched: make its files, become its user, give up what serving does not need, and tell the
 * caller and the service manager, in this order. False, logged: what was made is the caller's to remove.
 */
bool process_get_ready(struct process *process) MUST_USE;
