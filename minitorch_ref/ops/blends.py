"""The add… family: `beta · input + alpha · product` for every kind of product.

The one idea: beta = 0 drops `input` altogether, even its inf and nan.  Half precision is computed
in float32 and rounded once.  The gradients are those of the product, times conj(alpha).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd.graph import record
from ..autograd.inplace import in_place
from ..dtypes import FLOATING, promote_types, result_type
from ..quiet import fp
from ..tensor import Tensor
from .common import as_operand, convert_number
from .matmul import adjoint_of, bmm, mm, mv, product
from .pointwise import conj, mul
from .registry import op
from .shaping import expand_shape
from .writing import C_TYPES, exact_in_place, exact_out

_SAME = "self and mat2 must have the same dtype, but got {out} and {own}"


def _sum(x: np.ndarray, beta: Any, data: np.ndarray, alpha: Any, to: Any) -> np.ndarray:
    """beta · x + alpha · data, in type `to`."""
    half = to.np.char == "e"
    if half:
        data = data.astype(np.float32)
    if alpha != 1:
        data = fp.quiet(np.multiply, data, _factor(alpha, to, half))
    if beta != 0:
        x = x.astype(np.float32) if half else x
        x = x if beta == 1 else fp.quiet(np.multiply, x, _factor(beta, to, half))
        data = fp.quiet(np.add, x, data)
    return np.asarray(data, to.np)


def _factor(value: Any, to: Any, half: bool) -> np.ndarray:
    """beta or alpha in the type of the sum: integers drop the fraction, as torch does."""
    number = convert_number(value, to)
    return number.astype(np.float32) if half else number


def _wide(x: np.ndarray) -> np.ndarray:
    """Half precision is multiplied in float32, and rounded after the sum."""
    return x.astype(np.float32) if x.dtype.char == "e" else x


def _times(g: Tensor, factor: Any) -> Tensor:
    return g if factor == 1 else mul(g, conj(factor))


def _same(message: str, *operands: Tensor) -> None:
    if len({x._array.dtype for x in operands}) > 1:
        raise RuntimeError(message.format(*[x.dtype.title for x in operands]))


@op(own_out=True, inplace=True)
@exact_in_place
@exact_out()
def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """`beta · input + alpha · mat1 @ mat2`, `input` broadcast to the product."""
    for which, matrix in (("mat1", mat1), ("mat2", mat2)):
        if matrix.ndim != 2:
            raise RuntimeError(f"{which} must be a matrix, got {matrix.ndim}-D tensor")
    (n, m), (k, p) = mat1._array.shape, mat2._array.shape
    if m != k:
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({n}x{m} and {k}x{p})")
    _same("self and mat2 must have the same dtype, but got {0} and {2}", input, mat1, mat2)
    expand_shape(input._array.shape, (n, p))
    data = product(_wide(mat1._array), _wide(mat2._array))
    return record(
        "AddmmBackward0",
        _sum(input._array, beta, data, alpha, input.dtype),
        input=(input, lambda g: _times(g, beta)),
        mat1=(mat1, lambda g, mat2: _times(mm(g, adjoint_of(mat2)), alpha)),
        mat2=(mat2, lambda g, mat1: _times(mm(adjoint_of(mat1), g), alpha)),
    )


@op(own_out=True, inplace=True)
@exact_in_place
@exact_out()
def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """`beta · input + alpha · mat @ vec`."""
    if input.ndim > 1 or mat.ndim != 2 or vec.ndim != 1:
        raise RuntimeError(
            f"vector + matrix @ vector expected, got {input.ndim}, {mat.ndim}, {vec.ndim}"
        )
    (n, m), own = mat._array.shape, input.numel()
    if m != vec.numel() or own not in (1, n):
        raise RuntimeError(
            f"size mismatch, got input ({own}), mat ({n}x{m}), vec ({vec.numel()})"
        )
    _same("addmv input tensors must have the same dtype, but got {0}, {1}, and {2}", input, mat, vec)
    data = product(_wide(mat._array), _wide(vec._array), "addmv_impl_cpu")
    return record(
        "AddmvBackward0",
        _sum(input._array, beta, data, alpha, input.dtype),
        input=(input, lambda g: _times(g, beta)),
        mat=(mat, lambda g, vec: _times(mul(g.unsqueeze(-1), conj(vec)), alpha)),
        vec=(vec, lambda g, mat: _times(mv(adjoint_of(mat), g), alpha)),
    )


def _check_batches(batch1: Tensor, batch2: Tensor) -> tuple[int, int, int]:
    """(b, n, p) of (b×n×m) · (b×m×p)."""
    for which, batch in (("batch1", batch1), ("batch2", batch2)):
        if batch.ndim != 3:
            raise RuntimeError(f"{which} must be a 3D tensor")
    return (*batch1._array.shape[:2], batch2._array.shape[2])


@op(own_out=True, inplace=True)
@exact_in_place
@exact_out()
def baddbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1
) -> Tensor:
    """`beta · input + alpha · batch1 @ batch2`, for batches of matrices."""
    b, n, p = _check_batches(batch1, batch2)
    shape, other = batch1._array.shape, batch2._array.shape
    if other[:2] != (b, shape[2]):
        raise RuntimeError(
            "Expected size for first two dimensions of batch2 tensor to be: "
            f"[{b}, {shape[2]}] but got: [{other[0]}, {other[1]}]."
        )
    if input._array.dtype != batch1._array.dtype:
        kinds = [C_TYPES[x.dtype.name] for x in (input, batch1, batch2)]
        raise RuntimeError(
            "Input dtypes must be the same, got: input {}, batch1: {}, batch2: {}".format(*kinds)
        )
    _same("expected scalar type {0} but found {1}", batch1, batch2)
    expand_shape(input._array.shape, (b, n, p))
    data = product(_wide(batch1._array), _wide(batch2._array), "baddbmm")
    return record(
        "BaddbmmBackward0",
        _sum(input._array, beta, data, alpha, input.dtype),
        input=(input, lambda g: _times(g, beta)),
        batch1=(batch1, lambda g, batch2: _times(bmm(g, adjoint_of(batch2)), alpha)),
        batch2=(batch2, lambda g, batch1: _times(bmm(adjoint_of(batch1), g), alpha)),
    )


@op(own_out=True, inplace=True)
@exact_out(_SAME)
def addbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1
) -> Tensor:
    """`beta · input + alpha · Σ_b batch1[b] @ batch2[b]`, added up one product after the other."""
    b, n, p = _check_batches(batch1, batch2)
    if batch2._array.shape[0] != b:
        raise RuntimeError(
            "batch1 and batch2 must have same number of batches, got "
            f"{b} and {batch2._array.shape[0]}"
        )
    if batch1._array.shape[2] != batch2._array.shape[1]:
        raise RuntimeError(
            f"Incompatible matrix sizes for bmm ({n}x{batch1._array.shape[2]} and "
            f"{batch2._array.shape[1]}x{p})"
        )
    _same("self and mat2 must have the same dtype, but got {0} and {2}", input, batch1, batch2)
    expand_shape(input._array.shape, (n, p))
    data, scale = np.broadcast_to(input._array, (n, p)), beta
    for x, y in zip(batch1._array, batch2._array):
        data, scale = _sum(data, scale, product(_wide(x), _wide(y)), alpha, input.dtype), 1
    if not b:
        data = _sum(data, beta, np.zeros((n, p), data.dtype), 1, input.dtype)

    def spread(g: Tensor) -> Tensor:
        return _times(g.unsqueeze(0).expand(b, n, p), alpha)

    return record(
        "AddbmmBackward0",
        data,
        input=(input, lambda g: _times(g, beta)),
        batch1=(batch1, lambda g, batch2: bmm(spread(g), adjoint_of(batch2))),
        batch2=(batch2, lambda g, batch1: bmm(adjoint_of(batch1), spread(g))),
    )


@op(out=True, inplace=True)
def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """`beta · input + alpha · outer(vec1, vec2)`, in the operands' common type."""
    for which, vector in (("vec1", vec1), ("vec2", vec2)):
        if vector.ndim != 1:
            raise RuntimeError(f"addr: Expected 1-D argument {which}, but got {vector.ndim}-D")
    to = promote_types(input.dtype, result_type(vec1, vec2))
    for which, value in (("beta", beta), ("alpha", alpha)):
        if to.category < FLOATING and isinstance(value, float):
            raise RuntimeError(
                f"For integral input tensors, argument {which} must not be a floating point number."
            )
    expand_shape(input._array.shape, (vec1.numel(), vec2.numel()))
    x, a, b = (as_operand(t, to) for t in (input, vec1, vec2))
    data = _addr(x, beta, a, b, alpha, to)
    return record(
        "AddrBackward0",
        data,
        input=(input, lambda g: _times(g, beta)),
        vec1=(vec1, lambda g, vec2: _times(mv(g, conj(vec2)), alpha)),
        vec2=(vec2, lambda g, vec1: _times(mv(g.t(), conj(vec1)), alpha)),
    )


def _addr(x: np.ndarray, beta: Any, a: np.ndarray, b: np.ndarray, alpha: Any, to: Any) -> np.ndarray:
    """The sum in torch's order, (alpha · vec1) · vec2 first; half precision rounds at every step."""
    if to.np.kind == "b":
        data = np.logical_and(a[:, None], b) & bool(alpha)
        return np.logical_or(x, data) if beta else data
    scaled = a if alpha == 1 else fp.quiet(np.multiply, a, convert_number(alpha, to))
    data = fp.quiet(np.multiply, scaled[:, None], b)
    if beta == 0:
        return data
    x = x if beta == 1 else fp.quiet(np.multiply, x, convert_number(beta, to))
    return np.asarray(fp.quiet(np.add, x, data))


def _addr_into(self: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """`addr` for a tensor of the product's own shape."""
    if self.ndim != 2:
        raise RuntimeError(f"2D tensor expected, got {self.ndim}D tensor for input")
    if self._array.shape != (vec1.numel(), vec2.numel()):
        raise RuntimeError(
            f"size mismatch, input: {list(self.shape)}, v1: {list(vec1.shape)}, v2: "
            f"{list(vec2.shape)}"
        )
    return addr(self, vec1, vec2, beta=beta, alpha=alpha)


Tensor.addr_ = in_place(_addr_into, "addr_")  # type: ignore[attr-defined]
