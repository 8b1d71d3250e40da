"""Random sessions in the meta commands."""
import base64

from gen_text import CLEAN as _CLEAN_TEXT, number_field as _text_number
from session import Cas, Command, Pause, batches, cumulate

BINARY_KEYS = [b"\x00\x01 key", b"with space", b"\r\n", b"\xff" * 100]


def _key(draw):
    """(as it is sent, flags that say how): a plain key, or one in base64."""
    if draw.chance(0.12):
        return base64.b64encode(draw.pick(BINARY_KEYS)), b" b"
    return draw.any_key(), b""


def _flags(draw, letters, p):
    chosen = [f for f in letters if draw.chance(p)]
    draw.shuffle(chosen)
    return b"".join(b" " + f for f in chosen)


def _opaque(draw):
    return draw.pick((b"", b"", b"", b" O123", b" Oabc")) + draw.pick((b"", b"", b" q"))


def mg(draw):
    key, b64 = _key(draw)
    if draw.chance(0.4):
        flags = draw.pick((b" v", b" v f", b" s v c", b" k v", b" c k", b" t f s k v c"))
    else:
        flags = _flags(draw, (b"v", b"c", b"f", b"k", b"s", b"t", b"h", b"u", b"l"), 0.4)
    if draw.chance(0.12):
        flags += b" T" + draw.pick((b"0", b"100", b"-1", b"3000"))
    if draw.chance(0.10) and not b64:
        flags += b" N" + draw.pick((b"0", b"100", b"30"))
    if draw.chance(0.10):
        flags += b" R" + draw.pick((b"0", b"200", b"5000") if draw.plain else (
            b"0", b"200", b"5000", b"2592000", b"2592001", b"2147483647", b"-1"))
    head = b"mg %b%b%b%b" % (key, b64, flags, _opaque(draw))
    if draw.chance(0.15) and b" N" not in flags and not draw.plain:
        return Command([head, b" C", Cas(key, draw.pick((0, 0, 1))), b"\r\n"], key, fetches=(key,))
    return Command(head + b"\r\n", key, fetches=(key,))


def ms(draw):
    key, b64 = _key(draw)
    value = draw.value_for(key)
    flags = _flags(draw, (b"F5", b"F4294967295", b"c", b"k", b"T0", b"T100", b"T-1", b"I"), 0.15)
    if flags.count(b" F") > 1 or flags.count(b" T") > 1:
        flags = b""
    modes = (b"", b"", b"", b" MS", b" ME", b" MR")
    if b" I" in flags:
        flags = flags.replace(b" T-1", b"")
    flags += draw.pick(modes if b64 else modes + (b" MA", b" MP", b" Ma"))
    head = b"ms %b %d%b%b%b" % (key, len(value), b64, flags, _opaque(draw))
    if draw.chance(0.15):
        return Command([head, b" C", Cas(key, draw.pick((0, 0, 0, 1))),
                        b"\r\n%b\r\n" % value], key)
    return Command(b"%b\r\n%b\r\n" % (head, value), key)


def md(draw):
    key, b64 = _key(draw)
    flags = b""
    if draw.chance(0.4):
        flags = b" I" + draw.pick((b"", b" T30", b" T0", b" T100"))
    if draw.chance(0.15) and not b64 and not draw.plain:
        flags += b" x" + draw.pick((b"", b" F5", b" F4294967295"))
    head = b"md %b%b%b%b%b" % (key, b64, draw.pick((b"", b" k")), flags, _opaque(draw))
    if draw.chance(0.15):
        return Command([head, b" C", Cas(key, draw.pick((0, 0, 1))), b"\r\n"], key)
    return Command(head + b"\r\n", key)


def ma(draw):
    key = draw.number_key() if draw.chance(0.8) else draw.any_key()
    flags = draw.pick((b"", b" v", b" v t c k", b" c", b" t"))
    if draw.chance(0.2):
        flags += b" D0 T" + draw.pick((b"0", b"100", b"3000"))
    elif draw.chance(0.4):
        flags += b" D" + draw.delta()
    if draw.chance(0.3):
        flags += b" N" + draw.pick((b"0", b"100")) + draw.pick((b"", b" J13", b" J0"))
    flags += draw.pick((b"", b"", b" MI", b" M+", b" MD", b" M-", b" Mi", b" Md", b" Mx"))
    opaque = _opaque(draw)
    if draw.plain:
        opaque = opaque.replace(b" q", b"")
    head = b"ma %b%b%b" % (key, flags, opaque)
    if draw.chance(0.08):
        return Command([head, b" C", Cas(key), b"\r\n"], key, counts=True)
    return Command(head + b"\r\n", key, counts=True)


def me(draw):
    key, b64 = _key(draw)
    return Command(b"me %b%b\r\n" % (key, b64), key, alone=True)


def number_field(draw):
    if draw.chance(0.2):
        return _text_number(draw)
    key, n = draw.any_key(), draw.number()
    form = draw.pick((b"mg %b v T%b\r\n", b"mg %b v N%b\r\n", b"mg %b v R%b\r\n", b"mg %b v C%b\r\n",
                      b"ma %b D%b v\r\n", b"ma %b N0 J%b v\r\n", b"ma %b N%b v\r\n", b"ma %b T%b\r\n",
                      b"ma %b C%b v\r\n", b"md %b C%b\r\n", b"md %b x F%b\r\n",
                      b"md %b T%b I\r\n", b"ms %b 2 F%b\r\nxx\r\n", b"ms %b 2 T%b\r\nxx\r\n",
                      b"ms %b 2 C%b\r\nxx\r\n", b"ms %b 2 E%b c\r\nxx\r\n",
                      b"ms %b 2 MA N%b\r\nxx\r\n"))
    if any(letter in form for letter in (b" T%b", b" N%b", b" R%b")):
        n = draw.time()
    return Command(form % (key, n), key, alone=True, fetches=(key,), counts=True)


def refused(draw):
    """An ms that is refused midway; its value must not be taken for commands."""
    if draw.plain:
        return ms(draw)
    value = draw.pick((b"", b"x", b"mn\r\n", b"mg k1 v\r\nms k2 1\r\nx\r\n",
                       b"flush_all\r\n" * 30, b"v" * 3000 + b"\nversion\r\n"))
    flags, end, key = b"", b"\r\n", draw.any_key()
    what = draw.pick(("flag", "flag", "key", "end", "end"))
    if what == "flag":
        flags = draw.pick((b" F-1", b" F4294967296", b" F1x", b" T2147483648", b" Tx", b" C-1",
                           b" C18446744073709551616", b" E+1", b" MQ", b" M", b" q q", b" w", b" b",
                           b" O" + b"o" * 40, b" N4294967295 MA", b" F", b" k q T4294967295"))
    elif what == "key":
        key = b"L" * 251
    else:
        end = draw.pick((b"\r\r", b"xx", b"\n\n", b"\rx", b"x\n"))
    return Command(b"ms %b %d%b\r\n%b%b" % (key, len(value), flags, value, end), key, alone=True)


def malformed(draw):
    long = b"L" * 251
    return Command(draw.pick((
        b"mg\r\n", b"mg \r\n", b"mg %b\r\n" % long, b"mg %b v\r\n" % long, b"mg k1 v v\r\n",
        b"mg k1 !\r\n", b"mg k1 vv\r\n", b"mg zz O%b\r\n" % (b"o" * 31), b"mg zz O%b\r\n" % (b"o" * 32),
        b"mg k1 Oxx Oyy\r\n", b"ms\r\n", b"ms k1\r\n", b"ms k1 x\r\n", b"ms k1 -1\r\n",
        b"ms k1 2 F1 F2\r\nxx\r\n", b"ms k1 2 MQ\r\nxx\r\n", b"ms k1 2 M\r\nxx\r\n",
        b"ms %b 2\r\nxx\r\n" % long, b"mg k1 w w\r\n", b"mg k1 Tx Dx Fx\r\n", b"mg k1 Fx\r\n", b"md\r\n", b"md %b\r\n" % long, b"md k1 q q\r\n",
        b"ma\r\n", b"ma %b\r\n" % long, b"ma n1 Dx\r\n", b"ma n1 N0 Jx\r\n", b"ma n1 MQ\r\n",
        b"ma n1 D\r\n", b"me\r\n", b"me %b\r\n" % long, b"mg @@@@ b v\r\n", b"mg k b\r\n",
        b"mg %b b\r\n" % (b"QUFB" * 62), b"mx k1\r\n", b"m k1\r\n", b"mg  k1   v  \r\n",
        b"mg k1 v\n", b"mg k1 T\r\n", b"mg k1 N\r\n", b"mg k1 C\r\n", b"ms k1 2 T\r\nxx\r\n",
        b"ms k1 2 F\r\nxx\r\n", b"ms k1 2 C\r\nxx\r\n", b"md k1 C\r\n", b"md k1 !\r\n", b"ma n1 N\r\n", b"ma n1 T\r\n", b"ma n1 J\r\n",
        b"mg k1 P\r\n", b"mg k1 L\r\n", b"mg k1 v f c k s t h l u q O1\r\n",
        b"ms k1 S2\r\n", b"ms k1 2 S2\r\nxx\r\n", b"ms k1 2\nxx\r\n", b"ms k1 2\r\nxxxx\r\n")),
        alone=True)


def classic(draw):
    """Items of the other protocol, seen from this one, and the reverse."""
    key, value = draw.any_key(), draw.value()
    return Command(draw.pick((
        b"set %b 5 0 %d\r\n%b\r\n" % (key, len(value), value), b"get %b\r\n" % key,
        b"gets %b k1\r\n" % key, b"delete %b\r\n" % key, b"touch %b 100\r\n" % key)), key, fetches=(key, b"k1"))


def last(draw):
    return Command(draw.pick((b"quit\r\n", b"mg k1 s v\r\n")), alone=True)


TABLE = cumulate([(34, mg), (24, ms), (9, md), (12, ma), (2, me), (8, classic),
                  (5, number_field), (2, malformed), (1, refused)])


# What versions answer differently.
LATE_ADDITIONS = (malformed, number_field, refused, me)


def _command(draw):
    make = draw.weighted(*TABLE)
    return (ms if draw.plain and make in LATE_ADDITIONS else make)(draw)


CLEAN = _CLEAN_TEXT + [Command(b"md %b b q\r\n" % base64.b64encode(k)) for k in BINARY_KEYS]


def session(draw, commands):
    return [CLEAN] + list(batches(draw, _command, commands)) + [[last(draw)]]


def expiry_session(draw):
    first, keys = [], [b"e%d" % i for i in range(60)]
    for i, key in enumerate(keys):
        first.append(Command(b"ms %b 1 T%d\r\n%d\r\n" % (key, (0, 1, 60)[i % 3], i % 10)))
        change = draw.pick((b"mg %b T1\r\n", b"mg %b T60\r\n", b"mg %b T0 v\r\n", b"", b"",
                            b"md %b I T1\r\n", b"ma %b D0 T1\r\n", b"ms %b 1 MA\r\nx\r\n",
                            b"mg absent%b N1 v\r\n", b"ma absent%b N1 v\r\n"))
        if change:
            first.append(Command(change % key))
        first.append(Command(b"mg %b v t\r\n" % key))
    after = [Command(b"mg %b v t l h k\r\n" % k) for k in keys]
    after += [Command(b"mg absent%b v\r\n" % k) for k in keys]
    return [CLEAN, first, Pause(2.2), after]
