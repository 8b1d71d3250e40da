#!/usr/bin/python3
"""What `meson install` puts where, and whether systemd understands the units.

    install.py BUILD_DIR
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "helpers"))

from checks import Checks

check = Checks()
EXPOSURE_MOST = 1.5  # of systemd-analyze security: 0 is none, 10 everything
UNITS = ["lombard.service", "lombard@.service"]
WANTED = {
    "bin/lombard": 0o755,
    "bin/lombard-bench": 0o755,
    "bin/lombard-top": 0o755,
    "lib/systemd/system/lombard.service": 0o644,
    "lib/systemd/system/lombard.socket": 0o644,
    "lib/systemd/system/lombard@.service": 0o644,
    "lib/sysusers.d/lombard.conf": 0o644,
    "share/lombard/lombard.json": 0o644,
    "share/lombard/lombard.rules.yml": 0o644,
    "share/man/man1/lombard-bench.1": 0o644,
    "share/man/man1/lombard-top.1": 0o644,
    "share/man/man8/lombard.8": 0o644,
}


def output_of(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.returncode, done.stdout.decode("utf-8", "replace")


def files_below(top):
    return {os.path.relpath(os.path.join(where, name), top)
            for where, _, names in os.walk(top) for name in names}


def install(build, destination):
    status, text = output_of("meson", "install", "-C", build, "--no-rebuild",
                             "--destdir", destination)
    check("meson install: %s" % text[-500:], status == 0)
    found = files_below(destination)
    programs = [path for path in found if path.endswith("/bin/lombard")]
    check("there is one daemon: %s" % programs, len(programs) == 1)
    return programs[0][:-len("/bin/lombard")], found


def check_files(destination, prefix, found):
    for path, mode in WANTED.items():
        full = os.path.join(destination, prefix, path)
        check("%s is there, and of mode %o" % (path, mode),
              os.path.exists(full) and os.stat(full).st_mode & 0o777 == mode)
    default = [path for path in found if path.endswith("etc/default/lombard")]
    check("the default file is there", len(default) == 1)
    rotate = [path for path in found if path.endswith("etc/logrotate.d/lombard")]
    check("the file of logrotate is there", len(rotate) == 1)
    others = found - {os.path.join(prefix, path) for path in WANTED} - set(default + rotate)
    check("nothing else is: %s" % sorted(others), not others)
    return "/" + default[0]


def check_unit(destination, prefix, name, default):
    """As root of its own: there the programs are where the unit says."""
    with open(os.path.join(destination, prefix, "lib/systemd/system", name),
              encoding="ascii") as unit:
        text = unit.read()
    check("%s starts what was installed" % name,
          "ExecStart=/%s/bin/lombard " % prefix in text)
    check("%s reads what was installed" % name, "EnvironmentFile=-" + default in text)
    check("%s: all names are filled in: %s" % (name, re.findall(r"@[a-z]+@", text)),
          not re.search(r"@[a-z]+@", text))
    if shutil.which("systemd-analyze") is None:
        return
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, name.replace("@.", "@11212."))
        with open(path, "w", encoding="ascii") as unit:
            unit.write(text.replace("=/%s/bin" % prefix, "=%s/%s/bin" % (destination, prefix)))
        _, said = output_of("systemd-analyze", "verify", "--man=no", path)
        complaints = [line for line in said.splitlines() if "lombard" in line]
        check("systemd-analyze verify: %s" % complaints, not complaints)
        _, said = output_of("systemd-analyze", "security", "--offline=true", path)
        exposure = re.search(r"exposure level for \S+: ([\d.]+)", said)
        check("%s: exposure %s" % (name, exposure and exposure.group(1)),
              exposure is None or float(exposure.group(1)) <= EXPOSURE_MOST)


def main():
    with tempfile.TemporaryDirectory() as destination:
        prefix, found = install(sys.argv[1], destination)
        default = check_files(destination, prefix, found)
        for name in UNITS:
            check_unit(destination, prefix, name, default)
    check.done()


main()
