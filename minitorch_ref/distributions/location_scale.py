"""Distributions moved by `loc` and stretched by `scale`: Normal, Laplace, Cauchy, Gumbel, Uniform, and
the halves, exponentials and logistic images of the normal."""

from __future__ import annotations

import math
from typing import Any

import minitorch_ref as torch

from ..tensor import Tensor
from . import constraints
from .combined import Stepwise, TransformedDistribution
from .distribution import Distribution
from .exp_family import ExponentialFamily
from .formulas import Parametric, density, draw, moment, quantile, summary
from .transforms import AbsTransform, AffineTransform, ExpTransform, StickBreakingTransform
from .utils import broadcast_all, euler_constant, standard_normal

__all__ = [
    "Cauchy", "Gumbel", "HalfCauchy", "HalfNormal", "Laplace", "LogNormal", "LogisticNormal",
    "Normal", "Uniform",
]  # fmt: skip

_LOG_ROOT_TWO_PI = math.log(math.sqrt(2 * math.pi))
_LOC_SCALE = {"loc": constraints.real, "scale": constraints.positive}


def _not_a_number(like: Tensor) -> Tensor:
    return torch.full(like.shape, math.nan, dtype=like.dtype)


def _infinite(like: Tensor) -> Tensor:
    return torch.full(like.shape, math.inf, dtype=like.dtype)


class Normal(Parametric, ExponentialFamily):
    """The normal distribution with mean `loc` and standard deviation `scale`."""

    arg_constraints = _LOC_SCALE
    support = constraints.real
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self._set(validate_args, loc=loc, scale=scale)

    mean = mode = moment(lambda loc: loc)
    stddev = moment(lambda scale: scale)
    variance = moment(lambda stddev: stddev.pow(2))
    rsample = draw(lambda shape, loc, scale: loc + standard_normal(shape, loc) * scale)

    def sample(self, sample_shape: Any = torch.Size()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        with torch.no_grad():
            return torch.normal(self.loc.expand(shape), self.scale.expand(shape))

    log_prob = density(
        lambda value, loc, scale: (
            -((value - loc) ** 2) / (2 * scale**2) - scale.log() - _LOG_ROOT_TWO_PI
        )
    )
    cdf = density(
        lambda value, loc, scale: (
            0.5 * (1 + torch.erf((value - loc) * scale.reciprocal() / math.sqrt(2)))
        )
    )
    icdf = quantile(
        lambda value, loc, scale: loc + scale * torch.erfinv(2 * value - 1) * math.sqrt(2)
    )
    entropy = summary(lambda scale: 0.5 + 0.5 * math.log(2 * math.pi) + torch.log(scale))

    _natural_params = moment(
        lambda loc, scale: (loc / scale.pow(2), -0.5 * scale.pow(2).reciprocal())
    )

    def _log_normalizer(self, x: Tensor, y: Tensor) -> Tensor:  # type: ignore[override]
        return -0.25 * x.pow(2) / y + 0.5 * torch.log(-math.pi / y)


def _double_exponential(shape: Any, like: Tensor) -> Tensor:
    """sign(u) log(1 - |u|), u uniform in (-1, 1)."""
    u = like.new_empty(shape).uniform_(torch.finfo(like.dtype).eps - 1, 1)
    return u.sign() * torch.log1p(-u.abs())


class Laplace(Parametric):
    """Two exponentials back to back: density exp(-|x - loc| / scale) / (2 scale)."""

    arg_constraints = _LOC_SCALE
    support = constraints.real
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self._set(validate_args, loc=loc, scale=scale)

    mean = mode = moment(lambda loc: loc)
    variance = moment(lambda scale: 2 * scale.pow(2))
    stddev = moment(lambda scale: (2**0.5) * scale)
    rsample = draw(lambda shape, loc, scale: loc - scale * _double_exponential(shape, loc))
    log_prob = density(
        lambda value, loc, scale: -torch.log(2 * scale) - torch.abs(value - loc) / scale
    )
    cdf = density(
        lambda value, loc, scale: (
            0.5 - 0.5 * (value - loc).sign() * torch.expm1(-(value - loc).abs() / scale)
        )
    )
    icdf = quantile(
        lambda value, loc, scale: (
            loc - scale * (value - 0.5).sign() * torch.log1p(-2 * (value - 0.5).abs())
        )
    )
    entropy = summary(lambda scale: 1 + torch.log(2 * scale))


class Cauchy(Parametric):
    """The ratio of two normal numbers, around `loc`: half of it within `scale`; no mean exists."""

    arg_constraints = _LOC_SCALE
    support = constraints.real
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self._set(validate_args, loc=loc, scale=scale)

    mode = moment(lambda loc: loc)
    mean = moment(lambda loc: _not_a_number(loc))
    variance = moment(lambda loc: _infinite(loc))
    rsample = draw(lambda shape, loc, scale: loc + loc.new_empty(shape).cauchy_() * scale)
    log_prob = density(
        lambda value, loc, scale: (
            -math.log(math.pi) - scale.log() - ((value - loc) / scale).pow(2).log1p()
        )
    )
    cdf = density(lambda value, loc, scale: torch.atan((value - loc) / scale) / math.pi + 0.5)
    icdf = quantile(lambda value, loc, scale: torch.tan(math.pi * (value - 0.5)) * scale + loc)
    entropy = summary(lambda scale: math.log(4 * math.pi) + scale.log())


class Uniform(Parametric):
    """Uniform in [low, high)."""

    has_rsample = True

    def __init__(self, low: Any, high: Any, validate_args: bool | None = None) -> None:
        self._set(validate_args, low=low, high=high)

    @property
    def arg_constraints(self) -> dict[str, Any]:
        return {
            "low": constraints.less_than(self.high),
            "high": constraints.greater_than(self.low),
        }

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Any:
        return constraints.interval(self.low, self.high)

    mean = moment(lambda low, high: (high + low) / 2)
    mode = moment(lambda high: math.nan * high)
    stddev = moment(lambda low, high: (high - low) / 12**0.5)
    variance = moment(lambda low, high: (high - low).pow(2) / 12)
    rsample = draw(lambda shape, low, high: low + torch.rand(shape, dtype=low.dtype) * (high - low))
    log_prob = density(
        lambda value, low, high: (
            torch.log(low.le(value).type_as(low) * high.gt(value).type_as(low))
            - torch.log(high - low)
        )
    )
    cdf = density(lambda value, low, high: ((value - low) / (high - low)).clamp(min=0, max=1))
    icdf = quantile(lambda value, low, high: value * (high - low) + low)
    entropy = summary(lambda low, high: torch.log(high - low))


def _gumbel(y: Tensor) -> Tensor:
    return y - y.exp()


class Gumbel(Stepwise):
    """The largest of many: loc - scale · log(-log u)."""

    arg_constraints = _LOC_SCALE
    support = constraints.real

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        info = torch.finfo(self.loc.dtype)
        base = Uniform(info.tiny * torch.ones_like(self.loc), 1 - info.eps, validate_args)
        super().__init__(base, self._steps(), validate_args=validate_args)

    def _steps(self) -> list[Any]:
        return [
            ExpTransform().inv,
            AffineTransform(0, -torch.ones_like(self.scale)),
            ExpTransform().inv,
            AffineTransform(self.loc, -self.scale),
        ]

    mode = moment(lambda loc: loc)
    mean = moment(lambda loc, scale: loc + scale * euler_constant)
    stddev = moment(lambda scale: (math.pi / math.sqrt(6)) * scale)
    variance = moment(lambda stddev: stddev.pow(2))
    log_prob = density(lambda value, loc, scale: _gumbel((loc - value) / scale) - scale.log())
    entropy = summary(lambda scale: scale.log() + (1 + euler_constant))


class _Half(TransformedDistribution):
    """|x| of a distribution that is symmetric around 0: twice its density."""

    arg_constraints = {"scale": constraints.positive}
    support = constraints.nonnegative
    has_rsample = True
    _whole: type

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        base = self._whole(0, scale, validate_args=False)
        super().__init__(base, AbsTransform(), validate_args=validate_args)

    scale = property(lambda self: self.base_dist.scale)
    mode = moment(lambda scale: torch.zeros_like(scale))
    icdf = quantile(lambda value, base_dist: base_dist.icdf((value + 1) / 2))
    cdf = density(lambda value, base_dist: 2 * base_dist.cdf(value) - 1)
    entropy = summary(lambda base_dist: base_dist.entropy() - math.log(2))


class HalfNormal(_Half):
    """|x| of a normal x with mean 0 and standard deviation `scale`."""

    _whole = Normal

    mean = moment(lambda scale: scale * math.sqrt(2 / math.pi))
    variance = moment(lambda scale: scale.pow(2) * (1 - 2 / math.pi))
    log_prob = density(
        lambda value, base_dist: torch.where(
            value >= 0, base_dist.log_prob(value) + math.log(2), -math.inf
        )
    )


class HalfCauchy(_Half):
    """|x| of a Cauchy x around 0."""

    _whole = Cauchy

    mean = moment(lambda scale: _infinite(scale))
    variance = moment(lambda base_dist: base_dist.variance)
    log_prob = density(
        lambda value, scale: torch.where(
            value >= 0,
            math.log(2 / math.pi) - scale.log() - (value / scale).pow(2).log1p(),
            -math.inf,
        )
    )


class LogNormal(TransformedDistribution):
    """exp of a normal number with mean `loc` and standard deviation `scale`."""

    arg_constraints = _LOC_SCALE
    support = constraints.positive
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        base = Normal(loc, scale, validate_args=validate_args)
        super().__init__(base, ExpTransform(), validate_args=validate_args)

    loc = property(lambda self: self.base_dist.loc)
    scale = property(lambda self: self.base_dist.scale)
    mean = moment(lambda loc, scale: (loc + scale.pow(2) / 2).exp())
    mode = moment(lambda loc, scale: (loc - scale.square()).exp())
    variance = moment(lambda loc, scale: scale.pow(2).expm1() * (2 * loc + scale.pow(2)).exp())
    entropy = summary(lambda base_dist, loc: base_dist.entropy() + loc)


class LogisticNormal(TransformedDistribution):
    """A point of the simplex: a stick broken at normal numbers."""

    arg_constraints = _LOC_SCALE
    support = constraints.simplex
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        base: Distribution = Normal(loc, scale, validate_args=validate_args)
        if not base.batch_shape:
            base = base.expand([1])
        super().__init__(base, StickBreakingTransform(), validate_args=validate_args)

    loc = property(lambda self: self.base_dist.base_dist.loc)
    scale = property(lambda self: self.base_dist.base_dist.scale)
