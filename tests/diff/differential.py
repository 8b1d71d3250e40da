#!/usr/bin/python3
"""Random sessions, played to Lombard and to an installed memcached side by side.

    differential.py LOMBARD [MEMCACHED] [--commands N] [--seed N] [--session P:N] [--minutes N]

MEMCACHED is the program to compare with; without it, the one that is installed. Where that
is older than the version that Lombard follows, what changed since may differ, too.
The seed is printed; with --seed S --session meta:17 only that one is played again. A
session whose replies differ is shrunk to what is needed for that, and printed. What may
differ, and why, is in allowed.py.
"""
import argparse
import collections
import itertools
import os
import random
import re
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "helpers"))

import allowed
import counters
import gen_binary
import gen_meta
import gen_text
from server import Server, ServerFailed, end_on_sigterm
from session import Batch, Draw, Pause, cut_everywhere
from wire import MARK_BINARY, MARK_TEXT, Side, exchange

SKIPPED_STATUS = 77
TIME_SLACK_S = 1
SESSION_COMMANDS = 250
EXPIRY_EVERY = 400
CUT_EVERY = 10
PLAIN_EVERY = 3  # sessions of an older memcached: all others have only what is as old
FAILURES_MAX = 12
SHOWN_MAX = 12
GENERATORS = {"text": gen_text, "meta": gen_meta, "binary": gen_binary}
# Its maintainer of the LRU holds items for moments, and a held number is not padded.
MEMCACHED_OPTIONS = ["-m", "512", "-t", "1", "-c", "64",
                     "-o", "no_lru_maintainer,no_lru_crawler"]
LOMBARD_OPTIONS = ["-m", "512", "-c", "64"]


def same_unit(a, b):
    if a == b:
        return True
    if not (isinstance(a, tuple) and isinstance(b, tuple)) or a[0] != b[0]:
        return False
    return isinstance(a[1], list) and isinstance(b[1], list) and len(a[1]) == len(b[1]) and all(
        abs(x - y) <= TIME_SLACK_S for x, y in zip(a[1], b[1]))


def same(ours, theirs):
    return ours == theirs or (len(ours) == len(theirs) and
                              all(same_unit(a, b) for a, b in zip(ours, theirs)))


class Difference:
    """Commands FIRST to LAST of batch BATCH were answered differently."""

    def __init__(self, batch, commands, ours, theirs, sent):
        self.batch, self.commands = batch, commands
        self.ours, self.theirs, self.sent = ours, theirs, sent


def mark_text(batch, mark_all):
    """Which commands of a text batch are followed by a mark; the last one always."""
    ends = []
    for i, command in enumerate(batch):
        if (mark_all or i + 1 == len(batch) or command.alone or batch[i + 1].alone
                or i % 7 == 3):
            ends.append(i)
    return ends


class Player:
    """Plays sessions to both servers."""

    def __init__(self, ports, binary, rules, plain):
        self.ports = ports
        self.rules = rules
        self.plain = plain
        self.binary = binary
        self.commands = 0

    def play(self, session, mark_all=False, after_batch=None):
        """The first difference of a session, or None; AFTER_BATCH may find one, too."""
        sides = [Side(port, self.binary) for port in self.ports]
        found = None
        self.number = 0
        try:
            for index, batch in enumerate(session):
                if isinstance(batch, Pause):
                    time.sleep(batch.seconds)
                    continue
                if not batch:
                    continue
                step = self._binary_batch if self.binary else self._text_batch
                found = step(sides, index, batch, mark_all)
                self.commands += len(batch)
                if found is None and after_batch is not None:
                    found = after_batch(index, batch)
                if found is not None or any(side.closed for side in sides):
                    break
        finally:
            for side in sides:
                side.sock.close()
        return found

    def _text_batch(self, sides, index, batch, mark_all):
        ends = mark_text(batch, mark_all)
        for side in sides:
            data, marks = [], set(ends)
            for i, command in enumerate(batch):
                data.append(command.fill(side.seen, i))
                if i in marks:
                    data.append(MARK_TEXT)
            side.begin(b"".join(data), len(ends))
        exchange(sides, getattr(batch, "cuts", ()))
        ours, theirs = (side.segments for side in sides)
        if ours == theirs:
            return None
        begin = 0
        for i in range(max(len(ours), len(theirs))):
            a = ours[i] if i < len(ours) else []
            b = theirs[i] if i < len(theirs) else []
            stop = ends[i] + 1 if i < len(ends) else len(batch)
            if not same(a, b):
                commands = batch[begin:stop] or batch[-1:]
                return Difference(index, commands, a, b, commands[0].fill(sides[0].seen, 0)
                                  if len(commands) == 1 else None)
            begin = stop
        return None

    def _binary_batch(self, sides, index, batch, _mark_all):
        base = self.number
        self.number += len(batch)
        for side in sides:
            side.keys = {base + i: command.key for i, command in enumerate(batch)}
            data = [command.fill(side.seen, base + i) for i, command in enumerate(batch)]
            data.append(MARK_BINARY)
            side.begin(b"".join(data), 1)
        exchange(sides, getattr(batch, "cuts", ()))
        ours, theirs = ([unit for segment in side.segments for unit in segment]
                        for side in sides)
        if ours == theirs:
            return None
        at = 0
        while at < min(len(ours), len(theirs)) and ours[at] == theirs[at]:
            at += 1
        numbers = [units[at][0] for units in (ours, theirs)
                   if at < len(units) and isinstance(units[at], tuple)]
        wrong = min(numbers) if numbers else base + len(batch) - 1
        if not base <= wrong < base + len(batch):
            wrong = base + len(batch) - 1
        commands = [batch[wrong - base]]
        return Difference(index, commands, ours[at:at + 2], theirs[at:at + 2],
                          commands[0].fill(sides[0].seen, 0))


def judge(player, difference):
    """The row that allows it, or None."""
    if difference.sent is None:
        return None
    return player.rules.find(difference.sent, difference.ours, difference.theirs,
                             player.plain)


def settle(player, session):
    """(difference, row): attributed to one command where that can be."""
    difference = player.play(session)
    if difference is None:
        return None, None
    if difference.sent is None:
        again = player.play(session, mark_all=True)
        if again is not None:
            difference = again
    return difference, judge(player, difference)


def without(session, cut):
    """SESSION without the commands whose numbers are in CUT."""
    number, result = 0, []
    for batch in session:
        if isinstance(batch, Pause):
            result.append(batch)
            continue
        kept = Batch()
        kept.cuts = getattr(batch, "cuts", ())
        for command in batch:
            if number not in cut:
                kept.append(command)
            number += 1
        result.append(kept)
    return [batch for batch in result if isinstance(batch, Pause) or batch]


def count(session):
    return sum(len(batch) for batch in session if not isinstance(batch, Pause))


def shrink(player, session, difference):
    """The shortest prefix that still differs, without what it does not need."""
    def differs(candidate):
        found = player.play(candidate, mark_all=True)
        return found is not None and judge(player, found) is None

    clean = count(session[:1])
    prefix = session[:difference.batch + 1]
    if len(prefix) < 2 or any(isinstance(batch, Pause) for batch in prefix) or not differs(prefix):
        return prefix
    last = prefix[-1]
    for n in range(1, len(last) + 1):
        if differs(prefix[:-1] + [last[:n]]):
            prefix[-1] = last[:n]
            break
    size = max(1, (count(prefix) - clean) // 2)
    while size >= 1:
        at = clean
        while at < count(prefix):
            shorter = without(prefix, set(range(at, at + size)))
            if shorter and differs(shorter):
                prefix = shorter
            else:
                at += size
        size //= 2
    return prefix


def show(player, session, difference):
    again = player.play(session, mark_all=True)
    difference = again or difference
    for batch in session[1:]:
        if isinstance(batch, Pause):
            print("    pause %.1f s" % batch.seconds)
            continue
        for command in batch[:SHOWN_MAX]:
            print("    > %s" % command.show())
        cuts = getattr(batch, "cuts", ())
        print("    --%s" % (" cut at %s of 1000" % ", ".join(map(str, cuts)) if cuts else ""))
    print("    differs: %s" % "; ".join(command.show() for command in difference.commands))
    for name, units in (("lombard  ", difference.ours), ("memcached", difference.theirs)):
        for unit in units or ["nothing"]:
            text = repr(unit)
            print("    %s %s" % (name, text if len(text) < 300 else text[:300] + "..."))


def signature(difference):
    """Failures of one kind are shown once."""
    def kind(units):
        return tuple(str(u)[:24] for u in units[:2])

    return (difference.commands[-1].show()[:5], kind(difference.ours), kind(difference.theirs))


def one_by_one(session):
    """SESSION with each command in a batch of its own."""
    for batch in session:
        if isinstance(batch, Pause):
            yield batch
        else:
            yield from (Batch([command]) for command in batch)


def batches_of(session):
    return [batch for batch in session if not isinstance(batch, Pause)]


def find_miscounted(player, session, both):
    """Play SESSION again: the first command that was not counted alike, or None."""
    def after(index, batch):
        if both.wrong() and not counters.is_odd(batch[0]):
            return Difference(index, list(batch), *both.last, None)
        return None

    both.begin()
    return player.play(list(one_by_one(session)), after_batch=after)


class Run:
    """What was played, and what was found."""

    def __init__(self, args, ports, rules, is_old):
        self.args = args
        self.rules = rules
        self.ports = ports
        self.sessions = collections.Counter()
        self.commands = collections.Counter()
        self.allowed = collections.Counter()
        self.failed = 0
        self.kinds = set()
        self.counters = None if is_old else counters.Both(ports)

    def compare_counters(self, protocol, index, player, session):
        """After a session that was answered alike."""
        if self.counters is None or not self.counters.wrong():
            return
        total = self.counters.last
        found = find_miscounted(player, session, self.counters)
        if found is None and any(map(counters.is_odd, itertools.chain(*batches_of(session)))):
            return
        self.failed += 1
        print("FAILED: --seed %d --session %s:%d: counters differ: %s" % (
            self.args.seed, protocol, index, counters.show(*total)))
        if found is not None:
            print("    > %s: %s" % (found.commands[0].show(),
                                    counters.show(found.ours, found.theirs)))
        sys.stdout.flush()

    def one(self, protocol, index):
        draw = Draw("%d %s %d" % (self.args.seed, protocol, index))
        draw.plain = self.rules.is_older and index % PLAIN_EVERY != 0
        generator = GENERATORS[protocol]
        if index % EXPIRY_EVERY == 0:
            session = generator.expiry_session(draw)
        elif index % CUT_EVERY == CUT_EVERY - 1:
            session = cut_everywhere(generator.CLEAN, generator.refused(draw))
        else:
            session = generator.session(draw, SESSION_COMMANDS)
        player = Player(self.ports, protocol == "binary", self.rules, draw.plain)
        if self.counters is not None:
            self.counters.begin()
        difference, row = settle(player, session)
        self.sessions[protocol] += 1
        self.commands[protocol] += player.commands
        if row is not None:
            self.allowed[row] += 1
        elif difference is not None:
            self.failed += 1
            self.report(protocol, index, player, session, difference)
        else:
            self.compare_counters(protocol, index, player, session)

    def report(self, protocol, index, player, session, difference):
        kind = signature(difference)
        if kind in self.kinds or len(self.kinds) >= FAILURES_MAX:
            return
        self.kinds.add(kind)
        print("FAILED: --seed %d --session %s:%d" % (self.args.seed, protocol, index))
        small = shrink(player, session, difference)
        show(player, small, difference)
        sys.stdout.flush()

    def all(self):
        end = time.monotonic() + self.args.minutes * 60
        index = 0
        while sum(self.commands.values()) < self.args.commands and time.monotonic() < end:
            for protocol in self.args.protocols.split(","):
                self.one(protocol, index)
            index += 1

    def summary(self):
        for protocol in GENERATORS:
            if self.sessions[protocol]:
                print("%s: %d commands in %d sessions" % (
                    protocol, self.commands[protocol], self.sessions[protocol]))
        for row, times in sorted(self.allowed.items()):
            print("known, %d times: %s: %s" % (times, row, allowed.REASONS[row]))
        print("%d passed, %d failed" % (sum(self.sessions.values()) - self.failed, self.failed))


def parse_args():
    parser = argparse.ArgumentParser()
    parser.add_argument("lombard")
    parser.add_argument("memcached", nargs="?", default=shutil.which("memcached"))
    parser.add_argument("--commands", type=int, default=30000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10 ** 9))
    parser.add_argument("--session", help="PROTOCOL:NUMBER, as a failure says")
    parser.add_argument("--protocols", default="text,meta,binary")
    parser.add_argument("--minutes", type=float, default=60)
    return parser.parse_args()


def version_of(memcached):
    text = subprocess.run([memcached, "--version"], stdout=subprocess.PIPE, check=True,
                          timeout=20).stdout.decode()
    return tuple(int(n) for n in re.search(r"(\d+)\.(\d+)\.(\d+)", text).groups())


def main():
    end_on_sigterm()
    args = parse_args()
    memcached = args.memcached
    if memcached is None:
        print("skipped: memcached is not installed (package memcached)")
        sys.exit(SKIPPED_STATUS)
    version = version_of(memcached)
    print("seed %d; compared with memcached %d.%d.%d%s" % (
        args.seed, *version, "" if version >= allowed.FOLLOWED else
        ", which is older than the one that is followed: what changed since may differ"))
    failed = True
    try:
        with Server([args.lombard] + LOMBARD_OPTIONS) as ours, \
                Server([memcached] + MEMCACHED_OPTIONS) as theirs:
            run = Run(args, (ours.port, theirs.port), allowed.Allowed(version),
                      version < allowed.FOLLOWED)
            if args.session:
                protocol, index = args.session.split(":")
                run.one(protocol, int(index))
            else:
                run.all()
            wrong = ours.stop()
            if wrong:
                print("FAILED: Lombard %s" % wrong)
                run.failed += 1
            run.summary()
            failed = run.failed > 0
    except ServerFailed as failure:
        print("FAILED: %s" % failure)
    sys.exit(1 if failed else 0)


main()
