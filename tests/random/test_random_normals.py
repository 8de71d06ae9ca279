"""Box-Muller's arithmetic, for both kinds of processor torch was compiled for."""

import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from minitorch_ref.kernels import libm, normals
from minitorch_ref.kernels.mersenne import MersenneTwister

HERE = Path(__file__).parent


def torch_blocks(u):
    """What torch makes of chosen uniforms: a generator whose next words are those."""
    words = np.round(u.astype(np.float64) * 2**24).astype(np.uint64)
    out = []
    for start in range(0, len(words), 608):  # less than a block of 624 words, a multiple of 16
        piece = words[start : start + 608]
        generator = torch.Generator()
        generator.set_state(torch.from_numpy(state_that_yields(piece)))
        out.append(torch.randn(len(piece), generator=generator).numpy())
    return np.concatenate(out)


def state_that_yields(words):
    """The bytes of a generator's state that will hand out `words` next (tempering undone)."""
    state = MersenneTwister(0).get_state()
    block = state[24 : 24 + 624 * 8].view(np.uint64)
    block[1 : len(words) + 1] = untemper(words)  # the first of the block counts as used
    state[8:12].view(np.int32)[0] = 624
    state[16:24].view(np.uint64)[0] = 1
    return state


def untemper(words):
    """Invert MT19937's tempering."""
    y = words.astype(np.uint64)
    y ^= y >> np.uint64(18)
    y ^= (y << np.uint64(15)) & np.uint64(0xEFC60000)
    x = y.copy()
    for _ in range(5):
        x = y ^ ((x << np.uint64(7)) & np.uint64(0x9D2C5680))
    y = x.copy()
    for _ in range(3):
        y = x ^ (y >> np.uint64(11))
    return y & np.uint64(0xFFFFFFFF)


def test_chosen_words_come_out():
    words = np.array([0, 1, 0xFFFFFFFF, 0x80000000, 12345], np.uint64)
    source = MersenneTwister(3)
    source.set_state(state_that_yields(words))
    assert source.words(5).tolist() == words.tolist()


def test_float32_over_the_whole_range_of_uniforms():
    """Every 97th of the 2**24 uniforms, and all near the ends, through logarithm, sine and cosine."""
    n = 1 << 24
    k = np.unique(np.r_[np.arange(0, n, 97), np.arange(2000), np.arange(n - 2000, n)])
    k = k[: len(k) // 8 * 8]
    u = np.empty((len(k) // 8, 16), np.float32)
    u[:, :8] = u[:, 8:] = (k * 2.0**-24).reshape(-1, 8)
    theirs = torch_blocks(u.reshape(-1))
    ours = normals.box_muller(u, 0.0, 1.0).reshape(-1)
    assert np.array_equal(theirs.view(np.int32), ours.view(np.int32))


def test_a_plain_numpy_box_muller_is_told_apart():
    """NumPy's own log, sin and cos differ from torch's in last bits: the comparison sees that."""
    source = MersenneTwister(1)
    u = (source.words(1600) & np.uint64(0xFFFFFF)).astype(np.float32).reshape(-1, 16) * np.float32(2**-24)
    theirs = torch.randn(1600, generator=torch.Generator().manual_seed(1)).numpy()
    radius = np.sqrt(-2 * np.log(1 - u[:, :8]))
    angle = np.float32(2 * math.pi) * u[:, 8:]
    plain = np.concatenate((radius * np.cos(angle), radius * np.sin(angle)), axis=1).reshape(-1)
    assert plain.dtype == np.float32
    assert np.allclose(plain, theirs, atol=1e-5)
    assert not np.array_equal(plain, theirs)


def test_normal_numbers_are_normal():
    """Moments of a million numbers, within five standard errors."""
    x = normals.box_muller(
        MersenneTwister(2).words(1 << 20).reshape(-1, 16).astype(np.float64) * 2.0**-32, 3.0, 2.0
    )
    n = x.size
    assert abs(x.mean() - 3) < 5 * 2 / math.sqrt(n)
    assert abs(x.var() - 4) < 5 * 4 * math.sqrt(2 / n)
    z = (x - 3) / 2
    assert abs((z**3).mean()) < 5 * math.sqrt(15 / n)
    assert abs((z**4).mean() - 3) < 5 * math.sqrt(96 / n)


def test_streams_on_a_processor_without_avx2():
    """torch and this engine both obey ATEN_CPU_CAPABILITY: run the stream tests under it."""
    environment = {**os.environ, "ATEN_CPU_CAPABILITY": "default", "OMP_NUM_THREADS": "1"}
    script = (
        "import pytest, sys; sys.exit(pytest.main(['-q', '-x', '-p', 'no:cacheprovider', "
        "'-k', 'test_uniform or test_normal or reals', sys.argv[1]]))"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, str(HERE / "test_random_streams.py")],
        env=environment, capture_output=True, text=True, timeout=300, cwd=HERE.parent.parent,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-2000:]


# ---- the C library's functions -------------------------------------------------------------------


@pytest.mark.parametrize("name", ["log", "log1p", "sin", "cos", "tan", "exp"])
def test_libm_is_the_c_library(name):
    low, high = libm._RANGES[name]
    x = low + (high - low) * np.random.RandomState(0).rand(5000)
    expected = [getattr(math, name)(v) for v in x.tolist()]
    assert libm.libm(name)(x).tolist() == expected


def test_element_by_element_is_used_where_numpy_differs():
    """A processor on which NumPy's logarithm is off by one bit now and then, played by a stand-in."""

    def off_by_a_bit(x):
        y = np.log(x)
        return np.where(np.arange(y.size) % 7 == 3, np.nextafter(y, 9), y)

    x = np.array([0.25, 0.5, 0.1, 0.7, 1.0, 0.3, 0.0, 0.9, 1e-300])
    y = libm.by_element(math.log, off_by_a_bit, x)
    assert y.tolist() == [math.log(v) if v else -math.inf for v in x.tolist()]


def test_float_functions_are_within_half_an_ulp_or_so():
    """The C library's logf, sinf, cosf: float32 results, none further than 1 ULP from the truth."""
    x = np.linspace(0.01, 1, 1000, dtype=np.float32)
    for name in ("log", "sin", "cos"):
        got = libm.libm_float(name)(x)
        truth = getattr(np, name)(x.astype(np.float64))
        assert got.dtype == np.float32
        assert (np.abs(got - truth) <= np.spacing(np.abs(truth).astype(np.float32))).all()
