#!/usr/bin/python3
"""The image of tools/dist/Containerfile, as far as that goes without a container: its steps, run here.

    container.py ROOT

The program is built by the very commands of the file, and started and asked by those that it names, as
its user, in a root directory where nothing else is, with a network of its own. Then the sandbox's list is
compared with what it calls, for it is of another libc.
"""
import fcntl
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "helpers"))

from checks import Checks

SKIPPED_STATUS = 77
PATIENCE_S = 60
BYTES_MOST = 720 * 1024
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
check = Checks()


def skip(why):
    print("skipped: " + why)
    sys.exit(SKIPPED_STATUS)


def enter():
    """Again, in a network of its own; returns only there."""
    if "inside" in sys.argv:
        return
    if os.geteuid() != 0:
        skip("only root can change the root directory")
    for tool in ("musl-gcc", "unshare", "readelf", "meson", "ninja"):
        if shutil.which(tool) is None:
            skip("%s is not installed (Debian: musl-tools)" % tool)
    if subprocess.run(["unshare", "--net", "true"], stderr=subprocess.DEVNULL,
                      check=False).returncode:
        skip("no namespace may be made here")
    os.execvp("unshare", ["unshare", "--net", sys.executable] + sys.argv + ["inside"])


class Containerfile:
    def __init__(self, path):
        with open(path, encoding="ascii") as f:
            self.lines = re.sub(r"\\\n\s*", " ", f.read()).splitlines()

    def after(self, word):
        """What follows WORD, in each line that begins with it."""
        return [line[len(word):].strip() for line in self.lines if line.startswith(word + " ")]

    def build_step(self):
        return [line for line in self.after("RUN") if "meson" in line and "apt-get" not in line][0]

    def command(self, word):
        return json.loads(re.search(r"\[.*\]", self.after(word)[0]).group())


def build(containerfile, root, top):
    step = containerfile.build_step().replace(" /src", " " + root)
    step = step.replace("/build", os.path.join(top, "build"))
    done = subprocess.run(["sh", "-ec", step], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False)
    check("%s: %s" % (step, done.stdout.decode("utf-8", "replace")[-800:]), done.returncode == 0)
    return os.path.join(top, "build", "src/app/lombard")


def is_static(program):
    headers = subprocess.run(["readelf", "-ld", program], stdout=subprocess.PIPE,
                             check=True).stdout.decode()
    check("it needs no loader, and no library",
          "INTERP" not in headers and "NEEDED" not in headers)
    size = os.path.getsize(program)
    check("it has %d bytes" % size, size <= BYTES_MOST)


def ping(inside, command):
    done = subprocess.run(inside + command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=False, timeout=PATIENCE_S)
    return done.returncode, done.stdout.decode()


def serves(containerfile, program, top):
    empty = os.path.join(top, "empty")
    os.mkdir(empty, 0o755)
    shutil.copy(program, os.path.join(empty, "lombard"))
    inside = ["chroot", "--userspec=" + containerfile.after("USER")[0], "--groups=", empty]
    health = containerfile.command("HEALTHCHECK")
    check("nothing answers before", ping(inside, health)[0] == 1)
    process = subprocess.Popen(
        inside + containerfile.command("ENTRYPOINT") + containerfile.command("CMD"),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    end = time.monotonic() + PATIENCE_S
    status, said = 1, ""
    while status != 0 and process.poll() is None and time.monotonic() < end:
        status, said = ping(inside, health)
    check("the health check answers: %s" % said, status == 0 and said == "VERSION 1.6.45\n")
    with socket.create_connection(("127.0.0.1", int(containerfile.after("EXPOSE")[0])),
                                  PATIENCE_S) as s:
        s.sendall(b"set a 0 0 1\r\nx\r\nget a\r\n")
        got = b""
        while not got.endswith(b"END\r\n"):
            got += s.recv(4096)
        check.equal(got, b"STORED\r\nVALUE a 0 1\r\nx\r\nEND\r\n", "it serves")
    process.send_signal(getattr(signal, containerfile.after("STOPSIGNAL")[0]))
    _, log = process.communicate(timeout=PATIENCE_S)
    check.equal(process.returncode, 0, "it ends well: %s" % log.decode())
    check("in its sandbox: %s" % log.decode(), "seccomp" in log.decode())
    check("it has written nothing", os.listdir(empty) == ["lombard"])


def traced(root, program):
    done = subprocess.run([sys.executable, os.path.join(HERE, "sandbox.py"), root, program],
                          stdout=subprocess.PIPE, check=False)
    check("sandbox.py: %s" % done.stdout.decode(), done.returncode in (0, SKIPPED_STATUS))


def main():
    enter()
    root = os.path.abspath(sys.argv[1])
    containerfile = Containerfile(os.path.join(root, "tools/dist/Containerfile"))
    with socket.socket() as s:
        fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sh", b"lo", IFF_UP))
    with tempfile.TemporaryDirectory() as top:
        os.chmod(top, 0o755)
        program = build(containerfile, root, top)
        is_static(program)
        serves(containerfile, program, top)
        traced(root, program)
    check.done()


main()
