"""Of several tensors at once: a hook on all of their gradients, and writes made behind our back."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from ..tensor import Tensor
from .graph import Node, node_of, requires_grad
from .inplace import bump
from .modes import state

__all__ = ["GradientEdge", "get_gradient_edge", "increment_version", "register_multi_grad_hook"]


def increment_version(tensor: Tensor | Iterable[Tensor]) -> None:
    """Count a write to the memory of a tensor, or of several, that the engine did not see.

    Raises RuntimeError for anything else.
    """
    tensors = (tensor,) if isinstance(tensor, Tensor) else tensor
    if not isinstance(tensors, Iterable):
        raise RuntimeError("increment_version expect a Iterable[Tensor] as input")
    for t in tensors:
        if not isinstance(t, Tensor):
            raise RuntimeError("increment_version expects each element of the iterable to be a tensor")
        bump(t)


class GradientEdge(NamedTuple):
    """Where in the graph a tensor's gradient arrives; `autograd.grad` takes it for the tensor."""

    node: Node
    output_nr: int
    ownership_token: Node | None = None

# What the engine asks of a tensor that it is to differentiate by:
_asked: Any = GradientEdge
_asked._node = property(lambda self: self.node)
_asked._nr = property(lambda self: self.output_nr)
_asked._requires_grad, _asked._base = True, None


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """The edge of `tensor`'s gradient.  Raises RuntimeError if it does not require one."""
    if not requires_grad(tensor):
        raise RuntimeError(
            "It is not possible to get the gradient edge for a Tensor that does not require gradients"
        )
    return GradientEdge(node_of(tensor), tensor._nr)


class _Handles:
    """Removes a hook from all tensors."""

    def __init__(self, handles: Sequence[Any]) -> None:
        self.handles = handles

    def remove(self) -> None:
        for handle in self.handles:
            handle.remove()

    def __enter__(self) -> _Handles:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()


def register_multi_grad_hook(
    tensors: Sequence[Tensor], fn: Callable[..., None], *, mode: str = "all"
) -> _Handles:
    """Call `fn(gradients)` when those of all `tensors` that a backward pass reaches are complete.

    None stands for a gradient that the pass does not compute.  With mode "any": `fn(gradient)`, for
    the first.  Raises ValueError for another mode, AssertionError for a tensor without gradients.
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    if mode == "any":
        return _Handles(_hook_first(tensors, fn))
    if not all(requires_grad(t) for t in tensors):
        raise AssertionError("Expected gradient function to be set")
    return _Handles(_hook_all(tensors, fn))


def _hook_first(tensors: Sequence[Tensor], fn: Callable[..., None]) -> list[Any]:
    done: weakref.WeakSet[Any] = weakref.WeakSet()

    def hook(gradient: Tensor) -> None:
        if state.running not in done:
            done.add(state.running)
            fn(gradient)

    return [t.register_hook(hook) for t in tensors if requires_grad(t)]


_LEAF_IN_GRAD = (
    "A leaf node was passed to _will_engine_execute_node but we are currently running "
    "autograd.grad(). This is currently not supported."
)


def _hook_all(tensors: Sequence[Tensor], fn: Callable[..., None]) -> list[Any]:
    nodes = [node_of(t) for t in tensors]
    waiting: weakref.WeakKeyDictionary[Any, list[Any]] = weakref.WeakKeyDictionary()

    def hook_on(i: int) -> Callable[[Tensor], None]:
        def hook(gradient: Tensor) -> None:
            run = state.running
            if run not in waiting:
                if not run.accumulates and any(node.variable is not None for node in nodes):
                    raise RuntimeError(_LEAF_IN_GRAD)
                ahead = _ahead(run, nodes[i])
                waiting[run] = [sum(node in ahead for node in nodes), [None] * len(nodes)]
            entry = waiting[run]
            entry[0] -= 1
            entry[1][i] = gradient
            if entry[0] == 0:
                del waiting[run]
                fn(entry[1])

        return hook

    return [t.register_hook(hook_on(i)) for i, t in enumerate(tensors)]


def _ahead(run: Any, current: Node) -> set[Node]:
    """The nodes that a backward pass will still visit, the one it is at included."""
    found: set[Node] = set()
    pending = [current, *run.pending]
    while pending:
        node = pending.pop()
        if node not in found and (run.wanted is None or node in run.wanted):
            found.add(node)
            pending += node.sources()
    return found
