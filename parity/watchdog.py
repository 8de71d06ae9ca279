"""An end to tools that work in one process and have come to hang: exit code 2, and what they hung in.

    with Watchdog(limit) as dog:
        dog.at("hypot(<[3]>)")

Nothing of such a run is kept; `record` and `check` take one op after the other, and a call that never
returns from a kernel cannot be left out from within its own process (`-k "not NAME"` does).
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable

LIMIT = 120.0  # seconds


def nowhere(place: str) -> None:
    """Told of each place where nobody watches."""


class Watchdog:
    """Ends the process if it is at one place for longer than `limit` seconds."""

    def __init__(self, limit: float = LIMIT, before: Callable[[], None] = lambda: None) -> None:
        """before: called before the end, to clear away what is half written."""
        self.limit, self.before, self.place = limit, before, "its beginning"
        self.since, self.over = time.monotonic(), threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Watchdog:
        self.at(self.place)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()

    def at(self, place: str) -> None:
        """It is somewhere else now; "": where no engine runs, and it takes what it takes."""
        self.place, self.since = place, time.monotonic()

    def _watch(self) -> None:
        while not self.over.wait(min(0.25, self.limit / 4)):
            if self.place and time.monotonic() - self.since > self.limit:
                said = f"nothing for {self.limit:g} s, stopped in {self.place} (--op-limit)"
                print(f"parity: {said}", file=sys.stderr, flush=True)
                self.before()
                sys.stdout.flush()
                os._exit(2)
