"""Products of vectors and matrices.

BLAS does the arithmetic through NumPy.  The gradients of C = A·B are the two products one would
write by hand: dA = dC·Bᴴ and dB = Aᴴ·dC.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd.graph import record
from ..quiet import fp
from ..tensor import Tensor
from .common import convert_number
from .pointwise import conj, mul
from .registry import op
from .shaping import transpose


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a @ b with torch's accumulation: half precision is summed in float32 and rounded once."""
    if a.dtype.char == "e":
        return product(a.astype(np.float32), b.astype(np.float32)).astype(np.float16)
    if a.dtype.kind == "b":
        raise RuntimeError("\"addmm_impl_cpu_\" not implemented for 'Bool'")
    return np.asarray(fp.quiet(np.matmul, a, b))


def _same_types(a: Tensor, b: Tensor) -> None:
    if a._array.dtype != b._array.dtype:
        raise RuntimeError(
            f"expected m1 and m2 to have the same dtype, but got: {_c_name(a)} != {_c_name(b)}"
        )


def _c_name(t: Tensor) -> str:
    names = {
        "float32": "float", "float64": "double", "float16": "c10::Half", "int64": "long int",
        "int32": "int", "int16": "short int", "int8": "signed char", "uint8": "unsigned char",
        "complex64": "c10::complex<float>", "complex128": "c10::complex<double>",
    }  # fmt: skip
    return names.get(t.dtype.name, t.dtype.name)


def _tall(x: Tensor) -> Tensor:
    """The conjugate transpose of the last two dims."""
    return conj(transpose(x, -2, -1))


@op(out=True)
def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """(n×m) · (m×p).  Raises RuntimeError on other shapes; `matmul` broadcasts."""
    if input.ndim != 2:
        raise RuntimeError("self must be a matrix")
    if mat2.ndim != 2:
        raise RuntimeError("mat2 must be a matrix")
    _same_types(input, mat2)
    (n, m), (k, p) = input._array.shape, mat2._array.shape
    if m != k:
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({n}x{m} and {k}x{p})")
    return record(
        "MmBackward0",
        product(input._array, mat2._array),
        input=(input, lambda g, mat2: mm(g, _tall(mat2))),
        mat2=(mat2, lambda g, input: mm(_tall(input), g)),
    )


@op(out=True)
def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """A batch of products: (b×n×m) · (b×m×p)."""
    if input.ndim != 3:
        raise RuntimeError("batch1 must be a 3D tensor")
    if mat2.ndim != 3:
        raise RuntimeError("batch2 must be a 3D tensor")
    _same_types(input, mat2)
    b, _, m = input._array.shape
    if mat2._array.shape[:2] != (b, m):
        raise RuntimeError(
            "Expected size for first two dimensions of batch2 tensor to be: "
            f"[{b}, {m}] but got: [{mat2.shape[0]}, {mat2.shape[1]}]."
        )
    return record(
        "BmmBackward0",
        product(input._array, mat2._array),
        input=(input, lambda g, mat2: bmm(g, _tall(mat2))),
        mat2=(mat2, lambda g, input: bmm(_tall(input), g)),
    )


@op(out=True)
def mv(input: Tensor, vec: Tensor) -> Tensor:
    """(n×m) · (m)."""
    if input.ndim != 2 or vec.ndim != 1:
        raise RuntimeError(
            f"vector + matrix @ vector expected, got {vec.ndim}, {input.ndim}, {vec.ndim}"
        )
    _same_types(input, vec)
    if input._array.shape[1] != vec._array.shape[0]:
        raise RuntimeError(
            f"size mismatch, got input ({input.shape[0]}), mat ({input.shape[0]}x{input.shape[1]}), "
            f"vec ({vec.shape[0]})"
        )
    return record(
        "MvBackward0",
        product(input._array, vec._array),
        input=(input, lambda g, vec: mul(g.unsqueeze(-1), conj(vec))),
        vec=(vec, lambda g, input: mv(_tall(input), g)),
    )


@op(out=True)
def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """The sum of products of two vectors of equal length (no conjugation)."""
    if input.ndim != 1 or tensor.ndim != 1:
        raise RuntimeError(
            "1D tensors expected, but got "
            f"{input.ndim}D and {tensor.ndim}D tensors"
        )
    if input._array.dtype != tensor._array.dtype:
        raise RuntimeError(
            f"dot : expected both vectors to have same dtype, but found {input.dtype.title} and "
            f"{tensor.dtype.title}"
        )
    if input._array.shape != tensor._array.shape:
        raise RuntimeError(
            "inconsistent tensor size, expected tensor "
            f"[{input.numel()}] and src [{tensor.numel()}] to have the same number of elements, but "
            f"got {input.numel()} and {tensor.numel()} elements respectively"
        )
    return record(
        "DotBackward0",
        product(input._array, tensor._array),
        input=(input, lambda g, tensor: mul(g, conj(tensor))),
        tensor=(tensor, lambda g, input: mul(g, conj(input))),
    )


@op(out=True)
def matmul(input: Tensor, other: Tensor) -> Tensor:
    """The product of vectors, matrices, or broadcast batches of matrices, by the operands' dims."""
    if not isinstance(other, Tensor):
        raise TypeError(
            f"matmul(): argument 'other' (position 2) must be Tensor, not {type(other).__name__}"
        )
    m, n = input.ndim, other.ndim
    if m == 0 or n == 0:
        raise RuntimeError(
            "both arguments to matmul need to be at least 1D, but they are "
            f"{m}D and {n}D"
        )
    if m == 1 and n == 1:
        return dot(input, other)
    if m == 2 and n == 1:
        return mv(input, other)
    if m == 1 and n == 2:
        return mm(input.unsqueeze(0), other).squeeze(0)
    if m == 2 and n == 2:
        return mm(input, other)
    return _batched(input, other)


def _batched(a: Tensor, b: Tensor) -> Tensor:
    """Batches of matrices; a single matrix on the right of a batch is one large product."""
    _same_types(a, b)
    if b.ndim <= 2 and a.ndim >= 3:
        rows = a._array.shape[:-1]
        if a._array.shape[-1] == b._array.shape[0]:
            flat = a.reshape(-1, a._array.shape[-1])
            product_ = mm(flat, b) if b.ndim == 2 else mv(flat, b)
            return product_.reshape(*rows, *b._array.shape[1:])
    if a.ndim == 1:
        return _batched(a.unsqueeze(0), b).squeeze(-2)
    if b.ndim == 1:
        return _batched(a, b.unsqueeze(-1)).squeeze(-1)
    x, y = a._array, b._array
    if x.shape[-1] != y.shape[-2]:
        raise RuntimeError(
            "Expected size for first two dimensions of batch2 tensor to be: "
            f"[{int(np.prod(y.shape[:-2]))}, {x.shape[-1]}] but got: "
            f"[{int(np.prod(y.shape[:-2]))}, {y.shape[-2]}]."
        )
    try:
        data = product(x, y)
    except ValueError:
        from .table import broadcast_error

        raise broadcast_error(np.empty(x.shape[:-2]), np.empty(y.shape[:-2])) from None
    return record(
        "BmmBackward0",
        data,
        a=(a, lambda g, b: matmul(g, _tall(b))),
        b=(b, lambda g, a: matmul(_tall(a), g)),
    )


def _scaled_sum(input: Tensor, beta: Any, product_: np.ndarray, alpha: Any) -> np.ndarray:
    """beta · input + alpha · product; beta = 0 ignores even inf and nan in `input`."""
    kind = input.dtype
    data = product_
    if alpha != 1:
        data = fp.quiet(np.multiply, data, convert_number(alpha, kind))
    if beta == 0:
        return np.broadcast_to(data, np.broadcast_shapes(data.shape, input._array.shape))
    x = input._array
    if beta != 1:
        x = fp.quiet(np.multiply, x, convert_number(beta, kind))
    return fp.quiet(np.add, x, data)


@op(out=True, inplace=True)
def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """`beta · input + alpha · mat1 @ mat2`, `input` broadcast to the product."""
    if mat1.ndim != 2 or mat2.ndim != 2:
        which = "mat1" if mat1.ndim != 2 else "mat2"
        raise RuntimeError(f"{which} must be a matrix, got {(mat1, mat2)[which == 'mat2'].ndim}-D tensor")
    _same_types(mat1, mat2)
    (n, m), (k, p) = mat1._array.shape, mat2._array.shape
    if m != k:
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({n}x{m} and {k}x{p})")
    if input._array.dtype != mat1._array.dtype:
        raise RuntimeError(
            f"self and mat2 must have the same dtype, but got {input.dtype.title} and {mat2.dtype.title}"
        )
    try:
        np.broadcast_to(input._array, (n, p))
    except ValueError:
        from .shaping import expand_shape

        expand_shape(input._array.shape, (n, p))
    return record(
        "AddmmBackward0",
        _scaled_sum(input, beta, product(mat1._array, mat2._array), alpha),
        input=(input, lambda g: _times(g, beta)),
        mat1=(mat1, lambda g, mat2: _times(mm(g, _tall(mat2)), alpha)),
        mat2=(mat2, lambda g, mat1: _times(mm(_tall(mat1), g), alpha)),
    )


def _times(g: Tensor, factor: Any) -> Tensor:
    return g if factor == 1 else mul(g, conj(factor))


