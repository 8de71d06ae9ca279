"""Sums, means, products, spreads, norms: values, gradients, dtypes and errors beside torch."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reduction_sides import OURS, TORCH, array, check, exactly, same_error

import minitorch_ref as mt

SHAPES = st.lists(st.integers(0, 4), max_size=4).map(tuple)


def dims_of(draw, ndim, empty=True):
    """None, an int, or a tuple of dims; counted from either end."""
    room = range(-max(ndim, 1), max(ndim, 1))
    kind = draw(st.sampled_from(["none", "int", "tuple"]))
    if kind == "none":
        return None
    if kind == "int":
        return draw(st.sampled_from(room))
    dims = draw(st.lists(st.sampled_from(room), unique_by=lambda d: d % max(ndim, 1), max_size=ndim))
    return tuple(dims) if dims or empty else None


SUMS = {
    "sum": lambda x, d, k: x.sum(d, k),
    "mean": lambda x, d, k: x.mean(d, k),
    "nansum": lambda x, d, k: x.nansum(d, k),
    "nanmean": lambda x, d, k: x.nanmean(d, k),
    "var": lambda x, d, k: x.var(d, correction=0, keepdim=k),
    "std": lambda x, d, k: x.std(d, correction=0.5, keepdim=k),
    "logsumexp": lambda x, d, k: x.logsumexp(tuple(range(x.ndim)) if d in (None, ()) else d, k),
    "norm": lambda x, d, k: x.norm(dim=d, keepdim=k),
    "norm 1": lambda x, d, k: x.norm(1, d, k),
    "norm 3": lambda x, d, k: x.norm(3, d, k),
}


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_float_sums(data):
    name = data.draw(st.sampled_from(sorted(SUMS)))
    shape = data.draw(SHAPES)
    if name in ("logsumexp", "var", "std") and 0 in shape:
        return
    dim = dims_of(data.draw, len(shape))
    if dim == () and ("norm" in name or name in ("var", "std")):
        dim = None  # torch's gradient takes () for no dim at all, its forward for every dim
    if name == "norm" and isinstance(dim, tuple) and len(dim) > 2:
        dim = dim[:2]  # "fro" stands for a matrix norm
    if name == "logsumexp" and not shape:
        dim = 0
    keepdim = data.draw(st.booleans())
    dtype = data.draw(st.sampled_from(["float32", "float64", "float16"]))
    turned = data.draw(st.booleans()) and len(shape) > 1
    order = 1 if dtype == "float16" else 2

    def f(lib, F, x):
        return SUMS[name](x.transpose(0, -1) if turned else x, dim, keepdim)

    check(f, array(shape, dtype, seed=len(shape)), order=order, names=name in ("sum", "mean") and dim is not None)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_integer_sums(data):
    name = data.draw(st.sampled_from(["sum", "nansum", "prod", "count_nonzero", "all", "any"]))
    shape = data.draw(SHAPES)
    dtype = data.draw(st.sampled_from(["bool", "uint8", "int8", "int16", "int32", "int64"]))
    x = array(shape, dtype)
    if name == "prod":
        d = data.draw(st.one_of(st.none(), st.integers(-max(len(shape), 1), max(len(shape), 1) - 1)))
        exactly(lambda lib, x: x.prod() if d is None else x.prod(d), x)
    elif name == "count_nonzero":
        d = dims_of(data.draw, len(shape), empty=False)
        exactly(lambda lib, x: x.count_nonzero(d), x)
    else:
        d, k = dims_of(data.draw, len(shape), empty=False), data.draw(st.booleans())
        exactly(lambda lib, x: getattr(x, name)(d, k), x)


def test_truth_of_floats():
    x = np.array([[np.nan, 0.0], [-0.0, 1.0]], np.float32)
    exactly(lambda lib, x: (x.all(), x.any(), x.all(0), x.any(-1, True), x.all(()), x.count_nonzero(1)), x)


@settings(max_examples=60, deadline=None)
@given(
    shape=st.lists(st.integers(0, 4), min_size=1, max_size=3).map(tuple),
    zeros=st.integers(0, 3),
    full=st.booleans(),
    keepdim=st.booleans(),
    axis=st.integers(0, 2),
)
def test_prod_with_zeros(shape, zeros, full, keepdim, axis):
    x = array(shape, "float64")
    x.reshape(-1)[np.random.default_rng(1).permutation(x.size)[:zeros]] = 0
    axis %= len(shape)
    check(lambda lib, F, x: x.prod() if full else x.prod(axis, keepdim), x, order=2 if x.size else 1)


def test_prod_of_a_number():
    check(lambda lib, F, x: x.prod(), np.array(3.0))
    check(lambda lib, F, x: x.prod(0), np.array(3.0))
    check(lambda lib, F, x: x.prod(dtype=lib.float64), np.array([1.5, 2.0], np.float32), order=1)


CALLS = {
    "axis": lambda lib, F, x: x.sum(axis=0, keepdims=True),
    "function": lambda lib, F, x: lib.sum(x, (0, 1)),
    "dtype": lambda lib, F, x: (x.sum(dtype=lib.float64), x.mean(0, dtype=lib.float64)),
    "std forms": lambda lib, F, x: (x.std(), x.std(False), x.std(0, False), x.std(0, True, True)),
    "var forms": lambda lib, F, x: (x.var(unbiased=False), x.var((0, 1), keepdim=True), x.var(None)),
    "std_mean": lambda lib, F, x: lib.std_mean(x, 0),
    "var_mean": lambda lib, F, x: lib.var_mean(x, (0, 1), correction=0, keepdim=True),
    "var_mean all": lambda lib, F, x: lib.var_mean(x),
    "fro": lambda lib, F, x: (x.norm("fro"), x.norm("fro", dim=0), x.norm(None), lib.norm(x, dim=1)),
    "norm inf": lambda lib, F, x: (x.norm(float("inf"), 0), x.norm(float("-inf"))),
    "norm half": lambda lib, F, x: x.norm(0.5, 1),
    "norm 1.5": lambda lib, F, x: x.norm(1.5),
    "norm dtype": lambda lib, F, x: x.norm(2, dtype=lib.float64),
    "dist": lambda lib, F, x: (x.dist(x[0].detach() + 1), x.dist(x.detach() * 2, 1), x.dist(x.detach(), 3)),
}


@pytest.mark.parametrize("name", CALLS)
def test_call_forms(name):
    check(CALLS[name], array((4, 5), "float32"), order=1, names="mean" not in name and name != "fro")


@pytest.mark.parametrize("p", [0, 1, 2, 3, 0.5, -1, 1.5, float("inf"), float("-inf")])
def test_norm_at_zero_and_ties(p):
    for rows in ([[3.0, -4], [0, 0]], [[0, 0], [0, 0]], [[3, 3], [-3, 1]]):
        x = np.array(rows, np.float32)
        check(lambda lib, F, x: x.norm(p, 1), x, order=1 if p else 0, names=False)
        check(lambda lib, F, x: x.norm(p), x, order=1 if p else 0, names=False)


def test_nuclear_norm():
    check(lambda lib, F, x: x.norm("nuc"), array((4, 3), "float64"), order=1, names=False)
    check(lambda lib, F, x: x.norm("nuc", (0, 2), True), array((4, 2, 3), "float32"), order=1, names=False)


@pytest.mark.parametrize("name", ["sum", "mean", "norm", "logsumexp"])
def test_special_values(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for rows in ([np.inf, 1], [-np.inf, np.inf], [np.nan, 1], [-np.inf, -np.inf], [3e38, 3e38]):
            x = mt.tensor(rows)
            ours = getattr(x, name)(0).item()
            theirs = getattr(torch.tensor(rows), name)(0).item()
            assert ours == theirs or (np.isnan(ours) and np.isnan(theirs)), (rows, ours, theirs)


def test_empty():
    exactly(lambda lib, x: (x.sum(), x.prod(), x.mean(), x.norm(), x.logsumexp(0), x.nansum()), np.zeros(0))
    exactly(lambda lib, x: (x.sum(0), x.mean(0), x.norm(2, 0), x.logsumexp(1), x.prod(1)), np.zeros((0, 3)))
    for lib, _ in (OURS, TORCH):
        with pytest.warns(UserWarning, match="degrees of freedom is <= 0"):
            assert np.isnan(lib.zeros(0).var().item())
        with pytest.warns(UserWarning, match="degrees of freedom is <= 0"):
            assert np.isnan(lib.zeros(1).std().item())


def test_gradient_of_one_element():
    for f in (lambda x: x.var(), lambda x: x.std(), lambda x: x.var(correction=3)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            check(lambda lib, F, x: f(x), np.array([2.0]), order=1)
    check(lambda lib, F, x: x.std(0), np.array([1.0, 1.0]), order=1)


@pytest.mark.parametrize("axis", [0, 1, (0, 2), None])
def test_long_sums_stay_accurate(axis):
    """Along a slow axis too the error must not grow with the length."""
    x = np.random.default_rng(0).uniform(size=(20_000, 3, 2)).astype(np.float32)
    x = np.ascontiguousarray(x if axis != 1 else x.transpose(1, 0, 2))
    ours = mt.from_numpy(x).sum(axis).numpy()
    exact = x.astype(np.float64).sum(axis)
    assert (np.abs(ours - exact) <= 3 * np.spacing(exact.astype(np.float32))).all()


def test_half_is_rounded_once():
    x = np.full(10_000, 0.1, np.float16)
    exactly(lambda lib, x: (x.sum(), x.mean(), x.norm()), x)
    big = np.full(1000, 1000.0, np.float16)  # its sum is too large for float16, its mean is not
    assert mt.from_numpy(big).mean().item() == 1000.0


def test_complex():
    x = (array((3, 4), "float64") + 1j * array((3, 4), "float64", seed=1)).astype(np.complex128)
    for name in ("sum", "mean", "prod", "var", "norm", "std"):
        ours, theirs = getattr(mt.from_numpy(x), name)(), getattr(torch.from_numpy(x), name)()
        assert str(ours.dtype) == str(theirs.dtype)
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-12)
    for name in ("mean", "prod", "norm", "logsumexp", "var"):
        grads = []
        for lib, _ in (OURS, TORCH):
            t = lib.from_numpy(x.copy()).requires_grad_()
            y = t.logsumexp(1).sum() if name == "logsumexp" else getattr(t, name)()
            (y * y).abs().backward()
            grads.append(t.grad.numpy())
        np.testing.assert_allclose(*grads, rtol=1e-9, atol=1e-12, err_msg=name)


OUTS = """
sum float64
sum int64
mean float64
prod float64
std float64
logsumexp float64
amax float32
all uint8
norm float32
""".split("\n")[1:-1]


@pytest.mark.parametrize("case", OUTS)
def test_out(case):
    name, dtype = case.split()
    for shape in ((), (2,)):
        results = []
        for lib, _ in (OURS, TORCH):
            out = lib.zeros(shape, dtype=getattr(lib, dtype))
            kwargs = {"p": 2} if name == "norm" else {}
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                got = getattr(lib, name)(lib.tensor([1.5, 2.0]), dim=0, out=out, **kwargs)
            assert got is out or lib is torch
            results.append(out.numpy())
        assert results[0].dtype == results[1].dtype and results[0].shape == results[1].shape
        np.testing.assert_allclose(*results, rtol=1e-6)


ERRORS = """
L([1,2]).mean()
L([1,2]).mean(dtype=lib.int64)
L([True]).mean()
R(3,4).sum(2)
R(3,4).sum((0,0))
R(3,4).sum((0,-2))
R(()).sum(1)
R(3,4).sum(0,1)
L([1,2]).std()
lib.var_mean(L([1,2]))
L([1+1j]).nansum()
L([1,2]).nanmean()
L([1,2]).norm()
R(3).norm('nuc')
R(2,3,4).norm('nuc')
R(3,4).norm('foo')
R(2,3,4).norm('fro',(0,1,2))
E(0).norm(float('inf'))
E(0,3).norm(float('inf'),0)
R(3).norm(2,dtype=lib.int64)
L([1,2]).dist(L([3,4]))
R(3,4).count_nonzero(2)
lib.amax(R(2),0,out=E(0,dtype=lib.int64))
lib.argmax(R(2),0,out=E(0))
lib.sum(R(2).requires_grad_(),0,out=E(0))
""".strip().splitlines()


@pytest.mark.parametrize("call", ERRORS)
def test_errors(call):
    same_error(lambda lib, F: eval(call, {"lib": lib, "L": lib.tensor, "R": lib.rand, "E": lib.empty}))


def test_errors_with_our_words():
    same_error(lambda lib, F: lib.rand(3, 4).prod((0, 1)), "prod() received an invalid combination")
    same_error(lambda lib, F: lib.rand(2).std(0, unbiased=False, correction=1), "std() received an invalid")
