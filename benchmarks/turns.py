"""An engine's turns in a process of its own: what one engine does to the heap, to the processor's
caches or to the threads of BLAS is not the other one's gain or loss.

    worker ──┬── turns minitorch_ref   "5 1"  → seconds of a call, measured over 5 of them
             └── turns torch           "5 1"  → …          (one works while the other waits)

`Turns` is the worker's end: a function of the job to measure.  `python -m benchmarks.turns` is the
process: it builds the job, calls it once (whatever is loaded or compiled at the first call is there
then) and answers each line.
"""

from __future__ import annotations

import argparse
import gc
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping

from . import engines, timing

READY, LACKING = "ready", "lacking"


class TurnsEndedError(RuntimeError):
    """The process ended; has its last words."""


class Turns:
    """A job on one engine, in its own process; to be closed.

    It starts at once and is ready when `wait` returns, so that several can start side by side.
    """

    def __init__(
        self, job: str, engine: str, threads: int, clock: str = "wall",
        environment: Mapping[str, str] = os.environ,
    ) -> None:  # fmt: skip
        command = [sys.executable, "-m", "benchmarks.turns", job, engine, "--threads", str(threads)]
        command += ["--clock", clock]
        self.what = f"{job} on {engine}"
        self.words = tempfile.TemporaryFile("w+")  # noqa: SIM115  (closed in `close`)
        self.process = subprocess.Popen(
            command, env=dict(environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self.words, text=True, bufsize=1,
        )  # fmt: skip

    def wait(self) -> bool:
        """Until it is ready; False if the engine lacks the job."""
        return self._answer() != LACKING

    def turn(self, calls: int, cold: bool) -> float:
        """Seconds of a call, over `calls` of them; without one to warm up if `cold`."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{calls} {int(cold)}\n")
        return float(self._answer())

    def _answer(self) -> str:
        assert self.process.stdout is not None
        for line in self.process.stdout:  # a job may print, too
            if line.startswith("turns: "):
                return line.split()[1]
        self.process.wait()
        self.words.seek(0)
        last = self.words.read().strip().splitlines() or [f"exit {self.process.returncode}"]
        raise TurnsEndedError(f"{self.what}: {last[-1]}")

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.communicate()
        self.words.close()


def answer(job: str, engine: str, threads: int, clock: str = "wall") -> None:
    """Build the job, then time a turn for each line of the input."""
    from .jobs import find

    found = find(job)
    try:
        run = engines.build(engine, found, threads)
    except engines.LackingError:
        print("turns:", LACKING, flush=True)
        return
    if not found.cold:
        run()
    print("turns:", READY, flush=True)
    for line in sys.stdin:
        calls, cold = map(int, line.split())
        gc.collect()
        gc.disable()
        seconds = timing.turn(run, calls, bool(cold), clock)
        gc.enable()
        print("turns:", repr(seconds), flush=True)


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
