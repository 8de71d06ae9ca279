"""The comparison with torch of `tests/nn_functional`, and arrays with ties and special values."""

import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1] / "nn_functional"))

from functional_sides import OURS, TORCH, check, same_error  # noqa: E402

__all__ = ["OURS", "TORCH", "array", "check", "exactly", "same_error"]

NAN, INF = float("nan"), float("inf")


def array(shape, dtype, seed=0, ties=False, special=False):
    """Numbers of any dtype; with many equal ones, or with NaN, inf and zeros of both signs."""
    rng = np.random.default_rng(seed)
    kind = np.dtype(dtype)
    if kind.kind == "b":
        return np.asarray(rng.random(shape) < 0.5)
    if kind.kind in "iu" or ties:
        return np.asarray(rng.integers(0 if kind.kind == "u" else -3, 4, shape)).astype(kind)
    values = np.asarray(rng.normal(size=shape) * 2)
    if special and values.size:
        pool = np.array([NAN, INF, -INF, 0.0, -0.0, 1.0])
        values = np.where(rng.random(shape) < 0.4, rng.choice(pool, shape), values)
    return np.asarray(values).astype(kind)


def exactly(f, *arrays):
    """Both sides give equal values (any NaN equals any NaN), dtypes and shapes."""
    results = []
    for lib, _ in (OURS, TORCH):
        out = f(lib, *[lib.from_numpy(a.copy()) for a in arrays])
        results.append([t.numpy() for t in (out if isinstance(out, tuple) else (out,))])
    assert len(results[0]) == len(results[1])
    for ours, theirs in zip(*results):
        assert ours.dtype == theirs.dtype, (ours.dtype, theirs.dtype)
        assert ours.shape == theirs.shape, (ours.shape, theirs.shape)
        np.testing.assert_array_equal(ours, theirs)
