"""Spread: var, std, and both with the mean.

    var = Σ |x − mean|² / (n − correction)

Sums are taken in float64, as torch's Welford loop keeps its state in double.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from ..autograd.graph import record
from ..dtypes import FLOATING
from ..quiet import fp
from ..tensor import Tensor, wrap
from .common import Dims
from .reducing import reduced_dims, reduction, restore

_Parsed = tuple[Any, float, bool]
_KEYWORDS = {"dim", "unbiased", "keepdim", "correction"}


def _parse(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Parsed:
    """(dim, correction, keepdim) from `f(unbiased)`, `f(dim, unbiased, keepdim)`,
    `f(dim, *, correction, keepdim)`."""
    names = ("unbiased",) if args and isinstance(args[0], bool) else ("dim", "unbiased", "keepdim")
    given = dict(zip(names, args)) | kwargs
    both = "unbiased" in given and "correction" in given
    if both or len(args) > len(names) or not given.keys() <= _KEYWORDS:
        got = [type(a).__name__ for a in args]
        got += [f"{k}={type(v).__name__}" for k, v in kwargs.items()]
        raise TypeError(
            f"{name}() received an invalid combination of arguments - got ({', '.join(got)}), but "
            "expected one of: (tuple of ints dim, bool unbiased = True, bool keepdim = False), "
            "(tuple of ints dim = None, *, Number correction = None, bool keepdim = False), "
            "(bool unbiased = True)"
        )
    correction = given.get("correction")
    if isinstance(correction, Tensor):
        correction = correction.item()
    if correction is None:
        correction = 1 if given.get("unbiased", True) else 0
    return given.get("dim"), correction, given.get("keepdim", False)


def _check(name: str, input: Tensor, dims: tuple[int, ...], correction: float) -> int:
    """How many elements make one result.  Warns where the divisor is not positive."""
    if input.dtype.category < FLOATING:
        only = "std and var" if name in ("std", "var") else name
        raise RuntimeError(f"{only} only support floating point and complex dtypes")
    n = math.prod([input._array.shape[d] for d in dims])
    if n - correction <= 0:
        warnings.warn(
            f"{name}(): degrees of freedom is <= 0. Correction should be strictly less than the "
            "reduction factor (input numel divided by output numel).",
            stacklevel=5,
        )
    return n


def _moments(
    x: np.ndarray, dims: tuple[int, ...], n: int, correction: float
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance in double precision, the reduced dims kept."""
    wide = np.complex128 if x.dtype.kind == "c" else np.float64
    middle = np.add.reduce(x, axis=dims, dtype=wide, keepdims=True) / n
    d = x.astype(np.float32) if x.dtype.char == "e" else x
    near = middle.astype(d.dtype)  # subtracting it rounds once per element
    d = d - near
    squares = d.real * d.real + d.imag * d.imag if d.dtype.kind == "c" else d * d
    spread = np.add.reduce(squares, axis=dims, dtype=np.float64, keepdims=True)
    spread = spread - n * np.abs(middle - near) ** 2  # the mean was rounded: shift back
    return middle, np.maximum(spread, 0) / max(n - correction, 0)


def _var(
    name: str, input: Tensor, dim: Dims, correction: float, keepdim: bool, with_mean: bool = False
) -> Any:
    """The four functions below: the variance or its root, alone or with the mean."""
    dims, root = reduced_dims(name, input, dim, keepdim), name.startswith("std")
    n = _check(name, input, dims, correction)
    x = input._array
    middle, spread = fp.quiet(_moments, x, dims, n, correction)
    data = _fitted(fp.quiet(np.sqrt, spread) if root else spread, x, dims, keepdim)
    c, shape, real_kind = n - correction, x.shape, x.real.dtype
    whole = dim is None or not x.ndim

    def rule(g: Tensor, input: Tensor) -> Tensor:
        deviation = input - input.mean(dims, True)
        if c <= 0 and whole:  # as in torch: NaN at the mean, inf elsewhere
            broken = np.where(deviation._array == 0, math.nan, math.inf)
            return restore(g, dims, keepdim) * wrap(broken.astype(real_kind))
        return restore(g, dims, keepdim) * (2 / c if c else math.inf) * deviation

    def root_rule(g: Tensor, input: Tensor, out: Tensor) -> Tensor:
        return rule((g / (out * 2)).masked_fill(out == 0, 0), input)

    def both_rule(g: Any, input: Tensor, out0: Tensor) -> Tensor | None:
        total = None
        if g[0] is not None:
            total = root_rule(g[0], input, out0) if root else rule(g[0], input)
        if g[1] is not None:
            part = restore(g[1], dims, keepdim).expand(shape) / n
            total = part if total is None else total + part
        return total

    if with_mean:
        mean = _fitted(middle, x, dims, keepdim)
        return record(
            "StdMeanBackward0" if root else "VarMeanBackward0", (data, mean),
            input=(input, both_rule),
        )  # fmt: skip
    if root:
        return record("StdBackward0", data, input=(input, root_rule))
    return record("VarBackward0", data, input=(input, rule))


def _fitted(a: np.ndarray, x: np.ndarray, dims: tuple[int, ...], keepdim: bool) -> np.ndarray:
    """A statistic in the dtype of x's real part, in the shape asked for."""
    kind = x.real.dtype if a.dtype.kind != "c" else x.dtype
    return np.asarray(a if keepdim else a.squeeze(dims), kind, order="C")


@reduction(out="any")
def var(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """The variance over `dim`: var(dim=None, *, correction=1, keepdim=False).

    Also torch's older forms with `unbiased`, which stands for correction 1 or 0.
    """
    return _var("var", input, *_parse("var", args, kwargs))


@reduction(out="any")
def std(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """The standard deviation over `dim`: std(dim=None, *, correction=1, keepdim=False).

    Also torch's older forms with `unbiased`.  Its gradient is 0 where the deviation is 0.
    """
    return _var("std", input, *_parse("std", args, kwargs))


@reduction(out="any", method=False)
def var_mean(input: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
    """(variance, mean) over `dim`, with the arguments of `var`."""
    return _var("var_mean", input, *_parse("var_mean", args, kwargs), with_mean=True)


@reduction(out="any", method=False)
def std_mean(input: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
    """(standard deviation, mean) over `dim`, with the arguments of `std`."""
    return _var("std_mean", input, *_parse("std_mean", args, kwargs), with_mean=True)
