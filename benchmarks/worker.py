"""One job in processes of its own, with the number of threads pinned before NumPy is imported.

`measure` starts the process and reads its one line of JSON; `python -m benchmarks.worker` is that
process, which lets the engines take turns (turns.py).  BLAS and OpenMP read their settings when they
are loaded, hence the environment.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

OURS = "minitorch_ref"
POOLS = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)  # fmt: skip
TIMEOUT = 300  # seconds for one job
ROOT = Path(__file__).resolve().parents[1]


class JobFailedError(RuntimeError):
    """A job's process raised, died or took too long."""


def measure(
    job: str, threads: int, engines: Sequence[str], rounds: int, clock: str = "wall"
) -> dict[str, Any]:
    """Run a job on the engines with this many threads; JobFailedError has the last words."""
    arguments = [job, "--rounds", str(rounds), "--clock", clock, "--engines", *engines]
    return process("worker", arguments, threads, job)


def process(module: str, arguments: Sequence[str], threads: int, what: str) -> Any:
    """What `python -m benchmarks.<module>` prints in its last line, read as JSON.

    Raises JobFailedError, which begins with `what`, if it fails or takes longer than TIMEOUT.
    """
    command = [sys.executable, "-m", f"benchmarks.{module}", *arguments, "--threads", str(threads)]
    environment = {**os.environ, **dict.fromkeys(POOLS, str(threads))}
    paths = [str(ROOT), environment.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(p for p in paths if p)
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired:
        raise JobFailedError(f"{what}: took longer than {TIMEOUT} s") from None
    if done.returncode != 0:
        words = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise JobFailedError(f"{what}: {words[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


def run(
    job_name: str, threads: int, engines: Sequence[str], rounds: int, clock: str
) -> dict[str, Any]:
    """The measurement itself: every engine in a process below this one, in turns."""
    from .jobs import JOBS
    from .timing import REST, paired, summary
    from .turns import Turns, TurnsEndedError

    runs: dict[str, Turns] = {}
    try:
        for engine in engines:
            runs[engine] = Turns(job_name, engine, threads, clock)
        rest = REST if threads > 1 else 0.0
        seconds, calls = paired(runs, rounds, cold=JOBS[job_name].cold, rest=rest)
    except TurnsEndedError as error:
        raise SystemExit(str(error)) from None
    finally:
        for turns in runs.values():
            turns.close()
    return {"job": job_name, "threads": threads, "calls": calls, **summary(seconds, engines[0])}


def main() -> None:
    """Run one job, print its result as a line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.worker")
    parser.add_argument("job")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--clock", default="wall")
    parser.add_argument("--engines", nargs="+", default=[OURS])
    given = parser.parse_args()
    result = run(given.job, given.threads, given.engines, given.rounds, given.clock)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
