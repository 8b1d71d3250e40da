/*
 * include/lombard/base/list.h - intrusive doubly linked list with a head.
 *
 *     head <-> first <-> ... <-> last <-> head
 *
 * A node belongs to at most one list. An unlinked node points to itself, so
 * that list_remove() of it does nothing. No allocation, no ownership.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct list_node {
    struct list_node *prev;
    struct list_node *next;
};

static inline void
list_init(struct list_node *head)
{
    head->prev = head;
    head->next = head;
}

static inline bool
list_is_empty(const struct list_node *head)
{
    return head->next == head;
}

/* Whether this node is in some list. */
static inline bool
list_is_linked(const struct list_node *node)
{
    return node->next != node;
}

static inline void
list_push_front(struct list_node *head, struct list_node *node)
{
    node->prev = head;
    node->next = head->next;
    head->next->prev = node;
    head->next = node;
}

static inline void
list_push_back(struct list_node *head, struct list_node *node)
{
    node->next = head;
    node->prev = head->prev;
    head->prev->next = node;
    head->prev = node;
}

static inline void
list_remove(struct list_node *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

/* Unlink and return the first node, or NULL when the list is empty. */
static inline struct list_node *
list_pop_front(struct list_node *head)
{
    struct list_node *node = head->next;

    if (node == head)
        return NULL;
    list_remove(node);
    return node;
}

/* Move all of FROM, in order, to the back of TO. FROM is empty afterwards. */
static inline void
list_append_all(struct list_node *to, struct list_node *from)
{
    if (list_is_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

#define list_for_each(node, head)                                                              \
    for (struct list_node *node = (head)->next; node != (head); node = node->next)
