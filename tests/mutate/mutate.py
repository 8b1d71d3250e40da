#!/usr/bin/python3
"""Put known faults into a copy of the source, one at a time; the suite must fail.

    mutate.py [WORD...]     only the faults whose name has one of the words

Each fault is a piece of source that is replaced. When that piece is no longer
there, the fault is stale, which is reported as a failure: this list has to keep
up with the source. For each fault the fast tests run first; the time to find it
is printed. Runs by night, and for a word or two at any time.
"""
import os
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
OPTIONS = ["-Dbuildtype=debugoptimized", "-Db_lto=false", "-Db_sanitize=address,undefined"]
TESTS = [
    ["tests/sim/sweep", "founding"],
    ["tests/unit/loan/test_loan_buf"],
    ["tests/unit/loan/test_loan_pool"],
    ["tests/sim/test_pool_refused"],
    ["tests/unit/event/test_event_loop"],
    ["tests/unit/event/test_event_timer"],
    ["tests/unit/event/test_event_listen"],
    ["tests/unit/cmd/test_cmd_cmd"],
    ["tests/unit/cmd/test_cmd_upload"],
    ["tests/unit/proto/test_proto_text"],
    ["tests/sim/sim", "1", "60"],
    ["tests/unit/conn/test_conn_server"],
    ["tests/sim/sweep", "quick"],
    ["tests/sim/sim", "100", "200"],
]

# (name, file, what is replaced, by what)
FAULTS = [
    # The founding bug, in its three forms.
    ("founding: formatting does not advance write_off", "src/loan/buf.c",
     "    buf->write_off += (uint32_t)n;", "    (void)n;"),
    ("founding: a partial send counts as a whole one", "src/conn/conn_out.c",
     "buf_consumed(c->wbuf, (size_t)sent, &c->server->owner);",
     "buf_consumed(c->wbuf, wanted, &c->server->owner);"),
    ("founding: a buffer goes back that is not empty", "src/conn/turn.c",
     "    if (c->wbuf != NULL && buf_is_empty(c->wbuf))\n"
     "        pool_return(pool, LOAN_FOR_OUTPUT, &c->wbuf);",
     "    if (c->wbuf != NULL) {\n        buf_clear(c->wbuf, &c->server->owner);\n"
     "        pool_return(pool, LOAN_FOR_OUTPUT, &c->wbuf);\n    }"),
    # Offsets and references.
    ("offsets: one byte too few is consumed", "src/loan/buf.c",
     "    buf->read_off += (uint32_t)n;\n    reset",
     "    buf->read_off += (uint32_t)(n > 1 ? n - 1 : n);\n    reset"),
    ("offsets: the send of a reference is not remembered", "src/loan/buf.c",
     "            ref->sent += (uint32_t)n;", "            ref->sent += 0;"),
    ("offsets: bytes before a reference are sent twice", "src/loan/buf.c",
     "        buf->read_off = ref->at_off;\n", ""),
    ("offsets: a reference is put one byte early", "src/loan/buf.c",
     "    ref->at_off = buf->write_off;",
     "    ref->at_off = buf->write_off - (buf->write_off > buf->read_off);"),
    ("offsets: no reset when they meet", "src/loan/buf.c",
     "    buf->read_off = 0;\n    buf->write_off = 0;\n    buf->ref_count = 0;\n"
     "    buf->ref_done = 0;\n}\n\nvoid\nbuf_consumed",
     "}\n\nvoid\nbuf_consumed"),
    ("references: dropped when begun", "src/loan/buf.c",
     "            ref->sent += (uint32_t)n;\n            return;",
     "            buf->ref_done++;\n            owner->release(owner->ctx, ref->base);\n"
     "            return;"),
    ("references: never released", "src/loan/buf.c",
     "        buf->ref_done++;\n        owner->release(owner->ctx, ref->base);",
     "        (void)owner;\n        buf->ref_done++;"),
    ("references: released twice", "src/loan/buf.c",
     "        buf->ref_done++;\n        owner->release(owner->ctx, ref->base);",
     "        buf->ref_done++;\n        owner->release(owner->ctx, ref->base);\n"
     "        owner->release(owner->ctx, ref->base);"),
    ("references: not released when output is dropped", "src/loan/buf.c",
     "    for (; buf->ref_done < buf->ref_count; buf->ref_done++)\n"
     "        owner->release(owner->ctx, ref_at(buf, buf->ref_done)->base);",
     "    (void)owner;\n    buf->ref_done = buf->ref_count;"),
    ("references: queued without a pin", "src/conn/conn_out.c",
     "        cmd_pin(cmd, part.ptr);\n", ""),
    ("references: emptiness forgets them", "include/lombard/loan/buf.h",
     "buf->read_off == buf->write_off && buf->ref_done == buf->ref_count",
     "buf->read_off == buf->write_off"),
    ("references: their room is not counted", "include/lombard/loan/buf.h",
     "BUF_BYTES - buf->ref_count * sizeof(struct buf_ref) - buf->write_off",
     "BUF_BYTES - buf->write_off"),
    # The freelist.
    ("pool: a waiter is forgotten", "src/loan/pool.c",
     "    grant_waiters(pool, LOAN_FOR_OUTPUT);\n", ""),
    ("pool: a waiter for input is forgotten", "src/loan/pool.c",
     "    grant_waiters(pool, LOAN_FOR_INPUT);\n}", "}"),
    ("pool: a returned buffer stays with its borrower", "src/loan/pool.c",
     "    *slot = NULL;\n", ""),
    ("pool: the ledger forgets who lent", "src/loan/pool.c",
     "    pool->ledger.lent--;\n", ""),
    ("pool: a refusal counts as a loan", "src/loan/pool.c",
     "        counts->failed++;\n", "        counts->existing++;\n"),
    # Connections.
    ("conn: a sleeper keeps its write buffer", "src/conn/turn.c",
     "    if (c->wbuf != NULL && buf_is_empty(c->wbuf))\n", "    if (false)\n"),
    ("conn: a sleeper keeps its read buffer", "src/conn/turn.c",
     "    if (buf_is_empty(c->rbuf))\n        pool_return", "    if (false)\n        pool_return"),
    ("conn: who is blocked is still read from", "src/conn/turn.c",
     "    return c->flags & CONN_BLOCKED ? WATCH_OUT : WATCH_IN;",
     "    return c->flags & CONN_BLOCKED ? WATCH_OUT | WATCH_IN : WATCH_IN;"),
    ("conn: who is blocked is not watched", "src/conn/turn.c",
     "    return c->flags & CONN_BLOCKED ? WATCH_OUT : WATCH_IN;", "    return WATCH_IN;"),
    ("conn: the pins of a task are kept", "src/conn/conn.c",
     "    case TASK_VALUE: cmd_unpin_item(c->server->cmd, task->handle); break;",
     "    case TASK_VALUE: break;"),
    ("conn: an upload is not aborted", "src/conn/conn.c",
     "    case TASK_UPLOAD: cmd_upload_abort(c->server->cmd, task->handle); break;",
     "    case TASK_UPLOAD: break;"),
    ("conn: the stash is not freed", "src/conn/conn.c", "    conn_drop_stash(c);\n", ""),
    ("conn: the stash is not put back", "src/conn/conn_in.c",
     "    buf_append(c->rbuf, slice_make(c->stash->data, c->stash->bytes));\n", ""),
    ("conn: a batch goes on behind a stream", "src/conn/conn_in.c",
     "        if (!go_on) {", "        if (!go_on && false) {"),
    ("conn: what has no room is executed all the same", "src/conn/conn_in.c",
     "            take_back(c, batch, &batch->entries[i]);\n            return STEP_FULL;",
     "            return STEP_FULL;"),
    ("conn: the state of the protocol is not taken back", "src/conn/conn_in.c",
     "    c->proto = entry->before;\n    batch->end_off", "    batch->end_off"),
    ("conn: the end of the input is overlooked", "src/conn/conn_in.c",
     "(c->flags | CONN_EOF) & ~CONN_MORE_INPUT", "c->flags & ~CONN_MORE_INPUT"),
    ("conn: an interrupted call ends the connection", "src/conn/conn_in.c",
     "    if (got < 0 && errno == EINTR)\n        return FILL_SOME;\n", ""),
    ("conn: a value that arrived is counted twice", "src/conn/conn_body.c",
     "        task->off += filled;\n", "        task->off += 2 * filled;\n"),
    ("conn: the hash of a long append is missing", "src/conn/conn_body.c",
     "    cmd_prepare(c->server->cmd, &req); /* parsed anew, it has no hash */\n", ""),
    ("conn: a swallowed value is one byte short", "src/conn/conn_body.c",
     "    c->swallow_bytes += bytes;", "    c->swallow_bytes += bytes - 1;"),
    ("conn: the dead are served", "src/conn/conn.c",
     "    else if (c->state == CONN_STALLED)\n",
     "    else if (c->state != CONN_RUNNING)\n"),
    # The loop.
    ("loop: a stale event is served", "src/event/loop.c",
     "& watch->wanted;\n\n    if (bits == 0)\n        return;", ";\n"),
    ("loop: what is wanted is not remembered", "src/event/loop.c",
     "    watch->wanted = wanted;\n    return true;", "    return true;"),
    ("listen: a pause never ends", "src/event/listen.c",
     "    timer_set(loop_timers(listener->loop), &listener->resume, now_ms + RESUME_AFTER_MS);\n"
     "    listener->user", "    listener->user"),
    # Commands and the store.
    ("store: expiry is a second late", "src/store/record_priv.h",
     "expires_s <= now_s", "expires_s < now_s"),
    ("cmd: cas is not compared", "src/store/write.c",
     "mode, compare_cas)", "mode == COMMIT_CAS ? COMMIT_REPLACE : mode, compare_cas)"),
    ("store: an unpin is forgotten", "src/store/store.c",
     "    arena_unpin(&store->arena, addr);", "    (void)addr;"),
    ("cmd: decr goes below 0", "src/cmd/cmd_item.c",
     "req->delta > number ? 0 : number - req->delta", "number - req->delta"),
]


def run(command, cwd, seconds):
    """(status, output); a test that hangs has found the fault, too."""
    env = dict(os.environ, UBSAN_OPTIONS="halt_on_error=1", CK_FORK="yes")
    try:
        done = subprocess.run(command, cwd=cwd, env=env, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=seconds, check=False)
        return done.returncode, done.stdout.decode("latin-1")
    except subprocess.TimeoutExpired:
        return 1, "it hangs"


def tests_of(build):
    """Those that there are; rooms may not be furnished yet."""
    return [t for t in TESTS
            if os.path.exists(os.path.join(build, os.path.dirname(t[0]))) or t[0].count("/") == 2]


def build_all(build):
    names = sorted(set(t[0] for t in tests_of(build)))
    return run(["ninja", "-C", build] + names, build, 600)


def find(build):
    """The first test that fails, or None."""
    for test in tests_of(build):
        status, _ = run([os.path.join(build, test[0])] + test[1:], build, 300)
        if status != 0:
            return " ".join(test)
    return None


def try_fault(tree, build, fault):
    """What came of it, and whether that is as it should be."""
    _, path, old, new = fault
    path = os.path.join(tree, path)
    with open(path, encoding="utf-8") as f:
        text = f.read()
    if text.count(old) != 1:
        return "STALE: its place is there %d times" % text.count(old), False
    try:
        with open(path, "w", encoding="utf-8") as f:
            f.write(text.replace(old, new))
        status, output = build_all(build)
        if status != 0:
            return "found by the compiler: " + first_error(output), True
        started = time.monotonic()
        test = find(build)
        if test is None:
            return "NOT FOUND", False
        return "found by %s in %.1f s" % (test, time.monotonic() - started), True
    finally:
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)


def first_error(output):
    lines = [line for line in output.splitlines() if "error" in line]
    return lines[0][-100:] if lines else "?"


def main():
    words = sys.argv[1:]
    faults = [f for f in FAULTS if not words or any(w in f[0] for w in words)]
    tree = tempfile.mkdtemp(prefix="lombard-mutate-")
    found = 0
    try:
        for part in ("meson.build", "src", "include", "tests", "tools"):
            source = os.path.join(ROOT, part)
            copy = shutil.copytree if os.path.isdir(source) else shutil.copy2
            copy(source, os.path.join(tree, part))
        build = os.path.join(tree, "build")
        subprocess.run(["meson", "setup", build, tree] + OPTIONS, check=True,
                       stdout=subprocess.DEVNULL)
        status, output = build_all(build)
        if status != 0 or find(build) is not None:
            print("the source is not sound as it is: %s" % first_error(output))
            sys.exit(1)
        for fault in faults:
            text, good = try_fault(tree, build, fault)
            found += good
            print("%-55s %s" % (fault[0], text), flush=True)
    finally:
        shutil.rmtree(tree)
    print("%d passed, %d failed" % (found, len(faults) - found))
    sys.exit(0 if found == len(faults) else 1)


main()
