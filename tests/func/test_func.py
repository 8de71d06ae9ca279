"""torch.func against torch: one call a line, run on both engines; values, structure, graph, errors."""

from __future__ import annotations

import math
from collections import OrderedDict, namedtuple

import numpy as np
import pytest
import torch
import torch.func as torch_func

import minitorch_ref as mt
import minitorch_ref.func as mt_func

Pair = namedtuple("Pair", "a b")
X, Y = np.array([0.5, -1.25, 2.0]), np.array([[0.25, 1.0, -0.5], [1.5, 0.75, -2.0]])

GRADIENTS = """
grad(torch.sin)(s)
grad(grad(torch.sin))(s)
grad(grad(grad(lambda x: x**4)))(s)
grad(lambda x: (x**3).sum())(x)
grad(lambda x, y: (x * y).sum(), argnums=1)(x, Y)
grad(lambda x, y: (x * y).sum(), argnums=(0, 1))(x, Y)
grad(lambda x, y: (x * y).sum(), argnums=-1)(x, Y)
grad(lambda x: (x.sum(), x * 2), has_aux=True)(x)
grad_and_value(lambda x: (x * x).sum())(x)
grad_and_value(lambda x: ((x * x).sum(), [x, 3]), has_aux=True)(x)
grad_and_value(lambda x: ((x * x).sum(), [x, {'q': x}]), has_aux=True)(x)
grad(lambda d: (d['a'] * d['b'][0]).sum())({'a': x, 'b': (x * 2,)})
grad(lambda x, *, k: (x * k).sum())(x, k=3)
grad(lambda x: x.sum() * 0 + 1)(x)
grad(lambda x: torch.ones(()))(x)
grad(lambda x: x)(s)
grad(lambda x: x * grad(lambda y: x + y)(torch.ones(())))(s)
grad(lambda x: grad(lambda y: x * y)(x))(s)
grad(lambda x: grad(lambda y: x * x * y)(x) * x)(s)
grad(lambda x: (x * w).sum())(x)
grad(lambda x: (x * w).sum())(w)
grad(lambda x: (x * x * w).sum())(w)
grad_and_value(lambda x: (x * x).sum())(w)
grad(lambda x: (x - torch.no_grad()(lambda v: v**2)(x)).sum())(x)
torch.no_grad()(grad(lambda x: (x**2).sum()))(x)
torch.no_grad()(grad(grad(lambda x: x**3)))(s)
grad(lambda x: x * 2)(x)
grad(lambda x: 3.0)(x)
grad(lambda x: (x.sum(),))(x)
grad(lambda x: x.sum(), has_aux=True)(x)
grad(lambda x: x.sum())(3.0)
grad(lambda x: x.sum())(torch.arange(3))
grad(lambda x: x.sum(), argnums=2)(x)
grad(lambda x: x.sum(), argnums=())(x)
grad(lambda x: x.sum(), argnums=(0, 0))(x)
grad(lambda x: x.sum(), argnums='0')(x)
grad(lambda x: x.clone().mul_(x).sum())(x)
vjp(torch.sin, x)[0]
vjp(torch.sin, x)[1](x)
vjp(lambda x, y: (x * y, y.sum()), x, Y)[1]((Y, s))
vjp(lambda x: {'a': x.exp(), 'b': [x * 2]}, x)[1]({'a': x, 'b': [x]})
vjp(lambda x: (x * 2, 'aux'), x, has_aux=True)[2]
vjp(lambda x: (x * 2, (x,)), x, has_aux=True)[2]
vjp(lambda x: x * 2, x)[1]((x,))
vjp(lambda x: None, x)
vjp(lambda x: 3, x)
vjp(lambda x: x.argmax(), x)
grad(lambda x: vjp(torch.sin, x)[1](x)[0].sum())(x)
grad(lambda v: vjp(torch.sin, x)[1](v)[0].sum())(x)
jvp(torch.sin, (x,), (x * 2,))
jvp(lambda x, y: (x * y, x.exp()), (x, Y), (x, Y))
jvp(lambda x: (x.sin(), x), (x,), (x,), has_aux=True)
jvp(lambda x: torch.ones(2), (x,), (x,))
jvp(lambda x: torch.ones(2), (x,), (x,), strict=True)
jvp(torch.sin, x, x)
jvp(torch.sin, (x,), x)
jvp(torch.sin, (x,), (x, x))
jvp(torch.sin, (), ())
jvp(lambda y: jvp(torch.sin, (y,), (x,))[1], (x,), (x,))
grad(lambda y: jvp(torch.sin, (y,), (x,))[1].sum())(x)
linearize(torch.sin, x)[0]
linearize(torch.sin, x)[1](x)
linearize(lambda x, y: x * y, x, x)[1](x, x * 3)
jacrev(torch.sin)(x)
jacrev(lambda x: x.sum())(x)
jacrev(lambda x, y: x * y, argnums=1)(x, x)
jacrev(lambda x, y: (x * y, y.sum()), argnums=(0, 1))(x, Y)
jacrev(lambda d: d['a'] * 2)({'a': x})
jacrev(lambda x: {'a': x * x, 'b': x[0]})(x)
jacrev(lambda x: (x * x, x), has_aux=True)(x)
jacrev(torch.sin, chunk_size=1)(x)
jacrev(torch.sin, chunk_size=2)(x)
jacrev(torch.sin, chunk_size=0)
jacrev(lambda x: x + 1j)(x)
jacrev(torch.sin)(x + 1j)
jacrev(lambda x: torch.ones(2))(x)
jacrev(jacrev(lambda x: (x**3).sum()))(x)
jacrev(lambda x: (x * w).sum())(x)
jacfwd(torch.sin)(x)
jacfwd(lambda x, y: (x * y, y.sum()), argnums=(0, 1))(x, Y)
jacfwd(lambda x: (x * x, x), has_aux=True)(x)
hessian(lambda x: (x**3).sum())(x)
hessian(lambda x, y: (x * y * y).sum(), argnums=(0, 1))(x, x)
hessian(lambda x: x.prod())(Y)
grad(lambda x: jacrev(torch.exp)(x).sum())(x)
"""
MAPS = """
vmap(torch.sin)(Y)
vmap(lambda x: x.sum())(Y)
vmap(torch.dot)(Y, Y)
vmap(torch.dot, in_dims=(0, None))(Y, x)
vmap(lambda x, y: x + y, in_dims=(1, 1))(Y, Y)
vmap(lambda x: x * 2, in_dims=1)(Y)
vmap(lambda x: x * 2, in_dims=1, out_dims=1)(Y)
vmap(lambda x: x * 2, in_dims=-1, out_dims=-1)(Y)
vmap(lambda x: (x, x.sum()))(Y)
vmap(lambda x: (x, x * 2), out_dims=(0, 1))(Y)
vmap(lambda x: {'a': x, 'b': [x.sum()]})(Y)
vmap(lambda d: d['a'] + d['b'], in_dims=({'a': 0, 'b': None},))({'a': Y, 'b': x})
vmap(lambda p: p[0] * p[1], in_dims=((0, 0),))((Y, Y))
vmap(lambda p: p[0] * p[1], in_dims=([0, 0],))([Y, Y])
vmap(lambda p: p[0] * p[1])([Y, Y])
vmap(lambda x, k: x * k, in_dims=(0, None))(Y, 3)
vmap(lambda x, *, k: x * k)(Y, k=3)
vmap(lambda x: torch.ones(2), out_dims=None)(Y)
vmap(lambda x: 3, out_dims=None)(Y)
vmap(lambda x: torch.ones(2))(Y)
vmap(lambda x: x, out_dims=(0,))(Y)
vmap(vmap(lambda x: x * x))(Y)
vmap(vmap(torch.mul, in_dims=(None, 0)), in_dims=(0, None))(x, x)
vmap(torch.sin, chunk_size=1)(Y)
vmap(lambda x: (x.sum(), x), out_dims=(0, 1), chunk_size=1)(Y)
vmap(torch.sin)(Y[:0])
vmap(lambda x: x.sum(), out_dims=0)(Y[:0])
vmap(grad(lambda x: (x**3).sum()))(Y)
vmap(grad(lambda x, w: (x * w).sum(), argnums=1), in_dims=(0, None))(Y, x)
grad(lambda x: vmap(torch.sin)(x).sum())(Y)
jacrev(vmap(torch.sin))(x)
vmap(jacrev(torch.sin))(Y)
vmap(hessian(lambda x: (x**3).sum()))(Y)
vmap(lambda v: vjp(torch.sin, x)[1](v)[0])(torch.eye(3, dtype=torch.float64))
vmap(lambda x: (x * w).sum())(Y)
vmap(lambda x: torch.linalg.norm(x) * torch.cat([x, x]))(Y)
vmap(lambda x: torch.nn.functional.softmax(x, 0))(Y)
vmap(lambda x: x.unsqueeze(0) @ x.unsqueeze(1))(Y)
vmap(torch.sin)()
vmap(torch.sin)(3.0)
vmap(torch.sin, in_dims=None)(Y)
vmap(torch.sin, in_dims=2)(Y)
vmap(torch.sin, in_dims=-3)(Y)
vmap(torch.sin, in_dims=0.5)(Y)
vmap(torch.sin, in_dims=(0.5,))(Y)
vmap(torch.sin, in_dims=(0, 0))(Y)
vmap(torch.mul)(Y, x)
vmap(torch.sin, out_dims='0')(Y)
vmap(torch.sin, out_dims=(0, 0))(Y)
vmap(lambda x: (x, x), out_dims=(0, 0, 0))(Y)
vmap(lambda x: 3)(Y)
vmap(lambda x: x, out_dims=None)(Y)
vmap(lambda x: x, out_dims=3)(Y)
vmap(torch.sin, randomness='other')
vmap(torch.sin, chunk_size=0)
vmap(lambda x: x + torch.rand(()))(Y)
vmap(lambda x: x + torch.rand((), dtype=torch.float64), randomness='same')(Y)
vmap(lambda x: torch.rand((3,), dtype=torch.float64), randomness='different')(Y)
vmap(lambda x: torch.randn((3,), dtype=torch.float64), randomness='same')(Y)
"""


def outcome(engine, func, line):
    scope = {name: getattr(func, name) for name in mt_func.__all__}
    leaf = engine.from_numpy(X.copy()).requires_grad_()
    scope |= {
        "torch": engine, "x": engine.from_numpy(X.copy()), "Y": engine.from_numpy(Y.copy()),
        "w": leaf, "s": engine.tensor(0.75, dtype=engine.float64),
    }  # fmt: skip
    engine.manual_seed(1)
    try:
        result = eval(line, scope)
    except (RuntimeError, ValueError, TypeError, IndexError, AssertionError) as error:
        return type(error), str(error)
    if isinstance(result, engine.Tensor) and result.requires_grad:
        (g,) = engine.autograd.grad(result.sum(), leaf, allow_unused=True)
        return result, g
    return result


def same(ours, theirs):
    assert type(ours).__name__ == type(theirs).__name__, (ours, theirs)
    if isinstance(theirs, dict):
        assert list(ours) == list(theirs)
        ours, theirs = list(ours.values()), list(theirs.values())
    if isinstance(theirs, (tuple, list)) and type(theirs[0]) is type:
        assert ours[0] is theirs[0] and key_phrase(ours[1]) == key_phrase(theirs[1]), (ours, theirs)
    elif isinstance(theirs, (tuple, list)):
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs):
            same(a, b)
    elif isinstance(theirs, torch.Tensor):
        assert (tuple(ours.shape), str(ours.dtype)) == (tuple(theirs.shape), str(theirs.dtype))
        assert ours.requires_grad == theirs.requires_grad
        np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=1e-12, atol=1e-14)
    else:
        assert ours == theirs


def key_phrase(text):
    return text.split("\n")[0].replace("minitorch_ref.tensor.", "torch.")[:60]


@pytest.mark.parametrize("line", (GRADIENTS + MAPS).strip().splitlines())
def test_a_call(line):
    if not line:
        return
    same(outcome(mt, mt_func, line), outcome(torch, torch_func, line))


def test_the_comparison_sees_what_is_wrong():
    good = torch.ones(2)
    for bad in (mt.ones(3), mt.zeros(2), mt.ones(2).double(), mt.ones(2, requires_grad=True)):
        with pytest.raises(AssertionError):
            same(bad, good)
    with pytest.raises(AssertionError):
        same((ValueError, "x"), (RuntimeError, "x"))


def test_nests():
    from minitorch_ref.func.trees import flatten, map_leaves, spread, unflatten

    nest = {"b": [1, (2, None)], "a": Pair(3, {"z": 4}), "c": OrderedDict(q=())}
    leaves, shape = flatten(nest)
    assert leaves == [1, 2, None, 3, 4] and unflatten(leaves, shape) == nest
    assert type(unflatten(leaves, shape)["a"]) is Pair
    assert map_leaves(lambda x: x and x + 1, nest)["a"].b == {"z": 5}
    assert spread((0, None), flatten(([1, 2], 3))[1]) == [0, 0, None]
    assert spread((0, 1, 2), flatten(([1, 2], 3))[1]) is None


def test_vmap_writes_to_what_it_is_given():
    for t in (mt, torch):
        y = t.zeros(2, 3)
        t.vmap(lambda row: row.add_(1))(y)
        assert y.tolist() == [[1.0] * 3] * 2


def test_what_torch_refuses_and_a_loop_does_not():
    y = mt.tensor([1.0, -1.0, 4.0])
    found = mt.vmap(lambda x: x.sqrt() if x > 0 else x * 0 + math.pi)(y)
    assert found.tolist()[::2] == [1.0, 2.0] and abs(found[1].item() - math.pi) < 1e-6


# ---- modules ---------------------------------------------------------------------------------------


def net(t):
    t.manual_seed(0)
    return t.nn.Sequential(t.nn.Linear(3, 4), t.nn.BatchNorm1d(4), t.nn.Tanh(), t.nn.Linear(4, 2)).double()


def func_of(t):
    return mt_func if t is mt else torch_func


@pytest.mark.parametrize("t", [mt, torch])
def test_a_module_with_other_parameters(t):
    model, x = net(t), t.from_numpy(Y.copy())
    state = {n: v.detach() * 2 for n, v in model.named_parameters()}
    state |= {n: v.clone() for n, v in model.named_buffers()}
    before = {n: v.clone() for n, v in model.state_dict().items()}
    out = func_of(t).functional_call(model, state, (x,))
    other = net(t)
    with t.no_grad():
        for p in other.parameters():
            p.mul_(2)
    assert t.equal(out, other(x))
    assert all(t.equal(before[n], v) for n, v in model.state_dict().items())
    assert t.equal(state["1.running_mean"], other[1].running_mean)  # written to, not the module's
    assert t.equal(func_of(t).functional_call(model, [{}, {"none": x}], x), net(t)(x))


def test_gradients_per_example():
    found = []
    for t in (mt, torch):
        f, model = func_of(t), net(t).eval()
        params = {n: p.detach() for n, p in model.named_parameters()}
        buffers = dict(model.named_buffers())

        def loss(params, x, y, f=f, model=model, buffers=buffers):
            return ((f.functional_call(model, (params, buffers), (x.unsqueeze(0),)) - y) ** 2).sum()

        x, y = t.from_numpy(Y.copy()), t.from_numpy(Y[:, :2].copy())
        found.append(f.vmap(f.grad(loss), in_dims=(None, 0, 0))(params, x, y))
    assert list(found[0]) == list(found[1])
    for name, value in found[1].items():
        np.testing.assert_allclose(found[0][name].numpy(), value.numpy(), rtol=1e-10, atol=1e-12)


def test_an_ensemble():
    found = []
    for t in (mt, torch):
        f = func_of(t)
        t.manual_seed(0)
        models = [t.nn.Linear(3, 2).double() for _ in range(4)]
        params, buffers = f.stack_module_state(models)
        x = t.from_numpy(Y.copy())
        out = f.vmap(lambda p, b, x: f.functional_call(models[0], (p, b), (x,)), (0, 0, None))(params, buffers, x)
        expected = t.stack([m(x) for m in models])
        np.testing.assert_allclose(out.detach().numpy(), expected.detach().numpy(), rtol=1e-12)
        found.append({n: (tuple(v.shape), v.requires_grad, v.is_leaf) for n, v in params.items()})
    assert found[0] == found[1]


def tied(t):
    model = t.nn.Sequential(t.nn.Linear(2, 2, bias=False), t.nn.Linear(2, 2, bias=False)).double()
    model[1].weight = model[0].weight
    return model


@pytest.mark.parametrize("t", [mt, torch])
def test_tied_weights(t):
    model, x = tied(t), t.ones(1, 2, dtype=t.float64)
    double = {"0.weight": t.eye(2, dtype=t.float64) * 2}
    call = func_of(t).functional_call
    assert call(model, double, (x,)).tolist() == [[4.0, 4.0]]
    other = call(model, double, (x,), tie_weights=False)
    assert t.equal(other, 2 * x @ model[0].weight.T)


MISTAKES = [
    lambda t, f: f.functional_call(t.nn.Linear(2, 2), [{"weight": t.ones(2, 2)}, {"weight": t.ones(2, 2)}], ()),
    lambda t, f: f.functional_call(t.nn.Linear(2, 2), [3], ()),
    lambda t, f: f.functional_call(t.nn.Linear(2, 2), 3, ()),
    lambda t, f: f.functional_call(t.nn.Linear(2, 2), {"wait": t.ones(2, 2)}, (t.ones(2),), strict=True),
    lambda t, f: f.functional_call(t.nn.Linear(2, 2), {"weight": t.ones(2, 2)}, (t.ones(2),), strict=True),
    lambda t, f: f.functional_call(tied(t), {"0.weight": t.ones(2, 2), "1.weight": t.ones(2, 2)}, (t.ones(2),)),
    lambda t, f: f.stack_module_state([]),
    lambda t, f: f.stack_module_state([t.nn.Linear(2, 2), t.nn.Linear(2, 2).eval()]),
    lambda t, f: f.stack_module_state([t.nn.Linear(2, 2), t.nn.Tanh()]),
    lambda t, f: f.stack_module_state([t.nn.Linear(2, 2), t.nn.Linear(2, 2).requires_grad_(False)]),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(MISTAKES)))
def test_mistakes(number):
    found = []
    for t in (mt, torch):
        with pytest.raises(Exception) as error:
            MISTAKES[number](t, func_of(t))
        found.append((error.type.__name__, str(error.value)[:45]))
    assert found[0] == found[1]


@pytest.mark.parametrize("t", [mt, torch])
def test_batch_normalisation_without_statistics(t):
    model = func_of(t).replace_all_batch_norm_modules_(net(t))
    assert model[1].running_mean is None and not model[1].track_running_stats
    assert list(model.state_dict()) == [n for n in net(t).state_dict() if "running" not in n and "num" not in n]
