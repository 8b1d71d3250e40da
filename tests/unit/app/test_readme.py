#!/usr/bin/python3
"""Every statistic that is Lombard's own is in tools/dist/statistics.md, and what is there exists; so do
the groups in README.md.

    test_readme.py DAEMON
"""
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "helpers"))
from checks import Checks
from client import connect, stats
from server import Server

# What memcached's `stats` has as well, with the same meaning: see its protocol.txt.
MEMCACHED = set("""
    pid uptime time version pointer_size rusage_user rusage_system max_connections threads
    accepting_conns listen_disabled_num time_in_listen_disabled_us curr_connections
    total_connections rejected_connections connection_structures conn_yields bytes_read
    bytes_written cmd_get cmd_set cmd_flush cmd_touch cmd_meta get_hits get_misses delete_misses
    delete_hits incr_misses incr_hits decr_misses decr_hits cas_misses cas_hits cas_badval
    touch_hits touch_misses auth_cmds auth_errors store_too_large store_no_memory limit_maxbytes curr_items
    total_items bytes evictions evicted_unfetched reclaimed expired_unfetched
    get_expired get_flushed hash_bytes
    hash_is_expanding
    response_obj_oom response_obj_count response_obj_bytes read_buf_count read_buf_bytes
    read_buf_bytes_free read_buf_oom idle_kicks malloc_fails direct_reclaims hash_power_level
    slab_reassign_rescues slab_reassign_chunk_rescues slab_reassign_inline_reclaim
    slab_reassign_busy_items slab_reassign_busy_deletes slab_reassign_busy_nomem
    slab_reassign_running slabs_moved slab_global_page_pool lru_crawler_running lru_crawler_starts
    lru_maintainer_juggles crawler_reclaimed crawler_items_checked lrutail_reflocked moves_to_cold
    moves_to_warm moves_within_lru lru_bumps_dropped log_worker_dropped log_worker_written
    log_watcher_skipped log_watcher_sent log_watchers unexpected_napi_ids round_robin_fallback
    evicted_active
""".split())

check = Checks()


def text_of(path):
    with open(os.path.join(HERE, "..", "..", "..", path), encoding="utf-8") as f:
        return f.read()


def documented():
    """Names in the table of statistics; one that begins with _ ends as the one before it."""
    table = text_of("tools/dist/statistics.md").split("| name | meaning |\n", 1)[1]
    names, stem = [], ""
    for row in table.splitlines()[1:]:
        for name in re.findall(r"`(\w+)`", row.split(" | ")[0]):
            if name.startswith("_"):
                name = stem + name
            else:
                stem = name.rsplit("_", 1)[0]
            names.append(name)
    return names


def answer_to(server, command):
    with connect(server) as s:
        s.sendall(command.encode() + b"\r\nquit\r\n")
        return b"".join(iter(lambda: s.recv(65536), b""))


def main():
    names = documented()
    with Server([os.path.abspath(sys.argv[1])]) as server:
        s = connect(server)
        shown = set(stats(s))
        for name in sorted(shown - MEMCACHED):
            check.that(name in names, "%s is in tools/dist/statistics.md" % name)
        for name in names:
            check.that(name in shown, "%s of tools/dist/statistics.md is in `stats`" % name)
        check.that(MEMCACHED <= shown, "none is missing:", sorted(MEMCACHED - shown))
        for group in sorted(set(re.findall(r"`stats (\w+)`", text_of("README.md")))):
            check.that(answer_to(server, "stats " + group).endswith((b"END\r\n", b"RESET\r\n")),
                       "`stats %s` of the README exists" % group)
        s.close()
        server.check_end(check)
    check.done()


main()
