/*
 * src/app/sandbox_abi.h - what the sandbox says to the kernel: numbers that never change.
 *
 * By hand, since not every libc brings the kernel's headers, and those of a host may be older than its
 * kernel. From linux/{filter,seccomp,audit,landlock,capability,prctl}.h.
 */
#pragma once

#include <stdint.h>
#include <sys/syscall.h>

/* A build whose libraries make more system calls than the server: sandbox_sanitizer.def. */
#if defined(__SANITIZE_ADDRESS__)
#define SANDBOX_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) ||                     \
    __has_feature(thread_sanitizer)
#define SANDBOX_SANITIZED
#endif
#endif

/* --- seccomp(2), and classic BPF --- */

struct bpf_step {
    uint16_t code;
    uint8_t jump_true, jump_false; /* steps to leave out */
    uint32_t k;
};

struct bpf_program {
    uint16_t len;
    struct bpf_step *steps;
};

enum {
    BPF_LOAD = 0x20,         /* A = 32 bits of struct seccomp_data, at k */
    BPF_AND_K = 0x54,        /* A &= k */
    BPF_JUMP_EQUAL = 0x15,   /* A == k */
    BPF_JUMP_GREATER = 0x25, /* A > k, unsigned */
    BPF_JUMP_ANY_BIT = 0x45, /* A & k */
    BPF_RETURN = 0x06,       /* k */
};

/* struct seccomp_data: int nr; u32 arch; u64 instruction_pointer; u64 args[6] */
enum { DATA_CALL = 0, DATA_ARCH = 4, DATA_ARGS = 16 };

#define RETURN_KILL  0x80000000U /* the process; before Linux 4.14 the thread */
#define RETURN_TRAP  0x00030000U /* SIGSYS; the lower 16 bits are its si_errno */
#define RETURN_ALLOW 0x7fff0000U

enum {
    SECCOMP_FILTER_MODE = 2,         /* of prctl(PR_SET_SECCOMP) */
    SECCOMP_SET_FILTER = 1,          /* of seccomp(2) */
    SECCOMP_FLAG_SPEC_ALLOW = 1 << 2 /* since 4.17 */
};

#if defined(__x86_64__)
#define SANDBOX_ARCH 0xc000003eU
#elif defined(__aarch64__)
#define SANDBOX_ARCH 0xc00000b7U
#endif

/* --- landlock(7) --- */

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule       445
#define SYS_landlock_restrict_self  446
#endif

struct landlock_ruleset {
    uint64_t files;  /* what is refused where no rule allows it */
    uint64_t net;    /* since ABI 4 */
    uint64_t scoped; /* since ABI 6 */
};

struct landlock_beneath {
    uint64_t allowed;
    int32_t parent_fd;
} __attribute__((packed));

enum {
    LANDLOCK_VERSION = 1, /* flag */
    LANDLOCK_RULE_BENEATH = 1,
};

#define LANDLOCK_WRITE_FILE     (UINT64_C(1) << 1)
#define LANDLOCK_READ_FILE      (UINT64_C(1) << 2)
#define LANDLOCK_READ_DIR       (UINT64_C(1) << 3)
#define LANDLOCK_REMOVE_FILE    (UINT64_C(1) << 5)
#define LANDLOCK_MAKE_REG       (UINT64_C(1) << 8)
#define LANDLOCK_FILES_1        ((UINT64_C(1) << 13) - 1) /* all that ABI 1 knows */
#define LANDLOCK_REFER          (UINT64_C(1) << 13)       /* 2 */
#define LANDLOCK_TRUNCATE       (UINT64_C(1) << 14)       /* 3 */
#define LANDLOCK_NET            UINT64_C(3)               /* 4: bind and connect */
#define LANDLOCK_IOCTL_DEV      (UINT64_C(1) << 15)       /* 5 */
#define LANDLOCK_SCOPE_ABSTRACT UINT64_C(1)               /* 6 */
#define LANDLOCK_SCOPE_SIGNAL   UINT64_C(2)               /* 6 */

/* --- capabilities(7) --- */

struct cap_header {
    uint32_t version;
    int32_t pid;
};

struct cap_data {
    uint32_t effective, permitted, inheritable;
};

enum { CAP_VERSION_3 = 0x20080522, CAPS_MAX = 64 };
