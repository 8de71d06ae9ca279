"""Determinants, their logarithms, and the adjugate that is their gradient.

    d det A = tr(adj(A)·dA)          so  dA = g · conj(adj A)ᵀ
    adj A   = det(A) · A⁻¹           where A is regular
            = det(U)·det(V) · V·diag(Π_{j≠i} sⱼ)·Uᴴ  from A = U·S·Vᴴ, always

Near a singular matrix the first form divides two small numbers, so the second is used there, or a
polynomial in A where the gradient itself is to be differentiated.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import return_types
from ..autograd.graph import record
from ..autograd.modes import state
from ..kernels import lapack
from ..quiet import fp
from ..tensor import Tensor, wrap
from .conversion import conj, to_complex
from .joining import cat
from .masking import where
from .matmul import matmul
from .matrices import check_inexact, check_square
from .reducing import reduction
from .registry import op
from .shaping import adjoint
from .solving import refuse_half, solved_again
from .writing import exact_out

_FEW = 8  # rows up to which the polynomial below is accurate


@op(namespace="linalg", own_out=True)
@exact_out()
def det(A: Tensor) -> Tensor:
    """The determinant of (…, n, n); 1 for n = 0."""
    check_square(A, "linalg.det")
    check_inexact(A, "linalg.det")
    refuse_half(A, "lu_cpu")
    data = fp.quiet(lapack.determinant, A._array)
    return record("LinalgDetBackward0", data, A=(A, _det_rule))


@op(name="det")
def _det(input: Tensor) -> Tensor:
    """`linalg.det`."""
    return det(input)


def _det_rule(g: Tensor, A: Tensor, out: Tensor) -> Tensor:
    """(source: linalg_det_backward, whose second form starts at a determinant of 100 epsilons)"""
    n = A._array.shape[-1]
    if not A._array.size:
        return wrap(np.zeros_like(A._array))
    if n == 1:
        return g.unsqueeze(-1).unsqueeze(-1)
    derived = state.grad and n <= _FEW
    small = _nearly_singular(A._array, out._array)
    if derived:  # the polynomial has the better derivative already where the determinant is small
        small |= np.abs(out._array) < 100 * np.finfo(out._array.dtype).eps
    if not small.any():
        return _from_inverse(g, A, out)
    flat = A.reshape(-1, n, n)
    weight, dets = g.expand(*out.shape).reshape(-1), out.reshape(-1)
    parts = np.flatnonzero(small), np.flatnonzero(~small)
    singular, regular = [wrap(i) for i in parts]
    singular_rule = _from_polynomial if derived else _from_singular_values
    pieces = [singular_rule(weight[singular], flat[singular])]
    if len(parts[1]):
        pieces.append(_from_inverse(weight[regular], flat[regular], dets[regular]))
    back = wrap(np.argsort(np.concatenate(parts)))
    return cat(pieces, 0)[back].reshape(*A.shape)


def _nearly_singular(a: np.ndarray, det: np.ndarray) -> np.ndarray:
    """Whether |det A| is far below Hadamard's bound, the product of the lengths of the rows."""
    lengths = np.sqrt(np.square(np.abs(a)).sum(-1, dtype=np.float64))
    return np.asarray(np.abs(det) <= 100 * np.finfo(det.dtype).eps * lengths.prod(-1))


def _identity(n: int, like: Tensor) -> Tensor:
    return wrap(np.eye(n, dtype=like._array.dtype))


def _from_inverse(g: Tensor, a: Tensor, det: Tensor) -> Tensor:
    """g · conj(det) · A⁻ᴴ."""
    n = a._array.shape[-1]
    scaled = (g * conj(det)).unsqueeze(-1).unsqueeze(-1) * _identity(n, a)
    return solved_again(adjoint(a), scaled, True)


def _from_singular_values(g: Tensor, a: Tensor) -> Tensor:
    """g · conj(det U · det Vᴴ) · U · diag(products of the other singular values) · Vᴴ."""
    from .decompositions import linalg_svd

    u, s, vh = linalg_svd(a, False)
    others = _products_of_others(s)
    weight = g * conj(det(u) * det(vh))
    return matmul(u * (weight.unsqueeze(-1) * others).unsqueeze(-2), vh)


def _from_polynomial(g: Tensor, a: Tensor) -> Tensor:
    """g · conj(adj A)ᵀ by Faddeev and LeVerrier: products and traces, smooth whatever the rank.

    For gradients of this gradient: singular vectors have none where singular values are equal, or
    zero and complex.  Its rounding grows with n, so it is for a few rows.
    """
    n = a._array.shape[-1]
    eye = _identity(n, a)
    adjugate = eye.expand(*a.shape)
    for k in range(1, n):
        product = matmul(a, adjugate)
        trace = product.diagonal(0, -2, -1).sum(-1) / -k
        adjugate = product + trace.unsqueeze(-1).unsqueeze(-1) * eye
    weight = g.unsqueeze(-1).unsqueeze(-1)
    return adjoint(adjugate) * (weight if n % 2 else -weight)


def _products_of_others(s: Tensor) -> Tensor:
    """Π_{j≠i} sⱼ for every i, without dividing: ones on the diagonal of a table, then rows' products."""
    n = s._array.shape[-1]
    table = s.unsqueeze(-2).expand(*s.shape[:-1], n, n)
    return table.masked_fill(wrap(np.eye(n, dtype=bool)), 1).prod(-1)


# ---- logarithms ----------------------------------------------------------------------------------


def _sign_and_log(A: Tensor, name: str) -> Any:
    check_square(A, name)
    check_inexact(A, name, low_precision=False)
    data = fp.quiet(lapack.sign_and_log, A._array)
    return record("LinalgSlogdetBackward0", data, A=(A, _slogdet_rule))


def _slogdet_rule(g: Any, A: Tensor, out0: Tensor) -> Tensor | None:
    """A⁻ᴴ · (g_log − i·Im(conj(g_sign)·sign)): a real sign is constant (source: slogdet_backward)"""
    to_sign, weight = g
    if to_sign is not None and A.is_complex():
        turn = to_complex(-(conj(to_sign) * out0).imag, 1j)
        weight = turn if weight is None else weight + turn
    if weight is None:
        return wrap(np.zeros_like(A._array))
    n = A._array.shape[-1]
    scaled = weight.unsqueeze(-1).unsqueeze(-1) * _identity(n, A)
    return solved_again(adjoint(A), scaled, True)


@reduction(out="own", namespace="linalg")
def slogdet(A: Tensor) -> Any:
    """(sign or phase, log|det|) of (…, n, n): 0 and -inf for singular matrices."""
    return return_types.linalg_slogdet(_sign_and_log(A, "linalg.slogdet"))


@reduction(out="own", name="slogdet")
def _slogdet(input: Tensor) -> Any:
    """`linalg.slogdet`."""
    return return_types.slogdet(_sign_and_log(input, "linalg.slogdet"))


@op
def logdet(input: Tensor) -> Tensor:
    """The logarithm of the determinant: nan where it is negative, -inf where it is zero."""
    sign, logarithm = _sign_and_log(input, "logdet")
    if input.is_complex():
        return sign.log() + logarithm
    return where(sign == -1.0, np.nan, logarithm)
