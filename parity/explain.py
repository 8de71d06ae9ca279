"""Why two results differ: replay the op under candidate causes and count the bits each reproduces.

    python -m parity explain matmul --shapes 16x300 300x8
    python -m parity explain sum -k float32 --a torch --b minitorch_ref

Sums, products and convolutions are replayed term by term (replay.py): orders of summation, fused
multiply-adds, TF32 or bfloat16 inputs, denormals flushed, float32 accumulation of halves.  Ops made
of exp, log and tanh are replayed with another exp, log or tanh (recipes.py).  Any op is replayed by
the reference itself from cut inputs, and in higher precision, rounded once; a result next to that
value has its function in another library to blame.  A cause is named for each side by the number of
differing elements whose bits it gives.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import options, recipes, replay, tasks, ulp
from .engines import Engine, EngineError, open_engine
from .options import LIMIT
from .record import Value, run
from .samples.materialise import Inputs
from .samples.spec import ALL, Sample

ROWS = 256  # differing elements that are replayed
TERMS = 1 << 20  # products in one replay
APART = 1e4  # ULP: no rounding, so misplaced windows are tried as well


@dataclass
class Cause:
    """One candidate: how many of the differing elements it reproduces on either side.

    left: the largest distance in ULP that remains to the reference (to ours: `left_ours`).
    """

    name: str
    ours: int
    theirs: int
    left_ours: float
    left: float


@dataclass
class Explanation:
    """All candidates for one mismatch of `total` elements out of `size`."""

    total: int
    size: int
    apart: float
    causes: list[Cause]

    def best(self, side: str) -> Cause | None:
        """The cause that gives the most bits of "ours" or "theirs"; the nearest if none gives any."""
        left = {"ours": "left_ours", "theirs": "left"}[side]

        def rank(cause: Cause) -> tuple:
            count, rest = getattr(cause, side), getattr(cause, left)
            if self.apart > APART and rest < self.apart / APART:
                return (-self.total, rest)  # not the bits, but what set the two far apart
            return (-count, rest)

        return min(self.causes, key=rank, default=None)

    def __str__(self) -> str:
        if not self.total:
            return "the bits are the same"
        parts = []
        for side in ("theirs", "ours"):
            best = self.best(side)
            if best is None:
                continue
            count, left = getattr(best, side), best.left if side == "theirs" else best.left_ours
            who = "torch" if side == "theirs" else "ours"
            if not count and left > self.apart / 2:
                parts.append(f"{who}: no candidate cause comes near")
                continue
            how = f"{count} of {self.total} differing elements"
            if count < self.total:
                how += f", the rest within {left:.3g} ULP (before: {self.apart:.3g})"
            parts.append(f"{who}: {best.name} ({how})")
        return "; ".join(parts)


def explain(
    op: str, args: list, kwargs: dict, a: np.ndarray, b: np.ndarray, others: Any = ()
) -> Explanation:
    """Replay `op` on arrays under every candidate; `others` are more (name, result) pairs.

    a, b: the two results, of one dtype and shape.
    """
    differ = np.flatnonzero(~((a == b) | np.isnan(a) & np.isnan(b)))
    if a.dtype.kind != "f" or not differ.size:
        return Explanation(int(differ.size), int(a.size), 0.0, [])
    x, y = a.reshape(-1)[differ], b.reshape(-1)[differ]
    found = Explanation(int(differ.size), int(a.size), float(ulp.distance(x, y).max()), [])
    for name, result in itertools.chain(recipes.replays(op, args, kwargs), others):
        if result.shape == a.shape and result.dtype == a.dtype:
            found.causes.append(_score(name, result.reshape(-1)[differ], x, y))
    terms = replay.terms_of(op, args, kwargs)
    if terms is not None and len(terms.a) == a.size and terms.a.dtype == a.dtype:
        rows = differ[: max(1, min(ROWS, TERMS // max(terms.a.shape[1], 1)))]
        kept = len(rows)
        found.total = kept
        if kept < len(differ):
            found.causes = []
        for name, result in replay.replays(terms.rows(rows), a.dtype):
            found.causes.append(_score(name, result, x[:kept], y[:kept]))
        for name, moved in replay.misplaced(op, args) if found.apart > APART else ():
            there = replay.terms_of(op, moved, kwargs)
            if there is not None and len(there.a) == a.size:
                total = replay.sequential(there.rows(rows), False)
                found.causes.append(_score(name, there.finish(total), x[:kept], y[:kept]))
    for name, result in recipes.products(op, args, kwargs):
        if result.shape == a.shape and result.dtype == a.dtype:
            some = result.reshape(-1)[differ][: found.total]
            found.causes.append(_score(name, some, x[: found.total], y[: found.total]))
    return found


def _score(name: str, result: np.ndarray, ours: np.ndarray, theirs: np.ndarray) -> Cause:
    to_ours, to_theirs = ulp.distance(result, ours), ulp.distance(result, theirs)
    return Cause(
        name,
        int((to_ours == 0).sum()),
        int((to_theirs == 0).sum()),
        float(to_ours.max()),
        float(to_theirs.max()),
    )


# ---- what one result is of the other -------------------------------------------------------------


def relation(a: np.ndarray, b: np.ndarray, of: str = "torch's") -> str:
    """In words, whether `a` is a constant times `b`, has another sign, is transposed or zeros; or ""."""
    if a.dtype.kind not in "fc" or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return ""
    if not a.any() and b.any():
        return "all zeros"
    eps = float(np.finfo(b.dtype).eps)
    a, b = (v.astype(np.complex128 if v.dtype.kind == "c" else np.float64) for v in (a, b))
    if a.ndim > 1 and a.shape == a.T.shape and _near(a, b.T, eps):
        return f"{of} transposed"
    count = int((b != 0).sum())
    if not count or np.any((a != 0) & (b == 0)) or _near(a, b, eps):
        return ""
    if _near(a, -b, eps):
        return f"{of} with the other sign"
    if _near(a, b.conj(), eps):
        return f"the complex conjugate of {of}"
    largest = np.unravel_index(int(np.argmax(np.abs(b))), b.shape)
    ratio = a[largest] / b[largest]
    if count > 2 and _near(a, ratio * b, eps):
        return f"{ratio:.6g} times {of}"
    return ""


def _near(a: np.ndarray, b: np.ndarray, eps: float) -> bool:
    return bool(np.all(np.abs(a - b) <= 8 * eps * np.abs(b)))


# ---- causes that the reference itself can replay -------------------------------------------------


class Changed(Engine):
    """An engine that is given other numbers: every floating tensor goes through `change` first."""

    def __init__(self, engine: Engine, change: Any) -> None:
        super().__init__(engine.name, engine.module, engine.device)
        self.change = change

    def tensor(self, data: np.ndarray) -> Any:
        if data.dtype.kind == "f" and data.size:
            data = np.asarray(self.change(data)).reshape(data.shape)
        return super().tensor(data)


def _of_reference(
    theirs: Engine, sample: Sample, form: str, a: np.ndarray, b: np.ndarray, summed: bool
) -> Iterator[tuple[str, np.ndarray]]:
    """(cause, result) pairs by running the reference on changed inputs."""

    def result(engine: Engine, **options: Any) -> np.ndarray | None:
        found = run(engine, sample, form, grad=False, **options).outputs.get("out")
        return found.array if isinstance(found, Value) and found.array.shape == b.shape else None

    once = result(theirs, wider=True)
    if once is not None and once.dtype.itemsize > b.dtype.itemsize:
        with np.errstate(all="ignore"):
            rounded = once.astype(b.dtype)
        yield "computed in higher precision, rounded once", rounded
        for name, mine in () if summed else (("ours", a), ("the reference's", b)):
            near = ulp.distance(mine, rounded) <= 1
            yield f"{name} is next to the correctly rounded value", np.where(near, mine, rounded)
        if not np.array_equal(replay.flush(b), b, equal_nan=True):
            yield "denormal results flushed", replay.flush(b)
    if b.dtype == np.float32:
        for name, change in replay.INPUTS.items():
            cut = result(Changed(theirs, change))
            if cut is not None and not np.array_equal(cut, b, equal_nan=True):
                yield name, cut


def of_sample(
    theirs: Engine, sample: Sample, form: str, a: np.ndarray, b: np.ndarray
) -> Explanation:
    """Explain the difference between two "out" arrays of a sample."""
    inputs = Inputs(theirs, sample, grad=False)
    host = theirs

    def plain(value: Any) -> Any:
        return np.array(host.array(value)) if host.is_tensor(value) else value

    args = [plain(v) for v in inputs.args]
    kwargs = {k: plain(v) for k, v in inputs.kwargs.items()}
    summed = replay.terms_of(sample.op, args, kwargs) is not None
    others = _of_reference(theirs, sample, form, a, b, summed) if a.dtype.kind == "f" else ()
    return explain(sample.op, args, kwargs, a, b, others)


# ---- the command ---------------------------------------------------------------------------------


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add(
        parser, "processes", "op_limit", processes="worker processes (default: 1; 0: none)",
        op_limit=f"give up a sample that takes so long in one place (default: {LIMIT:g})",
    )  # fmt: skip
    add = parser.add_argument
    add("op", help="an op's name: matmul, sum, nn.functional.conv2d, exp, …")
    add("--a", default="minitorch_ref", metavar="ENGINE",
        help="the engine that is explained (default: minitorch_ref)")  # fmt: skip
    add("--b", default="torch", metavar="ENGINE", help="the reference (default: torch)")
    add("--shapes", nargs="+", metavar="NxM", help="random inputs of these shapes")
    add("--dtype", default="float32", choices=ALL, metavar="DTYPE",
        help="of the random inputs, or of the samples (default: float32)")  # fmt: skip
    add("--seed", type=int, default=0, metavar="N", help="of the random inputs (default: 0)")
    add("-k", dest="note", default="", metavar="TEXT", help="only samples whose note has this")


def shapes_of(texts: list[str]) -> list[tuple[int, ...]]:
    """ "16x300" as (16, 300); EngineError for anything else."""
    try:
        shapes = [tuple(int(n) for n in text.split("x")) for text in texts]
        if min(map(min, shapes)) < 0:
            raise ValueError
        return shapes
    except ValueError:
        raise EngineError(f"--shapes: sizes joined by x, as in 16x300, got {texts}") from None


def _samples(args: argparse.Namespace, key: tuple[str, str]) -> list[Sample]:
    from .samples import samples_for
    from .samples.spec import Arr

    if args.shapes:
        shapes = shapes_of(args.shapes)
        arrays = tuple(Arr(s, args.dtype, "any", grad=False) for s in shapes)
        note = f"random {args.seed}"
        return [Sample(*key, note, arrays, {}, args.dtype)]
    return [
        s
        for s in samples_for(key)
        if s.kind == "call" and s.dtype == args.dtype and args.note in str(s)
    ]


def main(args: argparse.Namespace) -> int:
    """Print an explanation for every sample that differs; 0 if all bits are the same, else 1.

    2 if a sample hung, or ended its process: the others are explained.
    """
    namespace, _, name = args.op.rpartition(".")
    samples = _samples(args, (namespace or "torch", name))
    task = args.a, args.b, args.op, bool(args.shapes)
    if not samples:
        _opened(*task)  # it says first if there is no such op
        raise EngineError(f"{args.op}: no samples of {args.dtype} match -k {args.note!r}")
    lost: list[tuple[Sample, str]] = []
    differing = 0
    for text in tasks.run(
        _opened, _explained, task, samples, lost, args.op_limit, args.processes
    ):
        print(text, flush=True)
        differing += 1
    for sample, why in lost:
        print(f"parity: {sample}: {why}", file=sys.stderr)
    print(f"{differing} of {len(samples)} samples differ")
    return 2 if lost else int(bool(differing))


def _opened(a: str, b: str, op: str, asked: bool) -> tuple[Engine, Engine, bool]:
    """The two engines, if both have the op.

    asked: EngineError if there is nothing to compare, as nobody asked for anything else.
    """
    engines = open_engine(a), open_engine(b)
    namespace, _, name = op.rpartition(".")
    for engine in engines:
        if not callable(engine.find(namespace or "torch", name)):
            raise EngineError(f"{engine.name} has no function {op}")
    return *engines, asked


def _explained(made: tuple[Engine, Engine, bool], sample: Sample, at: tasks.At) -> Iterator[str]:
    """If the two differ in a sample: why."""
    a, b, asked = made
    records = []
    for engine in (a, b):
        at(f"{sample} on {engine.name}")
        records.append(run(engine, sample, grad=False))
    pair = [r.outputs.get("out") for r in records]
    ours, theirs = (v.array if isinstance(v, Value) else None for v in pair)
    if ours is None or theirs is None or ours.shape != theirs.shape:
        if asked:
            raise EngineError(f"{sample}: {_nothing(records, (a, b))}")
        return
    at(f"{sample}, replayed")
    found = of_sample(b, sample, "function", ours, theirs)
    if found.total:
        head = f"{sample}\n  {found.total} of {found.size} elements differ, {found.apart:g} ULP"
        yield "\n".join([head, *_lines(found)])


def _nothing(records: list, engines: tuple[Engine, Engine]) -> str:
    """Why two results cannot be compared."""
    raised = [
        f"{e.name} raises {r.error[0]}: {r.error[1].splitlines()[0]}"
        for r, e in zip(records, engines, strict=True)
        if r.error
    ]
    return "; ".join(raised) or "there is no single tensor of one shape to compare"


def _lines(found: Explanation, most: int = 5) -> Iterator[str]:
    """The best causes of either side's bits."""
    for side, title in (("theirs", "the reference is"), ("ours", "the other is")):
        best = found.best(side)
        if best is not None and getattr(best, side) < found.total / 2:
            yield f"    {title:18} none of {len(found.causes)} candidates; the nearest:"
        ranked = sorted(found.causes, key=lambda c: -getattr(c, side))[:most]
        for cause in [c for c in ranked if getattr(c, side)] or ranked[:1]:
            left = cause.left if side == "theirs" else cause.left_ours
            count = f"{getattr(cause, side)}/{found.total} elements"
            yield f"    {title:18} {cause.name}: {count}, {left:.3g} ULP left"
