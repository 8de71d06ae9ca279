"""Windows beside torch: torch's own arithmetic, and the formulas in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minitorch_ref as mt

COSINES = ("blackman_window", "hamming_window", "hann_window")
HALF = ("bartlett_window", "kaiser_window")
NAMES = ("bartlett_window", *COSINES)


def pair(name, *args, kind, **options):
    a = getattr(mt, name)(*args, dtype=getattr(mt, kind), **options).numpy()
    b = getattr(torch, name)(*args, dtype=getattr(torch, kind), **options).numpy()
    assert a.dtype == b.dtype and a.shape == b.shape
    return a, b


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(NAMES), st.integers(0, 200), st.booleans(), st.sampled_from(["float32", "float64"]))
def test_as_torch(name, length, periodic, kind):
    a, b = pair(name, length, periodic, kind=kind)
    if name == "bartlett_window":
        assert np.array_equal(a, b)
    else:  # terms of at most one, a few roundings each
        np.testing.assert_allclose(a, b, rtol=0, atol=3 * np.finfo(kind).eps)


@pytest.mark.parametrize("name", HALF)
@pytest.mark.parametrize("length", [2, 7, 50, 129])
def test_half_to_the_bit(name, length):
    a, b = pair(name, length, kind="float16")
    assert np.array_equal(a, b)


FORMULAS = {
    "bartlett_window": lambda x: 1 - abs(2 * x - 1),
    "blackman_window": lambda x: 0.42 - 0.5 * np.cos(2 * np.pi * x) + 0.08 * np.cos(4 * np.pi * x),
    "hamming_window": lambda x: 0.54 - 0.46 * np.cos(2 * np.pi * x),
    "hann_window": lambda x: np.sin(np.pi * x) ** 2,
    "kaiser_window": lambda x: np.i0(12 * np.sqrt(1 - (2 * x - 1) ** 2)) / np.i0(12.0),
}


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("length", [2, 3, 16, 101])
@pytest.mark.parametrize("periodic", [True, False])
def test_formula(name, length, periodic):
    x = np.arange(length) / (length - 1 + periodic)
    ours = getattr(mt, name)(length, periodic, dtype=mt.float64).numpy()
    np.testing.assert_allclose(ours, FORMULAS[name](x), rtol=1e-12, atol=1e-15)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 100), st.booleans(), st.floats(0.0, 20.0))
def test_kaiser_is_no_further_from_the_truth_than_torch(length, periodic, beta):
    from scipy.special import i0e

    a, b = pair("kaiser_window", length, periodic, beta, kind="float32")
    if length < 2:
        assert np.array_equal(a, b)
        return
    x = np.arange(length) / (length - 1 + periodic)
    root = np.sqrt(np.maximum(1 - (2 * x - 1) ** 2, 0))
    truth = i0e(beta * root) / i0e(beta) * np.exp(beta * root - beta)
    ours, theirs = (abs(v.astype(np.float64) - truth) for v in (a, b))
    assert (ours <= np.maximum(theirs.max(), np.spacing(truth.astype(np.float32)))).all()


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 60), st.booleans(), st.floats(-1, 1), st.floats(-1, 1))
def test_hamming_coefficients(length, periodic, alpha, beta):
    a, b = pair("hamming_window", length, periodic, alpha, beta, kind="float64")
    np.testing.assert_allclose(a, b, rtol=0, atol=1e-15)


BAD = [
    ("hann_window", (-1,), {}), ("hann_window", (5,), {"dtype": "int64"}),
    ("hann_window", (2.5,), {}), ("hann_window", (5,), {"dtype": "complex64"}),
    ("kaiser_window", (5,), {"beta": 2.0}), ("hamming_window", (5,), {"alpha": 0.5}),
    ("bartlett_window", (True,), {}), ("hann_window", (5, 3), {}),
]  # fmt: skip


@pytest.mark.parametrize("name, args, options", BAD)
def test_refusals(name, args, options):
    found = []
    for engine in (mt, torch):
        wanted = {k: getattr(engine, v) if k == "dtype" else v for k, v in options.items()}
        with pytest.raises((TypeError, RuntimeError, NotImplementedError)) as caught:
            getattr(engine, name)(*args, **wanted)
        found.append((caught.type, str(caught.value)))
    assert found[0][0] is found[1][0]
    if found[1][0] is not TypeError:
        assert found[0][1] == found[1][1]


@pytest.mark.parametrize("name", torch.signal.windows.__all__)
@pytest.mark.parametrize("sym", [True, False])
def test_signal_windows(name, sym):
    more = {"a": [0.4, 0.5, 0.1]} if name == "general_cosine" else {}
    for length in (0, 1, 2, 5, 32):
        a, b = (
            getattr(e.signal.windows, name)(length, sym=sym, dtype=e.float64, **more).numpy()
            for e in (mt, torch)
        )
        assert a.shape == b.shape and a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-14)
    for bad in ({"M": -1}, {"M": 3, "dtype": "float16"}):
        for engine in (mt, torch):
            wanted = {k: getattr(engine, v) if k == "dtype" else v for k, v in bad.items()}
            with pytest.raises(ValueError, match="requires non-negative|expects float32 or float64"):
                getattr(engine.signal.windows, name)(**wanted, sym=sym, **more)
