"""What got slower since an earlier run, beyond the spread.

Two runs hours apart differ by what else the machine did, so where both were taken beside the same
peer, our time is measured in the peer's; else in seconds.  A job got slower when the quartile
ranges do not overlap, and its median grew by more than MARGIN: one process differs from the next by
a few percent (where its memory happens to lie), which no spread within a process can show.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

FORMAT = 1
MARGIN = 0.10


class BadFileError(ValueError):
    """Not a file that `--json` wrote."""


class Change(NamedTuple):
    """A job whose time moved beyond the spread; `unit` is a peer's name, or "s"."""

    job: str
    threads: int
    unit: str
    old: float
    new: float

    @property
    def factor(self) -> float:
        """New over old: above one is slower."""
        return self.new / self.old


def save(path: Path, document: dict[str, Any]) -> None:
    """Write a run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def load(path: Path) -> dict[str, Any]:
    """Read a run; raises BadFileError, or OSError when it cannot be read."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadFileError(f"{path} is not a benchmark file: {error}") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise BadFileError(f"{path} is not a benchmark file of format {FORMAT}")
    return document


def slower(old: dict[str, Any], new: dict[str, Any]) -> tuple[list[Change], int]:
    """The jobs that got slower, worst first, and how many were in both runs."""
    before = {(r["job"], r["threads"]): r for r in old["results"]}
    found, both = [], 0
    for result in new["results"]:
        earlier = before.get((result["job"], result["threads"]))
        if earlier is None:
            continue
        both += 1
        unit, a, b = _measures(earlier, result, new["engine"])
        if b["low"] > a["high"] and b["median"] > a["median"] * (1 + MARGIN):
            found.append(Change(result["job"], result["threads"], unit, a["median"], b["median"]))
    return sorted(found, key=lambda change: -change.factor), both


def _measures(old: dict[str, Any], new: dict[str, Any], engine: str) -> tuple[str, dict, dict]:
    """The unit, and both spreads in it."""
    for peer in new["ratios"]:
        if peer in old["ratios"]:
            return peer, old["ratios"][peer], new["ratios"][peer]
    return "s", old["seconds"][engine], new["seconds"][engine]
