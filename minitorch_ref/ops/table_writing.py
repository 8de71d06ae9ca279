"""The in-place forms of table rows that are not simply `write(op(self))`.

Comparisons and predicates write booleans into a tensor of any type; some in-place forms have a node
of their own in torch; ops without derivative say so in the name of their in-place form.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd.inplace import bump, check_writable, in_place
from ..autograd.modes import state
from ..autograd.rows import Row
from ..tensor import Tensor, wrap
from .refusals import never_derived


def unary_in_place(call: Any, writing: tuple[str, Any] | None, kind: str) -> Any:
    """The in-place form for any operand: recorded, of any type."""
    if kind == "bool":
        return lambda self: write_truth(self, call(self))
    if writing is None:
        return in_place(call, f"{call.__name__}_")
    row = Row(writing[0], ("input",), (writing[1],))
    return in_place(lambda input: row.record(call(input)._array, input), f"{call.__name__}_")


def write_truth(self: Tensor, result: Tensor) -> Tensor:
    """Write booleans into `self`; torch leaves its history as it was."""
    check_writable(self)
    np.copyto(self._array, result._array, casting="unsafe")
    bump(self)
    return self


def compare_in_place(call: Any, name: str) -> Any:
    """`eq_` and the like are recorded, with gradients of zero; `logical_and_` and the like not."""
    if name.startswith("logical"):
        return lambda self, other: write_truth(self, call(self, other))
    zero = lambda g: wrap(np.zeros_like(g._array))  # noqa: E731
    nodes = [f"{name.strip('_').capitalize()}Backward{i}" for i in range(2)]
    rows = [Row(node, ("input", "other"), (zero, zero)) for node in nodes]

    def compared(input: Tensor, other: Any) -> Tensor:
        data = call(input, other)._array.astype(input._array.dtype)
        if not state.grad or data.dtype.kind not in "fc":
            return wrap(data)
        return rows[isinstance(other, Tensor)].record(data, input, other)

    return in_place(compared, name)


def never_in_place(call: Any, name: str) -> Any:
    """The in-place form of an op without derivative, which says so in its own name."""
    row = Row("NotImplemented", ("input", "other"), (never_derived(name), never_derived(name)))

    def underived(input: Tensor, other: Any) -> Tensor:
        data = call(input, other)._array
        return row.record(data, input, other) if state.grad else wrap(data)

    return in_place(underived, name)


GENERAL = {"bool": compare_in_place, "never": never_in_place}
