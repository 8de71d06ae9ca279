"""An engine's turns in a process of its own: what one engine does to the heap, to the processor's
caches or to the threads of BLAS is not the other one's gain or loss, nor the next job's.

    measurement ──┬── server of minitorch_ref ── fork: conv-3x3    "5 1" → seconds of a call
                  └── server of torch ────────── fork: conv-3x3    "5 1" → …
                                                 (one works while the other waits)

A server has imported its engine and computed nothing; each job gets a fork of it, as fresh as a new
process and two seconds sooner (that long torch and its optimizers take to import).  `Turns` is the
measurement's end: a function of the job to measure.  `python -m benchmarks.turns` is the server; a fork
builds the job, calls it once (whatever is loaded or compiled at the first call is there then) and
answers each line.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import importlib
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping

from . import engines, timing

READY, LACKING, ENDED = "ready", "lacking", "ended"


class TurnsEndedError(RuntimeError):
    """The process ended; has its last words."""


class Server:
    """An engine with this many threads, imported once; to be closed."""

    def __init__(
        self, engine: str, threads: int, clock: str = "wall",
        environment: Mapping[str, str] = os.environ,
    ) -> None:  # fmt: skip
        command = [sys.executable, "-m", "benchmarks.turns", engine, "--threads", str(threads)]
        command += ["--clock", clock]
        self.engine = engine
        self.words = tempfile.TemporaryFile("w+")  # noqa: SIM115  (closed in `close`)
        self.process = subprocess.Popen(
            command, env=dict(environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self.words, text=True, bufsize=1, start_new_session=True,
        )  # fmt: skip

    def ask(self, line: str) -> None:
        """Write a line to it, or to its fork while there is one."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")

    def answer(self, what: str) -> str:
        """The next answer; TurnsEndedError, which begins with `what`, if there will be none."""
        assert self.process.stdout is not None
        for line in self.process.stdout:  # a job may print, too
            if line.startswith("turns: "):
                if line.split()[1] == ENDED:
                    break
                return line.split()[1]
        self.words.seek(0)
        last = self.words.read().strip().splitlines() or [f"exit {self.process.poll()}"]
        raise TurnsEndedError(f"{what}: {last[-1]}")

    def kill(self) -> None:
        """End it and its fork."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def close(self) -> None:
        """End it, and wait until it has ended."""
        self.kill()
        self.process.communicate()
        self.words.close()


class Turns:
    """A job on one engine, in a fork of its server; to be closed.

    It starts at once and is ready when `wait` returns, so that several can start side by side.
    """

    def __init__(self, server: Server, job: str) -> None:
        self.server, self.what = server, f"{job} on {server.engine}"
        server.ask(job)

    def wait(self) -> bool:
        """Until it is ready; False if the engine lacks the job."""
        return self.server.answer(self.what) != LACKING

    def turn(self, calls: int, cold: bool) -> float:
        """Seconds of a call, over `calls` of them; without one to warm up if `cold`."""
        self.server.ask(f"{calls} {int(cold)}")
        return float(self.server.answer(self.what))

    def close(self) -> None:
        """End the fork; its server can take the next job."""
        self.server.ask("")
        with contextlib.suppress(TurnsEndedError):
            while True:
                self.server.answer(self.what)


# ---- the other end -------------------------------------------------------------------------------


def serve(engine: str, threads: int, clock: str = "wall") -> None:
    """A fork for each job that the input names."""
    for module in engines.preloaded(engine):
        importlib.import_module(module)
    gc.collect()
    gc.freeze()  # what is there is never looked at again, so the forks go on sharing it
    for line in sys.stdin:
        job = line.strip()
        child = os.fork()
        if child == 0:
            _fork(job, engine, threads, clock)
        os.waitpid(child, 0)
        print("turns:", ENDED, flush=True)


def _fork(job: str, engine: str, threads: int, clock: str) -> None:
    """The fork: its end is its own, whatever happens."""
    try:
        answer(job, engine, threads, clock)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        sys.stdout.flush()
        os._exit(0)


def answer(job: str, engine: str, threads: int, clock: str = "wall") -> None:
    """Build the job, then time a turn for each line of the input, until an empty one."""
    from .jobs import find

    found = find(job)
    try:
        run = engines.build(engine, found, threads)
    except engines.LackingError:
        print("turns:", LACKING, flush=True)
        sys.stdin.readline()
        return
    if not found.cold:
        run()
    print("turns:", READY, flush=True)
    warm = timing.WARM if threads > 1 else 0.0
    for line in iter(sys.stdin.readline, ""):
        if not line.strip():
            return
        calls, cold = map(int, line.split())
        gc.collect()
        gc.disable()
        seconds = timing.turn(run, calls, bool(cold), clock, warm)
        gc.enable()
        print("turns:", repr(seconds), flush=True)


def main() -> None:
    """Serve until the input ends."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.turns")
    parser.add_argument("engine")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--clock", choices=timing.CLOCKS, default="wall")
    given = parser.parse_args()
    serve(given.engine, given.threads, given.clock)


if __name__ == "__main__":
    main()
