"""Gradients of decompositions, first and second: against torch, and against differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from decomposition_sides import (
    EMPTY,
    SHAPES,
    adjoint,
    assert_same_derivatives,
    error_of,
    hermitian,
    matrix,
    of,
    positive,
    turned,
)

import minitorch_ref as mt
from minitorch_ref.autograd import gradcheck, gradgradcheck

pytestmark = pytest.mark.filterwarnings("ignore:torch\\.\\w+ is deprecated")
KINDS = ["float64", "complex128"]
SQUARE = [s for s in SHAPES + EMPTY if s[-1] == s[-2]]


def named(name, **options):
    return lambda side: lambda *inputs: of(side, name)(*inputs, **options)


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("shape", SQUARE, ids=str)
@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("name", ["linalg.cholesky", "cholesky"])
def test_cholesky(name, upper, shape, dtype):
    assert_same_derivatives(named(name, upper=upper), [positive(shape, dtype)])


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("shape", SHAPES + EMPTY, ids=str)
def test_qr(shape, dtype):
    assert_same_derivatives(named("linalg.qr"), [matrix(shape, dtype)])
    if shape[-2] <= shape[-1]:
        assert_same_derivatives(named("linalg.qr", mode="complete"), [matrix(shape, dtype)])


@pytest.mark.parametrize("part", [0, 1])
@pytest.mark.parametrize("shape", [(4, 3), (3, 5)], ids=str)
def test_qr_of_which_one_factor_is_used(shape, part):
    build = lambda side: lambda x: of(side, "linalg.qr")(x)[part]
    assert_same_derivatives(build, [matrix(shape, "complex128")])


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("shape", SHAPES + EMPTY, ids=str)
@pytest.mark.parametrize("name", ["linalg.lu", "linalg.lu_factor"])
def test_lu(name, shape, dtype):
    assert_same_derivatives(named(name), [matrix(shape, dtype)])


@pytest.mark.parametrize("part", [1, 2])
@pytest.mark.parametrize("shape", [(3, 3), (4, 3), (3, 5)], ids=str)
def test_lu_of_which_one_factor_is_used(shape, part):
    build = lambda side: lambda x: of(side, "linalg.lu")(x)[part]
    assert_same_derivatives(build, [matrix(shape, "complex128")])


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("shape", [(3, 3), (4, 3), (3, 5), (2, 3, 3), (0, 0)], ids=str)
def test_lu_unpack(shape, dtype):
    swaps = np.broadcast_to(
        np.array([2, 2, 3][: min(shape[-2:])], np.int32), (*shape[:-2], min(shape[-2:]))
    )
    build = lambda side: lambda x: side.lu_unpack(x, side.from_numpy(swaps.copy()))
    assert_same_derivatives(build, [matrix(shape, dtype)])


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("shape", [s for s in SHAPES + EMPTY if s[-2] >= s[-1]], ids=str)
@pytest.mark.parametrize("fewer", [0, 1])
def test_householder_product(shape, dtype, fewer):
    count = max(shape[-1] - fewer, 0)
    tau = matrix((*shape[:-2], 1, count), dtype)[..., 0, :]
    assert_same_derivatives(named("linalg.householder_product"), [matrix(shape, dtype), tau])


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("shape", [(4, 3), (3, 5), (2, 3, 3)], ids=str)
@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize("transpose", [True, False])
def test_ormqr(shape, dtype, left, transpose):
    tau = matrix((*shape[:-2], 1, min(shape[-2:])), dtype)[..., 0, :]
    other = matrix((*shape[:-2], *((shape[-2], 2) if left else (2, shape[-2]))), dtype)
    build = named("ormqr", left=left, transpose=transpose)
    assert_same_derivatives(build, [matrix(shape, dtype), tau, other])


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("shape", SQUARE, ids=str)
@pytest.mark.parametrize("parts", [(0, 1), (0,), (1,)], ids=str)
@pytest.mark.parametrize("uplo", ["U"])
def test_eigh(shape, dtype, parts, uplo):
    build = lambda side: turned(side, "linalg.eigh", *parts, UPLO=uplo)
    assert_same_derivatives(build, [hermitian(shape, dtype)])


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("shape", SQUARE, ids=str)
@pytest.mark.parametrize("parts", [(0, 1), (0,), (1,)], ids=str)
def test_eig(shape, dtype, parts):
    assert_same_derivatives(lambda side: turned(side, "linalg.eig", *parts), [matrix(shape, dtype)])


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("shape", SHAPES + EMPTY, ids=str)
@pytest.mark.parametrize("full", [True, False])
def test_svd(shape, dtype, full):
    build = lambda side: turned(side, "linalg.svd", 0, 1, 2, full_matrices=full)
    assert_same_derivatives(build, [matrix(shape, dtype)])


@pytest.mark.parametrize("shape", [(3, 3), (4, 3), (3, 5)], ids=str)
@pytest.mark.parametrize("parts", [(0,), (1,), (2,), (0, 1), (1, 2)], ids=str)
def test_svd_of_which_some_results_are_used(shape, parts):
    build = lambda side: turned(side, "linalg.svd", *parts, full_matrices=False)
    assert_same_derivatives(build, [matrix(shape)])


@pytest.mark.parametrize("name", ["linalg.svdvals", "linalg.eigvalsh"])
@pytest.mark.parametrize("dtype", KINDS)
def test_values_alone(name, dtype):
    assert_same_derivatives(named(name), [hermitian((2, 3, 3), dtype)])


# ---- against differences: what torch thinks does not matter -----------------------------------------


def by_differences(function, *arrays):
    inputs = tuple(mt.from_numpy(a).requires_grad_() for a in arrays)
    assert gradcheck(function, inputs)
    assert gradgradcheck(function, inputs)


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("shape", [(3, 3), (3, 2), (2, 3), (2, 2, 2)], ids=str)
def test_differences_of_factors(shape, dtype):
    a = matrix(shape, dtype)
    by_differences(lambda x: tuple(mt.linalg.qr(x)), a)
    by_differences(lambda x: tuple(mt.linalg.lu(x))[1:], a)
    by_differences(lambda x: mt.linalg.lu_factor(x).LU, a)
    if shape[-1] == shape[-2]:
        by_differences(lambda x: mt.linalg.cholesky(x + x.mH), positive(shape, dtype))


@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("shape", [(3, 3), (3, 2), (2, 3)], ids=str)
def test_differences_of_spectra(shape, dtype):
    by_differences(turned(mt, "linalg.svd", 0, 1, 2, full_matrices=False), matrix(shape, dtype))
    if shape[-1] == shape[-2]:
        by_differences(turned(mt, "linalg.eig", 0, 1), matrix(shape, dtype))
        by_differences(lambda x: turned(mt, "linalg.eigh", 0, 1)(x + x.mH), matrix(shape, dtype))


@pytest.mark.parametrize("dtype", KINDS)
def test_differences_of_reflectors(dtype):
    v, tau = matrix((3, 2), dtype), matrix((1, 2), dtype)[0]
    by_differences(mt.linalg.householder_product, v, tau)
    by_differences(lambda v, t, c: mt.ormqr(v, t, c, True, True), v, tau, matrix((3, 2), dtype))
    by_differences(lambda v, t, c: mt.ormqr(v, t, c, False), v, tau, matrix((2, 3), dtype))


def test_the_eigenvalues_of_a_diagonal_matrix_have_the_diagonal_as_gradient():
    x = mt.from_numpy(np.diag([1.0, 2.0, 4.0])).requires_grad_()
    mt.linalg.eigvalsh(x)[1].backward()
    assert x.grad.tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]


# ---- where there is no gradient ----------------------------------------------------------------------


def loss_of(side, call, a):
    x = side.from_numpy(a.copy()).requires_grad_()
    return error_of(
        lambda: sum(r.abs().sum() if r.is_complex() else r.sum() for r in call(side, x)).backward()
    )


PHASE = {
    "eigh": lambda side, x: [side.linalg.eigh(x)[1].imag],
    "eig": lambda side, x: [side.linalg.eig(x)[1].real],
    "svd": lambda side, x: [side.linalg.svd(x)[0].real],
    "svd Vh": lambda side, x: [side.linalg.svd(x)[2].imag],
}


@pytest.mark.parametrize("name", PHASE)
def test_a_loss_that_depends_on_the_phase_is_refused(name):
    a = hermitian((3, 3), "complex128")
    ours, theirs = (loss_of(side, PHASE[name], a) for side in (mt, torch))
    assert ours == theirs
    assert ours[0] == "RuntimeError" and "phi" in ours[1]


def test_a_loss_of_the_magnitudes_is_not():
    a = hermitian((3, 3), "complex128")
    assert loss_of(mt, lambda side, x: [side.linalg.eigh(x)[1]], a) is None
    assert loss_of(mt, lambda side, x: [side.linalg.svd(x)[0]], a) is None


REFUSED = {
    "qr r": lambda side, x: [side.linalg.qr(x, mode="r").R],
    "qr complete": lambda side, x: side.linalg.qr(x, mode="complete"),
    "geqrf": lambda side, x: side.geqrf(x),
}


@pytest.mark.parametrize("name", REFUSED)
def test_gradients_that_torch_does_not_have(name):
    a = matrix((4, 3))
    ours, theirs = (loss_of(side, REFUSED[name], a) for side in (mt, torch))
    assert ours == theirs and ours is not None


def test_writing_into_a_factor_is_noticed():
    x = mt.from_numpy(positive((3, 3))).requires_grad_()
    low = mt.linalg.cholesky(x)
    with mt.no_grad():
        low.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        low.sum().backward()


def test_adjoints_are_what_the_tests_take_them_for():
    a = matrix((2, 3, 4), "complex128")
    assert (adjoint(a) == mt.from_numpy(a).mH.numpy()).all()
