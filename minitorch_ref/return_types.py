"""Named result tuples: `torch.return_types.max(values=…, indices=…)`.

An op with several results returns a tuple whose entries also have names, and which prints as
torch's.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from typing import Any


class NamedResult(tuple):
    """A tuple with named entries.  Subclasses are made by `named`."""

    __slots__ = ()
    __match_args__: tuple[str, ...] = ()

    def __new__(cls, values: Iterable[Any]) -> NamedResult:
        self = tuple.__new__(cls, values)
        if len(self) != len(cls.__match_args__):
            raise TypeError(
                f"torch.return_types.{cls.__name__}() takes a {len(cls.__match_args__)}-sequence "
                f"({len(self)}-sequence given)"
            )
        return self

    def __repr__(self) -> str:
        fields = ",\n".join(f"{n}={v!r}" for n, v in zip(self.__match_args__, self))
        return f"torch.return_types.{type(self).__name__}(\n{fields})"

    def __reduce__(self) -> Any:
        return type(self), (tuple(self),)


def named(name: str, *fields: str) -> Any:
    """A tuple type with these fields."""
    body: dict[str, Any] = {f: property(itemgetter(i)) for i, f in enumerate(fields)}
    body |= {"__slots__": (), "__match_args__": fields, "__module__": __name__}
    return type(name, (NamedResult,), body)


aminmax = named("aminmax", "min", "max")
max = named("max", "values", "indices")  # noqa: A001 - torch's names
median = named("median", "values", "indices")
min = named("min", "values", "indices")  # noqa: A001
mode = named("mode", "values", "indices")
nanmedian = named("nanmedian", "values", "indices")
sort = named("sort", "values", "indices")
topk = named("topk", "values", "indices")
kthvalue = named("kthvalue", "values", "indices")
cummax = named("cummax", "values", "indices")
cummin = named("cummin", "values", "indices")
