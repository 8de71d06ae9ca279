"""The sigmoid program: the original's figures, three versions that agree, and a wrong one caught."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minitorch_ref as mt
from minitorch_ref.programs import sigmoid_gd
from minitorch_ref.programs.sigmoid_gd import Config, by_hand, log_loss, run, sigmoid


def test_figures_of_the_original(published):
    lines = []
    result = by_hand(Config(data=published, log=lines.append))
    for epoch, loss in ((0, 0.7135845195), (90, 0.3379273659), (99, 0.3248987759)):
        assert result.losses[epoch] == pytest.approx(loss, abs=5e-11)
    assert result.accuracies[-1] == 0.94
    assert lines[:3] == [
        "\n========== Epoch 0 ==========",
        "Train loss:  0.7135845195381634",
        "Accuracy:  0.4",
    ]
    assert len(lines) == 30
    assert len(result.lines) == 100
    assert len(result.step_losses) == 10_000


@pytest.mark.parametrize("library", [mt, torch], ids=["minitorch_ref", "torch"])
def test_autograd_finds_the_derived_update(library):
    config = Config(epochs=12)
    hand, engine = by_hand(config), run(library, config)
    assert engine.engine == library.__name__
    np.testing.assert_allclose(engine.losses, hand.losses, rtol=1e-13)
    np.testing.assert_allclose(engine.step_losses, hand.step_losses, rtol=1e-13)
    np.testing.assert_allclose(engine.lines, hand.lines, rtol=1e-12)
    assert engine.accuracies == hand.accuracies


def test_float32_is_as_far_off_as_torchs():
    config = Config(epochs=5, dtype="float32")
    ours, theirs = run(mt, config), run(torch, config)
    np.testing.assert_allclose(ours.step_losses, theirs.step_losses, rtol=2e-5)


@settings(max_examples=50, deadline=None)
@given(st.floats(-30, 30), st.sampled_from([0.0, 1.0]))
def test_the_slope_is_the_derived_one(h, y):
    """d/dh log_loss(y, sigmoid(h)) = sigmoid(h) - y, by a central difference."""
    e = 1e-5
    if abs(h) > 12:  # 1 - sigmoid cancels further out
        return
    slope = (log_loss(y, sigmoid(h + e)) - log_loss(y, sigmoid(h - e))) / (2 * e)
    assert slope == pytest.approx(sigmoid(h) - y, abs=1e-5)


def test_a_wrong_update_is_told_apart():
    """Half the rate, a flipped sign: neither passes for the program."""
    right = run(mt, Config(epochs=12))
    for rate in (0.005, -0.01):
        wrong = by_hand(Config(epochs=12, learnrate=rate))
        with pytest.raises(AssertionError):
            np.testing.assert_allclose(wrong.losses, right.losses, rtol=1e-3)


def test_each_step_is_reported():
    seen = []
    config = Config(epochs=2)
    run(mt, config, on_step=lambda step, batch, loss: seen.append((step, batch, loss)))
    assert [step for step, _, _ in seen] == list(range(200))
    x, y = seen[0][1]
    assert isinstance(x, mt.Tensor) and x.shape == (2,) and y.item() in (0.0, 1.0)
    assert seen[7][2] == run(mt, config).step_losses[7]


def test_a_rising_loss_is_warned_of():
    lines = []
    by_hand(Config(epochs=20, learnrate=-0.01, log=lines.append))
    assert any("WARNING - Loss Increasing" in line for line in lines)


def test_command_line(tmp_path, capsys):
    out = tmp_path / "plots"
    code = sigmoid_gd.main(
        ["--epochs", "4", "--engine", "minitorch_ref", "torch", "--out", str(out)]
    )
    said = capsys.readouterr()
    assert code == 0
    assert "========== Epoch 0 ==========" in said.out
    assert said.err.count("stand-in data: 100 drawn points") == 1  # for three runs and the plots
    for name in ("boundary", "error"):
        assert (out / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert str(out / f"{name}.png") in said.out


def test_unknown_engine():
    with pytest.raises(SystemExit):
        sigmoid_gd.main(["--engine", "jax"])
