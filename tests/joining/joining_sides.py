"""One call on both engines: values, dtypes, strides, node names, gradients, errors."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import assume

import minitorch_ref as mt

DTYPES = ["bool", "uint8", "int16", "int64", "float16", "float32", "float64", "complex64"]


def leaf(side, array, grad=True):
    t = (torch if side is torch else mt).from_numpy(array.copy())
    return t.requires_grad_() if grad and array.dtype.kind in "fc" else t


def listed(result):
    return list(result) if isinstance(result, (tuple, list)) else [result]


def node_name(t):
    return t.grad_fn and t.grad_fn.name()


def steps(t):
    """The strides that mean something: of dims that have a second entry."""
    return [s for s, n in zip(t.stride(), t.shape) if n > 1] if t.numel() else []


def array_of(t):
    return t.detach().numpy()


def outcome(side, call, arrays):
    """What a call gives: the results and the inputs' gradients; or the error."""
    inputs = [leaf(side, a) for a in arrays]
    try:
        results = listed(call(side, *inputs))
    except Exception as error:
        return type(error), str(error).split("\n")[0]
    draw = np.random.default_rng(1)
    total = None
    for r in results:
        if r.requires_grad:
            weight = leaf(side, np.asarray(draw.standard_normal(tuple(r.shape))), grad=False)
            part = (r.abs() * r.abs() * weight).sum().double() if r.is_complex() else (
                r.double() * weight
            ).sum()  # fmt: skip
            total = part if total is None else total + part
    if total is not None and total.requires_grad:
        try:
            total.backward()
        except RuntimeError:
            assume(side is mt)  # torch's own gradient fails: nothing to compare with
            raise
    return results, [t.grad for t in inputs]


def agree(call, *arrays, strides=True, names=True, messages=False):
    """Assert that `call(side, *tensors)` does the same on both engines.

    Errors must be of the same type, and with `messages` say the same.
    """
    theirs, ours = outcome(torch, call, arrays), outcome(mt, call, arrays)
    if isinstance(theirs[0], type):
        parts = 2 if messages else 1
        assert ours[:parts] == theirs[:parts], (ours, theirs)
        return
    assert not isinstance(ours[0], type), ours
    assert len(ours[0]) == len(theirs[0]), (ours, theirs)
    for a, b in zip(ours[0], theirs[0]):
        assert tuple(a.shape) == tuple(b.shape)
        assert str(a.dtype) == str(b.dtype)
        np.testing.assert_array_equal(array_of(a), array_of(b))
        assert ("view", a._is_view()) == ("view", b._is_view())
        if strides:
            assert steps(a) == steps(b)
        if names:
            assert node_name(a) == node_name(b)
    for a, b in zip(ours[1], theirs[1]):
        assert (a is None) == (b is None)
        if a is not None:
            close = 2e-3 if a.dtype is mt.float16 else 1e-6  # sums of halves round differently
            np.testing.assert_allclose(array_of(a), array_of(b), rtol=close, atol=close)


def values(shape, dtype="float64", seed=0):
    draw = np.random.default_rng(seed)
    numbers = draw.integers(-4, 9, shape) + (0.5 if np.dtype(dtype).kind in "fc" else 0)
    if np.dtype(dtype).kind == "c":
        numbers = numbers + 1j * draw.integers(-4, 9, shape)
    if np.dtype(dtype).kind == "u":
        numbers = np.abs(numbers)
    return np.asarray(numbers, dtype)
