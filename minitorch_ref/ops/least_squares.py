"""Where a matrix may have any rank: the pseudo-inverse, the rank, and least squares.

With A = U·S·Vᴴ, singular values up to max(atol, rtol·s₁) count as zero.  The pseudo-inverse has
1/S for the others, the rank is how many there are, and the shortest X that minimizes ‖A·X − B‖ is
A⁺·B.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import return_types
from ..autograd.graph import record
from ..kernels import lapack
from ..quiet import fp
from ..tensor import Tensor, wrap
from .matmul import matmul
from .matrices import castable_out, check_matrix, copied_out, failed
from .registry import op
from .shaping import adjoint
from .solving import broadcast_batches

Tolerance = float | Tensor | None

_FEW_TYPES = "This function doesn't handle types other than float and double"
_DRIVERS = ("gels", "gelsy", "gelsd", "gelss")
_RANK_DEFICIENT = (
    "The least squares solution could not be computed because the input matrix does not have full "
    "rank (error code: {info})."
)


# ---- tolerances ----------------------------------------------------------------------------------


def _threshold(
    input: Tensor, largest: np.ndarray, atol: Tolerance, rtol: Tolerance, name: str
) -> np.ndarray:
    """max(atol, rtol·s₁); rtol is ε·max(m, n) unless given, or 0 where a positive atol is."""
    absolute, relative = _number(atol, "atol", name), _number(rtol, "rtol", name)
    kind = input._array.real.dtype
    if relative is None:
        default = np.finfo(kind).eps * max(input._array.shape[-2:])
        relative = default if absolute is None else np.where(absolute > 0, 0.0, default)
    bound = np.asarray(relative, kind) * largest
    return np.maximum(bound, np.asarray(0.0 if absolute is None else absolute, kind))


def _number(value: Tolerance, which: str, name: str) -> Any:
    if not isinstance(value, Tensor):
        return value
    if value.is_complex():
        raise RuntimeError(
            f"torch.linalg.{name}: {which} tensor of complex type is not supported. "
            f"Got {value.dtype.title}"
        )
    return value._array


def _require_lapack(input: Tensor, complaint: str) -> None:
    if input._array.dtype.char not in "fdFD":
        raise RuntimeError(complaint)


def _factors(input: Tensor, hermitian: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(U, s, Vᴴ) with A = U·diag(s)·Vᴴ; for hermitian matrices s has signs and V = U."""
    from .decompositions import eigh, linalg_svd

    if hermitian:
        values, vectors = [x._array for x in eigh(input.detach())]
        return vectors, values, adjoint(wrap(vectors))._array
    return tuple([x._array for x in linalg_svd(input.detach(), False)])  # type: ignore[return-value]


def _largest(values: np.ndarray) -> np.ndarray:
    """The largest of the last dim (0 if there is none), kept as a dim of size one."""
    return np.asarray(np.maximum.reduce(values, -1, keepdims=True, initial=0))


# ---- pseudo-inverse and rank ---------------------------------------------------------------------


@op(namespace="linalg", own_out=True)
def pinv(
    input: Tensor,
    rcond: Tolerance = None,
    hermitian: bool = False,
    *,
    atol: Tolerance = None,
    rtol: Tolerance = None,
    out: Tensor | None = None,
) -> Tensor:
    """The pseudo-inverse (…, n, m) of (…, m, n); `rcond` is the older name of `rtol`.

    `hermitian`: the matrices equal their adjoints, and only the lower triangle is looked at.
    """
    rtol = rcond if rtol is None else rtol
    if out is None:
        return _pinv(input, hermitian, atol, rtol)
    numbers = any(x is not None and not isinstance(x, Tensor) for x in (atol, rtol))
    name = "linalg.pinv"
    write = copied_out(name)(_pinv) if numbers else castable_out(name, "result")(_pinv)
    return write(input, hermitian, atol, rtol, out=out)  # type: ignore[no-any-return]


def _pinv(input: Tensor, hermitian: bool, atol: Tolerance, rtol: Tolerance) -> Tensor:
    if input._array.dtype.char not in "fdFD" or input.ndim < 2:
        raise RuntimeError(
            f"linalg.pinv({input.dtype.title}{{{list(input.shape)}}}): expected a tensor with 2 or "
            "more dimensions of float, double, cfloat or cdouble types"
        )
    _number(atol, "atol", "pinv"), _number(rtol, "rtol", "pinv")
    if not input._array.size:
        shape = input._array.shape
        data = np.empty((*shape[:-2], shape[-1], shape[-2]), input._array.dtype)
    else:
        u, s, vh = _factors(input, hermitian)
        sizes = np.abs(s)
        large = sizes > _per_matrix(input, sizes, atol, rtol, "pinv")
        inverted = fp.quiet(np.where, large, fp.quiet(np.divide, 1, s), 0).astype(s.dtype)
        v, uh = [np.conj(x.swapaxes(-2, -1)) for x in (vh, u)]
        data = fp.quiet(np.matmul, v * inverted[..., None, :], uh)
    return record("LinalgPinvBackward0", data, a=(input, _pinv_rule))


def _per_matrix(
    input: Tensor, sizes: np.ndarray, atol: Tolerance, rtol: Tolerance, name: str
) -> np.ndarray:
    """The threshold of each matrix, beside its singular values."""
    largest = _largest(sizes)[..., 0]
    return _threshold(input, largest, atol, rtol, name)[..., None]


def _pinv_rule(g: Tensor, a: Tensor, out: Tensor) -> Tensor:
    """(source: Golub, Pereyra, "The differentiation of pseudo-inverses", 1973; pinv_backward)"""
    gh, p, ph = adjoint(g), out, adjoint(out)
    if a._array.shape[-2] <= a._array.shape[-1]:
        k = matmul(gh, p)
        kph = matmul(k, ph)
        return (
            -adjoint(matmul(p, k))
            + kph
            - matmul(matmul(a, p), kph)
            + matmul(matmul(ph, p), gh - matmul(k, a))
        )
    k = matmul(p, gh)
    phk = matmul(ph, k)
    return (
        -adjoint(matmul(k, p))
        + matmul(matmul(gh - matmul(a, k), p), ph)
        + phk
        - matmul(matmul(phk, p), a)
    )


@op
def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """`linalg.pinv` with a tolerance far below rounding by default."""
    return pinv(input, rcond)


@op(namespace="linalg", own_out=True)
@copied_out("linalg.matrix_rank")
def matrix_rank(
    input: Tensor,
    tol: Tolerance = None,
    hermitian: bool = False,
    *,
    atol: Tolerance = None,
    rtol: Tolerance = None,
) -> Tensor:
    """How many singular values of (…, m, n) exceed the tolerance; `tol` is an older name of `atol`."""
    check_matrix(input, "torch.linalg.matrix_rank", "input")
    _require_lapack(input, _FEW_TYPES)
    if tol is not None:
        atol, rtol = tol, 0.0
    _number(atol, "atol", "matrix_rank"), _number(rtol, "rtol", "matrix_rank")
    if not input._array.size:
        return wrap(np.zeros(input._array.shape[:-2], np.int64))
    sizes = np.abs(_factors(input, hermitian)[1])
    large = sizes > _per_matrix(input, sizes, atol, rtol, "matrix_rank")
    return wrap(np.asarray(large.sum(-1), np.int64))


# ---- least squares -------------------------------------------------------------------------------


@op(namespace="linalg", out=True)
def lstsq(
    input: Tensor, b: Tensor, rcond: float | None = None, *, driver: str | None = None
) -> Any:
    """(solution, residuals, rank, singular_values) minimizing ‖A·X − B‖ for (…, m, n), (…, m, k).

    driver: "gelsy" (the default; QR with pivoting), "gels" (QR, full rank), "gelsd" and "gelss"
    (singular values).  Residuals are given for m > n and full rank, except by "gelsy".
    """
    vector = _check_lstsq(input, b, driver)
    driver = driver or "gelsy"
    a, right = input._array, b._array[..., None] if vector else b._array
    m, n = a.shape[-2:]
    if rcond is None:
        rcond = float(np.finfo(a.dtype).eps) * max(m, n)
    batch = broadcast_batches(input, wrap(right))
    a, right = [np.broadcast_to(x, batch + x.shape[-2:]) for x in (a, right)]
    x, below, ranks, values, info = fp.quiet(lapack.least_squares, a, right, rcond, driver)
    if info.any():
        raise failed("torch.linalg.lstsq", info, _RANK_DEFICIENT)
    residuals = np.empty(0, a.real.dtype)
    full = driver == "gels" or (ranks == n).all()
    if m > n and driver != "gelsy" and full:
        residuals = np.asarray(np.square(np.abs(below)).sum(-2))
    if vector:
        x = x[..., 0]
    solution, rest = record(
        "LinalgLstsqBackward0", (np.ascontiguousarray(x), residuals),
        joint=(("a", "b"), _lstsq_rule), a=input, b=b,
    )  # fmt: skip
    has_rank, has_values = driver != "gels", driver in ("gelsd", "gelss")
    ranks = ranks if has_rank else np.empty(0, np.int64)
    values = values if has_values else np.empty(0, a.real.dtype)
    return return_types.linalg_lstsq((solution, rest, wrap(ranks), wrap(values)))


def _lstsq_rule(g: Any, a: Tensor, b: Tensor, out0: Tensor, needs: Any) -> tuple[Any, Any]:
    """X = A⁺·B, and residuals Σ|A·X − B|² (source: linalg_lstsq_backward)"""
    to_x, to_residuals = g
    vector = b.ndim < a.ndim
    x, right = (out0.unsqueeze(-1), b.unsqueeze(-1)) if vector else (out0, b)
    to_a = to_b = None
    if to_x is not None:
        to_x = to_x.unsqueeze(-1) if vector else to_x
        inverse = pinv(a)
        if needs[0]:
            to_a = _pinv_rule(matmul(to_x, adjoint(right)), a, inverse)
        if needs[1]:
            to_b = matmul(adjoint(inverse), to_x)
    if to_residuals is not None and to_residuals.numel():
        weighted = (matmul(a, x) - right) * (2 * to_residuals).unsqueeze(-2)
        more_a = matmul(weighted, adjoint(x))
        to_a = more_a if to_a is None else to_a + more_a
        to_b = -weighted if to_b is None else to_b - weighted
    return to_a, to_b.squeeze(-1) if vector and to_b is not None else to_b


def _check_lstsq(a: Tensor, b: Tensor, driver: str | None) -> bool:
    """Whether the right-hand sides are vectors.  Raises torch's RuntimeErrors."""
    name = "torch.linalg.lstsq"
    if a.ndim < 2:
        raise RuntimeError(f"{name}: input must have at least 2 dimensions.")
    if b.ndim < 1:
        raise RuntimeError(f"{name}: other must have at least 1 dimension.")
    if a.dtype is not b.dtype:
        raise RuntimeError(
            f"{name}: Expected input and other to have the same dtype, but got input's dtype "
            f"{a.dtype.title} and other's dtype {b.dtype.title}"
        )
    if not 0 <= a.ndim - b.ndim <= 1:
        raise RuntimeError(
            f"{name}: input.dim() must be greater or equal to other.dim() and (input.dim() - "
            "other.dim()) <= 1"
        )
    vector = b.ndim == 1 or b._array.shape == a._array.shape[:-1]
    dim = -1 if vector else -2
    if b._array.shape[dim] != a._array.shape[-2]:
        raise RuntimeError(f"{name}: input.size(-2) should match other.size({dim})")
    if driver is not None and driver not in _DRIVERS:
        raise RuntimeError(
            f"{name}: parameter `driver` should be one of ({', '.join(_DRIVERS)})"
        )
    _require_lapack(a, _FEW_TYPES)
    return vector

