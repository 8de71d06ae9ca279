"""KL divergences: torch's closed forms for every pair, and an oracle that knows none of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from distribution_sides import CASES, SIDES, numbers

import minitorch_ref as mt


def _registry(side):
    return {(p.__name__, q.__name__) for p, q in side.distributions.kl._KL_REGISTRY}


def _pairs():
    """A case of each class, with every class that its ancestors have a formula for."""
    first = {}
    for case in CASES:
        first.setdefault(case.name, case)
    kinds = torch.distributions
    for p in first.values():
        for q in first.values():
            found = kinds.kl._dispatch_kl(getattr(kinds, p.name), getattr(kinds, q.name))
            if found is not NotImplemented:
                yield p, q
    for case in CASES:  # all forms, with themselves
        if case.note:
            yield case, case


def _divergence(p, q, side):
    """KL(p ‖ q) in float64 and its gradients, or the exception."""
    a, p_leaves = p.make(side, "float64", grad=True)
    b, q_leaves = q.make(side, "float64", grad=True)
    leaves = [x for x in (*p_leaves.values(), *q_leaves.values()) if x.requires_grad]
    try:
        value = side.distributions.kl_divergence(a, b)
    except (NotImplementedError, ValueError, RuntimeError) as error:
        return type(error), None
    slopes = [None] * len(leaves)
    if value.requires_grad:
        slopes = side.autograd.grad(value.sum(), leaves, allow_unused=True)
    return numbers(value), [None if x is None else numbers(x) for x in slopes]


def test_the_same_pairs_are_registered():
    assert _registry(mt) == _registry(torch)


@pytest.mark.filterwarnings("ignore:Ambiguous")
@pytest.mark.parametrize("pair", list(_pairs()), ids=lambda pair: f"{pair[0]}-{pair[1]}")
def test_same_divergence(pair):
    (theirs, their_slopes), (ours, our_slopes) = (_divergence(*pair, side) for side in SIDES)
    if isinstance(theirs, type):
        assert ours is theirs
        return
    assert ours.shape == theirs.shape and ours.dtype == theirs.dtype
    np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-13)
    for a, b in zip(our_slopes, their_slopes):
        assert (a is None) == (b is None)
        if a is not None:
            finite = b[np.isfinite(b)]
            scale = np.abs(finite).max() if finite.size else 1.0
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9 * scale + 1e-12)


# ---- numerical oracle ----------------------------------------------------------------------------

INTEGRATED = [
    ("Normal", (0.3, 1.2), "Normal", (-0.5, 0.8)),
    ("Normal", (0.3, 1.2), "Laplace", (-0.5, 0.8)),
    ("Normal", (0.3, 1.2), "Gumbel", (-0.5, 0.8)),
    ("Laplace", (0.3, 1.2), "Normal", (-0.5, 0.8)),
    ("Laplace", (0.3, 1.2), "Laplace", (-0.5, 0.8)),
    ("Gumbel", (0.3, 1.2), "Gumbel", (-0.5, 0.8)),
    ("Gumbel", (0.3, 1.2), "Normal", (-0.5, 0.8)),
    ("Cauchy", (0.3, 1.2), "Cauchy", (-0.5, 0.8)),
    ("Gamma", (2.3, 1.2), "Gamma", (1.5, 0.8)),
    ("Gamma", (2.3, 1.2), "Exponential", (0.7,)),
    ("Gamma", (2.3, 1.2), "Normal", (0.5, 1.7)),
    ("Gamma", (2.3, 1.2), "Gumbel", (0.5, 1.7)),
    ("Exponential", (1.2,), "Gamma", (2.0, 0.7)),
    ("Exponential", (1.2,), "Normal", (0.5, 1.7)),
    ("Exponential", (1.2,), "Gumbel", (0.5, 1.7)),
    ("Beta", (2.3, 1.2), "Beta", (1.5, 0.8)),
    ("Beta", (2.3, 1.2), "ContinuousBernoulli", (0.3,)),
    ("Beta", (2.3, 1.2), "Gamma", (1.5, 0.8)),
    ("Beta", (2.3, 1.2), "Normal", (1.5, 0.8)),
    ("Beta", (2.3, 1.2), "Uniform", (-1.0, 2.0)),
    ("ContinuousBernoulli", (0.2,), "ContinuousBernoulli", (0.7,)),
    ("ContinuousBernoulli", (0.2,), "Exponential", (0.7,)),
    ("ContinuousBernoulli", (0.2,), "Normal", (0.7, 1.1)),
    ("Uniform", (0.2, 0.7), "Beta", (2.0, 3.0)),
    ("Uniform", (0.2, 0.7), "ContinuousBernoulli", (0.3,)),
    ("Uniform", (0.2, 0.7), "Gamma", (2.0, 3.0)),
    ("Uniform", (0.2, 0.7), "Gumbel", (2.0, 3.0)),
    ("Uniform", (1.2, 1.7), "Pareto", (1.0, 3.0)),
    ("HalfNormal", (1.2,), "HalfNormal", (0.7,)),
    ("LogNormal", (0.2, 0.5), "LogNormal", (0.1, 0.7)),
]


@pytest.mark.parametrize("p, p_args, q, q_args", INTEGRATED)
def test_divergence_is_the_mean_of_the_log_ratio(p, p_args, q, q_args):
    """∫ p (log p - log q), by quadrature over the quantiles of p as scipy integrates them."""
    from scipy.integrate import quad

    kinds = mt.distributions
    a, b = (
        getattr(kinds, name)(*(mt.tensor(x, dtype=mt.float64) for x in args), validate_args=False)
        for name, args in ((p, p_args), (q, q_args))
    )

    def integrand(x):
        at = mt.tensor(x, dtype=mt.float64)
        own = a.log_prob(at).item()
        return np.exp(own) * (own - b.log_prob(at).item()) if own > -700 else 0.0

    low, high = {
        "Beta": (0, 1), "ContinuousBernoulli": (0, 1), "Uniform": p_args, "Gamma": (0, np.inf),
        "Exponential": (0, np.inf), "HalfNormal": (0, np.inf), "LogNormal": (0, np.inf),
    }.get(p, (-np.inf, np.inf))  # fmt: skip
    mean, error = quad(integrand, low, high, limit=200)
    assert abs(kinds.kl_divergence(a, b).item() - mean) < max(1e-7, 10 * error)


def test_divergence_of_counts_is_the_mean_of_the_log_ratio():
    kinds, t = mt.distributions, lambda x: mt.tensor(x, dtype=mt.float64)
    for a, b in (
        (kinds.Bernoulli(t(0.2)), kinds.Bernoulli(t(0.7))),
        (kinds.Binomial(9, t(0.2)), kinds.Binomial(9, t(0.7))),
        (kinds.Categorical(t([0.2, 0.3, 0.5])), kinds.Categorical(t([0.4, 0.5, 0.1]))),
        (kinds.Poisson(t(3.0)), kinds.Poisson(t(5.0))),
        (kinds.Geometric(t(0.4)), kinds.Geometric(t(0.2))),
        (kinds.Bernoulli(t(0.2)), kinds.Poisson(t(0.7))),
    ):
        many = mt.arange(300.0, dtype=mt.float64)
        outcomes = a.enumerate_support() if a.has_enumerate_support else many
        own = a.log_prob(outcomes)
        mean = (own.exp() * (own - b.log_prob(outcomes))).sum()
        assert abs(kinds.kl_divergence(a, b).item() - mean.item()) < 1e-12


# ---- dispatch ------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", SIDES, ids=["torch", "minitorch_ref"])
def test_the_nearest_formula_is_taken(side):
    kinds = side.distributions

    class Left(kinds.Normal):
        pass

    class Right(kinds.Normal):
        pass

    registry = kinds.kl._KL_REGISTRY
    before = dict(registry)
    try:
        kinds.register_kl(Left, kinds.Normal)(lambda p, q: "left")
        kinds.register_kl(kinds.Normal, Right)(lambda p, q: "right")
        assert kinds.kl_divergence(Left(0.0, 1.0), kinds.Normal(0.0, 1.0)) == "left"
        assert kinds.kl_divergence(kinds.Normal(0.0, 1.0), Right(0.0, 1.0)) == "right"
        with pytest.warns(RuntimeWarning, match=r"Ambiguous kl_divergence\(Left, Right\)"):
            assert kinds.kl_divergence(Left(0.0, 1.0), Right(0.0, 1.0)) == "left"
    finally:
        registry.clear()
        registry.update(before)


def test_the_check_sees_a_wrong_formula():
    kinds = mt.distributions
    registry, key = kinds.kl._KL_REGISTRY, (kinds.Normal, kinds.Normal)
    before = registry[key]
    case = CASES[0]
    try:
        kinds.register_kl(*key)(lambda p, q: before(p, q) + 1e-7)
        theirs, ours = (_divergence(case, case, side)[0] for side in SIDES)
        with pytest.raises(AssertionError):
            np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-13)
    finally:
        kinds.register_kl(*key)(before)


FAMILIES = [
    ("Normal", ([0.3, 1.0], [1.2, 0.5]), ([-0.5, 0.0], [0.8, 2.0])),
    ("Gamma", ([2.3, 0.7], [1.2, 0.5]), ([1.5, 3.0], [0.8, 2.0])),
    ("Exponential", ([2.3, 0.7],), ([1.5, 3.0],)),
    ("Poisson", ([2.3, 0.7],), ([1.5, 3.0],)),
    ("Bernoulli", ([0.3, 0.7],), ([0.5, 0.1],)),
    ("ContinuousBernoulli", ([0.3, 0.7],), ([0.4, 0.1],)),
    ("Beta", ([2.3, 0.7], [1.2, 0.5]), ([1.5, 3.0], [0.8, 2.0])),
    ("Dirichlet", ([[2.3, 0.7, 1.0]],), ([[1.5, 3.0, 0.4]],)),
]


@pytest.mark.parametrize("name, p_args, q_args", FAMILIES)
def test_log_normalisers_know_entropy_and_divergence(name, p_args, q_args):
    """The general formulas of an exponential family give what the closed forms give."""
    kinds = mt.distributions
    family = kinds.ExponentialFamily
    p, q = (
        getattr(kinds, name)(*(mt.tensor(x, dtype=mt.float64) for x in args))
        for args in (p_args, q_args)
    )
    general = kinds.kl._KL_REGISTRY[family, family](p, q)
    np.testing.assert_allclose(numbers(general), numbers(kinds.kl_divergence(p, q)), rtol=1e-9)
    if name not in ("Poisson", "Beta", "Dirichlet"):  # theirs have a carrier measure
        np.testing.assert_allclose(numbers(family.entropy(p)), numbers(p.entropy()), rtol=1e-10)
