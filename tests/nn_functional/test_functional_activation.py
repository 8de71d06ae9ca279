"""Activations: values, gradients and second gradients beside torch, for every floating dtype."""

import numpy as np
import pytest
import torch
from functional_sides import OURS, TORCH, check, same_error
from hypothesis import given, settings
from hypothesis import strategies as st

import minitorch_ref as mt

SPECIAL = [0.0, -0.0, 1, -1, 0.5, -0.5, 3, -3, 6, -6, 20, -20, 88.7, -88.7, 1e-8, -1e-30]

CURVES = {
    "relu": lambda lib, F, x: F.relu(x),
    "relu6": lambda lib, F, x: F.relu6(x),
    "leaky_relu": lambda lib, F, x: F.leaky_relu(x),
    "leaky_relu -0.3": lambda lib, F, x: F.leaky_relu(x, -0.3),
    "elu": lambda lib, F, x: F.elu(x, 0.7),
    "selu": lambda lib, F, x: F.selu(x),
    "celu": lambda lib, F, x: F.celu(x, 2.0),
    "gelu": lambda lib, F, x: F.gelu(x),
    "gelu tanh": lambda lib, F, x: F.gelu(x, approximate="tanh"),
    "silu": lambda lib, F, x: F.silu(x),
    "mish": lambda lib, F, x: F.mish(x),
    "sigmoid": lambda lib, F, x: F.sigmoid(x),
    "tanh": lambda lib, F, x: F.tanh(x),
    "logsigmoid": lambda lib, F, x: F.logsigmoid(x),
    "hardtanh": lambda lib, F, x: F.hardtanh(x, -0.5, 2.0),
    "hardsigmoid": lambda lib, F, x: F.hardsigmoid(x),
    "hardswish": lambda lib, F, x: F.hardswish(x),
    "hardshrink": lambda lib, F, x: F.hardshrink(x, 0.5),
    "softshrink": lambda lib, F, x: F.softshrink(x, 0.5),
    "tanhshrink": lambda lib, F, x: F.tanhshrink(x),
    "softplus": lambda lib, F, x: F.softplus(x, 2.0, 5.0),
    "softsign": lambda lib, F, x: F.softsign(x),
    "threshold": lambda lib, F, x: F.threshold(x, 0.1, 20.0),
    "rrelu": lambda lib, F, x: F.rrelu(x),
    "softmax": lambda lib, F, x: F.softmax(x, -1),
    "softmax 0": lambda lib, F, x: F.softmax(x, 0),
    "log_softmax": lambda lib, F, x: F.log_softmax(x, -1),
    "log_softmax 0": lambda lib, F, x: F.log_softmax(x, 0),
    "softmin": lambda lib, F, x: F.softmin(x, -1),
    "softmax dtype": lambda lib, F, x: F.softmax(x, 0, dtype=lib.float64),
    "glu": lambda lib, F, x: F.glu(x, 0),
}


def inputs(dtype, n=400):
    rng = np.random.default_rng(0)
    values = np.concatenate([SPECIAL, rng.normal(size=n - len(SPECIAL)) * 3])
    return values.astype(dtype).reshape(20, -1)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("name", CURVES)
def test_curve(name, dtype):
    half = dtype == "float16" or name == "hardsigmoid"  # torch has no second gradient for these
    if name == "softmax dtype" and dtype != "float32":
        pytest.skip("computes in float64 from a narrower type; torch has no such gradient for half")
    if name == "hardsigmoid" and dtype == "float64":
        pytest.skip("torch's slope is a float32 constant: see test_hardsigmoid_slope")
    check(CURVES[name], inputs(dtype), order=1 if half else 2)


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(sorted(set(CURVES) - {"tanhshrink"})),  # it cancels near 0, as in torch
    shape=st.lists(st.integers(0, 4), min_size=0, max_size=3).map(tuple),
    flip=st.booleans(),
)
def test_any_shape_and_layout(name, shape, flip):
    if name == "glu":
        shape = (2 * (shape[0] if shape else 1), *shape[1:])
    x = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    f = CURVES[name]
    flipped = flip and name != "glu" and len(shape) > 0
    order = 1 if name == "hardsigmoid" else 2
    check((lambda lib, F, x: f(lib, F, x.transpose(0, -1))) if flipped else f, x, order=order)


def test_special_values_bit_for_bit():
    x = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0, 1e-45, 3.4e38] * 5, np.float32)
    for name in ("relu", "relu6", "hardtanh", "leaky_relu", "threshold", "softsign", "hardsigmoid"):
        ours = CURVES[name](*OURS, mt.from_numpy(x)).numpy()
        theirs = CURVES[name](*TORCH, torch.from_numpy(x)).numpy()
        same = (ours.view(np.int32) == theirs.view(np.int32)) | (np.isnan(ours) & np.isnan(theirs))
        assert same.all(), name


def test_hardsigmoid_slope():
    x = mt.tensor([-3.0, -1.0, 2.9, 3.0], dtype=mt.float64, requires_grad=True)
    mt.nn.functional.hardsigmoid(x).sum().backward()
    assert x.grad.tolist() == [0, 1 / 6, 1 / 6, 0]


def test_relu_gradient_does_not_multiply():
    """inf · 0 would be NaN and −1 · 0 would be −0; the gradient is selected, not multiplied."""
    x = mt.tensor([-1.0, 0.0, 2.0], requires_grad=True)
    mt.relu(x).backward(mt.tensor([float("inf"), -1.0, 5.0]))
    assert x.grad.tolist() == [0.0, 0.0, 5.0]
    assert not np.signbit(x.grad.numpy()).any()


INTEGERS = {
    "relu": lambda lib, F, x: F.relu(x),
    "relu6": lambda lib, F, x: F.relu6(x),
    "threshold": lambda lib, F, x: F.threshold(x, 1.5, 2.5),
    "hardtanh": lambda lib, F, x: F.hardtanh(x, -2.7, 3.9),
    "sigmoid": lambda lib, F, x: F.sigmoid(x),
    "softsign": lambda lib, F, x: F.softsign(x),
}


@pytest.mark.parametrize("name", INTEGERS)
@pytest.mark.parametrize("dtype", ["int64", "int8", "int32"])
def test_integers(name, dtype):
    check(INTEGERS[name], np.array([-5, -1, 0, 1, 2, 7], dtype))


@pytest.mark.parametrize("name", sorted(set(CURVES) - {"sigmoid", "tanh", "softmax dtype"}))
@pytest.mark.parametrize("dtype", ["bool", "int64", "complex64"])
def test_refused_dtypes(name, dtype):
    if (name, dtype) == ("softsign", "bool"):
        pytest.skip("a matter of abs, not of softsign")

    def f(lib, F):
        return CURVES[name](lib, F, lib.ones(2, 2).to(getattr(lib, dtype)))

    try:
        f(*TORCH)
    except Exception:  # noqa: BLE001
        same_error(f)
    else:
        f(*OURS)


INPLACE = {
    "relu": {}, "relu6": {}, "leaky_relu": {}, "elu": {}, "selu": {}, "celu": {}, "silu": {},
    "mish": {}, "hardtanh": {}, "hardsigmoid": {}, "hardswish": {}, "rrelu": {},
    "threshold": {"threshold": 0.1, "value": 2.0}, "dropout": {"p": 0.4},
}  # fmt: skip


@pytest.mark.parametrize("name", INPLACE)
def test_inplace_writes_and_differentiates(name):
    def f(lib, F, x):
        y = x * 1
        lib.manual_seed(3)
        z = getattr(F, name)(y, **INPLACE[name], inplace=True)
        assert z is y
        return z

    check(f, inputs("float32"), order=1)


@pytest.mark.parametrize(
    "name", ["relu_", "elu_", "selu_", "celu_", "leaky_relu_", "hardtanh_", "rrelu_"]
)
def test_underscore_functions(name):
    check(lambda lib, F, x: getattr(F, name)(x * 1), inputs("float32"), order=1)
    same_error(lambda lib, F: getattr(F, name)(lib.ones(2, requires_grad=True)))


def test_prelu():
    x = inputs("float32")
    check(lambda lib, F, x, w: F.prelu(x, w), x, np.array([0.25], np.float32))
    check(lambda lib, F, x, w: F.prelu(x, w), x, np.linspace(-1, 1, 20, dtype=np.float32))
    check(lambda lib, F, x, w: F.prelu(x, w), x, np.array(0.3, np.float32))
    check(lambda lib, F, x, w: lib.prelu(x.reshape(2, 5, 40), w), x, np.ones(5, np.float32))
    check(lambda lib, F, x, w: x.prelu(w), np.array(-2.0), np.array([0.5]))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rrelu_draws_torchs_slopes(dtype):
    def f(lib, F, x):
        lib.manual_seed(7)
        y = F.rrelu(x, 0.1, 0.4, training=True)
        return y, lib.rand(3)

    ours = f(*OURS, mt.from_numpy(inputs(dtype)))
    theirs = f(*TORCH, torch.from_numpy(inputs(dtype)))
    for a, b in zip(ours, theirs):
        assert np.array_equal(a.numpy(), b.numpy())
    check(lambda lib, F, x: f(lib, F, x)[0], inputs(dtype))


@pytest.mark.parametrize("hard", [False, True])
def test_gumbel_softmax_draws_torchs_noise(hard):
    def f(lib, F, x):
        lib.manual_seed(1)
        return F.gumbel_softmax(x, tau=0.8, hard=hard), lib.rand(2)

    check(f, inputs("float32", 40), order=1)


def test_implicit_dim_warns():
    for lib, F in (OURS, TORCH):
        for name in ("softmax", "log_softmax", "softmin"):
            with pytest.warns(UserWarning, match=f"Implicit dimension choice for {name}"):
                y = getattr(F, name)(lib.ones(2, 3))
            assert y.shape == (2, 3)
    check(lambda lib, F, x: (F.softmax(x), F.softmin(x[0]), F.log_softmax(x[None])), inputs("float32"))


def test_softmax_out_and_method():
    x = inputs("float32", 40)
    out = mt.empty(0)
    assert mt.softmax(mt.from_numpy(x), 1, out=out) is out
    assert np.allclose(out.numpy().sum(1), 1)
    check(lambda lib, F, x: (x.softmax(1), x.log_softmax(0), lib.softmax(x, dim=1)), x)


ERRORS = {
    "glu odd": (lambda lib, F: F.glu(lib.ones(3)), None),
    "glu 0-d": (lambda lib, F: F.glu(lib.ones(())), None),
    "glu dim": (lambda lib, F: F.glu(lib.ones(4), 1), None),
    "softmax dim": (lambda lib, F: F.softmax(lib.ones(3), 1), None),
    "prelu channels": (lambda lib, F: F.prelu(lib.ones(3, 4), lib.ones(3)), None),
    "prelu ndim": (lambda lib, F: F.prelu(lib.ones(3, 4), lib.ones(2, 2)), None),
    "prelu dtype": (lambda lib, F: F.prelu(lib.ones(3, 4), lib.ones(4).double()), None),
    "hardtanh": (lambda lib, F: F.hardtanh(lib.ones(3), 1.0, 0.0), None),
    "hardtanh uint8": (lambda lib, F: F.hardtanh(lib.ones(3).to(lib.uint8)), None),
    "softshrink": (lambda lib, F: F.softshrink(lib.ones(3), -1.0), "lambda must be in range [0, "),
    "gelu": (lambda lib, F: F.gelu(lib.ones(3), approximate="x"), None),
    "rrelu": (lambda lib, F: F.rrelu(lib.ones(3), 0.5, 0.1), None),
    "rrelu half": (lambda lib, F: F.rrelu(lib.ones(3).half(), training=True), None),
    "celu": (lambda lib, F: F.celu(lib.ones(3), 0.0), None),
    "gumbel dim": (lambda lib, F: F.gumbel_softmax(lib.ones(3), dim=1), None),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    same_error(*ERRORS[name])
