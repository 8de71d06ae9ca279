"""Random tensors as users ask for them: the same call on both engines, seeded alike."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import minitorch_ref as mt
from minitorch_ref import random as streams
from minitorch_ref.ops import random_fill, sampling  # noqa: F401 - attaches the methods


class Ours:
    """minitorch_ref with the functions under test, whatever the top level exports."""

    def __getattr__(self, name):
        return getattr(sampling, name) if name in sampling.__all__ else getattr(mt, name)


OURS = Ours()


def outcome(engine, call, seed=7):
    """What a call gives, in terms that both engines share; exceptions and warnings included."""
    random = torch.random if engine is torch else streams
    with random.fork_rng(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        random.manual_seed(seed)
        try:
            result = call(engine)
        except Exception as error:
            return "error", type(error).__name__, str(error)[:45]
        after = random.get_rng_state().numpy().tobytes()
    x = result.detach().numpy()
    warned = [(w.category.__name__, str(w.message)[:45]) for w in caught]
    return x.tobytes(), str(result.dtype), x.shape, result.stride(), result.requires_grad, warned, after


def same(call):
    theirs, ours = outcome(torch, call), outcome(OURS, call)
    assert ours == theirs


CALLS = [
    lambda e: e.rand(2, 3),
    lambda e: e.rand((2, 3), dtype=e.float64),
    lambda e: e.rand([4], dtype=e.float16, requires_grad=True),
    lambda e: e.rand(size=(2, 0, 3)),
    lambda e: e.rand(()),
    lambda e: e.rand(3, 5, dtype=e.complex64),
    lambda e: e.rand(20, generator=e.Generator().manual_seed(3)),
    lambda e: e.rand(3, 4, out=e.empty(4, 3).t()),
    lambda e: e.rand(6, out=e.empty(0)),
    lambda e: e.rand(2, dtype=e.int64),
    lambda e: e.rand(2, out=e.empty(2, dtype=e.float64), dtype=e.float32),
    lambda e: e.randn(5, 7),
    lambda e: e.randn(3, dtype=e.complex128),
    lambda e: e.randn(40, dtype=e.complex64, requires_grad=True),
    lambda e: e.randn(17, dtype=e.float16),
    lambda e: e.randn(5, 4, out=e.empty(4, 5).t()),
    lambda e: e.randn(2, dtype=e.bool),
    lambda e: e.randn(-1),
    lambda e: e.randint(9, (3, 4)),
    lambda e: e.randint(-3, 9, (3,), dtype=e.float32),
    lambda e: e.randint(low=2, high=5, size=(6,)),
    lambda e: e.randint(high=5, size=(6,), dtype=e.uint8),
    lambda e: e.randint(0, 2, (6,), dtype=e.bool),
    lambda e: e.randint(5, 5, (2,)),
    lambda e: e.randint(5, 2),
    lambda e: e.randint(5.0, (2,)),
    lambda e: e.randint(0, 300, (2,), dtype=e.uint8),
    lambda e: e.randint(-5, 3, (2,), dtype=e.uint8),
    lambda e: e.randint(0, 2**63, (2,)),
    lambda e: e.randint(0, 5, (2,), dtype=e.complex64),
    lambda e: e.randint(0, 2**30, (50,), dtype=e.float32),
    lambda e: e.randint(0, 65504, (50,), dtype=e.float16),
    lambda e: e.randint(-(2**24) - 7, 2**24 + 9, (50,), dtype=e.float32),
    lambda e: e.randperm(40),
    lambda e: e.randperm(40, dtype=e.float32, requires_grad=True),
    lambda e: e.randperm(256, dtype=e.uint8),
    lambda e: e.randperm(300, dtype=e.uint8),
    lambda e: e.randperm(3000, dtype=e.float16),
    lambda e: e.randperm(4, dtype=e.bool),
    lambda e: e.randperm(-1),
    lambda e: e.randperm(True),
    lambda e: e.randperm(5, out=e.empty(2, dtype=e.int64)),
    lambda e: e.randperm(0),
    lambda e: e.rand_like(e.ones(3, 4)),
    lambda e: e.rand_like(e.ones(3, 4).t()),
    lambda e: e.rand_like(e.ones(2, 3, 4).permute(1, 2, 0), dtype=e.float64),
    lambda e: e.rand_like(e.ones(3, 4).t(), memory_format=e.contiguous_format),
    lambda e: e.rand_like(e.ones(2, dtype=e.int8)),
    lambda e: e.rand_like(3),
    lambda e: e.randn_like(e.ones(5, 4)),
    lambda e: e.randn_like(e.ones(5, 4).t()),
    lambda e: e.randn_like(e.ones(2, 3, 4, 5), memory_format=e.channels_last),
    lambda e: e.randn_like(e.ones(3), dtype=e.complex64),
    lambda e: e.randint_like(e.ones(2, 3), 7),
    lambda e: e.randint_like(e.ones(2, 3).t(), 1, 7, dtype=e.int16),
    lambda e: e.randint_like(e.ones(4), low=1, high=7),
    lambda e: e.normal(0.0, 1.0, (20,)),
    lambda e: e.normal(2, 3, size=(3, 2), dtype=e.float64, requires_grad=True),
    lambda e: e.normal(mean=1.0, std=0.5, size=(3,)),
    lambda e: e.normal(0.0, 1.0, (3,), dtype=e.complex64),
    lambda e: e.normal(e.arange(20.0), 0.5),
    lambda e: e.normal(e.arange(20.0)),
    lambda e: e.normal(e.arange(20.0), std=0.25),
    lambda e: e.normal(1.5, e.arange(20.0)),
    lambda e: e.normal(e.arange(20.0), e.arange(20.0)),
    lambda e: e.normal(e.zeros(3, 1), e.ones(2)),
    lambda e: e.normal(e.zeros(3, dtype=e.float64), e.ones(3)),
    lambda e: e.normal(e.zeros(3), e.ones(3, dtype=e.int64)),
    lambda e: e.normal(e.zeros(3), e.ones(2)),
    lambda e: e.normal(e.zeros(3), -1.0),
    lambda e: e.normal(e.zeros(3), -e.ones(3)),
    lambda e: e.normal(0.0, 1.0),
    lambda e: e.normal(e.zeros(3), e.ones(3, dtype=e.complex64)),
    lambda e: e.normal(e.zeros(3, dtype=e.int64), 1.0),
    lambda e: e.normal(e.zeros(3), e.ones(3), out=e.empty(3)),
    lambda e: e.normal(0.0, 1.0, (3,), out=e.empty(5)),
    lambda e: e.normal(e.zeros(3, requires_grad=True), 1.0),
    lambda e: e.bernoulli(e.linspace(0, 1, 30)),
    lambda e: e.bernoulli(e.linspace(0, 1, 30, dtype=e.float64).reshape(5, 6).t()),
    lambda e: e.bernoulli(e.linspace(0, 1, 30).half()),
    lambda e: e.bernoulli(e.ones(4, dtype=e.int64), 0.5),
    lambda e: e.bernoulli(e.ones(4), p=0.25),
    lambda e: e.bernoulli(e.ones(4, dtype=e.int64)),
    lambda e: e.bernoulli(e.tensor([2.0, 0.0])),
    lambda e: e.bernoulli(e.ones(3), p=1.5),
    lambda e: e.bernoulli(e.ones(3), out=e.empty(0, dtype=e.int64)),
    lambda e: e.bernoulli(0.5),
    lambda e: e.full((5,), 0.5).bernoulli(),
    lambda e: e.poisson(e.linspace(0, 30, 25)),
    lambda e: e.poisson(e.linspace(0, 30, 25, dtype=e.float16)),
    lambda e: e.poisson(e.tensor([1])),
    lambda e: e.poisson(e.tensor([-1.0])),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(CALLS)))
def test_new_tensors(number):
    same(CALLS[number])


FILLS = [
    lambda e, x: x.uniform_(),
    lambda e, x: x.uniform_(-2, 3),
    lambda e, x: x.uniform_(to=5),
    lambda e, x: x.uniform_(**{"from": -1}),
    lambda e, x: x.uniform_(2, 1),
    lambda e, x: x.uniform_(0, float("inf")),
    lambda e, x: x.uniform_(float("nan"), 1),
    lambda e, x: x.uniform_(-3e38, 3e38),
    lambda e, x: x.normal_(),
    lambda e, x: x.normal_(1, 2),
    lambda e, x: x.normal_(std=0),
    lambda e, x: x.normal_(0, -1),
    lambda e, x: x.random_(),
    lambda e, x: x.random_(100),
    lambda e, x: x.random_(3, 100),
    lambda e, x: x.random_(to=100),
    lambda e, x: x.random_(3, None),
    lambda e, x: x.random_(-(2**63), None),
    lambda e, x: x.random_(5, 5),
    lambda e, x: x.random_(-200, 3),
    lambda e, x: x.random_(0, 129),
    lambda e, x: x.bernoulli_(),
    lambda e, x: x.bernoulli_(0.2),
    lambda e, x: x.bernoulli_(p=2),
    lambda e, x: x.bernoulli_(e.tensor(0.3)),
    lambda e, x: x.bernoulli_(e.linspace(0, 1, x.shape[-1] if x.ndim else 1).squeeze()),
    lambda e, x: x.bernoulli_(e.ones(2, 2, 2, 2, 2)),
    lambda e, x: x.bernoulli_(e.ones(1, dtype=e.int64)),
    lambda e, x: x.exponential_(),
    lambda e, x: x.exponential_(lambd=2.5),
    lambda e, x: x.exponential_(0),
    lambda e, x: x.geometric_(0.3),
    lambda e, x: x.geometric_(0),
    lambda e, x: x.cauchy_(),
    lambda e, x: x.cauchy_(1, 0.5),
    lambda e, x: x.cauchy_(0, 0),
    lambda e, x: x.log_normal_(),
    lambda e, x: x.log_normal_(0, 0.5),
    lambda e, x: x.log_normal_(0, 0),
]  # fmt: skip

LAYOUTS = {
    "0-d": lambda e, d: e.zeros((), dtype=d),
    "empty": lambda e, d: e.zeros(0, dtype=d),
    "5": lambda e, d: e.zeros(5, dtype=d),
    "4x6": lambda e, d: e.zeros(4, 6, dtype=d),
    "transposed": lambda e, d: e.zeros(4, 6, dtype=d).t(),
    "strided": lambda e, d: e.zeros(6, 8, dtype=d)[::2, 1::3],
    "permuted": lambda e, d: e.zeros(2, 3, 4, dtype=d).permute(2, 0, 1),
    "with a dim of 1": lambda e, d: e.zeros(5, 1, 4, dtype=d).transpose(0, 2),
}
DTYPES = [
    "bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64",
    "complex64", "complex128",
]  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_filling_in_place(layout, dtype):
    """Every method on every dtype and layout: values, errors, warnings, and the stream after."""
    for number, fill in enumerate(FILLS):

        def call(e, fill=fill):
            return fill(e, LAYOUTS[layout](e, getattr(e, dtype)))

        theirs, ours = outcome(torch, call), outcome(OURS, call)
        assert ours == theirs, number


def test_writing_through_a_view_reaches_its_base_and_nothing_else():
    for e, random in ((torch, torch.random), (OURS, streams)):
        with random.fork_rng():
            random.manual_seed(0)
            base = e.zeros(4, 4)
            version = base._version
            base[1:3, ::2].uniform_(1, 2)
            assert base._version > version
            filled = base.numpy() != 0
            assert filled.sum() == 4 and filled[1:3, ::2].all()


def test_leaves_and_overlaps_are_refused():
    for e in (torch, OURS):
        with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
            e.ones(2, requires_grad=True).uniform_()
        with pytest.raises(RuntimeError, match="more than one element of the written-to tensor"):
            e.ones(1).expand(3).normal_()


@pytest.mark.parametrize(
    "fill",
    [
        "uniform_", "normal_", "random_", "bernoulli_", "exponential_", "cauchy_", "log_normal_",
    ],
)  # fmt: skip
def test_gradients_end_at_a_fill(fill):
    names = []
    for e in (torch, OURS):
        leaf = e.ones(3, requires_grad=True)
        x = leaf * 2
        getattr(x, fill)()
        names.append(x.grad_fn.name() if e is torch else x.grad_fn.name)
        x.sum().backward()
        assert leaf.grad.tolist() == [0.0, 0.0, 0.0]
    assert str(names[0]) == str(names[1] if isinstance(names[1], str) else names[1]())


@pytest.mark.parametrize(
    "call",
    [
        lambda e, x: e.normal(x, 1.0),
        lambda e, x: e.normal(0.0, x),
        lambda e, x: e.normal(x, x.detach()),
        lambda e, x: e.bernoulli(x / 4),
        lambda e, x: e.poisson(x),
    ],
)
def test_gradients_of_random_results_are_zero(call):
    for e in (torch, OURS):
        x = e.ones(3, requires_grad=True)
        call(e, x).sum().backward()
        assert x.grad.tolist() == [0.0, 0.0, 0.0]


# ---- multinomial ---------------------------------------------------------------------------------


@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(0, 3),
    categories=st.integers(1, 40),
    samples=st.integers(1, 40),
    replacement=st.booleans(),
    dtype=st.sampled_from(["float16", "float32", "float64"]),
)
@settings(max_examples=100, deadline=None)
def test_multinomial(seed, rows, categories, samples, replacement, dtype):
    samples = samples if replacement else min(samples, categories)
    # equal quotients, likely in float16 only, come out of torch's topk in no particular order
    assume(dtype != "float16" or replacement or samples == 1)
    shape = (rows, categories) if rows else (categories,)
    weights = np.random.RandomState(seed).rand(*shape) + 0.01

    def call(e):
        p = e.tensor(weights).to(getattr(e, dtype))
        return e.multinomial(p, samples, replacement)

    assert outcome(OURS, call, seed) == outcome(torch, call, seed)


@pytest.mark.parametrize(
    "call",
    [
        lambda e: e.multinomial(e.tensor([0.2, 0.8]), 3),
        lambda e: e.multinomial(e.tensor([0.2, 0.8]), 0),
        lambda e: e.multinomial(e.tensor([0.2, -0.8]), 1),
        lambda e: e.multinomial(e.tensor([0.2, float("inf")]), 1, True),
        lambda e: e.multinomial(e.tensor([0.2, float("nan")]), 1),
        lambda e: e.multinomial(e.tensor([0.0, 0.0]), 1),
        lambda e: e.multinomial(e.tensor([[0.0, 0.0], [1.0, 0.0]]), 1),
        lambda e: e.multinomial(e.tensor([1, 2]), 1),
        lambda e: e.multinomial(e.ones(2, 3, 4), 1),
        lambda e: e.multinomial(e.tensor(1.0), 1),
        lambda e: e.multinomial(e.ones(0, 3), 2),
        lambda e: e.multinomial(e.ones(2, 3), 2, out=e.empty(0)),
        lambda e: e.multinomial(e.ones(2, 3), 2, out=e.empty(0, dtype=e.int64)),
        lambda e: e.tensor([0.0, 1.0, 0.0]).multinomial(2, replacement=True),
    ],
)
def test_multinomial_arguments(call):
    same(call)


def test_zero_weights_come_last():
    """Without replacement, categories of weight zero are drawn only when no others are left."""
    weights = mt.tensor([0.0, 3.0, 0.0, 1.0, 2.0])
    for _ in range(20):
        drawn = sampling.multinomial(weights, 5).tolist()
        assert sorted(drawn) == [0, 1, 2, 3, 4]
        assert set(drawn[:3]) == {1, 3, 4}
