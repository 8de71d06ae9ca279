"""Failures as scripts: shrunk as far as they go, and they run with the engine alone."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import planted_engine
import pytest
from bits import same_bits

from parity.__main__ import main
from parity.compare import Lab
from parity.engines import open_engine
from parity.repro import write
from parity.repro_text import STRIDED, hexed, observe, tensor_text
from parity.samples import row_for, samples_for
from parity.samples.spec import F, Sample, X
from parity.scripts import Scripts
from parity.shrink import shrink, values_of

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def wrong():
    sys.path.insert(0, str(HERE))
    return open_engine("wrong_engine")


def first_failure(lab, key, part, dtype="float32"):
    row = row_for(key)
    for sample in samples_for(key):
        if sample.kind == "call" and sample.dtype == dtype and len(values_of(shrink(sample, lambda s: True, 1))):
            for check in lab.compare_form(sample, row, "function"):
                if check.part == part and not check.verdict.ok:
                    return sample, row, check
    raise AssertionError("no failure")


def test_ddmin_finds_the_two_elements_that_matter():
    sample = Sample("torch", "add", "n", (X(8, 9), X(8, 9)), {"alpha": 2}, "float32")

    def fails(s):
        a, b = values_of(s)
        return a.shape == b.shape and (np.abs(a) > 4).any()

    small = shrink(sample, fails)
    a, b = values_of(small)
    assert a.shape == b.shape == (1, 1) and abs(a) > 4 and b == 0 and not small.kwargs


def test_numbers_become_simple():
    sample = Sample("torch", "exp", "n", (F(20, domain=(-4.0, 4.0)),), {}, "float32")
    small = shrink(sample, lambda s: any(x > 2 for x in values_of(s)[0]))
    x = values_of(small)[0]
    assert x.shape == (1,) and x[0] > 2 and np.frexp(float(x[0]))[0] * 16 % 1 == 0, "few bits are left"


def test_what_does_not_fail_is_left_alone():
    sample = Sample("torch", "exp", "n", (X(3),), {}, "float32")
    assert shrink(sample, lambda s: False) is sample


@pytest.mark.parametrize("op, part, elements", [("exp", "out", 1), ("matmul", "out", 8), ("sin", "grad[0]", 1)])
def test_a_failure_as_a_script(wrong, tmp_path, op, part, elements):
    lab = Lab(wrong, open_engine("torch"))
    sample, row, check = first_failure(lab, ("torch", op), part)
    path, small = write(lab, sample, row, check, Scripts(tmp_path, 60))
    assert sum(a.size for a in values_of(small)) <= elements
    text = path.read_text()
    assert "parity" not in text.split('"""')[2] and "h(" in text and "0x1" in text
    env = {**os.environ, "PYTHONPATH": str(HERE)}
    space = {"__name__": "repro"}
    exec(text, space)
    assert space["observe"](wrong.module) == space["RECORDED"]["wrong_engine"] != space["RECORDED"]["torch"]
    assert space["observe"](lab.theirs.module) == space["RECORDED"]["torch"]
    if op != "matmul":
        return
    for engine, code in (("torch", 0), ("wrong_engine", 1)):  # by itself, without this project
        done = subprocess.run([sys.executable, str(path), engine], capture_output=True, text=True, env=env, cwd=tmp_path, timeout=60)
        assert done.returncode == code and f"the same as {engine} when this was written" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("op, part, form, line", [
    ("sinh", "grad2[0]", "function", "grad2[0] float32"), ("t", "out.view", "function", "out 0: strides"), ("atan", "returns out", "out=empty", "returns out [False]"),
])
def test_every_sort_of_failure(wrong, tmp_path, op, part, form, line):
    """Second gradients, views, out=: what only a look beyond the values shows."""
    lab, row = Lab(wrong, open_engine("torch")), row_for(("torch", op))
    sample, check = next((s, c) for s in samples_for(("torch", op)) if s.kind == "call" and s.dtype == "float32"
                         for c in lab.compare_sample(s, row).checks if c.part == part and c.form == form and not c.verdict.ok)
    path, _ = write(lab, sample, row, check, Scripts(tmp_path, 40))
    space = {"__name__": "repro"}
    exec(path.read_text(), space)
    ours, theirs = space["RECORDED"]["wrong_engine"], space["RECORDED"]["torch"]
    assert space["observe"](wrong.module) == ours and space["observe"](lab.theirs.module) == theirs
    differing = [a for a, b in zip(ours, theirs, strict=True) if a != b]
    assert differing and all(a.startswith(line) or a.startswith("grad2") for a in differing), (ours, theirs)


@pytest.mark.parametrize("data", [np.float32([0.1, -0.0, np.inf, 1e-45]), np.float64([np.pi]).reshape(1, 1), np.array(3), np.array([True, False]), np.complex64([1 + 2j, -0.5j]),
                                  np.zeros((0, 3), np.float32), np.float16([[1.5, 2], [3, 65504]]).T])
def test_tensors_as_text_are_exact(data):
    import torch
    space = {"torch": torch, "h": float.fromhex}
    space["strided"] = lambda torch, x, strides: x
    back = eval(tensor_text(data), space).numpy()
    assert same_bits(back, data)


def test_strides_are_kept(tmp_path):
    """A failure that needs its memory layout."""
    torch = open_engine("torch").module
    data = np.arange(6, dtype=np.float32).reshape(2, 3).T
    space = {"torch": torch, "h": float.fromhex}
    exec(STRIDED, space)
    y = eval(tensor_text(data), space)
    assert y.stride() == (1, 3) and np.array_equal(y.numpy(), data)


def test_hex():
    assert hexed(0.1) == 'h("0x1.999999999999ap-4")' and hexed(3) == "3" and eval(hexed(1 - 2j), {"h": float.fromhex}) == 1 - 2j


def test_the_command(wrong, tmp_path, capsys):
    assert main(["repro", "matmul", "--ours", "wrong_engine", "-k", "<[3, 4] ·>, <[4, 2] ·> · float64", "--out", str(tmp_path), "--most", "4"]) == 1
    assert "function out" in capsys.readouterr().out and (tmp_path / "matmul-function-out.py").exists()
    assert observe((tmp_path / "matmul-function-out.py").read_text(), open_engine("torch"))
    assert main(["repro", "erfinv", "--ours", "torch", "--out", str(tmp_path)]) == 0
    assert main(["repro", "no_op", "--out", str(tmp_path)]) == 2


def ledger_of(folder, **entry):
    path = folder / "ledger.json"
    path.write_text(json.dumps([{"op": "exp", "part": "*", "cause": "made up", "oracle": "made up", **entry}]))
    return str(path)


def test_what_the_ledger_knows_is_said_and_is_no_failure(wrong, tmp_path, capsys):
    """Unless it has grown, or scripts of it are asked for."""
    out = tmp_path / "out"
    words = ["repro", "exp", "--ours", "wrong_engine", "-k", "<[3, 4] · (-4.0, 4.0)> · float32", "--out", str(out), "--most", "4", "--processes", "0"]
    assert main([*words, "--ledger", ledger_of(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "function out: a known deviation: made up" in said and f"{tmp_path}/ledger.json:1" in said
    assert re.search(r"^exp: 0 kinds of failure, \d known deviations?$", said, re.M) and not out.exists()
    assert main([*words, "--ledger", ledger_of(tmp_path), "--known"]) == 1
    said = capsys.readouterr().out
    assert "function out: a known deviation: made up" in said and "exp-function-out.py" in said and (out / "exp-function-out.py").exists()
    for other in ({"bound": 1e-6}, {"op": "exp2"}, {"where": "[5]*"}):
        assert main([*words, "--ledger", ledger_of(tmp_path, **other)]) == 1
        assert "known deviation" not in capsys.readouterr().out


def test_a_module_that_the_ledger_knows(tmp_path, capsys, monkeypatch):
    words = ["repro", "module.StepLR", "--out", str(tmp_path), "--processes", "0", "--ledger"]
    with monkeypatch.context() as patch:
        planted_engine.FAULTS["late_schedule"](patch.setattr)
        assert main([*words, ledger_of(tmp_path, op="module.StepLR*", part="learning rates")]) == 0
        assert "module StepLR(3, gamma=0.3) learning rates: a known deviation: made up" in capsys.readouterr().out
        assert main([*words, ledger_of(tmp_path, op="module.StepLR*", part="grad[0]")]) == 1
