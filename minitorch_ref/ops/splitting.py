"""Splitting a tensor into several, which are views of it.

The gradients of the parts are joined again; a part that received none counts as zeros.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..autograd.graph import as_view, record
from ..dtypes import int64
from ..tensor import Tensor, wrap
from .common import wrap_dim
from .joining import cat, stack
from .parts import empty_part, slice_view
from .registry import op


def _dim_of(input: Tensor, dim: int) -> int:
    """The wrapped dim of a tensor that must have one."""
    wrapped = wrap_dim(dim, input.ndim)
    if input.ndim == 0:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    return wrapped


def _split(name: str, input: Tensor, sizes: Sequence[int], dim: int, safe: bool = True) -> tuple:
    """Consecutive parts of a dim, as views (`safe`), or as tensors that share memory unseen."""
    array = input._array
    parts, start = [], 0
    for n in sizes:
        place = (slice(None),) * dim + (slice(start, start + n),)
        part = array[place]
        parts.append(part if part.size else empty_part(input, place))
        start += n
    shapes = [p.shape for p in parts]
    outs = record(name, tuple(parts), x=(input, lambda g: cat(_filled(g, shapes), dim)))
    return tuple([as_view(out, input, "multi") for out in outs]) if safe else outs


def _filled(gradients: Any, shapes: Sequence[tuple[int, ...]]) -> list[Tensor]:
    """The gradients of several outputs, zeros for those that received none."""
    if isinstance(gradients, Tensor):  # of a node that has one output
        return [gradients]
    np_dtype = next(g._array.dtype for g in gradients if g is not None)
    return [
        wrap(np.zeros(shape, np_dtype)) if g is None else g for g, shape in zip(gradients, shapes)
    ]


def _equal_sizes(input: Tensor, split_size: int, dim: int) -> tuple[list[int], int]:
    """The sizes of parts of `split_size` entries, and the wrapped dim."""
    if input.ndim and split_size < 0:
        raise RuntimeError(
            f"split expects split_size be non-negative, but got split_size={split_size}"
        )
    dim = _split_dim(input, dim, "split")
    length = input._array.shape[dim]
    if split_size == 0 and length:
        raise RuntimeError(
            f"split_size can only be 0 if dimension size is 0, but got dimension size of {length}"
        )
    starts = range(0, length, split_size) if length else [0]
    return [min(split_size, length - start) for start in starts], dim


def _check_sizes(input: Tensor, sizes: Sequence[int], dim: int) -> list[int]:
    """`sizes`, if they can be those of parts of a dim (which the message calls as the user did)."""
    sizes, length = [int(n) for n in sizes], input._array.shape[wrap_dim(dim, input.ndim)]
    if any(n < 0 for n in sizes):
        raise RuntimeError(
            "split_with_sizes expects split_sizes have only non-negative entries, but got "
            f"split_sizes={sizes}"
        )
    if sum(sizes) != length:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to sum exactly to {length} (input tensor's size "
            f"at dimension {dim}), but got split_sizes={sizes}"
        )
    return sizes


def _split_dim(input: Tensor, dim: int, name: str) -> int:
    if input.ndim == 0:
        raise RuntimeError(f"{name} expects at least a 1-dimensional tensor")
    return wrap_dim(dim, input.ndim)


@op(method=False)
def split(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Parts of `split_size` entries of a dim (the last may be smaller), or of the listed sizes."""
    size = split_size_or_sections
    if isinstance(size, (list, tuple)):
        return split_with_sizes(tensor, size, dim)
    if not hasattr(size, "__index__"):
        raise TypeError(
            "split_with_sizes(): argument 'split_sizes' (position 2) must be tuple of ints, not "
            f"{type(size).__name__}"
        )
    return _split("SplitBackward0", tensor, *_equal_sizes(tensor, int(size), dim))


@op(function=False, name="split")
def _split_method(input: Tensor, split_size: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """See `torch.split`."""
    return split(input, split_size, dim)


@op
def split_with_sizes(input: Tensor, split_sizes: Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Parts of the given sizes, which must add up to the dim's."""
    wrapped = _split_dim(input, dim, "split")
    sizes = _check_sizes(input, split_sizes, dim)
    return _split("SplitWithSizesBackward0", input, sizes, wrapped)


@op
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most `chunks` parts of equal size, the last one smaller if it does not divide."""
    dim = _check_chunks(input, chunks, dim)
    length = input._array.shape[dim]
    if length == 0:
        return split_with_sizes(input, [0] * chunks, dim)
    return split(input, -(-length // chunks), dim)


def _check_chunks(input: Tensor, chunks: int, dim: int) -> int:
    if input.ndim and chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    return _split_dim(input, dim, "chunk")


@op
def unsafe_split(tensor: Tensor, split_size: int, dim: int = 0) -> tuple[Tensor, ...]:
    """`split` whose parts may be written in place, as long as `tensor` is not used again."""
    sizes, dim = _equal_sizes(tensor, split_size, dim)
    return _split("UnsafeSplitBackward0", tensor, sizes, dim, safe=False)


@op
def unsafe_split_with_sizes(
    input: Tensor, split_sizes: Sequence[int], dim: int = 0
) -> tuple[Tensor, ...]:
    """`split_with_sizes` whose parts may be written in place."""
    wrapped = _split_dim(input, dim, "split")
    sizes = _check_sizes(input, split_sizes, dim)
    return _split("UnsafeSplitWithSizesBackward0", input, sizes, wrapped, safe=False)


@op
def unsafe_chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """`chunk` whose parts may be written in place."""
    dim = _check_chunks(input, chunks, dim)
    length = input._array.shape[dim]
    if length == 0:
        return unsafe_split_with_sizes(input, [0] * chunks, dim)
    return unsafe_split(input, -(-length // chunks), dim)


@op
def tensor_split(
    input: Tensor,
    indices_or_sections: Any = None,
    dim: int = 0,
    *,
    sections: Any = None,
    indices: Any = None,
    tensor_indices_or_sections: Any = None,
) -> tuple[Tensor, ...]:
    """A number of parts that differ in size by one at most, or parts that end at the indices."""
    for given in (sections, indices, tensor_indices_or_sections):
        indices_or_sections = given if given is not None else indices_or_sections
    where = _split_points(indices_or_sections)
    if input.ndim == 0:
        raise RuntimeError(
            "tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims"
        )
    dim = wrap_dim(dim, input.ndim)
    length = input._array.shape[dim]
    if isinstance(where, int):
        if where <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {where}")
        size, larger = divmod(length, where)
        where = [i * size + min(i, larger) for i in range(1, where)]
    edges = [0, *where]
    return tuple([slice_view(input, dim, slice(a, b)) for a, b in zip(edges, [*where, length])])


def _split_points(where: Any) -> Any:
    if not isinstance(where, Tensor):
        return where if isinstance(where, int) else [int(i) for i in where]
    if where.dtype is not int64:
        raise RuntimeError(
            "tensor_split expected tensor_indices_or_sections to have dtype of long, but got "
            f"{where.dtype.title}"
        )
    if where.ndim > 1:
        raise RuntimeError(
            "tensor_split expected tensor_indices_or_sections to be a zero-dimensional or "
            f"one-dimensional tensor, but got a tensor with {where.ndim} dims"
        )
    return where.tolist()


def _split_by_rank(name: str, rank: int) -> Any:
    """hsplit, vsplit, dsplit: tensor_split along a fixed dim, which the sections must divide."""

    def function(input: Tensor, indices_or_sections: Any = None, *, sections: Any = None,
                 indices: Any = None) -> tuple[Tensor, ...]:  # fmt: skip
        for given in (sections, indices):
            indices_or_sections = given if given is not None else indices_or_sections
        if input.ndim < rank:
            raise RuntimeError(
                f"torch.{name} requires a tensor with at least {rank} dimension, but got a tensor "
                f"with {input.ndim} dimensions!"
            )
        dim = 0 if input.ndim == 1 or name == "vsplit" else {"hsplit": 1, "dsplit": 2}[name]
        where, length = indices_or_sections, input._array.shape[dim]
        if isinstance(where, int) and (where == 0 or length % where):
            raise RuntimeError(
                f"torch.{name} attempted to split along dimension {dim}, but the size of the "
                f"dimension {length} is not divisible by the split_size {where}!"
            )
        return tensor_split(input, where, dim)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = "Equal parts, or parts that end at the indices, along one dim; views."
    return op(function)


hsplit = _split_by_rank("hsplit", 1)
vsplit = _split_by_rank("vsplit", 2)
dsplit = _split_by_rank("dsplit", 3)


@op
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The entries of a dim, which disappears; views."""
    dim = _dim_of(input, dim)
    array = input._array
    place: tuple[Any, ...] = (slice(None),) * dim
    parts = tuple([array[(*place, i, ...)] for i in range(array.shape[dim])])
    if not array.size:
        parts = tuple([empty_part(input, (*place, i)) for i in range(len(parts))])
    if not parts:
        return ()
    shapes = [parts[0].shape] * len(parts)
    outs = record("UnbindBackward0", parts, x=(input, lambda g: stack(_filled(g, shapes), dim)))
    return tuple([as_view(out, input, "multi") for out in outs])
