"""What an operation saved, by name: `y.grad_fn._saved_result`, `_saved_self`, `_saved_other`.

The names are torch's, as far as what is saved here is what torch saves.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .graph import FREED, NEEDS, AccumulateGrad, JointNode, Node, unpack, wants
from .rows import RowNode

_TORCH = {"input": "self", "x": "self", "out": "result"}


def saved_value(node: Node, name: str) -> Any:
    """The operand or result called so, or None where no rule needs it.

    Raises AttributeError for what is never saved; RuntimeError for a freed graph, and for a tensor
    that was written to since.
    """
    for found, entry in _named(node):
        if _TORCH.get(found, found) == name:
            return _value(entry, node)
    raise AttributeError(f"{type(node).__name__!r} object has no attribute '_saved_{name}'")


def _named(node: Node) -> Iterator[tuple[str, Any]]:
    """(name, entry) of what `node` saves; entry None for what these operands do not need saved."""
    if isinstance(node, RowNode):
        rules = [rule for rule in node.plan.row.rules if rule is not None]
        needed = {name for rule in rules for name in wants(rule)}
        for name, place in node.plan.row.places.items():
            if name in needed:
                freed = node.operands[-1] is FREED
                kept = node.plan.keeps[place]
                yield name, None if not kept else FREED if freed else node.operands[place]
    elif isinstance(node, JointNode):
        names = wants(node.rule) if node.rule is not None else ()
        yield from ((n, e) for n, e in zip(names, node.kept) if e is not NEEDS)
    else:
        for edge in node.edges:
            if edge and edge[3] is FREED:
                raise RuntimeError(FREED)
            if edge and edge[3]:
                yield from zip(wants(edge[2]), edge[3])


def _value(entry: Any, node: Node) -> Any:
    if entry is FREED:
        raise RuntimeError(FREED)
    value = unpack(entry, node)
    made = entry[1] if type(entry) is tuple else None
    if isinstance(made, AccumulateGrad) and made.variable._array is value._array:
        return made.variable  # the leaf itself
    return value
