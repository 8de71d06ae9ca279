"""Views: the same memory under another shape.

Each op computes a NumPy view and says how a gradient is carried back; `view` in autograd/graph.py
ties the result to its base, so that writes through either are seen, in values and in the graph.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..autograd.graph import record, view
from ..dtypes import dtype
from ..kernels.layout import is_row_major, row_major, turned
from ..settings import warn_once
from ..tensor import Tensor, settled
from .common import Dims, shape_of_args, strided, wrap_dim, wrap_dims
from .conversion import view_dtype
from .registry import op


def only_keyword(args: tuple, keyword: dict[str, Any], name: str, expected: str) -> tuple:
    """The arguments of `f(1, 2)`, `f((1, 2))` or `f(name=(1, 2))`.  Raises TypeError for none."""
    if keyword:
        if args or set(keyword) != {expected}:
            raise TypeError(f"{name}() got an unexpected keyword argument '{next(iter(keyword))}'")
        return (keyword[expected],)
    if not args:
        raise TypeError(f'{name}() missing 1 required positional arguments: "{expected}"')
    return args


# ---- view and reshape ----------------------------------------------------------------------------


def infer_shape(shape: Sequence[int], numel: int) -> tuple[int, ...]:
    """`shape` with its -1, if any, worked out.  Raises RuntimeError if it cannot be."""
    shape = tuple(shape)
    lowest, total = min(shape, default=0), math.prod(shape)
    if lowest >= 0 and total == numel:
        return shape
    if lowest == -1 and shape.count(-1) == 1:
        if total and numel % total == 0:  # total is −1 times the known sizes
            return tuple([-numel // total if n == -1 else n for n in shape])
        if not total and not numel:
            raise RuntimeError(
                f"cannot reshape tensor of 0 elements into shape {list(shape)} because the "
                "unspecified dimension size -1 can be any value and is ambiguous"
            )
    if shape.count(-1) > 1:
        raise RuntimeError("only one dimension can be inferred")
    if lowest < -1:
        raise RuntimeError(f"invalid shape dimension {next(n for n in shape if n < -1)}")
    raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {numel}")


def view_strides(array: np.ndarray, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """Strides (bytes) that show `array`'s memory as `shape`; None if no strides can.

    Old dims that lie behind one another in memory merge into runs; a new dim may split a run, and
    may not reach across two.
    """
    if array.size == 0:
        return array.strides if array.shape == shape else row_major(shape, array.itemsize)
    sizes, steps = array.shape, array.strides
    result = [0] * len(shape)
    new = len(shape) - 1
    run, base = 1, (steps[-1] if steps else array.itemsize)  # elements and step of the current run
    for old in range(len(sizes) - 1, -1, -1):
        run *= sizes[old]
        ends = old == 0 or (sizes[old - 1] != 1 and steps[old - 1] != run * base)
        if ends:
            filled = 1
            while new >= 0 and (filled < run or shape[new] == 1):
                result[new] = filled * base
                filled *= shape[new]
                new -= 1
            if filled != run:
                return None
            if old > 0:
                run, base = 1, steps[old - 1]
    if not sizes:
        filled = base
        return tuple([filled] * len(shape))
    return tuple(result) if new < 0 else None


def reshaped(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray | None:
    """`array` as a view of another shape, or None where only a copy would do."""
    if array.flags.c_contiguous and (
        (array.base is None and not turned)
        or (array.size and (1 not in array.shape or is_row_major(array)))
    ):
        return array.reshape(shape)
    strides = view_strides(array, shape)
    return None if strides is None else strided(array, shape, strides)


@op(function=False, name="view")
def view_(input: Tensor, *shape: Any, **keyword: Any) -> Tensor:
    """The same memory as `shape` (one dim may be -1), or as another dtype.

    Raises RuntimeError if the memory's layout does not allow it; `reshape` copies then.
    """
    if keyword:
        given = "dtype" if "dtype" in keyword else "size"
        shape = only_keyword(shape, keyword, "view", given)
    if len(shape) == 1 and isinstance(shape[0], dtype):
        return view_dtype(input, shape[0])
    if shape and isinstance(shape[0], Tensor) and shape[0].ndim:
        raise TypeError(
            "view() received an invalid combination of arguments - got (Tensor), but expected one "
            "of: (torch.dtype dtype), (tuple of ints size)"
        )
    array = input._array
    size = array.size
    if not size:
        array = settled(input)
    wanted = infer_shape(shape_of_args(shape), size)
    data = reshaped(array, wanted)
    if data is None:
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one dimension "
            "spans across two contiguous subspaces). Use .reshape(...) instead."
        )
    before = array.shape
    return view("ViewBackward0", input, data, lambda g: reshape(g, before))


@op(function=False)
def view_as(input: Tensor, other: Tensor) -> Tensor:
    """`input.view(other.shape)`."""
    return view_(input, other.shape)


@op
def reshape(input: Tensor, *shape: Any, **keyword: Any) -> Tensor:
    """`input` as `shape`: a view where the layout allows it, else a copy."""
    if keyword:
        shape = only_keyword(shape, keyword, "reshape", "shape")
    array = input._array
    size = array.size
    if not size:
        array = settled(input)
    wanted = infer_shape(shape_of_args(shape), size)
    before = array.shape
    data = reshaped(array, wanted)
    if data is None:
        data = array.reshape(wanted)
        return record("UnsafeViewBackward0", data, input=(input, lambda g: reshape(g, before)))
    name = "ViewBackward0" if array.flags.c_contiguous else "ReshapeAliasBackward0"
    return view(name, input, data, lambda g: reshape(g, before))


@op(function=False)
def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """`input.reshape(other.shape)`."""
    return reshape(input, other.shape)


@op
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Dims `start_dim` … `end_dim` as one; a view where the layout allows it."""
    shape = input._array.shape
    if not shape:
        return reshape(input, 1)
    start, end = wrap_dim(start_dim, len(shape)), wrap_dim(end_dim, len(shape))
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if start == end:
        return input
    middle = math.prod(shape[start : end + 1])
    return reshape(input, *shape[:start], middle, *shape[end + 1 :])


@op
def ravel(input: Tensor) -> Tensor:
    """`input` as one dim, contiguous."""
    return reshape(input.contiguous(), -1)


@op
def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """Dim `dim` split into `sizes` (one may be -1); a view."""
    dim = wrap_dim(dim, input.ndim)
    shape = input._array.shape
    if len(sizes) == 0:
        raise RuntimeError("unflatten: sizes must be non-empty")
    known = math.prod(n for n in sizes if n != -1)
    if (-1 not in sizes and known != shape[dim]) or (-1 in sizes and (known == 0 or shape[dim] % known)):
        raise RuntimeError(
            f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {dim} "
            f"({shape[dim]}) in the input tensor"
        )
    inferred = infer_shape(sizes, shape[dim])
    return view_(input, *shape[:dim], *inferred, *shape[dim + 1 :])


# ---- reordering dims ------------------------------------------------------------------------------


@op
def permute(input: Tensor, *dims: Any, **keyword: Any) -> Tensor:
    """`input` with its dims in the order `dims`; a view."""
    if keyword:
        dims = only_keyword(dims, keyword, "permute", "dims")
    order = shape_of_args(dims)
    array = input._array if input._array.size else settled(input)
    if len(order) != array.ndim:
        raise RuntimeError(
            f"permute(sparse_coo): number of dimensions in the tensor input does not match the length "
            f"of the desired ordering of dimensions i.e. input.dim() = {input.ndim} is not equal to "
            f"len(dims) = {len(order)}"
        )
    order = tuple([wrap_dim(d, array.ndim) for d in order])
    if len(set(order)) != len(order):
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    back = lambda g: permute(g, [order.index(i) for i in range(len(order))])  # noqa: E731
    return view("PermuteBackward0", input, array.transpose(order), back)


@op(inplace=False)
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Dims `dim0` and `dim1` swapped; a view."""
    array = input._array if input._array.size else settled(input)
    a, b = wrap_dim(dim0, array.ndim), wrap_dim(dim1, array.ndim)
    data = array.swapaxes(a, b) if array.ndim else array[...]
    return view("TransposeBackward0", input, data, lambda g: transpose(g, a, b))


@op
def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """`transpose` under NumPy's name."""
    return transpose(input, axis0, axis1)


@op
def swapdims(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """`transpose` under another name."""
    return transpose(input, dim0, dim1)


@op
def t(input: Tensor) -> Tensor:
    """The transpose of a matrix; a view.  Raises RuntimeError for more than two dims."""
    array = input._array if input._array.size else settled(input)
    if array.ndim > 2:
        raise RuntimeError(
            f"t() expects a tensor with <= 2 dimensions, but self is {array.ndim}D"
        )
    return view("TBackward0", input, array.T, lambda g: t(g))


@op
def movedim(input: Tensor, source: Dims, destination: Dims) -> Tensor:
    """Dims `source` moved to the places `destination`, the others kept in order; a view."""
    ndim = max(input.ndim, 1)
    src = (source,) if isinstance(source, int) else tuple(source or ())
    dst = (destination,) if isinstance(destination, int) else tuple(destination or ())
    if len(src) != len(dst):
        raise RuntimeError(
            "movedim: Invalid source or destination dims: source "
            f"({list(src)} dims) should contain the same number of dims as destination ({list(dst)} dims)"
        )
    src = tuple([wrap_dim(d, ndim) for d in src])
    dst = tuple([wrap_dim(d, ndim) for d in dst])
    for what, dims in (("source", src), ("destination", dst)):
        if len(set(dims)) != len(dims):
            raise RuntimeError(f"movedim: repeated dim in `{what}` ({list(dims)})")
    order: list[Any] = [None] * ndim
    for s, d in zip(src, dst):
        order[d] = s
    if input.ndim == 0:
        return view("AliasBackward0", input, input._array[...], lambda g: g)
    rest = iter([d for d in range(ndim) if d not in src])
    return permute(input, *[next(rest) if d is None else d for d in order])


op(movedim, name="moveaxis")


@op
def adjoint(input: Tensor) -> Tensor:
    """The conjugate transpose of matrices in the last two dims."""
    return _matrix("adjoint()", input).conj()


def _matrix(name: str, input: Tensor) -> Tensor:
    """The transposed last two dims; a number is itself.  Raises RuntimeError for a vector."""
    if input.ndim == 0:
        where = name if name.endswith("()") else f"Tensor.{name}"
        return _number(where, _IDENTITY if name == "mT" else _CONJUGATE, input)
    if input.ndim < 2:
        raise RuntimeError(
            f"tensor.{name} is only supported on matrices or batches of matrices. Got "
            f"{input.ndim}-D tensor."
        )
    return transpose(input, -2, -1)


# ---- adding and dropping dims of size one ------------------------------------------------------------


@op
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """A new dim of size one at `dim`; a view."""
    array = input._array if input._array.size else settled(input)
    dim = wrap_dim(dim, array.ndim + 1)
    # torch gives the new dim the stride that would make it the outer loop of what follows
    steps = list(array.strides)
    step = array.shape[dim] * steps[dim] if dim < array.ndim else array.itemsize
    shape = (*array.shape[:dim], 1, *array.shape[dim:])
    steps.insert(dim, step)
    data = strided(array, shape, steps)
    return view("UnsqueezeBackward0", input, data, lambda g: squeeze(g, dim))


@op
def squeeze(input: Tensor, dim: Dims = None) -> Tensor:
    """Without its dims of size one (all, or those in `dim`); a view."""
    array = input._array if input._array.size else settled(input)
    dims = wrap_dims(dim, array.ndim) if dim != () else ()
    drop = tuple([d for d in dims if array.shape[d] == 1]) if array.ndim else ()
    several = isinstance(dim, (tuple, list))
    name = "SqueezeBackward0" if dim is None else f"SqueezeBackward{1 + several}"
    before = array.shape
    return view(name, input, array.squeeze(drop), lambda g: reshape(g, before))


# ---- expanding ---------------------------------------------------------------------------------------


def expand_shape(shape: tuple[int, ...], wanted: Sequence[int]) -> tuple[int, ...]:
    """`wanted` with its -1 filled in from `shape`.  Raises RuntimeError where it does not fit."""
    lead = len(wanted) - len(shape)
    if lead < 0:
        raise RuntimeError(
            f"expand({list(shape)}, size={list(wanted)}): the number of sizes provided "
            f"({len(wanted)}) must be greater or equal to the number of dimensions in the tensor "
            f"({len(shape)})"
        )
    result = []
    for i in range(len(wanted) - 1, -1, -1):  # from the last dim: its error comes first
        n = wanted[i]
        own = shape[i - lead] if i >= lead else None
        if n == -1:
            if own is None:
                raise RuntimeError(
                    f"The expanded size of the tensor ({n}) isn't allowed in a leading, non-existing "
                    f"dimension {i}"
                )
            n = own
        elif own is not None and own not in (1, n):
            raise RuntimeError(
                f"The expanded size of the tensor ({n}) must match the existing size ({own}) at "
                f"non-singleton dimension {i}.  Target sizes: {list(wanted)}.  Tensor sizes: "
                f"{list(shape)}"
            )
        result.append(n)
    return tuple(result[::-1])


@op(function=False)
def expand(input: Tensor, *size: Any, implicit: bool = False, **keyword: Any) -> Tensor:
    """`input` with its dims of size one repeated to `size` (-1: as it is), without a copy."""
    if keyword:
        size = only_keyword(size, keyword, "expand", "size")
    array = input._array if input._array.size else settled(input)
    shape = expand_shape(array.shape, shape_of_args(size))
    lead = len(shape) - array.ndim
    own = zip(array.strides, array.shape, shape[lead:])
    steps = [0] * lead + [step if have == n else 0 for step, have, n in own]
    for i in range(lead - 1, -1, -1):  # a new dim of size one continues the layout, as in torch
        if shape[i] == 1 and array.ndim:
            steps[i] = shape[i + 1] * steps[i + 1]
    data = strided(array, shape, steps)
    return view("ExpandBackward0", input, data, lambda g: g)


# ---- properties of torch.Tensor ------------------------------------------------------------------------


_T_OF_MATRIX = (
    "The use of `x.T` on tensors of dimension other than 2 to reverse their shape is deprecated and "
    "it will throw an error in a future release. Consider `x.mT` to transpose batches of matrices or "
    "`x.permute(*torch.arange(x.ndim - 1, -1, -1))` to reverse the dimensions of a tensor."
)
_IDENTITY, _CONJUGATE = "This function is the identity in these cases.", "Consider using x.conj()."


def _number(where: str, advice: str, input: Tensor) -> Tensor:
    """A 0-d tensor, which there is nothing to transpose in."""
    warn_once(f"{where} is deprecated on 0-D tensors. {advice}")
    return input


def _reversed_dims(input: Tensor) -> Tensor:
    """All dims in reverse order (`x.T`)."""
    if input.ndim == 0:
        return permute(_number("Tensor.T", _IDENTITY, input))
    if input.ndim != 2:
        warn_once(_T_OF_MATRIX)
    return permute(input, *reversed(range(input.ndim)))


def _conjugate_transpose(input: Tensor) -> Tensor:
    """The conjugate transpose of a matrix (`x.H`)."""
    if input.ndim not in (0, 2):
        raise RuntimeError(
            f"tensor.H is only supported on matrices (2-D tensors). Got {input.ndim}-D tensor."
            + (" For batches of matrices, consider using tensor.mH" if input.ndim > 2 else "")
        )
    return (transpose(input, 0, 1) if input.ndim else _number("Tensor.H", _CONJUGATE, input)).conj()


for _name, _seen in {
    "T": _reversed_dims,
    "mT": lambda input: _matrix("mT", input),
    "H": _conjugate_transpose,
    "mH": lambda input: _matrix("mH", input).conj(),
}.items():
    setattr(Tensor, _name, property(_seen))
