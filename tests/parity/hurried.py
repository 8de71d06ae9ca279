"""Waits that end as soon as something says that it hangs, and are long for what is only slow.

Whatever hangs on purpose leaves a mark first: an empty file, named by its process.  The clock that
limits are measured by (`Clock`) runs a thousand times as fast while a marked process is alive, so
that a limit of minutes is reached at once by what hangs, and not by a slow import on a busy machine.
A limit in real time is the end of every wait.
"""

import ctypes
import os
import subprocess
import time
from pathlib import Path

FOLDER = "PARITY_TEST_HANGS"  # where the marks are
FAST, LIMIT = 1000, 200


def mark(pid=None):
    """The process says that it hangs."""
    if folder := os.environ.get(FOLDER):
        Path(folder, str(pid or os.getpid())).touch()


def forever():
    """Says so, and never returns."""
    mark()
    while True:
        time.sleep(0.01)


def marked(pid=None):
    """Whether this process (or any that lives) has said so."""
    names = os.listdir(os.environ[FOLDER])
    return str(pid) in names if pid else any(map(_lives, names))


def _lives(pid):
    try:
        return Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def holding():
    """The same, and no other thread comes to its turn: a kernel that holds the interpreter's lock."""
    mark()
    while True:
        ctypes.PyDLL(None).pause()


class Clock:
    """Stands in for the module `time`."""

    def __init__(self):
        self.last, self.ahead = time.monotonic(), 0.0

    def monotonic(self):
        now = time.monotonic()
        self.ahead += FAST * (now - self.last) * marked()
        self.last = now
        return now + self.ahead


class Popen(subprocess.Popen):
    """A process whose time is up when it says that it hangs, but not that to end when asked to."""

    asked = False

    def send_signal(self, sig):
        self.asked = True
        super().send_signal(sig)

    def communicate(self, input=None, timeout=None):
        end = time.monotonic() + (timeout or LIMIT)
        while not self.asked and time.monotonic() < end and not marked(self.pid):
            try:
                return super().communicate(timeout=0.1)
            except subprocess.TimeoutExpired:
                pass
        return super().communicate(timeout=max(0.0, end - time.monotonic()) if self.asked else 0.0)
