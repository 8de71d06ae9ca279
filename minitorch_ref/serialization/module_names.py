"""Modules that are saved whole: the names of their classes, and the classes of names.

A file names the class of a module and holds its attributes.  To rebuild it, the program's own class
makes an empty object and takes the attributes as data: only classes of modules that the program
has imported are looked up, and neither they nor any function is called with what the file says.
"""

from __future__ import annotations

import sys
import types
from typing import Any

from .function import Function, Name, expect

_OURS = "minitorch_ref"
# Where torch keeps the classes of some files of ours.
_TORCHS_FILES = {
    "nn.modules.attention": "nn.modules.activation",
    "nn.modules.cross_map": "nn.modules.normalization",
    "nn.modules.ctc": "nn.modules.loss",
    "nn.modules.parameter_container": "nn.modules.container",
    "nn.modules.rnn_cells": "nn.modules.rnn",
    "nn.modules.windows": "nn.modules.pooling",
}


class ModuleClass(Function):
    """A class of modules: makes an empty one, or is an attribute's value; it is never called."""

    def __init__(self, name: str, kind: type) -> None:
        super().__init__(name, _not_called)
        self.value = kind


class FunctionValue(Function):
    """A function of nn.functional as an attribute's value; it is never called."""

    def __init__(self, name: str, value: Any) -> None:
        super().__init__(name, _not_called)
        self.value = value


def _not_called(*arguments: Any) -> Any:
    expect(False, "module: a class or function is called")


def is_module_class(kind: Any) -> bool:
    """Whether `kind` is nn.Module or derived from it."""
    return isinstance(kind, type) and any(
        base.__name__ == "Module" and base.__module__ == f"{_OURS}.nn.modules.module"
        for base in kind.__mro__
    )


def name_of(item: Any) -> str:
    """The name of a function or class in files, where this engine's own have torch's."""
    module, name = item.__module__, item.__qualname__
    if module.partition(".")[0] != _OURS:
        return f"{module}.{name}"
    inner = module.removeprefix(f"{_OURS}.")
    if inner.startswith("nn.functional."):
        inner = "nn.functional"
    if inner.startswith("vision."):
        return f"torchvision.{inner.removeprefix('vision.')}.{name}"
    return f"torch.{_TORCHS_FILES.get(inner, inner)}.{name}"


def named(item: Any) -> Name | None:
    """`item` as a name in a file; None unless it is a function or a class of modules to be found."""
    if not (isinstance(item, types.FunctionType) or is_module_class(item)):
        return None
    path = name_of(item)
    module, _, name = path.rpartition(".")
    found: Any = sys.modules.get(item.__module__)
    for part in item.__qualname__.split("."):
        found = getattr(found, part, None)
    return Name(module, name) if found is item else None


def find(module: str, name: str) -> Function | None:
    """What `named` wrote, if the program has it: a class of modules, or one of nn.functional."""
    top, _, rest = module.partition(".")
    home = {"torch": _OURS, "torchvision": f"{_OURS}.vision"}.get(top, top)
    places = [f"{home}.{rest}" if rest else home]
    if top == "torch":
        places += [f"{_OURS}.{ours}" for ours, theirs in _TORCHS_FILES.items() if theirs == rest]
        places.append(f"{_OURS}.nn")  # the classes of other files that are laid out otherwise
    for place in places:
        value: Any = vars(sys.modules[place]).get(name) if place in sys.modules else None
        if is_module_class(value):
            return ModuleClass(f"{module}.{name}", value)
        if module == "torch.nn.functional" and isinstance(value, types.FunctionType):
            return FunctionValue(f"{module}.{name}", value)
    return None
