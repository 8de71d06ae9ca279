"""The numbers of every distribution, and where the stream stands afterwards: bit for bit torch's."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from minitorch_ref.kernels import draws
from minitorch_ref.kernels.mersenne import MersenneTwister

FLOATS = {"f2": torch.float16, "f4": torch.float32, "f8": torch.float64}
INTEGERS = {
    "u1": torch.uint8, "i1": torch.int8, "i2": torch.int16, "i4": torch.int32, "i8": torch.int64,
}  # fmt: skip
SIZES = [0, 1, 2, 3, 15, 16, 17, 31, 32, 33, 100, 623, 624, 625, 1000, 2000]
SEEDS = [0, 1, 20240607, 2**40 + 7]


class Pair:
    """The same stream in both engines; `same` compares numbers, then the states left behind."""

    def __init__(self, seed):
        self.theirs = torch.Generator().manual_seed(seed)
        self.ours = MersenneTwister(seed)

    def same(self, theirs, ours, what=""):
        theirs = theirs.numpy()
        assert theirs.dtype == ours.dtype, what
        different = np.nonzero(_bits(theirs) != _bits(ours))[0]
        assert not different.size, (
            f"{what}: {different.size} of {theirs.size} differ, first at {different[0]}: "
            f"{theirs[different[0]]!r} {ours[different[0]]!r}"
        )
        state = self.theirs.get_state().numpy()
        assert np.array_equal(state, self.ours.get_state()), f"{what}: the streams parted"


def _bits(array):
    return np.ascontiguousarray(array).view(f"u{array.itemsize}")


def blank(size, kind):
    return torch.empty(size, dtype={**FLOATS, **INTEGERS, "?": torch.bool}[kind])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", FLOATS)
def test_uniform(kind, seed):
    pair = Pair(seed)
    top = 6e4 if kind == "f2" else 1e5
    for n in SIZES:
        for low, high in [(0.0, 1.0), (-1.0, 1.0), (-0.05, 0.0533), (3.0, 3.0), (1e-3, top)]:
            theirs = blank(n, kind).uniform_(low, high, generator=pair.theirs)
            pair.same(theirs, draws.uniform(pair.ours, n, np.dtype(kind), low, high), (n, low, high))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", FLOATS)
def test_normal(kind, seed):
    """In blocks of 16, one by one with a number kept back, and the two interleaved."""
    pair = Pair(seed)
    for n in SIZES:
        for mean, std in [(0.0, 1.0), (0.5, 2.0), (-1.3, 0.37), (0.0, 0.1), (2.0, 0.0)]:
            theirs = blank(n, kind).normal_(mean, std, generator=pair.theirs)
            ours = draws.normal(pair.ours, n, np.dtype(kind), mean, std, True)
            pair.same(theirs, ours, (n, mean, std, "contiguous"))
            theirs = blank(2 * n, kind)[::2].normal_(mean, std, generator=pair.theirs)
            ours = draws.normal(pair.ours, n, np.dtype(kind), mean, std, n < 2)
            pair.same(theirs, ours, (n, mean, std, "strided"))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", FLOATS)
def test_distributions_over_the_reals(kind, seed):
    pair = Pair(seed)
    dtype = np.dtype(kind)
    for n in SIZES:
        for rate in (1.0, 0.5, 3.7):
            theirs = blank(n, kind).exponential_(rate, generator=pair.theirs)
            pair.same(theirs, draws.exponential(pair.ours, n, dtype, rate), ("exponential", n, rate))
        for a, b in [(0.0, 1.0), (0.5, 2.0), (-1.3, 0.37)]:
            theirs = blank(n, kind).cauchy_(a, b, generator=pair.theirs)
            pair.same(theirs, draws.cauchy(pair.ours, n, dtype, a, b), ("cauchy", n, a, b))
            theirs = blank(n, kind).log_normal_(a, b, generator=pair.theirs)
            pair.same(theirs, draws.log_normal(pair.ours, n, dtype, a, b), ("log_normal", n, a, b))


@pytest.mark.parametrize("kind", [*FLOATS, *INTEGERS])
def test_geometric(kind):
    pair = Pair(5)
    for n in SIZES:
        for p in (0.5, 0.3, 0.99, 0.001):
            theirs = blank(n, kind).geometric_(p, generator=pair.theirs)
            pair.same(theirs, draws.geometric(pair.ours, n, np.dtype(kind), p), (n, p))


@pytest.mark.parametrize("kind", [*FLOATS, *INTEGERS, "?"])
def test_integers_and_bernoulli(kind):
    pair = Pair(6)
    dtype = np.dtype(kind)
    low, high = (0, 2) if kind == "?" else (3, 90)
    for n in SIZES:
        theirs = blank(n, kind).random_(generator=pair.theirs)
        pair.same(theirs, draws.full_range(pair.ours, n, dtype), ("random_", n))
        theirs = blank(n, kind).random_(low, high, generator=pair.theirs)
        pair.same(theirs, draws.integers(pair.ours, n, dtype, low, high - low), ("from to", n))
        for p in (0.0, 0.3, 0.5, 1.0):
            theirs = blank(n, kind).bernoulli_(p, generator=pair.theirs)
            pair.same(theirs, draws.bernoulli(pair.ours, n, p).astype(dtype), ("bernoulli", n, p))


@pytest.mark.parametrize("kind", FLOATS)
def test_bernoulli_with_a_probability_each(kind):
    pair = Pair(7)
    for n in SIZES:
        p = torch.rand(n, generator=torch.Generator()).to(FLOATS[kind])
        theirs = torch.bernoulli(p, generator=pair.theirs)
        pair.same(theirs, draws.bernoulli_each(pair.ours, p.numpy()).astype(kind), n)


@given(
    seed=st.integers(0, 2**64 - 1),
    n=st.integers(0, 40),
    low=st.integers(-(2**63), 2**63 - 2),
    data=st.data(),
)
@settings(max_examples=100, deadline=None)
def test_integers_of_any_range(seed, n, low, data):
    """Ranges on both sides of 2**28, where an integer starts to take two words."""
    room = 2**63 - 1 - low
    span = data.draw(st.integers(1, min(room, 2**64 - 1)) | st.integers(1, min(room, 2**29)))
    pair = Pair(seed)
    theirs = torch.randint(low, low + span, (n,), generator=pair.theirs)
    pair.same(theirs, draws.integers(pair.ours, n, np.dtype("i8"), low, span), (low, span))


@pytest.mark.parametrize("span", [2**28 - 1, 2**28, 2**28 + 1, 2**32 - 1, 2**32, 2**32 + 1])
def test_integers_around_the_word_boundaries(span):
    pair = Pair(8)
    theirs = torch.randint(-5, span - 5, (1000,), generator=pair.theirs)
    pair.same(theirs, draws.integers(pair.ours, 1000, np.dtype("i8"), -5, span))


@pytest.mark.parametrize("kind", FLOATS)
def test_poisson(kind):
    """Rates on both sides of 10, where the algorithm changes, and zero."""
    pair = Pair(9)
    for n in (0, 1, 5, 300):
        rates = (torch.rand(n, generator=torch.Generator()) * 40).to(FLOATS[kind])
        rates[:1] = 0
        theirs = torch.poisson(rates, generator=pair.theirs)
        ours = draws.convert(draws.poisson(pair.ours, rates.double().numpy()), np.dtype(kind))
        pair.same(theirs, ours, n)


@given(
    seed=st.integers(0, 2**63),
    calls=st.lists(st.tuples(st.sampled_from("unbirp"), st.integers(0, 70)), max_size=12),
)
@settings(max_examples=60, deadline=None)
def test_any_sequence_of_calls(seed, calls):
    """Whatever is drawn in whatever order, the streams stay together (the kept normal included)."""
    pair = Pair(seed)
    f4, i8 = np.dtype("f4"), np.dtype("i8")
    for call, n in calls:
        g, s = pair.theirs, pair.ours
        if call == "u":
            pair.same(torch.rand(n, generator=g), draws.uniform(s, n, f4, 0.0, 1.0), calls)
        elif call == "n":
            pair.same(torch.randn(n, generator=g), draws.normal(s, n, f4, 0.0, 1.0, True), calls)
        elif call == "b":
            theirs = torch.empty(n).bernoulli_(0.4, generator=g)
            pair.same(theirs, draws.bernoulli(s, n, 0.4).astype(f4), calls)
        elif call == "i":
            theirs = torch.randint(9, (n,), generator=g)
            pair.same(theirs, draws.integers(s, n, i8, 0, 9), calls)
        elif call == "r":
            theirs = torch.empty(n, dtype=torch.float64).log_normal_(generator=g)
            pair.same(theirs, draws.log_normal(s, n, np.dtype("f8"), 1.0, 2.0), calls)
        else:
            pair.same(torch.randperm(n, generator=g), draws.permutation(s, n), calls)


def test_a_large_draw_is_made_of_the_same_pieces():
    """Drawing is done piece by piece: the seams must not show."""
    pair = Pair(10)
    n = 3 * 16384 + 11
    theirs = torch.rand(n, generator=pair.theirs)
    pair.same(theirs, draws.uniform(pair.ours, n, np.dtype("f4"), 0.0, 1.0))
    theirs = torch.rand(n, generator=pair.theirs, dtype=torch.float64)
    pair.same(theirs, draws.uniform(pair.ours, n, np.dtype("f8"), 0.0, 1.0))
    pair.same(torch.randn(n, generator=pair.theirs), draws.normal(pair.ours, n, np.dtype("f4"), 0, 1, True))
    theirs = torch.empty(n).bernoulli_(0.5, generator=pair.theirs)
    pair.same(theirs, draws.bernoulli(pair.ours, n, 0.5).astype("f4"))


# ---- the comparison itself must be able to fail --------------------------------------------------


def test_one_wrong_bit_is_noticed():
    pair = Pair(0)
    theirs = torch.rand(50, generator=pair.theirs)
    ours = draws.uniform(pair.ours, 50, np.dtype("f4"), 0.0, 1.0)
    ours[17] = np.nextafter(ours[17], np.float32(1))
    with pytest.raises(AssertionError, match="1 of 50 differ, first at 17"):
        pair.same(theirs, ours)


def test_one_word_too_many_is_noticed():
    pair = Pair(0)
    theirs = torch.rand(50, generator=pair.theirs)
    ours = draws.uniform(pair.ours, 50, np.dtype("f4"), 0.0, 1.0)
    pair.ours.word()
    with pytest.raises(AssertionError, match="the streams parted"):
        pair.same(theirs, ours)
