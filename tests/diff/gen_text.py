"""Random sessions in the classic text protocol."""
from session import KEYS, NUMBERS, TIMES, Cas, Command, Pause, batches, cumulate

CLEAN = [Command(b"flush_all\r\n")] + [Command(b"delete %b noreply\r\n" % k) for k in KEYS]


def _noreply(draw):
    return b" noreply" if draw.chance(0.15) else b""


def store(draw):
    key, value = draw.any_key(), draw.value()
    verb = draw.pick((b"set", b"set", b"set", b"add", b"replace", b"append", b"prepend"))
    return Command(b"%b %b %b %b %d%b\r\n%b\r\n" % (
        verb, key, draw.client_flags(), draw.exptime(), len(value), _noreply(draw), value), key)


def set_number(draw):
    key = draw.number_key()
    value = b"%d" % int(draw.random() * 10 ** draw.pick((1, 3, 14)))
    return Command(b"set %b 0 0 %d\r\n%b\r\n" % (key, len(value), value), key)


def cas(draw):
    key, value = draw.any_key(), draw.value()
    return Command([b"cas %b %b %b %d " % (key, draw.client_flags(), draw.exptime(), len(value)),
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


def number_field(draw):
    """A number out of the ordinary, in any field that takes one."""
    key, n = draw.any_key(), draw.pick(NUMBERS)
    form = draw.pick((
        b"incr %b %b\r\n", b"decr %b %b\r\n", b"touch %b %b\r\n", b"delete %b %b\r\n",
        b"set %b %b 0 2\r\nxx\r\n", b"set %b 0 %b 2\r\nyy\r\n", b"cas %b %b 0 2 5\r\nxx\r\n",
        b"cas %b 0 %b 2 5\r\nyy\r\n", b"cas %b 0 0 2 %b\r\nzz\r\n", b"gat"))
    if form[:5] in (b"touch", b"gat") or b" 0 %b 2" in form:
        n = draw.pick(TIMES)
    if form == b"gat":
        return Command(b"gat %b %b\r\n" % (n, key), key, alone=True, fetches=(key,))
    return Command(form % (key, n), key, alone=True, counts=True)


def length_field(draw):
    """A length that cannot be: nothing follows it. None that memcached cuts to a small one."""
    n = draw.pick((b"-1", b"2147483648", b"4294967295", b"9223372036854775808",
                   b"18446744073709551616", b"1" * 400, b"x", b"", b"2x", b"-0x1"))
    verb = draw.pick((b"set", b"add", b"append", b"prepend", b"replace"))
    return Command(b"%b k1 0 0 %b\r\n" % (verb, n), b"k1", alone=True)


def malformed(draw):
    long = b"L" * 251
    return Command(draw.pick((
        b"\r\n", b"\n", b" \r\n", b"   \r\n", b"\r\r\n", b"nonsense\r\n", b"get\r\n", b"get \r\n",
        b"gets\r\n", b"get  k1   k2 \r\n", b"  get k1\r\n", b"get k1\n", b"GET k1\r\n",
        b"get %b\r\n" % long, b"get k1 %b k2\r\n" % long, b"get %b k1\r\n" % long,
        b"set %b 0 0 1\r\n" % long, b"delete %b\r\n" % long, b"incr %b 1\r\n" % long,
        b"touch %b 1\r\n" % long, b"gat 0 %b\r\n" % long, b"gat\r\n", b"gat 0\r\n",
        b"gat k1\r\n", b"set\r\n", b"set k1\r\n", b"set k1 0\r\n", b"set k1 0 0\r\n",
        b"set k1 0 0 0 0 0 0\r\n", b"cas k1 0 0 0\r\n", b"incr k1\r\n", b"incr\r\n",
        b"incr k1 1 2 3\r\n", b"touch k1\r\n", b"touch\r\n", b"delete\r\n", b"delete k1 5\r\n",
        b"delete k1 0 0\r\n", b"delete k1 noreply noreply\r\n", b"delete k1 x\r\n",
        b"flush_all x\r\n", b"flush_all 1 2 3\r\n", b"verbosity\r\n", b"verbosity x\r\n",
        b"incr k1 -1\r\n", b"incr k1 x noreply\r\n", b"incr n1 1 x\r\n", b"touch k1 x noreply\r\n",
        b"getx k1\r\n", b"\0\r\n", b"get \x01\r\n", b"set k1 0 0 1\n1\r\n",
        b"get k1 k1 k1 k1\n", b"s k1\r\n", b"set k1 0 0 0\r\n\r\n", b"append absent 0 0 0\r\n\r\n",
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
    (7, delete), (0.4, other), (2, malformed), (2, number_field), (0.6, length_field),
    (0.4, short_chunk), (0.004, too_large)])


def _command(draw):
    return draw.weighted(*TABLE)(draw)


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
