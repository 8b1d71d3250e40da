"""Faults in what operators can do: their listener, what is refused elsewhere."""

ADMISSION = "src/conn/admission.c"

ADMIN_FAULTS = [
    ("admin: every listener is for operators", ADMISSION,
     "    c->session.no_admin = server->has_admin && entrance->role != ROLE_ADMIN;",
     "    c->session.no_admin = false;"),
    ("admin: clients over -c are operators beside a listener for these", ADMISSION,
     "    return role == ROLE_CLIENT && !server->has_admin &&", "    return role == ROLE_CLIENT &&"),
    ("admin: a proxy on this host is an operator", ADMISSION,
     " && !server->config.proxy_is_client &&\n           server->operator_conn", " &&\n           server->operator_conn"),
    ("admin: a listing of keys is for every client", "include/lombard/proto/op.def",
     "OP(DUMP_KEYS, dump, OTHER, NONE, none, PROP_ADMIN)", "OP(DUMP_KEYS, dump, OTHER, NONE, none, 0)"),
    ("admin: flush_all is for every client", "src/cmd/cmd_admin.c",
     "    if (cmd->config.admin_flush && session->no_admin) {", "    if (false && session->no_admin) {"),
    ("admin: an idle operator loses an unneeded place", "src/conn/sweep.c",
     "           server->role_conns[ROLE_ADMIN] >= server->config.admin_conns &&\n", ""),
    ("admin: the socket is open to all", "src/app/daemon_listen.c",
     "        o.mode = config->admin_mode;", "        o.mode = 0777;"),
]
