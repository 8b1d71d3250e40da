#include <stdio.h>
#include <stdlib.h>

#include "lombard/base/attr.h"
#include "lombard/proto/proto.h"
#include "leak.h"
#include "parse.h"

#define K10             "kkkkkkkkkk"
#define K50             K10 K10 K10 K10 K10
#define K250            K50 K50 K50 K50 K50
#define BAD             "refused \"CLIENT_ERROR bad command line format\\r\\n\"\n"
#define ERR             "refused \"ERROR\\r\\n\"\n"
#define FLUSH_TIME      "flush \"CLIENT_ERROR invalid exptime argument\\r\\n\""
#define TIME            "refused \"CLIENT_ERROR invalid exptime argument\\r\\n\"\n"
#define NONE            "refused \"\"\n"
#define DISCARD         "refused \"CLIENT_ERROR bad command line format\\r\\n\" bytes=4 body=6\n"
#define DISCARD_QUIETLY "refused \"\" bytes=4 body=6\n"
#define DUMP_CLASS      "dump \"BADCLASS invalid class id\\r\\n\"\n"

static const struct parse_case get_cases[] = {
    ROW("get", "get a\r\n", "get key=a last\n"),
    ROW("bare newline", "get a\n", "get key=a last\n"),
    ROW("gets", "gets a b\r\n", "get key=a with_cas\nget key=b with_cas last\n"),
    ROW("bget", "bget a\r\n", ERR),
    ROW("three keys", "get a b c\r\n", "get key=a\nget key=b\nget key=c last\n"),
    ROW("blanks everywhere", "get   a  b \r\n", "get key=a\nget key=b\nend last\n"),
    ROW("blanks before it", " get a\r\n  gets a\r\n gat 0 a\r\n   \r\nget a\r\n",
        ERR ERR ERR ERR "get key=a last\n"),
    ROW("two lines", "get a b\r\nget c\r\n", "get key=a\nget key=b last\nget key=c last\n"),
    ROW("tab and control bytes belong to a key", "get a\tb \x01\x7f\xff\r\n",
        "get key=a\\x09b\nget key=\\x01\\x7f\\xff last\n"),
    ROW("carriage returns within", "get a\rb \rc\r\n", "get key=a\\rb\nget key=\\rc last\n"),
    ROW("two carriage returns at the end", "get a\r\r\n", "get key=a\\r last\n"),
    ROW("carriage return alone is a key", "get a \r b\r\n",
        "get key=a\nget key=\\r\nget key=b last\n"),
    ROW("NUL in a key", "get a\0b\r\n", "get key=a\\x00b last\n"),
    ROW("no key", "get\r\ngets\n", BAD BAD),
    ROW("no key but a blank", "get \r\n", BAD),
    ROW("no key but blanks", "gets    \n", BAD),
    ROW("key of 250", "get " K250 "\r\nversion\r\n", "get key=" K250 " last\nversion\n"),
    ROW("key of 251", "get " K250 "k\r\nversion\r\n", BAD "version\n"),
    ROW("key of 251, bare newline", "get " K250 "k\nversion\r\n", BAD "version\n"),
    ROW("key of 250 and two more", "get " K250 "\r\r\nversion\r\n", BAD "version\n"),
    ROW("key of 251 in the middle", "get a " K250 "k b\r\nget c\r\n",
        "get key=a\n" BAD "get key=c last\n"),
    ROW("key of 251 at the end", "get a " K250 "k\r\nget c\r\n",
        "get key=a\n" BAD "get key=c last\n"),
    ROW("key of 500", "get " K250 K250 "\r\nget c\r\n", BAD "get key=c last\n"),
    ROW("upper case", "GET a\r\nGets a\r\n", ERR ERR),
    ROW("longer word", "getx a\r\ngetsx a\r\n", ERR ERR),
};

static const struct parse_case gat_cases[] = {
    ROW("gat", "gat 10 a b\r\n", "gat key=a exptime=10\ngat key=b last exptime=10\n"),
    ROW("gats", "gats 10 a\r\n", "gat key=a with_cas last exptime=10\n"),
    ROW("state does not leak", "gats 10 a\r\nget b\r\n",
        "gat key=a with_cas last exptime=10\nget key=b last\n"),
    ROW("negative", "gat -1 a\r\n", "gat key=a last exptime=-1\n"),
    ROW("absolute", "gat 2147483647 a\r\n", "gat key=a last exptime=2147483647\n"),
    ROW("of more than 31 bits", "gat 2147483648 a\r\ngat -2147483649 a\r\n", TIME TIME),
    ROW("smallest", "gat -2147483648 a\r\n", "gat key=a last exptime=-2147483648\n"),
    ROW("a minus sign alone", "gat - a\r\n", "gat key=a last\n"),
    ROW("eleven and twelve characters", "gat 00000000007 a\r\ngat 000000000007 a\r\n",
        "gat key=a last exptime=7\n" TIME),
    ROW("zero", "gat 0 a\r\n", "gat key=a last\n"),
    ROW("no number", "gat x a\r\nget b\r\n", TIME "get key=b last\n"),
    ROW("no number, no key", "gat x\r\ngat x  \r\nget b\r\n", BAD BAD "get key=b last\n"),
    ROW("number too long", "gat 9223372036854775808 a b\r\nget b\r\n", TIME "get key=b last\n"),
    ROW("longer than any word",
        "gat " K250 "k\r\ngat " K250 K50 "\r\ngat " K250 K50 " a\r\nget b\r\n",
        TIME TIME TIME "get key=b last\n"),
    ROW("no argument", "gat\r\ngats\r\ngat \r\n", BAD BAD BAD),
    ROW("no key", "gat 10\r\nget b\r\n", BAD "get key=b last\n"),
    ROW("no key but blanks", "gat 10   \r\nget b\r\n", BAD "get key=b last\n"),
    ROW("key of 251", "gat 0 a " K250 "k b\r\nget c\r\n", "gat key=a\n" BAD "get key=c last\n"),
};

static const struct parse_case store_cases[] = {
    ROW("set", "set a 5 10 3\r\nabc\r\nget a\r\n",
        "set key=a client_flags=5 exptime=10 bytes=3 body=5\nget key=a last\n"),
    ROW("bare newline", "set a 5 10 3\nabc\r\nget a\r\n",
        "set key=a client_flags=5 exptime=10 bytes=3 body=5\nget key=a last\n"),
    ROW("all of them",
        "add a 0 0 1\r\nx\r\nreplace a 0 0 1\r\nx\r\nappend a 0 0 1\r\nx\r\n"
        "prepend a 0 0 1\r\nx\r\ncas a 0 0 1 7\r\nx\r\n",
        "add key=a bytes=1 body=3\nreplace key=a bytes=1 body=3\nappend key=a bytes=1 body=3\n"
        "prepend key=a bytes=1 body=3\ncas key=a cas=7 bytes=1 body=3\n"),
    ROW("noreply", "set a 0 0 1 noreply\r\nx\r\ncas a 0 0 1 7 noreply\r\nx\r\n",
        "set key=a quiet bytes=1 body=3\ncas key=a quiet cas=7 bytes=1 body=3\n"),
    ROW("some other fifth word", "set a 0 0 1 foo\r\nx\r\n", "set key=a bytes=1 body=3\n"),
    ROW("empty value", "set a 0 0 0\r\n\r\nget a\r\n", "set key=a body=2\nget key=a last\n"),
    ROW("value is not looked at", "set a 0 0 12\r\nget b\r\nget c\r\nget d\r\n",
        "set key=a bytes=12 body=14\nget key=d last\n"),
    ROW("plus sign", "set a +1 +2 3\r\nabc\r\nset a 1 2 +3\r\n",
        "set key=a client_flags=1 exptime=2 bytes=3 body=5\n" BAD),
    ROW("leading zeros", "set a 00000000000000000000000001 002 0003\r\nabc\r\n",
        "set key=a client_flags=1 exptime=2 bytes=3 body=5\n"),
    ROW("negative expiry", "set a 0 -1 1\r\nx\r\n", "set key=a exptime=-1 bytes=1 body=3\n"),
    ROW("largest flags", "set a 4294967295 0 1\r\nx\r\n",
        "set key=a client_flags=4294967295 bytes=1 body=3\n"),
    ROW("of flags of 33 bits and more, the low ones",
        "set a 4294967296 0 1\r\nx\r\n"
        "set a 4294967303 0 1\r\nx\r\nset a 18446744073709551615 0 1\r\nx\r\n"
        "set a -18446744073709551615 0 1\r\nx\r\n",
        "set key=a bytes=1 body=3\nset key=a client_flags=7 bytes=1 body=3\n"
        "set key=a client_flags=4294967295 bytes=1 body=3\n"
        "set key=a client_flags=1 bytes=1 body=3\n"),
    ROW("flags are read as strtoul() does", "set a \t5 0 1\r\nx\r\nset a 5\tx 0 1\r\nx\r\n",
        "set key=a client_flags=5 bytes=1 body=3\n"
        "set key=a client_flags=5 bytes=1 body=3\n"),
    ROW("flags too large", "set a 18446744073709551616 0 4\r\nmn\r\n\r\n", DISCARD),
    ROW("negative flags",
        "set a -1 0 4\r\nmn\r\n\r\nset a -9223372036854775808 0 4\r\nmn\r\n\r\n",
        DISCARD DISCARD),
    ROW("flags no number",
        "set a x 0 4\r\nmn\r\n\r\nset a 1x 0 4\r\nmn\r\n\r\nset a + 0 4\r\nmn\r\n\r\n",
        DISCARD DISCARD DISCARD),
    ROW("of an expiry of 32 bits and more, the low ones, with a sign",
        "set a 0 2147483648 1\r\nx\r\nset a 0 4294967295 1\r\nx\r\n"
        "set a 0 4294967296 1\r\nx\r\nset a 0 99999999999 1\r\nx\r\n"
        "set a 0 -9223372036854775808 1\r\nx\r\n",
        "set key=a exptime=-2147483648 bytes=1 body=3\nset key=a exptime=-1 bytes=1 body=3\n"
        "set key=a bytes=1 body=3\nset key=a exptime=1215752191 bytes=1 body=3\n"
        "set key=a bytes=1 body=3\n"),
    ROW("expiry too large",
        "set a 0 9223372036854775808 4\r\nmn\r\n\r\nset a 0 -9223372036854775809 "
        "4\r\nmn\r\n\r\n",
        DISCARD DISCARD),
    ROW("expiry no number", "set a 0 x 4\r\nmn\r\n\r\nset a 0 1.5 4\r\nmn\r\n\r\n",
        DISCARD DISCARD),
    ROW("discarded quietly",
        "set a x 0 4 noreply\r\nmn\r\n\r\nset " K250 "k 0 0 4 noreply\r\nmn\r\n\r\n"
        "cas a 0 0 4 noreply\r\nmn\r\n\r\nmn\r\n",
        DISCARD_QUIETLY DISCARD_QUIETLY DISCARD_QUIETLY "noop\n"),
    ROW("length no number", "set a 0 0 x\r\n", BAD),
    ROW("length with a letter", "set a 0 0 3x\r\n", BAD),
    ROW("negative length", "set a 0 0 -1\r\n", BAD),
    ROW("a length of a minus sign", "set a 0 0 -\r\n\r\n", "set key=a body=2\n"),
    ROW("length of twelve characters", "set a 0 0 000000000001\r\n", BAD),
    ROW("largest length", "set a 0 0 2147483645\r\n",
        "set key=a bytes=2147483645 body=2147483647\n"),
    ROW("length too large", "set a 0 0 2147483646\r\nset a 0 0 4294967297\r\n", BAD BAD),
    ROW("noreply does not hide that", "set a 0 0 -1 noreply\r\nset a 0 0 noreply\r\n", BAD BAD),
    ROW("too few words", "set\r\nset a\r\nset a 0\r\nset a 0 0\r\n", BAD BAD BAD BAD),
    ROW("too many words", "set a 0 0 1 noreply x\r\nx\r\nset a 0 0 1 x y z noreply\r\nx\r\n",
        "set key=a bytes=1 body=3\nset key=a quiet bytes=1 body=3\n"),
    ROW("noreply as the word after the last that is looked at",
        "set a 0 0 1 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 noreply\r\nx\r\n"
        "set a 0 0 1 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 noreply\r\nx\r\n",
        "set key=a bytes=1 body=3\nset key=a quiet bytes=1 body=3\n"),
    ROW("cas words", "cas\r\ncas a 0 0 4\r\nmn\r\n\r\ncas a 0 0 1 2 3 4\r\nx\r\n",
        BAD DISCARD "cas key=a cas=2 bytes=1 body=3\n"),
    ROW("cas no number",
        "cas a 0 0 4 x\r\nmn\r\n\r\ncas a 0 0 4 -1\r\nmn\r\n\r\n"
        "cas a 0 0 4 18446744073709551616\r\nmn\r\n\r\ncas a 0 0 4 +1\r\nmn\r\n\r\n",
        DISCARD DISCARD DISCARD DISCARD),
    ROW("largest cas", "cas a 0 0 1 18446744073709551615\r\nx\r\n",
        "cas key=a cas=18446744073709551615 bytes=1 body=3\n"),
    ROW("key of 250", "set " K250 " 0 0 1\r\nx\r\n", "set key=" K250 " bytes=1 body=3\n"),
    ROW("key of 251", "set " K250 "k 0 0 4\r\nmn\r\n\r\n", DISCARD),
};

static const struct parse_case other_cases[] = {
    ROW("delete", "delete a\r\ndelete a noreply\r\ndelete a 0\r\ndelete a 0 noreply\r\n",
        "delete key=a\ndelete key=a quiet\ndelete key=a\ndelete key=a quiet\n"),
    ROW("delete of a key named noreply", "delete noreply\r\n", "delete key=noreply quiet\n"),
    ROW("delete with more", "delete a bar\r\ndelete a 1\r\ndelete a 0 noreply x\r\n",
        "delete key=a\ndelete key=a\ndelete key=a\n"),
    ROW("delete wrongly and quietly", "delete a 1 noreply\r\ndelete " K250 "k noreply\r\n",
        "delete key=a quiet\n" NONE),
    ROW("delete words", "delete\r\ndelete " K250 "k\r\n", BAD BAD),
    ROW("incr", "incr a 5\r\ndecr a 18446744073709551615\r\nincr a 1 noreply\r\n",
        "incr key=a delta=5\ndecr key=a delta=18446744073709551615\nincr key=a quiet "
        "delta=1\n"),
    ROW("incr without a number", "incr a x\r\nincr a +1\r\nincr a 18446744073709551616\r\n",
        "refused \"CLIENT_ERROR invalid numeric delta argument\\r\\n\"\n"
        "refused \"CLIENT_ERROR invalid numeric delta argument\\r\\n\"\n"
        "refused \"CLIENT_ERROR invalid numeric delta argument\\r\\n\"\n"),
    ROW("incr words", "incr\r\nincr a\r\nincr a 1 2 3\r\nincr a noreply\r\n",
        BAD BAD "incr key=a delta=1\n" NONE),
    ROW("touch", "touch a 5\r\ntouch a -1 noreply\r\n",
        "touch key=a exptime=5\ntouch key=a quiet exptime=-1\n"),
    ROW("touch wrongly",
        "touch\r\ntouch a\r\ntouch a x\r\ntouch a noreply\r\ntouch a 1 2 3\r\n",
        BAD BAD TIME NONE "touch key=a exptime=1\n"),
    ROW("touch out of range", "touch a 2147483648\r\ntouch a 4294967295\r\ntouch a +1\r\n",
        TIME TIME TIME),
    ROW("touch at the edges", "touch a 2147483647\r\ntouch a -2147483648\r\n",
        "touch key=a exptime=2147483647\ntouch key=a exptime=-2147483648\n"),
    ROW("flush_all",
        "flush_all\r\nflush_all noreply\r\nflush_all 10\r\nflush_all 10 noreply\r\n"
        "flush_all -1\r\nflush_all 1 2\r\n",
        "flush\nflush quiet\nflush exptime=10\nflush quiet exptime=10\n"
        "flush exptime=-1\nflush exptime=1\n"),
    ROW("flush_all wrongly", "flush_all x\r\nflush_all x noreply\r\nflush_all 1 2 3\r\n",
        FLUSH_TIME "\nflush \"CLIENT_ERROR invalid exptime argument\\r\\n\" quiet\n"
                   "flush exptime=1\n"),
    ROW("flush_all out of range", "flush_all 2147483648\r\nflush_all 4294967295\r\n",
        FLUSH_TIME "\n" FLUSH_TIME "\n"),
    ROW("verbosity", "verbosity 1\r\nverbosity 2 noreply\r\nverbosity 1 2\r\n",
        "verbosity delta=1\nverbosity quiet delta=2\nverbosity delta=1\n"),
    ROW("verbosity wrongly",
        "verbosity\r\nverbosity x\r\nverbosity -1\r\nverbosity noreply\r\nverbosity 1 2 3\r\n"
        "verbosity 4294967295\r\nverbosity 4294967296\r\n",
        BAD BAD BAD NONE "verbosity delta=1\nverbosity delta=4294967295\n" BAD),
    ROW("version", "version\r\nversion x y z\r\n", "version\nversion\n"),
    ROW("quit", "quit\r\nversion\r\n", "quit quiet close\n"),
    ROW("quit with words", "quit noreply\r\n", "quit quiet close\n"),
    ROW("shutdown", "shutdown\r\nshutdown graceful\r\nshutdown x\r\nshutdown graceful x\r\n",
        "shutdown\nshutdown\nshutdown key=x\nshutdown key=graceful\n"),
    ROW("unknown", "foo\r\nfoo bar\r\na\r\nsets a 0 0 1\r\n", ERR ERR BAD ERR),
    ROW("unknown and quiet", "noreply\r\nfoo noreply\r\nfoo noreply x\r\n", NONE NONE ERR),
    ROW("empty lines", "\r\n\n \r\n\r\r\n", BAD BAD BAD BAD),
    ROW("lines of three and four bytes", "mn\nfoo\nab\nab\r\n", BAD ERR BAD ERR),
    ROW("HTTP", "GET / HTTP/1.1\r\nget a\r\n", "refused \"\" close\n"),
    ROW("HTTP with blanks", "POST  /x  HTTP/1.0  \r\nget a\r\n", "refused \"\" close\n"),
    ROW("not quite HTTP", "GET / HTTP/1.1 x\r\nget a\r\n", ERR "get key=a last\n"),
    ROW("a key like that", "get / HTTP/1.1\r\n", "get key=/\nget key=HTTP/1.1 last\n"),
};

static const struct parse_case admin_cases[] = {
    ROW("blanks before it", " version\r\n flush_all\r\n  verbosity 0\r\n stats\r\n",
        ERR "flush\nverbosity\n" ERR),
    ROW("stats", "stats\r\nstats items\r\nstats a b c d e f g h i j\r\n",
        "stats\nstats key=items\nstats key=a args=b c d e f g h i j\n"),
    ROW("what is for others to take apart",
        "kill id 7\r\nkill  addr  1.2.3.4\r\nclient_name me\r\nclient_name me "
        "noreply\r\nconfig\r\n"
        "config a b\r\nkill id\r\n",
        "kill args=id 7\nkill args=addr  1.2.3.4\nclient_name args=me\nclient_name quiet "
        "args=me\n"
        "config\nconfig args=a b\n" BAD),
    ROW("arguments longer than a key", "stats " K250 "kk\r\nshutdown " K250 "k\r\nversion\r\n",
        "stats key=" K250 "\nshutdown key=" K250 "\nversion\n"),
    ROW("stats cachedump", "stats cachedump 1 100\r\nstats cachedump 1 0\r\n",
        "dump_class delta=100 initial=1\ndump_class initial=1\n"),
    ROW("stats cachedump wrongly",
        "stats cachedump\r\nstats cachedump 1\r\nstats cachedump a b\r\nstats cachedump 64 "
        "1\r\n",
        "dump_class \"CLIENT_ERROR bad command line\\r\\n\"\n"
        "dump_class \"CLIENT_ERROR bad command line\\r\\n\"\n"
        "dump_class \"CLIENT_ERROR bad command line format\\r\\n\"\n"
        "dump_class \"CLIENT_ERROR Illegal slab id\\r\\n\" delta=1 initial=64\n"),
    ROW("metadump",
        "lru_crawler metadump all\r\nlru_crawler metadump 1,2\r\n"
        "lru_crawler mgdump hash\r\n",
        "dump\ndump\ndump_keys\n"),
    ROW("metadump wrongly",
        "lru_crawler\r\nlru_crawler metadump\r\nlru_crawler metadump x\r\n"
        "lru_crawler metadump ,\r\nlru_crawler metadump all noreply\r\n"
        "lru_crawler metadump 63,64\r\n",
        ERR ERR DUMP_CLASS DUMP_CLASS NONE DUMP_CLASS),
    ROW("crawler",
        "lru_crawler enable\r\nlru_crawler crawl all\r\nlru_crawler sleep 10\r\n"
        "lru_crawler tocrawl x\r\nlru_crawler x\r\nlru_crawler sleep 1000001\r\n",
        "refused \"OK\\r\\n\"\nrefused \"OK\\r\\n\"\nrefused \"OK\\r\\n\"\n" BAD ERR
        "refused \"CLIENT_ERROR sleep must be one second or less\\r\\n\"\n"),
    ROW("slabs", "slabs\r\nslabs reassign 1 2\r\nslabs automove 0\r\nslabs automove 1\r\n",
        ERR "refused \"NOSPARE source class has no spare pages\\r\\n\"\n"
            "refused \"OK\\r\\n\"\nrefused \"OK\\r\\n\"\n"),
    ROW("others", "refresh_certs\r\nlru mode flat\r\ncache_memlimit\r\n",
        "refused \"Error TLS not enabled\\r\\n\"\nrefused \"OK\\r\\n\"\n" ERR),
    ROW("cache_memlimit out of range", "cache_memlimit 7\r\ncache_memlimit 1000000001\r\n",
        "refused \"MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m\\r\\n\"\n"
        "refused \"MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes\\r\\n\"\n"),
    ROW("cache_memlimit", "cache_memlimit 100\r\ncache_memlimit 100 noreply\r\n",
        "memlimit delta=100\nmemlimit quiet delta=100\n"),
};

#define TABLE_TEST(table)                                                                      \
    START_TEST(table##_give_these_requests)                                                    \
    {                                                                                          \
        parse_check(&(table)[_i]);                                                             \
    }                                                                                          \
    END_TEST

TABLE_TEST(get_cases)
TABLE_TEST(gat_cases)
TABLE_TEST(store_cases)
TABLE_TEST(other_cases)
TABLE_TEST(admin_cases)

/* A line of COUNT bytes 'x', then a command. */
static struct slice
long_line(const char *begin, char fill, size_t count, const char *end)
{
    size_t begin_bytes = strlen(begin);
    char *line = malloc(begin_bytes + count + strlen(end) + 1);

    ck_assert_ptr_nonnull(line);
    memcpy(line, begin, begin_bytes);
    memset(line + begin_bytes, fill, count);
    memcpy(line + begin_bytes + count, end, strlen(end) + 1);
    return slice_make(line, begin_bytes + count + strlen(end));
}

static const char too_long[] = "refused \"CLIENT_ERROR line too long\\r\\n\" close\n";

/* So many bytes without a newline are waited for; one more are not. */
START_TEST(limits_a_line_without_an_end)
{
    static char got[PARSE_TEXT_BYTES];
    struct slice fits = long_line("", 'x', LINE_BYTES_MAX, "\nversion\r\n");
    struct slice does_not = long_line("", 'x', LINE_BYTES_MAX + 1, "\nversion\r\n");

    for (size_t cut = 0; cut < fits.len; cut += 101) {
        parse_cut(fits, cut, got);
        ck_assert_str_eq(got, ERR "version\n");
        parse_cut(does_not, cut, got); /* its newline is there when it is looked at */
        ck_assert_str_eq(got, ERR "version\n");
    }
    parse_cut(does_not, LINE_BYTES_MAX + 1, got);
    ck_assert_str_eq(got, too_long);
    parse_cut(fits, SIZE_MAX, got);
    ck_assert_str_eq(got, ERR "version\n");
    parse_cut(does_not, SIZE_MAX, got);
    ck_assert_str_eq(got, too_long);
    free((void *)(uintptr_t)fits.ptr);
    free((void *)(uintptr_t)does_not.ptr);
}
END_TEST

static void
check_cut(const char *begin, char fill, size_t count, const char *end, size_t cut,
          const char *want)
{
    static char got[PARSE_TEXT_BYTES];
    struct slice line = long_line(begin, fill, count, end);

    parse_cut(line, cut, got);
    ck_assert_str_eq(got, want);
    free((void *)(uintptr_t)line.ptr);
}

START_TEST(limits_every_line_but_a_multiget)
{
    check_cut("mg a", ' ', 3000, "v\r\n", 2500, too_long);
    check_cut("", ' ', 3000, "version\r\n", 2500, too_long);
    check_cut("get a", ' ', 20000, "b\r\n", SIZE_MAX, "get key=a\nget key=b last\n");
    check_cut("gets a", ' ', 20000, "b\r\n", 15000,
              "get key=a with_cas\nget key=b with_cas last\n");
}
END_TEST

/* Blanks before it make it no command; memcached waits for its end all the same. */
START_TEST(waits_for_a_multiget_behind_a_hundred_blanks)
{
    static char blanks[LINE_BLANKS_MAX + 8];

    memset(blanks, ' ', LINE_BLANKS_MAX);
    memcpy(blanks + LINE_BLANKS_MAX, "get a ", 7);
    check_cut(blanks, 'k', 5000, "\r\nversion\r\n", 4000, ERR "version\n");
    memset(blanks, ' ', LINE_BLANKS_MAX + 1);
    memcpy(blanks + LINE_BLANKS_MAX + 1, "get a ", 7);
    check_cut(blanks, 'k', 5000, "\r\nversion\r\n", 4000, too_long);
}
END_TEST

/* It is taken apart key by key: what was taken counts. */
START_TEST(limits_a_gat_without_an_end)
{
    check_cut("gat 0 a b", ' ', LINE_BYTES_MAX, "c\r\n", LINE_BYTES_MAX,
              "gat key=a\ngat key=b\ngat key=c last\n");
    check_cut("gat 0 a b", ' ', LINE_BYTES_MAX, "c\r\n", LINE_BYTES_MAX + 1,
              "gat key=a\ngat key=b\nrefused \"CLIENT_ERROR line too long\\r\\n\" close\n");
    check_cut("gats 0 a b", ' ', LINE_BYTES_MAX, "c\r\n", SIZE_MAX,
              "gat key=a with_cas\ngat key=b with_cas\n"
              "refused \"CLIENT_ERROR line too long\\r\\n\" close\n");
}
END_TEST

/* However long the key is, no more than 252 bytes of it wait for its end. */
START_TEST(does_not_wait_for_the_end_of_a_long_key)
{
    struct slice line = long_line("get ", 'k', KEY_BYTES_MAX + 2, "");
    struct session session = {.role = ROLE_CLIENT, .authenticated = true};
    struct proto_state state = {.text = {.exptime = 0}};
    struct slice part = slice_make(line.ptr, line.len - 1);
    struct request req;
    size_t used;

    ck_assert_int_eq(proto_text.parse(&state, &session, part, &req, &used), PARSE_PARTIAL);
    ck_assert_uint_eq(used, 4);
    line.ptr += used;
    line.len -= used;
    ck_assert_int_eq(proto_text.parse(&state, &session, line, &req, &used), PARSE_COMPLETE);
    ck_assert_int_eq(req.op, OP_REFUSED);
    line.ptr -= 4;
    free((void *)(uintptr_t)line.ptr);
}
END_TEST

START_TEST(value_ends_in_carriage_return_and_newline)
{
    ck_assert(proto_text.value_ends("\r\n"));
    ck_assert(!proto_text.value_ends("\n\r"));
    ck_assert(!proto_text.value_ends("\n\n"));
    ck_assert(!proto_text.value_ends("x\n"));
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("text");

    tcase_add_loop_test(tc, get_cases_give_these_requests, 0, ARRAY_LEN(get_cases));
    tcase_add_loop_test(tc, gat_cases_give_these_requests, 0, ARRAY_LEN(gat_cases));
    tcase_add_loop_test(tc, store_cases_give_these_requests, 0, ARRAY_LEN(store_cases));
    tcase_add_loop_test(tc, other_cases_give_these_requests, 0, ARRAY_LEN(other_cases));
    tcase_add_loop_test(tc, admin_cases_give_these_requests, 0, ARRAY_LEN(admin_cases));
    tcase_add_test(tc, limits_a_line_without_an_end);
    tcase_add_test(tc, limits_every_line_but_a_multiget);
    tcase_add_test(tc, waits_for_a_multiget_behind_a_hundred_blanks);
    tcase_add_test(tc, limits_a_gat_without_an_end);
    tcase_add_test(tc, does_not_wait_for_the_end_of_a_long_key);
    tcase_add_test(tc, value_ends_in_carriage_return_and_newline);
    return leak_run(tc, "proto/text");
}
