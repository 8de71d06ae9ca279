"""`python -m parity coverage`: how much of torch's dense CPU API the engine has, name by name.

Counted are the public methods and attributes of torch.Tensor and the public functions of torch,
nn.functional, linalg, fft and special, as the installed torch lists them.  What is left out is left
out by a table: each name or pattern with the reason, so that the list can be read and disputed.
"""

from __future__ import annotations

import argparse
import inspect
import json
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from . import options
from .coverage_data import EXCLUDED, TABLES, UNDOCUMENTED
from .engines import EngineError
from .files import read_json
from .session import write_atomically

NAMESPACES = ("torch", "Tensor", "nn.functional", "linalg", "fft", "special")


@dataclass(frozen=True)
class Coverage:
    """What one namespace has and lacks; `excluded` maps the reason to the names left out."""

    namespace: str
    present: tuple[str, ...]
    missing: tuple[str, ...]
    excluded: dict[str, tuple[str, ...]]

    @property
    def total(self) -> int:
        return len(self.present) + len(self.missing)

    @property
    def share(self) -> float:
        """The part that is there, of what is counted (1 where nothing is)."""
        return len(self.present) / self.total if self.total else 1.0


def find(module: Any, namespace: str) -> Any:
    """The namespace's object on an engine, or None."""
    for part in [] if namespace == "torch" else namespace.split("."):
        module = getattr(module, part, None)
    return module


def public_names(module: Any, namespace: str) -> list[str]:
    """The names that users call: functions of a module, everything public of Tensor."""
    target = find(module, namespace)
    names = [n for n in dir(target) if not n.startswith("_")]
    if namespace == "Tensor":
        return names
    return [n for n in names if _is_function(getattr(target, n))]


def _is_function(value: Any) -> bool:
    if inspect.isclass(value) or inspect.ismodule(value) or not callable(value):
        return False
    where = getattr(value, "__module__", None) or "torch"  # typing's and functools' helpers
    return where.split(".")[0] not in ("typing", "functools", "builtins", "collections", "enum")


def reason_for(namespace: str, name: str) -> str | None:
    """Why `name` is not counted; None if it is."""
    for reason, patterns in EXCLUDED.items():
        for pattern in patterns:
            where, _, last = pattern.rpartition(":")
            if where in ("", namespace) and fnmatchcase(name, last):
                return reason
    return None


def measure(ours: Any, theirs: Any, namespace: str) -> Coverage:
    """One namespace of the engine `ours` beside that of `theirs` (torch)."""
    target = find(ours, namespace)
    present: list[str] = []
    missing: list[str] = []
    excluded: dict[str, list[str]] = {}
    for name in public_names(theirs, namespace):
        reason = reason_for(namespace, name)
        if namespace == "torch" and not getattr(theirs, name).__doc__:
            reason = reason or UNDOCUMENTED
        if reason is not None:
            excluded.setdefault(reason, []).append(name)
        elif target is not None and hasattr(target, name):
            present.append(name)
        else:
            missing.append(name)
    left_out = {reason: tuple(names) for reason, names in excluded.items()}
    return Coverage(namespace, tuple(present), tuple(missing), left_out)


def measure_all(ours: Any, theirs: Any) -> list[Coverage]:
    """Every namespace."""
    return [measure(ours, theirs, n) for n in NAMESPACES]


def absent_of_tables(ours: Any) -> dict[str, list[str]]:
    """Names of the documented tables that the engine lacks, by table: empty when all are there."""
    found: dict[str, list[str]] = {}
    for table, names in TABLES.items():
        for dotted in names:
            namespace, _, last = dotted.rpartition(".")
            value = getattr(find(ours, namespace or "torch"), last, None)
            method = getattr(ours.Tensor, last, None) if not namespace else None
            if not callable(value) and not callable(method):
                found.setdefault(table, []).append(dotted)
    return found


def show(results: list[Coverage], absent: dict[str, list[str]]) -> None:
    """A table of the figures, and the names that are missing."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title="torch's dense CPU API")
    for heading in ("namespace", "counted", "present", "share", "left out"):
        table.add_column(heading, justify="right")
    for r in results:
        left_out = sum(map(len, r.excluded.values()))
        table.add_row(
            r.namespace, str(r.total), str(len(r.present)), f"{r.share:.1%}", str(left_out)
        )
    total, present = sum(r.total for r in results), sum(len(r.present) for r in results)
    table.add_section()
    table.add_row("all", str(total), str(present), f"{present / max(total, 1):.1%}", "")
    console = Console()
    console.print(table)
    for r in results:
        if r.missing:
            console.print(f"missing in {r.namespace}: {' '.join(r.missing)}", highlight=False)
    for name, names in absent.items():
        console.print(f"of the documented table {name!r}: missing {' '.join(names)}")
    console.print("left out: " + "; ".join(_reasons(results)))


def _reasons(results: list[Coverage]) -> list[str]:
    counts: dict[str, int] = {}
    for r in results:
        for reason, names in r.excluded.items():
            counts[reason] = counts.get(reason, 0) + len(names)
    return [f"{reason} ({n})" for reason, n in sorted(counts.items())]


# ---- the command -----------------------------------------------------------------------------------

STORED = Path(__file__).with_name("coverage.json")


def stored() -> dict[str, int]:
    """How many names of each namespace were there when the figures were last stored."""
    return read_json(STORED, "the stored coverage", EngineError)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add(
        parser, "ours", "theirs",
        ours="the engine whose names are counted (default: minitorch_ref)",
    )  # fmt: skip
    parser.add_argument("--store", action="store_true", help="store the figures as the new minimum")


def main(args: argparse.Namespace) -> int:
    """Print the coverage; 1 if a name of the documented tables is missing."""
    from .engines import open_engine

    ours, theirs = open_engine(args.ours).module, open_engine(args.theirs).module
    results, absent = measure_all(ours, theirs), absent_of_tables(ours)
    show(results, absent)
    if args.store:
        figures = {r.namespace: len(r.present) for r in results}
        write_atomically(STORED, json.dumps(figures, indent=2) + "\n")
    return 1 if absent else 0
