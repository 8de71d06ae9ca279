"""Correlated normal vectors: MultivariateNormal, and LowRankMultivariateNormal for long ones.

Everything goes through a Cholesky factor L of the covariance: x = loc + L z for a sample, |L⁻¹(x - loc)|²
for the density, the sum of log L_ii for the determinant.
"""

from __future__ import annotations

import math
from typing import Any

import minitorch_ref as torch

from ..tensor import Tensor
from . import constraints
from .distribution import Distribution
from .formulas import Parametric, density, derived, draw, moment, summary
from .utils import standard_normal

__all__ = ["LowRankMultivariateNormal", "MultivariateNormal"]

_LOG_TWO_PI = math.log(2 * math.pi)


def times(matrix: Tensor, vector: Tensor) -> Tensor:
    """matrix · vector, with any batch dims."""
    return torch.matmul(matrix, vector.unsqueeze(-1)).squeeze(-1)


def square_distance(factor: Tensor, vector: Tensor) -> Tensor:
    """|L⁻¹ v|²: the squared Mahalanobis distance, for the covariance L Lᵀ."""
    if factor.dim() == 2:  # all vectors at once, as columns
        columns = vector.reshape(-1, vector.shape[-1]).T
        solved = torch.linalg.solve_triangular(factor, columns, upper=False)
        return solved.pow(2).sum(0).reshape(vector.shape[:-1])
    solved = torch.linalg.solve_triangular(factor, vector.unsqueeze(-1), upper=False)
    return solved.squeeze(-1).pow(2).sum(-1)


def log_diagonal(factor: Tensor) -> Tensor:
    """Half the log determinant of L Lᵀ."""
    return factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)


def precision_to_factor(precision: Tensor) -> Tensor:
    """The Cholesky factor of P⁻¹, without inverting P: factor P from its last row up, P = U Uᵀ with
    U upper triangular; then P⁻¹ = (U⁻¹)ᵀ U⁻¹, and (U⁻¹)ᵀ is the lower triangle wanted."""
    flipped = torch.linalg.cholesky(torch.flip(precision, (-2, -1)))
    lower = torch.flip(flipped, (-2, -1)).mT
    unit = torch.eye(precision.shape[-1], dtype=precision.dtype)
    return torch.linalg.solve_triangular(lower, unit, upper=False)


def factor_of(
    covariance_matrix: Any = None, precision_matrix: Any = None, scale_tril: Any = None
) -> Tensor:
    """The Cholesky factor of the covariance, from the one that is given."""
    if scale_tril is not None:
        return scale_tril
    if covariance_matrix is not None:
        return torch.linalg.cholesky(covariance_matrix)
    return precision_to_factor(precision_matrix)


class ByFactor(Parametric):
    """A distribution given by one of three matrices; the others are worked out from L."""

    _kept: tuple[str, ...] = ("_unbroadcasted_scale_tril",)

    _l = moment(lambda _unbroadcasted_scale_tril: _unbroadcasted_scale_tril)
    _matrices = moment(lambda _batch_shape, _event_shape: _batch_shape + _event_shape[-1:] * 2)
    scale_tril = derived(lambda _l, _matrices: _l.expand(_matrices))
    covariance_matrix = derived(lambda _l, _matrices: torch.matmul(_l, _l.mT).expand(_matrices))
    precision_matrix = derived(lambda _l, _matrices: torch.cholesky_inverse(_l).expand(_matrices))


_MATRICES = {
    "covariance_matrix": constraints.positive_definite,
    "precision_matrix": constraints.positive_definite,
    "scale_tril": constraints.lower_cholesky,
}


class MultivariateNormal(ByFactor):
    """Normal vectors with mean `loc` and a covariance, given as it is, by its inverse, or by its
    Cholesky factor."""

    arg_constraints = {"loc": constraints.real_vector, **_MATRICES}
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        loc: Tensor,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        matrices = (covariance_matrix, precision_matrix, scale_tril)
        given = [(n, m) for n, m in zip(_MATRICES, matrices) if m is not None]
        if len(given) != 1:
            raise ValueError(
                "Exactly one of covariance_matrix or precision_matrix or scale_tril may be "
                "specified."
            )
        ((name, matrix),) = given
        if matrix.dim() < 2:
            shown = "scale_tril matrix" if name == "scale_tril" else name
            raise ValueError(
                f"{shown} must be at least two-dimensional, with optional leading batch dimensions"
            )
        batch = torch.broadcast_shapes(matrix.shape[:-2], loc.shape[:-1])
        setattr(self, name, matrix.expand(batch + matrix.shape[-2:]))
        self.loc = loc.expand(batch + (-1,))
        Distribution.__init__(self, batch, self.loc.shape[-1:], validate_args=validate_args)
        self._unbroadcasted_scale_tril = factor_of(**{name: matrix})

    _shape = moment(lambda _batch_shape, _event_shape: _batch_shape + _event_shape)

    mean = mode = moment(lambda loc: loc)
    variance = moment(lambda _l, _shape: _l.pow(2).sum(-1).expand(_shape))
    rsample = draw(lambda shape, loc, _l: loc + times(_l, standard_normal(shape, loc)))
    log_prob = density(
        lambda value, loc, _l: (
            -0.5 * (loc.shape[-1] * _LOG_TWO_PI + square_distance(_l, value - loc))
            - log_diagonal(_l)
        )
    )
    entropy = summary(
        lambda _l, _event_shape, _batch_shape: (
            0.5 * _event_shape[0] * (1.0 + _LOG_TWO_PI) + log_diagonal(_l)
        ).expand(_batch_shape)
    )


# ---- covariance W Wᵀ + D -------------------------------------------------------------------------


def capacitance(factor: Tensor, diagonal: Tensor) -> Tensor:
    """The Cholesky factor of the small matrix 1 + Wᵀ D⁻¹ W, to which Woodbury's formulas lead."""
    scaled = factor.mT / diagonal.unsqueeze(-2)
    unit = torch.eye(factor.size(-1), dtype=factor.dtype)
    return torch.linalg.cholesky(torch.matmul(scaled, factor) + unit)


def lowrank_log_det(diagonal: Tensor, small: Tensor) -> Tensor:
    """log det(W Wᵀ + D), by the matrix determinant lemma."""
    return 2 * log_diagonal(small) + diagonal.log().sum(-1)


def lowrank_distance(factor: Tensor, diagonal: Tensor, x: Tensor, small: Tensor) -> Tensor:
    """xᵀ (W Wᵀ + D)⁻¹ x, by Woodbury's formula."""
    inner = times(factor.mT / diagonal.unsqueeze(-2), x)
    return (x.pow(2) / diagonal).sum(-1) - square_distance(small, inner)


class LowRankMultivariateNormal(Parametric):
    """Normal vectors with covariance W Wᵀ + D: `cov_factor` W with few columns, `cov_diag` D."""

    arg_constraints = {
        "loc": constraints.real_vector,
        "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }
    support = constraints.real_vector
    has_rsample = True
    _kept = ("_unbroadcasted_cov_factor", "_unbroadcasted_cov_diag", "_capacitance_tril")

    def __init__(
        self, loc: Tensor, cov_factor: Tensor, cov_diag: Tensor, validate_args: bool | None = None
    ) -> None:
        event = _check_lowrank(loc, cov_factor, cov_diag)
        try:
            batch = torch.broadcast_shapes(
                loc.shape[:-1], cov_factor.shape[:-2], cov_diag.shape[:-1]
            )
        except RuntimeError as error:
            raise ValueError(
                f"Incompatible batch shapes: loc {loc.shape}, cov_factor {cov_factor.shape}, "
                f"cov_diag {cov_diag.shape}"
            ) from error
        self.loc = loc.expand(batch + event)
        self.cov_factor = cov_factor.expand(batch + cov_factor.shape[-2:])
        self.cov_diag = cov_diag.expand(batch + event)
        self._unbroadcasted_cov_factor, self._unbroadcasted_cov_diag = cov_factor, cov_diag
        self._capacitance_tril = capacitance(cov_factor, cov_diag)
        Distribution.__init__(self, batch, event, validate_args=validate_args)

    _w = moment(lambda _unbroadcasted_cov_factor: _unbroadcasted_cov_factor)
    _d = moment(lambda _unbroadcasted_cov_diag: _unbroadcasted_cov_diag)
    _shape = moment(lambda _batch_shape, _event_shape: _batch_shape + _event_shape)
    _matrices = moment(lambda _batch_shape, _event_shape: _batch_shape + _event_shape * 2)

    mean = mode = moment(lambda loc: loc)
    variance = moment(lambda _w, _d, _shape: (_w.pow(2).sum(-1) + _d).expand(_shape))
    scale_tril = derived(lambda _w, _d, _matrices: _lowrank_factor(_w, _d).expand(_matrices))
    covariance_matrix = derived(
        lambda _w, _d, _matrices: (torch.matmul(_w, _w.mT) + torch.diag_embed(_d)).expand(_matrices)
    )
    precision_matrix = derived(
        lambda _w, _d, _capacitance_tril, _matrices: _lowrank_inverse(
            _w, _d, _capacitance_tril
        ).expand(_matrices)
    )
    rsample = draw(lambda shape, loc, _w, _d: _lowrank_draw(shape, loc, _w, _d))
    log_prob = density(
        lambda value, loc, _w, _d, _capacitance_tril: -0.5 * (
            loc.shape[-1] * _LOG_TWO_PI
            + lowrank_log_det(_d, _capacitance_tril)
            + lowrank_distance(_w, _d, value - loc, _capacitance_tril)
        )
    )  # fmt: skip
    entropy = summary(
        lambda _d, _capacitance_tril, _batch_shape, _event_shape: 0.5 * (
            _event_shape[0] * (1.0 + _LOG_TWO_PI) + lowrank_log_det(_d, _capacitance_tril)
        ).expand(_batch_shape)
    )  # fmt: skip


def _check_lowrank(loc: Tensor, factor: Tensor, diagonal: Tensor) -> Any:
    """The event shape, or torch's ValueError."""
    if loc.dim() < 1:
        raise ValueError("loc must be at least one-dimensional.")
    event = loc.shape[-1:]
    if factor.dim() < 2:
        raise ValueError(
            "cov_factor must be at least two-dimensional, with optional leading batch dimensions"
        )
    if factor.shape[-2:-1] != event:
        raise ValueError(f"cov_factor must be a batch of matrices with shape {event[0]} x m")
    if diagonal.shape[-1:] != event:
        raise ValueError(f"cov_diag must be a batch of vectors with shape {event}")
    return event


def _lowrank_factor(w: Tensor, d: Tensor) -> Tensor:
    """√D · Cholesky(1 + D^-½ W Wᵀ D^-½): well conditioned however different D's entries are."""
    root = d.sqrt().unsqueeze(-1)
    scaled = w / root
    unit = torch.eye(d.shape[-1], dtype=d.dtype)
    return root * torch.linalg.cholesky(torch.matmul(scaled, scaled.mT) + unit)


def _lowrank_inverse(w: Tensor, d: Tensor, small: Tensor) -> Tensor:
    """D⁻¹ - D⁻¹ W (1 + Wᵀ D⁻¹ W)⁻¹ Wᵀ D⁻¹."""
    half = torch.linalg.solve_triangular(small, w.mT / d.unsqueeze(-2), upper=False)
    return torch.diag_embed(d.reciprocal()) - torch.matmul(half.mT, half)


def _lowrank_draw(shape: Any, loc: Tensor, w: Tensor, d: Tensor) -> Tensor:
    shared = standard_normal(shape[:-1] + w.shape[-1:], loc)
    own = standard_normal(shape, loc)
    return loc + times(w, shared) + d.sqrt() * own
