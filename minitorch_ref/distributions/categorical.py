"""Choices by weight: Categorical (an index), OneHotCategorical (a unit vector)."""

from __future__ import annotations

from typing import Any

import minitorch_ref as torch

from ..tensor import Tensor
from . import constraints
from .distribution import Distribution
from .formulas import ByOdds, Parametric, moment, summary

__all__ = ["Categorical", "OneHotCategorical", "OneHotCategoricalStraightThrough"]

_WEIGHTS = {"probs": constraints.simplex, "logits": constraints.real_vector}


class Categorical(ByOdds):
    """An index 0 … K-1, chosen with `probs` (which are divided by their sum) or exp of `logits`."""

    arg_constraints = _WEIGHTS
    has_enumerate_support = True
    _binary = False
    _tensors = {"_param": 1}
    _kept = ("_num_events",)

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: Any = None) -> None:
        if (probs is None) == (logits is None):
            raise ValueError("Either `probs` or `logits` must be specified, but not both.")
        name, given = ("probs", probs) if logits is None else ("logits", logits)
        if given.dim() < 1:
            raise ValueError(f"`{name}` parameter must be at least one-dimensional.")
        if name == "probs":
            self.probs = given / given.sum(-1, keepdim=True)
        else:
            self.logits = given - given.logsumexp(dim=-1, keepdim=True)
        self._param = self.__dict__[name]
        self._num_events = self._param.size(-1)
        Distribution.__init__(self, self._param.shape[:-1], validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        return constraints.integer_interval(0, self._num_events - 1)

    mode = moment(lambda probs: probs.argmax(dim=-1))
    mean = moment(lambda probs: torch.full(probs.shape[:-1], torch.nan, dtype=probs.dtype))
    variance = mean

    def sample(self, sample_shape: Any = torch.Size()) -> Tensor:
        if not isinstance(sample_shape, torch.Size):
            sample_shape = torch.Size(sample_shape)
        rows = self.probs.reshape(-1, self._num_events)
        chosen = torch.multinomial(rows, sample_shape.numel(), True).T
        return chosen.reshape(self._extended_shape(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        index, table = torch.broadcast_tensors(value.long().unsqueeze(-1), self.logits)
        return table.gather(-1, index[..., :1]).squeeze(-1)

    def entropy(self) -> Tensor:
        smallest = torch.finfo(self.logits.dtype).min
        return -(torch.clamp(self.logits, min=smallest) * self.probs).sum(-1)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        values = torch.arange(self._num_events).view((-1,) + (1,) * len(self._batch_shape))
        return values.expand((-1,) + self._batch_shape) if expand else values


class OfCategorical(Parametric):
    """A distribution whose weights are those of a Categorical that it keeps."""

    arg_constraints = _WEIGHTS
    _parts: tuple[str, ...] = ("_categorical",)

    probs = property(lambda self: self._categorical.probs)
    logits = property(lambda self: self._categorical.logits)
    param_shape = property(lambda self: self._categorical.param_shape)
    _param = property(lambda self: self._categorical._param)


class OneHotCategorical(OfCategorical):
    """A unit vector: 1 at the chosen place."""

    support = constraints.one_hot
    has_enumerate_support = True

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: Any = None) -> None:
        self._categorical = Categorical(probs, logits)
        shape = self._categorical.param_shape
        Distribution.__init__(self, shape[:-1], shape[-1:], validate_args=validate_args)

    mean = moment(lambda probs: probs)
    variance = moment(lambda probs: probs * (1 - probs))
    entropy = summary(lambda _categorical: _categorical.entropy())

    @property
    def mode(self) -> Tensor:
        return self._unit_vectors(self.probs.argmax(dim=-1)).to(self.probs.dtype)

    def _unit_vectors(self, index: Tensor) -> Tensor:
        return torch.nn.functional.one_hot(index, num_classes=self.event_shape[-1])

    def sample(self, sample_shape: Any = torch.Size()) -> Tensor:
        index = self._categorical.sample(torch.Size(sample_shape))
        return self._unit_vectors(index).to(self.probs.dtype)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return self._categorical.log_prob(value.max(-1)[1])

    def enumerate_support(self, expand: bool = True) -> Tensor:
        n = self.event_shape[0]
        values = torch.eye(n, dtype=self._param.dtype)
        values = values.view((n,) + (1,) * len(self.batch_shape) + (n,))
        return values.expand((n,) + self.batch_shape + (n,)) if expand else values


class OneHotCategoricalStraightThrough(OneHotCategorical):
    """The same, with the gradient of `probs` in place of the one that a choice does not have."""

    has_rsample = True

    def rsample(self, sample_shape: Any = torch.Size()) -> Tensor:
        samples = self.sample(sample_shape)
        return samples + (self.probs - self.probs.detach())
