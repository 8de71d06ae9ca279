"""Parameter groups, state dicts across engines, hooks, closures, and what is refused."""

import copy
import importlib
import pickle

import numpy as np
import pytest
import torch
from optim_sides import assert_same_state, numbers, parameter, problem, run, tensor

import minitorch_ref as mt

ALL = ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "Adamax", "NAdam", "RAdam",
       "Rprop", "ASGD", "LBFGS"]  # fmt: skip


def leaf(side=mt, n=3):
    return parameter(side, np.arange(1.0, n + 1, dtype=np.float32))


def module(side):
    """`optim.optimizer`, which `optim` itself does not show."""
    return importlib.import_module(f"{side.__name__}.optim.optimizer")


def carried_over(value, to):
    """A state dict with its tensors moved to the other engine."""
    if isinstance(value, dict):
        return {k: carried_over(v, to) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(carried_over(v, to) for v in value)
    if isinstance(value, (torch.Tensor, mt.Tensor)):
        return tensor(to, numbers(value))
    return value


# ---- defaults and repr -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_defaults_and_repr_are_torchs(name):
    theirs = getattr(torch.optim, name)([leaf(torch)])
    ours = getattr(mt.optim, name)([leaf()])
    assert ours.defaults == theirs.defaults
    assert list(ours.defaults) == list(theirs.defaults)
    assert repr(ours) == repr(theirs)


def test_repr_of_several_groups():
    reprs = []
    for side in (torch, mt):
        groups = [{"params": [leaf(side)], "lr": 0.5}, {"params": leaf(side), "tag": "bias"}]
        reprs.append(repr(side.optim.SGD(groups, lr=0.1)))
    assert reprs[0] == reprs[1]


# ---- state dicts -------------------------------------------------------------------------------------

RESUMED = [
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1}),
    ("Adam", {"amsgrad": True}),
    ("RMSprop", {"momentum": 0.5, "centered": True}),
    ("Adagrad", {}),
    ("NAdam", {}),
    ("ASGD", {"t0": 2}),
    ("Rprop", {}),
]


@pytest.mark.parametrize(("start", "go_on"), [(torch, mt), (mt, torch)], ids=["from", "to"])
@pytest.mark.parametrize(("name", "options"), RESUMED)
def test_a_run_continues_on_the_other_engine(name, options, start, go_on):
    starts, gradients = problem([(5,), (2, 3)], "float32", steps=6)
    params, first = run(start, name, options, starts, gradients[:3])
    halfway = [numbers(p) for p in params]
    moved = [parameter(go_on, a) for a in halfway]
    second = getattr(go_on.optim, name)(moved, **options)
    second.load_state_dict(carried_over(first.state_dict(), go_on))
    assert_same_state(*((second, first) if go_on is mt else (first, second)))
    for row in gradients[3:]:
        for ours, theirs, g in zip(moved, params, row):
            ours.grad, theirs.grad = tensor(go_on, g), tensor(start, g)
        first.step()
        second.step()
    for a, b in zip(moved, params):
        np.testing.assert_allclose(numbers(a), numbers(b), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(("write", "read"), [(torch, mt), (mt, torch)], ids=["theirs", "ours"])
@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_files_of_the_other_engine(name, write, read, tmp_path):
    options = {"lr": 0.1, "momentum": 0.9} if name == "SGD" else {}
    starts, gradients = problem([(5,), (2, 3)], "float32", steps=2)
    params, first = run(write, name, options, starts, gradients)
    write.save(first.state_dict(), tmp_path / "optimizer.pt")
    second = getattr(read.optim, name)([parameter(read, numbers(p)) for p in params], **options)
    second.load_state_dict(read.load(tmp_path / "optimizer.pt"))
    assert_same_state(*((second, first) if read is mt else (first, second)))


def test_loading_casts_state_to_the_parameters_dtype():
    p, q = leaf(), parameter(mt, np.ones(3))
    first = mt.optim.Adam([p])
    p.grad = mt.ones(3)
    first.step()
    second = mt.optim.Adam([q])
    second.load_state_dict(first.state_dict())
    assert second.state[q]["exp_avg"].dtype is mt.float64
    assert second.state[q]["step"].dtype is mt.float32


def test_counts_saved_as_numbers_become_tensors():
    p = leaf()
    optimizer = mt.optim.Adam([p])
    p.grad = mt.ones(3)
    optimizer.step()
    old = optimizer.state_dict()
    old["state"] = {0: {**old["state"][0], "step": 5}}
    optimizer.load_state_dict(old)
    assert optimizer.state[p]["step"].item() == 5.0


def test_state_dict_numbers_parameters_over_all_groups():
    a, b, c = leaf(), leaf(), leaf()
    optimizer = mt.optim.SGD([{"params": [a, b]}, {"params": [c], "lr": 1.0}], lr=0.1, momentum=0.5)
    c.grad = mt.ones(3)
    optimizer.step()
    saved = optimizer.state_dict()
    assert [g["params"] for g in saved["param_groups"]] == [[0, 1], [2]]
    assert list(saved["state"]) == [2]


def test_loading_errors():
    one, two = mt.optim.SGD([leaf()]), mt.optim.SGD([leaf(), leaf()])
    groups = mt.optim.SGD([{"params": [leaf()]}, {"params": [leaf()]}])
    with pytest.raises(ValueError, match="different number of parameter groups"):
        one.load_state_dict(groups.state_dict())
    with pytest.raises(ValueError, match="doesn't match the size of optimizer's group"):
        one.load_state_dict(two.state_dict())


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_pickle_and_deepcopy(name):
    p = leaf()
    optimizer = getattr(mt.optim, name)([p], lr=0.1)
    p.grad = mt.ones(3)
    optimizer.step()
    for twin in (pickle.loads(pickle.dumps(optimizer)), copy.deepcopy(optimizer)):
        assert repr(twin) == repr(optimizer)
        (q,) = twin.param_groups[0]["params"]
        assert q is not p
        q.grad = mt.ones(3)
        twin.step()
        assert (numbers(q) < numbers(p)).all()


# ---- groups -----------------------------------------------------------------------------------------


def test_groups_have_their_own_options():
    results = []
    for side in (torch, mt):
        a, b = leaf(side), leaf(side)
        optimizer = side.optim.SGD([{"params": [a], "lr": 1.0}, {"params": [b]}], lr=0.125)
        optimizer.add_param_group({"params": leaf(side), "momentum": 0.5})
        for group in optimizer.param_groups:
            for p in group["params"]:
                p.grad = side.ones(3)
        optimizer.step()
        results.append([numbers(p) for g in optimizer.param_groups for p in g["params"]])
    np.testing.assert_array_equal(*results)


def test_named_parameters():
    saved = []
    for side in (torch, mt):
        optimizer = side.optim.SGD([("w", leaf(side)), ("b", leaf(side))])
        saved.append(optimizer.state_dict()["param_groups"])
        with pytest.raises(ValueError, match="without names to the optimizer"):
            optimizer.add_param_group({"params": [leaf(side)]})
    assert saved[0] == saved[1]
    assert saved[1][0]["param_names"] == ["w", "b"]


def _all_errors(side):
    """Every refusal of the base class, as (type, first line)."""
    p, q = leaf(side), leaf(side)
    sgd = side.optim.SGD([p])
    attempts = [
        lambda: side.optim.SGD(p),
        lambda: side.optim.SGD([]),
        lambda: side.optim.SGD([1]),
        lambda: side.optim.SGD([{"params": {p}}]),
        lambda: side.optim.SGD([p * 2]),
        lambda: side.optim.SGD([("w", p), q]),
        lambda: sgd.add_param_group([q]),
        lambda: sgd.add_param_group({"params": [p]}),
        lambda: side.optim.Optimizer([p], {"lr": module(side).required}),
    ]
    found = []
    for attempt in attempts:
        with pytest.raises(Exception) as caught:
            attempt()
        found.append((type(caught.value), str(caught.value).split("\n")[0]))
    return found


def test_errors_are_torchs():
    assert _all_errors(mt) == _all_errors(torch)


BAD_OPTIONS = [
    *[(name, {"lr": -1.0}) for name in ALL],
    *[(name, {"weight_decay": -1.0}) for name in ALL if name not in ("Rprop", "LBFGS", "ASGD")],
    *[(name, {"betas": (1.0, 0.9)}) for name in ("Adam", "AdamW", "Adamax", "NAdam", "RAdam")],
    *[(name, {"betas": (0.9, -0.1)}) for name in ("Adam", "AdamW", "Adamax", "NAdam", "RAdam")],
    *[(name, {"eps": -1e-8}) for name in ("Adam", "RMSprop", "Adagrad", "Adadelta", "Adamax")],
    ("SGD", {"momentum": -0.1}),
    ("SGD", {"nesterov": True}),
    ("SGD", {"nesterov": True, "momentum": 0.9, "dampening": 0.1}),
    ("SGD", {"fused": True, "foreach": True}),
    ("SGD", {"fused": True, "differentiable": True}),
    ("RMSprop", {"alpha": -1.0}),
    ("RMSprop", {"momentum": -1.0}),
    ("Adagrad", {"lr_decay": -1.0}),
    ("Adagrad", {"initial_accumulator_value": -1.0}),
    ("Adadelta", {"rho": 1.5}),
    ("NAdam", {"momentum_decay": -1.0}),
    ("Rprop", {"etas": (1.5, 1.2)}),
    ("Adam", {"betas": (0, 0.9)}),
]


@pytest.mark.parametrize(("name", "options"), BAD_OPTIONS)
def test_bad_options(name, options):
    messages = []
    for side in (torch, mt):
        with pytest.raises((ValueError, RuntimeError)) as caught:
            getattr(side.optim, name)([leaf(side)], **options)
        messages.append((type(caught.value), str(caught.value)))
    assert messages[0] == messages[1]


def test_bad_tensor_options():
    for options in ({"lr": [0.1, 0.2]}, {"lr": 0.1, "foreach": True}):
        messages = []
        for side in (torch, mt):
            with pytest.raises(ValueError) as caught:
                side.optim.Adam([leaf(side)], **{**options, "lr": side.tensor(options["lr"])})
            messages.append(str(caught.value))
        assert messages[0] == messages[1]


def test_capturing_needs_an_accelerator():
    for side in (torch, mt):
        p = leaf(side)
        p.grad = side.ones(3)
        with pytest.raises(AssertionError, match="If capturable=True, params and state_steps must"):
            side.optim.Adam([p], capturable=True).step()


def test_duplicates_in_a_group_warn():
    p = leaf()
    with pytest.warns(UserWarning, match="duplicate parameters"):
        mt.optim.SGD([p, p])


# ---- stepping -----------------------------------------------------------------------------------------


def test_zero_grad():
    p = leaf()
    optimizer = mt.optim.SGD([p])
    p.grad = mt.ones(3)
    kept = p.grad
    optimizer.zero_grad(set_to_none=False)
    assert p.grad is kept
    assert p.grad.tolist() == [0.0, 0.0, 0.0]
    optimizer.zero_grad()
    assert p.grad is None
    (p * p).sum().backward(create_graph=True)
    optimizer.zero_grad(set_to_none=False)
    assert not p.grad.requires_grad


def test_closure_runs_with_gradients_on():
    p = leaf()
    optimizer = mt.optim.SGD([p], lr=0.1)

    def closure():
        assert mt.is_grad_enabled()
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with mt.no_grad():
        assert optimizer.step(closure).item() == 14.0
    np.testing.assert_allclose(numbers(p), [0.8, 1.6, 2.4], rtol=1e-6)
    assert mt.is_grad_enabled()


def test_parameters_without_gradient_stay():
    p, q = leaf(), leaf()
    optimizer = mt.optim.Adam([p, q])
    q.grad = mt.ones(3)
    optimizer.step()
    assert p.tolist() == [1.0, 2.0, 3.0]
    assert list(optimizer.state_dict()["state"]) == [1]


def test_an_error_in_step_restores_the_mode():
    p = leaf()
    optimizer = mt.optim.Adam([p], capturable=True)
    p.grad = mt.ones(3)
    with pytest.raises(AssertionError):
        optimizer.step()
    assert mt.is_grad_enabled()


# ---- hooks ----------------------------------------------------------------------------------------------


def test_step_hooks_run_in_torchs_order():
    logs = []
    for side in (torch, mt):
        log = []
        p = leaf(side)
        optimizer = side.optim.SGD([p])
        before = module(side).register_optimizer_step_pre_hook(
            lambda o, args, kwargs, log=log: log.append("global before")
        )
        after = module(side).register_optimizer_step_post_hook(
            lambda o, args, kwargs, log=log: log.append("global after")
        )
        optimizer.register_step_pre_hook(lambda o, a, k, log=log: log.append("before"))
        handle = optimizer.register_step_post_hook(lambda o, a, k, log=log: log.append("after"))
        optimizer.step()
        handle.remove()
        optimizer.step()
        before.remove()
        after.remove()
        optimizer.step()
        logs.append(log)
    assert logs[0] == logs[1]


def test_a_pre_hook_may_change_the_arguments():
    optimizer = mt.optim.SGD([leaf()])
    optimizer.register_step_pre_hook(lambda o, args, kwargs: (args, {"closure": lambda: 5}))
    assert optimizer.step() == 5
    optimizer.register_step_pre_hook(lambda o, args, kwargs: "nonsense")
    with pytest.raises(RuntimeError, match="must return None or a tuple"):
        optimizer.step()


def test_state_dict_hooks():
    optimizer, log = mt.optim.SGD([leaf()]), []
    optimizer.register_state_dict_pre_hook(lambda o: log.append("second"))
    optimizer.register_state_dict_pre_hook(lambda o: log.append("first"), prepend=True)
    optimizer.register_state_dict_post_hook(lambda o, state: {**state, "note": 1})
    optimizer.register_load_state_dict_pre_hook(
        lambda o, state: {k: v for k, v in state.items() if k != "note"}
    )
    optimizer.register_load_state_dict_post_hook(lambda o: log.append("loaded"))
    saved = optimizer.state_dict()
    assert saved["note"] == 1
    optimizer.load_state_dict(saved)
    assert log == ["first", "second", "loaded"]


def test_a_users_own_optimizer():
    class Sign(mt.optim.Optimizer):
        def __init__(self, params, lr=0.5):
            super().__init__(params, {"lr": lr})

        @mt.no_grad()
        def step(self, closure=None):
            for group in self.param_groups:
                for p in group["params"]:
                    p.add_(p.grad.sign(), alpha=-group["lr"])

    p, calls = leaf(), []
    optimizer = Sign([p])
    optimizer.register_step_post_hook(lambda *a: calls.append(1))
    p.grad = mt.tensor([2.0, 0.0, -3.0])
    optimizer.step()
    assert p.tolist() == [0.5, 2.0, 3.5]
    assert calls == [1]
