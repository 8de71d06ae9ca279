"""Largest and smallest: amax, amin, aminmax, max, min (all overloads), argmax, argmin.

A tie is the only question here.  As in torch: amax, amin and the full max() and min() share the
gradient evenly among equals; max(dim) and min(dim) give it to the element whose index they return,
the first one.  NaN is larger than everything and smaller than everything: it always wins.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import return_types
from ..autograd.graph import record
from ..kernels.extremes import argument
from ..kernels.scatter import gather
from ..quiet import fp
from ..tensor import Tensor, wrap
from .common import Dims, wrap_dim
from .reducing import reduced_dims, reduction, require_nonempty, restore


def _refuse_complex(input: Tensor, kernel: str) -> None:
    if input._array.dtype.kind == "c":
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{input.dtype.title}'")


_BOTH: tuple[Any, Any] = (np.minimum, np.maximum)

# ---- values --------------------------------------------------------------------------------------


def _extreme(
    node: str, ufunc: Any, input: Tensor, dims: tuple[int, ...], keepdim: bool, nan: bool
) -> Tensor:
    """The extreme over `dims`; its gradient is shared evenly among the elements that attain it.

    `nan`: whether NaNs share the gradient of a NaN.  If not, torch divides it among nobody.
    """
    data = np.asarray(fp.quiet(ufunc.reduce, input._array, axis=dims, keepdims=keepdim), order="C")
    return record(
        node, data,
        input=(
            input,
            lambda g, input, out: shared(
                restore(g, dims, keepdim), input, restore(out, dims, keepdim), dims, nan
            ),
        ),
    )  # fmt: skip


def shared(
    g: Tensor, input: Tensor, extreme: Tensor, dims: tuple[int, ...], nan: bool = True
) -> Tensor:
    """g divided among the elements equal to the extreme; if that is NaN, among the NaNs."""
    x, top = input._array, extreme._array
    mask = x == top
    if nan and x.dtype.kind == "f":
        mask |= np.isnan(x) & np.isnan(top)
    count: Any = np.add.reduce(mask, axis=dims, keepdims=True, dtype=x.dtype)  # type: ignore
    return g * wrap(np.asarray(fp.quiet(np.divide, mask, count), x.dtype))


@reduction(out="match")
def amax(input: Tensor, dim: Dims = (), keepdim: bool = False) -> Tensor:
    """The largest element over `dim`; equals share the gradient."""
    return _over_dims("amax", "max_values_cpu", np.maximum, input, dim, keepdim)


@reduction(out="match")
def amin(input: Tensor, dim: Dims = (), keepdim: bool = False) -> Tensor:
    """The smallest element over `dim`; equals share the gradient."""
    return _over_dims("amin", "min_values_cpu", np.minimum, input, dim, keepdim)


def _over_dims(
    name: str, kernel: str, ufunc: np.ufunc, input: Tensor, dim: Dims, keepdim: bool
) -> Tensor:
    dims = reduced_dims(name, input, dim, keepdim)
    require_nonempty(name, input, dims, given=dim is not None and dim != ())
    _refuse_complex(input, kernel)
    return _extreme(name.capitalize() + "Backward0", ufunc, input, dims, keepdim, nan=False)


@reduction(out="own")
def aminmax(
    input: Tensor, *, dim: int | None = None, keepdim: bool = False
) -> return_types.aminmax:
    """(min, max) over one dim, or over all."""
    dims = reduced_dims("aminmax", input, dim, keepdim)
    if not input._array.size:
        if dim is None:
            raise RuntimeError(
                "aminmax(): cannot compute aminmax over an empty dimension as the operation has no "
                "identity."
            )
        if input._array.shape[dims[0]] == 0:
            raise IndexError(f"aminmax: Expected reduction dim {dims[0]} to have non-zero size.")
    _refuse_complex(input, "aminmax_cpu")
    x = input._array
    low, high = (
        np.asarray(ufunc.reduce(x, axis=dims, keepdims=keepdim), order="C") for ufunc in _BOTH
    )

    def rule(g: Any, input: Tensor, out0: Tensor, out1: Tensor) -> Tensor:
        parts = [
            shared(restore(part, dims, keepdim), input, restore(end, dims, keepdim), dims, False)
            for part, end in zip(g, (out0, out1))
            if part is not None
        ]
        return parts[0] if len(parts) == 1 else parts[0] + parts[1]

    outs = record("AminmaxBackward0", (low, high), input=(input, rule))
    return return_types.aminmax(outs)


# ---- max and min ---------------------------------------------------------------------------------


def _select(name: str, ufunc: np.ufunc, arg: Any, input: Tensor, dim: int, keepdim: bool) -> Any:
    """The extremes along `dim` and their indices."""
    reduced_dims(name, input, dim, keepdim)
    axis = wrap_dim(dim, input._array.ndim)
    require_nonempty(name, input, (axis,), given=True)
    x = input._array
    if x.dtype.kind == "c":
        raise RuntimeError(f"{name}(): does not support complex input")
    if not x.ndim:
        where, data = np.zeros((), np.int64), x.copy()
    else:
        where = argument(ufunc, arg, x, axis)
        data = _at(x, where, axis)
        if not keepdim:
            where, data = where.squeeze(axis), data.squeeze(axis)
    node = name.capitalize() + "Backward0"
    values = select_along(node, input, data, wrap(np.asarray(where, np.int64)), axis, keepdim)
    return getattr(return_types, name)((values, wrap(np.asarray(where, np.int64))))


def _at(x: np.ndarray, where: np.ndarray, axis: int) -> np.ndarray:
    """The elements of `x` at the indices `where` along `axis`, a dim of size one in `where`."""
    if axis == x.ndim - 1 and x.flags.c_contiguous:
        starts = np.arange(0, x.size, x.shape[-1]).reshape(where.shape)
        return np.asarray(x.reshape(-1)[starts + where])
    return gather(x, axis, where)


def select_along(
    node: str, input: Tensor, data: np.ndarray, where: Tensor, axis: int, keepdim: bool
) -> Tensor:
    """The elements `data` that stand at `where` along `axis`; the gradient goes to those places."""
    shape, scalar = input.shape, input._array.ndim == 0

    def rule(g: Tensor, where: Tensor) -> Tensor:
        if scalar:
            return g.reshape(shape)
        if not keepdim:
            g, where = g.unsqueeze(axis), where.unsqueeze(axis)
        return g.new_zeros(shape).scatter(axis, where, g)

    return record(node, data, input=(input, rule), where=where)


def _dispatch(
    name: str, ufunc: np.ufunc, arg: Any, elementwise: str, args: Any, kwargs: Any
) -> Any:
    """The three overloads: (), (dim, keepdim) and (other)."""
    input = args[0] if args else kwargs.pop("input")
    rest = args[1:]
    if not rest and not kwargs:
        require_nonempty(name, input, (), given=False)
        _refuse_complex(input, f"{name}_all")
        every = tuple(range(input._array.ndim))
        return _extreme(name.capitalize() + "Backward1", ufunc, input, every, False, nan=True)
    other = kwargs.pop("other", rest[0] if rest else None)
    if isinstance(other, Tensor):
        return getattr(input, elementwise)(other)
    parameters = dict(zip(("dim", "keepdim"), rest)) | kwargs
    dim, keepdim = parameters.pop("dim", None), parameters.pop("keepdim", False)
    if parameters or len(rest) > 2 or not hasattr(dim, "__index__"):
        got = ", ".join(type(a).__name__ for a in (*args, *kwargs.values()))
        raise TypeError(
            f"{name}() received an invalid combination of arguments - got ({got}), but expected "
            "one of: (Tensor input), (Tensor input, Tensor other), (Tensor input, int dim, bool "
            "keepdim)"
        )
    return _select(name, ufunc, arg, input, dim, keepdim)


@reduction(out="pair")
def max(*args: Any, **kwargs: Any) -> Any:  # noqa: A001
    """max(input), max(input, dim, keepdim=False) → (values, indices), max(input, other)."""
    return _dispatch("max", np.maximum, np.ndarray.argmax, "maximum", args, kwargs)


@reduction(out="pair")
def min(*args: Any, **kwargs: Any) -> Any:  # noqa: A001
    """min(input), min(input, dim, keepdim=False) → (values, indices), min(input, other)."""
    return _dispatch("min", np.minimum, np.ndarray.argmin, "minimum", args, kwargs)


# ---- positions -----------------------------------------------------------------------------------


def _position(
    name: str, ufunc: np.ufunc, arg: Any, input: Tensor, dim: int | None, keepdim: bool
) -> Tensor:
    reduced_dims(name, input, dim, keepdim)
    x = input._array
    if dim is None and not x.size:
        raise IndexError(
            f"{name}(): Expected reduction dim to be specified for input.numel() == 0."
        )
    if x.dtype.kind in "bc":
        kind = "bool" if x.dtype.kind == "b" else "complex"
        raise RuntimeError(f"{name}(): does not support {kind} input")
    if not x.ndim:
        return wrap(np.zeros((), np.int64))
    if dim is None:
        return wrap(np.asarray(arg(x, None, keepdims=keepdim), np.int64))
    axis = wrap_dim(dim, x.ndim)
    require_nonempty(name, input, (axis,), given=True)
    where = argument(ufunc, arg, x, axis)
    return wrap(np.asarray(where if keepdim else where.squeeze(axis), np.int64))


@reduction(out="index")
def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The index of the first largest element along `dim`; without one, in the flattened input."""
    return _position("argmax", np.maximum, np.ndarray.argmax, input, dim, keepdim)


@reduction(out="index")
def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The index of the first smallest element along `dim`; without one, in the flattened input."""
    return _position("argmin", np.minimum, np.ndarray.argmin, input, dim, keepdim)
