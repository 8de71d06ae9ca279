"""Functions worked out in the next wider type: their error against mpmath, and that cutting the array
into pieces changes nothing; the fused sums; what the argument parser takes beside the signature."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minitorch_ref as mt
from minitorch_ref.kernels import fma, wider
from parity import precise, ulp

ONE_ROUNDING = 0.51  # ULP: the wide result, rounded once


def _points(low: float, high: float, kind: str, count: int = 300) -> np.ndarray:
    draw = np.random.default_rng(7)
    x = draw.uniform(low, high, count)
    return (x + 1j * draw.uniform(low, high, count) if kind in "FD" else x).astype(kind)


def _error(name: str, function, x: np.ndarray) -> float:
    ours = function(mt.from_numpy(x)).numpy()
    assert ours.dtype == x.dtype
    return float(ulp.error(ours, precise.evaluate(name, [x], ours)).max())


NAMES = ("sigmoid", "silu", "mish", "softplus", "logsigmoid", "gelu", "tanhshrink")
REGIONS = ((-1e-4, 1e-4), (-1.0, 1.0), (-10.0, 10.0), (-30.0, -10.0))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("region", REGIONS)
def test_float32_is_rounded_once(name: str, region: tuple[float, float]) -> None:
    function = getattr(mt, name, None) or getattr(mt.nn.functional, name)
    assert _error(name, function, _points(*region, "f")) <= ONE_ROUNDING


@pytest.mark.parametrize("name", ["sigmoid", "silu", "mish", "softplus", "gelu"])
@pytest.mark.parametrize("region", [(-1e-4, 1e-4), (-1.0, 1.0)])
def test_float64_stays_within_the_contract(name: str, region: tuple[float, float]) -> None:
    function = getattr(mt, name, None) or getattr(mt.nn.functional, name)
    assert _error(name, function, _points(*region, "d")) <= 2


@pytest.mark.parametrize("kind", ["F", "D"])
@pytest.mark.parametrize("region", [(-1e-9, 1e-9), (-1e-4, 1e-4), (-0.5, 0.5), (-3.0, 3.0)])
def test_complex_log1p_does_not_cancel(kind: str, region: tuple[float, float]) -> None:
    assert _error("log1p", mt.log1p, _points(*region, kind)) <= 2


def test_log_near_one() -> None:
    assert _error("log", mt.log, _points(0.9, 1.1, "f")) <= ONE_ROUNDING


@pytest.mark.parametrize("kernel", [wider.logistic, wider.silu, wider.mish, wider.gelu, wider.log])
def test_pieces_do_not_show(kernel) -> None:
    x = np.linspace(0.01, 9, 20_011, dtype=np.float32)
    whole = kernel(x)
    assert np.array_equal(whole, np.concatenate([kernel(p) for p in np.array_split(x, 997)]))
    assert np.array_equal(kernel(x[::3]), whole[::3])
    assert kernel(x[0].reshape(())).shape == ()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 3, 8, 200, 9001]))
def test_fused_sums_round_once(seed: int, size: int) -> None:
    """Against exact integers: products and sums that meet float32's ties on purpose."""
    draw = np.random.default_rng(seed)
    a, b = (draw.integers(-(2**24), 2**24, size) for _ in range(2))
    c = draw.integers(-(2**24), 2**24, size) * 2 ** draw.integers(0, 24, size)
    got = fma.fma(*(v.astype(np.float32) for v in (a, b, c)))
    exact = [int(x) * int(y) + int(z) for x, y, z in zip(a, b, c)]  # below 2⁵³: exact in float64
    assert np.array_equal(got, np.array(exact, np.float64).astype(np.float32))


@pytest.mark.parametrize("alpha", [2, -4, 0.5, 3, -0.7, 2.0**120])
@pytest.mark.parametrize("size", [4, 64, 4096])
def test_scaled_sums_have_torchs_bits(alpha: float, size: int) -> None:
    x, y = np.random.default_rng(3).standard_normal((2, size)).astype(np.float32)
    for name in ("add", "sub"):
        ours = getattr(mt, name)(mt.from_numpy(x), mt.from_numpy(y), alpha=alpha).numpy()
        theirs = getattr(torch, name)(torch.from_numpy(x), torch.from_numpy(y), alpha=alpha)
        assert np.array_equal(ours[: size - size % 8], theirs.numpy()[: size - size % 8])


OLD = [
    lambda e, x: e.add(x, 2, x), lambda e, x: x.clone().add_(2, x), lambda e, x: e.sub(x, 2, x),
    lambda e, x: e.addcmul(x, 2, x, x), lambda e, x: x.addcdiv(2, x, x + 1),
    lambda e, x: e.addmm(0.5, x, 2, x, x), lambda e, x: x.addmm(0.5, x, x),
    lambda e, x: e.addmv(0.5, x[0], 2, x, x[0]), lambda e, x: e.addr(0.5, x, x[0], x[1]),
]  # fmt: skip


@pytest.mark.parametrize("call", OLD)
def test_orders_of_old(call) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours, theirs = (call(e, e.tensor([[1.0, 2.0], [3.0, 4.0]])) for e in (mt, torch))
    assert ours.tolist() == theirs.tolist()


@pytest.mark.parametrize("name", ["unbind", "squeeze", "unsqueeze", "chunk", "stack", "diff"])
def test_axis_stands_for_dim(name: str) -> None:
    results = []
    for e in (mt, torch):
        x = e.ones(2, 3)
        extra = (2,) if name == "chunk" else ()
        got = getattr(e, name)([x] if name == "stack" else x, *extra, axis=0)
        results.append([tuple(g.shape) for g in (got if isinstance(got, tuple) else (got,))])
    assert results[0] == results[1]


@pytest.mark.parametrize("name", ["reshape", "permute"])
def test_functions_take_one_shape(name: str) -> None:
    for e in (mt, torch):
        with pytest.raises(TypeError, match="positional arguments but 3 were given"):
            getattr(e, name)(e.ones(2, 3), 1, 0)
