"""How accurate the inexact pointwise functions are: our worst and mean error beside torch's, in ULP.

Every function of `accuracy_cases` is evaluated at the same points by both engines, and by an oracle:
mpmath for float64 and complex128, torch in double precision for the narrower types.  The contract is
that our worst error in a region is no larger than torch's own, or at most 2 ULP.

`evaluate` is the one measurement of the laboratory: this command is its table for values, the atlas
(atlas.py) draws it over more of the domain, gradients included.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from . import options, precise, ulp
from .accuracy_cases import BINARY, ORDERED, UNARY
from .engines import Engine, EngineError, open_engine
from .files import make_room
from .precise_special import DOUBTFUL
from .runner import matches
from .samples.materialise import rng
from .values import LIMIT

DTYPES = ("float16", "float32", "float64", "complex64", "complex128")
WIDE = {"float16": "float64", "float32": "float64", "complex64": "complex128"}
POINTS = 2000
CANCELLING = ("gelu", "log_ndtr", "tanhshrink")  # torch's lose all bits far left, or near zero
SLOW = 400  # points where mpmath is the oracle
SHARE, DOUBTS, MANY = 200, 8, 120  # points it takes over, points it is asked about, its digits


@dataclass(frozen=True)
class Case:
    """One function on one region: `order` comes before (polygamma) or after the tensors."""

    name: str
    region: tuple
    order: Any = None

    @property
    def doubtful(self) -> bool:
        """Whether torch in double precision cannot judge: mpmath does."""
        return self.name.rpartition(".")[2] in (*DOUBTFUL, *CANCELLING)

    @property
    def text(self) -> str:
        if isinstance(self.region[0], str):  # a place that has a name, not numbers
            shown = self.region[0]
        else:
            sides = self.region if isinstance(self.region[0], tuple) else (self.region,)
            shown = " × ".join(f"[{a:g}, {b:g}]" for a, b in sides)
        return shown if self.order is None else f"{self.order}; {shown}"


@dataclass(frozen=True)
class Evaluated:
    """Signed errors in ULP of both engines at the points `arrays`; ±FAR: wrong in kind."""

    arrays: list[np.ndarray]
    ours: np.ndarray
    theirs: np.ndarray
    proven: bool = False  # torch in double precision was found wanting

    @property
    def worst(self) -> float:
        """The largest error of either engine."""
        return float(max(np.abs(self.ours).max(), np.abs(self.theirs).max()))

    def at(self, index: int) -> str:
        """The point with that index, as text."""
        return ", ".join(repr(x[index].item()) for x in self.arrays)


@dataclass(frozen=True)
class Measured:
    """The errors of both engines on one case in one dtype; `far`: results that are wrong in kind."""

    name: str
    region: str
    dtype: str
    points: int
    ours: float
    ours_mean: float
    theirs: float
    theirs_mean: float
    at: str

    @property
    def ok(self) -> bool:
        """Whether the contract holds."""
        return self.ours <= max(self.theirs, LIMIT)


def cases(pattern: str = "") -> list[Case]:
    """Every case whose function's name matches."""
    found = [Case(n, r) for table in (UNARY, BINARY) for n, rs in table.items() for r in rs]
    found += [Case(n, r, k) for n, (orders, rs) in ORDERED.items() for k in orders for r in rs]
    return [c for c in found if matches(c.name, pattern)]


def points(case: Case, dtype: str, count: int) -> list[np.ndarray]:
    """The case's arguments: the same for every engine and on every machine."""
    sides = case.region if isinstance(case.region[0], tuple) else (case.region,)
    draw = rng("accuracy", case.name, case.text, dtype)
    made = []
    for low, high in sides:
        real = _drawn(draw, low, high, count)
        if dtype.startswith("complex"):
            real = real + 1j * _drawn(draw, low, high, count)
        made.append(_within(real, low, high, np.dtype(dtype)))
    return made


def _drawn(draw: np.random.Generator, low: float, high: float, count: int) -> np.ndarray:
    sign = -1 if high <= 0 else 1
    a, b = sorted((sign * low, sign * high))
    if a > 0 and b / a > 30:
        return sign * np.exp(draw.uniform(np.log(a), np.log(b), count))
    return draw.uniform(low, high, count)


def _within(x: np.ndarray, low: float, high: float, dtype: np.dtype) -> np.ndarray:
    """`x` in its type, values that rounding pushed out of the region left out."""
    if dtype.kind == "c":
        return x.astype(dtype)
    with np.errstate(over="ignore"):
        narrow, middle = x.astype(dtype), np.array((low + high) / 2).astype(dtype)
        keep = (narrow >= low) & (narrow <= high) & np.isfinite(narrow) & (narrow != 0)
    return np.where(keep, narrow, middle if np.isfinite(middle) else dtype.type(1))


def call(engine: Engine, case: Case, arrays: list[np.ndarray], part: str = "out") -> np.ndarray:
    """The engine's values of the case's function, or with `part` "grad[i]" its slope in tensor i."""
    namespace, _, name = case.name.rpartition(".")
    function = engine.find(namespace or "torch", name)
    if function is None:
        raise NotImplementedError(case.name)
    tensors = [engine.tensor(a.copy()) for a in arrays]
    args: list[Any] = list(tensors)
    if case.order is not None:
        args.insert(0 if name == "polygamma" else 1, case.order)
    if part == "out":
        return np.asarray(engine.array(function(*args)))
    leaf = tensors[int(part[5:-1])].requires_grad_()
    out = function(*args)
    ones = engine.tensor(np.ones_like(engine.array(out.detach())))
    return np.asarray(engine.array(engine.module.autograd.grad(out, [leaf], ones)[0]))


def oracle(
    torch: Engine, case: Case, arrays: list[np.ndarray], theirs: np.ndarray, part: str = "out"
) -> Any:
    """The true values, at least twice as precise; None where there is no oracle."""
    wide = WIDE.get(theirs.dtype.name)
    if wide and not case.doubtful:
        return call(torch, case, [a.astype(wide) for a in arrays], part)
    return proven(case, arrays, theirs, part)


def proven(
    case: Case, arrays: list[np.ndarray], theirs: np.ndarray, part: str, digits: int = precise.DIGITS
) -> Any:
    """mpmath's values, or None; torch's stand where mpmath has none."""
    name = case.name.rpartition(".")[2]
    args: list[Any] = list(arrays)
    first = name == "polygamma"
    if case.order is not None:
        args.insert(0 if first else 1, case.order)
    if part == "out":
        return precise.evaluate(name, args, theirs, digits)
    which, ones = int(part[5:-1]) + first, np.ones_like(theirs)
    return precise.derivative(name, args, which, ones, theirs, digits)


def evaluate(
    ours: Engine,
    torch: Engine,
    case: Case,
    arrays: list[np.ndarray],
    part: str = "out",
    doubt: bool = True,
) -> Evaluated | None:
    """Both engines at `arrays`; None for types that torch does not take or nobody can judge.

    torch in double precision is an oracle only as good as its formula: one that cancels (x − tanh x)
    is no oracle at all.  Where either engine seems to be more than 2 ULP off, mpmath is asked about
    the worst points, and if it disagrees it judges instead, over a share of the points.
    """
    dtype = arrays[0].dtype
    try:
        theirs = call(torch, case, arrays, part)
    except (NotImplementedError, RuntimeError):
        return None
    exact = oracle(torch, case, arrays, theirs, part) if theirs.dtype == dtype else None
    if exact is None:
        return None
    mine = call(ours, case, arrays, part)
    a, b = signed(mine, exact), signed(theirs, exact)
    quick = doubt and dtype.name in WIDE and not case.doubtful
    if quick and not _trusted(case, arrays, theirs, exact, a, b, part):
        some = np.unique(np.linspace(0, a.size - 1, SHARE).astype(int))
        arrays, mine, theirs = [x[some] for x in arrays], mine[some], theirs[some]
        exact = proven(case, arrays, theirs, part, MANY)
        return Evaluated(arrays, signed(mine, exact), signed(theirs, exact), proven=True)
    return Evaluated(arrays, a, b)


def _trusted(
    case: Case,
    arrays: list[np.ndarray],
    theirs: np.ndarray,
    exact: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    part: str,
) -> bool:
    """Whether mpmath agrees with `exact` where the errors `a` and `b` are largest."""
    if max(np.abs(a).max(), np.abs(b).max()) <= LIMIT:
        return True
    worst = np.unique(np.r_[np.argsort(-np.abs(a))[:DOUBTS], np.argsort(-np.abs(b))[:DOUBTS]])
    there = [x[worst] for x in arrays]
    sure = proven(case, there, theirs[worst], part, MANY)
    if sure is None:
        return True  # there is no better judge
    with np.errstate(all="ignore"):
        known = np.isfinite(sure) & (np.abs(a[worst]) < ulp.FAR)
        real = np.dtype(f"f{theirs.dtype.itemsize // (2 if theirs.dtype.kind == 'c' else 1)}")
        unit = ulp.spacing(np.abs(np.where(known, sure, 1)), real)
        return bool((np.abs(exact[worst] - sure)[known] <= unit[known] / 8).all())


def signed(a: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """ulp.error with a sign: positive where `a` is too large (complex: the component that is worse)."""
    with np.errstate(all="ignore"):
        off = a.astype(exact.dtype) - exact
        if off.dtype.kind == "c":
            off = np.where(np.abs(off.real) >= np.abs(off.imag), off.real, off.imag)
    return np.where(off < 0, -1.0, 1.0) * ulp.error(a, exact)


def measure(ours: Engine, torch: Engine, case: Case, dtype: str, count: int) -> Measured | None:
    """Both engines on one case in one dtype, its values only."""
    found = evaluate(ours, torch, case, points(case, dtype, count))
    if found is None:
        return None
    a, b = np.abs(found.ours), np.abs(found.theirs)
    return Measured(
        case.name, case.text, dtype, len(a),
        float(a.max()), float(a.mean()), float(b.max()), float(b.mean()),
        found.at(int(np.argmax(a))),
    )  # fmt: skip


def survey(
    ours: Engine,
    torch: Engine,
    name: str,
    dtypes: tuple[str, ...] = DTYPES,
    count: int = POINTS,
    slow: int = SLOW,
    begun: Callable[[str], None] = lambda place: None,
) -> Iterator[Measured]:
    """Measure one function in every region and dtype; `begun` is told of each before."""
    for case in (c for c in cases() if c.name == name):
        for dtype in dtypes:
            begun(f"{name} of {dtype}, {case.text}")
            quick = dtype in WIDE and not case.doubtful
            found = measure(ours, torch, case, dtype, count if quick else slow)
            if found is not None:
                yield found


# ---- the command -----------------------------------------------------------------------------------


def add_depth(parser: argparse.ArgumentParser, out: str) -> None:
    """The options of whatever surveys functions; `out`: what goes where --out says."""
    options.add(
        parser, "pattern", "ours", "theirs", "out", "processes", "op_limit",
        pattern="only functions that match", out=out,
        op_limit="stop a function that gives no region for so long (default: 600)",
    )  # fmt: skip
    add, count = parser.add_argument, options.at_least(1)
    add("--dtype", action="append", choices=DTYPES, help="only this type (may be repeated)")
    add("--points", type=count, default=POINTS, help=f"points a region (default: {POINTS})")
    add("--slow", type=count, default=SLOW, help=f"points with mpmath as oracle (default: {SLOW})")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_depth(parser, "where accuracy.json goes (default: out/parity)")
    parser.add_argument("--all", action="store_true", help="show every region, not only each function's worst")


def main(args: argparse.Namespace) -> int:
    """0 the contract holds everywhere, 1 it does not, 2 a function could not be measured."""
    from . import functions_run
    from .progress import Progress
    from .session import write_atomically

    for spec in (args.ours, args.theirs):
        open_engine(spec)  # says at once what is wrong with it
    wanted = list(dict.fromkeys(c.name for c in cases(args.pattern)))
    if not wanted:
        raise EngineError(f"nothing matches -k {args.pattern!r}")
    path = Path(args.out or "out/parity") / "accuracy.json"
    make_room(path)
    depth = tuple(args.dtype or DTYPES), args.points, args.slow
    limit = args.op_limit or functions_run.PATIENCE
    with Progress() as progress:
        progress.start("functions", len(wanted))
        found, unfinished = functions_run.run(
            survey, args.ours, args.theirs, wanted, depth, args.processes, progress.step, limit
        )
    for name, why in unfinished.items():
        print(f"parity: {name}: {why}", file=sys.stderr)
    write_atomically(path, json.dumps([asdict(m) | {"ok": m.ok} for m in found], indent=1))
    show(found, args.all)
    bad = [m for m in found if not m.ok]
    print(f"{path}: {len(found)} measurements, {len(bad)} beyond the contract")
    return 2 if unfinished else int(bool(bad))


def show(found: list[Measured], every: bool = False) -> None:
    """The table on the terminal: each function's worst region per dtype, or all of them."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title="errors in ULP: worst (mean)", title_justify="left")
    for name in ("function", "type", "region", "ours", "torch", ""):
        table.add_column(name, justify="right" if name in ("ours", "torch") else "left")
    for m in found if every else worst(found):
        table.add_row(
            m.name, m.dtype, m.region,
            f"{m.ours:.3g} ({m.ours_mean:.2g})", f"{m.theirs:.3g} ({m.theirs_mean:.2g})",
            "" if m.ok else "[red]beyond[/]",
        )  # fmt: skip
    Console(width=None if Console().is_terminal else 130).print(table)


def worst(found: list[Measured]) -> list[Measured]:
    """Of each function and dtype the region that is worst: beyond the contract first."""
    best: dict[tuple[str, str], Measured] = {}
    for m in found:
        key = m.name, m.dtype
        if key not in best or (not m.ok, m.ours) > (not best[key].ok, best[key].ours):
            best[key] = m
    return list(best.values())
