"""`torch.compile`, for an engine that has no compiler: what it is given runs as it is written.

The result of a compiled program is by contract that of the program, so scripts that ask for
compilation run here too.  A module comes back inside an `OptimizedModule`, as in torch, whose state
dict has the prefix `_orig_mod.` that torch's files have.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .nn import Module

__all__ = ["OptimizedModule", "compile"]


class OptimizedModule(Module):
    """A module that was to be compiled: calls and attributes go to `_orig_mod`."""

    def __init__(self, module: Module) -> None:
        super().__init__()
        self._orig_mod = module
        self.training = module.training

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The module's own forward pass, with its hooks."""
        return self._orig_mod(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name == "_orig_mod":
                raise
            return getattr(self._orig_mod, name)


def compile(
    model: Callable[..., Any] | None = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: Any = "inductor",
    mode: str | None = None,
    options: dict[str, Any] | None = None,
    name: str | None = None,
    disable: bool = False,
) -> Any:
    """`model` itself, or a module around it; without `model`, a decorator.  Nothing is compiled.

    Raises RuntimeError if both `mode` and `options` are given, as torch does.
    """
    if mode is not None and options is not None:
        raise RuntimeError(
            "Either mode or options can be specified, but both can't be specified at the same time."
        )
    if model is None:
        return lambda function: compile(function)
    if isinstance(model, Module):
        return OptimizedModule(model)
    if not callable(model):
        raise TypeError(f"torch.compile() expects a module or a callable, got {type(model).__name__}")
    return model
