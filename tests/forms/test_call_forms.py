"""One line, one call: every form of the arguments, run on both engines and compared.

The `.txt` files beside this one hold a Python expression per line; a line that begins with `!` sets
up tensors for those that follow.  Compared are values, dtypes, shapes, node names, named results,
and the type of the error where torch raises one.
"""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

import minitorch_ref as mt

HERE = Path(__file__).parent


def names(side):
    """What the lines may use: `ar` makes a float leaf 0, 1, 2, … of a shape."""

    def ar(*shape):
        return side.arange(float(math.prod(shape))).reshape(shape).clone().requires_grad_()

    return {
        "torch": side, "T": side.tensor, "b": side.ones, "ar": ar,
        "nan": float("nan"), "inf": float("inf"),
    }  # fmt: skip


def lines():
    for path in sorted(HERE.glob("*.txt")):
        setup = ""
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("!"):
                setup = line[1:]
            elif line:
                yield pytest.param(setup, line, id=f"{path.stem}: {line}")


def outcome(side, setup, line):
    scope = names(side)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(setup, scope)  # noqa: S102 - the lines are ours
        try:
            return eval(line, scope)
        except Exception as error:
            return error


def same(ours, theirs):
    if isinstance(theirs, Exception):
        assert type(ours).__name__ == type(theirs).__name__, (ours, theirs)
    elif isinstance(theirs, (tuple, list)) and not isinstance(theirs, torch.Size):
        assert type(ours).__name__ == type(theirs).__name__
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs):
            same(a, b)
    elif isinstance(theirs, torch.Tensor):
        assert isinstance(ours, mt.Tensor), ours
        assert (str(ours.dtype), tuple(ours.shape)) == (str(theirs.dtype), tuple(theirs.shape))
        assert node(ours) == node(theirs)
        a, b = ours.detach().numpy(), theirs.detach().resolve_conj().numpy()
        np.testing.assert_allclose(a, b, rtol=2e-3 if a.dtype == np.float16 else 1e-5, atol=1e-5)
    else:
        assert str(ours) == str(theirs)


def node(tensor):
    return None if tensor.grad_fn is None else type(tensor.grad_fn).__name__


@pytest.mark.parametrize(("setup", "line"), list(lines()))
def test_a_form(setup, line):
    same(outcome(mt, setup, line), outcome(torch, setup, line))


def test_the_comparison_sees_what_is_wrong():
    good = torch.ones(2)
    for bad in (mt.ones(3), mt.zeros(2), mt.ones(2).double(), mt.ones(2, requires_grad=True) * 1):
        with pytest.raises(AssertionError):
            same(bad, good)
    with pytest.raises(AssertionError):
        same(ValueError("x"), RuntimeError("x"))
