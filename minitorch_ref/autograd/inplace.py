"""Writing in place: into a tensor, and into a view of one, while the graph stays right.

The one idea: an in-place operation is the out-of-place one, followed by a write that moves the
tensor to the new node.  When the tensor is a view, its *base* has changed too, so the base gets a
node of its own:

    CopySlices(base, value) = base with one region replaced by value
        gradient for base:  g with that region zeroed
        gradient for value: that region of g

Every other view of the base is stale now.  A view remembers the version at which its node was valid
and, when the shared counter has moved on, is re-made from the base (`refresh`) at its next use.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..dtypes import can_cast
from ..tensor import Tensor, blank, wrap
from .graph import OWN, cell_of, next_order, node_of, record, requires_grad
from .modes import enable_grad, state


def check_writable(t: Tensor, overlap: bool = False) -> None:
    """Raise torch's RuntimeError if `t` may not be written in place now.

    `overlap`: the write gives every element the same value, so elements may share memory.
    """
    array = t._array
    if not overlap and not array.flags.c_contiguous and any(
        s == 0 and n > 1 for s, n in zip(array.strides, array.shape)
    ):
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a "
            "single memory location. Please clone() the tensor before performing the operation."
        )
    if t._inference and not state.inference:
        raise RuntimeError(
            "Inplace update to inference tensor outside InferenceMode is not allowed."
            "You can make a clone to get a normal tensor before doing inplace update."
        )
    if not state.grad:
        return
    if t._base is not None and (requires_grad(t) or t._base._requires_grad):
        _check_view(t, t._base)
    if t._requires_grad and t._node is None:
        raise RuntimeError(
            "a leaf Variable that requires grad is being used in an in-place operation."
        )


SEVERAL = (
    "This view is the output of a function that returns multiple views. Such functions do not allow "
    "the output views to be modified inplace. You should replace the inplace operation by an "
    "out-of-place one."
)
AMBIGUOUS = (
    "Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your "
    "code by moving both the view and the inplace either both inside the {0} block (if you don't "
    "want the inplace to be tracked) or both outside (if you want the inplace to be tracked)."
)


def _restricted(t: Tensor, what: str) -> RuntimeError:
    """torch's error for a view that may not be written to, or whose base was."""
    if t._node is not None:
        maker = t._node.name().removesuffix("Backward0")
        start = f"Output {t._nr} of {maker} is a view and {what} modified inplace."
    elif t._kind == "inference":
        start = f"A view was created in inference mode and {what} modified inplace in normal mode."
    else:
        start = (
            f"A view was created in no_grad mode and {what} modified inplace with grad mode enabled."
        )
    block = "inference_mode" if t._kind == "inference" else "no_grad"
    return RuntimeError(f"{start} {SEVERAL if t._kind == 'multi' else AMBIGUOUS.format(block)}")


def _check_view(t: Tensor, base: Tensor) -> None:
    """Raise torch's RuntimeError for a recorded write into a view that allows none."""
    if t._kind is not None:
        raise _restricted(t, "is being")
    if base._node is None and (base._requires_grad or t._requires_grad):
        raise RuntimeError(
            "a view of a leaf Variable that requires grad is being used in an in-place operation."
        )


def in_place(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """The in-place form of `function(self, ...)`: same arguments, the result written into self."""

    @functools.wraps(function)
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        check_writable(self)
        before = _as_it_was(self)
        result = function(before, *args, **kwargs)
        check_fits(self, result)
        write(self, result, before)
        return self

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"In-place form of `{function.__name__}`."
    return method


def check_fits(t: Tensor, result: Tensor) -> None:
    """Raise torch's RuntimeError if `result` cannot be written into `t`."""
    if not can_cast(result.dtype, t.dtype):
        raise RuntimeError(
            f"result type {result.dtype.title} can't be cast to the desired output type "
            f"{t.dtype.title}"
        )
    if result._array.shape != t._array.shape:
        raise RuntimeError(
            f"output with shape {list(t.shape)} doesn't match the broadcast shape "
            f"{list(result.shape)}"
        )


def _as_it_was(t: Tensor) -> Tensor:
    """A tensor that stands for `t`'s value before the write: its memory and node, its own version.

    It remembers how many nodes there were: younger ones belong to the operation that writes.
    """
    requires_grad(t)
    before = blank(Tensor)
    before._array, before._cell, before._seen = t._array, [0], next_order()
    if t._requires_grad:
        before._node, before._nr, before._requires_grad = node_of(t), t._nr, True
    return before


def write(t: Tensor, value: Tensor, before: Tensor | None = None) -> None:
    """Overwrite `t`'s elements with `value`'s (same shape), and move `t` to `value`'s node.

    `before` is the stand-in for `t`'s old value that `value` may have been computed from.
    """
    recording = state.grad and (value._requires_grad or requires_grad(t))
    if recording:
        if t._base is not None:
            _check_view(t, t._base)
        before = _as_it_was(t) if before is None else before
        _keep_old_value(value, before)
    if value._array is not t._array:
        np.copyto(t._array, value._array, casting="unsafe")
    bump(t)
    if recording:
        _redirect_saved_output(value, t)
        if t._base is None:
            move_to(t, value)
        else:
            _rebase(t, value)


def bump(t: Tensor) -> None:
    """Count a write to `t`'s memory."""
    cell_of(t)[0] += 1


def unwritten(t: Tensor) -> Tensor:
    """`t`, which an op has just made by filling new memory: nobody has seen it written to."""
    if not t._inference:
        t._cell = None
    return t


def move_to(t: Tensor, value: Tensor) -> None:
    """Let `t` be the output that `value` is."""
    t._node, t._nr, t._requires_grad = value._node, value._nr, value._requires_grad


def _keep_old_value(value: Tensor, before: Tensor) -> None:
    """Rules that saved the old value get a copy of it: its memory is about to be overwritten.

    `value` may have been composed of several ops, so all nodes on the way back to the old value are
    looked at; those are the nodes younger than `before`.
    """
    copies: dict[int, np.ndarray] = {}
    seen: set[Any] = set()
    pending = [value._node] if value._node is not None else []
    while pending:
        node = pending.pop()
        for entries in node.saved():
            for i, entry in enumerate(entries):
                if type(entry) is tuple and entry[3] is before._cell:
                    old = copies.get(id(entry[0]))
                    if old is None:
                        old = copies[id(entry[0])] = entry[0].copy()
                    entries[i] = (old, entry[1], entry[2], [0], 0)
        for source, _ in node.next_functions:
            if source is not None and source.order > before._seen and source not in seen:
                seen.add(source)
                pending.append(source)


def _redirect_saved_output(value: Tensor, t: Tensor) -> None:
    """Rules that saved their own output must notice later writes to `t`, where it now lives."""
    for entries in value._node.saved() if value._node is not None else ():
        for i, entry in enumerate(entries):
            if type(entry) is tuple and entry[1] is OWN and entry[0] is value._array:
                cell = cell_of(t)
                entries[i] = (t._array, OWN, entry[2], cell, cell[0])


def _rebase(t: Tensor, value: Tensor) -> None:
    """After a write of `value` into the view `t`: give the base its new node."""
    base = t._base
    assert base is not None
    region = (t._array.shape, t.stride(), t.storage_offset() - base.storage_offset())
    shape, strides = base._array.shape, base.stride()

    def laid_out(g: Tensor) -> Tensor:
        """A copy of `g` that lies in memory as the base does, so that `region` means the same."""
        span = 1 + sum((n - 1) * s for n, s in zip(shape, strides)) if 0 not in shape else 0
        memory = np.empty(span, g._array.dtype)
        steps = [s * memory.itemsize for s in strides]
        copy = wrap(np.lib.stride_tricks.as_strided(memory, shape, steps))
        copy._root = memory
        return copy.copy_(g)

    def outside(g: Tensor) -> Tensor:
        g = laid_out(g)
        g.as_strided(*region).zero_()
        return g

    old = blank(Tensor)
    old._array = base._array
    if base._requires_grad:
        old._node, old._nr, old._requires_grad = node_of(base), base._nr, True
    new = record(
        "CopySlices",
        base._array,
        base=(old, outside),
        value=(value, lambda g: laid_out(g).as_strided(*region)),
    )
    move_to(base, new)
    t._seen = -1  # stale, like every other view of the base
    refresh(t)


def refresh(t: Tensor) -> None:
    """Bring a view's node up to date with its base.

    Raises torch's RuntimeError for views that cannot follow: one of several outputs, and those made
    while nothing was recorded.
    """
    base = t._base
    assert base is not None and t._cell is not None
    if t._node is not None or base._requires_grad:
        if t._kind is not None:
            raise _restricted(t, "its base or another view of its base has been")
        with enable_grad():
            fresh = base.as_strided(t._array.shape, t.stride(), t.storage_offset())
        move_to(t, fresh)
        t._seen = t._cell[0]


def detach(t: Tensor) -> Tensor:
    """The same memory and version counter, without history."""
    out = wrap(t._array)
    out._cell = cell_of(t)
    out._root = t._array if t._root is None else t._root
    return out


