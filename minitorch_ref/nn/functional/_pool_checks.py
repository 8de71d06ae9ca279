"""What can be wrong with the arguments of a pooling, in torch's words; and the window's geometry."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...kernels.axis import Axis, pool_axis
from ...tensor import Tensor

Ints = tuple[int, ...]

_SOME = {2: "two", 3: "three"}
_AXES = "THW"
_PLACE = {"kernel_size": 2, "stride": 3, "padding": 4, "dilation": 5}


def key(sizes: Any) -> Any:
    """Something hashable for the cache below."""
    return tuple(sizes) if isinstance(sizes, (list, tuple)) else sizes


def sizes_of(name: str, what: str, value: Any, dims: int) -> Ints:
    """A number, or one per dim, as a tuple."""
    values = value if isinstance(value, (tuple, list)) else (value,)
    if len(values) not in (1, dims):
        raise RuntimeError(_length_text(name, what, len(values), dims))
    for v in values:
        if isinstance(v, (bool, float)) or not hasattr(v, "__index__"):
            raise TypeError(
                f"{name}(): argument '{what}' (position {_PLACE.get(what, 0)}) must be tuple of ints, "
                f"not {type(v).__name__}"
            )
    ints = tuple([v.__index__() for v in values])
    return ints if len(ints) == dims else ints * dims


def _length_text(name: str, what: str, given: int, dims: int) -> str:
    if dims == 1 and name.startswith("max"):
        return (
            f"{name}() {what} must be an int, list of ints or tuple of ints of size 1 "
            f"but got size {given}"
        )
    if dims == 1:
        return f"{name}() argument '{what}' should contain one int (got {given})"
    ending = f"a single int, or a tuple of {_SOME[dims]} ints"
    if what == "dilation":
        return f"{name}: dilation must be either {ending}"
    return f"{name}: {what} must either be {'omitted, ' if what == 'stride' else ''}{ending}"


@functools.lru_cache(maxsize=1024, typed=True)
def window_axes(
    name: str, dims: int, shape: Ints, kernel: Any, stride: Any, padding: Any, dilation: Any,
    ceil_mode: bool,
) -> tuple[Axis, ...]:  # fmt: skip
    """One Axis per pooled dim of an input of `shape`.  Raises RuntimeError in torch's words."""
    kernel = sizes_of(name, "kernel_size", kernel, dims)
    stride = kernel if stride in (None, ()) else sizes_of(name, "stride", stride, dims)
    padding = sizes_of(name, "padding", padding, dims)
    dilation = sizes_of(name, "dilation", dilation, dims)
    if dims == 1 and name.startswith("max"):
        _check_line(name, kernel[0], stride[0], padding[0], dilation[0])
    _check_positive("stride", "d", stride)
    _check_positive("kernel size", "k", kernel)
    _check_positive("dilation", "dilation", dilation)
    _check_padding(kernel, padding, dilation)
    spatial = shape[-dims:]
    axes = [pool_axis(*a, ceil_mode) for a in zip(spatial, kernel, stride, padding, dilation)]
    if any(a.out < 1 for a in axes):
        if dims == 1 and name.startswith("max"):
            raise RuntimeError(f"{name}() Invalid computed output size: {axes[0].out}")
        line = (1,) if dims == 1 else ()
        before = "x".join(map(str, (shape[-dims - 1], *line, *spatial)))
        after = "x".join(map(str, (shape[-dims - 1], *line, *[a.out for a in axes])))
        raise RuntimeError(
            f"Given input size: ({before}). Calculated output size: ({after}). "
            "Output size is too small"
        )
    return tuple(axes)


def _check_line(name: str, kernel: int, stride: int, padding: int, dilation: int) -> None:
    for what, value in (("kernel_size", kernel), ("stride", stride), ("dilation", dilation)):
        if value <= 0:
            raise RuntimeError(f"{name}() {what} must be greater than zero, but got {value}")
    if padding < 0:
        raise RuntimeError(f"{name}() padding must be non-negative, but got {padding}")
    if padding > kernel // 2:
        raise RuntimeError(
            f"{name}() padding should be at most half of kernel size, but got padding={padding} "
            f"and kernel_size={kernel}"
        )


def _check_positive(what: str, letter: str, values: Ints) -> None:
    if what == "stride" and 0 in values:
        raise RuntimeError("stride should not be zero")
    if min(values) <= 0:
        said = " ".join(f"{letter}{axis}: {v}" for axis, v in zip(_AXES[-len(values) :], values))
        raise RuntimeError(f"{what} should be greater than zero, but got {said}")


def _check_padding(kernel: Ints, padding: Ints, dilation: Ints) -> None:
    for k, p, d in zip(kernel, padding, dilation):
        if p < 0:
            raise RuntimeError(f"pad must be non-negative, but got pad: {p}")
        if p > ((k - 1) * d + 1) // 2:
            raise RuntimeError(
                f"pad should be at most half of effective kernel size, but got pad={p}, "
                f"kernel_size={k} and dilation={d}"
            )
    if any(p > k // 2 for k, p in zip(kernel, padding)):
        axes = _AXES[-len(kernel) :]
        said = [f"pad{a} = {p}" for a, p in reversed([*zip(axes, padding)])]
        said += [f"k{a} = {k}" for a, k in reversed([*zip(axes, kernel)])]
        raise RuntimeError(
            "pad should be smaller than or equal to half of kernel size, but got " + ", ".join(said)
        )


def check_input(name: str, x: Any, dims: int) -> None:
    """A tensor of (N, C, …) or (C, …), of which only the batch may be empty."""
    _check_tensor(name, x)
    if name == "avg_pool1d":
        _check_rank(name, 2, x)
    if name == "avg_pool2d" and x.ndim < 3:
        said = f"[{-max(1, x.ndim)}, {max(1, x.ndim) - 1}], but got -3"
        raise IndexError(f"Dimension out of range (expected to be in range of {said})")
    shape = x._array.shape
    had_batch = len(shape) == dims + 2
    if len(shape) not in (dims + 1, dims + 2) or 0 in shape[1 if had_batch else 0 :]:
        raise RuntimeError(_rank_text(name, dims, list(shape)))


def _check_tensor(name: str, x: Any) -> None:
    if not isinstance(x, Tensor):
        kind = type(x).__name__
        raise TypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not {kind}")


def _check_rank(name: str, least: int, x: Tensor) -> None:
    if x.ndim not in (least, least + 1):
        raise RuntimeError(
            f"Expected {least} to {least + 1} dimensions, but got {x.ndim}-dimensional tensor for "
            f"argument #1 'self' (while checking arguments for {name})"
        )


def _rank_text(name: str, dims: int, shape: list[int]) -> str:
    wrong_rank = len(shape) not in (dims + 1, dims + 2)
    if dims == 3 or (name == "max_pool2d" and wrong_rank):
        return f"non-empty {dims + 1}D or {dims + 2}D (batch mode) tensor expected for input"
    ranks, head = "2D or 3D", f"{name}: "
    if name != "max_pool1d":
        ranks, head = "3D or 4D", ""
        shape = [*shape[:-1], 1, shape[-1]] if dims == 1 else shape
    return (
        f"{head}Expected {ranks} (batch mode) tensor with optional 0 dim batch size for input, "
        f"but got:{shape}"
    )


def check_bins_input(name: str, x: Any, dims: int) -> None:
    """The same for adaptive pooling, in its own words; means may have no channels."""
    _check_tensor(name, x)
    if dims == 1:
        _check_rank(name, 2, x)
    elif x.ndim not in (dims + 1, dims + 2):
        colon = ":" if "max" in name else ""
        raise RuntimeError(
            f"{name}(): Expected {dims + 1}D or {dims + 2}D tensor, but got{colon} {list(x.shape)}"
        )
    shape = list(x._array.shape)
    first = len(shape) - dims - (1 if "max" in name or dims == 3 else 0)
    for i in range(first, len(shape)):
        if not shape[i]:
            raise RuntimeError(
                f"{name}(): Expected input to have non-zero size for non-batch dimensions, but "
                f"input has sizes {shape} with dimension {i} being empty"
            )


def refuse_types(name: str, x: Tensor, chars: str) -> None:
    """Raise NotImplementedError unless x's NumPy type character is among `chars`."""
    if x._array.dtype.char not in chars:
        raise NotImplementedError(f"\"{name}\" not implemented for '{x.dtype.title}'")


def output_sizes(name: str, x: Tensor, output_size: Any, dims: int) -> Ints:
    """The output size of an adaptive pooling: None stands for the input's size."""
    if output_size is None:
        if dims == 1:
            raise TypeError(
                f"{name}(): argument 'output_size' (position 2) must be tuple of ints, not NoneType"
            )
        raise TypeError("object of type 'NoneType' has no len()")
    wanted: Sequence[Any] = (
        output_size if isinstance(output_size, (tuple, list)) else (output_size,) * dims
    )
    if len(wanted) != dims:
        if dims == 1:
            raise RuntimeError(
                f"{name}() argument 'output_size' should contain one int (got {len(wanted)})"
            )
        raise RuntimeError(
            f"{name}(): internal error: output_size.size() must be {dims}" if "max" in name
            else f"{name}: output_size must be {dims}"
        )  # fmt: skip
    sizes = tuple([n if w is None else w.__index__() for w, n in zip(wanted, x._array.shape[-dims:])])
    if min(sizes) < 0 and "max" in name:
        shape = [*x._array.shape[:2], *[1] * (dims == 1), *sizes]
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(sizes)}: {shape}")
    if min(sizes) < 0:
        said = ", ".join(map(str, (1, *sizes) if dims == 1 else sizes))
        raise RuntimeError(
            f"{name.replace('1d', '2d')}: elements of output_size must be greater than or equal to 0 "
            f"but received {{{said}}}"
        )
    return sizes


def unpooled_size(
    name: str, dims: int, x: Tensor, indices: Tensor, kernel: Any, stride: Any, padding: Any,
    output_size: Any,
) -> Ints:  # fmt: skip
    """The spatial size of an unpooling whose arguments are in order."""
    kernel = sizes_of(name, "kernel_size", kernel, dims)
    stride = kernel if stride in (None, ()) else sizes_of(name, "stride", stride, dims)
    padding = sizes_of(name, "padding", padding, dims)
    shape = x._array.shape
    if x.ndim not in (dims + 1, dims + 2):
        raise RuntimeError(
            f"Input to max_unpooling{dims}d should be a {dims + 1}d or {dims + 2}d Tensor, but got "
            f"a tensor with {x.ndim} dimensions."
        )
    least = [(n - 1) * s + k - 2 * p for n, s, k, p in zip(shape[-dims:], stride, kernel, padding)]
    size = tuple(least) if output_size is None else _asked_size(output_size, least, stride)
    if indices._array.dtype != np.int64:
        raise RuntimeError(
            f"elements in indices should be type int64 but got: {indices.dtype.title}"
        )
    if indices._array.shape != shape:
        raise RuntimeError(
            f"Expected shape of indices to be same as that of the input tensor ({list(shape)}) but "
            f"got indices tensor with shape: {list(indices.shape)}"
        )
    refuse_types(name, x, "efd")
    places = indices._array
    wrong = places[(places < 0) | (places >= math.prod(size))]
    if wrong.size:
        volume = "x".join(map(str, (1, *size) if dims == 1 else size))
        raise RuntimeError(
            f"Found an invalid max index: {wrong.flat[0]} (output volumes are of size {volume})"
        )
    return size


def _asked_size(output_size: Any, least: list[int], stride: Ints) -> Ints:
    dims, size = len(least), tuple(output_size)
    if len(size) == dims + 2:
        size = size[2:]
    if len(size) != dims:
        raise ValueError(
            f"output_size should be a sequence containing {dims} or {dims + 2} elements, but it has "
            f"a length of '{len(size)}'"
        )
    for d, (n, low, step) in enumerate(zip(size, least, stride)):
        if not low - step < n < low + step:
            raise ValueError(
                f'invalid output_size "{size}" (dim {d} must be between {low - step} and {low + step})'
            )
    return size
