"""Densities, moments, entropies and their gradients: as exact as torch's own.

The judge is that of parity's modules: torch in float64 is the oracle, and what rounding alone may do
is measured by running it with every result rounded at random to a float32.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from distribution_sides import CASES, Case, draws, numbers, tensor

import minitorch_ref as mt
from parity.modules import judge_tensor
from parity.outcome import Verdict
from parity.rounding import Rounded

ROUNDED_RUNS = range(1, 5)
OF_VALUE = ("log_prob", "cdf")
PROPERTIES = ("mean", "mode", "variance", "stddev", "entropy")
# torch 2.13 gives NaN for every concentration
TORCH_IS_WRONG = {("Kumaraswamy", "mode")}


def _ask(made, name, value, chance):
    """One quantity; None where it is not defined."""
    try:
        if name in OF_VALUE:
            return getattr(made, name)(value)
        if name == "icdf":
            return made.icdf(chance)
        asked = getattr(made, name)
        return asked() if callable(asked) else asked
    except NotImplementedError:
        return None


def everything(case: Case, side, wide: bool, value: np.ndarray) -> dict[str, np.ndarray]:
    """All quantities, and the gradients of each towards parameters and value, by name."""
    kind = np.float64 if wide else np.float32
    arrays = {
        k: v.astype(kind) if isinstance(v, np.ndarray) and v.dtype.kind == "f" else v
        for k, v in case.arrays("float32").items()
    }
    draw = np.random.default_rng(1)
    chance = np.asarray(draw.uniform(0.01, 0.99, value.shape).astype(np.float32))
    found = {}
    for name in (*PROPERTIES, *OF_VALUE, "icdf"):
        made, leaves = case.make(side, grad=True, arrays=arrays)
        leaves = {k: x for k, x in leaves.items() if x.requires_grad}
        at = tensor(side, value.astype(kind) if value.dtype.kind == "f" else value)
        if name in OF_VALUE and value.dtype.kind == "f":
            leaves["value"] = at.requires_grad_()
        result = _ask(made, name, at, tensor(side, chance.astype(kind)))
        if result is None:
            continue
        found[name] = np.array(numbers(result))
        if result.requires_grad:
            g = np.asarray(draw.integers(64, 192, found[name].shape) / 128.0, kind)
            try:
                grads = side.autograd.grad(
                    result, list(leaves.values()), tensor(side, g), allow_unused=True
                )
            except (NotImplementedError, RuntimeError) as error:
                assert "derivative for" in str(error), error  # torch has none
                continue
            for leaf, grad in zip(leaves, grads):
                if grad is not None:
                    found[f"{name} towards {leaf}"] = np.array(numbers(grad))
    return found


def judged(case: Case) -> list[str]:
    """What is wrong with the quantities of a case."""
    value, _ = draws(case, torch)
    default = torch.get_default_dtype()
    torch.distributions.Distribution.set_default_validate_args(False)
    torch.set_default_dtype(torch.float64)  # torch makes some constants in the default dtype
    try:
        exact = everything(case, torch, True, value)
        rounded = []
        for seed in ROUNDED_RUNS:
            with Rounded(torch, seed):
                rounded.append(everything(case, torch, True, value))
        torch.set_default_dtype(default)
        theirs = everything(case, torch, False, value)
    finally:
        torch.set_default_dtype(default)
        torch.distributions.Distribution.set_default_validate_args(__debug__)
    ours = everything(case, mt, False, value)
    assert list(ours) == list(theirs), case
    return list(_complaints(case, ours, theirs, exact, rounded))


def _complaints(case, ours, theirs, exact, rounded):
    for name, a in ours.items():
        if (case.name, name.split()[0]) in TORCH_IS_WRONG:
            continue
        b, e = theirs[name], exact[name]
        assert (np.isfinite(a) == np.isfinite(b)).all(), (name, a, b)
        same = ~np.isfinite(b)
        assert np.array_equal(a[same], b[same], equal_nan=True), name
        if not np.array_equal(a, b, equal_nan=True):
            clean = [np.where(same, 0, x) for x in (a, b, e)]
            runs = [np.where(same, 0, r[name]) for r in rounded]
            check = judge_tensor(name, *(c.astype(x.dtype) for c, x in zip(clean, (a, b, e))), runs)
            if check.verdict is not Verdict.EQUAL:
                yield f"{name}: {check.detail}"


@pytest.mark.parametrize("case", CASES, ids=str)
def test_as_exact_as_torch(case):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert judged(case) == []


def test_the_judge_sees_a_wrong_density(monkeypatch):
    normal = mt.distributions.Normal
    plain = normal.log_prob
    monkeypatch.setattr(normal, "log_prob", lambda self, value: plain(self, value) * (1 + 1e-5))
    assert any(text.startswith("log_prob:") for text in judged(CASES[0]))


def test_the_judge_sees_a_wrong_slope(monkeypatch):
    normal = mt.distributions.Normal
    plain = normal.log_prob

    def steeper(self, value):
        return plain(self, value) + 1e-4 * (self.loc - self.loc.detach())

    monkeypatch.setattr(normal, "log_prob", steeper)
    assert [text.split(":")[0] for text in judged(CASES[0])] == ["log_prob towards loc"]
