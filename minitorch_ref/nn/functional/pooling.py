"""Pooling: the largest or the mean value of windows, or of a given number of bins.

Two spatial dims are the case with a kernel of its own (`kernels/max_pool.py`,
`kernels/avg_pool.py`); one dim is an image of height 1.  Three dims are pooled plane-wise and then
along the depth, which for sums and maxima is the same.  Bins (`adaptive_…`) are windows of unequal
size.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...autograd.graph import record
from ...kernels import avg_pool, max_pool
from ...kernels.axis import Axis, pool_axis
from ...ops.registry import op
from ...tensor import Tensor, wrap

Sizes = int | Sequence[int]


# ---- arguments -----------------------------------------------------------------------------------


def _spread(name: str, what: str, value: Sizes, dims: int) -> tuple[int, ...]:
    values = (value,) if isinstance(value, (int, np.integer)) else tuple(value)
    if len(values) == 1:
        values *= dims
    if len(values) != dims:
        words = {1: "one int", 2: "two ints", 3: "three ints"}[dims]
        raise RuntimeError(f"{name}: {what} must either be a single int, or a tuple of {words}")
    return tuple([int(v) for v in values])


def _axes(
    name: str, x: Tensor, kernel: Sizes, stride: Any, padding: Sizes, dilation: Sizes, ceil: bool,
    dims: int,
) -> list[Axis]:  # fmt: skip
    """The window's geometry in every spatial dim, with torch's complaints."""
    kernels = _spread(name, "kernel_size", kernel, dims)
    steps = kernels if stride is None or stride == () else _spread(name, "stride", stride, dims)
    margins = _spread(name, "padding", padding, dims)
    apart = _spread(name, "dilation", dilation, dims)
    if any(s <= 0 for s in steps):
        raise RuntimeError("stride should not be zero")
    if any(k <= 0 for k in kernels):
        raise RuntimeError("kernel size should be greater than zero")
    for k, p, d in zip(kernels, margins, apart):
        if p < 0:
            raise RuntimeError(f"pad must be non-negative, but got pad: {p}")
        if p > ((k - 1) * d + 1) // 2:
            raise RuntimeError(
                f"pad should be at most half of effective kernel size, but got pad={p}, "
                f"kernel_size={k} and dilation={d}"
            )
    shape = x._array.shape[-dims:]
    found = [pool_axis(*a, ceil) for a in zip(shape, kernels, steps, margins, apart)]
    if any(a.out < 1 for a in found):
        size, out = tuple(x._array.shape[1:]), (x._array.shape[1], *[a.out for a in found])
        raise RuntimeError(
            f"Given input size: ({'x'.join(map(str, size))}). Calculated output size: "
            f"({'x'.join(map(str, out))}). Output size is too small"
        )
    return found


def _batched(name: str, x: Tensor, dims: int) -> tuple[Tensor, bool]:
    if x.ndim not in (dims + 1, dims + 2) or 0 in x._array.shape[1 if x.ndim == dims + 2 else 0 :]:
        raise RuntimeError(
            f"{name}: Expected {dims + 1}D or {dims + 2}D (batch mode) tensor with optional 0 dim "
            f"batch size for input, but got: {list(x.shape)}"
        )
    return (x, True) if x.ndim == dims + 2 else (x.unsqueeze(0), False)


# ---- maxima --------------------------------------------------------------------------------------


def _max_of_planes(x: Tensor, h: Axis, w: Axis) -> tuple[Tensor, np.ndarray]:
    shape, apart = x._array.shape, max_pool.windows_apart(h, w)
    array = x._array
    if array.dtype.char == "e":
        y, indices = max_pool.max_pool2d(array.astype(np.float32), h, w)
        y = y.astype(np.float16)
    else:
        y, indices = max_pool.max_pool2d(array, h, w)
    assert indices is not None
    places = indices
    out = record(
        "MaxPool2DWithIndicesBackward0", y, x=(x, lambda g, x: _to_maxima(g, places, shape, apart))
    )
    return out, places


def _to_maxima(g: Tensor, places: np.ndarray, shape: tuple[int, ...], apart: bool) -> Tensor:
    data = max_pool.max_pool2d_gradient(g._array, places, shape, apart)
    return record(
        "MaxPool2DWithIndicesBackwardBackward0", data, g=(g, lambda h: _at_maxima(h, places, shape, apart))
    )


def _at_maxima(h: Tensor, places: np.ndarray, shape: tuple[int, ...], apart: bool) -> Tensor:
    data = max_pool.max_pool2d_gather(h._array, places)
    return record("GatherBackward0", data, h=(h, lambda g: _to_maxima(g, places, shape, apart)))


def _finished(y: Tensor, places: np.ndarray, had_batch: bool, dims: int, with_indices: bool) -> Any:
    indices = wrap(places)
    if dims == 1:
        y, indices = y.squeeze(-2), indices.squeeze(-2)
    if not had_batch:
        y, indices = y.squeeze(0), indices.squeeze(0)
    return (y, indices) if with_indices else y


@op(namespace="nn.functional")
def max_pool2d(
    input: Tensor, kernel_size: Sizes, stride: Any = None, padding: Sizes = 0, dilation: Sizes = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    """Maxima over windows of (N, C, H, W) or (C, H, W), and their places h·W + w on request.

    The first of equal values wins, and nan wins over all.  Raises RuntimeError for an output without
    elements and for padding beyond half a window.
    """
    x, had_batch = _batched("max_pool2d", input, 2)
    h, w = _axes("max_pool2d", x, kernel_size, stride, padding, dilation, ceil_mode, 2)
    return _finished(*_max_of_planes(x, h, w), had_batch, 2, return_indices)


@op(namespace="nn.functional")
def max_pool1d(
    input: Tensor, kernel_size: Sizes, stride: Any = None, padding: Sizes = 0, dilation: Sizes = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    """Maxima over windows of (N, C, L) or (C, L), and their places on request."""
    x, had_batch = _batched("max_pool1d", input, 1)
    (w,) = _axes("max_pool1d", x, kernel_size, stride, padding, dilation, ceil_mode, 1)
    planes = x.unsqueeze(-2)
    return _finished(*_max_of_planes(planes, Axis(1, 1, 1), w), had_batch, 1, return_indices)


@op(namespace="nn.functional")
def max_pool3d(
    input: Tensor, kernel_size: Sizes, stride: Any = None, padding: Sizes = 0, dilation: Sizes = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    """Maxima over windows of (N, C, D, H, W) or (C, D, H, W), and their places on request.

    The planes first, then the depth over the planes' maxima; the first of equal values wins.
    """
    x, had_batch = _batched("max_pool3d", input, 3)
    d, h, w = _axes("max_pool3d", x, kernel_size, stride, padding, dilation, ceil_mode, 3)
    n, c, depth = x._array.shape[:3]
    y, in_plane = _max_of_planes(x.reshape(n, c * depth, h.size, w.size), h, w)
    columns = y.reshape(n, c, depth, h.out * w.out)
    z, along = _max_of_planes(columns, d, Axis(h.out * w.out, h.out * w.out, 1))
    frame, cell = along // (h.out * w.out), along % (h.out * w.out)
    inner = in_plane.reshape(n, c, depth, -1)
    places = frame * (h.size * w.size) + np.take_along_axis(inner, frame, 2)
    assert cell.shape == places.shape
    shape = (n, c, d.out, h.out, w.out)
    return _finished(z.reshape(*shape), places.reshape(shape), had_batch, 3, return_indices)


def _scatter_back(
    name: str, input: Tensor, indices: Tensor, kernel_size: Sizes, stride: Any, padding: Sizes,
    output_size: Any, dims: int,
) -> Tensor:  # fmt: skip
    """Each value put back to its maximum's place; all else zero."""
    kernels = _spread(name, "kernel_size", kernel_size, dims)
    steps = kernels if stride is None else _spread(name, "stride", stride, dims)
    margins = _spread(name, "padding", padding, dims)
    shape = input._array.shape
    size = [
        (n - 1) * s - 2 * p + k
        for n, s, p, k in zip(shape[-dims:], steps, margins, kernels)
    ]
    if output_size is not None:
        size = [int(n) for n in tuple(output_size)[-dims:]]
    lead, count = shape[:-dims], int(np.prod(size))
    flat = input.reshape(*lead, -1)
    places = indices.reshape(*lead, -1)
    if places.numel() and int(places._array.max()) >= count:
        raise RuntimeError(f"Found an invalid max index: {int(places._array.max())} (output volumes are of size {count})")
    zeros = wrap(np.zeros((*lead, count), input._array.dtype))
    return zeros.scatter(-1, places, flat).reshape(*lead, *size)


@op(namespace="nn.functional")
def max_unpool2d(
    input: Tensor, indices: Tensor, kernel_size: Sizes, stride: Any = None, padding: Sizes = 0,
    output_size: Any = None,
) -> Tensor:  # fmt: skip
    """The partial inverse of `max_pool2d(..., return_indices=True)`."""
    return _scatter_back("max_unpool2d", input, indices, kernel_size, stride, padding, output_size, 2)


@op(namespace="nn.functional")
def max_unpool1d(
    input: Tensor, indices: Tensor, kernel_size: Sizes, stride: Any = None, padding: Sizes = 0,
    output_size: Any = None,
) -> Tensor:  # fmt: skip
    """The partial inverse of `max_pool1d(..., return_indices=True)`."""
    return _scatter_back("max_unpool1d", input, indices, kernel_size, stride, padding, output_size, 1)


# ---- means ---------------------------------------------------------------------------------------


def _sums(x: Tensor, h: Axis, w: Axis) -> Tensor:
    """The sum of every window of (N, C, H, W)."""
    data = avg_pool.sum_pool2d(_wide(x._array), h, w)
    return record("AvgPool2DBackward0", data, x=(x, lambda g: _sums_back(g, h, w)))


def _sums_back(g: Tensor, h: Axis, w: Axis) -> Tensor:
    data = avg_pool.sum_pool2d_gradient(_wide(g._array), h, w)
    return record("AvgPool2DBackwardBackward0", data, g=(g, lambda k: _sums(k, h, w)))


def _wide(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float32) if array.dtype.char == "e" else array


def _mean_of_planes(x: Tensor, h: Axis, w: Axis, include: bool, divisor: int | None) -> Tensor:
    """Sums over windows, divided by what torch divides by; recorded as one operation."""
    count = avg_pool.divisors(h, w, include) if divisor is None else divisor
    if not isinstance(count, int):
        count = count.astype(_wide(x._array).dtype)
    kind = x._array.dtype

    def means(array: np.ndarray) -> np.ndarray:
        return np.asarray(avg_pool.sum_pool2d(_wide(array), h, w) / count, kind)

    def rule(g: Tensor) -> Tensor:
        shares = g / (count if isinstance(count, int) else wrap(count.astype(kind)))
        return _sums_back(shares, h, w)

    return record("AvgPool2DBackward0", means(x._array), x=(x, rule))


def _check_divisor(divisor: int | None) -> None:
    if divisor == 0:
        raise RuntimeError("divisor must be not zero")


@op(namespace="nn.functional")
def avg_pool2d(
    input: Tensor, kernel_size: Sizes, stride: Any = None, padding: Sizes = 0,
    ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: int | None = None,
) -> Tensor:  # fmt: skip
    """Means over windows of (N, C, H, W) or (C, H, W)."""
    _check_divisor(divisor_override)
    x, had_batch = _batched("avg_pool2d", input, 2)
    h, w = _axes("avg_pool2d", x, kernel_size, stride, padding, 1, ceil_mode, 2)
    y = _mean_of_planes(x, h, w, count_include_pad, divisor_override)
    return y if had_batch else y.squeeze(0)


@op(namespace="nn.functional")
def avg_pool1d(
    input: Tensor, kernel_size: Sizes, stride: Any = None, padding: Sizes = 0,
    ceil_mode: bool = False, count_include_pad: bool = True,
) -> Tensor:  # fmt: skip
    """Means over windows of (N, C, L) or (C, L)."""
    x, had_batch = _batched("avg_pool1d", input, 1)
    (w,) = _axes("avg_pool1d", x, kernel_size, stride, padding, 1, ceil_mode, 1)
    y = _mean_of_planes(x.unsqueeze(-2), Axis(1, 1, 1), w, count_include_pad, None).squeeze(-2)
    return y if had_batch else y.squeeze(0)


@op(namespace="nn.functional")
def avg_pool3d(
    input: Tensor, kernel_size: Sizes, stride: Any = None, padding: Sizes = 0,
    ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: int | None = None,
) -> Tensor:  # fmt: skip
    """Means over windows of (N, C, D, H, W) or (C, D, H, W)."""
    _check_divisor(divisor_override)
    x, had_batch = _batched("avg_pool3d", input, 3)
    d, h, w = _axes("avg_pool3d", x, kernel_size, stride, padding, 1, ceil_mode, 3)
    n, c, depth = x._array.shape[:3]
    planes = _sums(x.reshape(n, c * depth, h.size, w.size), h, w)
    cells = h.out * w.out
    columns = _sums(planes.reshape(n, c, depth, cells), d, Axis(cells, cells, 1))
    total = columns.reshape(n, c, d.out, h.out, w.out)
    if divisor_override is not None:
        y = total / divisor_override
    else:
        in_plane = np.broadcast_to(avg_pool.divisors(h, w, count_include_pad), (h.out, w.out))
        along = np.asarray(avg_pool.divisors(d, Axis(1, 1, 1), count_include_pad))
        along = np.broadcast_to(along.reshape(-1, 1)[:, 0], (d.out,))
        y = total / wrap((along[:, None, None] * in_plane).astype(x._array.dtype))
    return y if had_batch else y.squeeze(0)


# ---- bins ----------------------------------------------------------------------------------------


def _bins(size: int, out: int) -> list[slice]:
    """Bin i of `out` covers ⌊i·size/out⌋ … ⌈(i+1)·size/out⌉."""
    return [slice(i * size // out, -(-(i + 1) * size // out)) for i in range(out)]


def _targets(name: str, x: Tensor, output_size: Any, dims: int) -> list[int]:
    wanted = (output_size,) * dims if isinstance(output_size, int) or output_size is None else tuple(output_size)
    if len(wanted) == 1:
        wanted *= dims
    if len(wanted) != dims:
        raise RuntimeError(f"{name}: output_size must be {dims}")
    return [n if w is None else int(w) for w, n in zip(wanted, x._array.shape[-dims:])]


def _adaptive_mean(name: str, input: Tensor, output_size: Any, dims: int) -> Tensor:
    x, had_batch = _batched(name, input, dims)
    for i, out in enumerate(_targets(name, x, output_size, dims)):
        dim = 2 + i
        size = x._array.shape[dim]
        if out == size:
            continue
        if out == 1:
            x = x.mean(dim, keepdim=True)
            continue
        means = np.zeros((size, out), x._array.dtype)
        for j, part in enumerate(_bins(size, out)):
            means[part, j] = 1.0 / (part.stop - part.start)
        x = x.transpose(dim, -1).matmul(wrap(means)).transpose(dim, -1)
    return x if had_batch else x.squeeze(0)


def _adaptive_max(name: str, input: Tensor, output_size: Any, with_indices: bool, dims: int) -> Any:
    """The flat place of each bin's maximum, and the elements there."""
    x, had_batch = _batched(name, input, dims)
    out = _targets(name, x, output_size, dims)
    array, size = x._array, x._array.shape[2:]
    cells = np.arange(int(np.prod(size))).reshape(size)
    places = np.empty((*array.shape[:2], *out), np.int64)
    all_bins = [_bins(n, o) for n, o in zip(size, out)]
    for index in np.ndindex(*out):
        part = tuple([b[i] for b, i in zip(all_bins, index)])
        inside = array[(..., *part)].reshape(*array.shape[:2], -1)
        places[(..., *index)] = cells[part].reshape(-1)[inside.argmax(-1)]
    flat = x.reshape(*array.shape[:2], -1).gather(-1, wrap(places.reshape(*array.shape[:2], -1)))
    y, indices = flat.reshape(*places.shape), wrap(places)
    if not had_batch:
        y, indices = y.squeeze(0), indices.squeeze(0)
    return (y, indices) if with_indices else y


def _adaptive(kind: str, dims: int) -> Any:
    name = f"adaptive_{kind}_pool{dims}d"

    def mean(input: Tensor, output_size: Any) -> Tensor:
        return _adaptive_mean(name, input, output_size, dims)

    def largest(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
        return _adaptive_max(name, input, output_size, return_indices, dims)

    call: Any = mean if kind == "avg" else largest
    call.__name__ = call.__qualname__ = name
    what = "The mean" if kind == "avg" else "The largest value"
    call.__doc__ = f"{what} of each of `output_size` bins (None: as many as elements) per dim."
    return op(call, namespace="nn.functional")


adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = (_adaptive("avg", d) for d in (1, 2, 3))
adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = (_adaptive("max", d) for d in (1, 2, 3))

for _function in (
    max_pool1d, max_pool2d, max_pool3d, avg_pool1d, adaptive_avg_pool1d, adaptive_max_pool1d,
):  # fmt: skip
    op(_function, method=False)  # torch has these in its own namespace as well


