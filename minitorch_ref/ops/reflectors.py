"""Householder reflectors: QR as LAPACK stores it, and products of reflectors.

    Hᵢ = I − τᵢ vᵢ vᵢᴴ        Q = H₁ H₂ ⋯ H_k

`geqrf` leaves vᵢ below the diagonal of column i, where vᵢ has a one.  With Pᵢ = H₁⋯Hᵢ₋₁ on the
left and Sᵢ = Hᵢ₊₁⋯H_k C on the right of Hᵢ, the gradient of R = QC for Hᵢ is Gᵢ = Pᵢᴴ gR Sᵢᴴ, so

    gτᵢ = −vᵢᴴ Gᵢ vᵢ       gvᵢ = −(τᵢ* Gᵢ vᵢ + τᵢ Gᵢᴴ vᵢ)

where only products of Gᵢ with a vector are needed, never Gᵢ.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import return_types
from ..autograd.graph import record, requires_grad
from ..autograd.modes import state
from ..kernels import factoring
from ..tensor import Tensor, wrap
from .joining import cat
from .matrices import castable_out, check_lapack, check_tensor, columns
from .registry import op, write_out


@op(own_out=True)
@castable_out("torch.geqrf", "a", "tau")
def geqrf(input: Tensor) -> Any:
    """(a, tau): R in the upper triangle of a (…, m, n), reflectors below it.  Has no gradient."""
    check_tensor(input, "geqrf")
    if input.ndim < 2:
        raise RuntimeError("torch.geqrf: input must have at least 2 dimensions.")
    check_lapack(input, "geqrf_cpu")
    if input.is_complex() and state.grad and requires_grad(input):
        raise RuntimeError(
            "geqrf does not support automatic differentiation for outputs with complex dtype."
        )
    a, tau = np.linalg.qr(input._array, "raw")
    data = columns(np.swapaxes(a, -1, -2)), np.ascontiguousarray(tau)
    return return_types.geqrf(record("GeqrfBackward0", data, x=(input, _no_gradient)))


def _no_gradient(g: Any) -> Tensor:
    raise NotImplementedError("the derivative for 'geqrf' is not implemented.")


# ---- R = H₁ ⋯ H_k C ------------------------------------------------------------------------------


def _reflected(
    name: str, v: Tensor, tau: Tensor, c: Tensor, forward: bool, left: bool = True
) -> Tensor:
    """H₁⋯H_k C, or H_k⋯H₁ C (`forward` False); its adjoint for Cᴴ unless `left`."""
    steps = list(range(tau._array.shape[-1]))
    start = c._array if left else _adjoint(c._array)
    data = factoring.reflect(v._array, tau._array, start, steps[::-1] if forward else steps)

    def rule(g: Tensor, v: Tensor, tau: Tensor, c: Tensor, needs: Any) -> Any:
        g, c = (g, c) if left else (g.mH, c.mH)
        if needs[0] or needs[1]:
            to_v, to_tau, to_c = _gradients(g, v, tau, c, forward)
        else:
            to_v, to_tau = None, None
            to_c = _reflected("OrmqrBackward0", v, tau.conj(), g, not forward)
        return to_v, to_tau, to_c if left else to_c.mH

    data = columns(data if left else _adjoint(data))
    return record(name, data, joint=(("v", "tau", "c"), rule), v=v, tau=tau, c=c)


def _adjoint(x: np.ndarray) -> np.ndarray:
    return np.conjugate(np.swapaxes(x, -1, -2))


def _gradients(g: Tensor, v: Tensor, tau: Tensor, c: Tensor, forward: bool) -> tuple:
    """The gradients for v, τ and C, with each reflector met once on the way there and back."""
    k = tau._array.shape[-1]
    units = _unit_columns(v.narrow(-1, 0, k))
    vectors = [units.narrow(-1, i, 1) for i in range(k)]
    factors = [tau.narrow(-1, i, 1).unsqueeze(-1) for i in range(k)]
    order = list(range(k)) if forward else list(range(k - 1, -1, -1))
    suffix = {}
    for i in reversed(order):
        suffix[i] = c
        c = c - factors[i] * (vectors[i] @ (vectors[i].mH @ c))
    to_v, to_tau = [None] * k, [None] * k
    for i in order:
        x, t = vectors[i], factors[i]
        right = suffix[i].mH @ x  # Sᴴv
        ahead, back = g @ right, suffix[i] @ (g.mH @ x)  # Gv and Gᴴv
        to_v[i] = -(t.conj() * ahead + t * back)
        to_tau[i] = -(x.mH @ ahead).squeeze(-1)
        g = g - t.conj() * (x @ (x.mH @ g))
    if not (v._array.size and k):
        return None, None, g
    return _below(cat(to_v, -1), v), cat(to_tau, -1), g


def _unit_columns(v: Tensor) -> Tensor:
    eye = np.eye(*v._array.shape[-2:], dtype=v._array.dtype)
    return v.tril(-1) + wrap(eye)


def _below(g: Tensor, v: Tensor) -> Tensor:
    """Gradient columns below the diagonal; columns without a reflector get none."""
    rest = v._array.shape[-1] - g._array.shape[-1]
    g = g.tril(-1)
    return cat([g, g.new_zeros((*g.shape[:-1], rest))], -1) if rest else g


# ---- householder_product, ormqr ------------------------------------------------------------------


def _check_reflectors(name: str, input: Tensor, tau: Tensor) -> None:
    check_tensor(input, "householder_product")
    if input.ndim < 2:
        raise RuntimeError(f"{name}: input must have at least 2 dimensions.")
    m, n = input._array.shape[-2:]
    if m < n:
        raise RuntimeError(
            f"{name}: input.shape[-2] must be greater than or equal to input.shape[-1]"
        )
    if tau.ndim and n < tau._array.shape[-1]:
        raise RuntimeError(
            f"{name}: input.shape[-1] must be greater than or equal to tau.shape[-1]"
        )
    _check_tau(name, input, tau)
    if input.dtype is not tau.dtype:
        raise RuntimeError(
            f"{name}: tau dtype {tau.dtype.title} does not match input dtype {input.dtype.title}"
        )


def _check_tau(name: str, input: Tensor, tau: Tensor) -> None:
    if tau.ndim != input.ndim - 1:
        raise RuntimeError(
            f"{name}: Expected tau to have one dimension less than input, but got tau.ndim equal to "
            f"{tau.ndim} and input.ndim is equal to {input.ndim}"
        )
    if tau._array.shape[:-1] != input._array.shape[:-2]:
        raise RuntimeError(
            f"{name}: Expected batch dimensions of tau to be equal to input.shape[:-2], but got "
            f"{list(tau.shape[:-1])}"
        )


def _householder(input: Tensor, tau: Tensor) -> Tensor:
    _check_reflectors("torch.linalg.householder_product", input, tau)
    check_lapack(input, "orgqr_cpu")
    start = np.broadcast_to(np.eye(*input._array.shape[-2:]), input._array.shape)
    c = wrap(start.astype(input._array.dtype))
    return _reflected("LinalgHouseholderProductBackward0", input, tau, c, True)


@op(namespace="linalg", own_out=True)
@castable_out("torch.linalg.householder_product", "result")
def householder_product(input: Tensor, tau: Tensor) -> Tensor:
    """The first n columns of H₁⋯H_k, from reflectors below the diagonal of `input` (…, m, n).

    Raises RuntimeError unless m ≥ n ≥ k.
    """
    return _householder(input, tau)


@op(own_out=True)
@castable_out("torch.linalg.householder_product", "result")
def orgqr(input: Tensor, input2: Tensor) -> Tensor:
    """`linalg.householder_product`."""
    return _householder(input, input2)


@op(own_out=True)
def ormqr(
    input: Tensor, input2: Tensor, input3: Tensor, left: bool = True, transpose: bool = False,
    *, out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Q·input3, input3·Q (`left` False), or the same with Qᴴ (`transpose`).

    Q is square, from what `geqrf` returns: `input` has its reflectors, `input2` their scales.
    """
    tau, other = input2, input3
    _check_ormqr(input, tau, other, left)
    check_lapack(input, "ormqr_cpu")
    forward = transpose != left
    factors = tau if forward else tau.conj()
    product = _reflected("OrmqrBackward0", input, factors, other, forward, left)
    if out is None:
        return product
    _same_dtypes("torch.ormqr", input, result=out)
    return write_out(out, product, "ormqr")


def _check_ormqr(input: Tensor, tau: Tensor, other: Tensor, left: bool) -> None:
    name = "torch.ormqr"
    for which, x in (("input", input), ("other", other)):
        check_tensor(x, "ormqr", which)
        if x.ndim < 2:
            raise RuntimeError(f"{name}: {which} must have at least 2 dimensions.")
    dim = -2 if left else -1
    size, (m, k) = other._array.shape[dim], input._array.shape[-2:]
    if size != m:
        raise RuntimeError(f"{name}: other.shape[{dim}] must be equal to input.shape[-2]")
    if not tau.ndim or tau._array.shape[-1] != min(size, k):
        raise RuntimeError(
            f"{name}: tau.shape[-1] must be equal to min(other.shape[{dim}], input.shape[-1])"
        )
    _check_tau(name, input, tau)
    _check_other(name, input, tau, other)


def _check_other(name: str, input: Tensor, tau: Tensor, other: Tensor) -> None:
    if other.ndim != input.ndim:
        raise RuntimeError(
            f"{name}: Expected other to have the same number of dimensions as input, but got "
            f"other.ndim equal to {other.ndim} and input.ndim is equal to {input.ndim}"
        )
    if other._array.shape[:-2] != input._array.shape[:-2]:
        raise RuntimeError(
            f"{name}: Expected batch dimensions of other to be equal to input.shape[:-2], but got "
            f"{list(other.shape[:-2])}"
        )
    _same_dtypes(name, input, tau=tau, other=other)


def _same_dtypes(name: str, input: Tensor, **others: Tensor) -> None:
    for which, x in others.items():
        if x.dtype is not input.dtype:
            raise RuntimeError(
                f"{name}: Expected input and {which} to have the same dtype, but input has dtype"
                f"{input.dtype.title} and {which} has dtype {x.dtype.title}"
            )
