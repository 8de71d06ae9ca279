"""Checking an engine against a golden pack, with no GPU: `python -m parity check PACK`.

Each sample of the pack is run again; what the device gave stands where torch stands in the main
comparison, with the same oracle (torch on the CPU in float64), bounds and classifiers.  Only numbers
are compared, layouts and messages being the CPU's business, and no bit-identity is demanded of
floats from another processor.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from . import choices, ledger, options, packs, tasks
from .engines import Engine, EngineError, open_engine
from .options import LIMIT
from .oracle import Oracle
from .outcome import Check, OpResult, SampleResult, Verdict
from .pack_record import form_of
from .progress import Progress
from .record import Value, run
from .runner import Key, limit_threads, op_name
from .samples import row_for, samples_for
from .samples.spec import Row, Sample
from .values import compare_arrays

EXACT = ("indexing", "shaping")  # families that move numbers and compute none
CLOSER = 6  # failing samples of an op that are looked at for discrete choices


@dataclass
class Checked:
    """What a check says: results by op, and samples that are not what they were."""

    ops: dict[str, OpResult] = field(default_factory=dict)
    stale: list[str] = field(default_factory=list)
    absent: set[str] = field(default_factory=set)  # ops that the engine does not have
    refused: set[str] = field(default_factory=set)  # ops with samples that the GPU does not take

    def add(self, other: Checked) -> None:
        """What was found in another part of the pack."""
        for op, result in other.ops.items():
            if op in self.ops:
                self.ops[op].samples += result.samples
            else:
                self.ops[op] = result
        self.stale += other.stale
        self.absent |= other.absent
        self.refused |= other.refused

    def counts(self) -> dict[str, int]:
        """Samples by verdict."""
        results = [s for op in self.ops.values() for s in op.samples]
        return {str(v): sum(s.verdict == v for s in results) for v in Verdict}


def check(
    entries: Iterable[packs.Entry],
    engine: Engine,
    host: Engine,
    gpu: bool = False,
    begun: tasks.At = tasks.nowhere,
) -> Checked:
    """Compare an engine with every entry; `host` is torch on the CPU.

    gpu: what the pack's device refuses is its own business, not that of other devices.
    begun: told of each sample that is run.
    """
    found = Checked()
    table: dict[Key, dict[tuple[str, str], Sample]] = {}
    for entry in entries:
        if entry.key not in table:
            table[entry.key] = {(s.note, s.dtype): s for s in samples_for(entry.key)}
        sample, row = table[entry.key].get((entry.note, entry.dtype)), row_for(entry.key)
        if sample is None or row is None or packs.inputs_digest(host, sample) != entry.inputs:
            found.stale.append(f"{'.'.join(entry.key)} [{entry.note}]")
            continue
        if form_of(engine, row) is None:
            found.absent.add(sample.op)
            continue
        if gpu and entry.error:
            found.refused.add(sample.op)
            continue
        result = found.ops.setdefault(
            sample.op, OpResult(*entry.key, row.family, level_of(row), [])
        )
        begun(str(sample))
        closer = sum(not s.verdict.ok for s in result.samples) < CLOSER
        checks = _compare(entry, sample, row, engine, host, closer)
        result.samples.append(
            SampleResult(entry.note, str(sample), sample.kind, entry.dtype, checks)
        )
    return found


def level_of(row: Row) -> str:
    """Between processors only moving numbers is exact; the rest is judged by bounds."""
    return "sum" if row.level == "exact" and row.family not in EXACT else row.level


def _compare(
    entry: packs.Entry, sample: Sample, row: Row, engine: Engine, host: Engine, closer: bool
) -> list[Check]:
    mine = run(engine, sample, entry.form)
    error = mine.error[0] if mine.error else ""
    if error or entry.error:
        same = bool(error) == bool(entry.error)
        detail = (
            "" if same else f"ours: {error or 'a result'}, the pack: {entry.error or 'a result'}"
        )
        return [Check(Verdict.IDENTICAL if same else Verdict.MISMATCH, "error", detail=detail)]
    row = replace(row, level=level_of(row))
    exact = Oracle(engine, host, sample, row, entry.form)
    outputs = {**mine.outputs, **mine.grads}
    return [
        _part(entry, part, outputs.get(part), theirs, exact, row, host if closer else None)
        for part, theirs in entry.values.items()
    ] or [Check(Verdict.IDENTICAL, "out")]


def _part(
    entry: packs.Entry,
    part: str,
    value: object,
    theirs: np.ndarray,
    exact: Oracle,
    row: Row,
    host: Engine | None,
) -> Check:
    if not isinstance(value, Value):
        return Check(Verdict.MISMATCH, part, detail=f"ours has no such result; line {entry.line}")
    ours, level = value.array, row.level
    if part.startswith("grad"):
        ours, theirs, level = ours + 0, theirs + 0, "sum"
    check = compare_arrays(
        ours,
        theirs,
        part,
        level,
        lambda: exact.value(part, theirs),
        exact.bound(part, theirs),
        lambda: exact.near(part),
    )
    failing = not check.verdict.ok
    if host is not None and failing and ours.shape == theirs.shape and ours.dtype == theirs.dtype:
        choice = choices.of_sample(host, exact.sample, entry.form, part, ours, theirs)
        check.choice = str(choice)
        if choice.both_valid:
            check.verdict = Verdict.EQUAL
    if not check.verdict.ok:
        check.detail += f" (line {entry.line} of the pack)"
    return check


# ---- the command ---------------------------------------------------------------------------------


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add(
        parser, "processes", "op_limit", "ledger", processes="worker processes (default: 1; 0: none)",
        op_limit=f"give up an op of which a sample takes so long (default: {LIMIT:g})",
    )  # fmt: skip
    add = parser.add_argument
    add("pack", metavar="PACK", help="a file that `parity record` wrote")
    add("--engine", default="minitorch_ref", metavar="ENGINE",
        help="what is checked (default: minitorch_ref)")


def main(args: argparse.Namespace) -> int:
    """0 the engine is as good as the device, 1 it is not; 2 the pack cannot be read (raises).

    2 as well if an op hung, or ended its process: the others are checked.
    """
    path = Path(args.pack)
    header, entries = packs.read(path)
    facts = header["fingerprint"]
    keys = list(enumerate(key for key, _ in _by_op(entries)))  # the file is whole
    cpu = str(facts.get("cpu") or "") or None  # the pack's processor
    known = ledger.load(Path(args.ledger) if args.ledger else ledger.PATH, cpu)
    found = Checked()
    lost: list[tuple[tuple[int, Key], str]] = []
    with Progress() as progress:
        progress.start("ops", len(keys))
        for part in tasks.run(
            _opened, _checked, (path, args.engine), keys, lost, args.op_limit, args.processes,
            lambda key: progress.step(key[1][1]),
        ):  # fmt: skip
            found.add(part)
    ledger.apply(known, list(found.ops.values()))  # what is known is no news
    where = facts.get("gpu") or facts.get("cpu", "")
    print(f"{path}: {where} {facts.get('engine', '?')} {facts.get('version', '?')}")
    for (_, key), why in lost:
        print(f"parity: {op_name(key)}: {why}", file=sys.stderr)
    if not found.ops and not lost:
        raise EngineError(f"{args.pack}: no sample of this pack is known here any more")
    failing = _report(found, args.engine)
    return 2 if lost else int(failing)


def _by_op(entries: Iterable[packs.Entry]) -> Iterator[tuple[Key, Iterator[packs.Entry]]]:
    return itertools.groupby(entries, lambda entry: entry.key)


@dataclass
class _Bench:
    """What a process needs: the engines, and where in the pack it is."""

    engine: Engine
    host: Engine
    gpu: bool
    ops: Iterator[tuple[int, tuple[Key, Iterator[packs.Entry]]]]


def _opened(path: Path, spec: str) -> _Bench:
    header, entries = packs.read(path)
    engine = open_engine(spec)
    limit_threads(engine)
    gpu = "gpu" in header["fingerprint"]
    return _Bench(engine, open_engine("torch"), gpu, enumerate(_by_op(entries)))


def _checked(bench: _Bench, key: tuple[int, Key], at: tasks.At) -> Iterator[Checked]:
    """Check the op with this number; those before it are passed over."""
    for number, (_, entries) in bench.ops:
        if number == key[0]:
            yield check(entries, bench.engine, bench.host, bench.gpu, at)
            return


def _report(found: Checked, engine: str, most: int = 20) -> bool:
    """Print what was found; whether anything fails."""
    print(", ".join(f"{n} {v}" for v, n in found.counts().items() if n))
    if found.stale:
        print(f"{len(found.stale)} samples have changed since, for instance {found.stale[0]}")
    if found.refused:
        print(f"not taken by that GPU, in part: {', '.join(sorted(found.refused))}")
    if found.absent:
        print(f"{engine} has no {', '.join(sorted(found.absent))}")
    failing = [
        (r.op, s, c)
        for r in found.ops.values()
        for s in r.samples
        for c in s.checks
        if not c.verdict.ok and not c.known
    ]
    for op, sample, c in failing[:most]:
        print(f"{op} {c.part}: {c.verdict}: {c.choice or c.detail}\n    {sample.text}")
    if len(failing) > most:
        print(f"… and {len(failing) - most} more")
    return bool(failing)
