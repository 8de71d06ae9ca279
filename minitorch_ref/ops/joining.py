"""Joining several tensors into one, and broadcasting them together.

The gradient of a joined tensor is split again: each input gets the part that came from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from ..autograd.graph import record, requires_grad
from ..autograd.modes import state
from ..dtypes import can_cast
from ..kernels.layout import in_format, suggests_channels_last
from ..tensor import Tensor, wrap
from .common import result_type, wrap_dim
from .parts import narrow
from .registry import op, refuse_grad, write_out
from .shaping import expand, reshape, unsqueeze

# ---- cat and stack ------------------------------------------------------------------------------


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


_NOTHING = (0,)  # the shape of what `cat` passes over


def _check_cat(shapes: list[tuple[int, ...]], dim: int) -> int:
    """The wrapped dim.  Raises RuntimeError for shapes that do not fit together."""
    if not shapes:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    if () in shapes:
        i = shapes.index(())
        raise RuntimeError(f"zero-dimensional tensor (at position {i}) cannot be concatenated")
    like = next((s for s in shapes if s != _NOTHING), _NOTHING)
    dim = wrap_dim(dim, len(like))
    for i, shape in enumerate(shapes):
        if shape in (like, _NOTHING):
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
    return dim


@op(method=False, own_out=True)
def cat(
    tensors: Any, dim: int = 0, *, axis: int | None = None, out: Tensor | None = None
) -> Tensor:
    """The tensors one after the other along an existing dim, in their promoted dtype.

    All other dims must agree; 1-d tensors without elements are passed over.
    """
    tensors = _listed(tensors, "cat")
    shapes = [t._array.shape for t in tensors]
    dim = _check_cat(shapes, dim if axis is None else axis)
    dtype = result_type(*tensors)
    if out is not None:
        refuse_grad("cat", (*tensors, out))
        if not can_cast(dtype, out.dtype):
            raise TypeError(
                "torch.cat(): input types can't be cast to the desired output type "
                f"{out.dtype.title}"
            )
    arrays = [t._array for t in tensors if t._array.shape != _NOTHING] or [tensors[0]._array]
    last = all(suggests_channels_last(t._array) for t in tensors)
    data = _concatenate(arrays, dim, dtype.np, last)
    result = _record("CatBackward0", data, tensors, lambda: _parts(dim, shapes))
    return result if out is None else write_out(out, result)


def _record(
    name: str, data: np.ndarray, tensors: list[Tensor], rules: Callable[[], Iterable[Any]]
) -> Tensor:
    """`record`, for any number of inputs; `rules()` gives a rule for each, if they are needed."""
    if not state.grad or not any(map(requires_grad, tensors)):
        return wrap(data)
    return record(name, data, **{f"t{i}": x for i, x in enumerate(zip(tensors, rules()))})


def _concatenate(
    arrays: list[np.ndarray], dim: int, np_dtype: np.dtype, last: bool = False
) -> np.ndarray:
    shape = list(arrays[0].shape)
    shape[dim] = sum([a.shape[dim] for a in arrays])
    out = in_format(np.empty(shape, np_dtype), last)
    return np.concatenate(arrays, dim, out=out, casting="unsafe")


def _parts(dim: int, shapes: list[tuple[int, ...]]) -> Iterator[Any]:
    """The gradient rules of the inputs of `cat`: slices of g."""
    start = 0
    for shape in shapes:
        if shape == _NOTHING:
            yield lambda g: wrap(np.zeros(0, g._array.dtype))
        else:
            yield _narrowing(dim, start, shape[dim])
            start += shape[dim]


def _narrowing(dim: int, start: int, length: int) -> Any:
    return lambda g: narrow(g, dim, start, length)


def _selecting(dim: int, i: int) -> Any:
    return lambda g: g.select(dim, i)


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
    rules = lambda: [_selecting(dim, i) for i in range(len(tensors))]  # noqa: E731
    return _record("StackBackward0", data, tensors, rules)


# ---- joining by rank ----------------------------------------------------------------------------


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


# ---- broadcasting together ----------------------------------------------------------------------


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
