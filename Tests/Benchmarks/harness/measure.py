"""One run of one program: wall time, CPU time, peak of anonymous memory."""
import os
import re
import select
import subprocess
import time
from dataclasses import dataclass

from .problem import Problem

LIMIT = 900  # seconds that one run may take
INTERVAL = 0.005  # seconds between two looks at the memory
SHOWN = 2000  # characters of a log that an error shows


@dataclass(frozen=True)
class Cost:
    wall: float  # seconds, from before the start to the end
    cpu: float  # seconds, user and system, with the children that it has waited for
    memory: int  # bytes: the highest RssAnon seen; what shared libraries map is not in it
    resident: int  # bytes: VmHWM, in which it is


def measure(command, environment, log, names=os.devnull, directory=None):
    """Runs `command` to its end, with the file `names` as its input. What it prints goes to the file `log`, which is
    shown if it fails."""
    with open(names, "rb") as source, open(log, "wb") as out:
        start = time.monotonic()
        process = subprocess.Popen(
            command, stdin=source, stdout=out, stderr=subprocess.STDOUT, env=environment, cwd=directory)
        try:
            memory, resident = _peaks_until_end(process.pid, start + LIMIT)
            wall = time.monotonic() - start
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        except BaseException:
            process.kill()
            process.wait()
            raise
    if process.returncode:
        raise Problem(f"{command[0]} ended with {process.returncode}:\n{end_of(log)}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, memory, resident)


def _peaks_until_end(pid, deadline):
    """Returns once the process has ended; it is still to be waited for."""
    ended, peaks = os.pidfd_open(pid), Peaks(pid)
    try:
        while not select.select([ended], [], [], INTERVAL)[0]:
            peaks.look()
            if time.monotonic() > deadline:
                raise Problem(f"the process {pid} was still running after {LIMIT} s, and was killed")
        return peaks.anonymous, peaks.resident
    finally:
        os.close(ended)
        peaks.close()


class Peaks:
    """The highest RssAnon that was seen of a process, and its VmHWM, in bytes."""

    FIELD = re.compile(rb"^(RssAnon|VmHWM):\s+(\d+) kB$", re.MULTILINE)

    def __init__(self, pid):
        self.status = os.open(f"/proc/{pid}/status", os.O_RDONLY)
        self.anonymous = self.resident = 0

    def look(self):
        try:
            text = os.pread(self.status, 8192, 0)
        except ProcessLookupError:
            return
        found = {name: int(size) << 10 for name, size in self.FIELD.findall(text)}
        self.anonymous = max(self.anonymous, found.get(b"RssAnon", 0))
        self.resident = max(self.resident, found.get(b"VmHWM", 0))

    def close(self):
        os.close(self.status)


def end_of(log):
    with open(log, "rb") as file:
        file.seek(max(0, os.path.getsize(log) - SHOWN))
        return file.read().decode(errors="replace")
