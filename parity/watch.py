"""Seeing every public op that a program calls, on either engine, without touching the engine.

`watching(engine, watcher)` is a context in which each outermost call of an op goes through
`watcher.around(name, function, args, kwargs)`.

torch      a TorchFunctionMode: torch hands every call of its API to it.
ours       the registered functions are replaced, in every namespace that holds them, by wrappers
           for as long as the context lasts.  The engine has no hook of its own, so a program that
           nobody watches pays nothing.

Names are made equal: `Tensor.__add__`, `torch.add` and `Tensor.add` are all "add".
"""

from __future__ import annotations

import contextlib
import functools
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from .engines import Engine
from .names import OTHER_NAMES

OPERATORS = {
    "truediv": "div",
    "floordiv": "floor_divide",
    "mod": "remainder",
    "and": "bitwise_and",
    "or": "bitwise_or",
    "xor": "bitwise_xor",
    "invert": "bitwise_not",
    "lshift": "bitwise_left_shift",
    "rshift": "bitwise_right_shift",
}
INTERNAL = {"log_sigmoid": "logsigmoid", "_threshold": "threshold", "_symeig": "symeig"}  # of torch
SPACES = ("special_", "linalg_", "fft_")  # torch puts these before the names of its functions
FILLS = {"ones_": "fill_", "zeros_": "zero_"}  # torch's nn.init calls these by other names
INPLACE = {f"i{n}" for n in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul")}
INPLACE |= {f"i{n}" for n in ("and", "or", "xor", "lshift", "rshift")}
REFLECTED = {f"r{n[1:]}" for n in INPLACE} - {"rsub", "rpow"}
# they compute nothing, or are the machinery around computing
SILENT = {
    "__get__", "__set__", "__delete__", "__repr__", "__str__", "__format__", "__hash__", "__len__",
    "__iter__", "__contains__", "__array__", "__deepcopy__", "__reduce_ex__", "__setstate__",
    "__dlpack__", "__dlpack_device__", "__new__", "__init__", "__getattribute__", "__setattr__",
    "backward", "size", "dim", "stride", "numel", "storage", "data_ptr", "is_contiguous", "ndimension",
    "requires_grad_", "register_hook", "retain_grad", "numpy", "tolist", "element_size", "get_device",
    "is_floating_point", "is_complex", "is_tensor", "save", "load", "_set_grad_enabled", "nelement",
    "set_default_dtype", "get_default_dtype", "manual_seed", "storage_offset", "untyped_storage",
    "is_same_size", "is_inference", "is_signed", "is_nonzero", "__bool__", "__index__", "__int__",
    "type", "grad", "has_names", "is_set_to", "set_", "is_pinned", "result_type", "can_cast", "promote_types",
    "_has_compatible_shallow_copy_type", "as_subclass", "__dir__", "__setitem_name__",
}  # fmt: skip


def plain_name(name: str) -> str:
    """One name for all spellings of an op; a trailing underscore marks the in-place ones."""
    if name.startswith("__") and name.endswith("__"):
        name = name[2:-2]
        tail = "_" if name in INPLACE else ""
        name = name[1:] if name in INPLACE or name in REFLECTED else name
        return OPERATORS.get(name, name) + tail
    name = FILLS.get(name, name)
    for space in SPACES:
        name = name.removeprefix(space)
    base = name.rstrip("_")
    plain = INTERNAL.get(base, base)
    return OTHER_NAMES.get(plain, plain) + name[len(base) :]


class Watcher(Protocol):
    """Whoever wants to see the calls."""

    def around(self, name: str, function: Callable, args: tuple, kwargs: dict) -> Any:
        """Call the function and return its result; `name` is plain."""


@contextlib.contextmanager
def watching(engine: Engine, watcher: Watcher) -> Iterator[None]:
    """While it lasts, outermost calls of ops on `engine` go through `watcher.around`."""
    with _torch_calls(watcher) if engine.is_torch else _our_calls(engine, watcher):
        yield


def _torch_calls(watcher: Watcher) -> Any:
    from torch.overrides import TorchFunctionMode

    class Mode(TorchFunctionMode):
        def __torch_function__(
            self, func: Callable, types: Any, args: tuple = (), kwargs: dict | None = None
        ) -> Any:
            name = getattr(func, "__name__", "")
            if not name or name in SILENT or name.startswith("_record_function"):
                return func(*args, **(kwargs or {}))
            return watcher.around(plain_name(name), func, args, kwargs or {})

    return Mode()


# ---- this project's engine -----------------------------------------------------------------------


class _Wrappers:
    """One wrapper for each function, so that a function published twice stays one function."""

    def __init__(self, watcher: Watcher) -> None:
        self.watcher, self.inside = watcher, threading.local()
        self.made: dict[int, tuple[Callable, Callable]] = {}
        self.over = False  # whoever still holds a wrapper has the plain function

    def around(self, function: Callable, name: str) -> Callable:
        if id(function) in self.made:
            return self.made[id(function)][1]
        plain = plain_name(name)

        @functools.wraps(function)
        def watched(*args: Any, **kwargs: Any) -> Any:
            if self.over or getattr(self.inside, "on", False):
                return function(*args, **kwargs)
            self.inside.on = True
            try:
                return self.watcher.around(plain, function, args, kwargs)
            finally:
                self.inside.on = False

        self.made[id(function)] = function, watched
        return watched

    def quietly(self, function: Callable) -> Callable:
        """`function`, with the ops that it calls unseen (the backward pass)."""

        @functools.wraps(function)
        def hidden(*args: Any, **kwargs: Any) -> Any:
            before, self.inside.on = getattr(self.inside, "on", False), True
            try:
                return function(*args, **kwargs)
            finally:
                self.inside.on = before

        return hidden


def _targets(engine: Engine) -> dict[int, tuple[Callable, str]]:
    """The functions that are ops, by identity, with their names."""
    registry = sys.modules[f"{engine.module.__name__}.ops.registry"]
    for namespace in ("nn.functional", "nn.functional.native", "fft", "linalg", "special", "optim"):
        engine.space(namespace)  # lazily imported namespaces register their ops
    found: dict[int, tuple[Callable, str]] = {}
    for op in registry.REGISTRY.values():
        found[id(op.call)] = op.call, op.name
        written = getattr(op.call, "in_place", None)
        if written is not None:
            found[id(written)] = written, f"{op.name}_"
    for name, value in vars(engine.module.nn.init).items():
        if name.endswith("_") and not name.startswith("_") and callable(value):
            found[id(value)] = value, name
    for name, value in vars(engine.module.Tensor).items():
        if callable(value) and name not in SILENT and id(value) not in found:
            if not name.startswith("_") or name.startswith("__") and name[2:-2] not in dir(object):
                found[id(value)] = value, name
    return {
        k: v
        for k, v in found.items()
        if v[1] not in SILENT and (v[1].strip("_") not in SILENT) and not isinstance(v[0], type)
    }


def _places(engine: Engine) -> list:
    """Every namespace of the engine that may hold an op: its modules, and Tensor."""
    prefix = engine.module.__name__
    modules = [
        m
        for n, m in list(sys.modules.items())
        if m is not None and (n == prefix or n.startswith(prefix + "."))
    ]
    tensor = engine.module.Tensor
    return [*modules, tensor, *tensor.__subclasses__()]


@contextlib.contextmanager
def _our_calls(engine: Engine, watcher: Watcher) -> Iterator[None]:
    wrappers, targets = _Wrappers(watcher), _targets(engine)
    silent = _backward_functions(engine)
    replaced: list[tuple[Any, str, Any]] = []
    try:
        for place in _places(engine):
            for name, value in list(vars(place).items()):
                new: Any = None
                if id(value) in targets:
                    named = name if name.startswith("__") else targets[id(value)][1]
                    new = wrappers.around(value, named)
                elif id(value) in silent:
                    new = wrappers.quietly(value)
                if new is not None:
                    replaced.append((place, name, value))
                    setattr(place, name, new)
        yield
    finally:
        wrappers.over = True
        for place, name, value in reversed(replaced):
            setattr(place, name, value)
        plain = {id(watched): function for function, watched in wrappers.made.values()}
        for place in _places(engine):  # modules that were imported in the meantime
            for name, value in list(vars(place).items()):
                if id(value) in plain:
                    setattr(place, name, plain[id(value)])


def _backward_functions(engine: Engine) -> set[int]:
    """What walks the graph: the ops that gradient rules call are not the program's."""
    autograd, tensor = engine.module.autograd, engine.module.Tensor
    wanted = (getattr(autograd, "backward", None), getattr(autograd, "grad", None))
    return {id(f) for f in (*wanted, getattr(tensor, "backward", None)) if f is not None}
