"""The atlas in parallel processes (functions_run.py), and the atlas beside a report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import atlas, functions_run
from .accuracy import DTYPES
from .atlas import Depth
from .engines import EngineError
from .files import read_json
from .functions_run import PATIENCE


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
    options = dtypes, depth
    return functions_run.run(atlas.survey, ours, theirs, wanted, options, processes, done, limit)


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
    if record["dtype"] not in DTYPES:
        return f"dtype is {record['dtype'][:60]!r}"
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
