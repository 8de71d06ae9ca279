"""A call that a program made, as code and tensors: what a repro of it needs.

`Captured.of(engine, function, args, kwargs)` names the tensors x0, x1, … and writes the call as a
program would: `x0 * 2.0`, `torch.nn.functional.conv2d(x0, x1, stride=2)`, `x0.sum(1)`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .engines import Engine
from .repro_text import quoted, sequence

INFIX = {
    "add": "+", "sub": "-", "mul": "*", "truediv": "/", "div": "/", "matmul": "@", "pow": "**",
    "mod": "%", "floordiv": "//", "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=",
    "and": "&", "or": "|", "xor": "^",
}  # fmt: skip
PREFIX = {"neg": "-", "invert": "~", "pos": "+"}
SPACES = ("", "nn.functional", "nn.init", "linalg", "fft", "special")


class NotCodeError(ValueError):
    """An argument that has no text: a callable, an object of the program's own."""


@dataclass
class Captured:
    """A call: its text, the tensors in it by name, and which of them require grad."""

    text: str = ""
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    leaves: tuple[str, ...] = ()

    @classmethod
    def of(cls, engine: Engine, function: Callable, args: tuple, kwargs: dict) -> Captured:
        """The call as it stands; NotCodeError if an argument cannot be written down."""
        made = cls()
        names: dict[int, str] = {}

        def text(value: Any) -> str:
            if not engine.is_tensor(value):
                return _plain(value, text)
            if id(value) not in names:
                names[id(value)] = f"x{len(names)}"
                made.arrays[names[id(value)]] = np.array(engine.array(value))
                if value.requires_grad:
                    made.leaves += (names[id(value)],)
            return names[id(value)]

        named = {k: v for k, v in kwargs.items() if not isinstance(v, engine.module.Generator)}
        words = [text(a) for a in args]
        made.text = written(engine, function, words, {k: text(v) for k, v in named.items()})
        return made


def _plain(value: Any, text: Callable[[Any], str]) -> str:
    """The text of an argument that is no tensor."""
    if isinstance(value, float):
        return repr(value) if np.isfinite(value) else f'float("{value}")'
    if value is None or isinstance(value, (bool, int, complex)):
        return repr(value)
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, (tuple, list, slice)):
        return sequence(value, text)
    if value is Ellipsis:
        return "..."
    if type(value).__name__ in ("dtype", "layout", "memory_format"):
        return "torch." + str(value).removeprefix("torch.")
    if type(value).__name__ == "device":
        return f'torch.device("{value}")'
    raise NotCodeError(f"{type(value).__name__} {str(value)[:40]}")


def written(engine: Engine, function: Callable, words: list[str], named: dict[str, str]) -> str:
    """The call of a function of the engine's with these arguments."""
    name = getattr(function, "__name__", "")
    bare = name[2:-2] if name.startswith("__") and name.endswith("__") else ""
    if bare == "getitem" and len(words) == 2:
        return f"{words[0]}[{words[1]}]"
    if bare in PREFIX and len(words) == 1:
        return f"{PREFIX[bare]}{words[0]}"
    if bare in INFIX and len(words) == 2:
        return f"{words[0]} {INFIX[bare]} {words[1]}"
    if bare[1:] in INFIX and bare[:1] == "r" and len(words) == 2:
        return f"{words[1]} {INFIX[bare[1:]]} {words[0]}"
    arguments = words + [f"{k}={v}" for k, v in named.items()]
    for space in SPACES:
        place = engine.space(space or "torch")
        if place is not None and getattr(place, name, None) is function:
            return f"torch.{space}{'.' * bool(space)}{name}({', '.join(arguments)})"
    if words and hasattr(engine.module.Tensor, name):
        return f"{words[0]}.{name}({', '.join(arguments[1:])})"
    for space in SPACES:
        place = engine.space(space or "torch")
        if place is not None and callable(getattr(place, name, None)):
            return f"torch.{space}{'.' * bool(space)}{name}({', '.join(arguments)})"
    raise NotCodeError(f"a function {name!r}")


def optimizer_text(optimizer: Any) -> str:
    """How an optimizer of the list `p` is made, without what is its default anyway."""
    import inspect

    kind = type(optimizer)
    defaults = {k: v.default for k, v in inspect.signature(kind.__init__).parameters.items()}
    groups = optimizer.param_groups
    options = {k: groups[0][k] for k in defaults if k in groups[0] and k != "params"}
    if any(group[k] != value for k, value in options.items() for group in groups[1:]):
        raise NotCodeError("an optimizer with groups of different options")
    given = [f"{k}={_plain(v, _nothing)}" for k, v in options.items() if v != defaults[k]]
    return f"torch.optim.{kind.__name__}({', '.join(['p', *given])})"


def _nothing(value: Any) -> str:
    return _plain(value, _nothing)
