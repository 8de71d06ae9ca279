"""embedding, embedding_bag and one_hot beside torch."""

import numpy as np
import pytest
import torch
from functional_sides import OURS, TORCH, check, same_error
from hypothesis import given, settings
from hypothesis import strategies as st

W = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
INDEX = np.array([[1, 3, 3], [6, 1, 1]])


def ints(lib, values):
    return lib.from_numpy(np.array(values))


EMBEDDINGS = {
    "plain": {}, "padding": {"padding_idx": 1}, "last padding": {"padding_idx": -1},
    "frequency": {"scale_grad_by_freq": True},
    "both": {"padding_idx": 3, "scale_grad_by_freq": True},
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("name", EMBEDDINGS)
def test_embedding(name, dtype):
    order = 1 if "frequency" in name or name == "both" or dtype == "float16" else 2

    def f(lib, F, w):
        return F.embedding(ints(lib, INDEX), w * 1, **EMBEDDINGS[name])

    check(f, W.astype(dtype), order=order)


@settings(max_examples=40, deadline=None)
@given(
    rows=st.integers(1, 5),
    shape=st.lists(st.integers(0, 4), max_size=3).map(tuple),
    width=st.integers(1, 4),
    dtype=st.sampled_from(["int64", "int32"]),
)
def test_embedding_of_any_shape(rows, shape, width, dtype):
    rng = np.random.default_rng(1)
    index = rng.integers(0, rows, shape).astype(dtype)
    check(lambda lib, F, w: F.embedding(ints(lib, index), w), rng.normal(size=(rows, width)), order=1)


def test_many_rows_added_in_order():
    """Long enough for the sorted summation; in float32, against the float64 sum."""
    rng = np.random.default_rng(2)
    index = rng.integers(0, 11, 5000)
    check(lambda lib, F, w: F.embedding(ints(lib, index), w), rng.normal(size=(11, 4)).astype(np.float32), order=1)


@pytest.mark.parametrize("norm_type", [2.0, 1.0, float("inf")])
def test_max_norm_writes_the_table(norm_type):
    for values in ([1, 1, 4], [], [0, 1, 2, 3, 4, 5, 6]):
        tables = []
        for lib, F in (OURS, TORCH):
            w = lib.from_numpy(W.copy())
            y = F.embedding(ints(lib, np.array(values, np.int64)), w, max_norm=0.8, norm_type=norm_type)
            tables.append((w.numpy(), y.numpy()))
        for ours, theirs in zip(*tables):
            np.testing.assert_allclose(ours, theirs, rtol=3e-7)


BAGS = {
    "mean": {}, "sum": {"mode": "sum"}, "max": {"mode": "max"},
    "padding": {"padding_idx": 1, "mode": "mean"},
    "max padding": {"padding_idx": 1, "mode": "max"},
}  # fmt: skip


@pytest.mark.parametrize("name", BAGS)
def test_embedding_bag(name):
    kwargs = BAGS[name]
    check(lambda lib, F, w: F.embedding_bag(ints(lib, INDEX), w, **kwargs), W, order=1)
    flat, offsets = INDEX.reshape(-1), [0, 2, 2, 5]
    check(
        lambda lib, F, w: F.embedding_bag(ints(lib, flat), w, ints(lib, offsets), **kwargs), W, order=1
    )
    check(
        lambda lib, F, w: F.embedding_bag(
            ints(lib, flat), w, ints(lib, [0, 2, 6]), include_last_offset=True, **kwargs
        ),
        W,
        order=1,
    )


def test_weighted_bag():
    weights = np.random.default_rng(3).normal(size=INDEX.shape).astype(np.float32)
    check(
        lambda lib, F, w, s: F.embedding_bag(ints(lib, INDEX), w, mode="sum", per_sample_weights=s),
        W, weights, order=1,
    )  # fmt: skip
    with pytest.raises(NotImplementedError):
        OURS[1].embedding_bag(
            ints(OURS[0], INDEX), OURS[0].from_numpy(W), per_sample_weights=OURS[0].from_numpy(weights)
        )


@settings(max_examples=40, deadline=None)
@given(shape=st.lists(st.integers(0, 3), max_size=3).map(tuple), extra=st.integers(0, 2), infer=st.booleans())
def test_one_hot(shape, extra, infer):
    values = np.random.default_rng(1).integers(0, 4, shape)
    classes = -1 if infer and values.size else 4 + extra
    check(lambda lib, F: F.one_hot(ints(lib, values), classes))


ERRORS = """
F.embedding(L([0,5]),R(4,3))
F.embedding(L([0,-1]),R(4,3))
F.embedding(L([0.]),R(4,3))
F.embedding(L([0],dtype=lib.uint8),R(4,3))
F.embedding(L([0]),R(4))
F.embedding(L([0]),R(4,3,2))
F.embedding(L([0]),R(4,3),padding_idx=4)
F.embedding(L([0]),R(4,3),padding_idx=-5)
F.one_hot(L([0,5]),3)
F.one_hot(L([0,-1]))
F.one_hot(L([0.]))
F.one_hot(L([0],dtype=lib.int32))
F.one_hot(L([]).long())
F.one_hot(L([1]),0)
F.embedding_bag(L([1,2]),R(4,3))
F.embedding_bag(L([1,2]),R(4,3),L([1,2]))
F.embedding_bag(L([1,2]),R(4,3),L([0,3]))
F.embedding_bag(L([1,2]),R(4,3),L([0,1]),mode='x')
F.embedding_bag(L([[1,2]]),R(4,3),per_sample_weights=R(1,3))
F.embedding_bag(L([[[1]]]),R(4,3))
F.embedding_bag(L([[1]]),R(4))
F.embedding_bag(L([[1]]),R(4,3),mode='max',scale_grad_by_freq=True)
""".strip().splitlines()


@pytest.mark.parametrize("call", ERRORS)
def test_errors(call):
    same_error(lambda lib, F: eval(call, {"lib": lib, "F": F, "L": lib.tensor, "R": lib.rand}))


def test_an_index_out_of_range():  # torch's words depend on the processor
    same_error(
        lambda lib, F: F.embedding_bag(lib.tensor([1, 5]), lib.rand(4, 3), lib.tensor([0, 1])),
        "not in the valid range",
    )


def test_offsets_of_a_batch():
    same_error(
        lambda lib, F: F.embedding_bag(lib.tensor([[1, 2]]), lib.rand(4, 3), lib.tensor([0])),
        "if input is 2D, then offsets has to be None",
    )


def test_index_is_kept_by_value():
    """Writing to the indices after the lookup must not move the gradient."""
    for lib, F in (OURS, TORCH):
        if lib is torch:
            continue  # torch saves the index itself, and complains instead
        index, w = ints(lib, [1, 1]), lib.from_numpy(W.copy()).requires_grad_()
        y = F.embedding(index, w)
        index.fill_(0)
        y.sum().backward()
        assert w.grad[1].tolist() == [2, 2, 2]
