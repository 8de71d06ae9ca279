"""Names and calls in a file: as they are written, and what they turn into while it is read."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any


class Function:
    """A name in the file that may be called, with the function that stands in for it."""

    def __init__(self, name: str, build: Callable[..., Any]) -> None:
        self.name, self.build = name, build


class Approved(Function):
    """A function or class of the program's own: it stands in for itself."""

    @property
    def value(self) -> Any:
        return self.build


class Name:
    """A global, such as `torch FloatStorage`, to be looked up by the reader."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name


class Call:
    """`function(*arguments)`, to be evaluated by the reader."""

    def __init__(self, function: Name, arguments: tuple) -> None:
        self.function, self.arguments = function, arguments


def expect(condition: bool, what: str) -> None:
    """Raises UnpicklingError unless `condition`."""
    if not condition:
        raise pickle.UnpicklingError(f"malformed {what}")
