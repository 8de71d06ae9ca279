"""A value, wrong in one way: what the mutants of mutants.py make of an array or a plain number."""

from __future__ import annotations

from typing import Any

import numpy as np

OTHER_DTYPE = {
    "float32": "float64", "float64": "float32", "float16": "float32", "complex64": "complex128",
    "complex128": "complex64", "int64": "int32", "bool": "uint8",
}  # fmt: skip


def spoiled(kind: str, a: np.ndarray) -> np.ndarray:
    """`a`, wrong as `kind` says: a new array."""
    if kind == "drop":
        return np.zeros_like(a)
    if kind == "dtype":
        return a.astype(OTHER_DTYPE.get(a.dtype.name, "int64"))
    if kind == "ulp":
        return _stepped(a)
    if a.dtype.kind == "b":
        return ~a
    with np.errstate(all="ignore"):
        if kind == "sign":
            return np.negative(a)
        return np.asarray(a * a.dtype.type(1.5 if a.dtype.kind in "fc" else 3))


def _stepped(a: np.ndarray) -> np.ndarray:
    """`a` with its last element one step up."""
    b = a.copy(order="K")
    if not b.size:
        return b
    last = (-1,) * b.ndim
    if b.dtype.kind == "f":
        b[last] = np.nextafter(b[last], b.dtype.type(np.inf)) if b[last] < np.inf else 1
    elif b.dtype.kind == "c":
        real = b[last].real
        b[last] = complex(np.nextafter(real, real.dtype.type(np.inf)), b[last].imag)
    else:
        b[last] = not b[last] if b.dtype.kind == "b" else b[last] ^ b.dtype.type(1)
    return b


def spoiled_plain(kind: str, value: Any) -> Any:
    """A Python result that is wrong: the other truth, another number, another size, other words."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, np.ndarray):
        return spoiled(kind, value)
    if isinstance(value, (int, float, complex)):
        return {"drop": type(value)(0), "sign": -value}.get(kind, value + 1)
    return type(value)((*value, 1)) if isinstance(value, tuple) else f"{value}?"
