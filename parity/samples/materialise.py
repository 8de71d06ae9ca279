"""From recipe to data: deterministic values, special values, memory layouts, engine arguments.

`array(arr, …)` gives a NumPy array with the layout asked for (transposed, every second element of
a larger block, stride-0 expanded, starting inside a block): both engines see the same strides
without either one's view ops being trusted.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from .spec import Arr, Gen, Raw, Sample, Sym

MATRICES = ("spd", "invertible", "triangular")
WIDER = {"float16": "float64", "float32": "float64", "complex64": "complex128"}


def rng(*key: object) -> np.random.Generator:
    """A generator seeded by the text of `key` (CRC-32: the same in every process)."""
    return np.random.default_rng(zlib.crc32("/".join(map(str, key)).encode()))


def specials(dtype: str) -> list:
    """Values at which kernels go wrong: signed zeros, infinities, nan, denormals, ties, edges."""
    kind = np.dtype(dtype).kind
    if kind == "b":
        return [False, True, True]
    if kind in "iu":
        whole = np.iinfo(dtype)
        return [0, 1, whole.max, whole.min, whole.max - 1, 2, 7, max(-3, int(whole.min))]
    if kind == "c":
        return [0, 1, -1, 1j, -1j, 1 + 1j, -2.5 + 0.5j, complex(-0.0, 0.0), complex(0.5, -0.0)]
    info = np.finfo(dtype)
    tiny, big = float(info.tiny), float(info.max)
    least = float(info.smallest_subnormal)
    return [
        0.0,
        -0.0,
        np.inf,
        -np.inf,
        np.nan,
        least,
        -least,
        tiny,
        -tiny * 0.75,
        big,
        -big,
        1.0,
        -1.0,
        0.5,
        -0.5,
        1.5,
        -1.5,
        2.5,
        -2.5,
        3.5,
        1.0 + float(info.eps),
        1.0 - float(info.epsneg),
    ]


def _real(
    domain: Any, shape: tuple[int, ...], r: np.random.Generator, info: np.finfo
) -> np.ndarray:
    """float64 values of a named or interval `domain`."""
    if isinstance(domain, tuple):
        return r.uniform(domain[0], domain[1], shape)
    if domain == "any":
        return r.normal(size=shape) * 2
    if domain == "positive":
        return np.exp(r.normal(size=shape))
    if domain == "nonzero":
        return r.choice([-1.0, 1.0], shape) * r.uniform(0.3, 3, shape)
    if domain == "unit":
        return r.uniform(-0.95, 0.95, shape)
    if domain == "prob":
        return r.uniform(0.02, 0.98, shape)
    if domain == "ties":
        return r.integers(-2, 3, shape).astype(float)
    if domain == "distinct":
        return (r.permutation(int(np.prod(shape))).reshape(shape) - np.prod(shape) / 2 + 0.25) * 0.5
    if domain == "wide":  # log-uniform over three quarters of the exponents
        power = r.uniform(0.75 * info.minexp, 0.75 * info.maxexp, shape)
        return r.choice([-1.0, 1.0], shape) * np.exp2(power)
    if domain in MATRICES:
        return _matrix(domain, shape, r)
    raise ValueError(f"unknown domain {domain!r}")


def _matrix(domain: str, shape: tuple[int, ...], r: np.random.Generator) -> np.ndarray:
    """Well-conditioned (…, n, n) matrices; "spd" ones are symmetric positive definite.

    "invertible" ones may have any shape: then their rank is full.
    """
    a = r.normal(size=shape)
    n = shape[-1]
    if domain == "spd":
        return a @ np.swapaxes(a, -1, -2) / n + np.eye(n)
    if domain == "triangular":
        return np.tril(a) + 2 * np.eye(n)
    return a + n * np.eye(shape[-2], n)


def _drawn(arr: Arr, dtype: str, r: np.random.Generator) -> np.ndarray:
    kind, shape, domain = np.dtype(dtype).kind, arr.shape, arr.domain
    if domain == "special":
        pool = specials(dtype)
        picked = [pool[i % len(pool)] for i in range(int(np.prod(shape)))]
        return np.array(picked, dtype).reshape(shape)
    if kind == "b":
        return r.integers(0, 2, shape).astype(bool)
    if kind in "iu":
        if domain == "distinct":
            return r.permutation(int(np.prod(shape))).reshape(shape).astype(dtype)
        low, high = domain if isinstance(domain, tuple) else (-5, 9)
        low, high = int(np.ceil(low)), int(np.floor(high))
        if domain in ("positive", "nonzero"):
            low = 1
        if domain in ("ties", "unit", "prob"):
            low, high = 0, 2
        if domain == "wide":
            low, high = np.iinfo(dtype).min // 4, np.iinfo(dtype).max // 4
        low = max(low, 0) if kind == "u" else low
        return r.integers(low, max(high, low), shape, endpoint=True).astype(dtype)
    info = np.finfo(dtype)
    data = _real(domain, shape, r, info)
    if kind != "c":
        return np.asarray(data, dtype)
    second = "any" if domain in ("spd", "positive", "triangular", "invertible") else domain
    imag = _real(second, shape, r, info) * (0.25 if second != domain else 1)
    full = data + 1j * imag
    if domain == "spd":
        a = data + 1j * imag
        full = a @ np.conj(np.swapaxes(a, -1, -2)) / shape[-1] + np.eye(shape[-1])
    if domain == "triangular":
        full = np.tril(full)
    return np.asarray(full, dtype)


def lay_out(data: np.ndarray, layout: str) -> np.ndarray:
    """The values of `data` in memory as `layout` says (a writable array, never read-only)."""
    if layout == "contiguous" or data.ndim == 0:
        return data.copy(order="C")
    if layout == "transposed":
        return np.ascontiguousarray(data.T).T
    if layout == "sliced":
        block = np.zeros((*data.shape[:-1], 2 * data.shape[-1]), data.dtype)
        block[..., ::2] = data
        return block[..., ::2]
    if layout == "offset":
        block = np.zeros(data.size + 3, data.dtype)
        block[3:] = data.ravel()
        return block[3:].reshape(data.shape)
    if layout == "expanded":
        first = data[:1].copy()
        return np.lib.stride_tricks.as_strided(
            first, data.shape, (0, *first.strides[1:]), writeable=True
        )
    raise ValueError(f"unknown layout {layout!r}")


def array(arr: Arr, dtype: str, key: object) -> np.ndarray:
    """The data of `arr` in a sample of `dtype`; `key` seeds the draw."""
    own = arr.dtype or dtype
    if arr.values is not None:
        data = np.array(arr.values)
        if data.dtype.kind == "c" and np.dtype(own).kind != "c":
            data = data.real
        with np.errstate(all="ignore"):
            return lay_out(data.astype(own), arr.layout)
    return lay_out(_drawn(arr, own, rng(key)), arr.layout)


def arrays_of(value: Any, visit: Callable[[Arr], Any]) -> Any:
    """Rebuild nested arguments with every `Arr` replaced by `visit(arr)`, in reading order."""
    if isinstance(value, Arr):
        return visit(value)
    if isinstance(value, Raw):
        return replace(value, arr=visit(value.arr))
    if isinstance(value, (list, tuple)):
        return type(value)(arrays_of(v, visit) for v in value)
    if isinstance(value, dict):
        return {k: arrays_of(v, visit) for k, v in value.items()}
    if isinstance(value, slice):
        return slice(*(arrays_of(v, visit) for v in (value.start, value.stop, value.step)))
    return value


def symbols_of(value: Any, module: Any, wider: bool) -> Any:
    """Replace `Sym` and `Gen` in nested arguments by the engine's objects."""
    if isinstance(value, Sym):
        path = WIDER.get(value.path, value.path) if wider else value.path
        for name in path.split("."):
            module = getattr(module, name)
        return module
    if isinstance(value, Raw):
        tensor: Any = value.arr  # made of the recipe by now
        return tensor.detach().numpy()
    if isinstance(value, Gen):
        return module.Generator().manual_seed(value.seed)
    if isinstance(value, (list, tuple)):
        return type(value)(symbols_of(v, module, wider) for v in value)
    if isinstance(value, dict):
        return {k: symbols_of(v, module, wider) for k, v in value.items()}
    return value


def neighbour(data: np.ndarray, seed: int) -> np.ndarray:
    """`data` with every float moved by up to one part in 128: as well conditioned, rounded anew.

    (Moving by an ULP is not enough: a saturated tanh gives the same bits again.)
    """
    if data.dtype.kind == "c":
        return (neighbour(data.real, seed) + 1j * neighbour(data.imag, seed + 1)).astype(data.dtype)
    if data.dtype.kind != "f":
        return data
    moved = data.astype(np.float64) * (
        1 + np.random.default_rng(seed).uniform(-1, 1, data.shape) / 128
    )
    with np.errstate(over="ignore"):
        return moved.astype(data.dtype)


class Inputs:
    """The tensors of one sample on one engine, made from the same bytes everywhere.

    args, kwargs: ready to call.  tensors: every tensor argument in reading order;
    arrays: the NumPy arrays that they share memory with; leaves: those that want a gradient.
    """

    def __init__(
        self,
        engine: Any,
        sample: Sample,
        grad: bool = True,
        wider: bool = False,
        nudge: int | None = None,
    ) -> None:
        self.arrays: list[np.ndarray] = []
        self.tensors: list[Any] = []
        self.leaves: list[Any] = []

        def visit(arr: Arr) -> Any:
            data = array(arr, sample.dtype, (sample.op, sample.note, len(self.arrays)))
            if nudge:
                data[...] = neighbour(data, 64 * nudge + 2 * len(self.arrays))
            if wider and data.dtype.name in WIDER:
                data = data.astype(WIDER[data.dtype.name], order="K")
            tensor = engine.tensor(data)
            if grad and arr.grad and data.dtype.kind in "fc":
                tensor.requires_grad_()
                self.leaves.append(tensor)
            self.arrays.append(data)
            self.tensors.append(tensor)
            return tensor

        built = arrays_of((sample.args, sample.kwargs), visit)
        self.args, self.kwargs = symbols_of(built, engine.module, wider)
