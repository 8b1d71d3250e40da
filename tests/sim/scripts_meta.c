/* Scripts of meta commands. */
#include "script.h"

static const struct {
    const char *say;
    const char *want;
} kinds[] = {
    {"mn\r\n", "MN\r\n"},
    {"mg a v\r\n", "EN\r\n"},
    {"ms a 3 F7 T100 E11 c s O1 k\r\nabc\r\n", "HD c11 s3 O1 ka\r\n"},
    {"mg a\r\n", "HD\r\n"},
    {"mg a s v t f h l k c O2\r\n", "VA 3 s3 t100 f7 h1 l0 ka c11 O2\r\nabc\r\n"},
    {"mg a v C11 c O3\r\nmg a v C12\r\n", "HD c11 O3\r\nVA 3\r\nabc\r\n"},
    {"ms a 1 ME O3\r\nx\r\n", "NS O3\r\n"},
    {"ms none 1 MR\r\nx\r\n", "NS\r\n"},
    {"ms a 2 C999\r\nxy\r\n", "EX\r\n"},
    {"ms none 2 C999 c\r\nxy\r\n", "NF c0\r\n"},
    {"ms a 2 MA E12\r\nde\r\nms a 1 MP E13 s\r\n_\r\n", "HD\r\nHD s6\r\n"},
    {"mg a v\r\n", "VA 6\r\n_abcde\r\n"},
    {"ms YiAx 4 b E14\r\nb64!\r\nmg YiAx b k v\r\n", "HD\r\nVA 4 kYiAx b\r\nb64!\r\n"},
    {"ms n 2 E15\r\n41\r\nma n v\r\nma n MD D40 v t\r\nma n E16 c\r\n",
     "HD\r\nVA 2\r\n42\r\nVA 1 t-1\r\n2\r\nHD c16\r\n"},
    {"ma a\r\n", "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n"},
    {"ma none O4\r\nma new N0 J7 v\r\nma n C999\r\n", "NF O4\r\nVA 1\r\n7\r\nEX\r\n"},
    {"mg q1 q O5\r\nmg n v q O6\r\nms q2 1 q O7\r\nx\r\nmd q2 q O8\r\nma n q O9\r\nmn\r\n",
     "VA 2 O6\r\n3 \r\nMN\r\n"},
    {"mg fill N30 s v t\r\nmg fill v\r\n", "VA 0 s0 t30 W\r\n\r\nVA 0 Z\r\n\r\n"},
    {"md a I T30 E17\r\nmg a s\r\nmg a s\r\n", "HD\r\nHD s6 X W\r\nHD s6 Z X\r\n"},
    {"ms e 1 E20 T100\r\n5\r\nme e\r\nme none\r\n",
     "HD\r\nME e exp=100 la=0 cas=20 fetch=no cls=1 size=2\r\nEN\r\n"},
    {"md n x E18\r\nmg n s\r\nmd n\r\nmd n O10\r\n", "HD\r\nHD s0\r\nHD\r\nNF O10\r\n"},
    {"mg\r\nmg a w\r\nms a x\r\nmd a x x\r\nma a MZ\r\nme\r\nmz\r\n",
     "CLIENT_ERROR bad command line format\r\nCLIENT_ERROR invalid flag\r\n"
     "CLIENT_ERROR bad command line format\r\n"
     "CLIENT_ERROR duplicate flag\r\nCLIENT_ERROR invalid mode for ma M token\r\n"
     "CLIENT_ERROR bad command line format\r\nERROR\r\n"},
    {"ms a 3\r\nabcde", "CLIENT_ERROR bad data chunk\r\n"},
};

void
build_meta(struct script *s)
{
    script_init(s, "meta");
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        say(s, "%s", kinds[i].say);
        want(s, "%s", kinds[i].want);
    }
}

/* Values that are copied, and values that are sent from where they lie; quiet ones between. */
void
build_meta_values(struct script *s)
{
    static const size_t sizes[] = {0, 1, 1023, 1024, 1025, 3000, 20000};

    script_init(s, "meta-values");
    for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
        say(s, "ms key-%u %zu T0 F%u q\r\n", i, sizes[i], i);
        say_value(s, i, sizes[i]);
        say(s, "\r\n");
    }
    say(s, "mn\r\n");
    want(s, "MN\r\n");
    for (int round = 0; round < 2; round++) {
        for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
            say(s, "mg key-%u v q k f O%u\r\nmg none-%u v q\r\n", i, i + 1, i);
            want(s, "VA %zu kkey-%u f%u O%u\r\n", sizes[i], i, i, i + 1);
            want_part(s, i, sizes[i]);
            want(s, "\r\n");
        }
        say(s, "mn\r\n");
        want(s, "MN\r\n");
    }
    say(s, "ms key-9 150000 q\r\n"); /* above the largest item */
    say_value(s, 9, 150000);
    say(s, "\r\nms key-6 2500 MA s\r\n");
    want(s, "SERVER_ERROR object too large for cache\r\n");
    say_value(s, 6, 2500);
    say(s, "\r\nmg key-6 v\r\n");
    want(s, "HD s22500\r\nVA 22500\r\n");
    want_part(s, 6, 20000);
    want_part(s, 6, 2500);
    want(s, "\r\n");
}
