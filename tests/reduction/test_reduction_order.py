"""Extremes, positions, medians, modes, quantiles and distinct elements: ties and NaN as torch."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reduction_sides import OURS, TORCH, array, check, exactly, same_error

import minitorch_ref as mt

SHAPES = st.lists(st.integers(1, 4), max_size=3).map(tuple)
ALL = ["float32", "float64", "float16", "int64", "int32", "uint8", "int8", "bool"]


def draw_array(data, dtypes=ALL, shapes=SHAPES):
    return array(
        data.draw(shapes), data.draw(st.sampled_from(dtypes)), seed=data.draw(st.integers(0, 9)),
        ties=data.draw(st.booleans()), special=data.draw(st.booleans()),
    )  # fmt: skip


def draw_dim(data, ndim):
    return data.draw(st.integers(-max(ndim, 1), max(ndim, 1) - 1))


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_extremes(data):
    x, keep = draw_array(data), data.draw(st.booleans())
    d = draw_dim(data, x.ndim)
    for name in ("max", "min"):
        exactly(lambda lib, x: getattr(x, name)(d, keep), x)
        exactly(lambda lib, x: getattr(lib, name)(x), x)
    exactly(lambda lib, x: (x.amax(), x.amin(d, keep), x.amax((d,), keep)), x)
    exactly(lambda lib, x: tuple(x.aminmax(dim=d, keepdim=keep)) + tuple(x.aminmax()), x)
    if x.dtype != bool:
        exactly(lambda lib, x: (x.argmax(), x.argmin(d, keep), x.argmax(d), x.argmin(keepdim=True)), x)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_gradients_of_extremes(data):
    x = draw_array(data, ["float32", "float64"])
    d, keep = draw_dim(data, x.ndim), data.draw(st.booleans())
    if not np.isfinite(x).all():
        return
    calls = {
        "max": lambda lib, F, x: (x.max(), x.min()),
        "dim": lambda lib, F, x: (x.max(d, keep)[0], x.min(d, keep)[0]),
        "amax": lambda lib, F, x: (x.amax(d, keep), x.amin()),
        "aminmax": lambda lib, F, x: tuple(x.aminmax(dim=d, keepdim=keep)),
        "median": lambda lib, F, x: (x.median(), x.nanmedian()),
        "median dim": lambda lib, F, x: (x.median(d, keep)[0], x.nanmedian(d, keep)[0]),
        "mode": lambda lib, F, x: x.mode(d, keep)[0],
    }
    check(calls[data.draw(st.sampled_from(sorted(calls)))], x, order=1)


@pytest.mark.parametrize("f", ["max", "min", "median"])
def test_gradient_at_nan(f):
    check(lambda lib, F, x: getattr(x, f)(), np.array([1.0, np.nan, 2.0, np.nan]), order=1)


def test_max_of_two_tensors():
    check(lambda lib, F, x, y: (lib.max(x, y), x.min(other=y)), array((3, 4), "float32"), array((4,), "float32", 1))


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_medians(data):
    x = draw_array(data, ["float32", "float64", "int64", "uint8"], st.lists(st.integers(1, 7), max_size=2).map(tuple))
    d, keep = draw_dim(data, x.ndim), data.draw(st.booleans())
    exactly(lambda lib, x: (x.median(), x.nanmedian()), x)
    exactly(lambda lib, x: tuple(x.median(d, keep)) + tuple(x.nanmedian(d, keep)), x)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_modes(data):
    n = st.integers(1, 40)
    x = draw_array(data, ["float32", "int64", "uint8", "bool"], st.one_of(SHAPES, st.tuples(n), st.tuples(n, n)))
    if x.dtype.kind == "f" and np.isnan(x).any():
        return
    d, keep = draw_dim(data, x.ndim), data.draw(st.booleans())
    exactly(lambda lib, x: tuple(x.mode(d, keep)), x)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_quantiles(data):
    x = draw_array(data, ["float32", "float64"])
    name = data.draw(st.sampled_from(["quantile", "nanquantile"]))
    how = data.draw(st.sampled_from(["linear", "lower", "higher", "midpoint", "nearest"]))
    d = data.draw(st.one_of(st.none(), st.integers(-max(x.ndim, 1), max(x.ndim, 1) - 1)))
    keep, several = data.draw(st.booleans()), data.draw(st.booleans())
    q = np.asarray(data.draw(st.lists(st.sampled_from([0.0, 0.25, 0.3, 0.5, 0.9, 1.0]), min_size=1, max_size=3)))

    def f(lib, F, x):
        wanted = lib.from_numpy(q.astype(str(x.dtype)[6:])) if several else float(q[0])
        return getattr(x, name)(wanted, d, keep, interpolation=how)

    order = 1 if np.isfinite(x).all() and len(set(x.ravel().tolist())) == x.size else 0
    check(f, x, order=order, names=False)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_unique(data):
    x = draw_array(data, ALL, st.lists(st.integers(0, 5), max_size=3).map(tuple))
    if x.dtype.kind == "f" and np.isnan(x).any():
        x = np.asarray(np.nan_to_num(x))
    inverse, counts = data.draw(st.booleans()), data.draw(st.booleans())
    name = data.draw(st.sampled_from(["unique", "unique_consecutive"]))
    dim = None
    if x.ndim and data.draw(st.booleans()) and x.size:
        dim = draw_dim(data, x.ndim)
    if dim is not None and x.dtype == np.float16:
        return

    def f(lib, x):
        kwargs = {"return_inverse": inverse, "return_counts": counts, "dim": dim}
        return getattr(lib, name)(x, **kwargs) if data else None

    results = [f(lib, lib.from_numpy(x.copy())) for lib, _ in (OURS, TORCH)]
    results = [r if isinstance(r, tuple) else (r,) for r in results]
    assert len(results[0]) == len(results[1])
    for ours, theirs in zip(*results):
        assert str(ours.dtype) == str(theirs.dtype) and tuple(ours.shape) == tuple(theirs.shape)
        assert np.array_equal(ours.numpy(), theirs.numpy())


def test_unique_corners():
    nan = np.array([np.nan, 1.0, np.nan], np.float32)
    exactly(lambda lib, x: x.unique(return_counts=True, return_inverse=True), nan)
    exactly(lambda lib, x: x.unique_consecutive(), nan)
    exactly(lambda lib, x: x.unique(dim=0), np.zeros((0, 3)))
    exactly(lambda lib, x: x.unique(dim=1), np.zeros((3, 0)))
    exactly(lambda lib, x: x.unique(), np.array(3))
    exactly(lambda lib, x: x.unique(sorted=False), np.array([3, 1, 3]))


def test_named_results():
    for lib, _ in (OURS, TORCH):
        x = lib.tensor([[1.0, 5.0], [2.0, 0.0]])
        found = x.max(1)
        assert found.values.tolist() == [5.0, 2.0] and found.indices.tolist() == [1, 0]
        values, indices = found
        assert values is found[0] and indices is found[1] and isinstance(found, tuple)
    for name in ("max", "min", "median", "mode", "nanmedian"):
        ours = getattr(mt.tensor([1.0, 5.0]), name)(0)
        assert repr(ours) == repr(getattr(torch.tensor([1.0, 5.0]), name)(0))
    assert repr(mt.tensor([1.0, 5.0]).aminmax()) == repr(torch.tensor([1.0, 5.0]).aminmax())
    with pytest.raises(TypeError, match="2-sequence"):
        mt.return_types.max((1,))


def test_out_of_a_selection():
    out = (mt.empty(0), mt.empty(0, dtype=mt.int64))
    found = mt.max(mt.tensor([[1.0, 3.0]]), 1, out=out)
    assert found.values is out[0] and out[0].tolist() == [3.0] and out[1].tolist() == [1]


ERRORS = """
E(0).amax()
E(0,3).amax(0)
E(3,0).amax(1)
R(3,4).amax((0,0))
L([1+1j]).amax()
E(0).max()
E(0,3).max(0)
L([1+1j]).max()
R(()).max(1)
R(3,4).max(2)
R(3,4).max(0,1)
E(0).aminmax()
E(0,3).aminmax(dim=0)
E(0).argmax()
E(0,3).argmax(0)
L([True,False]).argmax()
L([1+1j]).argmax()
E(0).median(0)
E(0,3).median(0)
L([True]).median()
L([True,False]).median(0)
L([1+1j]).median()
E(0).mode()
E(0,3).mode(0)
L([1,2,3]).quantile(.5)
L([1.,2,3]).quantile(2.)
L([1.,2,3]).quantile(L([2.]))
L([1.,2,3]).quantile(L([.5]).double())
L([1.,2,3]).quantile(L([[.5]]))
E(0).quantile(.5)
L([1.,2,3]).quantile(.4,interpolation='foo')
L([1.,2,3]).nanquantile(-1.)
E(3,0).unique(dim=0)
L([1+1j]).unique()
""".strip().splitlines()


@pytest.mark.parametrize("call", ERRORS)
def test_errors(call):
    def f(lib, F):
        return eval(call, {"lib": lib, "L": lib.tensor, "R": lib.rand, "E": lib.empty})

    # torch adds advice to one message and leaves a space out of another
    same_error(f)


def test_errors_with_our_words():
    same_error(lambda lib, F: lib.rand(3, 4).max((0, 1)), "max() received an invalid combination")
    same_error(lambda lib, F: lib.max(lib.rand(3), 1.0), "max() received an invalid combination")
