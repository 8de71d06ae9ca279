"""The largest and smallest of each column: NumPy's argmax and argmin, whichever way it is taken."""

import numpy as np
import pytest
import torch

import minitorch_ref as mt
from minitorch_ref.kernels import extremes

SHAPES = [((90, 300), 0), ((3, 40, 257), 1), ((4, 30, 2, 200), 1), ((1, 1, 20_000), 1), ((80, 256, 3), 0)]
FILLS = ["normal", "whole numbers", "one value", "zeros of both signs", "nan", "infinite", "one nan"]


def filled(fill, shape, dtype):
    draw = np.random.default_rng(len(fill))
    x = draw.standard_normal(shape).astype(dtype)
    if fill == "whole numbers":
        x = np.round(x)
    elif fill == "one value":
        x[...] = 3
    elif fill == "zeros of both signs":
        x = np.where(draw.random(shape) < 0.5, dtype(0), dtype(-0.0))
        x.reshape(-1)[::1000] = 1e-3
    elif fill == "nan":
        x[draw.random(shape) < 0.1] = np.nan
    elif fill == "infinite":
        x[draw.random(shape) < 0.01] = np.inf
    elif fill == "one nan":
        x.reshape(-1)[x.size // 3] = np.nan
    return x


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize(("shape", "axis"), SHAPES)
def test_first_of_the_largest(shape, axis, fill, dtype):
    x = filled(fill, shape, dtype)
    for ufunc, arg in ((np.maximum, np.argmax), (np.minimum, np.argmin)):
        found = extremes.argument(ufunc, arg, x, axis)
        np.testing.assert_array_equal(found, arg(x, axis, keepdims=True))
    for name in ("max", "min"):
        ours = getattr(mt.from_numpy(x), name)(axis)
        theirs = getattr(torch.from_numpy(x), name)(axis)
        np.testing.assert_array_equal(ours.indices.numpy(), theirs.indices.numpy())
        np.testing.assert_array_equal(ours.values.numpy(), theirs.values.numpy())
        index = getattr(mt.from_numpy(x), f"arg{name}")(axis)
        np.testing.assert_array_equal(index.numpy(), theirs.indices.numpy())
        np.testing.assert_array_equal(*(np.signbit(r.values.numpy()) for r in (ours, theirs)))


def test_both_ways_are_taken():
    """Few hits are looked for, many and NaN are left to NumPy."""
    for fill in FILLS:
        x = filled(fill, (1, 90, 300), np.float32)
        looked_for = extremes._among_hits(np.maximum, x) is not None
        assert looked_for == (fill in ("normal", "whole numbers", "infinite")), fill
