/*
 * src/app/control.h - the socket of --control, through which another process may take this one's place.
 *
 * A peer is told first what does not change, and of connections, while all are served: control_give.c. One at a
 * time; others wait in the kernel's queue, and have their turn with the server that there is
 * then. While there is no descriptor for one, it waits there, too. Only a process of the same user, or root's,
 * is listened to. What it asks for is done by control_hand_over(), between two iterations of the loop.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lombard/base/attr.h"
#include "lombard/base/stats.h"
#include "lombard/event/loop.h"
#include "own_file.h"
#include "user.h"

struct process;

enum control_stage {
    CONTROL_GREETS,   /* it is to say what it wants */
    CONTROL_TAKES,    /* connections are being sent to it */
    CONTROL_PREPARES, /* it is to say that it has them */
};

struct control {
    struct watch watch; /* the socket; fd -1: there is none */
    struct watch peer;  /* fd -1: none */
    struct timer patience;
    struct timer resume; /* accepting, when descriptors or memory are short */
    struct loop *loop;
    struct own_file file;
    int image_fd; /* a file in memory, for what is described; empty between two takeovers */
    struct timer image_end;
    uint32_t uid; /* of this process */
    int32_t peer_pid;
    char peer_version[64];
    enum control_stage stage; /* of the peer */
    uint64_t cursor;          /* of connections: before it they have gone ahead */
    uint64_t image_off;       /* of the second image */
    bool asked;
    bool short_of_fds;  /* or of memory: the last peer could not be accepted */
    uint64_t takeovers; /* of this cache, since its first process */
    uint64_t refused;
    uint64_t pause_us; /* for which clients waited at the last one */
};

void control_init(struct control *control);
/* Listen at PATH, and make the file. False, logged. */
bool control_open(struct control *control, const char *path, const struct user *user) MUST_USE;
/* Listen for a successor, as the user that the server is from now on. False, logged. */
bool control_start(struct control *control, struct loop *loop) MUST_USE;
/* The image is not needed any more: its memory is given back. */
void control_drop_image(struct control *control);
/* Stop listening for one. */
void control_stop(struct control *control);
/* Close what is left; the name is the caller's to remove. */
void control_close(struct control *control);
void control_add_stats(struct control *control, struct stat_registry *registry);

/* loop_run() has returned because another process wants to take this one's place. */
static inline bool
control_is_asked(const struct control *control)
{
    return control->asked;
}
/*
 * Let it. True: everything is the other one's, and this process must do nothing but end. False: it has
 * come to nothing, which was logged, and serving goes on as before.
 */
bool control_hand_over(struct process *process) MUST_USE;
