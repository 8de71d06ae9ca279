"""The ULP atlas: where in its domain each inexact function goes wrong, ours and torch's.

For every function of `accuracy_cases` × dtype × (value, each gradient): a histogram of signed errors
against the oracle, and a map of the error over the regions of accuracy.py, over the whole line of
the dtype's numbers, and beside the edges where the result overflows, underflows or passes zero
(atlas_points.py).  The numbers also serve as a ratchet: see atlas_ratchet.py.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from . import accuracy, atlas_points, ulp
from .accuracy import DTYPES, SLOW, Case, Evaluated
from .accuracy_cases import BINARY
from .engines import Engine, open_engine
from .files import make_room
from .values import LIMIT

COLUMNS, CELLS = 96, 16
POINTS, SLOPES = 2000, 200  # precise.derivative takes at most 256
# mpmath answers these over the whole line, and quickly.
ELEMENTARY = (
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "rsqrt", "reciprocal",
    "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh",
    "sigmoid", "erf", "deg2rad", "rad2deg",
)  # fmt: skip
BINS = [-ulp.FAR * 2, -256, -16, -4, *np.arange(-2, 2.01, 0.25), 4, 16, 256, ulp.FAR * 2]
LETTERS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Depth:
    """How many points: of a region, of the whole line, and where mpmath is the oracle.

    full: gradients too, and everything that needs mpmath; otherwise a region where either engine
    seems more than 2 ULP off is left out, as torch in double precision alone cannot blame it.
    """

    points: int = POINTS
    line: int = atlas_points.LINE
    slow: int = SLOW
    full: bool = True


def names(pattern: str = "") -> dict[str, list[Case]]:
    """The matching functions with their cases."""
    found: dict[str, list[Case]] = {}
    for case in accuracy.cases(pattern):
        found.setdefault(case.name, []).append(case)
    return found


def parts(name: str) -> list[str]:
    """The value, and the slope in each tensor."""
    return ["out", "grad[0]", "grad[1]"] if name in BINARY else ["out", "grad[0]"]


def survey(
    ours: Engine,
    torch: Engine,
    name: str,
    dtypes: tuple[str, ...] = DTYPES,
    depth: Depth = Depth(),
    begun: Callable[[str], None] = lambda place: None,
) -> Iterator[dict[str, Any]]:
    """The records of one function: one for each dtype and part that can be judged.

    begun: told of each region before it is looked at.
    """
    cases = names(name)[name]
    for dtype in dtypes:
        # of complex slopes there is no oracle that owes nothing to torch's formulas
        slopes = depth.full and not dtype.startswith("complex")
        for part in parts(name)[: None if slopes else 1]:
            regions, doubted = [], False
            begun(f"{name} {part} of {dtype}")
            for case, arrays, shape in _places(torch, cases, np.dtype(dtype), part, depth):
                if doubted and part != "out" and not isinstance(shape, tuple):
                    break  # numerical slopes do not reach to the ends of the line
                begun(f"{name} {part} of {dtype}, {case.text}")
                found = accuracy.evaluate(ours, torch, case, arrays, part, depth.full)
                if found is not None and (depth.full or found.worst <= LIMIT):
                    doubted = doubted or found.proven
                    regions.append(described(case.text, found, shape))
            if regions:
                yield {"name": name, "part": part, "dtype": dtype, **_together(regions)}


def _places(
    torch: Engine, cases: list[Case], dtype: np.dtype, part: str, depth: Depth
) -> Iterator[tuple[Case, list[np.ndarray], Any]]:
    """(case, points, shape): shape is "line", the edges, or the sides of a region."""
    first = cases[0]
    quick = dtype.name in accuracy.WIDE and not first.doubtful
    orders = {c.order for c in cases}
    slow = SLOPES if part != "out" else depth.slow
    if first.name not in ELEMENTARY:
        slow = max(1, slow // (4 * len(orders)))
    count = depth.points if quick else slow
    for case in cases:
        sides = case.region if isinstance(case.region[0], tuple) else (case.region,)
        complex_ = dtype.kind == "c"
        yield case, accuracy.points(case, dtype.name, count), sides * 2 if complex_ else sides
    if dtype.kind != "f" or first.name in BINARY:
        return
    if not quick and (part != "out" or first.name not in ELEMENTARY):
        return  # numerical slopes do not reach to the ends of the line
    for order in sorted(orders, key=str):
        case = Case(first.name, ("whole line",), order)
        yield case, [_line(torch, case, dtype, depth, quick)], "line"
        try:
            found = atlas_points.edges(
                lambda x, c=case: accuracy.call(torch, c, [x], part),  # type: ignore[misc]
                dtype,
                depth.line,
            )
        except (NotImplementedError, RuntimeError):
            continue
        if found:
            kept = found if quick else found[:8]
            around = atlas_points.beside([x for x, _ in kept], dtype, 64 if quick else 16)
            yield Case(first.name, ("edges",), order), [around.reshape(-1)], kept


def _line(torch: Engine, case: Case, dtype: np.dtype, depth: Depth, quick: bool) -> np.ndarray:
    """The whole line; for mpmath fewer points, and only where the function is defined."""
    if quick:
        return atlas_points.line(dtype, depth.line)
    x = atlas_points.line(dtype, 2 * depth.slow)
    defined = ~np.isnan(accuracy.call(torch, case, [x]))
    return np.where(defined, x, x[defined][:1])


def described(text: str, found: Evaluated, shape: Any) -> dict[str, Any]:
    """What the page shows of one region, and the errors for `_together`."""
    a, b = np.abs(found.ours), np.abs(found.theirs)
    facts: dict[str, Any] = {
        "text": text,
        "points": len(a),
        "ours": float(a.max()),
        "theirs": float(b.max()),
        "found": found,
    }
    if shape == "line":
        place = atlas_points.position(found.arrays[0], None)
        return facts | {"map": [_columns(place, e) for e in (a, b)]}
    if isinstance(shape, list):
        rows = _per_edge(found.arrays[0], a, b, shape)
        rows.sort(key=lambda r: -r[2])
        return facts | {"edges": rows[:6], "count": len(rows)}
    axes = found.arrays
    if axes[0].dtype.kind == "c":
        axes = [p for x in axes for p in (x.real, x.imag)][:2]
    where = [np.clip(atlas_points.position(x, s), 0, 1) for x, s in zip(axes, shape)]
    facts["sides"] = [[*s, atlas_points.logarithmic(*s)] for s in shape[: len(where)]]
    if len(where) == 1:
        return facts | {"map": [_columns(where[0], e) for e in (a, b)]}
    return facts | {"grid": [_cells(where[0], where[1], e) for e in (a, b)]}


def _per_edge(
    x: np.ndarray, a: np.ndarray, b: np.ndarray, found: list[tuple[float, str]]
) -> list[tuple[float, str, float, float]]:
    """(edge, kinds, our worst, torch's worst): each point counts for the edge that is nearest."""
    places = ulp.ordered(np.array([e for e, _ in found], x.dtype))
    nearest = np.argmin(np.abs(ulp.ordered(x)[:, None] - places), axis=1)
    return [
        (edge, kind, float(a[nearest == i].max()), float(b[nearest == i].max()))
        for i, (edge, kind) in enumerate(found)
        if (nearest == i).any()
    ]


def level(error: np.ndarray) -> list[str]:
    """Errors as letters: 0 exact, three steps an octave from 2⁻⁴ to 2¹⁶, the last: wrong in kind."""
    with np.errstate(divide="ignore", invalid="ignore"):  # below zero: no point is there
        steps = np.clip(np.round(3 * (np.log2(error) + 4)) + 1, 1, 60)
        steps = np.where(error == 0, 0, np.where(error >= ulp.FAR, 61, steps)).astype(int)
    return ["." if e < 0 else LETTERS[s] for e, s in zip(error, steps, strict=True)]


def _columns(place: np.ndarray, error: np.ndarray, count: int = COLUMNS) -> str:
    """The largest error in each of `count` columns, one letter each; "." where no point is."""
    worst = np.full(count, -1.0)
    np.maximum.at(worst, np.minimum((place * count).astype(int), count - 1), error)
    with np.errstate(invalid="ignore"):
        return "".join(level(worst))


def _cells(x: np.ndarray, y: np.ndarray, error: np.ndarray) -> str:
    """The same for two numbers: rows of cells, the largest y first."""
    across = np.minimum((x * CELLS).astype(int), CELLS - 1)
    down = CELLS - 1 - np.minimum((y * CELLS).astype(int), CELLS - 1)
    return _columns((down * CELLS + across + 0.5) / CELLS**2, error, CELLS**2)


def _together(regions: list[dict[str, Any]]) -> dict[str, Any]:
    """A record's figures and histograms from all its regions."""
    found: list[Evaluated] = [r.pop("found") for r in regions]
    sides = {}
    for side in ("ours", "theirs"):
        error = np.concatenate([getattr(f, side) for f in found])
        size = np.abs(error)
        right = size < ulp.FAR
        sides[side] = {
            "worst": float(size[right].max(initial=0)),
            "p99": float(np.quantile(size[right], 0.99)) if right.any() else 0.0,
            "misrounded": float(np.mean(size > 0.5)),
            "wrong": int(np.sum(~right)),
            "histogram": np.histogram(error, BINS)[0].tolist(),
        }
    worst = max(found, key=lambda f: float(np.abs(f.ours).max()))
    at = worst.at(int(np.argmax(np.abs(worst.ours))))
    return {"points": sum(r["points"] for r in regions), "at": at, **sides, "regions": regions}


# ---- the command -----------------------------------------------------------------------------------


def add_arguments(parser: argparse.ArgumentParser) -> None:
    accuracy.add_depth(parser, "where atlas.html and atlas.json go (default: out/parity)")
    add = parser.add_argument
    add("--store", metavar="FILE", help="write the figures that a later run must not exceed")
    add("--against", metavar="FILE", help="fail where a figure is worse than the stored one")


def main(args: argparse.Namespace) -> int:
    """0 no figure is worse than the stored one (or none were asked for), 1 some are.

    2 if a function could not be surveyed: the others are on the page, nothing is stored.
    """
    from . import atlas_page, atlas_ratchet, atlas_run
    from .engines import EngineError
    from .progress import Progress

    stored = atlas_ratchet.load(Path(args.against)) if args.against else None
    open_engine(args.ours)  # says at once what is wrong with it
    theirs = open_engine(args.theirs)
    chosen = list(names(args.pattern))
    if not chosen:
        raise EngineError(f"nothing matches -k {args.pattern!r}")
    folder = Path(args.out or "out/parity")
    for path in (folder / "atlas.html", *([Path(args.store)] if args.store else [])):
        make_room(path)
    depth = Depth(args.points, slow=args.slow)
    if stored is not None:
        depth = Depth(**stored["depth"])  # figures are comparable only over the same points
    dtypes, started = tuple(args.dtype or DTYPES), time.perf_counter()
    with Progress() as progress:
        progress.start("atlas", len(chosen))
        limit = args.op_limit or atlas_run.PATIENCE
        records, unfinished = atlas_run.run(
            args.ours, args.theirs, chosen, dtypes, depth, args.processes, progress.step, limit
        )
    for name, why in unfinished.items():
        print(f"parity: {name}: {why}", file=sys.stderr)
    if not records:
        if unfinished:
            return 2
        raise EngineError(f"-k {args.pattern!r}: torch has none of that in {', '.join(dtypes)}")
    data = {
        "ours": args.ours,
        "theirs": args.theirs,
        "build": atlas_ratchet.build(theirs),
        "seconds": round(time.perf_counter() - started, 1),
        "records": records,
    }
    page = atlas_page.write(data, folder)
    atlas_page.show(records)
    if args.store and not unfinished:
        atlas_ratchet.store(Path(args.store), records, depth, data["build"])
    print(f"atlas: {page}   ({data['seconds']:.0f} s, {len(records)} records)")
    worse = atlas_ratchet.report(stored, data, args.pattern, dtypes) if stored is not None else 0
    return 2 if unfinished else worse


def as_json(data: dict[str, Any]) -> str:
    """Compact, one record a line, six digits."""
    head = {k: v for k, v in data.items() if k != "records"}
    rows = ",\n".join(
        json.dumps(_short(r), separators=(",", ":"), ensure_ascii=False) for r in data["records"]
    )
    return json.dumps(head)[:-1] + ', "records": [\n' + rows + "\n]}\n"


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _short(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_short(v) for v in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value
