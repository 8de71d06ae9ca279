"""Single elements and whole memories: apply_, map_, map2_, set_, resize_as_, rsub, index_reduce.

`apply_` and its relatives call a Python function once per element; `set_` points a tensor at another
memory.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..autograd.graph import rename, requires_grad
from ..autograd.inplace import bump, check_writable, in_place
from ..layout import preserve_format
from ..storage import TypedStorage, UntypedStorage
from ..tensor import Tensor
from .arithmetic import sub
from .common import is_number, shape_of_args, strided, wrap_dim
from .conversion import suggested
from .options import wrong_type
from .registry import op
from .scatter_reduce import scatter_reduce
from .writing import C_TYPES, exact_out

# ---- one element at a time -------------------------------------------------------------------------


def _each(self: Tensor, name: str, function: Callable[..., Any], *others: Tensor) -> Tensor:
    if any(requires_grad(t) for t in (self, *others)):
        raise RuntimeError(
            f"Can't call {name}() on Variable that requires grad. Use var.detach().{name}() instead."
        )
    if not callable(function):
        raise TypeError(f"'{type(function).__name__}' object is not callable")
    columns = []
    for place, t in enumerate(others, start=1):
        if t.dtype is not self.dtype:
            which = "'other'" if len(others) == 1 else f"argument '{'xy'[place - 1]}'"
            raise TypeError(
                f"{name}: expected torch.{self.dtype.legacy} for {which} (got torch.{t.dtype.legacy})"
            )
        columns.append(t.expand(self.shape)._array.ravel().tolist())
    flat = np.empty(self._array.size, self._array.dtype)
    own = self._array.ravel().tolist()
    flat[...] = [function(*values) for values in zip(own, *columns)]
    self._array[...] = flat.reshape(self._array.shape)
    bump(self)
    return self


@op(function=False)
def apply_(input: Tensor, callable: Callable[[Any], Any]) -> Tensor:
    """Every element x becomes callable(x), in place."""
    return _each(input, "apply_", callable)


@op(function=False)
def map_(input: Tensor, tensor: Tensor, callable: Callable[[Any, Any], Any]) -> Tensor:
    """Every element x becomes callable(x, y), y the element of `tensor` (broadcast), in place."""
    return _each(input, "map_", callable, tensor)


@op(function=False)
def map2_(
    input: Tensor, x: Tensor, y: Tensor, callable: Callable[[Any, Any, Any], Any]
) -> Tensor:
    """Every element becomes callable(element, element of x, element of y), in place."""
    return _each(input, "map2_", callable, x, y)


# ---- whose memory ------------------------------------------------------------------------------------


@op(function=False)
def set_(
    input: Tensor, source: Any = None, storage_offset: int = 0, size: Any = None, stride: Any = None
) -> Tensor:
    """Make `input` look at the memory of `source` (a tensor or a storage), or at none.

    Raises RuntimeError for another dtype.  Memory that is too short is copied into longer memory.
    """
    check_writable(input)
    kind = input._array.dtype
    geometry: tuple[Any, Any, int] = ((0,), (1,), 0)
    if source is None:
        memory = np.empty(0, kind)
    elif isinstance(source, Tensor):
        if source._array.dtype != kind:
            raise RuntimeError(
                f"Could not set tensor of type {C_TYPES[source.dtype.name]} to a tensor of type "
                f"{C_TYPES[input.dtype.name]}"
            )
        memory = source._storage_array()
        geometry = (source._array.shape, source.stride(), source.storage_offset())
    elif isinstance(source, (TypedStorage, UntypedStorage)):
        if isinstance(source, TypedStorage) and source._array.dtype != kind:
            raise RuntimeError(
                "Expected a Storage of type "
                f"{input.dtype.title} or an UntypedStorage, but got type {source.dtype.title} for "
                "argument 1 'storage'"
            )
        memory = source._array.view(kind)
        geometry = ((memory.size,), (1,), 0)
    else:
        raise wrong_type("set_", "source", "Tensor", source, 1)
    if size is not None:
        shape = tuple(size) if not hasattr(size, "__index__") else (size,)
        steps = _row_major(shape) if stride is None else tuple(stride)
        geometry = (shape, steps, storage_offset)
    _look_at(input, memory, *geometry)
    return input


def _row_major(shape: tuple[int, ...]) -> tuple[int, ...]:
    steps, step = [], 1
    for n in reversed(shape):
        steps.append(step)
        step *= max(n, 1)
    return tuple(reversed(steps))


def _look_at(t: Tensor, memory: np.ndarray, shape: Any, steps: Any, offset: int) -> None:
    needed = 1 + offset + sum((n - 1) * s for n, s in zip(shape, steps)) if 0 not in shape else 0
    if needed > memory.size:
        grown = np.zeros(needed, memory.dtype)
        grown[: memory.size] = memory
        memory = grown
    stride = [s * memory.itemsize for s in steps]
    t._array, t._root = strided(memory[offset:], shape, stride), memory
    bump(t)


@op
def resize_as_(input: Tensor, the_template: Tensor, *, memory_format: Any = None) -> Tensor:
    """`resize_` to the shape of another tensor."""
    if not isinstance(the_template, Tensor):
        raise wrong_type("resize_as_", "the_template", "Tensor", the_template, 1)
    if memory_format is preserve_format:
        memory_format = suggested(the_template._array)
    return input.resize_(the_template.shape, memory_format=memory_format)


@op(function=False)
def resize(input: Tensor, *sizes: Any) -> Tensor:
    """`reshape`, under a name that torch deprecates; the number of elements must stay."""
    warnings.warn("non-inplace resize is deprecated", UserWarning, stacklevel=2)
    return _resized(input, shape_of_args(sizes))


def _resized(input: Tensor, shape: Sequence[int]) -> Tensor:
    if math.prod(shape) != input.numel():
        words = ["x".join(map(str, s)) for s in (shape, input.shape)]
        raise RuntimeError(
            f"requested resize to {words[0]} ({math.prod(shape)} elements in total), but the given "
            f"tensor has a size of {words[1]} ({input.numel()} elements). autograd's resize can only "
            "change the shape of a given tensor, while preserving the number of elements."
        )
    return rename(input.reshape(shape), "ResizeBackward")


@op(function=False)
def resize_as(input: Tensor, tensor: Tensor) -> Tensor:
    """`reshape` to the shape of another tensor, under a name that torch deprecates."""
    warnings.warn("non-inplace resize_as is deprecated", UserWarning, stacklevel=2)
    return _resized(input, tensor.shape)


# ---- arithmetic ----------------------------------------------------------------------------------------


@op(method=False)
def rsub(input: Tensor, other: Any, alpha: Any = 1) -> Tensor:
    """`other - alpha * input`."""
    if not isinstance(input, Tensor):
        raise wrong_type("rsub", "input", "Tensor", input, 1)
    out = sub(other, input, alpha=alpha)
    return rename(out, "RsubBackward1" if is_number(other) else "RsubBackward0")


# ---- index_reduce ----------------------------------------------------------------------------------------


def _index_reduce(
    input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *,
    include_self: bool = True,
) -> Tensor:  # fmt: skip
    d = _check(input, dim, index, source, reduce)
    if reduce in ("amax", "amin") and input.is_complex():
        kernel = "maximum_cpu" if reduce == "amax" else "minimum_cpu"
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{input.dtype.title}'")
    shape = [1] * max(input.ndim, 1)
    shape[d] = -1
    places = index.long().reshape(shape).expand(source.shape if input.ndim else (1,))
    if input.ndim == 0:
        places, source = places.reshape(()), source.reshape(())
    out = scatter_reduce(input, d, places, source, reduce, include_self=include_self)
    return rename(out, "IndexReduceBackward0")


def _check(input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str) -> int:
    """Raise torch's errors; `dim` counted from the front."""
    d = wrap_dim(dim, input.ndim)
    kinds = {"int32", "int64"}
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError(
            f"index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got {reduce}."
        )
    if index.ndim > 1:
        raise IndexError(
            f"index_reduce_(): Index is supposed to be a vector, but got dim: {index.ndim} with "
            f"type: {index.dtype.title} and size: {list(index.shape)}"
        )
    if index.dtype.name not in kinds:
        raise RuntimeError(
            f"index_reduce_(): Expected dtype int32/int64 for index but got: {index.dtype.title}"
        )
    if input.dtype is not source.dtype:
        raise RuntimeError(
            f"index_reduce_(): self ({input.dtype.title}) and source ({source.dtype.title}) must "
            "have the same scalar type"
        )
    length = source._array.shape[d] if source.ndim else 1
    if index.numel() != length:
        raise RuntimeError(
            f"index_reduce_(): Number of indices ({index.numel()}) should be equal to "
            f"source.size(dim): ({length}), for dim: {d}"
        )
    size = input._array.shape[d] if input.ndim else 1
    if index.numel() and (index._array.min() < 0 or index._array.max() >= size):
        raise IndexError("index out of range in self")
    return d


def _named(function: Any, name: str, doc: str) -> Any:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


_named(
    _index_reduce, "index_reduce",
    "`input` with the slices of `source` reduced into those that `index` names along `dim`.",
)  # fmt: skip
_public = exact_out()(_index_reduce)
_public.in_place = in_place(_index_reduce, "index_reduce_")
index_reduce = op(_public, inplace=True, own_out=True)
