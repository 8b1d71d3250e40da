"""What the Python scripts share: counting checks, and a large value."""
import random
import sys


class Checks:
    """check(name, ok): counted; a failure is printed."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    def __call__(self, name, ok):
        if ok:
            self.passed += 1
        else:
            self.failed += 1
            print("FAILED: %s" % name, flush=True)

    def done(self):
        print("%d passed, %d failed" % (self.passed, self.failed))
        sys.exit(1 if self.failed else 0)


# 900 KB that do not repeat, so that a piece in the wrong place is seen.
LARGE = random.Random(9).randbytes(900 * 1024)
