"""Random matrices: Wishart (covariances of normal samples), LKJCholesky (correlations)."""

from __future__ import annotations

import math
import warnings
from numbers import Number
from typing import Any

import minitorch_ref as torch

from ..tensor import Tensor
from . import constraints
from .distribution import Distribution
from .exp_family import ExponentialFamily
from .formulas import Parametric, density, moment, summary
from .gamma_family import Beta, Chi2
from .multivariate import ByFactor, factor_of, log_diagonal
from .utils import broadcast_all

__all__ = ["LKJCholesky", "Wishart"]


def _multidigamma(x: Tensor, p: int) -> Tensor:
    """Its derivative: Σ ψ(x - i/2), i = 0 … p-1."""
    steps = 0.5 * torch.arange(p, dtype=x.dtype)
    return torch.digamma(x.unsqueeze(-1) - steps).sum(-1)


def _trace_of_solution(factor: Tensor, value: Tensor) -> Tensor:
    """tr((L Lᵀ)⁻¹ X)."""
    return torch.cholesky_solve(value, factor).diagonal(dim1=-2, dim2=-1).sum(dim=-1)


def _like_matrix(x: Tensor) -> Tensor:
    return x.unsqueeze(-1).unsqueeze(-1)


class Wishart(ByFactor, ExponentialFamily):
    """Σ z zᵀ over `df` normal vectors z with a given covariance; `df` need not be whole."""

    support = constraints.positive_definite
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(
        self,
        df: Any,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        named = {
            "covariance_matrix": covariance_matrix,
            "precision_matrix": precision_matrix,
            "scale_tril": scale_tril,
        }
        given = {name: matrix for name, matrix in named.items() if matrix is not None}
        if len(given) != 1:
            raise AssertionError(
                "Exactly one of covariance_matrix or precision_matrix or scale_tril may be "
                "specified."
            )
        ((name, matrix),) = given.items()
        if matrix.dim() < 2:
            raise ValueError(
                "scale_tril must be at least two-dimensional, with optional leading batch dimensions"
            )
        df = torch.as_tensor(df, dtype=matrix.dtype) if isinstance(df, Number) else df
        batch, event = torch.broadcast_shapes(matrix.shape[:-2], df.shape), matrix.shape[-2:]
        self.df = df.expand(batch)
        if self.df.le(event[-1] - 1).any():
            raise ValueError(
                f"Value of df={df} expected to be greater than ndim - 1 = {event[-1] - 1}."
            )
        setattr(self, name, matrix.expand(batch + event))
        self._event_shape = event  # arg_constraints needs it
        Distribution.__init__(self, batch, event, validate_args=validate_args)
        if self.df.lt(event[-1]).any():
            warnings.warn(
                "Low df values detected. Singular samples are highly likely to occur for "
                "ndim - 1 < df < ndim.",
                stacklevel=2,
            )
        self._unbroadcasted_scale_tril = factor_of(**{name: matrix})

    @property
    def arg_constraints(self) -> dict[str, Any]:
        return {
            "covariance_matrix": constraints.positive_definite,
            "precision_matrix": constraints.positive_definite,
            "scale_tril": constraints.lower_cholesky,
            "df": constraints.greater_than(self._event_shape[-1] - 1),
        }

    _p = moment(lambda _event_shape: _event_shape[-1])

    mean = moment(lambda df, covariance_matrix: _like_matrix(df) * covariance_matrix)
    mode = moment(
        lambda df, _p, covariance_matrix: (
            _like_matrix((df - _p - 1).masked_fill(df - _p - 1 <= 0, math.nan)) * covariance_matrix
        )
    )

    @property
    def variance(self) -> Tensor:
        v = self.covariance_matrix
        diagonal = v.diagonal(dim1=-2, dim2=-1)
        products = diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2)
        return _like_matrix(self.df) * (v.pow(2) + products)

    def rsample(self, sample_shape: Any = torch.Size(), max_try_correction: int = 10) -> Tensor:
        """Draws that rounding left singular are drawn again, `max_try_correction` times at most.

        torch takes its first check the wrong way round, and so draws the regular ones again; the
        stream of random numbers asks for the same here.
        """
        sample = self._bartlett_sampling(torch.Size(sample_shape))
        again = self._any_of_batch(self.support.check(sample))
        for tries in range(max_try_correction):
            if not again.any():
                break
            if tries:
                warnings.warn("Singular sample detected.", stacklevel=2)
            fresh = self._bartlett_sampling(again[again].shape)
            sample[again], chosen = fresh, again
            again = again.clone()
            again[chosen] = self._any_of_batch(~self.support.check(fresh))
        return sample

    def _any_of_batch(self, condition: Tensor) -> Tensor:
        dims = [-(i + 1) for i in range(len(self._batch_shape))]
        return condition.any(dims) if dims else condition

    def _bartlett_sampling(self, sample_shape: Any) -> Tensor:
        """(L A)(L A)ᵀ: A lower triangular, normal below roots of chi-squared numbers."""
        p, batch = self._p, self._batch_shape
        degrees = self.df.unsqueeze(-1) - torch.arange(p, dtype=self.df.dtype).expand(batch + (p,))
        noise = Chi2(degrees).rsample(sample_shape).sqrt().diag_embed(dim1=-2, dim2=-1)
        row, column = torch.tril_indices(p, p, offset=-1)
        below = torch.randn(sample_shape + batch + (p * (p - 1) // 2,), dtype=noise.dtype)
        noise[..., row, column] = below
        factor = self._l @ noise
        return factor @ factor.mT

    log_prob = density(
        lambda value, df, _l, _p: (
            -df * (_p * math.log(2) / 2 + log_diagonal(_l))
            - torch.mvlgamma(df / 2, _p)
            + (df - _p - 1) / 2 * torch.linalg.slogdet(value).logabsdet
            - _trace_of_solution(_l, value) / 2
        )
    )
    entropy = summary(
        lambda df, _l, _p: (
            (_p + 1) * (_p * math.log(2) / 2 + log_diagonal(_l))
            + torch.mvlgamma(df / 2, _p)
            - (df - _p - 1) / 2 * _multidigamma(df / 2, _p)
            + df * _p / 2
        )
    )

    _natural_params = moment(
        lambda df, _p, precision_matrix: (-precision_matrix / 2, (df - _p - 1) / 2)
    )

    def _log_normalizer(self, x: Tensor, y: Tensor) -> Tensor:  # type: ignore[override]
        p = self._p
        half = y + (p + 1) / 2
        log_det = torch.linalg.slogdet(-2 * x).logabsdet
        return half * (-log_det + math.log(2) * p) + torch.mvlgamma(half, p)


class LKJCholesky(Parametric):
    """The Cholesky factor L of a random correlation matrix of `dim` variables, with density
    ∝ det(L Lᵀ)^(concentration-1): 1 is uniform, more prefers weak correlations.

    Sampled row by row, each a point on a sphere (the onion method of Lewandowski, Kurowicka and Joe
    2009).
    """

    arg_constraints = {"concentration": constraints.positive}
    support = constraints.corr_cholesky
    _kept = ("dim",)

    def __init__(
        self, dim: int, concentration: Any = 1.0, validate_args: bool | None = None
    ) -> None:
        if dim < 2:
            raise ValueError(
                f"Expected dim to be an integer greater than or equal to 2. Found dim={dim}."
            )
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        rows = torch.arange(dim - 1, dtype=self.concentration.dtype)
        before = torch.cat([rows.new_zeros((1,)), rows])
        marginal = self.concentration + 0.5 * (dim - 2)
        self._beta = Beta(before + 0.5, marginal.unsqueeze(-1) - 0.5 * before)
        shape = self.concentration.shape
        Distribution.__init__(self, shape, torch.Size((dim, dim)), validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        new = super().expand(batch_shape, _instance)
        new._beta = self._beta.expand(torch.Size(batch_shape) + (self.dim,))
        return new

    def sample(self, sample_shape: Any = torch.Size()) -> Tensor:
        with torch.no_grad():
            squares = self._beta.sample(sample_shape).unsqueeze(-1)
            shape = self._extended_shape(sample_shape)
            normal = torch.randn(shape, dtype=squares.dtype).tril(-1)
            direction = normal / normal.norm(dim=-1, keepdim=True)
            direction[..., 0, :] = 0.0  # the first row is its diagonal alone
            below = torch.sqrt(squares) * direction
            tiny = torch.finfo(below.dtype).tiny
            rest = torch.clamp(1 - torch.sum(below**2, dim=-1), min=tiny)
            return below + torch.diag_embed(rest.sqrt())

    log_prob = density(
        lambda value, concentration, dim: (
            _lkj_kernel(value, concentration, dim) - _lkj_constant(concentration, dim)
        )
    )


def _lkj_kernel(value: Tensor, concentration: Tensor, dim: int) -> Tensor:
    """Σ (2(c-1) + dim - i) log L_ii: the density, and the Jacobian of L → L Lᵀ."""
    diagonal = value.diagonal(dim1=-1, dim2=-2)[..., 1:]
    order = torch.arange(2, dim + 1)
    order = 2 * (concentration - 1).unsqueeze(-1) + dim - order
    return torch.sum(order * diagonal.log(), dim=-1)


def _lkj_constant(concentration: Tensor, dim: int) -> Tensor:
    below = dim - 1
    alpha = concentration + 0.5 * below
    powers_of_pi = 0.5 * below * math.log(math.pi)
    return powers_of_pi + (torch.mvlgamma(alpha - 0.5, below) - torch.lgamma(alpha) * below)
