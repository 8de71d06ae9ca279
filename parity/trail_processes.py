"""Recording scripts in processes of their own, several at a time, and not for ever.

Two engines must not share `torch` in sys.modules.  A run that has not ended in time is asked to stop,
as by Ctrl-C: what it did until then is still worth comparing.  If it does not listen (it hangs in a
kernel) it is killed, and there is no trail.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from . import options, trail
from .crew import processors
from .engines import EngineError
from .trail import STOPPED
from .trail_run import compiled

KEPT = "out/parity/trails"
LIMIT, GRACE = 3600.0, 10.0  # seconds for a run, and to end it when it is asked to


@dataclass(frozen=True)
class Run:
    """One engine's run of a script, to be recorded in `path`."""

    spec: str
    path: Path
    options: tuple[str, ...] = ()


def record_all(runs: list[Run], script: str, rest: list[str], limit: float) -> None:
    """Record several runs, as many at a time as there are processors.

    EngineError for the first that could not be recorded, or that of the first engine if it has not
    ended within `limit` seconds.
    """
    compiled(Path(script))  # says at once what is wrong with it
    most = max(1, min(len(runs), processors(), 4))
    with ThreadPoolExecutor(most) as pool:
        for work in [pool.submit(run_recorder, run, script, rest, limit) for run in runs]:
            work.result()


def ended(path: Path, limit: float) -> None:
    """EngineError if the run behind this trail was stopped."""
    head, records = trail.read(path)
    for _ in records:
        pass
    if str(head.get("error", "")).startswith(STOPPED):
        said = f"{head['engine']}: {head.get('script', path)} did not end within {limit:g} s (--limit)"
        raise EngineError(f"{said}: {head['error']}")


def run_recorder(run: Run, script: str, rest: list[str], limit: float) -> None:
    """Record in a process of its own: two engines must not share `torch` in sys.modules."""
    how, spec, path = run.options, run.spec, run.path
    command = [sys.executable, "-m", "parity.trail_run", *how, spec, str(path), script, *rest]
    root = str(Path(__file__).parents[1])
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}
    with subprocess.Popen(
        command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        try:
            _, said = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ValueError):  # Windows has nothing of the kind
                process.send_signal(signal.SIGINT)  # the trail up to here is worth comparing
            try:
                _, said = process.communicate(timeout=GRACE)
            except subprocess.TimeoutExpired:
                process.kill()
                text = f"{spec}: {script} did not end within {limit:g} s (--limit), nor when asked to"
                raise EngineError(text) from None
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        lines = said.decode(errors="replace").strip().splitlines()
        raise EngineError(lines[-1].removeprefix("parity: ") if lines else f"{spec}: no trail")


# ---- what the commands share ---------------------------------------------------------------------


def add_runs(parser: argparse.ArgumentParser, script: str, rest: str, kept: str) -> None:
    """The arguments of a command that runs a script on two engines, in these words."""
    options.add(parser)
    add = parser.add_argument
    add("script", help=script)
    add("rest", nargs="*", help=rest)
    add("--a", default="torch:cpu", metavar="ENGINE", help="default: torch:cpu")
    add("--b", default="minitorch_ref", metavar="ENGINE", help="default: minitorch_ref")
    add("--keep", default=KEPT, metavar="DIR", help=f"where {kept} go (default: {KEPT})")
    add("--limit", dest="time_limit", type=options.seconds, default=LIMIT, metavar="SECONDS",
        help=f"stop a run that has not ended by then (default: {LIMIT:g})")  # fmt: skip


def add_record(parser: argparse.ArgumentParser) -> None:
    """For commands whose trails may be made on one machine and compared on another."""
    parser.add_argument("--record", metavar="FILE", help="only record engine a into FILE")


def record_only(args: argparse.Namespace, how: tuple[str, ...]) -> int:
    """What --record asks for; the exit code."""
    run = Run(args.a, Path(args.record), how)
    record_all([run], args.script, args.rest, args.time_limit)
    ended(run.path, args.time_limit)
    print(f"recorded {args.record}")
    return 0
