"""Closed forms of KL(p ‖ q) between different families, and the pairs where it is infinite.

Most are -H(p) - E_p[log q(x)] with the moments of p that log q asks for.
"""

from __future__ import annotations

import math
from typing import Any

import minitorch_ref as torch

from ..tensor import Tensor
from .discrete import Bernoulli, Binomial, Poisson
from .divergences import infinite_where
from .gamma_family import Beta, Gamma
from .kl import register_kl
from .location_scale import Gumbel, Laplace, Normal, Uniform
from .relaxed import ContinuousBernoulli
from .tails import Exponential, Pareto
from .utils import euler_constant

# ---- q asks for the mean of x --------------------------------------------------------------------


def _to_exponential(p: Any, q: Any) -> Tensor:
    """log q = log r - r x."""
    return -p.entropy() - q.rate.log() + q.rate * p.mean


for _finite in (Beta, ContinuousBernoulli, Gamma):
    register_kl(_finite, Exponential)(_to_exponential)


@register_kl(Uniform, Exponential)
def _(p: Any, q: Any) -> Tensor:
    result = q.rate * (p.high + p.low) / 2 - ((p.high - p.low) * q.rate).log()
    return infinite_where(p.low < 0, result)


@register_kl(Pareto, Exponential)
def _(p: Any, q: Any) -> Tensor:
    product = p.scale * q.rate
    mean = p.alpha * product / (p.alpha - 1)
    result = (p.alpha / product).log() - p.alpha.reciprocal() + mean - 1
    return infinite_where(p.alpha <= 1, result)


@register_kl(Bernoulli, Poisson)
def _(p: Any, q: Any) -> Tensor:
    return -p.entropy() - (p.probs * q.rate.log() - q.rate)


def _to_continuous_bernoulli(p: Any, q: Any) -> Tensor:
    """log q = x · logit + log(1-p) + constant."""
    return -p.entropy() - p.mean * q.logits - torch.log1p(-q.probs) - q._log_constant


register_kl(Beta, ContinuousBernoulli)(_to_continuous_bernoulli)


@register_kl(Uniform, ContinuousBernoulli)
def _(p: Any, q: Any) -> Tensor:
    outside = (p.high >= q.support.upper_bound) | (p.low <= q.support.lower_bound)
    return infinite_where(outside, _to_continuous_bernoulli(p, q))


def _to_uniform(p: Any, q: Any) -> Tensor:
    return -p.entropy() + (q.high - q.low).log()


@register_kl(Beta, Uniform)
def _(p: Any, q: Any) -> Tensor:
    return infinite_where((q.low > 0) | (q.high < 1), _to_uniform(p, q))


@register_kl(ContinuousBernoulli, Uniform)
def _(p: Any, q: Any) -> Tensor:
    return infinite_where((q.low >= 0) | (q.high <= 1), _to_uniform(p, q))


# ---- q asks for the mean of log x ----------------------------------------------------------------


def _mean_log(p: Any) -> Tensor:
    """The mean of log x of a uniform x."""
    width = p.high - p.low
    return (_x_log_x(p.high) - _x_log_x(p.low) - width) / width


def _x_log_x(x: Tensor) -> Tensor:
    return x * x.log()


def _gamma_constant(q: Any) -> Tensor:
    return q.concentration.lgamma() - q.concentration * q.rate.log()


@register_kl(Beta, Gamma)
def _(p: Any, q: Any) -> Tensor:
    total = p.concentration1 + p.concentration0
    mean_log = p.concentration1.digamma() - total.digamma()
    own = -p.entropy() + _gamma_constant(q)
    return own - (q.concentration - 1) * mean_log + q.rate * p.mean


@register_kl(Exponential, Gamma)
def _(p: Any, q: Any) -> Tensor:
    ratio = q.rate / p.rate
    return (
        -q.concentration * torch.log(ratio)
        + ratio
        + q.concentration.lgamma()
        + q.concentration * euler_constant
        - (1 + euler_constant)
    )


@register_kl(Uniform, Gamma)
def _(p: Any, q: Any) -> Tensor:
    result = (
        -(p.high - p.low).log()
        + _gamma_constant(q)
        + (1 - q.concentration) * _mean_log(p)
        + q.rate * (p.high + p.low) / 2
    )
    return infinite_where(p.low < 0, result)


@register_kl(Pareto, Gamma)
def _(p: Any, q: Any) -> Tensor:
    mean_log = p.scale.log() + p.alpha.reciprocal()
    result = (
        (p.alpha.log() - mean_log)
        + _gamma_constant(q)
        + (1 - q.concentration) * mean_log
        + q.rate * p.alpha * p.scale / (p.alpha - 1)
        - 1
    )
    return infinite_where(p.alpha <= 1, result)


@register_kl(Uniform, Pareto)
def _(p: Any, q: Any) -> Tensor:
    constant = (q.alpha * q.scale.pow(q.alpha) * (p.high - p.low)).log()
    result = _mean_log(p) * (q.alpha + 1) - constant
    return infinite_where(p.low < q.scale, result)


@register_kl(Uniform, Beta)
def _(p: Any, q: Any) -> Tensor:
    width = p.high - p.low
    mean_log_rest = (_x_log_x(1 - p.high) - _x_log_x(1 - p.low) + width) / width
    log_beta = (
        q.concentration1.lgamma()
        + q.concentration0.lgamma()
        - (q.concentration1 + q.concentration0).lgamma()
    )
    result = (
        (q.concentration0 - 1) * mean_log_rest
        + log_beta
        - width.log()
        - (q.concentration1 - 1) * _mean_log(p)
    )
    return infinite_where((p.high > 1) | (p.low < 0), result)


# ---- q asks for the mean of x² -------------------------------------------------------------------


@register_kl(Beta, Normal)
def _(p: Any, q: Any) -> Tensor:
    variance = q.scale.pow(2)
    spread = p.mean * (1 - p.mean) / (p.concentration1 + p.concentration0 + 1)
    squares = (spread + p.mean.pow(2)) * 0.5 - q.loc * p.mean + q.loc.pow(2) * 0.5
    return -p.entropy() + 0.5 * (variance * 2 * math.pi).log() + squares / variance


@register_kl(ContinuousBernoulli, Normal)
def _(p: Any, q: Any) -> Tensor:
    constant = 0.5 * (math.log(2.0 * math.pi) + (q.loc / q.scale).square()) + torch.log(q.scale)
    square = p.variance + p.mean.square() - 2.0 * q.loc * p.mean
    return -p.entropy() + constant + square / (2.0 * q.scale.square())


@register_kl(Exponential, Normal)
def _(p: Any, q: Any) -> Tensor:
    variance, rate = q.scale.pow(2), p.rate.pow(2)
    squares = rate.reciprocal() - q.loc / p.rate + q.loc.pow(2) * 0.5
    return 0.5 * torch.log(rate * variance * 2 * math.pi) - 1 + squares / variance


@register_kl(Gamma, Normal)
def _(p: Any, q: Any) -> Tensor:
    c, variance, rate = p.concentration, q.scale.pow(2), p.rate.pow(2)
    squares = 0.5 * (c.pow(2) + c) / rate - q.loc * c / p.rate + 0.5 * q.loc.pow(2)
    own = 0.5 * torch.log(rate * variance * 2 * math.pi) - c - c.lgamma()
    return own + (c - 1) * c.digamma() + squares / variance


@register_kl(Gumbel, Normal)
def _(p: Any, q: Any) -> Tensor:
    ratio = p.scale / q.scale
    shift = (p.loc + p.scale * euler_constant - q.loc) / q.scale
    return (
        -(ratio / math.sqrt(2 * math.pi)).log()
        + (math.pi * ratio * 0.5).pow(2) / 3
        + shift.pow(2) * 0.5
        - (euler_constant + 1)
    )


@register_kl(Laplace, Normal)
def _(p: Any, q: Any) -> Tensor:
    variance = q.scale.pow(2)
    ratio = p.scale.pow(2) / variance
    squares = 0.5 * p.loc.pow(2) - p.loc * q.loc + 0.5 * q.loc.pow(2)
    return -0.5 * torch.log(2 * ratio / math.pi) + ratio + squares / variance - 1


@register_kl(Pareto, Normal)
def _(p: Any, q: Any) -> Tensor:
    ratio = p.scale / (p.alpha - 1)
    squares = p.alpha * ratio.pow(2) / (p.alpha - 2) + (p.alpha * ratio - q.loc).pow(2)
    own = (math.sqrt(2 * math.pi) * q.scale * p.alpha / p.scale).log() - p.alpha.reciprocal()
    return infinite_where(p.alpha <= 2, own + squares / (2 * q.scale.pow(2)) - 1)


@register_kl(Uniform, Normal)
def _(p: Any, q: Any) -> Tensor:
    width = p.high - p.low
    squares = width.pow(2) / 12 + ((p.high + p.low - 2 * q.loc) / 2).pow(2)
    return (math.sqrt(math.pi * 2) * q.scale / width).log() + 0.5 * squares / q.scale.pow(2)


# ---- q asks for something else -------------------------------------------------------------------


@register_kl(Normal, Laplace)
def _(p: Any, q: Any) -> Tensor:
    """The mean of |x - loc|, a folded normal number."""
    shift, ratio = p.loc - q.loc, p.scale / q.scale
    z = shift / p.scale
    distance = math.sqrt(2 / math.pi) * p.scale * torch.exp(-0.5 * z.pow(2)) + shift * torch.erf(
        math.sqrt(0.5) * z
    )
    return -ratio.log() + distance / q.scale - 0.5 * (1 + math.log(0.5 * math.pi))


@register_kl(Normal, Gumbel)
def _(p: Any, q: Any) -> Tensor:
    p_place, q_place, ratio = p.loc / q.scale, q.loc / q.scale, (p.scale / q.scale).pow(2)
    tail = torch.exp(-p_place + 0.5 * ratio + q_place)
    return p_place - q_place + tail - 0.5 * (1 + (ratio * 2 * math.pi).log())


@register_kl(Exponential, Gumbel)
def _(p: Any, q: Any) -> Tensor:
    product, place = p.rate * q.scale, q.loc / q.scale
    tail = torch.exp(place) * product / (product + 1)
    return product.log() - 1 - place + tail + product.reciprocal()


@register_kl(Gamma, Gumbel)
def _(p: Any, q: Any) -> Tensor:
    c, product, place = p.concentration, p.rate * q.scale, q.loc / q.scale
    tail = torch.exp(place) * (1 + product.reciprocal()).pow(-c)
    return (c - 1) * c.digamma() - c.lgamma() - c + (product.log() + c / product) + (tail - place)


@register_kl(Uniform, Gumbel)
def _(p: Any, q: Any) -> Tensor:
    share = q.scale / (p.high - p.low)
    high, low = (p.high - q.loc) / q.scale, (p.low - q.loc) / q.scale
    return share.log() + 0.5 * (high + low) - share * (torch.exp(-high) - torch.exp(-low))


# ---- infinite: q is zero where p is not ----------------------------------------------------------

_NARROWER: dict[type, tuple[type, ...]] = {
    Beta: (Pareto,),
    ContinuousBernoulli: (Pareto,),
    Exponential: (Beta, ContinuousBernoulli, Pareto, Uniform),
    Gamma: (Beta, ContinuousBernoulli, Pareto, Uniform),
    Gumbel: (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform),
    Laplace: (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform),
    Normal: (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform),
    Pareto: (Beta, ContinuousBernoulli, Uniform),
    Poisson: (Bernoulli, Binomial),
}


def _infinite(p: Any, q: Any) -> Tensor:
    return torch.full(p.batch_shape, torch.inf, dtype=p.mean.dtype)


for _p, _narrower in _NARROWER.items():
    for _q in _narrower:
        register_kl(_p, _q)(_infinite)
