"""What the reductions share: their call forms, their dims, and how a gradient is spread back.

torch accepts NumPy's names for arguments, `axis` for `dim` and `keepdims` for `keepdim`, and is of
several minds about which dtypes `out=` may have.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .. import return_types
from ..autograd.graph import requires_grad
from ..autograd.modes import no_grad, state
from ..dtypes import COMPLEX, FLOATING, bool_, can_cast, dtype, uint8
from ..tensor import Tensor
from .common import Dims, sum_dtype, wrap_dims
from .numpy_names import numpy_names, rename
from .registry import REGISTRY, op, refuse_grad, write_out
from .table import bad_argument

_C_NAMES = {
    "float32": "float", "float64": "double", "float16": "c10::Half", "int64": "long int",
    "int32": "int", "int16": "short int", "int8": "signed char", "uint8": "unsigned char",
    "bool": "bool",
}  # fmt: skip


class _Every:
    """The default `dim` of a sum: as None, but torch's node tells them apart."""

    def __repr__(self) -> str:
        return "None"


EVERY: Any = _Every()


def reduction(out: str, *, aliases: bool = True, **forms: Any) -> Callable[..., Any]:
    """Register a reduction; `out` names a rule of the table below for what `out=` may be.

    `aliases`: whether torch takes NumPy's names for arguments (a function in Python does not).
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        name = forms.pop("name", function.__name__)
        names = numpy_names(function) if aliases else {}
        needs_dim = out == "dim" or EVERY in (function.__defaults__ or ())

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            if kwargs:
                rename(kwargs, names)
                if needs_dim and "keepdim" in kwargs and "dim" not in kwargs and len(args) < 2:
                    raise _keeps_no_dim(name)
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
        key = forms.get("namespace", "torch"), name
        REGISTRY[key] = REGISTRY[key]._replace(out=True)
        return public

    return register


def _keeps_no_dim(name: str) -> TypeError:
    return TypeError(
        f"{name}() received an invalid combination of arguments - got (Tensor, keepdim=bool), but "
        "expected one of: (Tensor input, *, torch.dtype dtype = None), (Tensor input, tuple of ints "
        "dim, bool keepdim = False, *, torch.dtype dtype = None)"
    )


# What each kind of op asks of `out=`:
#   cast, mean      any dtype (for mean: that the input can be cast to); the op computes in it
#   fractions       any floating dtype; the op computes in it
#   any             any dtype that the result can be cast to
#   truth           bool or uint8
#   own, match      the result's dtype; two wordings
#   dim, pair       own, if there is a dim; without one, dim is missing, pair behaves as any
#   index           own; has no gradient that could be lost
#   copy, quantile  own; torch writes by copy_, so the gradient is kept
#   traced          own; torch takes operands that require grad, and loses the gradient
_WITHOUT_GRAD = ("truth", "index", "copy", "quantile", "traced")


_SUM_NEEDS_DIM = (
    "sum() received an invalid combination of arguments - got (Tensor, out=Tensor), but expected one "
    "of: (Tensor input, tuple of ints dim, bool keepdim = False, *, torch.dtype dtype = None, "
    "Tensor out = None)"
)


def _into(outs: Any, name: str, function: Any, kind: str, args: Any, kwargs: Any) -> Any:
    """The result written into `out=`: one tensor, or a tuple of them."""
    each = (outs,) if isinstance(outs, Tensor) else tuple(outs)
    if kind == "dim" and len(args) < 2 and "dim" not in kwargs:
        raise TypeError(f'{name}() missing 1 required positional arguments: "dim"')
    if name == "sum" and len(args) < 2 and "dim" not in kwargs:
        raise TypeError(_SUM_NEEDS_DIM)
    if kind not in _WITHOUT_GRAD:
        refuse_grad(name, (*args, *kwargs.values(), *each))
    if kind in ("cast", "mean") and kwargs.get("dtype") is not None:
        kind = "own"
    if kind == "mean":
        _check_mean(args[0] if args else kwargs["input"], each[0], len(args) > 1 or "dim" in kwargs)
    if kind == "fractions" and each[0].dtype.category < FLOATING:
        raise RuntimeError(
            f"{name}(): Expected floating point type for result tensor, but got: "
            f"{each[0].dtype.title}"
        )
    if kind in ("cast", "mean") and kwargs.get("dtype") is None:
        kwargs["dtype"] = each[0].dtype
    if name in ("nansum", "nanmean"):
        _check_nan_free(args[0] if args else kwargs["input"], each[0])
    if kind == "fractions":
        kwargs["_dtype"] = each[0].dtype
    result = function(*args, **kwargs)
    if kind == "pair" and len(args) + len(kwargs) == 1 and not can_cast(result.dtype, each[0].dtype):
        raise RuntimeError(
            "Expected canCast( typeMetaToScalarType(self.dtype()), typeMetaToScalarType(out.dtype())) "
            f"to be true, but got false: {result.dtype.title} to {each[0].dtype.title}."
        )
    single = isinstance(result, Tensor)
    for o, r in zip(each, (result,) if single else result):
        _check_out(name, kind, o, r, single)
        if kind in ("copy", "quantile") and state.grad and r._requires_grad:
            with no_grad():
                write_out(o, r)  # resizes
            o.copy_(r)
        else:
            write_out(o, r, name, "traced" if kind == "traced" else "cast")
    return outs if isinstance(outs, Tensor) else return_types.written(result, each)


def total_dtype(input: Tensor, wanted: dtype | None) -> dtype:
    """The type of a sum or product.  RuntimeError for whole numbers where a gradient is wanted."""
    if wanted is not None and wanted.category < FLOATING and state.grad and requires_grad(input):
        raise RuntimeError(f"Autograd not support dtype: {wanted.title}")
    return sum_dtype(input, wanted)


def _check_nan_free(input: Tensor, out: Tensor) -> None:
    """torch has no kernel that drops NaN while it sums into whole numbers."""
    whole = input.dtype.category < FLOATING or out.dtype.category >= FLOATING
    if not whole and input._array.size:
        raise NotImplementedError(f"\"nansum_cpu\" not implemented for '{out.dtype.title}'")


def _check_mean(input: Tensor, out: Tensor, has_dim: bool) -> None:
    if has_dim and input.dtype.category == COMPLEX and out.dtype.category >= FLOATING:
        return
    if not can_cast(input.dtype, out.dtype):
        raise RuntimeError(
            f"result type {input.dtype.title} can't be cast to the desired output type "
            f"{out.dtype.title}"
            if has_dim
            else "mean.dtype_out(): input types can't be cast to the desired output type "
            f"{out.dtype.title}"
        )


def _check_out(name: str, kind: str, out: Tensor, result: Tensor, single: bool) -> None:
    """Raise torch's error if `out` does not have the dtype that this kind of op asks for."""
    if kind == "truth" and out.dtype not in (bool_, uint8):
        raise RuntimeError(f"{name} only supports bool tensor for result, got: {out.dtype.title}")
    free = kind in ("cast", "mean", "fractions", "any", "truth") or (kind == "pair" and single)
    if free or out.dtype is result.dtype:
        return
    if kind == "match":
        raise RuntimeError(
            "Expected the dtype for input and out to match, but got "
            f"{result.dtype.title} for input's dtype and {out.dtype.title} for out's dtype."
        )
    if kind == "quantile":
        raise RuntimeError("quantile() out tensor must be same dtype as the input tensor")
    wanted, given = (_C_NAMES.get(t.dtype.name, t.dtype.name) for t in (result, out))
    raise RuntimeError(f"Expected out tensor to have dtype {wanted}, but got {given} instead")


def reduced_dims(name: str, input: Tensor, dim: Dims, keepdim: bool) -> tuple[int, ...]:
    """The dims to reduce, counted from the front; None and () mean all.

    Raises TypeError for a keepdim that is no bool: `x.sum(0, 1)` does not sum over two dims.
    """
    if keepdim is not True and keepdim is not False:
        raise TypeError(
            f"{name}(): argument 'keepdim' (position 2) must be bool, not {type(keepdim).__name__}"
        )
    return wrap_dims(None if dim is EVERY else dim, input._array.ndim)


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
