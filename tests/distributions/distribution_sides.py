"""Distributions as data: the same one on either engine, from the same numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

import minitorch_ref as mt
import minitorch_ref.distributions  # noqa: F401

SIDES = (torch, mt)


def tensor(side, array):
    """`array` as a tensor of one engine; other things as they are."""
    if not isinstance(array, np.ndarray):
        return array
    return torch.from_numpy(array.copy()) if side is torch else mt.from_numpy(array.copy())


def numbers(value):
    """A tensor of either engine as an array."""
    return value.detach().numpy() if isinstance(value, (torch.Tensor, mt.Tensor)) else value


@dataclass(frozen=True)
class Case:
    """A distribution: the name of its class and its arguments, or how to `build` it from them."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    build: Any = None
    note: str = ""

    def __str__(self) -> str:
        return self.name + (f"-{self.note}" if self.note else "")

    def arrays(self, dtype):
        """The arguments, floating arrays in `dtype`."""
        return {
            k: v.astype(dtype) if isinstance(v, np.ndarray) and v.dtype.kind == "f" else v
            for k, v in self.arguments.items()
        }

    def make(self, side, dtype="float32", grad=False, arrays=None, **more):
        """The distribution, and its tensor arguments by name."""
        given = self.arrays(dtype) if arrays is None else arrays
        tensors = {k: tensor(side, v) for k, v in given.items()}
        if grad:
            for x in tensors.values():
                if isinstance(x, side.Tensor) and x.is_floating_point():
                    x.requires_grad_()
        kinds = side.distributions
        made = self.build(kinds, **tensors) if self.build else None
        made = getattr(kinds, self.name)(**tensors, **more) if made is None else made
        return made, {k: x for k, x in tensors.items() if isinstance(x, side.Tensor)}


_DRAW = np.random.default_rng(20)


def real(*shape, scale=1.0):
    return np.asarray(_DRAW.normal(size=shape) * scale)


def positive(*shape, low=0.3, high=4.0):
    return np.asarray(np.exp(_DRAW.uniform(np.log(low), np.log(high), size=shape)))


def chance(*shape):
    return np.asarray(_DRAW.uniform(0.05, 0.95, size=shape))


def weights(*shape):
    drawn = _DRAW.gamma(2.0, size=shape)
    return np.asarray(drawn / drawn.sum(-1, keepdims=True))


def covariance(*shape):
    *batch, n = shape
    a = _DRAW.normal(size=(*batch, n, n + 2))
    return np.asarray(a @ a.swapaxes(-1, -2) / n + 0.3 * np.eye(n))


def triangle(*shape):
    return np.linalg.cholesky(covariance(*shape))


def _mixture(kinds, probs, loc, scale):
    return kinds.MixtureSameFamily(kinds.Categorical(probs), kinds.Normal(loc, scale))


def _vector_mixture(kinds, probs, loc, scale):
    components = kinds.Independent(kinds.Normal(loc, scale), 1)
    return kinds.MixtureSameFamily(kinds.Categorical(probs), components)


def _transformed(kinds, loc, scale, shift, factor):
    steps = [kinds.AffineTransform(shift, factor), kinds.TanhTransform()]
    return kinds.TransformedDistribution(kinds.Normal(loc, scale), steps)


def _turned(kinds, loc, scale, factor):
    return kinds.TransformedDistribution(
        kinds.Laplace(loc, scale), [kinds.AffineTransform(1.0, -factor), kinds.ExpTransform()]
    )


SHAPE = (3, 4)
NUMBERS = [  # distributions of single numbers
    Case("Normal", {"loc": real(*SHAPE), "scale": positive(4)}),
    Case("Normal", {"loc": 0, "scale": 1.5}, note="numbers"),
    Case("Laplace", {"loc": real(*SHAPE), "scale": positive(*SHAPE)}),
    Case("Cauchy", {"loc": real(*SHAPE), "scale": positive(*SHAPE)}),
    Case("Uniform", {"low": real(*SHAPE), "high": real(*SHAPE) + 6}),
    Case("Gumbel", {"loc": real(*SHAPE), "scale": positive(*SHAPE)}),
    Case("HalfNormal", {"scale": positive(*SHAPE)}),
    Case("HalfCauchy", {"scale": positive(*SHAPE)}),
    Case("LogNormal", {"loc": real(*SHAPE), "scale": positive(*SHAPE, high=1.0)}),
    Case("Exponential", {"rate": positive(*SHAPE)}),
    Case("Gamma", {"concentration": positive(*SHAPE), "rate": positive(3, 1)}),
    Case("Gamma", {"concentration": positive(5, low=5, high=200), "rate": positive(5)}, note="large"),
    Case("Chi2", {"df": positive(*SHAPE, high=10.0)}),
    Case("InverseGamma", {"concentration": positive(*SHAPE), "rate": positive(*SHAPE)}),
    Case("Beta", {"concentration1": positive(*SHAPE), "concentration0": positive(4)}),
    Case("FisherSnedecor", {"df1": positive(*SHAPE, low=1.5), "df2": positive(*SHAPE, high=9.0)}),
    Case("StudentT", {"df": positive(*SHAPE), "loc": real(4), "scale": positive(*SHAPE)}),
    Case("Weibull", {"scale": positive(*SHAPE), "concentration": positive(*SHAPE)}),
    Case("Pareto", {"scale": positive(*SHAPE), "alpha": positive(*SHAPE)}),
    Case("Kumaraswamy", {"concentration1": positive(*SHAPE), "concentration0": positive(4)}),
    Case(
        "GeneralizedPareto",
        {
            "loc": real(6),
            "scale": positive(6),
            "concentration": np.array([0.0, 0.3, 0.7, 1.5, -0.4, -0.8]),
        },
    ),
    Case("VonMises", {"loc": real(*SHAPE), "concentration": positive(*SHAPE, low=0.1, high=30)}),
    Case("ContinuousBernoulli", {"probs": np.array([0.05, 0.3, 0.4995, 0.5, 0.5005, 0.6, 0.99])}),
    Case("ContinuousBernoulli", {"logits": real(*SHAPE)}, note="logits"),
    Case("RelaxedBernoulli", {"temperature": positive(), "probs": chance(*SHAPE)}),
    Case("RelaxedBernoulli", {"temperature": positive(), "logits": real(*SHAPE)}, note="logits"),
    Case(
        "TransformedDistribution",
        {"loc": real(*SHAPE), "scale": positive(4), "shift": real(), "factor": positive(high=0.6)},
        _transformed,
    ),
    Case(
        "TransformedDistribution",
        {"loc": real(*SHAPE), "scale": positive(4), "factor": positive(4)},
        _turned,
        "turned",
    ),
    Case(
        "MixtureSameFamily",
        {"probs": weights(3, 5), "loc": real(3, 5, scale=2.0), "scale": positive(3, 5)},
        _mixture,
    ),
]
COUNTS = [
    Case("Bernoulli", {"probs": chance(*SHAPE)}),
    Case("Bernoulli", {"logits": real(*SHAPE)}, note="logits"),
    Case("Binomial", {"total_count": 7, "probs": chance(*SHAPE)}),
    Case("Binomial", {"total_count": np.array(90.0), "logits": real(*SHAPE)}, note="logits"),
    Case("Geometric", {"probs": chance(*SHAPE)}),
    Case("Geometric", {"logits": real(*SHAPE)}, note="logits"),
    Case("NegativeBinomial", {"total_count": positive(*SHAPE), "probs": chance(4)}),
    Case("NegativeBinomial", {"total_count": 4, "logits": real(*SHAPE)}, note="logits"),
    Case("Poisson", {"rate": positive(*SHAPE, high=40.0)}),
    Case("Categorical", {"probs": weights(3, 5)}),
    Case("Categorical", {"logits": real(3, 5)}, note="logits"),
]
VECTORS = [
    Case("OneHotCategorical", {"probs": weights(3, 5)}),
    Case("OneHotCategorical", {"logits": real(3, 5)}, note="logits"),
    Case("OneHotCategoricalStraightThrough", {"logits": real(3, 5)}),
    Case("Multinomial", {"total_count": 6, "probs": weights(3, 5)}),
    Case("Multinomial", {"total_count": 6, "logits": real(3, 5)}, note="logits"),
    Case("Dirichlet", {"concentration": positive(3, 5)}),
    Case("LogisticNormal", {"loc": real(3, 4), "scale": positive(4, high=1.0)}),
    Case("RelaxedOneHotCategorical", {"temperature": positive(), "probs": weights(3, 5)}),
    Case(
        "RelaxedOneHotCategorical",
        {"temperature": positive(), "logits": real(3, 5)},
        note="logits",
    ),
    Case("MultivariateNormal", {"loc": real(3, 4), "covariance_matrix": covariance(4)}),
    Case("MultivariateNormal", {"loc": real(4), "covariance_matrix": covariance(3, 4)}, note="batch"),
    Case("MultivariateNormal", {"loc": real(4), "precision_matrix": covariance(4)}, note="precision"),
    Case("MultivariateNormal", {"loc": real(4), "scale_tril": triangle(3, 4)}, note="factor"),
    Case(
        "LowRankMultivariateNormal",
        {"loc": real(3, 4), "cov_factor": real(4, 2), "cov_diag": positive(4)},
    ),
    Case(
        "LowRankMultivariateNormal",
        {"loc": real(4), "cov_factor": real(3, 4, 2), "cov_diag": positive(3, 4)},
        note="batch",
    ),
    Case("Wishart", {"df": np.array([4.5, 6.0]), "covariance_matrix": covariance(3)}),
    Case("Wishart", {"df": 5, "scale_tril": triangle(3)}, note="factor"),
    Case("LKJCholesky", {"dim": 4, "concentration": positive(2)}),
    Case(
        "Independent",
        {"loc": real(*SHAPE), "scale": positive(*SHAPE)},
        lambda kinds, loc, scale: kinds.Independent(kinds.Normal(loc, scale), 1),
    ),
    Case(
        "MixtureSameFamily",
        {"probs": weights(5), "loc": real(5, 2, scale=2.0), "scale": positive(5, 2)},
        _vector_mixture,
        "vectors",
    ),
]
CASES = NUMBERS + COUNTS + VECTORS


def draws(case, side, dtype="float32", count=(5,), seed=3, how="sample"):
    """Outcomes after `manual_seed(seed)`, as an array, and the next uniform number."""
    made, _ = case.make(side, dtype)
    side.manual_seed(seed)
    return numbers(getattr(made, how)(count)), side.rand(1, dtype=side.float64).item()
