"""Dropout: elements or whole channels set to zero, or to SELU's saturation value, at random.

The one idea, torch's: a *noise* tensor of zeros and 1/(1 − p), multiplied in.  The multiplication
is an ordinary op, so there is no gradient to write.  The noise takes a float64 uniform per
element, in the order in which the elements lie in memory, so the same seed drops the same elements
as torch.
"""

from __future__ import annotations

import math
import warnings

import numpy as np

from ...kernels.draws import bernoulli
from ...ops.creation import empty_like
from ...ops.registry import op
from ...random import source_of
from ...tensor import Tensor, wrap

# scale · alpha of SELU: `alpha_dropout` replaces a dropped element by minus this.
_SATURATION = 1.7580993408473766


def _check(p: float) -> None:
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def _drawn(
    shape: tuple[int, ...], like: np.ndarray, keep: float, channels: bool
) -> np.ndarray:
    """Ones with probability `keep`, else zeros; laid out in memory, and drawn, as `like` lies."""
    if like.dtype.kind not in "fc":
        title = wrap(like).dtype.title
        raise RuntimeError(f"result type Float can't be cast to the desired output type {title}")
    drawn = bernoulli(source_of(None), math.prod(shape), keep)
    if channels:  # a mask of whole channels is always row-major
        return drawn.reshape(shape).astype(like.dtype)
    noise = empty_like(wrap(like))._array  # keeps the order of dims in memory
    order = sorted(range(noise.ndim), key=lambda d: -noise.strides[d])
    noise.transpose(order)[...] = drawn.reshape([noise.shape[d] for d in order])
    return noise


def noisy(
    input: Tensor, p: float, train: bool, inplace: bool, channels: bool, alpha: bool
) -> Tensor:
    """The six functions below: whole `channels` or elements, `alpha` dropout or the plain one."""
    if p == 0 or not train or input.numel() == 0:
        return input
    if p == 1:
        zero = input.new_zeros(())
        return input.mul_(zero) if inplace else input * zero
    shape = input._array.shape
    if channels:
        if input.ndim < 2:
            raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
        shape = shape[:2] + (1,) * (input.ndim - 2)
    kind = input._array.dtype
    noise = _drawn(shape, input._array, 1 - p, channels)
    if not alpha:
        noise *= _quotient(1 - p, kind)
        factor = wrap(noise)
        return input.mul_(factor) if inplace else input * factor
    a = 1.0 / math.sqrt((_SATURATION * _SATURATION * p + 1) * (1 - p))
    # where the noise is 0: −saturation·a, shifted by the last term to restore the mean
    shift = wrap(noise).add(-1).mul_(_SATURATION * a).add_(_SATURATION * a * p)
    factor = wrap(noise).mul_(a)
    return (input.mul_(factor) if inplace else input * factor).add_(shift)


def _quotient(keep: float, kind: np.dtype) -> np.generic:
    """1 / keep as torch computes it: in float32 unless the tensor is float64."""
    wide = np.float64 if kind.char in "dD" else np.float32
    return kind.type(wide(1) / wide(keep))


@op(namespace="nn.functional")
def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training, each element is zeroed with probability p and scaled by 1/(1 − p) otherwise.

    Raises ValueError unless 0 ≤ p ≤ 1.
    """
    _check(p)
    return noisy(input, p, training, inplace, channels=False, alpha=False)


@op(namespace="nn.functional")
def alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """Dropout for SELU networks: keeps mean 0 and variance 1."""
    _check(p)
    return noisy(input, p, training, inplace, channels=False, alpha=True)


@op(namespace="nn.functional")
def feature_alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """`alpha_dropout` of whole channels."""
    _check(p)
    return noisy(input, p, training, inplace, channels=True, alpha=True)


@op(namespace="nn.functional")
def dropout1d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Zeroes whole channels of (N, C, L) or (C, L).  Raises RuntimeError for other inputs."""
    _check(p)
    if input.ndim not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {input.ndim}D input. "
            "Note that dropout1d exists to provide channel-wise dropout on inputs with 1 "
            "spatial dimension, a channel dimension, and an optional batch dimension "
            "(i.e. 2D or 3D inputs)."
        )
    return _channels(input, p, training, inplace, batched=input.ndim == 3)


@op(namespace="nn.functional")
def dropout2d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Zeroes whole channels of (N, C, H, W); warns for other inputs, 3-D is taken as (N, C, L)."""
    _check(p)
    _warn_about_dims("dropout2d", input.ndim, (3, 4), "2 spatial")
    if input.ndim == 3:
        warnings.warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise "
            "1D dropout behavior is desired - input is interpreted as shape (N, C, L), where C "
            "is the channel dim. This behavior will change in a future release to interpret the "
            "input as one without a batch dimension, i.e. shape (C, H, W). To maintain the 1D "
            "channel-wise dropout behavior, please switch to using dropout1d instead.",
            stacklevel=2,
        )
    return _channels(input, p, training, inplace, batched=True)


@op(namespace="nn.functional")
def dropout3d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Zeroes whole channels of (N, C, D, H, W) or (C, D, H, W); warns for other inputs."""
    _check(p)
    _warn_about_dims("dropout3d", input.ndim, (4, 5), "3 spatial")
    return _channels(input, p, training, inplace, batched=input.ndim == 5)


def _warn_about_dims(name: str, ndim: int, allowed: tuple[int, int], spatial: str) -> None:
    if ndim not in allowed:
        warnings.warn(
            f"{name}: Received a {ndim}-D input to {name}, which is deprecated "
            "and will result in an error in a future release. To retain the behavior "
            f"and silence this warning, please use dropout instead. Note that {name} "
            f"exists to provide channel-wise dropout on inputs with {spatial} dimensions, "
            f"a channel dimension, and an optional batch dimension (i.e. {allowed[0]}D or "
            f"{allowed[1]}D inputs).",
            stacklevel=3,
        )


def _channels(input: Tensor, p: float, train: bool, inplace: bool, batched: bool) -> Tensor:
    """Channel dropout; an input without a batch dim gets one for the while."""
    if batched:
        return noisy(input, p, train, inplace, channels=True, alpha=False)
    with_batch = input.unsqueeze_(0) if inplace else input.unsqueeze(0)
    result = noisy(with_batch, p, train, inplace, channels=True, alpha=False)
    return result.squeeze_(0) if inplace else result.squeeze(0)
