#!/usr/bin/python3
"""The Debian package: built, installed, upgraded, removed and purged by dpkg.

    package.py ROOT BUILD_DIR

It happens in a copy-on-write view of this host, in namespaces of its own, where no systemd is
booted: the maintainer scripts have to cope. What is left afterwards is what was written there.
(booted.py does the same by hand in a clean Debian with systemd.)
"""
import contextlib
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "helpers"))

from checks import Checks

SKIPPED_STATUS = 77
PATIENCE_S = 60
ENV = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C",
       "DEBIAN_FRONTEND": "noninteractive"}
check = Checks()


def skip(why):
    print("skipped: " + why)
    sys.exit(SKIPPED_STATUS)


def enter():
    """Again, in a mount namespace of its own, which takes all of its mounts along at its end."""
    if os.geteuid() != 0:
        skip("only root can install packages")
    for tool in ("unshare", "dpkg-deb", "useradd", "readelf", "gzip", "deb-systemd-helper"):
        if shutil.which(tool) is None:
            skip("%s is not installed" % tool)
    if subprocess.run(["unshare", "--mount", "true"], stderr=subprocess.DEVNULL,
                      check=False).returncode:
        skip("no namespace may be made here")
    top = tempfile.mkdtemp(prefix="lombard-view-")
    try:
        done = subprocess.run(["unshare", "--mount", sys.executable] + sys.argv + [top],
                              check=False)
    finally:
        os.rmdir(top)  # a mount point: empty here. Nothing may ever delete what is below it there.
    sys.exit(done.returncode)


def run(*command, **how):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, **how)
    return done.returncode, done.stdout.decode("utf-8", "replace")


class View:
    """This host, with whatever is written going to memory; `upper` holds only that."""

    def __init__(self, top):
        run("mount", "-t", "tmpfs", "view", top)
        self.upper, self.root = os.path.join(top, "upper"), os.path.join(top, "root")
        for directory in (self.upper, self.root, os.path.join(top, "work")):
            os.mkdir(directory)
        status, _ = run("mount", "-t", "overlay", "-o", "lowerdir=/,upperdir=%s,workdir=%s/work"
                        % (self.upper, top), "overlay", self.root)
        if status:
            skip("no overlay can be mounted here")
        run("mount", "-t", "tmpfs", "dev", self.path("dev"))
        for name, minor in (("null", 3), ("zero", 5), ("random", 8), ("urandom", 9)):
            os.mknod(self.path("dev/" + name), 0o666 | stat.S_IFCHR, os.makedev(1, minor))
            os.chmod(self.path("dev/" + name), 0o666)
        run("mount", "-t", "proc", "proc", self.path("proc"))
        # Only there for the index of all pages not to be made four times.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path("var/lib/man-db/auto-update"))

    def path(self, name):
        return os.path.join(self.root, name.lstrip("/"))

    def inside(self, *command):
        return run("chroot", self.root, *command, env=ENV)

    def dpkg(self, *words):
        status, text = self.inside("dpkg", "--force-unsafe-io", *words)
        check("dpkg %s: %s" % (" ".join(words), text), status == 0)

    def left(self, word):
        return [os.path.join(where, name) for where, directories, names in os.walk(self.upper)
                for name in names + directories if word in name
                if not os.path.relpath(where, self.upper).startswith("root")]


def build(root, programs, out, revision):
    status, text = run(os.path.join(root, "tools/package"), "-b", programs, "-o", out,
                       "-r", str(revision))
    check("tools/package: %s" % text[-500:], status == 0)
    return text.splitlines()[-1]


def read(path):
    with open(path, encoding="ascii") as f:
        return f.read()


def serves(view):
    """As the unit's user, for as long as it takes."""
    ports = view.path("tmp/lombard-ports")
    process = subprocess.Popen(
        ["chroot", "--userspec=lombard:lombard", view.root, "/usr/bin/lombard", "-l",
         "127.0.0.1", "-p", "-1"], env=dict(ENV, MEMCACHED_PORT_FILENAME="/tmp/lombard-ports"),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    end = time.monotonic() + PATIENCE_S
    while not os.path.exists(ports) and process.poll() is None and time.monotonic() < end:
        time.sleep(0.02)
    check("the server starts as its user", os.path.exists(ports))
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=PATIENCE_S)
    check("and ends: %s" % log.decode(), process.returncode == 0)
    if os.path.exists(ports):
        os.unlink(ports)


def installed(view):
    wants = "etc/systemd/system/multi-user.target.wants/lombard.service"
    check("the service is enabled", os.path.islink(view.path(wants)))
    check("there is a user", "\nlombard:" in read(view.path("etc/passwd")))
    status, text = view.inside("dpkg", "--verify", "lombard")
    check("all files are as packaged: %s" % text, status == 0 and not text)
    for program in ("lombard", "lombard-bench", "lombard-top"):
        status, text = view.inside(program, "--version")
        check("%s runs: %s" % (program, text), status == 0 and re.search(r"\d", text))
    serves(view)


def upgraded(view, package):
    with open(view.path("etc/default/lombard"), "a", encoding="ascii") as f:
        f.write("MEMORY=123\n")
    with open(view.path("etc/default/lombard-11212"), "w", encoding="ascii") as f:
        f.write("MEMORY=45\n")
    view.dpkg("-i", package)
    check("an upgrade keeps what was configured",
          read(view.path("etc/default/lombard")).endswith("MEMORY=123\n"))


def removed(view):
    view.dpkg("-r", "lombard")
    check("what was configured outlives a removal", os.path.exists(view.path("etc/default/lombard")))
    check("the program does not", not os.path.exists(view.path("usr/bin/lombard")))
    view.dpkg("-P", "lombard")
    # The overlay notes what was deleted as character devices.
    left = [path for path in view.left("lombard") if os.path.isfile(path) or os.path.islink(path)]
    check("a purge leaves nothing: %s" % left, not left)
    check("no user either", "\nlombard:" not in read(view.path("etc/passwd")))


def main():
    if len(sys.argv) == 3:
        enter()
    root, programs, top = sys.argv[1:]
    if run("dpkg", "-s", "lombard")[0] == 0:
        skip("lombard is installed here")
    packages = []
    with tempfile.TemporaryDirectory() as out:
        for revision in (1, 2):
            packages.append(build(root, programs, out, revision))
        view = View(top)
        for package in packages:
            shutil.copy(package, view.path("/root"))
    first, second = ["/root/" + os.path.basename(package) for package in packages]
    view.dpkg("-i", first)
    installed(view)
    upgraded(view, second)
    removed(view)
    check.done()


main()
