"""Factorizations into triangular matrices: Cholesky A = LLᴴ, QR, and LU with row swaps.

LAPACK computes the factors (NumPy's, or `kernels/factoring.py`).  The gradients all come from one
argument.  Differentiate the product, strip the outer factors off, and what is left splits into
two parts of known shape, which a projection pulls apart.  For Cholesky:

    L⁻¹ dA L⁻ᴴ  =  L⁻¹dL + (L⁻¹dL)ᴴ,   lower + upper triangular   ⟹   dL = L·Φ(L⁻¹ dA L⁻ᴴ)

where Φ takes the lower triangle with half of the diagonal.  The rules are the adjoints of such
formulas, made of ops, so they can be differentiated again (source: S. F. Walter and L. Lehmann,
"Algorithmic differentiation of linear algebra functions", 2010; torch's FunctionsManual.cpp).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import return_types
from ..autograd.graph import record
from ..dtypes import int32
from ..kernels import factoring
from ..quiet import fp
from ..tensor import Tensor, wrap
from .joining import cat
from .matrices import (
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
from .triangular import solve_triangular

# ---- Cholesky ------------------------------------------------------------------------------------


def _cholesky_arrays(a: np.ndarray, upper: bool) -> tuple[np.ndarray, np.ndarray]:
    """The factor and LAPACK's info; only one triangle of `a` is read."""
    try:
        found = np.linalg.cholesky(a, upper=upper)
        if np.isfinite(np.diagonal(found, axis1=-2, axis2=-1)).all():
            return columns(found), np.zeros(a.shape[:-2], np.int32)
    except np.linalg.LinAlgError:
        pass
    if upper:
        low, info = _cholesky_arrays(np.conjugate(np.swapaxes(a, -1, -2)), False)
        return columns(np.conjugate(np.swapaxes(low, -1, -2))), info
    low, info = np.empty_like(a), np.empty(a.shape[:-2], np.int32)
    for index in np.ndindex(a.shape[:-2]):
        low[index], info[index] = fp.quiet(factoring.cholesky, a[index])
    return columns(low), info


def _cholesky_gradient(g: Tensor, factor: Tensor, upper: bool) -> Tensor:
    """L⁻ᴴ sym(tril(Lᴴ gL)) L⁻¹, where sym completes a Hermitian matrix from half its diagonal."""
    low, g = (factor.mH, g.mH) if upper else (factor, g)
    half = (low.mH @ g).tril()
    whole = 0.5 * (half + half.tril(-1).mH)
    whole = solve_triangular(low.mH, whole, upper=True)
    return solve_triangular(low, whole, upper=False, left=False)


def _check_positive(name: str, info: np.ndarray) -> None:
    if info.any():
        raise failed(
            name,
            info,
            "The factorization could not be completed because the input is not positive-definite "
            "(the leading minor of order {info} is not positive-definite).",
        )


def _cholesky_ex(input: Tensor, upper: bool) -> tuple[Tensor, Tensor]:
    check_square(input, "linalg.cholesky")
    check_inexact(input, "linalg.cholesky")
    check_lapack(input, "cholesky_cpu")
    return record(
        "LinalgCholeskyExBackward0",
        _cholesky_arrays(input._array, upper),
        A=(input, lambda g, out0: _cholesky_gradient(g[0], out0, upper)),
    )


@op(namespace="linalg", out="own")
def cholesky_ex(input: Tensor, *, upper: bool = False, check_errors: bool = False) -> Any:
    """(L, info): `cholesky` that reports failure as the order of the minor that is not positive.

    Raises LinAlgError only if `check_errors`.
    """
    low, info = _cholesky_ex(input, upper)
    if check_errors:
        _check_positive("linalg.cholesky_ex", info._array)
    return return_types.linalg_cholesky_ex((low, info))


@op(namespace="linalg", out="own", name="cholesky")
def linalg_cholesky(input: Tensor, *, upper: bool = False) -> Tensor:
    """Lower triangular L (…, n, n) with A = LLᴴ; or U with A = UᴴU.  Reads one triangle of A.

    Raises LinAlgError if A is not positive definite.
    """
    low, info = _cholesky_ex(input, upper)
    _check_positive("linalg.cholesky", info._array)
    return low


@op(own_out=True)
@castable_out("cholesky", "result")
def cholesky(input: Tensor, upper: bool = False) -> Tensor:
    """`linalg.cholesky` under its older name."""
    check_square(input, "cholesky")
    check_lapack(input, "cholesky_cpu")
    data, info = _cholesky_arrays(input._array, upper)
    _check_positive("cholesky", info)
    rule = lambda g, out: _cholesky_gradient(g, out, upper)  # noqa: E731
    return record("CholeskyBackward0", data, A=(input, rule))


# ---- QR ------------------------------------------------------------------------------------------

_MODES = ("reduced", "complete", "r")


def _qr(input: Tensor, mode: str) -> Any:
    check_matrix(input, "linalg.qr")
    check_inexact(input, "linalg.qr")
    if mode not in _MODES:
        raise RuntimeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', "
            "or 'complete'"
        )
    check_lapack(input, "geqrf_cpu")
    found: Any = np.linalg.qr(input._array, mode)  # type: ignore[call-overload]
    q, r = (np.empty(0, input._array.dtype), found) if mode == "r" else found
    data = (q if q.ndim < 2 else columns(q), columns(r))
    rule = lambda g, out0, out1: _qr_gradient(g, out0, out1, mode)  # noqa: E731
    return record("LinalgQrBackward0", data, A=(input, rule))


def _qr_gradient(g: Any, q: Tensor, r: Tensor, mode: str) -> Tensor:
    """The adjoint for full column rank, or for a full-rank leading square if A is wide.

    A wide A = Q (R₁ R₂) is a square one beside columns R₂ = Qᴴ A₂, through which Q has more gradient.
    """
    if mode == "r":
        raise RuntimeError(
            "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. "
            "Please use linalg.qr(A, mode='reduced') if you are going to differentiate through "
            "linalg.qr."
        )
    m, n = q._array.shape[-2], r._array.shape[-1]
    if mode == "complete" and m > n:
        raise RuntimeError(
            "The QR decomposition is not differentiable when mode='complete' and nrows > ncols."
        )
    g_q, g_r = (_or_zeros(x, like) for x, like in zip(g, (q, r)))
    if m >= n:
        return _tall_qr_gradient(g_q, g_r, q, r)
    right, g_right = r.narrow(-1, m, n - m), g_r.narrow(-1, m, n - m)
    g_q = g_q + q @ (right @ g_right.mH)
    square = _tall_qr_gradient(g_q, g_r.narrow(-1, 0, m), q, r.narrow(-1, 0, m))
    return cat([square, q @ g_right], -1)


def _tall_qr_gradient(g_q: Tensor, g_r: Tensor, q: Tensor, r: Tensor) -> Tensor:
    """gA = (gQ + Q·H) R⁻ᴴ, H Hermitian with the upper triangle of gR Rᴴ − Qᴴ gQ."""
    upper = (g_r @ r.mH - q.mH @ g_q).triu()
    whole = upper + upper.mH - _real_diagonal(upper)
    return solve_triangular(r.mH, g_q + q @ whole, upper=False, left=False)


def _real_diagonal(x: Tensor) -> Tensor:
    diagonal = x.diagonal(0, -2, -1)
    return (diagonal.real if x.is_complex() else diagonal).diag_embed()


def _or_zeros(g: Tensor | None, like: Tensor) -> Tensor:
    """The gradient of an output, zeros if it received none."""
    return wrap(np.zeros_like(like._array)) if g is None else g


@op(namespace="linalg", out="own", name="qr")
def linalg_qr(A: Tensor, mode: str = "reduced") -> Any:
    """Orthonormal columns Q and upper triangular R with A = QR; (…, m, n), k = min(m, n).

    mode: "reduced" (Q is m×k), "complete" (m×m), or "r": no Q.  There is no gradient for "r", nor
    for "complete" with m > n (RuntimeError).
    """
    return return_types.linalg_qr(_qr(A, mode))


@op(out="own")
def qr(input: Tensor, some: bool = True) -> Any:
    """`linalg.qr`, reduced or (`some` False) complete, under its older name."""
    return return_types.qr(_qr(input, "reduced" if some else "complete"))


# ---- LU ------------------------------------------------------------------------------------------


def _check_lu(a: Tensor, pivot: bool, name: str) -> None:
    check_tensor(a, "lu")
    if a.ndim < 2:
        raise RuntimeError(
            f"{name}: Expected tensor with 2 or more dimensions. Got size: {list(a.shape)} instead"
        )
    if not pivot:
        raise RuntimeError("linalg.lu_factor: LU without pivoting is not implemented on the CPU")
    check_lapack(a, "lu_cpu")


def _lu_gradient(g: Any, p: Tensor, low: Tensor, up: Tensor) -> Tensor:
    """gA = P·L⁻ᴴ (tril(Lᴴ gL, −1) + triu(gU Uᴴ)) U⁻ᴴ for a square A, blocks beside it otherwise.

    A wide A = P·L·(U₁ U₂) has L pass gU₂ on, and what that changes is taken off L's part; in a tall
    one, L₂ is to U what U₂ is to L.
    """
    m, k, n = low._array.shape[-2], up._array.shape[-2], up._array.shape[-1]
    g_low, g_up = (_or_zeros(x, like) for x, like in zip(g, (low, up)))
    l1, u1 = low.narrow(-2, 0, k), up.narrow(-1, 0, k)
    below = l1.mH @ g_low.narrow(-2, 0, k)
    above = g_up.narrow(-1, 0, k) @ u1.mH
    if n > k:
        g_right = g_up.narrow(-1, k, n - k)
        below = below - g_right @ up.narrow(-1, k, n - k).mH
    if m > k:
        g_bottom = g_low.narrow(-2, k, m - k)
        above = above - low.narrow(-2, k, m - k).mH @ g_bottom
    whole = solve_triangular(l1.mH, below.tril(-1) + above.triu(), upper=True, unitriangular=True)
    whole = solve_triangular(u1.mH, whole, upper=False, left=False)
    if n > k:
        right = solve_triangular(l1.mH, g_right, upper=True, unitriangular=True)
        whole = cat([whole, right], -1)
    if m > k:
        bottom = solve_triangular(u1.mH, g_bottom, upper=False, left=False)
        whole = cat([whole, bottom], -2)
    return p @ whole


def _halves(packed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """L (m×k, ones on its diagonal) and U (k×n) out of the array that holds both."""
    k = min(packed.shape[-2:])
    low = np.tril(packed[..., :k], -1)
    steps = np.arange(k)
    low[..., steps, steps] = 1
    return low, np.triu(packed[..., :k, :])


@op(namespace="linalg", out="own")
def lu(A: Tensor, *, pivot: bool = True) -> Any:
    """A = P·L·U with a permutation P (m×m), L unit lower trapezoidal (m×k), U upper (k×n)."""
    _check_lu(A, pivot, "linalg.lu")
    packed, pivots, _ = fp.quiet(factoring.lu, A._array)
    matrix = factoring.permutation_matrix(pivots, packed.shape[-2], packed.dtype)

    def rule(g: Any, p: Tensor, out0: Tensor, out1: Tensor) -> Tensor:
        return _lu_gradient(g, p, out0, out1)

    p = wrap(matrix)
    low, up = record("LinalgLuBackward0", _halves(packed), A=(A, rule), p=p)
    return return_types.linalg_lu((p, low, up))


def _lu_factor(A: Tensor, pivot: bool) -> tuple[Tensor, Tensor, Tensor]:
    """(L and U in one array, row swaps counted from 1, info)."""
    _check_lu(A, pivot, "torch.lu_factor")
    packed, pivots, info = fp.quiet(factoring.lu, A._array)

    def rule(g: Any, out0: Tensor, out1: Tensor) -> Tensor:
        p, low, up = lu_unpack(out0, out1)
        k = min(out0._array.shape[-2:])
        return _lu_gradient((g[0].narrow(-1, 0, k), g[0].narrow(-2, 0, k)), p, low, up)

    return record("LinalgLuFactorExBackward0", (columns(packed), pivots, info), A=(A, rule))


def _check_lu_info(name: str, info: Tensor) -> None:
    if info._array.any():
        text = (
            "U[{info},{info}] is zero and using it on lu_solve would result in a division by zero. "
            "If you still want to perform the factorization, consider calling linalg.lu(A, pivot) "
            "or linalg.lu_factor_ex(A, pivot)"
        )
        raise RuntimeError(str(failed(name, info._array, text)))


@op(namespace="linalg", out="own")
def lu_factor(A: Tensor, *, pivot: bool = True) -> Any:
    """(LU, pivots): L below U in one array, and the row swaps, for `lu_solve` and `lu_unpack`.

    Raises RuntimeError if a pivot is zero.
    """
    packed, pivots, info = _lu_factor(A, pivot)
    _check_lu_info("torch.linalg.lu_factor", info)
    return return_types.linalg_lu_factor((packed, pivots))


@op(namespace="linalg", out="own")
def lu_factor_ex(A: Tensor, *, pivot: bool = True, check_errors: bool = False) -> Any:
    """(LU, pivots, info): `lu_factor` that reports a zero pivot by its number, counted from 1."""
    found = _lu_factor(A, pivot)
    if check_errors:
        _check_lu_info("torch.linalg.lu_factor_ex", found[2])
    return return_types.linalg_lu_factor_ex(found)


@op(name="lu", method=False)
def torch_lu(
    A: Tensor, pivot: bool = True, get_infos: bool = False, out: Any = None
) -> tuple[Tensor, ...]:
    """`linalg.lu_factor` (with `get_infos`, `lu_factor_ex`) under its older name."""
    found = _lu_factor(A, pivot)
    if out is not None:
        for o, r in zip(out, found):
            o.resize_(r.shape).copy_(r)
        return tuple(out)
    return return_types._lu_with_info(found) if get_infos else tuple(found[:2])


def _method_lu(self: Tensor, pivot: bool = True, get_infos: bool = False) -> tuple[Tensor, ...]:
    """`torch.lu` as a method."""
    return tuple(_lu_factor(self, pivot)[: 3 if get_infos else 2])


op(_method_lu, function=False, name="lu")


@op(out="own")
def lu_unpack(
    LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = True, unpack_pivots: bool = True
) -> Any:
    """(P, L, U) from `lu_factor`'s results; empty tensors for what is not wanted."""
    check_tensor(LU_data, "lu_unpack", "LU_data")
    if LU_data.ndim < 2:
        raise RuntimeError(
            "torch.lu_unpack: Expected tensor with 2 or more dimensions. "
            f"Got size: {list(LU_data.shape)} instead"
        )
    data = LU_data._array
    p = wrap(np.empty(0, data.dtype))
    if unpack_pivots:
        _check_pivots(LU_data, LU_pivots)
        p = wrap(factoring.permutation_matrix(LU_pivots._array, data.shape[-2], data.dtype))
    halves = _halves(data) if unpack_data else (np.empty(0, data.dtype), np.empty(0, data.dtype))
    rule = lambda g: _pack(g, data.shape)  # noqa: E731
    low, up = record("LuUnpackBackward0", halves, LU_data=(LU_data, rule))
    return return_types.lu_unpack((p, low, up))


def _check_pivots(packed: Tensor, pivots: Tensor) -> None:
    if pivots.dtype is not int32:
        raise RuntimeError(
            "torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype."
            "\nNote: this function is intended to be used with the output produced by "
            "torch.linalg.lu_factor"
        )
    rows = packed._array.shape[-2]
    if pivots._array.size and not (pivots._array.min() >= 1 and pivots._array.max() <= rows):
        raise RuntimeError(
            "pivots passed to lu_unpack must be between 1 and LU.size(-2) inclusive."
            "Did you properly pass the result of lu_factor?"
        )


def _pack(g: Any, shape: tuple[int, ...]) -> Tensor:
    """The adjoint of taking L and U out of an array (…, m, n): what was left out gets nothing."""
    *batch, m, n = shape
    g_low, g_up = g
    parts = []
    if g_low is not None:
        beside = g_low.new_zeros((*batch, m, n - g_low._array.shape[-1]))
        parts.append(cat([g_low.tril(-1), beside], -1))
    if g_up is not None:
        under = g_up.new_zeros((*batch, m - g_up._array.shape[-2], n))
        parts.append(cat([g_up.triu(), under], -2))
    return parts[0] if len(parts) == 1 else parts[0] + parts[1]
