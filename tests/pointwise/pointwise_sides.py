"""One call on both engines, compared bit for bit: results, memory written to, gradients, errors."""

from __future__ import annotations

import warnings

import numpy as np
import torch

import minitorch_ref as mt
from parity.errors import difference

DTYPES = ["bool", "uint8", "int8", "int64", "float16", "float32", "float64", "complex64"]


def run(side, call, arrays, grad=False):
    """(error, results, inputs afterwards, gradients), all as NumPy arrays."""
    inputs = [side.from_numpy(a.copy()) for a in arrays]
    leaves = [x.requires_grad_() for x in inputs if grad and x.is_floating_point()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            result = call(side, *inputs)
            if grad:
                result.sum().backward()
        except Exception as error:
            return (type(error).__name__, str(error)), [], [], []
    results = [r.detach().numpy() for r in (result if isinstance(result, tuple) else (result,))]
    gradients = [x.grad.numpy() for x in leaves if x.grad is not None]
    return None, results, [x.detach().numpy() for x in inputs], gradients


def same(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and np.array_equal(bits(a), bits(b))


def bits(a):
    """The bits, with every NaN the same."""
    if a.dtype.kind not in "fc":
        return a
    parts = np.stack([a.real, a.imag], -1) if a.dtype.kind == "c" else a
    canonical = np.where(np.isnan(parts), parts.dtype.type(np.nan), parts)
    return canonical.view(f"u{canonical.itemsize}")


def agree(call, *arrays, grad=False):
    """Assert that both engines do the same; returns torch's error, if there was one."""
    ours, theirs = (run(side, call, arrays, grad) for side in (mt, torch))
    if theirs[0] is not None or ours[0] is not None:
        assert ours[0] is not None, f"torch raises {theirs[0]}; ours gives {ours[1]}"
        assert theirs[0] is not None, f"ours raises {ours[0]}; torch gives {theirs[1]}"
        assert not (why := difference(ours[0], theirs[0])), why
        return theirs[0]
    for mine, others in zip(ours[1:], theirs[1:]):
        assert len(mine) == len(others)
        for a, b in zip(mine, others):
            assert same(a, b), f"ours {a}\ntorch {b}"
    return None
