"""A server process for the tests: started on a free port, stopped by its pid."""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

START_S = 20
STOP_S = 20


class ServerFailed(Exception):
    """It did not start, or did not end as it should; the text says how."""


def end_on_sigterm():
    """Let a test that is told to end stop its servers first."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def _tail(path, lines=20):
    with open(path, "r", encoding="latin-1") as log:
        return "".join(log.readlines()[-lines:])


class Server:
    """A context manager; `port` is where it listens, `log_path` its stderr and stdout."""

    def __init__(self, argv, user="nobody", port=-1):
        self.argv = list(argv) + ["-l", "127.0.0.1", "-p", str(port), "-U", "0"]
        if os.geteuid() == 0:
            self.argv += ["-u", user]
        self.process = None
        self.port = 0
        self.dir = None
        self.log_path = None

    def __enter__(self):
        self.dir = tempfile.mkdtemp(prefix="lombard-test-")
        os.chmod(self.dir, 0o777)  # it may have become another user by then
        self.log_path = os.path.join(self.dir, "log")
        port_path = os.path.join(self.dir, "port")
        env = dict(os.environ, MEMCACHED_PORT_FILENAME=port_path)
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(self.argv, env=env, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        end = time.monotonic() + START_S
        while time.monotonic() < end and self.process.poll() is None:
            if os.path.exists(port_path):
                with open(port_path, "r", encoding="ascii") as file:
                    found = re.search(r"TCP INET: (\d+)\n", file.read())
                if found:
                    self.port = int(found.group(1))
                    return self
            time.sleep(0.01)
        text = _tail(self.log_path)
        self._end()
        raise ServerFailed("did not start: %s\n%s" % (" ".join(self.argv), text))

    def is_alive(self):
        return self.process.poll() is None

    def rss_kb(self):
        with open("/proc/%d/status" % self.process.pid, "r", encoding="ascii") as status:
            return int(re.search(r"VmRSS:\s*(\d+)", status.read()).group(1))

    def _end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def stop(self):
        """Stop it, and say what was wrong with its end, or None."""
        died = not self.is_alive()
        if not died:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                return "did not stop within %d s" % STOP_S
        with open(self.log_path, "r", encoding="latin-1") as log:
            text = log.read()
        # Of a sanitizer, and of a sandbox whose list lacks something.
        complained = "runtime error" in text or "the sandbox refused" in text
        if died or self.process.returncode != 0 or complained:
            return "ended with status %d%s\n%s" % (
                self.process.returncode, " before it was stopped" if died else "",
                _tail(self.log_path))
        return None

    def check_end(self, checks):
        """It still runs, and ends as it should."""
        checks.that(self.is_alive(), "the server runs until it is stopped")
        wrong = self.stop()
        checks.that(wrong is None, str(wrong))

    def __exit__(self, *exc):
        self._end()
