"""frexp, ldexp, angle, nan_to_num, fill, and the in-place functions that torch publishes."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minitorch_ref as mt

PUBLISHED = ("arccos_", "arccosh_", "arcsin_", "arcsinh_", "arctan_", "arctanh_", "clip_", "fix_", "negative_", "sinc_", "erf_", "i0_", "logit_", "xlogy_")


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.floats(width=32), min_size=1, max_size=8))
def test_frexp_takes_apart_and_ldexp_puts_together(numbers):
    x = np.array(numbers, np.float32)
    mantissa, exponent = mt.frexp(mt.from_numpy(x))
    assert exponent.dtype is mt.int32
    assert np.array_equal(mt.ldexp(mantissa, exponent).numpy(), x, equal_nan=True)
    theirs = torch.frexp(torch.from_numpy(x))
    assert np.array_equal(mantissa.numpy(), theirs.mantissa.numpy(), equal_nan=True)
    assert np.array_equal(exponent.numpy(), theirs.exponent.numpy())


def test_frexp_names_its_results_and_refuses_whole_numbers():
    found = mt.frexp(mt.tensor([3.0]))
    assert found.mantissa.item() == 0.75 and found.exponent.item() == 2
    with pytest.raises(RuntimeError, match="only supports floating-point dtypes"):
        mt.frexp(mt.tensor([3]))


TYPES = ("float16", "float32", "float64", "int32", "uint8", "bool", "complex64")


@pytest.mark.parametrize("a", TYPES)
@pytest.mark.parametrize("b", TYPES)
def test_ldexp_types(a, b):
    results = []
    for module in (torch, mt):
        x, y = (module.ones(2, dtype=getattr(module, kind)) for kind in (a, b))
        try:
            results.append((module.ldexp(x, y).tolist(), str(module.ldexp(x, y).dtype).removeprefix("torch.")))
        except NotImplementedError as error:
            results.append(str(error))
    assert results[0] == results[1]


def test_ldexp_gradients():
    for exponents in ([1.5, -2.0], [3, -2]):
        grads = []
        for module in (torch, mt):
            x = module.tensor([1.5, 2.5], dtype=module.float64, requires_grad=True)
            y = module.tensor(exponents).double() if isinstance(exponents[0], float) else module.tensor(exponents)
            y.requires_grad_(isinstance(exponents[0], float))
            module.ldexp(x, y).sum().backward()
            grads.append([x.grad.tolist(), y.grad.tolist() if y.requires_grad else None])
        np.testing.assert_allclose(grads[1][0], grads[0][0], rtol=1e-15)
        if grads[0][1]:
            np.testing.assert_allclose(grads[1][1], grads[0][1], rtol=1e-15)


ODD = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.5]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("arguments", [{}, {"nan": 0.5}, {"posinf": 2.0, "neginf": -3.0}, {"nan": float("inf")}])
def test_nan_to_num(dtype, arguments):
    x = np.array(ODD, dtype)
    ours, theirs = (m.nan_to_num(m.from_numpy(x.copy()), **arguments).numpy() for m in (mt, torch))
    assert np.array_equal(ours, theirs, equal_nan=True) and np.array_equal(np.signbit(ours), np.signbit(theirs))


def test_nan_to_num_of_complex_and_whole_numbers():
    z = np.array([complex(np.nan, np.inf), complex(-np.inf, 1)], np.complex64)
    assert np.array_equal(*(m.nan_to_num(m.from_numpy(z.copy()), nan=1.0).numpy() for m in (mt, torch)))
    whole = mt.tensor([1, 2])
    assert mt.nan_to_num(whole).tolist() == [1, 2] and mt.nan_to_num(whole) is not whole
    with pytest.raises(RuntimeError, match="does not support automatic differentiation"):
        mt.nan_to_num(mt.tensor([1j], requires_grad=True))
    with pytest.raises(RuntimeError, match="dtype of out: Double should be same as input: Float"):
        mt.nan_to_num(mt.ones(2), out=mt.ones(2, dtype=mt.float64))


def test_angle():
    x = np.array(ODD + [-1.0])
    ours, theirs = (m.angle(m.from_numpy(x.copy())).numpy() for m in (mt, torch))
    assert np.array_equal(ours, theirs, equal_nan=True)
    z = np.array([1 + 1j, -1 + 0j, -2 - 3j, 0j])
    grads = []
    for module in (torch, mt):
        t = module.from_numpy(z.copy()).requires_grad_()
        module.angle(t).sum().backward()
        grads.append((module.angle(t).detach().numpy(), t.grad.numpy()))
    for a, b in zip(grads[0], grads[1], strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-14)


def test_fill_leaves_its_input_alone():
    x = mt.zeros(3, requires_grad=True)
    value = mt.tensor(2.0, requires_grad=True)
    y = mt.fill(x, value)
    y.sum().backward()
    assert y.tolist() == [2.0] * 3 and x.tolist() == [0.0] * 3
    assert x.grad.tolist() == [0.0] * 3 and value.grad.item() == 3.0


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_in_place_functions(name):
    results = []
    for module in (torch, mt):
        x = module.tensor([0.25, 0.75]) + (1 if name == "arccosh_" else 0)
        arguments = {"clip_": (0.5,), "xlogy_": (module.tensor([2.0, 3.0]),)}.get(name, ())
        assert getattr(module, name)(x, *arguments) is x
        results.append(x.tolist())
    np.testing.assert_allclose(results[1], results[0], rtol=1e-6)


def test_zero_fill_and_detach_in_place():
    x = mt.ones(2)
    assert mt.fill_(x, 3) is x and x.tolist() == [3.0, 3.0]
    assert mt.zero_(x) is x and x.tolist() == [0.0, 0.0]
    y = mt.ones(2, requires_grad=True) * 2
    assert mt.detach_(y) is y and not y.requires_grad


def test_fractional_exponents_give_the_power_of_two_rounded_once():
    """2^y by mpmath: ours is next to none but the truth, and exact for whole y."""
    import mpmath

    y = np.random.RandomState(0).uniform(-30, 30, 2000)
    for kind, wrong in ((np.float32, 0.002), (np.float64, 0.002)):
        powers = y.astype(kind)
        ours = mt.ldexp(mt.ones(y.size, dtype=getattr(mt, kind.__name__)), mt.from_numpy(powers)).numpy()
        with mpmath.workprec(200):
            exact = [mpmath.mpf(2) ** mpmath.mpf(float(v)) for v in powers]
            assert ours.dtype == kind
            assert np.mean(ours != np.array([float(v) for v in exact]).astype(kind)) <= wrong
            spacing = np.spacing(ours).tolist()
            assert max(abs((mpmath.mpf(float(a)) - b) / s) for a, b, s in zip(ours, exact, spacing)) < 0.51
        whole = np.arange(-120, 121).astype(kind)
        found = mt.ldexp(mt.ones(whole.size, dtype=getattr(mt, kind.__name__)), mt.from_numpy(whole)).numpy()
        assert found.tolist() == [2.0**int(v) for v in whole]


def test_ndtr_copies_into_out_with_its_gradient():
    for dtype in ("float32", "float64"):
        found = []
        for module in (torch, mt):
            kind = getattr(module, dtype)
            x, y = (module.tensor([0.5, -1.0, 2.0], dtype=kind, requires_grad=True) for _ in range(2))
            out = y * 1
            assert module.special.ndtr(x, out=out) is out
            out.sum().backward()
            found.append((type(out.grad_fn).__name__ if module is torch else out.grad_fn.name(), x.grad.tolist(), y.grad.tolist()))
            with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
                module.special.ndtr(x, out=y)
            with pytest.raises(RuntimeError, match="can't be cast to the desired output type Long"):
                module.special.ndtr(x, out=module.empty(3, dtype=module.int64))
        assert found[0][0] == found[1][0] == "CopyBackwards" and found[0][2] == found[1][2] == [0, 0, 0]
        density = [np.exp(-v * v / 2) / np.sqrt(2 * np.pi) for v in (0.5, -1.0, 2.0)]
        np.testing.assert_allclose(found[1][1], density, rtol=1e-6 if dtype == "float32" else 1e-15)
