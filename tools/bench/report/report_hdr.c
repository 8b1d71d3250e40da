/*
 * Latencies in the files of HdrHistogram: percentiles (.hgrm), and its log in version 2 of the encoding.
 *
 *     HISTFA...  =  base64( 0x1c849314 | bytes | zlib( 0x1c849313 | bytes | 0 | digits | lowest |
 *                                                      highest | 1.0 | counts as ZigZag LEB128 ) )
 *
 * All numbers are big-endian. The zlib stream has stored blocks: nothing has to be linked for it.
 */
#include <endian.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "report/charts.h"
#include "report/report.h"

enum {
    DIGITS = 3,
    HALF_BITS = 10, /* 1024 buckets for each power of two: three digits */
    COUNTS = (HIST_VALUE_BITS - HALF_BITS + 1) << HALF_BITS,
    HEADER_BYTES = 40,
    PAYLOAD_MAX = HEADER_BYTES + 9 * COUNTS,
    STORED_MAX = 65535, /* bytes of a stored block */
};

struct bytes {
    unsigned char *p;
    size_t n;
};

static void
put_big(struct bytes *b, uint64_t v, int size)
{
    for (int i = size - 1; i >= 0; i--)
        b->p[b->n++] = (unsigned char)(v >> (8 * i));
}

/* Seven bits at a time, the ninth byte whole. */
static void
put_zigzag(struct bytes *b, int64_t v)
{
    uint64_t u = ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);

    for (int i = 0; i < 8 && u > 0x7f; i++, u >>= 7)
        b->p[b->n++] = (unsigned char)(u | 0x80);
    b->p[b->n++] = (unsigned char)u;
}

/* Where HdrHistogram counts V. */
static uint32_t
index_of(uint64_t v)
{
    uint32_t bucket = 63 - (uint32_t)__builtin_clzll(v | ((2U << HALF_BITS) - 1)) - HALF_BITS;

    return ((bucket + 1) << HALF_BITS) + (uint32_t)(v >> bucket) - (1U << HALF_BITS);
}

/* A histogram as HdrHistogram encodes it, not compressed. */
static void
encode(struct bytes *b, const uint64_t *counts)
{
    uint32_t end = COUNTS;
    double one = 1;
    uint64_t bits;

    while (end > 0 && counts[end - 1] == 0)
        end--;
    memcpy(&bits, &one, sizeof(bits));
    put_big(b, 0x1c849313, 4);
    put_big(b, 0, 4); /* bytes of the counts: set below */
    put_big(b, 0, 4);
    put_big(b, DIGITS, 4);
    put_big(b, 1, 8);
    put_big(b, HIST_VALUE_MAX, 8);
    put_big(b, bits, 8);
    for (uint32_t i = 0; i < end; i++) {
        int64_t zeros = 0;

        for (; i < end && counts[i] == 0; i++)
            zeros++;
        if (zeros > 0)
            put_zigzag(b, -zeros);
        if (i < end)
            put_zigzag(b, (int64_t)counts[i]);
    }
    bits = b->n - HEADER_BYTES;
    b->n = 4;
    put_big(b, bits, 4);
    b->n = HEADER_BYTES + bits;
}

/* SRC in stored blocks, in zlib's frame. */
static void
wrap(struct bytes *dst, const struct bytes *src)
{
    uint32_t a = 1;
    uint32_t c = 0;

    put_big(dst, 0x7801, 2);
    for (size_t off = 0; off < src->n; off += STORED_MAX) {
        size_t n = src->n - off < STORED_MAX ? src->n - off : STORED_MAX;

        dst->p[dst->n++] = off + n == src->n;
        dst->p[dst->n++] = (unsigned char)n;
        dst->p[dst->n++] = (unsigned char)(n >> 8);
        dst->p[dst->n++] = (unsigned char)~n;
        dst->p[dst->n++] = (unsigned char)(~n >> 8);
        memcpy(dst->p + dst->n, src->p + off, n);
        dst->n += n;
    }
    for (size_t i = 0; i < src->n; i++) {
        a = (a + src->p[i]) % 65521;
        c = (c + a) % 65521;
    }
    put_big(dst, (uint64_t)c << 16 | a, 4);
}

static void
put_base64(FILE *f, const struct bytes *b)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < b->n; i += 3) {
        uint32_t v = (uint32_t)b->p[i] << 16;
        size_t left = b->n - i;

        v |= left > 1 ? (uint32_t)b->p[i + 1] << 8 : 0;
        v |= left > 2 ? b->p[i + 2] : 0;
        (void)fputc(digits[v >> 18], f);
        (void)fputc(digits[v >> 12 & 63], f);
        (void)fputc(left > 1 ? digits[v >> 6 & 63] : '=', f);
        (void)fputc(left > 2 ? digits[v & 63] : '=', f);
    }
}

/* COUNTS counts as the log has them. False when memory is short. */
static bool
put_histogram(FILE *f, const uint64_t *counts)
{
    struct bytes plain = {malloc(PAYLOAD_MAX), 0};
    struct bytes whole = {malloc(PAYLOAD_MAX + 1024), 0};
    bool ok = plain.p != NULL && whole.p != NULL;

    if (ok) {
        encode(&plain, counts);
        put_big(&whole, 0x1c849314, 4);
        put_big(&whole, 0, 4);
        wrap(&whole, &plain);
        plain.n = whole.n;
        whole.n = 4;
        put_big(&whole, plain.n - 8, 4);
        whole.n = plain.n;
        put_base64(f, &whole);
    }
    free(plain.p);
    free(whole.p);
    return ok;
}

/* An interval of the log: second number I of a server. */
static void
put_interval(FILE *f, const struct target *t, const struct report_second *s, uint64_t *counts)
{
    memset(counts, 0, COUNTS * sizeof(*counts));
    for (uint32_t i = 0; i < MOMENT_BUCKETS; i++) {
        uint64_t low = hist_bucket_low(8 * i);
        uint64_t middle = low + (hist_bucket_high(8 * i + 7) - low) / 2;

        counts[index_of(middle < s->sum.max_ns ? middle : s->sum.max_ns)] += s->sum.buckets[i];
    }
    (void)fprintf(f, "Tag=%s,%.3f,%.3f,%.3f,", t->addr.text, s->at_s - s->seconds, s->seconds,
                  (double)s->sum.max_ns / 1e6);
    (void)put_histogram(f, counts);
    (void)fputc('\n', f);
}

void
report_hdr_log(FILE *f, const struct bench *b)
{
    uint64_t *counts = calloc(COUNTS, sizeof(*counts));
    time_t began = (time_t)b->began_s;
    char text[64] = "";
    struct tm tm;

    if (gmtime_r(&began, &tm) != NULL)
        (void)strftime(text, sizeof(text), "%a %b %d %H:%M:%S UTC %Y", &tm);
    (void)fprintf(f,
                  "#[Histogram log format version 1.3]\n#[BaseTime: %lld.000 (seconds since "
                  "epoch)]\n#[StartTime: %lld.000 (seconds since epoch), %s]\n"
                  "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\","
                  "\"Interval_Compressed_Histogram\"\n",
                  (long long)began, (long long)began, text);
    for (unsigned t = 0; t < b->target_count && counts != NULL; t++) {
        struct report_second s;

        for (unsigned i = 0; report_second(&b->targets[t], i, &s); i++)
            put_interval(f, &b->targets[t], &s, counts);
    }
    free(counts);
}

/* Standard deviation, from the buckets. */
static double
deviation(const struct hist *h)
{
    double mean = hist_mean(h);
    double squares = 0;

    for (uint32_t i = 0; i < HIST_BUCKET_COUNT; i++) {
        double off = (double)(hist_bucket_low(i) + hist_bucket_high(i)) / 2 - mean;

        squares += (double)h->buckets[i] * off * off;
    }
    return h->count > 0 ? sqrt(squares / (double)h->count) : 0;
}

void
report_hgrm(FILE *f, const struct bench *b)
{
    struct hist h;

    chart_latencies(&b->targets[0], &h);
    (void)fprintf(f, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount",
                  "1/(1-Percentile)");
    /* Five steps for each halving of what is left, as HdrHistogram's own tools do. */
    for (double left = 1; h.count > 0 && left * (double)h.count >= 0.5;
         left -= 1 / (5 * exp2(floor(log2(1 / left)) + 1)))
        (void)fprintf(f, "%12.3f %2.12f %10.0f %14.2f\n",
                      (double)hist_quantile(&h, 1 - left) / 1e6, 1 - left,
                      fmax(1, ceil((1 - left) * (double)h.count)), 1 / left);
    (void)fprintf(f, "%12.3f %2.12f %10" PRIu64 "\n", (double)h.max / 1e6, 1.0, h.count);
    (void)fprintf(
        f,
        "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n#[Max     = %12.3f, Total count  "
        "  = %12" PRIu64 "]\n#[Buckets = %12d, SubBuckets     = %12d]\n",
        hist_mean(&h) / 1e6, deviation(&h) / 1e6, (double)h.max / 1e6, h.count,
        HIST_VALUE_BITS - HALF_BITS, 2 << HALF_BITS);
}
