"""The graph: which operation made a tensor, and how a gradient flows back through it.

Four decisions carry everything else:

1.  Edges point at *nodes*, never at tensors.  Writing into a tensor gives that tensor another node;
    nothing upstream moves, no reference cycle can close, and data is freed as early as possible.
2.  A gradient rule is a function of Tensors that stands next to its op's forward.  It runs without
    being recorded, unless `create_graph` asks for it: second derivatives need no second rule.
3.  A rule's *parameter names* say what it saves.  `lambda g, out: g * out` keeps the result,
    `lambda g, other: g * other` keeps `other`, and neither is kept if its rule will never run.
    What is saved is (memory, node, version): a later write is noticed by the version.
4.  Broadcasting and type promotion are undone in one place, the engine, and in no rule.

    z = mul(x, y)            x ──┐        node MulBackward0
                                 ├─► z      edge 0 → x's node, rule g·y, saved y
                             y ──┘          edge 1 → y's node, rule g·x, saved x
"""

from __future__ import annotations

import functools
import importlib
import itertools
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..dtypes import BY_CHAR
from ..tensor import NO_VERSION, Tensor, blank, wrap
from .modes import state

next_order = itertools.count().__next__
_new = object.__new__

FREED = (
    "Trying to backward through the graph a second time (or directly access saved tensors after "
    "they have already been freed). Saved intermediate values of the graph are freed when you call "
    ".backward() or autograd.grad(). Specify retain_graph=True if you need to backward through the "
    "graph a second time or if you need to access saved tensors after calling backward."
)


class Node:
    """One recorded operation.

    `edges` has one entry per differentiable input: (input's node, number of that node's output,
    rule, what the rule saved, input's shape, input's NumPy dtype); None if it requires no grad.
    """

    __slots__ = ("order", "outputs", "hooks", "variable", "__dict__", "__weakref__")

    order: int
    outputs: int
    hooks: Any  # see engine.py
    variable: Any  # the leaf, where the node is one's AccumulateGrad
    edges: list[Any]

    def __init__(self) -> None:
        self.order, self.outputs, self.hooks, self.variable = next_order(), 1, None, None
        self.edges = []

    def __repr__(self) -> str:
        return f"<{self.name()} object at {id(self):#x}>"

    def name(self) -> str:
        """torch's name for the operation, which is also the name of the node's class."""
        return type(self).__name__

    @property
    def metadata(self) -> dict[str, Any]:
        """A dictionary of the user's own."""
        return self.__dict__.setdefault("_metadata", {})

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        """The nodes this one passes gradients to, each with the number of its output."""
        return tuple([(None, 0) if e is None else (e[0], e[1]) for e in self.edges])

    def sources(self) -> list[Node]:
        """The nodes among `next_functions`."""
        return [node for node, _ in self.next_functions if node is not None]

    def gradients(self, g: Any, wanted: Any = None) -> list[Any]:
        """(target node, output number, gradient) for every edge, gradients fitted in shape."""
        found = []
        for edge in self.edges:
            if edge is None or (wanted is not None and edge[0] not in wanted):
                continue
            target, nr, rule, saved, shape, kind = edge
            if not saved:
                result = rule(g)
            elif saved is FREED:
                raise RuntimeError(FREED)
            else:
                result = rule(g, *[unpack(s, self) for s in saved])
            if result is not None:
                array = result._array
                if array.shape != shape or array.dtype != kind:
                    result = fit(result, shape, kind)
                found.append((target, nr, result))
        return found

    def release(self) -> None:
        """Drop what was saved.  Nodes that saved nothing can be walked again, as in torch."""
        self.edges = [
            (e[0], e[1], None, FREED, e[4], e[5]) if e and e[3] else e for e in self.edges
        ]

    def saved(self) -> Iterator[list[Any]]:
        """The lists of what was saved (the in-place machinery redirects entries)."""
        return (e[3] for e in self.edges if e and e[3] and e[3] is not FREED)


class JointNode(Node):
    """An operation whose gradients are computed together, by one rule for all of its inputs."""

    rule: Any
    kept: Any

    def gradients(self, g: Any, wanted: Any = None) -> list[Any]:
        if self.kept is FREED:
            raise RuntimeError(FREED)
        needs = tuple([e is not None and (wanted is None or e[0] in wanted) for e in self.edges])
        if not any(needs):
            return []
        found = []
        values = [needs if s is NEEDS else unpack(s, self) for s in self.kept]
        for edge, need, result in zip(self.edges, needs, self.rule(g, *values)):
            if need and result is not None:
                target, nr, _, _, shape, kind = edge
                if result._array.shape != shape or result._array.dtype != kind:
                    result = fit(result, shape, kind)
                found.append((target, nr, result))
        return found

    def release(self) -> None:
        self.kept, self.rule = FREED, None

    def saved(self) -> Iterator[list[Any]]:
        return iter(() if self.kept is FREED else (self.kept,))


class AccumulateGrad(Node):
    """Where a gradient ends: it is added to the leaf's `.grad`."""

    def __init__(self, variable: Tensor) -> None:
        self.order = -1  # older than every operation: a leaf comes last
        self.outputs, self.hooks, self.edges = 1, None, []
        self.variable = variable

    def release(self) -> None:
        pass


@functools.cache
def node_class(name: str, kind: type = Node) -> Any:
    """The class of the nodes of one operation: `type(y.grad_fn).__name__` is "MulBackward0"."""
    return type(name, (kind,), {"__module__": __name__})


def rename(tensor: Tensor, name: str) -> Tensor:
    """`tensor`, recorded under another operation's name (for ops composed of others)."""
    node = tensor._node
    if node is not None:
        node.__class__ = node_class(name, type(node).__bases__[0])
    return tensor


# ---- versions and nodes of tensors ---------------------------------------------------------------


def cell_of(tensor: Tensor) -> list[int]:
    """The version counter of the tensor's memory, made when first asked for."""
    cell = tensor._cell
    if cell is None:
        cell = tensor._cell = [0]
    return cell


def node_of(tensor: Tensor) -> Node:
    """The node whose output `tensor` is; for a leaf, the node that accumulates its gradient."""
    if tensor._node is not None:
        return tensor._node
    node = tensor._leaf and tensor._leaf()
    if node is None:
        node = AccumulateGrad(tensor)
        tensor._leaf = weakref.ref(node)  # weak: a leaf and its node must not keep each other alive
    return node


def requires_grad(tensor: Tensor) -> bool:
    """Whether gradients flow to `tensor`, after catching up with writes to a view's base.

    A view requires grad if its base does, even one made before or while nothing was recorded; but
    only a flag of its own makes it a leaf with a `.grad`, as in torch.
    """
    base = tensor._base
    if base is None:
        return tensor._requires_grad
    if tensor._seen != tensor._cell[0] and state.grad:  # type: ignore[index]
        from .inplace import refresh

        refresh(tensor)
    return tensor._requires_grad or base._requires_grad


# ---- what rules save -------------------------------------------------------------------------------
#
# An entry is (memory, node, output number, version counter, version then).  It never holds a Tensor:
# a tensor that is later written in place points at a newer node, which may lead back to the node
# that saved it, and reference counting could not free that cycle.  Numbers are saved as they are.

OWN = Node()  # stands for "the node that saved this": a node must not hold itself
NEEDS = object()  # stands for "tell the rule whose gradients are wanted"


def save(value: Any) -> Any:
    """What to keep of an operand.  Raises RuntimeError for tensors made in inference mode."""
    if not isinstance(value, Tensor):
        return value
    return entry_of(value, node_of(value) if requires_grad(value) else None)


def entry_of(value: Tensor, node: Node | None) -> Any:
    """`save` for those who know the operand's node already (None: it does not require grad)."""
    cell = value._cell
    if cell is None:
        cell = value._cell = [0]
    elif cell is NO_VERSION:
        raise RuntimeError(
            "Inference tensors cannot be saved for backward. Please do not use Tensors created in "
            "inference mode in computation tracked by autograd. To work around this, you can make a "
            "clone to get a normal tensor and use it in autograd, or use `torch.no_grad()` instead of "
            "`torch.inference_mode()`."
        )
    return (value._array, node, value._nr, cell, cell[0])


def mentioned(value: Tensor, node: Node | None) -> Any:
    """What to keep of an operand whose value no rule needs: where its gradient goes, its shape."""
    array = value._array
    return (None, node, value._nr, array.shape, array.dtype)


def save_output(out: Tensor, nr: int = 0) -> Any:
    """What to keep of the op's own output."""
    cell = cell_of(out)
    return (out._array, OWN, nr, cell, cell[0])


def unpack(saved: Any, owner: Node) -> Any:
    """The saved value as a tensor of the graph.  Raises RuntimeError if it was written to since."""
    if type(saved) is not tuple:
        return saved
    array, node, nr, cell, version = saved
    if cell[0] != version:
        return unusual(saved, owner)
    tensor: Tensor = blank(Tensor)
    tensor._array, tensor._cell = array, cell
    if node is not None:
        tensor._node, tensor._nr = (owner if node is OWN else node), nr
        tensor._requires_grad = True
    return tensor


def unusual(saved: Any, owner: Node) -> Any:
    """An entry whose version is not the counter's: packed by a hook, or RuntimeError."""
    if saved[4] >= 0:
        raise RuntimeError(_complaint(saved, owner))
    from .saving import unpacked

    return unpacked(saved, owner)


def _complaint(saved: Any, owner: Node) -> str:
    array, node, nr, cell, version = saved
    made = owner if node is OWN else node
    is_leaf = made is None or isinstance(made, AccumulateGrad)
    origin = "" if is_leaf else f", which is output {nr} of {made.name()},"
    return (
        "one of the variables needed for gradient computation has been modified by an inplace "
        f"operation: [torch.{BY_CHAR[array.dtype.char].legacy} {list(array.shape)}]{origin} is at "
        f"version {cell[0]}; expected version {version} instead. Hint: {owner.name()} needs it for "
        "its gradient; clone the tensor before writing to it, or write out of place."
    )


@functools.cache
def _names(code: Any) -> tuple[str, ...]:
    return code.co_varnames[1 : code.co_argcount]


def wants(rule: Callable[..., Any]) -> tuple[str, ...]:
    """The names of what a gradient rule needs, besides the gradient itself."""
    return _names(rule.__code__)


# ---- recording ---------------------------------------------------------------------------------------


def record(name: str, data: Any, joint: Any = None, **inputs: Any) -> Any:
    """Wrap an op's result, and remember how gradients flow back through it.

    `data` is the result's array, or a tuple of arrays for an op with several outputs (the rules then
    get a tuple of gradients, with None for an output that received none).  Each keyword is
    `x=(tensor, rule)` for a differentiable input, or `x=tensor` for one that rules only look at.
    `joint=(names, rule)` is one rule for all the named inputs; it returns a tuple, and may ask for
    `needs`, which tells whose gradients are wanted.
    """
    many = type(data) is tuple
    out: Any = tuple([wrap(d) for d in data]) if many else wrap(data)
    if not state.grad:
        return out
    node = (_joint_node if joint else _node)(name, out, inputs, joint)
    if node is None:
        return out
    if not many:
        if out._array.dtype.kind in "fc":
            out._node, out._requires_grad = node, True
        return out
    node.outputs = len(out)
    for nr, tensor in enumerate(out):
        if tensor._array.dtype.kind in "fc":
            tensor._node, tensor._nr, tensor._requires_grad = node, nr, True
    return out


def _node(name: str, out: Any, inputs: dict[str, Any], _: None) -> Node | None:
    edges: list[Any] = []
    tracked = False
    for entry in inputs.values():
        if type(entry) is not tuple:
            continue
        tensor, rule = entry
        if not isinstance(tensor, Tensor) or not (
            tensor._requires_grad if tensor._base is None else requires_grad(tensor)
        ):
            edges.append(None)
            continue
        tracked, array = True, tensor._array
        source = tensor._node or node_of(tensor)
        names = wants(rule)
        saved = [_pick(n, inputs, out) for n in names] if names else ()
        edges.append((source, tensor._nr, rule, saved, array.shape, array.dtype))
    if not tracked:
        return None
    node = _new(node_class(name))
    node.order, node.outputs, node.hooks, node.variable = next_order(), 1, None, None
    node.edges = edges
    return node


def _joint_node(name: str, out: Any, inputs: dict[str, Any], joint: Any) -> Node | None:
    names, rule = joint
    sources = {
        n: node_of(inputs[n]) for n in names if inputs[n] is not None and requires_grad(inputs[n])
    }
    if not sources:
        return None
    node = _new(node_class(name, JointNode))
    node.order, node.outputs, node.hooks, node.variable = next_order(), 1, None, None
    node.rule, node.edges = rule, [n in sources and _edge(inputs[n], sources[n]) or None for n in names]
    node.kept = [
        NEEDS if n == "needs" else _pick(n, inputs, out, sources.get(n)) for n in wants(rule)
    ]
    return node


def _edge(x: Tensor, source: Node) -> tuple[Any, ...]:
    return (source, x._nr, None, (), x._array.shape, x._array.dtype)


def _pick(name: str, inputs: dict[str, Any], out: Any, source: Node | None = None) -> Any:
    """What a rule asked for by `name`: an input, `out`, or `out0`, `out1` ... of several outputs."""
    if source is not None:
        return entry_of(inputs[name], source)
    if name in inputs:
        entry = inputs[name]
        return save(entry[0] if type(entry) is tuple else entry)
    if name == "out":
        return save_output(out)
    nr = int(name.removeprefix("out"))
    return save_output(out[nr], nr)


# ---- views ---------------------------------------------------------------------------------------------


def view(name: str, x: Tensor, array: np.ndarray, rule: Any, kind: str | None = None) -> Tensor:
    """Wrap `array`, which looks into `x`'s memory, as a view of `x` with gradient rule `rule`.

    `kind` restricts later writes into the view: "multi" for one of several outputs of one op.
    """
    if state.grad and (x._requires_grad or x._base is not None):
        return as_view(record(name, array, x=(x, rule)), x, kind)
    return as_view(wrap(array), x, kind)


def as_view(out: Tensor, x: Tensor, kind: str | None = None) -> Tensor:
    """Make `out` share `x`'s version counter and storage, and remember whose view it is."""
    cell = x._cell
    if cell is None:
        cell = x._cell = [0]
    out._cell, out._seen = cell, cell[0]
    out._root = x._array if x._root is None else x._root
    out._base = x if x._base is None else x._base
    if state.grad:
        out._kind = kind or x._kind
    else:
        out._kind = "inference" if state.inference else "no_grad"
        if out._inference and not x._inference:
            out._inference = False
    return out


def fit(g: Tensor, shape: tuple[int, ...], np_dtype: np.dtype) -> Tensor:
    """Undo broadcasting (sum what was stretched) and promotion (cast back) for one gradient."""
    if g._array.dtype.kind == "c" and np_dtype.kind != "c":
        g = g.real
    if g._array.shape != shape:
        g = g.sum_to_size(shape)
    return g if g._array.dtype == np_dtype else g.to(BY_CHAR[np_dtype.char])


# What torch.autograd.graph has besides nodes, in modules that a program may not need.
_WHERE = {
    "saved_tensors_hooks": "saving", "save_on_cpu": "saving", "disable_saved_tensors_hooks": "saving",
    "allow_mutation_on_saved_tensors": "saving", "register_multi_grad_hook": "several",
    "increment_version": "several", "GradientEdge": "several", "get_gradient_edge": "several",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"..{_WHERE[name]}", __name__), name)
