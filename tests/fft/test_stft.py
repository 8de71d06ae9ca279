"""stft and istft beside torch: every keyword, gradients for signal and window, messages."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minitorch_ref as mt

pytestmark = pytest.mark.filterwarnings("ignore")


def run(engine, name, data, window, *args, **kwargs):
    """(result, gradients) or the error's type and first line."""
    x = engine.from_numpy(data.copy()).requires_grad_()
    w = None if window is None else engine.from_numpy(window.copy()).requires_grad_()
    try:
        out = getattr(engine, name)(x, *args, window=w, **kwargs)
    except (RuntimeError, NotImplementedError, IndexError) as error:
        return type(error), str(error).split("\n")[0]
    (out.abs() ** 2).sum().backward()
    return [t.detach().resolve_conj().numpy() for t in (out, x.grad, *([] if w is None else [w.grad]))]


def assert_same(name, data, window, *args, **kwargs):
    a = run(mt, name, data, window, *args, **kwargs)
    b = run(torch, name, data, window, *args, **kwargs)
    if isinstance(b, tuple):
        assert a == b
        return
    for x, y in zip(a, b, strict=True):
        assert x.shape == y.shape and x.dtype == y.dtype
        np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-10 * max(1.0, abs(y).max()))


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_stft(data):
    n_fft = data.draw(st.integers(1, 9))
    width = data.draw(st.integers(max(1, n_fft - 4), n_fft))
    batch = data.draw(st.sampled_from([(), (2,), (0 + 1,)]))
    length = data.draw(st.integers(6, 24))
    is_complex = data.draw(st.booleans())
    center = data.draw(st.booleans())
    rng = np.random.RandomState(data.draw(st.integers(0, 99)))
    x = rng.randn(*batch, length) + (1j * rng.randn(*batch, length) if is_complex else 0)
    window = rng.rand(width) if data.draw(st.booleans()) else None
    options = {
        "hop_length": data.draw(st.integers(1, 5)), "win_length": width, "center": center,
        "pad_mode": data.draw(st.sampled_from(["reflect", "constant", "replicate", "circular"])),
        "normalized": data.draw(st.booleans()), "onesided": data.draw(st.sampled_from([None, False])),
        "return_complex": data.draw(st.booleans()),
    }  # fmt: skip
    if not center and (n_fft - width) % 2 == 0:
        options["align_to_window"] = data.draw(st.sampled_from([None, True, False]))
    assert_same("stft", x, window, n_fft, **options)


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_istft(data):
    n_fft = data.draw(st.integers(2, 9))
    width = data.draw(st.integers(max(2, n_fft - 3), n_fft))
    onesided = data.draw(st.sampled_from([None, True, False]))
    bins = n_fft if onesided is False else n_fft // 2 + 1
    batch = data.draw(st.sampled_from([(), (2,)]))
    rng = np.random.RandomState(data.draw(st.integers(0, 99)))
    shape = (*batch, bins, data.draw(st.integers(3, 7)))
    x = rng.randn(*shape) + 1j * rng.randn(*shape)
    window = rng.rand(width) + 0.25 if data.draw(st.booleans()) else None
    options = {
        "hop_length": data.draw(st.integers(1, width)), "win_length": width, "onesided": onesided,
        "center": data.draw(st.booleans()), "normalized": data.draw(st.booleans()),
        "length": data.draw(st.none() | st.integers(1, 12)),
    }  # fmt: skip
    assert_same("istft", x, window, n_fft, **options)


@settings(max_examples=100, deadline=None)
@given(st.integers(2, 16), st.integers(0, 99), st.booleans())
def test_istft_undoes_stft(n_fft, seed, normalized):
    rng = np.random.RandomState(seed)
    x, window = mt.from_numpy(rng.randn(2, 60)), mt.from_numpy(rng.rand(n_fft) + 0.1)
    options = {"hop_length": max(1, n_fft // 4), "window": window, "normalized": normalized}
    spectra = x.stft(n_fft, return_complex=True, **options)
    back = spectra.istft(n_fft, length=60, onesided=True, **options)
    np.testing.assert_allclose(back.numpy(), x.numpy(), atol=1e-10)


def test_a_frame_is_the_transform_of_its_samples():
    x = np.random.RandomState(0).randn(20)
    window = np.hanning(8)
    out = mt.stft(
        mt.from_numpy(x), 8, 3, window=mt.from_numpy(window), center=False, return_complex=True
    )
    for t in range(out.shape[1]):
        np.testing.assert_allclose(
            out.numpy()[:, t], np.fft.rfft(x[3 * t : 3 * t + 8] * window), atol=1e-12
        )


BAD = [
    ("stft", (4,), "d", 8, {}), ("stft", (20,), "d", 8, {"hop_length": 0}),
    ("stft", (20,), "d", 8, {"win_length": 9}), ("stft", (20,), "d", 0, {"center": False}),
    ("stft", (2, 2, 20), "d", 4, {}), ("stft", (20,), "d", 8, {"pad_mode": "odd"}),
    ("stft", (20,), "D", 8, {"onesided": True}), ("stft", (5,), "d", 8, {"center": False}),
    ("istft", (5, 9), "d", 8, {}), ("istft", (5,), "D", 8, {}), ("istft", (5, 9), "D", 7, {}),
    ("istft", (5, 9), "D", 8, {"onesided": False}), ("istft", (5, 9), "D", 8, {"hop_length": 9}),
    ("istft", (5, 9), "D", 8, {"win_length": 9}), ("istft", (2, 2, 5, 9), "D", 8, {}),
    ("istft", (5, 0), "D", 8, {}), ("istft", (5, 9), "D", 8, {"return_complex": True}),
]  # fmt: skip


@pytest.mark.parametrize("name, shape, kind, n_fft, options", BAD)
def test_messages(name, shape, kind, n_fft, options):
    data = np.ones(shape, kind)
    extra = {"return_complex": True} if name == "stft" else {}
    a, b = (run(e, name, data, None, n_fft, **{**extra, **options}) for e in (mt, torch))
    assert isinstance(b, tuple) and a == b


@pytest.mark.filterwarnings("default")
def test_warnings():
    x = mt.randn(20)
    with pytest.warns(UserWarning, match="window was not provided"):
        z = mt.stft(x, 8, return_complex=True)
    with pytest.warns(UserWarning, match="return_complex=False is deprecated"):
        mt.stft(x, 8, window=mt.ones(8), return_complex=False)
    with pytest.warns(UserWarning, match="shorter than the length parameter"):
        mt.istft(z, 8, window=mt.ones(8), length=60)
    with pytest.raises(RuntimeError, match="requires the return_complex parameter"):
        mt.stft(x, 8, window=mt.ones(8))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mt.stft(x, 8, window=mt.ones(8), return_complex=True)
