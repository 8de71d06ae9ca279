"""Surveying the functions of `accuracy_cases` in parallel processes: for the accuracy table, the atlas.

A survey is a function `survey(ours, theirs, name, *options, begun)` that yields the records of one
function, and tells `begun` of each place before it looks there.  A function that hangs, or ends its
process, costs its own records only: it is named, with the place that it was in.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from .crew import Limit, Worker, in_processes, processors
from .engines import Engine, open_engine
from .runner import limit_threads

PATIENCE = 600.0  # seconds for one place; those that mpmath answers take up to a minute


@dataclass
class Surveyed:
    """The records of one function, or why there are none."""

    name: str
    records: list[Any] = field(default_factory=list)
    failed: str = ""


def _opened(ours: str, theirs: str) -> tuple[Engine, Engine]:
    engines = open_engine(ours), open_engine(theirs)
    for engine in engines:
        limit_threads(engine)
    return engines


def _work(pipe: Connection, survey: Callable, ours: str, theirs: str, options: tuple) -> None:
    """A worker of crew.py: receive a function's name, send back what was surveyed."""
    engines = _opened(ours, theirs)
    pipe.send("")
    while (name := pipe.recv()) is not None:
        pipe.send(_surveyed(survey, engines, name, options, pipe.send))


def _surveyed(
    survey: Callable, engines: tuple, name: str, options: tuple, begun: Callable
) -> Surveyed:
    try:
        return Surveyed(name, list(survey(*engines, name, *options, begun)))
    except Exception:  # the laboratory's own; it costs this function only
        return Surveyed(name, failed=traceback.format_exc(limit=-3))


def _died(worker: Worker) -> Surveyed:
    return Surveyed(worker.key, failed=worker.ended())


def _late(worker: Worker, why: str) -> Surveyed:
    return Surveyed(worker.key, failed=f"{why}, stopped in {worker.at or worker.key} (--op-limit)")


def run(
    survey: Callable,
    ours: str,
    theirs: str,
    wanted: list[str],
    options: tuple,
    processes: int | None = None,
    done: Callable[[str], None] = lambda name: None,
    limit: float = PATIENCE,
) -> tuple[list[Any], dict[str, str]]:
    """The records of the functions `wanted`, in their order, and why some have none.

    processes: 0 to stay in this process, without the time limit.
    limit: seconds without another place, after which a function is stopped.
    """
    found: dict[str, Surveyed] = {}
    every: Iterable[Surveyed]
    if not wanted:
        return [], {}
    if processes == 0:
        engines = _opened(ours, theirs)
        every = (_surveyed(survey, engines, n, options, lambda place: None) for n in wanted)
    else:
        most = processors() if processes is None else processes
        count = max(1, min(most, len(wanted) // 4))  # a process takes as long to start as four
        task = (survey, ours, theirs, options)
        every = in_processes(_work, task, wanted, count, _died, _late, Limit(silence=limit))
    for result in every:
        found[result.name] = result
        done(result.name)
    in_order = [found[name] for name in wanted]
    records = [record for result in in_order for record in result.records]
    return records, {r.name: r.failed for r in in_order if r.failed}
