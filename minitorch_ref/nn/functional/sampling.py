"""Reading images where a grid says: affine_grid makes such grids, grid_sample reads.

A grid holds a point in [−1, 1]ⁿ per output position (x first).  It is scaled to pixels, brought inside
as `padding_mode` says, and the pixels around it are added up with weights that depend on how near
they are.  All of it is made of differentiable ops, so image and grid get their gradients by themselves.
(source: ATen/native/GridSampler.h)
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...autograd.graph import record, rename
from ...dtypes import FLOATING, float16
from ...ops.masking import where
from ...ops.ranges import linspace
from ...ops.registry import op
from ...tensor import Tensor, wrap

_UNIT_SIZE = (
    "Since version 1.3.0, affine_grid behavior has changed for unit-size grids when align_corners=True. "
    "This is not an intended use case of affine_grid. See the documentation of affine_grid for details."
)

# ---- grids -----------------------------------------------------------------------------------------


@op(namespace="nn.functional")
def affine_grid(theta: Tensor, size: Sequence[int], align_corners: bool | None = None) -> Tensor:
    """The grid of an affine map: theta [N, 2, 3], size (N, C, H, W) → [N, H, W, 2]; 3-D likewise."""
    if align_corners is None:
        _warn()
        align_corners = False
    sizes, shape = tuple(size), theta.shape
    if theta.dtype.category != FLOATING:
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype}")
    n = len(sizes) - 2
    if n not in (2, 3):
        raise NotImplementedError(
            "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, "
            f"respectively. Got size {sizes}."
        )
    if theta.ndim != 3 or shape[-2] != n or shape[-1] != n + 1:
        raise ValueError(
            f"Expected a batch of {n}D affine matrices of shape Nx{n}x{n + 1} for size {sizes}. "
            f"Got {shape}."
        )
    if min(sizes) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {sizes}")
    if align_corners and min(sizes[2:]) == 1:
        warnings.warn(_UNIT_SIZE, stacklevel=2)
    base = np.ones((*sizes[2:], n + 1), theta._array.dtype)
    for axis, count in enumerate(sizes[2:]):
        steps = _centres(count, align_corners, theta)
        base[..., n - 1 - axis] = steps.reshape([-1 if d == axis else 1 for d in range(n)])
    points = wrap(np.broadcast_to(base.reshape(1, -1, n + 1), (sizes[0], base[..., 0].size, n + 1)))
    out = points.bmm(theta.transpose(1, 2)).view(sizes[0], *sizes[2:], n)
    return rename(out, "AffineGridGeneratorBackward0")


def _centres(count: int, align_corners: bool, theta: Tensor) -> np.ndarray:
    """Where the pixels of a row lie in [−1, 1]: their centres, or corner on corner."""
    if count <= 1:
        return np.zeros(count, theta._array.dtype)
    ends = linspace(-1, 1, count, dtype=theta.dtype)
    return (ends if align_corners else ends * ((count - 1) / count))._array


def _warn() -> None:
    warnings.warn(
        "Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. "
        "Please specify align_corners=True if the old behavior is desired. See the documentation of "
        "grid_sample for details.",
        stacklevel=3,
    )


# ---- where to look -----------------------------------------------------------------------------------


def _to_pixels(x: Tensor, size: int, align_corners: bool) -> Tensor:
    return (x + 1) / 2 * (size - 1) if align_corners else ((x + 1) * size - 1) / 2


def _clipped(x: Tensor, size: int) -> Tensor:
    """Between the first and the last pixel; no gradient at and beyond them."""
    inside = (x > 0) & (x < size - 1)
    return where(inside, x, x.detach().clamp(0, size - 1))


def _reflected(x: Tensor, size: int, align_corners: bool) -> Tensor:
    """Mirrored at the outer pixels' centres (aligned corners), or at their outer edges."""
    low, span = (0.0, size - 1.0) if align_corners else (-0.5, float(size))
    if span == 0:
        return x * 0
    distance = (x - low).abs()
    flips = (distance.detach() / span).floor()
    extra = distance - flips * span
    return where(flips % 2 == 0, extra + low, span - extra + low)


def _inside(x: Tensor, size: int, padding_mode: str, align_corners: bool) -> Tensor:
    if padding_mode == "zeros":
        return x
    if padding_mode == "reflection":
        x = _reflected(x, size, align_corners)
    return _clipped(x, size)


# ---- reading -----------------------------------------------------------------------------------------


def _pixels(image: Tensor, places: Sequence[np.ndarray]) -> Tensor:
    """The pixels at whole coordinates (slowest dim first), zero outside: [N, C, points]."""
    shape: tuple[int, ...] = image._array.shape[2:]
    flat = np.zeros(places[0].shape, np.int64)
    valid = np.ones(places[0].shape, bool)
    for place, n in zip(places, shape):
        valid &= (place >= 0) & (place < n)
        flat = flat * n + np.where((place >= 0) & (place < n), place, 0).astype(np.int64)
    batch, channels, *_ = image._array.shape
    index = np.broadcast_to(flat[:, None], (batch, channels, *flat.shape[1:]))
    found = image.reshape(batch, channels, math.prod(shape)).gather(2, wrap(index))
    return found if valid.all() else where(wrap(valid[:, None]), found, found.new_zeros(()))


def _linear_taps(x: Tensor, *_: Any) -> list[tuple[np.ndarray, Tensor]]:
    first = np.floor(x._array)
    low = wrap(first)
    return [(first, (low + 1) - x), (first + 1, x - low)]


def _cubic_taps(
    x: Tensor, size: int, padding_mode: str, align_corners: bool
) -> list[tuple[np.ndarray, Tensor]]:
    """Four pixels with the weights of cubic convolution (a = −¾)."""
    first, a = np.floor(x._array), -0.75
    t = x - wrap(first)

    def near(d: Tensor) -> Tensor:
        return ((a + 2) * d - (a + 3)) * d * d + 1

    def far(d: Tensor) -> Tensor:
        return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a

    weights = [far(t + 1), near(t), near(1 - t), far(2 - t)]
    return [
        (_inside(wrap(first + i - 1), size, padding_mode, align_corners)._array, w)
        for i, w in enumerate(weights)
    ]


@op(namespace="nn.functional")
def grid_sample(
    input: Tensor, grid: Tensor, mode: str = "bilinear", padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:  # fmt: skip
    """`input` [N, C, H, W] read at `grid` [N, h, w, 2]: [N, C, h, w]; 5-D input likewise.

    mode: "bilinear", "nearest" or (images only) "bicubic"; padding_mode: "zeros", "border" or
    "reflection".
    """
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueError(
            "nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', "
            f"but got: '{mode}'"
        )
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError(
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or "
            f"'reflection', but got: '{padding_mode}'"
        )
    if align_corners is None:
        _warn()
        align_corners = False
    _check(input, grid, mode)
    n, kind = input.ndim - 2, input.dtype
    image, points = (t.float() if kind is float16 else t for t in (input, grid))
    out = _sampled(image, points, mode, padding_mode, align_corners)
    shape = grid._array.shape
    out = out.reshape(*input._array.shape[:2], *shape[1:-1]).to(kind)
    inputs: dict[str, Any] = {"value": (out, lambda g: g)}
    if mode == "nearest":  # the grid's gradient is zero, not absent
        inputs["grid"] = (grid, lambda g: g.new_zeros(shape))
    return record(f"GridSampler{n}DBackward0", out._array, **inputs)


def _sampled(
    image: Tensor, grid: Tensor, mode: str, padding_mode: str, align_corners: bool
) -> Tensor:
    """[N, C, points]: the weighted sum over the pixels around every point."""
    sizes = image._array.shape[2:]
    taps: list[list[tuple[np.ndarray, Any]]] = []
    for axis, size in enumerate(sizes):
        x = grid.select(-1, len(sizes) - 1 - axis)
        x = x.reshape(grid._array.shape[0], math.prod(grid._array.shape[1:-1]))
        x = _to_pixels(x, size, align_corners)
        if mode == "bicubic":
            taps.append(_cubic_taps(x, size, padding_mode, align_corners))
            continue
        x = _inside(x, size, padding_mode, align_corners)
        taps.append([(np.rint(x._array), None)] if mode == "nearest" else _linear_taps(x))
    total: Any = None
    for corner in itertools.product(*taps):
        part = _pixels(image, [place for place, _ in corner])
        for _, weight in corner:
            part = part if weight is None else part * weight.unsqueeze(1)
        total = part if total is None else total + part
    return total


def _check(input: Tensor, grid: Tensor, mode: str) -> None:
    """Raise torch's RuntimeErrors for an image and a grid that do not go together."""
    sizes, shape = list(input.shape), list(grid.shape)
    if sizes[:1] != shape[:1]:
        raise RuntimeError(
            "grid_sampler(): expected grid and input to have same batch size, but got input with "
            f"sizes {sizes} and grid with sizes {shape}"
        )
    if shape[-1] != input.ndim - 2:
        raise RuntimeError(
            f"grid_sampler(): expected grid to have size {input.ndim - 2} in last dimension, but got "
            f"grid with sizes {shape}"
        )
    for dim, n in enumerate(sizes[2:], start=2):
        if n <= 0:
            raise RuntimeError(
                "grid_sampler(): expected input to have non-empty spatial dimensions, but input has "
                f"sizes {sizes} with dimension {dim} being empty"
            )
    if input.ndim not in (4, 5) or grid.ndim != input.ndim:
        raise RuntimeError(
            "grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but "
            f"got input with sizes {sizes} and grid with sizes {shape}"
        )
    if input.ndim == 5 and mode == "bicubic":
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")
    if input.dtype is not grid.dtype:
        raise RuntimeError(
            f"expected scalar type {input.dtype.title} but found {grid.dtype.title}"
        )
    if input.dtype.category != FLOATING:
        kernel = f"grid_sampler_{input.ndim - 2}d_cpu_kernel_impl"
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{input.dtype.title}'")


