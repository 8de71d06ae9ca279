"""Losses: values, gradients and second gradients beside torch, in every reduction."""

import numpy as np
import pytest
import torch
from functional_sides import OURS, TORCH, check, same_error
from hypothesis import given, settings
from hypothesis import strategies as st

import minitorch_ref as mt

REDUCTIONS = ["none", "mean", "sum"]


def rng(seed=0):
    return np.random.default_rng(seed)


def normal(*shape, dtype=np.float32, seed=0):
    return rng(seed).normal(size=shape).astype(dtype)


def unit(*shape, dtype=np.float32, seed=0):
    return rng(seed).uniform(0.02, 0.98, size=shape).astype(dtype)


def signs(*shape):
    return np.sign(rng(5).normal(size=shape)).astype(np.float32)


X, T, P, Q = normal(6, 5), normal(6, 5, seed=1), unit(6, 5), unit(6, 5, seed=3)
LOG_P = -np.abs(X)  # log-probabilities are negative: their sums do not cancel
LABELS = np.array([0, 4, 2, 2, 1, 3])

# name: (call, inputs); a call takes (F, reduction, *tensors)
LOSSES = {
    "mse": (lambda F, r, x, t: F.mse_loss(x, t, reduction=r), X, T),
    "mse weight": (lambda F, r, x, t, w: F.mse_loss(x, t, reduction=r, weight=w), X, T, P),
    "l1": (lambda F, r, x, t: F.l1_loss(x, t, reduction=r), X, T),
    "l1 weight": (lambda F, r, x, t, w: F.l1_loss(x, t, reduction=r, weight=w), X, T, P),
    "smooth_l1": (lambda F, r, x, t: F.smooth_l1_loss(x, t, reduction=r, beta=0.7), X, T),
    "smooth_l1 0": (lambda F, r, x, t: F.smooth_l1_loss(x, t, reduction=r, beta=0.0), X, T),
    "huber": (lambda F, r, x, t: F.huber_loss(x, t, reduction=r, delta=0.7), X, T),
    "huber weight": (lambda F, r, x, t, w: F.huber_loss(x, t, reduction=r, weight=w), X, T, P),
    "bce": (lambda F, r, x, t: F.binary_cross_entropy(x, t, reduction=r), P, Q),
    "bce weight": (
        lambda F, r, x, t, w: F.binary_cross_entropy(x, t, w.detach(), reduction=r),
        P, Q, unit(5, seed=7),
    ),
    "bce logits": (lambda F, r, x, t: F.binary_cross_entropy_with_logits(x, t, reduction=r), X, Q),
    "bce logits weights": (
        lambda F, r, x, t, w, p: F.binary_cross_entropy_with_logits(
            x, t, w.detach(), pos_weight=p.detach(), reduction=r
        ),
        X, Q, unit(5, seed=7), 3 * unit(5, seed=8),
    ),
    "kl": (lambda F, r, x, t: F.kl_div(x, t, reduction=r), X, Q),
    "kl log": (lambda F, r, x, t: F.kl_div(x, t, reduction=r, log_target=True), X, T),
    "poisson": (lambda F, r, x, t: F.poisson_nll_loss(x, t, reduction=r), X, 4 * Q),
    "poisson full": (
        lambda F, r, x, t: F.poisson_nll_loss(x, t, log_input=False, full=True, reduction=r),
        P, 4 * Q,
    ),
    "gaussian": (lambda F, r, x, t, v: F.gaussian_nll_loss(x, t, v, reduction=r), X, T, Q),
    "gaussian full": (
        lambda F, r, x, t, v: F.gaussian_nll_loss(x, t, v, full=True, eps=0.3, reduction=r),
        X, T, unit(6),
    ),
    "gaussian float": (lambda F, r, x, t: F.gaussian_nll_loss(x, t, 0.5, reduction=r), X, T),
    "soft_margin": (lambda F, r, x, t: F.soft_margin_loss(x, t.detach(), reduction=r), X, signs(6, 5)),
    "hinge_embedding": (
        lambda F, r, x, t: F.hinge_embedding_loss(x, t.detach(), margin=0.8, reduction=r),
        X, signs(6, 5),
    ),
    "margin_ranking": (
        lambda F, r, x, y, t: F.margin_ranking_loss(x, y, t.detach(), margin=0.2, reduction=r),
        X, T, signs(6, 5),
    ),
    "cosine_embedding": (
        lambda F, r, x, y, t: F.cosine_embedding_loss(x, y, t.detach(), margin=-0.1, reduction=r),
        X, T, signs(6),
    ),
    "triplet": (
        lambda F, r, a, p, n: F.triplet_margin_loss(a, p, n, swap=True, reduction=r),
        X, T, normal(6, 5, seed=2),
    ),
    "triplet p": (
        lambda F, r, a, p, n: F.triplet_margin_loss(a, p, n, p=3.0, margin=2.0, reduction=r),
        X, T, normal(6, 5, seed=2),
    ),
    "triplet distance": (
        lambda F, r, a, p, n: F.triplet_margin_with_distance_loss(
            a, p, n, distance_function=lambda x, y: 1 - F.cosine_similarity(x, y), reduction=r
        ),
        X, T, normal(6, 5, seed=2),
    ),
    "multilabel_soft_margin": (
        lambda F, r, x, t, w: F.multilabel_soft_margin_loss(x, t, w, reduction=r), X, Q, unit(5),
    ),
    "nll": (lambda F, r, x: F.nll_loss(x, _as(x, LABELS), reduction=r), LOG_P),
    "nll weight": (lambda F, r, x, w: F.nll_loss(x, _as(x, LABELS), w.detach(), reduction=r), LOG_P, unit(5)),
    "nll ignore": (lambda F, r, x: F.nll_loss(x, _as(x, LABELS), ignore_index=2, reduction=r), LOG_P),
    "cross_entropy": (lambda F, r, x: F.cross_entropy(x, _as(x, LABELS), reduction=r), X),
    "cross_entropy all": (
        lambda F, r, x, w: F.cross_entropy(
            x, _as(x, LABELS), w.detach(), ignore_index=2, label_smoothing=0.1, reduction=r
        ),
        X, unit(5),
    ),
    "cross_entropy smooth": (
        lambda F, r, x: F.cross_entropy(x, _as(x, LABELS), label_smoothing=0.3, reduction=r), X,
    ),
    "cross_entropy soft": (lambda F, r, x, t: F.cross_entropy(x, t, reduction=r), X, Q),
    "cross_entropy soft all": (
        lambda F, r, x, t, w: F.cross_entropy(x, t, w, label_smoothing=0.2, reduction=r), X, Q, unit(5),
    ),
}  # fmt: skip

# torch has first gradients only of these
FIRST_ONLY = {
    "multi_margin": (lambda F, r, x: F.multi_margin_loss(x, _as(x, LABELS), reduction=r), X),
    "multi_margin 2": (
        lambda F, r, x, w: F.multi_margin_loss(
            x, _as(x, LABELS), p=2, margin=0.7, weight=w.detach(), reduction=r
        ),
        X, unit(5),
    ),
    "multilabel_margin": (
        lambda F, r, x: F.multilabel_margin_loss(
            x, _as(x, np.array([[0, 3, -1, 2, 1]] * 5 + [[2, 2, 4, 1, 0]])), reduction=r
        ),
        X,
    ),
}  # fmt: skip


def _as(x, array):
    """A class tensor of the library that `x` belongs to."""
    return (torch if isinstance(x, torch.Tensor) else mt).from_numpy(np.asarray(array))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", [*LOSSES, *FIRST_ONLY])
def test_loss(name, reduction, dtype):
    f, *arrays = LOSSES[name] if name in LOSSES else FIRST_ONLY[name]
    arrays = [a.astype(dtype) for a in arrays]
    # torch's second gradient of bce adds 1e-12 to its denominators, which shows in float64
    order = 1 if name in FIRST_ONLY or (name.startswith("bce") and dtype == "float64") else 2
    # in torch a weight may turn a fused loss into other nodes, and a mean into a division by a number
    names = "weight" not in name and "smooth" not in name.removeprefix("smooth_l1") and "soft" not in name
    check(lambda lib, F, *t: f(F, reduction, *t), *arrays, order=order, names=names)


HALF = ["mse", "smooth_l1", "huber", "bce", "bce logits", "nll", "cross_entropy", "soft_margin", "l1"]


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", HALF)
def test_half(name, reduction):
    f, *arrays = LOSSES[name]
    check(lambda lib, F, *t: f(F, reduction, *t), *[a.astype(np.float16) for a in arrays], order=1)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_cross_entropy_of_any_shape(data):
    ndim = data.draw(st.integers(1, 5))
    classes = data.draw(st.integers(1, 5))
    n = data.draw(st.integers(1, 3))
    rest = tuple(data.draw(st.lists(st.integers(1, 3), min_size=ndim - 2, max_size=ndim - 2))) if ndim > 2 else ()
    shape = (classes,) if ndim == 1 else (n, classes, *rest)
    target_shape = () if ndim == 1 else (n, *rest)
    seed = data.draw(st.integers(0, 99))
    target = rng(seed).integers(0, classes, target_shape)
    kwargs = dict(  # noqa: C408
        reduction=data.draw(st.sampled_from(REDUCTIONS)),
        ignore_index=data.draw(st.sampled_from([-100, 0])),
        label_smoothing=data.draw(st.sampled_from([0.0, 0.2])),
    )
    weight = data.draw(st.booleans())

    def f(lib, F, x, w):
        return F.cross_entropy(x, _as(x, target), w.detach() if weight else None, **kwargs)

    if shape != target_shape:
        check(f, normal(*shape, seed=seed), unit(classes), names=False)


def test_corners_of_nll():
    for lib, F in (OURS, TORCH):
        nothing = lib.zeros(0, dtype=lib.int64)
        assert np.isnan(F.cross_entropy(lib.ones(0, 5), nothing).item())
        assert F.cross_entropy(lib.ones(0, 5), nothing, reduction="sum").item() == 0
        ignored = lib.tensor([-100, -100])
        assert np.isnan(F.cross_entropy(lib.ones(2, 5), ignored).item())
        assert F.cross_entropy(lib.ones(2, 5), ignored, reduction="sum").item() == 0
    for target in (np.uint8(3), np.array([1], np.uint8)):
        check(lambda lib, F, x: F.nll_loss(x, _as(x, np.asarray(target))), normal(300), order=0)
    # an ignored target may stand on inf: it must not turn into NaN
    x = np.array([[np.inf, 1.0], [0.5, 0.2]], np.float32)
    check(lambda lib, F, x: F.nll_loss(x, _as(x, [0, 1]), ignore_index=0), x)


def test_nll_saves_no_input():
    x = mt.from_numpy(X.copy()).requires_grad_()
    y = x * 1
    loss = mt.nn.functional.nll_loss(y, mt.from_numpy(LABELS))
    y.zero_()  # nothing of y was saved, so writing to it is no error
    loss.backward()
    assert x.grad.abs().sum().item() == pytest.approx(1.0)


def test_bce_corners():
    x = np.array([0.0, 1, 0, 1, 0.5], np.float32)
    t = np.array([1.0, 0, 0, 1, 0.5], np.float32)
    check(lambda lib, F, x, t: F.binary_cross_entropy(x, t.detach()), x, t, order=1)
    big = np.array([-200.0, 200, -1e4, 1e4, 0], np.float32)
    check(lambda lib, F, x, t: F.binary_cross_entropy_with_logits(x, t), big, t, order=1)


def test_bce_second_gradient_in_float64():
    x, t = (mt.from_numpy(a.astype(np.float64)).requires_grad_() for a in (P, Q))
    assert mt.autograd.gradgradcheck(mt.nn.functional.binary_cross_entropy, (x, t))


def test_type_promotion():
    for name in ("mse_loss", "l1_loss", "smooth_l1_loss", "binary_cross_entropy_with_logits"):
        check(lambda lib, F, x, t: getattr(F, name)(x, t), X, T.astype(np.float64), order=0)
    check(lambda lib, F, x, t: F.mse_loss(x, t), np.array([1, 2]), X[0, :2], order=0)


def test_legacy_arguments():
    for lib, F in (OURS, TORCH):
        x, t = lib.ones(2, 3), lib.zeros(2, 3)
        with pytest.warns(UserWarning, match="reduction='sum' instead"):
            assert F.mse_loss(x, t, size_average=False).item() == 6
        with pytest.warns(UserWarning, match="reduction='none' instead"):
            assert F.l1_loss(x, t, reduce=False).shape == (2, 3)
        with pytest.warns(UserWarning, match="reduction='mean' instead"):
            assert F.nll_loss(x, lib.tensor([0, 1]), reduce=True).item() == -1
        with pytest.warns(UserWarning, match="batchmean"):
            F.kl_div(x, x)
        with pytest.warns(UserWarning, match="different to the input size"):
            F.mse_loss(x, lib.zeros(3))
        with pytest.warns(UserWarning, match="elementwise_mean"):
            F.mse_loss(x, t, reduction="elementwise_mean")


def test_batchmean():
    check(lambda lib, F, x, t: F.kl_div(x, t, reduction="batchmean"), X, Q, names=False)


R = "lib.rand"
ERRORS = """
F.cross_entropy(R(3,5),L([0,1,2,3]))
F.cross_entropy(R(3,5),L([0,1,5]))
F.cross_entropy(R(3,5),L([0,1,-1]))
F.cross_entropy(R(3,5),L([0.,1,2]))
F.cross_entropy(R(3,5),L([0,1,2],dtype=lib.int32))
F.cross_entropy(R(3,5),L([0,1,2],dtype=lib.bool))
F.cross_entropy(R(3,5),L([[0,1,2]]))
F.cross_entropy(R(3,5),R(3,4))
F.cross_entropy(R(5),L(5))
F.cross_entropy(R(()),L(0))
F.cross_entropy(R(3,5),L([0,1,2]),weight=R(4))
F.cross_entropy(R(3,5),L([0,1,2]),weight=R(5).double())
F.cross_entropy(R(3,5),L([0,1,2]),weight=L([1,1,1,1,1]))
F.cross_entropy(R(3,5),L([0,1,2]),label_smoothing=1.5)
F.cross_entropy(R(3,5),L([0,1,2]),reduction='foo')
F.cross_entropy(R(3,5),R(3,5),ignore_index=1)
F.cross_entropy(R(3,5),R(3,5).long())
F.cross_entropy(R(3,5).long(),L([0,1,2]))
F.cross_entropy(R(3,5,2),L([[0,1],[1,2]]))
F.cross_entropy(R(3,5,2),L([0,1,2]))
F.cross_entropy(R(3,5,2,2),lib.zeros(3,2,3).long())
F.cross_entropy(R(3,5,2,2),lib.zeros(3,2).long())
F.cross_entropy(R(3,5,2,2,2),lib.zeros(3,2,2,3).long())
F.cross_entropy(R(3,0),lib.zeros(3).long())
F.nll_loss(R(3,5),L([0,1,2,3]))
F.nll_loss(R(3,5),L([0,1,7]))
F.nll_loss(R(3,5),R(3))
F.nll_loss(R(()),L(0))
F.nll_loss(R(3,5,2,2),lib.full((3,2,2),9))
F.nll_loss(R(3,5),L([0,1,2]),weight=R(5,1))
F.nll_loss(R(3,5,2,2),lib.zeros(3,2,2).long(),weight=R(4))
F.nll_loss(R(5),L([0,1]))
F.nll_loss(R(3,5,2,2),lib.zeros(3,2,2))
F.binary_cross_entropy(R(3)+1,R(3))
F.binary_cross_entropy(R(3),R(3)+1)
F.binary_cross_entropy(R(3),R(4))
F.binary_cross_entropy(R(3),L([0,1,1]))
F.binary_cross_entropy(R(3),R(3).double())
F.binary_cross_entropy(R(3),R(3),weight=R(2,3))
F.binary_cross_entropy_with_logits(R(3),R(4))
F.binary_cross_entropy_with_logits(R(3),L([0,1,1]))
F.mse_loss(R(3),R(4))
F.mse_loss(L([1]),L([2]))
F.mse_loss(R(3),R(3),weight=R(2))
F.l1_loss(L([1]),L([2]))
F.smooth_l1_loss(R(3),R(3),beta=-1)
F.smooth_l1_loss(L([1]),L([2]))
F.huber_loss(R(3),R(3),delta=0)
F.kl_div(R(3),R(4))
F.poisson_nll_loss(R(3),R(3),reduction='x')
F.gaussian_nll_loss(R(3),R(3),R(3)-2)
F.gaussian_nll_loss(R(3),R(3),-1.0)
F.gaussian_nll_loss(R(3,2),R(3,2),R(4))
F.gaussian_nll_loss(R(3),R(3),R(3),reduction='x')
F.hinge_embedding_loss(R(3),R(4))
F.margin_ranking_loss(R(3),R(3),R(3,1))
F.cosine_embedding_loss(R(3,4),R(3,4),R(4))
F.cosine_embedding_loss(R(3,4),R(3,5),R(3))
F.cosine_embedding_loss(R(3,4),R(3,4),R(3,1))
F.cosine_embedding_loss(R(4),R(4),L([1]))
F.soft_margin_loss(R(3),R(4))
F.multi_margin_loss(R(3,4),L([0,1]))
F.multi_margin_loss(R(3,4),L([0,1,5]))
F.multi_margin_loss(R(3,4),L([0,1,2]),p=3)
F.multi_margin_loss(R(3,4),L([0,1,2]),weight=R(3))
F.multi_margin_loss(R(3,4),L([0,1,2]),weight=R(3,1))
F.multi_margin_loss(R(3,4,5),L([0,1,2]))
F.multi_margin_loss(R(3,4),R(3))
F.multilabel_margin_loss(R(3,4),L([[0,1,2]]))
F.multilabel_margin_loss(R(1,3),L([[0,1,5]]))
F.multilabel_margin_loss(R(1,3),L([[0.,1,2]]))
F.multilabel_soft_margin_loss(R(3,4),R(3,4),reduction='x')
F.triplet_margin_loss(R(3,4),R(3,4),R(3,4),margin=0)
F.triplet_margin_loss(R(3,4),R(3,4),R(4))
F.triplet_margin_with_distance_loss(R(3,4),R(3,4),R(3,4),reduction='x')
""".strip().splitlines()


@pytest.mark.parametrize("call", ERRORS)
def test_errors(call):
    same_error(lambda lib, F: eval(call, {"lib": lib, "F": F, "L": lib.tensor, "R": lib.rand}))
