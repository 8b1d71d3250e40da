"""Faults of what the protocols accept: of numbers above all. As in faults.py."""

LINE = "src/proto/text_line.c"
META = "src/proto/meta.c"
TOKEN = "src/proto/token.c"

RANGE_FAULTS = [
    # An expiry: of 32 bits with a sign, of which the classic store commands take the low ones.
    ("range: an expiry of a store command has 64 bits", TOKEN,
     "    *out = (int32_t)(uint32_t)(negative ? 0 - magnitude : magnitude);",
     "    *out = magnitude > INT32_MAX ? INT32_MAX : (int32_t)(negative ? -magnitude : magnitude);"),
    ("range: an expiry has no sign", TOKEN,
     "    *out = (int32_t)(negative ? -(int64_t)v : (int64_t)v);", "    *out = (int32_t)v;"),
    ("range: an expiry of 2^31 is taken", TOKEN, "(uint64_t)INT32_MAX + negative, &v))",
     "(uint64_t)UINT32_MAX, &v))"),
    ("range: an expiry of -2^31 is refused", TOKEN, "(uint64_t)INT32_MAX + negative, &v))",
     "(uint64_t)INT32_MAX, &v))"),
    ("range: touch takes the low bits", LINE,
     "    if (parse_key(words, req) && !token_i32(words->at[2], &exptime))",
     "    if (parse_key(words, req) && !token_low_i32(words->at[2], &exptime))"),
    ("range: gat takes the low bits", "src/proto/text.c",
     "    state->bad_exptime = !token_i32(word, &state->exptime);",
     "    state->bad_exptime = !token_low_i32(word, &state->exptime);"),
    ("range: flush_all takes the low bits", LINE,
     "    if (!token_i32(words->at[1], &exptime))", "    if (!token_low_i32(words->at[1], &exptime))"),
    ("range: meta T takes the low bits", META, "    if (!token_i32(arg, &time))",
     "    if (!token_low_i32(arg, &time))"),
    ("range: meta N takes the low bits", META, "token_i32(arg, &meta->vivify_ttl)",
     "token_low_i32(arg, &meta->vivify_ttl)"),
    ("range: meta R takes the low bits", META, "token_i32(arg, &meta->recache_ttl)",
     "token_low_i32(arg, &meta->recache_ttl)"),
    ("range: set refuses an expiry of more than 31 bits", LINE,
     "        !token_low_i32(words->at[3], &exptime)) {", "        !token_i32(words->at[3], &exptime)) {"),
    ("range: R is seconds even where it is a time of day", "src/cmd/cmd_meta.c",
     "           expires_s < cmd_expires_s(cmd, req->meta.recache_ttl);",
     "           cmd_ttl_s(cmd, expires_s) < req->meta.recache_ttl;"),
    ("range: flush_all at a time long ago flushes now", "src/cmd/cmd.c",
     "    if (at_s == EXPIRED_S)\n        return UINT32_MAX;\n", ""),
    # Client flags.
    ("range: client flags of 33 bits are refused", TOKEN,
     "    *out = (uint32_t)(negative ? 0 - magnitude : magnitude);\n",
     "    if (magnitude > UINT32_MAX)\n        return false;\n    *out = (uint32_t)magnitude;\n"),
    ("range: client flags of -1 are taken", TOKEN,
     "    if (negative && (int64_t)(0 - magnitude) < 0)\n        return false;\n", ""),
    ("range: client flags of ms keep the low bits", META, "!token_u32(arg, &req->client_flags)",
     "!token_low_u32(arg, &req->client_flags)"),
    # A value whose command is refused is never taken for commands.
    ("range: a value behind bad client flags is taken for commands", LINE,
     "        request_refuse_value(req, quiet ? slice_make(NULL, 0) : REFUSE_BAD_FORMAT);\n"
     "        return false;",
     "        request_refuse(req, quiet ? slice_make(NULL, 0) : REFUSE_BAD_FORMAT);\n"
     "        return false;"),
    ("range: a value behind a bad cas is taken for commands", LINE,
     "        (words->count < 6 || !token_u64(words->at[5], &req->cas)))\n"
     "        request_refuse_value(",
     "        (words->count < 6 || !token_u64(words->at[5], &req->cas)))\n"
     "        request_refuse("),
    ("range: two bytes too few are skipped", LINE,
     "    req->flags = REQ_SWALLOW;\n    req->value_bytes = value_bytes;\n"
     "    req->body_bytes = value_bytes + REQUEST_TAIL_BYTES;",
     "    req->flags = REQ_SWALLOW;\n    req->value_bytes = value_bytes;\n"
     "    req->body_bytes = value_bytes;"),
    ("range: noreply hides a length that is none", LINE,
     "bytes > VALUE_BYTES_MAX) {\n        request_refuse(req, REFUSE_BAD_FORMAT);",
     "bytes > VALUE_BYTES_MAX) {\n        refuse_unless_quiet(req, REFUSE_BAD_FORMAT);"),
    # Numbers of 64 bits, and their length.
    ("range: 2^64 wraps", TOKEN, "v > (max - digit) / 10", "false"),
    ("range: leading zeros without end", TOKEN, "s.len <= CHARS_MAX_64 &&", "true &&"),
    ("range: a cas may have a plus sign", TOKEN, "        unsigned digit = (unsigned)(unsigned char)s.ptr[i] - '0';",
     "        unsigned digit = s.ptr[i] == '+' ? 0 : (unsigned)(unsigned char)s.ptr[i] - '0';"),
    ("range: a binary body of any length is believed", "src/proto/mcbp.c",
     "len->body_bytes > BODY_BYTES_MAX ||", "false ||"),
    # A line without an end.
    ("range: a line without an end is waited for", "src/proto/text.c",
     "    if (newline == NULL && len <= LINE_BYTES_MAX) {",
     "    if (newline == NULL && len <= 2 * LINE_BYTES_MAX) {"),
    ("range: a line of 2,048 bytes is closed", "src/proto/text.c",
     "    if (newline == NULL && len <= LINE_BYTES_MAX) {",
     "    if (newline == NULL && len < LINE_BYTES_MAX) {"),
    ("range: blanks are no part of a line", "src/proto/text.c",
     "    return word - p <= LINE_BLANKS_MAX && len >= 5 &&", "    return len >= 5 &&"),
    ("range: gat is of any length", "src/proto/text.c", "    if (bytes > LINE_BYTES_MAX) {",
     "    if (false) {"),
    ("range: what was taken of a gat is forgotten", "src/proto/text.c",
     "    uint64_t bytes = (uint64_t)state->gat_bytes + taken +", "    uint64_t bytes = taken +"),
    # What changed from one version to the next.
    ("version: mg C sends the value that is known", "src/proto/meta_reply.c",
     "    return is_asked(req, 'v') && !(is_asked(req, 'C') && req->cas == item->cas);",
     "    return is_asked(req, 'v');"),
    ("version: mg without C compares, too", "src/proto/meta_reply.c",
     "!(is_asked(req, 'C') && req->cas == item->cas)", "!(req->cas == item->cas)"),
    ("version: me has its old sign", "src/proto/meta_reply.c",
     "num_format_i64(p, item->ttl_s);\n    p = put_slice(p, SLICE(\" la=\"));",
     "num_format_i64(p, item->ttl_s == -1 ? -1 : -item->ttl_s);\n"
     "    p = put_slice(p, SLICE(\" la=\"));"),
    ("version: a dump does not say OK", "src/cmd/cmd_dump.c",
     "    if (!stream->begun && stream->kind != STREAM_OF_CACHEDUMP) {", "    if (false) {"),
    ("version: md x draws a new cas", "src/cmd/cmd_meta.c",
     "    uint64_t new_cas = is_asked(req, 'E') || stale ? req->new_cas : item->cas;",
     "    uint64_t new_cas = req->new_cas;"),
    ("version: md x keeps the time", "src/cmd/cmd_meta.c",
     "        .client_flags = req->client_flags,\n        .expires_s = cmd_expires_s(cmd, req->exptime),",
     "        .client_flags = req->client_flags,\n        .expires_s = item->expires_s,"),
    ("version: what is empty has its cas looked at", "src/cmd/cmd_item.c",
     "    if (item->value_bytes == 0) {", "    if (false) {"),
    ("version: ma q says what it created", "src/proto/meta_reply.c",
     "REPLY_DELETED || reply->status == REPLY_NUMBER;", "REPLY_DELETED;"),
]
