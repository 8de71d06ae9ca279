"""Adaptive pooling: the output size is given, and every output is the mean or maximum of one bin.

Bin i of m over n inputs is ⌊i·n/m⌋ … ⌈(i+1)·n/m⌉ - 1; the arithmetic is in kernels/adaptive.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...autograd.graph import record
from ...kernels import adaptive
from ...kernels.layout import in_format, suggests_channels_last
from ...ops.registry import op
from ...quiet import fp
from ...tensor import Tensor, wrap
from ._pool_checks import check_bins_input, output_sizes, refuse_types
from .pooling import to_places

Size = int | None | Sequence[int | None]


@op(namespace="nn.functional")
def adaptive_avg_pool1d(input: Tensor, output_size: Size) -> Tensor:
    """Means of `output_size` bins of (N, C, L) or (C, L)."""
    return _mean("adaptive_avg_pool1d", 1, input, output_size)


@op(namespace="nn.functional")
def adaptive_avg_pool2d(input: Tensor, output_size: Size) -> Tensor:
    """Means of `output_size` bins of (N, C, H, W) or (C, H, W); None keeps a dim as it is."""
    return _mean("adaptive_avg_pool2d", 2, input, output_size)


@op(namespace="nn.functional")
def adaptive_avg_pool3d(input: Tensor, output_size: Size) -> Tensor:
    """Means of `output_size` bins of (N, C, D, H, W) or (C, D, H, W)."""
    return _mean("adaptive_avg_pool3d", 3, input, output_size)


def _mean(name: str, dims: int, x: Tensor, output_size: Size) -> Tensor:
    check_bins_input(name, x, dims)
    sizes = output_sizes(name, x, output_size, dims)
    if dims == 1:
        return _mean_of_bins(x.unsqueeze(-2), (1, *sizes)).squeeze(-2)
    return _mean_of_bins(x, sizes)


def _mean_of_bins(x: Tensor, sizes: tuple[int, ...]) -> Tensor:
    if set(sizes) == {1} and x._array.size:  # torch's own shortcut
        mean = x.mean(tuple(range(-len(sizes), 0)), keepdim=True)
        mean._array = in_format(mean._array, suggests_channels_last(x._array))
        return mean
    refuse_types("adaptive_avg_pool3d_cpu" if len(sizes) == 3 else "adaptive_avg_pool2d", x, "efd")
    return _means(x, sizes)


def _means(x: Tensor, out: Sequence[int]) -> Tensor:
    last = len(out) == 2 and suggests_channels_last(x._array)
    data = in_format(fp.quiet(adaptive.mean, x._array, out), last)
    sizes = x._array.shape[-len(out) :]
    name = f"AdaptiveAvgPool{len(out)}DBackward0"
    return record(name, data, x=(x, lambda g: _means_back(g, sizes)))


def _means_back(g: Tensor, sizes: Sequence[int]) -> Tensor:
    data, out = fp.quiet(adaptive.mean_gradient, g._array, sizes), g._array.shape[-len(sizes) :]
    name = f"AdaptiveAvgPool{len(out)}DBackwardBackward0"
    return record(name, data, g=(g, lambda k: _means(k, out)))


@op(namespace="nn.functional")
def adaptive_max_pool1d(input: Tensor, output_size: Size, return_indices: bool = False) -> Any:
    """Maxima of `output_size` bins of (N, C, L) or (C, L), and their places if asked for."""
    return _max("adaptive_max_pool1d", 1, input, output_size, return_indices)


@op(namespace="nn.functional")
def adaptive_max_pool2d(input: Tensor, output_size: Size, return_indices: bool = False) -> Any:
    """Maxima of `output_size` bins of (N, C, H, W) or (C, H, W), and their places h·W + w."""
    return _max("adaptive_max_pool2d", 2, input, output_size, return_indices)


@op(namespace="nn.functional")
def adaptive_max_pool3d(input: Tensor, output_size: Size, return_indices: bool = False) -> Any:
    """Maxima of `output_size` bins of (N, C, D, H, W) or (C, D, H, W), and their places."""
    return _max("adaptive_max_pool3d", 3, input, output_size, return_indices)


def _max(name: str, dims: int, x: Tensor, output_size: Size, with_indices: bool) -> Any:
    check_bins_input(name, x, dims)
    refuse_types("adaptive_max_pool3d_cpu" if dims == 3 else "adaptive_max_pool2d", x, "efd")
    sizes = output_sizes(name, x, output_size, dims)
    if dims == 1:
        y, places = _max_of_bins(x.unsqueeze(-2), (1, *sizes))
        return (y.squeeze(-2), places.squeeze(-2)) if with_indices else y.squeeze(-2)
    y, places = _max_of_bins(x, sizes)
    return (y, places) if with_indices else y


def _max_of_bins(x: Tensor, sizes: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    data, places = adaptive.maximum(x._array, sizes)
    last = len(sizes) == 2 and suggests_channels_last(x._array)
    data, places = in_format(data, last), in_format(places, last)
    shape, dims = x._array.shape, len(sizes)
    node = f"AdaptiveMaxPool{dims}D"
    rule = lambda g, kept: to_places(g, kept, shape, dims, False, node)
    kept = wrap(places)
    return record(f"{node}Backward0", data, x=(x, rule), kept=kept), kept


__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d",
    "adaptive_max_pool2d", "adaptive_max_pool3d",
]  # fmt: skip

op(adaptive_avg_pool1d, method=False)  # torch has these in its own namespace as well
