"""Mutants: one gradient rule or one op's result, wrong in one way, while a sample runs.

Nothing is changed in the source.  A gradient mutant wraps the `gradients` method of the graph's nodes
and spoils what one rule hands to one edge; a result mutant is an engine whose op is spoiled.

    sign     negated (not, for booleans)          swap   two operands, saved values or edges exchanged
    factor   1.5 times too large (3, integers)    term   one operand of a + − × ÷ in a rule is left out
    drop     zeros                                ulp    the last element one step up; exact ops only
    dtype    the values in another dtype
"""

from __future__ import annotations

import contextlib
import copy
import dis
import importlib
import types
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .engines import Engine
from .mutant_values import spoiled, spoiled_plain

KINDS = ("sign", "factor", "drop", "swap", "term", "ulp", "dtype")
OPERATORS = {"+": "lr", "-": "lr", "*": "l", "/": "l"}  # which operand may stand for the whole
FUNCTIONS = {"add": "lr", "sub": "lr", "mul": "l", "div": "l"}


@dataclass(frozen=True, order=True)
class Site:
    """Where a mutant sits: an edge of the nodes called `node`, with the rule whose code is `code`.

    Of an op's result: `node` is the form that is spoiled and `edge` the number of the output.
    """

    node: str
    edge: int
    code: str = ""

    @property
    def of_result(self) -> bool:
        return not self.code

    def __str__(self) -> str:
        return f"{self.node}[{self.edge}]" + (
            f" ({self.code.rpartition(':')[0]})" if self.code else ""
        )


@dataclass(frozen=True, order=True)
class Mutant:
    """One fault: `detail` tells apart the mutants of one kind at one site."""

    site: Site
    kind: str
    detail: str = ""

    def __str__(self) -> str:
        return " ".join(str(w) for w in (self.site, self.kind, self.detail) if w != "")


@dataclass
class Seen:
    """What a mutant met while it ran: how often it was reached, and whether it could matter."""

    applied: int = 0
    filled: int = 0  # gradients that had elements
    nonzero: int = 0
    distinct: int = 0  # swapped pairs whose values differ


# ---- results ---------------------------------------------------------------------------------------


class Spoiled(Engine):
    """`engine`, except that one op's `form` gives a result that is wrong as `mutant` says."""

    def __init__(self, engine: Engine, key: tuple[str, str], mutant: Mutant, seen: Seen) -> None:
        super().__init__(engine.name, engine.module, engine.device)
        self.key, self.mutant, self.seen = key, mutant, seen
        self.form = mutant.site.node

    def find(self, namespace: str, name: str) -> Callable | None:
        found = super().find(namespace, name)
        wrong = (namespace, name) == self.key and self.form in ("function", "out=")
        return self._wrong(found) if wrong and found is not None else found

    def find_method(self, name: str) -> Callable | None:
        found = super().find_method(name)
        own = self.key[1]
        wrong = name == {"method": own, "inplace": f"{own}_"}.get(self.form)
        return self._wrong(found) if wrong and found is not None else found

    def _wrong(self, function: Callable) -> Callable:
        kind, place = self.mutant.kind, self.mutant.site.edge

        def call(*args: Any, **kwargs: Any) -> Any:
            if self.form == "out=" and kwargs.get("out") is None:
                return function(*args, **kwargs)
            if kind == "swap":
                return function(*self._swapped(args), **kwargs)
            result = function(*args, **kwargs)
            count = iter(range(1 << 30))
            seen = kwargs.get("out") if result is None else result  # some write and return nothing
            wrong = self._leaves(seen, lambda x: self._leaf(x) if next(count) == place else x)
            return None if result is None else wrong

        return call

    def _swapped(self, args: tuple) -> tuple:
        if len(args) < 2 or not all(self.is_tensor(a) for a in args[:2]):
            return args
        a, b = (self.array(x) for x in args[:2])
        self.seen.applied += 1
        self.seen.distinct += a.shape != b.shape or not np.array_equal(a, b)
        return (args[1], args[0], *args[2:])

    def _leaves(self, value: Any, change: Callable) -> Any:
        """The result rebuilt with every leaf passed through `change`."""
        if not isinstance(value, (tuple, list)) or type(value).__name__ == "Size":
            return change(value)
        parts = [self._leaves(v, change) for v in value]
        if type(value) in (tuple, list):
            return type(value)(parts)
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)

    def _leaf(self, x: Any) -> Any:
        self.seen.applied += 1
        if not self.is_tensor(x):
            self.seen.filled += 1
            self.seen.nonzero += isinstance(x, np.ndarray) or bool(x)
            return spoiled_plain(self.mutant.kind, x)
        a = x._array
        self.seen.filled += a.size > 0
        self.seen.nonzero += bool(np.any(a))
        wrong = spoiled(self.mutant.kind, a)
        if self.form in ("inplace", "out=") and a.dtype == wrong.dtype and a.flags.writeable:
            a[...] = wrong
            return x
        other = x.detach()
        other._array = wrong
        other._node, other._nr, other._requires_grad = x._node, x._nr, x._requires_grad
        return other


# ---- gradients -------------------------------------------------------------------------------------


def code_name(rule: Any) -> str:
    """Names a rule by its code: file:line:checksum."""
    code = rule.__code__
    return f"{Path(code.co_filename).name}:{code.co_firstlineno}:{zlib.crc32(code.co_code):08x}"


def rules_of(node: Any) -> Iterator[tuple[int, Any, int]]:
    """(edge, rule, how many values it saved) for each edge of a node that has a gradient."""
    if hasattr(node, "plan"):
        yield from ((i, rule, len(places)) for i, rule, places, _ in node.plan.steps)
    elif hasattr(node, "kept"):
        if node.rule is not None:
            saved = sum(type(s) is tuple for s in node.kept)
            yield from ((i, node.rule, saved) for i, e in enumerate(node.edges) if e is not None)
    elif hasattr(node, "function"):  # of an autograd.Function
        rule, saved = node.function.backward, sum(type(s) is tuple for s in node._kept)
        yield from ((i, rule, saved) for i, e in enumerate(node.edges) if e is not None)
    else:
        for i, edge in enumerate(node.edges):
            if edge is not None and hasattr(edge[2], "__code__"):
                yield i, edge[2], sum(type(s) is tuple for s in edge[3])


def terms(rule: Any) -> list[str]:
    """The operands in a rule's own code that can be left out: "12 * l" keeps the left one only.

    Of an operator the number is its place in the code, of a called function its turn.
    """
    found, calls = [], dict.fromkeys(FUNCTIONS, 0)
    for i in dis.get_instructions(rule):
        if i.opname == "BINARY_OP":
            found += [f"{i.offset} {i.argrepr} {side}" for side in OPERATORS.get(i.argrepr, "")]
        elif i.opname == "LOAD_GLOBAL" and i.argval in FUNCTIONS:
            found += [f"{calls[i.argval]} {i.argval} {side}" for side in FUNCTIONS[i.argval]]
            calls[i.argval] += 1
    return found


def without(rule: Any, detail: str, seen: Seen) -> Any:
    """`rule` with one operand left out, as `terms` wrote it; `seen` counts how often."""
    place, what, side = detail.split()
    code, names = rule.__code__, rule.__globals__
    if what in FUNCTIONS:
        names = {**names, what: _one_operand(names[what], int(place), side, seen)}
    else:
        seen.applied += 1
        code = _without_operator(rule, int(place), side)
    return types.FunctionType(code, names, rule.__name__, rule.__defaults__, rule.__closure__)


def _one_operand(function: Callable, turn: int, side: str, seen: Seen) -> Callable:
    """`function(a, b)` that gives a or b, in the shape of the result, when its turn comes."""
    turns = iter(range(1 << 30))

    def call(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        kept = args[0] if side == "l" else args[1]
        if next(turns) != turn or not hasattr(kept, "broadcast_to"):
            return result
        seen.applied += 1
        return kept.broadcast_to(result.shape)

    return call


def _without_operator(rule: Any, offset: int, side: str) -> Any:
    """The code of `rule`, with one of an operator's two values thrown away instead."""
    code = bytearray(rule.__code__.co_code)
    keep = [("POP_TOP", 0)] if side == "l" else [("SWAP", 2), ("POP_TOP", 0)]
    end = next((i.offset for i in dis.get_instructions(rule) if i.offset > offset), len(code))
    keep += [("NOP", 0)] * ((end - offset) // 2 - len(keep))
    code[offset:end] = bytes(b for name, arg in keep for b in (dis.opmap[name], arg))
    return rule.__code__.replace(co_code=bytes(code))


@contextlib.contextmanager
def planted(engine: Engine, mutant: Mutant, seen: Seen) -> Iterator[None]:
    """While this lasts, the engine's nodes hand on what `mutant` makes of their gradients."""
    package = engine.module.__name__
    graph = importlib.import_module(f"{package}.autograd.graph")
    kinds = _ways(graph.Node)
    before = [k.gradients for k in kinds]
    inside: set[int] = set()
    for kind, method in zip(kinds, before):
        kind.gradients = _wrong_gradients(method, mutant, seen, inside)
    try:
        yield
    finally:
        for kind, method in zip(kinds, before):
            kind.gradients = method


def _ways(node: Any) -> list[Any]:
    """The classes of nodes with a way of their own to make gradients."""
    own = [node] if "gradients" in vars(node) else []
    return own + [kind for under in node.__subclasses__() for kind in _ways(under)]


def _wrong_gradients(method: Callable, mutant: Mutant, seen: Seen, inside: set[int]) -> Callable:
    """`inside`: the nodes at work; one way may fall back on another."""
    site, kind = mutant.site, mutant.kind

    def hit(node: Any) -> bool:
        return node.name() == site.node and any(
            i == site.edge and code_name(rule) == site.code for i, rule, _ in rules_of(node)
        )

    def gradients(self: Any, g: Any, wanted: Any = None) -> list:
        if id(self) in inside or not hit(self):
            return method(self, g, wanted)
        inside.add(id(self))
        try:
            return spoilt(self, g, wanted)
        finally:
            inside.discard(id(self))

    def spoilt(self: Any, g: Any, wanted: Any) -> list:
        if kind in ("term", "swap") and mutant.detail != "edges":
            with _other_rule(self, mutant, seen):
                return method(self, g, wanted)
        found = method(self, g, wanted)
        place = _place(self, found, site.edge)
        if kind == "swap":
            _exchange(found, place, _place(self, found, site.edge + 1), seen)
        elif place is not None:
            target, nr, result = found[place]
            found[place] = (target, nr, _spoil(kind, result, seen))
        return found

    return gradients


def _place(node: Any, found: list, edge: int) -> int | None:
    """Which of the gradients in `found` is that of `edge`; None if it has none."""
    targets, place = node.next_functions, 0
    if len(targets) == len(found) == 1:  # it may have gone on to what lies behind
        return edge if edge == 0 else None
    for i, pair in enumerate(targets):
        here = place < len(found) and found[place][:2] == tuple(pair)
        if i == edge:
            return place if here else None
        place += here
    return None


def _spoil(kind: str, result: Any, seen: Seen) -> Any:
    array = result._array
    seen.applied += 1
    seen.filled += array.size > 0
    seen.nonzero += bool(np.any(array))
    if kind == "drop":
        return (
            result * 0 if np.isfinite(array).all() else type(result).new_zeros(result, array.shape)
        )
    return -result if kind == "sign" else result * 1.5


def _exchange(found: list, i: int | None, j: int | None, seen: Seen) -> None:
    """Exchange two edges' gradients, where they have one shape and dtype."""
    if i is None or j is None:
        return
    (a, m, x), (b, n, y) = found[i], found[j]
    if x._array.shape == y._array.shape and x._array.dtype == y._array.dtype:
        found[i], found[j] = (a, m, y), (b, n, x)
        seen.applied += 1
        seen.distinct += x._array.size > 0


@contextlib.contextmanager
def _other_rule(node: Any, mutant: Mutant, seen: Seen) -> Iterator[None]:
    """The node with its rule changed, or with two of the values exchanged that the rule saved."""
    edge, swap = mutant.site.edge, mutant.kind == "swap"
    seen.applied += swap
    seen.filled += 1
    seen.nonzero += 1
    if hasattr(node, "plan"):
        plan = node.plan
        steps = [
            (i, r if swap else without(r, mutant.detail, seen), p[::-1] if swap else p, False)
            if i == edge
            else (i, r, p, times)
            for i, r, p, times in plan.steps
        ]
        if swap:
            places = next(p for i, _, p, _ in steps if i == edge)
            _compare_saved([node.operands[p] for p in places], seen)
        node.plan = copy.copy(plan)
        node.plan.steps = steps
        restore = ("plan", plan)
    elif hasattr(node, "kept"):
        restore = ("kept", node.kept) if swap else ("rule", node.rule)
        if swap:
            node.kept = _reversed(node.kept, seen)
        else:
            node.rule = without(node.rule, mutant.detail, seen)
    elif hasattr(node, "function"):
        restore = ("_kept", node._kept) if swap else ("function", node.function)
        if swap:
            node._kept = tuple(_reversed(node._kept, seen))
        else:
            wrong = without(node.function.backward, mutant.detail, seen)
            node.function = types.SimpleNamespace(backward=wrong)
    else:
        restore, edges = ("edges", node.edges), list(node.edges)
        target, nr, rule, saved, shape, kind = edges[edge]
        if swap:
            saved = _reversed(saved, seen)
        edges[edge] = (
            target,
            nr,
            rule if swap else without(rule, mutant.detail, seen),
            saved,
            shape,
            kind,
        )
        node.edges = edges
    try:
        yield
    finally:
        setattr(node, *restore)


def _reversed(saved: list, seen: Seen) -> list:
    """What a rule saved with its first two tensors exchanged."""
    i, j = [k for k, s in enumerate(saved) if type(s) is tuple][:2]
    changed = list(saved)
    changed[i], changed[j] = saved[j], saved[i]
    _compare_saved([saved[i], saved[j]], seen)
    return changed


def _compare_saved(pair: list, seen: Seen) -> None:
    arrays = [s[0] for s in pair if type(s) is tuple and s[0] is not None]
    seen.distinct += len(arrays) < 2 or not np.array_equal(arrays[0], arrays[1])
