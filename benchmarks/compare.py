"""What got slower since an earlier run, beyond the spread.

Two runs hours apart differ by what else the machine did, so where both were taken beside the same
peer, our time is measured in the peer's; else in seconds.  A job got slower when the quartile
ranges do not overlap, and its median grew by more than MARGIN: one process differs from the next by
a few percent (where its memory happens to lie), which no spread within a process can show.
"""

from __future__ import annotations

import json
import os
import tempfile
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
    """Write a run whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(json.dumps(document, indent=1) + "\n")
        os.chmod(draft, 0o644)
        os.replace(draft, path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def load(path: Path) -> dict[str, Any]:
    """Read a run; raises BadFileError, or OSError when it cannot be read."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        raise BadFileError(f"{path}:{line}: not a benchmark file: {error}") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise BadFileError(f"{path} is not a benchmark file of format {FORMAT}")
    machine, results = document.get("machine"), document.get("results")
    if not isinstance(machine, dict) or "processor" not in machine:
        raise BadFileError(f"{path} does not say on which processor it was taken")
    if not isinstance(results, list):
        raise BadFileError(f"{path} has no list of results")
    for number, result in enumerate(results):
        if not _is_result(result):
            raise BadFileError(f"{path}: result {number} is none: {str(result)[:80]}")
    return document


def _is_result(result: Any) -> bool:
    """Whether this has the spreads that `slower` compares."""
    if not isinstance(result, dict) or not isinstance(result.get("job"), str):
        return False
    groups = [result.get("ratios"), result.get("seconds")]
    if type(result.get("threads")) is not int or not all(isinstance(g, dict) for g in groups):
        return False
    spreads = [spread for group in groups if group for spread in group.values()]
    return all(
        isinstance(s, dict) and isinstance(s.get(k), (int, float))
        for s in spreads
        for k in ("low", "median", "high")
    )


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
