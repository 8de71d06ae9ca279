"""`python -m parity source`: an op's definition where it really is, and names that are none."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from parity.__main__ import main

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "name, place, lines",
    [
        ("tanh", "ops/pointwise.py", ["tanh = unary(", "lambda g, out: mul(g,"]),
        ("nn.functional.linear", "nn/functional/linear.py", ["def linear(", "_gradients"]),
        ("relu", "ops/activation.py", ["def relu(", "ReluBackward0"]),
        ("mm", "ops/matmul.py", ["def mm(", "lambda g, mat2: mm(g, adjoint_of(mat2))"]),
        ("torch.linalg.svd", "ops/decompositions.py", ["def linalg_svd("]),
    ],
)
def test_the_definition_is_shown_and_stands_at_that_line(name, place, lines, capsys):
    assert main(["source", name]) == 0
    out = capsys.readouterr().out
    found = re.search(rf"# minitorch_ref/{place}:(\d+)\n(.+)", out)
    assert found, out
    text = (ROOT / "minitorch_ref" / place).read_text(encoding="utf-8").splitlines()
    assert text[int(found[1]) - 1].strip() == found[2].strip()
    for line in lines:
        assert line in out


def test_torchs_own_rule_stands_beside_ours(capsys):
    assert main(["source", "tanh"]) == 0
    assert "tanh_backward(grad, result)" in capsys.readouterr().out


def test_a_name_that_is_none_gets_a_suggestion(capsys):
    assert main(["source", "tahn"]) == 2
    assert "no op 'tahn'; did you mean tan or tanh" in capsys.readouterr().err
