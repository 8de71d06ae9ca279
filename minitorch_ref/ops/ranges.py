"""Evenly spaced numbers, and the indices of triangles - in torch's arithmetic.

The last bits depend on where a sum is rounded.  `arange` computes blocks: the block's first
element as start + step·i in double precision, rounded to the dtype, then the others of the block
from it. `linspace` counts from both ends, in the dtype itself.  Both fuse product and sum where
torch does.
(source: ATen/native/cpu/RangeFactoriesKernel.cpp, native/RangeUtils.h, native/RangeFactories.cpp)
"""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import dtypes
from ..dtypes import BOOL, COMPLEX, INTEGER, dtype
from ..kernels.fma import fma
from ..kernels.libm import fuses
from ..quiet import fp
from ..tensor import Tensor
from .common import is_number
from .options import Options, allocate, deliver, place, settle, to_element, to_int, wrong_type
from .registry import op

if TYPE_CHECKING:
    from typing import Unpack

# float: how many elements torch's vector register holds, at 32 bytes; its loop takes two at a time
_LANES = {"e": 16, "f": 8, "d": 4}


def _number(name: str, argument: str, value: Any, position: int) -> Any:
    if isinstance(value, Tensor) and value.ndim == 0:
        value = value.item()
    if not is_number(value):
        raise wrong_type(name, argument, "Number", value, position)
    if isinstance(value, (complex, np.complexfloating)):
        raise RuntimeError("value cannot be converted to type double without overflow")
    return value


def _missing(name: str) -> TypeError:
    return TypeError(f'{name}() missing 1 required positional arguments: "end"')


@op(method=False, own_out=True)
def arange(*args: Any, out: Tensor | None = None, **options: Any) -> Tensor:
    """start, start + step, … up to but without end: `arange(end)`, `arange(start, end, step=1)`.

    int64 if all three are integers, else the default dtype.  Raises RuntimeError if step is zero or
    leads away from end.
    """
    start, end, step = _bounds("arange", args, options)
    if not all(isinstance(x, (bool, int, np.integer)) for x in (start, end, step)):
        default = dtypes.get_default_dtype()
    else:
        default = dtypes.int64
    kind, grad = settle("arange", options, default if out is None else out.dtype)
    count = _arange_size(start, end, step, kind)
    if kind.category in (BOOL, COMPLEX):
        raise NotImplementedError(f"\"arange_cpu\" not implemented for '{kind.title}'")
    array = fp.quiet(_arange, start, step, count, kind)
    if out is None:
        return deliver(array, grad)
    if out.numel() not in (0, count):
        warnings.warn(
            f"The number of elements in the out tensor of shape {list(out.shape)} is {out.numel()} "
            f"which does not match the computed number of elements {count}. Note that this may "
            f"occur as a result of rounding error. The out tensor will be resized to a tensor of "
            f"shape ({count},).",
            stacklevel=2,
        )
    return place("arange", array, out, options)


def _bounds(name: str, args: tuple[Any, ...], options: Any) -> tuple[Any, Any, Any]:
    """start, end and step from positions and keywords (which are taken out of `options`)."""
    if len(args) > 3:
        raise TypeError(f"{name}() takes at most 3 positional arguments ({len(args)} given)")
    names = ("end",) if len(args) == 1 and "end" not in options else ("start", "end", "step")
    given = dict(zip(names, args))
    for key in ("start", "end", "step"):
        if key in options:
            given[key] = options.pop(key)
    if "end" not in given:
        raise _missing(name)
    positions = {"start": 1, "end": 1 if len(args) <= 1 else 2, "step": 3}
    start, end, step = (
        _number(name, key, given.get(key, default), positions[key])
        for key, default in (("start", 0), ("end", None), ("step", 1))
    )
    return start, end, step


def _check_range(start: Any, end: Any, step: Any) -> None:
    if not step:
        raise RuntimeError("step must be nonzero")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"unsupported range: {start:g} -> {end:g}")
    if (end < start) if step > 0 else (end > start):
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")


def _arange_size(start: Any, end: Any, step: Any, kind: dtype) -> int:
    _check_range(start, end, step)
    if kind is dtypes.int64:  # double precision could not tell large integers apart
        start, end, step = int(start), int(end), int(step)
        if step == 0:
            raise ValueError("step must be nonzero")
        return max(0, -((start - end) // step))
    return math.ceil((float(end) - float(start)) / float(step))


def _arange(start: Any, step: Any, count: int, kind: dtype) -> np.ndarray:
    allocate((count,), kind) if count > 1 << 30 else None  # fail as torch does, before computing
    if kind.category == INTEGER:
        whole = np.arange(count, dtype=np.int64)
        return (np.int64(int(start)) + np.int64(int(step)) * whole).astype(kind.np, copy=False)
    wide = np.float32 if kind is dtypes.float16 else np.float64
    start, step = wide(start), wide(step)
    lanes = _LANES[kind.np.char]
    in_blocks = count // (2 * lanes) * (2 * lanes)
    # the first of each block, and those that are left over, straight from the formula
    index = np.r_[0:in_blocks:lanes, in_blocks:count].astype(wide)
    first = _sum_of(step, index, start).astype(kind.np)
    values = np.empty(count, kind.np)
    blocks = values[:in_blocks].reshape(-1, lanes)
    values[in_blocks:] = first[len(blocks) :]
    if in_blocks:
        first = first[: len(blocks), None].astype(wide)
        lane = np.arange(lanes).astype(wide)
        blocks[:, 1:] = _sum_of(step, lane[1:], first)
        blocks[:, :1] = first if fuses() else first + step * lane[0]  # the latter turns -0 into 0
    return values


def _sum_of(a: Any, b: np.ndarray, c: Any) -> np.ndarray:
    """a·b + c, fused where torch's kernel is."""
    if not fuses():
        return np.asarray(a * b + c)
    shape = np.broadcast_shapes(b.shape, np.shape(c))
    return fma(a, np.broadcast_to(b, shape), np.array(np.broadcast_to(c, shape), b.dtype))


@op(method=False, own_out=True)
def range(*args: Any, out: Tensor | None = None, **options: Any) -> Tensor:  # noqa: A001
    """Like `arange` with end included; deprecated in torch, and warns so."""
    warnings.warn(
        "torch.range is deprecated and will be removed in a future release because its behavior is "
        "inconsistent with Python's range builtin. Instead, use torch.arange, which produces "
        "values in [start, end).",
        stacklevel=2,
    )
    start, end, step = _bounds("range", args, options)
    default = dtypes.get_default_dtype() if out is None else out.dtype
    kind, grad = settle("range", options, default)
    _check_range(start, end, step)
    count = int((float(end) - float(start)) / float(step)) + 1
    values = float(start) + np.arange(count) * float(step)
    array = fp.quiet(values.astype, kind.np)
    return deliver(array, grad) if out is None else place("range", array, out, options)


# ---- linspace, logspace --------------------------------------------------------------------------


def _ends(name: str, start: Any, end: Any, steps: Any) -> tuple[Any, Any, int]:
    for which, value in (("start", start), ("end", end)):
        if isinstance(value, Tensor) and value.ndim:
            raise RuntimeError(
                f"{name} only supports 0-dimensional start and end tensors, but got {which} with "
                f"{value.ndim} dimension(s)."
            )
    start, end = (v.item() if isinstance(v, Tensor) else v for v in (start, end))
    if not (is_number(start) and is_number(end)):
        raise wrong_type(name, "start", "Number", end if is_number(start) else start, 1)
    steps = to_int(name, "steps", steps, 3)
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    return start, end, steps


def _kind(name: str, start: Any, end: Any, out: Any, options: Any) -> tuple[dtype, bool]:
    default = dtypes.get_default_dtype()
    if any(isinstance(x, (complex, np.complexfloating)) for x in (start, end)):
        default = default.to_complex()
    kind, grad = settle(name, options, default if out is None else out.dtype)
    if kind.category == BOOL:
        raise NotImplementedError(f"\"{name}_cpu\" not implemented for 'Bool'")
    return kind, grad


@op(method=False, own_out=True)
def linspace(
    start: Any, end: Any, steps: int, *, out: Tensor | None = None, **options: Unpack[Options]
) -> Tensor:
    """`steps` numbers from start to end, both included, evenly spaced."""
    start, end, steps = _ends("linspace", start, end, steps)
    kind, grad = _kind("linspace", start, end, out, options)
    first, last = to_element(start, kind), to_element(end, kind)
    array = fp.quiet(_linspace, first, last, steps, kind)
    return deliver(array, grad) if out is None else place("linspace", array, out, options)


def _linspace(first: np.ndarray, last: np.ndarray, steps: int, kind: dtype) -> np.ndarray:
    """The lower half counted up from the first, the upper half down from the last."""
    if steps < 2:
        return np.full(steps, first, kind.np)
    whole = np.float64 if kind.category == INTEGER else kind.np.type
    gap = whole(last) - whole(first)
    step = whole(gap / whole(steps - 1))
    half = steps // 2
    up = np.arange(half).astype(whole)
    down = np.arange(steps - half - 1, -1, -1).astype(whole)
    fused = _sum_of if kind.np.kind in "iuf" and kind is not dtypes.float16 else _unfused
    low = fused(step, up, whole(first))
    high = fused(-step, down, whole(last))
    return np.concatenate((low, high)).astype(kind.np, copy=False)


def _unfused(a: Any, b: np.ndarray, c: Any) -> np.ndarray:
    return np.asarray(a * b + c)


@op(method=False, own_out=True)
def logspace(
    start: Any,
    end: Any,
    steps: int,
    base: float = 10.0,
    *,
    out: Tensor | None = None,
    **options: Unpack[Options],
) -> Tensor:
    """`steps` powers of `base`, with exponents evenly spaced from start to end."""
    start, end, steps = _ends("logspace", start, end, steps)
    kind, grad = _kind("logspace", start, end, out, options)
    if steps == 1:  # the one number is not computed in the dtype, as the others are
        wide = dtypes.complex128 if kind.category == COMPLEX else dtypes.float64
        power = fp.quiet(np.power, wide.np.type(base), wide.np.type(start))
        array = to_element(power.item(), kind).reshape(1)
    else:
        first, last = to_element(start, kind), to_element(end, kind)
        array = fp.quiet(_logspace, first, last, steps, base, kind)
    return deliver(array, grad) if out is None else place("logspace", array, out, options)


def _logspace(
    first: np.ndarray, last: np.ndarray, steps: int, base: Any, kind: dtype
) -> np.ndarray:
    wide = np.complex128 if kind.category == COMPLEX else np.float64
    step = wide(last - first) / max(steps - 1, 1)
    half = steps // 2
    up, down = np.arange(half), np.arange(steps - half - 1, -1, -1)
    exponents = np.concatenate((wide(first) + step * up, wide(last) - step * down))
    return np.power(wide(base), exponents).astype(kind.np)


# ---- triangles -----------------------------------------------------------------------------------


def _triangle(
    name: str, upper: bool, row: int, col: int, offset: int, options: Any
) -> Tensor:
    kind, grad = settle(name, options, dtypes.int64)
    row, col = to_int(name, "row", row, 1), to_int(name, "col", col, 2)
    for which, count in (("row", row), ("col", col)):
        if count < 0:
            raise RuntimeError(f"{which} must be non-negative, got{count}")
    if kind.category != INTEGER:
        raise NotImplementedError(f"\"{name}\" not implemented for '{kind.title}'")
    below = np.tri(row, col, offset - upper, dtype=bool)
    places = np.nonzero(~below if upper else below)
    return deliver(np.stack(places).astype(kind.np, copy=False), grad)


@op(method=False)
def tril_indices(row: int, col: int, offset: int = 0, **options: Unpack[Options]) -> Tensor:
    """Row and column numbers, shape (2, count), of the places on and below a diagonal."""
    return _triangle("tril_indices", False, row, col, offset, options)


@op(method=False)
def triu_indices(row: int, col: int, offset: int = 0, **options: Unpack[Options]) -> Tensor:
    """Row and column numbers, shape (2, count), of the places on and above a diagonal."""
    return _triangle("triu_indices", True, row, col, offset, options)
