"""What two servers count of the same commands: the statistics that must agree, and their differences."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "helpers"))

import client

# Of the requests alone. What depends on memory or on when something is collected is not compared:
# curr_items, get_expired, get_flushed, reclaimed; nor total_items, where a number that gets longer is a
# new item, nor store_too_large, which memcached does not count in binary.
NAMES = ["cmd_get", "cmd_set", "cmd_flush", "cmd_touch", "cmd_meta", "get_hits", "get_misses",
         "delete_misses", "delete_hits", "incr_misses", "incr_hits", "decr_misses", "decr_hits",
         "cas_misses", "cas_hits", "cas_badval", "touch_hits", "touch_misses",
         "auth_cmds", "auth_errors"]


# What memcached counts although it refuses it: it looks at the opaque last.
ODD = re.compile(rb"m[gs] .*\bO\S{32}")


def is_odd(command):
    return isinstance(command.data, bytes) and ODD.match(command.data) is not None


def show(ours, theirs):
    """Those of NAMES that are not alike, as text."""
    return ", ".join("%s %s, memcached %s" % (n, ours.get(n), theirs.get(n))
                     for n in NAMES if ours.get(n) != theirs.get(n))


class Both:
    """The counters of two servers, by a connection of its own to each."""

    def __init__(self, ports):
        self.clients = [client.dial(port) for port in ports]
        self.last = ({}, {})  # what was counted between the last two looks: ours, theirs
        self.begin()

    def begin(self):
        for s in self.clients:
            client.ask(s, b"stats reset\r\n")

    def wrong(self):
        """Whether the two counted differently since the last look."""
        shown = [client.stats(s) for s in self.clients]
        self.last = tuple({n: int(stats[n]) for n in NAMES if n in stats} for stats in shown)
        self.begin()
        return self.last[0] != self.last[1]
