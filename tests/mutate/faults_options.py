"""Faults of options, of counting and of `stats detail`, in the form of faults.py."""

PREFIX = "src/cmd/cmd_prefix.c"

OPTIONS_FAULTS = [
    # Counting as memcached does.
    ("count: gat is a get", "include/lombard/proto/op.def",
     "OP(GAT, gat, GET, NONE, cmd_touch,", "OP(GAT, gat, GET, NONE, cmd_get,"),
    ("count: what N made was missed", "src/cmd/cmd_meta.c",
     "    *(status == REPLY_HIT ? &cmd->stats.get_hits", "    *(req->flags == 0 ? &cmd->stats.get_hits"),
    ("count: md with another cas is no miss", "src/cmd/cmd_meta.c",
     "        cmd->stats.delete_misses++;\n        reply->status = REPLY_EXISTS;",
     "        reply->status = REPLY_EXISTS;"),
    ("count: what is invalidated was deleted", "src/cmd/cmd_meta.c",
     "reply->status == REPLY_DELETED && (req->flags & REQ_INVALIDATE) == 0",
     "reply->status == REPLY_DELETED"),
    ("flush: a second late", "src/cmd/cmd_time.c", "    at_s--;\n", ""),
    ("cas: is looked at where there is none", "src/cmd/cmd_store.c",
     " && store_keeps_cas(cmd->store)", ""),
    ("cas: an append looks at it where there is none", "src/cmd/cmd_join.c",
     " && store_keeps_cas(cmd->store)", ""),
    # stats detail.
    ("prefix: every prefix is the first", PREFIX,
     "        if (prefix->bytes == name.len && memcmp(prefix->name, name.ptr, name.len) == 0)",
     "        if (true)"),
    ("prefix: a prefix too many", PREFIX,
     "    if (p->count == p->limit)\n        return NULL;\n", ""),
    ("prefix: what is reset stays", PREFIX, "    p->count = 0;\n    p->uncounted = 0;\n", ""),
    ("prefix: a miss is a hit", PREFIX, "reads && hit;", "reads;"),
    ("prefix: -X does not forbid it", PREFIX, "!cmd->config.dump_enabled || ", ""),
    # Options.
    ("options: a repeated host is opened twice", "src/app/config_values.c",
     "        if (has_host(config, host))\n            continue;\n", ""),
    ("options: blanks behind a value count", "src/app/config_values.c",
     "        text[--len] = '\\0';", "        --len;"),
    ("options: -o takes a name without its value", "src/app/config_extended.c",
     "setting->value == VALUE_REQUIRED && value == NULL", "false"),
    ("options: -t is silent", "src/app/config.c",
     "result == CONFIG_RUN && config->threads > 1", "false"),
    ("options: a password in the environment is ignored", "src/app/environment.c",
     'value_of("MEMCACHED_PASSWORD") != NULL || ', ""),
    ("options: the environment counts more than the command line", "src/app/environment.c",
     "    for (int i = 1; i < argc; i++)", "    for (int i = argc; i < argc; i++)"),
    ("options: -B restricts nothing", "src/app/main.c", "    case PROTOCOL_BINARY: return &proto_binary;",
     "    case PROTOCOL_BINARY: return NULL;"),
    ("service: a malformed LISTEN_FDS is none", "src/app/activation.c",
     '        return refuse("LISTEN_FDS");', "        return true;"),
]
