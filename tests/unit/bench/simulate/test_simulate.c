/* Simulated caches, compared with references that search whole arrays, and with what must hold. */
#include "simulate/simulate.h"
#include "data/rng.h"
#include "leak.h"

#include <stdlib.h>
#include <string.h>

enum { KEYS = 60, ACCESSES = 3000, LIMIT = 2000 };

static struct sim_access accesses[ACCESSES];
static const struct sim_trace trace = {accesses, ACCESSES, KEYS, 10};

/* Skewed keys; sizes of 11 to 400 that some stores change; with EQUAL all of 100. */
static void
draw(uint64_t seed, bool equal)
{
    struct rng rng;

    rng_init(&rng, seed);
    for (size_t i = 0; i < ACCESSES; i++) {
        uint32_t key = (uint32_t)rng_below(&rng, 1 + rng_below(&rng, KEYS));
        uint64_t kind = rng_below(&rng, 20);
        uint32_t bytes = 11 + (uint32_t)(rng_mix(key + (kind == 0 ? i : seed)) % 390);

        accesses[i].key = key;
        accesses[i].bytes = equal ? 100 : bytes;
        accesses[i].kind = kind == 0 ? QUERY_SET : kind == 1 ? QUERY_DELETE : QUERY_GET;
    }
}

/* --- References: queues are arrays, the oldest first --- */

struct queue {
    uint32_t keys[KEYS];
    int count;
};

static uint32_t sizes[KEYS]; /* of what is there; 0: it is not */
static unsigned hits_of[KEYS];

static int
find(const struct queue *q, uint32_t key)
{
    for (int i = 0; i < q->count; i++)
        if (q->keys[i] == key)
            return i;
    return -1;
}

static void
cut(struct queue *q, int i)
{
    memmove(q->keys + i, q->keys + i + 1, (size_t)(--q->count - i) * sizeof(*q->keys));
}

static bool
cut_key(struct queue *q, uint32_t key)
{
    int i = find(q, key);

    if (i >= 0)
        cut(q, i);
    return i >= 0;
}

static void
append(struct queue *q, uint32_t key)
{
    q->keys[q->count++] = key;
}

static uint64_t
bytes_of(const struct queue *q, const uint32_t *of)
{
    uint64_t sum = 0;

    for (int i = 0; i < q->count; i++)
        sum += of[q->keys[i]];
    return sum;
}

static uint64_t
reference_lru(void)
{
    struct queue q = {.count = 0};
    uint64_t hits = 0;

    memset(sizes, 0, sizeof(sizes));
    for (size_t i = 0; i < ACCESSES; i++) {
        const struct sim_access *a = accesses + i;
        bool there = cut_key(&q, a->key);

        if (there && a->kind == QUERY_GET)
            hits++;
        else
            sizes[a->key] = a->bytes;
        if ((there && a->kind == QUERY_GET) || a->kind != QUERY_DELETE)
            append(&q, a->key);
        while (bytes_of(&q, sizes) > LIMIT)
            cut(&q, 0);
    }
    return hits;
}

/* The hand is a place in the array; what is taken out below it moves it down. */
static uint64_t
reference_sieve(void)
{
    struct queue q = {.count = 0};
    uint64_t hits = 0;
    int hand = 0;

    memset(hits_of, 0, sizeof(hits_of));
    for (size_t i = 0; i < ACCESSES; i++) {
        const struct sim_access *a = accesses + i;
        int at = find(&q, a->key);

        if (at >= 0 && a->kind == QUERY_GET) {
            hits++;
            hits_of[a->key] = 1;
            continue;
        }
        if (at >= 0) {
            cut(&q, at);
            hand -= at < hand;
        }
        if (a->kind == QUERY_DELETE)
            continue;
        while (bytes_of(&q, sizes) + a->bytes > LIMIT) {
            hand = hand < q.count ? hand : 0;
            if (hits_of[q.keys[hand]] > 0)
                hits_of[q.keys[hand++]] = 0;
            else
                cut(&q, hand);
        }
        if (hand >= q.count)
            hand = 0; /* round, before there is something new at the end */
        sizes[a->key] = a->bytes;
        hits_of[a->key] = 0;
        append(&q, a->key);
    }
    return hits;
}

static uint64_t
reference_s3fifo(void)
{
    struct queue small = {.count = 0}, main = {.count = 0}, ghosts = {.count = 0};
    static uint32_t ghost_sizes[KEYS];
    uint64_t hits = 0;

    memset(hits_of, 0, sizeof(hits_of));
    for (size_t i = 0; i < ACCESSES; i++) {
        const struct sim_access *a = accesses + i;
        bool there = find(&small, a->key) >= 0 || find(&main, a->key) >= 0, was_ghost;

        if (there && a->kind == QUERY_GET) {
            hits++;
            hits_of[a->key] += hits_of[a->key] < 3;
            continue;
        }
        (void)(cut_key(&small, a->key) || cut_key(&main, a->key));
        if (a->kind == QUERY_DELETE)
            continue;
        was_ghost = cut_key(&ghosts, a->key);
        while (bytes_of(&small, sizes) + bytes_of(&main, sizes) + a->bytes > LIMIT) {
            if (main.count == 0 || (small.count > 0 && bytes_of(&small, sizes) >= LIMIT / 10)) {
                uint32_t key = small.keys[0];

                cut(&small, 0);
                if (hits_of[key] > 1) {
                    append(&main, key);
                    hits_of[key] = 0;
                    continue;
                }
                append(&ghosts, key);
                ghost_sizes[key] = sizes[key];
                while (bytes_of(&ghosts, ghost_sizes) > LIMIT - LIMIT / 10)
                    cut(&ghosts, 0);
            } else {
                uint32_t key = main.keys[0];

                cut(&main, 0);
                if (hits_of[key] > 0) {
                    hits_of[key]--;
                    append(&main, key);
                }
            }
        }
        sizes[a->key] = a->bytes;
        hits_of[a->key] = 0;
        append(was_ghost ? &main : &small, a->key);
    }
    return hits;
}

static uint64_t
reference_gdsf(void)
{
    double rank[KEYS], clock = 0;
    size_t last[KEYS];
    unsigned times[KEYS];
    struct queue q = {.count = 0};
    uint64_t hits = 0;

    for (size_t i = 0; i < ACCESSES; i++) {
        const struct sim_access *a = accesses + i;
        bool hit = find(&q, a->key) >= 0 && a->kind == QUERY_GET;

        if (!hit) {
            (void)cut_key(&q, a->key);
            if (a->kind == QUERY_DELETE)
                continue;
            while (bytes_of(&q, sizes) + a->bytes > LIMIT) {
                int worst = 0;

                for (int k = 1; k < q.count; k++) {
                    uint32_t x = q.keys[k], y = q.keys[worst];

                    if (rank[x] < rank[y] || (rank[x] <= rank[y] && last[x] < last[y]))
                        worst = k;
                }
                clock = rank[q.keys[worst]];
                cut(&q, worst);
            }
            append(&q, a->key);
            sizes[a->key] = a->bytes;
            times[a->key] = 0;
        }
        hits += hit;
        times[a->key]++;
        last[a->key] = i;
        rank[a->key] = clock + (double)times[a->key] / sizes[a->key];
    }
    return hits;
}

/* When KEY is asked for next after I, if what is there then is found; or ACCESSES. */
static size_t
next_get(size_t i, uint32_t key)
{
    while (++i < ACCESSES)
        if (accesses[i].key == key)
            return accesses[i].kind == QUERY_GET ? i : ACCESSES;
    return ACCESSES;
}

/* Belady's: drop what is asked for last; also what is new. */
static uint64_t
reference_min(void)
{
    struct queue q = {.count = 0};
    uint64_t hits = 0;

    for (size_t i = 0; i < ACCESSES; i++) {
        const struct sim_access *a = accesses + i;

        hits += cut_key(&q, a->key) && a->kind == QUERY_GET;
        if (a->kind != QUERY_DELETE)
            append(&q, a->key);
        while (q.count > LIMIT / 100) {
            int worst = 0;

            for (int k = 1; k < q.count; k++)
                if (next_get(i, q.keys[k]) > next_get(i, q.keys[worst]))
                    worst = k;
            cut(&q, worst);
        }
    }
    return hits;
}

static const struct {
    const struct sim_policy *policy;
    uint64_t (*hits)(void);
} references[] = {
    {&sim_lru, reference_lru},
    {&sim_sieve, reference_sieve},
    {&sim_s3fifo, reference_s3fifo},
    {&sim_gdsf, reference_gdsf},
};

START_TEST(as_its_reference)
{
    struct sim_result r;

    for (uint64_t seed = 0; seed < 20; seed++) {
        draw(seed, seed % 4 == 0);
        ck_assert(simulate_one(&trace, references[_i].policy, LIMIT, &r));
        ck_assert_msg(r.hits == references[_i].hits(), "%s, seed %d: %lu", r.name, (int)seed,
                      (unsigned long)r.hits);
        ck_assert_uint_le(r.hit_bytes, r.bytes);
        ck_assert_uint_le(r.late_hits, r.hits);
    }
}
END_TEST

START_TEST(the_optimum_of_equal_sizes)
{
    struct sim_result r;

    for (uint64_t seed = 0; seed < 6; seed++) {
        draw(seed, true);
        ck_assert(simulate_one(&trace, NULL, LIMIT, &r));
        ck_assert_uint_eq(r.hits, reference_min());
        ck_assert_uint_eq(r.hit_bytes, r.hits * 90);
        ck_assert(!r.bound);
    }
}
END_TEST

/* Nothing is above the optimum, which finds everything that fits and more for more memory. */
START_TEST(nothing_exceeds_the_optimum)
{
    static const struct sim_policy *const all[] = {&sim_lru, &sim_sieve, &sim_s3fifo, &sim_gdsf,
                                                   &sim_own};
    struct sim_result best, more, r;

    for (uint64_t seed = 0; seed < 20; seed++) {
        draw(seed, seed % 4 == 0);
        ck_assert(simulate_one(&trace, NULL, LIMIT, &best));
        ck_assert(simulate_one(&trace, NULL, 4 * LIMIT, &more));
        ck_assert_uint_ge(more.hits, best.hits);
        for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
            ck_assert(simulate_one(&trace, all[i], LIMIT, &r));
            ck_assert_uint_gt(r.hits, 0);
            ck_assert_uint_le(r.hits, best.hits);
            ck_assert_uint_le(r.hit_bytes, best.hit_bytes);
            ck_assert(simulate_one(&trace, all[i], LIMIT * 100, &r));
            ck_assert(simulate_one(&trace, NULL, LIMIT * 100, &more));
            ck_assert_uint_eq(r.hits, more.hits);
        }
    }
}
END_TEST

/* Two of three fit: what is between an access and the next counts for its size. */
START_TEST(the_bound_by_hand)
{
    static struct sim_access few[] = {{0, 30, QUERY_GET}, {1, 60, QUERY_GET},
                                      {0, 30, QUERY_GET}, {2, 20, QUERY_GET},
                                      {1, 60, QUERY_GET}, {2, 20, QUERY_GET}};
    const struct sim_trace t = {few, 6, 3, 10};
    struct optimum o;

    /* Volumes: key 0 30 * 2 = 60, key 2 20 * 2 = 40, key 1 60 * 3 = 180; of 6 * LIMIT. */
    ck_assert(optimum_find(&t, 16, &o)); /* 96: nothing is larger than the cache */
    ck_assert_uint_eq(o.hits, 0);
    ck_assert(optimum_find(&t, 20, &o)); /* 120: key 2 alone fits */
    ck_assert_uint_eq(o.hits, 1);
    ck_assert(optimum_find(&t, 30, &o)); /* 180: keys 2 and 0 */
    ck_assert_uint_eq(o.hits, 2);
    ck_assert_uint_eq(o.hit_bytes, 10 + 20);
    ck_assert(optimum_find(&t, 60, &o)); /* 360 */
    ck_assert_uint_eq(o.hits, 3);
    ck_assert_uint_eq(o.hit_bytes, 10 + 20 + 50);
}
END_TEST

/* A small item that is asked for now and then outlives large ones that are not. */
START_TEST(own_favors_small_ones)
{
    struct sim_result own, lru;

    for (size_t i = 0; i < ACCESSES; i++) {
        bool small = i % 30 == 0;

        accesses[i] = (struct sim_access){(uint32_t)(small ? i / 30 % 4 : 4 + i % 50),
                                          small ? 50 : 90000, QUERY_GET};
    }
    ck_assert(simulate_one(&trace, &sim_own, 1000000, &own));
    ck_assert(simulate_one(&trace, &sim_lru, 1000000, &lru));
    ck_assert_uint_ge(own.hits, ACCESSES / 30 - 4);
    ck_assert_uint_lt(lru.hits, 10);
}
END_TEST

/* What is read: the made-up load, and its keys' sizes. */
START_TEST(a_load)
{
    struct options o;
    char line[] =
        "lombard-bench hitratio -k 100 -n 5000 --value-size 100-200 --simulate 10k,1m "
        "--item-overhead 4";
    char *argv[16];
    int argc = 0;
    struct sim_trace t;
    struct sim_result r;

    for (char *word = strtok(line, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = word;
    ck_assert_int_eq(options_parse(argc, argv, &o), OPTIONS_OK);
    ck_assert_uint_eq(o.simulate_count, 2);
    ck_assert_uint_eq(o.simulate[0], 10240);
    ck_assert_uint_eq(o.simulate[1], 1 << 20);
    ck_assert_ptr_null(sim_trace_load(&t, &o));
    ck_assert_uint_eq(t.count, 5000);
    ck_assert_uint_le(t.keys, 100);
    ck_assert_uint_eq(t.fixed, 20);
    for (size_t i = 0; i < t.count; i++)
        ck_assert(t.accesses[i].bytes >= 120 && t.accesses[i].bytes <= 220);
    ck_assert(simulate_one(&t, &sim_own, o.simulate[1], &r));
    ck_assert_uint_ge(r.hits, 4900);
    sim_trace_free(&t);
    o.trace_path = "/nonexistent";
    ck_assert_str_eq(sim_trace_load(&t, &o), "No such file or directory");
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("simulate");

    tcase_add_loop_test(tc, as_its_reference, 0, 4);
    tcase_add_test(tc, the_optimum_of_equal_sizes);
    tcase_add_test(tc, nothing_exceeds_the_optimum);
    tcase_add_test(tc, the_bound_by_hand);
    tcase_add_test(tc, own_favors_small_ones);
    tcase_add_test(tc, a_load);
    return leak_run(tc, "simulate");
}
