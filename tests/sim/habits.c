/* How often clients make each choice: the usual weights, and those drawn for one world. */
#include "habits.h"

#include <string.h>

#include "sim_sys.h"

uint32_t
choose(const struct choice *choice, uint32_t n)
{
    uint32_t sum = 0, dice;

    for (uint32_t i = 0; i < n; i++)
        sum += choice->weight[i];
    if (sum == 0)
        return sim_below(n);
    dice = sim_below(sum);
    for (uint32_t i = 0; i + 1 < n; i++) {
        if (dice < choice->weight[i])
            return i;
        dice -= choice->weight[i];
    }
    return n - 1;
}

/* In the order of the tables that the choices are made from. */
static const struct habits usual = {
    .classic = {{408, 300, 70, 90, 60, 50, 10, 5, 5, 2, 4}},
    .meta = {{350, 250, 100, 120, 50, 20, 60, 50}},
    .binary = {{403, 280, 80, 90, 50, 53, 25, 10, 6, 2, 4}},
    .dialects = {{27, 27, 33, 13}},
    .depths = {{2, 1, 1, 1}},
    .pieces = {{4, 1, 2, 2, 2}},
    .reads = {{9, 1, 2, 3, 3}},
    .leaves = {{1, 1, 1, 2, 2}},
    .in_caps = {{1, 1, 2, 3, 3, 3, 3}},
    .out_caps = {{1, 1, 2, 2, 2, 2, 2, 2}},
    .sizes = {{50, 40, 9, 1, 10}},
    .exptimes = {{4, 1, 1, 1, 1}},
    .modes = {{7, 1, 1, 1, 1, 1}},
    .silent_in_16 = 4,
    .shared_in_16 = 3,
    .stall_in_16 = 4,
    .finish_one_in = 400,
    .local_in_16 = 2,
};

void
habits_usual(struct habits *habits)
{
    *habits = usual;
}

static void
draw(struct choice *choice)
{
    static const uint32_t factors[] = {0, 0, 1, 4, 4, 4, 16, 64};

    for (uint32_t i = 0; i < CHOICES_MAX; i++)
        choice->weight[i] *= factors[sim_below(sizeof(factors) / sizeof(factors[0]))];
}

static uint32_t
draw_in_16(uint32_t often)
{
    return sim_below(3) == 0 ? 0 : sim_below(3) == 0 ? sim_below(17) : often;
}

/* In some worlds many clients come and go: more happens in these. */
static void
draw_network(struct habits *habits)
{
    static const struct choice all = {{1}};
    static const struct choice roomy = {{0, 0, 0, 1, 1, 1, 1, 1}};

    draw(&habits->pieces);
    draw(&habits->reads);
    draw(&habits->leaves);
    draw(&habits->in_caps);
    draw(&habits->out_caps);
    if (sim_below(5) == 0)
        habits->pieces = all;
    if (sim_below(4) == 0)
        habits->reads = all;
    if (sim_below(3) == 0)
        habits->in_caps = roomy;
    if (sim_below(5) == 0)
        habits->out_caps = roomy;
}

void
habits_draw(struct habits *habits)
{
    /* One by one: the order within an initializer is the compiler's choice. */
    habits_usual(habits);
    draw(&habits->classic);
    draw(&habits->meta);
    draw(&habits->binary);
    draw(&habits->dialects);
    draw(&habits->depths);
    draw_network(habits);
    draw(&habits->sizes);
    draw(&habits->exptimes);
    draw(&habits->modes);
    habits->silent_in_16 = draw_in_16(habits->silent_in_16);
    habits->shared_in_16 = draw_in_16(habits->shared_in_16);
    habits->stall_in_16 = draw_in_16(habits->stall_in_16);
    habits->local_in_16 = draw_in_16(habits->local_in_16);
    habits->finish_one_in = sim_below(3) == 0 ? 0 : 1U << (4 + sim_below(8));
}
