"""A process that takes the place of a server: --takeover."""
import atexit
import os
import signal
import subprocess

PATIENCE_S = 60
USER = ["-u", "nobody"] if os.geteuid() == 0 else []


class Heir:
    """DAEMON is to take the place of the server at CONTROL."""

    def __init__(self, daemon, control, *args, env=None, user=None):
        self.process = subprocess.Popen([daemon] + (USER if user is None else user) + ["--takeover=" + control] +
                                        list(args), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, env=env)
        atexit.register(self.process.kill)  # also where the test ends by an exception
        self.log = ""

    def wait_for(self, word):
        """Whether it says so before it ends."""
        while word not in self.log:
            line = self.process.stderr.readline().decode()
            if line == "":
                return False
            self.log += line
        return True

    def ended(self):
        self.log += self.process.communicate(timeout=PATIENCE_S)[1].decode()
        return self.process.returncode

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.ended()
