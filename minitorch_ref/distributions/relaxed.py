"""Numbers between 0 and 1 in place of choices, so that gradients can pass: ContinuousBernoulli,
RelaxedBernoulli, RelaxedOneHotCategorical (Maddison, Mnih, Teh 2017; Jang, Gu, Poole 2017)."""

from __future__ import annotations

import math
from typing import Any

import minitorch_ref as torch

from ..tensor import Tensor
from . import constraints
from .categorical import Categorical, OfCategorical
from .combined import TransformedDistribution
from .discrete import cross_entropy
from .distribution import Distribution
from .exp_family import ExponentialFamily
from .formulas import ByOdds, density, draw, moment, quantile, summary
from .transforms import ExpTransform, SigmoidTransform
from .utils import clamp_probs

__all__ = [
    "ContinuousBernoulli", "ExpRelaxedCategorical", "LogitRelaxedBernoulli", "RelaxedBernoulli",
    "RelaxedOneHotCategorical",
]  # fmt: skip

_CHANCE = {"probs": constraints.unit_interval, "logits": constraints.real}


# ---- ContinuousBernoulli -------------------------------------------------------------------------
# The exact formulas are 0/0 at probs = 1/2: within `lims` Taylor series stand in for them, and the
# formulas are evaluated at the edge, so that neither values nor gradients are poisoned.


def _choose(outside: Tensor, exact: Tensor, series: Tensor) -> Tensor:
    return torch.where(outside, exact, series)


def _log_norm(outside: Tensor, cut: Tensor, probs: Tensor) -> Tensor:
    """log of 2 artanh(1 - 2p) / (1 - 2p)."""
    below = torch.where(cut <= 0.5, cut, 0.0)
    above = torch.where(cut >= 0.5, cut, 1.0)
    exact = torch.log(torch.abs(torch.log1p(-cut) - torch.log(cut))) - torch.where(
        cut <= 0.5, torch.log1p(-2.0 * below), torch.log(2.0 * above - 1.0)
    )
    x = torch.pow(probs - 0.5, 2)
    return _choose(outside, exact, math.log(2.0) + (4.0 / 3.0 + 104.0 / 45.0 * x) * x)


def _mean(outside: Tensor, cut: Tensor, probs: Tensor) -> Tensor:
    exact = cut / (2.0 * cut - 1.0) + 1.0 / (torch.log1p(-cut) - torch.log(cut))
    x = probs - 0.5
    return _choose(outside, exact, 0.5 + (1.0 / 3.0 + 16.0 / 45.0 * torch.pow(x, 2)) * x)


def _variance(outside: Tensor, cut: Tensor, probs: Tensor) -> Tensor:
    exact = cut * (cut - 1.0) / torch.pow(1.0 - 2.0 * cut, 2) + 1.0 / torch.pow(
        torch.log1p(-cut) - torch.log(cut), 2
    )
    x = torch.pow(probs - 0.5, 2)
    return _choose(outside, exact, 1.0 / 12.0 - (1.0 / 15.0 - 128.0 / 945.0 * x) * x)


def _cdf(value: Tensor, outside: Tensor, cut: Tensor) -> Tensor:
    rising = torch.pow(cut, value) * torch.pow(1.0 - cut, 1.0 - value) + cut - 1.0
    inner = _choose(outside, rising / (2.0 * cut - 1.0), value)
    return torch.where(value <= 0.0, 0.0, torch.where(value >= 1.0, 1.0, inner))


def _icdf(value: Tensor, outside: Tensor, cut: Tensor) -> Tensor:
    miss = torch.log1p(-cut)
    exact = (torch.log1p(-cut + value * (2.0 * cut - 1.0)) - miss) / (torch.log(cut) - miss)
    return _choose(outside, exact, value)


class ContinuousBernoulli(ByOdds, ExponentialFamily):
    """A number in [0, 1] with density ∝ p^x (1-p)^(1-x): what a decoder of grey values needs
    (Loaiza-Ganem and Cunningham 2019)."""

    arg_constraints = _CHANCE
    support = constraints.unit_interval
    has_rsample = True
    _mean_carrier_measure = 0
    _kept = ("_lims",)

    def __init__(
        self,
        probs: Any = None,
        logits: Any = None,
        lims: tuple[float, float] = (0.499, 0.501),
        validate_args: bool | None = None,
    ) -> None:
        shape = self._set_odds(probs, logits)
        if logits is None:
            if validate_args is not None and not _CHANCE["probs"].check(self.probs).all():
                raise ValueError("The parameter probs has invalid values")
            self._param = self.probs = clamp_probs(self.probs)
        self._lims = lims
        Distribution.__init__(self, shape, validate_args=validate_args)

    _outside = moment(lambda probs, _lims: (probs <= _lims[0]) | (probs > _lims[1]))
    _cut = moment(lambda _outside, probs, _lims: torch.where(_outside, probs, _lims[0]))
    _log_constant = moment(lambda _outside, _cut, probs: _log_norm(_outside, _cut, probs))

    mean = moment(lambda _outside, _cut, probs: _mean(_outside, _cut, probs))
    variance = moment(lambda _outside, _cut, probs: _variance(_outside, _cut, probs))
    stddev = moment(lambda variance: torch.sqrt(variance))
    rsample = draw(lambda shape, probs, icdf: icdf(torch.rand(shape, dtype=probs.dtype)))
    log_prob = density(
        lambda value, logits, _log_constant: -cross_entropy(logits, value) + _log_constant
    )
    cdf = density(lambda value, _outside, _cut: _cdf(value, _outside, _cut))
    icdf = quantile(lambda value, _outside, _cut: _icdf(value, _outside, _cut))
    entropy = summary(
        lambda mean, probs, _log_constant: (
            mean * (torch.log1p(-probs) - torch.log(probs)) - _log_constant - torch.log1p(-probs)
        )
    )

    _natural_params = moment(lambda logits: (logits,))

    def _log_normalizer(self, x: Tensor) -> Tensor:  # type: ignore[override]
        low, high = self._lims[0] - 0.5, self._lims[1] - 0.5
        outside = (x <= low) | (x > high)
        cut = torch.where(outside, x, low)
        exact = torch.log(torch.abs(torch.special.expm1(cut))) - torch.log(torch.abs(cut))
        return _choose(outside, exact, 0.5 * x + x.pow(2) / 24.0 - x.pow(4) / 2880.0)


# ---- Relaxed choices -----------------------------------------------------------------------------


def _noisy_odds(shape: Any, probs: Tensor) -> Tensor:
    """The log odds of a chance, plus a logistic number."""
    chance = clamp_probs(probs.expand(shape))
    u = clamp_probs(torch.rand(shape, dtype=chance.dtype))
    return u.log() - (-u).log1p() + chance.log() - (-chance).log1p()


def _relaxed_density(gap: Tensor, temperature: Tensor) -> Tensor:
    return temperature.log() + gap - 2 * gap.exp().log1p()


class LogitRelaxedBernoulli(ByOdds):
    """The log odds of a RelaxedBernoulli number."""

    arg_constraints = _CHANCE
    support = constraints.real
    has_rsample = True
    _kept = ("temperature",)

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: Any = None
    ) -> None:
        self.temperature = temperature
        shape = self._set_odds(probs, logits)
        Distribution.__init__(self, shape, validate_args=validate_args)

    rsample = draw(lambda shape, probs, temperature: _noisy_odds(shape, probs) / temperature)
    log_prob = density(
        lambda value, logits, temperature: _relaxed_density(
            logits - value * temperature, temperature
        )
    )


class _Relaxed(TransformedDistribution):
    """A relaxed choice: `base_dist` on the scale of log odds, brought to [0, 1]."""

    has_rsample = True

    temperature = property(lambda self: self.base_dist.temperature)
    logits = property(lambda self: self.base_dist.logits)
    probs = property(lambda self: self.base_dist.probs)


class RelaxedBernoulli(_Relaxed):
    """A number in (0, 1), near 0 or 1 at a low `temperature`; 1 with about the chance `probs`."""

    arg_constraints = _CHANCE
    support = constraints.unit_interval

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: Any = None
    ) -> None:
        base = LogitRelaxedBernoulli(temperature, probs, logits)
        super().__init__(base, SigmoidTransform(), validate_args=validate_args)


class ExpRelaxedCategorical(OfCategorical):
    """The logarithm of a RelaxedOneHotCategorical point."""

    support = constraints.real_vector
    has_rsample = True
    _kept = ("temperature",)

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: Any = None
    ) -> None:
        self._categorical = Categorical(probs, logits)
        self.temperature = temperature
        shape = self._categorical.param_shape
        Distribution.__init__(self, shape[:-1], shape[-1:], validate_args=validate_args)

    _num_events = moment(lambda _categorical: _categorical._num_events)
    rsample = draw(
        lambda shape, logits, temperature: _normalised(
            (logits + _gumbel_noise(shape, logits)) / temperature
        )
    )
    log_prob = density(
        lambda value, logits, temperature, _num_events: (
            _normalised(logits - value * temperature).sum(-1)
            + torch.full_like(temperature, float(_num_events)).lgamma()
            + temperature.log() * (_num_events - 1)
        )
    )


def _normalised(scores: Tensor) -> Tensor:
    return scores - scores.logsumexp(dim=-1, keepdim=True)


def _gumbel_noise(shape: Any, like: Tensor) -> Tensor:
    u = clamp_probs(torch.rand(shape, dtype=like.dtype))
    return -((-(u.log())).log())


class RelaxedOneHotCategorical(_Relaxed):
    """A point of the simplex, near a corner at a low `temperature`: the Gumbel-softmax."""

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.simplex

    def __init__(
        self, temperature: Any, probs: Any = None, logits: Any = None, validate_args: Any = None
    ) -> None:
        base = ExpRelaxedCategorical(temperature, probs, logits, validate_args=validate_args)
        super().__init__(base, ExpTransform(), validate_args=validate_args)
