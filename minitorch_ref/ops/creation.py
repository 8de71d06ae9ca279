"""New tensors: filled with one value, uninitialised, or like another tensor.

Each kind of filling comes in three forms: `zeros(size)`, `zeros_like(input)` and
`tensor.new_zeros(size)`.  The first takes its dtype from the default, the others from a tensor, and
`_like` also its shape and its order of dims in memory.

Tensors from data are made in `from_data.py`, sequences of numbers in `ranges.py`, random ones in
`sampling.py`; the first two are offered here as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import dtypes
from ..autograd.graph import record
from ..autograd.inplace import bump
from ..dtypes import dtype
from ..kernels import heap
from ..kernels.layout import exact
from ..layout import format_dims
from ..tensor import Tensor
from .common import is_number
from .from_data import (
    as_tensor,
    asarray,
    from_dlpack,
    from_numpy,
    frombuffer,
    legacy_tensor,
    new_tensor,
    tensor,
)  # fmt: skip
from .options import (
    Options,
    allocate,
    allocate_in_order,
    allocate_like,
    deliver,
    place,
    prepare_out,
    settle,
    size_of,
    to_element,
    to_int,
    to_shape,
    wrong_type,
)  # fmt: skip
from .ranges import arange, linspace, logspace, range, tril_indices, triu_indices  # noqa: A004
from .registry import op
from .table import broadcast_error

if TYPE_CHECKING:
    from typing import Unpack

__all__ = [
    "arange", "as_tensor", "asarray", "complex", "empty", "empty_like", "empty_permuted",
    "empty_strided", "eye", "from_dlpack", "from_numpy", "frombuffer", "full", "full_like",
    "legacy_tensor", "linspace", "logspace", "new_tensor", "ones", "ones_like", "polar", "range",
    "scalar_tensor", "tensor", "tril_indices", "triu_indices", "zeros", "zeros_like",
]  # fmt: skip


def check_tensor(name: str, input: Any) -> None:
    """Raise torch's TypeError unless the first argument is a tensor."""
    if not isinstance(input, Tensor):
        raise wrong_type(name, "input", "Tensor", input, 1)


# ---- empty ---------------------------------------------------------------------------------------


@op(method=False, own_out=True)
def empty(
    *size: Any,
    out: Tensor | None = None,
    memory_format: Any = None,
    **options: Unpack[Options],
) -> Tensor:
    """A tensor whose elements are whatever was in memory."""
    shape = size_of("empty", size, options)
    if out is not None:
        before = out._array
        if prepare_out("empty", out, shape, options)._array is not before:
            bump(out)
        return out.requires_grad_() if options.get("requires_grad") else out
    kind, grad = settle("empty", options, dtypes.get_default_dtype())
    if memory_format is None:
        return deliver(allocate(shape, kind), grad)
    return deliver(allocate_in_order(shape, kind, format_dims(memory_format, len(shape))), grad)


@op(method=False)
def empty_permuted(
    size: Sequence[int], physical_layout: Sequence[int], **options: Unpack[Options]
) -> Tensor:
    """Like `empty`, dense in memory with the dims in the order `physical_layout`, slowest first."""
    shape = to_shape("empty_permuted", size)
    if len(physical_layout) == len(shape) > len(set(physical_layout)):
        raise RuntimeError("Duplicate dim not allowed")
    if sorted(physical_layout) != list(np.arange(len(shape))):
        raise RuntimeError(
            "Number of dimensions in size does not match the length of the physical_layout; i.e. "
            f"len(size) = {len(shape)} is not equal to len(physical_layout) = "
            f"{len(physical_layout)}"
        )
    kind, grad = settle("empty_permuted", options, dtypes.get_default_dtype())
    memory = exact(allocate([shape[d] for d in physical_layout], kind))
    return deliver(memory.transpose(np.argsort(physical_layout)), grad)


@op(method=False)
def empty_strided(size: Sequence[int], stride: Sequence[int], **options: Unpack[Options]) -> Tensor:
    """Like `empty`, with strides of your own (in elements; they may make elements overlap)."""
    kind, grad = settle("empty_strided", options, dtypes.get_default_dtype())
    return _strided("empty_strided", size, stride, kind, grad)


def _strided(name: str, size: Any, stride: Any, kind: dtype, grad: bool) -> Tensor:
    shape, steps = to_shape(name, size), tuple(stride)
    if len(shape) != len(steps):
        raise RuntimeError(
            f"dimensionality of sizes ({len(shape)}) must match dimensionality of strides "
            f"({len(steps)})"
        )
    if steps and min(steps) < 0:
        raise RuntimeError(
            f"Storage size calculation overflowed with sizes={list(shape)} and "
            f"strides={list(steps)}"
        )
    span = 0 if 0 in shape else 1 + sum((n - 1) * s for n, s in zip(shape, steps))
    memory = allocate((span,), kind)
    in_bytes = [s * kind.itemsize for s in steps]
    result = deliver(np.lib.stride_tricks.as_strided(memory, shape, in_bytes), grad)
    result._root = memory
    return result


@op(method=False)
def empty_like(input: Tensor, *, memory_format: Any = None, **options: Unpack[Options]) -> Tensor:
    """An uninitialised tensor of `input`'s shape, dtype and order of dims."""
    check_tensor("empty_like", input)
    kind, grad = settle("empty_like", options, input.dtype)
    return deliver(allocate_like(input._array, kind, memory_format), grad)


@op(function=False)
def new_empty(input: Tensor, *size: Any, **options: Unpack[Options]) -> Tensor:
    """An uninitialised tensor of `input`'s dtype."""
    shape = size_of("new_empty", size, options)
    kind, grad = settle("new_empty", options, input.dtype)
    return deliver(allocate(shape, kind), grad)


@op(function=False)
def new_empty_strided(
    input: Tensor, size: Sequence[int], stride: Sequence[int], **options: Unpack[Options]
) -> Tensor:
    """`empty_strided` of `input`'s dtype."""
    kind, grad = settle("new_empty_strided", options, input.dtype)
    return _strided("new_empty_strided", size, stride, kind, grad)


# ---- zeros, ones, full ---------------------------------------------------------------------------


@op(method=False, own_out=True)
def zeros(*size: Any, out: Tensor | None = None, **options: Unpack[Options]) -> Tensor:
    """A tensor of zeros."""
    shape = size_of("zeros", size, options)
    if out is not None:
        return place("zeros", np.broadcast_to(np.False_, shape), out, options)
    kind, grad = settle("zeros", options, dtypes.get_default_dtype())
    return deliver(allocate(shape, kind, zero=True), grad)


@op(method=False, own_out=True)
def ones(*size: Any, out: Tensor | None = None, **options: Unpack[Options]) -> Tensor:
    """A tensor of ones."""
    shape = size_of("ones", size, options)
    if out is not None:
        return place("ones", np.broadcast_to(np.True_, shape), out, options)
    kind, grad = settle("ones", options, dtypes.get_default_dtype())
    return deliver(_filled(allocate(shape, kind), 1), grad)


def _filled(array: np.ndarray, value: Any) -> np.ndarray:
    if array.size >= heap.LARGE:
        heap.keep()
    array.fill(value)
    return array


@op(method=False, own_out=True)
def full(
    size: Sequence[int], fill_value: Any, *, out: Tensor | None = None, **options: Unpack[Options]
) -> Tensor:
    """A tensor of `size` filled with a number, whose type gives the dtype unless one is named.

    Raises RuntimeError if the dtype cannot hold `fill_value`.
    """
    shape = to_shape("full", size)
    value = _number("full", fill_value)
    if out is not None:
        return place("full", np.broadcast_to(to_element(value, out.dtype), shape), out, options)
    kind, grad = settle("full", options, dtypes.dtype_of_number(value))
    return deliver(_filled(allocate(shape, kind), to_element(value, kind)), grad)


def _number(name: str, value: Any) -> Any:
    """A fill value: a number, or what a 0-d tensor holds."""
    if isinstance(value, Tensor) and value.ndim == 0:
        return value.item()
    if not is_number(value):
        raise wrong_type(name, "fill_value", "Number", value, 2)
    return value


@op(method=False)
def scalar_tensor(s: Any, **options: Unpack[Options]) -> Tensor:
    """A 0-d tensor of the default dtype (whatever the number's type)."""
    kind, grad = settle("scalar_tensor", options, dtypes.get_default_dtype())
    return deliver(to_element(s, kind), grad)


@op(method=False)
def zeros_like(input: Tensor, *, memory_format: Any = None, **options: Unpack[Options]) -> Tensor:
    """Zeros in `input`'s shape, dtype and order of dims."""
    check_tensor("zeros_like", input)
    kind, grad = settle("zeros_like", options, input.dtype)
    return deliver(allocate_like(input._array, kind, memory_format, zero=True), grad)


@op(method=False)
def ones_like(input: Tensor, *, memory_format: Any = None, **options: Unpack[Options]) -> Tensor:
    """Ones in `input`'s shape, dtype and order of dims."""
    check_tensor("ones_like", input)
    kind, grad = settle("ones_like", options, input.dtype)
    return deliver(_filled(allocate_like(input._array, kind, memory_format), 1), grad)


@op(method=False)
def full_like(
    input: Tensor, fill_value: Any, *, memory_format: Any = None, **options: Unpack[Options]
) -> Tensor:
    """`fill_value` in `input`'s shape, dtype and order of dims."""
    check_tensor("full_like", input)
    value = _number("full_like", fill_value)
    kind, grad = settle("full_like", options, input.dtype)
    array = allocate_like(input._array, kind, memory_format)
    return deliver(_filled(array, to_element(value, kind)), grad)


@op(function=False)
def new_zeros(input: Tensor, *size: Any, **options: Unpack[Options]) -> Tensor:
    """Zeros of `input`'s dtype."""
    shape = size_of("new_zeros", size, options)
    kind, grad = settle("new_zeros", options, input.dtype)
    return deliver(allocate(shape, kind, zero=True), grad)


@op(function=False)
def new_ones(input: Tensor, *size: Any, **options: Unpack[Options]) -> Tensor:
    """Ones of `input`'s dtype."""
    shape = size_of("new_ones", size, options)
    kind, grad = settle("new_ones", options, input.dtype)
    return deliver(_filled(allocate(shape, kind), 1), grad)


@op(function=False)
def new_full(
    input: Tensor, size: Sequence[int], fill_value: Any, **options: Unpack[Options]
) -> Tensor:
    """`fill_value` in any shape, of `input`'s dtype."""
    shape = to_shape("new_full", size)
    value = _number("new_full", fill_value)
    kind, grad = settle("new_full", options, input.dtype)
    return deliver(_filled(allocate(shape, kind), to_element(value, kind)), grad)


@op(method=False, own_out=True)
def eye(
    n: int, m: int | None = None, *, out: Tensor | None = None, **options: Unpack[Options]
) -> Tensor:
    """Ones on the diagonal of an n by m matrix (m = n by default), zeros elsewhere."""
    rows = to_int("eye", "n", n, 1)
    columns = rows if m is None else to_int("eye", "m", m, 2)
    for name, count in (("n", rows), ("m", columns)):
        if count < 0:
            raise RuntimeError(f"{name} must be greater or equal to 0, got {count}")
    kind, grad = settle("eye", options, dtypes.get_default_dtype() if out is None else out.dtype)
    array = allocate((rows, columns), kind, zero=True)
    np.fill_diagonal(array[:columns], 1)
    return deliver(array, grad) if out is None else place("eye", array, out, options)


# ---- complex numbers from parts ------------------------------------------------------------------


def _parts(input: Tensor, other: Tensor) -> tuple[np.ndarray, np.ndarray, np.dtype]:
    a, b = input.dtype, other.dtype
    if not (a.is_floating_point and b.is_floating_point):
        raise RuntimeError(
            "Expected both inputs to be Half, Float or Double tensors but got "
            f"{a.title} and {b.title}"
        )
    if a is not b:
        raise RuntimeError(
            f"Expected object of scalar type {a.title} but got scalar type {b.title} for second "
            "argument"
        )
    x, y = input._array, other._array
    try:
        np.broadcast_shapes(x.shape, y.shape)
    except ValueError:
        raise broadcast_error(x, y) from None
    return x, y, a.to_complex().np


@op(method=False, out="object")
def complex(real: Tensor, imag: Tensor) -> Tensor:  # noqa: A001 - torch's own name
    """real + i·imag, for two floating tensors of one dtype."""
    x, y, kind = _parts(real, imag)
    data = np.empty(np.broadcast_shapes(x.shape, y.shape), kind)
    data.real, data.imag = x, y
    return record(
        "ComplexBackward0", data, real=(real, lambda g: g.real), imag=(imag, lambda g: g.imag)
    )


@op(method=False, out="object")
def polar(abs: Tensor, angle: Tensor) -> Tensor:  # noqa: A002 - torch's own name
    """abs·(cos angle + i·sin angle), for two floating tensors of one dtype."""
    x, y, kind = _parts(abs, angle)
    wide = y.astype(np.float64)
    data = np.empty(np.broadcast_shapes(x.shape, y.shape), kind)
    data.real, data.imag = x * np.cos(wide).astype(y.dtype), x * np.sin(wide).astype(y.dtype)
    return record(
        "PolarBackward0",
        data,
        abs=(abs, lambda g, out: (g.conj() * out.sgn()).real),
        angle=(angle, lambda g, out: (g.conj() * (out * 1j)).real),
    )
