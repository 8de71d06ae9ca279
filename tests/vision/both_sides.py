"""One transform on both sides: the same image, the same seed, and all that must agree afterwards.

`check` compares the text, the pixels to the bit, the words drawn, and what is raised.  Images come
in four kinds: PIL, a Tensor of bytes, of floats, and a batch of two of bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from torchvision_side import (
    PIL_Image,
    assert_same,
    assert_same_state,
    pixels,
    seed_both,
    torchvision,
)

import minitorch_ref as mt
from minitorch_ref import vision

OURS, THEIRS = vision.transforms, torchvision.transforms

KINDS = ("pil", "bytes", "floats", "batch")
kinds = st.sampled_from(KINDS)
exact_kinds = st.sampled_from(("pil", "bytes", "batch"))
channels = st.sampled_from((1, 3, 4))
sides = st.integers(1, 40)
seeds = st.integers(0, 2**31)
modes = st.sampled_from(("NEAREST", "BILINEAR"))
fills = st.sampled_from((None, 0, 7, (1, 2, 3), [9]))


def images(kind: str, shape: tuple[int, int, int], seed: int) -> tuple[Any, Any]:
    """An image of `shape` (channels, height, width) for each side."""
    depth, height, width = shape
    data = pixels(seed, height, width, depth)
    if kind == "pil":
        image = PIL_Image.fromarray(data[:, :, 0] if depth == 1 else data)
        return image, image.copy()
    data = np.ascontiguousarray(data.transpose(2, 0, 1))
    if kind == "floats":
        data = data / np.float32(255)
    if kind == "batch":
        data = np.stack([data, data[:, ::-1]])
    return mt.from_numpy(data.copy()), torch.from_numpy(data.copy())


def outcome(call: Callable[[], Any]) -> Any:
    """What `call` returns, or (type, text) of what it raises."""
    try:
        return call()
    except Exception as error:
        # which side of the padding is named first is not compared
        text = re.sub(r"Argument #\d: |at dimension.*", "", str(error))
        return type(error).__name__.lstrip("_"), text


def check(
    make: Callable[[Any], Any],
    kind: str,
    shape: tuple[int, int, int],
    seed: int,
    same: Callable[[Any, Any], None] = assert_same,
) -> None:
    """`make(transforms)` of both sides do the same to the same image."""
    ours, theirs = images(kind, shape, seed)
    seed_both(seed)
    transform, reference = make(OURS), make(THEIRS)
    assert repr(transform) == repr(reference)
    assert_alike(outcome(lambda: transform(ours)), outcome(lambda: reference(theirs)), same)
    assert_same_state()


def assert_alike(ours: Any, theirs: Any, same: Callable[[Any, Any], None] = assert_same) -> None:
    """Two outcomes are the same image, or the same error."""
    if isinstance(theirs, tuple):
        assert ours == theirs
    else:
        same(ours, theirs)


def within(steps: int) -> Callable[[Any, Any], None]:
    """Floats that agree to some units of rounding at one; everything else to the bit."""

    def same(ours: Any, theirs: Any) -> None:
        if not isinstance(theirs, torch.Tensor) or not theirs.is_floating_point():
            assert_same(ours, theirs)
            return
        assert str(ours.dtype) == str(theirs.dtype)
        a, b = ours.numpy(), theirs.numpy()
        np.testing.assert_allclose(a, b, rtol=0, atol=steps * np.finfo(a.dtype).eps)

    return same
