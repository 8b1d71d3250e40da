#include "lombard/base/attr.h"
#include "lombard/base/list.h"
#include "leak.h"

struct pawn {
    int number;
    struct list_node node;
};

static struct list_node list;
static struct pawn pawns[5];

static void
setup(void)
{
    list_init(&list);
    for (int i = 0; i < 5; i++) {
        pawns[i].number = i;
        list_init(&pawns[i].node);
    }
}

/* The list holds exactly these numbers, in this order, both ways round. */
static void
expect(struct list_node *head, const char *digits)
{
    size_t count = strlen(digits), i = 0;
    struct list_node *back = head->prev;

    list_for_each (node, head) {
        ck_assert_uint_lt(i, count);
        ck_assert_int_eq(CONTAINER_OF(node, struct pawn, node)->number, digits[i++] - '0');
        ck_assert_ptr_eq(node->next->prev, node);
    }
    ck_assert_uint_eq(i, count);
    for (; back != head; back = back->prev)
        ck_assert_int_eq(CONTAINER_OF(back, struct pawn, node)->number, digits[--i] - '0');
    ck_assert_uint_eq(i, 0);
    ck_assert(list_is_empty(head) == (count == 0));
}

START_TEST(pushes_at_both_ends)
{
    expect(&list, "");
    list_push_back(&list, &pawns[1].node);
    expect(&list, "1");
    list_push_back(&list, &pawns[2].node);
    list_push_front(&list, &pawns[0].node);
    expect(&list, "012");
}
END_TEST

START_TEST(pops_until_empty)
{
    for (int i = 0; i < 3; i++)
        list_push_back(&list, &pawns[i].node);
    for (int i = 0; i < 3; i++) {
        ck_assert_ptr_eq(list_pop_front(&list), &pawns[i].node);
        ck_assert(!list_is_linked(&pawns[i].node));
    }
    ck_assert_ptr_null(list_pop_front(&list));
    expect(&list, "");
}
END_TEST

START_TEST(removes_anywhere)
{
    for (int i = 0; i < 5; i++)
        list_push_back(&list, &pawns[i].node);
    list_remove(&pawns[2].node);
    expect(&list, "0134");
    list_remove(&pawns[0].node);
    list_remove(&pawns[4].node);
    expect(&list, "13");
    ck_assert(list_is_linked(&pawns[1].node));
}
END_TEST

START_TEST(removing_an_unlinked_node_does_nothing)
{
    list_push_back(&list, &pawns[0].node);
    list_remove(&pawns[1].node);
    list_remove(&pawns[0].node);
    list_remove(&pawns[0].node);
    expect(&list, "");
    list_push_back(&list, &pawns[0].node);
    expect(&list, "0");
}
END_TEST

START_TEST(appends_all_in_order)
{
    struct list_node other;

    list_init(&other);
    list_push_back(&list, &pawns[0].node);
    list_append_all(&list, &other);
    expect(&list, "0");
    list_push_back(&other, &pawns[1].node);
    list_push_back(&other, &pawns[2].node);
    list_append_all(&list, &other);
    expect(&list, "012");
    expect(&other, "");
    list_append_all(&other, &list);
    expect(&other, "012");
    expect(&list, "");
}
END_TEST

int
main(void)
{
    TCase *tc = leak_tcase("list");

    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, pushes_at_both_ends);
    tcase_add_test(tc, pops_until_empty);
    tcase_add_test(tc, removes_anywhere);
    tcase_add_test(tc, removing_an_unlinked_node_does_nothing);
    tcase_add_test(tc, appends_all_in_order);
    return leak_run(tc, "list");
}
