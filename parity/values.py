"""Comparing two arrays of numbers: bits first, then positions, then errors against the oracle.

1. Same bits everywhere (signs of zeros included, nan payloads not): identical.
2. nan, ±inf and −0 must stand at the same places.
3. Level "exact", and every integer or boolean result: anything else is a mismatch.
4. Otherwise three values are on the table: ours, torch's and the oracle's.  Ours is within the
   bound if each element is at most 2 ULP from the oracle, or (levels "sum", "factorization")
   within γₙ·(|J||x|), see bounds.py, or no further than torch's own worst error.  Errors on one
   sample can be luck, so before we are called worse a sign test over close variations of the
   sample must agree (oracle.py).  Outside: "worse".  Torch outside and we inside: "better".
   Of the errors is also kept how large they are in ULP where nothing cancels (in a difference of
   large terms the ULP of the result is no yardstick), and what share of the bound they are.  Errors
   that the bound does not explain are for that compared with what the roundings of the op's own steps
   do: what cancels between input and result is in no Jacobian.  Verdicts know nothing of it.
5. No oracle: both sides may be off by the bound, so their distance by twice the bound.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import nullmodel, ulp
from .outcome import Check, Verdict

LIMIT = 2.0  # ULP

CANCELS = 16.0  # terms so many times as large as their sum: it has lost four bits before rounding


@dataclass(frozen=True)
class Bound:
    """What the data of a sample allow each element of its result.

    allowed: flat indices → (allowed error in ULP, condition Σ|∂y/∂x||x| / |y|).
    reach: how many ULP roundings of all intermediate results move each element, one row for each of
        a few runs; or None.
    """

    allowed: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
    reach: Callable[[], np.ndarray | None] = lambda: None


Near = Callable[[], Any]  # the sign test: an oracle.Neighbourhood


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    """Equal dtype, shape and bits; any nan equals any nan."""
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if a.tobytes() == b.tobytes():
        return True
    if a.dtype.kind not in "fc":
        return False
    a, b = _parts(a), _parts(b)
    nan = np.isnan(a)
    if not np.array_equal(nan, np.isnan(b)):
        return False
    return bool(np.all(nan | ((a == b) & (np.signbit(a) == np.signbit(b)))))


def _parts(a: np.ndarray) -> np.ndarray:
    """Real numbers: complex arrays become (…, 2)."""
    if a.dtype.kind != "c":
        return a
    return np.stack([a.real, a.imag], -1)


def first(mask: np.ndarray) -> tuple[int, ...]:
    """Index of the first true element."""
    return tuple(int(i) for i in np.argwhere(mask)[0]) if mask.ndim else ()


def positions(a: np.ndarray, b: np.ndarray, zeros: bool = True) -> str:
    """What differs in where nan, inf and −0 stand: empty when nothing does."""
    pa, pb = _parts(a), _parts(b)
    finite = np.isfinite(pa) & np.isfinite(pb)
    tests = [
        ("nan", np.isnan(pa), np.isnan(pb)),
        ("+inf", pa == np.inf, pb == np.inf),
        ("-inf", pa == -np.inf, pb == -np.inf),
    ]
    if zeros and a.dtype.kind != "c":
        minus = [
            (
                "-0",
                finite & (pa == 0) & (pb == 0) & np.signbit(pa),
                finite & (pa == 0) & (pb == 0) & np.signbit(pb),
            )
        ]
        tests += minus
    for name, ours, theirs in tests:
        if not np.array_equal(ours, theirs):
            where = first(ours != theirs)
            seen = f"at {where} ours is {pa[where]!s}, torch's {pb[where]!s}"
            return f"{name} at different places: {seen}"
    return ""


def _describe(a: np.ndarray, b: np.ndarray, errors: np.ndarray, exact: np.ndarray | None) -> str:
    at = np.unravel_index(int(np.argmax(errors)), errors.shape) if errors.size else ()
    text = f"at {tuple(int(i) for i in at)} ours is {a[at]!s}, torch's {b[at]!s}"
    return text + (f", the oracle's {exact[at]!s}" if exact is not None else "")


def compare_arrays(
    a: np.ndarray,
    b: np.ndarray,
    part: str,
    level: str,
    oracle: Callable[[], np.ndarray | None],
    bound: Bound | None = None,
    near: Near | None = None,
) -> Check:
    """One check of our array `a` against torch's `b`.

    `oracle`, `bound` and `near` cost something and are called only if they can decide.
    """
    if same_bits(a, b):
        return Check(Verdict.IDENTICAL, part)
    if a.dtype != b.dtype or a.shape != b.shape:
        return Check(
            Verdict.MISMATCH,
            part,
            detail=f"ours is {a.dtype} {a.shape}, torch's {b.dtype} {b.shape}",
        )
    if a.dtype.kind not in "fc" or level == "exact":
        return _exact(a, b, part)
    exact = oracle()
    if exact is not None and exact.shape != a.shape:
        exact = None
    wrong = positions(a, b)
    if wrong and not _edge_of_range(a, b, exact):
        return Check(Verdict.MISMATCH, part, detail=wrong)
    return _judge(a, b, part, exact, bound if level in ("sum", "factorization") else None, near)


def _edge_of_range(a: np.ndarray, b: np.ndarray, exact: np.ndarray | None) -> bool:
    """True if every misplaced infinity or zero is one rounding away from the oracle's number."""
    if exact is None or a.dtype.kind == "c" or np.any(np.isnan(a) != np.isnan(b)):
        return False
    differ = (
        (np.isinf(a) != np.isinf(b))
        | (np.isinf(a) & (a != b))
        | ((a == 0) & (b == 0) & (np.signbit(a) != np.signbit(b)))
    )
    return bool(
        np.all(np.where(differ, (ulp.error(a, exact) <= LIMIT) & ~((a == 0) & (b == 0)), True))
    )


def _exact(a: np.ndarray, b: np.ndarray, part: str) -> Check:
    pa, pb = _parts(a), _parts(b)
    if a.dtype.kind in "fc":
        differ = ~((pa == pb) & (np.signbit(pa) == np.signbit(pb)) | np.isnan(pa) & np.isnan(pb))
        far = float(np.max(ulp.distance(pa, pb)))
        where = first(differ)
        return Check(
            Verdict.MISMATCH,
            part,
            ours=far,
            theirs=0.0,
            bound=0.0,
            detail=f"must be bit-identical: at {where} ours is {pa[where]!s}, "
            f"torch's {pb[where]!s} ({far:g} ULP apart)",
        )
    where = first(pa != pb)
    return Check(
        Verdict.MISMATCH, part, detail=f"at {where} ours is {pa[where]!s}, torch's {pb[where]!s}"
    )


def _judge(
    a: np.ndarray,
    b: np.ndarray,
    part: str,
    exact: np.ndarray | None,
    bound: Bound | None,
    near: Near | None,
) -> Check:
    """Steps 4 and 5 of the comparison."""
    if exact is None:
        ours, theirs, share = ulp.error(a, _wider(b)), np.zeros(a.shape), 2.0
    else:
        ours, theirs, share = ulp.error(a, exact), ulp.error(b, exact), 1.0
    worst_ours, worst_theirs = float(np.max(ours)), float(np.max(theirs))
    limit, condition = _limits(ours, theirs, share, bound)
    due = limit  # what the error is a share of
    if bound is not None and _unexplained(np.maximum(ours, theirs), limit, condition):
        reach = bound.reach()  # does anything cancel on the way?
        if reach is not None:
            condition = np.maximum(condition, np.sqrt(np.mean(reach**2, axis=0)))
            due = np.maximum(limit, nullmodel.limit(reach))
    we_fail = (ours > limit) & (ours > worst_theirs)
    allowed = float(np.max(np.where(ours == worst_ours, limit, 0)))
    facts: dict[str, Any] = {"ours": worst_ours, "theirs": worst_theirs, "bound": allowed}
    facts["oracle"] = exact is not None
    facts |= _yardsticks(ours, theirs, due, condition)
    if we_fail.any() and near is not None:
        around = near()
        if around.decides:
            text = (
                f"worse than torch in only {around.worse} of {around.runs} variations "
                f"(at most {around.ours:.3g} and {around.theirs:.3g} ULP)"
            )
            return Check(Verdict.EQUAL, part, detail=text, **facts)
    if we_fail.any():
        text = _describe(a, b, np.where(we_fail, ours - limit, -1), exact)
        if ours.size > 1:
            text += f"; {int(we_fail.sum())} of {ours.size} elements"
        verdict = Verdict.WORSE if exact is not None else Verdict.MISMATCH
        return Check(
            verdict,
            part,
            detail=f"{worst_ours:.3g} ULP off (torch {worst_theirs:.3g}, "
            f"bound {allowed:.3g}): {text}",
            **facts,
        )
    if (theirs > limit).any() and not (ours > limit).any():
        return Check(
            Verdict.BETTER,
            part,
            detail=f"torch is {worst_theirs:.3g} ULP off, ours {worst_ours:.3g}",
            **facts,
        )
    return Check(Verdict.EQUAL, part, **facts)


def _limits(
    ours: np.ndarray, theirs: np.ndarray, share: float, bound: Bound | None
) -> tuple[np.ndarray, np.ndarray]:
    """Of each element the allowed error, 2 ULP or the bound where that is exceeded; its condition.

    The condition is 1 where there is no bound, or no need of it.
    """
    limit, condition = np.full(ours.shape, share * LIMIT), np.ones(ours.shape)
    rows = np.flatnonzero((ours > limit) | (theirs > limit))
    if bound is not None and rows.size:
        allowed, condition.reshape(-1)[rows] = bound.allowed(rows)
        limit.reshape(-1)[rows] = np.maximum(limit.reshape(-1)[rows], share * allowed)
    return limit, condition


def _unexplained(worst: np.ndarray, limit: np.ndarray, condition: np.ndarray) -> bool:
    """Whether an error is beyond its bound, or large though its terms are not."""
    return bool(((worst > limit) | (worst > CANCELS) & (condition <= CANCELS)).any())


def _yardsticks(
    ours: np.ndarray, theirs: np.ndarray, due: np.ndarray, condition: np.ndarray
) -> dict[str, float]:
    """The largest errors as shares of what is `due`, and in ULP where nothing cancels."""
    plain = condition <= CANCELS
    places = int(np.argmax(ours)), int(np.argmax(theirs))
    reach = [float(condition.reshape(-1)[place]) for place in places]
    return {
        "share_ours": float(np.max(ours / due)),
        "share_theirs": float(np.max(theirs / due)),
        "plain_ours": float(np.max(ours, initial=0, where=plain)),
        "plain_theirs": float(np.max(theirs, initial=0, where=plain)),
        "condition_ours": reach[0],
        "condition_theirs": reach[1],
    }


def _wider(a: np.ndarray) -> np.ndarray:
    return a.astype({"f": np.longdouble, "c": np.clongdouble}[a.dtype.kind])
