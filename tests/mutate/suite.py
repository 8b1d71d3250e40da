"""The tests that look for a fault, and in which order: its own unit test first, then what is quick."""
import glob
import json
import os
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))

from order import LAYERS  # noqa: E402 pylint: disable=wrong-import-position

PREFIX = os.environ.get("MUTATE_PREFIX", "").split()
SECONDS_MAX = 300
OTHER_LAYER = 4  # what a second in the unit test of another layer counts, compared with the own

# Shorter than what meson runs. The whole server below app, and more.
SIM_TESTS = [
    ["sweep", "founding"],
    ["sweep", "quick"],
    ["policy", "waiting", "1", "20"],
    ["policy", "stall", "1", "10"],
    ["policy", "closing", "1", "20"],
    ["policy", "refusal", "1", "20"],
    ["policy", "light", "1", "10"],
    ["sim", "1", "60"],
    ["sim", "100", "200"],
    ["test_busy_poll"],
    ["test_fair"],
    ["test_linger"],
    ["test_pool_refused"],
]
APP_SEES = ["app", "conn", "event", "base"]  # of what is below app, what only the process shows
# How long each test took, from one run to the next. Without it the order is by module only.
SECONDS = os.path.join(HERE, "../../build-test/mutate-seconds.json")


def run(command, cwd, seconds, **env):
    """(status, output); a test that hangs has found the fault, too."""
    env = dict(os.environ, UBSAN_OPTIONS="halt_on_error=1", CK_TIMEOUT_MULTIPLIER="10", **env)
    done = subprocess.run(PREFIX + ["timeout", str(int(seconds))] + command, cwd=cwd, env=env,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.returncode, done.stdout.decode("latin-1")


class Test:
    """TARGET is what ninja builds for it; LAYER and MODULE say what it is the unit test of."""

    def __init__(self, target, arguments=(), layer="", module="", script=None, case=None):
        self.target = target
        self.arguments = list(arguments)
        self.layer = layer
        self.module = module
        self.script = script  # from the top of the tree: run with the target as its argument
        self.case = case      # of a program with several
        self.seconds = 0.0    # with the sound source
        self.name = " ".join([target] + self.arguments + ([case] if case else []))

    def run(self, build, forks):
        program = [os.path.join(build, self.target)] + self.arguments
        if self.script:
            program = [sys.executable, os.path.join(build, "..", self.script)] + program
        env = {"CK_FORK": "yes" if forks else "no"}
        if self.case:
            env["CK_RUN_CASE"] = self.case
        limit = min(SECONDS_MAX, 10 + 10 * self.seconds) if self.seconds else SECONDS_MAX
        started = time.monotonic()
        status, _ = run(program, build, limit, **env)
        return status == 0, time.monotonic() - started


def closure(layer):
    """The layers that a unit test of LAYER is linked with."""
    seen, todo = [], [layer]
    while todo:
        here = todo.pop()
        if here not in seen:
            seen.append(here)
            todo += [name.split("/")[0] for name in LAYERS.get(here, []) if "/" not in name]
    return seen + ["proto"] if "cmd" in seen and "proto" not in seen else seen


def cases_of(tree, layer):
    """Names of the test cases of a program that has several files."""
    found = []
    for path in sorted(glob.glob(os.path.join(tree, "tests/unit", layer, "test_*.c"))):
        with open(path, encoding="utf-8") as f:
            found += re.findall(r'tcase_create\("(\w+)"\)', f.read())
    return found


class Suite:
    """All tests of a build. ONLY_BY: only those whose target has this."""

    def __init__(self, tree, build, only_by=""):
        self.tree, self.build = tree, build
        self.tests = [t for t in self.unit_tests() + self.search_tests() + self.sim_tests()
                      if only_by in t.target]
        known = {}
        if os.path.exists(SECONDS):
            with open(SECONDS, encoding="utf-8") as f:
                known = json.load(f)
        for test in self.tests:
            test.seconds = known.get(test.name, 0.0)

    def introspected(self, suite):
        done = subprocess.run(["meson", "introspect", self.build, "--tests"], check=True,
                              stdout=subprocess.PIPE)
        for test in json.loads(done.stdout):
            if test["suite"] == ["lombard:" + suite]:
                words = [os.path.relpath(word, self.build) if os.path.isabs(word) else word
                         for word in test["cmd"]]
                yield test["name"], words[1:] if words[0].endswith("python3") else words

    def unit_tests(self):
        found = []
        for name, command in self.introspected("unit"):
            layer, _, module = name.partition("/")
            if command[0].endswith(".py"):
                found.append(Test(command[1], layer=layer, module=module,
                                  script=os.path.relpath(os.path.join(self.build, command[0]), self.tree)))
            elif name == "store":
                found += [Test(command[0], layer=layer, module=case, case=case)
                          for case in cases_of(self.tree, layer)]
            else:
                found.append(Test(command[0], layer=layer.split("-")[0], module=module))
        return found

    def search_tests(self):
        return [Test(command[0], layer=re.match(r"[a-z]+", name).group(0))
                for name, command in self.introspected("search")]

    @staticmethod
    def sim_tests():
        return [Test("tests/sim/" + words[0], words[1:], layer="sim") for words in SIM_TESTS]

    def forks(self, test):
        """Whether Check needs a process for each test: it expects aborts, or changes its process."""
        if test.layer in ("base", "app"):
            return True  # the log, limits, signals
        pattern = "tests/*/" if test.layer == "sim" else "tests/unit/%s/" % test.layer
        for path in glob.glob(os.path.join(self.tree, pattern, "test_%s.c" % (
                test.module or os.path.basename(test.target)[len("test_"):]))):
            with open(path, encoding="utf-8") as f:
                if "raise_signal" in f.read():
                    return True
        return False

    def for_path(self, path):
        """Those that are linked with the file at PATH: those of its own module, then the cheapest."""
        bench = path.startswith("tools/bench/")
        parts = path.split("/")
        layer = "bench" if bench else parts[1] if parts[0] == "src" else parts[2]
        module = os.path.splitext(parts[-1])[0]

        def sees(test):
            if bench or test.layer == "bench":
                return bench and test.layer == "bench"
            if test.layer == "sim":
                return layer != "app"
            if "/search/" in test.target:
                return layer in ("base", test.layer)
            return layer in (APP_SEES if test.layer == "app" else closure(test.layer))

        def cost(test):
            own = test.layer == layer and test.module != "" and (
                module == test.module or module == layer + "_" + test.module or
                module.startswith(test.module + "_") or test.module.startswith(module + "_"))
            return not own, test.seconds * (1 if test.layer in (layer, "sim") else OTHER_LAYER)

        return sorted((t for t in self.tests if sees(t)), key=cost)

    def build_one(self, test):
        return run(["ninja", "-C", self.build, test.target], self.build, 600)

    def measure(self, paths, again):
        """Run with the sound source what will be needed (unless AGAIN: those never measured, and the
        first of each path); the name of what fails, or None."""
        needed = {test.name: test for path in paths for i, test in enumerate(self.for_path(path))
                  if again or i == 0 or test.seconds == 0}
        for test in needed.values():
            status, output = self.build_one(test)
            if status != 0:
                return "%s does not build: %s" % (test.target, output[-500:])
            good, test.seconds = test.run(self.build, self.forks(test))
            if not good:
                return test.name
        os.makedirs(os.path.dirname(SECONDS), exist_ok=True)
        with open(SECONDS, "w", encoding="utf-8") as f:
            json.dump({test.name: test.seconds for test in self.tests if test.seconds}, f, indent=1)
        return None
