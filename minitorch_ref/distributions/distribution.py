"""`Distribution`: what every probability distribution can be asked, and how arguments are checked.

    batch_shape   the shape of the parameters: that many distributions side by side
    event_shape   the shape of one outcome: () for a number
    sample(s)     outcomes of shape s + batch_shape + event_shape; `rsample` with gradients towards
                  the parameters, where outcomes can follow them (`has_rsample`)
    log_prob(v)   log density, or log probability, of shape batch_shape
"""

from __future__ import annotations

import warnings
from typing import Any

import minitorch_ref as torch

from ..tensor import Tensor
from . import constraints
from .utils import lazy_property

__all__ = ["Distribution"]


class Distribution:
    """The abstract base: what is not defined raises NotImplementedError."""

    has_rsample: Any = False
    has_enumerate_support: Any = False
    _validate_args: bool = __debug__

    def __init_subclass__(cls) -> None:
        """Methods and properties made from formulas get the name and the text of those they define."""
        for name, member in vars(cls).items():
            made = getattr(member, "__name__", "") == "by_formula"
            if made:
                member.__name__, member.__qualname__ = name, f"{cls.__qualname__}.{name}"
            if (made or type(member) is property) and member.__doc__ is None:
                member.__doc__ = getattr(getattr(Distribution, name, None), "__doc__", None)

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Whether distributions check their arguments unless told otherwise."""
        if value not in [True, False]:
            raise ValueError
        Distribution._validate_args = value

    def __init__(
        self,
        batch_shape: Any = torch.Size(),
        event_shape: Any = torch.Size(),
        validate_args: bool | None = None,
    ) -> None:
        self._batch_shape = batch_shape
        self._event_shape = event_shape
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            self._validate_parameters()

    def _validate_parameters(self) -> None:
        """ValueError unless every parameter that was given satisfies its constraint."""
        try:
            wanted = self.arg_constraints
        except NotImplementedError:
            wanted = {}
            warnings.warn(
                f"{self.__class__} does not define `arg_constraints`. "
                "Please set `arg_constraints = {}` or initialize the distribution "
                "with `validate_args=False` to turn off validation.",
                stacklevel=4,
            )
        for name, constraint in wanted.items():
            derived = isinstance(getattr(type(self), name, None), lazy_property)
            if constraints.is_dependent(constraint) or (derived and name not in self.__dict__):
                continue
            value = getattr(self, name)
            if not constraint.check(value).all():
                raise ValueError(
                    f"Expected parameter {name} ({type(value).__name__} of shape "
                    f"{tuple(value.shape)}) of distribution {self!r} to satisfy the constraint "
                    f"{constraint!r}, but found invalid values:\n{value}"
                )

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The same distribution side by side in a larger batch shape; parameters are views."""
        raise NotImplementedError

    @property
    def batch_shape(self) -> Any:
        """The shape over which parameters are batched."""
        return self._batch_shape

    @property
    def event_shape(self) -> Any:
        """The shape of one outcome."""
        return self._event_shape

    @property
    def arg_constraints(self) -> dict[str, Any]:
        """The constraint of each parameter."""
        raise NotImplementedError

    @property
    def support(self) -> Any:
        """The constraint that outcomes satisfy."""
        raise NotImplementedError

    @property
    def mean(self) -> Tensor:
        """The expected outcome."""
        raise NotImplementedError

    @property
    def mode(self) -> Tensor:
        """The most probable outcome."""
        raise NotImplementedError(f"{self.__class__} does not implement mode")

    @property
    def variance(self) -> Tensor:
        """The expected squared distance from the mean."""
        raise NotImplementedError

    @property
    def stddev(self) -> Tensor:
        """The root of the variance."""
        return self.variance.sqrt()

    def sample(self, sample_shape: Any = torch.Size()) -> Tensor:
        """Outcomes, cut off from the graph."""
        with torch.no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Any = torch.Size()) -> Tensor:
        """Outcomes that follow the parameters with a gradient."""
        raise NotImplementedError

    def sample_n(self, n: int) -> Tensor:
        """`sample((n,))`."""
        warnings.warn(
            "sample_n will be deprecated. Use .sample((n,)) instead", UserWarning, stacklevel=2
        )
        return self.sample(torch.Size((n,)))

    def log_prob(self, value: Tensor) -> Tensor:
        """The log density, or log probability, of an outcome.  ValueError if it is impossible."""
        raise NotImplementedError

    def cdf(self, value: Tensor) -> Tensor:
        """The probability of an outcome up to `value`."""
        raise NotImplementedError

    def icdf(self, value: Tensor) -> Tensor:
        """The outcome up to which the probability is `value`."""
        raise NotImplementedError

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All outcomes along a new first dim; with `expand`, for every distribution of the batch."""
        raise NotImplementedError

    def entropy(self) -> Tensor:
        """The mean of -log_prob."""
        raise NotImplementedError

    def perplexity(self) -> Tensor:
        """exp of the entropy."""
        return torch.exp(self.entropy())

    # ---- for subclasses ------------------------------------------------------------------------

    def _extended_shape(self, sample_shape: Any = torch.Size()) -> Any:
        """The shape of outcomes."""
        if not isinstance(sample_shape, torch.Size):
            sample_shape = torch.Size(sample_shape)
        return torch.Size(sample_shape + self._batch_shape + self._event_shape)

    def _validate_sample(self, value: Any) -> None:
        """ValueError unless `value` fits in shape and lies in the support."""
        if not isinstance(value, Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        behind = len(value.shape) - len(self._event_shape)
        if value.shape[behind:] != self._event_shape:
            raise ValueError(
                "The right-most size of value must match event_shape: "
                f"{value.shape} vs {self._event_shape}."
            )
        expected = self._batch_shape + self._event_shape
        for given, own in zip(reversed(value.shape), reversed(expected)):
            if given != 1 and own != 1 and given != own:
                raise ValueError(
                    "Value is not broadcastable with batch_shape+event_shape: "
                    f"{value.shape} vs {expected}."
                )
        try:
            support = self.support
        except NotImplementedError:
            warnings.warn(
                f"{self.__class__} does not define `support` to enable sample validation. "
                "Please initialize the distribution with `validate_args=False` to turn off "
                "validation.",
                stacklevel=3,
            )
            return
        if not support.check(value).all():
            raise ValueError(
                f"Expected value argument ({type(value).__name__} of shape {tuple(value.shape)}) "
                f"to be within the support ({support!r}) of the distribution {self!r}, "
                f"but found invalid values:\n{value}"
            )

    def _get_checked_instance(self, cls: type, _instance: Any = None) -> Any:
        """A blank instance of this class, to be filled by `cls.expand`."""
        if _instance is None and type(self).__init__ != cls.__init__:  # type: ignore[misc]
            raise NotImplementedError(
                f"Subclass {self.__class__.__name__} of {cls.__name__} that defines a custom "
                "__init__ method must also define a custom .expand() method."
            )
        return self.__new__(type(self)) if _instance is None else _instance

    def _blank(self, _instance: Any) -> Any:
        """The same for the nearest class of this package, which knows how to expand itself."""
        own = next(c for c in type(self).__mro__ if c.__module__.startswith(__package__))
        return self._get_checked_instance(own, _instance)

    def __repr__(self) -> str:
        names = [name for name in self.arg_constraints if name in self.__dict__]
        shown = [
            f"{name}: {value if value.numel() == 1 else value.size()}"
            for name, value in ((name, self.__dict__[name]) for name in names)
        ]
        return f"{self.__class__.__name__}({', '.join(shown)})"
