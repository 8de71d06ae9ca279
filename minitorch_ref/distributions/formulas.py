"""The language in which distributions are written: formulas whose argument names say what they read.

    class Laplace(Parametric):
        arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
        mean = mode = moment(lambda loc: loc)
        variance = moment(lambda scale: 2 * scale**2)
        log_prob = density(lambda value, loc, scale: -(2 * scale).log() - (value - loc).abs() / scale)
        rsample = draw(lambda shape, loc, scale: loc - scale * double_exponential(shape, loc))

An argument called `value` or `shape` is what the method is called with; every other one is the
attribute of that name, looked up when the formula is used.  So a formula reads like its mathematics,
and parameters may be worked out lazily.

`Parametric` does the rest of a distribution given by tensors: it broadcasts parameters, and `expand`
knows from `arg_constraints` how many of a parameter's last dims belong to the event.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import minitorch_ref as torch

from .distribution import Distribution
from .utils import broadcast_all, lazy_property, logits_to_probs, probs_to_logits

Formula = Callable[..., Any]


def _reader(formula: Formula, given: int) -> tuple[str, ...]:
    """The names of a formula's arguments behind the first `given`."""
    code = formula.__code__
    return code.co_varnames[given : code.co_argcount]


def moment(formula: Formula) -> Any:
    """A property."""
    names = _reader(formula, 0)
    return property(lambda self: formula(*[getattr(self, n) for n in names]))


def derived(formula: Formula) -> Any:
    """An attribute, worked out once."""
    names = _reader(formula, 0)
    return lazy_property(lambda self: formula(*[getattr(self, n) for n in names]))


def summary(formula: Formula) -> Any:
    """A method without arguments: the entropy."""
    names = _reader(formula, 0)

    def by_formula(self: Any) -> Any:
        return formula(*[getattr(self, n) for n in names])

    return by_formula


def density(formula: Formula) -> Any:
    """A method of a `value` that must lie in the support: log_prob, cdf."""
    names = _reader(formula, 1)

    def by_formula(self: Any, value: Any) -> Any:
        if self._validate_args:
            self._validate_sample(value)
        return formula(value, *[getattr(self, n) for n in names])

    return by_formula


def quantile(formula: Formula) -> Any:
    """A method of a probability, which is not checked: icdf."""
    names = _reader(formula, 1)

    def by_formula(self: Any, value: Any) -> Any:
        return formula(value, *[getattr(self, n) for n in names])

    return by_formula


def draw(formula: Formula) -> Any:
    """`rsample`: from the shape of all outcomes together, and parameters."""
    names = _reader(formula, 1)

    def by_formula(self: Any, sample_shape: Any = torch.Size()) -> Any:
        shape = self._extended_shape(sample_shape)
        return formula(shape, *[getattr(self, n) for n in names])

    return by_formula


def draw_only(formula: Formula) -> Any:
    """`sample` where outcomes cannot follow their parameters; these arrive expanded to `shape`."""
    names = _reader(formula, 1)

    def by_formula(self: Any, sample_shape: Any = torch.Size()) -> Any:
        shape = self._extended_shape(sample_shape)
        with torch.no_grad():
            return formula(shape, *[getattr(self, n).expand(shape) for n in names])

    return by_formula


class Parametric(Distribution):
    """A distribution given by tensors.

    What `expand` finds in an instance: tensors, those named in `arg_constraints` or `_tensors`
    (name: dims of the event); distributions of the same batch, `_parts`; other things, `_kept`.
    """

    _tensors: dict[str, int] = {}
    _parts: tuple[str, ...] = ()
    _kept: tuple[str, ...] = ()

    if TYPE_CHECKING:  # parameters are attributes

        def __getattr__(self, name: str) -> Any: ...

    def _set(self, validate_args: bool | None, **parameters: Any) -> None:
        """Keep parameters of single numbers, broadcast; numbers alone make an empty batch shape."""
        for name, value in zip(parameters, broadcast_all(*parameters.values())):
            setattr(self, name, value)
        Distribution.__init__(self, value.shape, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        batch = torch.Size(batch_shape)
        new = self._blank(_instance)
        events = {name: c.event_dim for name, c in self.arg_constraints.items()} | self._tensors
        for name, dims in events.items():
            if name in self.__dict__:
                value = self.__dict__[name]
                new.__dict__[name] = value.expand(batch + value.shape[value.dim() - dims :])
        for name in self._parts:
            new.__dict__[name] = getattr(self, name).expand(batch)
        for name in self._kept:
            new.__dict__[name] = getattr(self, name)
        Distribution.__init__(new, batch, self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new


class ByOdds(Parametric):
    """A distribution given by `probs` or by `logits`, either of which is worked out from the other.

    `_param` is the one that was given.
    """

    _binary = True  # one chance, with log odds; else a row of probabilities, with logarithms
    _tensors = {"_param": 0}

    probs = lazy_property(lambda self: logits_to_probs(self.logits, self._binary))
    logits = lazy_property(lambda self: probs_to_logits(self.probs, self._binary))

    def _set_odds(self, probs: Any, logits: Any, **others: Any) -> Any:
        """Keep what was given, broadcast with `others`.  Raises ValueError unless it is one."""
        name = _the_one_given(probs=probs, logits=logits)
        given = {**others, name: probs if logits is None else logits}
        for key, value in zip(given, broadcast_all(*given.values())):
            setattr(self, key, value)
        self._param = value
        return value.shape

    @property
    def param_shape(self) -> Any:
        return self._param.shape


def _the_one_given(**parameters: Any) -> str:
    given = [name for name, value in parameters.items() if value is not None]
    if len(given) != 1:
        raise ValueError("Either `probs` or `logits` must be specified, but not both.")
    return given[0]
