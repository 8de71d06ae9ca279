"""Recording for the op tables: what can be known before the call is worked out once per row.

A program of small tensors spends most of its time in recording, and most of what it records are the
unary and binary ops of the tables.  For these a `Row` knows the rules and what each of them saves;
which operands require grad selects a `Plan`, made at the first such call; the node then holds one
entry per operand, which serves both as the edge and as the saved value.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..kernels.blocks import LARGE
from ..kernels.layout import turned
from ..quiet import hushed
from ..tensor import PLAIN, Tensor, wrap
from .graph import (
    FREED,
    Node,
    entry_of,
    fit,
    mentioned,
    next_order,
    node_class,
    node_of,
    requires_grad,
    save_output,
    unpack,
    unusual,
    wants,
)
from .modes import state

_new, _ndarray = object.__new__, np.ndarray
_F32, _F64 = np.dtype(np.float32), np.dtype(np.float64)


def multiplies(rule: Any) -> Any:
    """Say of a rule that it multiplies the gradient with (the conjugate of) what it saved.

    It is by far the most frequent one, so that `multiplied` may do the same with less ado.
    """
    rule.multiplies = True
    return rule


class Row:
    """How one line of an op table is recorded: `record` with all that can be known beforehand.

    `rules` has a gradient rule per operand, or None.
    """

    def __init__(self, name: str, parameters: tuple[str, ...], rules: tuple[Any, ...]) -> None:
        self.node = node_class(name, RowNode)
        self.places = {p: i for i, p in enumerate(parameters)} | {"out": 2}
        rule, rule_y = (*rules, None)[:2]
        self.rules, self.bit, self.bit_y = (rule, rule_y), rule and 1 or 0, rule_y and 2 or 0
        self.plans: dict[int, Plan] = {}

    def record(self, data: Any, x: Any, y: Any = None) -> Tensor:
        """Wrap the result; make a node if an operand requires grad (recording must be on).

        Written out for both operands: every recorded operation of a program passes here.
        """
        out: Tensor = _new(Tensor)  # `wrap`, written out
        out._array = data if type(data) is _ndarray else np.asarray(data)
        out._requires_grad, out._node, out._nr, out._cell, out._base = PLAIN
        pattern, source, source_y = 0, None, None
        tensor = type(x) is Tensor or isinstance(x, Tensor)  # asking its type is faster
        tensor_y = type(y) is Tensor or isinstance(y, Tensor)
        if tensor and (x._requires_grad if x._base is None else requires_grad(x)):
            source, pattern = x._node or node_of(x), self.bit
        if tensor_y and (y._requires_grad if y._base is None else requires_grad(y)):
            source_y, pattern = y._node or node_of(y), pattern | self.bit_y
        if not pattern:
            return out
        plan = self.plans.get(pattern) or self.plan(pattern)
        keep, keep_y, keep_out = plan.keeps
        node = out._node = _new(self.node)
        out._requires_grad = True
        node.order, node.outputs, node.hooks, node.variable = next_order(), 1, None, None
        node.plan = plan
        node.operands = [
            (entry_of if keep else mentioned)(x, source) if tensor else x,
            (entry_of if keep_y else mentioned)(y, source_y) if tensor_y else y,
            save_output(out) if keep_out else None,
        ]
        return out

    def __call__(self, data: Any, x: Any, y: Any = None) -> Tensor:
        """`record`, if recording is on."""
        return self.record(data, x, y) if state.grad else wrap(data)

    def plan(self, pattern: int) -> Plan:
        """What to do for the operands that require grad, whose bits `pattern` has; made once."""
        active = [i for i in (0, 1) if pattern >> i & 1]
        steps = []
        for i in active:
            rule = self.rules[i]
            places = [self.places[n] for n in wants(rule)]
            steps.append((i, rule, places, hasattr(rule, "multiplies")))
        needed = {place for _, _, places, _ in steps for place in places}
        plan = Plan(steps, [i in needed for i in (0, 1, 2)], self)
        self.plans[pattern] = plan
        return plan


class Plan:
    """A row's work when certain operands require grad.

    `steps`: (number of the operand, rule, numbers of what the rule needs, `multiplies`?) for each.
    `keeps`: for each operand, and then for the result, whether any of these rules needs its value;
    `kept`: the numbers of the operands for which one does.
    `count`: how many operands there are.
    """

    def __init__(self, steps: list[Any], keeps: list[bool], row: Row) -> None:
        self.steps, self.keeps, self.saves = steps, keeps, any(keeps)
        self.kept = [i for i in (0, 1) if keeps[i]]
        self.row, self.count = row, len(row.places) - 1


class RowNode(Node):
    """An operation of an op table.  `operands` has an entry per operand, and one for the result:

    what `save` returns where a rule needs the value, else (None, source, output number of the
    source, shape, NumPy dtype), or None for the result.  Numbers stay as they are.
    """

    plan: Plan
    operands: list[Any]

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        entries = self.operands[: self.plan.count]
        return tuple([(e[1], e[2]) if type(e) is tuple and e[1] else (None, 0) for e in entries])

    def sources(self) -> list[Node]:
        operands, steps = self.operands, self.plan.steps
        return [operands[steps[0][0]][1]] if len(steps) == 1 else [operands[0][1], operands[1][1]]

    def gradients(self, g: Any, wanted: Any = None) -> list[Any]:
        operands, found = self.operands, []
        if operands[-1] is FREED:
            raise RuntimeError(FREED)
        recorded = state.grad
        value_of = unpack if recorded else peek
        for i, rule, places, times in self.plan.steps:
            like, target, nr, shape, kind = operands[i]
            if wanted is not None and target not in wanted:
                continue
            if not places:
                result = rule(g)
            elif len(places) == 1:
                saved = operands[places[0]]
                result = multiplied(g, saved) if times and not recorded else None
                if result is None:
                    result = rule(g, value_of(saved, self) if type(saved) is tuple else saved)
            else:
                result = rule(g, *[value_of(operands[k], self) for k in places])
            if result is None:
                continue
            array = result._array
            if like is None:
                if array.shape != shape or array.dtype is not kind:
                    result = fit(result, shape, kind)
            elif array.shape != like.shape or array.dtype is not like.dtype:
                result = fit(result, like.shape, like.dtype)
            found.append((target, nr, result))
        return found

    def release(self) -> None:
        operands, plan = self.operands, self.plan
        if plan.saves:
            for i in plan.kept:
                entry = operands[i]
                if type(entry) is tuple:
                    operands[i] = (None, entry[1], entry[2])
            operands[-1] = FREED

    def saved(self) -> Iterator[list[Any]]:
        return iter((self.operands,))


def peek(saved: Any, owner: Node) -> Any:
    """`unpack` for rules that are not recorded themselves: the value alone."""
    if type(saved) is not tuple:
        return saved
    array, _, _, cell, version = saved
    return wrap(array) if cell[0] == version else unusual(saved, owner)


def multiplied(g: Tensor, saved: Any) -> Tensor | None:
    """g times what was saved, where that is the product of two small real arrays; None elsewhere."""
    if type(saved) is not tuple:
        return None
    a = g._array
    b, _, _, cell, version = saved
    dtype = a.dtype
    if dtype is not b.dtype or (dtype is not _F32 and dtype is not _F64) or cell[0] != version:
        return None
    if a.size >= LARGE or g._base is not None or turned:
        return None
    try:
        return wrap(hushed(np.multiply, a, b))
    except RuntimeError:  # another thread is in there
        return None
