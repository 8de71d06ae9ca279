"""Closed forms of the Kullback-Leibler divergence, KL(p ‖ q) = -H(p) - E_p[log q(x)].

Within a family here, between families in `cross_divergences.py`.  (Gil
2011, "On Rényi Divergence Measures for Continuous Alphabet Sources", has most of them.)
"""

from __future__ import annotations

from typing import Any

import minitorch_ref as torch

from ..nn.functional import softplus
from ..tensor import Tensor
from .categorical import Categorical, OneHotCategorical
from .combined import Independent, TransformedDistribution
from .discrete import Bernoulli, Binomial, Geometric, Poisson
from .exp_family import ExponentialFamily
from .gamma_family import Beta, Dirichlet, Gamma
from .kl import kl_divergence, register_kl
from .location_scale import Cauchy, Gumbel, HalfNormal, Laplace, Normal, Uniform
from .multivariate import (
    LowRankMultivariateNormal,
    MultivariateNormal,
    log_diagonal,
    lowrank_distance,
    lowrank_log_det,
    square_distance,
)
from .relaxed import ContinuousBernoulli
from .tails import Exponential, Pareto
from .utils import euler_constant, sum_rightmost


def infinite_where(condition: Tensor, result: Tensor) -> Tensor:
    return torch.where(condition, torch.inf, result)


# ---- within a family: numbers --------------------------------------------------------------------


@register_kl(Bernoulli, Bernoulli)
def _(p: Any, q: Any) -> Tensor:
    yes = p.probs * (softplus(-q.logits) - softplus(-p.logits))
    no = (1 - p.probs) * (softplus(q.logits) - softplus(p.logits))
    yes = torch.where(p.probs == 0, 0.0, infinite_where(q.probs == 0, yes))
    return yes + torch.where(p.probs == 1, 0.0, infinite_where(q.probs == 1, no))


@register_kl(Binomial, Binomial)
def _(p: Any, q: Any) -> Tensor:
    if (p.total_count < q.total_count).any():
        raise NotImplementedError(
            "KL between Binomials where q.total_count > p.total_count is not implemented"
        )
    odds = p.probs * (p.logits - q.logits) + (-p.probs).log1p() - (-q.probs).log1p()
    return infinite_where(p.total_count > q.total_count, p.total_count * odds)


@register_kl(Geometric, Geometric)
def _(p: Any, q: Any) -> Tensor:
    return -p.entropy() - torch.log1p(-q.probs) / p.probs - q.logits


@register_kl(Poisson, Poisson)
def _(p: Any, q: Any) -> Tensor:
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


@register_kl(Categorical, Categorical)
def _(p: Any, q: Any) -> Tensor:
    terms = infinite_where(q.probs == 0, p.probs * (p.logits - q.logits))
    return torch.where(p.probs == 0, 0.0, terms).sum(-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def _(p: Any, q: Any) -> Tensor:
    return kl_divergence(p._categorical, q._categorical)


@register_kl(Beta, Beta)
def _(p: Any, q: Any) -> Tensor:
    p_total = p.concentration1 + p.concentration0
    q_total = q.concentration1 + q.concentration0
    return (
        (q.concentration1.lgamma() + q.concentration0.lgamma() + p_total.lgamma())
        - (p.concentration1.lgamma() + p.concentration0.lgamma() + q_total.lgamma())
        + (p.concentration1 - q.concentration1) * torch.digamma(p.concentration1)
        + (p.concentration0 - q.concentration0) * torch.digamma(p.concentration0)
        + (q_total - p_total) * torch.digamma(p_total)
    )


@register_kl(Dirichlet, Dirichlet)
def _(p: Any, q: Any) -> Tensor:
    p_total, q_total = p.concentration.sum(-1), q.concentration.sum(-1)
    mean_log = torch.digamma(p.concentration) - torch.digamma(p_total).unsqueeze(-1)
    return (
        p_total.lgamma()
        - q_total.lgamma()
        - (p.concentration.lgamma() - q.concentration.lgamma()).sum(-1)
        + ((p.concentration - q.concentration) * mean_log).sum(-1)
    )


@register_kl(Exponential, Exponential)
def _(p: Any, q: Any) -> Tensor:
    ratio = q.rate / p.rate
    return -ratio.log() + ratio - 1


@register_kl(Gamma, Gamma)
def _(p: Any, q: Any) -> Tensor:
    return (
        q.concentration * (p.rate / q.rate).log()
        + (torch.lgamma(q.concentration) - torch.lgamma(p.concentration))
        + (p.concentration - q.concentration) * torch.digamma(p.concentration)
        + (q.rate - p.rate) * (p.concentration / p.rate)
    )


@register_kl(ContinuousBernoulli, ContinuousBernoulli)
def _(p: Any, q: Any) -> Tensor:
    return (
        p.mean * (p.logits - q.logits)
        + (p._log_constant + torch.log1p(-p.probs))
        - (q._log_constant + torch.log1p(-q.probs))
    )


@register_kl(Normal, Normal)
def _(p: Any, q: Any) -> Tensor:
    ratio = (p.scale / q.scale).pow(2)
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale).pow(2) - 1 - ratio.log())


@register_kl(HalfNormal, HalfNormal)
def _(p: Any, q: Any) -> Tensor:
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(Laplace, Laplace)
def _(p: Any, q: Any) -> Tensor:
    ratio, distance = p.scale / q.scale, (p.loc - q.loc).abs()
    return -ratio.log() + distance / q.scale + ratio * torch.exp(-distance / p.scale) - 1


@register_kl(Cauchy, Cauchy)
def _(p: Any, q: Any) -> Tensor:
    square = (p.scale + q.scale).pow(2) + (p.loc - q.loc).pow(2)
    return square.log() - (4 * p.scale * q.scale).log()


@register_kl(Gumbel, Gumbel)
def _(p: Any, q: Any) -> Tensor:
    ratio, p_place, q_place = p.scale / q.scale, p.loc / q.scale, q.loc / q.scale
    return (
        (-ratio.log() - q_place + p_place)
        + ratio * euler_constant
        + torch.exp(q_place + (1 + ratio).lgamma() - p_place)
        - (1 + euler_constant)
    )


@register_kl(Uniform, Uniform)
def _(p: Any, q: Any) -> Tensor:
    ratio = ((q.high - q.low) / (p.high - p.low)).log()
    return infinite_where((q.low > p.low) | (q.high < p.high), ratio)


@register_kl(Pareto, Pareto)
def _(p: Any, q: Any) -> Tensor:
    ratio = q.alpha / p.alpha
    result = q.alpha * (p.scale / q.scale).log() - ratio.log() + ratio - 1
    return infinite_where(p.scale < q.scale, result)


# ---- within a family: vectors --------------------------------------------------------------------


def _check_events(p: Any, q: Any, what: str) -> None:
    if p.event_shape != q.event_shape:
        raise ValueError(
            f"KL-divergence between two {what} with different event shapes cannot be computed"
        )


def _square_norm(matrix: Tensor) -> Tensor:
    """The sum of squares: tr(X Xᵀ)."""
    return matrix.pow(2).sum((-2, -1))


def _solved(factor: Tensor, matrix: Tensor) -> Tensor:
    return torch.linalg.solve_triangular(factor, matrix, upper=False)


def _between_normals(n: int, log_det_ratio: Tensor, trace: Tensor, square: Tensor) -> Tensor:
    """½ (log |Σq|/|Σp| + tr(Σq⁻¹ Σp) + squared distance of the means - n)."""
    return 0.5 * (log_det_ratio + trace + square - n)


@register_kl(MultivariateNormal, MultivariateNormal)
def _(p: Any, q: Any) -> Tensor:
    _check_events(p, q, "Multivariate Normals")
    p_factor, q_factor = p._unbroadcasted_scale_tril, q._unbroadcasted_scale_tril
    return _between_normals(
        p.event_shape[0],
        2 * (log_diagonal(q_factor) - log_diagonal(p_factor)),
        _square_norm(_solved(q_factor, p_factor)),
        square_distance(q_factor, q.loc - p.loc),
    )  # fmt: skip


def _lowrank_parts(d: Any) -> tuple[Tensor, Tensor, Tensor]:
    return d._unbroadcasted_cov_factor, d._unbroadcasted_cov_diag, d._capacitance_tril


@register_kl(LowRankMultivariateNormal, LowRankMultivariateNormal)
def _(p: Any, q: Any) -> Tensor:
    _check_events(p, q, "Low Rank Multivariate Normals")
    (pw, pd, p_small), (qw, qd, q_small) = _lowrank_parts(p), _lowrank_parts(q)
    a = _solved(q_small, qw.mT / qd.unsqueeze(-2))
    trace = (
        (pd / qd).sum(-1)
        + _square_norm(pw * qd.rsqrt().unsqueeze(-1))
        - _square_norm(a * pd.sqrt().unsqueeze(-2))
        - _square_norm(a.matmul(pw))
    )
    return _between_normals(
        p.event_shape[0],
        lowrank_log_det(qd, q_small) - lowrank_log_det(pd, p_small),
        trace,
        lowrank_distance(qw, qd, q.loc - p.loc, q_small),
    )  # fmt: skip


@register_kl(MultivariateNormal, LowRankMultivariateNormal)
def _(p: Any, q: Any) -> Tensor:
    _check_events(p, q, "(Low Rank) Multivariate Normals")
    factor, (w, d, small) = p._unbroadcasted_scale_tril, _lowrank_parts(q)
    a = _solved(small, w.mT / d.unsqueeze(-2))
    return _between_normals(
        p.event_shape[0],
        lowrank_log_det(d, small) - 2 * log_diagonal(factor),
        _square_norm(factor * d.rsqrt().unsqueeze(-1)) - _square_norm(a.matmul(factor)),
        lowrank_distance(w, d, q.loc - p.loc, small),
    )  # fmt: skip


@register_kl(LowRankMultivariateNormal, MultivariateNormal)
def _(p: Any, q: Any) -> Tensor:
    _check_events(p, q, "(Low Rank) Multivariate Normals")
    (w, d, small), factor = _lowrank_parts(p), q._unbroadcasted_scale_tril
    diagonal = torch.diag_embed(d.sqrt())
    return _between_normals(
        p.event_shape[0],
        2 * log_diagonal(factor) - lowrank_log_det(d, small),
        _square_norm(_solved(factor, w)) + _square_norm(_solved(factor, diagonal)),
        square_distance(factor, q.loc - p.loc),
    )  # fmt: skip


# ---- within a family: by structure ---------------------------------------------------------------


@register_kl(ExponentialFamily, ExponentialFamily)
def _(p: Any, q: Any) -> Tensor:
    """The Bregman divergence of the log normaliser (Nielsen and Nock 2010)."""
    if type(p) is not type(q):
        raise NotImplementedError(
            "The cross KL-divergence between different exponential families cannot "
            "be computed using Bregman divergences"
        )
    own, value, slopes = p._tangent()
    others = q._natural_params
    result = q._log_normalizer(*others) - value
    for a, b, slope in zip(own, others, slopes):
        result = result - sum_rightmost((b - a) * slope, len(q.event_shape))
    return result


@register_kl(TransformedDistribution, TransformedDistribution)
def _(p: Any, q: Any) -> Tensor:
    """A bijection changes nothing."""
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError
    extra = len(p.event_shape) - len(p.base_dist.event_shape)
    return sum_rightmost(kl_divergence(p.base_dist, q.base_dist), extra)


@register_kl(Independent, Independent)
def _(p: Any, q: Any) -> Tensor:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError
    return sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)
