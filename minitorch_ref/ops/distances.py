"""Distances between all pairs of rows, and how rows vary together: cdist, cov, corrcoef.

Squared Euclidean distances of many rows are |x|² + |y|² − 2·x·y, one matrix product.  That cancels
for rows that are close to each other, so those pairs are computed once more from their difference.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ..autograd.graph import record, rename
from ..dtypes import BOOL, FLOATING, INTEGER, float16
from ..kernels import heap
from ..quiet import fp
from ..tensor import Tensor, wrap
from .conversion import conj
from .matmul import mm
from .registry import op
from .solving import broadcast_batches
from .table import not_implemented

_MODES = (
    "use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist",
    "donot_use_mm_for_euclid_dist",
)  # fmt: skip
_MANY = 25  # rows from which on a matrix product is used, in the first mode
_CHUNK = 1 << 18  # differences held at a time


@op(method=False)
def cdist(x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str | None = _MODES[0]) -> Tensor:
    """p-norms of all differences of rows: (…, P, M), (…, R, M) → (…, P, R).

    Raises RuntimeError for other shapes, p < 0, or dtypes that are not float32 or float64.
    """
    mode = _MODES[0] if compute_mode is None else compute_mode
    if mode not in _MODES:
        raise ValueError(f"{compute_mode} is not a valid value for compute_mode")
    batch = _check_cdist(x1, x2, p)
    a, b = [np.broadcast_to(x._array, batch + x._array.shape[-2:]) for x in (x1, x2)]
    many = max(a.shape[-2], b.shape[-2]) > _MANY
    product = p == 2 and (mode == _MODES[1] or (mode == _MODES[0] and many)) and a.size > 0
    data = fp.quiet(_by_product if product else _by_differences, a, b, float(p))
    if product and not b.size:
        product = False

    def rule(g: Tensor, x1: Tensor, x2: Tensor, out: Tensor) -> tuple[Tensor, Tensor]:
        if product:
            return _slopes_by_product(g, x1, x2, out)
        slopes = _slopes(g, x1, x2, out, float(p))
        return slopes.sum(-2), -slopes.sum(-3)

    node = "ViewBackward0" if product else "CdistBackward0"
    return record(node, data, joint=(("x1", "x2"), rule), x1=x1, x2=x2)


def _check_cdist(x1: Tensor, x2: Tensor, p: float) -> tuple[int, ...]:
    for which, x in (("X1", x1), ("X2", x2)):
        if x.ndim < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, {which} got: {x.ndim}D")
    for which, x in (("X1", x1), ("X2", x2)):
        if x.dtype.category != FLOATING:
            raise RuntimeError(
                f"cdist only supports floating-point dtypes, {which} got: {x.dtype.title}"
            )
    if x1._array.shape[-1] != x2._array.shape[-1]:
        raise RuntimeError(
            "X1 and X2 must have the same number of columns. "
            f"X1: {x1._array.shape[-1]} X2: {x2._array.shape[-1]}"
        )
    if p < 0:
        raise RuntimeError("cdist only supports non-negative p values")
    batch = broadcast_batches(x1, x2)
    for x in (x1, x2):
        if x.dtype is float16 and x1._array.size and x2._array.size:
            raise not_implemented("cdist", x)
    if x1.dtype is not x2.dtype:
        raise RuntimeError(
            f"expected scalar type {x1.dtype.title} but found {x2.dtype.title}"
        )
    return batch


def _slopes(g: Tensor, x1: Tensor, x2: Tensor, out: Tensor, p: float) -> Tensor:
    """g · ∂‖x₁ − x₂‖/∂x₁ for every pair and column; 0 where rows are equal (source: DistanceOpsKernel)"""
    difference = x1.unsqueeze(-2) - x2.unsqueeze(-3)
    g, out = g.unsqueeze(-1), out.unsqueeze(-1)
    if p == 0:
        return difference * 0 * g
    if p == 1:
        return g * difference.sign()
    if math.isinf(p):
        return g * difference.sign() * (difference.abs() == out).to(g.dtype)
    if p == 2:
        return difference * (g / out).masked_fill(out == 0, 0)
    scale = (g / out.pow(p - 1)).masked_fill(out == 0, 0)
    if p < 2:
        power = difference.abs().pow(p - 1).masked_fill(difference == 0, 0)
        return difference.sign() * power * scale
    return difference * difference.abs().pow(p - 2) * scale


def _slopes_by_product(g: Tensor, x1: Tensor, x2: Tensor, out: Tensor) -> tuple[Tensor, Tensor]:
    """Σⱼ wᵢⱼ (x₁ᵢ − x₂ⱼ) and its counterpart for w = g/out, without the differences."""
    w = (g / out).masked_fill(out == 0, 0)
    turned = w.transpose(-2, -1)
    return x1 * w.sum(-1, True) - w @ x2, x2 * turned.sum(-1, True) - turned @ x1


def _by_differences(a: np.ndarray, b: np.ndarray, p: float) -> np.ndarray:
    """All differences, a few rows of `a` at a time."""
    result = np.zeros(a.shape[:-1] + b.shape[-2:-1], a.dtype)
    if not a.shape[-1]:
        return result
    step = max(1, _CHUNK // max(1, b.size // max(1, math.prod(b.shape[:-2]))))
    norm = _norm_for(p)
    for place in np.ndindex(*a.shape[:-2]):
        x, y = a[place], b[place]
        for i in range(0, len(x), step):
            result[place][i : i + step] = norm(np.abs(x[i : i + step, None, :] - y))
    return result


def _norm_for(p: float) -> Callable[[np.ndarray], np.ndarray]:
    add: Any = np.add.reduce
    if p == 0:
        return lambda d: add(d != 0, axis=-1)
    if p == 1:
        return lambda d: add(d, axis=-1)
    if p == 2:
        return lambda d: np.sqrt(add(np.square(d), axis=-1, dtype=np.float64))
    if math.isinf(p):
        return lambda d: np.maximum.reduce(d, -1)  # type: ignore[no-any-return]
    return lambda d: np.power(add(np.power(d.astype(np.float64), p), axis=-1), 1 / p)


def _by_product(a: np.ndarray, b: np.ndarray, p: float) -> np.ndarray:
    """Euclidean distances from one product in double precision, close pairs from their difference.

    (−2x, |x|², 1) · (y, 1, |y|²) = |x|² − 2x·y + |y|²
    """
    if a.shape[-2] * b.shape[-2] >= heap.LARGE:
        heap.keep()
    x, y = a.astype(np.float64), b.astype(np.float64)
    left, right = np.square(x).sum(-1, keepdims=True), np.square(y).sum(-1, keepdims=True)
    factors = (
        np.concatenate([x * -2, left, np.ones_like(left)], -1),
        np.concatenate([y, np.ones_like(right), right], -1),
    )
    squares = factors[0] @ factors[1].swapaxes(-2, -1)
    limit = 1e-6 if a.dtype.char == "f" else 0.1
    if not squares.size:
        return squares.astype(a.dtype)
    if np.minimum.reduce(squares, axis=None) >= limit * (left.max() + right.max()):
        return np.sqrt(squares.astype(a.dtype))
    close = squares < (left + right.swapaxes(-2, -1)) * limit
    distances = np.sqrt(np.maximum(squares, 0))
    places = np.nonzero(close)
    for i in range(0, len(places[0]), _CHUNK):
        *batch, rows, columns = [index[i : i + _CHUNK] for index in places]
        difference = x[(*batch, rows)] - y[(*batch, columns)]
        distances[(*batch, rows, columns)] = np.sqrt(np.square(difference).sum(-1))
    return distances.astype(a.dtype)


# ---- covariance ----------------------------------------------------------------------------------


@op
def cov(
    input: Tensor, *, correction: int = 1, fweights: Tensor | None = None,
    aweights: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Covariances of the rows of (variables, observations); a scalar for one variable.

    fweights: how often each observation occurs; aweights: how much it counts.
    """
    if input.ndim > 2:
        raise _too_many("cov", input)
    if input.dtype.category == BOOL:
        raise RuntimeError("cov(): bool dtype is not supported for input")
    x = input.reshape(1, -1) if input.ndim < 2 else input
    count = x._array.shape[1]
    w = _weights(x, fweights, aweights)
    total = wrap(np.asarray(count, np.int64)) if w is None else w.sum()
    if w is not None and not total._array:
        raise RuntimeError("cov(): weights sum to zero, can't be normalized")
    mean = (x if w is None else x * w).sum(1) / total
    if w is not None and aweights is not None and correction != 0:
        freedom = total - correction * (w * aweights).sum() / total
    else:
        freedom = total - correction
    if freedom._array <= 0:
        warnings.warn(
            "cov(): degrees of freedom is <= 0. Correction should be strictly less than the number "
            "of observations.",
            stacklevel=2,
        )
        freedom = wrap(np.zeros_like(freedom._array))
    centred = x - mean.unsqueeze(1)
    product = mm(centred, conj((centred if w is None else centred * w).t()))
    return rename((product / freedom).squeeze(), "SqueezeBackward0")


def _too_many(name: str, input: Tensor) -> RuntimeError:
    return RuntimeError(
        f"{name}(): expected input to have two or fewer dimensions but got an input with "
        f"{input.ndim} dimensions"
    )


def _weights(x: Tensor, fweights: Tensor | None, aweights: Tensor | None) -> Tensor | None:
    """The product of both kinds of weights, checked."""
    for name, kind, weights, category in (
        ("fweights", "integral", fweights, INTEGER),
        ("aweights", "floating point", aweights, FLOATING),
    ):
        if weights is None:
            continue
        if weights.ndim > 1:
            raise RuntimeError(
                f"cov(): expected {name} to have one or fewer dimensions but got {name} with "
                f"{weights.ndim} dimensions"
            )
        if weights.dtype.category != category:
            raise RuntimeError(
                f"cov(): expected {name} to have {kind} dtype but got {name} with "
                f"{weights.dtype.title} dtype"
            )
        if weights.numel() != x._array.shape[1]:
            raise RuntimeError(
                f"cov(): expected {name} to have the same numel as there are observations in the "
                f"input but got {weights.numel()} != {x._array.shape[1]}"
            )
        if (weights._array < 0).any():
            raise RuntimeError(f"cov(): {name} cannot be negative")
    if fweights is None or aweights is None:
        return aweights if fweights is None else fweights
    return fweights * aweights


@op
def corrcoef(input: Tensor) -> Tensor:
    """Pearson's correlations of the rows of (variables, observations), within ±1."""
    if input.ndim > 2:
        raise _too_many("corrcoef", input)
    c = cov(input)
    if c.ndim == 0:
        return c / c
    variances = c.diag()
    deviation = (variances.real if c.is_complex() else variances).sqrt()
    c = c / deviation.reshape(-1, 1) / deviation.reshape(1, -1)
    if not c.is_complex():
        return c.clip(-1, 1)
    from .creation import complex as join

    return join(c.real.clip(-1, 1), c.imag.clip(-1, 1))

