"""`torch.jit`, for an engine without a compiler: what is scripted or traced runs as it is written.

A script's meaning is that of the Python it was written in, and a trace is to repeat its function,
so both are the function itself.  What needs the compiled form (`save`, `load`, `.graph`, `.code`)
is not here.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any, Final

from .autograd.modes import no_grad
from .nn import Module
from .tensor import Tensor

__all__ = [
    "Final", "ScriptModule", "annotate", "export", "ignore", "is_scripting", "is_tracing",
    "script", "script_if_tracing", "script_method", "trace", "unused",
]  # fmt: skip


class ScriptModule(Module):
    """A module whose methods are scripts, marked with `script_method`: a module."""


def _deprecated(name: str) -> None:
    warnings.warn(
        f"`torch.jit.{name}` is deprecated. Please switch to `torch.compile` or `torch.export`.",
        DeprecationWarning,
        stacklevel=3,
    )


def script(
    obj: Any,
    optimize: Any = None,
    _frames_up: int = 0,
    _rcb: Any = None,
    example_inputs: Any = None,
) -> Any:
    """`obj` itself: a function, a class or a module.

    RuntimeError for a class of modules (give an instance), TypeError for what is no program.
    """
    _deprecated("script")
    if inspect.isclass(obj):
        if issubclass(obj, Module):
            raise RuntimeError(
                f"Type '{obj}' cannot be compiled since it inherits from nn.Module, pass an "
                "instance instead"
            )
        return obj
    if not callable(obj):
        raise TypeError(f"{type(obj)} is a built-in class")
    return obj


def trace(
    func: Callable[..., Any],
    example_inputs: Any = None,
    optimize: Any = None,
    check_trace: bool = True,
    check_inputs: Any = None,
    check_tolerance: float = 1e-5,
    strict: bool = True,
    _force_outplace: bool = False,
    _module_class: Any = None,
    _compilation_unit: Any = None,
    example_kwarg_inputs: dict[str, Any] | None = None,
    _store_inputs: bool = True,
) -> Any:
    """`func` itself, after one call with the inputs, a tensor or a tuple.

    Differs from torch: a branch or a loop that depends on the inputs is taken anew by each call.
    RuntimeError if there are no inputs to call it with.
    """
    _deprecated("trace")
    if example_inputs is None and example_kwarg_inputs is None:
        raise RuntimeError("example_kwarg_inputs should be a dict")
    inputs = (example_inputs,) if isinstance(example_inputs, Tensor) else example_inputs
    with no_grad():
        func(*(inputs or ()), **(example_kwarg_inputs or {}))
    return func


def script_method(fn: Callable[..., Any]) -> Callable[..., Any]:
    """`fn` itself."""
    _deprecated("script_method")
    return fn


def script_if_tracing(fn: Callable[..., Any]) -> Callable[..., Any]:
    """`fn` itself."""
    return fn


def export(fn: Callable[..., Any]) -> Callable[..., Any]:
    """`fn` itself: everything may be called from Python."""
    return fn


def unused(fn: Any) -> Any:
    """`fn` itself: used after all, since it is Python that runs."""
    return fn


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    """A decorator that leaves a function alone, with or without arguments of its own."""
    return drop if callable(drop) else lambda fn: fn


def is_scripting() -> bool:
    """False: Python runs the program."""
    return False


def is_tracing() -> bool:
    """False: nothing is being recorded."""
    return False


def annotate(the_type: Any, the_value: Any) -> Any:
    """`the_value`; a compiler would learn its type."""
    return the_value
