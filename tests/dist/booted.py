#!/usr/bin/python3
"""By hand: the package in a clean Debian in which systemd is booted.

    booted.py ROOT_TAR PACKAGE NEWER_PACKAGE

ROOT_TAR is such a Debian; it is made (mmdebstrap, about 2 minutes) if it does not exist. A copy is
booted by systemd-nspawn with a network of its own. Install, use, every verb of systemctl, a crash,
instances, memcached's unit with Lombard in memcached's place, upgrade, purge; nothing may be left.
"""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "helpers"))

from checks import Checks

PATIENCE_S = 120
INCLUDED = "systemd,systemd-sysv,dbus,memcached,netcat-openbsd,procps"
# Version 252 does not let a container have it by default.
LANDLOCK = "landlock_create_ruleset landlock_add_rule landlock_restrict_self"
check = Checks()


def wait_for(condition):
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.2)
    return None


class Booted:
    """A context manager: boots a copy of ROOT_TAR; run() runs a shell's words in it."""

    def __init__(self, root_tar):
        self.top = tempfile.mkdtemp(prefix="lombard-booted-")
        subprocess.run(["tar", "xf", root_tar, "-C", self.top], check=True)
        self.log = open(self.top + ".log", "w+", encoding="utf-8")
        self.process = self.leader = None

    def __enter__(self):
        self.process = subprocess.Popen(
            ["systemd-nspawn", "-D", self.top, "--register=no", "--keep-unit",
             "--private-network", "--system-call-filter=" + LANDLOCK, "-b"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        wait_for(self.find_leader)
        up = wait_for(lambda: self.run("systemctl is-system-running")[1].strip()
                      in ("running", "degraded"))
        check("it boots", up)
        return self

    def find_leader(self):
        path = "/proc/%d/task/%d/children" % (self.process.pid, self.process.pid)
        with open(path, encoding="ascii") as children:
            self.leader = children.read().split()[:1]
        return self.leader

    def run(self, words):
        done = subprocess.run(["nsenter", "-t", self.leader[0], "-a", "sh", "-c", words],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        return done.returncode, done.stdout.decode("utf-8", "replace")

    def good(self, words):
        status, text = self.run(words)
        check("%s: %s" % (words, text), status == 0)
        return text

    def __exit__(self, *exc):
        self.run("systemctl poweroff")
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        self.log.close()
        os.unlink(self.top + ".log")
        if not os.path.ismount(os.path.join(self.top, "proc")):
            shutil.rmtree(self.top, ignore_errors=True)


def serves(debian, port):
    asked = "printf 'stats\\r\\nquit\\r\\n' | nc -w 5 127.0.0.1 %d" % port
    check("port %d is Lombard's" % port, wait_for(
        lambda: "lombard_version" in debian.run(asked)[1]))


def is_state(debian, unit, state):
    check("%s is %s" % (unit, state), wait_for(
        lambda: debian.run("systemctl is-active " + unit)[1].strip() == state))


def memcached_first(debian):
    """Port 11211 is memcached's: the installation succeeds, and the service waits for its time."""
    is_state(debian, "memcached", "active")
    debian.good("dpkg -i /root/old.deb")
    debian.good("systemctl is-enabled lombard")
    debian.good("systemctl stop memcached; systemctl reset-failed lombard; systemctl start lombard")
    is_state(debian, "lombard", "active")
    serves(debian, 11211)


def verbs(debian):
    before = debian.good("systemctl show -P MainPID lombard")
    debian.good("systemctl restart lombard")
    is_state(debian, "lombard", "active")
    check("another process", debian.good("systemctl show -P MainPID lombard") != before)
    serves(debian, 11211)
    debian.good("kill -KILL $(systemctl show -P MainPID lombard)")
    check("it is restarted after a crash", wait_for(
        lambda: debian.run("systemctl show -P NRestarts lombard")[1].strip() == "1"))
    serves(debian, 11211)
    status = debian.good("cat /proc/$(systemctl show -P MainPID lombard)/status")
    check("it has no right", "CapBnd:\t0000000000000000" in status and "NoNewPrivs:\t1" in status
          and "Seccomp:\t2" in status)
    debian.good("systemctl stop lombard")
    is_state(debian, "lombard", "inactive")
    debian.good("systemctl start lombard")


def reloaded(debian):
    """A reload opens the log file and reads the passwords again, within the sandbox."""
    settings = "printf 'stats settings\\r\\nquit\\r\\n' | nc -w 5 127.0.0.1 11211"
    text = debian.good(settings)
    check("it is in its sandbox: %s" % text, "sandbox_in_force no_new_privs,no_capabilities,landlock_"
          in text and ",seccomp\r" in text)
    debian.good("cp /etc/default/lombard /root/default; printf 'u:p\\n' > /etc/lombard.users; "
                "chown lombard /etc/lombard.users; chmod 400 /etc/lombard.users; "
                "echo 'OPTIONS=--log-file=/var/log/lombard/a.log -Y /etc/lombard.users' "
                ">> /etc/default/lombard; systemctl reset-failed; systemctl restart lombard")
    is_state(debian, "lombard", "active")
    check("its log is a file", " ready: " in debian.good("cat /var/log/lombard/a.log"))
    debian.good("mv /var/log/lombard/a.log /var/log/lombard/a.log.1; systemctl reload lombard")
    check("a new one is begun", wait_for(lambda: "took over from process" in debian.run(
        "cat /var/log/lombard/a.log")[1]))
    is_state(debian, "lombard", "active")
    debian.good("systemctl kill --kill-whom=main --signal=HUP lombard")
    is_state(debian, "lombard", "active")
    debian.good("cp /root/default /etc/default/lombard; rm /etc/lombard.users; "
                "systemctl reset-failed; systemctl restart lombard")
    serves(debian, 11211)


def main_pid(debian):
    return debian.good("systemctl show -P MainPID lombard").strip()


GET = "printf 'get k\\r\\nquit\\r\\n' | nc -w 5 127.0.0.1 11211"


def taken_over(debian):
    """A reload keeps the cache and a connection, gives another process, and the watchdog goes along; or is refused."""
    debian.good("mkfifo /root/in; (sleep 1000 > /root/in & nc 127.0.0.1 11211 < /root/in > /root/out) "
                "> /dev/null 2>&1 & sleep 1; printf 'set k 0 0 5\\r\\nhel' > /root/in; sleep 0.5")
    pids = [main_pid(debian)]
    for memory in ("64", "77", "64"):
        debian.good("sed -i 's/^MEMORY=.*/MEMORY=%s/' /etc/default/lombard; systemctl reload lombard" % memory)
        pids.append(main_pid(debian))
        is_state(debian, "lombard", "active")
    check("each is another process: %s" % pids, len(set(pids)) == 4)
    check("one process is left", debian.good("pgrep -x lombard").split() == [pids[-1]])
    debian.good("printf 'lo\\r\\n' > /root/in; sleep 0.5")
    check("an upload goes on", "STORED" in debian.good("cat /root/out"))
    check("it is there", "hello" in debian.good(GET))
    log = debian.good("journalctl -u lombard")
    check("it is in the journal: %s" % log, log.count("took over from process") == 3)
    debian.good("systemctl show -P WatchdogTimestampMonotonic lombard > /root/before; sleep 20")
    check("the watchdog goes along", debian.good("cat /root/before") !=
          debian.good("systemctl show -P WatchdogTimestampMonotonic lombard"))
    debian.good("cp /etc/default/lombard /root/default; echo OPTIONS=-C >> /etc/default/lombard")
    check("what does not fit is refused", debian.run("systemctl reload lombard")[0] != 0)
    is_state(debian, "lombard", "active")
    check("and the server goes on", main_pid(debian) == pids[-1] and
          "hello" in debian.good(GET))
    debian.good("cp /root/default /etc/default/lombard; systemctl kill --kill-whom=main --signal=KILL lombard")
    check("a crash of a successor is noticed", wait_for(
        lambda: debian.run("systemctl show -P NRestarts lombard")[1].strip() != "0"))
    serves(debian, 11211)


def under_load(debian):
    """Three reloads in a row, while every value that comes back is verified; no client is cut off."""
    debian.good("(lombard-bench -k 20000 -f --value-size 10-2000 -c 20 -P 8 -w 0 -d 15s --strict -q > /root/bench 2>&1; "
                "echo status $? >> /root/bench) > /dev/null 2>&1 &")
    time.sleep(3)
    pids = [main_pid(debian)]
    for _ in range(3):
        debian.good("systemctl reload lombard")
        pids.append(main_pid(debian))
    check("three others in a row: %s" % pids, len(set(pids)) == 4)
    check("the load has ended", wait_for(lambda: "status" in debian.run("cat /root/bench")[1]))
    text = debian.good("cat /root/bench")
    check("and lacks nothing: %s" % text, text.strip().endswith("status 0"))


def reload_fails(debian, what, before, after):
    """The unit is as before, and so are the cache and the connection."""
    pid = main_pid(debian)
    debian.good(before + "; systemctl daemon-reload")
    check(what + ": reload says so", debian.run("systemctl reload lombard")[0] != 0)
    is_state(debian, "lombard", "active")
    check(what + ": the old one serves", main_pid(debian) == pid and "hello" in debian.good(GET))
    check(what + ": nothing is left of the new one", debian.good("pgrep -x lombard").split() == [pid])
    debian.good(after + "; systemctl daemon-reload; systemctl reload lombard")
    check(what + ": then it works", main_pid(debian) != pid and "hello" in debian.good(GET))


def refused(debian):
    """A new program that is not there, that fails, that cannot take over; then a stop, which ends the last one."""
    debian.good("printf 'set k 0 0 5\\r\\nhello\\r\\nquit\\r\\n' | nc -w 5 127.0.0.1 11211")
    reload_fails(debian, "no program", "mv /usr/bin/lombard /root/lombard", "mv /root/lombard /usr/bin/lombard")
    reload_fails(debian, "a program that fails", "mv /usr/bin/lombard /root/lombard; cp /bin/false /usr/bin/lombard",
                 "mv /root/lombard /usr/bin/lombard")
    reload_fails(debian, "a limit that cannot be", "sed -i 's/^MEMORY=.*/MEMORY=100000/' /etc/default/lombard",
                 "sed -i 's/^MEMORY=.*/MEMORY=64/' /etc/default/lombard")
    debian.good("systemctl stop lombard")
    is_state(debian, "lombard", "inactive")
    check("a stop after a reload is a good end", debian.good("systemctl show -P Result lombard").strip() == "success")
    check("no process is left", debian.run("pgrep -x lombard")[0] == 1)
    check("nor a socket", not debian.run("ls /run/lombard/control 2>/dev/null")[1])
    debian.good("systemctl reset-failed; systemctl start lombard")
    serves(debian, 11211)


def kept(debian):
    """In a file, the cache outlives restarts as well, and reloads between them."""
    debian.good("cp /etc/default/lombard /root/default; "
                "echo 'OPTIONS=--memory-file=/var/log/lombard/memory' >> /etc/default/lombard; systemctl reset-failed; systemctl restart lombard")
    serves(debian, 11211)
    debian.good("printf 'set k 0 0 5\\r\\nhello\\r\\nquit\\r\\n' | nc -w 5 127.0.0.1 11211")
    for verb in ("restart", "reload", "reload", "restart"):
        debian.good("systemctl %s lombard" % verb)
        check("it is there after a " + verb, "hello" in debian.good(GET))
    debian.good("cp /root/default /etc/default/lombard; systemctl reset-failed; systemctl restart lombard; rm /var/log/lombard/memory")
    serves(debian, 11211)


def activated(debian):
    """The socket outlives the server, and starts it."""
    debian.good("systemctl stop lombard && systemctl reset-failed; "
                "systemctl start lombard.socket")
    is_state(debian, "lombard", "inactive")
    serves(debian, 11211)
    is_state(debian, "lombard", "active")
    status = debian.good("systemctl show -P StatusText lombard")
    check("it says how it is: %s" % status, "connections" in status)
    check("its log has priorities: %s" % debian.good("journalctl -o json -u lombard"),
          '"PRIORITY":"6"' in debian.good(
              "journalctl -o json -u lombard | grep 'listening on TCP'"))
    debian.good("systemctl restart lombard")
    serves(debian, 11211)
    debian.good("systemctl stop lombard.socket lombard && systemctl start lombard")
    serves(debian, 11211)


def instances(debian):
    debian.good("printf 'PORT=11300\\nMEMORY=128\\nOPTIONS=-s /run/lombard-b/sock -a 0777\\n' "
                "> /etc/default/lombard-b")
    debian.good("systemctl enable --now lombard@11212 lombard@b")
    serves(debian, 11212)
    serves(debian, 11300)
    text = debian.good("printf 'stats settings\\r\\nquit\\r\\n' | nc -w 5 -U /run/lombard-b/sock")
    check("an instance has its own memory", "STAT maxbytes 134217728" in text)
    check("and its own socket", "srwxrwxrwx" in debian.good("ls -l /run/lombard-b/sock"))


def in_place_of_memcached(debian):
    debian.good("systemctl stop lombard && dpkg-divert --rename --add /usr/bin/memcached && "
                "ln -s lombard /usr/bin/memcached && systemctl start memcached")
    serves(debian, 11211)
    debian.good("test \"$(cat /run/memcached/memcached.pid)\" = "
                "\"$(systemctl show -P MainPID memcached)\"")
    debian.good("systemctl restart memcached")
    serves(debian, 11211)
    text = debian.good("printf 'stats settings\\r\\nquit\\r\\n' | nc -w 5 127.0.0.1 11211")
    check("in memcached's unit, too, it is in its sandbox: %s" % text, ",seccomp\r" in text)
    debian.good("systemctl stop memcached && test ! -e /run/memcached/memcached.pid")
    check("memcached.service ended well",
          debian.good("systemctl show -P Result memcached").strip() == "success")
    debian.good("rm /usr/bin/memcached && "
                "dpkg-divert --rename --remove /usr/bin/memcached && systemctl start lombard")


def upgrade(debian):
    debian.good("echo MEMORY=99 >> /etc/default/lombard")
    before = [debian.good("systemctl show -P MainPID " + u) for u in ("lombard", "lombard@b")]
    debian.good("printf 'set kept 0 0 1\\r\\nx\\r\\nquit\\r\\n' | nc -w 5 127.0.0.1 11211")
    debian.good("dpkg -i /root/new.deb")
    after = [debian.good("systemctl show -P MainPID " + u) for u in ("lombard", "lombard@b")]
    check("an upgrade gives every instance another process", before[0] != after[0] and before[1] != after[1])
    serves(debian, 11211)
    serves(debian, 11300)
    text = debian.good("printf 'stats settings\\r\\nquit\\r\\n' | nc -w 5 127.0.0.1 11211")
    check("an upgrade keeps the cache", "VALUE kept" in debian.good(
        "printf 'get kept\\r\\nquit\\r\\n' | nc -w 5 127.0.0.1 11211"))
    check("an upgrade keeps what was configured", "STAT maxbytes %d\r" % (99 << 20) in text)


def purge(debian):
    debian.good("dpkg -r lombard")
    check("no process is left", debian.run("pgrep -x lombard")[0] == 1)
    debian.good("dpkg -P lombard")
    left = debian.run("find / -xdev -name '*lombard*' ! -path '/root/*' ! -path '/proc/*'; "
                      "find /run -name '*lombard*' ! -path '/run/systemd/*'; "
                      "getent passwd lombard; getent group lombard")[1]
    check("nothing is left: %s" % left, not left)
    units = debian.run("systemctl list-units --all --no-legend | grep 'lombard.*service'")[1]
    check("systemd knows no such unit: %s" % units, not units)


def main():
    root_tar, old, new = sys.argv[1:]
    if not os.path.exists(root_tar):
        subprocess.run(["mmdebstrap", "--variant=minbase", "--include=" + INCLUDED, "bookworm",
                        root_tar], check=True)
    with Booted(root_tar) as debian:
        shutil.copy(old, os.path.join(debian.top, "root/old.deb"))
        shutil.copy(new, os.path.join(debian.top, "root/new.deb"))
        for part in (memcached_first, verbs, taken_over, under_load, refused, kept, reloaded, activated, instances, in_place_of_memcached, upgrade, purge):
            part(debian)
    check.done()


main()
