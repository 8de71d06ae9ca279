"""arange, linspace, logspace and triangles: torch's numbers to the last bit."""

import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from creation_sides import OURS, outcome, same
from hypothesis import given, settings
from hypothesis import strategies as st

# beyond 32768 elements torch splits the work between threads, and its last bits depend on how many
torch.set_num_threads(1)

CALLS = [
    lambda e: e.arange(5),
    lambda e: e.arange(5.0),
    lambda e: e.arange(1, 2.5),
    lambda e: e.arange(1, 5, 2),
    lambda e: e.arange(5, 1, -1),
    lambda e: e.arange(0, 1, 0.1),
    lambda e: e.arange(0, 0),
    lambda e: e.arange(5, 1),
    lambda e: e.arange(0, 1, 0),
    lambda e: e.arange(0, 1, -1),
    lambda e: e.arange(float("inf")),
    lambda e: e.arange(float("nan")),
    lambda e: e.arange(5, dtype=e.float16),
    lambda e: e.arange(5, dtype=e.bool),
    lambda e: e.arange(3, dtype=e.complex64),
    lambda e: e.arange(0, 300, dtype=e.uint8),
    lambda e: e.arange(True),
    lambda e: e.arange(e.tensor(3)),
    lambda e: e.arange(e.tensor(3.0)),
    lambda e: e.arange(e.tensor([3.0, 4.0])),
    lambda e: e.arange(np.int32(3)),
    lambda e: e.arange(start=1, end=3),
    lambda e: e.arange(end=3),
    lambda e: e.arange(1, end=3),
    lambda e: e.arange(0, 3, step=2),
    lambda e: e.arange(start=1),
    lambda e: e.arange("a"),
    lambda e: e.arange(1j),
    lambda e: e.arange(3, out=e.empty(0)),
    lambda e: e.arange(3, out=e.empty(1)),
    lambda e: e.arange(3, out=e.empty(3, dtype=e.int64)),
    lambda e: e.arange(3, requires_grad=True),
    lambda e: e.arange(3.0, requires_grad=True),
    lambda e: e.arange(2**62, 2**62 + 3),
    lambda e: e.arange(-(2**63), -(2**63) + 2),
    lambda e: e.arange(0.5, 3.9, dtype=e.int64),
    lambda e: e.range(1, 4),
    lambda e: e.range(0, 1, 0.3),
    lambda e: e.range(1, 4, dtype=e.int64),
    lambda e: e.linspace(0, 1, 5),
    lambda e: e.linspace(0, 1, 1),
    lambda e: e.linspace(0, 1, 0),
    lambda e: e.linspace(0, 1, -1),
    lambda e: e.linspace(start=3, end=-1, steps=3),
    lambda e: e.linspace(0, 10, 5, dtype=e.int64),
    lambda e: e.linspace(0, 1, 5, dtype=e.bool),
    lambda e: e.linspace(1j, 2, 3),
    lambda e: e.linspace(e.tensor(0.0), e.tensor(1), 3),
    lambda e: e.linspace(e.tensor([0.0]), 1, 3),
    lambda e: e.linspace(0, 1, 3, out=e.empty(0)),
    lambda e: e.linspace(0, 1, 3, out=e.empty(0, dtype=e.int64)),
    lambda e: e.linspace(0, 1, 3, requires_grad=True),
    lambda e: e.logspace(0, 2, 3),
    lambda e: e.logspace(0, 2, 3, base=2),
    lambda e: e.logspace(0, 2, 3, base=-2),
    lambda e: e.logspace(0, 2, 3, dtype=e.int64),
    lambda e: e.logspace(0, 2, -3),
    lambda e: e.logspace(0, 2, 3, 2.0),
    lambda e: e.logspace(1, 2, 1),
    lambda e: e.tril_indices(3, 3),
    lambda e: e.tril_indices(3, 4, 1),
    lambda e: e.tril_indices(4, 3, -1),
    lambda e: e.tril_indices(0, 3),
    lambda e: e.tril_indices(-1, 3),
    lambda e: e.tril_indices(3, 3, dtype=e.float32),
    lambda e: e.tril_indices(3, 3, dtype=e.int32),
    lambda e: e.triu_indices(3, 3),
    lambda e: e.triu_indices(2, 4, offset=-1),
    lambda e: e.triu_indices(4, 2, 1),
    lambda e: e.triu_indices(3, 3, 7),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(CALLS)))
def test_calls(number):
    same(CALLS[number])


FINITE = st.floats(-1e6, 1e6)
FLOATS = st.sampled_from(["float16", "float32", "float64"])
ALL = st.sampled_from(["float16", "float32", "float64", "int16", "int32", "int64"])


@given(start=FINITE, count=st.integers(0, 300), step=st.floats(1e-3, 1e3), down=st.booleans(), dtype=FLOATS)
@settings(max_examples=150, deadline=None)
def test_arange_of_fractions(start, count, step, down, dtype):
    step = -step if down else step
    end = start + count * step
    same(lambda e: e.arange(start, end, step, dtype=getattr(e, dtype)))


@given(
    start=st.integers(-(2**62), 2**62), count=st.integers(0, 100),
    step=st.integers(-1000, 1000).filter(bool), off=st.integers(0, 3),
)  # fmt: skip
@settings(max_examples=80, deadline=None)
def test_arange_of_integers(start, count, step, off):
    end = start + count * step + (off if step > 0 else -off)
    same(lambda e: e.arange(start, end, step))


@given(start=FINITE, end=FINITE, steps=st.integers(0, 300), dtype=ALL)
@settings(max_examples=150, deadline=None)
def test_linspace(start, end, steps, dtype):
    if dtype in ("float16", "int16"):
        start, end = start / 100, end / 100
    same(lambda e: e.linspace(start, end, steps, dtype=getattr(e, dtype)))


@given(start=st.floats(-3, 3), end=st.floats(-3, 3), steps=st.integers(0, 100), dtype=FLOATS)
@settings(max_examples=80, deadline=None)
def test_logspace(start, end, steps, dtype):
    """Within one unit in the last place: the power function is the C library's or NumPy's."""
    call = lambda e: e.logspace(start, end, steps, dtype=getattr(e, dtype))  # noqa: E731
    theirs, ours = outcome(torch, call), outcome(OURS, call)
    assert ours[1:] == theirs[1:]
    a, b = (np.frombuffer(x[0], dtype) for x in (theirs, ours))
    assert (np.abs(a - b) <= np.spacing(np.abs(a))).all()


@given(row=st.integers(0, 6), col=st.integers(0, 6), offset=st.integers(-8, 8), upper=st.booleans())
@settings(max_examples=100, deadline=None)
def test_triangles(row, col, offset, upper):
    name = "triu_indices" if upper else "tril_indices"
    same(lambda e: getattr(e, name)(row, col, offset))


def test_a_long_arange():
    same(lambda e: e.arange(-3.0, 4000.0, 0.1))
    same(lambda e: e.arange(0, 60000, 1.1, dtype=e.float64))


def test_plain_arithmetic_would_be_told_apart():
    """start + step·i, and a linspace counted from one end only, differ from torch's somewhere."""
    i = np.arange(300)
    arange = (0.1 + 0.3 * i).astype(np.float32)
    assert not np.array_equal(arange, torch.arange(0.1, 90.05, 0.3).numpy())
    step = np.float32((np.float32(7.7) - np.float32(0.1)) / np.float32(299))
    linspace = np.float32(0.1) + step * i.astype(np.float32)
    assert not np.array_equal(linspace, torch.linspace(0.1, 7.7, 300).numpy())


def test_ranges_on_a_processor_without_avx2():
    """torch and this engine both obey ATEN_CPU_CAPABILITY: the property tests again under it."""
    script = (
        "import pytest, sys; sys.exit(pytest.main(['-q', '-x', '-p', 'no:cacheprovider', "
        "'-k', 'test_arange or test_linspace or long', sys.argv[1]]))"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, __file__], capture_output=True, text=True, timeout=300,
        env={**os.environ, "ATEN_CPU_CAPABILITY": "default", "OMP_NUM_THREADS": "1"},
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-2000:]


def test_ends_are_exact():
    """Whatever the rounding: linspace begins and ends where it was told to."""
    for n in (2, 3, 17, 1000):
        x = OURS.linspace(0.1, math.pi, n)
        assert x[0].item() == np.float32(0.1) and x[-1].item() == np.float32(math.pi)
        assert (np.diff(x.numpy()) > 0).all()
