"""Gamma and what is made of gamma numbers: Chi2, InverseGamma, Dirichlet, Beta, FisherSnedecor, StudentT."""

from __future__ import annotations

import math
from typing import Any

import minitorch_ref as torch

from ..autograd.function import Function, once_differentiable
from ..ops.rejection_draws import dirichlet_grad
from ..tensor import Tensor
from . import constraints
from .combined import TransformedDistribution
from .distribution import Distribution
from .exp_family import ExponentialFamily
from .formulas import Parametric, density, draw, moment, summary
from .transforms import PowerTransform
from .utils import broadcast_all, standard_normal

__all__ = ["Beta", "Chi2", "Dirichlet", "FisherSnedecor", "Gamma", "InverseGamma", "StudentT"]


def at_least_tiny(x: Tensor) -> Tensor:
    """`x`, but no less than the smallest normal number; gradients pass as if it were `x`."""
    return x + (x.clamp(min=torch.finfo(x.dtype).tiny) - x).detach()


class Gamma(Parametric, ExponentialFamily):
    """The waiting time for `concentration` events that come at `rate`: density ∝ x^(c-1) exp(-rate x)."""

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        self._set(validate_args, concentration=concentration, rate=rate)

    mean = moment(lambda concentration, rate: concentration / rate)
    mode = moment(lambda concentration, rate: ((concentration - 1) / rate).clamp(min=0))
    variance = moment(lambda concentration, rate: concentration / rate.pow(2))
    rsample = draw(
        lambda shape, concentration, rate: at_least_tiny(
            torch._standard_gamma(concentration.expand(shape)) / rate.expand(shape)
        )
    )
    log_prob = density(
        lambda value, concentration, rate: (
            torch.xlogy(concentration, rate)
            + torch.xlogy(concentration - 1, value)
            - rate * value
            - torch.lgamma(concentration)
        )
    )
    cdf = density(
        lambda value, concentration, rate: torch.special.gammainc(concentration, rate * value)
    )
    entropy = summary(
        lambda concentration, rate: (
            concentration
            - torch.log(rate)
            + torch.lgamma(concentration)
            + (1.0 - concentration) * torch.digamma(concentration)
        )
    )

    _natural_params = moment(lambda concentration, rate: (concentration - 1, -rate))

    def _log_normalizer(self, x: Tensor, y: Tensor) -> Tensor:  # type: ignore[override]
        return torch.lgamma(x + 1) + (x + 1) * torch.log(-y.reciprocal())


class Chi2(Gamma):
    """The sum of `df` squared normal numbers."""

    arg_constraints = {"df": constraints.positive}
    _tensors = {"concentration": 0, "rate": 0}

    def __init__(self, df: Any, validate_args: bool | None = None) -> None:
        super().__init__(0.5 * df, 0.5, validate_args=validate_args)

    df = moment(lambda concentration: concentration * 2)


class InverseGamma(TransformedDistribution):
    """1 / x of a gamma number."""

    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.positive
    has_rsample = True

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        base = Gamma(concentration, rate, validate_args=validate_args)
        inverse = PowerTransform(-base.rate.new_ones(()))
        super().__init__(base, inverse, validate_args=validate_args)

    concentration = property(lambda self: self.base_dist.concentration)
    rate = property(lambda self: self.base_dist.rate)
    mean = moment(
        lambda concentration, rate: torch.where(
            concentration > 1, rate / (concentration - 1), torch.inf
        )
    )
    mode = moment(lambda concentration, rate: rate / (concentration + 1))
    variance = moment(
        lambda concentration, rate: torch.where(
            concentration > 2,
            rate.square() / ((concentration - 1).square() * (concentration - 2)),
            torch.inf,
        )
    )
    entropy = summary(
        lambda concentration, rate: (
            concentration
            + rate.log()
            + concentration.lgamma()
            - (1 + concentration) * concentration.digamma()
        )
    )


class _Dirichlet(Function):
    """Points of the simplex; a part that grows takes from all others alike."""

    @staticmethod
    def forward(ctx: Any, concentration: Tensor) -> Tensor:
        x = torch._sample_dirichlet(concentration)
        ctx.save_for_backward(x, concentration)
        return x

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> Tensor:
        x, concentration = ctx.saved_tensors
        total = concentration.sum(-1, True).expand_as(concentration)
        growth = dirichlet_grad(x, concentration, total)
        return growth * (g - (x * g).sum(-1, True))


class Dirichlet(Parametric, ExponentialFamily):
    """A point of the simplex: gamma numbers over their sum."""

    arg_constraints = {"concentration": constraints.independent(constraints.positive, 1)}
    support = constraints.simplex
    has_rsample = True

    def __init__(self, concentration: Any, validate_args: bool | None = None) -> None:
        if concentration.dim() < 1:
            raise ValueError("`concentration` parameter must be at least one-dimensional.")
        self.concentration = concentration
        shape = concentration.shape
        Distribution.__init__(self, shape[:-1], shape[-1:], validate_args=validate_args)

    _total = moment(lambda concentration: concentration.sum(-1, True))
    mean = moment(lambda concentration, _total: concentration / _total)
    variance = moment(
        lambda concentration, _total: (
            concentration * (_total - concentration) / (_total.pow(2) * (_total + 1))
        )
    )

    @property
    def mode(self) -> Tensor:
        """A corner, if all concentrations are below 1."""
        above = (self.concentration - 1).clamp(min=0.0)
        mode = above / above.sum(-1, True)
        convex = (self.concentration < 1).all(dim=-1)
        corner = torch.nn.functional.one_hot(mode.argmax(-1), mode.shape[-1]).to(mode.dtype)
        return torch.where(convex.unsqueeze(-1), corner, mode)

    rsample = draw(lambda shape, concentration: _Dirichlet.apply(concentration.expand(shape)))
    log_prob = density(
        lambda value, concentration: (
            torch.xlogy(concentration - 1.0, value).sum(-1)
            + torch.lgamma(concentration.sum(-1))
            - torch.lgamma(concentration).sum(-1)
        )
    )

    def entropy(self) -> Tensor:
        parts, total = self.concentration, self.concentration.sum(-1)
        return (
            torch.lgamma(parts).sum(-1)
            - torch.lgamma(total)
            - (parts.size(-1) - total) * torch.digamma(total)
            - ((parts - 1.0) * torch.digamma(parts)).sum(-1)
        )

    _natural_params = moment(lambda concentration: (concentration,))

    def _log_normalizer(self, x: Tensor) -> Tensor:  # type: ignore[override]
        return x.lgamma().sum(-1) - torch.lgamma(x.sum(-1))


class Beta(Parametric, ExponentialFamily):
    """The first part of a Dirichlet point of two."""

    arg_constraints = {
        "concentration1": constraints.positive,
        "concentration0": constraints.positive,
    }
    support = constraints.unit_interval
    has_rsample = True
    _parts = ("_dirichlet",)

    def __init__(
        self, concentration1: Any, concentration0: Any, validate_args: bool | None = None
    ) -> None:
        both = torch.stack(broadcast_all(concentration1, concentration0), -1)
        self._dirichlet = Dirichlet(both, validate_args=validate_args)
        Distribution.__init__(self, both.shape[:-1], validate_args=validate_args)

    concentration1 = property(lambda self: self._dirichlet.concentration[..., 0])
    concentration0 = property(lambda self: self._dirichlet.concentration[..., 1])
    _total = moment(lambda concentration1, concentration0: concentration1 + concentration0)
    mean = moment(lambda concentration1, _total: concentration1 / _total)
    mode = moment(lambda _dirichlet: _dirichlet.mode[..., 0])
    variance = moment(
        lambda concentration1, concentration0, _total: (
            concentration1 * concentration0 / (_total.pow(2) * (_total + 1))
        )
    )
    log_prob = density(
        lambda value, _dirichlet: _dirichlet.log_prob(torch.stack([value, 1.0 - value], -1))
    )
    entropy = summary(lambda _dirichlet: _dirichlet.entropy())

    def rsample(self, sample_shape: Any = torch.Size()) -> Tensor:
        return self._dirichlet.rsample(sample_shape).select(-1, 0)

    _natural_params = moment(
        lambda concentration1, concentration0: (concentration1, concentration0)
    )

    def _log_normalizer(self, x: Tensor, y: Tensor) -> Tensor:  # type: ignore[override]
        return torch.lgamma(x) + torch.lgamma(y) - torch.lgamma(x + y)


class FisherSnedecor(Parametric):
    """The ratio of two chi-squared numbers, each over its degrees of freedom."""

    arg_constraints = {"df1": constraints.positive, "df2": constraints.positive}
    support = constraints.positive
    has_rsample = True
    _parts = ("_gamma1", "_gamma2")

    def __init__(self, df1: Any, df2: Any, validate_args: bool | None = None) -> None:
        self.df1, self.df2 = broadcast_all(df1, df2)
        self._gamma1 = Gamma(self.df1 * 0.5, self.df1)
        self._gamma2 = Gamma(self.df2 * 0.5, self.df2)
        Distribution.__init__(self, self.df1.shape, validate_args=validate_args)

    mean = moment(lambda df2: _f_mean(df2.masked_fill(df2 <= 2, math.nan)))
    mode = moment(
        lambda df1, df2: ((df1 - 2) / df1 * df2 / (df2 + 2)).masked_fill(df1 <= 2, math.nan)
    )
    variance = moment(lambda df1, df2: _f_variance(df1, df2.masked_fill(df2 <= 4, math.nan)))

    def rsample(self, sample_shape: Any = torch.Size()) -> Tensor:
        above = self._gamma1.rsample(sample_shape)
        below = at_least_tiny(self._gamma2.rsample(sample_shape))
        return at_least_tiny(above / below)

    log_prob = density(lambda value, df1, df2: _f_density(value, df1 * 0.5, df2 * 0.5, df1 / df2))


def _f_mean(df2: Tensor) -> Tensor:
    return df2 / (df2 - 2)


def _f_variance(df1: Tensor, df2: Tensor) -> Tensor:
    return 2 * df2.pow(2) * (df1 + df2 - 2) / (df1 * (df2 - 2).pow(2) * (df2 - 4))


def _f_density(value: Tensor, half1: Tensor, half2: Tensor, ratio: Tensor) -> Tensor:
    constant = (half1 + half2).lgamma() - half1.lgamma() - half2.lgamma()
    power = half1 * ratio.log() + (half1 - 1) * torch.log(value)
    return constant + power - (half1 + half2) * torch.log1p(ratio * value)


class StudentT(Parametric):
    """A normal number over the root of a chi-squared one per degree of freedom."""

    arg_constraints = {
        "df": constraints.positive, "loc": constraints.real, "scale": constraints.positive,
    }  # fmt: skip
    support = constraints.real
    has_rsample = True
    _parts = ("_chi2",)

    def __init__(
        self, df: Any, loc: Any = 0.0, scale: Any = 1.0, validate_args: bool | None = None
    ) -> None:
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        self._chi2 = Chi2(self.df)
        Distribution.__init__(self, self.df.shape, validate_args=validate_args)

    mean = moment(lambda df, loc: loc.masked_fill(df <= 1, math.nan))
    mode = moment(lambda loc: loc)
    variance = moment(
        lambda df, scale: (
            (scale.pow(2) * df / (df - 2))
            .masked_fill(df <= 2, math.inf)
            .masked_fill(df <= 1, math.nan)
        )
    )

    def rsample(self, sample_shape: Any = torch.Size()) -> Tensor:
        normal = standard_normal(self._extended_shape(sample_shape), self.df)
        square = self._chi2.rsample(sample_shape)
        return self.loc + self.scale * (normal * torch.rsqrt(square / self.df))

    log_prob = density(
        lambda value, df, loc, scale: (
            -0.5 * (df + 1.0) * torch.log1p(((value - loc) / scale) ** 2.0 / df)
            - (scale.log() + 0.5 * df.log() + 0.5 * math.log(math.pi) + _log_ratio(df))
        )
    )
    entropy = summary(
        lambda df, scale: (
            scale.log()
            + 0.5 * (df + 1) * (torch.digamma(0.5 * (df + 1)) - torch.digamma(0.5 * df))
            + 0.5 * df.log()
            + (_log_ratio(df) + math.lgamma(0.5))
        )
    )


def _log_ratio(df: Tensor) -> Tensor:
    """log Γ(df/2) - log Γ((df+1)/2)."""
    return torch.lgamma(0.5 * df) - torch.lgamma(0.5 * (df + 1.0))
