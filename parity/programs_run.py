"""Running several programs, each to its end or to the end of patience.

They run one after the other (they are timed) in a process of their own (crew.py).  It says after
which step it is; one that hangs, or ends its process, costs itself only and is named with that step.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable
from multiprocessing.connection import Connection
from typing import Any

from . import programs
from .crew import Limit, Worker, in_processes
from .engines import Engine, EngineError, open_engine
from .outcome import Verdict
from .programs import Beat, ProgramResult
from .runner import limit_threads

WHOLE = 3600.0  # seconds for all runs of one program
BEAT = 0.1  # seconds between two signs of life


def _safely(
    name: str, engines: tuple[Engine, Engine], options: dict, null_runs: tuple, beat: Beat
) -> ProgramResult | Exception:
    """The result of a program, or the exception that says why the run cannot be made here."""
    try:
        return programs.compare_program(name, *engines, options, null_runs, beat)
    except (EngineError, OSError, MemoryError) as error:
        return error
    except Exception:  # costs this program only: what is found so far is reported
        return _failed(name, f"could not run: {traceback.format_exc(limit=-3)}")


def _failed(name: str, text: str) -> ProgramResult:
    return ProgramResult(name, Verdict.MISMATCH, text, 0)


def _now_and_then(send: Beat) -> Beat:
    """`send`, but for what comes within BEAT seconds of the last."""
    last = -BEAT

    def beat(place: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= BEAT or place.endswith("before its first step"):
            last = now
            send(place)

    return beat


def _work(pipe: Connection, ours: str, theirs: str, options: dict, null_runs: tuple) -> None:
    """A worker of crew.py: receive a program's name, send back its result."""
    engines = open_engine(ours), open_engine(theirs)
    for engine in engines:
        limit_threads(engine)
    beat = _now_and_then(pipe.send)
    pipe.send("")
    while (name := pipe.recv()) is not None:
        pipe.send(_safely(name, engines, options, null_runs, beat))


def _died(worker: Worker) -> ProgramResult:
    return _failed(worker.key, worker.ended())


def _late(worker: Worker, why: str) -> ProgramResult:
    option = "--program-limit" if why.startswith("no answer") else "--op-limit"
    return _failed(worker.key, f"{why}, stopped in {worker.at or 'its beginning'} ({option})")


def run(
    ours: str,
    theirs: str,
    names: list[str],
    options: dict[str, Any],
    null_runs: tuple,
    processes: int | None = None,
    done: Callable[[ProgramResult], None] = lambda result: None,
    limit: Limit = Limit(),
) -> list[ProgramResult]:
    """The programs `names`, one after the other, in a process of their own.

    processes: 0 to stay in this process (for debuggers, and without the time limit).
    limit: seconds for all runs of one program, and without another step.
    """
    every: Iterable[ProgramResult | Exception]
    if not names:
        return []
    if processes == 0:
        engines = open_engine(ours), open_engine(theirs)
        every = (_safely(n, engines, options, null_runs, lambda place: None) for n in names)
    else:
        task = (ours, theirs, options, null_runs)
        every = in_processes(_work, task, names, 1, _died, _late, limit)
    found = []
    for result in every:
        if isinstance(result, Exception):
            raise result
        found.append(result)
        done(result)
    return found
