"""The branch-flip classifier: ties and kinks are choices, slopes and wrong answers are not."""

import numpy as np
import pytest
import torch
from faults import Faulty, custom

from parity.choices import classify, moved
from parity.compare import Lab
from parity.engines import open_engine
from parity.outcome import Verdict, kind_of

TORCH = open_engine("torch")


def looked_at(function, x, ours):
    """Classify `ours` against `function` of the array x."""
    x = np.asarray(x, np.float32)

    def rerun(seed, ulps):
        return np.asarray(function(torch.from_numpy(moved(x, seed, ulps))))

    return classify(rerun, np.asarray(ours), np.asarray(function(torch.from_numpy(x))))


def gradient(function):
    def slope(x):
        x = x.requires_grad_()
        return torch.autograd.grad(function(x).sum(), x)[0]
    return slope


@pytest.mark.parametrize("function, x, ours", [
    (lambda x: x.argmax(), [1, 3, 3, 0], 2),
    (lambda x: x.floor(), [2.0, 0.5], [1.0, 0.0]),
    (lambda x: x.floor(), [0.0, 1.0], [-1.0, 1.0]),
    (lambda x: torch.sort(x).indices, [5, 5, 1], [2, 1, 0]),
    (lambda x: x > 0.5, [0.5, 1.0], [True, True]),
    (lambda x: torch.round(x), [2.5], [3.0]),
    (gradient(torch.relu), [0.0, 1.0], [1.0, 1.0]),
    (gradient(torch.abs), [0.0], [1.0]),
    (lambda x: torch.trunc(x * 3), [1 / 3], [0.0]),
    (lambda x: torch.fmod(x, 0.5), [1.0], [0.5]),
], ids=["argmax", "floor", "floor of 0", "sort", "comparison", "round", "relu at 0", "abs at 0", "trunc", "fmod"])
def test_both_choices_are_valid(function, x, ours):
    found = looked_at(function, x, ours)
    assert found.both_valid and "both are valid" in str(found)


@pytest.mark.parametrize("function, x, ours", [
    (lambda x: x.argmax(), [1, 3, 3, 0], 3),
    (lambda x: x.floor(), [2.0, 0.5], [3.0, 0.0]),
    (gradient(torch.relu), [0.0, 1.0], [2.0, 1.0]),
    (lambda x: torch.sort(x).indices, [5, 5, 1], [0, 2, 1]),
], ids=["argmax", "floor", "relu at 0", "sort"])
def test_a_choice_that_no_input_gives(function, x, ours):
    found = looked_at(function, x, ours)
    assert found.discrete and not found.both_valid and "ours is not" in str(found)


@pytest.mark.parametrize("function, x, off", [
    (torch.exp, [20.0, 3.0], 3), (torch.exp, [80.0], 64), (torch.sin, [1e4], 5), (torch.sum, np.arange(50) / 7, 2), (lambda x: x - 1, [1.0000001], 900),
])
def test_an_arithmetic_error_is_no_choice(function, x, off):
    y = np.asarray(function(torch.tensor(np.asarray(x, np.float32))))
    assert not looked_at(function, x, y + off * np.spacing(y)).discrete


def test_elements_that_agree_do_not_count():
    found = looked_at(torch.floor, [2.0, 3.0, 4.0], [1.0, 3.0, 4.0])
    assert (found.elements, found.valid) == (1, 1)


def judged(fault, key):
    result = Lab(fault, TORCH).compare_op(key)
    return [c for s in result.samples if "nan" not in s.note for c in s.checks if not c.verdict.ok]


def last_maximum(x, *args, **kwargs):
    found = torch.max(x, *args, **kwargs)
    dim = kwargs.get("dim")
    if dim is None or not isinstance(dim, int) or not x.dim():
        return found
    return type(found)((found.values, x.shape[dim] - 1 - torch.max(x.flip(dim), *args, **kwargs).indices))


def test_a_tie_broken_the_other_way_is_found_and_named():
    failing = [c for c in judged(Faulty("max", last_maximum), ("torch", "max")) if c.part == "out.indices" and c.form == "function" and c.choice]
    assert len(failing) > 3 and all("both are valid" in c.choice for c in failing)
    assert {kind_of(c) for c in failing} == {"discrete choices"} and all(c.verdict == Verdict.MISMATCH for c in failing)


def test_across_devices_a_valid_choice_is_no_deviation():
    lab = Lab(Faulty("max", last_maximum), TORCH)
    lab.views = False
    checks = [c for s in lab.compare_op(("torch", "max")).samples if "nan" not in s.note for c in s.checks if c.choice]
    assert checks and all(c.verdict == Verdict.EQUAL for c in checks)


def test_another_subgradient_is_named():
    wrong = custom(torch.relu, lambda g, x: g * (x >= 0))
    failing = [c for c in judged(Faulty("relu", wrong), ("torch", "relu")) if c.part == "grad[0]"]
    assert failing and all("discrete choice" in c.choice for c in failing), "at nan there is no choice, at 0 there is"


def test_a_wrong_value_is_not_called_a_choice():
    wrong = Faulty("exp", lambda x: torch.exp(x) * 1.001)
    assert not [c for c in judged(wrong, ("torch", "exp")) if c.choice]
