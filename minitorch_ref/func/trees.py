"""Nested tuples, lists and dictionaries: taken apart into leaves, and put together again.

The shape of a nest is itself a nest: LEAF, or (type, keys, shapes of the parts).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

LEAF = "*"


def flatten(tree: Any) -> tuple[list[Any], Any]:
    """(leaves from left to right, shape)."""
    leaves: list[Any] = []
    return leaves, _take_apart(tree, leaves)


def _take_apart(tree: Any, leaves: list[Any]) -> Any:
    parts = _parts(tree)
    if parts is None:
        leaves.append(tree)
        return LEAF
    keys = tuple(tree) if isinstance(tree, dict) else None
    return type(tree), keys, tuple([_take_apart(part, leaves) for part in parts])


def _parts(tree: Any) -> list[Any] | None:
    if isinstance(tree, dict):
        return list(tree.values())
    return list(tree) if type(tree) in (tuple, list) or hasattr(tree, "_fields") else None


def unflatten(leaves: Any, shape: Any) -> Any:
    """The nest of this shape with these leaves."""
    return _put_together(iter(leaves), shape)


def _put_together(leaves: Iterator[Any], shape: Any) -> Any:
    if shape == LEAF:
        return next(leaves)
    kind, keys, shapes = shape
    parts = [_put_together(leaves, s) for s in shapes]
    if keys is not None:
        return kind(zip(keys, parts))
    return kind(*parts) if hasattr(kind, "_fields") else kind(parts)


def map_leaves(function: Callable[[Any], Any], tree: Any) -> Any:
    """The nest with `function(leaf)` for each leaf."""
    leaves, shape = flatten(tree)
    return unflatten([function(leaf) for leaf in leaves], shape)


def spread(tree: Any, shape: Any) -> list[Any] | None:
    """A leaf of `tree` for each leaf of `shape`, which may be deeper; None if they do not match."""
    parts = _parts(tree)
    if parts is None:
        return [tree] * _count(shape)
    if shape == LEAF or shape[0] is not type(tree) or len(shape[2]) != len(parts):
        return None
    if isinstance(tree, dict) and set(tree) != set(shape[1]):
        return None
    ordered = [tree[k] for k in shape[1]] if isinstance(tree, dict) else parts
    found: list[Any] = []
    for part, s in zip(ordered, shape[2]):
        leaves = spread(part, s)
        if leaves is None:
            return None
        found += leaves
    return found


def _count(shape: Any) -> int:
    return 1 if shape == LEAF else sum(_count(s) for s in shape[2])
