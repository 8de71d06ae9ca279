"""Operations that users define: a forward, and the backward to go with it.

    class Double(Function):
        @staticmethod
        def forward(ctx, x):            # runs unrecorded
            return x * 2
        @staticmethod
        def backward(ctx, g):           # a gradient per argument of forward; None where there is none
            return g * 2

    y = Double.apply(x)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..settings import warn_caller
from ..tensor import Tensor, wrap
from .graph import (
    FREED,
    AccumulateGrad,
    Node,
    as_view,
    fit,
    node_class,
    node_of,
    requires_grad,
    save,
    save_output,
    unpack,
)
from .inplace import bump, check_writable, detach, move_to
from .modes import no_grad, state


class FunctionNode(Node):
    """The node of a custom Function; the user's `ctx` is this very object."""

    needs_input_grad: tuple[bool, ...]
    _shapes: list[Any]

    def __init__(self, function: type[Function]) -> None:
        super().__init__()
        self.function = function
        self._to_save: tuple[Any, ...] = ()
        self._kept: Any = ()
        self._dirty: tuple[Any, ...] = ()
        self._plain: tuple[Any, ...] = ()
        self._materialize = True

    # ---- what forward may call on ctx ----------------------------------------------------------

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep inputs or outputs for backward; it finds them in `ctx.saved_tensors`."""
        for t in tensors:
            if t is not None and not isinstance(t, Tensor):
                raise TypeError(
                    f"save_for_backward can only save variables, but argument "
                    f"{tensors.index(t)} is of type {t.__class__.__name__}"
                )
        self._to_save = tensors

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Say which inputs forward wrote to in place."""
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Say which outputs have no gradient."""
        self._plain = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether backward gets zeros (True) or None for outputs that received no gradient."""
        self._materialize = value

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        if self._kept is FREED:
            raise RuntimeError(FREED)
        return tuple([s if s is None else self._unpack(s) for s in self._kept])

    saved_variables = saved_tensors

    def _unpack(self, saved: Any) -> Tensor:
        """The saved tensor; a leaf comes back as the very tensor that was saved."""
        tensor, node = unpack(saved, self), saved[1]
        if isinstance(node, AccumulateGrad) and node.variable._array is tensor._array:
            return node.variable
        return tensor

    # ---- the engine's side ----------------------------------------------------------------------

    def gradients(self, g: Any, wanted: Any = None) -> list[Any]:
        if self._kept is FREED and self._to_save:
            raise RuntimeError(FREED)
        given = g if self.outputs > 1 else (g,)
        if self._materialize:
            given = [
                wrap(np.zeros(shape, kind)) if x is None else x
                for x, (shape, kind) in zip(given, self._shapes)
            ]
        results = self.function.backward(self, *given)
        results = results if isinstance(results, tuple) else (results,)
        self._check_count(results)
        found = []
        for edge, result in zip(self.edges, results):
            if edge is None or result is None or (wanted is not None and edge[0] not in wanted):
                continue
            target, nr, _, _, shape, kind = edge
            if not isinstance(result, Tensor):
                raise TypeError(
                    f"function {self.name()} returned a gradient of type "
                    f"{type(result).__name__}, expected a Tensor"
                )
            if result._array.shape != shape:
                self._check_shape(result, shape)
            if result._array.shape != shape or result._array.dtype != kind:
                result = fit(result, shape, kind)
            found.append((target, nr, result))
        return found

    def _check_count(self, results: tuple[Any, ...]) -> None:
        extra = results[len(self.edges) :]
        if len(results) < len(self.edges) or any(r is not None for r in extra):
            raise RuntimeError(
                f"function {self.name()} returned an incorrect number of gradients (expected "
                f"{len(self.edges)}, got {len(results)})"
            )

    def _check_shape(self, result: Tensor, shape: tuple[int, ...]) -> None:
        try:
            fits = np.broadcast_shapes(result._array.shape, shape) == result._array.shape
        except ValueError:
            fits = False
        if not fits:
            raise RuntimeError(
                f"Function {self.name()} returned an invalid gradient at index 0 - got "
                f"{list(result.shape)} but expected shape compatible with {list(shape)}"
            )

    @property
    def next_functions(self) -> tuple[tuple[Node | None, int], ...]:
        return tuple((None, 0) if e is None else (e[0], e[1]) for e in self.edges)

    def release(self) -> None:
        if self._kept:
            self._kept = FREED

    def saved(self) -> Any:
        return iter(() if self._kept is FREED else (self._kept,))


class Function:
    """Base of custom operations: define static `forward(ctx, *args)` and `backward(ctx, *grads)`.

    Or `forward(*args)` and `setup_context(ctx, inputs, output)`.  Call through `apply`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warn_caller(
            f"{type(self)} should not be instantiated. Methods on autograd functions are all static, "
            "so you should invoke them on the class itself. Instantiating an autograd function will "
            "raise an error in a future version of PyTorch.",
            DeprecationWarning,
        )

    setup_context: Callable[..., Any] | None = None
    generate_vmap_rule = False

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the outputs from the arguments; subclasses define it."""
        raise NotImplementedError(
            "You must implement the forward function for custom autograd.Function."
        )

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """A gradient for every argument of forward; subclasses define it."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom "
            "autograd.Function to use it with backward mode AD."
        )

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run forward and record backward.  Returns what forward returned."""
        node = node_class(f"{cls.__name__}Backward", FunctionNode)(cls)
        inputs = [a if isinstance(a, Tensor) else None for a in args]
        node.needs_input_grad = tuple([x is not None and requires_grad(x) for x in inputs])
        recorded = state.grad and any(node.needs_input_grad)
        # The edges are taken now: forward may write to an input, which moves it to another node.
        node.edges = [
            (node_of(x), x._nr, None, (), x._array.shape, x._array.dtype) if need and x is not None
            else None
            for x, need in zip(inputs, node.needs_input_grad)
        ]  # fmt: skip
        with no_grad():
            if cls.setup_context is not None:
                results = cls.forward(*args, **kwargs)
                cls.setup_context(node, args, results)
            else:
                results = cls.forward(node, *args, **kwargs)
        many = isinstance(results, (tuple, list))
        outputs = tuple(results) if many else (results,)
        wrapped = _finish(node, inputs, outputs, recorded)
        return type(results)(wrapped) if many else wrapped[0]

    vjp = backward


def _finish(
    node: FunctionNode, inputs: list[Any], outputs: tuple[Any, ...], recorded: bool
) -> tuple[Any, ...]:
    """Attach the outputs to the node, and save what forward asked for."""
    dirty = {id(t) for t in node._dirty}
    plain = {id(t) for t in node._plain}
    node.outputs = len(outputs)
    node._shapes = [
        (o._array.shape, o._array.dtype) if isinstance(o, Tensor) else ((), np.dtype("f4"))
        for o in outputs
    ]
    finished = []
    for nr, out in enumerate(outputs):
        if not isinstance(out, Tensor):
            finished.append(out)
            continue
        differentiable = recorded and id(out) not in plain and out._array.dtype.kind in "fc"
        finished.append(_attach(node, nr, out, inputs, id(out) in dirty, differentiable))
    if recorded:
        places = {id(o): i for i, o in enumerate(outputs)}
        node._kept = [
            save_output(t, places[id(t)]) if id(t) in places and not _among(t, inputs) else save(t)
            for t in node._to_save
        ]
    return tuple(finished)


def _among(tensor: Tensor, inputs: list[Any]) -> bool:
    return any(tensor is x for x in inputs)


def _attach(
    node: FunctionNode, nr: int, out: Tensor, inputs: list[Any], dirty: bool, differentiable: bool
) -> Tensor:
    if dirty:
        if differentiable:
            if out._node is None and out._requires_grad:
                raise RuntimeError(
                    "a leaf Variable that requires grad is being used in an in-place operation."
                )
            check_writable(out)
            move_to(out, _as_output(node, nr))
        bump(out)
        return out
    if _among(out, inputs):  # returned as it came in: another tensor with the same memory
        source, out = out, detach(out)
        as_view(out, source)
        if not differentiable:
            return out
    if differentiable:
        out._node, out._nr, out._requires_grad = node, nr, True
    return out


def _as_output(node: Node, nr: int) -> Tensor:
    stand_in = wrap(np.empty(()))
    stand_in._node, stand_in._nr, stand_in._requires_grad = node, nr, True
    return stand_in


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator of a backward that cannot be differentiated itself."""

    def run(ctx: Any, *gradients: Any) -> Any:
        with no_grad():
            results = backward(ctx, *gradients)
        if not state.grad or not any(isinstance(g, Tensor) and requires_grad(g) for g in gradients):
            return results
        many = isinstance(results, tuple)
        outs = results if many else (results,)
        refused = tuple(r if not isinstance(r, Tensor) else _Refusal.apply(r, *gradients) for r in outs)
        return refused if many else refused[0]

    return run


class _Refusal(Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor, *gradients: Any) -> Tensor:
        return value.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        raise RuntimeError(
            "trying to differentiate twice a function that was marked with @once_differentiable"
        )
