"""Three parametrizations: orthogonal matrices, weights of spectral norm 1, weights as length times
direction.

An orthogonal matrix Q is reached from unconstrained X by one of three maps (A = tril(X) − tril(X)ᴴ is
skew, Lezcano-Casado & Martínez-Rubio 2019):

    matrix_exp    exp(A)
    cayley        (I + A/2)(I − A/2)⁻¹
    householder   a product of reflections, whose directions are the columns below X's diagonal

With `use_trivialization` Q is multiplied by a fixed orthogonal base, so that any start is reached.
"""

from __future__ import annotations

from typing import Any

from ...autograd.modes import no_grad
from ...ops.matrix_functions import matrix_exp
from ...ops.reflectors import geqrf, householder_product
from ...ops.sampling import randn
from ...ops.solving import solve
from ...tensor import Tensor
from .. import functional as F
from ..modules.conv import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from ..modules.module import Module
from .parametrize import register_parametrization
from .weight_norm import _lengths

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]

MAPS = ("matrix_exp", "cayley", "householder")


def _named(module: Any, name: str) -> Tensor:
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    return weight


# ---- orthogonal ----------------------------------------------------------------------------------


class _Orthogonal(Module):
    """X, unconstrained → Q, whose columns (or rows, for a wide matrix) are orthonormal."""

    base: Tensor

    def __init__(self, weight: Tensor, orthogonal_map: str, *, use_trivialization: bool = True) -> None:
        super().__init__()
        if weight.is_complex() and orthogonal_map == "householder":
            raise ValueError("The householder parametrization does not support complex tensors.")
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, X: Tensor) -> Tensor:
        """Q, as large as X."""
        wide = X.size(-2) < X.size(-1)
        if wide:
            X = X.mT
        n, k = X.size(-2), X.size(-1)
        if self.orthogonal_map == "householder":
            A = X.tril(diagonal=-1)
            Q = householder_product(A, 2.0 / (1.0 + (A * A).sum(dim=-2)))
            Q = Q * X.diagonal(dim1=-2, dim2=-1).int().unsqueeze(-2)  # signs, which are not trained
        else:
            Q = self._of_skew(X.tril(), n, k)
        if hasattr(self, "base"):
            Q = self.base @ Q
        return Q.mT if wide else Q

    def _of_skew(self, X: Tensor, n: int, k: int) -> Tensor:
        from ...ops.joining import cat

        if n != k:
            X = cat([X, X.new_zeros(n, n - k).expand(*X.shape[:-2], -1, -1)], dim=-1)
        A = X - X.mH
        if self.orthogonal_map == "matrix_exp":
            Q = matrix_exp(A)
        else:
            one = _eye(n, A)
            Q = solve(one.add(A, alpha=-0.5), one.add(A, alpha=0.5))
        return Q[..., :k] if n != k else Q

    @no_grad()
    def right_inverse(self, Q: Tensor) -> Tensor:
        """An X that gives Q made orthogonal; the base takes all of it, if there is one."""
        if Q.shape != self.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. "
                f"Got a tensor of shape {Q.shape}."
            )
        given, wide = Q, Q.size(-2) < Q.size(-1)
        if wide:
            Q = Q.mT
        if hasattr(self, "base"):
            self.base = _completed(Q)
            start = given.new_zeros(given.shape)
            start.diagonal(dim1=-2, dim2=-1).fill_(-1.0)  # so that no reflection gives the identity
            return start
        if self.orthogonal_map != "householder":
            raise NotImplementedError(
                "It is not possible to assign to the matrix exponential or the Cayley "
                "parametrizations when use_trivialization=False."
            )
        A, tau = geqrf(Q)
        A.diagonal(dim1=-2, dim2=-1).sign_()  # R's diagonal, to be positive
        A.diagonal(dim1=-2, dim2=-1)[tau == 0.0] *= -1
        return A.mT if wide else A


def _eye(n: int, like: Tensor) -> Tensor:
    one = like.new_zeros(n, n)
    one.diagonal().fill_(1)
    return one


def _completed(Q: Tensor) -> Tensor:
    """Q itself if it is square and orthogonal; else made so, with random columns added."""
    from ...dtypes import finfo
    from ...ops.joining import cat

    n, k = Q.size(-2), Q.size(-1)
    if n == k:
        limit = 10.0 * n * finfo(Q.dtype).eps
        if (Q.mH @ Q).allclose(_eye(k, Q), atol=limit):
            return Q.clone()
    else:
        Q = cat([Q, randn(*Q.shape[:-2], n, n - k, dtype=Q.dtype)], dim=-1)
    X, tau = geqrf(Q)
    made = householder_product(X, tau)
    return made.mul_(X.diagonal(dim1=-2, dim2=-1).sgn().unsqueeze(-2))


def orthogonal(
    module: Any, name: str = "weight", orthogonal_map: str | None = None, *,
    use_trivialization: bool = True,
) -> Any:  # fmt: skip
    """Keep `module.name` orthogonal; by householder reflections, or matrix_exp where it is square.

    ValueError for a tensor of fewer than two dims, or another map.
    """
    weight = _named(module, name)
    if weight.ndim < 2:
        raise ValueError(
            f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions."
        )
    if orthogonal_map is None:
        square = weight.size(-2) == weight.size(-1) or weight.is_complex()
        orthogonal_map = "matrix_exp" if square else "householder"
    if orthogonal_map not in MAPS:
        raise ValueError(
            'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". '
            f"Got: {orthogonal_map}"
        )
    made = _Orthogonal(weight, orthogonal_map, use_trivialization=use_trivialization)
    return register_parametrization(module, name, made, unsafe=True)


# ---- weight_norm ---------------------------------------------------------------------------------


class _WeightNorm(Module):
    """(g, v) → g · v / ‖v‖, the norms taken over all dims but `dim` (−1: over all)."""

    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        """The weight."""
        return weight_v * (weight_g / _lengths(weight_v, self.dim))

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Its norms, and itself."""
        return _lengths(weight, self.dim), weight


def weight_norm(module: Any, name: str = "weight", dim: int | None = 0) -> Any:
    """Train length (original0) and direction (original1) of `module.name` apart.

    State dicts of the older `nn.utils.weight_norm` can be loaded.
    """
    register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def from_older(state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
        old = [f"{prefix}{name}_{part}" for part in "gv"]
        if all(key in state_dict for key in old):
            for i, key in enumerate(old):
                state_dict[f"{prefix}parametrizations.{name}.original{i}"] = state_dict.pop(key)

    module._register_load_state_dict_pre_hook(from_older)
    return module


# ---- spectral_norm -------------------------------------------------------------------------------


class _SpectralNorm(Module):
    """W → W / σ, σ = uᵀWv its largest singular value, u and v found by power iteration."""

    _u: Tensor
    _v: Tensor

    def __init__(
        self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12
    ) -> None:
        super().__init__()
        ndim = weight.ndim
        if dim >= ndim or dim < -ndim:
            raise IndexError(
                "Dimension out of range (expected to be in range of "
                f"[-{ndim}, {ndim - 1}] but got {dim})"
            )
        if n_power_iterations <= 0:
            raise ValueError(
                "Expected n_power_iterations to be positive, but "
                f"got n_power_iterations={n_power_iterations}"
            )
        self.dim = dim if dim >= 0 else dim + ndim
        self.eps = eps
        if ndim > 1:
            self.n_power_iterations = n_power_iterations
            matrix = as_matrix(weight, self.dim)
            for side, size in zip(("_u", "_v"), matrix.shape, strict=True):
                start = matrix.new_empty(size).normal_(0, 1).detach()
                self.register_buffer(side, start)
            for side in ("_u", "_v"):
                setattr(self, side, F.normalize(getattr(self, side), dim=0, eps=eps))
            self._power_method(matrix, 15)

    @no_grad()
    def _power_method(self, matrix: Tensor, iterations: int) -> None:
        """u ← Wv / ‖Wv‖, v ← Wᴴu / ‖Wᴴu‖, in place."""
        for _ in range(iterations):
            self._u.copy_(F.normalize(matrix.mv(self._v), dim=0, eps=self.eps))
            self._v.copy_(F.normalize(matrix.mH.mv(self._u), dim=0, eps=self.eps))

    def forward(self, weight: Tensor) -> Tensor:
        """The weight over its norm; iterates first while training."""
        if weight.ndim == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            self._power_method(matrix, self.n_power_iterations)
        u, v = self._u.clone(), self._v.clone()  # saved for backward; the next forward changes them
        return weight / u.vdot(matrix.mv(v))

    def right_inverse(self, value: Tensor) -> Tensor:
        """The value itself."""
        return value


def as_matrix(weight: Tensor, dim: int) -> Tensor:
    """A row for each entry of `dim`."""
    return weight.movedim(dim, 0).flatten(1)


def norm_dim(module: Any, dim: int | None) -> int:
    """The dim of the outputs, unless one is given."""
    if dim is not None:
        return dim
    return int(isinstance(module, ConvTranspose1d | ConvTranspose2d | ConvTranspose3d))


def spectral_norm(
    module: Any, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12,
    dim: int | None = None,
) -> Any:  # fmt: skip
    """Divide `module.name` by its spectral norm (Miyato et al. 2018).

    dim: that of the outputs.  ValueError without such a tensor or without iterations.
    """
    weight = _named(module, name)
    made = _SpectralNorm(weight, n_power_iterations, norm_dim(module, dim), eps)
    return register_parametrization(module, name, made)
