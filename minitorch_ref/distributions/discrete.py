"""Counts: Bernoulli, Binomial, Multinomial, Geometric, NegativeBinomial, Poisson."""

from __future__ import annotations

import math
from typing import Any

import minitorch_ref as torch

from ..nn.functional import binary_cross_entropy_with_logits, logsigmoid
from ..tensor import Tensor
from . import constraints
from .categorical import Categorical, OfCategorical
from .distribution import Distribution
from .exp_family import ExponentialFamily
from .formulas import ByOdds, Parametric, density, derived, draw_only, moment, summary
from .gamma_family import Gamma
from .utils import broadcast_all

__all__ = ["Bernoulli", "Binomial", "Geometric", "Multinomial", "NegativeBinomial", "Poisson"]

_CHANCE = {"probs": constraints.unit_interval, "logits": constraints.real}


def cross_entropy(logits: Tensor, value: Tensor) -> Tensor:
    """-log p(value) of a yes or no with the given log odds; for a chance `value`, its mean."""
    logits, value = broadcast_all(logits, value)
    return binary_cross_entropy_with_logits(logits, value, reduction="none")


class Bernoulli(ByOdds, ExponentialFamily):
    """1 with the chance `probs`, else 0."""

    arg_constraints = _CHANCE
    support = constraints.boolean
    has_enumerate_support = True
    _mean_carrier_measure = 0

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: Any = None) -> None:
        shape = self._set_odds(probs, logits)
        Distribution.__init__(self, shape, validate_args=validate_args)

    mean = moment(lambda probs: probs)
    mode = moment(lambda probs: (probs >= 0.5).to(probs.dtype).masked_fill(probs == 0.5, math.nan))
    variance = moment(lambda probs: probs * (1 - probs))
    sample = draw_only(lambda shape, probs: torch.bernoulli(probs))
    log_prob = density(lambda value, logits: -cross_entropy(logits, value))
    entropy = summary(lambda logits, probs: cross_entropy(logits, probs))

    def enumerate_support(self, expand: bool = True) -> Tensor:
        return _counts(self, 1, expand)

    _natural_params = moment(lambda probs: (torch.logit(probs),))

    def _log_normalizer(self, x: Tensor) -> Tensor:  # type: ignore[override]
        return torch.log(1 + torch.exp(x))


def _counts(distribution: Any, largest: int, expand: bool) -> Tensor:
    """0 … largest along a new first dim."""
    batch = distribution._batch_shape
    values = torch.arange(1 + largest, dtype=distribution._param.dtype)
    values = values.view((-1,) + (1,) * len(batch))
    return values.expand((-1,) + batch) if expand else values


class Binomial(ByOdds):
    """How many of `total_count` trials succeed, each with the chance `probs`."""

    arg_constraints = {"total_count": constraints.nonnegative_integer, **_CHANCE}
    has_enumerate_support = True

    def __init__(
        self,
        total_count: Any = 1,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        shape = self._set_odds(probs, logits, total_count=total_count)
        self.total_count: Any = self.total_count.type_as(self._param)
        Distribution.__init__(self, shape, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        return constraints.integer_interval(0, self.total_count)

    mean = moment(lambda total_count, probs: total_count * probs)
    mode = moment(
        lambda total_count, probs: ((total_count + 1) * probs).floor().clamp(max=total_count)
    )
    variance = moment(lambda total_count, probs: total_count * probs * (1 - probs))
    sample = draw_only(lambda shape, total_count, probs: torch.binomial(total_count, probs))
    log_prob = density(
        lambda value, total_count, logits: (
            value * logits
            - torch.lgamma(value + 1)
            - torch.lgamma(total_count - value + 1)
            - (
                total_count * _positive_part(logits)
                + total_count * torch.log1p(torch.exp(-torch.abs(logits)))
                - torch.lgamma(total_count + 1)
            )
        )
    )

    def entropy(self) -> Tensor:
        self._one_count("entropy")
        log_prob = self.log_prob(self.enumerate_support(False))
        return -(torch.exp(log_prob) * log_prob).sum(0)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        return _counts(self, self._one_count("enumerate_support"), expand)

    def _one_count(self, asked: str) -> int:
        """`total_count`, if it is the same everywhere; else NotImplementedError."""
        largest = int(self.total_count.max())
        if not self.total_count.min() == largest:
            raise NotImplementedError(f"Inhomogeneous total count not supported by `{asked}`.")
        return largest


def _positive_part(x: Tensor) -> Tensor:
    """max(x, 0), with the gradient 1/2 at 0."""
    return (x.clamp(min=0) + x - x.clamp(max=0)) / 2


class Multinomial(OfCategorical):
    """How often each of K places was chosen in `total_count` choices."""

    _kept = ("total_count",)

    def __init__(
        self,
        total_count: int = 1,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        if not isinstance(total_count, int):
            raise NotImplementedError("inhomogeneous total_count is not supported")
        self.total_count = total_count
        self._categorical = Categorical(probs=probs, logits=logits)
        shape = self._categorical.param_shape
        Distribution.__init__(self, shape[:-1], shape[-1:], validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self) -> Any:
        return constraints.multinomial(self.total_count)

    _binomial = derived(lambda total_count, probs: Binomial(total_count, probs))
    mean = moment(lambda probs, total_count: probs * total_count)
    variance = moment(lambda probs, total_count: total_count * probs * (1 - probs))

    def sample(self, sample_shape: Any = torch.Size()) -> Tensor:
        sample_shape = torch.Size(sample_shape)
        choices = self._categorical.sample(torch.Size((self.total_count,)) + sample_shape)
        choices = choices.permute(*range(1, choices.dim()), 0)  # the choices to the end
        counts = torch.zeros(self._extended_shape(sample_shape), dtype=self.probs.dtype)
        return counts.scatter_add_(-1, choices, torch.ones_like(choices).to(counts.dtype))

    def entropy(self) -> Tensor:
        """From the entropies of the choices, less what their order would tell."""
        n = torch.as_tensor(self.total_count, dtype=self.probs.dtype)
        own = self._categorical.entropy()
        counts = self._binomial.enumerate_support(expand=False)[1:]
        chances = torch.exp(self._binomial.log_prob(counts))
        order = (chances * torch.lgamma(counts + 1)).sum([0, -1])
        return n * own - torch.lgamma(n + 1) + order

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        logits, value = torch.broadcast_tensors(self.logits, value)
        orders = torch.lgamma(value.sum(-1) + 1) - torch.lgamma(value + 1).sum(-1)
        never = (value == 0) & (logits == -torch.inf)
        return orders + (logits.masked_fill(never, 0) * value).sum(-1)


class Geometric(ByOdds):
    """How many failures come before the first success, of chance `probs`."""

    arg_constraints = _CHANCE
    support = constraints.nonnegative_integer
    _tensors: dict[str, int] = {}

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: Any = None) -> None:
        shape = self._set_odds(probs, logits)
        del self._param
        Distribution.__init__(self, shape, validate_args=validate_args)
        if self._validate_args and probs is not None and not (self.probs > 0).all():
            raise ValueError(
                f"Expected parameter probs ({type(self.probs).__name__} of shape "
                f"{tuple(self.probs.shape)}) of distribution {self!r} to be positive but found "
                f"invalid values:\n{self.probs[~(self.probs > 0)]}"
            )

    mean = moment(lambda probs: 1.0 / probs - 1.0)
    mode = moment(lambda probs: torch.zeros_like(probs))
    variance = moment(lambda probs: (1.0 / probs - 1.0) / probs)
    sample = draw_only(lambda shape, probs: (_log_uniform(probs) / (-probs).log1p()).floor())
    log_prob = density(
        lambda value, probs: (
            value * (-probs.masked_fill((probs == 1) & (value == 0), 0)).log1p() + probs.log()
        )
    )
    entropy = summary(lambda logits, probs: cross_entropy(logits, probs) / probs)


def _log_uniform(like: Tensor) -> Tensor:
    u = torch.empty(like.shape, dtype=like.dtype)
    return u.uniform_(torch.finfo(like.dtype).tiny, 1).log()


class NegativeBinomial(ByOdds):
    """How many successes of chance `probs` come before `total_count` failures: a Poisson count with a
    gamma rate, so that `total_count` need not be whole."""

    arg_constraints = {
        "total_count": constraints.greater_than_eq(0),
        "probs": constraints.half_open_interval(0.0, 1.0),
        "logits": constraints.real,
    }
    support = constraints.nonnegative_integer

    def __init__(
        self, total_count: Any, probs: Any = None, logits: Any = None, validate_args: Any = None
    ) -> None:
        shape = self._set_odds(probs, logits, total_count=total_count)
        self.total_count: Any = self.total_count.type_as(self._param)
        Distribution.__init__(self, shape, validate_args=validate_args)

    mean = moment(lambda total_count, logits: total_count * torch.exp(logits))
    mode = moment(
        lambda total_count, logits: ((total_count - 1) * logits.exp()).floor().clamp(min=0.0)
    )
    variance = moment(lambda mean, logits: mean / torch.sigmoid(-logits))
    _gamma = derived(
        lambda total_count, logits: Gamma(total_count, torch.exp(-logits), validate_args=False)
    )

    def sample(self, sample_shape: Any = torch.Size()) -> Tensor:
        with torch.no_grad():
            return torch.poisson(self._gamma.sample(sample_shape))

    log_prob = density(
        lambda value, total_count, logits: (
            total_count * logsigmoid(-logits)
            + value * logsigmoid(logits)
            - (
                -torch.lgamma(total_count + value)
                + torch.lgamma(1.0 + value)
                + torch.lgamma(total_count)
            ).masked_fill(total_count + value == 0.0, 0.0)
        )
    )


class Poisson(Parametric, ExponentialFamily):
    """How many of very many rare events happen, `rate` of them in the mean."""

    arg_constraints = {"rate": constraints.nonnegative}
    support = constraints.nonnegative_integer

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        self._set(validate_args, rate=rate)

    mean = variance = moment(lambda rate: rate)
    mode = moment(lambda rate: rate.floor())
    sample = draw_only(lambda shape, rate: torch.poisson(rate))
    log_prob = density(lambda value, rate: value.xlogy(rate) - rate - (value + 1).lgamma())

    _natural_params = moment(lambda rate: (torch.log(rate),))

    def _log_normalizer(self, x: Tensor) -> Tensor:  # type: ignore[override]
        return torch.exp(x)
