"""Samples: the same seed gives torch's outcomes, and leaves the stream where torch leaves it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from distribution_sides import CASES, SIDES, draws, numbers, tensor

import minitorch_ref as mt
from minitorch_ref.kernels import implicit

pytestmark = pytest.mark.filterwarnings("ignore:Singular sample detected")

# Outcomes computed by exp, log, pow or matrix products of what was drawn, whose last bits no contract
# fixes.  All others are torch's bit for bit.
ROUNDED = {
    "ContinuousBernoulli", "GeneralizedPareto", "Gumbel", "InverseGamma", "Kumaraswamy",
    "LKJCholesky", "Laplace", "LogNormal", "LogisticNormal", "LowRankMultivariateNormal", "MultivariateNormal", "Pareto",
    "RelaxedBernoulli", "RelaxedOneHotCategorical", "TransformedDistribution", "VonMises",
    "Weibull", "Wishart",
}  # fmt: skip


def assert_same_outcomes(a, b, name):
    assert a.shape == b.shape and a.dtype == b.dtype
    if name not in ROUNDED:
        assert np.array_equal(a, b)
        return
    if name == "LKJCholesky":  # the diagonal is a root of what is left: its square is near
        a, b = a * np.abs(a), b * np.abs(b)
    # a few roundings at the size of the largest outcome of the batch
    largest = np.abs(b).max()
    assert np.abs(a - b).max() <= 16 * np.finfo(b.dtype).eps * largest


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_same_seed_same_outcomes(case, dtype):
    made, _ = case.make(torch, dtype)
    for how in ("sample", "rsample") if made.has_rsample else ("sample",):
        for count in ((), (2,), (3, 5)):
            (theirs, end), (ours, our_end) = (draws(case, s, dtype, count, how=how) for s in SIDES)
            assert_same_outcomes(ours, theirs, case.name)
            assert end == our_end


def test_sample_n_is_deprecated():
    d = mt.distributions.Normal(mt.zeros(2), 1.0)
    with pytest.warns(UserWarning, match="sample_n will be deprecated"):
        assert d.sample_n(3).shape == (3, 2)


def test_samples_of_a_generator_that_both_engines_continue():
    """The second of a pair of normal numbers waits in the generator, between calls of any kind."""
    found = []
    for side in SIDES:
        side.manual_seed(8)
        kinds = side.distributions
        found.append(
            [
                numbers(kinds.Gamma(side.full((3,), 2.5), 1.0).sample()),
                numbers(side.randn(3)),
                numbers(kinds.Beta(0.5, 0.5).sample((5,))),
                numbers(kinds.Binomial(30, side.tensor([0.1, 0.5, 0.9])).sample((4,))),
                numbers(side.randn(5)),
            ]
        )
    for a, b in zip(*found):
        assert np.array_equal(a, b)


# ---- gradients of samples ------------------------------------------------------------------------

# torch approximates how gamma and beta numbers move with their parameters, with errors up to 1e-3
APPROXIMATED = {
    "Beta", "Chi2", "Dirichlet", "FisherSnedecor", "Gamma", "InverseGamma", "StudentT",
}  # fmt: skip


def _can_follow(case):
    """There are tensors to follow; torch's own Wishart fails in backward (2.13)."""
    made, leaves = case.make(torch)
    return made.has_rsample and bool(leaves) and case.name != "Wishart"


def _slopes(case, side):
    made, leaves = case.make(side, "float64", grad=True)
    leaves = {k: x for k, x in leaves.items() if x.requires_grad}
    side.manual_seed(5)
    outcome = made.rsample((4,))
    g = np.random.default_rng(4).uniform(0.5, 1.5, tuple(outcome.shape))
    slopes = side.autograd.grad(outcome, list(leaves.values()), tensor(side, g), allow_unused=True)
    return {k: None if x is None else numbers(x) for k, x in zip(leaves, slopes)}


@pytest.mark.parametrize("case", [c for c in CASES if _can_follow(c)], ids=str)
def test_outcomes_follow_parameters_as_in_torch(case):
    theirs, ours = _slopes(case, torch), _slopes(case, mt)
    assert list(theirs) == list(ours)
    for name, expected in theirs.items():
        assert (expected is None) == (ours[name] is None)
        if expected is not None:
            tolerance = 2e-3 if case.name in APPROXIMATED else 1e-10
            scale = np.abs(expected).max()
            np.testing.assert_allclose(ours[name], expected, rtol=tolerance, atol=tolerance * scale)


def _exact_gamma_slope(a, x):
    """-(∂F/∂a)/p by a central difference of mpmath's regularised incomplete gamma function."""
    import mpmath

    with mpmath.workdps(40):
        a, x = mpmath.mpf(a), mpmath.mpf(x)
        h = a * mpmath.mpf(10) ** -13
        high, low = (mpmath.gammainc(s, 0, x, regularized=True) for s in (a + h, a - h))
        p = x ** (a - 1) * mpmath.exp(-x) / mpmath.gamma(a)
        return float(-(high - low) / (2 * h) / p)


def _exact_beta_slope(x, a, b):
    import mpmath

    with mpmath.workdps(40):
        x, a, b = mpmath.mpf(x), mpmath.mpf(a), mpmath.mpf(b)
        h = a * mpmath.mpf(10) ** -13
        high, low = (mpmath.betainc(s, b, 0, x, regularized=True) for s in (a + h, a - h))
        p = x ** (a - 1) * (1 - x) ** (b - 1) / mpmath.beta(a, b)
        return float(-(high - low) / (2 * h) / p / (1 - x))


def _points(count=40):
    draw = np.random.default_rng(11)
    a, b = 10 ** draw.uniform(-1.5, 2.5, (2, count))
    return draw, a, b


def test_gamma_slopes_are_exact():
    draw, a, _ = _points()
    x = np.maximum(draw.gamma(a), 1e-300)
    expected = np.array([_exact_gamma_slope(*p) for p in zip(a, x)])
    ours = implicit.gamma_slope(a, x)
    theirs = torch._standard_gamma_grad(torch.from_numpy(a), torch.from_numpy(x)).numpy()
    error = np.abs(ours / expected - 1)
    assert error.max() < 1e-11 and error.max() < np.abs(theirs / expected - 1).max() / 1e6


def test_beta_slopes_are_exact():
    draw, a, b = _points()
    x = np.clip(draw.beta(a, b), 1e-300, 1 - 1e-12)
    expected = np.array([_exact_beta_slope(*p) for p in zip(x, a, b)])
    ours = implicit.beta_slope(x, a, b)
    theirs = torch._dirichlet_grad(*map(torch.from_numpy, (x, a, a + b))).numpy()
    error = np.abs(ours / expected - 1)
    assert error.max() < 1e-10 and error.max() < np.abs(theirs / expected - 1).max() / 1e6


@pytest.mark.parametrize(
    "x, a, b",
    [
        (2.2738267e-4, 0.78236607, 15951.052),
        (1.7044151e-4, 1.2592009, 16055.2),
        (0.978, 9e4, 2e3),
        (0.5, 1e-3, 1e-3),
        (1e-30, 1e-3, 5.0),
        (0.999999, 2e3, 0.03),
    ],
)
def test_beta_slopes_where_one_parameter_is_extreme(x, a, b):
    """torch is off by a factor of two at the first."""
    ours = implicit.beta_slope(*(np.array([v]) for v in (x, a, b)))
    assert abs(ours.item() / _exact_beta_slope(x, a, b) - 1) < 1e-10


def test_the_slopes_check_sees_a_wrong_slope():
    """The slope of the mean (x/a) is near, and not it."""
    draw, a, _ = _points(5)
    x = draw.gamma(a)
    expected = np.array([_exact_gamma_slope(*p) for p in zip(a, x)])
    assert np.abs((x / a) / expected - 1).max() > 1e-3


# ---- Wishart -------------------------------------------------------------------------------------


def test_wishart_outcomes_follow_their_covariance():
    """With the noise held, an outcome is linear in a factor on the covariance: Σ·∂S/∂Σ is S."""
    covariance = tensor(mt, np.array([[2.0, 0.4], [0.4, 1.0]])).requires_grad_()
    mt.manual_seed(4)
    outcome = mt.distributions.Wishart(mt.tensor(4.0, dtype=mt.float64), covariance).rsample((3,))
    for entry in outcome.reshape(-1):
        (slope,) = mt.autograd.grad(entry, [covariance], retain_graph=True)
        assert abs((slope * covariance).sum().item() - entry.item()) < 1e-12


def test_wishart_draws_again_as_often_as_torch(monkeypatch):
    """The second draw is singular: there is a third, of the singular ones only."""
    counts = []
    for side in SIDES:
        kind = side.distributions.Wishart
        plain, asked = kind._bartlett_sampling, []

        def spoilt(self, shape, plain=plain, asked=asked):
            asked.append(tuple(shape))
            drawn = plain(self, shape)
            if len(asked) == 2:
                drawn[1] = 0.0
            return drawn

        monkeypatch.setattr(kind, "_bartlett_sampling", spoilt)
        with pytest.warns(UserWarning, match="Singular sample detected"):
            outcome = kind(side.tensor(5.0), side.eye(2)).sample((3,))
        assert side.distributions.constraints.positive_definite.check(outcome).all()
        counts.append(asked)
    assert counts[0] == counts[1] == [(3,), (3,), (1,)]


# ---- extreme parameters --------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("low, high", [(-37, -2), (-2, 1), (1, 8), (8, 30)])
def test_gamma_draws_of_all_sizes(dtype, low, high):
    shapes = np.exp(np.random.default_rng(1).uniform(low, high, 500)).astype(dtype)
    shapes[:3] = 0, 1, 1 / 3
    found = []
    for side in SIDES:
        side.manual_seed(6)
        found.append((numbers(side._standard_gamma(tensor(side, shapes))), side.rand(1).item()))
        rows = tensor(side, shapes[3:].reshape(7, -1))
        found[-1] += (numbers(side._sample_dirichlet(rows)), side.rand(1).item())
    for theirs, ours in zip(*found):
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("low, high", [(0, 30), (10, 300), (1000, 100_000), (1 << 23, 1 << 26)])
def test_binomial_draws_of_all_sizes(dtype, low, high):
    draw = np.random.default_rng(2)
    counts = draw.integers(low, high, 600).astype(dtype)
    chances = draw.random(600).astype(dtype)
    chances[::3] *= 1e-3
    chances[:6] = 0, 1, 0.5, 1e-30, 1 - 2.0**-20, np.nan
    counts[6] = -1
    found = []
    for side in SIDES:
        side.manual_seed(6)
        drawn = side.binomial(tensor(side, counts), tensor(side, chances))
        found.append((numbers(drawn), side.rand(1).item()))
    (theirs, end), (ours, our_end) = found
    assert np.array_equal(ours, theirs, equal_nan=True) and end == our_end


def test_poisson_draws_of_all_sizes():
    rates = np.exp(np.random.default_rng(3).uniform(-9, 14, 800)).astype(np.float32)
    found = []
    for side in SIDES:
        side.manual_seed(6)
        made = side.distributions.Poisson(tensor(side, rates))
        found.append((numbers(made.sample()), side.rand(1).item()))
    assert np.array_equal(found[0][0], found[1][0]) and found[0][1] == found[1][1]


def test_the_samples_check_sees_one_number_more(monkeypatch):
    normal = mt.distributions.Normal
    plain = normal.sample

    def wasteful(self, shape=()):
        drawn = plain(self, shape)
        mt.rand(1)
        return drawn

    monkeypatch.setattr(normal, "sample", wasteful)
    (theirs, end), (ours, our_end) = (draws(CASES[0], side) for side in SIDES)
    assert_same_outcomes(ours, theirs, "Normal")
    assert end != our_end


def test_the_samples_check_sees_another_order():
    outcomes, _ = draws(CASES[0], torch)
    with pytest.raises(AssertionError):
        assert_same_outcomes(outcomes[::-1], outcomes, "Normal")
    outcomes, _ = draws(next(c for c in CASES if c.name == "Laplace"), torch)
    with pytest.raises(AssertionError):
        assert_same_outcomes(outcomes * (1 + 1e-5), outcomes, "Laplace")


# ---- expanded ------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=str)
def test_expanded_distributions(case):
    """In a larger batch: torch's outcomes, and the densities of the plain one.

    (torch 2.13's GeneralizedPareto has no density in float64.)
    """
    found = []
    for side in SIDES:
        plain, _ = case.make(side, "float64" if case.name != "GeneralizedPareto" else "float32")
        wide = plain.expand((2, *plain.batch_shape))
        assert tuple(wide.batch_shape) == (2, *plain.batch_shape)
        assert wide.event_shape == plain.event_shape and type(wide) is type(plain)
        side.manual_seed(4)
        outcomes = wide.sample((3,))
        found.append((numbers(outcomes), repr(wide)))
        np.testing.assert_allclose(
            numbers(wide.log_prob(outcomes)), numbers(plain.log_prob(outcomes)), rtol=1e-11
        )
        for name in ("mean", "variance", "entropy"):
            try:
                asked, own = getattr(wide, name), getattr(plain, name)
                asked, own = (x() if callable(x) else x for x in (asked, own))
            except (NotImplementedError, AttributeError):  # torch's Multinomial loses its binomial
                continue
            np.testing.assert_allclose(
                numbers(asked), np.broadcast_to(numbers(own), asked.shape), rtol=1e-12
            )
    (theirs, their_repr), (ours, our_repr) = found
    assert_same_outcomes(ours, theirs, case.name)
    assert our_repr == their_repr
