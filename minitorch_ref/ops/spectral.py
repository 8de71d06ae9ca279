"""torch.fft: discrete Fourier transforms over one or several dims.

NumPy's pocketfft does the transforms.  Three linear maps carry everything, each the adjoint of
another, so the gradients are transforms again (⟨F x, y⟩ = ⟨x, Fᴴ y⟩):

    c2c  complex → complex                     adjoint: c2c the other way round, scaled alike
    r2c  real → the half spectrum (or whole)   adjoint: embed the half in zeros, c2c, real part
    c2r  half spectrum → real                  adjoint: r2c, inner bins counted twice

The Hermitian transforms are these with a conjugation.  The mode (`norm`) only says who carries the
factor 1/n: none, 1/√n both ways, or 1/n.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..autograd.graph import record
from ..dtypes import COMPLEX, dtype, float16, to_floating
from ..tensor import Tensor, wrap
from .common import Dims, wrap_dim
from .conversion import cast, conj
from .numpy_names import numpy_names, rename
from .options import wrong_type
from .parts import narrow
from .registry import op, write_out
from .unrecorded import mark

# fmt: off
_FACTOR = {  # (norm, forward) -> the power of n that the transform is multiplied by
    (None, True): 0.0, ("backward", True): 0.0, ("forward", True): -1.0, ("ortho", True): -0.5,
    (None, False): -1.0, ("backward", False): -1.0, ("forward", False): 0.0, ("ortho", False): -0.5,
}
# fmt: on


def _power(norm: str | None, forward: bool) -> float:
    try:
        return _FACTOR[norm, forward]
    except KeyError:
        raise RuntimeError(f"Invalid normalization mode: \"{norm}\"") from None


def _scale(data: np.ndarray, count: int, power: float) -> np.ndarray:
    return data if power == 0 or count == 0 else data * data.real.dtype.type(float(count) ** power)


def computed_type(x: Tensor) -> dtype:
    """The type a transform computes in: whole numbers become fractions, half is not supported."""
    kind = to_floating(x.dtype)
    if kind is float16:
        raise RuntimeError("Unsupported dtype Half")
    return kind


def _complex_input(x: Tensor) -> Tensor:
    return cast(x, computed_type(x).to_complex())


def _real_input(name: str, x: Tensor) -> Tensor:
    if x.dtype.category == COMPLEX:
        raise RuntimeError(f"{name} input tensor, but got {x.dtype.title}")
    return cast(x, computed_type(x))


# ---- the three maps --------------------------------------------------------------------------------


def c2c(x: Tensor, dims: Sequence[int], power: float, forward: bool) -> Tensor:
    """The complex transform over `dims`, times (number of points)^power."""
    array = x._array
    count = math.prod(array.shape[d] for d in dims)
    # "forward" leaves the inverse unscaled, "backward" the forward transform
    run: Any = np.fft.fftn if forward else np.fft.ifftn
    norm = "backward" if forward else "forward"
    data = _scale(run(array, axes=tuple(dims), norm=norm) if dims else array.copy(), count, power)
    rule = lambda g: c2c(g, dims, power, not forward)  # noqa: E731
    return record("FftC2CBackward0", np.asarray(data, array.dtype), x=(x, rule))


def r2c(x: Tensor, dims: Sequence[int], power: float, onesided: bool = True) -> Tensor:
    """The spectrum of a real signal: half of it along the last of `dims`, or all (two-sided)."""
    array = x._array
    count = math.prod(array.shape[d] for d in dims)
    run: Any = np.fft.rfftn if onesided else np.fft.fftn
    data = _scale(run(array, axes=tuple(dims), norm="backward"), count, power)
    last, n = dims[-1], array.shape[dims[-1]]
    rule = lambda g: c2c(resized(g, last, n), dims, power, False).real  # noqa: E731
    return record("FftR2CBackward0", np.asarray(data, x.dtype.to_complex().np), x=(x, rule))


def c2r(x: Tensor, dims: Sequence[int], power: float, n: int) -> Tensor:
    """The real signal of `n` samples whose half spectrum `x` is."""
    array = x._array
    sizes = [array.shape[d] for d in dims[:-1]] + [n]
    data = np.fft.irfftn(array, s=sizes, axes=tuple(dims), norm="forward")
    last = dims[-1]

    def rule(g: Tensor) -> Tensor:
        half = r2c(g, dims, power)
        weights = np.full(half._array.shape[last], 2, data.dtype)
        weights[0] = 1
        if n % 2 == 0:
            weights[-1] = 1
        shape = [1] * half.ndim
        shape[last] = weights.size
        return half * wrap(weights.reshape(shape))

    kind = {8: np.float32, 16: np.float64}[array.itemsize]
    result = np.asarray(_scale(data, math.prod(sizes), power), kind)
    return record("FftC2RBackward0", result, x=(x, rule))


def resized(x: Tensor, dim: int, n: int, start: int = 0) -> Tensor:
    """`x` cut to `n` entries of `dim`, or padded to them with zeros (`start` of them in front)."""
    size = x._array.shape[dim]
    if size == n:
        return x
    if n < size:
        return narrow(x, dim, 0, n)
    shape = (*x._array.shape[:dim], n, *x._array.shape[dim + 1 :])
    data = np.zeros(shape, x._array.dtype)
    data[(slice(None),) * dim + (slice(start, start + size),)] = x._array
    return record("ConstantPadNdBackward0", data, x=(x, lambda g: narrow(g, dim, start, size)))


# ---- how they are published ------------------------------------------------------------------------


def transform(shown: str) -> Callable[[Any], Any]:
    """Publish in torch.fft; `out=` may have any precision, not another kind of number."""

    def publish(function: Any) -> Any:
        names = numpy_names(function)

        @functools.wraps(function)
        def call(*args: Any, out: Tensor | None = None, **kwargs: Any) -> Tensor:
            rename(kwargs, names)
            first = args[0] if args else kwargs.get("input")
            if not isinstance(first, Tensor):
                raise wrong_type(f"fft_{function.__name__}", "input", "Tensor", first, 1)
            result = function(*args, **kwargs)
            if out is None:
                return result
            if out.dtype.category != result.dtype.category:
                kind = "complex" if result.dtype.category == COMPLEX else "floating point"
                raise RuntimeError(
                    f"{shown} expects a {kind} output tensor, but got {out.dtype.title}"
                )
            if shown in ("ifft", "ihfft") and not first.is_complex():
                _same_precision(result, out)
                return mark(write_out(out, result.detach(), shown), "conj_physical.out", first)
            return write_out(out, result, shown)

        return op(call, namespace="fft", own_out=True)

    return publish


def _same_precision(result: Tensor, out: Tensor) -> None:
    """Inverses of real input end in an elementwise conjugation, which writes its own type only."""
    if out.dtype is not result.dtype:
        raise RuntimeError(f"Found dtype {out.dtype.title} but expected {result.dtype.title}")


# ---- one dim ------------------------------------------------------------------------------------------


def _points(n: int) -> int:
    if n < 1:
        raise RuntimeError(f"Invalid number of data points ({n}) specified")
    return n


def _one_dim(name: str, x: Tensor, n: Any, dim: Any) -> int:
    """`dim` counted from the front.  Raises TypeError or IndexError for what is no dim."""
    for argument, value in (("n", n), ("dim", dim)):
        if value is not None and not hasattr(value, "__index__"):
            raise TypeError(
                f"fft_{name}(): argument '{argument}' must be int, not {type(value).__name__}"
            )
    if x.ndim == 0:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    return wrap_dim(dim, x.ndim)


def _sized(name: str, x: Tensor, n: int | None, dim: int) -> tuple[Tensor, int]:
    d = _one_dim(name, x, n, dim)
    return resized(x, d, _points(x._array.shape[d] if n is None else n)), d


@transform("fft")
def fft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The spectrum along `dim`, cut or padded to `n` points."""
    power = _power(norm, True)
    if not input.is_complex():
        x, d = _sized("fft", cast(input, computed_type(input)), n, dim)
        return r2c(x, (d,), power, onesided=False)
    x, d = _sized("fft", input, n, dim)
    return c2c(x, (d,), power, True)


@transform("ifft")
def ifft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The inverse of `fft`."""
    power = _power(norm, False)
    if not input.is_complex():
        x, d = _sized("ifft", cast(input, computed_type(input)), n, dim)
        return conj(r2c(x, (d,), power, onesided=False))
    x, d = _sized("ifft", input, n, dim)
    return c2c(x, (d,), power, False)


@transform("rfft")
def rfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The first half (n//2 + 1 bins) of a real signal's spectrum."""
    x, d = _sized("rfft", _real_input("rfft expects a real", input), n, dim)
    return r2c(x, (d,), _power(norm, True))


@transform("irfft")
def irfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The real signal of `n` samples (default 2·(bins − 1)) with this half spectrum."""
    x, d, samples = _half("irfft", input, n, dim)
    return c2r(x, (d,), _power(norm, False), samples)


@transform("hfft")
def hfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The real spectrum of a signal that is Hermitian in time, given its first half."""
    x, d, samples = _half("hfft", input, n, dim)
    return c2r(conj(x), (d,), _power(norm, True), samples)


@transform("ihfft")
def ihfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The inverse of `hfft`: the first half of the time signal of a real spectrum."""
    x, d = _sized("ihfft", _real_input("ihfft expects a real", input), n, dim)
    return conj(r2c(x, (d,), _power(norm, False)))


def _half(name: str, input: Tensor, n: int | None, dim: int) -> tuple[Tensor, int, int]:
    """A half spectrum cut or padded for a signal of `n` samples, its dim, and that number."""
    x = _complex_input(input)
    d = _one_dim(name, x, n, dim)
    samples = _points(2 * (x._array.shape[d] - 1) if n is None else n)
    return (resized(x, d, samples // 2 + 1) if n is not None else x), d, samples


# ---- several dims --------------------------------------------------------------------------------------


def _as_tuple(value: Any) -> tuple[int, ...] | None:
    return value if value is None else (value,) if hasattr(value, "__index__") else tuple(value)


def _layout(x: Tensor, s: Any, dim: Dims) -> tuple[tuple[int, ...], list[int]]:
    """The dims meant by `s` and `dim`, and the number of points along each."""
    ndim, shape = x.ndim, _as_tuple(s)
    given = _as_tuple(dim)
    if given is not None:
        if given and not ndim:
            raise IndexError(f"Dimension specified as {given[0]} but tensor has no dimensions")
        given = tuple([wrap_dim(d, ndim) for d in given])
        if len(set(given)) != len(given):
            raise RuntimeError("FFT dims must be unique")
    if shape is None:
        dims = tuple(range(ndim)) if given is None else given
        sizes = [x._array.shape[d] for d in dims]
    else:
        if given is not None and len(given) != len(shape):
            raise RuntimeError("When given, dim and shape arguments must have the same length")
        if len(shape) > ndim:
            raise RuntimeError(
                f"Got shape with {len(shape)} values but input tensor only has {ndim} dimensions."
            )
        dims = tuple(range(ndim - len(shape), ndim)) if given is None else given
        sizes = [x._array.shape[d] if n == -1 else int(n) for n, d in zip(shape, dims)]
    for n in sizes:
        _points(n)
    return dims, sizes


def _fitted(x: Tensor, dims: Sequence[int], sizes: Sequence[int]) -> Tensor:
    for d, n in zip(dims, sizes):
        x = resized(x, d, n)
    return x


def _at_least_one(name: str, dims: Sequence[int]) -> None:
    if not dims:
        raise RuntimeError(f"{name} must transform at least one axis")


def _half_layout(name: str, x: Tensor, s: Any, dim: Dims) -> tuple[Tensor, tuple[int, ...], int]:
    """A half spectrum cut or padded to `s`, its dims, and the samples along the last of them."""
    dims, sizes = _layout(x, s, dim)
    _at_least_one(name, dims)
    shape = _as_tuple(s)
    whole = shape is None or shape[-1] == -1
    samples = _points(2 * (x._array.shape[dims[-1]] - 1) if whole else sizes[-1])
    x = _complex_input(x)
    return _fitted(x, dims, [*sizes[:-1], samples // 2 + 1]), dims, samples


@transform("fftn")
def fftn(input: Tensor, s: Any = None, dim: Dims = None, norm: str | None = None) -> Tensor:
    """The spectrum over `dim` (all by default), cut or padded to `s` points."""
    dims, sizes = _layout(input, s, dim)
    return c2c(_fitted(_complex_input(input), dims, sizes), dims, _power(norm, True), True)


@transform("fftn")
def ifftn(input: Tensor, s: Any = None, dim: Dims = None, norm: str | None = None) -> Tensor:
    """The inverse of `fftn`."""
    dims, sizes = _layout(input, s, dim)
    return c2c(_fitted(_complex_input(input), dims, sizes), dims, _power(norm, False), False)


@transform("rfftn")
def rfftn(input: Tensor, s: Any = None, dim: Dims = None, norm: str | None = None) -> Tensor:
    """The spectrum of a real signal, half of it along the last of `dim`."""
    x = _real_input("rfftn expects a real-valued", input)
    dims, sizes = _layout(input, s, dim)
    _at_least_one("rfftn", dims)
    return r2c(_fitted(x, dims, sizes), dims, _power(norm, True))


@transform("irfftn")
def irfftn(input: Tensor, s: Any = None, dim: Dims = None, norm: str | None = None) -> Tensor:
    """The inverse of `rfftn`."""
    x, dims, samples = _half_layout("irfftn", input, s, dim)
    return c2r(x, dims, _power(norm, False), samples)


@transform("hfftn")
def hfftn(input: Tensor, s: Any = None, dim: Dims = None, norm: str | None = None) -> Tensor:
    """The real spectrum of a signal that is Hermitian in time, half of it given along the last dim."""
    x, dims, samples = _half_layout("hfftn", input, s, dim)
    power = _power(norm, True)
    if len(dims) > 1:
        x = c2c(x, dims[:-1], power, True)
    return c2r(conj(x), dims[-1:], power, samples)


@transform("ihfftn")
def ihfftn(input: Tensor, s: Any = None, dim: Dims = None, norm: str | None = None) -> Tensor:
    """The inverse of `hfftn`: half of the time signal of a real spectrum."""
    if input.is_complex():
        raise RuntimeError(f"Only supports floating-point dtypes, but found: {input.dtype.title}")
    dims, sizes = _layout(input, s, dim)
    _at_least_one("ihfftn", dims)
    power = _power(norm, False)
    x = conj(r2c(_fitted(cast(input, computed_type(input)), dims, sizes), dims[-1:], power))
    return c2c(x, dims[:-1], power, False) if len(dims) > 1 else x


def _over_two(function: Any, name: str, shown: str) -> Any:
    def call(
        input: Tensor, s: Any = None, dim: Dims = (-2, -1), norm: str | None = None
    ) -> Tensor:
        return function(input, s, dim, norm)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"`{function.__name__}` over the last two dims."
    return transform(shown)(call)


fft2, ifft2 = _over_two(fftn, "fft2", "fftn"), _over_two(ifftn, "ifft2", "fftn")
rfft2, irfft2 = _over_two(rfftn, "rfft2", "rfftn"), _over_two(irfftn, "irfft2", "irfftn")
hfft2, ihfft2 = _over_two(hfftn, "hfft2", "hfftn"), _over_two(ihfftn, "ihfft2", "ihfftn")
