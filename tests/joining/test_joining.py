"""cat, stack and their kin, split and its kin, against torch."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from joining_sides import DTYPES, agree, array_of, leaf, values

import minitorch_ref as mt
from minitorch_ref.autograd.checking import gradgradcheck

many = settings(max_examples=80, deadline=None)
sizes = st.integers(0, 4)


@st.composite
def joinable(draw):
    """Shapes that agree except in one dim, that dim, and a dtype for each."""
    ndim = draw(st.integers(1, 4))
    dim = draw(st.integers(-ndim, ndim - 1))
    base = [draw(sizes) for _ in range(ndim)]
    shapes = []
    for _ in range(draw(st.integers(1, 4))):
        shape = list(base)
        shape[dim] = draw(sizes)
        shapes.append(tuple(shape))
    if draw(st.booleans()):
        shapes.insert(draw(st.integers(0, len(shapes))), (0,))  # passed over, whatever the dims
    dtypes = draw(st.lists(st.sampled_from(DTYPES), min_size=len(shapes), max_size=len(shapes)))
    return [values(s, d, i) for i, (s, d) in enumerate(zip(shapes, dtypes))], dim


@many
@given(joinable())
def test_cat(case):
    arrays, dim = case
    agree(lambda side, *t: side.cat(t, dim), *arrays)


@many
@given(
    shape=st.lists(sizes, max_size=3),
    dtypes=st.lists(st.sampled_from(DTYPES), min_size=1, max_size=4),
    data=st.data(),
)
def test_stack(shape, dtypes, data):
    dim = data.draw(st.integers(-len(shape) - 1, len(shape)))
    arrays = [values(tuple(shape), d, i) for i, d in enumerate(dtypes)]
    agree(lambda side, *t: side.stack(t, dim), *arrays)


@many
@given(
    name=st.sampled_from(["hstack", "vstack", "row_stack", "dstack", "column_stack"]),
    shapes=st.lists(st.lists(st.integers(1, 3), max_size=4), min_size=1, max_size=3),
)
def test_stacks_by_rank(name, shapes):
    """Shapes are drawn freely: many do not fit, and then the errors must agree."""
    arrays = [values(tuple(s), seed=i) for i, s in enumerate(shapes)]
    # a plain reshape precedes the join, which torch's node names tell apart and ours need not
    agree(lambda side, *t: getattr(side, name)(t), *arrays, names=False)


@many
@given(name=st.sampled_from(["atleast_1d", "atleast_2d", "atleast_3d"]),
       shapes=st.lists(st.lists(st.integers(1, 3), max_size=4), min_size=1, max_size=3),
       as_list=st.booleans())  # fmt: skip
def test_atleast(name, shapes, as_list):
    arrays = [values(tuple(s), seed=i) for i, s in enumerate(shapes)]
    agree(lambda side, *t: getattr(side, name)(*([list(t)] if as_list else t)), *arrays,
          strides=False, names=False)  # fmt: skip


# ---- splitting ------------------------------------------------------------------------------------


@many
@given(
    shape=st.lists(sizes, max_size=3),
    name=st.sampled_from(["split", "chunk", "tensor_split", "unsafe_split", "unsafe_chunk"]),
    n=st.integers(-1, 5),
    dim=st.integers(-3, 3),
)
def test_split_by_number(shape, name, n, dim):
    agree(lambda side, t: getattr(t, name)(n, dim), values(tuple(shape)))


@many
@given(
    shape=st.lists(sizes, min_size=1, max_size=3),
    parts=st.lists(st.integers(-1, 3), max_size=4),
    name=st.sampled_from(["split", "split_with_sizes", "unsafe_split_with_sizes", "tensor_split"]),
    dim=st.integers(-1, 1),
)
def test_split_by_sizes_or_places(shape, parts, name, dim):
    agree(lambda side, t: getattr(t, name)(parts, dim), values(tuple(shape)))


@many
@given(
    length=st.integers(0, 6), cuts=st.lists(st.integers(0, 6), max_size=3), after=st.integers(0, 2)
)
def test_split_sizes_that_fit(length, cuts, after):
    edges = [0, *sorted(min(c, length) for c in cuts), length]
    parts = [b - a for a, b in zip(edges, edges[1:])]
    array = values((2,) * after + (length,))
    agree(lambda side, t: side.split(t, parts, -1), array)


@many
@given(
    shape=st.lists(st.integers(1, 4), max_size=4),
    name=st.sampled_from(["hsplit", "vsplit", "dsplit"]),
    where=st.one_of(st.integers(0, 4), st.lists(st.integers(-2, 4), max_size=3)),
)
def test_splits_by_rank(shape, name, where):
    agree(lambda side, t: getattr(t, name)(where), values(tuple(shape)))
    agree(lambda side, t: getattr(side, name)(t, where), values(tuple(shape)))


@many
@given(shape=st.lists(sizes, max_size=3), dim=st.integers(-3, 3), dtype=st.sampled_from(DTYPES))
def test_unbind(shape, dim, dtype):
    agree(lambda side, t: t.unbind(dim), values(tuple(shape), dtype))


def test_iterating_and_unpacking():
    t = mt.arange(6.0).reshape(3, 2).requires_grad_()
    a, b, c = t
    (a + 2 * c).sum().backward()
    assert b.tolist() == [2.0, 3.0]
    assert t.grad.tolist() == [[1.0, 1.0], [0.0, 0.0], [2.0, 2.0]]


def test_places_given_as_a_tensor():
    for places in ([1, 3], 2):
        agree(lambda side, t, p=places: t.tensor_split(side.tensor(p)), values((5, 2)))
    for bad in ([1.0], [[1]]):
        agree(lambda side, t, p=bad: t.tensor_split(side.tensor(p)), values((5, 2)))


@pytest.mark.parametrize("name", ["split", "chunk", "unbind", "tensor_split"])
def test_parts_share_memory_and_versions(name):
    outcomes = []
    for side in (torch, mt):
        t = leaf(side, values((4, 3)), grad=False)
        args = () if name == "unbind" else (2,)
        part = getattr(t, name)(*args)[1]
        part.fill_(7)
        t.mul_(2)
        assert part._base is t
        outcomes.append((array_of(t).tolist(), array_of(part).tolist(), part._version,
                         part.storage_offset(), part.data_ptr() - t.data_ptr()))  # fmt: skip
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("name", ["split", "chunk", "unbind", "tensor_split", "unsafe_split"])
def test_writing_to_a_part(name):
    """Parts of one operation refuse to be written where gradients flow; slices do not."""
    messages = []
    for side in (torch, mt):
        t = leaf(side, values((4, 3))) * 1
        part = getattr(t, name)(*(() if name == "unbind" else (2,)))[1]
        try:
            part.mul_(2)
            messages.append(None)
        except RuntimeError as error:
            messages.append(str(error)[:70])
    assert (messages[0] is None) == (messages[1] is None)
    assert messages[1] is None or "is a view and is being" in messages[1]


# ---- the rest of the interface ------------------------------------------------------------------------

CALLS = [
    lambda side, t: side.cat([]),
    lambda side, t: side.cat(()),
    lambda side, t: side.cat(t),
    lambda side, t: side.cat([t, 1]),
    lambda side, t: side.cat([t, t[0]]),
    lambda side, t: side.cat([t, t[0, 0]]),
    lambda side, t: side.cat([t, t], 2),
    lambda side, t: side.cat([t, t], axis=1),
    lambda side, t: side.concat([t, t], dim=-1),
    lambda side, t: side.concatenate([t, t], axis=-2),
    lambda side, t: side.cat([t.t(), t.t()]),
    lambda side, t: side.cat([t.expand(2, 4, 6), t[None]]),
    lambda side, t: side.stack([]),
    lambda side, t: side.stack(t),
    lambda side, t: side.stack([t, t[1:]]),
    lambda side, t: side.stack([t, t], 4),
    lambda side, t: side.hstack([]),
    lambda side, t: side.vstack(()),
    lambda side, t: side.split(tensor=t, split_size_or_sections=3, dim=1),
    lambda side, t: t.split(split_size=3, dim=1),
    lambda side, t: t.split(2.5),
    lambda side, t: t.chunk(chunks=3, dim=1),
    lambda side, t: t.tensor_split(sections=3),
    lambda side, t: t.tensor_split(indices=(1, 2)),
    lambda side, t: t.hsplit(indices=(1, 2)),
    lambda side, t: side.broadcast_tensors(t, t[0], t[0, 0]),
    lambda side, t: side.broadcast_tensors(t, t[0, :5]),
    lambda side, t: side.broadcast_tensors(t),
    lambda side, t: side.broadcast_tensors([t, t]),
]


@pytest.mark.parametrize("call", CALLS, ids=range(len(CALLS)))
def test_calls_and_errors(call):
    agree(call, values((4, 6)), messages=True)


def test_out():
    for side in (torch, mt):
        a, b = leaf(side, values((2, 3)), False), leaf(side, values((2, 3), "int64"), False)
        out = side.empty(0, dtype=side.float64)
        assert side.cat([a, b], out=out) is out
        assert tuple(out.shape) == (4, 3)
        np.testing.assert_array_equal(array_of(out)[2:], array_of(b))
        wide = side.empty(2, 2, 3, dtype=side.complex64)
        side.stack([a, b], out=wide)
        np.testing.assert_array_equal(array_of(wide)[0], array_of(a))
        with pytest.raises(TypeError, match="can't be cast to the desired output type Int"):
            side.cat([a, b], out=side.empty(0, dtype=side.int32))
        with pytest.raises(RuntimeError, match="don't support automatic differentiation"):
            side.cat([a.requires_grad_(), b], out=out)


def test_second_gradients():
    a, b = (mt.tensor(values((2, 3), seed=i), requires_grad=True) for i in (1, 2))
    check = gradgradcheck
    assert check(lambda x, y: mt.cat([x * y, y * y]) * mt.cat([y, x]), (a, b))
    assert check(lambda x, y: mt.stack([x * y, x], 1) ** 2, (a, b))
    assert check(lambda x: [p * p for p in x.split(2, 1)], (a,))
    assert check(lambda x: [p * p for p in x.unbind(1)], (a,))


def test_a_missing_part_is_noticed():
    """The comparison must reject a join whose gradient loses one input."""
    x, y = (mt.tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
    mt.cat([x, y.detach()]).sum().backward()
    assert x.grad is not None
    assert y.grad is None
    with pytest.raises(AssertionError):
        agree(
            lambda side, a, b: side.cat([a, b.detach() if side is mt else b]),
            values((2,)), values((2,)),
        )  # fmt: skip
