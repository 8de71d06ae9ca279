"""The deviation ledger: differences from torch that are known, explained and kept from growing.

`ledger.json` lists entries with

    op       the op's name as the report prints it             (shell pattern)
    part     which parts of the comparison, e.g. "grad[0]"     (shell pattern)
    form     function, method, inplace, out=…                  (shell pattern, default "*")
    where    which samples, matched against their note         (shell pattern, default "*")
    bound    the largest error of ours, in ULP; null where the deviation is not a number
    cause    why it is so, in a sentence
    oracle   what the oracle says: the figure that shows who is right
    upstream where torch documents or discusses it; may be empty

A failing check that an entry covers no longer fails its op.  The run still fails if the deviation
has grown beyond `bound`, or if it has vanished: an entry that matches nothing is out of date.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from .outcome import Check, OpResult, SampleResult

PATH = Path(__file__).with_name("ledger.json")
FIELDS = {"op", "part", "form", "where", "bound", "cause", "oracle", "upstream"}
REQUIRED = ("op", "part", "cause", "oracle")


class LedgerError(ValueError):
    """The ledger cannot be read: names the file and the line or entry."""


@dataclass(frozen=True)
class Entry:
    """One known deviation."""

    op: str
    part: str
    cause: str
    oracle: str
    form: str = "*"
    where: str = "*"
    bound: float | None = None
    upstream: str = ""

    def covers(self, op: str, sample: SampleResult, check: Check) -> bool:
        pairs = (
            (op, self.op),
            (check.part, self.part),
            (check.form, self.form),
            (sample.note, self.where),
        )
        return all(fnmatchcase(text, _literal(pattern)) for text, pattern in pairs)


@dataclass(frozen=True)
class Problem:
    """An entry that no longer describes what happens."""

    kind: str  # "grew" or "vanished"
    entry: Entry
    text: str


def _literal(pattern: str) -> str:
    """Brackets are literal in our patterns ("grad[0]"); * and ? are not."""
    return pattern.replace("[", "[[]")


def load(path: Path = PATH) -> list[Entry]:
    """Read and check a ledger; LedgerError names the file and the place at fault."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LedgerError(f"{path}: cannot read the ledger: {error.strerror}") from error
    except json.JSONDecodeError as error:
        raise LedgerError(f"{path}:{error.lineno}: not JSON: {error.msg}") from error
    if not isinstance(raw, list):
        raise LedgerError(f"{path}: expected a list of entries, got {type(raw).__name__}")
    return [_entry(path, i, item) for i, item in enumerate(raw)]


def _entry(path: Path, index: int, item: Any) -> Entry:
    where = f"{path}: entry {index}"
    if not isinstance(item, dict):
        raise LedgerError(f"{where}: expected an object, got {type(item).__name__}")
    unknown, missing = set(item) - FIELDS, [f for f in REQUIRED if not item.get(f)]
    if unknown:
        raise LedgerError(f"{where}: unknown fields {sorted(unknown)}; known are {sorted(FIELDS)}")
    if missing:
        raise LedgerError(
            f"{where} ({item.get('op', '?')}): needs {missing}: "
            "a deviation without its cause and evidence is a bug"
        )
    if item.get("bound") is not None and not isinstance(item["bound"], (int, float)):
        raise LedgerError(
            f"{where} ({item['op']}): bound must be a number of ULP or null, got {item['bound']!r}"
        )
    return Entry(**item)


def apply(entries: list[Entry], results: list[OpResult]) -> list[Problem]:
    """Mark the checks that entries cover as known; return the entries that grew or vanished.

    Only entries of ops among `results` are judged: a partial run says nothing about the others.
    """
    problems: list[Problem] = []
    for entry in entries:
        about = [r for r in results if fnmatchcase(r.op, _literal(entry.op))]
        hits = [
            (s, c)
            for r in about
            for s in r.samples
            for c in s.checks
            if not c.verdict.ok and entry.covers(r.op, s, c)
        ]
        if about and not hits:
            problems.append(
                Problem(
                    "vanished",
                    entry,
                    f"{entry.op} {entry.part}: no sample deviates any more; remove the entry",
                )
            )
        for sample, check in hits:
            if entry.bound is not None and (check.ours or 0) > entry.bound:
                problems.append(
                    Problem(
                        "grew",
                        entry,
                        f"{entry.op} {entry.part}: {check.ours:.3g} ULP in {sample.note}, "
                        f"the ledger allows {entry.bound:g}",
                    )
                )
            else:
                check.known = entry.cause
    return problems
