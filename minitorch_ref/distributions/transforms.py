"""Transforms of random variables, with the logarithm of their slope.

`t(x)` maps forward, `t.inv(y)` back, and `t.log_abs_det_jacobian(x, y)` says by how much volumes grow
on the way: what the density of y = t(x) needs.  `domain` and `codomain` are constraints; their
`event_dim` says how many of the last dims are mapped together.

Here are what all transforms share, those of single numbers, and those that change parameters'
shapes or place; `vector_transforms.py` has the ones of vectors and matrices, `joint_transforms.py`
compositions and rows of transforms.
"""

from __future__ import annotations

import math
import weakref
from numbers import Number
from typing import TYPE_CHECKING, Any

import minitorch_ref as torch

from ..nn.functional import softplus
from ..tensor import Tensor
from . import constraints
from .utils import lazy_property

__all__ = [
    "AbsTransform", "AffineTransform", "CatTransform", "ComposeTransform", "CorrCholeskyTransform",
    "CumulativeDistributionTransform", "ExpTransform", "IndependentTransform",
    "LowerCholeskyTransform", "PositiveDefiniteTransform", "PowerTransform", "ReshapeTransform",
    "SigmoidTransform", "SoftplusTransform", "TanhTransform", "SoftmaxTransform", "StackTransform",
    "StickBreakingTransform", "Transform", "identity_transform",
]  # fmt: skip


class Transform:
    """The base: subclasses give `domain`, `codomain`, `_call`, `_inverse`, and, if `bijective`,
    `log_abs_det_jacobian`.

    `cache_size=1` keeps the last pair (x, y), so that inverting what was just computed is exact.
    """

    bijective: Any = False
    domain: Any
    codomain: Any

    if TYPE_CHECKING:  # formulas written as lambdas read a subclass's parameters

        def __getattr__(self, name: str) -> Any: ...

    def __init__(self, cache_size: int = 0) -> None:
        if cache_size not in (0, 1):
            raise ValueError("cache_size must be 0 or 1")
        self._cache_size = cache_size
        self._inv: Any = None
        self._last: tuple[Any, Any] = (None, None)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_inv": None}

    @property
    def event_dim(self) -> int:
        if self.domain.event_dim == self.codomain.event_dim:
            return self.domain.event_dim
        raise ValueError("Please use either .domain.event_dim or .codomain.event_dim")

    @property
    def inv(self) -> Transform:
        """The inverse; its inverse is this very object."""
        inverse = self._inv() if self._inv is not None else None
        if inverse is None:
            inverse = _InverseTransform(self)
            self._inv = weakref.ref(inverse)
        return inverse

    @property
    def sign(self) -> Any:
        """+1 or -1 of an increasing or decreasing function of one number."""
        raise NotImplementedError

    def with_cache(self, cache_size: int = 1) -> Transform:
        """The same transform with another cache."""
        if self._cache_size == cache_size:
            return self
        if type(self).__init__ is Transform.__init__:
            return type(self)(cache_size=cache_size)
        raise NotImplementedError(f"{type(self)}.with_cache is not implemented")

    def __eq__(self, other: Any) -> bool:
        return self is other

    def __ne__(self, other: Any) -> bool:
        return not self == other

    def __call__(self, x: Any) -> Any:
        """y of x."""
        if self._cache_size and x is self._last[0]:
            return self._last[1]
        y = self._call(x)
        self._last = (x, y) if self._cache_size else self._last
        return y

    def _inv_call(self, y: Any) -> Any:
        """x of y."""
        if self._cache_size and y is self._last[1]:
            return self._last[0]
        x = self._inverse(y)
        self._last = (x, y) if self._cache_size else self._last
        return x

    def _call(self, x: Any) -> Any:
        raise NotImplementedError

    def _inverse(self, y: Any) -> Any:
        raise NotImplementedError

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        """log |det dy/dx|, for every event."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return type(self).__name__ + "()"

    def forward_shape(self, shape: Any) -> Any:
        """The shape of y from that of x."""
        return shape

    def inverse_shape(self, shape: Any) -> Any:
        """The shape of x from that of y."""
        return shape


def check_dims(shape: Any, needed: int) -> None:
    """ValueError if a shape has fewer dims than an event needs."""
    if len(shape) < needed:
        raise ValueError("Too few dimensions on input")


class _InverseTransform(Transform):
    """A transform the other way round; made by `Transform.inv`."""

    def __init__(self, transform: Transform) -> None:
        super().__init__(transform._cache_size)
        self._inv: Transform = transform

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__

    domain = property(lambda self: self._inv.codomain)
    codomain = property(lambda self: self._inv.domain)
    bijective = property(lambda self: self._inv.bijective)
    sign = property(lambda self: self._inv.sign)
    inv = property(lambda self: self._inv)

    def with_cache(self, cache_size: int = 1) -> Transform:
        return self._inv.with_cache(cache_size).inv

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, _InverseTransform) and self._inv == other._inv

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._inv!r})"

    def __call__(self, x: Any) -> Any:
        return self._inv._inv_call(x)

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        return -self._inv.log_abs_det_jacobian(y, x)

    def forward_shape(self, shape: Any) -> Any:
        return self._inv.inverse_shape(shape)

    def inverse_shape(self, shape: Any) -> Any:
        return self._inv.forward_shape(shape)


# ---- functions of one number, without parameters -------------------------------------------------


class PlainTransform(Transform):
    """A transform without parameters: any two of a class are equal."""

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, type(self))


class ExpTransform(PlainTransform):
    """y = exp x."""

    domain, codomain, bijective, sign = constraints.real, constraints.positive, True, +1

    _call = lambda self, x: x.exp()
    _inverse = lambda self, y: y.log()
    log_abs_det_jacobian = lambda self, x, y: x


class AbsTransform(PlainTransform):
    """y = |x|; the inverse is the positive one."""

    domain, codomain = constraints.real, constraints.positive

    _call = lambda self, x: x.abs()
    _inverse = lambda self, y: y


class TanhTransform(PlainTransform):
    """y = tanh x, with 1 - y² written so that it does not vanish early."""

    domain, codomain = constraints.real, constraints.interval(-1.0, 1.0)
    bijective, sign = True, +1

    _call = lambda self, x: x.tanh()
    _inverse = lambda self, y: y.atanh()
    log_abs_det_jacobian = lambda self, x, y: 2 * (math.log(2) - x - softplus(-2 * x))


class SoftplusTransform(PlainTransform):
    """y = log(1 + exp x)."""

    domain, codomain, bijective, sign = constraints.real, constraints.positive, True, +1

    _call = lambda self, x: softplus(x)
    _inverse = lambda self, y: (-y).expm1().neg().log() + y
    log_abs_det_jacobian = lambda self, x, y: -softplus(-x)


def clipped_sigmoid(x: Tensor) -> Tensor:
    """The sigmoid, kept off 0 and 1."""
    return _inside(torch.sigmoid(x))


def _inside(y: Tensor) -> Tensor:
    info = torch.finfo(y.dtype)
    return y.clamp(min=info.tiny, max=1.0 - info.eps)


class SigmoidTransform(PlainTransform):
    """y = 1 / (1 + exp(-x)), kept off 0 and 1; the inverse is the log odds."""

    domain, codomain = constraints.real, constraints.unit_interval
    bijective, sign = True, +1

    _call = lambda self, x: clipped_sigmoid(x)

    def _inverse(self, y: Any) -> Any:
        kept = _inside(y)
        return kept.log() - (-kept).log1p()

    log_abs_det_jacobian = lambda self, x, y: -softplus(-x) - softplus(x)


# ---- functions of one number, with parameters ----------------------------------------------------


def _broadcast(shape: Any, *parameters: Any) -> Any:
    return torch.broadcast_shapes(shape, *[getattr(p, "shape", ()) for p in parameters])


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, Number) and isinstance(b, Number):
        return a == b
    return bool(torch.as_tensor(a == b).all())


class PowerTransform(Transform):
    """y = x to the power `exponent`."""

    domain, codomain, bijective = constraints.positive, constraints.positive, True

    def __init__(self, exponent: Any, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.exponent = torch.as_tensor(exponent) if isinstance(exponent, Number) else exponent

    def with_cache(self, cache_size: int = 1) -> Transform:
        return self if self._cache_size == cache_size else PowerTransform(self.exponent, cache_size)

    sign = lazy_property(lambda self: self.exponent.sign())  # type: ignore[assignment]

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, PowerTransform) and _same(self.exponent, other.exponent)

    _call = lambda self, x: x.pow(self.exponent)
    _inverse = lambda self, y: y.pow(1 / self.exponent)
    log_abs_det_jacobian = lambda self, x, y: (self.exponent * y / x).abs().log()
    forward_shape = inverse_shape = lambda self, shape: _broadcast(shape, self.exponent)


class AffineTransform(Transform):
    """y = loc + scale · x; the last `event_dim` dims are one event."""

    bijective = True

    def __init__(self, loc: Any, scale: Any, event_dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.loc, self.scale, self._event_dim = loc, scale, event_dim

    event_dim = property(lambda self: self._event_dim)

    @constraints.dependent_property(is_discrete=False)
    def domain(self) -> Any:
        n = self.event_dim
        return constraints.real if n == 0 else constraints.independent(constraints.real, n)

    codomain = domain

    @property
    def sign(self) -> Any:
        if isinstance(self.scale, Number):
            return (self.scale > 0) - (self.scale < 0)  # type: ignore[operator]
        return self.scale.sign()

    def with_cache(self, cache_size: int = 1) -> Transform:
        if self._cache_size == cache_size:
            return self
        return AffineTransform(self.loc, self.scale, self.event_dim, cache_size)

    def __eq__(self, other: Any) -> bool:
        return (
            isinstance(other, AffineTransform)
            and _same(self.loc, other.loc)
            and _same(self.scale, other.scale)
        )

    _call = lambda self, x: self.loc + self.scale * x
    _inverse = lambda self, y: (y - self.loc) / self.scale

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        if isinstance(self.scale, Number):
            growth = torch.full_like(x, math.log(abs(self.scale)))  # type: ignore[arg-type]
        else:
            growth = torch.abs(self.scale).log()
        if not self.event_dim:
            return growth.expand(x.shape)
        flat = growth.view(growth.shape[: -self.event_dim] + (-1,)).sum(-1)
        return flat.expand(x.shape[: -self.event_dim])

    forward_shape = inverse_shape = lambda self, shape: _broadcast(shape, self.loc, self.scale)


class CumulativeDistributionTransform(Transform):
    """y = F(x), F a distribution's cumulative distribution function."""

    bijective, codomain, sign = True, constraints.unit_interval, +1

    def __init__(self, distribution: Any, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.distribution = distribution

    domain = property(lambda self: self.distribution.support)

    _call = lambda self, x: self.distribution.cdf(x)
    _inverse = lambda self, y: self.distribution.icdf(y)
    log_abs_det_jacobian = lambda self, x, y: self.distribution.log_prob(x)

    def with_cache(self, cache_size: int = 1) -> Transform:
        if self._cache_size == cache_size:
            return self
        return CumulativeDistributionTransform(self.distribution, cache_size)


from .joint_transforms import (  # noqa: E402  (they build on the classes above)
    CatTransform,
    ComposeTransform,
    IndependentTransform,
    ReshapeTransform,
    StackTransform,
    identity_transform,
)
from .vector_transforms import (  # noqa: E402
    CorrCholeskyTransform,
    LowerCholeskyTransform,
    PositiveDefiniteTransform,
    SoftmaxTransform,
    StickBreakingTransform,
)
