"""Checks of a script: counted, and printed where they fail."""
import sys
import threading


class Checks:
    """May be used by several threads."""

    def __init__(self):
        self.passed = self.failed = 0
        self.lock = threading.Lock()

    def that(self, good, text, *details):
        """GOOD, or TEXT and what DETAILS there are is printed."""
        with self.lock:
            if good:
                self.passed += 1
            else:
                self.failed += 1
                print("NOT: %s" % " ".join([text] + [str(d) for d in details]), flush=True)

    def equal(self, got, want, text):
        self.that(got == want, text + ":", repr(got), "instead of", repr(want))

    def __call__(self, text, good):
        self.that(good, text)

    def done(self):
        """Print the sum, and end the script with the status that says the same."""
        print("%d passed, %d failed" % (self.passed, self.failed))
        sys.exit(1 if self.failed else 0)
