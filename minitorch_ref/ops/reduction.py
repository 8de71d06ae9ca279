"""Sums and what is made of them: sum, mean, prod, nansum, nanmean, logsumexp; all, any, counting.

The gradient of a sum is the incoming gradient, spread over what was summed.  Extremes are in
`extremes.py`, spreads (var, std) in `moments.py`, norms in `norms.py`, medians in `order.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd.graph import record
from ..autograd.modes import state
from ..dtypes import FLOATING, to_floating
from ..dtypes import dtype as DType
from ..kernels.select import keep
from ..kernels.sums import product, total
from ..quiet import fp
from ..tensor import Tensor, wrap
from .common import Dims, sum_dtype, wrap_dim
from .conversion import cast
from .pointwise import conj
from .reducing import EVERY, reduced_dims, reduction, restore, total_dtype

_or: Any = np.logical_or.reduce
_and: Any = np.logical_and.reduce


@reduction(out="cast")
def sum(
    input: Tensor, dim: Dims = EVERY, keepdim: bool = False, *, dtype: DType | None = None
) -> Tensor:
    """The sum over `dim` (all dims by default); integers and booleans are summed in int64."""
    x = _summand(input, dtype)
    name = "SumBackward0" if dim is EVERY else "SumBackward1"
    dims = reduced_dims("sum", x, dim, keepdim)
    shape = x._array.shape
    if x._array.dtype.kind == "b":  # only on demand: sum(dtype=torch.bool)
        return wrap(np.asarray(_or(x._array, axis=dims, keepdims=keepdim), order="C"))
    data = fp.quiet(total, x._array, dims, keepdim)

    def spread(g: Tensor) -> Tensor:
        return (restore(g, dims, keepdim) if g.ndim else g).expand(shape)

    return record(name, data, x=(x, spread))


def _summand(input: Tensor, wanted: DType | None) -> Tensor:
    """`input` in the type of its sum or product."""
    if wanted is None and input._array.dtype.kind in "fc":
        return input
    return cast(input, total_dtype(input, wanted))


@reduction(out="cast")
def nansum(
    input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: DType | None = None
) -> Tensor:
    """The sum over `dim`, NaN counting as zero."""
    if input._array.dtype.kind == "c":
        raise RuntimeError("nansum on CPU does not support complex inputs")
    if input._array.dtype.kind != "f":
        return sum(input, dim, keepdim, dtype=dtype)
    wanted = sum_dtype(input, dtype)
    if wanted.category < FLOATING:
        return sum(input.masked_fill(input.isnan(), 0), dim, keepdim, dtype=wanted)
    dims = reduced_dims("nansum", input, dim, keepdim)
    shape = input._array.shape
    x = cast(input, sum_dtype(input, dtype))
    data = fp.quiet(total, x._array, dims, keepdim)
    if np.isnan(data).any():  # there are some, or infinities of both signs
        data = fp.quiet(total, keep(~np.isnan(x._array), x._array), dims, keepdim)
    return record(
        "NansumBackward0", data,
        x=(x, lambda g, x: restore(g, dims, keepdim).expand(shape) * x.isnan().logical_not()),
    )  # fmt: skip


@reduction(out="mean")
def mean(
    input: Tensor, dim: Dims = EVERY, keepdim: bool = False, *, dtype: DType | None = None
) -> Tensor:
    """The mean over `dim` (all dims by default); NaN of nothing.

    Raises RuntimeError for a dtype without fractions, unless `dtype` gives one.
    """
    wanted = dtype or input.dtype
    if wanted.category < FLOATING:
        what = "Optional dtype" if dtype is not None else "Input dtype"
        raise RuntimeError(
            f"mean(): could not infer output dtype. {what} must be either a floating point or "
            f"complex dtype. Got: {wanted.title}"
        )
    x = cast(input, wanted)
    dims = reduced_dims("mean", x, dim, keepdim)
    shape = x._array.shape
    n = 1
    for d in dims:
        n *= shape[d]
    data = fp.quiet(_mean, x._array, dims, keepdim, n)
    name = "MeanBackward0" if dim is EVERY else "MeanBackward1"
    return record(name, data, x=(x, lambda g: restore(g, dims, keepdim).expand(shape) / n))


def _mean(x: np.ndarray, dims: tuple[int, ...], keepdim: bool, n: int) -> np.ndarray:
    kind = x.dtype
    if kind.char == "e":
        x = x.astype(np.float32)
    s = total(x, dims, keepdim)
    return np.asarray(np.divide(s, s.dtype.type(n)), kind)


@reduction(out="cast")
def nanmean(
    input: Tensor, dim: Dims = None, keepdim: bool = False, *, dtype: DType | None = None
) -> Tensor:
    """The mean over `dim` of what is not NaN."""
    if input.dtype.category < FLOATING:
        raise RuntimeError(
            "nanmean(): expected input to have floating point or complex dtype "
            f"but got {input.dtype.title}"
        )
    present = input.isnan().logical_not().sum(dim, keepdim)
    return nansum(input, dim, keepdim, dtype=dtype) / present


# ---- products ------------------------------------------------------------------------------------


@reduction(out="cast")
def prod(
    input: Tensor, dim: Any = EVERY, keepdim: bool = False, *, dtype: DType | None = None
) -> Tensor:
    """The product over one dim, or over all; integers and booleans in int64."""
    if dim is None or isinstance(dim, (tuple, list)):
        raise TypeError(
            "prod() received an invalid combination of arguments - got "
            f"({type(dim).__name__}), but expected one "
            "of: (*, torch.dtype dtype = None), (int dim, bool keepdim = False, *, torch.dtype "
            "dtype = None)"
        )
    x = _summand(input, dtype)
    every = dim is EVERY
    dims = reduced_dims("prod", x, dim, keepdim)
    data = fp.quiet(_product, x._array, dims, keepdim)
    if not state.grad:
        return wrap(data)
    if not x.ndim:
        return record("ProdBackward0" if every else "ProdBackward1", data, x=(x, lambda g: g))
    if every:
        whole = x.shape

        def rule(g: Tensor, x: Tensor) -> Tensor:
            return (g * conj(_others(x.reshape(-1), 0))).reshape(whole)

        return record("ProdBackward0", data, x=(x, rule))
    axis = wrap_dim(dim, x.ndim)

    def along(g: Tensor, x: Tensor) -> Tensor:
        return restore(g, dims, keepdim) * conj(_others(x, axis))

    return record("ProdBackward1", data, x=(x, along))


def _product(x: np.ndarray, dims: tuple[int, ...], keepdim: bool) -> np.ndarray:
    if x.dtype.kind == "b":
        return np.asarray(_and(x, axis=dims, keepdims=keepdim), order="C")
    return product(x, dims, keepdim)


def _others(x: Tensor, axis: int) -> Tensor:
    """For every element, the product of the others along `axis`: without dividing if there is a 0.

    Recorded, it is a product over a copy of x per element with that element set to 1, whose own
    gradient needs no case of its own; else the products before and after the element.
    """
    array = x._array
    if (array != 0).all():
        return x.prod(axis, True) / x
    if state.grad and x._requires_grad:
        n = array.shape[axis]
        x = x.movedim(axis, -1)
        apart = x.unsqueeze(-2).masked_fill(wrap(np.eye(n, dtype=bool)), 1)
        return apart.prod(-1).movedim(-1, axis)
    return wrap(_products_of_others(np.moveaxis(array, axis, -1), axis))


def _products_of_others(x: np.ndarray, axis: int) -> np.ndarray:
    before, after = np.ones_like(x), np.ones_like(x)
    np.multiply.accumulate(x[..., :-1], axis=-1, out=before[..., 1:])
    after[..., :-1] = np.multiply.accumulate(x[..., :0:-1], axis=-1)[..., ::-1]
    return np.moveaxis(before * after, -1, axis)


# ---- logarithm of a sum of exponentials ----------------------------------------------------------


@reduction(out="fractions")
def logsumexp(
    input: Tensor, dim: Dims, keepdim: bool = False, *, _dtype: DType | None = None
) -> Tensor:
    """log Σ exp(x) over `dim`, without overflow; −inf of nothing."""
    x = cast(input, _dtype or to_floating(input.dtype))
    dims = reduced_dims("logsumexp", x, dim, keepdim)
    data = fp.quiet(_logsumexp, x._array, dims, keepdim)
    return record(
        "LogsumexpBackward0", data,
        x=(x, lambda g, x, out: restore(g, dims, keepdim) * _share(x, restore(out, dims, keepdim))),
    )  # fmt: skip


def _share(x: Tensor, whole: Tensor) -> Tensor:
    return (x - whole).exp() if x._array.dtype.kind != "c" else (x - whole).exp().conj()


def _logsumexp(x: np.ndarray, dims: tuple[int, ...], keepdim: bool) -> np.ndarray:
    kind = x.dtype
    if kind.char == "e":
        x = x.astype(np.float32)
    real = x.real if kind.kind == "c" else x
    top = np.maximum.reduce(real, axis=dims, keepdims=True, initial=-np.inf)
    top = np.where(np.isinf(top), real.dtype.type(0), top)  # inf − inf would be NaN
    s = np.log(total(np.exp(x - top), dims, True)) + top
    return np.asarray(s if keepdim else s.squeeze(dims), kind)


# ---- truth and counting --------------------------------------------------------------------------


def _truth(name: str, ufunc: Any, input: Tensor, dim: Dims, keepdim: bool) -> Tensor:
    array = input._array
    dims = reduced_dims(name, input, dim, keepdim)
    if isinstance(dim, (tuple, list)) and not dim:
        dims = ()  # torch's choice: the empty tuple reduces nothing here, and everything in sum
    data = np.asarray(ufunc.reduce(array, axis=dims, keepdims=keepdim, dtype=bool), order="C")
    return wrap(data.astype(np.uint8) if array.dtype == np.uint8 else data)


@reduction(out="truth")
def all(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:  # noqa: A001
    """Whether no element over `dim` is zero; uint8 for uint8, else bool."""
    return _truth("all", np.logical_and, input, dim, keepdim)


@reduction(out="truth")
def any(input: Tensor, dim: Dims = None, keepdim: bool = False) -> Tensor:  # noqa: A001
    """Whether some element over `dim` is not zero; uint8 for uint8, else bool."""
    return _truth("any", np.logical_or, input, dim, keepdim)


@reduction(out="own")
def count_nonzero(input: Tensor, dim: Dims = None) -> Tensor:
    """How many elements over `dim` are not zero (NaN is not)."""
    dims = reduced_dims("count_nonzero", input, dim, False)
    return wrap(np.asarray(np.count_nonzero(input._array, axis=dims), np.int64, order="C"))
