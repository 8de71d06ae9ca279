"""Recording golden packs, and what each flag costs.

    python -m parity record --device cuda --out h100.pack.xz      everything, floats, forward and backward
    python -m parity record --device tf32 -k matmul --out t.pack.xz        a simulated TF32 device
    python -m parity record --device cuda --sweep                 the accuracy with each flag on and off

TF32 is on by default for convolutions on a GPU and off for matrix products; the sweep shows both.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from . import options, packs, tasks, ulp
from .engines import Engine, EngineError, open_engine
from .options import LIMIT
from .oracle import Oracle
from .progress import Progress
from .record import Value, run
from .runner import limit_threads, matches, op_name
from .samples import ROWS, row_for, samples_for
from .samples.spec import Arr, Row, Sample
from .tasks import At, nowhere

DTYPES = "float32,float16"
LARGE = {
    "matmul": ((128, 512), (512, 64)),
    "bmm": ((4, 64, 256), (4, 256, 64)),
    "nn.functional.linear": ((128, 512), (64, 512)),
    "nn.functional.conv2d": ((8, 32, 28, 28), (64, 32, 3, 3)),
    "nn.functional.conv1d": ((8, 64, 100), (64, 64, 5)),
}
SWEPT = ("matmul", "bmm", "nn.functional.linear", "nn.functional.conv2d", "nn.functional.conv1d")


def samples(pattern: str, dtypes: set[str]) -> Iterator[tuple[Row, Sample]]:
    """Everything a pack may hold: calls that succeed, of ops that draw nothing."""
    for key in sorted(ROWS):
        row = row_for(key)
        if row is None or row.random or row.level == "shape" or not matches(op_name(key), pattern):
            continue
        yield from ((row, sample) for sample in _samples(row, dtypes))


def _samples(row: Row, dtypes: set[str]) -> Iterator[Sample]:
    for sample in samples_for(row.key):
        if sample.kind != "bad" and not sample.bad and sample.dtype in dtypes:
            yield sample


def form_of(engine: Engine, row: Row) -> str | None:
    """The form of an op that is recorded: the function, or the method where there is none."""
    if row.form != "method" and callable(engine.find(row.namespace, row.name)):
        return "function"
    there = row.namespace in ("torch", "Tensor") and engine.find_method(row.name) is not None
    return "method" if there else None


@dataclass
class Missed:
    """Ops that are not in a pack, or not whole: no such op, no time left, or it hung."""

    absent: dict[str, None] = field(default_factory=dict)
    late: dict[str, None] = field(default_factory=dict)
    lost: list[tuple[tuple[str, str], str]] = field(default_factory=list)

    def lines(self, engine: str) -> Iterator[str]:
        """In words; of what hung only the names."""
        if self.absent:
            yield f"{engine} has not: {', '.join(self.absent)}"
        if self.late:
            yield f"no time left (--within) for {len(self.late)} ops: {', '.join(self.late)}"
        if self.lost:
            yield f"not whole in the pack: {', '.join(op_name(key) for key, _ in self.lost)}"


def entries(
    engine: Engine,
    host: Engine,
    pattern: str,
    dtypes: set[str],
    missed: Missed | None = None,
    begun: At = nowhere,
) -> Iterator[packs.Entry]:
    """Run the samples on a device; `host` digests the inputs.

    missed: is told what the engine does not have.  begun: told of each sample that is run.
    """
    missed = missed or Missed()
    for row, sample in samples(pattern, dtypes):
        yield from _entry(engine, host, row, sample, missed, begun)


def _entry(
    engine: Engine, host: Engine, row: Row, sample: Sample, missed: Missed, begun: At
) -> Iterator[packs.Entry]:
    """The entry of a sample, if there is one."""
    form = form_of(engine, row)
    if form is None:
        missed.absent.setdefault(sample.op)
    elif form == "function" or sample.args and isinstance(sample.args[0], Arr):
        begun(str(sample))
        found = run(engine, sample, form)
        yield packs.entry_of(sample, form, found, packs.inputs_digest(host, sample))


# ---- the sweep -----------------------------------------------------------------------------------


def settings(spec: str, engine: Engine) -> Iterator[tuple[str, Engine]]:
    """(what is set, engine) for the flags as they are, and with each one turned over."""
    if engine.on_gpu:
        yield "as torch has them", engine
        for name in packs.FLAGS:
            if packs.flag_value(engine.module, name) is None:
                continue  # this torch does not have it
            place, last = packs.flag(engine.module, name)
            before = getattr(place, last)
            setattr(place, last, not before)
            try:
                yield f"{name} = {not before}", engine
            finally:
                setattr(place, last, before)
        return
    from .tf32 import Tf32

    for matmul, conv in ((False, True), (True, True), (False, False)):
        text = f"matmul.allow_tf32 = {matmul}, cudnn.allow_tf32 = {conv}"
        simulated = spec == "torch:tf32"
        yield text, Tf32(spec, engine.module, matmul, conv) if simulated else engine
        if not simulated:
            return


def large(pattern: str, dtypes: set[str]) -> Iterator[tuple[Row, Sample]]:
    """Products and convolutions of a size at which a GPU takes its tensor cores."""
    for name, shapes in LARGE.items():
        space, _, last = name.rpartition(".")
        key = space or "torch", last
        row = row_for(key)
        if row is None or not matches(name, pattern):
            continue
        for dtype in sorted(dtypes & {"float16", "float32"}):
            args = tuple(Arr(shape, dtype, "any", grad=False) for shape in shapes)
            yield row, Sample(*key, f"large {shapes}", args, {}, dtype)


def accuracy(engine: Engine, host: Engine, pattern: str, dtypes: set[str]) -> dict[str, float]:
    """The worst error of each op in ULP of its result's largest element, against float64."""
    worst: dict[str, float] = {}
    for row, sample in itertools.chain(samples(pattern, dtypes), large(pattern, dtypes)):
        if form_of(engine, row) != "function":
            continue
        if sample.kind != "call":
            continue
        found = run(engine, sample, "function", grad=False).outputs.get("out")
        if not isinstance(found, Value) or found.array.dtype.kind != "f" or not found.array.size:
            continue
        plain = replace(sample, grad=False)
        exact = Oracle(host, host, plain, row, "function").value("out", found.array)
        if exact is None or not np.isfinite(exact).all() or not np.isfinite(found.array).all():
            continue
        size = np.max(np.abs(exact))
        error = np.max(np.abs(found.array.astype(np.float64) - exact))
        error = float(error / ulp.spacing(np.asarray(size), found.array.dtype))
        worst[sample.op] = max(worst.get(sample.op, 0.0), error)
    return worst


def sweep(spec: str, engine: Engine, host: Engine, pattern: str, dtypes: set[str]) -> list[tuple]:
    """Rows (setting, op, worst error); the first setting is the default."""
    chosen = pattern or " or ".join(n.rpartition(".")[2] for n in SWEPT)
    return [
        (text, op, error)
        for text, changed in settings(spec, engine)
        for op, error in accuracy(changed, host, chosen, dtypes).items()
    ]


# ---- the command ---------------------------------------------------------------------------------


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add(
        parser, "pattern", "processes", "op_limit", pattern="only ops whose names match",
        processes="0: work in this process",
        op_limit=f"give up an op of which a sample takes so long (default: {LIMIT:g})",
    )  # fmt: skip
    add = parser.add_argument
    add("--device", default="cpu", help="cuda, cpu or tf32 (simulated); default: cpu")
    add("--engine", default="torch", metavar="ENGINE", help="default: torch")
    add("--out", dest="pack", metavar="PACK", help="the file to write (default: out/parity/DEVICE.pack.xz)")
    add("--dtypes", default=DTYPES, metavar="LIST", help=f"default: {DTYPES}")
    add("--within", type=float, default=math.inf, metavar="SECONDS",
        help="begin no other op after so long, and name those that are left out")  # fmt: skip
    add("--sweep", action="store_true", help="only show what each flag costs in accuracy")


def dtypes_of(text: str) -> set[str]:
    """The set of a comma-separated list; EngineError for a dtype that packs do not hold."""
    found = {name.strip() for name in text.split(",") if name.strip()}
    if not found or found - packs.NUMBERS:
        raise EngineError(f"--dtypes: unknown {sorted(found - packs.NUMBERS) or 'empty list'}")
    return found


def main(args: argparse.Namespace) -> int:
    """Write a pack, or print the sweep; 0, 2 if an op hung, or ended its process.

    (Then the pack has all but the rest of that op.)
    """
    spec = args.engine if args.device == "cpu" else f"{args.engine}:{args.device}"
    engine, host, dtypes = open_engine(spec), open_engine("torch"), dtypes_of(args.dtypes)
    if args.sweep:
        _show(sweep(spec, engine, host, args.pattern, dtypes))
        return 0
    path = Path(args.pack or f"out/parity/{args.device}.pack.xz")
    keys = list(dict.fromkeys(row.key for row, _ in samples(args.pattern, dtypes)))
    if not keys:
        raise EngineError(f"nothing matches -k {args.pattern!r} in {args.dtypes}")
    missed = Missed()
    with _one_thread(engine), Progress() as progress:
        header = {"fingerprint": packs.fingerprint(engine), "pattern": args.pattern}
        progress.start("ops", len(keys))
        count = packs.write(path, header, _recorded(args, spec, dtypes, keys, missed, progress))
    for key, why in missed.lost:
        print(f"parity: {op_name(key)}: {why}", file=sys.stderr)
    version = getattr(engine.module, "__version__", "?")
    for line in missed.lines(f"{engine.name} {version}"):
        print(line)
    print(f"{count} samples on {spec}: {path} ({path.stat().st_size / 1e6:.2f} MB)")
    return 2 if missed.lost else 0


@contextlib.contextmanager
def _one_thread(engine: Engine) -> Iterator[None]:
    """torch adds up in another order with several."""
    if not engine.is_torch:
        yield
        return
    before = engine.module.get_num_threads()
    engine.module.set_num_threads(1)
    try:
        yield
    finally:
        engine.module.set_num_threads(before)


def _recorded(
    args: argparse.Namespace, spec: str, dtypes: set[str], keys: list, missed: Missed, progress: Progress
) -> Iterator[packs.Entry]:
    """What a process of its own records, op by op; EngineError if there is nothing of any."""
    task, count = (spec, dtypes, time.time() + args.within), 0
    for item in tasks.run(
        _opened, _of_op, task, keys, missed.lost, args.op_limit, 0 if args.processes == 0 else 1,
        lambda key: progress.step(key[1]),
    ):  # fmt: skip
        if isinstance(item, packs.Entry):
            count += 1
            yield item
        else:
            missed.absent |= item.absent
            missed.late |= item.late
    if missed.lost and not count:
        key, why = missed.lost[0]
        raise EngineError(f"{op_name(key)}: {why}; nothing is recorded")


@dataclass
class _Bench:
    """What a process needs: the device, torch on the CPU, what is recorded and until when."""

    engine: Engine
    host: Engine
    dtypes: set[str]
    end: float


def _opened(spec: str, dtypes: set[str], end: float) -> _Bench:
    engine = open_engine(spec)
    limit_threads(engine)
    return _Bench(engine, open_engine("torch"), dtypes, end)


def _of_op(bench: _Bench, key: tuple[str, str], at: At) -> Iterator[packs.Entry | Missed]:
    """The entries of one op, then what of it is missing."""
    missed = Missed()
    row = row_for(key)
    if time.time() > bench.end:
        missed.late.setdefault(op_name(key))
    elif row is not None:
        for sample in _samples(row, bench.dtypes):
            yield from _entry(bench.engine, bench.host, row, sample, missed, at)
    yield missed


def _show(rows: list[tuple[str, str, float]]) -> None:
    default = {op: error for text, op, error in rows if text == rows[0][0]}
    last: Any = None
    for text, op, error in rows:
        if text != last:
            print(text)
            last = text
        change = error / max(default.get(op, error), 1e-300)
        note = "" if 0.5 < change < 2 else f"   {change:.3g} times the default's"
        print(f"    {op:24} {error:12.4g} ULP of the largest element{note}")
