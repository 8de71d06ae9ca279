"""Depthwise convolutions: one input channel a group, so each product has kh·kw terms only.

The forward pass and the weight gradient are those of conv_rows: with one output channel a group the
products are a vector times a matrix, which BLAS does without packing, at the speed of reading.

The input gradient by conv_rows would make products with *kw* rows and fold them back, three times the
traffic.  Here it is the forward pass again, over ȳ with zeros between its rows and columns where the
convolution had a stride, with the kernel turned around:

    x̄ = spread(ȳ) * flipped(weight)           padding (k-1)·dilation − padding

Cost: kw copies of the image and N·C·H·W·kh·kw multiply-adds; the copies are most of it.
"""

from __future__ import annotations

import numpy as np

from . import conv_rows
from .axis import Axis
from .conv_rows import forward, weight_gradient
from .threads import Work

__all__ = ["forward", "input_gradient", "weight_gradient"]


def input_gradient(g: np.ndarray, weight: np.ndarray, h: Axis, w: Axis, groups: int) -> Work:
    """Gradient (N, C, H, W) from g (N, C·m, OH, OW) and weight (C·m, 1, KH, KW)."""
    turned = (_turned(h), _turned(w))
    if min(a.padding for a in turned) < 0:  # padded by more than a kernel: a crop, left to the rows
        return conv_rows.input_gradient(g, weight, h, w, groups)
    if h.stride > 1 or w.stride > 1:
        spread = np.zeros((*g.shape[:2], turned[0].size, turned[1].size), g.dtype)
        spread[:, :, :: h.stride, :: w.stride] = g
        g = spread
    flipped = weight.reshape(groups, -1, h.kernel, w.kernel)[:, :, ::-1, ::-1]
    return conv_rows.forward(g, flipped, None, *turned, groups)


def _turned(a: Axis) -> Axis:
    """The axis of the input gradient, from the spread outputs back to the input."""
    reach = (a.kernel - 1) * a.dilation
    spread = (a.out - 1) * a.stride + 1
    return Axis(spread, a.size, a.kernel, 1, reach - a.padding, a.dilation)
