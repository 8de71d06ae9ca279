"""Copies and casts: `to`, `float`, `type`, `clone`, `copy_`, `contiguous`, `detach`, real and imag."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import dtypes
from ..autograd.graph import as_view, record, rename, view
from ..autograd.inplace import check_writable, in_place, write
from ..autograd.inplace import detach as detached
from ..autograd.modes import state
from ..device import check_device, device
from ..dtypes import dtype
from ..kernels.layout import blank, copied, in_order, suggests_channels_last
from ..layout import (
    channels_last,
    channels_last_3d,
    contiguous_format,
    format_dims,
    memory_format,
    preserve_format,
)
from ..settings import warn_once
from ..tensor import Tensor, settled, wrap
from .common import cast_array
from .refusals import bad_argument
from .registry import check_overlap, op


def cast(input: Tensor, to: dtype) -> Tensor:
    """`input` in another type; the gradient is cast back by the engine."""
    data = cast_array(input._array, to)
    return input if data is input._array else _recorded(data, input)


def converted(input: Tensor, to: dtype) -> Tensor:
    """`cast` at the user's own wish; torch warns once that the imaginary part is lost."""
    return _to(input, to, False, None)


def warn_of_lost_part(input: Tensor, to: dtype) -> None:
    """Warn, the first time, where complex numbers become real ones."""
    if input._array.dtype.kind == "c" and dtypes.BOOL < to.category < dtypes.COMPLEX:
        warn_once("Casting complex values to real discards the imaginary part")


def _parse_to(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[dtype | None, bool, Any]:
    """(dtype, copy, memory format) from any of the call forms of `Tensor.to`."""
    wanted = kwargs.pop("dtype", None)
    place = kwargs.pop("device", None)
    copy = kwargs.pop("copy", False)
    order = kwargs.pop("memory_format", None)
    other = kwargs.pop("other", None)
    kwargs.pop("non_blocking", None)
    if kwargs:
        raise TypeError(f"to() received an unexpected keyword argument '{next(iter(kwargs))}'")
    flags = []
    for a in args:
        if isinstance(a, dtype):
            wanted = a
        elif isinstance(a, Tensor):
            other = a
        elif isinstance(a, bool):
            flags.append(a)  # non_blocking, then copy
        elif isinstance(a, (str, int, device)):
            place = a
        elif a is not None:
            raise TypeError(
                "to() received an invalid combination of arguments - got "
                f"({', '.join(type(x).__name__ for x in args)})"
            )
    if other is not None:
        wanted = other.dtype
    check_device(place)
    return wanted, flags[1] if len(flags) > 1 else copy, order


@op(function=False)
def to(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """`input` with another dtype; `input` itself if nothing changes and `copy` is False.

    Raises AssertionError for a CUDA device: this engine computes on the CPU.
    """
    wanted, copy, order = _parse_to(args, kwargs)
    return _to(input, input.dtype if wanted is None else wanted, copy, order)


def _to(input: Tensor, wanted: dtype, copy: bool, order: memory_format | None) -> Tensor:
    """`input` in a type and a memory format (None: its own); itself if it may be and has them."""
    array = input._array
    fits = order is None or order is preserve_format or order is suggested(array)
    if fits and not copy and wanted.np == array.dtype:
        return input
    warn_of_lost_part(input, wanted)
    if order is None or order is preserve_format:
        data = cast_array(array, wanted)
        return _recorded(copied(array) if data is array else data, input)
    dims = format_dims(order, array.ndim)
    data = blank(array.shape, wanted.np, in_order(array.shape, dims, wanted.itemsize))
    data[...] = cast_array(array, wanted)
    return _recorded(data, input)


def suggested(array: np.ndarray) -> memory_format:
    """The format that torch takes an array to be in, by its strides."""
    if not suggests_channels_last(array):
        return contiguous_format
    return channels_last if array.ndim == 4 else channels_last_3d


def _recorded(data: np.ndarray, input: Tensor) -> Tensor:
    """A copy in another type or format, whose gradient the engine casts back."""
    return record("ToCopyBackward0", data, input=(input, lambda g: g))


def _caster(name: str, to: dtype) -> Any:
    def method(input: Tensor, memory_format: memory_format | None = None) -> Tensor:
        return _to(input, to, False, memory_format)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"`input` as {to!r}; itself if it has that type already."
    return op(method, function=False)


for _name, _dtype in {
    "float": dtypes.float32, "double": dtypes.float64, "half": dtypes.float16,
    "int": dtypes.int32, "long": dtypes.int64, "short": dtypes.int16, "char": dtypes.int8,
    "byte": dtypes.uint8, "bool": dtypes.bool_, "cfloat": dtypes.complex64,
    "cdouble": dtypes.complex128, "bfloat16": dtypes.bfloat16,
}.items():  # fmt: skip
    _caster(_name, _dtype)


@op(function=False)
def type(input: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:  # noqa: A001
    """The legacy type string ("torch.FloatTensor"), or `input` cast to the type given."""
    if dtype is None:
        return f"torch.{input.dtype.legacy}"
    if isinstance(dtype, str):
        try:
            return converted(input, dtypes.BY_LEGACY[dtype])
        except KeyError:
            raise ValueError(f"invalid type: '{dtype}'") from None
    return converted(input, getattr(dtype, "dtype", dtype))


@op(function=False)
def type_as(input: Tensor, other: Tensor) -> Tensor:
    """`input` cast to `other`'s type."""
    return converted(input, other.dtype)


@op
def clone(input: Tensor, *, memory_format: Any = preserve_format) -> Tensor:
    """A copy that gradients flow through.  Dense layouts are preserved, as in torch."""
    if memory_format is preserve_format or memory_format is None:
        data = copied(input._array)
    elif memory_format is contiguous_format:
        data = input._array.copy("C")
    else:
        return _in_order(input, memory_format)
    return record("CloneBackward0", data, input=(input, lambda g: g))


def _in_order(input: Tensor, order: memory_format) -> Tensor:
    """A copy whose dims lie in memory in the order of a memory format."""
    array = input._array
    dims = format_dims(order, array.ndim)
    data = blank(array.shape, array.dtype, in_order(array.shape, dims, array.itemsize))
    data[...] = array
    return record("CloneBackward0", data, input=(input, lambda g: g))


@op(function=False)
def contiguous(input: Tensor, memory_format: Any = contiguous_format) -> Tensor:
    """`input` itself if its memory is in order, else a copy that is."""
    if memory_format is preserve_format:
        raise RuntimeError(
            "preserve memory format is unsupported by the contiguous operator"
        )
    if input.is_contiguous(memory_format):
        return input
    return clone(input, memory_format=memory_format)


@op
def detach(input: Tensor) -> Tensor:
    """The same memory without history; writes to either are seen by both."""
    return detached(input)


@op(name="detach_", function=False)
def detach_(input: Tensor) -> Tensor:
    """Cut `input` itself off from the graph.  Raises RuntimeError on views."""
    if input._base is not None:
        raise RuntimeError(
            "Can't detach views in-place. Use detach() instead. If you are using "
            "DistributedDataParallel (DDP) for training, and gradient_as_bucket_view is set as "
            "True, gradients are views of DDP buckets, and hence detach_() cannot be called on "
            "these gradients. To fix this error, please refer to the Optimizer.zero_grad() "
            "function in torch/optim/optimizer.py as the solution."
        )
    input._node, input._nr, input._requires_grad = None, 0, False
    return input


@op(function=False)
def copy_(input: Tensor, src: Tensor, non_blocking: bool = False) -> Tensor:
    """Write `src`, broadcast and cast, into `input`; gradients flow to `src`."""
    if not isinstance(src, Tensor):
        raise TypeError(
            f"copy_(): argument 'other' (position 1) must be Tensor, not {src.__class__.__name__}"
        )
    check_writable(input, overlap=src is input)
    check_overlap(input, (src,))
    shape = input._array.shape
    try:
        data = np.broadcast_to(src._array, shape)
    except ValueError:
        raise RuntimeError(
            f"output with shape {list(shape)} doesn't match the broadcast shape "
            f"{list(np.broadcast_shapes(shape, src._array.shape))}"
            if _broadcastable(shape, src._array.shape)
            else _mismatch(shape, src._array.shape)
        ) from None
    warn_of_lost_part(src, input.dtype)
    data = cast_array(data, input.dtype)
    if not state.grad:
        write(input, wrap(data))
        return input
    value = record("CopyBackwards", data, input=(input, lambda g: zeros(g)), src=(src, lambda g: g))
    write(input, value)
    return input


def zeros(g: Tensor) -> Tensor:
    """A gradient of zeros."""
    return wrap(np.zeros_like(g._array))


def _broadcastable(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    return all(m == n or 1 in (m, n) for m, n in zip(reversed(a), reversed(b)))


def _mismatch(a: tuple[int, ...], b: tuple[int, ...]) -> str:
    for i, (m, n) in enumerate(zip(reversed(a), reversed(b)), start=1):
        if m != n and n != 1:
            dim = max(len(a), len(b)) - i
            return (
                f"The size of tensor a ({m}) must match the size of tensor b ({n}) at non-singleton "
                f"dimension {dim}"
            )
    return f"cannot copy a tensor of shape {list(b)} into one of shape {list(a)}"


# ---- complex parts -----------------------------------------------------------------------------


@op
def conj(input: Tensor) -> Tensor:
    """The complex conjugate; a real tensor is its own."""
    if not isinstance(input, Tensor):
        raise bad_argument("conj", "input", 1, input)
    if not input.is_complex():
        return input
    return record("ConjBackward0", np.conjugate(input._array), input=(input, lambda g: conj(g)))


def conj_physical(input: Tensor) -> Tensor:
    """`conj`, named for what it does in memory."""
    if not isinstance(input, Tensor):
        raise bad_argument("conj_physical", "input", 1, input)
    return rename(conj(input), "ConjPhysicalBackward0") if input.is_complex() else input


def _conjugated(input: Tensor) -> Tensor:
    data = np.conjugate(input._array) if input.is_complex() else input._array.copy()
    return record("ConjPhysicalBackward1", data, input=(input, lambda g: conj(g)))


conj_physical.in_place = in_place(_conjugated, "conj_physical_")  # type: ignore[attr-defined]
conj_physical = op(conj_physical, inplace=True, out="traced same")


@op
def resolve_conj(input: Tensor) -> Tensor:
    """`input`: this engine has no lazy conjugation."""
    if not isinstance(input, Tensor):
        raise bad_argument("resolve_conj", "input", 1, input)
    return input


@op
def resolve_neg(input: Tensor) -> Tensor:
    """`input`: this engine has no lazy negation."""
    if not isinstance(input, Tensor):
        raise bad_argument("resolve_neg", "input", 1, input)
    return input


@op(method=False)
def real(input: Tensor) -> Tensor:
    """The real parts, a view of `input`'s memory; a real tensor is its own."""
    if not isinstance(input, Tensor):
        raise bad_argument("real", "input", 1, input)
    if not input.is_complex():
        return input
    return view("SelectBackward0", input, input._array.real, lambda g: to_complex(g, 1))


@op(method=False)
def imag(input: Tensor) -> Tensor:
    """The imaginary parts, a view of `input`'s memory.  Raises RuntimeError on real tensors."""
    if not isinstance(input, Tensor):
        raise bad_argument("imag", "input", 1, input)
    if not input.is_complex():
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return view("SelectBackward0", input, input._array.imag, lambda g: to_complex(g, 1j))


def _set_part(part: Any) -> Any:
    def write_part(input: Tensor, value: Any) -> None:
        part(input).copy_(value if isinstance(value, Tensor) else wrap(np.asarray(value)))

    return write_part


setattr(Tensor, "real", property(real, _set_part(real)))  # noqa: B010
setattr(Tensor, "imag", property(imag, _set_part(imag)))  # noqa: B010


def to_complex(g: Tensor, unit: complex) -> Tensor:
    """`unit · g` as a complex tensor."""
    array = g._array
    data = array * g.dtype.to_complex().np.type(unit)
    back = real if unit == 1 else imag
    return record("ComplexBackward0", np.asarray(data), g=(g, lambda h: back(h)))


@op
def view_as_real(input: Tensor) -> Tensor:
    """Complex numbers as pairs of real ones, in a new last dim of size 2; a view."""
    if not input.is_complex():
        raise RuntimeError("view_as_real is only supported for complex tensors")
    array = input._array
    parts = np.lib.stride_tricks.as_strided(
        array.real, (*array.shape, 2), (*array.strides, array.itemsize // 2)
    )
    return view("ViewAsRealBackward0", input, parts, lambda g: view_as_complex(g.contiguous()))


@op
def view_as_complex(input: Tensor) -> Tensor:
    """Pairs of real numbers in the last dim (size 2) as complex ones; a view."""
    array = input._array
    if array.ndim == 0 or array.shape[-1] != 2:
        raise RuntimeError("Tensor must have a last dimension of size 2")
    if input.stride(-1) != 1:
        raise RuntimeError("Tensor must have a last dimension with stride 1")
    if array.dtype.kind != "f":
        raise RuntimeError(
            "view_as_complex is only supported for half, float and double tensors, but got a tensor "
            f"of scalar type: {input.dtype.title}"
        )
    if any(s % 2 for s in input.stride()[:-1]):
        raise RuntimeError("Tensor must have a stride divisible by 2 for all but last dimension")
    if input.storage_offset() % 2:
        raise RuntimeError("Tensor must have a storage_offset divisible by 2")
    data = input._array.view(input.dtype.to_complex().np)[..., 0]
    return view("ViewAsComplexBackward0", input, data, lambda g: view_as_real(g))


def view_dtype(input: Tensor, to: dtype) -> Tensor:
    """The same bytes seen as another type (`x.view(torch.int32)`); the last dim is rescaled.

    Nothing to differentiate: of the view's relation to `input` only the version counter is left.
    """
    own, array = input.dtype, input._array if input._array.size else settled(input)
    if own.itemsize != to.itemsize:
        _check_rescaling(input, own, to)
    seen = as_view(wrap(array.view(to.np)), input)
    seen._base = None
    return seen


def _check_rescaling(input: Tensor, own: dtype, to: dtype) -> None:
    """Raise torch's RuntimeError unless the last dim can be counted in elements of another size."""
    why = f"to view {own.title} as {to.title} (different element sizes)"
    if input.ndim == 0:
        raise RuntimeError(f"self.dim() cannot be 0 {why}")
    if input.stride(-1) != 1:
        raise RuntimeError(f"self.stride(-1) must be 1 {why}, but got {input.stride(-1)}")
    ratio = to.itemsize // own.itemsize
    if ratio < 2:
        return
    counts = {"size(-1)": input.size(-1), "storage_offset()": input.storage_offset()}
    counts |= {f"stride({d})": s for d, s in enumerate(input.stride()[:-1])}
    for what, n in counts.items():
        if n % ratio:
            raise RuntimeError(f"self.{what} must be divisible by {ratio} {why}, but got {n}")
