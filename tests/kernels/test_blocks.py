"""Large arrays split over threads: NumPy's own bits, dtypes and broadcasting, whoever does the work."""

from __future__ import annotations

import numpy as np
import pytest
from bits import same_bits

import minitorch_ref as mt
from minitorch_ref.kernels import blocks, threads

SIZE = blocks.LARGE + 12_345  # a last part that is shorter than the others


@pytest.fixture(params=[1, 2, 3], autouse=True)
def number_of_threads(request):
    before = threads.get_num_threads()
    threads.set_num_threads(request.param)
    yield request.param
    threads.set_num_threads(before)


def special(seed, dtype=np.float32):
    """Numbers of all sizes, with zeros of both signs, infinities, NaN and denormals among them."""
    draw = np.random.default_rng(seed)
    x = (draw.standard_normal(SIZE) * 10.0 ** draw.integers(-30, 30, SIZE)).astype(dtype)
    x[draw.integers(0, SIZE, 500)] = np.resize([0.0, -0.0, np.inf, -np.inf, np.nan, 1e-42], 500)
    return x


UFUNCS = {
    "add": (np.add, 2), "multiply": (np.multiply, 2), "maximum": (np.maximum, 2),
    "less": (np.less, 2), "exp": (np.exp, 1), "tanh": (np.tanh, 1), "log": (np.log, 1),
    "sin": (np.sin, 1), "isnan": (np.isnan, 1),
}  # fmt: skip


@pytest.mark.parametrize("name", UFUNCS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numpys_bits(name, dtype):
    ufunc, count = UFUNCS[name]
    operands = [special(i, dtype) for i in range(count)]
    with np.errstate(all="ignore"):
        expected, found = ufunc(*operands), blocks.spread(ufunc, *operands)
    assert same_bits(found, expected)


def test_numbers_mixed_types_and_shapes_are_numpys():
    x = special(0)
    mask = x > 0
    with np.errstate(all="ignore"):
        for ufunc, operands in (
            (np.multiply, (x, 2.5)), (np.subtract, (1.0, x)), (np.not_equal, (x, 0)),
            (np.multiply, (x.view(np.int32), mask)), (np.add, (x.reshape(1, -1), x.reshape(1, -1))),
            (np.add, (x, x[:1])), (np.add, (x, x[::-1])), (np.add, (x[:1], x)),
        ):  # fmt: skip
            expected, found = ufunc(*operands), blocks.spread(ufunc, *operands)
            assert same_bits(found, expected)


def test_a_part_that_is_left_out_would_be_noticed(monkeypatch, number_of_threads):
    if number_of_threads == 1:
        return
    monkeypatch.setattr(blocks, "parallel_for", lambda task, n: [task(i) for i in range(n - 1)])
    monkeypatch.setattr(np, "empty", np.zeros)
    with pytest.raises(AssertionError):
        test_numpys_bits("exp", np.float32)


@pytest.mark.filterwarnings("error")
def test_operations_on_tensors_are_split_and_silent():
    x = mt.from_numpy(special(3))
    y = mt.from_numpy(special(4))
    with np.errstate(all="ignore"):
        assert np.array_equal((x * y).numpy(), x.numpy() * y.numpy(), equal_nan=True)
        assert np.array_equal((x < y).numpy(), x.numpy() < y.numpy())
        assert np.array_equal((-x).numpy(), -x.numpy(), equal_nan=True)
    with pytest.raises(RuntimeError, match="must match the size"):
        x + y[1:]


def test_relu_and_its_gradient():
    x = mt.from_numpy(special(5)).requires_grad_()
    g = mt.from_numpy(special(6))
    y = mt.relu(x)
    y.backward(g)
    a = x.detach().numpy()
    expected = np.where(a > 0, a, np.where(np.isnan(a), a, 0 * np.sign(a)))
    assert np.array_equal(y.detach().numpy(), expected, equal_nan=True)
    kept = np.where((a > 0) | np.isnan(a), g.numpy(), 0)
    assert same_bits(x.grad.numpy(), kept.astype(np.float32))
