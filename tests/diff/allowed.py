"""Where Lombard and the memcached that it is compared with differ on purpose, each with its reason.

A row: the command, Lombard's reply, memcached's reply, as regular expressions over the
bytes sent and over the units of the replies; what it is; why. A row applies to a command
whose reply is known to be its own. After it, the session ends: what follows may build
on the difference.

Lombard follows memcached FOLLOWED. A row of OLDER begins with the version from which on
memcached answers as Lombard does, and applies to older ones only: against FOLLOWED itself
the test is strict.
"""
import re

# Not generated at all, since the difference would hide in state, in silence, or in luck:
# - only blanks as a value to incr: the digits of what was in that memory before are taken
#   there;
# - kilobytes of anything behind a number and a blank: no number here once they lie in several
#   pieces; there up to half a megabyte;
# - a number that gets shorter while a reply about it is on its way: spaces follow it
#   here, there only where the item is not held;
# - ma with T on a number that gets longer: the time of the item it replaced is set there;
# - x of md with a key in base64: it is no longer one there;
# - a key stored as base64 and asked for in plain, or the reverse: k gives it back as it was
#   asked for here, as it was stored there;
# - I with T-1 in ms: the time that passes on to the stale item cannot be set here, because
#   what is stored has expired by then;
# - t of what has just expired: 0 here, there what is below zero as 32 bits without a sign;
# - E0 of md and ma: the next CAS here, as for ms in both; none there;
# - a flag of mg, ma or md that is refused after the item was looked up (an opaque that is
#   too long): it was touched or changed there;
# - what is no flag at all in ms: its value is discarded here, taken for commands there;
# - flush_all with a delay: it takes back the flush before it there, and what has not been
#   looked at since comes back;
# - binary 0x1b (verbosity), and unknown opcodes with extras or a key: there is no such opcode
#   there, and more than the body is skipped of the others;
# - stats, me's cls and size, lru_crawler: what they say is about memory.

FOLLOWED = (1, 6, 45)

ROWS = [
    (rb"^\s*(gets?|gat|gats) .*(L{251}|k{251})", rb"bad command line format",
     rb"^CLIENT_ERROR bad command line format", "a key too long in a get",
     "the values before it are sent, since no multiget is held back here; no empty line "
     "follows the error"),
    (rb"^me \S+ b", rb"^ME ", rb"^EN", "me of a key in base64", "1.6.40 and later do not see the b"),
    (rb"^ma .* C|^\x80[\x05\x06\x15\x16]", rb"^EX|status 2 ", rb"cannot increment|status 6 ",
     "a stale CAS of a value of more than half a megabyte",
     "two things are wrong; the CAS is looked at first here, the length there"),
    (rb"^\x80[\x20-\x22]", rb"status 129", rb"status (4|32|129)", "SASL",
     "there is none here, so the opcodes are unknown; there it is only switched off"),
    (rb"^\x80\x20", rb"status 0 ", rb"status (32|129)", "SASL mechanisms, where no client authenticates",
     "an empty list, so that clients that always ask can go on"),
    (rb"^\x80\x1b", rb"status 4 ", rb"status 129 ", "verbosity, binary",
     "a packet of the wrong form here, an unknown one there"),
]

_BAD = rb"^CLIENT_ERROR bad command line format"
_TIME = rb"^CLIENT_ERROR (invalid exptime argument|bad token in command line format" \
        rb"|invalid or duplicate flag|bad command line format)"
# How a number may look to which strtol() and the strict parser give another meaning: a plus
# sign, a minus sign alone, a blank within, too many characters, or out of 32 bits.
_ODD = rb"(\+|-?\d*[\t\v]|-(\s|$)|-?\d{10,}|-0)"

OLDER = [
    ((1, 6, 45), rb"^version\b|^\x80\x0b", rb"1\.6\.", rb"1\.6\.", "version",
     "each says its own version"),
    ((1, 6, 40), rb"", _BAD, rb"^ERROR|^END", "words missing, or hardly a line",
     "bad format from 1.6.40 on, before that an ERROR"),
    ((1, 6, 40), rb" \S+ \S+ \S+", rb"", rb"^ERROR", "words that are too many",
     "from 1.6.40 on they are not looked at"),
    ((1, 6, 40), rb"^delete ", rb"^(DELETED|NOT_FOUND|$)", rb"^CLIENT_ERROR bad command line",
     "delete with more words", "from 1.6.40 on they are not looked at"),
    ((1, 6, 40), rb"^delete noreply", rb"", rb"", "delete of the key noreply",
     "from 1.6.40 on that word is a key and hides the reply as well"),
    ((1, 6, 40), rb"^ *\S+( \S+)* noreply", rb"^$", rb"^ERROR", "noreply of what is no command",
     "from 1.6.40 on it hides that"),
    ((1, 6, 40), rb"^noreply", rb"^$", rb"^ERROR", "noreply alone", "from 1.6.40 on a quiet error"),
    ((1, 6, 40), rb"^ +\S", rb"^ERROR", rb"", "blanks before a command",
     "no command from 1.6.40 on"),
    ((1, 6, 40), rb"^mn\n", _BAD, rb"", "mn without a carriage return", "too short from 1.6.40 on"),
    ((1, 6, 40), rb"^bget", rb"^ERROR", rb"", "bget", "no command from 1.6.40 on"),
    ((1, 6, 40), rb"^shutdown", rb"SERVER_ERROR", rb"ERROR", "shutdown", "SERVER_ERROR from 1.6.40 on"),
    ((1, 6, 40), rb"^gat ", _BAD, rb"^(END|CLIENT_ERROR invalid exptime)", "gat without a key",
     "bad format from 1.6.40 on"),
    ((1, 6, 40), rb"^m[gsda] ", rb"^CLIENT_ERROR", rb"^CLIENT_ERROR",
     "what is wrong with a flag", "another reason is given since 1.6.40"),
    ((1, 6, 40), rb"^m[gsda] .* M", rb"", rb"CLIENT_ERROR incorrect length for M",
     "a mode of more letters", "from 1.6.40 on its first letter counts"),
    ((1, 6, 40), rb"^ma .* q", rb"", rb"^HD|^VA", "ma q that creates", "quiet from 1.6.40 on"),
    ((1, 6, 40), rb"^mg .* C", rb"^HD", rb"^VA", "mg C", "no value that is known from 1.6.40 on"),
    ((1, 6, 24), rb"^me ", rb"^ME .* exp", rb"^ME .* exp", "me", "exp with its sign from 1.6.24 on"),
    ((1, 6, 40), rb"^(set|add|replace|append|prepend|cas) ", rb"", rb"",
     "a store command that is refused, or should be",
     "lengths are exact from 1.6.40 on, and noreply does not hide what is wrong with one"),
    ((1, 6, 40), rb"^(gat|gats|touch|flush_all|incr|decr|verbosity|cache_memlimit|stats|lru_crawler) .*" + _ODD, rb"", rb"",
     "numbers as strtol() reads them", "digits only, and of 32 or 64 bits, from 1.6.40 on"),
    ((1, 6, 40), rb"^(flush_all|gat|gats|touch) [^\r]*x", _TIME, rb"", "times that are none",
     "said first, or last, since 1.6.40"),
    ((1, 6, 45), rb"^m[gsda] .* [A-Z]" + _ODD, rb"", rb"",
     "numbers of flags as strtol() reads them", "digits only, and of 32 or 64 bits, from 1.6.45 on"),
    ((1, 6, 22), rb"^(incr|decr|ma) ", rb"^(VA \d+.*\n)?\d{19,20}", rb"^CLIENT_ERROR cannot increment",
     "a number from 2^63 on", "before 1.6.22 luck"),
    ((1, 6, 42), rb"^\x80", rb"status 4 .*Invalid arguments", rb"", "a body of more than a gigabyte",
     "closed from 1.6.42 on"),
    ((1, 6, 40), rb"^ma |^ms .* [EN]|^mg .* [ERN]", rb"", rb"", "ma, and flags that are younger",
     "E, N of ms, and R of more than 30 days are not in 1.6.18"),
    ((1, 6, 40), rb"^md .* [xEF]", rb"", rb"", "md x, E and F", "not in 1.6.18"),
]


def _compile(row):
    command, ours, theirs, name, _ = row
    return (re.compile(command, re.S), re.compile(ours, re.S), re.compile(theirs, re.S), name)


REASONS = {row[3]: row[4] for row in ROWS}
REASONS.update((row[4], "memcached %d.%d.%d changed it: %s" % (*row[0], row[5])) for row in OLDER)


def _text(units):
    return b"\n".join(u if isinstance(u, bytes) else u[1] if isinstance(u[1], bytes)
                      else u[0] for u in units)


class Allowed:
    """What may differ from the memcached of VERSION, a tuple."""

    def __init__(self, version):
        self.is_older = version < FOLLOWED
        self.rows = [_compile(row) for row in ROWS]
        self.rows += [_compile(row[1:]) for row in OLDER if version < row[0]]

    def find(self, sent, ours, theirs, plain):
        """The name of the row that allows these replies, or None. A row that does not say how
        they look does not count in a plain session."""
        ours, theirs = _text(ours), _text(theirs)
        for command, a, b, name in self.rows:
            if plain and not a.pattern and not b.pattern:
                continue
            if command.search(sent) and a.search(ours) and b.search(theirs):
                return name
        return None
