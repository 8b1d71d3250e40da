"""Random sessions in the binary protocol. An opaque is the command's number."""
import struct

from session import EDGES, KEYS, OPAQUE, Cas, Command, Pause, batches, cumulate

(GET, SET, ADD, REPLACE, DELETE, INCR, DECR, QUIT, FLUSH, GETQ, NOOP, VERSION, GETK, GETKQ,
 APPEND, PREPEND, STAT, SETQ, ADDQ, REPLACEQ, DELETEQ, INCRQ, DECRQ, QUITQ, FLUSHQ, APPENDQ,
 PREPENDQ, VERBOSITY, TOUCH, GAT, GATQ) = range(0x1f)
GATK, GATKQ = 0x23, 0x24
FETCH = {GET, GETQ, GETK, GETKQ, TOUCH, GAT, GATQ, GATK, GATKQ}
COUNT = {INCR, DECR, INCRQ, DECRQ}

BINARY_KEYS = KEYS + [b"\x00\x01 key", b"with space", b"\r\n", b"\xff" * 100]
EXPTIMES = (0, 0, 0, 0, 100, 3000, 2592000, 2592001, 2147480000)
EXPTIME_EDGES = [n for n in EDGES if n < 2 ** 32]  # none of the next seconds
MARK = 0xffffffff


def packet(opcode, key=b"", extras=b"", value=b"", cas=None, **fields):
    """A request; FIELDS override what follows from the other arguments."""
    head = struct.pack(">BBHBBHI", fields.get("magic", 0x80), opcode,
                       fields.get("key_bytes", len(key)), fields.get("extras_bytes", len(extras)),
                       0, 0, fields.get("body_bytes", len(extras) + len(key) + len(value)))
    return Command([head, OPAQUE, cas or bytes(8), extras + key + value], key,
                   alone=fields.get("alone", False), fetches=(key,) if opcode in FETCH else (),
                   counts=opcode in COUNT)


def _cas(draw, key, p=0.1):
    return Cas(key, draw.pick((0, 0, 0, 1)), binary=True) if draw.chance(p) else None


def _key(draw):
    return draw.pick(BINARY_KEYS)


def _exptime(draw):
    return draw.pick(EXPTIME_EDGES if draw.chance(0.1) else EXPTIMES)


def _number(draw):
    return draw.pick([n for n in EDGES if n < 2 ** 64])


def store(draw):
    key = _key(draw)
    opcode = draw.pick((SET, SET, SET, ADD, REPLACE, SETQ, SETQ, ADDQ, REPLACEQ))
    extras = struct.pack(">II", draw.pick((0, 1, 42, 0xffffffff)), _exptime(draw))
    if draw.chance(0.1):
        extras = struct.pack(">II", draw.pick(EXPTIME_EDGES), draw.pick(EXPTIME_EDGES))
    return packet(opcode, key, extras, draw.value(), _cas(draw, key))


def set_number(draw):
    return packet(SET, draw.number_key(), bytes(8), b"%d" % int(draw.random() * 10000))


def concat(draw):
    key = _key(draw)
    return packet(draw.pick((APPEND, PREPEND, APPENDQ, PREPENDQ)), key, b"", draw.value_for(key),
                  _cas(draw, key))


def get(draw):
    return packet(draw.pick((GET, GET, GETQ, GETK, GETKQ)), _key(draw))


def gat(draw):
    return packet(draw.pick((GAT, GATQ, GATK, GATKQ, TOUCH, TOUCH)), _key(draw),
                  struct.pack(">I", _exptime(draw)))


def arith(draw):
    key = draw.number_key() if draw.chance(0.8) else _key(draw)
    extras = struct.pack(">QQI", int(draw.delta()),
                         _number(draw) if draw.chance(0.1) else draw.pick((0, 7, 10 ** 14)),
                         draw.pick((0, 100, 0xffffffff, 0xffffffff, _exptime(draw))))
    return packet(draw.pick((INCR, DECR, INCRQ, DECRQ)), key, extras, b"", _cas(draw, key, 0.06))


def delete(draw):
    key = _key(draw)
    return packet(draw.pick((DELETE, DELETEQ)), key, cas=_cas(draw, key, 0.2))


def other(draw):
    opcode = draw.pick((NOOP, NOOP, FLUSH, FLUSHQ))
    if opcode == NOOP or draw.chance(0.5):
        return packet(opcode)
    return packet(opcode, extras=bytes(4))


def unknown(draw):
    """An opcode that does not exist: its body is discarded; of one with a key or extras
    memcached passes over too much."""
    return packet(draw.pick((0x25, 0x40, 0x7f, 0xee, 0xff)), b"", b"",
                  b"v" * draw.pick((0, 10, 3000)), alone=True)


def too_large(draw):
    key = _key(draw)
    return packet(draw.pick((SET, SETQ, ADD)), key, bytes(8),
                  b"v" * draw.pick((1048577, 2000000)), alone=True)


def refused(draw):
    """A packet of which nothing comes of its value; that must not be taken for packets."""
    value = packet(NOOP).data[0] * 3 if draw.chance(0.5) else draw.pick((b"", b"v" * 300, b"v" * 5000))
    kind = draw.pick(("replace", "add", "append", "cas", "unknown", "large"))
    if kind == "replace":
        return packet(draw.pick((REPLACE, REPLACEQ)), b"absent", bytes(8), value, alone=True)
    if kind == "append":
        return packet(draw.pick((APPEND, PREPENDQ)), b"absent", b"", value, alone=True)
    if kind == "cas":
        return packet(draw.pick((SET, SETQ)), _key(draw), bytes(8), value,
                      struct.pack(">Q", draw.pick((1, 2 ** 32, 2 ** 63, 2 ** 64 - 1))), alone=True)
    if kind == "unknown":
        return packet(0x55, b"", b"", value, alone=True)
    if kind == "large" and draw.chance(0.1):
        value = b"v" * 1048577
    return packet(draw.pick((ADD, ADDQ)), _key(draw), bytes(8), value, alone=True)


def last(draw):
    """Ends the connection, or may: a packet that cannot be understood, and quit."""
    kind = draw.pick(("quit", "quitq", "extras", "key", "nokey", "body", "magic", "longkey",
                      "value", "version", "stat", "sasl", "gigabyte"))
    opcode = draw.pick((GET, SET, ADD, DELETE, INCR, APPEND, TOUCH, GAT, FLUSH, NOOP, GETKQ,
                        VERSION, QUIT, VERBOSITY, STAT))
    if kind == "quit":
        return packet(QUIT, alone=True)
    if kind == "quitq":
        return packet(QUITQ, alone=True)
    if kind == "extras":
        return packet(opcode, b"k1", bytes(draw.pick((1, 3, 5, 9, 21))), alone=True)
    if kind == "key":
        return packet(draw.pick((NOOP, VERSION, QUIT, FLUSH)), b"k1", alone=True)
    if kind == "nokey":
        return packet(draw.pick((GET, DELETE, APPEND)), b"", alone=True)
    if kind == "body":
        return packet(opcode, b"", key_bytes=10, body_bytes=5, value=b"v" * 5, alone=True)
    if kind == "magic":
        return packet(opcode, b"k1", magic=draw.pick((0x81, 0x00, 0x67, 0xff)), alone=True)
    if kind == "longkey":
        return packet(GET, b"k" * 251, alone=True)
    if kind == "value":
        return packet(draw.pick((GET, DELETE, NOOP, TOUCH)), b"k1", b"", b"value", alone=True)
    if kind == "gigabyte":
        return packet(opcode, b"k1", b"", b"", alone=True, body_bytes=draw.pick(
            (2 ** 30 + 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1)))
    if kind == "stat":
        return packet(STAT, draw.pick((b"reset", b"nonsense")), alone=True)
    if kind == "sasl":
        return packet(draw.pick((0x20, 0x21, 0x22)), alone=True)
    return packet(VERSION, alone=True)


TABLE = cumulate([(24, store), (6, set_number), (7, concat), (32, get), (7, gat), (10, arith),
                  (7, delete), (0.5, other), (0.4, unknown), (1, refused), (0.004, too_large)])
CLEAN = [packet(FLUSH)] + [packet(DELETEQ, key) for key in BINARY_KEYS]


def _command(draw):
    return draw.weighted(*TABLE)(draw)


def session(draw, commands):
    return [CLEAN] + list(batches(draw, _command, commands)) + [[last(draw)]]


def expiry_session(draw):
    first, keys = [], [b"e%d" % i for i in range(60)]
    for i, key in enumerate(keys):
        first.append(packet(SET, key, struct.pack(">II", 0, (0, 1, 60)[i % 3]), b"%d" % (i % 10)))
        change = draw.pick((TOUCH, GAT, INCR, APPEND, GET))
        if change in (TOUCH, GAT):
            first.append(packet(change, key, struct.pack(">I", draw.pick((0, 1, 60)))))
        elif change == INCR:
            first.append(packet(INCR, b"new" + key, struct.pack(">QQI", 1, 1, 1)))
        else:
            first.append(packet(change, key, b"", b"x" if change == APPEND else b""))
        first.append(packet(GET, key))
    after = [packet(GET, key) for key in keys] + [packet(GET, b"new" + key) for key in keys]
    flush = [packet(FLUSH, extras=struct.pack(">I", 3)), packet(GET, b"e0")]
    return [CLEAN, first, Pause(2.2), after, flush, Pause(4.3), after]
