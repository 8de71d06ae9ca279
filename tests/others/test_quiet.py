"""Calls without NumPy's warnings: nested, from several threads, with errors; and the user's own state."""

import threading
import warnings

import numpy as np
import pytest
import torch
from bits import same_bits
from hypothesis import given
from hypothesis import strategies as st

import minitorch_ref as mt
from minitorch_ref.ops import short_way
from minitorch_ref.quiet import BUFFER, fp, hushed


def divide():
    return np.divide(np.float32(1), np.zeros(3, np.float32))


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_a_call_is_silent_and_the_state_outside_stays():
    with np.errstate(divide="raise"):
        for call in (fp.quiet, hushed):
            assert np.isinf(call(divide)).all()
            assert call(np.geterr)["divide"] == "ignore" and call(np.getbufsize) == BUFFER
            assert np.geterr()["divide"] == "raise" and np.getbufsize() != BUFFER
        with pytest.raises(FloatingPointError):
            divide()


def test_calls_within_calls():
    inner = []

    def outer():
        inner.append(fp.quiet(divide))
        with pytest.raises(RuntimeError, match="cannot enter context"):
            hushed(divide)
        inner.append(divide())
        x = mt.zeros(3)
        inner.extend([(1 / x).numpy(), mt.log(x).numpy(), (x + 1 / x).numpy()])
        return fp.quiet(fp.quiet, divide)

    assert np.isinf(fp.quiet(outer)).all()
    assert len(inner) == 5 and all(np.isinf(a).all() for a in inner)
    assert np.isinf(fp.quiet(divide)).all()  # and the context is free again


def test_an_error_passes_and_the_call_is_not_repeated():
    calls = []

    def fail(error):
        calls.append(error)
        raise error

    for error in (RuntimeError("cannot enter context: said by the function"), ValueError("x"), KeyboardInterrupt()):
        with pytest.raises(type(error)):
            fp.quiet(fail, error)
        with pytest.raises(type(error)):
            fp.quiet(fp.quiet, fail, error)
    assert len(calls) == 6


def test_threads_do_not_wait_for_each_other():
    entered, leave, found = threading.Event(), threading.Event(), []

    def long_call():
        entered.set()
        assert leave.wait(60)
        return divide()

    thread = threading.Thread(target=lambda: found.append(fp.quiet(long_call)))
    thread.start()
    assert entered.wait(60)
    x = mt.zeros(3, requires_grad=True)
    (1 / x).sum().backward()  # while the context is in use
    assert torch.isinf(torch.from_numpy(x.grad.numpy())).all()
    assert np.isinf(fp.quiet(divide)).all()
    leave.set()
    thread.join(60)
    assert np.isinf(found[0]).all()


def test_many_threads_compute_what_one_does():
    x = mt.arange(1, 2001, dtype=mt.float32)
    expected = ((x * 1.5 + 2) / 0 - x).numpy()
    found = []
    threads = [
        threading.Thread(target=lambda: found.extend(((x * 1.5 + 2) / 0 - x).numpy() for _ in range(50)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == 200 and all(same_bits(a, expected) for a in found)


NUMBERS = st.one_of(
    st.floats(), st.integers(-(2**53), 2**53), st.sampled_from([0.0, -0.0, 1e300, 1e-46, 1e-40, 16777217])
)


@given(st.sampled_from(["float32", "float64"]), st.lists(NUMBERS, min_size=1, max_size=4))
def test_numbers_are_converted_as_torch_does(dtype, numbers):
    values = [1.5, -0.0, float("inf"), 3e-39]
    x, y = mt.tensor(values, dtype=getattr(mt, dtype)), torch.tensor(values, dtype=getattr(torch, dtype))
    for number in numbers * 2:  # the second time they are remembered
        for function in (lambda t: t * number, lambda t: number - t, lambda t: t / number, lambda t: t > number):
            ours, theirs = function(x).numpy(), function(y).numpy()
            assert ours.dtype == theirs.dtype and np.array_equal(ours, theirs, equal_nan=ours.dtype != bool)
            assert np.array_equal(np.signbit(ours[ours == 0]), np.signbit(theirs[ours == 0]))


def test_few_numbers_are_remembered_and_none_that_equals_another():
    x = mt.ones(2)
    for i in range(3 * short_way._Constants.ROOM):
        x * (i + 0.25)
    x * 0.0, x * -0.0, x * float("nan")
    kept = short_way._OF_F32
    assert 0 < len(kept) <= kept.ROOM and 0.0 not in kept and all(n == n for n in kept)
    assert all(a.dtype == np.float32 and a.shape == () and a == np.float32(n) for n, a in kept.items())
