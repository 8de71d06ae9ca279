"""Warnings of the graph that torch gives once in a process: the same, at the caller's line."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import warnings, {engine} as torch
x = torch.tensor(2.0, requires_grad=True)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for _ in range(2):
        float(x), x.item(), float(x.detach())
        (x * x).backward(create_graph=True)
        torch.autograd.grad(x * x, x, create_graph=True)
for w in caught:
    print(w.category.__name__, w.lineno, str(w.message).split(" (Triggered")[0])
"""


def said(engine):
    run = [sys.executable, "-c", PROGRAM.format(engine=engine)]
    return subprocess.run(run, capture_output=True, text=True, check=True, timeout=200).stdout.splitlines()


@pytest.mark.slow
def test_said_once_and_as_torch_says_it():
    ours, theirs = said("minitorch_ref"), said("torch")
    assert len(theirs) == 3  # one of them has two lines
    assert [line.split()[2:] for line in ours] == [line.split()[2:] for line in theirs]
    assert ours[0].startswith("UserWarning 7 ")
