"""torchvision and torch for the tests of `vision`, and the same seed and the same pixels for both."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from bits import same_bits

import minitorch_ref as mt
from parity.torch_side import import_torchvision

torchvision = import_torchvision()
PIL_Image = pytest.importorskip("PIL.Image")


def seed_both(seed: int) -> None:
    torch.manual_seed(seed)
    mt.manual_seed(seed)


def pixels(seed: int, *shape: int) -> np.ndarray:
    return np.random.RandomState(seed).randint(0, 256, shape, dtype=np.uint8)


def assert_same(ours: Any, theirs: Any) -> None:
    """Images or tensors with the same mode or dtype, shape and bits."""
    if isinstance(theirs, torch.Tensor):
        assert isinstance(ours, mt.Tensor)
        assert str(ours.dtype) == str(theirs.dtype)
        a, b = ours.numpy(), theirs.numpy()
        assert a.shape == b.shape
        assert same_bits(a, b), np.abs(a.astype(float) - b.astype(float)).max()
        return
    assert ours.mode == theirs.mode
    assert ours.size == theirs.size
    np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))


def assert_same_state() -> None:
    """Both default generators stand at the same word."""
    np.testing.assert_array_equal(mt.get_rng_state().numpy(), torch.get_rng_state().numpy())
