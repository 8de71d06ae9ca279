"""The admissions program: the original's figures, both error terms, three versions that agree."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import minitorch_ref as mt
from minitorch_ref.programs import admissions
from minitorch_ref.programs.admissions import ERROR_TERMS, Config, by_hand, prepare, run


def test_figures_of_the_original(published):
    lines = []
    result = by_hand(Config(data=published, log=lines.append))
    assert result.losses[0] == pytest.approx(0.7438640383, abs=5e-11)
    assert result.losses[900] == pytest.approx(0.6049079716, abs=5e-11)
    assert result.accuracy == 0.75
    assert lines[0] == "Epoch: 0"
    assert lines[1].startswith("Train loss:  0.74386403826")
    assert lines[2] == "========="
    assert lines[-2:] == ["Finished training!", "Prediction accuracy: 0.750"]
    assert len(lines) == 32


def test_preparation(published):
    table = prepare(Config(data=published))
    assert table.x.shape == (360, 6)
    assert table.x_test.shape == (40, 6)
    everything = np.concatenate([table.x, table.x_test])
    assert np.array_equal(everything[:, 2:].sum(axis=0), [61, 151, 121, 67])
    assert np.all(everything[:, 2:].sum(axis=1) == 1)
    assert everything[:, 0].max() == 1.0 and everything[:, 0].min() == 220 / 800
    assert np.concatenate([table.y, table.y_test]).sum() == 127


@pytest.mark.parametrize("library", [mt, torch], ids=["minitorch_ref", "torch"])
@pytest.mark.parametrize("error_term", ERROR_TERMS)
def test_autograd_finds_the_derived_slope(library, error_term):
    config = Config(epochs=200, error_term=error_term)
    hand, engine = by_hand(config), run(library, config)
    np.testing.assert_allclose(engine.losses, hand.losses, rtol=1e-12)
    np.testing.assert_allclose(engine.step_losses, hand.step_losses, rtol=1e-12)
    np.testing.assert_allclose(engine.weights, hand.weights, rtol=1e-11)
    assert engine.accuracy == hand.accuracy


def test_the_error_terms_differ():
    first, second = (run(mt, Config(epochs=50, error_term=term)) for term in ERROR_TERMS)
    assert abs(first.losses[-1] - second.losses[-1]) > 1e-3


def test_unknown_error_term():
    with pytest.raises(ValueError, match="error_term must be one of"):
        Config(error_term="hinge")


def test_each_step_is_reported():
    seen = []
    run(mt, Config(epochs=3), on_step=lambda step, batch, loss: seen.append((step, batch, loss)))
    assert [step for step, _, _ in seen] == [0, 1, 2]
    assert seen[0][1][0].shape == (360, 6)


def test_a_rising_loss_is_warned_of():
    lines = []
    by_hand(Config(epochs=30, learnrate=-0.001, log=lines.append))
    assert sum("WARNING - Loss Increasing" in line for line in lines) == 9


def test_command_line(tmp_path, capsys):
    out = tmp_path / "plots"
    assert admissions.main(["--epochs", "20", "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert "error term: mean square" in said.out
    assert "Prediction accuracy" in said.out
    assert "stand-in" in said.err
    for name in ("applications", "ranks", "error"):
        assert (out / f"{name}.png").read_bytes().startswith(b"\x89PNG")
