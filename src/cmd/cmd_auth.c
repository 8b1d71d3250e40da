/* Commands that authenticate a session: memcached's text form, and SASL PLAIN (RFC 4616). */
#include <string.h>

#include "cmd_priv.h"

/* The only mechanism there is. */
#define MECHANISM SLICE("PLAIN")

bool
cmd_wants_auth(const struct cmd *cmd)
{
    return cmd->config.passwords != NULL;
}

/* What comes up to the first C of *REST, which begins behind it then. False: there is none. */
static bool
take_until(struct slice *rest, char c, struct slice *taken)
{
    const char *found = rest->len == 0 ? NULL : memchr(rest->ptr, c, rest->len);
    size_t len;

    if (found == NULL)
        return false;
    len = (size_t)(found - rest->ptr);
    *taken = slice_make(rest->ptr, len);
    *rest = slice_make(found + 1, rest->len - len - 1);
    return true;
}

/* An attempt that came to this. */
static void
settle(struct cmd *cmd, struct session *session, bool ok, struct reply *reply)
{
    session->authenticated = ok;
    cmd->stats.auth_cmds++;
    cmd->stats.auth_errors += !ok;
    reply->status = ok ? REPLY_AUTHENTICATED : REPLY_AUTH_FAILED;
}

/* <user> <password>: in text, where a session that is authenticated has no such command. */
void
cmd_auth(struct cmd *cmd, struct session *session, const struct request *req,
         struct reply *reply)
{
    struct slice password = req->value;
    struct slice user;

    if (!cmd_wants_auth(cmd)) {
        reply->status = REPLY_AUTH_OFF;
        return;
    }
    if (!take_until(&password, ' ', &user)) {
        reply->status = REPLY_AUTH_MALFORMED;
        return;
    }
    settle(cmd, session, passwords_match(cmd->config.passwords, user, password), reply);
}

/* Where no client has to authenticate there is no mechanism, which is no error. */
void
cmd_sasl_list(struct cmd *cmd, struct session *session UNUSED, const struct request *req UNUSED,
              struct reply *reply)
{
    reply->status = REPLY_TEXT;
    reply->text_bytes = 0;
    if (!cmd_wants_auth(cmd))
        return;
    reply->text_bytes = (uint16_t)MECHANISM.len;
    memcpy(reply->text, MECHANISM.ptr, MECHANISM.len);
}

/*
 * [<authorization identity>] NUL <user> NUL <password>. No user may act as another one, so that
 * the first, where it is there, is the second.
 */
static bool
is_plain_match(const struct cmd *cmd, struct slice message)
{
    struct slice identity, user;

    return take_until(&message, '\0', &identity) && take_until(&message, '\0', &user) &&
           passwords_match(cmd->config.passwords, user, message) &&
           (identity.len == 0 || slice_equal(identity, user));
}

/* Whoever begins anew is not authenticated until that has succeeded. */
void
cmd_sasl_auth(struct cmd *cmd, struct session *session, const struct request *req,
              struct reply *reply)
{
    bool is_plain = slice_equal(req->key, MECHANISM);

    if (!cmd_wants_auth(cmd)) {
        reply->status = REPLY_AUTH_OFF;
        return;
    }
    session->sasl_begun = is_plain && req->value.len == 0;
    if (session->sasl_begun) {
        session->authenticated = false;
        reply->status = REPLY_AUTH_CONTINUE;
        return;
    }
    settle(cmd, session, is_plain && is_plain_match(cmd, req->value), reply);
}

void
cmd_sasl_step(struct cmd *cmd, struct session *session, const struct request *req,
              struct reply *reply)
{
    bool begun = session->sasl_begun;

    if (!cmd_wants_auth(cmd)) {
        reply->status = REPLY_AUTH_OFF;
        return;
    }
    session->sasl_begun = false;
    settle(cmd, session, begun && is_plain_match(cmd, req->value), reply);
}
