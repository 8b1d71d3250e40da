"""Faults of batched input and output: the ring, and groups that are received and sent for together."""

RING = "src/base/sys_ring.c"
GROUP = "src/conn/group.c"
SEND = "src/conn/send.c"
TRANSFER = "src/conn/transfer.c"

IO_FAULTS = [
    ("io: an interrupted call ends the ring", RING,
     "        if (taken < 0 && errno != EINTR)", "        if (taken < 0)"),
    ("io: what was not taken is made by the next call", RING,
     "    __atomic_store_n(ring.sq_tail, *ring.sq_tail - waiting, __ATOMIC_RELEASE);\n", ""),
    ("io: results are not taken out of the ring", RING,
     "    __atomic_store_n(ring.cq_head, head, __ATOMIC_RELEASE);\n", ""),
    ("io: results go to transfers in the order they come", RING,
     "transfers[cqe->user_data].result = cqe->res;", "transfers[count - *left].result = cqe->res;"),
    ("io: the ring may do anything", RING,
     "    return change(RING_REGISTER_RESTRICTIONS, allowed, ARRAY_LEN(allowed)) &&\n           ",
     "    (void)allowed;\n    return "),
    ("io: only the first piece is sent", RING,
     "transfers[i].count > 1", "transfers[i].count > 2"),
    ("io: a broken ring is used again", TRANSFER, "    transfer_close(transfers);\n    log_line", "    log_line"),
    ("io: what a broken ring did is done again", TRANSFER,
     "        if (!tried || list[i].result == SYS_NOT_MADE)\n", ""),
    ("io: what a broken ring did not make is lost", TRANSFER,
     "        if (!tried || list[i].result == SYS_NOT_MADE)\n",
     "        if (tried && list[i].result == SYS_NOT_MADE)\n            list[i].result = -EAGAIN;\n"
     "        if (!tried)\n"),
    ("io: replies wait for any number of requests", GROUP,
     "    return group->waited >= DRAWN(QUEUED_REQUESTS_MAX) ||", "    return"),
    ("io: requests that waited once count for ever", GROUP, "    group->waited = 0;\n", ""),
    ("io: a pipeline is sent by itself", GROUP,
     "dispatch->asked && !dispatch->conn->more_input;",
     "dispatch->batch.parsed && dispatch->batch.needs_input && !dispatch->conn->more_input;"),
    ("io: bytes of another key are told of a slow one", "src/conn/batch.c",
     " && req->key.ptr != req->key_decoded;", ";"),
    ("io: a short send of a group counts as a whole one", SEND,
     "    if ((size_t)sent == wanted)\n        return FLUSH_DONE;\n    c->blocked = true;\n",
     "    if ((size_t)sent == wanted || budget->bytes > 0)\n        return FLUSH_DONE;\n    c->blocked = true;\n"),
    ("io: an interrupted send of a group is lost", SEND,
     "    if (transfer->result == -EINTR ||\n        send_done", "    if (send_done"),
    ("io: a killed connection of a group is sent to", SEND,
     "        if (c->state != CONN_RUNNING) /* killed by another of its group */\n            continue;\n", ""),
    ("io: a queued connection is ended before it is sent to", GROUP,
     "        if (dispatch->queued) {\n", "        if (false) {\n"),
    ("io: queued replies hold the memory that a request lacks", "src/conn/shed.c",
     "    if (conn_send_queued(server)) /* replies of the same group hold memory, too */\n"
     "        return true;\n", ""),
    ("io: what is streamed to the store ends early", "include/lombard/base/copy.h",
     "    before += lines * COPY_LINE;\n    memcpy(dst + before, src + before, bytes - before);\n", ""),
    ("io: a value is copied where it does not fit", "src/conn/output.c",
     "bytes + COPY_LEAVES_BYTES <= buf_room(c->wbuf)", "bytes > 0"),
    ("loop: a timer that was due wakes for ever", "src/event/loop.c", "EPOLLIN | EPOLLET, .data", "EPOLLIN, .data"),
    ("loop: without a descriptor no timer ends a wait", "src/event/loop.c",
     "    if (loop->timer_fd < 0)\n        return false;\n",
     "    if (loop->timer_fd < 0)\n        return true;\n"),
    ("loop: only the first timer is set", "src/event/loop.c",
     "    if (LIKELY(loop->armed_ms == at_ms))", "    if (LIKELY(loop->armed_ms != 0))"),
]
