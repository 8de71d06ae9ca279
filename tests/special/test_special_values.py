"""Special functions against torch: types, refusals, special values, forms, gradients."""

import numpy as np
import pytest
import torch

import minitorch_ref as mt

SPECIAL_NAMES = sorted(n for n in dir(torch.special) if n.islower() and n[0] != "_" and n not in ("torch", "common_args", "multi_dim_common"))
UNARY = ["erf", "erfc", "erfinv", "lgamma", "digamma", "i0", "sinc", "logit", "nan_to_num", "angle"]
BESSEL = [n for n in SPECIAL_NAMES if "bessel" in n or n == "airy_ai"]
POLYNOMIALS = [n for n in SPECIAL_NAMES if "polynomial" in n]
ONE = UNARY + [f"special.{n}" for n in (*BESSEL, "entr", "erfcx", "ndtr", "ndtri", "log_ndtr", "i0e", "i1", "i1e")]
TWO = ["xlogy", "igamma", "igammac", "special.xlog1py", "special.zeta"]
DTYPES = ["float16", "float32", "float64", "int32", "uint8", "bool", "complex64", "complex128"]


def find(module, name):
    for part in name.split("."):
        module = getattr(module, part)
    return module


def outcome(module, name, *args, **kwargs):
    """(array, dtype) or (exception type, message)."""
    try:
        found = find(module, name)(*args, **kwargs)
    except Exception as error:  # whatever it is, the other engine must raise the same
        return type(error).__name__, str(error).split("\n")[0]
    return found.detach().numpy(), str(found.dtype)


def both(array):
    return torch.from_numpy(np.array(array)), mt.from_numpy(np.array(array))


def test_the_namespace_is_torchs():
    assert [n for n in SPECIAL_NAMES if not hasattr(mt.special, n)] == []
    assert set(mt.special.__all__) <= set(SPECIAL_NAMES)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ONE)
def test_result_types_and_refusals(name, dtype):
    theirs, ours = both(np.ones(2, dtype))
    a, b = outcome(torch, name, theirs), outcome(mt, name, ours)
    assert a[1].replace("torch.", "") == b[1].replace("torch.", "") and isinstance(a[0], str) == isinstance(b[0], str), (a, b)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", TWO + [f"special.{n}" for n in POLYNOMIALS])
def test_result_types_and_refusals_of_pairs(name, dtype):
    theirs, ours = both(np.full(2, 1, dtype))
    a, b = outcome(torch, name, theirs, theirs), outcome(mt, name, ours, ours)
    assert a[1].replace("torch.", "") == b[1].replace("torch.", "") and isinstance(a[0], str) == isinstance(b[0], str), (a, b)


EDGES = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 1.5, -2.5, 3.0, -3.0, 0.25, 30.0, -30.0, 104.0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ONE)
def test_special_values(name, dtype):
    """nan, infinities and the signs of zeros stand where torch has them; the rest agrees roughly."""
    theirs, ours = (find(m, name)(x).numpy() for m, x in zip((torch, mt), both(np.array(EDGES, dtype))))
    if name == "special.ndtr":
        theirs[theirs == 0] = ours[theirs == 0]  # torch's is 1 + erf, which loses the left tail
    assert np.array_equal(np.isnan(ours), np.isnan(theirs)), (ours, theirs)
    zero = (ours == 0) & (theirs == 0)
    assert np.array_equal(np.signbit(ours[zero]), np.signbit(theirs[zero]))
    # torch's Airy and Bessel functions are good to four digits in places
    loose = 1e-3 if name.removeprefix("special.") in BESSEL else 1e-4
    np.testing.assert_allclose(ours, theirs, rtol=loose, atol=1e-6)


@pytest.mark.parametrize("name", ["sinc", "special.entr", "angle", "nan_to_num", "special.spherical_bessel_j0"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_short_formulas_have_torchs_bits(name, dtype):
    x = np.random.default_rng(3).normal(size=4000).astype(dtype) * 3
    theirs, ours = (find(m, name)(t).numpy() for m, t in zip((torch, mt), both(x)))
    assert np.array_equal(ours, theirs, equal_nan=True)


@pytest.mark.parametrize("name", ["xlogy", "special.xlog1py"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_xlogy_edges(name, dtype):
    x = np.repeat(np.array(EDGES, dtype), len(EDGES))
    y = np.tile(np.array(EDGES, dtype), len(EDGES))
    (tx, ox), (ty, oy) = both(x), both(y)
    theirs, ours = find(torch, name)(tx, ty).numpy(), find(mt, name)(ox, oy).numpy()
    np.testing.assert_allclose(ours, theirs, rtol=4 * np.finfo(dtype).eps)
    assert np.array_equal(np.signbit(ours[ours == 0]), np.signbit(theirs[ours == 0]))


@pytest.mark.parametrize("name", TWO)
def test_numbers_on_either_side(name):
    (theirs, ours) = both(np.array([1.5, 2.5], np.float32))
    for args in ((theirs, 2), (2, theirs), (theirs, 2.5), (1, 2)):
        a = outcome(torch, name, *args)
        b = outcome(mt, name, *[ours if x is theirs else x for x in args])
        assert isinstance(a[0], str) == isinstance(b[0], str), (args, a, b)
        if isinstance(a[0], str):
            assert a[0] == b[0]
        else:
            np.testing.assert_allclose(a[0], b[0], rtol=1e-5)


@pytest.mark.parametrize("name", ["erf", "erfc", "erfinv", "lgamma", "digamma", "i0", "sinc", "logit", "nan_to_num"])
def test_method_in_place_and_out(name):
    x = np.array([0.25, 0.5, 0.75])
    (_, ours), wanted = both(x), find(torch, name)(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(getattr(ours, name)().numpy(), wanted, rtol=1e-9)
    target = mt.zeros(3, dtype=mt.float64)
    assert find(mt, name)(ours, out=target) is target
    np.testing.assert_allclose(target.numpy(), wanted, rtol=1e-9)
    assert getattr(ours, f"{name}_")() is ours
    np.testing.assert_allclose(ours.numpy(), wanted, rtol=1e-9)


GRADS = {
    "erf": (-2, 2), "erfc": (-2, 2), "erfinv": (-0.9, 0.9), "lgamma": (0.3, 5), "digamma": (0.3, 5), "i0": (-3, 3), "sinc": (-2, 2),
    "logit": (0.1, 0.9), "special.erfcx": (-1, 3), "special.entr": (0.1, 3), "special.ndtri": (0.1, 0.9), "special.log_ndtr": (-3, 3),
    "special.ndtr": (-2, 2), "special.i0e": (0.1, 3), "special.i1": (-3, 3), "special.i1e": (0.1, 3),
}


def first_and_second(module, name, x):
    t = module.from_numpy(x.copy()).requires_grad_()
    (g,) = module.autograd.grad(find(module, name)(t).sum(), t, create_graph=True)
    (h,) = module.autograd.grad((g * g).sum(), t)
    return g.detach().numpy(), h.numpy()


@pytest.mark.parametrize("name", GRADS)
def test_gradients_and_second_gradients(name):
    x = np.random.default_rng(1).uniform(*GRADS[name], 40)
    for ours, theirs in zip(first_and_second(mt, name, x), first_and_second(torch, name, x), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", GRADS)
def test_gradients_against_differences(name):
    x = np.random.default_rng(2).uniform(*GRADS[name], 20)
    t = mt.from_numpy(x).requires_grad_()
    find(mt, name)(t).sum().backward()
    step = 1e-6
    value = lambda p: find(mt, name)(mt.from_numpy(p)).numpy()
    np.testing.assert_allclose(t.grad.numpy(), (value(x + step) - value(x - step)) / (2 * step), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name, missing", [("special.zeta", 0), ("igamma", 0), ("igammac", 0)])
def test_missing_derivatives_are_refused_and_the_other_is_right(name, missing):
    results = []
    for module in (torch, mt):
        a, b = (module.tensor([2.5, 3.5], dtype=module.float64).requires_grad_() for _ in range(2))
        with pytest.raises(NotImplementedError, match="the derivative for .* is not implemented"):
            find(module, name)(a, b).sum().backward()
        find(module, name)(a.detach(), b).sum().backward()
        results.append(b.grad.numpy())
    np.testing.assert_allclose(results[1], results[0], rtol=1e-7)


@pytest.mark.parametrize("eps", [None, 0.25, -1.0])
def test_logit_eps(eps):
    """One number at a time: torch's slope at NaN is 0 in a full vector register and NaN beside it."""
    for x in (-0.5, 0.0, 0.1, 0.5, 0.8, 1.0, 1.5, np.nan):
        pairs = []
        for module in (torch, mt):
            t = module.tensor([x], dtype=module.float64, requires_grad=True)
            y = module.logit(t, eps)
            y.sum().backward()
            pairs.append((y.detach().numpy(), t.grad.numpy()))
        np.testing.assert_allclose(pairs[1], pairs[0], rtol=1e-14)


def test_polygamma_and_mvlgamma():
    x = np.random.default_rng(0).uniform(0.5, 6, 50)
    theirs, ours = both(x)
    for n in range(5):
        np.testing.assert_allclose(mt.polygamma(n, ours).numpy(), torch.polygamma(n, theirs).numpy(), rtol=2e-8)
        np.testing.assert_allclose(ours.polygamma(n).numpy(), theirs.polygamma(n).numpy(), rtol=2e-8)
    for p in (1, 2, 3):
        np.testing.assert_allclose(mt.mvlgamma(ours + 2, p).numpy(), torch.mvlgamma(theirs + 2, p).numpy(), rtol=1e-13)
    for bad in (lambda m, t: m.polygamma(-1, t), lambda m, t: m.mvlgamma(t, 0), lambda m, t: m.polygamma(1.5, t)):
        words = []
        for module, t in ((torch, theirs), (mt, ours)):
            with pytest.raises((RuntimeError, TypeError)) as caught:
                bad(module, t)
            words.append((caught.type, str(caught.value)))
        assert words[0] == words[1]


def test_polygamma_recurrence():
    """ψ⁽ⁿ⁾(x + 1) = ψ⁽ⁿ⁾(x) + (−1)ⁿ n! / xⁿ⁺¹"""
    x = np.random.default_rng(4).uniform(0.2, 4, 30)
    for n, factorial in ((0, 1), (1, 1), (2, 2), (3, 6)):
        left = mt.polygamma(n, mt.from_numpy(x + 1)).numpy()
        right = mt.polygamma(n, mt.from_numpy(x)).numpy() + (-1) ** n * factorial / x ** (n + 1)
        np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-10)
