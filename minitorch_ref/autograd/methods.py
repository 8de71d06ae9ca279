"""The part of Tensor's interface that speaks of the graph: backward, hooks, grad_fn, requires_grad."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from ..dtypes import FLOATING
from ..tensor import Tensor
from ..utils.hooks import RemovableHandle, add_hook
from .engine import backward, hooks_of
from .graph import Node, requires_grad
from .inplace import refresh


def _backward(
    self: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Accumulate this tensor's gradients into the leaves it was computed from.

    `gradient`: this tensor's shape; may be left out for a real scalar.  Raises RuntimeError if the
    graph was freed by an earlier backward without `retain_graph`.
    """
    backward(self, gradient, retain_graph, create_graph, inputs=inputs)


def _get_requires_grad(self: Tensor) -> bool:
    base = self._base
    return self._requires_grad or (base is not None and base._requires_grad)


def _set_requires_grad(self: Tensor, value: bool) -> None:
    if value and self.dtype.category < FLOATING:
        raise RuntimeError(
            "only Tensors of floating point and complex dtype can require gradients"
        )
    requires_grad_(self, value)


def requires_grad_(self: Tensor, requires_grad: bool = True) -> Tensor:
    """Start or stop recording operations on this leaf.  Raises RuntimeError on non-leaves."""
    if not isinstance(requires_grad, (bool, int)):
        raise TypeError(
            f"requires_grad_(): argument 'requires_grad' must be bool, not "
            f"{type(requires_grad).__name__}"
        )
    if not self.is_leaf:
        extra = (
            ""
            if requires_grad
            else " If you want to use a computed variable in a subgraph that doesn't require "
            "differentiation use var_no_grad = var.detach()."
        )
        if requires_grad:
            return self
        raise RuntimeError(
            f"you can only change requires_grad flags of leaf variables.{extra}"
        )
    if requires_grad and self.dtype.category < FLOATING:
        raise RuntimeError("only Tensors of floating point dtype can require gradients")
    if requires_grad and self._inference:
        from .modes import state

        if not state.inference:
            raise RuntimeError(
                "Setting requires_grad=True on inference tensor outside InferenceMode is not allowed."
            )
    self._requires_grad = bool(requires_grad)
    return self


def _grad_fn(self: Tensor) -> Node | None:
    """The operation that made this tensor; None for leaves."""
    if self._base is not None and self._seen != self._cell[0]:  # type: ignore[index]
        refresh(self)
    return self._node


def retain_grad(self: Tensor) -> None:
    """Keep the gradient of this non-leaf in `.grad` as well."""
    if not requires_grad(self):
        raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
    if self._node is not None:
        hooks_of(self._node).retain[self._nr] = weakref.ref(self)


def _retains_grad(self: Tensor) -> bool:
    hooks = self._node.hooks if self._node is not None else None
    reference = hooks.retain.get(self._nr) if hooks else None
    return reference is not None and reference() is self


def register_hook(self: Tensor, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
    """Call `hook(gradient)` when this tensor's gradient is complete; it may return another one."""
    if not requires_grad(self):
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    if self._node is None:
        if self._hooks is None:
            self._hooks = OrderedDict()
        return add_hook(self._hooks, hook)
    return add_hook(hooks_of(self._node).tensor.setdefault(self._nr, OrderedDict()), hook)


def register_post_accumulate_grad_hook(self: Tensor, hook: Callable[[Tensor], None]) -> Any:
    """Call `hook(leaf)` after its gradient was accumulated."""
    if not requires_grad(self):
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    if self._node is not None:
        raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
    if self._post_hooks is None:
        self._post_hooks = OrderedDict()
    return add_hook(self._post_hooks, hook)


def _node_register_hook(self: Node, hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(grad_inputs, grad_outputs)` after this node ran."""
    return add_hook(hooks_of(self).after, hook)


def _node_register_prehook(self: Node, hook: Callable[..., Any]) -> RemovableHandle:
    """Call `hook(grad_outputs)` before this node runs."""
    return add_hook(hooks_of(self).prior, hook)


def _saved(name: str) -> property:
    """`_saved_self` and the like, for who looks into the graph."""

    def saved(self: Node) -> Any:
        from .saved_values import saved_value

        return saved_value(self, name)

    return property(saved)


# One by one: a class with a `__getattr__` is slower at every attribute.
for _name in (
    "self", "other", "result", "input", "weight", "bias", "target", "index", "indices", "mask",
    "condition", "exponent", "end", "value", "mat", "mat1", "mat2", "batch1", "batch2", "vec", "vec1",
    "vec2", "tensor", "tensor1", "tensor2", "src", "A", "LU", "Q", "R", "U", "S", "Vh",
):  # fmt: skip
    setattr(Node, f"_saved_{_name}", _saved(_name))
Node.register_hook = _node_register_hook  # type: ignore[attr-defined]
Node.register_prehook = _node_register_prehook  # type: ignore[attr-defined]

for _name, _attached in {
    "backward": _backward,
    "requires_grad": property(_get_requires_grad, _set_requires_grad),
    "requires_grad_": requires_grad_,
    "grad_fn": property(_grad_fn),
    "retain_grad": retain_grad,
    "retains_grad": property(_retains_grad),
    "register_hook": register_hook,
    "register_post_accumulate_grad_hook": register_post_accumulate_grad_hook,
    "output_nr": property(lambda self: self._nr),
}.items():
    setattr(Tensor, _name, _attached)
