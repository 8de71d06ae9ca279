"""Exponential, and the powers and exponentials of it: Weibull, Pareto, GeneralizedPareto; Kumaraswamy."""

from __future__ import annotations

import math
from typing import Any

import minitorch_ref as torch

from ..tensor import Tensor
from . import constraints
from .combined import Stepwise
from .exp_family import ExponentialFamily
from .formulas import Parametric, density, draw, moment, quantile, summary
from .location_scale import Uniform
from .transforms import AffineTransform, ExpTransform, PowerTransform
from .utils import broadcast_all, euler_constant

__all__ = ["Exponential", "GeneralizedPareto", "Kumaraswamy", "Pareto", "Weibull"]


class Exponential(Parametric, ExponentialFamily):
    """The waiting time for an event that comes at `rate`."""

    arg_constraints = {"rate": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        self._set(validate_args, rate=rate)

    mean = stddev = moment(lambda rate: rate.reciprocal())
    mode = moment(lambda rate: torch.zeros_like(rate))
    variance = moment(lambda rate: rate.pow(-2))
    rsample = draw(lambda shape, rate: rate.new_empty(shape).exponential_() / rate)
    log_prob = density(lambda value, rate: rate.log() - rate * value)
    cdf = density(lambda value, rate: -torch.expm1(-rate * value))
    icdf = quantile(lambda value, rate: -torch.log1p(-value) / rate)
    entropy = summary(lambda rate: 1.0 - torch.log(rate))

    _natural_params = moment(lambda rate: (-rate,))

    def _log_normalizer(self, x: Tensor) -> Tensor:  # type: ignore[override]
        return -torch.log(-x)


class Weibull(Stepwise):
    """scale · x^(1/concentration) of an exponential x: a rate that grows with age."""

    arg_constraints = {"scale": constraints.positive, "concentration": constraints.positive}
    support = constraints.positive

    def __init__(self, scale: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.scale, self.concentration = broadcast_all(scale, concentration)
        base = Exponential(torch.ones_like(self.scale), validate_args=validate_args)
        super().__init__(base, self._steps(), validate_args=validate_args)

    def _steps(self) -> list[Any]:
        self.concentration_reciprocal = self.concentration.reciprocal()
        return [PowerTransform(self.concentration_reciprocal), AffineTransform(0, self.scale)]

    mean = moment(
        lambda scale, concentration_reciprocal: (
            scale * torch.exp(torch.lgamma(1 + concentration_reciprocal))
        )
    )
    mode = moment(
        lambda scale, concentration, concentration_reciprocal: (
            scale * ((concentration - 1) / concentration) ** concentration_reciprocal
        )
    )
    variance = moment(
        lambda scale, concentration_reciprocal: scale.pow(2) * (
            torch.exp(torch.lgamma(1 + 2 * concentration_reciprocal))
            - torch.exp(2 * torch.lgamma(1 + concentration_reciprocal))
        )
    )  # fmt: skip
    entropy = summary(
        lambda scale, concentration_reciprocal: (
            euler_constant * (1 - concentration_reciprocal)
            + torch.log(scale * concentration_reciprocal)
            + 1
        )
    )


class Pareto(Stepwise):
    """scale · exp x of an exponential x with rate `alpha`: few have much."""

    arg_constraints = {"alpha": constraints.positive, "scale": constraints.positive}

    def __init__(self, scale: Any, alpha: Any, validate_args: bool | None = None) -> None:
        self.scale, self.alpha = broadcast_all(scale, alpha)
        base = Exponential(self.alpha, validate_args=validate_args)
        super().__init__(base, self._steps(), validate_args=validate_args)

    def _steps(self) -> list[Any]:
        return [ExpTransform(), AffineTransform(0, self.scale)]

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:
        return constraints.greater_than_eq(self.scale)

    mean = moment(lambda scale, alpha: _pareto_mean(scale, alpha.clamp(min=1)))
    mode = moment(lambda scale: scale)
    variance = moment(lambda scale, alpha: _pareto_variance(scale, alpha.clamp(min=2)))
    entropy = summary(lambda scale, alpha: (scale / alpha).log() + (1 + alpha.reciprocal()))


def _pareto_mean(scale: Tensor, alpha: Tensor) -> Tensor:
    return alpha * scale / (alpha - 1)


def _pareto_variance(scale: Tensor, alpha: Tensor) -> Tensor:
    return scale.pow(2) * alpha / ((alpha - 1).pow(2) * (alpha - 2))


class Kumaraswamy(Stepwise):
    """(1 - u^(1/concentration0))^(1/concentration1) of a uniform u: like Beta, with a cdf in closed
    form."""

    arg_constraints = {
        "concentration1": constraints.positive,
        "concentration0": constraints.positive,
    }
    support = constraints.unit_interval
    has_rsample = True

    def __init__(
        self, concentration1: Any, concentration0: Any, validate_args: bool | None = None
    ) -> None:
        self.concentration1, self.concentration0 = broadcast_all(concentration1, concentration0)
        zeros = torch.zeros_like(self.concentration0)
        base = Uniform(zeros, torch.ones_like(zeros), validate_args=validate_args)
        super().__init__(base, self._steps(), validate_args=validate_args)

    def _steps(self) -> list[Any]:
        return [
            PowerTransform(self.concentration0.reciprocal()),
            AffineTransform(1.0, -1.0),
            PowerTransform(self.concentration1.reciprocal()),
        ]

    mean = moment(lambda concentration1, concentration0: _moment(concentration1, concentration0, 1))
    variance = moment(
        lambda concentration1, concentration0, mean: (
            _moment(concentration1, concentration0, 2) - mean.pow(2)
        )
    )
    mode = moment(
        lambda concentration1, concentration0: (
            ((concentration1 - 1) / (concentration0 * concentration1 - 1))
            .pow(concentration1.reciprocal())
            .masked_fill((concentration0 < 1) | (concentration1 < 1), math.nan)
        )
    )
    entropy = summary(
        lambda concentration1, concentration0: (
            (1 - concentration0.reciprocal())
            + (1 - concentration1.reciprocal())
            * (torch.digamma(concentration0 + 1) + euler_constant)
            - torch.log(concentration1)
            - torch.log(concentration0)
        )
    )


def _moment(a: Tensor, b: Tensor, n: int) -> Tensor:
    """The mean of x^n of a Kumaraswamy x: b B(1 + n/a, b)."""
    first = 1 + n / a
    return b * torch.exp(torch.lgamma(first) + torch.lgamma(b) - torch.lgamma(first + b))


class GeneralizedPareto(Parametric):
    """What exceeds a high threshold `loc`: an exponential tail at `concentration` 0, a heavier one
    above it, below it one that ends."""

    arg_constraints = {
        "loc": constraints.real, "scale": constraints.positive, "concentration": constraints.real,
    }  # fmt: skip
    has_rsample = True

    def __init__(
        self, loc: Any, scale: Any, concentration: Any, validate_args: bool | None = None
    ) -> None:
        self._set(validate_args, loc=loc, scale=scale, concentration=concentration)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:
        end = self.loc - self.scale / self.concentration
        end = torch.where(self.concentration >= 0, torch.inf, end)
        return constraints.interval(self.loc, end)

    _straight = moment(
        lambda concentration: torch.isclose(concentration, concentration.new_zeros(()))
    )
    _bend = moment(lambda _straight, concentration: torch.where(_straight, 1.0, concentration))

    def _z(self, x: Tensor) -> Tensor:
        return (x - self.loc) / self.scale

    def log_survival_function(self, value: Tensor) -> Tensor:
        """The log of the probability of more than `value`."""
        if self._validate_args:
            self._validate_sample(value)
        z, bend = self._z(value), self._bend
        return torch.where(self._straight, -z, -torch.log1p(bend * z) / bend)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        z, bend = self._z(value), self._bend
        tail = torch.where(self._straight, -z, -(1 + 1 / bend) * torch.log1p(bend * z))
        return tail - self.scale.log()

    def log_cdf(self, value: Tensor) -> Tensor:
        return torch.log1p(-torch.exp(self.log_survival_function(value)))

    def cdf(self, value: Tensor) -> Tensor:
        return -torch.expm1(self.log_survival_function(value))

    icdf = quantile(
        lambda value, loc, scale, _straight, _bend: loc + scale * torch.where(
            _straight, -torch.log1p(-value), torch.expm1(-_bend * torch.log1p(-value)) / _bend
        )
    )  # fmt: skip

    def rsample(self, sample_shape: Any = torch.Size()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        return self.icdf(torch.rand(shape, dtype=self.loc.dtype))

    mean = moment(
        lambda loc, scale, concentration: (
            torch.where(concentration < 1, loc + scale / (1 - concentration), torch.nan)
        )
    )
    mode = moment(lambda loc: loc)
    variance = moment(
        lambda scale, concentration: torch.where(
            concentration < 0.5,
            scale**2 / ((1 - concentration) ** 2 * (1 - 2 * concentration)),
            torch.nan,
        )
    )

    entropy = summary(lambda scale, concentration: torch.log(scale) + concentration + 1)
