"""Copies of a tensor's elements in other places: repeated, mirrored, rolled, laid on diagonals.

The gradient of each is the way back: what was repeated is summed, what was moved is moved back.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..autograd.graph import record
from ..dtypes import can_cast
from ..kernels.layout import copied, exact, in_format, suggests_channels_last
from ..tensor import Tensor, wrap
from .common import shape_of_args, wrap_dim
from .conversion import clone
from .parts import _diagonal_of, diagonal
from .registry import op
from .shaping import expand, flatten, only_keyword, reshape, unsqueeze, view_
from .splitting import _dim_of
from .writing import exact_out

# ---- repeating ----------------------------------------------------------------------------------


@op(function=False)
def repeat(input: Tensor, *repeats: Any, **keyword: Any) -> Tensor:
    """The tensor side by side `repeats[d]` times along each dim; more repeats add dims in front."""
    times = shape_of_args(only_keyword(repeats, keyword, "repeat", "repeats"))
    array = input._array
    if len(times) < array.ndim:
        raise RuntimeError(
            "Number of dimensions of repeat dims can not be smaller than number of dimensions of "
            "tensor"
        )
    shape = (1,) * (len(times) - array.ndim) + array.shape
    total = [r * n for r, n in zip(times, shape)]
    negative = [n for n in total if n < 0]
    if negative:
        raise RuntimeError(
            f"Trying to create tensor with negative dimension {negative[0]}: {total}"
        )
    times = tuple([max(r, 0) for r in times])
    # Each dim n becomes (r, n): the copies are one broadcast, and the gradient sums them up again.
    apart = tuple(itertools.chain.from_iterable(zip(times, shape)))
    single = tuple(itertools.chain.from_iterable((1, n) for n in shape))
    data = np.empty(apart, array.dtype)
    data[...] = array.reshape(single)
    copies, before = tuple(range(0, 2 * len(times), 2)), array.shape

    def rule(g: Tensor) -> Tensor:
        g = reshape(g, apart)
        return reshape(g.sum(copies) if copies else g, before)

    return record("RepeatBackward0", data.reshape(total), input=(input, rule))


@op(method=False)
def tile(input: Tensor, dims: Sequence[int]) -> Tensor:
    """`repeat` that also takes fewer numbers than there are dims: they count from the last dim."""
    times = _ints(dims, "tile")
    return repeat(input, (1,) * (input.ndim - len(times)) + times)


@op(function=False, name="tile")
def _tile_method(input: Tensor, *dims: Any, **keyword: Any) -> Tensor:
    """See `torch.tile`; also takes the numbers one by one."""
    return tile(input, shape_of_args(only_keyword(dims, keyword, "tile", "dims")))


def _ints(dims: Any, name: str) -> tuple[int, ...]:
    """`dims` as a tuple; a single number is refused, as torch's functions (not methods) do."""
    if not isinstance(dims, (tuple, list)):
        raise TypeError(
            f"{name}(): argument 'dims' (position 2) must be tuple of ints, not "
            f"{type(dims).__name__}"
        )
    return shape_of_args((dims,))


@op
def repeat_interleave(
    input: Tensor | None = None,
    repeats: Any = None,
    dim: int | None = None,
    *,
    output_size: int | None = None,
) -> Tensor:
    """Each entry of a dim (or of the flattened tensor) repeated: all as often, or by a list.

    With only a tensor of repeats: entry i of 0, 1, 2, ... repeated repeats[i] times.
    """
    if input is None or repeats is None:
        counts = repeats if input is None else input
        rows = _interleaved(counts._array, None, output_size)
        return wrap(rows.astype(counts._array.dtype))
    if dim is None:
        input, dim = flatten(input), 0
    if isinstance(repeats, Tensor):
        if repeats.ndim == 0 or (repeats.numel() == 1 and repeats.ndim == 1):
            length = input._array.shape[_dim_of(input, dim)]
            repeats = wrap(np.broadcast_to(repeats._array.reshape(-1), (length,)))
        dim = _dim_of(input, dim)
        rows = _interleaved(repeats._array, input._array.shape[dim], output_size, dim)
        return input.index_select(dim, wrap(rows))
    wrap_dim(dim, input.ndim)
    if repeats < 0:
        raise RuntimeError("Repeats must be non-negative")
    dim = _dim_of(input, dim)
    length = input._array.shape[dim] * repeats
    if output_size is not None and output_size != length:
        raise RuntimeError(
            f"repeat_interleave: Invalid output_size, expected {length} but got {output_size}"
        )
    wide = unsqueeze(input, dim + 1)
    shape = list(wide.shape)
    shape[dim + 1] = repeats
    return flatten(clone(expand(wide, *shape)).contiguous(), dim, dim + 1)


def _repeat_interleave(self: Tensor, repeats: Any, *args: Any, **kwargs: Any) -> Tensor:
    """`repeat_interleave` as a method, which has no form without `repeats`."""
    return repeat_interleave(self, repeats, *args, **kwargs)


Tensor.repeat_interleave = _repeat_interleave  # type: ignore[attr-defined]


def _interleaved(
    repeats: np.ndarray, length: int | None, output_size: int | None, dim: int = 0
) -> np.ndarray:
    """Which entry stands at each place of the result."""
    if repeats.ndim != 1:
        raise RuntimeError("repeats must be 0-dim or 1-dim tensor")
    if length is not None and repeats.size != length:
        raise RuntimeError(
            "repeats must have the same size as input along dim, but got repeats.size(0) = "
            f"{repeats.size} and input.size({dim}) = {length}"
        )
    if repeats.dtype not in (np.int32, np.int64):
        name = wrap(repeats).dtype.title
        raise NotImplementedError(f"\"repeat_interleave_cpu\" not implemented for '{name}'")
    if (repeats < 0).any():
        raise RuntimeError("repeats can not be negative")
    rows = np.repeat(np.arange(repeats.size), repeats)
    if output_size is not None and output_size != rows.size:
        raise RuntimeError("allocated size does not match required size")
    return rows


# ---- mirroring and rolling ----------------------------------------------------------------------


@op(method=False)
def flip(input: Tensor, dims: Sequence[int]) -> Tensor:
    """The entries of the listed dims in reverse order."""
    order: list[int] = []
    for d in _ints(dims, "flip"):
        order.append(wrap_dim(d, input.ndim))
        if order.count(order[-1]) > 1:
            raise RuntimeError(f"dim {order[-1]} appears multiple times in the list of dims")
    place: list[Any] = [slice(None)] * input.ndim
    for d in order if input.ndim else ():
        place[d] = slice(None, None, -1)
    data = copied(input._array[(*place, ...)], input._array)
    return record("FlipBackward0", data, input=(input, lambda g: flip(g, order)))


@op(function=False, name="flip")
def _flip_method(input: Tensor, *dims: Any, **keyword: Any) -> Tensor:
    """See `torch.flip`; also takes the dims one by one."""
    return flip(input, shape_of_args(only_keyword(dims, keyword, "flip", "dims")))


@op
def fliplr(input: Tensor) -> Tensor:
    """Columns in reverse order: dim 1 flipped."""
    if input.ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return flip(input, (1,))


@op
def flipud(input: Tensor) -> Tensor:
    """Rows in reverse order: dim 0 flipped."""
    if input.ndim < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return flip(input, (0,))


@op
def rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """Turned by k quarter circles in the plane of two dims, from the first toward the second."""
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if input.ndim < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {input.ndim}")
    a, b = (wrap_dim(d, input.ndim) for d in dims)
    if a == b:
        raise RuntimeError(
            f"expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}"
        )
    turns = k % 4
    flipped = {0: (), 1: (b,), 2: (a, b), 3: (a,)}[turns]
    data = np.flip(input._array, flipped)
    data = copied(data, input._array) if turns else data.copy("C")
    if turns % 2:
        data = exact(data).swapaxes(a, b)
    return record("Rot90Backward0", data, input=(input, lambda g: rot90(g, -k, dims)))


@op
def roll(input: Tensor, shifts: Any, dims: Any = ()) -> Tensor:
    """Entries moved by `shifts` along `dims`, those pushed out coming in at the other end.

    Without dims the tensor is rolled as if flattened.
    """
    shifts = (shifts,) if isinstance(shifts, int) else tuple(shifts)
    dims = (dims,) if isinstance(dims, int) else tuple(dims if dims is not None else ())
    if not shifts:
        raise RuntimeError("`shifts` required")
    if len(shifts) != len(dims) and not (len(shifts) == 1 and not dims):
        raise RuntimeError(
            f"shifts and dimensions must align. shifts: {len(shifts)}, dims:{len(dims)}"
        )
    data = input._array
    axes = [_dim_of(input, d) for d in dims] if data.size else []
    if not axes:
        data = copied(data) if dims else np.roll(data, shifts[0])
    for axis, shift in zip(axes, shifts):
        data = _rolled(data, shift, axis)
    back = tuple([-s for s in shifts])
    return record("RollBackward0", data, input=(input, lambda g: roll(g, back, dims)))


def _rolled(array: np.ndarray, shift: int, axis: int) -> np.ndarray:
    """What was pushed out, before the rest; channels stay the fastest dim where they are in both."""
    last = suggests_channels_last(array) and shift % array.shape[axis] != 0
    return in_format(np.ascontiguousarray(np.roll(array, shift, axis)), last)


# ---- triangles and diagonals --------------------------------------------------------------------


def _check_matrix(input: Tensor, name: str) -> None:
    if input.ndim < 2:
        raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions")


@op(inplace=True, own_out=True)
@exact_out()
def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """The lower triangles of matrices, up to a diagonal; zeros above it."""
    _check_matrix(input, "tril")
    data = np.tril(np.ascontiguousarray(input._array), operator.index(diagonal))
    return record("TrilBackward0", data, input=(input, lambda g: tril(g, diagonal)))


@op(inplace=True, own_out=True)
@exact_out()
def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """The upper triangles of matrices, from a diagonal on; zeros below it."""
    _check_matrix(input, "triu")
    data = np.triu(np.ascontiguousarray(input._array), operator.index(diagonal))
    return record("TriuBackward0", data, input=(input, lambda g: triu(g, diagonal)))


@op
def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Matrices, in dims dim1 and dim2, with the last dim of `input` on a diagonal."""
    a, b = wrap_dim(dim1, input.ndim + 1), wrap_dim(dim2, input.ndim + 1)
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    array = input._array
    side = array.shape[-1] + abs(offset)
    shape = list(array.shape[:-1])
    for d in sorted((a, b)):
        shape.insert(d, side)
    data = np.zeros(shape, array.dtype)
    _diagonal_of(data, offset, a, b)[...] = array
    return record("DiagEmbedBackward0", data, input=(input, lambda g: diagonal(g, offset, a, b)))


@op(own_out=True)
def diag(input: Tensor, diagonal: int = 0, *, out: Tensor | None = None) -> Tensor:
    """A matrix with the vector on its diagonal; or the diagonal of a matrix, copied."""
    if out is not None and input.ndim == 1 and not can_cast(input.dtype, out.dtype):
        raise RuntimeError(
            f"diag: result type {input.dtype.title} can't be cast to the desired out= type "
            f"{out.dtype.title}"
        )
    return _diag(input, diagonal, out=out)


@exact_out(copies=True)
def _diag(input: Tensor, diagonal: int) -> Tensor:
    if input.ndim == 1:
        return diag_embed(input, diagonal)
    if input.ndim != 2:
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input.ndim}D")
    data = _diagonal_of(input._array, diagonal, 0, 1).copy()
    shape = input._array.shape
    return record(
        "DiagonalBackward0_copy", data, input=(input, lambda g: _on_diagonal(g, shape, diagonal))
    )


def _on_diagonal(g: Tensor, shape: tuple[int, ...], offset: int) -> Tensor:
    """Zeros of `shape` with g on a diagonal."""
    data = np.zeros(shape, g._array.dtype)
    _diagonal_of(data, offset, 0, 1)[...] = g._array
    return record("DiagonalBackward0", data, g=(g, lambda h: diag(h, offset)))


@op
def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """A matrix with all elements of `input` on a diagonal."""
    return diag_embed(view_(input.contiguous(), -1), offset)
