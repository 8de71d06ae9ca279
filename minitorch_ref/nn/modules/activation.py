"""Activations: elementwise functions as layers, and the softmax family.

Each is its arguments and the function it calls; all share the way they print.
"""

from __future__ import annotations

import warnings
from typing import Any

from ...ops.creation import empty
from ...tensor import Tensor
from .. import functional as F
from .. import init as initialize
from ..parameter import Parameter
from .layer import describe, layer
from .module import Module


class _Activation(Module):
    _fields: tuple[str, ...] = ()

    def extra_repr(self) -> str:
        """The arguments by name; `inplace` only when it is set."""
        shown = [name for name in self._fields if name != "inplace" or self.inplace]
        return describe(self, *shown)


class Sigmoid(_Activation):
    """1 / (1 + exp(-x))"""

    def forward(self, input: Tensor) -> Tensor:
        return F.sigmoid(input)


class Tanh(_Activation):
    """The hyperbolic tangent."""

    def forward(self, input: Tensor) -> Tensor:
        return F.tanh(input)


class LogSigmoid(_Activation):
    """log(sigmoid(x)), without the underflow."""

    def forward(self, input: Tensor) -> Tensor:
        return F.logsigmoid(input)


class Softsign(_Activation):
    """x / (1 + |x|)"""

    def forward(self, input: Tensor) -> Tensor:
        return F.softsign(input)


class Tanhshrink(_Activation):
    """x - tanh(x)"""

    def forward(self, input: Tensor) -> Tensor:
        return F.tanhshrink(input)


@layer
class ReLU(_Activation):
    """max(0, x)"""

    inplace: bool = False

    def forward(self, input: Tensor) -> Tensor:
        return F.relu(input, self.inplace)


@layer
class SiLU(_Activation):
    """x * sigmoid(x)"""

    inplace: bool = False

    def forward(self, input: Tensor) -> Tensor:
        return F.silu(input, self.inplace)


@layer
class Mish(_Activation):
    """x * tanh(softplus(x))"""

    inplace: bool = False

    def forward(self, input: Tensor) -> Tensor:
        return F.mish(input, self.inplace)


@layer
class SELU(_Activation):
    """ELU with the scale and slope that keep mean 0 and variance 1 (Klambauer et al., 2017)."""

    inplace: bool = False

    def forward(self, input: Tensor) -> Tensor:
        return F.selu(input, self.inplace)


@layer
class Hardsigmoid(_Activation):
    """clamp(x / 6 + 1/2, 0, 1)"""

    inplace: bool = False
    extra_repr = Module.extra_repr

    def forward(self, input: Tensor) -> Tensor:
        return F.hardsigmoid(input, self.inplace)


@layer
class Hardswish(_Activation):
    """x * hardsigmoid(x)"""

    inplace: bool = False
    extra_repr = Module.extra_repr

    def forward(self, input: Tensor) -> Tensor:
        return F.hardswish(input, self.inplace)


@layer
class ELU(_Activation):
    """x above 0, alpha * (exp(x) - 1) below."""

    alpha: float = 1.0
    inplace: bool = False

    def forward(self, input: Tensor) -> Tensor:
        return F.elu(input, self.alpha, self.inplace)


@layer
class CELU(_Activation):
    """x above 0, alpha * (exp(x / alpha) - 1) below."""

    alpha: float = 1.0
    inplace: bool = False

    def forward(self, input: Tensor) -> Tensor:
        return F.celu(input, self.alpha, self.inplace)


@layer
class LeakyReLU(_Activation):
    """x above 0, negative_slope * x below."""

    negative_slope: float = 0.01
    inplace: bool = False

    def forward(self, input: Tensor) -> Tensor:
        return F.leaky_relu(input, self.negative_slope, self.inplace)


@layer
class RReLU(_Activation):
    """Leaky ReLU whose slope is drawn per element in training, and the mean otherwise."""

    lower: float = 1.0 / 8
    upper: float = 1.0 / 3
    inplace: bool = False

    def forward(self, input: Tensor) -> Tensor:
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)


@layer
class Threshold(_Activation):
    """x above the threshold, `value` elsewhere."""

    threshold: float
    value: float
    inplace: bool = False

    def forward(self, input: Tensor) -> Tensor:
        return F.threshold(input, self.threshold, self.value, self.inplace)


@layer
class Hardtanh(_Activation):
    """clamp(x, min_val, max_val)"""

    min_val: float = -1.0
    max_val: float = 1.0
    inplace: bool = False
    min_value: float | None = None  # retired names of the first two
    max_value: float | None = None

    def _after_init(self) -> None:
        for new in ("min_val", "max_val"):
            value = self.__dict__.pop(f"{new}ue")
            if value is not None:
                warnings.warn(
                    f"keyword argument `{new}ue` is deprecated and renamed to `{new}`",
                    FutureWarning,
                    stacklevel=3,
                )
                setattr(self, new, value)
        if self.max_val <= self.min_val:
            raise AssertionError(
                f"max_val ({self.max_val}) must be greater than min_val ({self.min_val})"
            )

    def forward(self, input: Tensor) -> Tensor:
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)

    def extra_repr(self) -> str:
        inplace = ", inplace=True" if self.inplace else ""
        return f"{describe(self, 'min_val', 'max_val')}{inplace}"


@layer
class ReLU6(Hardtanh):
    """clamp(x, 0, 6)"""

    inplace: bool = False
    extra_repr = _Activation.extra_repr

    def _after_init(self) -> None:
        self.min_val, self.max_val = 0.0, 6.0


@layer
class GELU(_Activation):
    """x * Φ(x), Φ the normal distribution function; or its "tanh" approximation."""

    approximate: str = "none"

    def forward(self, input: Tensor) -> Tensor:
        return F.gelu(input, approximate=self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


@layer
class Hardshrink(_Activation):
    """x where |x| > lambd, else 0."""

    lambd: float = 0.5

    def forward(self, input: Tensor) -> Tensor:
        return F.hardshrink(input, self.lambd)

    def extra_repr(self) -> str:
        return str(self.lambd)


@layer
class Softshrink(_Activation):
    """x moved towards 0 by lambd, no further than 0."""

    lambd: float = 0.5

    def forward(self, input: Tensor) -> Tensor:
        return F.softshrink(input, self.lambd)

    def extra_repr(self) -> str:
        return str(self.lambd)


@layer
class Softplus(_Activation):
    """log(1 + exp(beta * x)) / beta; the identity where beta * x is above the threshold."""

    beta: float = 1.0
    threshold: float = 20.0

    def forward(self, input: Tensor) -> Tensor:
        return F.softplus(input, self.beta, self.threshold)


@layer
class GLU(_Activation):
    """a * sigmoid(b), for the two halves a and b along `dim`."""

    dim: int = -1

    def forward(self, input: Tensor) -> Tensor:
        return F.glu(input, self.dim)


@layer
class Softmax(_Activation):
    """exp(x), scaled to sum to 1 along `dim`."""

    dim: int | None = None

    def forward(self, input: Tensor) -> Tensor:
        return F.softmax(input, self.dim)


@layer
class Softmin(_Activation):
    """softmax(-x)"""

    dim: int | None = None

    def forward(self, input: Tensor) -> Tensor:
        return F.softmin(input, self.dim)


@layer
class LogSoftmax(_Activation):
    """log(softmax(x)), without the underflow."""

    dim: int | None = None

    def forward(self, input: Tensor) -> Tensor:
        return F.log_softmax(input, self.dim)


class Softmax2d(_Activation):
    """Softmax over the channels of (N, C, H, W) or (C, H, W)."""

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() not in (3, 4):
            raise ValueError(
                f"Softmax2d: expected input to be 3D or 4D, got {input.dim()}D instead"
            )
        return F.softmax(input, -3)


class PReLU(Module):
    """Leaky ReLU with a learned slope, one for all channels or one for each."""

    def __init__(
        self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.num_parameters = num_parameters
        self.init = init
        self.weight = Parameter(empty(num_parameters, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        initialize.constant_(self.weight, self.init)

    def forward(self, input: Tensor) -> Tensor:
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"
