"""`pad`: constant, reflect, replicate and circular.

The constant pad is its own transpose with the signs turned: the gradient of padding by p is padding
by −p.  The other modes read each output position from one input position, axis by axis: a table of
positions, applied by `read` and transposed by `add_back`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...autograd.graph import record
from ...kernels.layout import copied, in_format, suggests_channels_last
from ...kernels.resample import add_back, read
from ...ops.common import convert_number
from ...ops.parts import empty_part
from ...ops.registry import op
from ...tensor import Tensor

_Plan = tuple[tuple[int, np.ndarray], ...]  # (axis, the input position of every output position)
_NODES = {
    "reflect": "ReflectionPad{}DBackward0",
    "replicate": "ReplicationPad{}DBackward0",
    "circular": "CopySlices",
}


@op(namespace="nn.functional")
def pad(
    input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Tensor:
    """`input` with `pad` = (left, right, top, bottom, …) added around it, last dim first.

    Modes: "constant" (with `value`; negative pads crop), "reflect", "replicate", "circular".
    Raises RuntimeError for pads that do not fit, NotImplementedError for an unknown mode.
    """
    pad = [int(p) for p in pad]
    if len(pad) % 2:
        raise RuntimeError("Padding length must be divisible by 2")
    if len(pad) > 2 * input.ndim:
        raise RuntimeError(
            "Padding length should be less than or equal to two times the input dimension "
            f"but got padding length {len(pad)} and input of dimension {input.ndim}"
        )
    if mode == "constant":
        return constant_pad_nd(input, pad, 0 if value is None else value)
    if mode not in _NODES:
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    if value:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    _check_dims(len(pad), input.ndim)
    axes = range(input.ndim - 1, input.ndim - 1 - len(pad) // 2, -1)
    if mode != "circular":
        _check_filled(input, len(pad) // 2)
        if input._array.dtype.kind == "b":
            kernel = "replication" if mode == "replicate" else "reflection"
            raise NotImplementedError(f"\"{kernel}_pad{len(pad) // 2}d\" not implemented for 'Bool'")
    positions = {"reflect": _reflected, "replicate": _replicated, "circular": _wrapped}[mode]
    plan = tuple(
        (axis, positions(input, axis, pad[2 * i], pad[2 * i + 1])) for i, axis in enumerate(axes)
    )
    return _reading(_NODES[mode].format(len(plan)), input, plan)


@op(method=False)
def constant_pad_nd(input: Tensor, pad: Sequence[int], value: float = 0) -> Tensor:
    """`input` with a border of `value`; negative pads crop."""
    x = input._array
    if len(pad) % 2:
        raise RuntimeError(f"Length of pad must be even but instead it equals {len(pad)}")
    if len(pad) > 2 * x.ndim:
        raise RuntimeError(
            "Length of pad should be no more than twice the number of dimensions of the input. Pad "
            f"length is {len(pad)} while the input has {x.ndim} dimensions."
        )
    shape, source, target = list(x.shape), [slice(None)] * x.ndim, [slice(None)] * x.ndim
    for i in range(len(pad) // 2):
        axis, before, after = x.ndim - 1 - i, pad[2 * i], pad[2 * i + 1]
        shape[axis] += before + after
        if shape[axis] < 0:
            raise RuntimeError(
                f"narrow(): length must be non-negative: input of size {list(x.shape)} "
                f"cannot be padded by {before} and {after} at dimension {axis}"
            )
        source[axis] = slice(max(-before, 0), x.shape[axis] - max(-after, 0))
        target[axis] = slice(max(before, 0), shape[axis] - max(after, 0))
    if max(pad, default=0) <= 0:
        out = copied(x[tuple(source)] if 0 not in shape else empty_part(input, source))
    else:
        out = in_format(np.empty(shape, x.dtype), suggests_channels_last(x))
        out.fill(convert_number(value, input.dtype)[()])
        out[tuple(target)] = x[tuple(source)]
    back = [-p for p in pad]
    return record(
        "ConstantPadNdBackward0", out, input=(input, lambda g: constant_pad_nd(g, back, 0))
    )


def _check_dims(pads: int, ndim: int) -> None:
    if (pads, ndim) not in {(2, 2), (2, 3), (4, 3), (4, 4), (6, 4), (6, 5)}:
        raise NotImplementedError(
            f"Padding size {pads} is not supported for {ndim}D input tensor.\n"
            "Supported combinations for non-constant padding:\n"
            "  - 2D or 3D input: padding size = 2 (pads last dimension)\n"
            "  - 3D or 4D input: padding size = 4 (pads last 2 dimensions)\n"
            "  - 4D or 5D input: padding size = 6 (pads last 3 dimensions)"
        )


def _check_filled(input: Tensor, axes: int) -> None:
    """Only the batch may be empty."""
    if 0 in input._array.shape[1 if input.ndim == axes + 2 else 0 :]:
        raise RuntimeError(
            f"Expected {axes + 1}D or {axes + 2}D (batch mode) tensor with possibly 0 batch size "
            f"and other non-zero dimensions for input, but got: {list(input.shape)}"
        )


# ---- where each output position reads from -------------------------------------------------------


def _places(input: Tensor, axis: int, before: int, after: int) -> np.ndarray:
    """Output positions in the coordinates of the input: −before … n + after − 1."""
    n = input._array.shape[axis]
    if n + before + after < 1:
        raise RuntimeError(
            f"input (size: {n}) is too small for padding ({before}, {after}) at dimension {axis}: "
            f"calculated output size: {n + before + after}"
        )
    return np.arange(-before, n + after)


def _reflected(input: Tensor, axis: int, before: int, after: int) -> np.ndarray:
    n = input._array.shape[axis]
    if before >= n or after >= n:
        raise RuntimeError(
            "Argument #4: Padding size should be less than the corresponding input dimension, but "
            f"got: padding ({before}, {after}) at dimension {axis} of input {list(input.shape)}"
        )
    return (n - 1) - np.abs((n - 1) - np.abs(_places(input, axis, before, after)))


def _replicated(input: Tensor, axis: int, before: int, after: int) -> np.ndarray:
    return np.clip(_places(input, axis, before, after), 0, input._array.shape[axis] - 1)


def _wrapped(input: Tensor, axis: int, before: int, after: int) -> np.ndarray:
    n = input._array.shape[axis]
    if before > n or after > n:
        raise RuntimeError("Padding value causes wrapping around more than once.")
    if n + before + after < 0:
        raise RuntimeError("Negative padding value is resulting in an empty dimension")
    kept = np.arange(max(-before, 0), n - max(-after, 0))  # what is wrapped is what was not cropped
    return kept[np.arange(-max(before, 0), kept.size + max(after, 0)) % max(kept.size, 1)]


def _reading(name: str, input: Tensor, plan: _Plan) -> Tensor:
    data, sizes = input._array, input._array.shape
    for axis, index in plan:
        data = read(data, ((index, None),), axis)
    if name != _NODES["circular"]:
        data = in_format(data, suggests_channels_last(input._array))
    return record(name, data, input=(input, lambda g: _adding_back(name, g, plan, sizes)))


def _adding_back(name: str, g: Tensor, plan: _Plan, sizes: tuple[int, ...]) -> Tensor:
    data = g._array
    for axis, index in reversed(plan):
        data = add_back(data, ((index, None),), sizes[axis], axis)
    node = "AsStridedBackward0" if name == "CopySlices" else name.replace("ward0", "wardBackward0")
    return record(node, data, g=(g, lambda gg: _reading(name, gg, plan)))
