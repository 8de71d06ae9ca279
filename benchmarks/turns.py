"""An engine's turns in a process of its own: what one engine does to the heap, to the processor's
caches or to the threads of BLAS is not the other one's gain or loss.

    worker ──┬── turns minitorch_ref   "5"  → seconds of a call, measured over 5 of them
             └── turns torch           "5"  → …          (one works while the other waits)

`Turns` is the worker's end: a function of the job to measure.  `python -m benchmarks.turns` is the
process: it builds the job and answers each line.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import subprocess
import sys
from typing import Any

from . import timing


class TurnsEndedError(RuntimeError):
    """The process ended; its last words were not for us."""


class Turns:
    """A job on one engine, in its own process; to be closed."""

    def __init__(self, job: str, engine: str, threads: int, clock: str = "wall") -> None:
        command = [sys.executable, "-m", "benchmarks.turns", job, engine, "--threads", str(threads)]
        command += ["--clock", clock]
        self.what = f"{job} on {engine}"
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self._answer()  # the job is built

    def turn(self, calls: int, cold: bool) -> float:
        """Seconds of a call, over `calls` of them; without one to warm up if `cold`."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{calls} {int(cold)}\n")
        return float(self._answer())

    def _answer(self) -> str:
        assert self.process.stdout is not None
        for line in self.process.stdout:  # a job may print, too
            if line.startswith("seconds "):
                return line.split()[1]
        raise TurnsEndedError(f"{self.what} ended")

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.communicate()


def answer(job: str, engine: str, threads: int, clock: str = "wall") -> None:
    """Build the job, then time a turn for each line of the input."""
    from .jobs import JOBS

    torch: Any = importlib.import_module(engine)
    torch.set_num_threads(threads)
    run = JOBS[job].build(torch)
    print("seconds 0", flush=True)
    for line in sys.stdin:
        calls, cold = map(int, line.split())
        gc.collect()
        gc.disable()
        seconds = timing.turn(run, calls, bool(cold), clock)
        gc.enable()
        print(f"seconds {seconds!r}", flush=True)


def main() -> None:
    """Answer until the input ends."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.turns")
    parser.add_argument("job")
    parser.add_argument("engine")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--clock", choices=timing.CLOCKS, default="wall")
    given = parser.parse_args()
    answer(given.job, given.engine, given.threads, given.clock)


if __name__ == "__main__":
    main()
