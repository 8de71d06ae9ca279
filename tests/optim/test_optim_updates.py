"""Every optimizer's arithmetic against torch's single-tensor path, to the last bit.

torch's own `sqrt` comes from a vector library that is off by one unit in the last place for some
arguments; where an update takes roots, torch is lent a correctly rounded one for the comparison, and
a second test checks that with its own the results stay within a few units.
"""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from optim_sides import assert_same_state, numbers, parameter, problem, run, tensor

import minitorch_ref as mt
from minitorch_ref.optim import blocks

CASES = [
    ("SGD", {}),
    ("SGD", {"lr": 0.01, "momentum": 0.9}),
    ("SGD", {"lr": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 0.02}),
    ("SGD", {"lr": 0.1, "momentum": 0.5, "dampening": 0.3, "maximize": True}),
    ("Adam", {}),
    ("Adam", {"lr": 0.3, "betas": (0.6, 0.95), "amsgrad": True, "weight_decay": 0.1}),
    ("Adam", {"eps": 1e-3, "maximize": True, "betas": (0.4, 0.6)}),
    ("AdamW", {}),
    ("AdamW", {"amsgrad": True, "weight_decay": 0.3, "maximize": True}),
    ("RMSprop", {}),
    ("RMSprop", {"momentum": 0.9, "centered": True}),
    ("RMSprop", {"alpha": 0.4, "weight_decay": 0.1, "maximize": True, "momentum": 0.3}),
    ("Adagrad", {}),
    ("Adagrad", {"lr_decay": 0.1, "initial_accumulator_value": 0.2, "weight_decay": 0.1}),
    ("Adadelta", {}),
    ("Adadelta", {"lr": 0.1, "rho": 0.5, "weight_decay": 0.1, "maximize": True}),
    ("Adamax", {}),
    ("Adamax", {"betas": (0.5, 0.7), "weight_decay": 0.1, "maximize": True}),
    ("NAdam", {}),
    ("NAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True, "momentum_decay": 0.1}),
    ("NAdam", {"weight_decay": 0.1, "maximize": True}),
    ("RAdam", {}),
    ("RAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("RAdam", {"lr": 0.1, "weight_decay": 0.1, "maximize": True}),
    ("Rprop", {}),
    ("Rprop", {"etas": (0.3, 1.7), "step_sizes": (1e-3, 0.1), "maximize": True}),
    ("ASGD", {}),
    ("ASGD", {"t0": 3, "lambd": 0.1, "weight_decay": 0.1, "maximize": True}),
]
IDS = [f"{name}-{'-'.join(options)}" for name, options in CASES]
SHAPES = [(3,), (), (7, 5), (0,), (101, 100)]


@pytest.fixture
def exact_roots(monkeypatch):
    def sqrt(x):
        return torch.from_numpy(np.asarray(np.sqrt(x.detach().numpy())))

    monkeypatch.setattr(torch.Tensor, "sqrt", sqrt)
    monkeypatch.setattr(torch.Tensor, "sqrt_", lambda x: x.copy_(sqrt(x)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "options"), CASES, ids=IDS)
def test_bits_of_parameters_and_state(name, options, dtype, exact_roots):
    starts, gradients = problem(SHAPES, dtype, steps=8)
    theirs, their_optimizer = run(torch, name, options, starts, gradients)
    ours, our_optimizer = run(mt, name, options, starts, gradients)
    for a, b in zip(ours, theirs):
        np.testing.assert_array_equal(numbers(a), numbers(b))
    assert_same_state(our_optimizer, their_optimizer)
    assert repr(our_optimizer) == repr(their_optimizer).replace("foreach: False", "foreach: None")


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize(("name", "options"), CASES[:5], ids=IDS[:5])
def test_blocks_and_threads_change_no_bit(name, options, dtype, exact_roots, monkeypatch):
    starts, gradients = problem([(5003,), (80, 80)], dtype, steps=3)
    theirs, _ = run(torch, name, options, starts, gradients)
    monkeypatch.setattr(blocks, "BLOCK", 1000)
    try:
        for threads in (1, 2, 3):
            mt.set_num_threads(threads)
            ours, _ = run(mt, name, options, starts, gradients)
            for a, b in zip(ours, theirs):
                np.testing.assert_array_equal(numbers(a), numbers(b))
    finally:
        mt.set_num_threads(1)


def test_blocks_that_end_anywhere_would_be_noticed(monkeypatch):
    """torch rounds the last few elements of a float16 tensor at each step: so would every block's end."""
    starts, gradients = problem([(5003,)], "float16", steps=3)
    options = {"lr": 0.01, "momentum": 0.9, "weight_decay": 0.1}
    (theirs,), _ = run(torch, "SGD", options, starts, gradients)
    monkeypatch.setattr(blocks, "BLOCK", 1000)
    monkeypatch.setattr(blocks, "_EVEN", 1)
    (ours,), _ = run(mt, "SGD", options, starts, gradients)
    assert (numbers(ours) != numbers(theirs)).any()


@pytest.mark.parametrize(("name", "options"), CASES, ids=IDS)
def test_close_with_torchs_own_roots(name, options):
    starts, gradients = problem([(40, 30)], "float32", steps=3)
    (theirs,), _ = run(torch, name, options, starts, gradients)
    (ours,), _ = run(mt, name, options, starts, gradients)
    moved = np.abs(numbers(theirs) - starts[0]).max()
    np.testing.assert_allclose(numbers(ours), numbers(theirs), rtol=2e-6, atol=4e-7 * moved)


@pytest.mark.parametrize(("name", "options"), [c for c in CASES if "weight_decay" not in c[1]])
def test_complex_parameters(name, options, exact_roots):
    starts, gradients = problem([(4, 5)], "complex64", steps=4)
    (theirs,), their_optimizer = run(torch, name, options, starts, gradients)
    (ours,), our_optimizer = run(mt, name, options, starts, gradients)
    np.testing.assert_allclose(numbers(ours), numbers(theirs), rtol=1e-6, atol=1e-7)
    (ours, theirs) = (o.state_dict()["state"].get(0, {}) for o in (our_optimizer, their_optimizer))
    assert list(ours) == list(theirs)


@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop", "NAdam"])
def test_half_precision(name, exact_roots):
    options = {"lr": 0.05, "weight_decay": 0.1} | ({"momentum": 0.9} if name == "SGD" else {})
    starts, gradients = problem([(45,), (70, 3)], "float16", steps=4)
    theirs, _ = run(torch, name, options, starts, gradients)
    ours, _ = run(mt, name, options, starts, gradients)
    for a, b in zip(ours, theirs):
        np.testing.assert_array_equal(numbers(a), numbers(b))


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "ASGD", "Rprop"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_learning_rate_as_a_tensor(name, dtype, exact_roots):
    starts, gradients = problem([(4, 5)], dtype, steps=4)
    results = []
    for side in (torch, mt):
        options = {"lr": side.tensor(0.013)}
        (p,), optimizer = run(side, name, options, starts, gradients)
        results.append(numbers(p))
        assert optimizer.param_groups[0]["lr"] is options["lr"]
    np.testing.assert_array_equal(*results)


def test_betas_as_tensors(exact_roots):
    # beta ** step is then a power of float32 tensors, which may differ in its last bit
    starts, gradients = problem([(4, 5)], "float32", steps=4)
    results = []
    for side in (torch, mt):
        options = {"betas": (side.tensor(0.8), side.tensor(0.95))}
        (p,), _ = run(side, "Adam", options, starts, gradients)
        results.append(numbers(p))
    np.testing.assert_allclose(*results, rtol=1e-6)


@settings(max_examples=60, deadline=None)
@given(
    shape=st.lists(st.integers(0, 6), max_size=3),
    lr=st.floats(1e-6, 10),
    momentum=st.floats(0, 0.99),
    dampening=st.floats(0, 0.9),
    weight_decay=st.sampled_from([0, 1e-4, 0.3]),
    maximize=st.booleans(),
    dtype=st.sampled_from(["float32", "float64"]),
    seed=st.integers(0, 1000),
)
def test_sgd_on_any_options(shape, lr, momentum, dampening, weight_decay, maximize, dtype, seed):
    options = {"lr": lr, "momentum": momentum, "dampening": dampening,
               "weight_decay": weight_decay, "maximize": maximize}  # fmt: skip
    starts, gradients = problem([tuple(shape)], dtype, 3, seed)
    (theirs,), _ = run(torch, "SGD", options, starts, gradients)
    (ours,), _ = run(mt, "SGD", options, starts, gradients)
    np.testing.assert_array_equal(numbers(ours), numbers(theirs))


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_strided_parameters_and_gradients(name, exact_roots):
    """A transposed parameter, and gradients laid out otherwise than their parameter."""
    draw = np.random.default_rng(3)
    a, b = draw.standard_normal((2, 6, 4)).astype(np.float32)
    results = []
    for side in (torch, mt):
        p = tensor(side, a).t().requires_grad_()
        q = tensor(side, b).requires_grad_()
        optimizer = getattr(side.optim, name)([p, q], lr=0.1)
        for _ in range(3):
            p.grad = tensor(side, b.T.copy())
            q.grad = tensor(side, a.T.copy()).t()
            optimizer.step()
        results.append((numbers(p), numbers(q), p.stride(), q.stride()))
    for ours, theirs in zip(*results):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.filterwarnings(
    "ignore:optimizer contains a parameter group with duplicate:UserWarning"
)
@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_a_parameter_listed_twice_is_stepped_twice(name, exact_roots):
    starts, gradients = problem([(3,), (4,)], "float32", steps=3)
    results = []
    for side in (torch, mt):
        p, q = (parameter(side, a) for a in starts)
        single = {"foreach": False} if side is torch else {}
        optimizer = getattr(side.optim, name)([p, q, p, q], lr=0.1, **single)
        for row in gradients:
            p.grad, q.grad = (tensor(side, g) for g in row)
            optimizer.step()
        results.append((numbers(p), numbers(q)))
    for theirs, ours in zip(*results):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("sizes", [[5] * 40, [3, 40_000, 4, 20_000, 7], [9000, 9000, 9000, 2]])
def test_how_parameters_are_grouped_does_not_matter(sizes, exact_roots):
    starts, gradients = problem([(n,) for n in sizes], "float32", steps=2)
    options = {"lr": 0.1, "weight_decay": 0.1}
    theirs, _ = run(torch, "Adam", options, starts, gradients)
    ours, optimizer = run(mt, "Adam", options, starts, gradients)
    for a, b in zip(ours, theirs):
        np.testing.assert_array_equal(numbers(a), numbers(b))
    late = parameter(mt, starts[0])  # has made fewer steps than the others
    optimizer.add_param_group({"params": late})
    for p, g in zip([*ours, late], [*gradients[0], gradients[0][0]]):
        p.grad = tensor(mt, g)
    optimizer.step()
    alone = parameter(mt, starts[0])
    alone.grad = tensor(mt, gradients[0][0])
    mt.optim.Adam([alone], **options).step()
    np.testing.assert_array_equal(numbers(late), numbers(alone))


def test_infinities_and_nan_pass_through():
    starts = [np.array([1.0, 2.0, 3.0, 0.0], np.float32)]
    gradients = [[np.array([np.inf, np.nan, 0.0, -np.inf], np.float32)]] * 2
    for name in ("SGD", "Adam", "Adagrad", "Rprop"):
        (theirs,), _ = run(torch, name, {}, starts, gradients)
        (ours,), _ = run(mt, name, {}, starts, gradients)
        np.testing.assert_array_equal(numbers(ours), numbers(theirs))


def test_step_counts_as_a_write():
    p = parameter(mt, np.ones(3, np.float32))
    loss = (p * p).sum()
    optimizer = mt.optim.SGD([p], lr=0.1)
    p.grad = mt.ones(3)
    before = p._version
    optimizer.step()
    assert p._version > before
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_a_wrong_rounding_is_noticed():
    """The comparison above must tell two roundings from one."""
    starts, gradients = problem([(1000,)], "float32", steps=1)
    (theirs,), _ = run(torch, "SGD", {"lr": 0.0137}, starts, gradients)
    twice_rounded = starts[0] - np.float32(0.0137) * gradients[0][0]
    assert (twice_rounded != numbers(theirs)).any()


# ---- differentiable ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["SGD", "Adam", "RMSprop", "Adagrad", "Adadelta", "NAdam", "RAdam"]
)
def test_gradient_through_two_steps(name):
    results = []
    for side in (torch, mt):
        start = parameter(side, np.array([0.5, -1.5, 2.0]))
        p = start.clone()
        options = {"momentum": 0.9} if name == "SGD" else {}
        optimizer = getattr(side.optim, name)([p], lr=0.1, differentiable=True, **options)
        for factor in (1.0, 0.3):
            p.grad = (start * start * factor).clone()
            optimizer.step()
        p.sum().backward()
        results.append(numbers(start.grad))
    np.testing.assert_allclose(results[1], results[0], rtol=1e-6)


def test_gradient_of_the_learning_rate():
    results = []
    for side in (torch, mt):
        lr = parameter(side, np.array(0.1))
        p = parameter(side, np.array([1.0, 2.0])).clone()
        p.grad = tensor(side, np.array([3.0, 4.0]))
        side.optim.SGD([p], lr=lr, differentiable=True).step()
        p.sum().backward()
        results.append(lr.grad.item())
    assert results == [-7.0, -7.0]


# ---- L-BFGS ----------------------------------------------------------------------------------------


def _rosenbrock(side, options, steps):
    p = parameter(side, np.array([-1.2, 1.0]))
    optimizer = side.optim.LBFGS([p], **options)

    def closure():
        optimizer.zero_grad()
        loss = (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2
        loss.backward()
        return loss

    losses = [optimizer.step(closure).item() for _ in range(steps)]
    return losses, numbers(p), optimizer.state_dict()["state"][0]


@pytest.mark.parametrize(
    "options",
    [
        {"line_search_fn": "strong_wolfe"},
        {"line_search_fn": "strong_wolfe", "history_size": 3, "max_iter": 7},
        {"lr": 1e-3, "max_iter": 4},
    ],
)
def test_lbfgs_follows_torch(options):
    theirs, their_p, their_state = _rosenbrock(torch, options, 4)
    ours, our_p, our_state = _rosenbrock(mt, options, 4)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(our_p, their_p, rtol=1e-6)
    assert set(our_state) == set(their_state)
    for count in ("func_evals", "n_iter"):
        assert our_state[count] == their_state[count]


def test_lbfgs_reaches_the_minimum():
    losses, p, _ = _rosenbrock(mt, {"line_search_fn": "strong_wolfe", "max_iter": 60}, 5)
    np.testing.assert_allclose(p, [1.0, 1.0], atol=1e-4)


def test_lbfgs_errors():
    p, q = (parameter(mt, np.ones(2)) for _ in range(2))
    with pytest.raises(ValueError, match="per-parameter options"):
        mt.optim.LBFGS([{"params": [p]}, {"params": [q]}])
    optimizer = mt.optim.LBFGS([p], line_search_fn="newton")

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with pytest.raises(RuntimeError, match="only 'strong_wolfe' is supported"):
        optimizer.step(closure)
