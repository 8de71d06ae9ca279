"""Modules: torch agrees with itself; a planted fault in a layer, an optimizer, a schedule is named."""

import numpy as np
import pytest
import torch

from parity import standing
from parity.engines import Engine
from parity.modules import cases, compare_case, compare_modules, compare_schedule, scale_ulp, train
from parity.modules_table import CASES, SCHEDULES, layer, optimizer
from parity.outcome import Verdict
from parity.samples.spec import F

ROWS = F(5, 4)


class Namespace:
    """torch with some attributes replaced."""

    __name__ = "torch"

    def __init__(self, target, **replaced):
        self.__dict__.update(replaced, _target=target)

    def __getattr__(self, name):
        return getattr(self.__dict__["_target"], name)


def wrong(**replaced):
    return Engine("wrong", Namespace(torch, **replaced))


def failing(sample):
    return {c.part: c for c in sample.checks if not c.verdict.ok}


@pytest.mark.parametrize("name", ["Linear(4, 3)", "BatchNorm2d(4)", "Dropout(0.25)", "CrossEntropyLoss()", "optim.Adam(p)"])
def test_torch_agrees_with_itself(name, reference):
    case = next(c for c in CASES if c.name == name)
    assert compare_case(case, reference, reference).verdict == Verdict.IDENTICAL


def test_a_dampened_momentum(reference):
    class Optim(Namespace):
        @staticmethod
        def SGD(params, lr, momentum):
            return torch.optim.SGD(params, lr=lr, momentum=momentum, dampening=0.001)

    sample = compare_case(optimizer("SGD(p, lr=0.1, momentum=0.9)"), wrong(optim=Optim(torch.optim)), reference)
    assert "step 2.0.weight" in failing(sample) and "step 1.0.weight" not in failing(sample)


NORMALIZED = "Sequential(nn.Conv2d(4, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(6, 2))"


def with_gradients(which, change):
    """torch whose Conv2d has `change` done to the gradient of one of its parameters."""

    class Conv2d(torch.nn.Conv2d):
        def __init__(self, *args):
            super().__init__(*args)
            getattr(self, which).register_hook(change)

    return wrong(nn=Namespace(torch.nn, Conv2d=Conv2d))


def test_a_gradient_that_cancels_is_judged_by_what_cancels(reference):
    """That of a bias before batch norm is zero but for rounding, here some 1e-8 of either sign."""
    case = next(c for c in CASES if c.name == NORMALIZED)
    draw = torch.Generator().manual_seed(0)
    noise = lambda g: 4e-8 * torch.randn(g.shape, generator=draw)  # noqa: E731
    assert not failing(compare_case(case, with_gradients("bias", noise), reference))
    assert not failing(compare_case(case, with_gradients("bias", torch.zeros_like), reference))
    found = failing(compare_case(case, with_gradients("bias", lambda g: g + 1e-5), reference))
    assert "grad.0.bias" in found and "grad.0.weight" not in found
    found = failing(compare_case(case, with_gradients("weight", lambda g: g * (1 + 1e-5)), reference))
    assert "grad.0.weight" in found and "grad.0.bias" not in found


def test_nan_where_the_oracle_has_none_is_not_rounding(reference):
    def spoil(g):
        return torch.where(torch.arange(g.numel()).view(g.shape) == 0, torch.nan, g)

    found = failing(compare_case(layer("Conv2d(4, 6, 3)", F(2, 4, 6, 5)), with_gradients("bias", spoil), reference))
    assert "grad.bias" in found and "grad.weight" not in found


def test_another_initialization_and_another_repr(reference):
    class Wider(torch.nn.Linear):
        def reset_parameters(self):
            torch.nn.init.uniform_(self.weight, -1, 1)
            torch.nn.init.zeros_(self.bias)

    found = failing(compare_case(layer("Linear(4, 3)", ROWS), wrong(nn=Namespace(torch.nn, Linear=Wider)), reference))
    assert {"initial.weight", "initial.bias", "repr"} <= set(found)


def test_a_missing_buffer(reference):
    class Bare(torch.nn.BatchNorm1d):
        def __init__(self, *args):
            super().__init__(*args)
            del self.num_batches_tracked
            self.num_batches_tracked = None

        def extra_repr(self):
            return super().extra_repr()

    Bare.__name__ = "BatchNorm1d"
    found = failing(compare_case(layer("BatchNorm1d(4)", ROWS), wrong(nn=Namespace(torch.nn, BatchNorm1d=Bare)), reference))
    assert "state_dict" in found


def test_a_module_that_raises(reference):
    def broken(*args):
        raise ValueError("no such layer")

    found = failing(compare_case(layer("Linear(4, 3)", ROWS), wrong(nn=Namespace(torch.nn, Linear=broken)), reference))
    assert "no such layer" in found["training"].detail


def test_a_wrong_schedule(reference):
    schedules = Namespace(torch.optim.lr_scheduler, StepLR=lambda o, n, gamma: torch.optim.lr_scheduler.StepLR(o, n + 1, gamma))
    engine = wrong(optim=Namespace(torch.optim, lr_scheduler=schedules))
    name = "StepLR(3, gamma=0.3)"
    assert compare_schedule(name, SCHEDULES[name], engine, reference).verdict == Verdict.MISMATCH
    assert compare_schedule(name, SCHEDULES[name], reference, reference).verdict == Verdict.IDENTICAL


def drawing(name, space="nn", **late):
    """torch whose module `name` draws a number when the methods `late` are done, right as they are."""

    def method(plain):
        def call(self, *args, **kwargs):
            found = plain(self, *args, **kwargs)
            torch.rand(1)
            return found

        return call

    base = getattr(getattr(torch, space), name)
    later = {m: method(getattr(base, m)) for m in late}
    kind = type(name, (base,), later)
    return wrong(**{space: Namespace(getattr(torch, space), **{name: kind})})


class Rewound(torch.nn.Dropout):
    """Gives back the words that its mask has taken."""

    def forward(self, x):
        before = torch.get_rng_state()
        found = super().forward(x)
        torch.set_rng_state(before)
        return found


def in_backward(self, x):
    x = torch.relu(x)
    x.register_hook(lambda g: torch.rand(1) and None)
    return x


Rewound.__name__ = "Dropout"
STRAY = {
    "Dropout(0.25)": (drawing("Dropout", forward=1), "the forward pass of step 1: ours has taken 41 words, torch's has taken 40"),
    "Dropout2d(0.5)": (drawing("Dropout2d", __init__=1), "building: ours has taken 1 words"),
    "ReLU()": (wrong(nn=Namespace(torch.nn, ReLU=type("ReLU", (torch.nn.ReLU,), {"forward": in_backward}))), "the backward pass of step 1: ours has taken 1 words"),
    "Linear(4, 3)": (drawing("Linear", reset_parameters=1), "building"),
    "Identity()": (drawing("Identity", eval=1), "the forward pass in eval mode"),
    "NLLLoss()": (drawing("NLLLoss", forward=1), "the forward pass of step 1"),
    "optim.Adam(p)": (drawing("Adam", "optim", step=1), "the optimizer's step 1"),
    "Dropout(0.25) rewound": (wrong(nn=Namespace(torch.nn, Dropout=Rewound)), "the forward pass of step 1: ours has taken 0 words, torch's has taken 40"),
}


@pytest.mark.parametrize("name", STRAY)
def test_a_draw_too_many_after_the_right_numbers_is_noticed(name, reference):
    """Nothing else differs: only where the generator stands afterwards."""
    engine, where = STRAY[name]
    case = next(c for c in CASES if c.name == name.removesuffix(" rewound"))
    ((part, check),) = failing(compare_case(case, engine, reference)).items()
    assert f"generator after {where}" in f"{part}: {check.detail}"


def test_a_schedule_that_draws_is_noticed(reference):
    class StepLR(torch.optim.lr_scheduler.StepLR):
        def step(self, *args):
            super().step(*args)
            torch.randn(1)

    space = Namespace(torch.optim.lr_scheduler, StepLR=StepLR)
    name, engine = "StepLR(3, gamma=0.3)", wrong(optim=Namespace(torch.optim, lr_scheduler=space))
    ((part, check),) = failing(compare_schedule(name, SCHEDULES[name], engine, reference)).items()
    assert part == "generator after twelve epochs" and "normal number in stock" in check.detail


def test_our_generator_stands_where_torchs_does_after_every_module(ours, reference):
    """All 141: the layers, losses and optimizers trained, the schedules stepped."""
    for case in CASES:
        a, b = (train(engine, case) for engine in (ours, reference))
        assert not a.error and not b.error and len(b.stands) >= 4, case.name
        assert standing.checks(ours, reference, a.stands, b.stands) == [], case.name
    for name, make in SCHEDULES.items():
        assert compare_schedule(name, make, ours, reference).verdict == Verdict.IDENTICAL
    assert len(CASES) + len(SCHEDULES) == 141


def test_generators_of_different_devices_are_not_compared(reference):
    class Gpu(Engine):
        on_gpu = True

    one, other = {"building": np.zeros(16, np.uint8)}, {"building": np.ones(5056, np.uint8)}
    assert standing.checks(Gpu("gpu", torch), reference, one, other) == []
    moved = {"building": np.frombuffer(np.array([7, 4]), np.uint8)}
    (check,) = standing.checks(Gpu("gpu", torch), Gpu("gpu", torch), moved, one)
    assert "ours stands at offset 4 of seed 7" in check.detail


def test_scale_ulp_is_counted_at_the_largest_element():
    exact = np.array([1.0, 1e-6])
    assert scale_ulp(np.array([1, 1e-6 + 1.2e-7], np.float32), exact) == pytest.approx(1, abs=0.1)
    assert scale_ulp(np.array([np.nan, 0], np.float32), exact) == np.inf


def test_names_are_unique_and_patterns_select():
    names = [name for name, _, _ in cases()]
    assert len(set(names)) == len(names) > 100
    assert [n for n, _, _ in cases("MaxPool1d")] == ["MaxPool1d(2)"]
    seen = []
    compare_modules(Engine("torch", torch), Engine("torch", torch), "Identity", seen.append)
    assert [r.name for r in seen] == ["Identity()"]


@pytest.mark.parametrize("name", ["Linear(4, 3)", "Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))", "CrossEntropyLoss()",
                                  "optim.SGD(p, lr=0.1, momentum=0.9)", "optim.Adam(p)"])
def test_our_engine(name, ours, reference):
    sample = compare_case(next(c for c in CASES if c.name == name), ours, reference)
    assert sample.verdict.ok, failing(sample)


def test_building_and_training_the_modules_warns_of_nothing(reference, ours, recwarn):
    for case in CASES:
        if case.name.startswith("Transformer"):
            compare_case(case, ours, reference)
            assert not [w for w in recwarn if issubclass(w.category, UserWarning)], case.name


def test_a_warning_that_the_table_does_not_know_is_heard():
    with pytest.warns(UserWarning, match="enable_nested_tensor is True"):
        layer("Transformer(4, 2, 1, 1, 8, norm_first=True)").build(torch)
