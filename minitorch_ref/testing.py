"""`torch.testing`: `assert_close`, which says how far apart two results are, and where.

Nested sequences and mappings are compared element by element.  Tensors are close if
|actual − expected| ≤ atol + rtol·|expected| everywhere; integers and booleans must be equal.
"""

from __future__ import annotations

import cmath
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .dtypes import dtype, float64, int64
from .tensor import Tensor

__all__ = ["assert_close"]

# (rtol, atol) by dtype; exact ones are not listed.  (source: torch/testing/_comparison.py)
_TOLERANCES = {
    "float16": (1e-3, 1e-5), "float32": (1.3e-6, 1e-5), "float64": (1e-7, 1e-7),
    "complex64": (1.3e-6, 1e-5), "complex128": (1e-7, 1e-7),
}  # fmt: skip


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    """Raise AssertionError, with the greatest differences, unless `actual` is close to `expected`.

    `rtol` and `atol` come from the dtypes unless both are given.  `msg` replaces the message, or
    makes another one of it.  Raises TypeError for types it cannot compare, ValueError for one
    tolerance without the other.
    """
    if (rtol is None) != (atol is None):
        missing = "atol" if atol is None else "rtol"
        raise ValueError(
            f"Both 'rtol' and 'atol' must be either specified or omitted, but got no {missing}."
        )
    options = _Options(rtol, atol, equal_nan, check_dtype, check_stride, allow_subclasses)
    found = _difference(actual, expected, options, ())
    if found is None:
        return
    text, place = found
    if place:
        text += f"\n\nThe failure occurred for item {''.join(f'[{key!r}]' for key in place)}"
    raise AssertionError(text if msg is None else msg(text) if callable(msg) else msg)


class _Options:
    def __init__(self, rtol: Any, atol: Any, equal_nan: bool, types: bool, strides: bool, sub: bool):
        self.rtol, self.atol, self.equal_nan = rtol, atol, equal_nan
        self.types, self.strides, self.subclasses = types, strides, sub

    def tolerances(self, *types: dtype) -> tuple[float, float]:
        """Those given, else the widest of the dtypes'."""
        if self.rtol is not None:
            return self.rtol, self.atol
        pairs = [_TOLERANCES.get(t.name, (0.0, 0.0)) for t in types]
        return max(p[0] for p in pairs), max(p[1] for p in pairs)


_Found = tuple[str, tuple[Any, ...]] | None


def _difference(a: Any, b: Any, options: _Options, place: tuple[Any, ...]) -> _Found:
    """(what differs, where), or None."""
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        if options.subclasses or type(a) is type(b):
            return _of_tensors(a, b, options, place)
    elif a is None or b is None:
        return None if a is b else (f"None mismatch: {a} is not {b}", place)
    elif isinstance(a, bool | np.bool_) and isinstance(b, bool | np.bool_):
        return None if a == b else (f"Booleans mismatch: {a} is not {b}", place)
    elif isinstance(a, _NUMBERS) and isinstance(b, _NUMBERS):
        return _of_numbers(a, b, options, place)
    elif _is_sequence(a) and _is_sequence(b):
        if len(a) != len(b):
            return f"The length of the sequences mismatch: {len(a)} != {len(b)}", place
        return _first(range(len(a)), a, b, options, place)
    elif isinstance(a, Mapping) and isinstance(b, Mapping):
        if a.keys() != b.keys():
            missing, extra = (sorted(x.keys() - y.keys()) for x, y in ((b, a), (a, b)))
            text = "The keys of the mappings do not match:"
            text += f"\nMissing keys in the actual mapping: {missing}" if missing else ""
            text += f"\nAdditional keys in the actual mapping: {extra}" if extra else ""
            return text, place
        return _first(sorted(a), a, b, options, place)
    raise TypeError(
        f"No comparison pair was able to handle inputs of type {type(a)} and {type(b)}."
    )


_NUMBERS = (int, float, complex, np.number)


def _is_sequence(x: Any) -> bool:
    return isinstance(x, Sequence) and not isinstance(x, str)


def _first(keys: Any, a: Any, b: Any, options: _Options, place: tuple[Any, ...]) -> _Found:
    for key in keys:
        found = _difference(a[key], b[key], options, (*place, key))
        if found is not None:
            return found
    return None


def _of_numbers(a: Any, b: Any, options: _Options, place: tuple[Any, ...]) -> _Found:
    if options.types and type(a) is not type(b):
        return f"The (d)types do not match: {type(a)} != {type(b)}.", place
    exact = isinstance(a, int) and isinstance(b, int)
    rtol, atol = options.tolerances(int64 if exact else float64)
    if a == b or options.equal_nan and a != a and b != b:
        return None
    gap = abs(a - b)
    if cmath.isfinite(gap) and gap <= atol + rtol * abs(b):
        return None
    ratio = gap / abs(b) if b else float("inf")
    text = [f"Expected {b} but got {a}."]
    return _text("Scalars", text, (gap, ""), (ratio, ""), rtol, atol), place


def _of_tensors(a: Tensor, b: Tensor, options: _Options, place: tuple[Any, ...]) -> _Found:
    pairs: list[tuple[str, Any, Any]] = [("shape", a.shape, b.shape)]
    if options.types:
        pairs.append(("dtype", a.dtype, b.dtype))
    if options.strides:
        pairs.append(("stride()", a.stride(), b.stride()))
    for name, own, other in pairs:
        if own != other:
            return f"The values for attribute '{name}' do not match: {own} != {other}.", place
    rtol, atol = options.tolerances(a.dtype, b.dtype)
    common = np.result_type(a._array, b._array)
    x, y = (t._array.astype(np.int64 if common.kind in "iub" else common) for t in (a, b))
    with np.errstate(all="ignore"):
        if rtol == atol == 0:
            same = (x == y) | (options.equal_nan & np.isnan(x) & np.isnan(y))
        else:
            same = np.isclose(x, y, rtol, atol, equal_nan=options.equal_nan)
        if same.all():
            return None
        gap = np.where(same, 0, np.abs(x - y))
        ratio = np.where(same, 0, np.true_divide(gap, np.abs(y), dtype=_quotient(common)))
    if a.ndim == 0:
        text = [f"Expected {b.item()} but got {a.item()}."]
        gaps = (gap.item(), ""), (ratio.item(), "")
        return _text("Scalars", text, *gaps, rtol, atol), place
    wrong, total = int(np.sum(~same)), x.size
    text = [f"Mismatched elements: {wrong} / {total} ({wrong / total:.1%})"]
    return _text("Tensor-likes", text, _greatest(gap), _greatest(ratio), rtol, atol), place


def _quotient(kind: np.dtype) -> Any:
    """What dividing two numbers of a type gives: integers become float32, as in torch."""
    return np.float32 if kind.kind in "iub" else kind.type(0).real.dtype


def _greatest(gaps: np.ndarray) -> tuple[Any, str]:
    """The greatest of the differences, NaN before all, and where it is."""
    at = np.unravel_index(np.argmax(gaps), gaps.shape)
    return gaps[at].item(), f" at index {tuple(map(int, at))}"


def _text(what: str, lines: list[str], gap: Any, ratio: Any, rtol: float, atol: float) -> str:
    exact = rtol == atol == 0
    greatest = "Greatest absolute" if gap[1] else "Absolute"
    relative = "Greatest relative" if gap[1] else "Relative"
    allowed = ("", "") if exact else (f" (up to {atol} allowed)", f" (up to {rtol} allowed)")
    lines = [f"{what} are not {'equal' if exact else 'close'}!", "", *lines]
    lines.append(f"{greatest} difference: {gap[0]}{gap[1]}{allowed[0]}")
    lines.append(f"{relative} difference: {ratio[0]}{ratio[1]}{allowed[1]}")
    return "\n".join(lines)
