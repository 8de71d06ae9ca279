"""How much memory a run takes, over all its processes, without asking for more libraries.

Linux keeps for every process the most memory it ever had resident.  The peak of a run is the sum of
those figures over the processes that live at one time; what they share is counted in each, so the
figure is an upper bound.  Elsewhere it is this process's alone, and on Windows there is none.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

resource: ModuleType | None
try:
    import resource
except ImportError:  # Windows
    resource = None


def most_of(pid: int) -> int:
    """The most bytes that a process ever had resident; 0 where that cannot be told."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    except (OSError, ValueError, IndexError):
        pass  # it has ended, or this is not Linux
    if pid != os.getpid() or resource is None:
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


class Peak:
    """The largest sum over this process and its workers, of the times when `look` was called."""

    def __init__(self) -> None:
        self.bytes = self.processes = 0

    def look(self, workers: Iterable[int] = ()) -> None:
        """Take notice of this process and of the workers that live now, by process id."""
        sizes = [most_of(os.getpid()), *map(most_of, workers)]
        if sum(sizes) > self.bytes:
            self.bytes, self.processes = sum(sizes), sum(s > 0 for s in sizes)


PEAK = Peak()  # of this run
