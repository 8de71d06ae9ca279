"""What a trail says of the backward pass: one record for each op that the program called.

Engines take an op apart differently: torch's `linear` is a product and a transposition, its LSTM a
single kernel or hundreds of small ops.  So the nodes that one call made are a group, and what is
written down is what crosses its border: the gradients that come in, and those that leave it, of each
tensor their sum.  Inside, nothing has to agree.

Records wait until the backward pass is over, that is, until something else happens, and are written
from the last op to the first: the order in which an engine walks the graph is its own affair.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .engines import Engine
from .trail import Writer, opaque, tensors_in

FLAG = "parity trail"  # in a node's metadata: the group that it belongs to


@dataclass
class Group:
    """The nodes that one call of an op made, and the gradients that crossed their border."""

    number: int  # of the record of the call
    op: str
    at: str
    line: str
    count: int = 0  # nodes
    ran: set[int] = field(default_factory=set)
    given: list[dict] = field(default_factory=list)
    made: dict[Any, Any] = field(default_factory=dict)  # (node, input) → array, or its summary

    def restart(self) -> None:
        """Forget one walk through the graph."""
        self.ran, self.given, self.made = set(), [], {}


class Gradients:
    """Hooks on the nodes of a program's graphs, and the records that follow from them."""

    def __init__(
        self,
        engine: Engine,
        writer: Writer,
        summarise: Callable[[Any], dict],
        change: Callable[[list], None] | None = None,
    ) -> None:
        """summarise: an array as the trail has it.  change: moves gradients by an ULP, in place."""
        self.engine, self.writer, self.summarise, self.change = engine, writer, summarise, change
        self.waiting: dict[int, Group] = {}
        self.lock = threading.RLock()  # torch walks a GPU's graph in a thread of its own

    # ---- hooks -----------------------------------------------------------------------------------

    def watch(self, roots: Iterable[Any], op: str, at: str, line: str, number: int) -> None:
        """Watch the nodes behind these that no earlier op has made."""
        group = Group(number, op, at, line)
        new: list[Any] = []
        heads = [node for node in roots if node is not None]
        todo = list(heads)
        while todo:
            node = todo.pop()
            if node is None or _leaf(node) or FLAG in node.metadata:
                continue
            node.metadata[FLAG] = group, len(new)
            new.append(node)
            todo += [n for n, _ in node.next_functions]
        group.count = len(new)
        first = {node.metadata[FLAG][1] for node in heads if _group(node) is group}
        for place, node in enumerate(new):
            leaving = [
                (k, (n, i))  # the node itself: it lives as long as this one does
                for k, (n, i) in enumerate(node.next_functions)
                if n is not None and _group(n) is not group
            ]
            node.register_hook(functools.partial(self._ran, group, place, place in first, leaving))

    def _ran(
        self, group: Group, place: int, head: bool, leaving: list, grads_in: Any, grads_out: Any
    ) -> Any:
        """A node has run: the gradients `grads_out` came, it made `grads_in`."""
        with self.lock:
            if place in group.ran:  # the graph is walked again
                self._write(group)
            group.ran.add(place)
            self.waiting[id(group)] = group
            if head:
                group.given += [self._sum(g) for g in tensors_in(grads_out, self.engine)]
            if self.change is not None:  # fresh memory: a node may pass its own gradient on
                fresh = [g.clone() if self.engine.is_tensor(g) else g for g in grads_in]
                self.change(tensors_in(fresh, self.engine))
                grads_in = tuple(fresh)
            for k, target in leaving:
                if k < len(grads_in) and self.engine.is_tensor(grads_in[k]):
                    group.made[target] = self._added(group.made.get(target), grads_in[k])
            if len(group.ran) == group.count:
                _close(group, self.summarise)
        return grads_in if self.change is not None else None

    def _sum(self, tensor: Any) -> dict:
        array = self._array(tensor)
        return array if isinstance(array, dict) else self.summarise(array)

    def _array(self, tensor: Any) -> Any:
        """Its values; of a tensor whose values cannot be had a summary that says so."""
        try:
            dense = tensor.to_dense() if getattr(tensor, "is_sparse", False) else tensor
            return np.array(self.engine.array(dense))
        except (TypeError, RuntimeError, NotImplementedError) as error:
            return opaque(tensor, error)

    def _added(self, before: Any, tensor: Any) -> Any:
        """One more share of a tensor's gradient: added in double precision, rounded at the end."""
        array = self._array(tensor)
        if before is None or isinstance(array, dict) or isinstance(before, dict):
            return array
        wide = np.complex128 if array.dtype.kind == "c" else np.float64
        total = before[0] if isinstance(before, tuple) else before.astype(wide)
        return total + array, array.dtype

    # ---- records ---------------------------------------------------------------------------------

    def flush(self) -> None:
        """The backward pass is over: write what it did, the last op first."""
        if not self.waiting:
            return
        with self.lock:
            groups, self.waiting = sorted(self.waiting.values(), key=lambda g: -g.number), {}
            for group in groups:
                self._write(group)

    def _write(self, group: Group) -> None:
        _close(group, self.summarise)
        self.waiting.pop(id(group), None)
        if group.made:
            self.writer.add(
                op=group.op, way="backward", at=group.at, line=group.line, of=group.number,
                **{"in": group.given}, out=list(group.made.values()),
            )  # fmt: skip
        group.restart()


def _close(group: Group, summarise: Callable[[Any], dict]) -> None:
    """Summaries in place of arrays."""
    for target, value in group.made.items():
        if isinstance(value, tuple):
            value = value[0].astype(value[1])
        if isinstance(value, np.ndarray):
            group.made[target] = summarise(value)


def _leaf(node: Any) -> bool:
    return type(node).__name__ == "AccumulateGrad" or getattr(node, "variable", None) is not None


def _group(node: Any) -> Group | None:
    found = None if _leaf(node) else node.metadata.get(FLAG)
    return found[0] if found else None
