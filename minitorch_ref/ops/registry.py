"""How one definition becomes an op's function, method, in-place form and `out=` form.

    @op                              torch.name and Tensor.name
    @op(method=False)                torch.name only
    @op(function=False)              Tensor.name only
    @op(namespace="linalg")          torch.linalg.name
    @op(inplace=True)                also name_, on torch (where torch has it) and on Tensor
    @op(out=True)                    also accepts out=

Everything defined so is listed in REGISTRY, which the parity checks iterate over.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..autograd.graph import requires_grad
from ..autograd.inplace import bump, in_place
from ..autograd.modes import state
from ..dtypes import can_cast
from ..tensor import Tensor


@dataclass(frozen=True)
class Op:
    """One public operation and the forms it has."""

    name: str
    namespace: str  # "torch", "nn.functional", "linalg", "fft", "special" or "Tensor"
    call: Callable[..., Any]
    method: bool
    inplace: bool
    out: bool


REGISTRY: dict[tuple[str, str], Op] = {}


def op(
    target: Callable[..., Any] | None = None,
    /,
    *,
    function: bool = True,
    method: bool | None = None,
    namespace: str = "torch",
    inplace: bool = False,
    out: bool = False,
    own_out: bool = False,
    name: str | None = None,
) -> Any:
    """Register an op.  `method` defaults to True in torch's own namespace, False in the others.

    `own_out`: the function takes `out=` itself.
    """
    if target is None:
        return functools.partial(
            op, function=function, method=method, namespace=namespace, inplace=inplace, out=out,
            own_out=own_out, name=name,
        )  # fmt: skip
    name = name or target.__name__
    if method is None:
        method = namespace == "torch"
    call = with_out(target, name) if out else target
    where = namespace if function else "Tensor"
    REGISTRY[where, name] = Op(name, where, call, method, inplace, out or own_out)
    if method:
        setattr(Tensor, name, call)
    if inplace:
        written = getattr(target, "in_place", None) or in_place(target, f"{name}_")
        setattr(Tensor, f"{name}_", written)
        call.in_place = written  # type: ignore[attr-defined]
    return call


def with_out(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """`function` with an `out=` keyword: a tensor, or a tuple of them for several results."""

    @functools.wraps(function)
    def call(*args: Any, out: Any = None, **kwargs: Any) -> Any:
        if out is None:
            return function(*args, **kwargs)
        outs = (out,) if isinstance(out, Tensor) else tuple(out)
        result = function(*args, **kwargs)
        results = (result,) if isinstance(result, Tensor) else tuple(result)
        for o, r in zip(outs, results):
            write_out(o, r, name)
        return out if isinstance(out, Tensor) else _rewrapped(result, outs)

    return call


def _rewrapped(result: Any, outs: tuple[Tensor, ...]) -> Any:
    """`outs` in the type of the result (a named tuple where the op returns one)."""
    return type(result)(outs) if isinstance(result, tuple) and type(result) is not tuple else outs


def refuse_grad(name: str, operands: Any) -> None:
    """`out=` writes where no graph can follow: refuse operands that require grad."""
    if state.grad and any(isinstance(x, Tensor) and requires_grad(x) for x in operands):
        raise RuntimeError(
            f"{name}(): functions with out=... arguments don't support automatic differentiation, "
            "but one of the arguments requires grad."
        )


def write_out(out: Tensor, result: Tensor, name: str = "op") -> Tensor:
    """Write an op's result into the user's tensor, resizing it as torch does."""
    if result._requires_grad or (out._requires_grad and result._array.dtype.kind in "fc"):
        refuse_grad(name, (result, out))
    if not can_cast(result.dtype, out.dtype):
        raise RuntimeError(
            f"result type {result.dtype.title} can't be cast to the desired output type "
            f"{out.dtype.title}"
        )
    if out._array.shape != result._array.shape:
        if out._array.size:
            warnings.warn(
                "An output with one or more elements was resized since it had shape "
                f"{list(out.shape)}, which does not match the required output shape "
                f"{list(result.shape)}. This behavior is deprecated, and in a future PyTorch release "
                "outputs will not be resized unless they have zero elements. You can explicitly "
                "reuse an out tensor t by resizing it, inplace, to zero elements with t.resize_(0).",
                stacklevel=4,
            )
        out._array, out._root = np.empty(result._array.shape, out._array.dtype), None
    np.copyto(out._array, result._array, casting="unsafe")
    bump(out)
    return out
