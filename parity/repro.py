"""Failures as standalone scripts: hex floats, as few as possible, no import but the engine's.

    python -m parity repro exp -k float32 --ours minitorch_ref --out repros
    python -m parity repro "module.Linear(4, 3)"     a layer, loss, optimizer, schedule …
    python -m parity repro module.Conv2d             … or all whose names have this
    python -m parity repro program.lenet5            the op of a program that goes wrong first
    python -m parity repro exp "module.Tanh()" …     several, as a run prints it

writes one script for every kind of failure of the op.  `python repros/exp-out.py torch` (or any other
engine's name) runs the call and compares what it sees with what both engines gave when the script
was written: exit code 0 if it is the reference's result, 1 if it is not.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .compare import Lab
from .engines import Engine, EngineError, open_engine
from .outcome import Check
from .record import run
from .repro_text import Script, rounding
from .runner import limit_threads
from .samples import row_for, samples_for
from .samples.spec import Row, Sample
from .session import write_atomically
from .shrink import shrink
from .watchdog import LIMIT, Watchdog, nowhere


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
    folder: Path,
    most: int = 300,
    at: Callable[[str], None] = nowhere,
) -> tuple[Path, Sample]:
    """Shrink the failing check of a sample and write its script; the path, and what was left.

    at: told of each candidate before it runs.
    """
    seen = lab.looks_closer
    lab.looks_closer = False

    def fails(candidate: Sample) -> bool:
        at(f"{candidate}, {check.form}")
        found = again(lab, candidate, row, check.form)
        return any(c.part == check.part and c.verdict == check.verdict for c in found)

    try:
        small = shrink(sample, fails, most)
    finally:
        lab.looks_closer = seen
    script = script_of(lab.theirs, small, row, check)
    left = [c for c in again(lab, small, row, check.form) if c.part == check.part]
    text = script.text(lab.theirs, lab.ours, rounding(left) if left else 0.0)
    name = re.sub(r"[^\w.-]+", "_", f"{sample.op}-{check.form}-{check.part}").strip("_")
    path = folder / f"{name}.py"
    write_atomically(path, text)
    return path, small


# ---- the command ---------------------------------------------------------------------------------


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add, hidden = parser.add_argument, argparse.SUPPRESS
    add("names", nargs="+", metavar="NAME", help="an op (exp, …), module.NAME, program.NAME")
    add("--ours", default="minitorch_ref", metavar="ENGINE", help="the engine that is judged")
    add("--theirs", default="torch", metavar="ENGINE", help="the reference (default: torch)")
    add("-k", dest="note", default="", metavar="TEXT", help="only samples whose text has this")
    add("--out", default="out/parity/repros", metavar="DIR", help="where the scripts go")
    add("--most", type=int, default=300, metavar="N", help="trials for shrinking one failure")
    add("--op-limit", type=float, default=hidden, metavar="SECONDS",
        help=f"end at a call, or a step of a program, that takes so long (default: {LIMIT:g})")  # fmt: skip
    add("--data", default=hidden, metavar="DIR", help="folder with a program's data")
    add("--epochs", type=int, default=hidden, metavar="N", help="epochs of a program")
    add("--limit", type=int, default=hidden, metavar="N", help="images of a vision program")


def main(args: argparse.Namespace) -> int:
    """Write a script for each part that fails; 0 if nothing fails, 1 otherwise."""
    lab = Lab(open_engine(args.ours), open_engine(args.theirs))
    for engine in (lab.ours, lab.theirs):
        limit_threads(engine)
    with Watchdog(args.op_limit or LIMIT) as dog:
        counts = [_repro(name, lab, args, dog.at) for name in args.names]
    return 1 if any(counts) else 0


def _repro(text: str, lab: Lab, args: argparse.Namespace, at: Callable[[str], None]) -> int:
    """Write the scripts of what has this name; how many failures there are."""
    other = re.match(r"(module|program)[. ](.*)", text)  # with a blank as the summary has it
    if other is None:
        count = _op(text, lab, args, at)
    elif other[1] == "module":
        count = _modules(other[2], lab, args, at)
    else:
        return _program(other[2], lab, args, at)
    print(f"{text}: {count} kind{'s' * (count != 1)} of failure")
    return count


def _op(text: str, lab: Lab, args: argparse.Namespace, at: Callable[[str], None]) -> int:
    namespace, _, name = text.rpartition(".")
    key = namespace or "torch", name
    row = row_for(key)
    if row is None:
        raise EngineError(f"no samples of an op {text!r}")
    done: set[tuple[str, str]] = set()
    for sample in samples_for(key):
        if args.note not in str(sample):
            continue
        at(str(sample))
        for check in lab.compare_sample(sample, row).checks:
            where = check.form, check.part
            if check.verdict.ok or where in done:
                continue
            done.add(where)
            path, small = write(lab, sample, row, check, Path(args.out), args.most, at)
            print(f"{check.form} {check.part}: {check.detail[:150]}\n  {path}: {small}")
    return len(done)


def _modules(text: str, lab: Lab, args: argparse.Namespace, at: Callable[[str], None]) -> int:
    from . import repro_modules

    count = 0
    for name, check, written in repro_modules.repro(
        text, lab.ours, lab.theirs, Path(args.out), args.most, at
    ):
        print(f"module {name} {check.part}: {check.detail[:150]}")
        print(f"  {written or 'not in a script of a few lines: see the report'}")
        count += 1
    return count


def _program(name: str, lab: Lab, args: argparse.Namespace, at: Callable[[str], None]) -> int:
    from . import repro_programs

    options = {k: getattr(args, k, None) for k in ("data", "epochs", "limit")}
    found = repro_programs.repro(name, lab.ours, lab.theirs, Path(args.out), args.most, options, at)
    if found is None:
        print(f"program {name} agrees: no script")
        return 0
    said, written = found
    print(f"program {name}: {said}")
    print(f"  {written or 'no single call of it fails by itself: no script'}")
    return 1
