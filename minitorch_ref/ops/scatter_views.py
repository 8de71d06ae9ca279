"""Writing into a view of a copy: slice_scatter, select_scatter, diagonal_scatter, as_strided_scatter.

Each is a view op turned round: the input is copied, `src` is written where the view would look, and
the copy is returned.  So the gradient of `src` is that view of the gradient, and the input's is the
gradient with zeros there.  Besides, what changes a tensor through such a view in place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..autograd.graph import record, requires_grad
from ..autograd.modes import state
from ..kernels.layout import copied, copy_order
from ..quiet import fp
from ..tensor import Tensor, wrap
from .common import cast_array, wrap_dim
from .conversion import zeros
from .filling import _in_place_view
from .parts import _as_strided_again as read_cells
from .parts import as_strided, diagonal, narrow, select, slice_view
from .registry import op, refuse_grad, write_out

View = Callable[[Tensor], Tensor]


def _put(node: str, input: Tensor, src: Tensor, view: View) -> Tensor:
    """A copy of `input` with `src` where `view` looks.  Raises RuntimeError if the shapes differ."""
    copy = _with_storage(input)
    region = view(copy)._array
    if region.shape != src._array.shape:
        raise _wrong_size(src, region)
    region[...] = fp.quiet(cast_array, src._array, input.dtype)
    result = record(
        node,
        copy._array,
        input=(input, lambda g: _put(node, g, zeros(view(g)), view)),
        src=(src, lambda g: view(g)),
    )
    result._root = copy._root
    return result


def _with_storage(input: Tensor) -> Tensor:
    """A copy that has a storage like `input`'s and the same place in it, unless elements share one."""
    array = input._array
    if copy_order(array) == "C":
        return wrap(copied(array))
    storage = wrap(input._storage_array().copy())
    return as_strided(storage, array.shape, input.stride(), input.storage_offset()).detach()


def _wrong_size(src: Tensor, region: np.ndarray) -> RuntimeError:
    return RuntimeError(
        "expected src to have a size equal to the slice of self. src size = "
        f"{list(src.shape)}, slice size = {list(region.shape)}"
    )


def _refuse_complex(name: str, input: Tensor, src: Tensor) -> None:
    """torch has no derivative of these two for complex numbers."""
    if input.is_complex() and state.grad and (requires_grad(input) or requires_grad(src)):
        raise RuntimeError(
            f"{name} does not support automatic differentiation for outputs with complex dtype."
        )


@op
def slice_scatter(
    input: Tensor, src: Tensor, dim: int = 0, start: int | None = None, end: int | None = None,
    step: int = 1,
) -> Tensor:  # fmt: skip
    """A copy of `input` with `src` in place of entries start, start + step, … of `dim`."""
    if input.ndim == 0:
        raise IndexError("slice() cannot be applied to a 0-dim tensor.")
    d = wrap_dim(dim, input.ndim)
    if step <= 0:
        raise RuntimeError("slice step must be positive")
    part = slice(start, end, step)
    _refuse_complex("slice_scatter", input, src)
    return _put("SliceScatterBackward0", input, src, lambda x: slice_view(x, d, part))


@op
def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """A copy of `input` with `src` as entry `index` of `dim`."""
    _refuse_complex("select_scatter", input, src)
    return _put("SelectScatterBackward0", input, src, lambda x: select(x, dim, index))


@op
def diagonal_scatter(
    input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1
) -> Tensor:
    """A copy of `input` with `src` as its diagonal."""
    view = lambda x: diagonal(x, offset, dim1, dim2)  # noqa: E731
    return _put("DiagonalScatterBackward0", input, src, view)


@op
def as_strided_scatter(
    input: Tensor, src: Tensor, size: Sequence[int], stride: Sequence[int],
    storage_offset: int | None = None,
) -> Tensor:  # fmt: skip
    """A copy of `input`, its storage included, with `src` where `as_strided` would look."""
    size, stride = tuple(size), tuple(stride)
    own = (input._array.shape, input.stride(), input.storage_offset())
    offset = own[2] if storage_offset is None else storage_offset
    copy = as_strided(wrap(input._storage_array().copy()), *own).detach()
    region = as_strided(copy, size, stride, offset)._array
    if region.shape != src._array.shape:
        raise _wrong_size(src, region)
    region[...] = fp.quiet(cast_array, src._array, input.dtype)
    seen = (size, stride, offset)

    def outside(g: Tensor) -> Tensor:
        """`g` with zeros where the region lies in memory laid out as the input's is."""
        mask = as_strided(wrap(np.ones(max(_end(own), _end(seen)), bool)), *seen)
        mask._array[...] = False
        return g * as_strided(mask, *own)

    return record(
        "AsStridedScatterBackward0",
        copy._array,
        input=(input, outside),
        src=(src, lambda g: read_cells(g, own, seen)),
    )


def _end(geometry: tuple[Sequence[int], Sequence[int], int]) -> int:
    size, stride, start = geometry
    return start + (1 + sum((n - 1) * s for n, s in zip(size, stride)) if 0 not in size else 0)


# ---- in place --------------------------------------------------------------------------------------

_in_place_view("as_strided_", as_strided, "AsStridedBackward1")


@op(function=False)
def fill_diagonal_(input: Tensor, fill_value: Any, wrap: bool = False) -> Tensor:
    """The main diagonal set to `fill_value`; `wrap` begins another below, in a tall matrix."""
    shape, steps = input._array.shape, input.stride()
    if input.ndim < 2:
        raise RuntimeError("dimensions must larger than 1")
    if input.ndim > 2 and len(set(shape)) > 1:
        raise RuntimeError("all dimensions of input must be of equal length")
    height, width = shape[:2]
    size, step, offset = min(height, width), sum(steps), input.storage_offset()
    as_strided(input, (size,), (step,), offset).fill_(fill_value)
    if wrap and input.ndim == 2 and height > width + 1:
        rest = (input.numel() + width) // (width + 1) - size
        as_strided(input, (rest,), (step,), offset + steps[0] * (width + 1)).fill_(fill_value)
    return input


# ---- copies of parts -------------------------------------------------------------------------------


@op(own_out=True)
def narrow_copy(
    input: Tensor, dim: int, start: int, length: int, *, out: Tensor | None = None
) -> Tensor:
    """`narrow` with memory of its own."""
    if input.ndim == 0:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    if not -input.ndim <= dim < input.ndim:
        raise RuntimeError(
            "Expected dim < static_cast<int64_t>(self_sizes.size()) to be true, but got false."
        )
    d = wrap_dim(dim, input.ndim)
    size = input._array.shape[d]
    if not -size <= start <= size:
        raise IndexError(
            f"start out of range (expected to be in range of [{-size}, {size}], but got {start})"
        )
    first = start + size if start < 0 else start
    if length < 0 or first + length > size:
        raise RuntimeError(
            f"start ({first}) + length ({length}) exceeds dimension size ({size})."
        )
    shape = input._array.shape
    part = narrow(input.detach(), d, first, length)._array.copy()

    def rule(g: Tensor) -> Tensor:
        return _put("SliceScatterBackward0", g.new_zeros(shape), g, lambda x: narrow(x, d, first, length))

    if out is None:
        return record("NarrowCopyBackward0", part, input=(input, rule))
    if out.dtype is not input.dtype:
        raise RuntimeError("Expected self.dtype() == output.dtype() to be true, but got false.")
    refuse_grad("narrow_copy", (input,))
    return write_out(out, wrap(part), "narrow_copy")


@op(own_out=True)
def nonzero_static(
    input: Tensor, *, size: int, fill_value: int = -1, out: Tensor | None = None
) -> Tensor:
    """The first `size` rows of `nonzero`, filled up with `fill_value`."""
    if size < 0:
        raise RuntimeError("nonzero_static: 'size' must be an non-negative integer")
    if out is not None and out._array.dtype != np.int64:
        raise RuntimeError(
            "nonzero_static: Expected out tensor to have scalar type Long but got scalar type"
            f"{out.dtype.title}"
        )
    found = np.argwhere(input._array)[:size]
    data = np.full((size, input.ndim), fill_value, np.int64)
    data[: len(found)] = found
    if out is None:
        return wrap(data)
    return write_out(out, wrap(data), "nonzero_static")


@op(method=False)
def unravel_index(indices: Tensor, shape: Any) -> tuple[Tensor, ...]:
    """The coordinates, in an array of `shape`, of elements counted in row-major order."""
    if not isinstance(indices, Tensor):
        raise AttributeError(f"'{type(indices).__name__}' object has no attribute 'is_complex'")
    if indices._array.dtype.kind not in "iu":
        raise TypeError(f"expected 'indices' to be integer dtype, but got {indices.dtype!r}")
    if isinstance(shape, Tensor) or not (hasattr(shape, "__index__") or isinstance(shape, Sequence)):
        raise TypeError(f"expected 'shape' to be int or sequence of ints, but got {type(shape)}")
    sizes = (shape,) if hasattr(shape, "__index__") else tuple(shape)
    for n in sizes:
        if not hasattr(n, "__index__"):
            raise TypeError(f"expected 'shape' sequence to only contain ints, but got {type(n)}")
    if any(n < 0 for n in sizes):
        raise ValueError(f"'shape' cannot have negative values, but got {tuple(sizes)}")
    if 0 in sizes and indices.numel():
        raise RuntimeError("ZeroDivisionError")
    places, found = indices._array.astype(np.int64), []
    for n in reversed(sizes):
        found.append(wrap(places % max(n, 1)))
        places = places // max(n, 1)
    return tuple(reversed(found))


