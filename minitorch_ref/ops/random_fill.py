"""Filling a tensor with random numbers in place: `uniform_`, `normal_`, `bernoulli_` and their
like.

The numbers come from `kernels/draws.py` as a flat run, and are laid along the tensor's memory,
whatever its dims are called: that is the order in which torch walks a tensor.  A complex tensor is
filled as pairs of real numbers.

Every method takes `generator=`; without one the default generator is used.
"""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..autograd.graph import record, requires_grad
from ..autograd.inplace import bump, check_writable, write
from ..autograd.modes import state
from ..dtypes import BOOL, COMPLEX, FLOATING, INTEGER, dtype
from ..kernels import draws
from ..kernels.mersenne import MersenneTwister
from ..random import Generator, source_of
from ..tensor import Tensor, wrap
from .common import is_number
from .options import memory_order, to_int, wrong_type
from .registry import op

Draw = Callable[[MersenneTwister, int, np.dtype], np.ndarray]


# ---- filling in place ----------------------------------------------------------------------------


def fill(self: Tensor, node: str, generator: Generator | None, draw: Draw) -> Tensor:
    """Overwrite `self` with what `draw(source, count, NumPy dtype)` gives.

    Gradients end here: the new values do not depend on the old ones.
    """
    check_writable(self)
    source = source_of(generator)
    if state.grad and requires_grad(self):
        array = np.empty_like(self._array)
        _lay(array, source, draw)
        zero = lambda g: wrap(np.zeros_like(g._array))  # noqa: E731
        write(self, record(node, array, self=(self, zero)))
    else:
        _lay(self._array, source, draw)
        bump(self)
    return self


def _lay(array: np.ndarray, source: MersenneTwister, draw: Draw) -> None:
    """Write a flat run of random numbers along `array`'s memory."""
    if not array.size:
        return
    if array.dtype.kind == "c":
        array = as_pairs(array)
    values = draw(source, array.size, array.dtype)
    if array.flags.c_contiguous:
        array[...] = values.reshape(array.shape)
    else:
        walked = array.transpose(memory_order(array))
        walked[...] = values.reshape(walked.shape)


def as_pairs(array: np.ndarray) -> np.ndarray:
    """The real and imaginary parts of a complex array along a new last dim; a view."""
    return np.lib.stride_tricks.as_strided(
        array.real, (*array.shape, 2), (*array.strides, array.itemsize // 2)
    )


def _unsupported(kernel: str, kind: dtype) -> NotImplementedError:
    return NotImplementedError(f"\"{kernel}\" not implemented for '{kind.title}'")


# What torch's messages call the types in C++.
_C_TYPES = {
    "bool": "bool", "uint8": "unsigned char", "int8": "signed char", "int16": "short int",
    "int32": "int", "int64": "long int", "float16": "c10::Half", "float32": "float",
    "float64": "double", "complex64": "c10::complex<float>", "complex128": "c10::complex<double>",
}  # fmt: skip


@op(function=False)
def uniform_(self: Tensor, *args: Any, generator: Generator | None = None, **bounds: Any) -> Tensor:
    """`uniform_(from=0, to=1)`: uniform in [from, to).  (`from` is a keyword of Python's.)

    Raises RuntimeError if from > to or the dtype cannot hold them.
    """
    given = _arguments("uniform_", ("from", "to"), (0.0, 1.0), args, bounds)
    low, high = (_real("uniform_", key, x) for key, x in zip(("from", "to"), given))
    _check_interval(self, low, high)
    return fill(
        self, "UniformBackward0", generator, lambda s, n, k: draws.uniform(s, n, k, low, high)
    )


def standard_uniform(self: Tensor, generator: Generator | None) -> Tensor:
    """Uniform in [0, 1): `uniform_()` without arguments to check."""
    if self._array.dtype.kind not in "fc":
        raise _unsupported("check_uniform_bounds", self.dtype)
    return fill(self, "UniformBackward0", generator, draws.standard)


def _check_interval(self: Tensor, low: float, high: float) -> None:
    kind = self.dtype.to_real()
    if kind is not self.dtype and not self.numel():
        return
    if not kind.is_floating_point:
        raise _unsupported("check_uniform_bounds", kind)
    limit = float(_limits(kind)[1])
    for key, bound in (("from", low), ("to", high)):
        if not -limit <= bound <= limit:
            raise RuntimeError(f"{key} is out of bounds for {_C_TYPES[kind.name]}")
    if low > high:
        raise RuntimeError(
            f"uniform_ expects to return a [from, to) range, but found from={low:g} > to={high:g}"
        )
    if high - low > limit:
        raise RuntimeError(
            f"uniform_ expects to-from <= std::numeric_limits<{kind.title}>::max(), but found "
            f"to={high:g} and from={low:g} which result in to-from to exceed the limit"
        )


def _arguments(
    name: str, keys: Sequence[str], defaults: Sequence[Any], args: Any, given: Any
) -> list[Any]:
    """Arguments one of which is called `from`, which Python does not allow in a signature."""
    if len(args) > len(keys):
        raise TypeError(f"{name}() takes at most {len(keys)} arguments ({len(args)} given)")
    for key in given:
        if key not in keys:
            raise TypeError(f"{name}() got an unexpected keyword argument '{key}'")
    named = {**dict(zip(keys, defaults)), **given, **dict(zip(keys, args))}
    return [named[key] for key in keys]


def _real(name: str, argument: str, value: Any) -> float:
    """A float argument: a real number or a 0-d tensor."""
    if isinstance(value, Tensor) and value.ndim == 0:
        value = value.item()
    if not is_number(value) or isinstance(value, complex):
        raise wrong_type(name, argument, "float", value)
    return float(value)


@op(function=False)
def normal_(
    self: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None
) -> Tensor:
    """Normal with the given mean and standard deviation (of a complex number as a whole)."""
    mean, std = _real("normal_", "mean", mean), _real("normal_", "std", std)
    _check_std(std)
    if self.numel() and self.dtype.category < FLOATING:
        raise _unsupported("normal_kernel_cpu", self.dtype)
    if self.is_complex():
        std /= math.sqrt(2.0)  # half of the variance for either part
    blocks = self._array.flags.c_contiguous
    return fill(
        self, "NormalBackward0", generator, lambda s, n, k: draws.normal(s, n, k, mean, std, blocks)
    )


def _check_std(std: float) -> None:
    if not std >= 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")


@op(function=False)
def random_(self: Tensor, *args: Any, generator: Generator | None = None, **bounds: Any) -> Tensor:
    """Integers: `random_(from, to)` in [from, to), `random_(to)` in [0, to), `random_(from, None)`
    up to the dtype's largest, `random_()` in [0, that].  Floating types: as far as they are exact.

    Raises RuntimeError if the range is empty or the dtype cannot hold it.
    """
    if not (args or bounds):
        if self.numel() and self.is_complex():
            raise _unsupported("random_kernel_cpu", self.dtype)
        return fill(self, "RandomBackward2", generator, draws.full_range)
    end_only = len(args) + len(bounds) == 1 and "from" not in bounds
    if end_only:
        args = (0, *args)
    low, high = _arguments("random_", ("from", "to"), (0, None), args, bounds)
    low = to_int("random_", "from", low, 1)
    high = None if high is None else to_int("random_", "to", high, 2)
    node = "RandomBackward1" if end_only else "RandomBackward0"
    return fill_integers(self, low, high, generator, node)


def fill_integers(
    self: Tensor, low: int, high: int | None, generator: Any, node: str = "RandomBackward0"
) -> Tensor:
    """Integers in [low, high), or up to the largest of the dtype."""
    low, span = _integer_range(self, low, high)
    return fill(self, node, generator, lambda s, n, k: draws.integers(s, n, k, low, span))


_DIGITS = {"float16": 11, "float32": 24, "float64": 53}  # up to 2**digits whole numbers are exact


def _integer_range(self: Tensor, low: int, high: int | None) -> tuple[int, int]:
    """The first integer and how many there are, checked and fitted to the dtype."""
    kind, digits = self.dtype, _DIGITS.get(self.dtype.name)
    if high is not None and low >= high:
        raise RuntimeError(
            f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}"
        )
    if high is None and low == -(1 << 63):
        return _all_64_bits(self)
    if kind.category == COMPLEX:
        check = "random_from_to_impl" if high is None else "check_random_bounds"
        raise RuntimeError(f"{check} handles only integral, floating-point and boolean types")
    low = _first_exact(low, kind, digits) if digits else low
    if high is not None:
        last = (_end_exact(high, kind, digits) if digits else high) - 1
    elif digits:
        last = 1 << digits
    else:
        last = _limits(kind)[1]
    _check_bounds(low, last, kind, digits)
    return low, last - low + 1


def _all_64_bits(self: Tensor) -> tuple[int, int]:
    kind = self.dtype
    if self.numel() and kind.name not in ("int64", "float64", "float32"):
        kernel = "random_full_64_bits_range_kernel_cpu"
        if kind.category in (BOOL, COMPLEX) or kind.name == "float16":
            raise _unsupported(kernel, kind)
        raise RuntimeError(f"{kernel} handles only int64, double, float and bfloat16")
    return 0, 1 << 64


def _first_exact(low: int, kind: dtype, digits: int) -> int:
    """`low`, or the next larger number of a floating type if it would be rounded down."""
    rounded = _as_int64(low + 1, kind)
    if rounded >= low:
        return low
    return rounded + (1 << (abs(low + 1).bit_length() - digits))


def _end_exact(high: int, kind: dtype, digits: int) -> int:
    """`high`, or a smaller number if high - 1 would be rounded up to it."""
    rounded = _as_int64(high - 1, kind)
    if rounded < high:
        return high
    return rounded - (1 << (abs(high - 1).bit_length() - digits))


def _as_int64(value: int, kind: dtype) -> int:
    """An integer rounded to a floating type; out of int64's range, the processor's answer."""
    exact = np.int64(min(value, (1 << 63) - 1))
    with np.errstate(over="ignore"):
        wide = exact.astype(np.float64 if kind.itemsize == 8 else np.float32)
        rounded = float(wide.astype(kind.np))
    return int(rounded) if abs(rounded) < 1 << 63 else -(1 << 63)


@functools.cache
def _limits(kind: dtype) -> tuple[int, int]:
    if kind.category == BOOL:
        return 0, 1
    info = np.finfo(kind.np) if kind.is_floating_point else np.iinfo(kind.np)
    return int(info.min), int(info.max)


def _check_bounds(low: int, last: int, kind: dtype, digits: int | None) -> None:
    smallest, largest = _limits(kind)
    for name, bound in (("from", low), ("to - 1", last)):
        if not smallest <= bound <= largest:
            raise RuntimeError(f"{name} is out of bounds for {_C_TYPES[kind.name]}")
        if digits and abs(bound) > 1 << digits:
            warnings.warn(
                f"{name} is out of bounds [-(2^{digits}), 2^{digits}]. Due to precision "
                f"limitations {_C_TYPES[kind.name]} can support discrete uniform distribution only "
                "within this range. This warning will become an error in version 1.7 release, "
                "please fix the code in advance",
                stacklevel=5,
            )


@op(function=False)
def bernoulli_(self: Tensor, p: Any = 0.5, *, generator: Generator | None = None) -> Tensor:
    """1 with probability `p`, else 0; `p` is a number, or a tensor that expands to this shape."""
    if isinstance(p, Tensor):
        return _bernoulli_each(self, p, generator, "BernoulliBackward1")
    p = _real("bernoulli_", "p", p)
    if not 0 <= p <= 1:
        raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p:g}")
    if self.numel() and self.is_complex():
        raise _unsupported("bernoulli_scalar_cpu_", self.dtype)
    return fill(
        self, "BernoulliBackward2", generator, lambda s, n, k: draws.bernoulli(s, n, p).astype(k)
    )


def _bernoulli_each(self: Tensor, p: Tensor, generator: Any, node: str) -> Tensor:
    array, shape = p._array, self._array.shape
    if not self.numel():
        return self
    if self.is_complex():
        raise _unsupported("bernoulli_tensor_cpu_self_", self.dtype)
    if array.ndim > self.ndim:
        raise RuntimeError(
            f"expand({p.type()}{{{list(array.shape)}}}, size={list(shape)}): the number of sizes "
            f"provided ({self.ndim}) must be greater or equal to the number of dimensions in the "
            f"tensor ({array.ndim})"
        )
    if not p.is_floating_point():
        raise _unsupported("bernoulli_tensor_cpu_p_", p.dtype)
    chances = p.expand(shape)._array
    if not ((chances >= 0) & (chances <= 1)).all():
        raise RuntimeError("Expected p_in >= 0 && p_in <= 1 to be true, but got false.")
    along = chances.transpose(memory_order(self._array)).reshape(-1)
    return fill(
        self, node, generator, lambda s, n, k: draws.bernoulli_each(s, along).astype(k)
    )


@op(function=False)
def exponential_(self: Tensor, lambd: float = 1.0, *, generator: Any = None) -> Tensor:
    """Exponential with rate `lambd`."""
    rate = _real("exponential_", "lambd", lambd)
    if not rate > 0:
        raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={rate:g}")
    if self.numel():
        _continuous(self, "Exponential", self.dtype.title)
    return fill(
        self, "ExponentialBackward0", generator, lambda s, n, k: draws.exponential(s, n, k, rate)
    )


def _continuous(self: Tensor, distribution: str, shown: str) -> None:
    if not self.is_floating_point():
        raise RuntimeError(
            f"{distribution} distribution is a continuous probability distribution. dtype must be "
            f"a floating point but you specified {shown}"
        )


@op(function=False)
def geometric_(self: Tensor, p: float, *, generator: Any = None) -> Tensor:
    """The number of trials up to the first success, each with probability `p`."""
    p = _real("geometric_", "p", p)
    if not 0 < p < 1:
        raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={p:g}")
    if self.numel() and self.dtype.category not in (INTEGER, FLOATING):
        raise _unsupported("geometric_cpu", self.dtype)
    return fill(self, "GeometricBackward0", generator, lambda s, n, k: draws.geometric(s, n, k, p))


@op(function=False)
def cauchy_(
    self: Tensor, median: float = 0.0, sigma: float = 1.0, *, generator: Any = None
) -> Tensor:
    """Cauchy with the given median and half width."""
    median, sigma = _real("cauchy_", "median", median), _real("cauchy_", "sigma", sigma)
    if not sigma > 0:
        raise RuntimeError(f"cauchy_ expects sigma > 0.0, but found sigma={sigma:g}")
    _continuous(self, "Cauchy", _C_TYPES[self.dtype.name])
    return fill(
        self, "CauchyBackward0", generator, lambda s, n, k: draws.cauchy(s, n, k, median, sigma)
    )


@op(function=False)
def log_normal_(
    self: Tensor, mean: float = 1.0, std: float = 2.0, *, generator: Any = None
) -> Tensor:
    """exp of normal numbers with the given mean and standard deviation."""
    mean, std = _real("log_normal_", "mean", mean), _real("log_normal_", "std", std)
    if not std > 0:
        raise RuntimeError(f"log_normal_ expects std > 0.0, but found std={std:g}")
    if self.numel() and not self.is_floating_point():
        raise _unsupported("log_normal_cpu", self.dtype)
    return fill(
        self, "LogNormalBackward0", generator, lambda s, n, k: draws.log_normal(s, n, k, mean, std)
    )
