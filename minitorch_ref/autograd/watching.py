"""Looking on while operations are recorded, at no cost while nobody does.

Recording is called for every operation of a program: it has no room for a question whose answer is
nearly always no.  So the functions that make nodes are replaced, as long as somebody looks on, by
ones that show them every node they made: anomaly detection notes where the program was, and the
hooks for saved tensors take what the node has saved.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

from . import function, graph, inplace
from .graph import Node
from .rows import Row

Watcher = Callable[[Node], None]

_watchers: list[Watcher] = []
_changing = threading.RLock()  # what the garbage collector ends may look on, too


def _made_by_record(maker: Callable[..., Any], *args: Any) -> Any:
    node = maker(*args)
    if node is not None:
        show(node)
    return node


def _made_by_row(maker: Callable[..., Any], *args: Any) -> Any:
    out = maker(*args)
    if out._node is not None:
        show(out._node)
    return out


def _made_by_function(maker: Callable[..., Any], *args: Any) -> Any:
    outputs = maker(*args)
    node, recorded = args[0], args[-1]
    if recorded:
        show(node)
    return outputs


def _old_value(maker: Callable[..., Any], *args: Any) -> Any:
    """What a write is about to replace: a copy, which may be handed to strangers."""
    before = maker(*args)
    before._array = before._array.copy()
    return before


_MAKERS = (
    (graph, "_node", _made_by_record),
    (graph, "_joint_node", _made_by_record),
    (Row, "record", _made_by_row),
    (function, "_finish", _made_by_function),
    (inplace, "_as_it_was", _old_value),
)
_plain = [getattr(place, name) for place, name, _ in _MAKERS]


def watched() -> bool:
    """Whether anybody looks on."""
    return bool(_watchers)


def show(node: Node) -> None:
    """Show a node that was just made to all who look on."""
    for watcher in tuple(_watchers):
        watcher(node)


def watch(watcher: Watcher) -> None:
    """Call `watcher(node)` for every node that is recorded, in any thread, until `unwatch`."""
    with _changing:
        if not _watchers:
            for (place, name, shown), maker in zip(_MAKERS, _plain):
                setattr(place, name, _wrapped(shown, maker))
        _watchers.append(watcher)


def unwatch(watcher: Watcher) -> None:
    """Take back one `watch(watcher)`."""
    with _changing:
        _watchers.remove(watcher)
        if not _watchers:
            for (place, name, _), maker in zip(_MAKERS, _plain):
                setattr(place, name, maker)


def _wrapped(shown: Callable[..., Any], maker: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(maker)
    def made(*args: Any) -> Any:
        return shown(maker, *args)

    return made
