"""What a tensor is, asked in functions and methods; and methods that torch has as functions too.

Much of this is one answer: tensors here are dense, on the CPU, not distributed, not quantized, and
conjugation and negation are carried out at once.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

from ..autograd.graph import record, rename
from ..autograd.modes import state
from ..dtypes import float32
from ..shared import is_shared
from ..tensor import Tensor, blank
from .common import cast_array
from .options import wrong_type
from .refusals import never_derived
from .registry import REGISTRY, op

_builtin_type = builtins.type


def _need(name: str, argument: str, value: Any, position: int = 1) -> None:
    if not isinstance(value, Tensor):
        raise wrong_type(name, argument, "Tensor", value, position)


def _about(name: str, answer: Callable[[Tensor], Any], doc: str, function: bool = True) -> None:
    """Publish `name(input)`, function and method."""

    def call(input: Tensor) -> Any:
        _need(name, "input", input)
        return answer(input)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = doc
    op(call, function=function)


_about("is_conj", lambda x: False, "False: this engine conjugates at once.")
_about("is_neg", lambda x: False, "False: this engine negates at once.")
_about("is_signed", lambda x: x.dtype.is_signed, "Whether the type has negative numbers.")
_about("is_inference", lambda x: x._inference, "Whether the tensor was made in inference mode.")
_about("is_distributed", lambda x: False, "False: tensors here live in one process.")
_about("get_device", lambda x: -1, "-1: the CPU.")
_about("is_shared", is_shared, "Whether the memory is shared with other processes.", function=False)
_about("is_coalesced", lambda x: _sparse_only("is_coalesced"), "RuntimeError: not sparse.", False)
_about("dense_dim", lambda x: x.ndim, "All dims of a dense tensor are dense.", function=False)
_about("sparse_dim", lambda x: 0, "No dim of a dense tensor is sparse.", function=False)
_about("const_data_ptr", Tensor.data_ptr, "`data_ptr`, for memory to be read only.", function=False)
_about("dequantize", lambda x: _dequantized(x), "The tensor in float32: it is not quantized.")

Tensor.is_cpu = True  # type: ignore[attr-defined]
for _elsewhere in ("xpu", "xla", "ipu", "maia", "mtia", "vulkan", "nested", "sparse_csr"):
    setattr(Tensor, f"is_{_elsewhere}", False)


def _sparse_only(name: str) -> Any:
    raise RuntimeError(
        f"{name} expected sparse coordinate tensor layout but got Strided"
    )


def _dequantized(input: Tensor) -> Tensor:
    """`input` itself if it is float32; torch derives nothing through either."""
    if input.dtype is float32 and not (state.grad and input.requires_grad):
        return input
    data = cast_array(input._array, float32)
    return record("NotImplemented", data, x=(input, never_derived("dequantize", "")))


@op
def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether both have the same shape."""
    _need("is_same_size", "other", other, 2)
    return input._array.shape == other._array.shape


@op(method=False)
def typename(obj: Any) -> str:
    """The name of an object's type, with its module; a tensor's legacy type ("torch.FloatTensor")."""
    if isinstance(obj, Tensor):
        return f"torch.{obj.dtype.legacy}"
    where = getattr(obj, "__module__", "") or ""
    if hasattr(obj, "__qualname__"):
        name = obj.__qualname__
    elif hasattr(obj, "__name__"):
        name = obj.__name__
    else:
        kind = _builtin_type(obj)
        where, name = kind.__module__ or "", kind.__qualname__
    return name if where in ("", "builtins") else f"{where}.{name}"


@op(function=False)
def dim_order(input: Tensor, *, ambiguity_check: Any = False) -> tuple[int, ...]:
    """The dims from the slowest to the fastest in memory."""
    from .options import memory_order

    return tuple(memory_order(input._array))


@op(function=False)
def to_dense(input: Tensor, dtype: Any = None, *, masked_grad: bool | None = None) -> Tensor:
    """The tensor itself: it is dense."""
    return input if dtype is None else input.to(dtype)


@op(function=False)
def as_subclass(input: Tensor, cls: Any) -> Any:
    """The same memory and history as an instance of a subclass of Tensor."""
    if not (isinstance(cls, _builtin_type) and issubclass(cls, Tensor)):
        raise TypeError(
            "Creating a Tensor subclass from a class that does not inherit from Tensor is not "
            "possible. Make sure your class inherits from Tensor."
        )
    seen = rename(input.view(input.shape), "AliasBackward0")
    new = blank(cls)
    for slot in ("_array", "_requires_grad", "_node", "_nr", "_cell", "_base"):
        setattr(new, slot, getattr(seen, slot))
    new.__dict__.update(seen.__dict__)
    return new


@op(function=False)
def reinforce(input: Tensor, reward: Any) -> Any:
    """Gone, in torch as here: raises RuntimeError."""
    raise RuntimeError(
        "reinforce() was removed.\nUse torch.distributions instead.\n"
        "See https://pytorch.org/docs/main/distributions.html"
    )


@op(function=False)
def module_load(input: Tensor, other: Tensor, assign: bool = False) -> Tensor:
    """What `Module.load_state_dict` puts in the place of `input`: `input` filled from `other`."""
    return other.detach() if assign else input.copy_(other).detach()


# ---- methods that are functions too ------------------------------------------------------------------


def _function_of(name: str) -> None:
    method = getattr(Tensor, name)

    def call(input: Tensor, *args: Any, **kwargs: Any) -> Any:
        _need(name, "input", input)
        return method(input, *args, **kwargs)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"`Tensor.{name}` as a function."
    op(call, method=False)


for _name in ("as_strided_", "detach_", "fill_", "zero_"):
    if hasattr(Tensor, _name) and ("torch", _name) not in REGISTRY:
        _function_of(_name)
