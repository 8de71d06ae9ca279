"""Calls in all forms: both engines print the same result, or raise the same exception with the same
text.  The calls are in text files, one expression a line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from distribution_sides import SIDES

import minitorch_ref as mt

FILES = sorted(Path(__file__).parent.glob("calls_*.txt"))
CALLS = [
    (file.stem, line)
    for file in FILES
    for line in file.read_text().splitlines()
    if line and not line.startswith("#")
]


def outcome(side, call):
    """What a call prints, or what it raises; white space does not count."""
    kinds = side.distributions
    names = {
        "torch": side, "t": side.tensor, "D": kinds, "T": kinds.transforms, "C": kinds.constraints,
    }  # fmt: skip
    side.manual_seed(0)
    try:
        shown = repr(eval(call, names))
    except Exception as error:
        shown = f"{type(error).__name__}: {error}"
    return re.sub(r"\s+", " ", shown.replace("minitorch_ref.", "torch.").replace("<locals>", ""))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("call", [call for _, call in CALLS])
def test_same_outcome(call):
    theirs, ours = outcome(torch, call), outcome(mt, call)
    if ours != theirs:
        assert _without_digits(ours) == _without_digits(theirs)
        for a, b in zip(_floats(ours), _floats(theirs), strict=True):
            assert a == b or abs(a - b) <= 2e-4 * abs(b)  # the last printed digit


_NUMBER = re.compile(r"-?\d+\.\d*(?:e[-+]\d+)?")


def _without_digits(text):
    return _NUMBER.sub("#", text)


def _floats(text):
    return [float(x) for x in _NUMBER.findall(text)]


def test_the_check_sees_another_text(monkeypatch):
    monkeypatch.setattr(mt.distributions.Normal, "__repr__", lambda self: "Normal()")
    call = "D.Normal(0.0, 1.0)"
    assert outcome(mt, call) != outcome(torch, call)


# ---- what an expression cannot say ---------------------------------------------------------------


@pytest.mark.parametrize("side", SIDES, ids=["torch", "minitorch_ref"])
def test_a_subclass_with_its_own_arguments_must_expand_itself(side):
    class Shifted(side.distributions.Normal):
        def __init__(self, shift):
            super().__init__(shift + 1.0, 1.0)

    message = "Subclass Shifted of Normal that defines a custom __init__ method must also define"
    with pytest.raises(NotImplementedError, match=message):
        Shifted(side.tensor([0.0])).expand((2,))


@pytest.mark.parametrize("side", SIDES, ids=["torch", "minitorch_ref"])
def test_a_subclass_without_stays_what_it_is(side):
    class Named(side.distributions.Normal):
        pass

    wider = Named(side.tensor([0.0]), 1.0).expand((2, 1))
    assert type(wider) is Named and tuple(wider.loc.shape) == (2, 1)


@pytest.mark.parametrize("side", SIDES, ids=["torch", "minitorch_ref"])
def test_a_distribution_of_ones_own(side):
    """Without arg_constraints or support there is a warning, and no check."""
    kinds = side.distributions

    class Coin(kinds.Distribution):
        def log_prob(self, value):
            self._validate_sample(value)
            return value

    with pytest.warns(UserWarning, match="does not define `arg_constraints`"):
        coin = Coin()
    with pytest.warns(UserWarning, match="does not define `support`"):
        coin.log_prob(side.tensor(1.0))
    with pytest.raises(NotImplementedError):
        coin.expand((2,))


@pytest.mark.parametrize("side", SIDES, ids=["torch", "minitorch_ref"])
def test_checks_can_be_switched_off_for_all(side):
    kinds = side.distributions
    try:
        kinds.Distribution.set_default_validate_args(False)
        kinds.Normal(0.0, -1.0)
        with pytest.raises(ValueError):
            kinds.Normal(0.0, -1.0, validate_args=True)
    finally:
        kinds.Distribution.set_default_validate_args(True)
    with pytest.raises(ValueError):
        kinds.Normal(0.0, -1.0)


def test_the_same_public_names():
    for name in ("", "constraints", "transforms"):
        theirs, ours = (getattr(s.distributions, name) if name else s.distributions for s in SIDES)
        assert sorted(ours.__all__) == sorted(theirs.__all__)
        assert all(hasattr(ours, key) for key in theirs.__all__)
    theirs, ours = (set(dir(s.distributions)) for s in SIDES)
    files = {n for n in theirs if isinstance(getattr(torch.distributions, n), type(torch))}
    assert files - {"torch"} <= ours


def test_names_of_torchs_files_can_be_imported():
    from minitorch_ref.distributions.normal import Normal
    from minitorch_ref.distributions.transformed_distribution import TransformedDistribution

    from minitorch_ref.distributions.kl import kl_divergence
    from minitorch_ref.distributions.utils import broadcast_all

    kinds = mt.distributions
    assert (Normal, kl_divergence) == (kinds.Normal, kinds.kl_divergence)
    assert TransformedDistribution is kinds.TransformedDistribution and callable(broadcast_all)


def test_distributions_are_imported_when_first_used():
    import subprocess
    import sys

    code = (
        "import sys, minitorch_ref as torch\n"
        "late = ('minitorch_ref.distributions', 'minitorch_ref.kernels.rejection')\n"
        "assert not any(name in sys.modules for name in late)\n"
        "torch.distributions.Normal(0.0, 1.0)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2], timeout=200)
