/* Keys: what the operator chooses, types and wants to be ended. */
#include "operator.h"

#include <stdio.h>
#include <string.h>

#include "tty.h"

/* Take KEY into TEXT; true when that is complete, or given up and then empty. */
static bool
type(char *text, size_t bytes, int key)
{
    size_t len = strlen(text);

    if (key == KEY_ESCAPE)
        text[0] = '\0';
    if (key == KEY_ESCAPE || key == '\n' || key == '\r')
        return true;
    if ((key == 127 || key == '\b') && len > 0)
        text[len - 1] = '\0';
    else if (key >= ' ' && key < 127 && len + 1 < bytes) {
        text[len] = (char)key;
        text[len + 1] = '\0';
    }
    return false;
}

/* "7" is an id, and one word more an address; else it is what `kill` takes: "stalled 30". */
static void
kill_whom(struct program *p)
{
    char command[128], answer[64];
    const char *kind = "";

    if (p->whom[strspn(p->whom, "0123456789")] == '\0')
        kind = "id ";
    else if (strchr(p->whom, ' ') == NULL)
        kind = "addr ";
    (void)snprintf(command, sizeof(command), "kill %s%s", kind, p->whom);
    (void)target_command(&p->targets[p->view.selected], command, answer, sizeof(answer));
    (void)snprintf(p->view.prompt, sizeof(p->view.prompt), "%.50s: %.60s", command, answer);
}

static void
answer_question(struct program *p, int key)
{
    struct view *view = &p->view;

    view->prompt[0] = '\0';
    switch (p->asking) {
    case ASKING_NO_KEY: return;
    case ASKING_FILTER:
        if (type(view->filter, sizeof(view->filter), key))
            p->asking = ASKING_NO_KEY;
        break;
    case ASKING_WHOM:
        if (type(p->whom, sizeof(p->whom), key))
            p->asking = p->whom[0] == '\0' ? ASKING_NO_KEY : ASKING_WHETHER;
        break;
    case ASKING_WHETHER:
        p->asking = ASKING_NO_KEY;
        if (key == 'y')
            kill_whom(p);
        return;
    }
}

void
operator_prompt(struct program *p)
{
    struct view *view = &p->view;

    switch (p->asking) {
    case ASKING_NO_KEY: break;
    case ASKING_FILTER:
        (void)snprintf(view->prompt, sizeof(view->prompt), "filter (keys, addresses): %s_",
                       view->filter);
        break;
    case ASKING_WHOM:
        (void)snprintf(view->prompt, sizeof(view->prompt),
                       "kill which id or address (or: stalled SECONDS): %s_", p->whom);
        break;
    case ASKING_WHETHER:
        (void)snprintf(view->prompt, sizeof(view->prompt), "kill %s at %.40s? (y/n)", p->whom,
                       p->targets[view->selected].address);
        break;
    }
}

/* STEP is 1 or -1; from the last to the first. */
static void
select_next(struct program *p, int step)
{
    if (p->count > 0)
        p->view.selected = (p->view.selected + p->count + step) % p->count;
}

static void
command(struct program *p, int key)
{
    struct view *view = &p->view;

    view->prompt[0] = '\0';
    if (key == 'q' || key == KEY_END) {
        p->done = true;
    } else if (key == 'p' || key == ' ') {
        view->paused = !view->paused;
    } else if (key == 's') {
        view->order = (enum talker_order)(((int)view->order + 1) % TALKER_ORDERS);
        for (int i = 0; i < p->count; i++)
            figures_sort(&p->subjects[i].figures, view->order);
        p->next_s = 0; /* others may be the first ones by that */
    } else if (key == 'f' || key == '/') {
        p->asking = ASKING_FILTER;
    } else if (key == 'k') {
        p->whom[0] = '\0';
        p->asking = ASKING_WHOM;
    } else if (key == KEY_UP) {
        select_next(p, -1);
    } else if (key == KEY_DOWN) {
        select_next(p, 1);
    }
}

void
operator_key(struct program *p, int key)
{
    if (p->asking == ASKING_NO_KEY || key == KEY_END)
        command(p, key);
    else
        answer_question(p, key);
}
