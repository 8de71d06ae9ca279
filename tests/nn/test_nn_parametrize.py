"""Parametrizations: the machinery, and orthogonal, spectral and weight norms, beside torch's."""

from __future__ import annotations

import copy
import pickle
import warnings

import numpy as np
import pytest
from nn_cases import ENGINES, build

import minitorch_ref as mt


def close(a, b, rtol=1e-9, atol=1e-11):
    np.testing.assert_allclose(np.asarray(a.detach()), np.asarray(b.detach()), rtol=rtol, atol=atol)


def layer(e, text):
    e.manual_seed(0)
    return build(e, text).double()


def both(act):
    """What `act(engine)` gives on each: a list of tensors, held against each other."""
    ours, theirs = (act(e) for e in ENGINES)
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs):
        if hasattr(a, "detach"):
            assert tuple(a.shape) == tuple(b.shape) and str(a.dtype) == str(b.dtype).replace("mt", "torch")
            close(a, b)
        else:
            assert a == b


def maps(e):
    """Some parametrizations: with an inverse, without, and of two tensors."""
    nn = e.nn

    class Symmetric(nn.Module):
        def forward(self, X):
            return X.triu() + X.triu(1).mT

        def right_inverse(self, A):
            return A.triu()

    class Double(nn.Module):
        def forward(self, X):
            return 2 * X

    class Product(nn.Module):
        def forward(self, a, b):
            return a * b

        def right_inverse(self, X):
            return X.abs(), X.sign()

    class Wrong(nn.Module):
        def forward(self, X):
            return X.float()

    class Shorter(nn.Module):
        def forward(self, X):
            return X[1:]

    class Text(nn.Module):
        def forward(self, X):
            return "no tensor"

    return {c.__name__: c for c in (Symmetric, Double, Product, Wrong, Shorter, Text)}


def train(e, net, x, steps=3):
    """A few steps; the losses, then the gradients and values of all parameters."""
    optimizer = e.optim.SGD(net.parameters(), lr=0.05)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = net(e.from_numpy(x)).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss)
    return [*losses, *(p.grad for p in net.parameters()), *net.parameters(), *net.buffers()]


X = np.random.default_rng(1).standard_normal((5, 4))


@pytest.mark.parametrize("names", [("Symmetric",), ("Symmetric", "Double"), ("Product",), ("Double", "Symmetric")])
def test_training_with_own_parametrizations(names):
    def act(e):
        net = layer(e, "Linear(4, 4)")
        for name in names:
            e.nn.utils.parametrize.register_parametrization(net, "weight", maps(e)[name]())
        assert e.nn.utils.parametrize.type_before_parametrizations(net) is e.nn.Linear
        return [net.weight, repr(net), list(net.state_dict()), *train(e, net, X), net.weight]

    both(act)


@pytest.mark.parametrize("leave", [True, False])
def test_removal_gives_a_plain_parameter_back(leave):
    def act(e):
        P = e.nn.utils.parametrize
        net = layer(e, "Linear(4, 4)")
        held = net.weight
        P.register_parametrization(net, "weight", maps(e)["Symmetric"]())
        P.register_parametrization(net, "bias", maps(e)["Double"]())
        assert net.parametrizations.weight.original is held  # an optimizer may hold it
        P.remove_parametrizations(net, "weight", leave_parametrized=leave)
        assert net.weight is held and P.is_parametrized(net) and not P.is_parametrized(net, "weight")
        P.remove_parametrizations(net, "bias", leave_parametrized=leave)
        assert type(net) is e.nn.Linear and not hasattr(net, "parametrizations")
        return [net.weight, net.bias, list(net.state_dict())]

    both(act)


def test_assignment_runs_the_inverse():
    def act(e):
        net = layer(e, "Linear(4, 4)")
        e.nn.utils.parametrize.register_parametrization(net, "weight", maps(e)["Symmetric"]())
        new = e.from_numpy(X[:4] + X[:4].T)
        net.weight = new
        close(net.weight, new)
        return [net.parametrizations.weight.original, net.weight]

    both(act)


def test_cached_computes_once():
    for e in ENGINES:
        calls = []

        class Counted(e.nn.Module):
            def forward(self, X):
                calls.append(0)
                return X * 1

        net = layer(e, "Linear(2, 2)")
        e.nn.utils.parametrize.register_parametrization(net, "weight", Counted(), unsafe=True)
        with e.nn.utils.parametrize.cached():
            assert net.weight is net.weight
        net.weight
        assert len(calls) == 2


def test_copies_are_their_own_and_pickles_are_refused():
    for e in ENGINES:
        net = layer(e, "Linear(4, 4)")
        e.nn.utils.parametrize.register_parametrization(net, "weight", maps(e)["Symmetric"]())
        twin = copy.deepcopy(net)
        with e.no_grad():
            twin.parametrizations.weight.original.zero_()
        assert bool((twin.weight == 0).all()) and not bool((net.weight == 0).any())
        with pytest.raises(RuntimeError, match="Serialization of parametrized modules is only"):
            pickle.dumps(net)


def test_state_dict_goes_from_one_engine_to_the_other():
    nets = []
    for e in ENGINES:
        net = layer(e, "Linear(4, 3)")
        e.manual_seed(len(nets))
        nets.append(e.nn.utils.parametrizations.weight_norm(net))
    with mt.no_grad():
        nets[0].parametrizations.weight.original0.mul_(3)
    theirs = {k: ENGINES[1].from_numpy(np.asarray(v)) for k, v in nets[0].state_dict().items()}
    assert str(nets[1].load_state_dict(theirs)) == "<All keys matched successfully>"
    close(nets[0].weight, nets[1].weight)


@pytest.mark.parametrize("shape", ["Linear(4, 4)", "Linear(4, 6)", "Linear(4, 3)"])
@pytest.mark.parametrize("name", [None, "matrix_exp", "cayley", "householder"])
@pytest.mark.parametrize("trivial", [True, False])
def test_orthogonal(shape, name, trivial):
    def act(e):
        net = layer(e, shape)
        e.manual_seed(3)
        e.nn.utils.parametrizations.orthogonal(net, orthogonal_map=name, use_trivialization=trivial)
        found = [*train(e, net, X), net.weight, repr(net)]
        W = np.asarray(net.weight.detach())
        W = W if W.shape[0] >= W.shape[1] else W.T
        np.testing.assert_allclose(W.T @ W, np.eye(W.shape[1]), atol=1e-12)
        return found

    both(act)


def test_orthogonal_matrix_can_be_assigned():
    def act(e):
        net = layer(e, "Linear(4, 4)")
        e.nn.utils.parametrizations.orthogonal(net)
        Q = e.linalg.qr(e.from_numpy(X[:4]))[0]
        net.weight = Q
        close(net.weight, Q)
        return [net.weight, net.parametrizations.weight[0].base]

    both(act)


NORMED = [("Linear(4, 3)", 0), ("Linear(4, 3)", None), ("Linear(4, 3)", 1), ("Linear(4, 3)", -1)]


@pytest.mark.parametrize("text, dim", NORMED)
def test_weight_norm(text, dim):
    def act(e):
        net = layer(e, text)
        e.nn.utils.parametrizations.weight_norm(net, dim=dim)
        return [*train(e, net, X), net.weight, repr(net), list(net.state_dict())]

    both(act)


def test_weight_norm_loads_the_older_form():
    def act(e):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            old = e.nn.utils.weight_norm(layer(e, "Linear(4, 3)"))
        new = e.nn.utils.parametrizations.weight_norm(build(e, "Linear(4, 3)").double())
        assert str(new.load_state_dict(old.state_dict())) == "<All keys matched successfully>"
        return [new.weight, old.weight]

    both(act)


SPECTRAL = [
    ("Linear(4, 3)", {}, (5, 4)), ("Linear(4, 3)", {"n_power_iterations": 3}, (5, 4)),
    ("Linear(4, 3)", {"dim": 1}, (5, 4)), ("Conv2d(2, 3, 2)", {}, (1, 2, 4, 4)),
    ("ConvTranspose2d(2, 3, 2)", {}, (1, 2, 4, 4)), ("Linear(4, 3)", {"name": "bias"}, (5, 4)),
]  # fmt: skip


# The older form knows no vectors, here as in torch.
FORMS = [(*case, older) for case in SPECTRAL for older in (False, True) if not older or "name" not in case[1]]


@pytest.mark.parametrize("text, options, shape, older", FORMS)
def test_spectral_norm(text, options, shape, older):
    x = np.random.default_rng(1).standard_normal(shape)

    def act(e):
        net = layer(e, text)
        e.manual_seed(5)
        home = e.nn.utils if older else e.nn.utils.parametrizations
        home.spectral_norm(net, **options)
        found = [*train(e, net, x), net(e.from_numpy(x)), repr(net), list(net.state_dict())]
        net.eval()
        return [*found, net(e.from_numpy(x)), *net.buffers()]

    both(act)


def test_spectral_norm_is_that_of_a_decomposition():
    net = layer(mt, "Linear(4, 3)")
    before = np.asarray(net.weight.detach()).copy()
    mt.nn.utils.parametrizations.spectral_norm(net, n_power_iterations=200)
    sigma = np.linalg.svd(before)[1][0]
    np.testing.assert_allclose(np.asarray(net.weight.detach()), before / sigma, rtol=1e-6)


def test_older_spectral_norm_can_be_removed():
    def act(e):
        net = e.nn.utils.spectral_norm(layer(e, "Linear(4, 3)"))
        net(e.from_numpy(X))
        e.nn.utils.remove_spectral_norm(net)
        return [net.weight, list(net.state_dict()), len(net._forward_pre_hooks)]

    both(act)


def spectral(e):
    return e.nn.utils.parametrizations.spectral_norm


def register(e, text, name, *parametrizations, **options):
    net = layer(e, text)
    for p in parametrizations:
        e.nn.utils.parametrize.register_parametrization(net, name, maps(e)[p](), **options)
    return net


BAD = [
    lambda e: register(e, "Linear(4, 4)", "nothing", "Double"),
    lambda e: register(e, "Linear(4, 4)", "weight", "Wrong"),
    lambda e: register(e, "Linear(4, 4)", "weight", "Shorter"),
    lambda e: register(e, "Linear(4, 4)", "weight", "Text"),
    lambda e: register(e, "Linear(4, 4)", "weight", "Double", "Wrong"),
    lambda e: register(e, "Linear(4, 4)", "weight", "Double", "Text"),
    lambda e: setattr(register(e, "Linear(4, 4)", "weight", "Double"), "weight", e.zeros(4, 4)),
    lambda e: e.nn.utils.parametrize.remove_parametrizations(layer(e, "Linear(4, 4)"), "weight"),
    lambda e: e.nn.utils.parametrize.remove_parametrizations(
        register(e, "Linear(4, 4)", "weight", "Product"), "weight", leave_parametrized=False),
    lambda e: e.nn.utils.parametrize.ParametrizationList([], e.zeros(1)),
    lambda e: e.nn.utils.parametrizations.orthogonal(layer(e, "Linear(4, 4)"), "bias"),
    lambda e: e.nn.utils.parametrizations.orthogonal(layer(e, "Linear(4, 4)"), "nothing"),
    lambda e: e.nn.utils.parametrizations.orthogonal(layer(e, "Linear(4, 4)"), orthogonal_map="qr"),
    lambda e: e.nn.utils.parametrizations.orthogonal(
        build(e, "Linear(2, 2)").to(e.complex64), orthogonal_map="householder"),
    lambda e: setattr(e.nn.utils.parametrizations.orthogonal(
        layer(e, "Linear(4, 4)"), use_trivialization=False), "weight", e.eye(4)),
    lambda e: spectral(e)(layer(e, "Linear(4, 4)"), "nothing"),
    lambda e: spectral(e)(layer(e, "Linear(4, 4)"), n_power_iterations=0),
    lambda e: spectral(e)(layer(e, "Linear(4, 4)"), dim=3),
    lambda e: e.nn.utils.remove_spectral_norm(layer(e, "Linear(4, 4)")),
    lambda e: e.nn.utils.spectral_norm(e.nn.utils.spectral_norm(layer(e, "Linear(4, 4)")), "weight"),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(BAD)))
def test_bad_arguments_are_refused_as_torch_does(number):
    errors = []
    for e in ENGINES:
        with pytest.raises(Exception) as raised:
            BAD[number](e)
        errors.append(raised)
    assert errors[0].type is errors[1].type
    assert str(errors[0].value)[:40] == str(errors[1].value)[:40]
