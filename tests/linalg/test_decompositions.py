"""Matrix decompositions: the product of the factors, torch's errors, info, streams, and kernels."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from decomposition_sides import (
    DTYPES,
    EMPTY,
    SHAPES,
    adjoint,
    array_of,
    error_of,
    hermitian,
    listed,
    matrix,
    of,
    positive,
)
from hypothesis import given, settings
from hypothesis import strategies as st

import minitorch_ref as mt
from minitorch_ref.kernels import factoring

pytestmark = pytest.mark.filterwarnings("ignore:torch\\.\\w+ is deprecated")
LAYOUTS = ["plain", "transposed", "sliced", "reversed rows"]


def laid_out(a, layout):
    """The same values in memory that is not contiguous."""
    if layout == "transposed":
        return np.ascontiguousarray(a.T).T
    if layout == "sliced":
        block = np.zeros((*a.shape[:-1], 2 * a.shape[-1]), a.dtype)
        block[..., ::2] = a
        return block[..., ::2]
    if layout == "reversed rows":
        return np.ascontiguousarray(a[..., ::-1, :])[..., ::-1, :]
    return a


@st.composite
def problems(draw, square=False):
    batch = draw(st.lists(st.integers(0, 3), max_size=2))
    m, n = draw(st.integers(0, 6)), draw(st.integers(0, 6))
    shape = (*batch, m, m if square else n)
    dtype, seed = draw(st.sampled_from(DTYPES)), draw(st.integers(0, 1000))
    a = np.random.default_rng(seed).normal(size=(2, *shape))
    a = (a[0] + 1j * a[1] if dtype.startswith("complex") else a[0]).astype(dtype)
    if draw(st.booleans()) and a.size:
        a[..., -1] = a[..., 0]  # of less than full rank
    return laid_out(a, draw(st.sampled_from(LAYOUTS)))


def tensor_of(a):
    """A tensor over memory laid out as `a`'s (no negative strides in a tensor)."""
    return mt.from_numpy(np.array(a, order="C") if any(s < 0 for s in a.strides) else a)


def close(a, b, scale_of=None):
    """Equal within a backward-stable algorithm's bound: n·eps in the size of the matrix."""
    a, b = np.asarray(a), np.asarray(b)
    assert a.shape == b.shape and a.dtype == b.dtype
    reference = b if scale_of is None else scale_of
    size = np.abs(reference).max(initial=0) if reference.size else 0
    bound = 100 * max(1, *reference.shape[-2:]) * np.finfo(b.dtype).eps
    assert np.abs(a - b).max(initial=0) <= bound * max(size, 1)


def unitary(q):
    n = q.shape[-1]
    close(adjoint(q) @ q, np.broadcast_to(np.eye(n, dtype=q.dtype), (*q.shape[:-2], n, n)))


def same_shapes(name, a, found, **options):
    """torch gives the same shapes, dtypes and (where there is more than one entry) strides."""
    theirs = listed(of(torch, name)(torch.from_numpy(np.ascontiguousarray(a)), **options))
    for ours, their in zip(listed(found), theirs, strict=True):
        assert tuple(ours.shape) == tuple(their.shape)
        assert str(ours.dtype) == str(their.dtype)
        if min(their.shape, default=0) > 1:
            assert ours.stride() == their.stride()


examples = settings(max_examples=60, deadline=None)


@examples
@given(problems(), st.sampled_from(["reduced", "complete", "r"]))
def test_qr(a, mode):
    found = mt.linalg.qr(tensor_of(a), mode)
    same_shapes("linalg.qr", a, found, mode=mode)
    q, r = (t.numpy() for t in found)
    assert (np.triu(r) == r).all()
    if mode != "r":
        close(q @ r, a)
        unitary(q)


@examples
@given(problems(), st.booleans())
def test_svd(a, full):
    found = mt.linalg.svd(tensor_of(a), full)
    same_shapes("linalg.svd", a, found, full_matrices=full)
    u, s, vh = (t.numpy() for t in found)
    k = s.shape[-1]
    assert (s >= 0).all() and (np.diff(s) <= 0).all()
    close((u[..., :k] * s[..., None, :]) @ vh[..., :k, :], a)
    unitary(u)
    unitary(adjoint(vh))
    close(mt.linalg.svdvals(tensor_of(a)).numpy(), s, a)
    u, s, v = (t.numpy() for t in mt.svd(tensor_of(a), some=not full))
    close((u[..., :k] * s[..., None, :]) @ adjoint(v[..., :k]), a)


@examples
@given(problems())
def test_lu(a):
    found = mt.linalg.lu(tensor_of(a))
    same_shapes("linalg.lu", a, found)
    p, low, up = (t.numpy() for t in found)
    close(p @ low @ up, a)
    assert (np.abs(low) <= 1.415).all()  # pivots are compared by |re| + |im|
    packed, pivots, info = mt.linalg.lu_factor_ex(tensor_of(a))
    same_shapes("linalg.lu_factor_ex", a, (packed, pivots, info))
    for part, again in zip(mt.lu_unpack(packed, pivots), (p, low, up), strict=True):
        assert (part.numpy() == again).all()


@examples
@given(problems(square=True), st.booleans())
def test_cholesky(a, upper):
    product = a @ adjoint(a) + np.eye(a.shape[-1], dtype=a.dtype)
    one_half = np.triu(product) if upper else np.tril(product)
    factor = mt.linalg.cholesky(tensor_of(one_half), upper=upper)
    same_shapes("linalg.cholesky", product, factor, upper=upper)
    f = factor.numpy()
    assert ((np.triu(f) if upper else np.tril(f)) == f).all()
    close(adjoint(f) @ f if upper else f @ adjoint(f), product)


@examples
@given(problems(square=True), st.sampled_from("LUlu"))
def test_eigh(a, uplo):
    whole = a + adjoint(a)
    half = np.triu(whole) if uplo.upper() == "U" else np.tril(whole)
    found = mt.linalg.eigh(tensor_of(half), uplo)
    same_shapes("linalg.eigh", whole, found)
    w, v = (t.numpy() for t in found)
    assert (np.diff(w) >= 0).all()
    close((v * w[..., None, :].astype(v.dtype)) @ adjoint(v), whole)
    unitary(v)
    close(mt.linalg.eigvalsh(tensor_of(half), uplo).numpy(), w, whole)


@examples
@given(problems(square=True))
def test_eig(a):
    found = mt.linalg.eig(tensor_of(a))
    same_shapes("linalg.eig", a, found)
    w, v = (t.numpy() for t in found)
    close(a.astype(v.dtype) @ v, v * w[..., None, :], a.astype(v.dtype))
    assert np.allclose(np.linalg.norm(v, axis=-2), 1, atol=1e-5)


@examples
@given(problems())
def test_geqrf_and_the_product_of_its_reflectors(a):
    packed, tau = mt.geqrf(tensor_of(a))
    same_shapes("geqrf", a, (packed, tau))
    m, n = a.shape[-2:]
    k = min(m, n)
    r = np.triu(packed.numpy()[..., :k, :])
    q = mt.linalg.householder_product(packed[..., :k], tau)
    unitary(q.numpy())
    close(q.numpy() @ r, a)
    assert (mt.orgqr(packed[..., :k], tau).numpy() == q.numpy()).all()
    tall = np.concatenate([r, np.zeros((*r.shape[:-2], m - k, n), r.dtype)], -2)
    close(mt.ormqr(packed, tau, mt.from_numpy(tall)).numpy(), a)
    close(mt.ormqr(packed, tau, mt.from_numpy(np.array(a)), transpose=True).numpy(), tall, a)
    close(
        adjoint(mt.ormqr(packed, tau, mt.from_numpy(adjoint(tall).copy()), False, True).numpy()), a
    )


@examples
@given(problems(square=True), st.booleans())
def test_ldl(a, hermitian):
    found = [
        s.linalg.ldl_factor_ex(s.from_numpy(np.array(a, order="C")), hermitian=hermitian)
        for s in (mt, torch)
    ]
    same_shapes("linalg.ldl_factor_ex", a, found[0], hermitian=hermitian)
    ld, pivots, info = (t.numpy() for t in found[0])
    theirs = found[1].info.numpy()
    if (info != 0).any() or (theirs != 0).any():
        return  # whether a pivot is zero or a rounding error next to it is luck
    low = np.tril(a)
    whole = low + (adjoint(np.tril(a, -1)) if hermitian else np.swapaxes(np.tril(a, -1), -1, -2))
    if hermitian:
        steps = np.arange(a.shape[-1])
        whole[..., steps, steps] = whole[..., steps, steps].real
    b = np.ones((*a.shape[:-1], 2), a.dtype)
    x = mt.linalg.ldl_solve(*found[0][:2], mt.from_numpy(b), hermitian=hermitian).numpy()
    size = np.abs(whole).max(initial=0) * np.abs(x).max(initial=0)
    assert np.abs(whole @ x - b).max(initial=0) <= 1e4 * np.finfo(a.dtype).eps * max(size, 1)


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("conjugate", [False, True])
def test_ldl_takes_the_blocks_that_lapack_takes(dtype, conjugate):
    a = np.array([[0.0, 2, 1, 4], [2, 0.5, 3, 1], [1, 3, -1, 0], [4, 1, 0, 1e-9]], dtype)
    ours, theirs = (s.linalg.ldl_factor(s.from_numpy(a), hermitian=conjugate) for s in (mt, torch))
    assert ours.pivots.tolist() == theirs.pivots.tolist() and min(ours.pivots.tolist()) < 0
    close(ours.LD.numpy(), theirs.LD.numpy())


def test_ldl_has_no_gradient():
    for side in (mt, torch):
        x = side.eye(3).requires_grad_()
        with pytest.raises(RuntimeError, match="derivative for aten::linalg_ldl_factor_ex"):
            side.linalg.ldl_factor(x).LD.sum().backward()
        with pytest.raises(RuntimeError, match="Unknown error code: 1"):
            side.linalg.ldl_factor(side.zeros(2, 2))


def test_the_checks_reject_wrong_factors():
    a = matrix((3, 3))
    q, r = np.linalg.qr(a)
    with pytest.raises(AssertionError):
        close(q @ r * (1 + 1e-10), a)
    with pytest.raises(AssertionError):
        unitary(q * (1 + 1e-10))


# ---- well-conditioned and unique: the numbers themselves ---------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES + EMPTY, ids=str)
@pytest.mark.parametrize(
    "name", ["linalg.qr", "qr", "linalg.lu", "linalg.lu_factor", "lu", "geqrf"]
)
def test_unique_factors_are_torchs(name, shape, dtype):
    a = matrix(shape, dtype)
    for ours, theirs in zip(*(of(s, name)(s.from_numpy(a)) for s in (mt, torch)), strict=True):
        ours, theirs = ours.numpy(), theirs.numpy()
        assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
        bound = 100 * np.finfo(theirs.dtype).eps if theirs.dtype.kind in "fc" else 0
        assert np.abs(ours - theirs).max(initial=0) <= bound * max(1, np.abs(theirs).max(initial=0))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("m, n", [(70, 70), (100, 65), (33, 90)])
def test_lu_in_panels(m, n, dtype):
    a = np.random.default_rng(m).normal(size=(2, m, n)).astype(dtype)
    if a.dtype.kind == "c":
        a += 1j * np.random.default_rng(n).normal(size=a.shape).astype(a.real.dtype)
    packed, pivots, info = factoring.lu(a)
    theirs = torch.linalg.lu_factor_ex(torch.from_numpy(a))
    assert (pivots == theirs.pivots.numpy()).all() and not info.any()
    low, up = (
        x.numpy() for x in list(mt.lu_unpack(mt.from_numpy(packed), mt.from_numpy(pivots)))[1:]
    )
    p = factoring.permutation_matrix(pivots, m, a.dtype)
    close(p @ low @ up, a)


@pytest.mark.parametrize("dtype", DTYPES)
def test_reflectors_one_by_one(dtype):
    v, tau, c = matrix((5, 3), dtype), matrix((1, 3), dtype)[0], matrix((5, 4), dtype)
    expected = c
    for i in (2, 0, 1):
        column = np.zeros((5, 1), dtype)
        column[i], column[i + 1 :, 0] = 1, v[i + 1 :, i]
        expected = (np.eye(5) - tau[i] * column @ adjoint(column)) @ expected
    close(factoring.reflect(v, tau, c, (2, 0, 1)), expected.astype(dtype))


# ---- what fails, and how --------------------------------------------------------------------------------

HALF_GOOD = np.array([[[2.0, 1], [1, 2]], [[1, 2], [2, 1]]])
NAN = np.array([[1.0, np.nan], [0, 1]])
ERRORS = {
    "cholesky": lambda s: s.cholesky(s.from_numpy(-np.eye(2))),
    "linalg.cholesky": lambda s: s.linalg.cholesky(s.from_numpy(HALF_GOOD)),
    "cholesky upper": lambda s: s.linalg.cholesky(s.from_numpy(HALF_GOOD), upper=True),
    "cholesky_ex": lambda s: s.linalg.cholesky_ex(s.from_numpy(HALF_GOOD), check_errors=True),
    "cholesky nan": lambda s: s.linalg.cholesky(s.from_numpy(np.full((2, 2), np.nan))),
    "cholesky inf": lambda s: s.linalg.cholesky(s.from_numpy(np.full((2, 2), np.inf))),
    "lu_factor": lambda s: s.linalg.lu_factor(s.from_numpy(np.array([[0.0, 1], [0, 2]]))),
    "lu_factor batch": lambda s: s.linalg.lu_factor(
        s.from_numpy(np.stack([np.eye(2), np.ones((2, 2))]))
    ),
    "svd nan": lambda s: s.linalg.svd(s.from_numpy(NAN)),
    "svd nan batch": lambda s: s.linalg.svdvals(s.from_numpy(np.stack([np.eye(2), NAN]))),
    "eig nan": lambda s: s.linalg.eig(s.from_numpy(NAN)),
    "eigh nan": lambda s: s.linalg.eigh(s.from_numpy(np.full((3, 3), np.nan))),
    "eigvalsh nan": lambda s: s.linalg.eigvalsh(s.from_numpy(np.full((4, 4), np.nan))),
    "no pivots": lambda s: s.linalg.lu(s.from_numpy(np.eye(2)), pivot=False),
    "svd driver": lambda s: s.linalg.svd(s.from_numpy(np.eye(2)), driver="gesvd"),
    "eigh half": lambda s: s.linalg.eigh(s.eye(2, dtype=s.float16)),
    "qr whole": lambda s: s.linalg.qr(s.eye(2, dtype=s.int64)),
    "q": lambda s: s.svd_lowrank(s.eye(2), -1),
    "pca": lambda s: s.pca_lowrank(s.eye(2), 3),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_are_torchs(name):
    ours, theirs = (error_of(lambda s=s: ERRORS[name](s)) for s in (mt, torch))
    assert theirs is not None and ours == theirs


def test_the_error_of_linear_algebra_is_a_runtime_error():
    assert issubclass(mt.linalg.LinAlgError, RuntimeError)
    with pytest.raises(mt.linalg.LinAlgError):
        mt.linalg.cholesky(-mt.eye(2))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("upper", [False, True])
def test_cholesky_ex_says_where_it_stopped(dtype, upper):
    good, bad = positive((4, 4), dtype), positive((4, 4), dtype)
    bad[2, 2] = -1
    a = np.stack([bad, good])
    ours, theirs = (s.linalg.cholesky_ex(s.from_numpy(a), upper=upper) for s in (mt, torch))
    assert ours.info.tolist() == theirs.info.tolist() == [3, 0]
    close(ours.L[1].numpy(), theirs.L[1].numpy())
    # the columns before the failure are factored
    first = np.s_[:2] if upper else np.s_[:, :2]
    close(ours.L[0].numpy()[first], theirs.L[0].numpy()[first])


def test_matrices_of_one_entry_and_nan():
    assert np.isnan(mt.linalg.eigvalsh(mt.tensor([[float("nan")]])).item())
    assert mt.linalg.lu_factor_ex(mt.zeros(2, 2)).info.item() == 1


# ---- forms -------------------------------------------------------------------------------------------------


def test_results_have_names():
    x = mt.eye(3)
    for name, fields in {
        "linalg.svd": "U S Vh", "linalg.qr": "Q R", "linalg.eig": "eigenvalues eigenvectors",
        "linalg.lu": "P L U", "linalg.lu_factor_ex": "LU pivots info", "svd": "U S V", "qr": "Q R",
        "geqrf": "a tau", "linalg.cholesky_ex": "L info", "linalg.lu_factor": "LU pivots",
    }.items():  # fmt: skip
        ours, theirs = of(mt, name)(x), of(torch, name)(torch.eye(3))
        assert all((getattr(ours, f) == ours[i]).all() for i, f in enumerate(fields.split()))
        assert repr(ours).split("(")[0] == repr(theirs).split("(")[0]


def test_methods():
    x = mt.from_numpy(positive((3, 3)))
    assert (x.cholesky().numpy() == mt.cholesky(x).numpy()).all()
    assert [tuple(t.shape) for t in x.svd()] == [(3, 3), (3,), (3, 3)]
    assert len(x.lu()) == 2 and len(x.lu(get_infos=True)) == 3 and type(mt.lu(x)) is tuple
    assert (x.qr()[1].numpy() == mt.linalg.qr(x).R.numpy()).all()
    assert x.geqrf().tau.shape == (3,)


def test_svd_without_vectors():
    for ours, theirs in zip(
        mt.svd(mt.ones(3, 2), compute_uv=False), torch.svd(torch.ones(3, 2), compute_uv=False)
    ):
        assert np.allclose(ours.numpy(), theirs.numpy(), atol=1e-6)


def test_out():
    a = mt.from_numpy(positive((3, 3)))
    out = mt.empty(0, dtype=mt.float64)
    assert mt.linalg.cholesky(a, out=out) is out
    assert (out.numpy() == mt.linalg.cholesky(a).numpy()).all()
    u, s, vh = (
        mt.empty(0, dtype=mt.float64),
        mt.empty(0, dtype=mt.float64),
        mt.empty(0, dtype=mt.float64),
    )
    mt.linalg.svd(a, out=(u, s, vh))
    close((u * s @ vh).numpy(), a.numpy())


# ---- low rank ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "shape, q", [((8, 5), 3), ((5, 8), 2), ((2, 6, 4), 2), ((6, 6), 6)], ids=str
)
@pytest.mark.parametrize("name", ["svd_lowrank", "pca_lowrank"])
def test_low_rank_draws_torchs_numbers(name, shape, q, dtype):
    a = matrix(shape, dtype)
    found = []
    for side in (mt, torch):
        side.manual_seed(3)
        u, s, v = (array_of(t) for t in of(side, name)(side.from_numpy(a), q))
        unitary(u)
        unitary(v)
        found.append(((u * s[..., None, :].astype(u.dtype)) @ adjoint(v), s, side.rand(3).tolist()))
    (ours, s, after), (theirs, s_theirs, after_theirs) = found
    # the same projection of the same random start, give or take what rounding does to the start
    tolerance = 1e-3 if a.real.dtype == np.float32 else 1e-9
    assert np.allclose(ours, theirs, atol=tolerance) and np.allclose(s, s_theirs, atol=tolerance)
    assert after == after_theirs


def test_low_rank_finds_a_matrix_of_low_rank():
    draw = np.random.default_rng(0)
    a = draw.normal(size=(40, 3)) @ draw.normal(size=(3, 30))
    u, s, v = mt.svd_lowrank(mt.from_numpy(a), 5)
    close((u * s @ v.mT).numpy(), a)
    shifted = mt.from_numpy(a + draw.normal(size=30))
    u, s, v = mt.pca_lowrank(shifted, 5)
    centred = (shifted - shifted.mean(0)).numpy()
    close((u * s @ v.mT).numpy(), centred)
    u, s, v = mt.svd_lowrank(shifted, 5, M=shifted.mean(0))
    close((u * s @ v.mT).numpy(), centred)


def test_nothing_is_warned_about():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mt.linalg.lu_factor_ex(mt.zeros(2, 2))
        mt.linalg.cholesky_ex(mt.full((2, 2), float("nan")))
        mt.linalg.eigh(mt.from_numpy(hermitian((3, 3))))
