"""Where Lombard and the memcached beside it differ on purpose, each with its reason.

A row: the command, Lombard's reply, memcached's reply, as regular expressions over the
bytes sent and over the units of the replies; what it is; why. A row applies to a command
whose reply is known to be its own. After it, the session ends: what follows may build
on the difference.
"""
import re

# Not generated at all, since the difference would hide in state, in silence, or in luck:
# - times from 2^31 on: exact here, cut to 32 bits (and so mostly expired) there;
# - lengths that are small when cut to 32 bits: refused here, waited for there;
# - numbers from 2^63 on as a value to incr: there a minus sign is looked for behind them,
#   as far as the next zero byte in memory; only blanks as a value: the digits of what was
#   in that memory before are taken there;
# - a number that gets shorter while a reply about it is on its way: spaces fill the place
#   here, there only where the item is not held;
# - N, append, prepend and ma with a base64 key: 1.6.18 forgets that it was one, and sends
#   it raw afterwards;
# - ma with T on a number that gets longer: 1.6.18 sets the time of the item it replaced;
# - a key stored as base64 and asked for in plain, or the reverse: k gives it back as it was
#   asked for here, as it was stored there;
# - binary 0x1b (verbosity), and unknown opcodes with extras or a key: 1.6.18 does not know
#   the one, and skips more than the body of both;
# - I with T-1 in ms: the time that passes on to the stale item cannot be set here, because
#   what is stored has expired by then;
# - a flag of mg that is refused after the item was looked up: it was touched there;
# - watch: refused here; stats, me's cls and size, lru_crawler: what they say is about memory;
# - E, and x of md, and other flags that are younger than 1.6.18: nothing to compare with.

ROWS = [
    (rb"^version\b|^\x80\x0b", rb"1\.6\.", rb"1\.6\.", "version",
     "each says its own version"),
    (rb"^(set|cas) \S+ (429496729[67]|9223372036854775807|9223372036854775808|"
     rb"18446744073709551615) ", rb"^CLIENT_ERROR bad command line format", rb"",
     "client flags of 2^32 and more", "they are 32 bits: refused here, cut to 32 bits there"),
    (rb"^ms .* F(429496729[67]|9223372036854775807|9223372036854775808|18446744073709551615)",
     rb"^CLIENT_ERROR bad", rb"", "client flags of 2^32 and more, meta",
     "they are 32 bits: refused here, cut to 32 bits there"),
    (rb"^\s*(gets?|gat|gats) .*L{251}", rb"VALUE .*bad command line format",
     rb"^CLIENT_ERROR bad command line format", "a key too long, after others in one get",
     "the values before it are sent, since no multiget is held back here"),
    (rb"\d{251}", rb"CLIENT_ERROR", rb"", "a number of more than 250 digits",
     "none has so many; there leading zeros are read through"),
    (rb"^ma .* C", rb"^EX", rb"^CLIENT_ERROR cannot increment", "ma with a stale CAS of an "
     "empty value", "two things are wrong; the CAS is looked at first here, the value there"),
    (rb"^(incr|decr|ma) ", rb"^(VA \d+.*\n)?\d{19,20}", rb"^CLIENT_ERROR cannot increment",
     "a number from 2^63 on", "any that fits 64 bits counts here; there it is luck"),
    (rb"^\x80", rb"status 4 .*Invalid arguments", rb"status 129 .*Unknown command",
     "lengths that cannot be, binary",
     "extras and key longer than the body: called 0x04 here, 0x81 there; closed by both"),
    (rb"^\x80[\x20-\x22]", rb"status 129", rb"status (4|32|129)", "SASL",
     "there is none here, so the opcodes are unknown; there it is only switched off"),
    (rb"^\x80[\x05\x06\x15\x16]", rb"status 2 ", rb"status 6 ",
     "incr with a stale CAS of an empty value",
     "two things are wrong; the CAS is looked at first here, the value there"),
]

_COMPILED = [(re.compile(c, re.S), re.compile(a, re.S), re.compile(b, re.S), name)
             for c, a, b, name, _ in ROWS]
REASONS = {row[3]: row[4] for row in ROWS}


def _text(units):
    return b"\n".join(u if isinstance(u, bytes) else u[1] if isinstance(u[1], bytes)
                      else u[0] for u in units)


def find(sent, ours, theirs):
    """The name of the row that allows these replies, or None."""
    ours, theirs = _text(ours), _text(theirs)
    for command, a, b, name in _COMPILED:
        if command.search(sent) and a.search(ours) and b.search(theirs):
            return name
    return None
