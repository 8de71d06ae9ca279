"""Delta debugging of a failing sample: fewest elements, simplest shape, simplest numbers.

`shrink(sample, fails)` tries smaller samples as long as `fails(sample)` stays true:

1. every tensor contiguous and literal, every keyword argument that can go gone;
2. sizes: all dims of one size shrink together (shapes fit each other), then dims one by one, each to
   the fewest indices that still fail (ddmin: Zeller & Hildebrandt, 2002);
3. numbers: each element to 0, 1, or fewer bits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from .samples.materialise import array, arrays_of
from .samples.spec import Arr, Sample

Fails = Callable[[Sample], bool]
MOST = 400  # trials


class Budget:
    """Counts trials; after MOST of them everything passes, so shrinking stops."""

    def __init__(self, fails: Fails, most: int = MOST) -> None:
        self.fails, self.left = fails, most

    def __call__(self, sample: Sample) -> bool:
        if self.left <= 0:
            return False
        self.left -= 1
        try:
            return self.fails(sample)
        except Exception:  # a candidate that makes no sense is none
            return False


def literal(sample: Sample, contiguous: bool = True) -> Sample:
    """The same sample with its numbers written out."""
    count = iter(range(1000))

    def visit(arr: Arr) -> Arr:
        data = array(arr, sample.dtype, (sample.op, sample.note, next(count)))
        layout = "contiguous" if contiguous else arr.layout
        return replace(arr, shape=(), dtype=data.dtype.name, values=data.copy(), layout=layout)

    args, kwargs = arrays_of((sample.args, sample.kwargs), visit)
    return replace(sample, args=args, kwargs=kwargs)


def values_of(sample: Sample) -> list[np.ndarray]:
    """The arrays of a literal sample, in reading order."""
    found: list[np.ndarray] = []

    def visit(arr: Arr) -> Arr:
        found.append(np.asarray(arr.values))
        return arr

    arrays_of((sample.args, sample.kwargs), visit)
    return found


def with_values(sample: Sample, arrays: list[np.ndarray]) -> Sample:
    """The sample with other numbers."""
    rest = iter(arrays)
    args, kwargs = arrays_of(
        (sample.args, sample.kwargs), lambda arr: replace(arr, values=next(rest))
    )
    return replace(sample, args=args, kwargs=kwargs)


def shrink(sample: Sample, fails: Fails, most: int = MOST) -> Sample:
    """The smallest failing sample that was found; `sample` itself if its literal form passes."""
    check = Budget(fails, most)
    found = next((s for s in (literal(sample), literal(sample, False)) if check(s)), None)
    if found is None:
        return sample
    found = _fewer_arguments(found, check)
    for _ in range(2):
        before = sum(a.size for a in values_of(found))
        found = _smaller(found, check)
        if sum(a.size for a in values_of(found)) == before:
            break
    return _simpler(found, check)


def _fewer_arguments(sample: Sample, fails: Fails) -> Sample:
    for name in list(sample.kwargs):
        kwargs = {k: v for k, v in sample.kwargs.items() if k != name}
        candidate = replace(sample, kwargs=kwargs)
        sample = candidate if fails(candidate) else sample
    return sample


def _smaller(sample: Sample, fails: Fails) -> Sample:
    sizes = sorted({n for a in values_of(sample) for n in a.shape if n > 1}, reverse=True)
    for size in sizes:
        places = [
            (i, d)
            for i, a in enumerate(values_of(sample))
            for d, n in enumerate(a.shape)
            if n == size
        ]
        sample = _fewest(sample, places, fails)
    for i, a in enumerate(values_of(sample)):
        for d in range(a.ndim):
            sample = _fewest(sample, [(i, d)], fails)
    return sample


def _fewest(sample: Sample, places: list[tuple[int, int]], fails: Fails) -> Sample:
    """The fewest indices of one dim (or of several of one size, together)."""
    if not places:
        return sample
    arrays = values_of(sample)

    def take(indices: list[int]) -> Sample:
        return with_values(sample, taken(arrays, places, indices))

    size = arrays[places[0][0]].shape[places[0][1]]
    return take(ddmin(list(range(size)), lambda kept: fails(take(kept))))


def _simpler(sample: Sample, fails: Fails) -> Sample:
    found = simpler_numbers(values_of(sample), lambda arrays: fails(with_values(sample, arrays)))
    return with_values(sample, found)


# ---- what any shrinking needs --------------------------------------------------------------------


def taken(
    arrays: list[np.ndarray], places: list[tuple[int, int]], indices: list[int]
) -> list[np.ndarray]:
    """The arrays with only these indices of some dims; places: (which array, which dim)."""
    cut = list(arrays)
    for i, d in places:
        cut[i] = np.take(cut[i], indices, axis=d)
    return cut


def ddmin(kept: list, fails: Callable[[list], bool]) -> list:
    """A part of `kept`, not empty, that fails and none of whose chunks can go (ddmin)."""
    parts = 2
    while len(kept) > 1:
        step = -(-len(kept) // parts)
        chunks = [kept[k : k + step] for k in range(0, len(kept), step)]
        rests = [[x for j, c in enumerate(chunks) if j != i for x in c] for i in range(len(chunks))]
        smaller = next((c for c in [*chunks, *rests] if 0 < len(c) < len(kept) and fails(c)), None)
        if smaller is not None:
            kept, parts = smaller, max(2, min(parts - 1, len(smaller)))
        elif parts >= len(kept):
            break
        else:
            parts = min(len(kept), 2 * parts)
    return kept


def simpler_numbers(
    arrays: list[np.ndarray], fails: Callable[[list[np.ndarray]], bool]
) -> list[np.ndarray]:
    """Each element as 0, 1, or with fewer bits, as long as it fails."""
    for i, data in enumerate(arrays):
        for at in np.ndindex(data.shape):
            for value in _candidates(data[at]):
                changed = [a.copy() for a in arrays]
                changed[i][at] = value
                if fails(changed):
                    arrays = changed
                    break
    return arrays


def _candidates(value: Any) -> Iterator[Any]:
    """Simpler numbers than `value`, the simplest first."""
    if isinstance(value, (np.bool_, bool)) or value == 0 or value == 1:
        return
    yield 0
    yield 1
    if isinstance(value, np.floating) and np.isfinite(value):
        mantissa, exponent = np.frexp(np.float64(value))
        for bits in (1, 4, 8, 12, 16, 20):
            with np.errstate(over="ignore"):
                wide = np.ldexp(np.round(np.ldexp(mantissa, bits)), exponent - bits)
                rounded = type(value)(wide)
            if rounded != value:
                yield rounded
