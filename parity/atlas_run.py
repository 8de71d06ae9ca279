"""Surveying the functions of the atlas in parallel processes, and the atlas beside a report.

A function that hangs, or ends its process, costs its own records only: it is named, with the type,
the part and the region that it was in.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from . import atlas
from .accuracy import DTYPES
from .atlas import Depth
from .crew import Limit, Worker, in_processes
from .engines import EngineError, open_engine
from .files import read_json
from .runner import limit_threads

PATIENCE = 600.0  # seconds for one region; those that mpmath answers take up to a minute


@dataclass
class Surveyed:
    """The records of one function, or why there are none."""

    name: str
    records: list[dict[str, Any]] = field(default_factory=list)
    failed: str = ""


def _work(
    pipe: Connection, ours: str, theirs: str, dtypes: tuple[str, ...], depth: Depth
) -> None:
    """A worker of crew.py: receive a function's name, send back what was surveyed."""
    engines = open_engine(ours), open_engine(theirs)
    for engine in engines:
        limit_threads(engine)
    pipe.send("")
    while (name := pipe.recv()) is not None:
        pipe.send(_survey(engines, name, dtypes, depth, pipe.send))


def _survey(engines: tuple, name: str, dtypes: tuple, depth: Depth, begun: Callable) -> Surveyed:
    try:
        return Surveyed(name, list(atlas.survey(*engines, name, dtypes, depth, begun)))
    except Exception:  # the laboratory's own; it costs this function only
        return Surveyed(name, failed=traceback.format_exc(limit=-3))


def _died(worker: Worker) -> Surveyed:
    return Surveyed(worker.key, failed=worker.ended())


def _late(worker: Worker, why: str) -> Surveyed:
    return Surveyed(worker.key, failed=f"{why}, stopped in {worker.at or worker.key} (--op-limit)")


def run(
    ours: str,
    theirs: str,
    wanted: list[str],
    dtypes: tuple[str, ...] = DTYPES,
    depth: Depth = Depth(),
    processes: int | None = None,
    done: Callable[[str], None] = lambda name: None,
    limit: float = PATIENCE,
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The records of the functions `wanted`, in their order, and why some have none.

    processes: 0 to stay in this process, without the time limit.
    limit: seconds without another region, after which a function is stopped.
    """
    found: dict[str, Surveyed] = {}
    every: Iterable[Surveyed]
    if not wanted:
        return [], {}
    if processes == 0:
        engines = open_engine(ours), open_engine(theirs)
        for engine in engines:
            limit_threads(engine)
        every = (_survey(engines, name, dtypes, depth, lambda place: None) for name in wanted)
    else:
        most = len(os.sched_getaffinity(0)) if processes is None else processes
        count = max(1, min(most, len(wanted) // 4))  # a process takes as long to start as four
        task = (ours, theirs, dtypes, depth)
        every = in_processes(_work, task, wanted, count, _died, _late, Limit(silence=limit))
    for result in every:
        found[result.name] = result
        done(result.name)
    in_order = [found[name] for name in wanted]
    records = [record for result in in_order for record in result.records]
    return records, {r.name: r.failed for r in in_order if r.failed}


def quick(ops: list[str]) -> list[str]:
    """Of `ops` the functions that take no time: torch in double precision is their oracle."""
    return [n for n, found in atlas.names().items() if n in ops and not found[0].doubtful]


# ---- the atlas beside a report ---------------------------------------------------------------------


def stored(path: Path) -> dict[str, Any] | None:
    """The atlas.json in a folder, None if there is none; EngineError if it cannot be read."""
    if not path.exists():
        return None
    data = read_json(path, "the atlas", EngineError)
    advice = "make it again with `python -m parity atlas`, or remove it"
    if not isinstance(data, dict) or not isinstance(data.get("records"), list):
        raise EngineError(f"{path}:1: not an atlas: it has no records; {advice}")
    if not isinstance(data.get("build"), dict):
        raise EngineError(f"{path}:1: not an atlas: it has no build; {advice}")
    for line, record in enumerate(data["records"], 2):  # as_json writes one a line
        wrong = _not_a_record(record)
        if wrong:
            raise EngineError(f"{path}:{line}: not a record of the atlas: {wrong}; {advice}")
    return data


SHAPES = {"name": str, "part": str, "dtype": str, "at": str, "points": int, "regions": list}
FIGURES = {"worst": float, "p99": float, "misrounded": float, "wrong": int}


def _not_a_record(record: Any) -> str:
    """What keeps a page from drawing a record; "" if nothing does."""
    if not isinstance(record, dict):
        return f"{str(record)[:60]!r}"
    for name, kind in SHAPES.items():
        if not isinstance(record.get(name), kind):
            return f"{name} is {str(record.get(name))[:60]!r}"
    for side in ("ours", "theirs"):
        figures = record.get(side)
        if not isinstance(figures, dict):
            return f"{side} is {str(figures)[:60]!r}"
        for name, number in FIGURES.items():
            if not isinstance(figures.get(name), (int, number)):
                return f"{name} of {side} is {str(figures.get(name))[:60]!r}"
        bins = figures.get("histogram")
        if not isinstance(bins, list) or not all(isinstance(n, int) for n in bins):
            return f"the histogram of {side} is {str(bins)[:60]!r}"
    for region in record["regions"]:
        known = isinstance(region, dict) and isinstance(region.get("text"), str)
        if not known or not {"map", "grid", "edges"} & region.keys():
            return f"a region is {str(region)[:60]!r}"
    return ""


def beside(
    live: list[dict[str, Any]], kept: dict[str, Any] | None, made_on: dict[str, str]
) -> list[dict[str, Any]]:
    """`live`, and what an atlas `kept` from before adds, if it is of the same build."""
    if kept is None or kept["build"] != made_on:
        return live
    have = {(r["name"], r["part"], r["dtype"]) for r in live}
    return live + [r for r in kept["records"] if (r["name"], r["part"], r["dtype"]) not in have]
