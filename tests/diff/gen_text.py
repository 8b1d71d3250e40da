"""Random sessions in the classic text protocol."""
from session import EDGES, KEYS, ODD, Cas, Command, Pause, batches, cumulate

CLEAN = [Command(b"flush_all\r\n")] + [Command(b"delete %b noreply\r\n" % k) for k in KEYS]


def _noreply(draw):
    return b" noreply" if draw.chance(0.15) else b""


def store(draw):
    key = draw.any_key()
    value = draw.value_for(key)
    verb = draw.pick((b"set", b"set", b"set", b"add", b"replace", b"append", b"prepend"))
    return Command(b"%b %b %b %b %d%b\r\n%b\r\n" % (
        verb, key, draw.client_flags(), draw.store_exptime(), len(value), _noreply(draw), value),
        key)


def set_number(draw):
    key = draw.number_key()
    value = b"%d" % int(draw.random() * 10 ** draw.pick((1, 3, 14)))
    return Command(b"set %b 0 0 %d\r\n%b\r\n" % (key, len(value), value), key)


def cas(draw):
    key, value = draw.any_key(), draw.value()
    return Command([b"cas %b %b %b %d " % (key, draw.client_flags(), draw.store_exptime(), len(value)),
                    Cas(key, draw.pick((0, 0, 0, 1))),
                    b"%b\r\n%b\r\n" % (_noreply(draw), value)], key)


def get(draw):
    verb = draw.pick((b"get", b"gets", b"gets"))
    count = draw.pick((1, 1, 1, 2, 5, 30))
    keys = [draw.any_key() for _ in range(count)]
    return Command(b"%b %b\r\n" % (verb, b" ".join(keys)), fetches=keys)


def gat(draw):
    keys = [draw.any_key() for _ in range(draw.pick((1, 1, 3)))]
    return Command(b"%b %b %b\r\n" % (draw.pick((b"gat", b"gats")), draw.exptime(),
                                     b" ".join(keys)), fetches=keys)


def arith(draw):
    key = draw.number_key() if draw.chance(0.8) else draw.any_key()
    return Command(b"%b %b %b%b\r\n" % (draw.pick((b"incr", b"decr")), key, draw.delta(),
                                       _noreply(draw)), key, counts=True)


def touch(draw):
    key = draw.any_key()
    return Command(b"touch %b %b%b\r\n" % (key, draw.exptime(), _noreply(draw)), key)


def delete(draw):
    key = draw.any_key()
    return Command(b"delete %b%b%b\r\n" % (key, draw.pick((b"", b"", b"", b" 0")),
                                          _noreply(draw)), key)


def other(draw):
    return Command(draw.pick((
        b"flush_all\r\n", b"flush_all 0\r\n", b"flush_all noreply\r\n", b"flush_all -1\r\n",
        b"verbosity 0\r\n", b"verbosity 0 noreply\r\n", b"stats reset\r\n",
        b"flush_all 0 noreply\r\n")))


def short_chunk(draw):
    """More data than was announced: the rest is a command, of sorts."""
    key = draw.any_key()
    return Command(b"set %b 0 0 3\r\nabcdef\r\n" % key, key, alone=True)


def too_large(draw):
    key = draw.any_key()
    n = draw.pick((1048577, 1100000, 2000000))
    verb = draw.pick((b"set", b"set", b"add", b"append", b"replace"))
    return Command(b"%b %b 0 0 %d%b\r\n%b\r\n" % (verb, key, n, _noreply(draw), b"v" * n), key)


def is_delay(number):
    return number.isdigit() and len(number) < 12 and 0 < int(number) < 2 ** 31


def number_field(draw):
    """A number out of the ordinary, in any field that takes one."""
    key, n, t = draw.any_key(), draw.number(), draw.time()
    form = draw.pick((
        b"incr %b %b\r\n", b"decr %b %b\r\n", b"set %b %b 0 2\r\nxx\r\n",
        b"add %b %b 0 2\r\nxx\r\n", b"cas %b %b 0 2 5\r\nxx\r\n", b"cas %b 0 0 2 %b\r\nzz\r\n",
        b"delete %b %b\r\n", b"touch", b"gat", b"gats", b"flush_all", b"verbosity", b"stats",
        b"crawler", b"memlimit", b"set", b"replace", b"cas"))
    if b"\n" in form or form in (b"set", b"replace", b"cas"):
        n, t = n or b"x", t or b"x"  # without a word, the value has another length
    lines = {
        b"touch": b"touch %b %b\r\n" % (key, t), b"gat": b"gat %b %b k1\r\n" % (t, key),
        b"gats": b"gats %b %b\r\n" % (t, key), b"flush_all": b"flush_all %b\r\n" % (b"0" if is_delay(t) else t),
        b"verbosity": b"verbosity %b noreply\r\n" % n if n[:1] in b"-+x" else b"verbosity 0\r\n",
        b"stats": b"stats cachedump 64 %b\r\n" % n, b"crawler": b"lru_crawler tocrawl %b\r\n" % n,
        b"memlimit": b"cache_memlimit %b\r\n" % draw.pick((b"7", b"x", b"-1", b"4294967296",
                                                          b"1000000001", b"+9")),
        b"set": b"set %b 0 %b 2\r\nyy\r\n" % (key, t),
        b"replace": b"replace %b 7 %b 2\r\nyy\r\n" % (key, t),
        b"cas": b"cas %b 0 %b 2 5\r\nyy\r\n" % (key, t)}
    return Command(lines[form] if form in lines else form % (key, n), key, alone=True,
                   fetches=(key, b"k1"), counts=True)


def length_field(draw):
    """A length that cannot be, or is 0: nothing follows it but that."""
    n = draw.pick(ODD + [b"-1", b"-2147483648", b"-2147483649", b"2147483646"] + [
        form % edge for edge in EDGES if edge >= 2 ** 31 for form in (b"%d", b"-%d")])
    if n.lstrip(b"-0") == b"" and len(n) < 12 and n != b"":
        n += b"\r\n"
    elif n in (b"1", b"007", b"2147483646") or n.isdigit() and len(n) < 12 and int(n) < 2 ** 31 - 2:
        n = b"-1"
    verb = draw.pick((b"set", b"add", b"append", b"prepend", b"replace"))
    return Command(b"%b k1 0 0 %b\r\n" % (verb, n), b"k1", alone=True)


def refused(draw):
    """A store command that is refused midway; its value must not be taken for commands."""
    if draw.plain:
        return store(draw)
    value = draw.pick((b"", b"x", b"mn\r\n", b"get k1\r\nset k2 0 0 1\r\nx\r\n",
                       b"flush_all\r\n" * 30, b"v" * 3000 + b"\nversion\r\n"))
    verb = draw.pick((b"set", b"set", b"add", b"append", b"replace", b"prepend"))
    flags, exptime, end, tail = b"0", b"0", b"\r\n", _noreply(draw)
    what = draw.pick(("flags", "exptime", "key", "cas", "end", "end", "large"))
    key = b"L" * 251 if what == "key" else draw.any_key()
    if what == "flags":
        flags = draw.pick((b"-1", b"18446744073709551616", b"1x", b"x", b"-4294967296", b"1.0"))
    elif what == "exptime":
        exptime = draw.pick((b"x", b"9223372036854775808", b"1x", b"-9223372036854775809", b"1.5"))
    elif what == "cas":
        verb = b"cas"
        tail = draw.pick((b"", b" noreply", b" x", b" -1", b" 18446744073709551616", b" +1",
                          b" 1x noreply", b" 00000000000000000000001"))
    elif what == "end":
        end = draw.pick((b"\r\r", b"xx", b"\n\n", b"\rx", b"x\n"))
    elif what == "large":
        value = b"v" * 1048577 if draw.chance(0.05) else value
    return Command(b"%b %b %b %b %d%b\r\n%b%b" % (
        verb, key, flags, exptime, len(value), tail, value, end), key, alone=True)


def malformed(draw):
    long = b"L" * 251
    return Command(draw.pick((
        b"\r\n", b"\n", b" \r\n", b"   \r\n", b"\r\r\n", b"nonsense\r\n", b"get\r\n", b"get \r\n",
        b"gets\r\n", b"get  k1   k2 \r\n", b"  get k1\r\n", b"get k1\n", b"GET k1\r\n",
        b"get %b\r\n" % long, b"get k1 %b k2\r\n" % long, b"get %b k1\r\n" % long,
        b"set %b 0 0 1\r\nx\r\n" % long, b"delete %b\r\n" % long, b"incr %b 1\r\n" % long,
        b"touch %b 1\r\n" % long, b"gat 0 %b\r\n" % long, b"gat\r\n", b"gat 0\r\n",
        b"gat k1\r\n", b"set\r\n", b"set k1\r\n", b"set k1 0\r\n", b"set k1 0 0\r\n",
        b"set k1 0 0 0 0 0 0\r\n\r\n", b"cas k1 0 0 0\r\n\r\n", b"incr k1\r\n", b"incr\r\n",
        b"incr k1 1 2 3\r\n", b"touch k1\r\n", b"touch\r\n", b"delete\r\n", b"delete k1 5\r\n",
        b"delete k1 0 0\r\n", b"delete k1 noreply noreply\r\n", b"delete k1 x\r\n",
        b"flush_all x\r\n", b"flush_all 0 2 3\r\n", b"verbosity\r\n", b"verbosity x\r\n",
        b"incr k1 -1\r\n", b"incr k1 x noreply\r\n", b"incr n1 1 x\r\n", b"touch k1 x noreply\r\n",
        b"getx k1\r\n", b"\0\r\n", b"get \x01\r\n", b"set k1 0 0 1\n1\r\n",
        b"get k1 k1 k1 k1\n", b"s k1\r\n", b"mn\n", b"ab\n", b"noreply\r\n", b"foo noreply\r\n",
        b" get k1\r\n", b" flush_all\r\n", b"gat x\r\n", b"gat x  \r\n", b"delete noreply\r\n",
        b"set k1 0 0 1 noreply x\r\n1\r\n", b"cas k1 0 0 1\r\n1\r\n",
        b"lru_crawler sleep 1000001\r\n", b"set k1 0 0 noreply\r\n",
        b"set k1 0 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 noreply\r\n1\r\n", b"set k1 0 0 0\r\n\r\n", b"append absent 0 0 0\r\n\r\n",
        b"get noreply\r\n", b"touch k1 0 noreply x\r\n", b"slabs\r\n", b"lru\r\n", b"lru_crawler\r\n",
        b"cache_memlimit\r\n", b"gat -1 k1\r\n", b"delete  k1\r\n", b"set k1  0  0  1 \r\n1\r\n",
        b"bget k1\r\n", b"get k1\r\r\n")), alone=True)


def last(draw):
    """Ends a connection, or differs on purpose: the session ends with it."""
    return Command(draw.pick((b"quit\r\n", b"quit x\r\n", b"version\r\n", b"version x\r\n",
                              b"shutdown\r\n", b"verbosity\r\n", b"x" * 3000 + b"\r\n",
                              b"stats noreply\r\n", b"get " + b"k" * 3000 + b"\r\n")), alone=True)


TABLE = cumulate([
    (22, store), (6, set_number), (6, cas), (26, get), (5, gat), (12, arith), (5, touch),
    (7, delete), (0.4, other), (2, malformed), (5, number_field), (0.6, length_field),
    (0.4, short_chunk), (1, refused), (0.004, too_large)])


# What versions answer differently.
LATE_ADDITIONS = (malformed, number_field, length_field, refused, short_chunk)


def _command(draw):
    make = draw.weighted(*TABLE)
    return (store if draw.plain and make in LATE_ADDITIONS else make)(draw)


def session(draw, commands):
    return [CLEAN] + list(batches(draw, _command, commands)) + [[last(draw)]]


def expiry_session(draw):
    """Everything that sets an exptime, and what is left when that is past."""
    first, keys = [], [b"e%d" % i for i in range(60)]
    for i, key in enumerate(keys):
        first.append(Command(b"set %b 0 %d 1\r\n%d\r\n" % (key, (0, 1, 60)[i % 3], i % 10)))
        change = draw.pick((b"touch %b 1\r\n", b"touch %b 60\r\n", b"touch %b 0\r\n", b"", b"",
                            b"append %b 0 0 1\r\nx\r\n", b"incr %b 1\r\n"))
        if change:
            first.append(Command(change % key))
        first.append(draw.pick((Command(b"get %b\r\n" % key), Command(b"gat 60 %b\r\n" % key),
                                Command(b"gat 1 %b\r\n" % key))))
    after = [Command(b"get %b\r\n" % b" ".join(keys))]
    flush = [Command(b"flush_all 3\r\n"), Command(b"set e0 0 0 1\r\nx\r\n"),
             Command(b"get e0 e1 e2\r\n")]
    return [CLEAN, first, Pause(2.2), after, flush, Pause(4.3),
            [Command(b"get %b\r\n" % b" ".join(keys)), Command(b"set e0 0 0 1\r\nx\r\n"),
             Command(b"get e0\r\n")]]
