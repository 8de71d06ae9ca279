"""Surveying the functions of `accuracy_cases` in parallel processes: for the accuracy table, the atlas.

A survey is a function `survey(ours, theirs, name, *options, begun)` that yields the records of one
function, and tells `begun` of each place before it looks there.  A function that hangs, or ends its
process, costs its own records only: it is named, with the place that it was in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from . import tasks
from .crew import processors
from .engines import Engine, open_engine
from .runner import limit_threads
from .tasks import At

PATIENCE = 600.0  # seconds for one place; those that mpmath answers take up to a minute


def _opened(ours: str, theirs: str) -> tuple[Engine, Engine]:
    engines = open_engine(ours), open_engine(theirs)
    for engine in engines:
        limit_threads(engine)
    return engines


def _surveyed(
    engines: tuple[Engine, Engine], name: str, at: At, survey: Callable, options: tuple
) -> Iterator[tuple[str, Any]]:
    for record in survey(*engines, name, *options, at):
        yield name, record


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
    most = processors() if processes is None else processes
    count = min(most, max(1, len(wanted) // 4))  # a process takes as long to start as four
    found: dict[str, list[Any]] = {name: [] for name in wanted}
    lost: list[tuple[str, str]] = []
    do = partial(_surveyed, survey=survey, options=options)
    for name, record in tasks.run(
        _opened, do, (ours, theirs), wanted, lost, limit, count, done
    ) if wanted else ():
        found[name].append(record)
    failed = dict(lost)
    return [r for name in wanted if name not in failed for r in found[name]], failed
