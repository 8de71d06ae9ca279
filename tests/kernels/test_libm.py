"""Kernels on both kinds of NumPy: one whose float64 functions are the C library's, one with its own.

Which of the two a machine has depends on its processor; here each is played on any machine.
"""

import functools
import math

import numpy as np
import pytest
import torch
from bits import same_bits

import minitorch_ref as mt
from minitorch_ref.kernels import draws, libm, normals, special

UFUNCS = {"log": np.log, "log1p": np.log1p, "sin": np.sin, "cos": np.cos, "acos": np.arccos}
SCALARS = {name: getattr(math, name) for name in UFUNCS}
SHAPES = [(), (1,), (0,), (3,), (2, 3), (2, 0, 3)]


def by_ufunc(name):
    """As on a processor for which NumPy calls the C library."""
    return UFUNCS[name]


def by_element(name):
    """As on a processor for which NumPy has vector code of its own."""
    return functools.partial(libm.by_element, SCALARS[name], UFUNCS[name])


def chances(shape, dtype="float64"):
    """Numbers in (0, 1), every other one of a longer row."""
    values = np.random.RandomState(0).rand(*shape[:-1], 2 * shape[-1]) if shape else np.array(0.3)
    return (values[..., ::2] if shape else values).astype(dtype)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", UFUNCS)
def test_by_element_takes_every_shape(name, shape):
    x = chances(shape)
    y = by_element(name)(x)
    assert type(y) is np.ndarray and y.shape == shape and y.dtype == np.float64
    assert y.ravel().tolist() == [SCALARS[name](v) for v in x.ravel().tolist()]


def test_by_element_takes_numbers_and_leaves_its_argument_alone():
    x = np.float64(0.3)
    assert libm.by_element(math.log, np.log, x)[()] == math.log(0.3)
    x = np.array([0.3, 0.0, -1.0])
    y = libm.by_element(math.log, np.log, x)
    assert x.tolist() == [0.3, 0.0, -1.0]
    assert y[1] == -math.inf and math.isnan(y[2])


# What each kernel computes from x in (0, 1), in Python's numbers.
FORMULAS = {
    "logit": lambda x: math.log(x / (1 - x)),
    "entr": lambda x: -x * math.log(x),
    "sinc": lambda x: math.sin(math.pi * x) / (math.pi * x),
    "xlogy": lambda x: x * math.log(x),
    "xlog1py": lambda x: x * math.log1p(x),
    "spherical_bessel_j0": lambda x: math.sin(x) / x,
    "erf": math.erf,
    "erfc": math.erfc,
}
PUBLIC = {"spherical_bessel_j0": mt.special.spherical_bessel_j0}


@pytest.mark.parametrize("library", [by_ufunc, by_element])
@pytest.mark.parametrize("dtype, tolerance", [("float64", 2e-15), ("float32", 1e-6), ("float16", 4e-3)])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", FORMULAS)
def test_special_kernels_whatever_numpy_there_is(name, shape, dtype, tolerance, library, monkeypatch):
    real = special.libm_double
    monkeypatch.setattr(special, "libm_double", lambda n: library(n) if n in UFUNCS else real(n))
    x = chances(shape, dtype)
    kernel = getattr(special, name)
    y = kernel(x, x) if name.startswith("xlog") else kernel(x)
    assert np.shape(y) == shape and y.dtype == dtype
    expected = [FORMULAS[name](float(v)) for v in x.ravel()]
    assert np.allclose(np.ravel(y), expected, rtol=tolerance, atol=0)


@pytest.mark.parametrize("library", [by_ufunc, by_element])
@pytest.mark.parametrize("name", FORMULAS)
def test_special_ops_of_a_0d_tensor(name, library, monkeypatch):
    real = special.libm_double
    monkeypatch.setattr(special, "libm_double", lambda n: library(n) if n in UFUNCS else real(n))
    op = PUBLIC.get(name) or getattr(mt.special, name)
    x = mt.tensor(0.3, dtype=mt.float64, requires_grad=name != "spherical_bessel_j0")
    y = op(x, x) if name.startswith("xlog") else op(x)
    assert y.shape == () and y.dtype is mt.float64
    assert y.item() == pytest.approx(FORMULAS[name](0.3), rel=1e-15)
    if y.requires_grad:
        y.backward()
        step = 1e-6
        slope = (FORMULAS[name](0.3 + step) - FORMULAS[name](0.3 - step)) / (2 * step)
        assert x.grad.item() == pytest.approx(slope, rel=1e-8)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("fused", [True, False])
def test_steps_are_fused_or_not_in_every_shape(shape, fused, monkeypatch):
    """sin(x)/x below 1/2 is a series, whose steps are rounded once or twice."""
    monkeypatch.setattr(special, "fuses", lambda: fused)
    x = chances(shape) / 2
    y = special.spherical_bessel_j0(x)
    assert y.shape == shape
    assert np.allclose(y.ravel(), [math.sin(v) / v for v in x.ravel()], rtol=1e-15, atol=0)


DRAWS = {
    "exponential": lambda m, x: x.exponential_(2.0),
    "geometric": lambda m, x: x.geometric_(0.3),
    "cauchy": lambda m, x: x.cauchy_(1.0, 2.0),
    "log_normal": lambda m, x: x.log_normal_(0.5, 0.25),
    "normal": lambda m, x: x.normal_(1.0, 2.0),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("shape", [*SHAPES, (40,)])
@pytest.mark.parametrize("name", DRAWS)
def test_draws_by_the_c_library_one_by_one_are_torchs(name, shape, dtype, monkeypatch):
    functions = {**UFUNCS, "exp": np.exp, "tan": np.tan}
    one_by_one = {n: functools.partial(libm.by_element, getattr(math, n), f) for n, f in functions.items()}
    for module in (draws, normals):
        monkeypatch.setattr(module, "libm", one_by_one.__getitem__)
    found = []
    for module in (mt, torch):
        module.manual_seed(3)
        x = DRAWS[name](module, module.empty(shape, dtype=getattr(module, dtype)))
        found.append((x.numpy(), module.rand(1).item()))
    (ours, after), (theirs, torch_after) = found
    assert same_bits(ours, theirs) and after == torch_after
