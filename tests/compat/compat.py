#!/usr/bin/python3
"""Run one client's script against a Lombard of its own.

    compat.py LOMBARD SCRIPT      the script's name without its suffix, as in CLIENTS
    compat.py --memcached SCRIPT  the same checks against an installed memcached

A script gets the port as its argument, prints a line for each check that failed,
and ends with `N passed, M failed`. Where its client is not installed it is skipped,
with the name of the package that would bring it. How the server ends is a check, too.
"""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "helpers"))

from server import Server, ServerFailed, end_on_sigterm

HERE = os.path.dirname(os.path.abspath(__file__))
SKIPPED_STATUS = 77
SCRIPT_S = 240
PYTHON = "/usr/bin/python3"

# Script, its interpreter, how to find out whether the client is there, its package.
CLIENTS = {
    "memccapable": (["bash"], "with_memccapable.sh",
                    ["memccapable", "-?"], "libmemcached-tools"),
    "libmemcached-tools": (["bash"], "with_tools.sh",
                           ["memccat", "--version"], "libmemcached-tools"),
    "pymemcache": ([PYTHON], "with_pymemcache.py",
                   [PYTHON, "-c", "import pymemcache"], "python3-pymemcache"),
    "pylibmc": ([PYTHON], "with_pylibmc.py",
                [PYTHON, "-c", "import pylibmc"], "python3-pylibmc"),
    "binary-memcached": ([PYTHON], "with_bmemcached.py",
                         [PYTHON, "-c", "import bmemcached"], "python3-binary-memcached"),
    "memcached-fast": (["perl"], "with_fast.pl",
                       ["perl", "-MCache::Memcached::Fast", "-e", "1"],
                       "libcache-memcached-fast-perl"),
    "php-memcached": (["php"], "with_memcached.php",
                      ["php", "-r", "exit(class_exists('Memcached') ? 0 : 1);"],
                      "php-cli, php-memcached"),
    "dalli": (["ruby"], "with_dalli.rb", ["ruby", "-e", "require 'dalli'"],
              "ruby, ruby-dalli"),
    "auth": ([PYTHON], "with_auth.py", [PYTHON, "-c", "import bmemcached, pylibmc"],
             "python3-pylibmc, python3-binary-memcached"),
    "hostile": ([PYTHON], "with_hostile.py", [PYTHON, "-c", ""], "python3"),
}

OPTIONS = {
    "auth": ["-Y", os.path.join(HERE, "..", "wire", "auth", "passwords")],
    "hostile": ["-vv"],
}


def is_installed(probe):
    if shutil.which(probe[0]) is None:
        return False
    done = subprocess.run(probe, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, check=False)
    return done.returncode in (0, 1) if probe[0] == "memccapable" else done.returncode == 0


def run_script(command, server):
    """Its last line's two numbers; one failure more when it did not end well."""
    env = dict(os.environ, LOMBARD_PID=str(server.process.pid), LOMBARD_LOG=server.log_path,
               PYTHONDONTWRITEBYTECODE="1")
    try:
        done = subprocess.run(command + [str(server.port)], env=env, timeout=SCRIPT_S,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        output, status = done.stdout, done.returncode
    except subprocess.TimeoutExpired as late:
        output, status = late.stdout or b"", "late: not done after %d s" % SCRIPT_S
    text = output.decode("utf-8", "replace")
    summary = re.findall(r"^(\d+) passed, (\d+) failed$", text, re.M)
    sys.stdout.write(re.sub(r"^\d+ passed, \d+ failed\n", "", text, flags=re.M))
    passed, failed = (int(n) for n in summary[-1]) if summary else (0, 0)
    if not summary or (status != 0 and failed == 0):
        print("FAILED: the script ended with status %s" % status)
        failed += 1
    return passed, failed


def main():
    end_on_sigterm()
    name = sys.argv[2]
    interpreter, script, probe, package = CLIENTS[name]
    if not is_installed(probe):
        print("skipped: %s is not installed (Debian: %s)" % (name, package))
        sys.exit(SKIPPED_STATUS)
    argv = [sys.argv[1]] + OPTIONS.get(name, [])
    if sys.argv[1] == "--memcached":
        argv[0] = shutil.which("memcached")
    try:
        with Server(argv) as server:
            passed, failed = run_script(interpreter + [os.path.join(HERE, script)], server)
            wrong = server.stop()
    except ServerFailed as failure:
        passed, failed, wrong = 0, 0, str(failure)
    if wrong:
        print("FAILED: the server %s" % wrong)
    print("%s: %d passed, %d failed" % (name, passed + (not wrong), failed + bool(wrong)))
    print("%d passed, %d failed" % (passed + (not wrong), failed + bool(wrong)))
    sys.exit(1 if failed or wrong else 0)


if __name__ == "__main__":
    main()
