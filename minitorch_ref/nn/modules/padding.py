"""Padding as layers: what stands around a signal, an image or a volume.

`padding` is one int for all sides, or (left, right, top, bottom, front, back) as far as the number
of dims goes.  The classes differ in the number of dims and in the mode of F.pad alone.
"""

from __future__ import annotations

from typing import Any

from ...tensor import Tensor
from .. import functional as F
from .batchnorm import check_dims
from .layer import describe, layer
from .module import Module
from .utils import _ntuple


@layer
class _PadNd(Module):
    padding: Any
    dims, mode = 0, ""  # spatial dims; not fields, as they have no annotation

    def _after_init(self) -> None:
        self.padding = _ntuple(2 * self.dims)(self.padding)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


@layer
class _ConstantPadNd(_PadNd):
    padding: Any
    value: float

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return describe(self, "padding", "value")


class _CircularPadNd(_PadNd):
    mode = "circular"

    def forward(self, input: Tensor) -> Tensor:
        check_dims(input, (self.dims + 1, self.dims + 2))
        return super().forward(input)


class ConstantPad1d(_ConstantPadNd):
    """`value` around the last dim."""

    dims = 1


class ConstantPad2d(_ConstantPadNd):
    """`value` around the last 2 dims."""

    dims = 2


class ConstantPad3d(_ConstantPadNd):
    """`value` around the last 3 dims."""

    dims = 3


@layer
class ZeroPad1d(ConstantPad1d):
    """Zeros around the last dim."""

    padding: Any
    value = 0.0
    extra_repr = _PadNd.extra_repr


@layer
class ZeroPad2d(ConstantPad2d):
    """Zeros around the last 2 dims."""

    padding: Any
    value = 0.0
    extra_repr = _PadNd.extra_repr


@layer
class ZeroPad3d(ConstantPad3d):
    """Zeros around the last 3 dims."""

    padding: Any
    value = 0.0
    extra_repr = _PadNd.extra_repr


class ReflectionPad1d(_PadNd):
    """The mirror image of the last dim around it, the edge not repeated."""

    dims, mode = 1, "reflect"


class ReflectionPad2d(_PadNd):
    """The mirror image of the last 2 dims around them, the edge not repeated."""

    dims, mode = 2, "reflect"


class ReflectionPad3d(_PadNd):
    """The mirror image of the last 3 dims around them, the edge not repeated."""

    dims, mode = 3, "reflect"


class ReplicationPad1d(_PadNd):
    """The edge values of the last dim repeated outwards."""

    dims, mode = 1, "replicate"


class ReplicationPad2d(_PadNd):
    """The edge values of the last 2 dims repeated outwards."""

    dims, mode = 2, "replicate"


class ReplicationPad3d(_PadNd):
    """The edge values of the last 3 dims repeated outwards."""

    dims, mode = 3, "replicate"


class CircularPad1d(_CircularPadNd):
    """The last dim goes on at its other end."""

    dims = 1


class CircularPad2d(_CircularPadNd):
    """The last 2 dims go on at their other ends."""

    dims = 2


class CircularPad3d(_CircularPadNd):
    """The last 3 dims go on at their other ends."""

    dims = 3
