"""The C library's functions, and what torch's compiled kernels make of this processor.

A transcendental function has no single right answer in its last bit.  Where torch calls the C
library, bit-identical results need the C library.  NumPy's float64 functions call it too, unless
NumPy was built with vector code of its own for the processor at hand; `libm` finds out by
comparing the two, and then calls the C library through Python's `math`, element by element.
NumPy's float32 functions are always its own, so the C library's are reached through ctypes.

torch compiles its random kernels twice, for processors with AVX2 and FMA and for all others, and
picks one when it starts; ATEN_CPU_CAPABILITY=default makes it pick the second.  The two differ in
their last bits (see `normals.py`), so the same choice is made here, by the same rule.
"""

from __future__ import annotations

import functools
import math
import os
import platform
from collections.abc import Callable

import numpy as np

from .c_functions import c_function
from .fma import fma

Function = Callable[[np.ndarray], np.ndarray]

# Where each function is compared, wide enough for what the random kernels ask of it.
_RANGES = {
    "log": (0.0, 1.0),
    "log1p": (-1.0, 0.0),
    "sin": (0.0, 2 * math.pi),
    "cos": (0.0, 2 * math.pi),
    "tan": (-math.pi / 2, math.pi / 2),
    "exp": (-8.0, 8.0),
}


@functools.cache
def has_avx2() -> bool:
    """Whether torch runs its AVX2 kernels here: AVX2 and FMA present, and not switched off."""
    if os.environ.get("ATEN_CPU_CAPABILITY") == "default":
        return False
    from numpy._core._multiarray_umath import __cpu_features__ as features

    return bool(features.get("AVX2") and features.get("FMA3"))


@functools.cache
def fuses() -> bool:
    """Whether the compiler turned a*b + c into one rounding: with FMA, and always on ARM."""
    return has_avx2() or platform.machine().lower() in ("aarch64", "arm64")


def multiply_add(a: np.ndarray, b: np.floating, c: np.floating) -> np.ndarray:
    """a*b + c as torch's kernels round it on this processor."""
    return fused(a, b, c) if fuses() else a * b + c


def fused(a: np.ndarray, b: np.floating, c: np.floating) -> np.ndarray:
    """a*b + c rounded once, for numbers b and c of a's dtype."""
    if c != 0:
        return fma(a, b, np.full_like(a, c))
    product = a if b == 1 else a * b
    return product if product.all() else np.where(product == 0, c, product)  # -0 + 0 is 0


@functools.cache
def libm(name: str) -> Function:
    """The C library's float64 function `name`, over arrays."""
    ufunc, scalar = getattr(np, name), getattr(math, name)
    low, high = _RANGES[name]
    trial = low + (high - low) * np.arange(1, 4096) / 4096.0
    if np.array_equal(ufunc(trial), [scalar(x) for x in trial.tolist()]):
        return ufunc
    return functools.partial(by_element, scalar, ufunc)


def by_element(scalar: Callable[[float], float], ufunc: Function, x: np.ndarray) -> np.ndarray:
    """`scalar` of every element; `ufunc` answers at poles and overflows, where `math` raises."""
    x = np.asarray(x)
    with np.errstate(all="ignore"):
        out = np.asarray(ufunc(x))  # of a 0-d array ufuncs make a number
    plain = np.isfinite(out)
    out[plain] = np.fromiter(map(scalar, x[plain].tolist()), np.float64)
    return out


@functools.cache
def libm_float(name: str) -> Function:
    """The C library's float32 function `name`, over arrays; one call per element."""
    function = c_function(name + "f", "f")
    if function is None:  # a C library that computes in double only
        wide = getattr(np, name)
        return lambda x: wide(x.astype(np.float64)).astype(np.float32)
    return lambda x: np.fromiter(map(function, x.ravel().tolist()), np.float32).reshape(x.shape)
