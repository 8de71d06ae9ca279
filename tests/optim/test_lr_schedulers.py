"""Every schedule's rates against torch's, to the last bit, epoch by epoch."""

import copy
import warnings

import numpy as np
import pytest
import torch
from optim_sides import parameter

import minitorch_ref as mt

pytestmark = pytest.mark.filterwarnings("ignore:Detected call:UserWarning")


def optimizer_of(side, name="SGD", groups=2, **options):
    made = [
        {"params": [parameter(side, np.ones(2, np.float32))], "lr": 0.1 * (i + 1) ** 2}
        for i in range(groups)
    ]
    return getattr(side.optim, name)(made, **options)


class Drop:
    """A function with state, which is saved."""

    def __init__(self, factor):
        self.factor = factor

    def __call__(self, epoch):
        return self.factor**epoch


SCHEDULES = {
    "lambda": lambda s, o: s.LambdaLR(o, lambda e: 0.95**e),
    "lambdas": lambda s, o: s.LambdaLR(o, [lambda e: 1 / (e + 1), Drop(0.9)]),
    "multiplicative": lambda s, o: s.MultiplicativeLR(o, lambda e: 0.93 + 0.01 * (e % 3)),
    "step": lambda s, o: s.StepLR(o, 3, 0.3),
    "milestones": lambda s, o: s.MultiStepLR(o, [2, 5, 5, 11], gamma=0.7),
    "constant": lambda s, o: s.ConstantLR(o, 0.3, 4),
    "linear": lambda s, o: s.LinearLR(o, 0.1, 0.9, 7),
    "exponential": lambda s, o: s.ExponentialLR(o, 0.87),
    "polynomial": lambda s, o: s.PolynomialLR(o, 9, 1.7),
    "cosine": lambda s, o: s.CosineAnnealingLR(o, 5, 0.003),
    "restarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, 3),
    "longer restarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, 2, 3, 0.01),
    "triangular": lambda s, o: s.CyclicLR(o, 0.01, 0.2, 3, 5),
    "triangular2": lambda s, o: s.CyclicLR(o, [0.01, 0.02], 0.2, 3, mode="triangular2"),
    "exp_range": lambda s, o: s.CyclicLR(o, 0.01, 0.2, 3, mode="exp_range", gamma=0.97),
    "own scale": lambda s, o: s.CyclicLR(o, 0.01, 0.2, 3, scale_fn=Drop(0.8), scale_mode="iterations"),
    "one cycle": lambda s, o: s.OneCycleLR(o, 0.5, 25),
    "one linear cycle": lambda s, o: s.OneCycleLR(o, [0.5, 0.3], epochs=5, steps_per_epoch=5,
                                                  anneal_strategy="linear", three_phase=True),
    "sequence": lambda s, o: s.SequentialLR(
        o, [s.ConstantLR(o, 0.1, 2), s.ExponentialLR(o, 0.9), s.StepLR(o, 2)], [4, 9]
    ),
    "chain": lambda s, o: s.ChainedScheduler([s.ConstantLR(o, 0.1, 3), s.ExponentialLR(o, 0.9)]),
}  # fmt: skip


def rates(optimizer):
    keys = ("lr", "momentum", "betas")
    return [[group[k] for k in keys if k in group] for group in optimizer.param_groups]


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("kind", [("SGD", {"momentum": 0.9}), ("Adam", {})], ids=["SGD", "Adam"])
def test_rates_of_25_epochs(name, kind):
    histories = []
    for side in (torch, mt):
        optimizer = optimizer_of(side, kind[0], **kind[1])
        schedule = SCHEDULES[name](side.optim.lr_scheduler, optimizer)
        history = [(rates(optimizer), schedule.get_last_lr())]
        for _ in range(25):
            optimizer.step()
            schedule.step()
            history.append((rates(optimizer), schedule.get_last_lr()))
        histories.append(history)
    assert histories[0] == histories[1]


@pytest.mark.parametrize("name", [n for n in SCHEDULES if n not in ("lambda", "lambdas")])
def test_saved_schedules_go_on(name):
    optimizer = optimizer_of(mt, momentum=0.9)
    schedule = SCHEDULES[name](mt.optim.lr_scheduler, optimizer)
    for _ in range(6):
        optimizer.step()
        schedule.step()
    saved = copy.deepcopy((optimizer.state_dict(), schedule.state_dict()))
    other = optimizer_of(mt, momentum=0.9)
    resumed = SCHEDULES[name](mt.optim.lr_scheduler, other)
    resumed.load_state_dict(saved[1])
    other.load_state_dict(saved[0])
    for _ in range(8):
        for o, s in ((optimizer, schedule), (other, resumed)):
            o.step()
            s.step()
        assert rates(optimizer) == rates(other)


@pytest.mark.parametrize("name", SCHEDULES)
def test_state_dicts_have_torchs_entries(name):
    saved = []
    for side in (torch, mt):
        optimizer = optimizer_of(side, momentum=0.9)
        schedule = SCHEDULES[name](side.optim.lr_scheduler, optimizer)
        optimizer.step()
        schedule.step()
        saved.append(schedule.state_dict())
    assert set(saved[1]) <= set(saved[0])
    assert set(saved[0]) - set(saved[1]) <= {"_get_lr_called_within_step", "_is_initial"}
    for key in set(saved[1]) - {"lr_lambdas", "_schedulers"}:
        assert saved[0][key] == saved[1][key], key


def test_resuming_with_last_epoch():
    histories = []
    for side in (torch, mt):
        optimizer = optimizer_of(side)
        for group in optimizer.param_groups:
            group["initial_lr"] = 0.5
        s = side.optim.lr_scheduler
        history = []
        for make in (
            lambda: s.CosineAnnealingLR(optimizer, 10, last_epoch=4),
            lambda: s.StepLR(optimizer, 2, last_epoch=3),
            lambda: s.LinearLR(optimizer, last_epoch=2),
        ):
            schedule = make()
            for _ in range(4):
                history.append(rates(optimizer))
                optimizer.step()
                schedule.step()
        histories.append(history)
    assert histories[0] == histories[1]


@pytest.mark.filterwarnings("ignore:The epoch parameter:UserWarning")
@pytest.mark.parametrize(
    "name", ["step", "milestones", "constant", "linear", "exponential", "polynomial", "cosine",
             "restarts", "longer restarts", "lambda"],
)  # fmt: skip
def test_jumping_to_an_epoch(name):
    histories = []
    for side in (torch, mt):
        optimizer = optimizer_of(side)
        schedule = SCHEDULES[name](side.optim.lr_scheduler, optimizer)
        history = []
        for epoch in (4, 0, 7, 8, 3):
            schedule.step(epoch)
            history.append(rates(optimizer))
        histories.append(history)
    assert histories[0] == histories[1]


def test_restarts_at_fractions_of_an_epoch():
    histories = []
    for side in (torch, mt):
        optimizer = optimizer_of(side)
        schedule = side.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 3, 2)
        history = []
        for i in range(40):
            schedule.step(i / 4)
            history.append((rates(optimizer), schedule.T_cur, schedule.T_i))
        histories.append(history)
    assert histories[0] == histories[1]


@pytest.mark.parametrize(
    "options",
    [
        {"patience": 1},
        {"mode": "max", "factor": 0.5, "patience": 0, "threshold_mode": "abs", "threshold": 0.1},
        {"patience": 0, "cooldown": 2, "min_lr": [0.01, 0.2]},
        {"patience": 2, "min_lr": 0.05, "threshold": 0.2},
        {"mode": "max", "patience": 1, "eps": 0.01},
    ],
)
def test_plateau(options):
    metrics = np.random.default_rng(0).standard_normal(40).cumsum()
    histories = []
    for side in (torch, mt):
        optimizer = optimizer_of(side)
        schedule = side.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **options)
        history = []
        for m in metrics:
            schedule.step(side.tensor(m))
            history.append((rates(optimizer), schedule.num_bad_epochs, schedule.best))
        histories.append((history, schedule.state_dict()))
    assert histories[0] == histories[1]


def test_tensor_rates_are_written_in_place():
    histories = []
    for side in (torch, mt):
        lr = side.tensor(0.1)
        optimizer = side.optim.SGD([parameter(side, np.ones(2, np.float32))], lr=lr)
        schedule = side.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
        history = []
        for _ in range(5):
            optimizer.step()
            schedule.step()
            assert optimizer.param_groups[0]["lr"] is lr
            history.append(lr.item())
        assert schedule.get_last_lr()[0] is not lr
        histories.append(history)
    assert histories[0] == histories[1]


# ---- warnings and errors -------------------------------------------------------------------------------


def warned(side, act):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        act(side)
    return [(w.category, str(w.message)) for w in caught]


def _step_first(side):
    optimizer = optimizer_of(side)
    side.optim.lr_scheduler.StepLR(optimizer, 2).step()


def _right_order(side):
    optimizer = optimizer_of(side)
    schedule = side.optim.lr_scheduler.StepLR(optimizer, 2)
    optimizer.step()
    schedule.step()


def _overridden(side):
    optimizer = optimizer_of(side)
    schedule = side.optim.lr_scheduler.StepLR(optimizer, 2)
    optimizer.step = lambda: None
    schedule.step()


def _asks_get_lr(side):
    side.optim.lr_scheduler.StepLR(optimizer_of(side), 2).get_lr()


def _epoch_given(side):
    optimizer = optimizer_of(side)
    schedule = side.optim.lr_scheduler.StepLR(optimizer, 2)
    optimizer.step()
    schedule.step(3)


@pytest.mark.parametrize(
    "act", [_step_first, _right_order, _overridden, _asks_get_lr, _epoch_given]
)
def test_warnings_are_torchs(act):
    assert warned(mt, act) == warned(torch, act)


BAD = [
    lambda s, o: s.StepLR(3, 2),
    lambda s, o: s.StepLR(o, 2, last_epoch=3),
    lambda s, o: s.LambdaLR(o, [lambda e: 1]),
    lambda s, o: s.MultiplicativeLR(o, 0.5),
    lambda s, o: s.MultiplicativeLR(o, [lambda e: 1]),
    lambda s, o: s.ConstantLR(o, 1.5),
    lambda s, o: s.LinearLR(o, 0.0),
    lambda s, o: s.LinearLR(o, 0.5, 1.5),
    lambda s, o: s.CosineAnnealingWarmRestarts(o, 0),
    lambda s, o: s.CosineAnnealingWarmRestarts(o, 2, 0),
    lambda s, o: s.CosineAnnealingWarmRestarts(o, 2, 1, "low"),
    lambda s, o: s.CosineAnnealingWarmRestarts(o, 2).step(-1),
    lambda s, o: s.CyclicLR(o, [0.1], 0.2),
    lambda s, o: s.CyclicLR(o, 0.1, 0.2, mode="square"),
    lambda s, o: s.OneCycleLR(o, 0.1),
    lambda s, o: s.OneCycleLR(o, 0.1, total_steps=0),
    lambda s, o: s.OneCycleLR(o, 0.1, epochs=0, steps_per_epoch=2),
    lambda s, o: s.OneCycleLR(o, 0.1, epochs=1, steps_per_epoch=-2),
    lambda s, o: s.OneCycleLR(o, 0.1, 5, pct_start=2),
    lambda s, o: s.OneCycleLR(o, 0.1, 5, anneal_strategy="exp"),
    lambda s, o: [s.OneCycleLR(o, 0.1, 5).step() for _ in range(9)],
    lambda s, o: [schedule.step() for schedule in [s.OneCycleLR(o, 0.1, 2)] * 9],
    lambda s, o: s.SequentialLR(o, [], []),
    lambda s, o: s.SequentialLR(o, [s.StepLR(o, 1)], [3]),
    lambda s, o: s.SequentialLR(o, [s.ReduceLROnPlateau(o)], []),
    lambda s, o: s.SequentialLR(o, [3], []),
    lambda s, o: s.ChainedScheduler([]),
    lambda s, o: s.ChainedScheduler([s.StepLR(o, 1), s.ReduceLROnPlateau(o)]),
    lambda s, o: s.ReduceLROnPlateau(o, factor=1.0),
    lambda s, o: s.ReduceLROnPlateau(o, mode="mid"),
    lambda s, o: s.ReduceLROnPlateau(o, threshold_mode="both"),
    lambda s, o: s.ReduceLROnPlateau(o, min_lr=[0.1]),
    lambda s, o: s.ReduceLROnPlateau(None),
]


@pytest.mark.parametrize("make", BAD, ids=range(len(BAD)))
def test_errors_are_torchs(make):
    outcomes = []
    for side in (torch, mt):
        try:
            make(side.optim.lr_scheduler, optimizer_of(side))
            outcomes.append(None)
        except Exception as error:
            outcomes.append((type(error), str(error)))
    assert outcomes[0] == outcomes[1]


def test_cycling_momentum_needs_momentum():
    for side in (torch, mt):
        optimizer = optimizer_of(side, "Adagrad")
        with pytest.raises(ValueError, match="must support momentum or beta1"):
            side.optim.lr_scheduler.CyclicLR(optimizer, 0.1, 0.2)
