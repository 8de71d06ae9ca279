"""Fractional max pooling, and the pools that always return the places of their maxima.

A fractional pool has windows of one size at distances that vary by one, so that any number of them
fits; where they stand is drawn at random (Graham 2014).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...autograd.graph import record
from ...dtypes import FLOATING
from ...ops.registry import op
from ...ops.sampling import rand
from ...tensor import Tensor, wrap
from . import adaptive, pooling

Sizes = int | Sequence[int]


def _tuple(sizes: Sizes, n: int) -> tuple[int, ...]:
    return (sizes,) * n if isinstance(sizes, int) else tuple(sizes)


def _starts(sample: np.ndarray, size: int, count: int, window: int) -> np.ndarray:
    """Where the windows along one dim begin, for every (batch, channel): [..., count]."""
    starts = np.full((*sample.shape, count), size - window, np.int64)
    if count > 1:
        kind = sample.dtype.type
        alpha = kind(size - window) / kind(count - 1)
        i = np.arange(count - 1).astype(kind)
        moved = ((i + sample[..., None]) * alpha).astype(np.int64)
        starts[..., :-1] = moved - (sample * alpha).astype(np.int64)[..., None]
    return starts


def _fractional(
    name: str, n: int, input: Tensor, kernel_size: Sizes, output_size: Any, output_ratio: Any,
    samples: Tensor | None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    if output_size is None and output_ratio is None:
        raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
    window, spatial = _tuple(kernel_size, n), input._array.shape[-n:]
    if output_size is None:
        ratios = (output_ratio,) * n if isinstance(output_ratio, float) else tuple(output_ratio)
        output_size = [int(m * r) for m, r in zip(spatial, ratios)]
    counts = _tuple(output_size, n)
    if input.ndim not in (n + 1, n + 2):
        raise RuntimeError(
            f"{name}: Expected {n + 1}D or {n + 2}D tensor, but got: {list(input.shape)}"
        )
    for word, m, count, k in zip(("time", "height", "width")[-n:], spatial, counts, window):
        if count + k - 1 > m - (n == 3):  # in 3-D torch wants one more entry
            full = name if n == 2 else f"{name}_out"
            raise RuntimeError(f"{full}(): pool {word} {k} too large relative to input {word} {m}")
    if input.dtype.category != FLOATING:
        raise NotImplementedError(f"\"{name}_out_frame\" not implemented for '{input.dtype.title}'")
    batched = input if input.ndim == n + 2 else input.unsqueeze(0)
    if samples is None:
        samples = rand(*batched.shape[:2], n, dtype=input.dtype)
    places = _places(batched._array, samples._array, counts, window)
    shape, lead = input._array.shape, input._array.shape[:-n]
    indices = places.reshape(*lead, *counts)
    cells = batched._array.reshape(*batched.shape[:2], int(np.prod(spatial)))
    flat = np.take_along_axis(cells, places, 2)

    def rule(g: Tensor) -> Tensor:
        windows = int(np.prod(counts))
        where, wide = wrap(indices.reshape(*lead, windows)), g.reshape(*lead, windows)
        total = g.new_zeros((*lead, int(np.prod(spatial))))
        return total.scatter_add(-1, where, wide).reshape(shape)

    node = f"FractionalMaxPool{n}DBackward0"
    return record(node, flat.reshape(*lead, *counts), input=(input, rule)), wrap(indices)


def _places(
    array: np.ndarray, samples: np.ndarray, counts: Sequence[int], window: Sequence[int]
) -> np.ndarray:
    """The flat place of every window's maximum: [N, C, windows]."""
    n, spatial = len(counts), array.shape[2:]
    order = [1, 0] if n == 2 else [0, 1, 2]  # torch draws x before y, but z, y, x in space
    flat: Any = np.zeros((*array.shape[:2], *(1,) * (2 * n)), np.int64)
    for axis, (m, count, k) in enumerate(zip(spatial, counts, window)):
        starts = _starts(samples[..., order[axis]], m, count, k)
        at = starts[..., None] + np.arange(k)  # [N, C, count, k]
        shape = [*array.shape[:2], *(1,) * (2 * n)]
        shape[2 + axis], shape[2 + n + axis] = count, k
        flat = flat * m + at.reshape(shape)
    flat = flat.reshape(*array.shape[:2], int(np.prod(counts)), int(np.prod(window)))
    cells = array.reshape(*array.shape[:2], 1, int(np.prod(spatial)))
    values = np.take_along_axis(cells, flat, 3)
    best = values.argmax(axis=3)
    return np.take_along_axis(flat, best[..., None], 3)[..., 0]


def _published(n: int) -> tuple[Any, Any]:
    name = f"fractional_max_pool{n}d"

    def pair(
        input: Tensor, kernel_size: Sizes, output_size: Sizes | None = None,
        output_ratio: Any = None, return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> Any:  # fmt: skip
        return _fractional(
            name, n, input, kernel_size, output_size, output_ratio, _random_samples
        )

    @functools.wraps(pair)
    def pool(input: Tensor, kernel_size: Sizes, *args: Any, **kwargs: Any) -> Any:
        found = pair(input, kernel_size, *args, **kwargs)
        wanted = kwargs.get("return_indices", args[2] if len(args) > 2 else False)
        return found if wanted else found[0]

    pair.__name__ = f"{name}_with_indices"
    pair.__doc__ = f"`{name}`, and the place of each maximum in its image."
    pool.__name__ = pool.__qualname__ = name
    pool.__doc__ = f"Maxima over windows that stand at random, slightly uneven distances in {n}-D."
    return op(pool, namespace="nn.functional"), op(pair, namespace="nn.functional")


fractional_max_pool2d, fractional_max_pool2d_with_indices = _published(2)
fractional_max_pool3d, fractional_max_pool3d_with_indices = _published(3)


# ---- the other pools, with indices -------------------------------------------------------------------


def _with_indices(function: Any) -> Any:
    """`function`, which always returns the places of the maxima too."""

    def call(input: Tensor, *args: Any, **kwargs: Any) -> Any:
        kwargs.pop("return_indices", None)
        return function(input, *args, **kwargs, return_indices=True)

    call.__name__ = call.__qualname__ = f"{function.__name__}_with_indices"
    call.__doc__ = f"`{function.__name__}`, and the place of each maximum."
    return op(call, namespace="nn.functional")


max_pool1d_with_indices = _with_indices(pooling.max_pool1d)
max_pool2d_with_indices = _with_indices(pooling.max_pool2d)
max_pool3d_with_indices = _with_indices(pooling.max_pool3d)
adaptive_max_pool1d_with_indices = _with_indices(adaptive.adaptive_max_pool1d)
adaptive_max_pool2d_with_indices = _with_indices(adaptive.adaptive_max_pool2d)
adaptive_max_pool3d_with_indices = _with_indices(adaptive.adaptive_max_pool3d)
