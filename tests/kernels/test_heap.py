"""Freed memory is kept for the next op, unless the environment forbids it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

STEPS = """
import resource
import numpy as np
import minitorch_ref as mt
from minitorch_ref.kernels import heap
assert heap.keep.cache_info().currsize == 0, "called at import"
x = mt.randn(1_000_000, requires_grad=True)
def step():
    return mt.autograd.grad(mt.relu(x), x, x.detach())
step(); step(); step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    step()
print(heap.keep(), (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 10)
"""


def faults(setting):
    """(whether the C library agreed, page faults of a step that makes some 13 MB of results)."""
    environment = {**os.environ, "MINITORCH_KEEP_HEAP": setting}
    done = subprocess.run(
        [sys.executable, "-c", STEPS], env=environment, capture_output=True, text=True, check=True,
        timeout=200,
    )
    agreed, count = done.stdout.split()
    return agreed == "True", float(count)


def test_pages_are_used_again():
    pytest.importorskip("resource")
    agreed, kept = faults("1")
    if not agreed:
        pytest.skip("this C library has no such setting")
    forbidden, given_back = faults("0")
    assert not forbidden
    assert kept < 20 or kept < given_back / 10
