"""Fused multiply-add, a·b + c rounded once, and the updates torch's CPU kernels build on it.

torch compiles `x + alpha*y`, `x + v*a*b` and `lerp` to the processor's FMA instruction.  NumPy has
no such ufunc, and `x + alpha*y` as two ufuncs rounds twice: one result in a few differs in its last
bit.  But one of its loops, and one of BLAS's, is made of that instruction:

* the product of complex numbers: (a + ic)·(b − i) has the real part a·b − c·(−1), of which NumPy
  rounds the product c·(−1), which is exact, and then fuses the rest.  1.36 ns an element, most of it
  to lay the numbers side by side and to take every other one out again.
* a scalar times a long vector: BLAS `axpy`, 0.1 ns.

Each is used only where a trial run shows that it does fuse.  Otherwise, and for few elements:

* float32 through float64: a product of two 24-bit numbers is exact in 53 bits, so only the sum is
  rounded, to 53 bits and then to 24.  Rounding twice goes wrong only if the first rounding lands
  exactly halfway between two float32; `_settle_ties` looks for those and decides them exactly.
* float64: error-free transformations (Dekker, Knuth) and one addition rounded to odd, 60 ns; the C
  library's own function for a few.
  (source: Boldo & Melquiond, "Emulation of FMA and correctly rounded sums", 2008)

torch computes float16 in float32 and rounds at the end; complex and integer arithmetic it does not
fuse.  The same here.
"""

from __future__ import annotations

import functools
import itertools
import math
import threading
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from . import heap
from .c_functions import c_function
from .layout import copy_order
from .threads import parallel_for
from .workspace import scratch

Array = np.ndarray

FEW = 24  # elements up to which a call of the C library for each (0.2 µs) is faster than 30 ufuncs
LONG = 2048  # elements from which a call of BLAS pays (and its import, once)
_PIECE = 9984  # below the size (10,000) where BLAS would start threads of its own
_PART = 1 << 18  # elements worked on at a time: a call lasts 50 us, and threads seldom wait
_VECTOR = 8  # elements from which on products of complex numbers are made with vectors
_FEWER = 512  # float32 elements up to which five ufuncs are faster than seven
_COMPLEX: dict[str, np.dtype] = {"f": np.dtype(np.complex64), "d": np.dtype(np.complex128)}
_WIDE, _BITS = np.dtype(np.float64), np.dtype(np.int64)
_ABOVE = np.int64(64 - 29)  # float64 has 29 bits that float32 has not
_TIE = np.iinfo(np.int64).min  # the highest of them alone, moved to the top
_BLOCK = 64  # BLAS fuses its unrolled loop, not the rest of it: feed it multiples of this


def fma(a: Any, b: Any, c: Array, out: Array | None = None) -> Array:
    """round(a·b + c) for operands of c's dtype, float32 or float64, that broadcast to c's shape.

    `out` may be one of the operands.
    """
    if out is None:
        out = np.empty_like(c, order=copy_order(c))
    double = c.dtype.char == "d"
    if c.size > (FEW if double else _FEWER) and complex_product_fuses(c.dtype.char):
        _by_complex(a, b, c, out)
    else:
        stepwise = (_fma64_few if c.size <= FEW else _fma64) if double else _fma32
        np.copyto(out, stepwise(a, b, c), casting="same_kind")
    return out


def _divides(x: Any, c: Array) -> bool:
    """Whether an operand can be cut into parts as `c` is: it is as large and dense, or a number."""
    return np.ndim(x) == 0 or (x.shape == c.shape and x.flags.c_contiguous)


def _by_complex(a: Any, b: Any, c: Array, out: Array) -> None:
    """The real part of (a + ic)·(b − i) is a·b + c, rounded once."""
    if np.ndim(a) == 0:
        a, b = b, a
    pair = _COMPLEX[c.dtype.char]
    if all(_divides(x, c) for x in (a, b, c, out)):
        a, b, c, flat = (x.reshape(-1) if np.ndim(x) else x for x in (a, b, c, out))
    else:
        flat = None
    count = 1 if flat is None else max(1, -(-c.size // _PART))
    size = -(-c.size // count)  # even parts: none has a single element

    def task(i: int) -> None:
        part = slice(i * size, (i + 1) * size)
        x, y, z = (v if flat is None or np.ndim(v) == 0 else v[part] for v in (a, b, c))
        with scratch() as take:
            left: Any = take(z.shape, pair)
            right: Any = _less_i(z.shape, pair) if np.ndim(y) else pair.type(complex(y, -1))
            if np.ndim(y):
                right.real = y
            left.real, left.imag = x, z
            np.multiply(left, right, out=left)
            np.copyto(out if flat is None else flat[part], left.real)

    with np.errstate(all="ignore"):  # the imaginary part is of no interest
        parallel_for(task, count, 1.5 * c.size)


class _Memory(threading.local):
    """A thread's complex numbers with the imaginary part −1, by dtype."""

    def __init__(self) -> None:
        self.arrays: dict[str, Any] = {}


_memory = _Memory()


def _less_i(shape: tuple[int, ...], pair: np.dtype) -> Array:
    """Numbers b − i, of which the real parts are to be filled in; to be used before the next call."""
    size = math.prod(shape)
    array = _memory.arrays.get(pair.char)
    if array is None or array.size < size:
        array = np.empty(size, pair)
        array.imag = -1
        if size <= _PART:
            _memory.arrays[pair.char] = array
    return array[:size].reshape(shape)


class Fused:
    """Fused steps y ← y·x + c over arrays of one size: (x + i)·(y − ic), x and y kept so throughout.

    `y` is a view of the real parts, to be read and written.  A step takes 0.5 ns an element.
    """

    def __init__(self, size: int, kind: str = "f") -> None:
        self._factor, self._sum = (np.empty(size, _COMPLEX[kind]) for _ in range(2))
        self.x, self.y, self._c = self._factor.real, self._sum.real, self._sum.imag
        self._fuses = size >= _VECTOR and complex_product_fuses(kind)
        self._factor.imag.fill(1)

    def step(self, c: Any) -> Array:
        """y·x + c, for a number or an array c."""
        if not self._fuses:
            return fma(self.y, self.x, np.full_like(self.y, c), out=self.y)
        if isinstance(c, np.ndarray):
            np.negative(c, out=self._c)
        else:
            self._c.fill(-c)
        np.multiply(self._factor, self._sum, out=self._sum)
        return self.y

    def polynomial(self, x: Array, coefficients: Sequence[np.floating]) -> Array:
        """Horner's scheme, the highest power first."""
        self.x[...] = x
        self.y.fill(coefficients[0])
        for c in coefficients[1:]:
            self.step(c)
        return self.y


@functools.cache
def complex_product_fuses(kind: str) -> bool:
    """Whether NumPy's product of complex numbers is one product rounded, and a fused step."""
    return _trial_of_complex_products(kind)


def _trial_of_complex_products(kind: str) -> bool:
    """Try it on numbers that tell, in all lengths a vector loop may end with.

    (A single product NumPy makes without vectors, and rounds twice.)
    """
    a, b, c = np.random.RandomState(0).standard_normal((3, 4096)).astype(kind)
    once = _fma32 if kind == "f" else _fma64
    fused = once(a, b, c).astype(kind)
    telling = fused != a * b + c
    a, b, c, fused = (x[telling] for x in (a, b, c, fused))
    scaled = once(a, np.full_like(a, b[0]), c).astype(kind)
    for size in range(_VECTOR, 8 * _VECTOR):
        found = np.empty(size, kind)
        _by_complex(a[:size], b[:size], c[:size], found)
        if not np.array_equal(found, fused[:size]):
            return False
        _by_complex(a[:size], b[0], c[:size], found)
        if not np.array_equal(found, scaled[:size]):
            return False
    return True


def _fma32(a: Any, b: Any, c: Array) -> Array:
    """By way of float64: the sum in double, on the right side of a tie."""
    wide = np.asarray(np.add(np.multiply(a, b, dtype=_WIDE), c))
    low = np.left_shift(wide.view(_BITS), _ABOVE)  # what float32 has no room for, on top
    if np.minimum.reduce(low, None, initial=0) == _TIE:
        _settle_ties(wide, low == _TIE, a, b, c)
    return wide


def _settle_ties(wide: Array, tied: Array, a: Any, b: Any, c: Array) -> None:
    """Move sums that were rounded onto a float32 tie back to the side of it they came from."""
    product = np.broadcast_to(np.multiply(a, b, dtype=np.float64), wide.shape)[tied]
    s, error = _two_sum(product, c[tied].astype(np.float64))
    wide[tied] = np.where(error == 0, s, np.nextafter(s, np.copysign(np.inf, error)))


def _two_sum(x: Array, y: Array) -> tuple[Array, Array]:
    """The rounded sum, and exactly what rounding took away.  (Knuth)"""
    s = x + y
    z = s - x
    return s, (x - (s - z)) + (y - z)


def _two_product(x: Array, y: Array) -> tuple[Array, Array]:
    """The rounded product and its exact error, from 26-bit halves.  (Dekker, Veltkamp)"""
    p = x * y
    xh = x * 134217729.0
    xh = xh - (xh - x)
    yh = y * 134217729.0
    yh = yh - (yh - y)
    xl, yl = x - xh, y - yh
    return p, ((xh * yh - p) + xh * yl + xl * yh) + xl * yl


def _fma64_few(a: Any, b: Any, c: Array) -> Array:
    """The C library's own `fma`, called element by element."""
    function = c_function("fma", "d", 3)
    if function is None:
        raise OSError("the C library has no function fma")
    values = map(function, _elements(a, c), _elements(b, c), c.ravel().tolist())
    return np.array([*values], np.float64).reshape(c.shape)


def _elements(x: Any, c: Array) -> Iterable[float]:
    """The elements of `x`, broadcast to c's shape, as Python's numbers; a number without end."""
    if not isinstance(x, np.ndarray) or not x.ndim:
        return itertools.repeat(float(x))
    return (x if x.shape == c.shape else np.broadcast_to(x, c.shape)).ravel().tolist()


def _fma64(a: Any, b: Any, c: Any) -> Array:
    a, b, c = (np.asarray(v, np.float64) for v in (a, b, c))
    with np.errstate(all="ignore"):
        high, low = _two_product(a, b)
        mid, rest = _two_sum(c, low)
        total, carry = _two_sum(high, mid)
        tail, error = _two_sum(rest, carry)
        # Round `tail` to odd: an inexact sum whose last bit is even steps toward its error, so
        # that the last rounding below sees on which side of a tie it lies.
        even = (np.asarray(tail).view(np.int64) & 1) == 0
        odd = np.where((error != 0) & even, np.nextafter(tail, np.copysign(np.inf, error)), tail)
        fused = np.asarray(total + odd)
        if not (fused.all() and np.isfinite(fused).all()):
            fused = np.where(fused == 0, a * b + c, fused)  # zero would lose its sign
            torn = ~np.isfinite(fused)  # inf, nan and what overflows on the way cannot be split
            operands = (np.broadcast_to(v, fused.shape)[torn] for v in (a, b, c))
            fused[torn] = _fma64_few(*operands)
        return fused


# ---- torch's updates, in place -----------------------------------------------------------------


def axpy(y: Array, x: Array, alpha: Any) -> Array:
    """y += alpha·x, the product unrounded: torch's `y.add_(x, alpha=alpha)`."""
    if alpha == 1:
        return np.add(y, x, out=y)
    kind = y.dtype.char
    if kind == "e":
        return _axpy_half(y, x, np.float16(alpha))
    if kind not in "fd":
        return np.add(y, y.dtype.type(alpha) * x, out=y)
    scale = y.dtype.type(alpha)
    if y.size < LONG and x.shape == y.shape and complex_product_fuses(kind):
        return _axpy_by_complex(y, x, scale)
    if y.size >= heap.LARGE:
        heap.keep()
    if y.size >= LONG and kind not in _blas:
        _blas[kind] = _fused_blas(kind)
    routine = _blas.get(kind)
    if routine is None or scale == 0 or not _is_flat(x, y):  # BLAS takes 0·inf for 0
        return fma(x, scale, y, out=y)
    x_flat, y_flat = x.reshape(-1), y.reshape(-1)
    whole = y.size - y.size % _BLOCK
    piece = _PIECE if whole <= _PIECE or not _alone() else whole
    for i in range(0, whole, piece):
        stop = min(i + piece, whole)
        routine(x_flat[i:stop], y_flat[i:stop], a=scale)
    if whole < y.size:
        rest = y.size - whole
        padded = np.zeros((2, _BLOCK), y.dtype)
        padded[0, :rest], padded[1, :rest] = x_flat[whole:], y_flat[whole:]
        routine(padded[0], padded[1], a=scale)
        y_flat[whole:] = padded[1, :rest]
    return y


def _axpy_by_complex(y: Array, x: Array, scale: Any) -> Array:
    """As `_by_complex`, in memory of its own, which is faster for up to some thousand elements."""
    pairs = np.empty(max(y.size, _VECTOR), _COMPLEX[y.dtype.char])
    some: Any = pairs[: y.size].reshape(y.shape)
    some.real, some.imag = x, y
    np.multiply(pairs, complex(scale, -1), out=pairs)
    np.copyto(y, some.real)
    return y


def _axpy_half(y: Array, x: Array, alpha: np.float16) -> Array:
    """torch's vector loop takes 32 elements at a time, in float32; the rest round at each step."""
    whole = y.size - y.size % 32 if _is_flat(x, y) else 0
    step = y + alpha * x
    if whole:
        head = x.reshape(-1)[:whole].astype(np.float32) * np.float32(alpha)
        step.reshape(-1)[:whole] = y.reshape(-1)[:whole].astype(np.float32) + head
    np.copyto(y, step)
    return y


def addcmul(y: Array, a: Array, b: Array, value: Any = 1) -> Array:
    """y += (value·a)·b: the first product is rounded, the second goes into the sum unrounded."""
    kind = y.dtype.char
    if kind in "fd":
        return fma(a if value == 1 else a * y.dtype.type(value), b, y, out=y)
    if kind == "e":
        scaled = a.astype(np.float32) * np.float32(value)
        np.copyto(y, fma(scaled, b.astype(np.float32), y.astype(np.float32)), casting="same_kind")
        return y
    return np.add(y, y.dtype.type(value) * a * b, out=y)


def addcdiv(y: Array, a: Array, b: Array, value: Any = 1) -> Array:
    """y += (value·a)/b, every step rounded: nothing here is fused."""
    if y.dtype.char == "e":
        scaled = a.astype(np.float32) * np.float32(value) / b.astype(np.float32)
        np.copyto(y, y.astype(np.float32) + scaled, casting="same_kind")
        return y
    scaled = np.divide(a if value == 1 else a * y.dtype.type(value), b)
    return np.add(y, scaled, out=y)


def lerp(y: Array, end: Array, weight: Any) -> Array:
    """y += weight·(end - y), counted from the nearer end as torch does: weight 1 gives `end`."""
    kind = y.dtype.char
    if kind == "e":
        wide = lerp(y.astype(np.float32), end.astype(np.float32), weight)
        np.copyto(y, wide, casting="same_kind")
        return y
    scalar = y.dtype.type(weight)
    gap = end - y
    if abs(scalar) < 0.5:
        return axpy(y, gap, scalar)
    np.copyto(y, end)
    return axpy(y, gap, scalar - y.dtype.type(1))


# ---- BLAS --------------------------------------------------------------------------------------


def _is_flat(x: Array, y: Array) -> bool:
    return (
        x.dtype == y.dtype and x.shape == y.shape and x.flags.c_contiguous and y.flags.c_contiguous
    )


def _alone() -> bool:
    """Whether BLAS is known to work on one thread: then a whole vector can be given to it at once,
    and it costs 0.10 ns an element instead of 0.25."""
    libraries = _libraries()
    return bool(libraries) and all(library.num_threads == 1 for library in libraries)


@functools.cache
def _libraries() -> list[Any]:
    """Handles on the BLAS libraries in the process, SciPy's among them by now."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return []
    return list(ThreadpoolController().select(user_api="blas").lib_controllers)


_blas: dict[str, Any] = {}  # routines per dtype, filled when the first long vector comes by


def _fused_blas(kind: str) -> Any:
    """SciPy's saxpy or daxpy, or None where it is absent or does not fuse."""
    try:
        from scipy.linalg import blas
    except ImportError:
        return None
    routine = blas.saxpy if kind == "f" else blas.daxpy
    draw = np.random.RandomState(0)
    for size in (_BLOCK, 3 * _BLOCK, 1024, _PIECE):
        x, y = (draw.standard_normal(size).astype(kind) for _ in range(2))
        scale = y.dtype.type(-0.01)
        if not np.array_equal(fma(x, scale, y), routine(x, y.copy(), a=scale)):
            return None
    return routine
