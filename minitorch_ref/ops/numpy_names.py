"""NumPy's names for arguments: `axis` is `dim` to torch's parser, `x1` and `a` are `input`.

Only ops whose calls take keywords apart anyway ask for it; the rows of the pointwise tables do not,
where an empty dictionary of keywords would be a part of every call.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

_ALSO = {
    "dim": ("axis",), "keepdim": ("keepdims",), "input": ("x", "a", "x1"), "other": ("x2",),
}  # fmt: skip
_EVERY = {alias: name for name, aliases in _ALSO.items() for alias in aliases}


def numpy_names(function: Callable[..., Any]) -> dict[str, str]:
    """NumPy's names for arguments of `function`, each with torch's."""
    code = inspect.unwrap(function).__code__  # type: ignore[attr-defined]
    if code.co_flags & inspect.CO_VARKEYWORDS:  # it sorts its arguments out itself
        return _EVERY
    own = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return {
        alias: name for name in own for alias in _ALSO.get(name, ()) if alias not in own
    }


def with_numpy_names(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, whose arguments may be given by NumPy's names."""
    names = numpy_names(function)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if kwargs:
            rename(kwargs, names)
        return function(*args, **kwargs)

    return call


def rename(kwargs: dict[str, Any], names: dict[str, str]) -> None:
    """Give the arguments in `kwargs` torch's names; what is given by both names stays, in error."""
    for alias in names.keys() & kwargs.keys():
        if names[alias] not in kwargs:
            kwargs[names[alias]] = kwargs.pop(alias)
