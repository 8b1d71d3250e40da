#!/usr/bin/python3
"""What -k, -r and -L get from the host for real; where it grants nothing, that is said, and skipped.

    host.py DAEMON
"""
import os
import re
import resource
import signal
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "helpers"))

from checks import Checks
from client import ask, connect
from server import Server, end_on_sigterm

checks = Checks()


def skip(why):
    print("skipped:", why)


def log_of(server):
    with open(server.log_path, encoding="latin-1") as file:
        return file.read()


def smaps_kb(server, name):
    with open("/proc/%d/smaps" % server.process.pid, encoding="latin-1") as file:
        return sum(int(kb) for kb in re.findall(r"^%s:\s*(\d+) kB" % name, file.read(), re.M))


def fill(server, megabytes):
    with connect(server) as s:
        for i in range(megabytes * 10):
            ask(s, b"set k%d 0 0 100000\r\n%s\r\n" % (i, b"x" * 100000))


def may_lock():
    try:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except (ValueError, OSError):
        return False
    return True


def check_locked(daemon):
    with Server([daemon, "-k", "-m", "32", "--buffer-memory", "8"]) as server:
        fill(server, 8)
        locked = smaps_kb(server, "Locked")
        with connect(server) as s:
            asked = ask(s, b"cache_memlimit 64\r\n", b"\r\n")
        if "-k: memory is locked" in log_of(server):
            checks.that(locked > 8 * 1024, "what is used is locked:", locked, "KB")
            checks.that(asked.startswith(b"MEMLIMIT_ADJUST_FAILED"), "and cannot grow:", asked)
        else:
            checks.that("-k: memory is not locked" in log_of(server) and locked == 0,
                        "it says that nothing is locked", locked)
            checks.equal(asked, b"OK\r\n", "what is not locked may grow")
    if not may_lock():
        skip("this process may not lock memory without limit: -k was only refused")


def check_core(daemon):
    with open("/proc/sys/kernel/core_pattern", encoding="ascii") as file:
        pattern = file.read().strip()
    limit = resource.getrlimit(resource.RLIMIT_CORE)[1]
    if "/" in pattern or "|" in pattern or limit == 0:
        skip("core files go to %s, or may not be" % pattern)
        return
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        os.chdir(folder)
        resource.setrlimit(resource.RLIMIT_CORE, (0, limit))
        for options, want in ((["-r"], True), ([], False)):
            with Server([daemon, *options, "-m", "8"]) as server:
                os.kill(server.process.pid, signal.SIGABRT)
                server.process.wait(60)
                checks.equal(server.process.returncode, -signal.SIGABRT, "its end")
            made = os.listdir(folder)
            checks.that(bool(made) == want, "a core file with", options, made)
            for name in made:
                os.unlink(name)
        os.chdir("/")


def check_huge(daemon):
    with open("/sys/kernel/mm/transparent_hugepage/enabled", encoding="ascii") as file:
        if "[never]" in file.read():
            skip("huge pages are turned off here")
            return
    with Server([daemon, "-L", "-m", "64"]) as server:
        fill(server, 16)
        end = time.monotonic() + 5
        while smaps_kb(server, "AnonHugePages") == 0 and time.monotonic() < end:
            time.sleep(0.1)
        checks.that("-L: huge pages: " in log_of(server), "it says so")
        if smaps_kb(server, "AnonHugePages") == 0:
            skip("the kernel gave no huge page: its memory is in pieces")


def main():
    end_on_sigterm()
    daemon = os.path.abspath(sys.argv[1])
    check_locked(daemon)
    with open(daemon, "rb") as file:
        sanitized = b"__asan_init" in file.read()
    if sanitized:
        skip("a sanitizer's address space is too large for a core file")
    else:
        check_core(daemon)
    check_huge(daemon)
    checks.done()


main()
