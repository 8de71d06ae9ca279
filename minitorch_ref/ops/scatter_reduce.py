"""scatter_reduce: scatter with a sum, product, mean, maximum or minimum of what meets in one place.

With `include_self` the old value takes part as well.  The gradients are those of torch's
`scatter_reduce_backward`: tied extremes share the gradient, and a product divides the result by the
factor unless that factor is zero.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..autograd.graph import record
from ..kernels import scatter as kernels
from ..quiet import fp
from ..tensor import Tensor, wrap
from .common import dtype_of, wrap_dim
from .masking import masked_fill, where
from .registry import op
from .scatter import as_dims, gather, scatter, scatter_add, scatter_arguments
from .writing import exact_out, written_by


def _limit(np_dtype: np.dtype, largest: bool) -> Any:
    """What a maximum (minimum) of nothing starts from."""
    if np_dtype.kind == "f":
        return np.inf if largest else -np.inf
    if np_dtype.kind == "b":
        return largest
    info = np.iinfo(np_dtype)
    return info.max if largest else info.min


_REDUCTIONS: dict[str, tuple[np.ufunc, Callable[[np.dtype], Any]]] = {
    "sum": (np.add, lambda kind: 0),
    "mean": (np.add, lambda kind: 0),
    "prod": (np.multiply, lambda kind: 1),
    "amax": (np.maximum, lambda kind: _limit(kind, False)),
    "amin": (np.minimum, lambda kind: _limit(kind, True)),
}


def _kernel(
    array: np.ndarray, dim: int, index: Tensor, src: Tensor, reduce: str, *,
    include_self: bool = True,
) -> None:  # fmt: skip
    dim, at, source = scatter_arguments("scatter_reduce", array, dim, index, src)
    if reduce not in _REDUCTIONS:
        raise RuntimeError(
            f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}"
        )
    if at.size and array.dtype.kind == "c" and reduce in ("amax", "amin"):
        raise NotImplementedError(
            f'"scatter_gather_tensor_cpu_reduce_{reduce}" not implemented for '
            f"'{dtype_of(array).title}'"
        )
    if array.dtype.kind == "b" and reduce == "mean":
        raise NotImplementedError("\"div_floor_cpu\" not implemented for 'Bool'")
    if at.size == 0:
        return
    array = as_dims(array)
    ufunc, start = _REDUCTIONS[reduce]
    if not include_self:
        kernels.scatter(array, dim, at, np.broadcast_to(start(array.dtype), at.shape))
    fp.quiet(kernels.scatter_with, ufunc, array, dim, at, source)
    if reduce == "mean":
        count = np.maximum(kernels.counts(array.shape, dim, at) + include_self, 1)
        divide = np.floor_divide if array.dtype.kind in "iu" else np.true_divide
        array[...] = fp.quiet(divide, array, count.astype(array.dtype))


@op(inplace=True, own_out=True)
@exact_out()
@written_by(_kernel)
def scatter_reduce(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *,
    include_self: bool = True,
) -> Tensor:  # fmt: skip
    """`input` with the elements of `src` reduced into the places that `index` names along `dim`.

    `reduce`: "sum", "prod", "mean", "amax" or "amin".  Raises RuntimeError for any other.
    """
    data = input._array.copy()
    _kernel(data, dim, index, src, reduce, include_self=include_self)
    rule = _RULES[reduce]

    def back(g: Tensor, input: Tensor, index: Tensor, src: Tensor, out: Tensor) -> tuple:
        to_self, to_src = rule(g, input, dim, index, src, out, include_self)
        if not include_self:
            to_self = scatter(to_self, dim, index, 0)
        return to_self, to_src

    return record(
        "ScatterReduceBackward0", data, (("input", "src"), back), input=input, index=index, src=src
    )


# ---- gradients: (for input, for src) -------------------------------------------------------------


def _sum_rule(g: Tensor, input: Any, dim: int, index: Tensor, *_: Any) -> tuple:
    return g, gather(g, dim, index)


def _mean_rule(
    g: Tensor, input: Any, dim: int, index: Tensor, src: Any, out: Any, include_self: bool
) -> tuple:
    shape = as_dims(g._array).shape
    count = kernels.counts(shape, wrap_dim(dim, len(shape)), as_dims(index._array))
    count = np.maximum(count + include_self, 1).reshape(g._array.shape)
    share = g / wrap(count.astype(g._array.real.dtype))
    return share, gather(share, dim, index)


def _extreme_rule(
    g: Tensor, input: Tensor, dim: int, index: Tensor, src: Tensor, out: Tensor, *_: Any
) -> tuple:
    """Every element that equals the result gets an equal share."""
    mine = (input == out).to(g.dtype)
    theirs = (src == gather(out.detach(), dim, index)).to(g.dtype)
    share = g / scatter_add(mine, dim, index, theirs)  # at NaN none does: NaN, as in torch
    return mine * share, theirs * gather(share, dim, index)


def _prod_rule(
    g: Tensor, input: Tensor, dim: int, index: Tensor, src: Tensor, out: Tensor, include_self: bool
) -> tuple:
    """result / factor; for the only zero among the factors, the product of the others."""
    without_zero = masked_fill(input, input == 0, 1)
    others = scatter_reduce(without_zero, dim, index, src, "prod", include_self=include_self)
    to_self = g * others / without_zero
    zero = src == 0
    count = scatter_add(wrap(np.zeros(g._array.shape, np.int64)), dim, index, zero.to(index.dtype))
    single = zero & (gather(count, dim, index) == 1)
    rest = scatter_reduce(
        input, dim, index, masked_fill(src, single, 1), "prod", include_self=include_self
    )
    to_src = where(
        single,
        gather(g * rest, dim, index),
        gather(g * out, dim, index) / masked_fill(src, zero, 1),
    )
    return to_self, to_src


_RULES = {
    "sum": _sum_rule, "mean": _mean_rule, "prod": _prod_rule,
    "amax": _extreme_rule, "amin": _extreme_rule,
}  # fmt: skip
