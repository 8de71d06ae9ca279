"""Random indices into tensors of random layouts: where the elements of the result lie in memory.

Strides are compared for every result that has elements, dims of size one included, and the offsets of
all views.
"""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from indexing_sides import ENGINES, same, same_gradients

from minitorch_ref.kernels import layout

sizes = st.sampled_from([0, 1, 1, 2, 2, 3, 3, 4, 5])
dims = st.sampled_from([1, 1, 2, 2, 3, 3, 4])


@st.composite
def laid_out(draw, shape):
    """How to make a tensor of `shape`: (shape of the memory, steps that lead from it to the tensor)."""
    memory, steps = list(shape), []
    for _ in range(draw(st.integers(0, 2))):  # from the last step back to the first
        kind = draw(st.sampled_from(["permute", "slice", "expand"]))
        if kind == "permute":
            order = draw(st.permutations(range(len(memory))))
            steps.append(("permute", order))
            before = list(memory)
            for place, dim in enumerate(order):
                before[dim] = memory[place]
            memory = before
        elif memory:
            dim = draw(st.integers(0, len(memory) - 1))
            if kind == "slice":
                step, skipped = draw(st.integers(1, 3)), draw(st.integers(0, 1))
                steps.append(("slice", (dim, skipped, step)))
                memory[dim] = memory[dim] * step + skipped
            else:
                steps.append(("expand", tuple(memory)))
                memory[dim] = 1
    return tuple(memory), steps[::-1]


def tensor(engine, array, steps):
    x = engine.from_numpy(array.reshape(-1).copy()).reshape(array.shape)
    for kind, what in steps:
        if kind == "permute":
            x = x.permute(*what)
        elif kind == "expand":
            x = x.expand(*what)
        else:
            dim, skipped, step = what
            x = x[(slice(None),) * dim + (slice(skipped, None, step),)]
    return x


@st.composite
def tensors(draw, ndim=dims):
    shape = tuple(draw(sizes) for _ in range(draw(ndim)))
    memory, steps = draw(laid_out(shape))
    return shape, np.arange(float(np.prod(memory))).reshape(memory), steps


@st.composite
def arrays(draw, shape, size):
    """Indices below `size` (bools for None) of a shape and any layout."""
    memory, steps = draw(laid_out(shape))
    values = np.random.default_rng(draw(st.integers(0, 99)))
    if size is None:
        return values.integers(0, 2, memory).astype(bool), steps
    kind = draw(st.sampled_from([np.int64, np.int64, np.int32]))
    return values.integers(-size, max(size, 1), memory).astype(kind), steps


@st.composite
def indices(draw, shape):
    """An index into `shape`, engine-neutral."""
    together = tuple(draw(st.sampled_from([1, 2, 3, 4])) for _ in range(draw(st.integers(1, 3))))
    index, dim = [], 0
    while dim < len(shape) and draw(st.integers(0, 6)):
        kind = draw(st.sampled_from(["int", "slice", "array", "array", "array", "mask", "new", "flag"]))
        size = shape[dim]
        if kind == "int":
            assume(size)
            index.append(draw(st.integers(-size, size - 1)))
        elif kind == "slice":
            ends = st.one_of(st.none(), st.integers(-size - 1, size + 1))
            index.append(slice(draw(ends), draw(ends), draw(st.sampled_from([None, 1, 2, 3]))))
        elif kind == "array":
            own = [1 if draw(st.integers(0, 3)) == 0 else n for n in together]
            index.append(draw(arrays(tuple(own), size)))
        elif kind == "mask":
            count = draw(st.integers(1, len(shape) - dim))
            index.append(draw(arrays(shape[dim : dim + count], None)))
            dim += count - 1
        else:
            index.append(None if kind == "new" else True)
            dim -= 1
        dim += 1
    return tuple(index)


@st.composite
def cases(draw):
    shape, array, steps = draw(tensors())
    return array, steps, draw(indices(shape))


def index_of(engine, index):
    return tuple([tensor(engine, *part) if isinstance(part, tuple) else part for part in index])


def read(engine, case):
    array, steps, index = case
    x = tensor(engine, array, steps)
    y = x[index_of(engine, index)]
    offset = y.storage_offset() if array.size else None  # which depends on strides that are not kept
    return [y, y.is_contiguous() or y.numel() == 0, offset, y._is_view()]


@settings(max_examples=500)
@given(cases())
def test_reading_by_an_index(case):
    same(lambda engine: read(engine, case), strides=True)


@settings(max_examples=150)
@given(cases())
def test_gradients_do_not_depend_on_the_layout(case):
    array, steps, index = case

    def run(engine):
        x = tensor(engine, array, steps).detach().requires_grad_()
        y = x[index_of(engine, index)]
        weights = engine.arange(float(y.numel()), dtype=engine.float64).reshape(y.shape)
        (g,) = engine.autograd.grad((y * y * weights).sum(), x, create_graph=True)
        return [g, *engine.autograd.grad((g * g).sum(), x)]

    same_gradients(run)


FUNCTIONS = {
    "where": lambda e, x, mask, i: e.where(mask, x, x * 2),
    "where with a number": lambda e, x, mask, i: e.where(mask, x, 1.5),
    "masked_fill": lambda e, x, mask, i: x.masked_fill(mask, 7),
    "masked_select": lambda e, x, mask, i: x.masked_select(mask),
    "nonzero": lambda e, x, mask, i: [mask.nonzero(), *mask.nonzero(as_tuple=True)],
    "index_select": lambda e, x, mask, i: x.index_select(-1, i),
    "index_fill": lambda e, x, mask, i: x.index_fill(-1, i, 7.0),
    "index_put": lambda e, x, mask, i: e.index_put(x, (mask,), e.tensor(7.0, dtype=e.float64)),
    "put": lambda e, x, mask, i: x.put(i, (i * 2).double()),
    "take": lambda e, x, mask, i: x.take(i),
    "take_along_dim": lambda e, x, mask, i: e.take_along_dim(x, i.reshape([1] * (x.ndim - 1) + [-1]), -1),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("long", [1, 1200])  # large arrays have kernels of their own
@settings(max_examples=30)
@given(st.data())
def test_functions_of_an_index(name, long, data):
    shape = (*[data.draw(st.sampled_from([1, 2, 3])) for _ in range(data.draw(st.integers(1, 3)))],)
    shape = (shape[0] * long, *shape[1:])
    memory, steps = data.draw(laid_out(shape))
    array = np.arange(float(np.prod(memory))).reshape(memory)
    mask = data.draw(arrays(shape, None))
    i = data.draw(arrays((2,), shape[-1]))[0].astype(np.int64) % shape[-1]
    i = np.unique(i)  # what is written twice has no certain value

    def run(engine):
        x = tensor(engine, array, steps)
        return FUNCTIONS[name](engine, x, tensor(engine, *mask), engine.from_numpy(i))

    same(run, strides=True)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_order_of_dims_written_out(engine):
    """x's dims keep their order in memory; the index's dim, on which x has no say, keeps its place
    in the row-major order until others pass it; an index orders its own dims."""
    x = engine.zeros(4, 2, 3).permute(1, 2, 0)  # strides (3, 1, 6)
    i = engine.tensor([0, 1, 1, 0, 1])
    assert x[i].stride() == (12, 1, 3)
    assert x[:, i].stride() == (1, 2, 10)
    turned = engine.zeros(3, 2, dtype=engine.int64).t()  # strides (1, 2)
    assert engine.zeros(5, 7)[turned].stride() == (7, 14, 1)
    assert engine.zeros(2, 5)[1:1, 2:].storage_offset() == 7
    assert engine.zeros(3)[5:].storage_offset() == 3


@pytest.mark.parametrize("engine", ENGINES)
def test_indices_that_select_nothing_are_not_checked(engine):
    far = engine.tensor([9])
    assert engine.zeros(3, 0)[far].shape == (1, 0)
    assert engine.zeros(3, 4)[1:1, far].shape == (0, 1)
    with pytest.raises(IndexError, match="out of bounds for dimension with size 0"):
        engine.zeros(3, 0)[:, far]
    with pytest.raises(IndexError, match="index 9 is out of bounds"):
        engine.zeros(3, 4)[far]


def wrong_everything_row_major(shape, operands):
    return list(range(len(shape)))


def wrong_array_alone(shape, operands):
    """An order that does not ask the index arrays."""
    return layout.memory_order(shape, operands[:1])


@pytest.mark.parametrize("wrong", [wrong_everything_row_major, wrong_array_alone])
def test_a_wrong_order_is_rejected(monkeypatch, wrong):
    monkeypatch.setattr("minitorch_ref.ops.selection.memory_order", wrong)
    with pytest.raises(AssertionError):
        test_reading_by_an_index()
