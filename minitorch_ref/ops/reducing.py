"""What the reductions share: their call forms, their dims, and how a gradient is spread back.

torch accepts NumPy's names for arguments, `axis` for `dim` and `keepdims` for `keepdim`, and is of
several minds about which dtypes `out=` may have.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..autograd.modes import no_grad
from ..dtypes import bool_, uint8
from ..tensor import Tensor
from .common import Dims, wrap_dims
from .registry import REGISTRY, op, refuse_grad, write_out
from .table import bad_argument

_C_NAMES = {
    "float32": "float", "float64": "double", "float16": "c10::Half", "int64": "long int",
    "int32": "int", "int16": "short int", "int8": "signed char", "uint8": "unsigned char",
    "bool": "bool",
}  # fmt: skip


def reduction(out: str, **forms: Any) -> Callable[..., Any]:
    """Register a reduction.  `out` says what may be given as `out=`:

    "cast"   any dtype; the op computes in it          "own"     the result's dtype
    "any"    any dtype that the result can be cast to  "match"   the same, in other words
    "truth"  bool or uint8                             "plain"   the result's, with or without grad
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        name = forms.get("name") or function.__name__

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            if kwargs:
                if "axis" in kwargs:
                    kwargs["dim"] = kwargs.pop("axis")
                if "keepdims" in kwargs:
                    kwargs["keepdim"] = kwargs.pop("keepdims")
                outs = kwargs.pop("out", None)
                if outs is not None:
                    return _into(outs, name, function, out, args, kwargs)
            try:
                return function(*args, **kwargs)
            except AttributeError:
                if args and not isinstance(args[0], Tensor):
                    raise bad_argument(name, "input", 1, args[0]) from None
                raise

        public = op(call, name=name, **forms)
        object.__setattr__(REGISTRY[forms.get("namespace", "torch"), name], "out", True)
        return public

    return register


def _into(outs: Any, name: str, function: Any, kind: str, args: Any, kwargs: Any) -> Any:
    each = (outs,) if isinstance(outs, Tensor) else tuple(outs)
    if kind not in ("truth", "plain"):
        refuse_grad(name, (*args, *kwargs.values(), *each))
    if kind == "cast" and kwargs.get("dtype") is None:
        kwargs["dtype"] = each[0].dtype
    with no_grad():
        result = function(*args, **kwargs)
    for o, r in zip(each, (result,) if isinstance(result, Tensor) else result):
        if kind == "truth" and o.dtype not in (bool_, uint8):
            raise RuntimeError(
                f"{name} only supports bool tensor for result, got: {o.dtype.title}"
            )
        if kind == "match" and o.dtype is not r.dtype:
            raise RuntimeError(
                "Expected the dtype for input and out to match, but got "
                f"{r.dtype.title} for input's dtype and {o.dtype.title} for out's dtype."
            )
        if kind in ("own", "plain") and o.dtype is not r.dtype:
            wanted, given = (_C_NAMES.get(t.dtype.name, t.dtype.name) for t in (r, o))
            raise RuntimeError(
                f"Expected out tensor to have dtype {wanted}, but got {given} instead"
            )
        write_out(o, r)
    return outs if isinstance(outs, Tensor) else type(result)(each)


def reduced_dims(name: str, input: Tensor, dim: Dims, keepdim: bool) -> tuple[int, ...]:
    """The dims to reduce, counted from the front; None and () mean all.

    Raises TypeError for a keepdim that is no bool: `x.sum(0, 1)` does not sum over two dims.
    """
    if keepdim is not True and keepdim is not False:
        raise TypeError(
            f"{name}(): argument 'keepdim' (position 2) must be bool, not {type(keepdim).__name__}"
        )
    return wrap_dims(dim, input._array.ndim)


def restore(x: Tensor, dims: tuple[int, ...], keepdim: bool) -> Tensor:
    """`x` with the reduced dims back as dims of size 1."""
    if keepdim or not dims:
        return x
    shape = list(x._array.shape)
    for d in sorted(dims):
        shape.insert(d, 1)
    return x.reshape(shape)


def require_nonempty(name: str, input: Tensor, dims: tuple[int, ...], given: bool) -> None:
    """Raise torch's errors for a reduction that has no answer on an empty dim."""
    if input._array.size:
        return
    if not given:
        raise RuntimeError(
            f"{name}(): Expected reduction dim to be specified for input.numel() == 0. "
            "Specify the reduction dim with the 'dim' argument."
        )
    for d in dims:
        if input._array.ndim and input._array.shape[d] == 0:
            raise IndexError(f"{name}(): Expected reduction dim {d} to have non-zero size.")
