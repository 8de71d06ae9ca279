"""Failures as standalone scripts: hex floats, as few as possible, no import but the engine's.

    python -m parity repro exp -k float32 --ours minitorch_ref --out repros
    python -m parity repro "module.Linear(4, 3)"     a layer, loss, optimizer, schedule …
    python -m parity repro module.Conv2d             … or all whose names have this
    python -m parity repro program.lenet5            the op of a program that goes wrong first
    python -m parity repro exp "module.Tanh()" …     several, as a run prints it

writes one script for every kind of failure of the op.  `python repros/exp-out.py torch` (or any other
engine's name) runs the call and compares what it sees with what both engines gave when the script
was written: exit code 0 if it is the reference's result, 1 if it is not.

What the deviation ledger knows is no failure: it is said with its entry, and has a script with --known.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import Any

import numpy as np

from . import ledger, options, tasks
from .compare import Lab
from .engines import Engine, EngineError, open_engine
from .options import LIMIT
from .outcome import Check, SampleResult
from .record import run
from .repro_text import Script, rounding
from .runner import limit_threads
from .samples import row_for, samples_for
from .samples.spec import Row, Sample
from .scripts import Scripts
from .shrink import shrink
from .tasks import At

OUT = "out/parity/repros"
PROGRAM = ("data", "epochs", "limit")  # options of a program


def script_of(engine: Engine, sample: Sample, row: Row, check: Check) -> Script:
    """The script of a check, with the weights of the backward passes that the laboratory draws."""
    keep: list = []
    form = "function" if check.form.startswith("out=") else check.form
    grad = check.part.startswith("grad")
    outs = run(engine, sample, form, grad=grad, random=row.random, keep=keep).outputs
    backward = keep[0][2] if keep else None
    first, second = (backward.cots, backward.cots2) if backward else ({}, {})

    def arrays(drawn: dict[str, Any]) -> list[np.ndarray]:
        return [np.array(engine.array(w)) for w in drawn.values()]

    return Script(sample, row, check, arrays(first), arrays(second), outs)


def again(lab: Lab, sample: Sample, row: Row, form: str) -> list[Check]:
    """The checks of one form of a sample."""
    if form.startswith("out="):
        return [c for c in lab.compare_outs(sample, row) if c.form == form]
    return lab.compare_form(sample, row, form)


def write(
    lab: Lab,
    sample: Sample,
    row: Row,
    check: Check,
    scripts: Scripts,
) -> tuple[Path, Sample]:
    """Shrink the failing check of a sample and write its script; the path, and what was left."""
    seen = lab.looks_closer
    lab.looks_closer = False

    def fails(candidate: Sample) -> bool:
        scripts.at(f"{candidate}, {check.form}")
        found = again(lab, candidate, row, check.form)
        return any(c.part == check.part and c.verdict == check.verdict for c in found)

    try:
        small = shrink(sample, fails, scripts.most)
    finally:
        lab.looks_closer = seen
    script = script_of(lab.theirs, small, row, check)
    left = [c for c in again(lab, small, row, check.form) if c.part == check.part]
    text = script.text(lab.theirs, lab.ours, rounding(left) if left else 0.0)
    return scripts.save(f"{sample.op}-{check.form}-{check.part}", text), small


# ---- the command ---------------------------------------------------------------------------------


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add(
        parser, "ours", "theirs", "out", "processes", "op_limit", "ledger", *PROGRAM, "download",
        out=f"where the scripts go (default: {OUT})", processes="worker processes (default: 1; 0: none)",
        op_limit=f"give up a name whose call, or program's step, takes so long (default: {LIMIT:g})",
    )  # fmt: skip
    add = parser.add_argument
    add("names", nargs="+", metavar="NAME", help="an op (exp, …), module.NAME, program.NAME")
    add("-k", dest="note", default="", metavar="TEXT", help="only samples whose text has this")
    add("--most", type=options.at_least(1), default=Scripts.most, metavar="N",
        help=f"trials for shrinking one failure (default: {Scripts.most})")  # fmt: skip
    add("--known", action="store_true",
        help="write scripts of the deviations that the ledger knows, too")  # fmt: skip


def main(args: argparse.Namespace) -> int:
    """Write a script for each part that fails; 0 if nothing fails, 1 if something does.

    2 if a name hung, or ended its process: the others have their scripts.
    """
    lost: list[tuple[str, str]] = []
    found = []
    for said, count in tasks.run(
        _opened, _repro, (args,), args.names, lost, args.op_limit, args.processes
    ):
        print(said, flush=True)
        found.append(count)
    for name, why in lost:
        print(f"parity: {name}: {why}", file=sys.stderr)
    return 2 if lost else int(any(found))


@dataclass
class _Bench:
    """What a process needs: the engines, what is known, and what the command line says."""

    lab: Lab
    known: list[ledger.Entry]
    args: argparse.Namespace

    def scripts(self, at: At) -> Scripts:
        return Scripts(Path(self.args.out or OUT), self.args.most, at)

    def entry(self, op: str, sample: SampleResult, check: Check) -> ledger.Entry | None:
        """The entry that knows a failing check."""
        return ledger.entry_of(self.known, op, sample, check)


def _opened(args: argparse.Namespace) -> _Bench:
    lab = Lab(open_engine(args.ours), open_engine(args.theirs))
    for engine in (lab.ours, lab.theirs):
        limit_threads(engine)
    return _Bench(lab, ledger.load(Path(args.ledger)) if args.ledger else ledger.load(), args)


Said = tuple[str, int]  # a line or two, and how many failures it is about


def _repro(bench: _Bench, text: str, at: At) -> Iterator[Said]:
    """Write the scripts of what has this name, and say so."""
    other = re.match(r"(module|program)[. ](.*)", text)  # with a blank as the summary has it
    if other and other[1] == "program":
        yield _program(bench, other[2], at)
        return
    count = known = 0
    for said, failures in _module(bench, other[2], at) if other else _op(bench, text, at):
        yield said, failures
        count, known = count + failures, known + (not failures)
    more = f", {known} known deviation{'s' * (known != 1)}" if known else ""
    yield f"{text}: {count} kind{'s' * (count != 1)} of failure{more}", 0


def _known(name: str, check: Check, entry: ledger.Entry) -> str:
    """A deviation that is none, in words."""
    return f"{name} {check.part}: a known deviation: {entry.cause}\n  {entry.place}"


def _op(bench: _Bench, text: str, at: At) -> Iterator[Said]:
    namespace, _, name = text.rpartition(".")
    key = namespace or "torch", name
    row, args = row_for(key), bench.args
    if row is None:
        raise EngineError(f"no samples of an op {text!r}")
    samples = [s for s in samples_for(key) if args.note in str(s)]
    if not samples:
        raise EngineError(f"{text}: no sample's text has {args.note!r} (-k)")
    done: set[tuple[str, str]] = set()
    for sample in samples:
        at(str(sample))
        found = bench.lab.compare_sample(sample, row)
        for check in (c for c in found.checks if not c.verdict.ok):
            entry = bench.entry(sample.op, found, check)
            ignored = entry is not None and not args.known
            where = (entry.place if entry and ignored else check.form, check.part)
            if where in done:
                continue
            done.add(where)
            note = _known(check.form, check, entry) if entry else ""
            if ignored:
                yield note, 0
                continue
            path, small = write(bench.lab, sample, row, check, bench.scripts(at))
            said = note or f"{check.form} {check.part}: {check.detail[:150]}"
            yield f"{said}\n  {path}: {shorten(str(small), 300)}", 1


def _module(bench: _Bench, text: str, at: At) -> Iterator[Said]:
    from . import repro_modules

    lab, known = bench.lab, [] if bench.args.known else bench.known
    for name, check, written in repro_modules.repro(
        text, lab.ours, lab.theirs, bench.scripts(at), known
    ):
        if check.known:
            entry = bench.entry(f"module.{name}", SampleResult(name, "", "", "", []), check)
            yield (_known(f"module {name}", check, entry) if entry else ""), 0
            continue
        said = f"module {name} {check.part}: {check.detail[:150]}"
        yield f"{said}\n  {written or 'not in a script of a few lines: see the report'}", 1


def _program(bench: _Bench, name: str, at: At) -> Said:
    from . import repro_programs

    told = {option: getattr(bench.args, option) for option in PROGRAM}
    lab = bench.lab
    found = repro_programs.repro(name, lab.ours, lab.theirs, bench.scripts(at), told)
    if found is None:
        return f"program {name} agrees: no script", 0
    said, written = found
    where = written or "no single call of it fails by itself: no script"
    return f"program {name}: {said}\n  {where}", 1
