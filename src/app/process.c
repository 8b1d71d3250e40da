/* The last steps of a start: files, the user, the sandbox, and who is told. */
#include "process.h"

#include <unistd.h>

#include "host.h"
#include "lombard/base/log.h"

static bool
is_takeover(const struct process *p)
{
    return p->takeover.path != NULL;
}

/*
 * A client that sees these can connect already. False, logged, when one could not be made; after a
 * takeover the cache is worth more than they are.
 */
static bool
make_files(struct process *p)
{
    const struct config *config = &p->config;
    bool ok = (config->pid_file == NULL ||
               daemon_write_pid(config->pid_file, &p->user, &p->pid_file)) &&
              daemon_write_ports(&p->sockets.of[ROLE_CLIENT], &p->user);

    if (config->pid_file == NULL)
        daemon_remove(&p->pid_file); /* the predecessor's */
    return ok || is_takeover(p);
}

bool
process_keeps_log(const struct config *config)
{
    return config->takeover != NULL && notify_is_wanted();
}

bool
process_become(struct process *p)
{
    const struct config *config = &p->config;

    if (config->log_file != NULL && !log_file_open(&p->log_file, config->log_file, &p->user))
        return false;
    if (config->sandbox)
        sandbox_drop_bounding();
    if (!user_become(&p->user))
        return false;
    host_keep_core_dumps(config);
    if (config->log_file != NULL)
        log_file_use(&p->log_file);
    p->pid = getpid();
    p->control.uid = geteuid();
    return !is_takeover(p) || !config->daemon || detach_prepare(&p->detach);
}

static enum detach_log
detached_log(const struct config *config)
{
    if (config->log_file != NULL)
        return DETACH_LOG_FILE;
    return config->verbosity > 0 || process_keeps_log(config) ? DETACH_LOG_STDERR
                                                              : DETACH_LOG_NOWHERE;
}

/*
 * The caller and the service manager. After a takeover first the latter, for the caller may be a command of
 * it that must not return before; and a caller that has gone is no reason to end.
 */
static bool
tell_all(struct process *p)
{
    const struct config *config = &p->config;

    if (is_takeover(p)) {
        notify_ready(&p->notify);
        takeover_ready(p);
        if (config->daemon)
            (void)!detach_ready(&p->detach, detached_log(config));
        return true;
    }
    if (config->daemon && !detach_ready(&p->detach, detached_log(config)))
        return false;
    notify_ready(&p->notify);
    return true;
}

static void
allow_removal(struct sandbox *sandbox, const struct own_file *file)
{
    if (file->fd >= 0)
        sandbox_add(sandbox, SANDBOX_REMOVE, file->dir, file->name);
}

/* What the server still needs is known now. */
static void
enter_sandbox(struct process *p)
{
    struct sandbox *sandbox = &p->sandbox;

    if (!p->config.sandbox) {
        log_line(LOG_INFO, "sandbox: off");
        return;
    }
    if (p->auth_file.path != NULL)
        sandbox_add(sandbox, SANDBOX_READ, -1, p->auth_file.path);
    if (p->log_file.path != NULL)
        sandbox_add(sandbox, SANDBOX_APPEND, -1, p->log_file.path);
    allow_removal(sandbox, &p->pid_file);
    allow_removal(sandbox, &p->control.file);
    for (int role = 0; role < SESSION_ROLES; role++)
        allow_removal(sandbox, &p->sockets.files[role]);
    sandbox->core_dumps = p->config.core_dumps;
    sandbox->notify_fd = p->notify.fd;
    sandbox->notify_address = p->notify.address;
    sandbox->notify_is_abstract = notify_is_abstract(&p->notify);
    if (p->config.daemon && detached_log(&p->config) != DETACH_LOG_STDERR)
        sandbox->null_fd = p->detach.null_fd;
    sandbox_enter(sandbox);
}

/*
 * Files are made last, so that a start that fails leaves none; then root's rights are gone, and all
 * else that serving does not need; and then the caller is told.
 */
bool
process_get_ready(struct process *p)
{
    const struct config *config = &p->config;

    /* Before: what root alone may make, and with the rights to make it. */
    if (!make_files(p) || (!is_takeover(p) && !process_become(p)))
        return false;
    daemon_log_listening(&p->sockets);
    if (!is_takeover(p) && config->daemon && !detach_prepare(&p->detach))
        return false;
    ledger_begin(&p->ledger);
    enter_sandbox(p);
    log_line(LOG_INFO, "lombard " LOMBARD_VERSION " ready: %zu MB, %u connections",
             config->store.limit_bytes >> 20, config->server.max_conns);
    return tell_all(p);
}
