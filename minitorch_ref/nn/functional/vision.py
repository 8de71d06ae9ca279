"""Images: pixel_shuffle and its kin, and `interpolate`.

`interpolate` works axis by axis: each output position is a weighted sum of a few input positions.
Nearest has one tap per axis, linear two, cubic four, and the antialiased forms as many as the
shrunk pixel covers.  The taps come from `_taps.py`; applying them, and their transpose for the
gradient, is `kernels/resample.py`.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...autograd.graph import record
from ...kernels.layout import in_format, suggests_channels_last
from ...kernels.resample import Tap, add_back, read
from ...ops.registry import op
from ...tensor import Tensor
from . import _taps
from .adaptive import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d

_Plan = tuple[tuple[int, int, tuple[Tap, ...]], ...]  # (axis, input size, taps)


# ---- moving channels into space ------------------------------------------------------------------


@op(method=False)
def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """(*, C·r², H, W) → (*, C, H·r, W·r).  Raises RuntimeError if the channels do not divide."""
    r, name = upscale_factor, "pixel_shuffle"
    _check_image(name, input, "upscale_factor", r)
    *outer, c, h, w = input.shape
    if c % (r * r):
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square "
            f"of upscale_factor, but input.size(-3)={c} is not divisible by {r * r}"
        )
    data = input._array.reshape(math.prod(outer), c // (r * r), r, r, h, w)
    data = np.ascontiguousarray(data.transpose(0, 1, 4, 2, 5, 3))
    data = data.reshape(*outer, c // (r * r), h * r, w * r)
    return record(
        "PixelShuffleBackward0",
        in_format(data, suggests_channels_last(input._array)),
        input=(input, lambda g: pixel_unshuffle(g, r)),
    )


@op(method=False)
def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """(*, C, H·r, W·r) → (*, C·r², H, W).  Raises RuntimeError if height or width do not divide."""
    r, name = downscale_factor, "pixel_unshuffle"
    _check_image(name, input, "downscale_factor", r)
    *outer, c, h, w = input.shape
    for side, size, dim in (("height", h, -2), ("width", w, -1)):
        if size % r:
            raise RuntimeError(
                f"pixel_unshuffle expects {side} to be divisible by downscale_factor, but "
                f"input.size({dim})={size} is not divisible by {r}"
            )
    if not input._array.size:  # whatever its shape, torch copies it
        return input.clone()
    data = input._array.reshape(math.prod(outer), c, h // r, r, w // r, r)
    data = np.ascontiguousarray(data.transpose(0, 1, 3, 5, 2, 4))
    data = data.reshape(*outer, c * r * r, h // r, w // r)
    return record(
        "PixelUnshuffleBackward0",
        in_format(data, suggests_channels_last(input._array)),
        input=(input, lambda g: pixel_shuffle(g, r)),
    )


def _check_image(name: str, input: Tensor, argument: str, factor: int) -> None:
    if input.ndim < 3:
        raise RuntimeError(
            f"{name} expects input to have at least 3 dimensions, but got input with "
            f"{input.ndim} dimension(s)"
        )
    if factor <= 0:
        raise RuntimeError(f"{name} expects a positive {argument}, but got {factor}")


@op(method=False)
def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """(N, g·k, *) with channels dealt out in turn: channel (i, j) of g×k moves to (j, i)."""
    if input.ndim <= 2:
        raise RuntimeError(
            "channel_shuffle expects input with > 2 dims, but got input with sizes "
            f"{list(input.shape)}"
        )
    if groups <= 0:
        raise RuntimeError(
            "Number of groups to divide channels in must be positive. "
            f"Value of groups:{groups}"
        )
    n, c, *rest = input.shape
    if c % groups:
        raise RuntimeError(
            f"Number of channels must be divisible by groups. Got {c} channels and {groups} groups."
        )
    if not input._array.size:
        return input.view(input.shape)
    data = input._array.reshape(n, groups, c // groups, math.prod(rest)).swapaxes(1, 2)
    shuffled = np.array(data, order="C").reshape(input.shape)
    return record(
        "ChannelShuffleBackward0",
        in_format(shuffled, suggests_channels_last(input._array)),
        input=(input, lambda g: channel_shuffle(g, c // groups)),
    )


# ---- resizing ------------------------------------------------------------------------------------

_AREA = {1: adaptive_avg_pool1d, 2: adaptive_avg_pool2d, 3: adaptive_avg_pool3d}
_LINEAR = {"linear": 3, "bilinear": 4, "trilinear": 5}
_SMOOTH = {**_LINEAR, "bicubic": 4, "lanczos": 4}
_NAMES = {
    "nearest": "UpsampleNearest{}DBackward0",
    "nearest-exact": "UpsampleNearestExact{}DBackward0",
    "linear": "UpsampleLinear1DBackward0",
    "bilinear": "UpsampleBilinear2DBackward0",
    "trilinear": "UpsampleTrilinear3DBackward0",
    "bicubic": "UpsampleBicubic2DBackward0",
    "lanczos": "UpsampleLanczos2DBackward0",
}


@op(namespace="nn.functional")
def interpolate(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """(N, C, L), (N, C, H, W) or (N, C, D, H, W) resized to `size`, or by `scale_factor`.

    Modes: nearest, nearest-exact, area, linear (3-D input), bilinear, bicubic (4-D), trilinear
    (5-D) and, with `antialias`, lanczos (4-D).
    Raises ValueError for arguments that contradict each other, NotImplementedError for a mode that
    does not fit the input's dims.
    """
    _check_mode(input, mode, align_corners, antialias)
    sizes, scales = _sizes_and_scales(input, size, scale_factor)
    if recompute_scale_factor and size is not None:
        raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
    if recompute_scale_factor or (mode == "area" and size is None):
        scales = [None] * len(sizes)
    _check_supported(input, mode, antialias)
    if mode == "area":
        return _AREA[len(sizes)](input, tuple(sizes))
    _check_sizes(input, sizes)
    kind = np.dtype(np.float64 if input._array.dtype.itemsize == 8 else np.float32)
    plan = tuple(
        (axis, n, _taps.taps(mode, n, out, scale, bool(align_corners), antialias, kind))
        for axis, n, out, scale in zip(range(2, input.ndim), input.shape[2:], sizes, scales)
    )
    name = _NAMES[mode].format(len(sizes))
    return _resized(name.replace("2DB", "2DAaB") if antialias else name, input, plan)


def _check_mode(input: Tensor, mode: str, align_corners: bool | None, antialias: bool) -> None:
    if mode in ("nearest", "area", "nearest-exact") and align_corners is not None:
        raise ValueError(
            "align_corners option can only be set with the "
            "interpolating modes: linear | bilinear | bicubic | trilinear"
        )
    if antialias and not (mode in ("bilinear", "bicubic", "lanczos") and input.ndim == 4):
        raise ValueError(
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes "
            "and requires a 4-D tensor as input"
        )


def _check_supported(input: Tensor, mode: str, antialias: bool) -> None:
    if mode == "lanczos" and input.ndim == 4 and not antialias:
        raise ValueError("Lanczos mode requires antialias=True")
    known = mode in ("nearest", "nearest-exact", "area") or mode in _SMOOTH
    if known and 3 <= input.ndim <= 5 and _SMOOTH.get(mode, input.ndim) == input.ndim:
        return
    if mode in _LINEAR and 3 <= input.ndim <= 5:
        raise NotImplementedError(
            f"Got {input.ndim}D input, but {mode} mode needs {_LINEAR[mode]}D input"
        )
    raise NotImplementedError(
        f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {input.ndim}D) for the "
        "modes: nearest | linear | bilinear | bicubic | trilinear | lanczos | area | nearest-exact "
        f"(got {mode})"
    )


def _sizes_and_scales(input: Tensor, size: Any, scale_factor: Any) -> tuple[list[int], list[Any]]:
    """The output size of every axis, and the scale the user gave for it (None: by the sizes)."""
    spatial = list(input.shape[2:])
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if size is not None:
        return _output_sizes(size, spatial), [None] * len(spatial)
    if scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    if not isinstance(scale_factor, (list, tuple)):
        scale_factor = [scale_factor] * len(spatial)
    elif len(scale_factor) != len(spatial):
        raise ValueError(
            "Input and scale_factor must have the same number of spatial dimensions, but "
            f"got input with spatial dimensions of {spatial} and "
            f"scale_factor of shape {scale_factor}. "
            "Please provide input tensor in (N, C, d1, d2, ...,dK) format and "
            "scale_factor in (s1, s2, ...,sK) format."
        )
    return [int(n * float(s)) for n, s in zip(spatial, scale_factor)], list(scale_factor)


def _output_sizes(size: Any, spatial: list[int]) -> list[int]:
    if not isinstance(size, (list, tuple)):
        size = [size] * len(spatial)
    elif len(size) != len(spatial):
        raise ValueError(
            "Input and output must have the same number of spatial dimensions, but got "
            f"input with spatial dimensions of {spatial} and output size of {size}. "
            "Please provide input tensor in (N, C, d1, d2, ...,dK) format and "
            "output size in (o1, o2, ...,oK) format."
        )
    if not all(isinstance(n, (int, np.integer)) for n in size):
        raise TypeError(
            "expected size to be one of int or Tuple[int] or Tuple[int, int] or "
            f"Tuple[int, int, int], but got size with types {[type(n) for n in size]}"
        )
    return [int(n) for n in size]


def _check_sizes(input: Tensor, sizes: list[int]) -> None:
    letters = "DHW"[-len(sizes) :]
    if min(*sizes, *input.shape[2:], 1) < 1:
        both = input.shape[2:], sizes
        names = [", ".join(f"{a}: {n}" for a, n in zip(letters, s)) for s in both]
        raise RuntimeError(
            "Input and output sizes should be greater than 0, but got "
            f"input ({names[0]}) output ({names[1]})"
        )
    if input.shape[1] == 0:
        raise RuntimeError(
            f"Non-empty {input.ndim}D data tensor expected but got a tensor with sizes "
            f"{list(input.shape)}"
        )


def _resized(name: str, input: Tensor, plan: _Plan) -> Tensor:
    """The input with every axis of the plan resampled, computed in at least float32."""
    kind = input._array.dtype
    if kind.kind not in "fu" or (kind.kind == "u" and "Nearest" not in name):
        raise NotImplementedError(f"\"upsample_{name}\" not implemented for '{input.dtype.title}'")
    data = input._array.astype(np.float32) if kind.itemsize == 2 else input._array
    for axis, _, taps in reversed(plan):  # torch interpolates within a row first
        data = read(data, taps, axis)
    data = in_format(data.astype(kind, copy=False), suggests_channels_last(input._array))
    return record(name, data, input=(input, lambda g: _resized_back(name, g, plan)))


def _resized_back(name: str, g: Tensor, plan: _Plan) -> Tensor:
    kind = g._array.dtype
    data = g._array.astype(np.float32) if kind.itemsize == 2 else g._array
    for axis, size, taps in plan:
        data = add_back(data, taps, size, axis)
    return record(
        name.replace("ward0", "wardBackward0"),
        data.astype(kind, copy=False),
        g=(g, lambda gg: _resized(name, gg, plan)),
    )


# ---- older names ---------------------------------------------------------------------------------


def upsample(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """`interpolate` under its older name; warns."""
    _warn_renamed("upsample", "nn.functional.interpolate")
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """`interpolate` by nearest pixels, under its older name; warns."""
    _warn_renamed("upsample_nearest", "nn.functional.interpolate")
    return interpolate(input, size, scale_factor, mode="nearest")


def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """`interpolate`, bilinear with aligned corners, under its older name; warns."""
    _warn_renamed("upsample_bilinear", "nn.functional.interpolate")
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)


def _warn_renamed(name: str, new: str) -> None:
    warnings.warn(f"`nn.functional.{name}` is deprecated. Use `{new}` instead.", stacklevel=3)
