#!/usr/bin/python3
"""Names of statistics: those that tools read are there, and those of memcached, but for a list.

    names.py DAEMON [MEMCACHED]

Without MEMCACHED, or memcached-1.6.45 installed, only what tools read is looked for.
"""
import os
import re
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "helpers"))
from checks import Checks
from client import ask, dial
from server import Server, end_on_sigterm

OPS = ["get", "delete", "incr", "decr", "cas", "touch"]

# What tools ask for, by group. prometheus/memcached_exporter:
EXPORTER = {
    "": ["version", "uptime", "time", "cas_badval", "cmd_flush", "cmd_set", "rusage_user",
         "rusage_system", "bytes", "limit_maxbytes", "curr_items", "total_items", "bytes_read",
         "bytes_written", "curr_connections", "total_connections", "rejected_connections",
         "conn_yields", "listen_disabled_num", "evictions", "reclaimed", "store_too_large",
         "store_no_memory", "lru_crawler_starts", "direct_reclaims", "crawler_items_checked",
         "crawler_reclaimed", "moves_to_cold", "moves_to_warm", "moves_within_lru",
         "accepting_conns"] + [op + end for op in OPS for end in ("_hits", "_misses")],
    "items": ["items:N:" + name for name in (
        "number", "age", "hits_to_hot", "hits_to_warm", "hits_to_cold", "hits_to_temp",
        "crawler_reclaimed", "evicted", "evicted_nonzero", "evicted_time", "evicted_unfetched",
        "expired_unfetched", "outofmemory", "reclaimed", "tailrepairs", "mem_requested",
        "moves_to_cold", "moves_to_warm", "moves_within_lru", "number_hot", "number_warm",
        "number_cold", "age_hot", "age_warm")],
    "slabs": ["N:" + name for name in (
        "cmd_set", "cas_badval", "chunk_size", "chunks_per_page", "total_pages", "total_chunks",
        "used_chunks", "free_chunks", "free_chunks_end", *(op + "_hits" for op in OPS))]
    + ["total_malloced"],
    "settings": ["maxconns", "lru_crawler"],
}
# Telegraf, OpenTelemetry's receiver, metricbeat:
AGENTS = {"": """accepting_conns auth_cmds auth_errors bytes bytes_read bytes_written cas_badval
    cas_hits cas_misses cmd_flush cmd_get cmd_set cmd_touch conn_yields connection_structures
    curr_connections curr_items decr_hits decr_misses delete_hits delete_misses evicted_unfetched
    evictions expired_unfetched get_expired get_flushed get_hits get_misses hash_bytes
    hash_is_expanding hash_power_level incr_hits incr_misses limit_maxbytes listen_disabled_num
    max_connections reclaimed rejected_connections store_no_memory store_too_large threads
    total_connections total_items touch_hits touch_misses uptime evicted_active crawler_reclaimed
    log_watcher_sent lrutail_reflocked malloc_fails slabs_moved read_buf_oom response_obj_oom
    idle_kicks pid pointer_size rusage_user rusage_system""".split()}
# collectd, munin, Datadog's mcache, Zabbix's template, checks for Nagios, memcached-tool:
OTHERS = {
    "": """pid uptime time version pointer_size rusage_user rusage_system curr_items total_items
        bytes curr_connections total_connections connection_structures cmd_get cmd_set cmd_flush
        get_hits get_misses delete_hits delete_misses incr_hits incr_misses decr_hits decr_misses
        cas_hits cas_misses cas_badval evictions bytes_read bytes_written limit_maxbytes threads
        listen_disabled_num conn_yields reclaimed expired_unfetched evicted_unfetched""".split(),
    "items": ["items:N:" + name for name in (
        "number", "age", "evicted", "evicted_time", "evicted_nonzero", "outofmemory",
        "tailrepairs", "reclaimed", "expired_unfetched", "evicted_unfetched")],
    "slabs": ["N:" + name for name in (
        "chunk_size", "chunks_per_page", "total_pages", "total_chunks", "used_chunks",
        "free_chunks", "free_chunks_end", "get_hits", "cmd_set", "delete_hits", "incr_hits",
        "decr_hits", "cas_hits", "cas_badval", "touch_hits")] + ["active_slabs", "total_malloced"],
    "settings": "maxbytes maxconns tcpport evictions reqs_per_event item_size_max".split(),
    "sizes": ["sizes_status"],
}

# What memcached has and Lombard has not, and why.
TUNING = "there is nothing of this kind to tune, and a number would say that there is"
MISSING = {
    "": {
        "libevent": "there is none",
        "reserved_fds": "descriptors are not set aside in advance",
        "slab_reassign_last_busy_status": "a text about slabs",
    },
    "conns": {"N:listen_addr": "the lines of listeners have it"},
    "settings": {
        **dict.fromkeys("""growth_factor chunk_size slab_automove_ratio slab_automove_window
            slab_chunk_max lru_crawler_sleep lru_crawler_tocrawl hot_lru_pct warm_lru_pct
            hot_max_factor warm_max_factor temporary_ttl watcher_logbuf_size worker_logbuf_size
            slab_automove_freeratio hashpower_init hash_algorithm read_buf_mem_limit""".split(),
                        TUNING),
        **dict.fromkeys("""ext_item_size ext_item_age ext_low_ttl ext_recache_rate ext_wbuf_size
            ext_compact_under ext_drop_under ext_max_sleep ext_max_frag""".split(),
                        "there is no external storage"),
        "oldest": "a flush is not remembered as a time",
        "num_threads_per_udp": "there is no UDP",
        "num_napi_ids": "there is one thread",
    },
}

check = Checks()


def names_of(s, group):
    """Without the numbers of classes and connections; lines that are no statistics as they are."""
    text = ask(s, ("stats %s\r\n" % group).encode(), b"\r\n" if group == "reset" else b"END\r\n")
    names = []
    for line in text.decode().split("\r\n"):
        if line.startswith("STAT "):
            line = re.sub(r"(^|:)\d+:", r"\g<1>N:", line.split(" ")[1])
        if line and line not in names:
            names.append(line)
    return names


def prepare(server):
    s = dial(server.port)
    ask(s, b"set a:b 0 0 1\r\nx\r\n")
    ask(s, b"get a:b nothing\r\n", b"END\r\n")
    return s


def tools_find_theirs(s):
    for tool in (EXPORTER, AGENTS, OTHERS):
        for group, names in tool.items():
            shown = names_of(s, group)
            missing = [n for n in names if n not in shown]
            check.equal(missing, [], "stats %s has what tools read" % group)


def memcached_names_are_there(ours, theirs):
    for group in ("", "items", "slabs", "settings", "sizes", "conns", "detail on", "detail dump",
                  "detail off", "extstore", "reset"):
        missing = MISSING.get(group, {})
        if group.startswith("detail o"):
            check.equal(ask(ours, ("stats %s\r\n" % group).encode()),
                        ask(theirs, ("stats %s\r\n" % group).encode()), group)
            continue
        shown, wanted = names_of(ours, group), names_of(theirs, group)
        check.equal([n for n in wanted if n not in shown and n not in missing], [],
                    "stats %s has memcached's names" % group)
        check.equal([n for n in missing if n in shown], [], "stats %s: missing, as said" % group)


def main():
    end_on_sigterm()
    memcached = sys.argv[2] if len(sys.argv) > 2 else shutil.which("memcached-1.6.45")
    with Server([sys.argv[1]]) as server:
        ours = prepare(server)
        tools_find_theirs(ours)
        if memcached is not None:
            with Server([memcached]) as other:
                memcached_names_are_there(ours, prepare(other))
        ours.close()
        server.check_end(check)
    check.done()


main()
