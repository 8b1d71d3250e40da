#!/usr/bin/python3
"""Debian's memcached.service, with Lombard where memcached was.

    memcached_unit.py LOMBARD

In namespaces of its own: /usr/bin/memcached is Lombard, and the wrapper, its configuration and
the capabilities are those of Debian's package. It is started, used, restarted and stopped.
"""
import fcntl
import os
import pwd
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "helpers"))

from checks import Checks

SKIPPED_STATUS = 77
PATIENCE_S = 60
MEMCACHED = "/usr/bin/memcached"
UNIT = "/lib/systemd/system/memcached.service"
WRAPPER = "/usr/share/memcached/scripts/systemd-memcached-wrapper"
CONFIG = "/usr/share/memcached/memcached.conf.default"
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
check = Checks()


def skip(why):
    print("skipped: " + why)
    sys.exit(SKIPPED_STATUS)


def enter():
    """Again, in namespaces of its own; returns only there."""
    if "inside" in sys.argv:
        return
    if os.geteuid() != 0:
        skip("only root can start it as systemd does")
    for tool in ("unshare", "setpriv", "perl"):
        if shutil.which(tool) is None:
            skip("%s is not installed" % tool)
    for path in (UNIT, WRAPPER, CONFIG, MEMCACHED):
        if not os.path.exists(path):
            skip("%s is missing (Debian: memcached)" % path)
    command = ["unshare", "--mount", "--net"]
    if subprocess.run(command + ["true"], stderr=subprocess.DEVNULL, check=False).returncode:
        skip("no namespaces may be made here")
    os.execvp("unshare", command + [sys.executable] + sys.argv + ["inside"])


def mount(*words):
    subprocess.run(["mount"] + list(words), check=True)


def prepare(lombard):
    with socket.socket() as s:
        fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sh", b"lo", IFF_UP))
    mount("--bind", lombard, MEMCACHED)
    mount("-t", "tmpfs", "-o", "mode=755", "run", "/run")
    user = pwd.getpwnam("memcache")
    os.mkdir("/run/memcached", 0o755)  # as the package's tmpfiles.d says
    os.chown("/run/memcached", user.pw_uid, user.pw_gid)


def rights():
    """What the unit lets the process keep, for setpriv."""
    with open(UNIT, encoding="utf-8") as unit:
        text = unit.read()
    bounding = re.search(r"^CapabilityBoundingSet=(.*)$", text, re.M).group(1).split()
    check("the unit's rights are those that are known: %s" % bounding,
          sorted(bounding) == ["CAP_SETGID", "CAP_SETUID", "CAP_SYS_RESOURCE"])
    names = ",".join("+" + name[len("CAP_"):].lower() for name in bounding)
    return ["setpriv", "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all," + names]


def start():
    return subprocess.Popen(rights() + [WRAPPER, CONFIG], stdin=subprocess.DEVNULL,
                            stderr=subprocess.PIPE)


def wait_for(condition):
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    return None


def connect():
    try:
        return socket.create_connection(("127.0.0.1", 11211), PATIENCE_S)
    except OSError:
        return None


def ask(s, text):
    s.sendall(text)
    return s.recv(65536)


def read(path):
    if not os.path.exists(path):
        return ""
    with open(path, encoding="ascii") as f:
        return f.read()


def use(process):
    s = wait_for(lambda: connect() or process.poll() is not None)
    if not check_that(isinstance(s, socket.socket), "it serves"):
        return
    pid = wait_for(lambda: read("/run/memcached/memcached.pid").strip())
    check("its pid file is right: %s" % pid, pid == str(process.pid))
    status = read("/proc/%d/status" % process.pid)
    uid = pwd.getpwnam("memcache").pw_uid
    check("it is the user memcache",
          re.search(r"^Uid:\t%d\t%d\t%d\t%d$" % ((uid,) * 4), status, re.M))
    check("it kept no right", re.search(r"^CapEff:\t0+$", status, re.M))
    check("it stores", ask(s, b"set a 0 0 1\r\nx\r\n") == b"STORED\r\n")
    s.close()


def check_that(good, text):
    check(text, good)
    return good


def stop(process):
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=PATIENCE_S)
    check("it ends well: %s" % log.decode("utf-8", "replace"), process.returncode == 0)
    check("the pid file is gone", not os.path.exists("/run/memcached/memcached.pid"))


def main():
    enter()
    prepare(os.path.abspath(sys.argv[1]))
    for _ in range(2):  # the second time with connections of the first still in TIME_WAIT
        process = start()
        use(process)
        stop(process)
    check.done()


main()
