"""Hooks on every module there is: around its forward and backward, and when something is registered.

A call of a module does not look for them.  The first such hook replaces the way modules are called by
one that does.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from ...utils.hooks import RemovableHandle, add_hook
from .hooks import EVERYWHERE, HookedCall

REGISTRATION: dict[str, OrderedDict[int, Callable[..., Any]]] = {
    kind: OrderedDict() for kind in ("parameter", "buffer", "module")
}


def registered(module: Any, kind: str, name: str, value: Any) -> Any:
    """`value`, or what the hooks on registrations make of it."""
    for hook in tuple(REGISTRATION[kind].values()):
        changed = hook(module, name, value)
        value = value if changed is None else changed
    return value


def _call(self: Any, *args: Any, **kwargs: Any) -> Any:
    return self._call_with_hooks(args, kwargs)


def _everywhere(register: Callable[..., RemovableHandle], *args: Any, **options: Any) -> Any:
    HookedCall.__call__ = _call  # type: ignore[method-assign]
    return register(*args, **options)


def register_module_forward_pre_hook(hook: Callable) -> RemovableHandle:
    """Call `hook(module, args)` before every forward; a result not None replaces `args`."""
    return _everywhere(EVERYWHERE.register_forward_pre_hook, hook)


def register_module_forward_hook(
    hook: Callable, *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Call `hook(module, args, output)` after every forward; a result not None replaces `output`."""
    return _everywhere(
        EVERYWHERE.register_forward_hook, hook, with_kwargs=with_kwargs, always_call=always_call
    )


def register_module_full_backward_pre_hook(hook: Callable) -> RemovableHandle:
    """Call `hook(module, grad_output)` before the gradients of every module."""
    return _everywhere(EVERYWHERE.register_full_backward_pre_hook, hook)


def register_module_full_backward_hook(hook: Callable) -> RemovableHandle:
    """Call `hook(module, grad_input, grad_output)` after the gradients of every module."""
    return _everywhere(EVERYWHERE.register_full_backward_hook, hook)


def register_module_backward_hook(hook: Callable) -> RemovableHandle:
    """The old kind: with the gradients of the last operation of every module."""
    return _everywhere(EVERYWHERE.register_backward_hook, hook)


def register_module_parameter_registration_hook(hook: Callable) -> RemovableHandle:
    """Call `hook(module, name, parameter)` for every new one; a result not None replaces it."""
    return add_hook(REGISTRATION["parameter"], hook)


def register_module_buffer_registration_hook(hook: Callable) -> RemovableHandle:
    """Call `hook(module, name, buffer)` for every new one; a result not None replaces it."""
    return add_hook(REGISTRATION["buffer"], hook)


def register_module_module_registration_hook(hook: Callable) -> RemovableHandle:
    """Call `hook(module, name, submodule)` for every new one; a result not None replaces it."""
    return add_hook(REGISTRATION["module"], hook)
