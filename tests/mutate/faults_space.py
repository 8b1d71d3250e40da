"""Faults of long values that wait for space, and of what the kernel may keep for clients. As in faults.py."""

SPACE = "src/store/space.c"

SPACE_FAULTS = [
    ("waits: what was pinned before the wait counts as pinned", SPACE,
     "    if (!begun)\n        victim_look_anew(store);\n", ""),
    ("total: the kernel keeps any amount that is not read", "src/app/daemon_listen.c",
     "            listen_limit_unread(&sockets->of[role]);\n", "            continue;\n"),
]
