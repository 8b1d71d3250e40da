/* Decides whether a client may ask for what it asks for, and answers where it may not. */
#include "permission.h"

#include "admission.h"
#include "conn.h"
#include "notice.h"
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
conn_note_admin_only(struct conn *c, enum request_op op)
{
    static struct event_kind kind = EVENT_KIND("refused reason=admin_only", LOG_WARN);

    c->server->stats.admin_refused++;
    conn_notice(&kind, c, "command=%s", request_op_name(op));
}

/* There is a listener for this, and C came through another. */
static void
refuse_admin(struct conn *c, const struct request *req)
{
    const struct reply reply = {.status = REPLY_ADMIN_ONLY};

    conn_note_admin_only(c, req->op);
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
    static struct event_kind kind = EVENT_KIND("refused reason=authentication", LOG_WARN);

    conn_notice(&kind, c, "failed=1");
}
