"""Functions of a whole matrix: powers, the exponential, products of many; and linalg's views of
products defined elsewhere."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..autograd.graph import record, rename
from ..dtypes import bool_, can_cast, float16
from ..quiet import fp
from ..tensor import Tensor, wrap
from . import parts
from .common import wrap_dim
from .conversion import clone
from .joining import cat
from .matmul import matmul, mm
from .matrices import castable_out, check_inexact, check_square, copied_out
from .pointwise import zeros_as
from .products import cross_along, vdot
from .registry import op
from .shaping import adjoint
from .solving import inv
from .writing import C_TYPES, exact_out, write_exactly

# ---- powers --------------------------------------------------------------------------------------


@op(own_out=True)
def matrix_power(input: Tensor, n: int, *, out: Tensor | None = None) -> Tensor:
    """(…, m, m) multiplied by itself `n` times, by repeated squaring; n < 0: powers of the inverse."""
    if out is None:
        return _power(input, n)
    times = abs(n)
    if n in (0, 1) or (times > 2 and times & (times - 1) == 0):  # no product comes last: a copy
        return copied_out("matrix_power")(_power)(input if n else input.detach(), n, out=out)  # type: ignore[no-any-return]
    if not can_cast(input.dtype, out.dtype):
        return castable_out("matrix_power", "result")(_power)(input, n, out=out)  # type: ignore[no-any-return]
    return write_exactly(out, _power(input, n), "matrix_power")


def _power(input: Tensor, n: int) -> Tensor:
    check_square(input, "linalg.matrix_power")
    if n < 0:
        input, n = inv(input), -n
        if n == 1:
            return input
    if n == 0:
        eye = np.eye(input._array.shape[-1], dtype=input._array.dtype)
        data = np.broadcast_to(eye, input._array.shape).copy()
        return record("CopyBackwards", data, input=(input, zeros_as))
    if n == 1:
        return clone(input)
    if n == 3:
        return matmul(matmul(input, input), input)
    result, square = None, input
    while True:
        if n & 1:
            result = square if result is None else matmul(result, square)
        n >>= 1
        if not n:
            assert result is not None
            return result
        square = matmul(square, square)


op(matrix_power, name="matrix_power", namespace="linalg", own_out=True)


# ---- the exponential -----------------------------------------------------------------------------
#
# exp(A) = (exp(A / 2ˢ))^(2ˢ): the matrix is halved until its norm is small, a Taylor polynomial is
# evaluated with as few products as possible, and the result is squared s times.  The polynomials
# and their limits are from Bader, Blanes, Casas, "Computing the matrix exponential with an optimized
# Taylor polynomial approximation", Mathematics 7 (2019), as in torch - which has a slip in degree 8
# that costs it five digits.  Single precision is computed in double and rounded once.

# degree → largest 1-norm for which the truncation error stays below one rounding
_LIMITS = {
    1: 2.220446049250313e-16, 2: 2.580956802971767e-08, 4: 3.397168839976962e-04,
    8: 4.991228871115323e-02, 12: 2.996158913811580e-01, 18: 1.090863719290036e00,
}  # fmt: skip

# Rows of coefficients of I, A, A², A³ (and A⁶ for degree 18)
_DEGREE_12 = np.array([
    [9.0198e-16, 0.46932117595418237389, -0.20099424927047284052, -0.04623946134063071740],
    [5.31597895759871264183, 1.19926790417132231573, 0.01179296240992997031,
     0.01108844528519167989],
    [0.18188869982170434744, 0.05502798439925399070, 0.09351590770535414968,
     0.00610700528898058230],
    [-2.0861320e-13, -0.13181061013830184015, -0.02027855540589259079, -0.00675951846863086359],
])  # fmt: skip
_DEGREE_18 = np.array([
    [0.0, -1.00365581030144618291e-01, -8.02924648241156932449e-03, -8.92138498045729985177e-04,
     0.0],
    [0.0, 3.97849749499645077844e-01, 1.36783778460411720168e+00, 4.98289622525382669416e-01,
     -6.37898194594723280150e-04],
    [-1.09676396052962061844e+01, 1.68015813878906206114e+00, 5.71779846478865511061e-02,
     -6.98210122488052056106e-03, 3.34975017086070470649e-05],
    [-9.04316832390810593223e-02, -6.76404519071381882256e-02, 6.75961301770459654925e-02,
     2.95552570429315521194e-02, -1.39180257516060693404e-05],
    [0.0, 0.0, -9.23364619367118555360e-02, -1.69364939002081722752e-02,
     -1.40086798182036094347e-05],
])  # fmt: skip


@op(namespace="linalg")
def matrix_exp(input: Tensor) -> Tensor:
    """exp(A) = Σ Aᵏ/k! for (…, n, n)."""
    check_square(input, "linalg.matrix_exp")
    check_inexact(input, "linalg.matrix_exp")
    array = input._array
    wide = np.complex128 if array.dtype.kind == "c" else np.float64
    data = fp.quiet(_exponential, array.astype(wide)).astype(array.dtype)
    return record("LinalgMatrixExpBackward0", data, input=(input, _exp_rule))


op(matrix_exp)


def _exp_rule(g: Tensor, input: Tensor) -> Tensor:
    """The upper right block of exp([[Aᴴ, g], [0, Aᴴ]]) is the derivative's adjoint applied to g."""
    a, n = adjoint(input), input._array.shape[-1]
    g = g.expand(*a.shape)
    upper, lower = cat((a, g), -1), cat((a * 0 if n else a, a), -1)
    return matrix_exp(cat((upper, lower), -2)).narrow(-2, 0, n).narrow(-1, n, n)


def _exponential(a: np.ndarray) -> np.ndarray:
    """Each matrix with the polynomial that its norm asks for."""
    n = a.shape[-1]
    if n <= 1:
        return np.exp(a)
    if not a.size:
        return a.copy()
    flat = a.reshape(-1, n, n)
    norms = np.abs(flat).sum(-2).max(-1)
    result = np.empty_like(flat)
    lowest = -1.0
    for degree, limit in _LIMITS.items():
        chosen = (norms > lowest) & (norms <= limit)
        if chosen.any():
            result[chosen] = _taylor(flat[chosen], degree)
        lowest = limit
    large = ~(norms <= lowest)  # nan counts as large
    if large.any():
        result[large] = _squared(flat[large], norms[large] / lowest)
    return result.reshape(a.shape)


def _squared(a: np.ndarray, ratio: np.ndarray) -> np.ndarray:
    """Degree 18 of A / 2ˢ, squared s times, for 2ˢ ≥ ratio."""
    finite = np.isfinite(ratio)
    halvings = np.ceil(np.log2(np.where(finite, ratio, 1))).astype(int)
    halvings = np.maximum(halvings, 0)
    scale = np.ldexp(1.0, -halvings).astype(a.real.dtype)
    x = _taylor(a * scale[:, None, None], 18)
    for i in range(int(halvings.max())):
        again = halvings > i
        x[again] = x[again] @ x[again]
    x[~finite] = np.nan
    return x


def _taylor(a: np.ndarray, degree: int) -> np.ndarray:
    """The Taylor polynomial of exp of the given degree."""
    one = np.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape)
    if degree == 1:
        return one + a
    a2 = a @ a
    if degree == 2:
        return one + a + a2 / 2
    if degree == 4:
        return one + a + a2 @ (one / 2 + a / 6 + a2 / 24)
    if degree == 8:
        return _degree_8(one, a, a2)
    a3 = a @ a2
    if degree == 12:
        b = _combine(_DEGREE_12, one, a, a2, a3)
        a6 = b[2] + b[3] @ b[3]
        return b[0] + (b[1] + a6) @ a6
    a6 = a3 @ a3
    b = _combine(_DEGREE_18, one, a, a2, a3, a6)
    a9 = b[0] @ b[4] + b[3]
    return b[1] + (b[2] + a9) @ a9


def _degree_8(one: np.ndarray, a: np.ndarray, a2: np.ndarray) -> np.ndarray:
    root, x3 = math.sqrt(177), 2 / 3
    x1, x2 = x3 * (1 + root) / 88, x3 * (1 + root) / 352
    x4, x5 = (-271 + 29 * root) / (315 * x3), (-11 + 11 * root) / (1260 * x3)
    x6, x7 = (-99 + 11 * root) / (5040 * x3), (89 - root) / (5040 * x3**2)
    y2 = (857 - 58 * root) / 630
    a4 = a2 @ (x1 * a + x2 * a2)
    a8 = (x3 * a2 + a4) @ (x4 * one + x5 * a + x6 * a2 + x7 * a4)
    return one + a + y2 * a2 + a8


def _combine(coefficients: np.ndarray, *powers: np.ndarray) -> list[Any]:
    return [sum(c * p for c, p in zip(row, powers)) for row in coefficients]


# ---- chains of products --------------------------------------------------------------------------


@op(method=False, own_out=True)
def chain_matmul(*matrices: Tensor, out: Tensor | None = None) -> Tensor:
    """The product of matrices in the cheapest order; `linalg.multi_dot` has taken its place."""
    if not matrices:
        raise RuntimeError("chain_matmul(): Expected one or more matrices")
    for matrix in matrices:
        if matrix.ndim != 2:
            raise RuntimeError(f"Tensor dimension is {matrix.ndim}, expected 2 instead.")
    if len(matrices) == 1:
        return clone(matrices[0])
    return multi_dot(list(matrices), out=out)  # type: ignore[no-any-return]


@op(namespace="linalg", own_out=True)
@exact_out("multi_dot(): expected out tensor to have dtype {c_own} but got {c_out}")
def multi_dot(tensors: Any) -> Tensor:
    """The product of two or more matrices in the cheapest order; the outer ones may be vectors."""
    chain = list(tensors)
    _check_chain(chain)
    shape = [chain[0]._array.shape[0]] if chain[0].ndim == 2 else []
    shape += [chain[-1]._array.shape[1]] if chain[-1].ndim == 2 else []
    if chain[0].ndim == 1:
        chain[0] = chain[0].unsqueeze(0)
    if chain[-1].ndim == 1:
        chain[-1] = chain[-1].unsqueeze(-1)
    for i, (a, b) in enumerate(zip(chain, chain[1:])):
        if a._array.shape[1] != b._array.shape[0]:
            left, right = list(tensors[i].shape), list(tensors[i + 1].shape)
            raise RuntimeError(
                f"multi_dot(): tensors {i} and {i + 1} with shapes {left} and {right} cannot be "
                "multiplied"
            )
    product = multiply_chain(chain)
    return rename(product.view(*shape) if shape else product.view(()), "ViewBackward0")


def _check_chain(chain: list[Tensor]) -> None:
    if len(chain) < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {len(chain)}")
    last = len(chain) - 1
    for i, x in enumerate(chain):
        if i in (0, last) and x.ndim not in (1, 2):
            which = "last" if i else "first"
            raise RuntimeError(
                f"multi_dot(): the {which} tensor must be 1D or 2D but got {x.ndim}D"
            )
        if 0 < i < last and x.ndim != 2:
            raise RuntimeError(f"multi_dot(): tensor {i} must be 2D but got {x.ndim}D")
    for i, x in enumerate(chain):
        if x.dtype is not chain[0].dtype:
            raise RuntimeError(
                "multi_dot(): all tensors must have be the same dtype but tensor 0 is "
                f"{C_TYPES[chain[0].dtype.name]} and tensor {i} {C_TYPES[x.dtype.name]}"
            )


def multiply_chain(matrices: list[Tensor]) -> Tensor:
    """Dynamic programming over where to split the chain; cost n·m·p per product."""
    n = len(matrices)
    sizes = [m._array.shape[0] for m in matrices] + [matrices[-1]._array.shape[1]]
    best: dict[tuple[int, int], tuple[int, int]] = {(i, i): (0, i) for i in range(n)}
    for length in range(2, n + 1):
        for i in range(n - length + 1):
            j = i + length - 1
            best[i, j] = min(
                (best[i, k][0] + best[k + 1, j][0] + sizes[i] * sizes[k + 1] * sizes[j + 1], k)
                for k in range(i, j)
            )

    def product(i: int, j: int) -> Tensor:
        if i == j:
            return matrices[i]
        k = best[i, j][1]
        return mm(product(i, k), product(k + 1, j))

    return product(0, n - 1)


# ---- vectors and parts ---------------------------------------------------------------------------

op(matmul, name="matmul", namespace="linalg", own_out=True)


@op(namespace="linalg")
def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The diagonals of the matrices in the last two dims (or the two given), as the last dim; a view."""
    return parts.diagonal(A, offset, dim1, dim2)


@op(namespace="linalg", own_out=True)
@exact_out("linalg.vecdot: Expected out of dtype{own} but found {out}")
def vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """Σ conj(x)·y along a dim; the other dims are broadcast."""
    check_inexact(x, "linalg.vecdot")
    if x.dtype is not y.dtype:
        raise RuntimeError(
            "linalg.vecdot: Expected x and y to have the same dtype, but found x of type "
            f"{x.dtype.title} and y of type {y.dtype.title} instead"
        )
    if x.ndim == 1 and y.ndim == 1:
        return vdot(x, y)
    return (x.conj() * y).sum(dim)


@op(namespace="linalg", own_out=True)
@exact_out()
def cross(input: Tensor, other: Tensor, *, dim: int = -1) -> Tensor:
    """The vector product along a dim of size three; the other dims are broadcast."""
    if input.ndim == other.ndim and input.ndim:
        at = wrap_dim(dim, input.ndim)
        lengths = input._array.shape[at], other._array.shape[at]
        if lengths != (3, 3):
            raise RuntimeError(
                f"linalg.cross: inputs dimension {dim} must have length 3. Got {lengths[0]} and "
                f"{lengths[1]}"
            )
    return cross_along(input, other, dim)


@op(namespace="linalg")
def vander(x: Tensor, *, N: int | None = None) -> Tensor:
    """Rows of powers 0 … N−1 of the elements of (…, n); N is n by default and more than 1."""
    kind = x.dtype
    if kind is float16 or kind is bool_:
        raise RuntimeError(
            "linalg.vander supports floating point, complex, and integer tensors, but got "
            f"{kind.title}"
        )
    count = (x._array.shape[-1] if x.ndim else 0) if N is None else N
    if count <= 1:
        raise RuntimeError("N must be greater than 1.")
    powers = x.unsqueeze(-1).expand(*x.shape, count - 1).cumprod(-1)
    one = wrap(np.ones((*x.shape, 1), powers._array.dtype))
    return cat((one, powers), -1)
