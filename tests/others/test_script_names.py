"""Names that scripts use around the arithmetic: assert_close, amp, compile, DataParallel."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

import minitorch_ref as mt

# ---- testing.assert_close -------------------------------------------------------------------------

PAIRS = {
    "equal": lambda t: (t.ones(2), t.ones(2), {}),
    "far": lambda t: (t.tensor([1.0, 2, 3]), t.tensor([1.0, 2, 4]), {}),
    "just close": lambda t: (t.tensor([1.0]), t.tensor([1.0 + 1e-6]), {}),
    "scalars": lambda t: (t.tensor(1.0), t.tensor(2.0), {}),
    "dtypes": lambda t: (t.tensor([1.0]), t.tensor([1]), {}),
    "dtypes unchecked": lambda t: (t.tensor([1.0]), t.tensor([1]), {"check_dtype": False}),
    "shapes": lambda t: (t.ones(2), t.ones(3), {}),
    "numbers": lambda t: (1.0, 1.1, {}),
    "whole numbers": lambda t: (2, 3, {}),
    "kinds of number": lambda t: (1, 1.0, {}),
    "lists": lambda t: ([1, 2], [1, 3], {}),
    "lengths": lambda t: ([1], [1, 2], {}),
    "keys": lambda t: ({"a": 1}, {"b": 1}, {}),
    "values": lambda t: ({"a": t.ones(1)}, {"a": t.zeros(1)}, {}),
    "nested": lambda t: ([{"a": t.ones(1)}], [{"a": t.zeros(1)}], {}),
    "a list": lambda t: (t.ones(2), [1.0, 1.0], {}),
    "texts": lambda t: ("a", "a", {}),
    "nan": lambda t: (t.tensor([float("nan")]), t.tensor([float("nan")]), {}),
    "nan allowed": lambda t: (t.tensor([float("nan")]), t.tensor([float("nan")]), {"equal_nan": True}),
    "integers": lambda t: (t.tensor([1, 2]), t.tensor([1, 3]), {}),
    "booleans": lambda t: (t.tensor([True]), t.tensor([False]), {}),
    "one tolerance": lambda t: (t.ones(2), t.ones(2), {"rtol": 1e-3}),
    "exact": lambda t: (t.ones(2), t.ones(2) * 1.1, {"rtol": 0, "atol": 0}),
    "message": lambda t: (t.ones(2), t.zeros(2), {"msg": "boo"}),
    "made message": lambda t: (t.ones(2), t.zeros(2), {"msg": lambda text: "X " + text}),
    "strides": lambda t: (t.ones(2, 3), t.ones(3, 2).t(), {"check_stride": True}),
    "None": lambda t: (None, None, {}),
    "None and one": lambda t: (None, 1, {}),
    "complex": lambda t: (t.tensor([1 + 1j]), t.tensor([1 + 2j]), {}),
    "matrix": lambda t: (t.ones(2, 2), t.zeros(2, 2), {}),
}


def outcome(function, *args, **kwargs):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = function(*args, **kwargs)
        except Exception as error:
            return type(error).__name__, str(error).replace("minitorch_ref.tensor", "torch")
    return result, [str(w.message).split(".")[0] for w in caught]


@pytest.mark.parametrize("pair", PAIRS)
def test_assert_close_says_what_torch_says(pair):
    results = []
    for t in (mt, torch):
        a, b, options = PAIRS[pair](t)
        results.append(outcome(t.testing.assert_close, a, b, **options))
    assert results[0] == results[1]


# ---- amp --------------------------------------------------------------------------------------------


def scaled_steps(t, broken_at):
    """Scales and parameter after each of six steps, one of which has an inf among its gradients."""
    p = t.ones(3, requires_grad=True)
    optimizer = t.optim.SGD([p], lr=0.1)
    scaler = t.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=2)
    found = []
    for i in range(6):
        optimizer.zero_grad()
        loss = (p * p).sum() * (float("inf") if i == broken_at else 1.0)
        scaler.scale(loss).backward()
        if i % 2:
            scaler.unscale_(optimizer)
        scaler.step(optimizer)
        scaler.update()
        found.append((scaler.get_scale(), p.tolist()))
    return found, scaler.state_dict()


@pytest.mark.parametrize("broken_at", [None, 0, 3])
def test_loss_scaling(broken_at):
    assert scaled_steps(mt, broken_at) == scaled_steps(torch, broken_at)


def test_scaler_without_a_gpu():
    for make in (lambda t: t.amp.GradScaler("cuda"), lambda t: t.cuda.amp.GradScaler()):
        with pytest.warns(UserWarning, match="CUDA is not available"):
            ours, theirs = make(mt), make(torch)
        assert ours.is_enabled() is theirs.is_enabled() is False
        assert ours.get_scale() == theirs.get_scale() == 1.0
        assert ours.state_dict() == theirs.state_dict() == {}
        x = mt.ones(2)
        assert ours.scale(x) is x


def misuse(t, how):
    p = t.ones(1, requires_grad=True)
    optimizer, scaler = t.optim.SGD([p], lr=0.1), t.amp.GradScaler("cpu")
    if how == "update first":
        scaler.update()
    scaler.scale(p.sum()).backward()
    scaler.step(optimizer)
    (scaler.step if how == "step twice" else scaler.unscale_)(optimizer)


@pytest.mark.parametrize("how", ["update first", "step twice", "unscale after step"])
def test_scaler_misused(how):
    (kind, text), (their_kind, their_text) = outcome(misuse, mt, how), outcome(misuse, torch, how)
    assert (kind, text) == (their_kind, their_text)


def test_autocast_without_a_gpu():
    for t in (mt, torch):
        with pytest.warns(UserWarning, match="CUDA is not available"), t.autocast("cuda"):
            assert (t.ones(2, 2) @ t.ones(2, 2)).dtype is t.float32
        with pytest.warns(FutureWarning, match="deprecated"), t.cuda.amp.autocast(enabled=False):
            pass
    assert outcome(mt.autocast, "nonsense") == outcome(torch.autocast, "nonsense")
    with pytest.warns(UserWarning, match="not supported"), mt.autocast("cpu"):
        assert (mt.ones(2, 2) @ mt.ones(2, 2)).dtype is mt.float32


# ---- compile, DataParallel ------------------------------------------------------------------------


def test_compiled_programs_compute_what_they_say():
    assert mt.compile(lambda x: x * 2)(mt.ones(1)).item() == 2

    @mt.compile(mode="reduce-overhead")
    def triple(x):
        return x * 3

    assert triple(mt.ones(1)).item() == 3
    results = []
    for t in (mt, torch):
        t.manual_seed(0)
        net = t.nn.Sequential(t.nn.Linear(2, 2), t.nn.Dropout(0.5))
        whole = t.compile(net)
        whole.eval()
        results.append((list(whole.state_dict()), net.training, repr(whole)))
    assert results[0] == results[1]
    x = mt.ones(1, 2)
    np.testing.assert_array_equal(whole_output(mt, x), net_output(mt, x))


def whole_output(t, x):
    t.manual_seed(0)
    return t.compile(t.nn.Linear(2, 2))(x).detach().numpy()


def net_output(t, x):
    t.manual_seed(0)
    return t.nn.Linear(2, 2)(x).detach().numpy()


def test_data_parallel_without_gpus():
    ours, theirs = (t.nn.DataParallel(t.nn.Linear(2, 3)) for t in (mt, torch))
    assert repr(ours) == repr(theirs) and list(ours.state_dict()) == list(theirs.state_dict())
    assert ours.device_ids == theirs.device_ids
    assert ours(mt.ones(4, 2)).shape == (4, 3)
