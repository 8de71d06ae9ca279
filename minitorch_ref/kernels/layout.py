"""How a new array lies in memory: as torch would lay out a result of that shape.

The one idea: a result is row-major unless an operand says otherwise.  Of two dims, the one along which
the first operand takes the larger steps is the slower one; where that operand has no say, because it
is broadcast along one of them, the next is asked.

torch keeps the order of an input's dims, and so does NumPy's order "K"; but dims that are expanded
(stride 0) NumPy puts innermost, while torch leaves them in their place.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

Steps = Sequence[int]  # one stride per dim; 0: broadcast


def copy_order(array: np.ndarray) -> Literal["C", "K"]:
    """NumPy's order for a copy of `array`: its own, or row-major where `array` is expanded."""
    if array.flags.forc or 0 not in array.strides:
        return "K"
    return "C" if any(s == 0 and n > 1 for s, n in zip(array.strides, array.shape)) else "K"


def unexpanded(array: np.ndarray) -> np.ndarray:
    """`array`, or a copy where some of its elements share memory."""
    return array if copy_order(array) == "K" else array.copy("C")


# ---- exact strides ---------------------------------------------------------------------------------
#
# NumPy calls an array contiguous whatever the strides of its dims of size one; torch's results have
# definite ones there too.


@functools.lru_cache(maxsize=1024)
def row_major(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """The strides of an array whose last dim is the fastest; a dim without entries counts as one."""
    steps, step = [0] * len(shape), itemsize
    for d in reversed(range(len(shape))):
        steps[d] = step
        step *= shape[d] or 1
    return tuple(steps)


def in_order(shape: Sequence[int], order: Sequence[int], itemsize: int) -> tuple[int, ...]:
    """The strides of a dense array whose dims are `order`, from the slowest to the fastest.

    Where a dim has no entries, those slower than it have stride 0, except in row-major order.
    """
    if 0 in shape and list(order) == list(range(len(shape))):
        return row_major(tuple(shape), itemsize)
    steps, step = [0] * len(shape), itemsize
    for d in reversed(order):
        steps[d] = step
        step *= shape[d]
    return tuple(steps)


def strides_of(array: np.ndarray) -> tuple[int, ...]:
    """Strides in elements, torch's unit."""
    size = array.itemsize
    return tuple([s // size for s in array.strides])


def lies_in_order(array: np.ndarray, order: Sequence[int]) -> bool:
    """Whether the memory is dense with its dims in `order`, from the slowest to the fastest.

    Strides of dims of size one do not count; those of a dim without entries do.
    """
    if array.size:
        return array.transpose(order).flags.c_contiguous
    wanted = in_order(array.shape, order, array.itemsize)
    return all(s == t or n == 1 for s, t, n in zip(array.strides, wanted, array.shape))


def is_row_major(array: np.ndarray) -> bool:
    """Whether `array` is contiguous and the strides of its dims of size one are regular as well."""
    if not array.flags.c_contiguous:
        return False
    if array.size:
        return 1 not in array.shape or array.strides == row_major(array.shape, array.itemsize)
    return not any(array.strides) or array.strides == row_major(array.shape, array.itemsize)


class _Memory:
    """What NumPy makes an array of; `owner` is kept alive."""

    def __init__(self, owner: np.ndarray, address: int, shape: Steps, strides: Steps) -> None:
        self.owner = owner
        self.__array_interface__ = {
            "version": 3, "typestr": owner.dtype.str, "data": (address, not owner.flags.writeable),
            "shape": tuple(shape), "strides": tuple(strides),
        }  # fmt: skip


def nothing(owner: np.ndarray, start: int, shape: Steps, strides: Steps) -> np.ndarray:
    """A view of `owner` that has no elements, `start` bytes from where `owner` begins.

    NumPy itself forgets where such a view begins, and the strides of a new array without elements:
    they are 0 until `exact` gives it torch's.
    """
    address = owner.__array_interface__["data"][0]
    return np.asarray(_Memory(owner, address + start, shape, strides))


def exact(array: np.ndarray) -> np.ndarray:
    """`array`; if it is new and has no elements, with the strides that torch has for its shape."""
    if array.size or any(array.strides):
        return array
    return nothing(array, 0, array.shape, row_major(array.shape, array.itemsize))


def is_dense(array: np.ndarray) -> bool:
    """Whether the elements fill their stretch of memory, each place once, in any order of the dims."""
    if array.flags.forc:
        return True
    step = array.itemsize
    for stride, n in sorted(zip(array.strides, array.shape)):
        if n > 1:
            if stride != step:
                return False
            step *= n
    return True


turned: list[bool] = []  # not empty once an array has been made that may not be row-major


def blank(shape: Sequence[int], dtype: np.dtype, strides: Steps) -> np.ndarray:
    """A new array, not filled, that lies in memory as `strides` (dense, in bytes) say."""
    turned[:] = [True]
    if 0 in shape:
        return nothing(np.empty(0, dtype), 0, shape, strides)
    return np.ndarray(shape, dtype, None, 0, strides)


def laid_out(array: np.ndarray, strides: Steps) -> np.ndarray:
    """`array` itself if those are its strides, else a copy with them."""
    if array.strides == strides or (0 in array.shape and exact(array).strides == strides):
        return array
    out = blank(array.shape, array.dtype, strides)
    out[...] = array
    return out


# ---- channels last ----------------------------------------------------------------------------------

_CHANNELS_LAST = (0, 2, 3, 1)
CHANNELS_LAST = {4: _CHANNELS_LAST, 5: (0, 2, 3, 4, 1)}  # by the number of dims


def suggests_channels_last(array: np.ndarray) -> bool:
    """Whether torch takes (N, C, [D,] H, W) for an array whose pixels lie together, by its strides."""
    strides = array.strides
    if len(strides) not in CHANNELS_LAST or strides[-1] < strides[1] or not strides[1]:
        return False
    channel, least = strides[1], 0
    for d in reversed(CHANNELS_LAST[len(strides)]):
        n = array.shape[d]
        if n == 0 or strides[d] < least or (d == 0 and least == channel):  # or it may be both
            return False
        least = strides[d] * n
    return True


def in_format(array: np.ndarray, channels_last: bool) -> np.ndarray:
    """A contiguous array of (N, C, [D,] H, W), or a copy of it whose channels are the fastest dim."""
    if not channels_last:
        return laid_out(array, row_major(array.shape, array.itemsize)) if 1 in array.shape else array
    return laid_out(array, in_order(array.shape, CHANNELS_LAST[array.ndim], array.itemsize))


# ---- torch's choice ----------------------------------------------------------------------------------


def memory_order(shape: Sequence[int], operands: Sequence[Steps]) -> list[int]:
    """The dims of a result, from the slowest to the fastest, for operands of those strides.

    Dims are inserted one by one into a list that begins with the fastest.  A dim moves past those that
    must be slower, and past those to which no operand compares it only if one such comes after.
    """
    order = list(range(len(shape) - 1, -1, -1))
    for start in range(1, len(order)):
        at = start
        for before in range(start - 1, -1, -1):
            verdict = _compared(order[before], order[at], shape, operands)
            if verdict < 0:
                break
            if verdict > 0:
                order[before], order[at] = order[at], order[before]
                at = before
    return order[::-1]


def _compared(a: int, b: int, shape: Sequence[int], operands: Sequence[Steps]) -> int:
    """Positive if dim `a` must be slower than dim `b`, negative if it may not be, 0 if nobody knows."""
    for steps in operands:
        mine, other = steps[a], steps[b]
        if mine and other:
            if mine != other:
                return 1 if mine > other else -1
            if shape[a] > shape[b]:
                return 1
    return 0


def preserved(array: np.ndarray, itemsize: int = 0) -> tuple[int, ...]:
    """The strides of what torch makes of `array` when it preserves the format.

    Dense arrays keep their strides; others keep the order of their dims.  `itemsize`: the result's,
    if it is of another type.
    """
    itemsize = itemsize or array.itemsize
    if is_dense(array):
        steps = array.strides if array.size else exact(array).strides
        if itemsize == array.itemsize:
            return steps
        return tuple([s // array.itemsize * itemsize for s in steps])
    return in_order(array.shape, memory_order(array.shape, [array.strides]), itemsize)


def converted(
    array: np.ndarray, dtype: np.dtype, like: np.ndarray | None = None
) -> np.ndarray:
    """A copy of `array` in another type that preserves its format, or that of one `like` it."""
    like = array if like is None else like
    if is_row_major(like):
        return np.asarray(array.astype(dtype, "C"))
    out = blank(array.shape, dtype, preserved(like, dtype.itemsize))
    np.copyto(out, array, casting="unsafe")
    return out


def copied(array: np.ndarray, like: np.ndarray | None = None) -> np.ndarray:
    """A copy that lies in memory as torch's `clone` does, of `array` or of one `like` it."""
    like = array if like is None else like
    if is_row_major(like):
        return array.copy()
    out = blank(array.shape, array.dtype, preserved(like, array.itemsize))
    out[...] = array
    return out


# A leaf that is dense gets a gradient of its own strides, any other a row-major one.


def lies_as_gradient(array: np.ndarray, leaf: np.ndarray) -> bool:
    """Whether a gradient may stay as it lies in memory, to be that of `leaf`."""
    if array.strides == leaf.strides:
        return True
    if not is_dense(leaf):
        return array.flags.c_contiguous
    strides = zip(array.shape, array.strides, exact(leaf).strides)
    return all(s == t if n != 1 else s != 0 for n, s, t in strides)


def for_gradient(leaf: np.ndarray) -> np.ndarray:
    """Memory, not filled, for the gradient of `leaf`."""
    if is_row_major(leaf) or not is_dense(leaf):
        return np.empty(leaf.shape, leaf.dtype)
    return blank(leaf.shape, leaf.dtype, leaf.strides)


def cleared(shape: Sequence[int], dtype: np.dtype, strides: Steps) -> np.ndarray:
    """Zeros that lie in memory as `strides` (dense, in bytes) say."""
    out = blank(shape, dtype, strides)
    out[...] = 0
    return out


def elementwise(shape: tuple[int, ...], operands: Sequence[Any], itemsize: int) -> Steps:
    """The strides, in bytes, of the result of an elementwise op on arrays that broadcast to `shape`.

    Python's numbers may be among the operands.
    """
    if all(map(_is_regular, operands)):
        return row_major(shape, itemsize)
    arrays = [exact(x) if isinstance(x, np.ndarray) else np.empty(()) for x in operands]
    steps = [_stretched(x, shape) for x in arrays]
    if all(x.shape == shape for x in arrays):
        if all(x.flags.c_contiguous for x in arrays):
            return row_major(shape, itemsize)
        if len(shape) == 4 and all(lies_in_order(x, _CHANNELS_LAST) for x in arrays):
            return in_order(shape, _CHANNELS_LAST, itemsize)
        if steps.count(steps[0]) == len(steps) and is_dense(arrays[0]):
            return tuple([s * itemsize for s in steps[0]])
    return in_order(shape, memory_order(shape, steps), itemsize)


def arranged(result: np.ndarray, *operands: Any) -> np.ndarray:
    """The result of an elementwise op, laid out as torch lays it out; itself if it lies so.

    Only views and arrays that were `turned` are cause to ask.  (Of arrays that are all row-major, one
    with a dim of no entries before one of a single entry would have to be asked about as well.)
    """
    if result.ndim < 2:
        return result
    for x in operands:  # `_is_regular`, written out for what most are
        if type(x) is not np.ndarray or (x.flags.c_contiguous and 1 not in x.shape and x.size):
            continue
        if not _is_regular(x):
            break
    else:
        return result
    return laid_out(result, elementwise(result.shape, operands, result.itemsize))


def _is_regular(operand: Any) -> bool:
    """Whether an operand asks for no order but the usual one: a number, or one stretched, asks for none."""
    return not isinstance(operand, np.ndarray) or is_row_major(operand) or not any(operand.strides)


def _stretched(array: np.ndarray, shape: tuple[int, ...]) -> list[int]:
    """Strides in elements of `array` broadcast to `shape`: 0 where it is stretched."""
    lead = len(shape) - array.ndim
    return [0] * lead + [
        0 if own != n else stride // array.itemsize
        for stride, own, n in zip(array.strides, array.shape, shape[lead:])
    ]
