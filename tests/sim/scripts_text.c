/* Scripts of classic text commands, of values and of uploads. */
#include "script.h"

static const struct {
    const char *say;
    const char *want;
} classic[] = {
    {"set a 1 0 3\r\nabc\r\n", "STORED\r\n"},
    {"add a 1 0 3\r\nxyz\r\n", "NOT_STORED\r\n"},
    {"add n 0 0 2\r\n41\r\n", "STORED\r\n"},
    {"replace none 0 0 1\r\nx\r\n", "NOT_STORED\r\n"},
    {"append a 0 0 2\r\nde\r\n", "STORED\r\n"},
    {"prepend a 0 0 1\r\n_\r\n", "STORED\r\n"},
    {"get a\r\n", "VALUE a 1 6\r\n_abcde\r\nEND\r\n"},
    {"get a none n a\r\n",
     "VALUE a 1 6\r\n_abcde\r\nVALUE n 0 2\r\n41\r\nVALUE a 1 6\r\n_abcde\r\nEND\r\n"},
    {"get none\r\n", "END\r\n"},
    {"incr n 1\r\n", "42\r\n"},
    {"decr n 40\r\n", "2\r\n"},
    {"incr a 1\r\n", "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n"},
    {"incr none 1\r\n", "NOT_FOUND\r\n"},
    {"incr n 18446744073709551614\r\n", "0\r\n"},
    {"set n 0 0 1 noreply\r\n7\r\nincr n 5 noreply\r\nget n\r\n",
     "VALUE n 0 2\r\n12\r\nEND\r\n"},
    {"touch n 100\r\n", "TOUCHED\r\n"},
    {"touch none 1\r\n", "NOT_FOUND\r\n"},
    {"gat 100 n none\r\n", "VALUE n 0 2\r\n12\r\nEND\r\n"},
    {"cas none 0 0 1 1\r\nx\r\n", "NOT_FOUND\r\n"},
    {"cas n 0 0 1 999999\r\nx\r\n", "EXISTS\r\n"},
    {"delete n\r\n", "DELETED\r\n"},
    {"delete n\r\n", "NOT_FOUND\r\n"},
    {"delete n x\r\n", "NOT_FOUND\r\n"},
    {"set b -1 0 9\r\nversion\r\n\r\nset b 0 x 4 noreply\r\nget\n\r\n",
     "CLIENT_ERROR bad command line format\r\n"},
    {"set b 4294967303 4294967295 1\r\nx\r\nget b\r\n", "STORED\r\nEND\r\n"},
    {"nonsense\r\n", "ERROR\r\n"},
    {"get\r\n", "CLIENT_ERROR bad command line format\r\n"},
    {"set b 0 0 3\r\nabcde", "CLIENT_ERROR bad data chunk\r\n"},
    {"set b 0 -1 1\r\nx\r\nget b\r\n", "STORED\r\nEND\r\n"},
    {"flush_all\r\n", "OK\r\n"},
    {"get a\r\n", "END\r\n"},
};

void
build_classic(struct script *s)
{
    script_init(s, "classic");
    for (size_t i = 0; i < ARRAY_LEN(classic); i++) {
        say(s, "%s", classic[i].say);
        want(s, "%s", classic[i].want);
    }
}

/* Values that are copied, alternating with values that are sent from the store's memory. */
void
build_values(struct script *s)
{
    static const size_t sizes[] = {0, 1, 1023, 1024, 1025, 1, 3000, 5000, 0, 20000};

    script_init(s, "values");
    for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
        say_set(s, "set", i, sizes[i]);
        want(s, "STORED\r\n");
    }
    for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
        say(s, "get key-%u\r\n", i);
        want_value(s, i, sizes[i]);
        want(s, "END\r\n");
    }
    say(s, "get key-6 none key-2 key-7 key-8\r\n");
    want_value(s, 6, 3000);
    want_value(s, 2, 1023);
    want_value(s, 7, 5000);
    want_value(s, 8, 0);
    want(s, "END\r\n");
}

/* One line of many keys: the buffer is filled and drained several times. */
void
build_multiget(struct script *s)
{
    enum { KEYS = 60 };

    script_init(s, "multiget");
    for (unsigned i = 0; i < KEYS; i++) {
        say_set(s, "set", i, i * 37);
        want(s, "STORED\r\n");
    }
    say(s, "get");
    for (unsigned i = 0; i < KEYS; i++) {
        say(s, " key-%u none-%u", i, i);
        want_value(s, i, i * 37);
    }
    say(s, "\r\n");
    want(s, "END\r\n");
}

/* Values received where they will lie, those that are refused, and those that are joined. */
void
build_uploads(struct script *s)
{
    script_init(s, "uploads");
    say_set(s, "set", 1, 6000);
    want(s, "STORED\r\n");
    say_set(s, "add", 1, 3000);
    want(s, "NOT_STORED\r\n");
    say_set(s, "append", 1, 2500);
    want(s, "STORED\r\n");
    say_set(s, "replace", 2, 4000);
    want(s, "NOT_STORED\r\n");
    say(s, "set key-3 0 0 4000\r\n");
    say_value(s, 3, 4002); /* its end is not where it should be */
    want(s, "CLIENT_ERROR bad data chunk\r\n");
    say_set(s, "set", 4, 150000); /* above the largest item */
    want(s, "SERVER_ERROR object too large for cache\r\n");
    say(s, "set key-5 5 0 3000 noreply\r\n");
    say_value(s, 5, 3000);
    say(s, "\r\nget key-1 key-3 key-4 key-5\r\n");
    want(s, "VALUE key-1 1 8500\r\n");
    want_part(s, 1, 6000);
    want_part(s, 1, 2500);
    want(s, "\r\n");
    want_value(s, 5, 3000);
    want(s, "END\r\n");
}

/*
 * A value with more parts than references fit behind what is already in the
 * buffer: the rest has to wait.
 */
void
build_parts(struct script *s)
{
    enum { LONG_BYTES = 1900000, COPIED_BYTES = 400, GETS = 32 };

    script_init(s, "parts");
    s->limit_bytes = 4 << 20; /* so that its segments are small */
    s->item_bytes_max = 2 << 20;
    say_set(s, "set", 1, COPIED_BYTES);
    want(s, "STORED\r\n");
    say_set(s, "set", 2, LONG_BYTES);
    want(s, "STORED\r\n");
    for (int i = 0; i < GETS; i++) {
        say(s, "get key-1\r\n");
        want_value(s, 1, COPIED_BYTES);
        want(s, "END\r\n");
    }
    say(s, "get key-2 key-1\r\n");
    want_value(s, 2, LONG_BYTES);
    want_value(s, 1, COPIED_BYTES);
    want(s, "END\r\n");
}
