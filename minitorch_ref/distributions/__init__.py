"""torch.distributions: densities, samples with gradients, divergences.

    from minitorch_ref.distributions import Categorical, Normal, kl_divergence

    policy = Categorical(logits=net(state))           # REINFORCE
    action = policy.sample()
    loss = -policy.log_prob(action) * reward

    code = Normal(mean, scale)                        # a variational autoencoder
    z = code.rsample()                                # gradients reach mean and scale
    loss = reconstruction(z) + kl_divergence(code, Normal(0.0, 1.0)).sum()

Read `distribution.py` (what can be asked), `formulas.py` (the language the families are written in),
then any family: `location_scale.py` is the simplest.
"""

from __future__ import annotations

import sys as _sys

from . import transforms  # isort: skip  (the others build on it)
from . import (
    categorical,
    circular,
    combined,
    constraint_registry,
    constraints,
    cross_divergences,
    discrete,
    distribution,
    divergences,
    exp_family,
    gamma_family,
    kl,
    location_scale,
    matrices,
    multivariate,
    relaxed,
    tails,
    utils,
)
from .categorical import Categorical, OneHotCategorical, OneHotCategoricalStraightThrough
from .circular import VonMises
from .combined import Independent, MixtureSameFamily, TransformedDistribution
from .constraint_registry import biject_to, transform_to
from .discrete import Bernoulli, Binomial, Geometric, Multinomial, NegativeBinomial, Poisson
from .distribution import Distribution
from .exp_family import ExponentialFamily
from .gamma_family import Beta, Chi2, Dirichlet, FisherSnedecor, Gamma, InverseGamma, StudentT
from .kl import kl_divergence, register_kl
from .location_scale import (
    Cauchy,
    Gumbel,
    HalfCauchy,
    HalfNormal,
    Laplace,
    LogisticNormal,
    LogNormal,
    Normal,
    Uniform,
)
from .matrices import LKJCholesky, Wishart
from .multivariate import LowRankMultivariateNormal, MultivariateNormal
from .relaxed import ContinuousBernoulli, RelaxedBernoulli, RelaxedOneHotCategorical
from .tails import Exponential, GeneralizedPareto, Kumaraswamy, Pareto, Weibull
from .transforms import *  # noqa: F403
from .transforms import __all__ as _transforms

# torch has a file for each; `torch.distributions.normal` is a name that programs import.
_FILES = {
    categorical: ["categorical", "one_hot_categorical"],
    circular: ["von_mises"],
    combined: ["independent", "mixture_same_family", "transformed_distribution"],
    discrete: ["bernoulli", "binomial", "geometric", "multinomial", "negative_binomial", "poisson"],
    gamma_family: [
        "beta", "chi2", "dirichlet", "fishersnedecor", "gamma", "inverse_gamma", "studentT",
    ],
    location_scale: [
        "cauchy", "gumbel", "half_cauchy", "half_normal", "laplace", "log_normal",
        "logistic_normal", "normal", "uniform",
    ],
    matrices: ["lkj_cholesky", "wishart"],
    multivariate: ["lowrank_multivariate_normal", "multivariate_normal"],
    relaxed: ["continuous_bernoulli", "relaxed_bernoulli", "relaxed_categorical"],
    tails: ["exponential", "generalized_pareto", "kumaraswamy", "pareto", "weibull"],
}  # fmt: skip
for _file, _names in _FILES.items():
    for _name in _names:
        globals()[_name] = _sys.modules[f"{__name__}.{_name}"] = _file

__all__ = [
    "Bernoulli", "Beta", "Binomial", "Categorical", "Cauchy", "Chi2", "ContinuousBernoulli",
    "Dirichlet", "Distribution", "Exponential", "ExponentialFamily", "FisherSnedecor", "Gamma",
    "GeneralizedPareto", "Geometric", "Gumbel", "HalfCauchy", "HalfNormal", "Independent",
    "InverseGamma", "Kumaraswamy", "LKJCholesky", "Laplace", "LogNormal", "LogisticNormal",
    "LowRankMultivariateNormal", "MixtureSameFamily", "Multinomial", "MultivariateNormal",
    "NegativeBinomial", "Normal", "OneHotCategorical", "OneHotCategoricalStraightThrough",
    "Pareto", "Poisson", "RelaxedBernoulli", "RelaxedOneHotCategorical", "StudentT",
    "TransformedDistribution", "Uniform", "VonMises", "Weibull", "Wishart", "biject_to",
    "kl_divergence", "register_kl", "transform_to", *_transforms,
]  # fmt: skip
