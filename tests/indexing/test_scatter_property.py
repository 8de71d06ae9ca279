"""gather, scatter, the index_ and masked_ families on random shapes: values and both gradients."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from indexing_sides import ENGINES, gradients, same, same_gradients

import minitorch_ref as mt

DTYPES = ["float16", "float32", "float64", "int32", "int64", "uint8", "bool", "complex64"]
REDUCTIONS = ["sum", "prod", "mean", "amax", "amin"]


@st.composite
def shapes_and_index(draw, min_dims=1):
    """(shape of self, dim, index array into it, no larger than self but along dim)."""
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=min_dims, max_size=3)))
    dim = draw(st.integers(0, len(shape) - 1))
    sizes = [draw(st.integers(0, n)) for n in shape]
    sizes[dim] = draw(st.integers(0, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    index = rng.integers(0, shape[dim], sizes)
    return shape, dim - draw(st.sampled_from([0, len(shape)])), index


def filled(engine, shape, dtype="float64", seed=0, low=-4, transposed=False):
    """Small random values, some of them zero and some equal; a transposed view if asked."""
    values = np.random.default_rng(seed).integers(low, 5, shape[::-1] if transposed else shape)
    values = np.asarray(values).astype(bool if dtype == "bool" else dtype)
    x = engine.from_numpy(values)
    return x.permute(*range(x.ndim - 1, -1, -1)) if transposed else x


@settings(max_examples=150, deadline=None)
@given(shapes_and_index(), st.sampled_from(DTYPES), st.booleans())
def test_gather(case, dtype, transposed):
    shape, dim, index = case
    same(lambda e: filled(e, shape, dtype, transposed=transposed).gather(dim, e.from_numpy(index)))


def unique_along(index, dim):
    """Whether no element is written twice (torch leaves open which value then wins)."""
    ordered = np.sort(index, axis=dim)
    return not (np.diff(ordered, axis=dim) == 0).any()


@settings(max_examples=200, deadline=None)
@given(shapes_and_index(), st.sampled_from(DTYPES), st.booleans(), st.booleans())
def test_scatter_and_scatter_add(case, dtype, transposed, in_place):
    shape, dim, index = case
    low = 0 if dtype == "uint8" else -4

    def run(engine, name, value=None):
        x = filled(engine, shape, dtype, 0, low, transposed)
        src = filled(engine, index.shape, dtype, 1, low)
        function = getattr(x, name + "_" * in_place)
        return [function(dim, engine.from_numpy(index), src if value is None else value), x]

    same(lambda e: run(e, "scatter_add"))
    same(lambda e: run(e, "scatter", 3))
    if unique_along(index, dim):
        same(lambda e: run(e, "scatter"))


@settings(max_examples=200, deadline=None)
@given(shapes_and_index(), st.sampled_from(DTYPES), st.sampled_from(REDUCTIONS), st.booleans(),
       st.booleans())  # fmt: skip
def test_scatter_reduce(case, dtype, reduce, include_self, in_place):
    shape, dim, index = case
    low = 0 if dtype == "uint8" else -4

    def run(engine):
        x = filled(engine, shape, dtype, 0, low)
        function = x.scatter_reduce_ if in_place else x.scatter_reduce
        src = filled(engine, index.shape, dtype, 1, low)
        result = function(dim, engine.from_numpy(index), src, reduce, include_self=include_self)
        return result.double() if dtype == "float16" else result

    if dtype == "float16" and reduce in ("mean", "prod"):  # torch rounds to half at every step
        same_gradients(run, 4e-3)
    elif dtype == "complex64":
        same_gradients(run, 1e-5)
    else:
        same(run, message=False)


@settings(max_examples=100, deadline=None)
@given(shapes_and_index(), st.sampled_from(REDUCTIONS), st.booleans())
def test_scatter_reduce_gradients(case, reduce, include_self):
    shape, dim, index = case
    if index.size == 0:
        return

    def run(engine, low):
        x, src = (filled(engine, s, seed=i, low=low).requires_grad_()
                  for i, s in enumerate((shape, index.shape)))  # fmt: skip

        def function(x, src):
            at = engine.from_numpy(index)
            return x.scatter_reduce(dim, at, src, reduce, include_self=include_self)

        return gradients(engine, function, x, src)

    # Zero factors of a product: torch's second derivative is undefined (or refused) there.
    same_gradients(lambda e: run(e, 1 if reduce == "prod" else -4))


def test_product_gradient_with_zeros_among_the_factors():
    def run(engine):
        x = engine.tensor([2.0, 3.0, 0.0], dtype=engine.float64, requires_grad=True)
        src = engine.tensor([0.0, 5.0, 0.0, 0.0, 7.0], dtype=engine.float64, requires_grad=True)
        index = engine.tensor([0, 0, 1, 1, 2])
        out = x.scatter_reduce(0, index, src, "prod")
        return [out, *engine.autograd.grad(out.sum(), (x, src))]

    same_gradients(run)


FAMILY = {
    "gather": lambda e, x, v, d, i: x.gather(d, i),
    "scatter": lambda e, x, v, d, i: x.scatter(d, i, v),
    "scatter a number": lambda e, x, v, d, i: x.scatter(d, i, 2.5),
    "scatter_add": lambda e, x, v, d, i: x.scatter_add(d, i, v),
    "take_along_dim": lambda e, x, v, d, i: x.take_along_dim(i, None),
    "take": lambda e, x, v, d, i: x.take(i),
    "put": lambda e, x, v, d, i: x.put(i, v, True),
}


@settings(max_examples=150, deadline=None)
@given(shapes_and_index(), st.sampled_from(sorted(FAMILY)), st.booleans())
def test_gradients(case, name, in_place):
    shape, dim, index = case
    if name == "scatter" and not unique_along(index, dim):
        return

    def run(engine):
        x = filled(engine, shape, seed=0).requires_grad_()
        v = filled(engine, index.shape, seed=1).requires_grad_()

        def function(x, v):
            a, b = x * x, v * v
            if in_place and name in ("scatter", "scatter_add", "put"):
                arguments = (engine.from_numpy(index), b, True) if name == "put" else (
                    dim, engine.from_numpy(index), b)  # fmt: skip
                getattr(a, name + "_")(*arguments)
                return a
            return FAMILY[name](engine, a, b, dim, engine.from_numpy(index))

        return gradients(engine, function, x, v)

    same_gradients(run)


SLICES = {
    "index_select": lambda x, d, i, v: x.index_select(d, i),
    "index_add": lambda x, d, i, v: x.index_add(d, i, v),
    "index_add scaled": lambda x, d, i, v: x.index_add(d, i, v, alpha=-3),
    "index_copy": lambda x, d, i, v: x.index_copy(d, i, v),
    "index_fill": lambda x, d, i, v: x.index_fill(d, i, 2),
    "index_fill a tensor": lambda x, d, i, v: x.index_fill(d, i, v.sum()),
}
SLICES_IN_PLACE = {
    "index_add": lambda x, d, i, v: x.index_add_(d, i, v),
    "index_copy": lambda x, d, i, v: x.index_copy_(d, i, v),
    "index_fill": lambda x, d, i, v: x.index_fill_(d, i, 2),
}


@st.composite
def slices_case(draw):
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))
    dim = draw(st.integers(0, len(shape) - 1))
    index = draw(st.lists(st.integers(0, shape[dim] - 1), max_size=6))
    return shape, dim, np.array(index, np.int64)


@settings(max_examples=200, deadline=None)
@given(slices_case(), st.sampled_from(sorted(SLICES)), st.booleans(), st.sampled_from(DTYPES),
       st.booleans())  # fmt: skip
def test_slices(case, name, in_place, dtype, transposed):
    shape, dim, index = case
    if name == "index_copy":
        index = np.unique(index)
    if name == "index_fill a tensor" and dtype not in ("float64", "float32", "int64"):
        return
    alpha_fits = dtype not in ("uint8", "bool")
    if name == "index_add scaled" and not alpha_fits:
        return
    function = (SLICES_IN_PLACE if in_place and name in SLICES_IN_PLACE else SLICES)[name]
    low = 0 if dtype == "uint8" else -4

    def run(engine):
        source = (*shape[:dim], len(index), *shape[dim + 1 :])
        x, v = (filled(engine, s, dtype, n, low, transposed) for n, s in enumerate((shape, source)))
        return [function(x, dim, engine.from_numpy(index), v), x]

    same(run)


@settings(max_examples=120, deadline=None)
@given(slices_case(), st.sampled_from(sorted(SLICES)), st.booleans())
def test_slice_gradients(case, name, in_place):
    shape, dim, index = case
    if name == "index_copy":
        index = np.unique(index)

    def run(engine):
        source = (*shape[:dim], len(index), *shape[dim + 1 :])
        x, v = (filled(engine, s, seed=n).requires_grad_() for n, s in enumerate((shape, source)))
        chosen = (SLICES_IN_PLACE if in_place and name in SLICES_IN_PLACE else SLICES)[name]
        return gradients(engine, lambda x, v: chosen(x * x, dim, engine.from_numpy(index), v * v), x, v)

    same_gradients(run)


MASKED = {
    "masked_select": lambda e, x, m, v: x.masked_select(m),
    "masked_fill": lambda e, x, m, v: x.masked_fill(m, -1.5),
    "masked_fill a tensor": lambda e, x, m, v: x.masked_fill(m, v.sum()),
    "masked_scatter": lambda e, x, m, v: x.masked_scatter(m, v),
    "where": lambda e, x, m, v: e.where(m, x, v.sum()),
    "where a number": lambda e, x, m, v: e.where(m, 2, x),
    "method where": lambda e, x, m, v: x.where(m, v[:1]),
    "masked_fill_": lambda e, x, m, v: x.masked_fill_(m, -1.5),
    "masked_scatter_": lambda e, x, m, v: x.masked_scatter_(m, v),
}


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 4), max_size=3), st.integers(0, 3), st.sampled_from(sorted(MASKED)),
       st.integers(0, 99), st.booleans())  # fmt: skip
def test_masks(shape, drop, name, seed, thin):
    """Masks that broadcast, also from a smaller number of dims and from size one."""
    mask_shape = [1 if thin and i == 0 else n for i, n in enumerate(shape[drop:])]

    def run(engine):
        x = filled(engine, tuple(shape), seed=0).requires_grad_()
        v = filled(engine, (64,), seed=1).requires_grad_()
        mask = filled(engine, tuple(mask_shape), "bool", seed)
        return gradients(engine, lambda x, v: MASKED[name](engine, x * x, mask, v * v), x, v)

    same_gradients(run)


@pytest.mark.parametrize("dtype", [*DTYPES, "complex128", "int8", "int16"])
def test_large_masks_take_the_branchless_path(dtype):
    values = np.random.default_rng(0).integers(0, 2, (90, 70)) > 0

    def run(engine):
        mask = engine.from_numpy(values)
        a, b = (filled(engine, (90, 70), dtype, n, 0) for n in (1, 2))
        return [engine.where(mask, a, b), engine.where(mask[:, :1], a, b[0]), engine.where(mask, a, 1),
                a.masked_fill(mask, 1), b.clone().masked_fill_(mask, 0), a[mask], a.t()[mask.t()],
                a.masked_select(mask), a.clone().masked_scatter_(mask, b)]  # fmt: skip

    same(run)


def test_where_keeps_nan_out_of_the_gradient_it_does_not_take():
    """The chosen branch's gradient is finite even where the other branch's value is not."""

    def run(engine):
        x = engine.tensor([0.0, 1.0, 4.0], dtype=engine.float64, requires_grad=True)
        y = engine.where(x > 0, x.log(), engine.zeros_like(x))
        return [y, engine.autograd.grad(y.sum(), x)[0]]

    ours, theirs = (run(e)[1].tolist() for e in ENGINES)
    assert str(ours) == str(theirs)


def test_half_sums_are_torchs():
    """torch rounds every addition to half in all of these but scatter_add, which rounds once."""
    values = np.random.default_rng(0).random(4000).astype(np.float16)
    places = np.random.default_rng(1).integers(0, 3, 4000)

    def sums(engine):
        source, index = engine.from_numpy(values), engine.from_numpy(places)
        start = engine.zeros(3, dtype=engine.float16)
        return [
            start.index_add(0, index, source).tolist(),
            start.index_put((index,), source, accumulate=True).tolist(),
            start.clone().put_(index, source, accumulate=True).tolist(),
            start.scatter_add(0, index, source).tolist(),
        ]

    ours, theirs = (sums(engine) for engine in ENGINES)
    assert ours == theirs
    assert ours[0] != ours[3]  # or the test could not tell


def test_the_gradient_test_rejects_a_wrong_rule(monkeypatch):
    from minitorch_ref.ops import indexed_slices

    monkeypatch.setattr(indexed_slices, "index_select", lambda g, dim, i: mt.zeros_like(g))

    def run(engine):
        x, v = (filled(engine, (3,), seed=n).requires_grad_() for n in (0, 1))
        index = engine.tensor([0, 1, 2])
        return gradients(engine, lambda x, v: x.index_add(0, index, v), x, v)

    with pytest.raises(AssertionError):
        same_gradients(run)
