"""The bins of a spectrum: the frequency of each, and shifting zero to the middle and back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..dtypes import COMPLEX, FLOATING, float16, get_default_dtype
from ..tensor import Tensor
from .common import Dims, wrap_dim
from .numpy_names import with_numpy_names
from .options import deliver, place, settle, wrong_type
from .registry import op


def _frequencies(name: str, count: np.ndarray, n: int, d: float, out: Any, options: Any) -> Tensor:
    default = out.dtype if isinstance(out, Tensor) else get_default_dtype()
    kind, grad = settle(name, options, default)
    if kind.category < FLOATING:
        raise RuntimeError(f"{name} requires a floating point or complex dtype")
    if kind.category == COMPLEX:
        raise NotImplementedError(f"\"arange_cpu\" not implemented for '{kind.title}'")
    factor = math.inf if n * d == 0 else 1.0 / (n * d)
    wide = np.float32 if kind is float16 else kind.np.type
    with np.errstate(all="ignore"):
        number = wide(kind.np.type(factor))  # torch rounds it to the type first
        data = (count.astype(wide) * number).astype(kind.np)
    return deliver(data, grad) if out is None else place(name, data, out, options)


@op(namespace="fft", own_out=True)
def fftfreq(n: int, d: float = 1.0, *, out: Tensor | None = None, **options: Any) -> Tensor:
    """The frequency of every bin of `fft`, for samples `d` apart, in cycles per unit of `d`."""
    _whole("fftfreq", n)
    if n < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {n}: [{n}]")
    order = np.concatenate([np.arange((n + 1) // 2), np.arange(-(n // 2), 0)])
    return _frequencies("fftfreq", order, n, d, out, options)


@op(namespace="fft", own_out=True)
def rfftfreq(n: int, d: float = 1.0, *, out: Tensor | None = None, **options: Any) -> Tensor:
    """The frequency of every bin of `rfft`."""
    _whole("rfftfreq", n)
    return _frequencies("rfftfreq", np.arange(int(n / 2) + 1), n, d, out, options)


def _whole(name: str, n: Any) -> None:
    if not hasattr(n, "__index__"):
        raise wrong_type(f"fft_{name}", "n", "int", n, 1)


def _shifted(input: Tensor, dim: Dims, extra: int) -> Tensor:
    if dim is None:
        dims = tuple(range(input.ndim))
    else:
        dims = (dim,) if isinstance(dim, int) else tuple(dim)
    if not dims:
        raise RuntimeError("`shifts` required")
    dims = tuple([wrap_dim(d, input.ndim) for d in dims])
    return input.roll([(input._array.shape[d] + extra) // 2 for d in dims], dims)


@op(namespace="fft")
@with_numpy_names
def fftshift(input: Tensor, dim: Dims = None) -> Tensor:
    """Bins reordered so that frequency zero is in the middle."""
    return _shifted(input, dim, 0)


@op(namespace="fft")
@with_numpy_names
def ifftshift(input: Tensor, dim: Dims = None) -> Tensor:
    """The inverse of `fftshift`."""
    return _shifted(input, dim, 1)
