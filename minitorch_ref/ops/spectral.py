"""Fourier transforms: torch.fft, windows, stft and istft.

NumPy's pocketfft does the transforms.  Three linear maps carry everything, each the adjoint of
another, so the gradients are transforms again (⟨F x, y⟩ = ⟨x, Fᴴ y⟩):

    c2c  complex → complex                     adjoint: c2c the other way round, scaled alike
    r2c  real → the half spectrum              adjoint: embed the half in zeros, c2c, real part
    c2r  half spectrum → real                  adjoint: r2c, inner bins counted twice

The mode (`norm`) only says who carries the factor 1/n: none, 1/√n both ways, or 1/n.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..autograd.graph import record
from ..dtypes import COMPLEX, float16, to_floating
from ..tensor import Tensor, wrap
from .common import Dims, wrap_dim, wrap_dims
from .conversion import cast
from .parts import narrow
from .registry import op

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


def _spectrum_input(x: Tensor, to_complex: bool) -> Tensor:
    """The type the transform computes in: whole numbers become fractions, half is not supported."""
    kind = to_floating(x.dtype)
    if kind is float16:
        raise RuntimeError("Unsupported dtype Half")
    return cast(x, kind.to_complex() if to_complex else kind)


# ---- the three maps --------------------------------------------------------------------------------


def _c2c(x: Tensor, dims: Sequence[int], power: float, forward: bool) -> Tensor:
    array = x._array
    count = math.prod(array.shape[d] for d in dims)
    # "forward" leaves the inverse unscaled, "backward" the forward transform
    run: Any = np.fft.fftn if forward else np.fft.ifftn
    norm = "backward" if forward else "forward"
    data = _scale(run(array, axes=tuple(dims), norm=norm) if dims else array.copy(), count, power)
    rule = lambda g: _c2c(g, dims, power, not forward)  # noqa: E731
    return record("FftC2CBackward0", np.asarray(data, array.dtype), x=(x, rule))


def _r2c(x: Tensor, dims: Sequence[int], power: float, forward: bool) -> Tensor:
    """The half spectrum along the last of `dims`, whole along the others."""
    array = x._array
    count = math.prod(array.shape[d] for d in dims)
    data = np.fft.rfftn(array, axes=tuple(dims), norm="backward")
    if not forward:
        data = np.conjugate(data)
    kind = x.dtype.to_complex().np
    last, n = dims[-1], array.shape[dims[-1]]

    def rule(g: Tensor) -> Tensor:
        whole = _padded(g, last, n)
        return _c2c(whole, dims, power, not forward).real

    return record("FftR2CBackward0", np.asarray(_scale(data, count, power), kind), x=(x, rule))


def _c2r(x: Tensor, dims: Sequence[int], power: float, forward: bool, n: int) -> Tensor:
    """The real signal of `n` samples whose half spectrum `x` is."""
    array = x._array if not forward else np.conjugate(x._array)
    sizes = [array.shape[d] for d in dims[:-1]] + [n]
    data = np.fft.irfftn(array, s=sizes, axes=tuple(dims), norm="forward")
    last = dims[-1]

    def rule(g: Tensor) -> Tensor:
        half = _r2c(g, dims, power, not forward)
        weights = np.full(half._array.shape[last], 2, data.dtype)
        weights[0] = 1
        if n % 2 == 0:
            weights[-1] = 1
        shape = [1] * half.ndim
        shape[last] = weights.size
        return half * wrap(weights.reshape(shape))

    kind = {8: np.float32, 16: np.float64}[x._array.itemsize]
    result = np.asarray(_scale(data, math.prod(sizes), power), kind)
    return record("FftC2RBackward0", result, x=(x, rule))


def _padded(x: Tensor, dim: int, n: int) -> Tensor:
    """`x` cut or padded with zeros to `n` entries of `dim`."""
    size = x._array.shape[dim]
    if size == n:
        return x
    if n < size:
        return narrow(x, dim, 0, n)
    shape = (*x._array.shape[:dim], n, *x._array.shape[dim + 1 :])
    data = np.zeros(shape, x._array.dtype)
    data[(slice(None),) * dim + (slice(size),)] = x._array
    return record("ConstantPadNdBackward0", data, x=(x, lambda g: narrow(g, dim, 0, size)))


# ---- one dim ------------------------------------------------------------------------------------------


def _check_points(n: int) -> int:
    if n < 1:
        raise RuntimeError(f"Invalid number of data points ({n}) specified")
    return n


def _sized(x: Tensor, n: int | None, dim: int) -> tuple[Tensor, int]:
    d = wrap_dim(dim, x.ndim)
    if x.ndim == 0:
        raise IndexError("Dimension specified as -1 but tensor has no dimensions")
    return _padded(x, d, _check_points(x._array.shape[d] if n is None else n)), d


def _real_only(name: str, x: Tensor) -> None:
    if x.dtype.category == COMPLEX:
        raise RuntimeError(f"{name} expects a real input tensor, but got {x.dtype.title}")


@op(namespace="fft", out=True)
def fft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The spectrum along `dim`, cut or padded to `n` points."""
    x, d = _sized(_spectrum_input(input, True), n, dim)
    return _c2c(x, (d,), _power(norm, True), True)


@op(namespace="fft", out=True)
def ifft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The inverse of `fft`."""
    x, d = _sized(_spectrum_input(input, True), n, dim)
    return _c2c(x, (d,), _power(norm, False), False)


@op(namespace="fft", out=True)
def rfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The first half (n//2 + 1 bins) of a real signal's spectrum."""
    _real_only("rfft", input)
    x, d = _sized(_spectrum_input(input, False), n, dim)
    return _r2c(x, (d,), _power(norm, True), True)


@op(namespace="fft", out=True)
def irfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The real signal of `n` samples (default 2·(bins − 1)) with this half spectrum."""
    return _half_to_real(input, n, dim, _power(norm, False), False)


@op(namespace="fft", out=True)
def hfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The real spectrum of a signal that is Hermitian in time, given its first half."""
    return _half_to_real(input, n, dim, _power(norm, True), True)


@op(namespace="fft", out=True)
def ihfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The inverse of `hfft`: the first half of the time signal of a real spectrum."""
    _real_only("ihfft", input)
    x, d = _sized(_spectrum_input(input, False), n, dim)
    return _r2c(x, (d,), _power(norm, False), False)


def _half_to_real(input: Tensor, n: int | None, dim: int, power: float, forward: bool) -> Tensor:
    x = _spectrum_input(input, True)
    d = wrap_dim(dim, x.ndim)
    samples = _check_points(2 * (x._array.shape[d] - 1) if n is None else n)
    return _c2r(_padded(x, d, samples // 2 + 1), (d,), power, forward, samples)


# ---- several dims --------------------------------------------------------------------------------------


def _several(
    x: Tensor, s: Sequence[int] | None, dim: Dims, half: bool = False
) -> tuple[Tensor, tuple[int, ...], list[int]]:
    """The input cut or padded, the dims, and the signal's sizes (of a half spectrum: `half`)."""
    ndim = x.ndim
    if dim is None:
        dims = tuple(range(ndim - len(s), ndim)) if s is not None else tuple(range(ndim))
    else:
        dims = wrap_dims(dim, ndim) if dim != () else ()
    if s is not None and dim is not None and len(s) != len(dims):
        raise RuntimeError("When given, dim and shape arguments must have the same length")
    if s is not None and len(s) > ndim:
        raise RuntimeError(
            f"Got shape with {len(s)} values but input tensor only has {ndim} dimensions."
        )
    sizes = [x._array.shape[d] for d in dims]
    if half:
        sizes[-1] = 2 * (sizes[-1] - 1)
    if s is not None:
        sizes = [own if n == -1 else int(n) for n, own in zip(s, sizes)]
    for i, (d, n) in enumerate(zip(dims, sizes)):
        last = half and i == len(dims) - 1
        x = _padded(x, d, _check_points(n) // 2 + 1 if last else _check_points(n))
    return x, dims, sizes


@op(namespace="fft", out=True)
def fftn(input: Tensor, s: Any = None, dim: Dims = None, norm: str | None = None) -> Tensor:
    """The spectrum over `dim` (all by default), cut or padded to `s` points."""
    x, dims, _ = _several(_spectrum_input(input, True), s, dim)
    return _c2c(x, dims, _power(norm, True), True)


@op(namespace="fft", out=True)
def ifftn(input: Tensor, s: Any = None, dim: Dims = None, norm: str | None = None) -> Tensor:
    """The inverse of `fftn`."""
    x, dims, _ = _several(_spectrum_input(input, True), s, dim)
    return _c2c(x, dims, _power(norm, False), False)


@op(namespace="fft", out=True)
def rfftn(input: Tensor, s: Any = None, dim: Dims = None, norm: str | None = None) -> Tensor:
    """The spectrum of a real signal, half of it along the last of `dim`."""
    _real_only("rfftn", input)
    x, dims, _ = _several(_spectrum_input(input, False), s, dim)
    if not dims:
        raise RuntimeError("rfftn must transform at least one axis")
    return _r2c(x, dims, _power(norm, True), True)


@op(namespace="fft", out=True)
def irfftn(input: Tensor, s: Any = None, dim: Dims = None, norm: str | None = None) -> Tensor:
    """The inverse of `rfftn`."""
    if input.ndim == 0 or dim == ():
        raise RuntimeError("irfftn must transform at least one axis")
    x, dims, sizes = _several(_spectrum_input(input, True), s, dim, half=True)
    power = _power(norm, False)
    return _c2r(x, dims, power, False, sizes[-1])


@op(namespace="fft", out=True)
def fft2(input: Tensor, s: Any = None, dim: Dims = (-2, -1), norm: str | None = None) -> Tensor:
    """`fftn` over the last two dims."""
    return fftn(input, s, dim, norm)


@op(namespace="fft", out=True)
def ifft2(input: Tensor, s: Any = None, dim: Dims = (-2, -1), norm: str | None = None) -> Tensor:
    """`ifftn` over the last two dims."""
    return ifftn(input, s, dim, norm)


@op(namespace="fft", out=True)
def rfft2(input: Tensor, s: Any = None, dim: Dims = (-2, -1), norm: str | None = None) -> Tensor:
    """`rfftn` over the last two dims."""
    return rfftn(input, s, dim, norm)


@op(namespace="fft", out=True)
def irfft2(input: Tensor, s: Any = None, dim: Dims = (-2, -1), norm: str | None = None) -> Tensor:
    """`irfftn` over the last two dims."""
    return irfftn(input, s, dim, norm)


# ---- bins ------------------------------------------------------------------------------------------------


def _frequencies(count: np.ndarray, n: int, d: float, options: dict[str, Any]) -> Tensor:
    from ..dtypes import get_default_dtype

    kind = options.pop("dtype", None) or get_default_dtype()
    requires_grad = options.pop("requires_grad", False)
    data = count.astype(kind.np) * kind.np.type(1.0 / (n * d))
    out = wrap(np.asarray(data, kind.np))
    return out.requires_grad_() if requires_grad else out


@op(namespace="fft", out=True)
def fftfreq(n: int, d: float = 1.0, **options: Any) -> Tensor:
    """The frequency of every bin of `fft`, for samples `d` apart, in cycles per unit of `d`."""
    order = np.concatenate([np.arange((n + 1) // 2), np.arange(-(n // 2), 0)])
    return _frequencies(order, n, d, options)


@op(namespace="fft", out=True)
def rfftfreq(n: int, d: float = 1.0, **options: Any) -> Tensor:
    """The frequency of every bin of `rfft`."""
    return _frequencies(np.arange(n // 2 + 1), n, d, options)


@op(namespace="fft")
def fftshift(input: Tensor, dim: Dims = None) -> Tensor:
    """Bins reordered so that frequency zero is in the middle."""
    dims = wrap_dims(dim, input.ndim)
    return input.roll([input._array.shape[d] // 2 for d in dims], dims)


@op(namespace="fft")
def ifftshift(input: Tensor, dim: Dims = None) -> Tensor:
    """The inverse of `fftshift`."""
    dims = wrap_dims(dim, input.ndim)
    return input.roll([(input._array.shape[d] + 1) // 2 for d in dims], dims)


