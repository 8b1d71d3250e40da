/* Decides whether a client may ask for what it asks for, and answers where it may not. */
#include "permission.h"

#include "admission.h"
#include "conn.h"
#include "lombard/base/log.h"
#include "lombard/base/sys.h"
#include "output.h"
#include "server_state.h"

/* For this, C would have to be authenticated. Its body, if it has one, is not passed over. */
static void
deny_command(struct conn *c, const struct request *req)
{
    const struct reply reply = {.status = REPLY_DENIED};

    conn_reply(c, req, &reply);
    if (c->proto->denial_closes || req->body_bytes > 0)
        conn_finish(c, CLOSE_UNAUTHENTICATED);
}

static void
reject_command(struct conn *c)
{
    c->server->stats.rejected_connections++;
    buf_append(c->wbuf, server_reject_text());
    conn_finish(c, CLOSE_REJECTED);
}

void
conn_note_admin_only(struct conn *c)
{
    static struct log_limit limit = LOG_LIMIT("a command was refused: for the admin listener");
    char peer[128];

    c->server->stats.admin_refused++;
    sys_peer_name(c->watch.fd, peer, sizeof(peer));
    log_limited(&limit, LOG_WARN, "<%d %s asked for what is for the admin listener only",
                c->watch.fd, peer);
}

/* There is a listener for this, and C came through another. */
static void
refuse_admin(struct conn *c, const struct request *req)
{
    const struct reply reply = {.status = REPLY_ADMIN_ONLY};

    conn_note_admin_only(c);
    conn_reply(c, req, &reply);
}

bool
conn_may_run(struct conn *c, const struct request *req)
{
    if (LIKELY(session_may(&c->session, req->op))) {
        /* Only an operator who is known to be one keeps the one place over -c. */
        if (UNLIKELY(c->session.over_limit) && c->session.authenticated)
            c->has_looked = true;
        return true;
    }
    if (!session_trusts(&c->session, req->op)) {
        deny_command(c, req);
        return false;
    }
    if (!session_operates(&c->session, req->op)) {
        refuse_admin(c, req);
        return false;
    }
    /* The one connection over -c is for an operator who looks: not for a cache client. */
    if (server_make_client(c->server, c))
        return true;
    reject_command(c);
    return false;
}

void
conn_log_auth_failure(const struct conn *c)
{
    static struct log_limit limit = LOG_LIMIT("a client failed to authenticate");
    char peer[128];

    sys_peer_name(c->watch.fd, peer, sizeof(peer));
    log_limited(&limit, LOG_WARN, "<%d %s failed to authenticate", c->watch.fd, peer);
}
