"""`@layer`: a module without parameters, declared by the arguments it keeps.

    @layer
    class LeakyReLU(Module):
        negative_slope: float = 0.01
        inplace: bool = False

        def forward(self, input): ...

makes `LeakyReLU(negative_slope=0.01, inplace=False)`, which stores both.  It is `@dataclass` for
modules; a class with more to do on construction does it in `_after_init`.
"""

from __future__ import annotations

import inspect
from typing import Any, TypeVar, dataclass_transform

from .module import Module

Class = TypeVar("Class", bound=type)
_REQUIRED = inspect.Parameter.empty


@dataclass_transform(eq_default=False)
def layer(cls: Class) -> Class:
    """Give `cls` an `__init__` that takes its annotated fields, in order, and stores them."""
    names = inspect.get_annotations(cls)
    fields = {name: cls.__dict__.get(name, _REQUIRED) for name in names}
    for name, default in fields.items():
        if default is not _REQUIRED:
            delattr(cls, name)  # a field belongs to each instance, and may be a buffer

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        Module.__init__(self)
        for name, value in bind(cls.__name__, fields, args, kwargs).items():
            setattr(self, name, value)
        if hasattr(cls, "_after_init"):
            self._after_init()

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter(name, kind, default=d) for name, d in fields.items()]
    first = inspect.Parameter("self", kind)
    init.__signature__ = inspect.Signature([first, *parameters])  # type: ignore[attr-defined]
    init.__name__, init.__qualname__ = "__init__", f"{cls.__qualname__}.__init__"
    cls.__init__ = init  # type: ignore[misc]
    cls._fields = tuple(fields)  # type: ignore[attr-defined]
    return cls


def bind(name: str, fields: dict[str, Any], args: Any, kwargs: Any) -> dict[str, Any]:
    """The value of each field, from a call's arguments.  Raises TypeError in Python's words."""
    if len(args) > len(fields):
        required = sum(default is _REQUIRED for default in fields.values())
        counts = [f"from {required + 1} to "] if required < len(fields) else []
        takes = "".join([*counts, str(len(fields) + 1)])
        raise TypeError(
            f"{name}.__init__() takes {takes} positional arguments but {len(args) + 1} were given"
        )
    values = dict(zip(fields, args))
    for key, value in kwargs.items():
        if key not in fields:
            raise TypeError(f"{name}.__init__() got an unexpected keyword argument '{key}'")
        if key in values:
            raise TypeError(f"{name}.__init__() got multiple values for argument '{key}'")
        values[key] = value
    values = {key: values.get(key, default) for key, default in fields.items()}
    missing = [f"'{key}'" for key, value in values.items() if value is _REQUIRED]
    if missing:
        count, plural = len(missing), "s" if len(missing) > 1 else ""
        raise TypeError(
            f"{name}.__init__() missing {count} required positional argument{plural}: "
            + " and ".join(missing)
        )
    return values


def describe(module: Any, *names: str) -> str:
    """`name=value, ...` for these attributes: what most layers print."""
    return ", ".join(f"{name}={getattr(module, name)}" for name in names)
