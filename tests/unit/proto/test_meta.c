#include "lombard/base/attr.h"
#include "lombard/proto/proto.h"
#include "leak.h"
#include "parse.h"

#define K10     "kkkkkkkkkk"
#define K50     K10 K10 K10 K10 K10
#define K250    K50 K50 K50 K50 K50
#define Q(text) "refused \"CLIENT_ERROR " text "\\r\\n\"\n"
#define BAD     Q("bad command line format")
#define TOKEN   Q("bad token in command line format")
#define FLAG    Q("invalid or duplicate flag")
/* What 12 and 40 times the letter k stand for in base64. */
#define NINE   "\\x92I$\\x92I$\\x92I$"
#define THIRTY NINE NINE NINE "\\x92I$"
#define ERR    "refused \"ERROR\\r\\n\"\n"

static const struct parse_case get_cases[] = {
    ROW("mg", "mg a\r\nmg a v\nmg a v t k\r\n",
        "mg key=a meta delta=1 seen=\nmg key=a meta delta=1 seen=v\n"
        "mg key=a meta delta=1 seen=ktv\n"),
    ROW("blanks", "mg   a   v   k  \r\n mg a\r\n", "mg key=a meta delta=1 seen=kv\n" ERR),
    ROW("quiet", "mg a q v\r\n", "mg key=a quiet meta delta=1 seen=qv\n"),
    ROW("T N R E", "mg a T30 N-1 R5 E9\r\n",
        "mg key=a vivify meta exptime=30 new_cas=9 delta=1 seen=ENRT vivify_ttl=-1 "
        "recache_ttl=5\n"),
    ROW("t before T, R before T", "mg a t R5 T30\r\nmg a T30 t R5\r\n",
        "mg key=a meta exptime=30 delta=1 seen=RTt recache_ttl=5 ttl_first recache_first\n"
        "mg key=a meta exptime=30 delta=1 seen=RTt recache_ttl=5\n"),
    ROW("flags without a meaning are let through", "mg a P L/x I\r\n",
        "mg key=a meta delta=1 seen=ILP\n"),
    ROW("argument where none is due", "mg a vxyz\r\n", "mg key=a meta delta=1 seen=v\n"),
    ROW("no key", "mg\r\nmg \r\n", BAD BAD),
    ROW("key of 250 and 251", "mg " K250 "\r\nmg " K250 "k\r\nmn\r\n",
        "mg key=" K250 " meta delta=1 seen=\n" BAD "noop\n"),
    ROW("unknown flags",
        "mg a w\r\nmg a 1\r\nmg a !\r\nmg a \x01\r\nmg a \xff\r\nmg a Z\r\n"
        "mg a {\r\nmg a w !\r\n",
        Q("invalid flag") Q("invalid flag") BAD BAD BAD Q("invalid flag") BAD BAD),
    ROW("characters between Z and a", "mg a [\r\nmg a _\r\nmg a `\r\n",
        Q("invalid flag") Q("invalid flag") Q("invalid flag")),
    ROW("twice", "mg a v v\r\nmg a T1 T2\r\n", Q("duplicate flag") Q("duplicate flag")),
    ROW("bad arguments",
        "mg a T\r\nmg a Tx\r\nmg a N\r\nmg a R1x\r\nmg a C-1\r\nmg a E\r\nmg a "
        "T9223372036854775808\r\n",
        TOKEN TOKEN TOKEN TOKEN TOKEN TOKEN TOKEN),
    ROW("times out of range", "mg a T2147483648\r\nmg a N4294967295\r\nmg a R-2147483649\r\n",
        TOKEN TOKEN TOKEN),
    ROW("times at the edges", "mg a T2147483647\r\nmg a N-2147483648 R-\r\n",
        "mg key=a meta exptime=2147483647 delta=1 seen=T\n"
        "mg key=a vivify meta delta=1 seen=NR vivify_ttl=-2147483648 recache_first\n"),
    ROW("a CAS", "mg a v C18446744073709551615\r\nmg a C18446744073709551616\r\nmg a C+1\r\n",
        "mg key=a meta cas=18446744073709551615 delta=1 seen=Cv\n" TOKEN TOKEN),
    ROW("the last reason counts, but that of F", "mg a Tx Dx\r\nmg a Dx Tx Fx\r\nmg a Fx\r\n",
        Q("invalid numeric delta value") TOKEN BAD),
    ROW("eighteen flags", "mg a v v v v v v v v v v v v v v v v v v\r\n", Q("duplicate flag")),
    ROW("nineteen flags", "mg a v v v v v v v v v v v v v v v v v v v\r\n",
        Q("options flags are too long")),
    ROW("what is behind the 23rd word is not looked at",
        "mg a v v v v v v v v v v v v v v v v v v v v v !\r\n"
        "mg a v v v v v v v v v v v v v v v v v v v v !\r\n",
        Q("options flags are too long") BAD),
    ROW("opaque",
        "mg a O0123456789012345678901234567890\r\nmg a O01234567890123456789012345678901\r\n",
        "mg key=a meta delta=1 seen=O\n" Q("opaque token too long")),
};

static const struct parse_case base64_cases[] = {
    ROW("base64 key", "mg Zm9v b\r\nmg Zm9vYg== b k\r\n",
        "mg key=foo meta delta=1 seen=b\nmg key=foob meta delta=1 seen=bk\n"),
    ROW("any byte", "mg AAECCg0gfw== b\r\n",
        "mg key=\\x00\\x01\\x02\\n\\r \\x7f meta delta=1 seen=b\n"),
    ROW("not base64", "mg Zm9 b\r\nmg Zm9v= b\r\nmg ==== b\r\nmg Z!9v b\r\n",
        Q("error decoding key") Q("error decoding key") Q("error decoding key")
            Q("error decoding key")),
    ROW("all of 248 characters", "mg " K50 K50 K50 K50 K10 K10 K10 K10 "kkkkkkkk b\r\n",
        "mg key=" THIRTY THIRTY THIRTY THIRTY THIRTY THIRTY
        "\\x92I$\\x92I$ meta delta=1 seen=b\n"),
    ROW("md, ma, me", "md Zm9v b\r\nma Zm9v b\r\nme Zm9v b\r\n",
        "md key=foo meta delta=1 seen=b\nma key=foo meta delta=1 seen=b\nme key=foo meta "
        "seen=b\n"),
    ROW("md, ma, me, not base64", "md Zm9 b\r\nma Zm9 b\r\nme Zm9 b\r\n",
        Q("error decoding key") FLAG BAD),
    ROW("ms", "ms Zm9v 2 b\r\nhi\r\nms Zm9 2 b\r\nhi\r\nmn\r\n",
        "set key=foo meta delta=1 bytes=2 body=4 seen=b\n"
        "refused \"CLIENT_ERROR error decoding key\\r\\n\" bytes=2 body=4\nnoop\n"),
};

#define SWALLOW(text) "refused \"CLIENT_ERROR " text "\\r\\n\" bytes=2 body=4\n"

static const struct parse_case set_cases[] = {
    ROW("ms", "ms a 2\r\nhi\r\nms a 2 T30 F5 q\r\nhi\r\n",
        "set key=a meta delta=1 bytes=2 body=4 seen=\n"
        "set key=a quiet meta client_flags=5 exptime=30 delta=1 bytes=2 body=4 seen=FTq\n"),
    ROW("modes",
        "ms a 2 MS\r\nhi\r\nms a 2 ME\r\nhi\r\nms a 2 MR\r\nhi\r\nms a 2 MA\r\nhi\r\n"
        "ms a 2 MP\r\nhi\r\n",
        "set key=a meta delta=1 bytes=2 body=4 seen=M\n"
        "add key=a meta delta=1 bytes=2 body=4 seen=M\n"
        "replace key=a meta delta=1 bytes=2 body=4 seen=M\n"
        "append key=a meta delta=1 bytes=2 body=4 seen=M\n"
        "prepend key=a meta delta=1 bytes=2 body=4 seen=M\n"),
    ROW("a CAS makes set and replace a compare-and-swap",
        "ms a 2 C7\r\nhi\r\nms a 2 C7 MR\r\nhi\r\nms a 2 C7 MA\r\nhi\r\nms a 2 C7 ME\r\nhi\r\n",
        "cas key=a meta cas=7 delta=1 bytes=2 body=4 seen=C\n"
        "cas key=a meta cas=7 delta=1 bytes=2 body=4 seen=CM\n"
        "append key=a meta cas=7 delta=1 bytes=2 body=4 seen=CM\n"
        "add key=a meta cas=7 delta=1 bytes=2 body=4 seen=CM\n"),
    ROW("empty value", "ms a 0\r\n\r\nmn\r\n", "set key=a meta delta=1 body=2 seen=\nnoop\n"),
    ROW("no key, no length", "ms\r\nms a\r\nms a x\r\nms a 2x\r\nms a -1\r\nms a T1\r\n",
        BAD BAD BAD BAD BAD BAD),
    ROW("lengths", "ms a 2147483646\r\nms a 99999999999999999999\r\nms a 2147483645\r\n",
        BAD BAD "set key=a meta delta=1 bytes=2147483645 body=2147483647 seen=\n"),
    ROW("key of 251", "ms " K250 "k 2\r\nmn\r\n", SWALLOW("bad command line format")),
    ROW("no flag", "ms a 2 !\r\nmn\r\nms a 2 q {\r\nmn\r\n",
        SWALLOW("bad command line format") SWALLOW("bad command line format")),
    ROW("a refused command's value is skipped",
        "ms a 2 w\r\nhi\r\nms a 2 q q\r\nhi\r\nms a 2 Fx\r\nhi\r\nms a 2 Tx\r\nhi\r\n"
        "ms a 2 M\r\nhi\r\nms a 2 MSS\r\nhi\r\nms a 2 Mx\r\nhi\r\nms a 2 Me\r\nhi\r\nmn\r\n",
        SWALLOW("invalid flag") SWALLOW("duplicate flag") SWALLOW("bad command line format")
            SWALLOW("bad token in command line format") SWALLOW(
                "invalid mode for ms M token") "set key=a meta delta=1 bytes=2 body=4 "
                                               "seen=M\n" SWALLOW("invalid mode for ms M token")
                                                   SWALLOW(
                                                       "invalid mode for ms M token") "noop\n"),
    ROW("flags of 33 bits", "ms a 2 F4294967295\r\nhi\r\nms a 2 F4294967296\r\nhi\r\n",
        "set key=a meta client_flags=4294967295 delta=1 bytes=2 body=4 seen=F\n" SWALLOW(
            "bad command line format")),
    ROW("eighteen flags", "ms a 2 v v v v v v v v v v v v v v v v v v\r\nhi\r\nmn\r\n",
        SWALLOW("options flags are too long") "noop\n"),
};

static const struct parse_case other_cases[] = {
    ROW("md", "md a\r\nmd a q I T30 C7 x\r\n",
        "md key=a meta delta=1 seen=\n"
        "md key=a quiet meta exptime=30 cas=7 delta=1 seen=CITqx\n"),
    ROW("md wrongly", "md\r\nmd " K250 "k\r\nmd a w\r\nmd a q q\r\nmd a C\r\n",
        BAD BAD Q("invalid flag") Q("duplicate flag") TOKEN),
    ROW("ma", "ma a\r\nma a D5 J7 N30 MD q v\r\n",
        "ma key=a meta delta=1 seen=\n"
        "ma key=a quiet vivify meta delta=5 initial=7 seen=DJMNqv vivify_ttl=30 decr\n"),
    ROW("ma modes", "ma a MI\r\nma a M+\r\nma a MD\r\nma a M-\r\n",
        "ma key=a meta delta=1 seen=M\nma key=a meta delta=1 seen=M\n"
        "ma key=a meta delta=1 seen=M decr\nma key=a meta delta=1 seen=M decr\n"),
    ROW("ma wrongly",
        "ma\r\nma a Mx\r\nma a M\r\nma a Dx\r\nma a J\r\nma a v v\r\nma " K250
        "k\r\nma a !\r\n",
        BAD Q("invalid mode for ma M token") Q("invalid mode for ma M token")
            FLAG FLAG FLAG FLAG BAD),
    ROW("ma numbers",
        "ma a D18446744073709551615\r\nma a D18446744073709551616\r\nma a D-1\r\n",
        "ma key=a meta delta=18446744073709551615 seen=D\n" FLAG FLAG),
    ROW("too many flags of md and ma",
        "md a v v v v v v v v v v v v v v v v v v v\r\n"
        "ma a v v v v v v v v v v v v v v v v v v v\r\n",
        Q("options flags are too long") FLAG),
    ROW("opaque of md", "md a O01234567890123456789012345678901\r\n",
        Q("opaque token too long")),
    ROW("me", "me a\r\nme a v v 1\r\nme\r\nme " K250 "k\r\nme a !\r\n",
        "me key=a meta seen=\nme key=a meta seen=\n" BAD BAD BAD),
    ROW("mn", "mn\r\nmn q\r\n", "noop\nnoop\n"),
    ROW("others", "mx\r\nmgg a\r\nm\r\nmG a\r\nmx a noreply\r\n",
        ERR ERR BAD ERR "refused \"\"\n"),
};

#define TABLE_TEST(table)                                                                      \
    START_TEST(table##_give_these_requests)                                                    \
    {                                                                                          \
        parse_check(&(table)[_i]);                                                             \
    }                                                                                          \
    END_TEST

TABLE_TEST(get_cases)
TABLE_TEST(base64_cases)
TABLE_TEST(set_cases)
TABLE_TEST(other_cases)

/* --- What each letter means, by name --- */

enum field {
    TOUCHES = 1,
    RECACHES = 2,
    UNNOTICED = 4,
    COMPARES = 8,
    RENEWS_CAS = 16,
    EMPTIES = 32,
    VIVIFIES = 64,
    INVALIDATES = 128,
    VALUE = 256,
    BASE64 = 512,
};

static const struct {
    const char *line;
    unsigned fields;
} letters[] = {
    {"mg Zm9v\r\n", 0},
    {"mg Zm9v T5\r\n", TOUCHES},
    {"mg Zm9v R5\r\n", RECACHES},
    {"mg Zm9v u\r\n", UNNOTICED},
    {"mg Zm9v C0\r\n", COMPARES},
    {"mg Zm9v E1\r\n", RENEWS_CAS},
    {"md Zm9v x\r\n", EMPTIES},
    {"mg Zm9v N1\r\n", VIVIFIES},
    {"md Zm9v I\r\n", INVALIDATES},
    {"mg Zm9v v\r\n", VALUE},
    {"mg Zm9v b\r\n", BASE64},
    {"mg Zm9v k s t c f h l O1\r\n", 0},
    {"ms Zm9v 1 I C1 T2 N3 E4 b\r\n",
     INVALIDATES | COMPARES | TOUCHES | VIVIFIES | RENEWS_CAS | BASE64},
    {"ma Zm9v N1 T2 C3 E4 v\r\n", VIVIFIES | TOUCHES | COMPARES | RENEWS_CAS | VALUE},
    {"me Zm9v b\r\n", BASE64},
};

START_TEST(letters_become_fields)
{
    struct slice line = slice_make(letters[_i].line, strlen(letters[_i].line));
    struct request req;
    unsigned got = 0;
    size_t used;

    ck_assert_int_eq(parse_first(line, &req, &used), PARSE_COMPLETE);
    got |= req.meta.touches ? TOUCHES : 0;
    got |= req.meta.recaches ? RECACHES : 0;
    got |= req.meta.unnoticed ? UNNOTICED : 0;
    got |= req.meta.compares ? COMPARES : 0;
    got |= req.meta.renews_cas ? RENEWS_CAS : 0;
    got |= req.meta.empties ? EMPTIES : 0;
    got |= (req.flags & REQ_VIVIFY) != 0 ? VIVIFIES : 0;
    got |= (req.flags & REQ_INVALIDATE) != 0 ? INVALIDATES : 0;
    got |= req.echo.meta.value ? VALUE : 0;
    got |= req.echo.meta.base64 ? BASE64 : 0;
    ck_assert_msg(got == letters[_i].fields, "%s: %x", letters[_i].line, got);
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("meta");

    tcase_add_loop_test(tc, get_cases_give_these_requests, 0, ARRAY_LEN(get_cases));
    tcase_add_loop_test(tc, base64_cases_give_these_requests, 0, ARRAY_LEN(base64_cases));
    tcase_add_loop_test(tc, set_cases_give_these_requests, 0, ARRAY_LEN(set_cases));
    tcase_add_loop_test(tc, other_cases_give_these_requests, 0, ARRAY_LEN(other_cases));
    tcase_add_loop_test(tc, letters_become_fields, 0, ARRAY_LEN(letters));
    return leak_run(tc, "proto/meta");
}
