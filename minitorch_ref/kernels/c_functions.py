"""The C library's functions, through ctypes, for what NumPy and `math` do not take from there.

They are called with one number at a time, 0.2 us each.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import Any


@functools.cache
def c_function(name: str, kind: str, operands: int = 1) -> Callable[..., float] | None:
    """`name` for float32 ("f", whose name ends in f) or float64 ("d"); None where there is none."""
    import ctypes

    function = next((f for f in (getattr(c, name, None) for c in _libraries()) if f), None)
    if function is not None:
        number = ctypes.c_float if kind == "f" else ctypes.c_double
        function.argtypes, function.restype = [number] * operands, number
    return function


def _libraries() -> Any:
    """What the process has loaded, Python's own mathematics among it; else the library by its name."""
    import ctypes

    with contextlib.suppress(OSError, TypeError):  # on Windows there is no such thing
        yield ctypes.CDLL(None)
    import ctypes.util

    path = ctypes.util.find_library("m") or ctypes.util.find_library("c")
    if path:
        yield ctypes.CDLL(path)
