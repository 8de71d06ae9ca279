"""What runs around `forward`: hooks before and after it, and around the module's backward.

A module's own backward has no single place in the graph: `forward` may record any number of ops.
So a call with backward hooks is put between two identity functions, one on its inputs and one on
its outputs; the gradients that pass through them are the module's `grad_input` and `grad_output`.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from ...autograd.function import Function
from ...autograd.modes import is_grad_enabled
from ...tensor import Tensor
from ...utils.hooks import RemovableHandle, add_hook
from .old_hooks import hook_last_operation

Hooks = OrderedDict  # handle id -> hook, called in this order; a plain dict takes no weak reference


class HookedCall:
    """The part of Module that calls `forward` and what is hooked around it."""

    forward: Callable[..., Any]
    _forward_pre_hooks: Hooks
    _forward_pre_hooks_with_kwargs: Hooks
    _forward_hooks: Hooks
    _forward_hooks_with_kwargs: Hooks
    _forward_hooks_always_called: Hooks
    _backward_pre_hooks: Hooks
    _backward_hooks: Hooks
    _is_full_backward_hook: bool | None = None  # which kind the backward hooks are

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if (
            self._forward_pre_hooks
            or self._forward_hooks
            or self._backward_hooks
            or self._backward_pre_hooks
        ):
            return self._call_with_hooks(args, kwargs)
        return self.forward(*args, **kwargs)

    def register_forward_pre_hook(
        self, hook: Callable, *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, args)` before forward; what it returns, if not None, replaces `args`.

        `with_kwargs`: `hook(module, args, kwargs)`, which returns None or `(args, kwargs)`.
        """
        flags = [self._forward_pre_hooks_with_kwargs] if with_kwargs else []
        return add_hook(self._forward_pre_hooks, hook, prepend, flags)

    def register_forward_hook(
        self,
        hook: Callable,
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Call `hook(module, args, output)` after forward; a result not None replaces `output`.

        `with_kwargs`: `hook(module, args, kwargs, output)`.  `always_call`: also when an exception
        is under way.
        """
        flags = [self._forward_hooks_with_kwargs] if with_kwargs else []
        flags += [self._forward_hooks_always_called] if always_call else []
        return add_hook(self._forward_hooks, hook, prepend, flags)

    def register_full_backward_pre_hook(
        self, hook: Callable, prepend: bool = False
    ) -> RemovableHandle:
        """Call `hook(module, grad_output)` in backward, before the module's own gradients."""
        return add_hook(self._backward_pre_hooks, hook, prepend)

    def register_full_backward_hook(self, hook: Callable, prepend: bool = False) -> RemovableHandle:
        """Call `hook(module, grad_input, grad_output)` when the inputs' gradients are known.

        A result not None replaces `grad_input`.  Both are tuples, None for what is not a tensor.
        """
        self._full_backward_hooks(True)
        return add_hook(self._backward_hooks, hook, prepend)

    def register_backward_hook(self, hook: Callable) -> RemovableHandle:
        """Call `hook(module, grad_input, grad_output)` with the gradients of forward's last operation.

        torch's old way.  Raises RuntimeError for a module that has hooks of the other kind.
        """
        self._full_backward_hooks(False)
        return add_hook(self._backward_hooks, hook)

    def _full_backward_hooks(self, full: bool) -> None:
        """Note which kind of backward hooks the module has from now on; there can be only one."""
        if self._is_full_backward_hook is (not full):
            where = "as a global Module hook" if self is EVERYWHERE else "on a single Module"
            raise RuntimeError(
                f"Cannot use both regular backward hooks and full backward hooks {where}. Please use "
                "only one of them."
            )
        self._is_full_backward_hook = full

    def _call_with_hooks(self, args: Any, kwargs: Any) -> Any:
        result, called = None, set()
        try:
            args, kwargs = self._before_forward(args, kwargs)
            watch = BackwardWatch(self)
            args = watch.inputs(args)
            result = self.forward(*args, **kwargs)
            for owner in (EVERYWHERE, self):
                for number in tuple(owner._forward_hooks):
                    called.add(number)
                    result = self._after_forward(owner, number, args, kwargs, result)
            result = watch.outputs(result)
            if watch.old_hooks:
                hook_last_operation(self, watch.old_hooks, args, result)
            return result
        except Exception:
            self._after_failure(args, kwargs, result, called)
            raise

    def _before_forward(self, args: Any, kwargs: Any) -> Any:
        hooks = (*EVERYWHERE._forward_pre_hooks.items(), *self._forward_pre_hooks.items())
        for number, hook in hooks:
            if number in self._forward_pre_hooks_with_kwargs:
                changed = hook(self, args, kwargs)
                if changed is None:
                    continue
                if not (isinstance(changed, tuple) and len(changed) == 2):
                    raise RuntimeError(
                        "forward pre-hook must return None or a tuple of (new_args, new_kwargs), "
                        f"but got {changed}."
                    )
                args, kwargs = changed
            else:
                changed = hook(self, args)
                if changed is not None:
                    args = changed if isinstance(changed, tuple) else (changed,)
        return args, kwargs

    def _after_forward(
        self, owner: HookedCall, number: int, args: Any, kwargs: Any, result: Any
    ) -> Any:
        hook = owner._forward_hooks[number]
        with_kwargs = number in owner._forward_hooks_with_kwargs
        changed = hook(self, args, kwargs, result) if with_kwargs else hook(self, args, result)
        return result if changed is None else changed

    def _after_failure(self, args: Any, kwargs: Any, result: Any, called: set[int]) -> None:
        """Run the `always_call` hooks that have not had their turn; their own errors give way."""
        for owner in (EVERYWHERE, self):
            for number in tuple(owner._forward_hooks_always_called):
                if number in called or number not in owner._forward_hooks:
                    continue
                try:
                    result = self._after_forward(owner, number, args, kwargs, result)
                except Exception as error:  # noqa: BLE001 - the error under way matters more
                    which = "global module" if owner is EVERYWHERE else "module"
                    warnings.warn(
                        f"{which} forward hook with ``always_call=True`` raised an exception that was "
                        f"silenced as another error was raised in forward: {error}",
                        stacklevel=4,
                    )


EVERYWHERE = HookedCall()  # holds the hooks of all modules, which come before each one's own
for _name in (
    "_forward_pre_hooks", "_forward_pre_hooks_with_kwargs", "_forward_hooks",
    "_forward_hooks_with_kwargs", "_forward_hooks_always_called", "_backward_pre_hooks",
    "_backward_hooks",
):  # fmt: skip
    setattr(EVERYWHERE, _name, OrderedDict())


class BackwardHookFunction(Function):
    """The identity, which hands the gradients passing back through it to `seen`.

    `zeros`: a gradient that nobody sent counts as zeros, not as None.
    """

    @staticmethod
    def forward(ctx: Any, seen: Callable, zeros: bool, *tensors: Tensor) -> Any:
        ctx.seen = seen
        ctx.set_materialize_grads(zeros)
        ctx.mark_non_differentiable(*[t for t in tensors if not t.requires_grad])
        return tensors

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return None, None, *ctx.seen(grads)


class BackwardWatch:
    """One call of a module with backward hooks: sees its gradients come in and go out."""

    def __init__(self, module: Any) -> None:
        self.module = module
        self.pre_hooks: list[Any] = []
        self.hooks: list[Any] = []
        self.old_hooks: list[Any] = []
        for owner in (EVERYWHERE, module):
            self.pre_hooks += owner._backward_pre_hooks.values()
            old = owner._is_full_backward_hook is False
            (self.old_hooks if old else self.hooks).extend(owner._backward_hooks.values())
        self.needed = bool(self.pre_hooks or self.hooks)
        self.grad_output: Any = None  # known between the two passages of one backward
        self.input_count, self.output_count = 0, 0
        self.input_places: list[int] | None = None  # which arguments are tensors; None: no gradient
        self.output_places: list[int] | None = None

    def inputs(self, args: Any) -> Any:
        """`args`, their tensors led through the identity that reports `grad_input`."""
        if not self.needed:
            return args
        self.input_count = len(args)
        args, self.input_places = _through(self._leave, args, zeros=True)
        return args

    def outputs(self, result: Any) -> Any:
        """`result`, its tensors led through the identity that reports `grad_output`."""
        if not self.needed:
            return result
        if not isinstance(result, (Tensor, tuple)):
            warnings.warn(
                "For backward hooks to be called, module output should be a Tensor or a tuple of "
                f"Tensors but received {type(result)}",
                stacklevel=4,
            )
        results = result if isinstance(result, tuple) else (result,)
        self.output_count = len(results)
        results, self.output_places = _through(self._enter, results, zeros=False)
        return results if isinstance(result, tuple) else results[0]

    def _enter(self, grads: Any) -> Any:
        """Backward reaches the module: `grads` belong to its outputs."""
        grads = _spread(self.output_places, grads, self.output_count)
        for hook in self.pre_hooks:
            changed = hook(self.module, grads)
            if changed is not None:
                _check_count("Backward pre hook", "grad_output", changed, grads)
                grads = changed
        self.grad_output = grads
        if self.input_places is None:
            self._leave_without_inputs()
        return [grads[place] for place in self.output_places or ()]

    def _leave(self, grads: Any) -> Any:
        """Backward leaves the module: `grads` belong to its inputs."""
        if self.grad_output is None:  # the gradient came from outside, past the module
            return grads
        grads = _spread(self.input_places, grads, self.input_count)
        for hook in self.hooks:
            changed = hook(self.module, grads, self.grad_output)
            if changed is not None:
                _check_count("Backward hook", "grad_input", changed, grads)
                grads = changed
        self.grad_output = None
        return [grads[place] for place in self.input_places or ()]

    def _leave_without_inputs(self) -> None:
        """No input needs a gradient, so backward ends inside the module: call the hooks now."""
        warnings.warn(
            "Full backward hook is firing when gradients are computed with respect to module "
            "outputs since no inputs require gradients. See "
            "https://docs.pytorch.org/docs/main/generated/torch.nn.Module.html#torch.nn.Module."
            "register_full_backward_hook for more details.",
            stacklevel=5,
        )
        nothing = (None,) * self.input_count
        for hook in self.hooks:
            changed = hook(self.module, nothing, self.grad_output)
            if changed is not None and any(grad is not None for grad in changed):
                raise RuntimeError(
                    "Backward hook for Modules where no input requires gradient should always "
                    "return None or None for all gradients."
                )
        self.grad_output = None


def _through(seen: Callable, values: Any, *, zeros: bool) -> Any:
    """Lead the tensors among `values` through the identity; also say where they stand."""
    places = [i for i, value in enumerate(values) if isinstance(value, Tensor)]
    if not is_grad_enabled() or not any(values[i].requires_grad for i in places):
        return values, None
    tensors = BackwardHookFunction.apply(seen, zeros, *[values[i] for i in places])
    passed = list(values)
    for i, tensor in zip(places, tensors):
        passed[i] = tensor
    return (tuple(passed) if type(values) is tuple else type(values)(*passed)), places


def _spread(places: list[int] | None, grads: Any, count: int) -> tuple[Any, ...]:
    spread = [None] * count
    for place, grad in zip(places or (), grads):
        spread[place] = grad
    return tuple(spread)


def _check_count(who: str, what: str, got: Any, expected: Any) -> None:
    if len(got) != len(expected):
        raise RuntimeError(
            f"{who} returned an invalid number of {what}, got {len(got)}, "
            f"but expected {len(expected)}"
        )
