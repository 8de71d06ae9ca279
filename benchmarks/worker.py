"""Measurements in processes of their own, with the number of threads pinned before NumPy is imported.

`measure` lets the engines take turns at a job, each in its process (turns.py); servers provide these
and stay until `close`.  `process` runs one of the other measurements and reads its line of JSON.  BLAS
and OpenMP read their settings when they are loaded, hence the environment.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .timing import BUDGET, FEWEST, REST, paired, summary
from .turns import Server, Turns, TurnsEndedError

POOLS = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)  # fmt: skip
TIMEOUT = 300  # seconds for one job
ROOT = Path(__file__).resolve().parents[1]


class JobFailedError(RuntimeError):
    """A job's process raised, died or took too long."""


def environment(threads: int) -> dict[str, str]:
    """Ours, with every pool at this many threads and these packages in reach."""
    pinned = {**os.environ, **dict.fromkeys(POOLS, str(threads))}
    if threads == 1:  # JAX has a pool of its own, which no count holds back
        flags = pinned.get("XLA_FLAGS", ""), "--xla_cpu_multi_thread_eigen=false"
        pinned["XLA_FLAGS"] = " ".join(flag for flag in flags if flag)
    paths = [str(ROOT), pinned.get("PYTHONPATH", "")]
    pinned["PYTHONPATH"] = os.pathsep.join(p for p in paths if p)
    return pinned


def measure(
    job: str, threads: int, engines: Sequence[str], rounds: int, clock: str = "wall",
    budget: float = BUDGET, fewest: int = FEWEST,
) -> dict[str, Any]:  # fmt: skip
    """Run a job on the engines with this many threads; JobFailedError has the last words.

    An engine that lacks the job is not in the result.
    """
    from .jobs import find

    late = threading.Event()
    runs: dict[str, Turns] = {}

    def end() -> None:
        late.set()
        for turns in list(runs.values()):
            turns.server.kill()

    watch = threading.Timer(TIMEOUT, end)
    watch.start()
    try:
        for engine in engines:
            runs[engine] = Turns(_server(engine, threads, clock), job)
        if late.is_set():  # before there was anything to end
            raise TurnsEndedError(job)
        able = {engine: turns for engine, turns in runs.items() if turns.wait()}
        seconds, calls = paired(
            able, rounds, cold=find(job).cold, rest=REST if threads > 1 else 0.0,
            budget=budget, fewest=fewest,
        )  # fmt: skip
        for turns in runs.values():
            turns.close()
    except (TurnsEndedError, BrokenPipeError) as error:
        close()
        why = f"{job}: took longer than {TIMEOUT} s" if late.is_set() else str(error)
        raise JobFailedError(why) from None
    except BaseException:
        close()
        raise
    finally:
        watch.cancel()
    return {"job": job, "threads": threads, "calls": calls, **summary(seconds, engines[0])}


_servers: dict[tuple[str, int, str], Server] = {}


def _server(engine: str, threads: int, clock: str) -> Server:
    """The one that is there, or a new one."""
    key = engine, threads, clock
    if key not in _servers:
        _servers[key] = Server(engine, threads, clock, environment(threads))
    return _servers[key]


@atexit.register
def close() -> None:
    """End all servers; the next measurement starts new ones."""
    while _servers:
        _servers.popitem()[1].close()


def process(module: str, arguments: Sequence[str], threads: int, what: str) -> Any:
    """What `python -m benchmarks.<module>` prints in its last line, read as JSON.

    Raises JobFailedError, which begins with `what`, if it fails or takes longer than TIMEOUT.
    """
    command = [sys.executable, "-m", f"benchmarks.{module}", *arguments, "--threads", str(threads)]
    try:
        done = subprocess.run(
            command, env=environment(threads), capture_output=True, text=True, timeout=TIMEOUT,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise JobFailedError(f"{what}: took longer than {TIMEOUT} s") from None
    if done.returncode != 0:
        words = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise JobFailedError(f"{what}: {words[-1]}")
    return json.loads(done.stdout.splitlines()[-1])
