"""Warnings that torch gives once in a process: the same ones, and no second time."""

from __future__ import annotations

import subprocess
import sys

import pytest

CALLS = {
    "x.T of three dims": "t.ones(2, 2, 2).T",
    "x.T of a vector": "t.ones(2).T",
    "x.T of a number": "t.ones(()).T",
    "x.T of a matrix": "t.ones(2, 2).T",
    "cross": "t.cross(t.ones(2, 3), t.ones(2, 3))",
    "cross along a dim": "t.cross(t.ones(2, 3), t.ones(2, 3), dim=1)",
    "meshgrid": "t.meshgrid(t.ones(2), t.ones(3))",
    "arrays in a list": "t.tensor([np.ones(2), np.ones(2)])",
    "arrays deep in lists": "t.as_tensor([[np.ones(2)], [np.ones(2)]])",
    "an array": "t.tensor(np.ones(2))",
    "NumPy's numbers": "t.tensor([np.float32(1), np.float32(2)])",
}  # fmt: skip
TELL = """
import importlib, sys, warnings
import numpy as np
t = importlib.import_module(sys.argv[1])
warnings.simplefilter("always")
with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    for call in sys.argv[2:]:
        exec(call); exec(call)
        for w in seen:
            print(w.category.__name__, str(w.message).split(" (Triggered")[0].replace(chr(10), " "))
        print("--", w.filename if seen else "")
        seen.clear()
"""


def told(engine, calls):
    done = subprocess.run(
        [sys.executable, "-c", TELL, engine, *calls], capture_output=True, text=True, check=True,
        timeout=200,
    )
    return done.stdout


def test_each_is_given_once_in_torchs_words_where_the_user_is():
    expected, found = (told(e, CALLS.values()).splitlines() for e in ("torch", "minitorch_ref"))
    texts = [[line for line in lines if line.startswith("UserWarning")] for lines in (expected, found)]
    assert len(texts[0]) == 5 and texts[1] == texts[0]
    assert [line[:2] for line in found] == [line[:2] for line in expected]  # at the same calls
    assert found.count("-- <string>") == 5  # torch's own meshgrid names a line of its own


@pytest.mark.parametrize("engine", ["torch", "minitorch_ref"])
def test_always_if_asked(engine):
    calls = ["t.set_warn_always(True)", CALLS["cross"]]
    assert told(engine, calls).count("UserWarning Using torch.cross without") == 2
