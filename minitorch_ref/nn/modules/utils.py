"""Sizes given as one int for all dims or as a tuple with one for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any


def _ntuple(n: int) -> Callable[[Any], tuple[Any, ...]]:
    def expand(x: Any) -> tuple[Any, ...]:
        """`x` as a tuple: itself if it is iterable, else n times."""
        return tuple(x) if isinstance(x, Iterable) else (x,) * n

    return expand


_single, _pair, _triple, _quadruple = _ntuple(1), _ntuple(2), _ntuple(3), _ntuple(4)
