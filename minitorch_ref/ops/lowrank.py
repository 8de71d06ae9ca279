"""Low-rank decompositions by random projection: svd_lowrank and pca_lowrank.

A matrix of rank about q is seen through few vectors: with Q an orthonormal basis of A·R, R random
with q columns, A ≈ Q QᴴA, and the small matrix QᴴA has the same leading singular values as A.  Going
to and fro between A and Aᴴ `niter` times turns Q towards the leading ones (source: N. Halko, P.-G.
Martinsson and J. Tropp, arXiv:0909.4061, algorithms 4.4 and 5.1).

R is drawn from the default generator exactly as torch draws it.
"""

from __future__ import annotations

from ..dtypes import FLOATING, float32
from ..tensor import Tensor
from .decompositions import linalg_svd
from .factorizations import linalg_qr
from .registry import op
from .sampling import randn


def _basis(a: Tensor, q: int, niter: int | None) -> Tensor:
    """Q (…, m, q) with orthonormal columns such that Q QᴴA approximates A."""
    kind = a.dtype if a.dtype.category >= FLOATING else float32
    start = randn(a._array.shape[-1], q, dtype=kind)
    basis = linalg_qr(a @ start)[0]
    for _ in range(2 if niter is None else niter):
        basis = linalg_qr(a.mH @ basis)[0]
        basis = linalg_qr(a @ basis)[0]
    return basis


@op(method=False)
def svd_lowrank(
    A: Tensor, q: int | None = 6, niter: int | None = 2, M: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """(U, S, V) of rank q with A ≈ U·diag(S)·Vᴴ; of A − M if M is given.  (…, m, n), q columns."""
    q = 6 if q is None else q
    m, n = A._array.shape[-2:]
    a = A if M is None else A - M.broadcast_to(A._array.shape)
    a = a.mH if m < n else a
    basis = _basis(a, q, niter)
    u, s, vh = linalg_svd(basis.mH @ a, full_matrices=False)
    u, v = basis @ u, vh.mH
    return (v, s, u) if m < n else (u, s, v)


@op(method=False)
def pca_lowrank(
    A: Tensor, q: int | None = None, center: bool = True, niter: int = 2
) -> tuple[Tensor, Tensor, Tensor]:
    """Principal components: `svd_lowrank` of A (…, samples, features) less the mean of each feature.

    The columns of V are the principal directions.  Raises ValueError for q above min(m, n).
    """
    m, n = A._array.shape[-2:]
    if q is None:
        q = min(6, m, n)
    elif not 0 <= q <= min(m, n):
        raise ValueError(
            f"q(={q}) must be non-negative integer and not greater than min(m, n)={min(m, n)}"
        )
    if not niter >= 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    if center:
        A = A - A.mean(dim=-2, keepdim=True)
    return svd_lowrank(A, q, niter)
