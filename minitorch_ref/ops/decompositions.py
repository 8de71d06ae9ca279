"""Spectral decompositions: eigenvalues A = VΛV⁻¹, of Hermitian matrices A = VΛVᴴ, and the SVD.

LAPACK computes them through NumPy.  For A = VΛV⁻¹, with dP = V⁻¹ dA V,

    dλᵢ = dPᵢᵢ        (V⁻¹dV)ᵢⱼ = dPᵢⱼ / (λⱼ − λᵢ)   for i ≠ j

and the same with U and Vᴴ on the two sides for the SVD (differences of squares σⱼ² − σᵢ² then).  So
eigenvectors have a gradient only where eigenvalues differ.  The diagonal of V⁻¹dV is free: each
vector may be multiplied by a phase.  A loss that depends on that phase has no derivative, and is
refused (sources: M. Giles, "An extended collection of matrix derivative results", 2008; C.
Boeddeker et al., arXiv:1701.00392; torch's FunctionsManual.cpp).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import return_types
from ..autograd.graph import record, requires_grad
from ..autograd.modes import state
from ..dtypes import COMPLEX, FLOATING
from ..quiet import fp
from ..tensor import Tensor, wrap
from .matrices import (
    LinAlgError,
    castable_out,
    check_inexact,
    check_lapack,
    check_matrix,
    check_square,
    check_tensor,
    columns,
    failed,
)
from .registry import op


def _differences(values: Tensor) -> Tensor:
    """The matrix of valuesⱼ − valuesᵢ, with ones on the diagonal."""
    eye = wrap(np.eye(values._array.shape[-1], dtype=values._array.dtype))
    return values.unsqueeze(-2) - values.unsqueeze(-1) + eye


def _diagonal(x: Tensor) -> Tensor:
    return x.diagonal(0, -2, -1)


def _without_diagonal(x: Tensor) -> Tensor:
    return x.triu(1) + x.tril(-1)


def _skew(x: Tensor) -> Tensor:
    return x - x.mH


def _phase_dependent(name: str) -> RuntimeError:
    which, end = "eigenvectors", "quantity, so it is ill-defined."
    if name == "svd_backward":
        which, end = "singular vectors", "phase term, making it ill-defined."
    return RuntimeError(
        f"{name}: The {which} in the complex case are specified up to multiplication by e^{{i phi}}. "
        f"The specified loss function depends on this {end}"
    )


# ---- eigenvalues of general matrices ---------------------------------------------------------------


def _check_eig(a: Tensor, name: str) -> None:
    check_square(a, name)
    if a.dtype.category < FLOATING:
        raise RuntimeError(f"Unknown Complex ScalarType for {a.dtype.title}")
    check_lapack(a, "linalg_eig_out_cpu")
    if not np.isfinite(a._array).all():
        raise RuntimeError(f"torch.{name}: input tensor should not contain infs or NaNs.")


def _no_convergence(name: str, what: str, code: int) -> LinAlgError:
    return LinAlgError(
        f"{name}: The algorithm failed to converge because the input matrix is ill-conditioned or "
        f"has too many repeated {what} (error code: {code})."
    )


def _eig(a: Tensor) -> tuple[Tensor, Tensor]:
    kind = a.dtype.to_complex().np
    values, vectors = np.linalg.eig(a._array)
    data = (values.astype(kind), columns(vectors.astype(kind)))
    rule = lambda g, out0, out1: _eig_gradient(g, out0, out1)  # noqa: E731
    return record("LinalgEigBackward0", data, A=(a, rule))


def _eig_gradient(g: Any, values: Tensor, vectors: Tensor) -> Tensor:
    """V⁻ᴴ (diag(gΛ) + (VᴴgV − VᴴV·diag(re(VᴴgV))) / E*) Vᴴ, where Eᵢⱼ = λⱼ − λᵢ.

    The subtrahend is there because LAPACK's vectors are of length one.
    """
    g_values, g_vectors = g
    if g_vectors is None:
        return (vectors.mH).inverse() @ (g_values.unsqueeze(-1) * vectors.mH)
    inner = vectors.mH @ g_vectors
    if not np.allclose(_diagonal(inner)._array.imag, 0, rtol=1e-2, atol=1e-2):
        raise _phase_dependent("linalg_eig_backward")
    lengths = (vectors.mH @ vectors) * _diagonal(inner).real.unsqueeze(-2)
    inner = _without_diagonal(inner - lengths) / _differences(values).conj()
    if g_values is not None:
        inner = inner + g_values.diag_embed()
    return vectors.mH.inverse() @ (inner @ vectors.mH)


@op(namespace="linalg", own_out=True)
@castable_out("torch.linalg.eig", "eigenvalues", "eigenvectors")
def eig(input: Tensor) -> Any:
    """(eigenvalues (…, n), eigenvectors (…, n, n) in columns of length 1), always complex.

    Raises RuntimeError for infinite and nan entries.
    """
    _check_eig(input, "linalg.eig")
    return return_types.linalg_eig(_eig(input))


@op(namespace="linalg", own_out=True)
@castable_out("torch.linalg.eigvals", "eigenvalues", rule="traced")
def eigvals(input: Tensor) -> Tensor:
    """The eigenvalues of `eig`."""
    _check_eig(input, "linalg.eigvals")
    if state.grad and requires_grad(input):
        return _eig(input)[0]
    return wrap(np.linalg.eigvals(input._array).astype(input.dtype.to_complex().np))


# ---- Hermitian matrices ----------------------------------------------------------------------------


def _check_eigh(a: Tensor, uplo: str) -> Any:
    check_square(a, "linalg.eigh")
    if uplo.upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {uplo}")
    check_lapack(a, "linalg_eigh_cpu")
    return uplo.upper()


def _eigh(a: Tensor, uplo: str) -> tuple[Tensor, Tensor]:
    triangle = _check_eigh(a, uplo)
    try:
        values, vectors = np.linalg.eigh(a._array, triangle)
    except np.linalg.LinAlgError:
        code = a._array.shape[-1] - 1
        raise _no_convergence("linalg.eigh", "eigenvalues", code) from None
    rule = lambda g, out0, out1: _eigh_gradient(g, out0, out1)  # noqa: E731
    return record("LinalgEighBackward0", (values, columns(vectors)), A=(a, rule))


def _eigh_gradient(g: Any, values: Tensor, vectors: Tensor) -> Tensor:
    """V (diag(gΛ) + ½ skew(VᴴgV) / E) Vᴴ with Eᵢⱼ = λⱼ − λᵢ: Hermitian, as A is."""
    g_values, g_vectors = g
    if g_vectors is None:
        return (vectors * g_values.unsqueeze(-2)) @ vectors.mH
    inner = vectors.mH @ g_vectors
    if vectors.dtype.category == COMPLEX and not np.allclose(
        _diagonal(inner)._array.imag, 0, rtol=1e-2, atol=1e-2
    ):
        raise _phase_dependent("linalg_eigh_backward")
    inner = _without_diagonal(0.5 * _skew(inner)) / _differences(values)
    if g_values is not None:
        inner = inner + g_values.diag_embed()
    return vectors @ (inner @ vectors.mH)


@op(namespace="linalg", out="own")
def eigh(input: Tensor, UPLO: str = "L") -> Any:
    """(eigenvalues in rising order, orthonormal eigenvectors) of a Hermitian matrix (…, n, n).

    Only the triangle UPLO ("L" or "U") is read.  Raises LinAlgError without convergence.
    """
    return return_types.linalg_eigh(_eigh(input, UPLO))


@op(namespace="linalg", out="own")
def eigvalsh(input: Tensor, UPLO: str = "L") -> Tensor:
    """The eigenvalues of `eigh`."""
    triangle = _check_eigh(input, UPLO)
    if state.grad and requires_grad(input):
        return _eigh(input, UPLO)[0]
    try:
        return wrap(np.linalg.eigvalsh(input._array, triangle))
    except np.linalg.LinAlgError:
        code = input._array.shape[-1] - 2
        raise _no_convergence("linalg.eigh", "eigenvalues", code) from None


# ---- singular values -------------------------------------------------------------------------------


def _check_svd(a: Tensor, driver: str | None = None) -> None:
    check_matrix(a, "linalg.svd")
    check_inexact(a, "linalg.svd")
    if driver is not None:
        raise RuntimeError(
            "torch.linalg.svd: keyword argument `driver=` is only supported on CUDA inputs with "
            "cuSOLVER backend."
        )
    check_lapack(a, "linalg_svd_cpu")
    lost = np.isnan(a._array).any((-2, -1))
    if lost.any():
        text = (
            "The algorithm failed to converge because the input matrix contained non-finite values."
        )
        raise failed("linalg.svd", lost.astype(int), text)


def _svd_arrays(a: np.ndarray, **options: bool) -> Any:
    try:
        return fp.quiet(np.linalg.svd, a, **options)
    except np.linalg.LinAlgError:
        code = min(a.shape[-2:]) - 1
        raise _no_convergence("linalg.svd", "singular values", code) from None


def _svd(a: Tensor, full_matrices: bool) -> tuple[Tensor, Tensor, Tensor]:
    u, s, vh = _svd_arrays(a._array, full_matrices=full_matrices)
    rule = lambda g, out0, out1, out2: _svd_gradient(g, out0, out1, out2)  # noqa: E731
    return record("LinalgSvdBackward0", (columns(u), s, columns(vh)), A=(a, rule))


def _svd_gradient(g: Any, u: Tensor, s: Tensor, vh: Tensor) -> Tensor:
    """U ((skew(UᴴgU)·S + S·skew(VᴴgV)) / E + diag(gS)) Vᴴ, and what lies outside of U and V.

    Eᵢⱼ = σⱼ² − σᵢ².  Vectors of a null space are no functions of A and have no part in this.
    """
    k = s._array.shape[-1]
    g_u, g_s, g_vh = g
    g_u = None if g_u is None else g_u.narrow(-1, 0, k)
    g_vh = None if g_vh is None else g_vh.narrow(-2, 0, k)
    u, vh = u.narrow(-1, 0, k), vh.narrow(-2, 0, k)
    if g_u is None and g_vh is None:
        return u @ (g_s.unsqueeze(-1) * vh)
    inner = _svd_core(g_u, g_vh, u, s, vh)
    if g_s is not None:
        inner = inner + g_s.diag_embed()
    m, n = u._array.shape[-2], vh._array.shape[-1]
    if m > n and g_u is not None:
        outside = g_u / s.unsqueeze(-2)
        return (u @ inner + outside - u @ (u.mH @ outside)) @ vh
    if m < n and g_vh is not None:
        outside = g_vh / s.unsqueeze(-1)
        return u @ (inner @ vh + outside - (outside @ vh.mH) @ vh)
    return u @ (inner @ vh)


def _svd_core(g_u: Any, g_vh: Any, u: Tensor, s: Tensor, vh: Tensor) -> Tensor:
    """The gradient of the vectors inside of the spaces that U and V span."""
    squares = s * s
    denominator = _differences(squares)
    left = None if g_u is None else _skew(u.mH @ g_u)
    right = None if g_vh is None else _skew(vh @ g_vh.mH)
    if u.dtype.category == COMPLEX:
        phases = [np.zeros(()) if x is None else _diagonal(x)._array.imag for x in (left, right)]
        if not np.allclose(phases[0], -phases[1], rtol=1e-2, atol=1e-2):
            raise _phase_dependent("svd_backward")
    if left is None:
        assert right is not None
        return s.unsqueeze(-1) * (_without_diagonal(right) / denominator)
    if right is None:
        return (_without_diagonal(left) / denominator) * s.unsqueeze(-2)
    inner = left * s.unsqueeze(-2) + s.unsqueeze(-1) * right
    inner = _without_diagonal(inner) / denominator
    if u.dtype.category == COMPLEX:
        inner = inner + (_diagonal(left) / (2 * s)).diag_embed()
    return inner


@op(namespace="linalg", out="own", name="svd")
def linalg_svd(A: Tensor, full_matrices: bool = True, *, driver: str | None = None) -> Any:
    """(U, S, Vh) with A = U·diag(S)·Vh, S (…, k) in falling order, k = min(m, n).

    U is m×m and Vh n×n, or m×k and k×n unless `full_matrices`.  Raises LinAlgError for nan.
    """
    _check_svd(A, driver)
    return return_types.linalg_svd(_svd(A, full_matrices))


@op(namespace="linalg", out="own")
def svdvals(A: Tensor, *, driver: str | None = None) -> Tensor:
    """The singular values of (…, m, n) in falling order."""
    _check_svd(A, driver)
    if state.grad and requires_grad(A):
        return _svd(A, False)[1]
    return wrap(_svd_arrays(A._array, compute_uv=False))


@op(out="own")
def svd(input: Tensor, some: bool = True, compute_uv: bool = True) -> Any:
    """(U, S, V) under its older name: V where `linalg.svd` has Vᴴ, reduced if `some`.

    Without `compute_uv` U and V are square and zero.
    """
    check_tensor(input, "svd")
    if input.ndim < 2:
        raise RuntimeError(
            "linalg.svd: input should have at least 2 dimensions, but has "
            f"{input.ndim} dimensions instead"
        )
    _check_svd(input)
    if compute_uv:
        u, s, vh = _svd(input, not some)
        return return_types.svd((u, s, vh.mH))
    *batch, m, n = input._array.shape
    nothing = [wrap(np.zeros((*batch, k, k), input._array.dtype)) for k in (m, n)]
    return return_types.svd((nothing[0], svdvals(input), nothing[1]))
