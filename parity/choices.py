"""Telling a discrete choice from an arithmetic error, by moving the input by its own rounding error.

At a tie, a kink, a jump, a sort or a comparison, two right programs may choose differently: which of
two equal maxima, which subgradient at zero, which side of a step.  The reference is run again on
inputs moved by −1, 0 or +1 ULP.  If its results fall into heaps, one around each of the two answers,
the mismatch is a discrete choice, and both are valid: each is the exact answer to an input that
cannot be told from the given one.  If it jumps, but never to the answer that is judged, that choice
is not valid.  A jump is told from a slope by moving the input 64 times as far: a slope then leads
64 times as far away, a jump does not.  Slopes belong to rounding, and are left to the bounds.

Integers have no rounding error; they are moved as real numbers, by far less than one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .engines import Engine
from .samples.spec import Sample
from .values import _parts

TRIALS = 24
FIRST = 8  # if nothing jumps in so many, nothing will
FURTHER = 64  # ULPs of the second kind of trial
GAP = 4  # the gap between two heaps is this many times wider than the heaps

Rerun = Callable[[int, int], "np.ndarray | None"]


@dataclass(frozen=True)
class Choice:
    """How a mismatch looks to inputs that rounding cannot tell apart.

    elements: how many elements differ.  valid: how many of them the moved reference reproduces.
    trials: how often it ran.  discrete: whether there was a step at all.
    """

    elements: int
    valid: int
    trials: int
    discrete: bool

    @property
    def both_valid(self) -> bool:
        """Every differing element is a jump that the reference makes as well."""
        return self.discrete and self.valid == self.elements

    def __str__(self) -> str:
        if not self.discrete:
            return ""
        if self.both_valid:
            return (
                "discrete choice: both are valid, an input 1 ULP away gives the other one "
                f"({self.elements} elements, {self.trials} inputs tried)"
            )
        return (
            f"discrete choice: the reference's is valid, ours is not in {self.elements - self.valid} "
            f"of {self.elements} elements (no input within 1 ULP gives it; {self.trials} tried)"
        )


def classify(rerun: Rerun, a: np.ndarray, b: np.ndarray) -> Choice:
    """What kind of mismatch `a` (judged) and `b` (reference) are.

    rerun(trial, ulps): the reference's result for inputs moved by up to so many ULP, or None if it
        cannot be had.
    """
    counts = a.dtype.kind in "biu"  # indices and flags have no slope
    unit = 0.0 if counts else float(np.finfo(a.dtype).eps)
    a, b = _wide(a), _wide(b)
    differ = ~((a == b) | np.isnan(a) & np.isnan(b))
    ours, theirs = a[differ], b[differ]

    def runs(ulps: int, trials: range) -> np.ndarray:
        found = [rerun(trial, ulps) for trial in trials]
        kept = [_wide(r)[differ] for r in found if r is not None and _wide(r).shape == a.shape]
        return np.array(kept).reshape(len(kept), ours.size)

    near = runs(1, range(FIRST))
    if len(near) and _heaps(near, ours, theirs, counts)[0].any():
        near = np.concatenate([near, runs(1, range(FIRST, TRIALS))])
    if not len(near) or not ours.size:
        return Choice(int(ours.size), 0, len(near), False)
    steps, reached = _heaps(near, ours, theirs, counts)
    steps &= _apart(ours, theirs) > GAP * GAP * unit * np.abs(theirs)  # rounding has steps too
    if steps.any() and not counts:
        steps &= ~_slopes(runs(FURTHER, range(FIRST)), ours, theirs)
    return Choice(int(ours.size), int((reached & steps).sum()), len(near), bool(steps.any()))


def _heaps(near: np.ndarray, ours: np.ndarray, theirs: np.ndarray, counts: bool) -> Any:
    """(elements whose results leave theirs, elements whose results reach ours)."""
    gap = _apart(ours, theirs)
    leaves = (_apart(near, theirs) * GAP > (0 if counts else gap)).any(axis=0)
    stays = (_apart(near, theirs) * GAP < gap).any(axis=0)
    return leaves & stays, (_apart(near, ours) * GAP < gap).any(axis=0)


def _slopes(far: np.ndarray, ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """The elements whose results go on moving as their inputs do."""
    away = np.max(_apart(far, theirs), axis=0, initial=0)
    return (away > GAP * GAP * _apart(ours, theirs)) & np.isfinite(away)


def _apart(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        off = np.abs(x - y)
    same = (x == y) | np.isnan(x) & np.isnan(y)
    return np.where(same, 0.0, np.where(np.isnan(off), np.inf, off))


def _wide(a: np.ndarray) -> np.ndarray:
    return np.asarray(_parts(a), np.float64)


def moved(data: np.ndarray, trial: int, ulps: int, salt: int = 0) -> np.ndarray:
    """Real `data` with every element moved by −1, 0 or +1 times so many ULP.

    The first four trials are regular: all up, all down, up and down in turn, and the reverse.
    """
    if trial < 4:
        turn = np.arange(data.size).reshape(data.shape) % 2 * 2 - 1
        way = [np.ones_like(turn), -np.ones_like(turn), turn, -turn][trial]
    else:
        way = np.random.default_rng([trial, salt]).integers(-1, 2, data.shape)
    with np.errstate(all="ignore"):
        found = data + (way * ulps).astype(data.dtype) * np.abs(np.spacing(data))
    return np.where(np.isfinite(found), found, data).astype(data.dtype)


class Moved(Engine):
    """An engine whose tensors come out moved by up to so many ULP."""

    def __init__(self, engine: Engine, trial: int, ulps: int = 1, real: bool = False) -> None:
        super().__init__(engine.name, engine.module, engine.device)
        self.trial, self.ulps, self.real, self.count, self.engine = trial, ulps, real, 0, engine

    def find(self, namespace: str, name: str) -> Callable | None:
        return self.engine.find(namespace, name)

    def find_method(self, name: str) -> Callable | None:
        return self.engine.find_method(name)

    def tensor(self, data: np.ndarray) -> Any:
        """As the engine's, of moved data; integers become reals if `real` was asked for."""
        self.count += 1
        if self.real and data.dtype.kind in "iu" and data.size > 1:
            off = moved(np.ones(data.shape), self.trial, self.ulps, self.count) - 1
            data = data + off * 2.0**20
        elif data.dtype.kind in "fc" and data.size and data.flags.writeable:
            for part in (data.real, data.imag) if data.dtype.kind == "c" else (data,):
                part[...] = moved(part, self.trial, self.ulps, self.count)
        return self.engine.tensor(data)


def of_sample(
    theirs: Engine, sample: Sample, form: str, part: str, a: np.ndarray, b: np.ndarray
) -> Choice:
    """Classify the mismatch of one part ("out.indices", "grad[0]", …) of a sample."""
    from .record import Value, run

    integers = sample.dtype.startswith(("int", "uint"))

    def rerun(trial: int, ulps: int) -> np.ndarray | None:
        engine = Moved(theirs, trial, ulps, integers)
        record = run(engine, sample, form, grad=part.startswith("grad"))
        found = {**record.outputs, **record.grads, **record.seconds}.get(part)
        return found.array if isinstance(found, Value) else None

    return classify(rerun, a, b)
