"""Transforms: torch's values, inverses that invert, and volumes that are those of the Jacobian."""

from __future__ import annotations

import gc
import pickle
import weakref

import numpy as np
import pytest
import torch
from distribution_sides import SIDES, numbers, tensor

import minitorch_ref as mt
from minitorch_ref.autograd.functional import jacobian

T = mt.distributions.transforms
C = mt.distributions.constraints
_DRAW = np.random.default_rng(5)
PLAIN = _DRAW.normal(size=(3, 4))
POSITIVE = np.exp(PLAIN)
FACTOR = np.array([0.5, -1.5, 2.0, 0.3])


def _stack(t, side):
    return t.StackTransform([t.ExpTransform(), t.AffineTransform(1.0, -2.0), t.TanhTransform()])


def _cat(t, side):
    parts = [t.ExpTransform(), t.SigmoidTransform()]
    return t.CatTransform(parts, dim=-1, lengths=[1, 3])


def _cat_of_vectors(t, side):
    return t.CatTransform([t.StickBreakingTransform(), t.StickBreakingTransform()], 0, [1, 2])


def _composed(t, side):
    return t.ComposeTransform(
        [t.AffineTransform(0.3, tensor(side, FACTOR)), t.StickBreakingTransform()]
    )


# name: (how to build it, where to evaluate it)
TRANSFORMS = {
    "exp": (lambda t, side: t.ExpTransform(), PLAIN),
    "exp inverse": (lambda t, side: t.ExpTransform().inv, POSITIVE),
    "sigmoid": (lambda t, side: t.SigmoidTransform(), PLAIN),
    "tanh": (lambda t, side: t.TanhTransform(), PLAIN),
    "softplus": (lambda t, side: t.SoftplusTransform(), PLAIN),
    "power": (lambda t, side: t.PowerTransform(tensor(side, FACTOR)), POSITIVE),
    "affine": (lambda t, side: t.AffineTransform(0.3, tensor(side, FACTOR)), PLAIN),
    "affine vectors": (lambda t, side: t.AffineTransform(0.3, tensor(side, FACTOR), 1), PLAIN),
    "cdf": (
        lambda t, side: t.CumulativeDistributionTransform(
            side.distributions.Normal(tensor(side, FACTOR), 1.5)
        ),
        PLAIN,
    ),
    "independent": (lambda t, side: t.IndependentTransform(t.TanhTransform(), 1), PLAIN),
    "reshape": (lambda t, side: t.ReshapeTransform((4,), (2, 2)), PLAIN),
    "stick breaking": (lambda t, side: t.StickBreakingTransform(), PLAIN),
    "correlations": (lambda t, side: t.CorrCholeskyTransform(), _DRAW.normal(size=(3, 6))),
    "composed": (_composed, PLAIN),
    "composed inverse": (lambda t, side: _composed(t, side).inv, None),
    "nothing": (lambda t, side: t.identity_transform, PLAIN),
    "stack": (_stack, PLAIN),
    "cat": (_cat, PLAIN),
    "cat of vectors": (_cat_of_vectors, PLAIN),
}
NOT_BIJECTIVE = {
    "abs": (lambda t, side: t.AbsTransform(), PLAIN),
    "softmax": (lambda t, side: t.SoftmaxTransform(), PLAIN),
    "lower cholesky": (lambda t, side: t.LowerCholeskyTransform(), _DRAW.normal(size=(3, 4, 4))),
    "positive definite": (
        lambda t, side: t.PositiveDefiniteTransform(),
        _DRAW.normal(size=(3, 4, 4)),
    ),
}


def _made(name, side):
    build, at = {**TRANSFORMS, **NOT_BIJECTIVE}[name]
    if at is None:  # a point of the image
        at = numbers(_composed(torch.distributions.transforms, torch)(torch.from_numpy(PLAIN)))
    return build(side.distributions.transforms, side), tensor(side, at)


@pytest.mark.parametrize("name", [*TRANSFORMS, *NOT_BIJECTIVE])
def test_same_as_torch(name):
    found = []
    for side in SIDES:
        t, x = _made(name, side)
        x.requires_grad_()
        y = t(x)
        back = t.inv(y)
        values = {"y": y, "back": back}
        if t.bijective:
            values["growth"] = t.log_abs_det_jacobian(x, y)
        for key, value in list(values.items()):
            if not value.requires_grad:
                continue
            (values[f"{key} slope"],) = side.autograd.grad(
                value.sin().sum(), [x], retain_graph=True, allow_unused=True
            )
        found.append({k: None if v is None else numbers(v) for k, v in values.items()})
        if name != "cat of vectors":  # torch has no rule for it
            assert tuple(t.forward_shape(x.shape)) == tuple(y.shape)
            assert tuple(t.inverse_shape(y.shape)) == tuple(x.shape)
    theirs, ours = found
    assert list(theirs) == list(ours)
    for key, expected in theirs.items():
        assert (expected is None) == (ours[key] is None), key
        if expected is not None:
            np.testing.assert_allclose(ours[key], expected, rtol=1e-10, atol=1e-12, err_msg=key)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_inverse_inverts(name):
    t, x = _made(name, mt)
    y = t(x)
    assert t.domain.check(x).all() and t.codomain.check(y).all()
    np.testing.assert_allclose(numbers(t.inv(y)), numbers(x), rtol=1e-9, atol=1e-9)
    assert t.inv.inv is t or t.inv.inv == t
    # the other way round, the volume shrinks
    there, back = t.log_abs_det_jacobian(x, y), t.inv.log_abs_det_jacobian(y, x)
    np.testing.assert_allclose(numbers(there), -numbers(back), rtol=1e-12, atol=1e-13)


# The coordinates of an event that are free: the rest of the simplex follows, and so does the
# diagonal of a factor of correlations, and what is above it is zero.
FREE = {
    "stick breaking": lambda y: y[..., :-1],
    "composed": lambda y: y[..., :-1],
    "correlations": lambda y: mt.distributions.utils.tril_matrix_to_vec(y, diag=-1),
}
WITH_JACOBIAN = [n for n in TRANSFORMS if n not in ("composed inverse", "cat of vectors")]


def _log_volume(name, t, x):
    """log |det| of autograd's Jacobian of the free coordinates of one event or number."""
    free = FREE.get(name, lambda y: y)
    matrix = jacobian(lambda v: free(t(v)).reshape(-1), x).reshape(-1, x.numel())
    return np.linalg.slogdet(numbers(matrix))[1]


@pytest.mark.parametrize("name", WITH_JACOBIAN)
def test_volume_is_that_of_the_jacobian(name):
    t, x = _made(name, mt)
    growth = t.log_abs_det_jacobian(x, t(x))
    if growth.dim() == x.dim():  # numbers: the Jacobian of all is diagonal
        assert abs(growth.sum().item() - _log_volume(name, t, x)) < 1e-10
        return
    for event, expected in zip(x, growth):
        assert abs(_log_volume(name, t, event) - expected.item()) < 1e-10


def test_the_volume_check_sees_a_wrong_volume():
    class Wrong(T.TanhTransform):
        log_abs_det_jacobian = lambda self, x, y: -(y**2)

    x = tensor(mt, PLAIN)
    wrong = Wrong()
    found = wrong.log_abs_det_jacobian(x, wrong(x)).sum().item()
    assert abs(found - _log_volume("tanh", wrong, x)) > 1e-3


# ---- cache and identity --------------------------------------------------------------------------


@pytest.mark.parametrize("side", SIDES, ids=["torch", "minitorch_ref"])
def test_the_cache_returns_the_very_same(side):
    kinds = side.distributions.transforms
    x = tensor(side, PLAIN)
    for t in (kinds.ExpTransform(cache_size=1), kinds.AffineTransform(0.0, 2.0).with_cache()):
        y = t(x)
        assert t(x) is y and t.inv(y) is x
        assert t.with_cache() is t
        y = t.inv(x)
        assert t(y) is x
    plain = kinds.ExpTransform()
    assert plain.inv(plain(x)) is not x
    with pytest.raises(NotImplementedError, match="with_cache is not implemented"):

        class Own(kinds.Transform):
            def __init__(self):
                super().__init__()

        Own().with_cache()


def test_an_inverse_is_kept_as_long_as_it_is_used():
    t = T.ExpTransform()
    inverse = t.inv
    assert t.inv is inverse and inverse.inv is t
    seen = weakref.ref(inverse)
    del inverse
    gc.collect()
    assert seen() is None
    whole = T.ComposeTransform([T.ExpTransform()])
    backward = whole.inv
    assert backward.inv is whole


def test_transforms_and_distributions_can_be_pickled():
    t = T.ComposeTransform([T.AffineTransform(1.0, 2.0), T.ExpTransform()])
    x = tensor(mt, PLAIN)
    backward = t.inv
    again = pickle.loads(pickle.dumps(t))
    assert np.array_equal(numbers(again(x)), numbers(t(x))) and backward.inv is t
    d = mt.distributions.Normal(mt.tensor([0.5]), 2.0)
    assert repr(pickle.loads(pickle.dumps(d))) == repr(d)


# ---- from free numbers to constrained ones -------------------------------------------------------

CONSTRAINED = {
    "real": lambda c: c.real,
    "real_vector": lambda c: c.real_vector,
    "positive": lambda c: c.positive,
    "nonnegative": lambda c: c.nonnegative,
    "greater_than": lambda c: c.greater_than(2.0),
    "less_than": lambda c: c.less_than(-1.0),
    "unit_interval": lambda c: c.unit_interval,
    "interval": lambda c: c.interval(-2.0, 3.0),
    "half_open_interval": lambda c: c.half_open_interval(-2.0, 3.0),
    "simplex": lambda c: c.simplex,
    "corr_cholesky": lambda c: c.corr_cholesky,
    "lower_cholesky": lambda c: c.lower_cholesky,
    "positive_definite": lambda c: c.positive_definite,
    "positive_semidefinite": lambda c: c.positive_semidefinite,
    "independent": lambda c: c.independent(c.positive, 1),
    "cat": lambda c: c.cat([c.positive, c.unit_interval], dim=-1, lengths=[2, 4]),
    "stack": lambda c: c.stack([c.positive, c.real, c.unit_interval], dim=0),
}
FREE_NUMBERS = {
    "lower_cholesky": (3, 4, 4), "positive_definite": (3, 4, 4), "positive_semidefinite": (3, 4, 4),
}  # fmt: skip


@pytest.mark.parametrize("name", CONSTRAINED)
@pytest.mark.parametrize("registry", ["biject_to", "transform_to"])
def test_onto_a_constrained_set(registry, name):
    free = np.random.default_rng(2).normal(size=FREE_NUMBERS.get(name, (3, 6)))
    found = []
    for side in SIDES:
        constraint = CONSTRAINED[name](side.distributions.constraints)
        try:
            t = getattr(side.distributions, registry)(constraint)
        except NotImplementedError as error:
            found.append(str(error))
            continue
        y = t(tensor(side, free))
        assert constraint.check(y).all()
        assert registry == "transform_to" or t.bijective
        if not t.bijective:
            again = t(t.inv(y))
            np.testing.assert_allclose(numbers(again), numbers(y), rtol=1e-9, atol=1e-12)
        found.append(numbers(y))
    theirs, ours = found
    if isinstance(theirs, str):
        assert ours == theirs
    else:
        np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-13)


VALUES = {
    "numbers": np.array([-2.0, -1.0, 0.0, 0.5, 1.0, 2.0, 3.0, 3.5, np.inf, np.nan]),
    "vectors": np.array([[0.2, 0.8], [0.0, 1.0], [0.5, 0.6], [1.0, 0.0], [1.0, 1.0], [-0.5, 1.5]]),
    "matrices": np.array(
        [
            [[1.0, 0.0], [0.6, 0.8]],
            [[2.0, 1.0], [1.0, 2.0]],
            [[1.0, 2.0], [2.0, 1.0]],
            [[1.0, 1.0], [1.0, 1.0]],
            [[-1.0, 0.0], [0.0, 1.0]],
            [[0.0, 0.0], [0.0, 0.0]],
        ]
    ),
}
CHECKED = {
    "numbers": ["real", "boolean", "positive", "nonnegative", "nonnegative_integer",
        "positive_integer", "unit_interval", "greater_than(0.5)", "greater_than_eq(0.5)",
        "less_than(2)", "interval(-1, 2)", "half_open_interval(-1, 2)", "integer_interval(0, 2)"],
    "vectors": ["simplex", "one_hot", "real_vector", "multinomial(1)", "independent(positive, 1)",
        "cat([positive, unit_interval], dim=1)", "stack([positive, unit_interval], dim=1)",
        "cat([positive, real], dim=0, lengths=[2, 4])", "MixtureSameFamilyConstraint(positive)"],
    "matrices": ["lower_triangular", "lower_cholesky", "corr_cholesky", "square", "symmetric",
        "positive_semidefinite", "positive_definite"],
}  # fmt: skip


@pytest.mark.parametrize(
    "kind, text", [(kind, text) for kind, texts in CHECKED.items() for text in texts]
)
def test_membership(kind, text):
    answers = []
    for side in SIDES:
        constraint = eval(text, vars(side.distributions.constraints))
        answers.append(numbers(constraint.check(tensor(side, VALUES[kind]))))
        batch = VALUES[kind].ndim - constraint.event_dim
        if "stack" not in text and "cat" not in text:
            assert answers[-1].shape == VALUES[kind].shape[:batch]
    assert answers[0].dtype == answers[1].dtype and np.array_equal(*answers)
