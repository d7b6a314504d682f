"""A program that runs until it is told to end."""
import os
import select
import signal
import subprocess
import time

from ..measure import Peaks, end_of
from ..problem import Problem

LIMIT = 600  # seconds that one thing may take
END_LIMIT = 60  # seconds from SIGTERM to the end
LOOKS = 0.001  # seconds between two looks


class Running:
    """Runs while it is entered, in a session of its own, and ends with the harness, should that be killed."""

    def __init__(self, command, environment, log):
        self.command = command
        self.environment = environment
        self.log = log

    def __enter__(self):
        with open(self.log, "wb") as out:
            self.start = time.monotonic()
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", *self.command], stdin=subprocess.DEVNULL, stdout=out,
                stderr=subprocess.STDOUT, env=self.environment, start_new_session=True)
        self.ended, self.peaks = os.pidfd_open(self.process.pid), Peaks(self.process.pid)
        return self

    def __exit__(self, *_):
        if self.process.returncode is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        os.close(self.ended)
        self.peaks.close()

    def wait_until(self, is_true, what, interval=LOOKS):
        """Looks at its memory as well, and returns the seconds since its start."""
        while not is_true():
            self.peaks.look()
            if select.select([self.ended], [], [], interval)[0]:
                raise Problem(f"{self.command[0]} ended before {what}:\n{end_of(self.log)}")
            if time.monotonic() - self.start > LIMIT:
                raise Problem(f"{self.command[0]} took longer than {LIMIT} s until {what}:\n{end_of(self.log)}")
        self.peaks.look()
        return time.monotonic() - self.start

    def has_told(self, words):
        """Whether its output has `words`; for a few lines, as all is read each time."""
        with open(self.log, "rb") as file:
            return words in file.read()

    def interrupt(self):
        """SIGTERM to all of its session, and its end; a service that does not end well is told."""
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            code = self.process.wait(END_LIMIT)
        except subprocess.TimeoutExpired:
            raise Problem(f"{self.command[0]} runs on {END_LIMIT} s after SIGTERM:\n{end_of(self.log)}") from None
        if code not in (0, -signal.SIGTERM):
            raise Problem(f"{self.command[0]} ended with {code} after SIGTERM:\n{end_of(self.log)}")
