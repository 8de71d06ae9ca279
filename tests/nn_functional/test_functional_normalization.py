"""Normalisation: values, gradients, second gradients and running statistics beside torch."""

import numpy as np
import pytest
from functional_sides import OURS, TORCH, check, same_error
from hypothesis import given, settings
from hypothesis import strategies as st

import minitorch_ref as mt


def normal(*shape, seed=0, dtype=np.float32, mean=0.0):
    return (np.random.default_rng(seed).normal(size=shape) + mean).astype(dtype)


def unit(*shape, seed=0, dtype=np.float32):
    return np.random.default_rng(seed).uniform(0.5, 1.5, size=shape).astype(dtype)


def plain(t):
    return None if t is None else t.detach()


CASES = {
    "batch 2d": (
        lambda lib, F, x, w, b: F.batch_norm(x, None, None, w, b, training=True),
        normal(4, 3, 5, 2), unit(3), normal(3),
    ),
    "batch 0d": (
        lambda lib, F, x, w, b: F.batch_norm(x, None, None, w, b, training=True, eps=0.1),
        normal(8, 3), unit(3), normal(3),
    ),
    "batch bare": (lambda lib, F, x: F.batch_norm(x, None, None, training=True), normal(4, 3, 5)),
    "batch bias": (
        lambda lib, F, x, b: F.batch_norm(x, None, None, None, b, training=True), normal(4, 3, 5), normal(3),
    ),
    "batch eval": (
        lambda lib, F, x, m, v, w, b: F.batch_norm(x, plain(m), plain(v), w, b),
        normal(4, 3, 5), normal(3), unit(3), unit(3, seed=1), normal(3),
    ),
    "batch eval bare": (
        lambda lib, F, x, m, v: F.batch_norm(x, plain(m), plain(v)), normal(4, 3), normal(3), unit(3),
    ),
    "layer": (
        lambda lib, F, x, w, b: F.layer_norm(x, (4, 5), w, b), normal(2, 3, 4, 5), unit(4, 5), normal(4, 5),
    ),
    "layer all": (lambda lib, F, x: F.layer_norm(x, (3, 4)), normal(3, 4)),
    "layer ones": (
        lambda lib, F, x, w: F.layer_norm(x, (1, 6), w), normal(3, 1, 6), unit(1, 6),
    ),
    "layer bias": (lambda lib, F, x, b: F.layer_norm(x, (5,), None, b), normal(3, 5), normal(5)),
    "group": (
        lambda lib, F, x, w, b: F.group_norm(x, 2, w, b), normal(3, 4, 5), unit(4), normal(4),
    ),
    "group bare": (lambda lib, F, x: F.group_norm(x, 3), normal(2, 6)),
    "instance": (
        lambda lib, F, x, w, b: F.instance_norm(x, None, None, w, b), normal(3, 4, 5, 2), unit(4), normal(4),
    ),
    "instance eval": (
        lambda lib, F, x, m, v: F.instance_norm(x, plain(m), plain(v), use_input_stats=False),
        normal(3, 4, 5), normal(4), unit(4),
    ),
    "rms": (lambda lib, F, x, w: F.rms_norm(x, (5,), w), normal(3, 4, 5), unit(5)),
    "rms eps": (lambda lib, F, x: F.rms_norm(x, (4, 5), eps=0.3), normal(3, 4, 5)),
    "local 3": (lambda lib, F, x: F.local_response_norm(x, 3, alpha=0.5), normal(2, 6, 4)),
    "local 4": (lambda lib, F, x: F.local_response_norm(x, 2, alpha=0.5, k=2.0), normal(2, 5, 3, 4)),
    "local wide": (lambda lib, F, x: F.local_response_norm(x, 7), normal(2, 3, 4)),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CASES)
def test_norm(name, dtype):
    f, *arrays = CASES[name]
    # torch has no second gradient for a bias without a weight; and it sums float32 in double, so its
    # float32 run says nothing about float64's second gradients: they are checked numerically below
    order = 1 if "bias" in name or dtype == "float64" else 2
    check(f, *[a.astype(dtype) for a in arrays], order=order, names=not name.startswith("rms"))


@pytest.mark.parametrize("name", CASES)
def test_second_gradient(name):
    f, x, *parameters = CASES[name]
    x = x.astype(np.float64)[:, :, :2] if x.ndim > 3 and name != "layer" else x.astype(np.float64)
    given = [mt.from_numpy(x).requires_grad_()]
    frozen = name.endswith(("eval", "eval bare"))
    for i, a in enumerate(parameters):
        t = mt.from_numpy(a.astype(np.float64))
        given.append(t if frozen and i < 2 else t.requires_grad_())
    assert mt.autograd.gradgradcheck(lambda *t: f(mt, mt.nn.functional, *t), given)


@pytest.mark.parametrize("name", ["batch 2d", "batch eval", "layer", "group", "rms"])
def test_half(name):
    f, *arrays = CASES[name]
    check(f, *[a.astype(np.float16) for a in arrays], order=1, names=False)


def test_half_input_with_float_parameters():
    x, w, b = normal(4, 3, 5, dtype=np.float16), unit(3), normal(3)
    check(lambda lib, F, x, w, b: F.batch_norm(x, None, None, w, b, training=True), x, w, b, order=0)
    check(lambda lib, F, x, w: F.layer_norm(x, (5,), w), x, unit(5), order=0)


@settings(max_examples=50, deadline=None)
@given(
    shape=st.lists(st.integers(1, 4), min_size=2, max_size=5).map(tuple),
    mean=st.sampled_from([0.0, 3.0, 30.0]),
    kind=st.sampled_from(["batch", "layer", "group"]),
)
def test_any_shape(shape, mean, kind):
    x = normal(*shape, mean=mean)
    c = shape[1]
    if kind == "batch":
        if x.size == c:
            return
        check(lambda lib, F, x, w: F.batch_norm(x, None, None, w, training=True, eps=0.1), x, unit(c), order=1)
    elif kind == "layer":
        check(lambda lib, F, x, w: F.layer_norm(x, shape[1:], w, eps=0.1), x, unit(*shape[1:]), order=1)
    else:
        if x.size // c == 1 or x.size == shape[0] * c:
            return
        check(lambda lib, F, x, w: F.group_norm(x, c, w, eps=0.1), x, unit(c), order=1)


def test_large_mean_keeps_its_digits():
    """The statistics are summed in double: a mean of 10⁴ must not cost the variance its digits."""
    x = normal(64, 2, 50, mean=1e4)
    check(lambda lib, F, x: F.batch_norm(x, None, None, training=True), x, order=0)
    y = mt.nn.functional.batch_norm(mt.from_numpy(x), None, None, training=True).numpy()
    wide = x.astype(np.float64)
    exact = (wide - wide.mean((0, 2), keepdims=True)) / np.sqrt(wide.var((0, 2), keepdims=True) + 1e-5)
    assert np.abs(y - exact).max() < 1e-3  # half an ULP of x is 5e-4 standard deviations


@pytest.mark.parametrize("momentum", [0.1, 0.7, 1.0])
@pytest.mark.parametrize("name", ["batch_norm", "instance_norm"])
def test_running_statistics(name, momentum):
    x = normal(4, 3, 5, 2, mean=2.0)
    seen = []
    for lib, F in (OURS, TORCH):
        mean, var = lib.zeros(3), lib.ones(3)
        flags = {"training": True} if name == "batch_norm" else {"use_input_stats": True}
        for _ in range(3):
            y = getattr(F, name)(lib.from_numpy(x), mean, var, momentum=momentum, **flags)
        seen.append([y.numpy(), mean.numpy(), var.numpy()])
        assert mean._version == (0 if name == "batch_norm" else 3)
    for ours, theirs in zip(*seen):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)
    for ours, theirs in zip(seen[0][1:], seen[1][1:]):
        assert np.abs(ours - theirs).max() <= 4 * np.spacing(np.abs(theirs)).max()


def test_one_statistic_only():
    x = mt.from_numpy(normal(4, 3))
    var = mt.ones(3)
    mt.nn.functional.batch_norm(x, None, var, training=True, momentum=1.0)
    np.testing.assert_allclose(var.numpy(), x.numpy().var(0, ddof=1), rtol=1e-6)


def test_empty_batch():
    for shape in ((0, 3), (2, 3, 0)):
        y = mt.nn.functional.batch_norm(mt.ones(shape), mt.zeros(3), mt.ones(3), training=True)
        assert y.shape == shape
    assert mt.nn.functional.local_response_norm(mt.ones(0, 3, 4), 2).shape == (0, 3, 4)


ERRORS = """
F.batch_norm(R(1,3),None,None,training=True)
F.batch_norm(R(2,3),None,None)
F.batch_norm(R(2,3),R(3),None)
F.batch_norm(R(2,3),R(4),R(4))
F.batch_norm(R(2,3),R(3),R(4))
F.batch_norm(R(2,3),R(3),R(3),weight=R(4))
F.batch_norm(R(2,3),R(3),R(3),bias=R(4))
F.batch_norm(R(3),R(3),R(3))
F.batch_norm(R(2,3),R(3),R(3),eps=-1)
F.batch_norm(R(2,3),R(3),R(3),training=True,eps=0)
F.batch_norm(R(2,3).long(),R(3),R(3))
F.batch_norm(R(2,3).double(),R(3),R(3))
F.batch_norm(R(2,3),R(3).double(),R(3).double())
F.layer_norm(R(2,3),(4,))
F.layer_norm(R(2,3),())
F.layer_norm(R(2,3),(3,),weight=R(4))
F.layer_norm(R(2,3),(3,),bias=R(4))
F.layer_norm(R(2,3),(3,),weight=R(3).double())
F.layer_norm(R(2,3).long(),(3,))
F.layer_norm(R(3),(2,3))
F.rms_norm(R(2,3),(4,))
F.rms_norm(R(2,3),(3,),weight=R(4))
F.rms_norm(R(2,3),())
F.rms_norm(R(2,3).long(),(3,))
F.group_norm(R(2,3),2)
F.group_norm(R(2,4),2,weight=R(3))
F.group_norm(R(4),2)
F.group_norm(R(1,4),4)
F.group_norm(R(2,4),0)
F.instance_norm(R(2,3))
F.instance_norm(R(2,3,1))
F.instance_norm(R(2,3,2),weight=R(4))
F.instance_norm(R(2,3,2),use_input_stats=False)
F.local_response_norm(R(2,3),2)
F.local_response_norm(R(2,3,4),0)
""".strip().splitlines()


@pytest.mark.parametrize("call", ERRORS)
def test_errors(call):
    same_error(lambda lib, F: eval(call, {"F": F, "R": lib.rand}))


def test_layer_norm_wants_a_tuple():
    same_error(lambda lib, F: F.layer_norm(lib.ones(2, 3), 3), "must be tuple of ints, not int")
