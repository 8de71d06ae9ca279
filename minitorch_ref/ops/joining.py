"""Joining tensors into one, and splitting one into several.

Splitting gives views, and joining is its gradient: what flows back from the parts of a split is
concatenated, what flows back from a concatenation is split.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..autograd.graph import as_view, record
from ..dtypes import can_cast, int64
from ..tensor import Tensor, wrap
from .common import result_type, wrap_dim
from .registry import op, refuse_grad, write_out
from .parts import narrow, slice_view
from .shaping import expand, reshape, unsqueeze

# ---- cat and stack -------------------------------------------------------------------------------


def _listed(tensors: Any, name: str) -> list[Tensor]:
    """The argument of a joining op as a list.  Raises TypeError if it is not one of tensors."""
    if not isinstance(tensors, (list, tuple)):
        raise TypeError(
            f"{name}(): argument 'tensors' (position 1) must be tuple of Tensors, not "
            f"{type(tensors).__name__}"
        )
    for i, t in enumerate(tensors):
        if not isinstance(t, Tensor):
            raise TypeError(
                f"expected Tensor as element {i} in argument 0, but got {type(t).__name__}"
            )
    return list(tensors)


def _not_empty(tensors: Any, name: str) -> list[Tensor]:
    tensors = _listed(tensors, name)
    if not tensors:
        raise RuntimeError(f"{name} expects a non-empty TensorList")
    return tensors


def _check_cat(tensors: list[Tensor], dim: int) -> tuple[list[bool], int]:
    """Which tensors take part (a 1-d one of no elements does not), and the wrapped dim."""
    if not tensors:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    shapes = [t._array.shape for t in tensors]
    for i, shape in enumerate(shapes):
        if not shape:
            raise RuntimeError(
                f"zero-dimensional tensor (at position {i}) cannot be concatenated"
            )
    counted = [shape != (0,) for shape in shapes]
    like = next((s for s, c in zip(shapes, counted) if c), (0,))
    dim = wrap_dim(dim, len(like))
    for i, shape in enumerate(shapes):
        if not counted[i]:
            continue
        if len(shape) != len(like):
            raise RuntimeError(
                f"Tensors must have same number of dimensions: got {len(like)} and {len(shape)}"
            )
        for d, (n, expected) in enumerate(zip(shape, like)):
            if d != dim and n != expected:
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {dim}. Expected size "
                    f"{expected} but got size {n} for tensor number {i} in the list."
                )
    return counted, dim


@op(method=False, own_out=True)
def cat(tensors: Any, dim: int = 0, *, axis: int | None = None, out: Tensor | None = None) -> Tensor:
    """The tensors one after the other along an existing dim, in their promoted dtype.

    All other dims must agree; 1-d tensors without elements are passed over.
    """
    tensors = _listed(tensors, "cat")
    counted, dim = _check_cat(tensors, dim if axis is None else axis)
    dtype = result_type(*tensors)
    if out is not None:
        refuse_grad("cat", (*tensors, out))
        if not can_cast(dtype, out.dtype):
            raise TypeError(
                "torch.cat(): input types can't be cast to the desired output type "
                f"{out.dtype.title}"
            )
    arrays = [t._array for t, used in zip(tensors, counted) if used]
    data = _concatenate(arrays or [tensors[0]._array], dim, dtype.np)
    lengths = [t._array.shape[dim] if used else -1 for t, used in zip(tensors, counted)]
    names = [f"t{i}" for i in range(len(tensors))]
    result = record(
        "CatBackward0",
        data,
        joint=(names, lambda g, needs: _parts(g, dim, lengths, needs)),
        **dict(zip(names, tensors)),
    )
    return result if out is None else write_out(out, result)


def _concatenate(arrays: list[np.ndarray], dim: int, np_dtype: np.dtype) -> np.ndarray:
    shape = list(arrays[0].shape)
    shape[dim] = sum(a.shape[dim] for a in arrays)
    return np.concatenate(arrays, dim, out=np.empty(shape, np_dtype), casting="unsafe")


def _parts(g: Tensor, dim: int, lengths: list[int], needs: tuple[bool, ...]) -> list[Any]:
    """The gradients of the inputs of `cat`: slices of g.  Length -1: an input passed over."""
    result: list[Any] = []
    start = 0
    for length, need in zip(lengths, needs):
        if length < 0:
            result.append(wrap(np.zeros(0, g._array.dtype)) if need else None)
            continue
        result.append(narrow(g, dim, start, length) if need else None)
        start += length
    return result


for _alias in ("concat", "concatenate"):
    op(cat, name=_alias, method=False, own_out=True)


@op(method=False, out=True)
def stack(tensors: Any, dim: int = 0) -> Tensor:
    """Tensors of one shape along a new dim, in their promoted dtype."""
    tensors = _not_empty(tensors, "stack")
    shape = tensors[0]._array.shape
    dim = wrap_dim(dim, len(shape) + 1)
    for i, t in enumerate(tensors):
        if t._array.shape != shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(shape)} at entry 0 and "
                f"{list(t.shape)} at entry {i}"
            )
    place = (slice(None),) * dim + (None,)
    data = _concatenate([t._array[place] for t in tensors], dim, result_type(*tensors).np)
    names = [f"t{i}" for i in range(len(tensors))]

    def rule(g: Tensor, needs: tuple[bool, ...]) -> list[Any]:
        return [g.select(dim, i) if need else None for i, need in enumerate(needs)]

    return record("StackBackward0", data, joint=(names, rule), **dict(zip(names, tensors)))


# ---- joining by rank ---------------------------------------------------------------------------------


def _at_least(t: Tensor, ndim: int) -> Tensor:
    """`t` with dims of size one added until it has `ndim` of them; a view."""
    if t.ndim == 0:
        return reshape(t, (1,) * ndim)
    if ndim > 1 and t.ndim == 1:
        t = unsqueeze(t, 0)
    return unsqueeze(t, 2) if ndim == 3 and t.ndim == 2 else t


def _atleast(name: str, ndim: int) -> Any:
    def function(*tensors: Any) -> Any:
        if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
            tensors = tuple(tensors[0])
            return tuple([_at_least(t, ndim) for t in _listed(tensors, name)])
        adapted = tuple([_at_least(t, ndim) for t in _listed(tensors, name)])
        return adapted[0] if len(adapted) == 1 else adapted

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Each tensor with at least {ndim} dim{'s' * (ndim > 1)}; views."
    return op(function, method=False)


atleast_1d = _atleast("atleast_1d", 1)
atleast_2d = _atleast("atleast_2d", 2)
atleast_3d = _atleast("atleast_3d", 3)


@op(method=False, out=True)
def hstack(tensors: Any) -> Tensor:
    """Side by side: along dim 1, or dim 0 for tensors of one dim."""
    tensors = [_at_least(t, 1) for t in _not_empty(tensors, "hstack")]
    return cat(tensors, 0 if tensors[0].ndim == 1 else 1)


@op(method=False, out=True)
def vstack(tensors: Any) -> Tensor:
    """On top of each other: along dim 0, a tensor of one dim being a row."""
    return cat([_at_least(t, 2) for t in _not_empty(tensors, "vstack")], 0)


op(vstack, name="row_stack", method=False)


@op(method=False, out=True)
def dstack(tensors: Any) -> Tensor:
    """Behind each other: along dim 2, with dims added to tensors of fewer."""
    return cat([_at_least(t, 3) for t in _not_empty(tensors, "dstack")], 2)


@op(method=False, out=True)
def column_stack(tensors: Any) -> Tensor:
    """Side by side, tensors of at most one dim being columns."""
    tensors = _not_empty(tensors, "column_stack")
    return hstack([reshape(t, t.numel(), 1) if t.ndim <= 1 else t for t in tensors])


# ---- splitting -----------------------------------------------------------------------------------------


def _dim_of(input: Tensor, dim: int) -> int:
    """The wrapped dim of a tensor that must have one."""
    if input.ndim == 0:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    return wrap_dim(dim, input.ndim)


def _split(name: str, input: Tensor, sizes: Sequence[int], dim: int, safe: bool = True) -> tuple:
    """Consecutive parts of a dim, as views (`safe`), or as tensors that share memory unseen."""
    array = input._array
    parts, start = [], 0
    for n in sizes:
        parts.append(array[(slice(None),) * dim + (slice(start, start + n),)])
        start += n
    shapes = [p.shape for p in parts]
    outs = record(name, tuple(parts), x=(input, lambda g: cat(_filled(g, shapes), dim)))
    return tuple([as_view(out, input, "multi") for out in outs]) if safe else outs


def _filled(gradients: Any, shapes: Sequence[tuple[int, ...]]) -> list[Tensor]:
    """The gradients of several outputs, zeros for those that received none."""
    np_dtype = next(g._array.dtype for g in gradients if g is not None)
    return [
        wrap(np.zeros(shape, np_dtype)) if g is None else g for g, shape in zip(gradients, shapes)
    ]


def _equal_sizes(input: Tensor, split_size: int, dim: int) -> list[int]:
    length = input._array.shape[dim]
    if split_size < 0:
        raise RuntimeError(
            f"split expects split_size be non-negative, but got split_size={split_size}"
        )
    if split_size == 0 and length:
        raise RuntimeError(
            "split_size can only be 0 if dimension size is 0, but got dimension size of "
            f"{length}"
        )
    if not length:
        return [0]
    return [min(split_size, length - start) for start in range(0, length, split_size)]


def _check_sizes(input: Tensor, sizes: Sequence[int], dim: int) -> list[int]:
    sizes, length = [int(n) for n in sizes], input._array.shape[dim]
    if any(n < 0 for n in sizes):
        raise RuntimeError(
            "split_with_sizes expects split_sizes have only non-negative entries, but got "
            f"split_sizes={sizes}"
        )
    if sum(sizes) != length:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to sum exactly to {length} (input tensor's size at "
            f"dimension {dim}), but got split_sizes={sizes}"
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
    dim = _split_dim(tensor, dim, "split")
    return _split("SplitBackward0", tensor, _equal_sizes(tensor, int(size), dim), dim)


@op(function=False, name="split")
def _split_method(input: Tensor, split_size: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """See `torch.split`."""
    return split(input, split_size, dim)


@op
def split_with_sizes(input: Tensor, split_sizes: Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
    """Parts of the given sizes, which must add up to the dim's."""
    dim = _split_dim(input, dim, "split")
    return _split("SplitWithSizesBackward0", input, _check_sizes(input, split_sizes, dim), dim)


@op
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most `chunks` parts of equal size, the last one smaller if it does not divide."""
    dim = _check_chunks(input, chunks, dim)
    length = input._array.shape[dim]
    if length == 0:
        return split_with_sizes(input, [0] * chunks, dim)
    return split(input, -(-length // chunks), dim)


def _check_chunks(input: Tensor, chunks: int, dim: int) -> int:
    dim = _split_dim(input, dim, "chunk")
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    return dim


@op
def unsafe_split(tensor: Tensor, split_size: int, dim: int = 0) -> tuple[Tensor, ...]:
    """`split` whose parts may be written in place, as long as `tensor` is not used again."""
    dim = _split_dim(tensor, dim, "split")
    sizes = _equal_sizes(tensor, split_size, dim)
    return _split("UnsafeSplitBackward0", tensor, sizes, dim, safe=False)


@op
def unsafe_split_with_sizes(
    input: Tensor, split_sizes: Sequence[int], dim: int = 0
) -> tuple[Tensor, ...]:
    """`split_with_sizes` whose parts may be written in place."""
    dim = _split_dim(input, dim, "split")
    sizes = _check_sizes(input, split_sizes, dim)
    return _split("UnsafeSplitWithSizesBackward0", input, sizes, dim, safe=False)


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
    return tuple(
        [slice_view(input, dim, slice(a, b)) for a, b in zip(edges, [*where, length])]
    )


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
    place = (slice(None),) * dim
    parts = tuple([array[(*place, i, ...)] for i in range(array.shape[dim])])
    if not parts:
        return ()
    shapes = [parts[0].shape] * len(parts)
    outs = record("UnbindBackward0", parts, x=(input, lambda g: stack(_filled(g, shapes), dim)))
    return tuple([as_view(out, input, "multi") for out in outs])


# ---- broadcasting together -----------------------------------------------------------------------------


@op(method=False)
def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """All tensors expanded to the shape they have together; views."""
    tensors = tuple(_listed(tensors, "broadcast_tensors"))
    shape: tuple[int, ...] = ()
    for t in tensors:
        shape = _shape_together(shape, t._array.shape)
    return tuple([t if t._array.shape == shape else expand(t, *shape) for t in tensors])


def _shape_together(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    ndim = max(len(a), len(b))
    left, right = (1,) * (ndim - len(a)) + a, (1,) * (ndim - len(b)) + b
    for d in reversed(range(ndim)):
        if left[d] != right[d] and 1 not in (left[d], right[d]):
            raise RuntimeError(
                f"The size of tensor a ({left[d]}) must match the size of tensor b ({right[d]}) at "
                f"non-singleton dimension {d}"
            )
    return tuple([m if n == 1 else n for m, n in zip(left, right)])
