"""Values that NumPy's ufuncs and torch's kernels do not agree on: fused sums, half with a number,
zeros, NaN, the least integer."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pointwise_sides import DTYPES, agree

import minitorch_ref as mt
from minitorch_ref.ops import table

FLOATS = st.floats(-100, 100, width=32)
EDGES = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 2.5, -2.5, 1e-40, 3e38])


def drawn(seed, dtype, n=64):
    return np.random.default_rng(seed).normal(size=n).astype(dtype)


@settings(max_examples=100)
@given(st.integers(0, 10**6), FLOATS, st.sampled_from(["f4", "f8"]))
def test_sums_with_a_factor_are_fused_as_torchs_are(seed, factor, dtype):
    x, y, z = (drawn((seed, i), dtype) for i in range(3))
    agree(lambda t, a, b: t.add(a, b, alpha=factor), x, y)
    agree(lambda t, a, b: t.sub(a, b, alpha=factor), x, y)
    agree(lambda t, a, b, c: t.addcmul(a, b, c, value=factor), x, y, z)
    agree(lambda t, a, b, c: t.addcdiv(a, b, c, value=factor), x, y, z)
    agree(lambda t, a, b: t.lerp(a, b, factor / 50), x, y)
    agree(lambda t, a, b, c: t.lerp(a, b, c), x, y, z)


def test_a_product_rounded_on_its_own_would_be_seen():
    """The property above can fail: two roundings give other bits than one."""
    x, y = drawn(1, "f4"), drawn(2, "f4")
    fused = torch.add(torch.from_numpy(x), torch.from_numpy(y), alpha=0.3).numpy()
    assert not np.array_equal(fused, x + np.float32(0.3) * y)


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.floats(0.0625, 10, width=32))
def test_half_with_a_number(seed, number):
    """mul, div and floor_divide take the number in float32, all others round it to half first."""
    h = drawn(seed, "f2", 40)
    zero_dim = np.array(number, "f4")
    for name in ("add", "sub", "mul", "div", "floor_divide", "fmod", "remainder", "lt", "maximum"):
        if name != "maximum":
            agree(lambda t, a: getattr(t, name)(a, number), h)
        agree(lambda t, a, b: getattr(t, name)(a, b), h, zero_dim)
        agree(lambda t, a, b: getattr(t, name)(b, a), h, zero_dim)
    agree(lambda t, a: number * a, h)
    agree(lambda t, a: number - a, h)


PAIRS = ["fmax", "fmin", "remainder", "floor_divide", "copysign", "heaviside", "nextafter", "pow",
         "atan2", "hypot", "maximum", "minimum"]  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_every_edge_with_every_other(name, dtype):
    x, y = (a.astype(dtype) for a in np.meshgrid(EDGES[:9], EDGES[:9]))
    if name in ("pow", "atan2", "hypot"):
        ours, theirs = (
            getattr(t, name)(t.from_numpy(x), t.from_numpy(y)).numpy() for t in (mt, torch)
        )
        np.testing.assert_array_max_ulp(ours, theirs, 2)
        assert np.array_equal(np.signbit(ours[ours == 0]), np.signbit(theirs[ours == 0]))
    else:
        agree(lambda t, a, b: getattr(t, name)(a, b), x, y)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_signs_of_zero_and_nan(dtype):
    with np.errstate(all="ignore"):
        x = np.tile(EDGES, 6).astype(dtype)[:64]
    for call in (
        lambda t, a: t.sign(a), lambda t, a: t.sgn(a), lambda t, a: t.clamp(a, min=0),
        lambda t, a: t.clamp(a, max=0), lambda t, a: t.clamp(a, 0, 1), lambda t, a: t.relu(a),
        lambda t, a: t.clamp_max(a, -0.0), lambda t, a: t.clamp(a, a.flip(0), a),
        lambda t, a: t.clamp_min(a, a.flip(0)), lambda t, a: t.round(a), lambda t, a: 2 / a,
    ):  # fmt: skip
        agree(call, x)


@settings(max_examples=100)
@given(st.integers(-(2**20), 2**20), st.integers(1, 2**10), st.integers(0, 20))
def test_remainder_is_exact(a, b, shift):
    """a − b·⌊a/b⌋ in rational arithmetic, for numbers that float32 holds."""
    x, y = Fraction(a, 2**shift), Fraction(b, 2**shift)
    expected = x - y * math.floor(x / y)
    for sign in (1, -1):
        ours = mt.remainder(mt.tensor([float(x)], dtype=mt.float64), sign * float(y)).item()
        assert Fraction(ours) == (expected if sign > 0 or expected == 0 else expected - y)


def test_gcd_with_the_least_integer():
    """Euclid's algorithm on wrapped numbers: the sign is torch's, the size is the true one."""
    for kind in ("i1", "i2", "i4", "i8"):
        info = np.iinfo(kind)
        v = np.array([0, 1, 7, info.max, info.min, info.min + 1, -6], kind)
        agree(lambda t, a: t.gcd(a[:, None], a), v)
        ours = mt.gcd(mt.from_numpy(v[:, None]), mt.from_numpy(v)).numpy().astype(object)
        true = np.array([[math.gcd(int(a), int(b)) for b in v] for a in v], object)
        assert (np.abs(ours) == true).all()


@pytest.mark.parametrize("scale", [0.01, 1.0, 3.0, 9.0])
@pytest.mark.parametrize("size", [30, 4000])
def test_tanh_error(scale, size):
    """No further from the truth than torch's own or 1.4 ULP, and half of that where |x| > 1.5."""
    x = np.random.default_rng(3).uniform(-scale, scale, size).astype("f4")
    truth = np.tanh(x.astype(np.longdouble))
    ours = mt.tanh(mt.from_numpy(x)).numpy()
    error = np.abs(ours - truth) / np.spacing(np.abs(ours)).astype(np.longdouble)
    assert error.max() < 1.5
    assert error[np.abs(x) > 1.5].max(initial=0) < 0.75


REFUSED = ["add", "sub", "mul", "div", "floor_divide", "remainder", "fmod", "pow", "float_power",
           "atan2", "hypot", "copysign", "nextafter", "heaviside", "logaddexp", "logaddexp2",
           "maximum", "fmin", "gcd", "lcm", "bitwise_xor", "bitwise_left_shift", "lt", "ge", "eq",
           "logical_or"]  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_which_dtypes_and_numbers_are_refused(name):
    """Each dtype with itself, with a number on either side, and with shapes that do not fit."""
    def refusal(call, *arrays):
        errors = []
        for side in (mt, torch):
            try:
                call(side, *[side.from_numpy(a.copy()) for a in arrays])
                errors.append(None)
            except Exception as error:
                errors.append(type(error).__name__)
        return errors

    for dtype in DTYPES:
        x = np.array([1, 2]).astype(dtype)
        for call in (
            lambda t, a: getattr(t, name)(a, a),
            lambda t, a: getattr(t, name)(a, 2),
            lambda t, a: getattr(t, name)(2, a),
            lambda t, a: getattr(t, name)(a, a[:1].expand(3)),
            lambda t, a: getattr(t, name)(a, "x"),
            lambda t, a: getattr(t, name)([1], a),
        ):
            ours, theirs = refusal(call, x)
            assert ours == theirs, dtype


# ---- what becomes of a kernel's own errors -------------------------------------------------------


def stumble(*arrays):
    raise TypeError("'numpy.float64' object does not support item assignment")


def trip(*arrays):
    raise ValueError("cannot reshape array of size 3 into shape (2,)")


def test_only_shapes_that_do_not_fit_count_as_a_failed_broadcast():
    two, add = table.binary("probe", trip, publish=False), table.binary("join", np.add, publish=False)
    for a, b in ((mt.ones(3), mt.ones(3)), (mt.ones(2, 1), mt.ones(3)), (mt.ones(3), mt.ones(3, dtype=mt.float64))):
        with pytest.raises(ValueError, match="cannot reshape array"):
            two(a, b)
    for call in (lambda: two(mt.ones(3), mt.ones(2)), lambda: add(mt.ones(3), mt.ones(2))):
        with pytest.raises(RuntimeError, match=r"The size of tensor a \(3\) must match the size of tensor b \(2\)"):
            call()


def test_only_a_missing_loop_counts_as_a_missing_kernel():
    """NumPy has two messages for a type that a ufunc has no loop for; any other error is a bug."""
    for x in (mt.ones(3), mt.tensor(1.0)):
        one, two = table.unary("probe", stumble, publish=False), table.binary("probe", stumble, publish=False)
        for call in (lambda: one(x), lambda: two(x, x), lambda: two(x, 2.0), lambda: two(2.0, x)):
            with pytest.raises(TypeError, match="does not support item assignment"):
                call()
    turn = table.unary("turn", np.floor, publish=False)  # "not supported for the input types"
    mark = table.unary("mark", np.sign, publish=False)  # "did not contain a loop"
    join = table.binary("join", np.arctan2, publish=False)
    z, flag = mt.ones(3, dtype=mt.complex64), mt.ones(3, dtype=mt.bool)
    for call, text in ((lambda: turn(z), "\"turn_cpu\" not implemented for 'ComplexFloat'"),
                       (lambda: mark(flag), "\"mark_cpu\" not implemented for 'Bool'"),
                       (lambda: join(z, z), "\"join_cpu\" not implemented for 'ComplexFloat'")):  # fmt: skip
        with pytest.raises(NotImplementedError, match=text):
            call()
