"""lobpcg against torch and against the full decomposition: pairs, gradients, steps taken, errors."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import minitorch_ref as mt

ENGINES = (mt, torch)
RNG = np.random.RandomState(0)


def symmetric(n, batch=(), gap=1.0):
    q = np.linalg.qr(RNG.randn(*batch, n, n))[0]
    return (q * (np.arange(n) * gap + 1.0)) @ np.swapaxes(q, -1, -2)


def positive(n):
    a = RNG.randn(n, n)
    return a @ a.T / n + np.eye(n)


A, B = symmetric(14), positive(14)
WIDE, WIDE_B, K = symmetric(50), positive(50), np.diag(np.linspace(0.5, 1.5, 50))
OPTIONS = [
    {}, {"k": 3}, {"k": 2, "largest": False}, {"k": 2, "method": "basic"}, {"k": 2, "n": 4},
    {"k": 3, "method": "basic", "largest": False}, {"k": 2, "tol": 1e-3}, {"k": 2, "niter": 4},
    {"k": 2, "ortho_bparams": {"ortho_use_drop": True}}, {"k": 2, "ortho_iparams": {"ortho_i_max": 1}},
    {"k": 2, "method": "basic", "iK": K}, {"k": 2, "B": WIDE_B}, {"k": 2, "B": WIDE_B, "method": "basic"},
    {"k": 2, "B": WIDE_B, "largest": False},
]  # fmt: skip


def run(t, options, a=WIDE):
    """(values, vectors, steps, what the tracker saw last)."""
    given = {n: t.from_numpy(v.copy()) if isinstance(v, np.ndarray) else v for n, v in options.items()}
    seen = []

    def tracker(worker):
        seen.append((worker.ivars["istep"], worker.ivars["converged_count"], list(worker.X.shape), list(worker.E.shape)))

    t.manual_seed(2)
    values, vectors = t.lobpcg(t.from_numpy(a.copy()), tracker=tracker, **given)
    return values.numpy(), vectors.numpy(), len(seen), seen[-1]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: ", ".join(f"{k}" for k in o))
def test_as_torch(options):
    """The same first vectors and the same steps; the pairs to what rounding does to them on the way."""
    ours, theirs = run(mt, options), run(torch, options)
    assert ours[2:] == theirs[2:]
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-10)
    signs = np.sign((ours[1] * theirs[1]).sum(0))
    np.testing.assert_allclose(ours[1] * signs, theirs[1], atol=1e-7)


@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize("method", ["ortho", "basic"])
def test_the_pairs_are_eigenpairs(method, largest):
    w, v = np.linalg.eigh(A)
    values, vectors = mt.lobpcg(mt.from_numpy(A.copy()), 3, largest=largest, method=method)
    order = np.argsort(w)[::-1][:3] if largest else np.argsort(w)[:3]
    np.testing.assert_allclose(values.numpy(), w[order], rtol=1e-10)
    overlap = np.abs((vectors.numpy() * v[:, order]).sum(0))
    np.testing.assert_allclose(overlap, 1, atol=1e-8)


def test_batches_and_single_precision():
    batch = symmetric(9, (2, 2))
    values, vectors = run(mt, {"k": 2}, batch)[:2]
    assert values.shape == (2, 2, 2) and vectors.shape == (2, 2, 9, 2)
    np.testing.assert_allclose(values, run(torch, {"k": 2}, batch)[0], rtol=1e-9)
    single = mt.lobpcg(mt.from_numpy(A.astype("f")), 2)[0]
    assert single.dtype is mt.float32
    np.testing.assert_allclose(single.numpy(), [14, 13], rtol=1e-4)


def test_a_tracker_may_stop():
    for t in ENGINES:
        steps = []

        def tracker(worker, steps=steps):
            steps.append(worker.ivars["istep"])
            worker.bvars["force_stop"] = len(steps) == 2

        t.lobpcg(t.from_numpy(A.copy()), 2, tracker=tracker)
        assert len(steps) == 2


@pytest.mark.parametrize("k, largest", [(1, True), (3, True), (2, False)])
def test_gradients(k, largest):
    """Of the values, and of a function of the vectors that does not see their signs."""
    found = []
    for t in ENGINES:
        t.manual_seed(2)
        a = t.from_numpy(A.copy()).requires_grad_()
        values, vectors = t.lobpcg(a, k, largest=largest, tol=1e-13)
        assert type(values.grad_fn).__name__ == "LOBPCGAutogradFunctionBackward"
        weight = t.arange(14.0, dtype=t.float64).unsqueeze(1)
        ((values**2).sum() + (vectors**2 * weight).sum() + (vectors[0] * vectors[1]).sum()).backward()
        found.append(a.grad.numpy())
    np.testing.assert_allclose(*found, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found[0], found[0].T, atol=1e-12)


def test_the_derivative_is_that_of_the_decomposition():
    a = mt.from_numpy(A.copy()).requires_grad_()
    direction = mt.from_numpy(B.copy())
    values, vectors = mt.lobpcg(a, 2, tol=1e-14)
    (g,) = mt.autograd.grad(values.sum() + (vectors[3] ** 2).sum(), a)
    slope, h = (g * direction).sum().item(), 1e-5

    def at(m):
        w, v = np.linalg.eigh(m)
        return w[-2:].sum() + (v[3, -2:] ** 2).sum()

    assert abs(slope - (at(A + h * B) - at(A - h * B)) / (2 * h)) < 1e-5


WRONG = [
    lambda t: t.lobpcg(t.ones(3, 4)), lambda t: t.lobpcg(t.eye(5), 2),
    lambda t: t.lobpcg(t.eye(6), 1, t.eye(7)),
    lambda t: t.lobpcg(t.eye(9, requires_grad=True) * 2, 1, t.eye(9))[0].sum().backward(),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_errors(number):
    found = []
    for t in ENGINES:
        with pytest.raises((AssertionError, ValueError)) as error:
            WRONG[number](t)
        found.append((error.type, str(error.value)))
    assert found[0] == found[1]
