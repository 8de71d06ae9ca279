"""How one definition becomes an op's function, method, in-place form and `out=` form.

    @op                              torch.name and Tensor.name
    @op(method=False)                torch.name only
    @op(function=False)              Tensor.name only
    @op(namespace="linalg")          torch.linalg.name
    @op(inplace=True)                also name_, on torch (where torch has it) and on Tensor
    @op(out=True)                    also accepts out=, of any dtype the result can be cast to
    @op(out="same")                  also accepts out=, by one of the rules of `OUT_RULES`

Everything defined so is listed in REGISTRY, which the parity checks iterate over.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..autograd.graph import record, requires_grad
from ..autograd.inplace import bump, check_writable, in_place, move_to
from ..autograd.modes import state
from ..dtypes import can_cast
from ..tensor import Tensor
from .numpy_names import numpy_names, rename
from .refusals import never_derived


class Op(NamedTuple):
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
    out: bool | str = False,
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
    call = with_out(target, name, "cast" if out is True else out) if out else target
    where = namespace if function else "Tensor"
    REGISTRY[where, name] = Op(name, where, call, method, inplace, bool(out) or own_out)
    if method:
        setattr(Tensor, name, call)
    if inplace:
        written = getattr(target, "in_place", None) or in_place(target, f"{name}_")
        setattr(Tensor, f"{name}_", written)
        call.in_place = written  # type: ignore[attr-defined]
    return call


def with_out(function: Callable[..., Any], name: str, rule: str = "cast") -> Callable[..., Any]:
    """`function` with an `out=` keyword: a tensor, or a tuple of them for several results."""

    names = numpy_names(function)

    @functools.wraps(function)
    def call(*args: Any, out: Any = None, **kwargs: Any) -> Any:
        if kwargs:
            rename(kwargs, names)
        if out is None:
            return function(*args, **kwargs)
        outs = (out,) if isinstance(out, Tensor) else tuple(out)
        for o in outs:
            check_overlap(o, args)
        if rule.endswith("same") and args and isinstance(args[0], Tensor):
            check_same(out, args[0])
        result = function(*args, **kwargs)
        results = (result,) if isinstance(result, Tensor) else tuple(result)
        for o, r in zip(outs, results):
            write_out(o, r, name, rule)
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


# What each rule asks of the dtype of `out=`, with torch's words for a refusal:
OUT_RULES = {
    "cast": "",  # any that the result can be cast to
    "same": "Found dtype {out.title} but expected {result.title}",
    "own": "Expected out tensor to have dtype {wanted}, but got {given} instead",
    "bool": "{name} does not support non-boolean outputs.",
    "object": "Expected object of scalar type {result.title} but got scalar type {out.title} "
    "for argument 'out'",
    "required": "the output given to {name} has dtype {out.title} but the operation's result "
    "requires dtype {result.title}",
    "traced": "",  # as "cast"; operands may require grad, but the gradient ends at the result
    "traced same": "Found dtype {out.title} but expected {result.title}",
    "traced own": "Expected out tensor to have dtype {wanted}, but got {given} instead",
    "copied": "",  # as "cast"; the result is copied into `out`, gradient and all
}

C_NAMES = {
    "float32": "float", "float64": "double", "float16": "c10::Half", "int64": "long int",
    "int32": "int", "int16": "short int", "int8": "signed char", "uint8": "unsigned char",
    "bool": "bool", "complex64": "c10::complex<float>", "complex128": "c10::complex<double>",
}  # fmt: skip


def write_out(out: Tensor, result: Tensor, name: str = "op", rule: str = "cast") -> Tensor:
    """Write an op's result into the user's tensor, resizing it as torch does."""
    traced, copied = rule.startswith("traced"), rule == "copied"
    if not (traced or copied) and (
        result._requires_grad or (out._requires_grad and result._array.dtype.kind in "fc")
    ):
        refuse_grad(name, (result, out))
    _check_out_dtype(out, result, name, rule)
    check_writable(out if not out._requires_grad else out.detach())
    if out._array.shape != result._array.shape:
        if out._array.size:
            _warn_resized(out, result)
        out._array, out._root = np.empty(result._array.shape, out._array.dtype), None
    if copied and state.grad and (result._requires_grad or requires_grad(out)):
        return out.copy_(result)
    np.copyto(out._array, result._array, casting="unsafe")
    bump(out)
    if traced and result._requires_grad:
        move_to(out, record("NotImplemented", out._array, x=(result, never_derived(name))))
    return out


def check_same(out: Tensor, input: Tensor) -> None:
    """Rule "same", asked before the op looks at its operand's dtype."""
    if out._array.dtype != input._array.dtype:
        raise RuntimeError(OUT_RULES["same"].format(out=out.dtype, result=input.dtype))


def _check_out_dtype(out: Tensor, result: Tensor, name: str, rule: str) -> None:
    """Raise torch's RuntimeError unless `out` may have the dtype it has."""
    words = OUT_RULES[rule]
    if words and out._array.dtype != result._array.dtype:
        wanted, given = (C_NAMES[t.dtype.name] for t in (result, out))
        raise RuntimeError(
            words.format(
                out=out.dtype, result=result.dtype, name=name, wanted=wanted, given=given
            )
        )
    if not can_cast(result.dtype, out.dtype):
        raise RuntimeError(
            f"result type {result.dtype.title} can't be cast to the desired output type "
            f"{out.dtype.title}"
        )


def _warn_resized(out: Tensor, result: Tensor) -> None:
    warnings.warn(
        "An output with one or more elements was resized since it had shape "
        f"{list(out.shape)}, which does not match the required output shape "
        f"{list(result.shape)}. This behavior is deprecated, and in a future PyTorch release "
        "outputs will not be resized unless they have zero elements. You can explicitly "
        "reuse an out tensor t by resizing it, inplace, to zero elements with t.resize_(0).",
        stacklevel=5,
    )


def check_overlap(out: Tensor, operands: Any) -> None:
    """Raise torch's RuntimeError if `out` shares some, but not all, of its memory with an operand."""
    a = out._array
    for x in operands:
        if not isinstance(x, Tensor) or x is out or x._array is a:
            continue
        b = x._array
        if not (np.may_share_memory(a, b) and _is_dense(a) and _is_dense(b)):
            continue
        same = a.__array_interface__["data"] == b.__array_interface__["data"]
        if not (same and a.nbytes == b.nbytes and a.strides == b.strides):
            raise RuntimeError(
                "unsupported operation: some elements of the input tensor and the written-to "
                "tensor refer to a single memory location. Please clone() the tensor before "
                "performing the operation."
            )


def _is_dense(a: np.ndarray) -> bool:
    """Whether the elements fill a block of memory, each once, in some order of the dims."""
    if a.flags.c_contiguous or a.flags.f_contiguous:
        return True
    step = a.itemsize
    for stride, n in sorted((s, n) for s, n in zip(a.strides, a.shape) if n > 1):
        if stride != step:
            return False
        step *= n
    return True
