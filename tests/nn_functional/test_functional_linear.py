"""linear, bilinear, distances and normalize beside torch."""

import numpy as np
import pytest
from functional_sides import check, same_error
from hypothesis import given, settings
from hypothesis import strategies as st


def normal(*shape, seed=0, dtype=np.float32):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("shape", [(4, 3), (3,), (2, 4, 3), (2, 1, 2, 3), (0, 3), (2, 0, 3)])
@pytest.mark.parametrize("bias", [True, False])
def test_linear(shape, bias, dtype):
    x, w, b = normal(*shape, dtype=dtype), normal(5, 3, seed=1, dtype=dtype), normal(5, seed=2, dtype=dtype)
    order = 1 if dtype == "float16" else 2
    if bias:
        check(lambda lib, F, x, w, b: F.linear(x, w, b), x, w, b, order=order)
    else:
        check(lambda lib, F, x, w: F.linear(x, w), x, w, order=order)


def test_linear_odd_shapes():
    x, w = normal(4, 3), normal(3)
    check(lambda lib, F, x, w: F.linear(x, w), x, w)
    check(lambda lib, F, x, w: F.linear(x, w), normal(2, 4, 3), w, names=False)
    check(lambda lib, F, x, w, b: F.linear(x, w, b), normal(3), w, normal(1)[0:1].reshape(()), names=False)
    check(lambda lib, F, x, w, b: F.linear(x, w, b), x, normal(5, 3), normal(1))
    check(lambda lib, F, x, w, b: F.linear(x, w, b), x, normal(5, 3), normal(4, 5))
    check(lambda lib, F, x, w, b: F.linear(x, w, b), normal(2, 0), normal(3, 0), normal(3))
    check(lambda lib, F, x, w: F.linear(x.t(), w.t()), normal(3, 4), normal(3, 5))
    check(lambda lib, F, x, w: F.linear(x, w), np.array([[1, 2]]), np.array([[3, 4], [5, 6]]))


@settings(max_examples=40, deadline=None)
@given(
    outer=st.lists(st.integers(0, 3), max_size=3).map(tuple),
    n=st.integers(1, 6),
    m=st.integers(1, 6),
    bias=st.booleans(),
)
def test_linear_of_any_shape(outer, n, m, bias):
    x, w, b = normal(*outer, n), normal(m, n, seed=1), normal(m, seed=2)
    if bias:
        check(lambda lib, F, x, w, b: F.linear(x, w, b), x, w, b)
    else:
        check(lambda lib, F, x, w: F.linear(x, w), x, w)


@pytest.mark.parametrize("outer", [(), (4,), (2, 3)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_bilinear(outer, dtype):
    arrays = [normal(*outer, 3), normal(*outer, 4, seed=1), normal(5, 3, 4, seed=2), normal(5, seed=3)]
    arrays = [a.astype(dtype) for a in arrays]
    check(lambda lib, F, x, y, w, b: F.bilinear(x, y, w, b), *arrays, names=False)
    check(lambda lib, F, x, y, w: F.bilinear(x, y, w), *arrays[:3], names=False)


X, Y = normal(4, 5), normal(4, 5, seed=1)

DISTANCES = {
    "cosine": lambda lib, F, x, y: F.cosine_similarity(x, y),
    "cosine 0": lambda lib, F, x, y: F.cosine_similarity(x, y, dim=0),
    "cosine broadcast": lambda lib, F, x, y: F.cosine_similarity(x, y[0], dim=-1),
    "cosine eps": lambda lib, F, x, y: F.cosine_similarity(x, y, eps=2.5),
    "pairwise": lambda lib, F, x, y: F.pairwise_distance(x, y),
    "pairwise keepdim": lambda lib, F, x, y: F.pairwise_distance(x, y, keepdim=True),
    "pairwise 1": lambda lib, F, x, y: F.pairwise_distance(x, y, p=1.0),
    "pairwise 3": lambda lib, F, x, y: F.pairwise_distance(x, y[0], p=3.0),
    "pairwise inf": lambda lib, F, x, y: F.pairwise_distance(x, y, p=float("inf")),
    "normalize": lambda lib, F, x, y: F.normalize(x),
    "normalize 1": lambda lib, F, x, y: F.normalize(x, p=1.0, dim=0),
    "normalize dims": lambda lib, F, x, y: F.normalize(x, dim=(0, 1), eps=100.0),
    "pdist": lambda lib, F, x, y: F.pdist(x),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", DISTANCES)
def test_distance(name, dtype):
    order = 1 if name == "pdist" else 2
    check(DISTANCES[name], X.astype(dtype), Y.astype(dtype), order=order, names=name != "pdist" and "pair" not in name)


def test_zero_vectors():
    zero = np.zeros((2, 3), np.float32)
    for name in ("cosine", "normalize", "normalize 1"):
        check(DISTANCES[name], zero, Y[:2, :3], order=1)
    check(lambda lib, F, x, y: F.pairwise_distance(x, x.detach(), eps=0.0), zero, zero, order=1, names=False)
    check(lambda lib, F, x, y: F.cosine_similarity(x, y), X, Y.astype(np.float64), order=0)


def test_normalize_out():
    def f(lib, F, x):
        out = lib.empty(4, 5)
        assert F.normalize(x.detach(), out=out) is out
        return out

    check(f, X, order=0)


ERRORS = """
F.linear(R(2,3),R(4,5))
F.linear(R(2,3),R(4,3),R(5))
F.linear(R(2,2,3),R(4,5))
F.linear(R(2,2,3),R(4,5),R(4))
F.linear(R(3),R(4,5),R(4))
F.linear(R(3),R(3),R(1))
F.linear(R(3),R(4))
F.linear(R(2,3),R(4))
F.linear(R(2,3),R(2,4,3))
F.linear(R(()),R(4,3))
F.linear(R(2,3),R(4,3).double())
F.linear(R(2,3).long(),R(4,3))
F.linear(R(2,3),R(4,3),R(4).double())
F.bilinear(R(2,3),R(3,4),R(5,3,4))
F.bilinear(R(2,3),R(2,5),R(5,3,4))
F.bilinear(R(2,4),R(2,4),R(5,3,4))
F.bilinear(R(2,3),R(2,4),R(5,3,4),R(4))
F.bilinear(R(2,2,3),R(2,4),R(5,3,4))
F.cosine_similarity(R(3,4),R(3,4),dim=2)
F.cosine_similarity(R(3,4),R(3,5))
F.cosine_similarity(lib.tensor([1,2]),lib.tensor([1,2]),dim=0)
F.cosine_similarity(R(3),R(3))
F.pairwise_distance(R(3,4),R(3,5))
F.normalize(R(3,4),dim=3)
F.normalize(R(4))
F.normalize(lib.tensor([[1,2]]))
""".strip().splitlines()


@pytest.mark.parametrize("call", ERRORS)
def test_errors(call):
    same_error(lambda lib, F: eval(call, {"lib": lib, "F": F, "R": lib.rand}))
