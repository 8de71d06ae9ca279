"""Repeating, mirroring, rolling, triangles, diagonals, grids, against torch."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from joining_sides import DTYPES, agree, array_of, leaf, values

import minitorch_ref as mt
from minitorch_ref.autograd.checking import gradcheck, gradgradcheck

many = settings(max_examples=80, deadline=None)
shapes = st.lists(st.integers(0, 4), max_size=3).map(tuple)
dtypes = st.sampled_from(DTYPES)


@st.composite
def laid_out(draw):
    """An array, and whether it is handed over transposed or with a step."""
    array = values(draw(shapes), draw(dtypes))
    return array, draw(st.sampled_from(["plain", "reversed dims", "every second"]))


def arranged(t, layout):
    if layout == "reversed dims":
        return t.permute(tuple(reversed(range(t.ndim))))
    return t[::2] if layout == "every second" and t.ndim else t


def check(case, call):
    array, layout = case
    agree(lambda side, t: call(side, arranged(t, layout)), array)


@many
@given(laid_out(), st.lists(st.integers(-1, 3), max_size=4), st.booleans())
def test_repeat_and_tile(case, times, one_by_one):
    if times:
        check(case, lambda side, t: t.repeat(*times) if one_by_one else t.repeat(times))
        check(case, lambda side, t: t.tile(*times) if one_by_one else t.tile(times))
    check(case, lambda side, t: side.tile(t, tuple(times)))


@many
@given(laid_out(), st.integers(-1, 3), st.one_of(st.none(), st.integers(-3, 3)))
def test_repeat_interleave_by_a_number(case, n, dim):
    check(case, lambda side, t: t.repeat_interleave(n, dim))


@many
@given(st.lists(st.integers(0, 3), min_size=1, max_size=3), st.data())
def test_repeat_interleave_by_a_list(shape, data):
    dim = data.draw(st.integers(0, len(shape) - 1))
    length = data.draw(st.sampled_from([shape[dim], shape[dim], shape[dim] + 1, 1]))
    repeats = data.draw(st.lists(st.integers(0, 3), min_size=length, max_size=length))
    kind = data.draw(st.sampled_from(["int32", "int64"]))
    counts = np.array(repeats, kind)
    agree(lambda side, t: t.repeat_interleave(leaf(side, counts), dim), values(tuple(shape)))
    agree(lambda side, t: side.repeat_interleave(leaf(side, counts)), values(()))


@many
@given(laid_out(), st.lists(st.integers(-3, 2), max_size=3), st.booleans())
def test_flip(case, dims, one_by_one):
    check(case, lambda side, t: side.flip(t, dims))
    if dims:
        check(case, lambda side, t: t.flip(*dims) if one_by_one else t.flip(dims))


@many
@given(laid_out(), st.sampled_from(["fliplr", "flipud"]))
def test_flip_by_name(case, name):
    array, layout = case
    agree(lambda side, t: getattr(arranged(t, layout), name)(), array, strides=False)


@many
@given(shapes, st.integers(-5, 5), st.lists(st.integers(-3, 2), min_size=1, max_size=3))
def test_rot90(shape, k, dims):
    agree(lambda side, t: t.rot90(k, dims), values(shape))


@many
@given(
    laid_out(),
    st.one_of(st.integers(-9, 9), st.lists(st.integers(-9, 9), max_size=3)),
    st.one_of(st.integers(-3, 2), st.lists(st.integers(-3, 2), max_size=3)),
)
def test_roll(case, shifts, dims):
    check(case, lambda side, t: t.roll(shifts, dims))
    check(case, lambda side, t: side.roll(t, shifts))


@many
@given(laid_out(), st.sampled_from(["tril", "triu"]), st.integers(-5, 5))
def test_triangles(case, name, diagonal):
    array, layout = case

    def in_place(side, t):
        t = arranged(t.clone(), layout)
        return getattr(t, f"{name}_")(diagonal).clone()

    agree(lambda side, t: getattr(arranged(t, layout), name)(diagonal), array, strides=False)
    agree(in_place, array, strides=False)


@many
@given(laid_out(), st.integers(-5, 5))
def test_diag_and_diagflat(case, offset):
    check(case, lambda side, t: t.diag(offset))
    check(case, lambda side, t: t.diagflat(offset))


@many
@given(shapes, st.integers(-3, 3), st.integers(-4, 3), st.integers(-4, 3))
def test_diag_embed(shape, offset, dim1, dim2):
    agree(lambda side, t: t.diag_embed(offset, dim1, dim2), values(shape))


@many
@given(st.lists(st.tuples(shapes, dtypes.filter(lambda d: d != "float16")), max_size=4))
def test_block_diag(parts):
    # torch gives the inputs after an empty vector the gradients of the wrong rows: leave it out
    parts = [(shape, dtype) for shape, dtype in parts if shape != (0,)]
    arrays = [values(shape, dtype, i) for i, (shape, dtype) in enumerate(parts)]
    agree(lambda side, *t: side.block_diag(*t), *arrays)


@many
@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=4),
    st.sampled_from(["ij", "xy"]),
    st.booleans(),
)
def test_meshgrid(lengths, indexing, as_list):
    arrays = [values((n,), seed=i) for i, n in enumerate(lengths)]

    def call(side, *t):
        return side.meshgrid(*([list(t)] if as_list else t), indexing=indexing)

    agree(call, *arrays)


@many
@given(st.lists(st.integers(0, 3), min_size=1, max_size=3))
def test_cartesian_prod(lengths):
    arrays = [values((n,), seed=i) for i, n in enumerate(lengths)]
    agree(lambda side, *t: side.cartesian_prod(*t), *arrays, names=False)


@many
@given(st.integers(0, 5), st.integers(-1, 4), st.booleans())
def test_combinations(n, r, with_replacement):
    agree(lambda side, t: side.combinations(t, r, with_replacement), values((n,)), names=False)


CALLS = [
    lambda side, t: t.repeat(),
    lambda side, t: t.repeat(repeats=(1, 2)),
    lambda side, t: t.repeat(2),
    lambda side, t: t.tile(dims=(2,)),
    lambda side, t: side.tile(t, 2),
    lambda side, t: side.flip(t, 0),
    lambda side, t: t.flip(),
    lambda side, t: t.flip(dims=(0,)),
    lambda side, t: t.repeat_interleave(2, 0, output_size=8),
    lambda side, t: t.repeat_interleave(2, 0, output_size=9),
    lambda side, t: t.repeat_interleave(side.tensor([1, 2, 0, 1]), 0, output_size=4),
    lambda side, t: t.repeat_interleave(side.tensor([1, 2, 0, 1]), 0, output_size=5),
    lambda side, t: t.repeat_interleave(side.tensor([1, -2, 0, 1]), 0),
    lambda side, t: t.repeat_interleave(side.tensor([[1, 2]]), 0),
    lambda side, t: t.repeat_interleave(side.tensor([1.0, 2.0, 1.0, 1.0]), 0),
    lambda side, t: t.repeat_interleave(side.tensor(2), 1),
    lambda side, t: side.meshgrid(),
    lambda side, t: side.meshgrid(t[0], t[0], indexing="yx"),
    lambda side, t: side.meshgrid(t[0], t[0].int(), indexing="ij"),
    lambda side, t: side.cartesian_prod(t),
    lambda side, t: side.combinations(t),
    lambda side, t: t.rot90(1, (0, 0)),
    lambda side, t: t.rot90(1, (0, 1, 1)),
    lambda side, t: t.roll(()),
    lambda side, t: t[0, 0].roll(1, 0),
]


@pytest.mark.parametrize("call", CALLS, ids=range(len(CALLS)))
def test_calls_and_errors(call):
    agree(call, values((4, 6)), messages=True)


def test_meshgrid_asks_for_its_indexing(monkeypatch):
    monkeypatch.setattr(mt.settings._now, "warn_always", True)  # once in a process otherwise
    with pytest.warns(UserWarning, match="it will be required to pass the indexing argument"):
        mt.meshgrid(mt.ones(2), mt.ones(3))


def test_out_and_in_place():
    for side in (torch, mt):
        t = leaf(side, values((3, 3)), False)
        out = side.empty(0, dtype=side.float64)
        assert side.tril(t, out=out) is out
        np.testing.assert_array_equal(array_of(out), np.tril(array_of(t)))
        side.diag(t, 1, out=side.empty(2, dtype=side.float64))
        before = t._version
        t.triu_(1)
        assert t._version == before + 1
        assert array_of(t)[1, 1] == 0


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.repeat(2, 3) ** 2,
        lambda x: x.repeat_interleave(2, 1) ** 2,
        lambda x: x.repeat_interleave(mt.tensor([2, 0]), 0) ** 2,
        lambda x: x.flip(1) * x,
        lambda x: x.rot90() ** 2,
        lambda x: x.roll((1, 2), (0, 1)) * x,
        lambda x: x.tril() * x,
        lambda x: x.diag_embed(1) ** 2,
        lambda x: x.diag(1) ** 2,
        lambda x: x[0].diag(-1) ** 2,
        lambda x: mt.block_diag(x * x, x) ** 2,
        lambda x: [g * g for g in mt.meshgrid(x[0], x[1], indexing="ij")],
        lambda x: mt.cartesian_prod(x[0], x[1]) ** 2,
        lambda x: mt.combinations(x[0]) ** 2,
    ],
)
def test_second_gradients(function):
    x = mt.tensor(values((2, 3)), requires_grad=True)
    assert gradcheck(function, (x,))
    assert gradgradcheck(function, (x,))
