"""lobpcg: a few extreme eigenpairs of a large symmetric matrix, from products with it alone.

Every step looks for the best vectors (Rayleigh-Ritz) in the span of three blocks: the vectors X found
so far, their residuals W = K⁻¹(AX − BXE), and the directions P of the step before.  "ortho" keeps the
three orthonormal to each other; "basic" leaves that to a Cholesky factor of their Gram matrix.
(source: Knyazev 2001; Duersch, Shao, Yang and Gu 2018, whose orthonormalisation it is)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..autograd.function import Function
from ..autograd.graph import requires_grad
from ..autograd.modes import no_grad
from ..dtypes import FLOATING, float32, float64, get_default_dtype
from ..tensor import Tensor
from .creation import empty, eye, zeros
from .decompositions import eigh
from .factorizations import linalg_cholesky, linalg_qr
from .joining import stack
from .norms import norm
from .registry import op
from .sampling import randn
from .triangular import solve_triangular

_EPSILON = {float32: 1.2e-07, float64: 2.23e-16}


def _times(a: Tensor | None, x: Tensor) -> Tensor:
    """a·x; None stands for the identity."""
    return x if a is None else a @ x


def _form(a: Tensor | None, s: Tensor) -> Tensor:
    """sᵀ·a·s"""
    return s.mT @ _times(a, s)


def _eigenpairs(a: Tensor, largest: bool = False) -> tuple[Tensor, Tensor]:
    values, vectors = eigh(a, UPLO="U")
    return (values.flip(-1), vectors.flip(-1)) if largest else (values, vectors)


class LOBPCG:
    """The state of one run, which a tracker may read: A, B, iK; E, X, S, R; and by name what is in

    iparams, fparams, bparams (given), ivars, fvars, bvars, tvars (current).  A tracker ends the run
    by setting bvars["force_stop"].
    """

    def __init__(
        self, A: Tensor, B: Tensor | None, X: Tensor, iK: Tensor | None, iparams: dict[str, int],
        fparams: dict[str, float], bparams: dict[str, bool], method: str, tracker: Any,
    ) -> None:  # fmt: skip
        self.A, self.B, self.X, self.iK = A, B, X, iK
        self.iparams, self.fparams, self.bparams = iparams, fparams, bparams
        self.method, self.tracker = method, tracker
        m, n = iparams["m"], iparams["n"]
        self.E = zeros(n, dtype=X.dtype)
        self.R = zeros(m, n, dtype=X.dtype)
        self.S = zeros(m, 3 * n, dtype=X.dtype)
        self.tvars: dict[str, Tensor] = {}
        self.ivars: dict[str, int] = {"istep": 0}
        self.fvars: dict[str, float] = {}
        self.bvars: dict[str, bool] = {}

    def run(self) -> None:
        """Step until k pairs have converged, the steps are used up, or the tracker says so."""
        length = float(norm(self.X))
        self.fvars |= {
            "X_norm": length,
            "A_norm": float(norm(_times(self.A, self.X))) / length,
            "B_norm": float(norm(_times(self.B, self.X))) / length,
        }
        self.ivars |= {
            "iterations_left": self.iparams["niter"], "converged_count": 0, "converged_end": 0,
        }  # fmt: skip
        self.step()
        while not (
            self.bvars.get("force_stop", False)
            or self.ivars["iterations_left"] == 0
            or self.ivars["converged_count"] >= self.iparams["k"]
        ):
            self.step()

    def step(self) -> None:
        directions = None
        if self.ivars["istep"] == 0:
            self._start()
        else:
            directions = self._improve()
        self.R = _times(self.A, self.X) - _times(self.B, self.X) * self.E
        self._count_converged()
        self._extend(directions)
        self.ivars["iterations_left"] -= 1
        self.ivars["istep"] += 1
        if self.tracker is not None:
            self.tracker(self)

    def _start(self) -> None:
        """The best vectors in the span of the first ones."""
        basis = self._whitening(self.X)
        values, turn = _eigenpairs(_form(_form(self.A, self.X), basis), self.bparams["largest"])
        best = self.X @ (basis @ turn)
        if self.method == "basic":
            self.X[:], self.E = best, values  # torch writes to the vectors that it was given
        else:
            self.X = best

    def _improve(self) -> Tensor:
        """The best vectors in the span of what has not converged; the directions that led there."""
        done, n = self.ivars["converged_count"], self.iparams["n"]
        span = self.S[:, done : self.ivars["converged_end"]]
        values, turn = self._ritz(span)
        self.X[:, done:] = span @ turn[:, : n - done]
        self.E[done:] = values[: n - done]
        if self.method == "basic":
            return span @ turn[:, n : 2 * n - done]
        rest = turn[:, n - done :]
        return span @ (rest @ linalg_qr(rest[: n - done].mT)[0])

    def _ritz(self, span: Tensor) -> tuple[Tensor, Tensor]:
        inner = _form(self.A, span)
        if self.method == "ortho":
            return _eigenpairs(inner, self.bparams["largest"])
        basis = self._whitening(span)
        values, turn = _eigenpairs(_form(inner, basis), self.bparams["largest"])
        return values, basis @ turn

    def _whitening(self, s: Tensor) -> Tensor:
        """The matrix by which `s` becomes orthonormal, from a scaled Cholesky factor of its Gram matrix."""
        gram = _form(self.B, s)
        scale = gram.diagonal(0, -2, -1) ** -0.5
        factor = linalg_cholesky(gram * scale * scale.reshape(-1, 1), upper=True)
        return solve_triangular(factor, scale.diag_embed(), upper=True, left=False)

    def _count_converged(self) -> None:
        size = self.fvars["A_norm"] + self.E[: self.X.shape[-1]].abs() * self.fvars["B_norm"]
        error = norm(self.R, 2, (0,)) / (norm(self.X, 2, (0,)) * size)
        count = 0
        for small in (error < self.fparams["tol"]).tolist():
            if not small:
                break  # those behind it do not count: the pairs come in order
            count += 1
        before = self.ivars["converged_count"]
        if count < before:
            raise AssertionError(
                f"the number of converged eigenpairs (was {before}, got {count}) cannot decrease"
            )
        self.ivars["converged_count"], self.tvars["rerr"] = count, error

    def _extend(self, directions: Tensor | None) -> None:
        """Lay out what the next step looks among: vectors, directions, residuals."""
        done, n = self.ivars["converged_count"], self.iparams["n"]
        self.S[:, :n] = self.X
        end = n
        if directions is not None:
            end += directions.shape[-1]
            self.S[:, n:end] = directions
        residual = self.R if directions is None else self.R[:, done:]
        if self.method == "ortho":
            residual = self._orthonormal(residual, self.S[:, :end])
        else:
            residual = _times(self.iK, residual)
        self.ivars["converged_end"] = end + residual.shape[-1]
        self.S[:, end : self.ivars["converged_end"]] = residual

    # ---- keeping blocks orthonormal ----------------------------------------------------------------

    def _orthonormal(self, u: Tensor, v: Tensor) -> Tensor:
        """`u` made orthonormal, and orthogonal to `v`, in B's inner product."""
        tolerance, drops = self.fparams["ortho_tol"], self.bparams["ortho_use_drop"]
        length = norm(_times(self.B, v))
        overlap = v.mT @ _times(self.B, u)
        i = j = 0
        for i in range(self.iparams["ortho_i_max"]):
            u = u - v @ overlap
            for j in range(self.iparams["ortho_j_max"]):
                first = drops and j == 0
                cut = self.fparams["ortho_tol_drop" if first else "ortho_tol_replace"]
                u = self._scaled(u, drops and not first, cut)
                if u.numel() == 0:  # all of it lay in the span of v
                    self.ivars |= {"ortho_i": i, "ortho_j": j}
                    return u
                bu = _times(self.B, u)
                off = u.mT @ bu - eye(u.shape[-1], dtype=u.dtype)
                if float(norm(off)) / float(norm(bu) * norm(u)) < tolerance:
                    break
            overlap = v.mT @ bu
            if float(norm(overlap)) / float(length * norm(u)) < tolerance:
                break
            if self.iparams["m"] < u.shape[-1] + v.shape[-1]:
                raise ValueError("Overdetermined shape of U")
        self.ivars |= {"ortho_i": i, "ortho_j": j}
        return u

    def _scaled(self, u: Tensor, drop: bool, cut: float) -> Tensor:
        """`u` times the inverse root of its scaled Gram matrix, small eigenvalues dropped or lifted."""
        gram = _form(self.B, u)
        present = gram.diagonal(0, -2, -1) != 0
        if not present.all():
            u = u[:, present]
            gram = _form(self.B, u)
        if u.numel() == 0:
            return u
        scale = gram.diagonal(0, -2, -1).reshape(-1, 1) ** -0.5
        values, vectors = _eigenpairs(gram * scale * scale.mT)
        least = cut * values.abs().max()
        if drop:
            kept = values > least
            values, vectors = values[kept], vectors[:, kept]
        else:
            values = values.clamp_min(least)
        return (u * scale.mT) @ (vectors * values**-0.5)


# ---- the public function ---------------------------------------------------------------------------


class LOBPCGAutogradFunction(Function):
    """The eigenpairs with their derivatives; for these all other pairs of A are needed as well."""

    @staticmethod
    def forward(ctx: Any, A: Tensor, B: Tensor | None, *rest: Any) -> Any:
        values, vectors = _solve(A, B, *rest)
        ctx.save_for_backward(A, B, values, vectors)
        return values, vectors

    @staticmethod
    def backward(ctx: Any, g_values: Tensor, g_vectors: Tensor) -> Any:
        """ΣᵢΣⱼ vⱼvⱼᵀgᵢuᵢᵀ / (dᵢ − λⱼ) over all pairs (λⱼ, vⱼ) of A but i's own, and U·diag(g)·Uᵀ."""
        A, B, values, vectors = ctx.saved_tensors
        if A.is_complex() or (B is not None and B.is_complex()):
            raise ValueError(
                "lobpcg.backward does not support complex input yet. Note that lobpcg.forward does "
                "though."
            )
        if B is not None:
            raise ValueError("lobpcg.backward does not support backward with B != I yet.")
        all_values, basis = eigh(A)
        gaps = values.unsqueeze(-2) - all_values.unsqueeze(-1)
        own = gaps.abs() == gaps.abs().amin(-2, keepdim=True)
        weight = gaps.masked_fill(own, float("inf")).reciprocal()
        found = basis @ (weight * (basis.mT @ g_vectors)) @ vectors.mT
        found = found + (vectors * g_values.unsqueeze(-2)) @ vectors.mT
        return (found, *[None] * 13)


@op(method=False)
def lobpcg(
    A: Tensor, k: int | None = None, B: Tensor | None = None, X: Tensor | None = None,
    n: int | None = None, iK: Tensor | None = None, niter: int | None = None,
    tol: float | None = None, largest: bool | None = None, method: str | None = None,
    tracker: Callable[[Any], None] | None = None, ortho_iparams: dict[str, int] | None = None,
    ortho_fparams: dict[str, float] | None = None, ortho_bparams: dict[str, bool] | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The `k` largest (or smallest) eigenvalues (…, k) and vectors (…, m, k) of A·x = λ·B·x.

    `X`: first approximations of the vectors, `n` columns, else random ones; `iK` a preconditioner of
    the basic method.  Raises ValueError if A has fewer than 3n rows.
    """
    rest = (
        k, X, n, iK, niter, tol, largest, method, tracker, ortho_iparams, ortho_fparams, ortho_bparams,
    )  # fmt: skip
    if requires_grad(A) or (B is not None and requires_grad(B)):
        B = None if B is None else (B + B.mT) / 2
        return LOBPCGAutogradFunction.apply((A + A.mT) / 2, B, *rest)
    with no_grad():
        return _solve(A, B, *rest)


def _solve(
    A: Tensor, B: Tensor | None, k: int | None, X: Tensor | None, n: int | None, iK: Tensor | None,
    niter: int | None, tol: float | None, largest: bool | None, method: str | None, tracker: Any,
    *extra: Any,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    if A.shape[-2] != A.shape[-1]:
        raise AssertionError(f"A must be square, got shape {A.shape}")
    if B is not None and A.shape != B.shape:
        raise AssertionError(f"A and B must have same shape, got {A.shape} vs {B.shape}")
    dtype = A.dtype if A.dtype.category >= FLOATING else get_default_dtype()
    tol = _EPSILON[dtype] ** 0.5 if tol is None else tol
    m = A.shape[-1]
    k = (1 if X is None else X.shape[-1]) if k is None else k
    n = (k if n is None else n) if X is None else X.shape[-1]
    if m < 3 * n:
        raise ValueError(
            f"LOBPCG algorithm is not applicable when the number of A rows (={m}) is smaller than 3 x "
            f"the number of requested eigenpairs (={n})"
        )
    iparams = {"m": m, "n": n, "k": k, "niter": 1000 if niter is None else niter}
    fparams, bparams = {"tol": tol}, {"largest": True if largest is None else largest}
    method = "ortho" if method is None else method
    if method == "ortho":
        given = [extra[i] or {} for i in range(3)]
        iparams |= {"ortho_i_max": 3, "ortho_j_max": 3} | given[0]
        fparams |= {"ortho_tol": tol, "ortho_tol_drop": tol, "ortho_tol_replace": tol} | given[1]
        bparams |= {"ortho_use_drop": False} | given[2]

    def one(a: Tensor, b: Tensor | None, x: Tensor | None) -> tuple[Tensor, Tensor]:
        x = randn(m, n, dtype=dtype) if x is None else x
        if x.ndim != 2 or x.shape != (m, n):
            raise AssertionError(f"X shape mismatch: got {x.shape}, expected {(m, n)}")
        worker = LOBPCG(a, b, x, iK, iparams, fparams, bparams, method, tracker)
        worker.run()
        return worker.E[:k], worker.X[:, :k]

    if A.ndim == 2:
        return one(A, B, X)
    batch = A.shape[:-2]
    flat = [None if t is None else t.reshape(-1, *t.shape[-2:]) for t in (A, B, X)]
    pairs = []
    for i in range(flat[0].shape[0]):  # type: ignore[union-attr]
        iparams["batch_index"] = i
        pairs.append(one(*[None if t is None else t[i] for t in flat]))  # type: ignore[arg-type]
    if not pairs:
        return empty(*batch, k, dtype=dtype), empty(*batch, m, k, dtype=dtype)
    values, vectors = zip(*pairs)
    return stack(values).reshape(*batch, k), stack(vectors).reshape(*batch, m, k)
