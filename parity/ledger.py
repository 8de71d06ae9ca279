"""The deviation ledger: differences from torch that are known, explained and kept from growing.

`ledger.json` lists entries with

    op       the op's name as the report prints it             (shell pattern)
    part     which parts of the comparison, e.g. "grad[0]"     (shell pattern)
    form     function, method, inplace, out=…                  (shell pattern, default "*")
    where    which samples, matched against their note         (shell pattern, default "*")
    cpu      the processor it is seen on, as torch.backends.cpu.get_cpu_capability() names it: torch
             has kernels for "AVX2" and for "AVX512", which take other elements one by one and
             round otherwise               (default "": any processor)
    bound    the largest error of ours, in ULP; null where the deviation is not a number
    cause    why it is so, in a sentence
    oracle   what the oracle says: the figure that shows who is right
    upstream where torch documents or discusses it; may be empty

A failing check that an entry covers no longer fails its op.  The run still fails if the deviation
has grown beyond `bound`, or if it has vanished: an entry that matches nothing is out of date.
An entry for another processor is checked for form and left out: it covers nothing here, and only
there can it grow or vanish.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from .engines import InputError
from .files import lines_of_items, read_json
from .outcome import Check, OpResult, SampleResult
from .torch_side import import_torch

PATH = Path(__file__).with_name("ledger.json")
FIELDS = {"op", "part", "form", "where", "cpu", "bound", "cause", "oracle", "upstream"}
REQUIRED = ("op", "part", "cause", "oracle")
CPUS = ("DEFAULT", "NO AVX", "AVX2", "AVX512", "SVE128", "SVE256", "VSX", "ZVECTOR")  # torch's names


class LedgerError(InputError, ValueError):
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
    cpu: str = ""
    bound: float | None = None
    upstream: str = ""
    place: str = ""  # file and line

    def covers(self, op: str, sample: SampleResult, check: Check) -> bool:
        pairs = (
            (op, self.op),
            (check.part, self.part),
            (check.form, self.form),
            (sample.note, self.where),
        )
        return all(fnmatchcase(text, _literal(pattern)) for text, pattern in pairs)

    def allows(self, check: Check) -> bool:
        """Whether a deviation that it covers has not grown."""
        return self.bound is None or (check.ours or 0) <= self.bound


@dataclass(frozen=True)
class Problem:
    """An entry that no longer describes what happens."""

    kind: str  # "grew" or "vanished"
    entry: Entry
    text: str


def _literal(pattern: str) -> str:
    """Brackets are literal in our patterns ("grad[0]"); * and ? are not."""
    return pattern.replace("[", "[[]")


@functools.cache
def processor() -> str:
    """What torch's kernels take this processor for."""
    return str(import_torch().backends.cpu.get_cpu_capability())


def load(path: Path = PATH, cpu: str | None = None) -> list[Entry]:
    """Read and check a ledger, and return the entries for the processor `cpu` (default: this one).

    LedgerError names the file and the place at fault.
    """
    raw = read_json(path, "the ledger", LedgerError)
    if not isinstance(raw, list):
        raise LedgerError(f"{path}:1: expected a list of entries, got {type(raw).__name__}")
    lines = lines_of_items(path)
    entries = [_entry(path, line, i, item) for i, (line, item) in enumerate(zip(lines, raw))]
    here = cpu or processor()
    return [e for e in entries if e.cpu in ("", here)]


def _entry(path: Path, line: int, index: int, item: Any) -> Entry:
    where = f"{path}:{line}: entry {index}"
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
    wrong = [f for f in sorted(FIELDS - {"bound", "cpu"}) if not isinstance(item.get(f, ""), str)]
    if wrong:
        raise LedgerError(f"{where} ({item['op']}): {wrong[0]} must be text, got {item[wrong[0]]!r}")
    if item.get("bound") is not None and not isinstance(item["bound"], (int, float)):
        raise LedgerError(
            f"{where} ({item['op']}): bound must be a number of ULP or null, got {item['bound']!r}"
        )
    if item.get("cpu", "") not in ("", *CPUS):
        raise LedgerError(
            f"{where} ({item['op']}): cpu must be one of {', '.join(CPUS)}, got {item['cpu']!r}"
        )
    return Entry(**item, place=f"{path}:{line}")


def entry_of(
    entries: Iterable[Entry], op: str, sample: SampleResult, check: Check
) -> Entry | None:
    """The entry that knows a failing check; None if none does, or if it has grown beyond it."""
    return next((e for e in entries if e.covers(op, sample, check) and e.allows(check)), None)


def apply(
    entries: Sequence[Entry], results: list[OpResult], every: Iterable[str] = ()
) -> list[Problem]:
    """Mark the checks that entries cover as known; return the entries that grew or vanished.

    Only entries of ops among `results` are judged: a partial run says nothing about the others.
    every: the names of all ops there are; an entry has not vanished if another of them may have it.
    """
    elsewhere = set(every) - {r.op for r in results}
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
        others = any(fnmatchcase(name, _literal(entry.op)) for name in elsewhere)
        if about and not hits and not others:
            problems.append(
                Problem(
                    "vanished",
                    entry,
                    f"{entry.op} {entry.part}: no sample deviates any more; remove the entry",
                )
            )
        for sample, check in hits:
            if not entry.allows(check):
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
