"""Values, gradients and second gradients at the corners: ties, zeros, NaN, infinities, bounds, poles.

Every expression below is evaluated at every number or vector of its table, on both engines.
"""

import warnings

import numpy as np
import pytest
import torch

import minitorch_ref as mt

nan, inf = float("nan"), float("inf")
VECTORS = [
    [1.0, 3, 3, 2], [0.0, 0, 0, 0], [nan, 1, nan, 2], [-0.0, 0.0, -0.0, 0.0],
    [inf, inf, -inf, -inf], [5.0], [2.0, 0, 3], [0.0, 2, 0, 1],
]  # fmt: skip
OF_VECTORS = """
x.max() | x.min() | x.amax() | x.amin() | T.aminmax(x) | x.max(0) | x.min(0) | x.median() | x.median(0)
x.nanmedian() | x.nanmedian(0) | x.prod() | x.prod(0) | x.cumprod(0) | x.cumsum(0) | x.logcumsumexp(0)
x.std() | x.var() | x.std(correction=0) | T.var_mean(x) | x.norm() | x.norm(1) | x.norm(inf) | x.norm(0)
x.norm(3) | x.norm(-inf) | x.norm(0.5) | T.linalg.vector_norm(x, 1.5) | x.logsumexp(0) | x.cummax(0)
x.cummin(0) | x.mode(0) | x.kthvalue(1) | x.topk(1) | x.sort(stable=True) | x.sort(descending=True, stable=True)
x.argsort(stable=True) | x.argmax() | x.argmin() | T.unique(x.detach(), return_inverse=True, return_counts=True)
x.quantile(0.5) | x.nanquantile(0.3) | x.mean() | x.nansum() | x.nanmean() | x.msort() | T.dist(x, x)
T.renorm(x.reshape(1, -1), 2, 0, 1.0) | x.softmax(0) | T.cdist(x.reshape(-1, 1), x.reshape(-1, 1))
F.max_pool1d(x.reshape(1, 1, -1), 2, 2, 1) | x[[0, 0]] | x.take(T.tensor([0, 0])) | T.where(x > 0, x.log(), x * 0)
x.gather(0, T.tensor([0, 0])) | x.new_zeros(2).index_add(0, T.tensor([0] * len(x)), x) | x.repeat_interleave(2)
x.new_zeros(1).scatter_add(0, T.tensor([0] * len(x)), x) | T.searchsorted(x.detach(), x.detach())
x.new_ones(1).scatter_reduce(0, T.tensor([0] * len(x)), x, "amax") | T.isin(x.detach(), x.detach()[:1])
x.new_ones(1).scatter_reduce(0, T.tensor([0] * len(x)), x, "prod") | x.new_ones(1).scatter_reduce(0, T.tensor([0] * len(x)), x, "mean")
T.maximum(x, x.flip(0)) | T.minimum(x, x.flip(0)) | T.fmax(x, x.flip(0)) | T.fmin(x, x.flip(0)) | x.diff() | x.median(0, True)
"""
NUMBERS = [-1.0, -0.5, 0.0, -0.0, 0.5, 1.0, inf, -inf, nan]
OF_NUMBERS = """
x.abs() | x.clamp(-0.5, 0.5) | x.clamp(min=0) | x.sqrt() | x.sign() | x.relu() | x**0 | x**0.5 | x**2 | x**1 | x**-1
2**x | x.log() | x.rsqrt() | x.acos() | x.asin() | x.atanh() | x.acosh() | x.sinc() | T.xlogy(x, x) | T.hypot(x, x)
T.atan2(x, x * 0) | T.where(x > 0, x.sqrt(), x * 0) | x.nan_to_num() | x.logit() | F.hardtanh(x, -0.5, 0.5)
F.leaky_relu(x, 0.1) | F.elu(x) | F.softplus(x) | F.huber_loss(x, x * 0, delta=0.5) | F.l1_loss(x, x * 0)
F.smooth_l1_loss(x, x * 0, beta=0.5) | x.round() | x.frac() | x.fmod(0.5) | x.remainder(0.5) | T.copysign(x, x)
T.ldexp(x, T.tensor(2)) | x.lerp(x * 2, 0.3) | F.gelu(x) | F.normalize(x.reshape(1, 1)) | F.threshold(x, 0.5, 0.1)
F.cosine_similarity(x.reshape(1, 1), x.reshape(1, 1)) | F.pairwise_distance(x.reshape(1, 1), x.reshape(1, 1))
F.hardshrink(x) | F.softshrink(x) | T.logaddexp(x, x) | F.mish(x) | F.silu(x) | x.erfinv() | x.i0() | T.special.entr(x)
F.binary_cross_entropy(x.nan_to_num().clamp(0, 1), T.ones_like(x)) | F.prelu(x.reshape(1), x.reshape(1)) | F.kl_div(x, x)
F.hardswish(x) | F.hardsigmoid(x) | F.relu6(x) | F.logsigmoid(x) | F.selu(x) | x.tanh() | x.expm1() | x.log1p()
"""


def expressions(text):
    return [e.strip() for line in text.strip().splitlines() for e in line.split("|")]


def flat(engine, result):
    """The tensors of a result, nested or not."""
    if engine.is_tensor(result):
        return [result]
    return [t for part in result for t in flat(engine, part)]


def outcome(engine, expression, at):
    """Values, the gradient and the gradient of its sum; words where there is none."""
    x = engine.tensor(at, dtype=engine.float64, requires_grad=True)
    outs = flat(engine, eval(expression, {"T": engine, "F": engine.nn.functional, "x": x, "inf": inf}))
    found = [np.array(o.detach().numpy()) for o in outs]
    outs = [o for o in outs if o.requires_grad]
    if not outs:
        return found
    ones = [engine.ones_like(o) * 0.75 for o in outs]
    (g,) = engine.autograd.grad(outs, x, ones, create_graph=True, allow_unused=True)
    found.append(None if g is None else np.array(g.detach().numpy()))
    if g is None or not g.requires_grad:
        return found
    try:
        (h,) = engine.autograd.grad(g.sum(), x, allow_unused=True)
    except (RuntimeError, NotImplementedError):
        return found  # torch has no second derivative of some
    return [*found, np.zeros(np.shape(at)) if h is None else np.array(h.numpy(force=True))]


def check(ours, theirs):
    shared = min(len(ours), len(theirs))  # a second gradient that only one engine connects is zero
    assert not any(np.any(extra) for extra in ours[shared:] + theirs[shared:] if len(theirs) > shared)
    for a, b in zip(ours, theirs):
        assert (a is None) == (b is None)
        if a is not None:
            assert a.dtype == b.dtype
            np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-15)  # torch's 1/6 is a float


def compare(expression, at):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours, theirs = outcome(mt, expression, at), outcome(torch, expression, at)
    check(ours, theirs)


@pytest.mark.parametrize("expression", expressions(OF_VECTORS))
def test_vectors(expression):
    for at in VECTORS:
        compare(expression, at)


@pytest.mark.parametrize("expression", expressions(OF_NUMBERS))
def test_numbers(expression):
    for at in NUMBERS:
        compare(expression, at)


def test_a_wrong_tie_is_rejected(monkeypatch):
    monkeypatch.setattr(mt.Tensor, "amax", lambda x: x[x.argmax()])
    with pytest.raises(AssertionError):
        compare("x.amax()", VECTORS[0])
