"""Products of vectors and matrices: mm, bmm, mv, dot, matmul.

BLAS does the arithmetic through NumPy.  The gradients of C = A·B are the two products one would
write by hand: dA = dC·Bᴴ and dB = Aᴴ·dC.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from ..autograd.graph import rename, requires_grad
from ..autograd.rows import Row, multiplies
from ..kernels.products import matmul as on_threads
from ..quiet import fp
from ..tensor import Tensor, wrap
from .pointwise import conj, mul
from .registry import op
from .shaping import reshape, transpose
from .table import broadcast_error, not_implemented
from .writing import C_TYPES, exact_out, refuse_others, write_exactly

_DOT_OUT = "result dtype {out} does not match input dtype {own}"
_ADDMV_OUT = "addmv input tensors must have the same dtype, but got {out}, {own}, and {own}"


def product(a: np.ndarray, b: np.ndarray, kernel: str = "addmm_impl_cpu_") -> np.ndarray:
    """a @ b with torch's accumulation: half precision is summed in float32 and rounded once.

    `kernel` is torch's name for it: it has none for booleans, unless there is nothing to add up.
    """
    kind = a.dtype.char
    if kind == "e":
        return product(a.astype(np.float32), b.astype(np.float32)).astype(np.float16)
    if kind == "?" and (kernel == "dot" or (a.size and b.size)):
        raise not_implemented(kernel, wrap(a))
    data: np.ndarray = fp.quiet(on_threads, a, b)
    return data


def _same_types(a: Tensor, b: Tensor) -> None:
    if a._array.dtype != b._array.dtype:
        raise RuntimeError(
            f"expected m1 and m2 to have the same dtype, but got: {C_TYPES[a.dtype.name]} != "
            f"{C_TYPES[b.dtype.name]}"
        )


def _same_batches(a: Tensor, b: Tensor) -> None:
    if a._array.dtype != b._array.dtype:
        raise RuntimeError(f"expected scalar type {a.dtype.title} but found {b.dtype.title}")


def adjoint_of(x: Tensor) -> Tensor:
    """The conjugate transpose of the last two dims."""
    return conj(transpose(x, -2, -1))


_MM = Row("MmBackward0", ("input", "mat2"), (
    lambda g, mat2: mm(g, adjoint_of(mat2)),
    lambda g, input: mm(adjoint_of(input), g),
))  # fmt: skip


@op(own_out=True)
@exact_out()
def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """(n×m) · (m×p).  Raises RuntimeError on other shapes; `matmul` broadcasts."""
    a, b = input._array, mat2._array
    if a.ndim != 2:
        raise RuntimeError("self must be a matrix")
    if b.ndim != 2:
        raise RuntimeError("mat2 must be a matrix")
    _same_types(input, mat2)
    (n, m), (k, p) = a.shape, b.shape
    if m != k:
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({n}x{m} and {k}x{p})")
    return _MM(product(a, b), input, mat2)


_BMM = Row("BmmBackward0", ("input", "mat2"), (
    lambda g, mat2: matmul(g, adjoint_of(mat2)),
    lambda g, input: matmul(adjoint_of(input), g),
))  # fmt: skip


@op(own_out=True)
@exact_out()
def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """A batch of products: (b×n×m) · (b×m×p)."""
    if input.ndim != 3:
        raise RuntimeError("batch1 must be a 3D tensor")
    if mat2.ndim != 3:
        raise RuntimeError("batch2 must be a 3D tensor")
    _same_batches(input, mat2)
    b, _, m = input._array.shape
    if mat2._array.shape[:2] != (b, m):
        raise RuntimeError(
            "Expected size for first two dimensions of batch2 tensor to be: "
            f"[{b}, {m}] but got: [{mat2.shape[0]}, {mat2.shape[1]}]."
        )
    return _BMM(product(input._array, mat2._array, "bmm"), input, mat2)


_MV = Row("MvBackward0", ("input", "vec"), (
    lambda g, vec: mul(g.unsqueeze(-1), conj(vec)),
    lambda g, input: mv(adjoint_of(input), g),
))  # fmt: skip


@op(own_out=True)
@exact_out()
def mv(input: Tensor, vec: Tensor) -> Tensor:
    """(n×m) · (m)."""
    if input.ndim != 2 or vec.ndim != 1:
        raise RuntimeError(
            f"vector + matrix @ vector expected, got 1, {input.ndim}, {vec.ndim}"
        )
    if input._array.shape[1] != vec._array.shape[0]:
        raise RuntimeError(
            f"size mismatch, got input ({input.shape[0]}), mat ({input.shape[0]}x{input.shape[1]}), "
            f"vec ({vec.shape[0]})"
        )
    if input._array.dtype != vec._array.dtype:
        own, other = input.dtype.title, vec.dtype.title
        raise RuntimeError(
            f"addmv input tensors must have the same dtype, but got {other}, {own}, and {other}"
        )
    return _MV(product(input._array, vec._array, "addmv_impl_cpu"), input, vec)


_DOT = Row("DotBackward0", ("input", "tensor"), (
    multiplies(lambda g, tensor: mul(g, conj(tensor))),
    multiplies(lambda g, input: mul(g, conj(input))),
))  # fmt: skip


@op(own_out=True)
@exact_out(_DOT_OUT)
def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """The sum of products of two vectors of equal length (no conjugation)."""
    a, b = input._array, tensor._array
    if a.ndim != 1 or b.ndim != 1:
        raise RuntimeError(f"1D tensors expected, but got {a.ndim}D and {b.ndim}D tensors")
    if a.dtype != b.dtype:
        raise RuntimeError(
            f"dot : expected both vectors to have same dtype, but found {input.dtype.title} and "
            f"{tensor.dtype.title}"
        )
    if a.shape != b.shape:
        raise RuntimeError(
            f"inconsistent tensor size, expected tensor [{a.size}] and src [{b.size}] to have the "
            f"same number of elements, but got {a.size} and {b.size} elements respectively"
        )
    return _DOT(product(a, b, "dot"), input, tensor)


def _matmul_out(function: Any) -> Any:
    """`out=` as in torch's matmul, which hands it to whatever computes the last product."""

    def complaint(input: Tensor, other: Tensor) -> str:
        dims = min(input.ndim, other.ndim), max(input.ndim, other.ndim)
        if dims == (1, 1):
            return _DOT_OUT
        return _ADDMV_OUT if dims[0] == 1 and dims[1] > 2 and other.ndim == 1 else ""

    @functools.wraps(function)
    def call(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
        try:
            result = function(input, other)
        except AttributeError:
            refuse_others(function, (input, other))
            raise
        if out is None:
            return result
        words = complaint(input, other)
        return write_exactly(out, result, "matmul", *([words] if words else []))

    return call


@op(own_out=True)
@_matmul_out
def matmul(input: Tensor, other: Tensor) -> Tensor:
    """The product of vectors, matrices, or broadcast batches of matrices, by the operands' dims."""
    m, n = input._array.ndim, other._array.ndim
    if m == 2 and n == 2:
        return mm(input, other)
    if m == 0 or n == 0:
        raise RuntimeError(
            f"both arguments to matmul need to be at least 1D, but they are {m}D and {n}D"
        )
    if m == 1 and n == 1:
        return dot(input, other)
    if m == 2 and n == 1:
        return mv(input, other)
    if m == 1 and n == 2:  # torch squeezes in place, which names the node
        return rename(mm(input.unsqueeze(0), other).squeeze(0), "SqueezeBackward4")
    result = _batched(input, other)
    return rename(result, "CloneBackward0" if _is_folded(input, other) else "UnsafeViewBackward0")


def _is_folded(a: Tensor, b: Tensor) -> bool:
    """Whether torch multiplies the transposes: a single matrix times a batch, with a gradient."""
    single = a.ndim == b.ndim == 3 and a._array.shape[0] == 1 != b._array.shape[0]
    return (a.ndim == 2 or single) and requires_grad(a)


def _batched(a: Tensor, b: Tensor) -> Tensor:
    """Batches of matrices; a single matrix on the right of a batch is one large product."""
    if b.ndim <= 2 and a.ndim >= 3:
        rows = a._array.shape[:-1]
        flat = reshape(a, math.prod(rows), a._array.shape[-1])
        product_ = mm(flat, b) if b.ndim == 2 else mv(flat, b)
        return reshape(product_, *rows, *b._array.shape[1:])
    _same_batches(a, b)
    if a.ndim == 1:
        return _batched(a.unsqueeze(0), b).squeeze(-2)
    if b.ndim == 1:
        return _batched(a, b.unsqueeze(-1)).squeeze(-1)
    x, y = a._array, b._array
    if x.shape[-1] != y.shape[-2]:
        lead = math.prod(np.broadcast_shapes(x.shape[:-2], y.shape[:-2]))
        raise RuntimeError(
            "Expected size for first two dimensions of batch2 tensor to be: "
            f"[{lead}, {x.shape[-1]}] but got: [{lead}, {y.shape[-2]}]."
        )
    try:
        data = product(x, y, "bmm")
    except ValueError:
        raise broadcast_error(np.empty(x.shape[:-2]), np.empty(y.shape[:-2])) from None
    return _BMM(data, a, b)
