"""Functions made of exp, log and tanh, replayed with another exp, log or tanh.

Two libraries' exp are both good to an ULP and still differ; what is computed from them then differs
too.  Each recipe is an op's formula in NumPy, every step rounded to the op's dtype, with its
elementary functions handed in: correctly rounded, a few ULP above or below that, or NumPy's own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Array = np.ndarray
Elementary = Callable[[Array], Array]


class Functions:
    """exp, log, log1p and tanh of one dtype, each `off` ULP beside the correctly rounded value."""

    def __init__(self, dtype: np.dtype, off: dict[str, int] | None = None) -> None:
        self.dtype, self.off = dtype, off

    def __getattr__(self, name: str) -> Elementary:
        function = getattr(np, name)

        def call(x: Array) -> Array:
            with np.errstate(all="ignore"):
                if self.off is None:
                    return function(x)
                y = function(x.astype(np.longdouble)).astype(self.dtype)
                steps = self.off.get(name, 0)
                if not steps:
                    return y
                way, moved = self.dtype.type(np.copysign(np.inf, steps)), y
                for _ in range(abs(steps)):
                    moved = np.nextafter(moved, way)
                return np.where(np.isfinite(y) & (y != 0), moved, y)

        return call


def _sum(x: Array, dim: int) -> Array:
    """One after the other along `dim`, as reductions of short rows are."""
    total = np.zeros_like(np.take(x, 0, dim))
    for k in range(x.shape[dim]):
        total = total + np.take(x, k, dim)
    return np.expand_dims(total, dim)


def _shifted(x: Array, dim: int) -> Array:
    return x - np.max(x, axis=dim, keepdims=True)


def _softmax(f: Functions, x: Array, dim: int, *_: Any) -> Array:
    e = f.exp(_shifted(x, dim))
    return e / _sum(e, dim)


def _log_softmax(f: Functions, x: Array, dim: int, *_: Any) -> Array:
    y = _shifted(x, dim)
    return y - f.log(_sum(f.exp(y), dim))


def _logsumexp(f: Functions, x: Array, dim: int, keepdim: bool = False) -> Array:
    top = np.max(x, axis=dim, keepdims=True)
    y = f.log(_sum(f.exp(x - top), dim)) + top
    return y if keepdim else np.squeeze(y, dim)


def _sigmoid(f: Functions, x: Array) -> Array:
    return 1 / (1 + f.exp(-x))


def _gelu(f: Functions, x: Array, approximate: str = "none") -> Array | None:
    if approximate != "tanh":
        return None
    one = x.dtype.type
    inner = one(0.7978845608028654) * (x + one(0.044715) * x * x * x)
    return one(0.5) * x * (1 + f.tanh(inner))


RECIPES: dict[str, tuple[tuple[str, ...], Callable[..., Array | None]]] = {
    **dict.fromkeys(("softmax", "nn.functional.softmax", "special.softmax"), (("exp",), _softmax)),
    **dict.fromkeys(
        ("log_softmax", "nn.functional.log_softmax", "special.log_softmax"),
        (("exp", "log"), _log_softmax),
    ),
    **dict.fromkeys(("logsumexp", "special.logsumexp"), (("exp", "log"), _logsumexp)),
    **dict.fromkeys(("sigmoid", "nn.functional.sigmoid", "special.expit"), (("exp",), _sigmoid)),
    "nn.functional.silu": (("exp",), lambda f, x, inplace=False: x / (1 + f.exp(-x))),
    "nn.functional.softplus": (("exp", "log1p"), lambda f, x: f.log1p(f.exp(x))),
    "nn.functional.gelu": (("tanh",), _gelu),
    "nn.functional.mish": (
        ("exp", "log1p", "tanh"),
        lambda f, x, inplace=False: x * f.tanh(f.log1p(f.exp(x))),
    ),
    **{
        name: ((name,), lambda f, x, name=name: getattr(f, name)(x))
        for name in ("exp", "log", "log1p", "tanh", "expm1")
    },
}


WHOLE: dict[str, Callable[..., Array]] = {
    **dict.fromkeys(("matmul", "mm", "bmm", "mv", "dot", "inner", "__matmul__"), np.matmul),
    "nn.functional.linear": lambda x, w, b=None: x @ w.T if b is None else x @ w.T + b,
    "addmm": lambda start, x, y: start + x @ y,
}


def products(op: str, args: list, kwargs: dict) -> Iterator[tuple[str, Array]]:
    """(cause, result) of a product as NumPy's BLAS computes it whole: its blocks are its own."""
    if op in WHOLE and not kwargs and all(isinstance(a, np.ndarray) for a in args):
        with contextlib.suppress(TypeError, ValueError), np.errstate(all="ignore"):
            yield "NumPy's BLAS, the whole product", np.asarray(WHOLE[op](*args))


def replays(op: str, args: list, kwargs: dict) -> Iterator[tuple[str, Array]]:
    """(cause, result) for an op that has a recipe, with each of its functions in turn moved."""
    names, recipe = RECIPES.get(op, ((), None))
    if recipe is None or not args or not isinstance(args[0], np.ndarray):
        return
    dtype = args[0].dtype
    if dtype.kind != "f" or dtype == np.float16 or not args[0].ndim:
        return
    kinds: list[tuple[str, dict[str, int] | None]] = [("correctly rounded " + ", ".join(names), {})]
    kinds += [
        (f"{name} {abs(off)} ULP {'above' if off > 0 else 'below'}", {name: off})
        for name in names
        for off in (1, -1, 2, -2, 3, -3, 4, -4)
    ]
    kinds.append(("NumPy's " + ", ".join(names), None))
    for text, off in kinds:
        try:
            with np.errstate(all="ignore"):
                result = recipe(Functions(dtype, off), *args, **kwargs)
        except (TypeError, IndexError, ValueError):  # a form that the recipe does not know
            return
        if result is not None:
            yield text, np.asarray(result, dtype)
