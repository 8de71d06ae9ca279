"""Names that a file may use only when its reader says so: `add_safe_globals`, `safe_globals`.

The idea: what a file may build is decided by the program that loads it, never by the file.  The
program approves functions and classes of its own, by name; they are then called with what the file
says, as torch calls them.  NumPy's arrays and numbers are approved in the same way, but rebuilt by
`numpy_names.py`; `weights_only=False` approves these, and modules (`module_names.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .module_names import name_of

__all__ = ["add_safe_globals", "clear_safe_globals", "get_safe_globals", "safe_globals"]

Safe = Callable[..., Any] | tuple[Callable[..., Any], str]

_approved: set[Any] = set()


def add_safe_globals(safe_globals: Sequence[Safe]) -> None:
    """Let files name these functions and classes: each by itself, or with the name a file uses."""
    _approved.update(safe_globals)


def get_safe_globals() -> list[Safe]:
    """What has been approved, in no order."""
    return list(_approved)


def clear_safe_globals() -> None:
    """Approve nothing any more."""
    _approved.clear()


class safe_globals:  # noqa: N801 - torch's own name
    """A context in which these functions and classes are approved."""

    def __init__(self, safe_globals: Sequence[Safe]) -> None:
        self.safe_globals = safe_globals

    def __enter__(self) -> None:
        add_safe_globals(self.safe_globals)

    def __exit__(self, *exception: object) -> None:
        _approved.difference_update(self.safe_globals)


def approved_names() -> dict[str, Any]:
    """What has been approved under the names that files use.

    ValueError or TypeError for a tuple that is not (function or class, name).
    """
    names = {}
    for item in _approved:
        if not isinstance(item, tuple):
            names[name_of(item)] = item
            continue
        if len(item) != 2:
            raise ValueError(
                "Expected tuple of length 2 (global, str of callable full path), but got tuple "
                f"of length: {len(item)}"
            )
        if type(item[1]) is not str:
            raise TypeError(
                "Expected second item in tuple to be str of callable full path, but got: "
                f"{type(item[1])}"
            )
        names[item[1]] = item[0]
    return names
