"""torch.fft beside torch in float64: values, gradients, second gradients, and what transforms obey."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minitorch_ref as mt

ONE = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
MANY = ("fftn", "ifftn", "rfftn", "irfftn", "hfftn", "ihfftn")
TWO = ("fft2", "ifft2", "rfft2", "irfft2", "hfft2", "ihfft2")
REAL_ONLY = ("rfft", "ihfft", "rfftn", "ihfftn", "rfft2", "ihfft2")
NORMS = (None, "backward", "ortho", "forward")


def values(shape, is_complex, seed):
    rng = np.random.RandomState(seed)
    data = rng.randn(*shape)
    return data + 1j * rng.randn(*shape) if is_complex else data


def both(name, data, *args, **kwargs):
    """(result, gradient, second gradient's sum) of one transform on both engines."""
    found = []
    for engine in (mt, torch):
        x = engine.from_numpy(data.copy()).requires_grad_()
        out = getattr(engine.fft, name)(x, *args, **kwargs)
        loss = (out.abs() ** 3).sum()
        (grad,) = engine.autograd.grad(loss, x, create_graph=True)
        (grad.abs() ** 2).sum().backward()
        found.append([t.detach().resolve_conj().numpy() for t in (out, grad, x.grad)])
    return found


def assert_same(ours, theirs):
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape and a.dtype == b.dtype
        scale = np.abs(b).max() if b.size else 1.0
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-11 * max(scale, 1.0))


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(ONE), st.integers(2, 9), st.integers(1, 4), st.none() | st.integers(1, 12),
    st.sampled_from([0, 1, -1, -2]), st.sampled_from(NORMS), st.booleans(), st.integers(0, 99),
)  # fmt: skip
def test_one_dim(name, length, other, n, dim, norm, is_complex, seed):
    shape = (length, other) if dim in (0, -2) else (other, length)
    data = values(shape, is_complex and name not in REAL_ONLY, seed)
    assert_same(*both(name, data, n, dim, norm))


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(MANY), st.permutations([0, 1, 2]), st.integers(1, 3), st.booleans(),
    st.sampled_from(NORMS), st.booleans(), st.integers(0, 99),
)  # fmt: skip
def test_several_dims(name, order, count, sized, norm, is_complex, seed):
    rng = np.random.RandomState(seed)
    shape = tuple(rng.randint(2, 5, 3))
    dims = tuple(order[:count])
    s = tuple(int(n) for n in rng.randint(1, 7, count)) if sized else None
    data = values(shape, is_complex and name not in REAL_ONLY, seed)
    assert_same(*both(name, data, s, dims, norm))


@pytest.mark.parametrize("name", TWO)
@pytest.mark.parametrize("s", [None, (3, 5), (-1, 4)])
def test_two_dims(name, s):
    data = values((2, 4, 6), name not in REAL_ONLY, 3)
    assert_same(*both(name, data, s))


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 40), st.sampled_from(NORMS), st.integers(0, 99))
def test_inverses_undo(n, norm, seed):
    x = mt.from_numpy(values((3, n), True, seed))
    back = mt.fft.ifft(mt.fft.fft(x, norm=norm), norm=norm)
    np.testing.assert_allclose(back.numpy(), x.numpy(), atol=1e-12)
    real = mt.from_numpy(values((3, n), False, seed))
    np.testing.assert_allclose(
        mt.fft.irfft(mt.fft.rfft(real, norm=norm), n, norm=norm).numpy(), real.numpy(), atol=1e-12
    )
    np.testing.assert_allclose(
        mt.fft.hfft(mt.fft.ihfft(real, norm=norm), n, norm=norm).numpy(), real.numpy(), atol=1e-12
    )


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 30), st.integers(0, 99))
def test_energy_is_kept_and_the_definition_holds(n, seed):
    x = values((n,), True, seed)
    spectrum = mt.fft.fft(mt.from_numpy(x)).numpy()
    k = np.arange(n)
    direct = np.exp(-2j * np.pi * np.outer(k, k) / n) @ x
    np.testing.assert_allclose(spectrum, direct, atol=1e-11)
    whole = mt.fft.fft(mt.from_numpy(x), norm="ortho").numpy()
    np.testing.assert_allclose((abs(whole) ** 2).sum(), (abs(x) ** 2).sum(), rtol=1e-12)


@pytest.mark.parametrize("name", ONE + MANY)
@pytest.mark.parametrize(
    "kind", ["complex64", "complex128", "float16", "float32", "float64", "int64", "bool"]
)
def test_out_of_every_type(name, kind):
    data = values((5, 6), False, 1).astype(np.float32)
    found = []
    for engine in (mt, torch):
        out = engine.empty(0, dtype=getattr(engine, kind))
        try:
            result = getattr(engine.fft, name)(engine.from_numpy(data.copy()), out=out)
            assert result is out
            found.append((tuple(out.shape), out.resolve_conj().numpy()))
        except (RuntimeError, TypeError) as error:
            found.append((type(error), str(error)))
    (a, x), (b, y) = found
    assert a == b
    if isinstance(x, str):
        assert x == y
    else:
        np.testing.assert_allclose(x, y, rtol=3e-3 if kind == "float16" else 1e-5, atol=1e-4)


@pytest.mark.parametrize("name", ["fftfreq", "rfftfreq"])
@pytest.mark.parametrize("n", [0, 1, 2, 7, 8, 31])
@pytest.mark.parametrize("kind", ["float16", "float32", "float64"])
def test_frequencies_to_the_bit(name, n, kind):
    for d in (1.0, 0.25, 0.3, 7.0):
        a = getattr(mt.fft, name)(n, d, dtype=getattr(mt, kind)).numpy()
        b = getattr(torch.fft, name)(n, d, dtype=getattr(torch, kind)).numpy()
        assert a.dtype == b.dtype and np.array_equal(a, b, equal_nan=True)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=3), st.integers(0, 9))
def test_shifts(shape, seed):
    data = values(tuple(shape), False, seed)
    for name in ("fftshift", "ifftshift"):
        for dim in (None, 0, tuple(range(len(shape)))):
            a = getattr(mt.fft, name)(mt.from_numpy(data), dim).numpy()
            assert np.array_equal(a, getattr(torch.fft, name)(torch.from_numpy(data), dim).numpy())
    back = mt.fft.ifftshift(mt.fft.fftshift(mt.from_numpy(data)))
    assert np.array_equal(back.numpy(), data)


def test_a_scaled_transform_would_be_seen():
    ours, theirs = both("fft", values((8,), True, 0))
    ours[0] = ours[0] * (1 + 1e-9)
    with pytest.raises(AssertionError):
        assert_same(ours, theirs)
