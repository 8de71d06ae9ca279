"""Distributions against scipy.stats, and against what must hold of any: densities integrate to one,
moments are integrals, cdf and icdf undo each other, entropies are means of -log p."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats as st
from distribution_sides import CASES, numbers, tensor

import minitorch_ref as mt

D = mt.distributions
F64 = {"dtype": mt.float64}


def t(x):
    return mt.tensor(x, **F64)


# (ours, scipy's, where)
CONTINUOUS = [
    (D.Normal(t(0.3), 1.7), st.norm(0.3, 1.7)),
    (D.Laplace(t(0.3), 1.7), st.laplace(0.3, 1.7)),
    (D.Cauchy(t(0.3), 1.7), st.cauchy(0.3, 1.7)),
    (D.Uniform(t(-0.3), 1.7), st.uniform(-0.3, 2.0)),
    (D.Gumbel(t(0.3), 1.7), st.gumbel_r(0.3, 1.7)),
    (D.HalfNormal(t(1.7)), st.halfnorm(0, 1.7)),
    (D.HalfCauchy(t(1.7)), st.halfcauchy(0, 1.7)),
    (D.LogNormal(t(0.3), 0.7), st.lognorm(0.7, 0, math.exp(0.3))),
    (D.Exponential(t(1.7)), st.expon(0, 1 / 1.7)),
    (D.Gamma(t(2.3), 1.7), st.gamma(2.3, 0, 1 / 1.7)),
    (D.Chi2(t(3.3)), st.chi2(3.3)),
    (D.InverseGamma(t(3.3), 1.7), st.invgamma(3.3, 0, 1.7)),
    (D.Beta(t(2.3), 1.7), st.beta(2.3, 1.7)),
    (D.FisherSnedecor(t(3.3), 6.5), st.f(3.3, 6.5)),
    (D.StudentT(t(4.3), 0.3, 1.7), st.t(4.3, 0.3, 1.7)),
    (D.Weibull(t(1.7), 2.3), st.weibull_min(2.3, 0, 1.7)),
    (D.Pareto(t(1.7), 3.3), st.pareto(3.3, 0, 1.7)),
    (D.GeneralizedPareto(t(0.3), 1.7, 0.2), st.genpareto(0.2, 0.3, 1.7)),
    (D.GeneralizedPareto(t(0.3), 1.7, -0.4), st.genpareto(-0.4, 0.3, 1.7)),
    (D.GeneralizedPareto(t(0.3), 1.7, 0.0), st.genpareto(0.0, 0.3, 1.7)),
    (D.VonMises(t(0.3), 2.7), st.vonmises(2.7, 0.3)),
]
COUNTS = [
    (D.Bernoulli(t(0.3)), st.bernoulli(0.3), 1),
    (D.Binomial(9, t(0.3)), st.binom(9, 0.3), 9),
    (D.Geometric(t(0.3)), st.geom(0.3, -1), 40),
    (D.NegativeBinomial(4, t(0.3)), st.nbinom(4, 0.7), 40),
    (D.Poisson(t(3.3)), st.poisson(3.3), 40),
    (D.Categorical(t([0.2, 0.5, 0.3])), st.rv_discrete(values=([0, 1, 2], [0.2, 0.5, 0.3])), 2),
]
CLOSE = {"rtol": 1e-11, "atol": 1e-13}


def _name(value):
    return type(value).__name__ if isinstance(value, D.Distribution) else ""


def _ask(asked):
    try:
        return asked()
    except NotImplementedError:
        return None


@pytest.mark.parametrize("ours, theirs", CONTINUOUS, ids=_name)
def test_continuous_like_scipy(ours, theirs):
    q = np.linspace(0.02, 0.98, 25)
    x = theirs.ppf(q)
    np.testing.assert_allclose(numbers(ours.log_prob(t(x))), theirs.logpdf(x), **CLOSE)
    cdf, icdf, entropy = (
        _ask(lambda: ours.cdf(t(x))),
        _ask(lambda: ours.icdf(t(q))),
        _ask(lambda: ours.entropy()),
    )
    if cdf is not None:
        np.testing.assert_allclose(numbers(cdf), theirs.cdf(x), rtol=1e-9, atol=1e-12)
    if icdf is not None:
        np.testing.assert_allclose(numbers(icdf), x, rtol=1e-9, atol=1e-12)
    if entropy is not None:
        np.testing.assert_allclose(numbers(entropy), theirs.entropy(), rtol=1e-9)
    if not isinstance(ours, D.VonMises):  # scipy's mean and variance are those of a line
        mean, variance = theirs.stats("mv")
        for own, expected in ((ours.mean, mean), (ours.variance, variance)):
            if np.isfinite(expected):
                np.testing.assert_allclose(own.item(), expected, rtol=1e-10)
            else:
                assert not math.isfinite(own.item())


@pytest.mark.parametrize("ours, theirs, last", COUNTS, ids=_name)
def test_counts_like_scipy(ours, theirs, last):
    k = np.arange(last + 1.0)
    np.testing.assert_allclose(numbers(ours.log_prob(t(k))), theirs.logpmf(k), **CLOSE)
    if not isinstance(ours, D.Categorical):
        np.testing.assert_allclose(ours.mean.item(), theirs.mean(), **CLOSE)
        np.testing.assert_allclose(ours.variance.item(), theirs.var(), **CLOSE)
    entropy = _ask(ours.entropy)
    if entropy is not None:
        np.testing.assert_allclose(entropy.item(), theirs.entropy(), rtol=1e-9)


def test_vectors_like_scipy():
    draw = np.random.default_rng(4)
    a = draw.normal(size=(4, 4))
    covariance, loc = a @ a.T + np.eye(4), draw.normal(size=4)
    x = draw.normal(size=(5, 4))
    expected = st.multivariate_normal(loc, covariance)
    precise = np.linalg.inv(covariance)
    for form in (
        D.MultivariateNormal(t(loc), t(covariance)),
        D.MultivariateNormal(t(loc), precision_matrix=t((precise + precise.T) / 2)),
        D.MultivariateNormal(t(loc), scale_tril=t(np.linalg.cholesky(covariance))),
    ):
        np.testing.assert_allclose(numbers(form.log_prob(t(x))), expected.logpdf(x), rtol=1e-10)
        np.testing.assert_allclose(form.entropy().item(), expected.entropy(), rtol=1e-10)
        np.testing.assert_allclose(numbers(form.covariance_matrix), covariance, rtol=1e-9)
        np.testing.assert_allclose(numbers(form.precision_matrix), precise, rtol=1e-9)
    w, d = draw.normal(size=(4, 2)), np.exp(draw.normal(size=4))
    low, full = D.LowRankMultivariateNormal(t(loc), t(w), t(d)), w @ w.T + np.diag(d)
    expected = st.multivariate_normal(loc, full)
    np.testing.assert_allclose(numbers(low.log_prob(t(x))), expected.logpdf(x), rtol=1e-10)
    np.testing.assert_allclose(low.entropy().item(), expected.entropy(), rtol=1e-10)
    np.testing.assert_allclose(numbers(low.covariance_matrix), full, rtol=1e-10)
    np.testing.assert_allclose(numbers(low.precision_matrix) @ full, np.eye(4), atol=1e-10)
    factor = numbers(low.scale_tril)
    np.testing.assert_allclose(factor @ factor.T, full, rtol=1e-10)
    alpha = np.array([0.7, 2.0, 3.5])
    point = np.array([0.2, 0.5, 0.3])
    expected = st.dirichlet(alpha)
    ours = D.Dirichlet(t(alpha))
    np.testing.assert_allclose(ours.log_prob(t(point)).item(), expected.logpdf(point), **CLOSE)
    np.testing.assert_allclose(ours.entropy().item(), expected.entropy(), **CLOSE)
    np.testing.assert_allclose(numbers(ours.mean), expected.mean(), **CLOSE)
    np.testing.assert_allclose(numbers(ours.variance), expected.var(), **CLOSE)
    counts = np.array([[3.0, 0.0, 2.0], [1.0, 2.0, 2.0]])
    expected = st.multinomial(5, point)
    ours = D.Multinomial(5, t(point))
    np.testing.assert_allclose(numbers(ours.log_prob(t(counts))), expected.logpmf(counts), **CLOSE)
    np.testing.assert_allclose(ours.entropy().item(), expected.entropy(), rtol=1e-9)
    matrix = covariance[:3, :3]
    expected = st.wishart(5.5, np.eye(3) / 2)
    ours = D.Wishart(t(5.5), t(np.eye(3) / 2))
    np.testing.assert_allclose(ours.log_prob(t(matrix)).item(), expected.logpdf(matrix), **CLOSE)
    np.testing.assert_allclose(ours.entropy().item(), expected.entropy(), rtol=1e-10)
    np.testing.assert_allclose(numbers(ours.mean), expected.mean(), **CLOSE)
    np.testing.assert_allclose(numbers(ours.variance), expected.var(), **CLOSE)


# ---- what must hold of any -----------------------------------------------------------------------

LINES = [ours for ours, _ in CONTINUOUS if not isinstance(ours, D.VonMises)] + [
    D.Kumaraswamy(t(2.3), 1.7),
    D.ContinuousBernoulli(t(0.3)),
    D.ContinuousBernoulli(t(0.498)),
    D.RelaxedBernoulli(t(0.8), t(0.3)),
    D.MixtureSameFamily(D.Categorical(t([0.3, 0.7])), D.Normal(t([-1.0, 2.0]), t([0.5, 1.0]))),
    D.TransformedDistribution(
        D.Normal(t(0.3), 0.7), [D.AffineTransform(1.0, -0.5), D.TanhTransform()]
    ),
]


def _bounds(d):
    support = d.support
    low, high = (getattr(support, n, None) for n in ("lower_bound", "upper_bound"))
    return (
        -np.inf if low is None else float(low),
        np.inf if high is None else float(high),
    )


def _mean_of(d, f, low=None, high=None):
    """∫ f(x, log p(x)) p(x) dx.

    The line is brought to (0, 1), in pieces, so that tails and poles at the ends are seen.
    """
    from scipy.integrate import quad

    start, end = _bounds(d)
    low, high = start if low is None else low, end if high is None else high

    def integrand(x):
        log_p = d.log_prob(t(x)).item()
        return f(x, log_p) * math.exp(log_p) if math.isfinite(log_p) else 0.0

    middle = min(max(0.5, low + 0.25), high - 0.25) if np.isfinite(low + high) else 0.5
    middle = middle if low < middle < high else low + 1.0
    pieces = [(low, middle), (middle, high)]
    return sum(quad(integrand, *piece, limit=200, epsabs=1e-11)[0] for piece in pieces)


@pytest.mark.parametrize("d", LINES, ids=_name)
def test_density_integrates_to_one(d):
    assert abs(_mean_of(d, lambda x, log_p: 1.0) - 1) < 1e-6
    entropy = _ask(d.entropy)
    if entropy is not None:
        assert abs(_mean_of(d, lambda x, log_p: -log_p) - entropy.item()) < 1e-4


@pytest.mark.parametrize("d", LINES, ids=_name)
def test_cdf_is_the_integral_and_icdf_its_inverse(d):
    mt.manual_seed(1)
    x = d.sample((6,))
    below = _ask(lambda: d.cdf(x))
    if below is None:
        return
    for point, chance in zip(x[:2].tolist(), below[:2].tolist()):
        assert abs(_mean_of(d, lambda x, log_p: 1.0, high=point) - chance) < 1e-6
    again = _ask(lambda: d.icdf(below))
    if again is not None:
        np.testing.assert_allclose(numbers(again), numbers(x), rtol=1e-8, atol=1e-10)
    # the density is its slope
    x = x.detach().requires_grad_()
    try:
        (slope,) = mt.autograd.grad(d.cdf(x).sum(), [x])
    except NotImplementedError:
        return
    np.testing.assert_allclose(numbers(slope), numbers(d.log_prob(x).exp()), rtol=1e-6, atol=1e-9)


def test_the_integral_check_sees_a_wrong_density():
    class Wrong(D.Normal):
        def log_prob(self, value):
            return super().log_prob(value) + 0.01

    assert abs(_mean_of(Wrong(t(0.0), 1.0), lambda x, log_p: 1.0) - 1) > 1e-3


def test_von_mises_on_the_circle():
    angle = mt.linspace(-math.pi, math.pi, 2001, **F64)[:-1]
    for kappa in (0.2, 3.0, 40.0, 500.0):
        d = D.VonMises(t(0.7), t(kappa))
        p = d.log_prob(angle).exp() * (2 * math.pi / 2000)
        assert abs(p.sum().item() - 1) < 1e-12
        circular = 1 - (p * mt.cos(angle - 0.7)).sum().item()
        assert abs(circular / d.variance.item() - 1) < 1e-9


def test_lkj_integrates_to_one():
    """Two variables: one number, the correlation, between -1 and 1."""
    from scipy.integrate import quad

    for concentration in (0.7, 1.0, 3.0):
        d = D.LKJCholesky(2, t(concentration))

        def density(r, d=d):
            factor = t([[1.0, 0.0], [r, math.sqrt(1 - r * r)]])
            return d.log_prob(factor).exp().item()

        total, _ = quad(density, -1, 1)
        assert abs(total - 1) < 1e-6


@pytest.mark.parametrize(
    "case", [c for c in CASES if c.make(mt)[0].has_enumerate_support], ids=str
)
def test_enumerated_probabilities_sum_to_one(case):
    made, _ = case.make(mt, "float64")
    outcomes = made.enumerate_support()
    np.testing.assert_allclose(numbers(made.log_prob(outcomes).exp().sum(0)), 1.0, rtol=1e-12)
    narrow = made.enumerate_support(expand=False)
    assert np.array_equal(numbers(narrow.expand_as(outcomes)), numbers(outcomes))


DRAWN = [d for d in LINES if not isinstance(d, (D.Cauchy, D.HalfCauchy))]


@pytest.mark.parametrize("d", DRAWN, ids=_name)
def test_draws_follow_the_density(d):
    """Kolmogorov and Smirnov: against the cdf, or where there is none, scipy's or the integral."""
    known = {id(ours): theirs for ours, theirs in CONTINUOUS}
    mt.manual_seed(9)
    x = np.sort(numbers(d.sample((400,))))
    if id(d) in known:
        below = known[id(d)].cdf(x)
    else:
        own = _ask(lambda: d.cdf(tensor(mt, x)))
        if own is None:
            return
        below = numbers(own)
    gap = np.abs(below - (np.arange(400) + 0.5) / 400).max()
    assert gap * math.sqrt(400) < 1.95  # one in a thousand is above


def test_mixture_variance_and_mean_are_those_of_draws():
    weights, loc, scale = t([0.3, 0.7]), t([-1.0, 2.0]), t([0.5, 1.0])
    d = D.MixtureSameFamily(D.Categorical(weights), D.Normal(loc, scale))
    assert abs(_mean_of(d, lambda x, log_p: x) - d.mean.item()) < 1e-7
    spread = _mean_of(d, lambda x, log_p: (x - d.mean.item()) ** 2)
    assert abs(spread - d.variance.item()) < 1e-6


def test_kumaraswamys_mode_is_the_top_of_its_density():
    """torch 2.13 gives NaN."""
    d = D.Kumaraswamy(t([2.0, 3.5]), t([3.0, 1.5]))
    for i, mode in enumerate(d.mode.tolist()):
        near = t([mode - 1e-4, mode, mode + 1e-4])
        one = D.Kumaraswamy(d.concentration1[i], d.concentration0[i])
        low, top, high = one.log_prob(near).tolist()
        assert top > low and top > high
