"""The vision program: same weights, batches and losses on both engines; it learns; what it saves."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch
from bits import same_bits

import minitorch_ref as mt
from minitorch_ref.programs import data, engines, lenet5, nets
from minitorch_ref.programs.lenet5 import Config, run
from minitorch_ref.vision.datasets import Shapes
from parity.torch_side import import_torchvision

import_torchvision()


@pytest.fixture(scope="module")
def shapes() -> data.Pictures:
    train, test = Shapes(train=True, count=240), Shapes(train=False, count=60)
    return data.Pictures(
        train.data, train.targets, test.data, test.targets, train.classes, "drawn shapes"
    )


def digest(*arrays) -> str:
    return hashlib.sha256(b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)).hexdigest()


def recorded(library, config, pictures):
    batches = []

    def on_step(step, batch, loss):
        images, labels = batch
        assert step == len(batches)
        batches.append(digest(images.numpy(), labels.numpy()))

    return run(library, config, on_step, pictures), batches


@pytest.mark.parametrize("model", ["lenet5", "simplenet"])
def test_both_engines_run_the_same_program(shapes, model):
    config = Config(model=model, epochs=2, drop_after=1, learnrate=0.01)
    ours, our_batches = recorded(mt, config, shapes)
    theirs, their_batches = recorded(torch, config, shapes)
    assert ours.initial_state.keys() == theirs.initial_state.keys()
    for name, value in theirs.initial_state.items():
        assert same_bits(ours.initial_state[name], value), name
    assert our_batches == their_batches
    np.testing.assert_allclose(ours.step_losses, theirs.step_losses, rtol=1e-4)
    np.testing.assert_allclose(ours.validation_losses, theirs.validation_losses, rtol=1e-4)
    np.testing.assert_allclose(ours.test_loss, theirs.test_loss, rtol=1e-4)
    assert ours.learnrates == theirs.learnrates == pytest.approx([0.01, 0.001])
    images = 48 if model == "simplenet" else 240
    assert len(ours.step_losses) == 2 * (images * 4 // 5 // 16 + (images * 4 // 5 % 16 > 0))


def test_another_seed_is_another_program(shapes):
    one, batches = recorded(mt, Config(epochs=1), shapes)
    two, others = recorded(mt, Config(epochs=1, seed=1), shapes)
    assert not set(batches) & set(others)
    assert not np.array_equal(one.initial_state["fc3.weight"], two.initial_state["fc3.weight"])


@pytest.mark.parametrize("workers", [0, 2])
def test_workers_change_who_draws_but_not_the_order(shapes, workers):
    result, batches = recorded(mt, Config(epochs=1, num_workers=workers, limit=64), shapes)
    assert len(batches) == 4
    assert np.isfinite(result.test_loss)


def test_saves_what_it_tests(shapes, tmp_path):
    path = tmp_path / "deep" / "net.pt"
    result = run(mt, Config(epochs=1, save=str(path)), pictures=shapes)
    for library in (mt, torch):  # either engine reads the file
        net = nets.lenet5(library)
        net.load_state_dict(library.load(path))
        for name, value in lenet5.snapshot(net).items():
            np.testing.assert_array_equal(value, result.final_state[name])
    changed = [
        name
        for name, value in result.final_state.items()
        if not np.array_equal(value, result.initial_state[name])
    ]
    assert len(changed) == len(result.final_state)


def test_validation_and_test_images_are_not_augmented(shapes):
    mt.manual_seed(0)
    train, validation, test = lenet5.loaders(mt, Config(), shapes)
    assert len(train.dataset) == 192 and len(validation.dataset) == 48
    for loader in (validation, test):
        first = [images.numpy().copy() for images, _ in loader]
        again = [images.numpy() for images, _ in loader]
        for a, b in zip(first, again, strict=True):
            np.testing.assert_array_equal(a, b)
    assert digest(next(iter(train))[0].numpy()) != digest(next(iter(train))[0].numpy())
    used = sorted(list(train.dataset.indices) + list(validation.dataset.indices))
    assert used == list(range(240))


def test_learns_the_shapes():
    """Over 90 % of the stand-in's test images after three epochs at the program's own settings."""
    result = run(mt, Config(epochs=4), pictures=data.pictures())
    assert result.test_accuracy > 0.9
    assert result.train_losses[-1] < 0.6 < result.train_losses[0]
    assert result.confusion.sum() == 1000
    assert result.test_accuracy == result.confusion.trace() / 1000


def test_what_it_prints(shapes):
    lines = []
    run(mt, Config(epochs=1, log=lines.append), pictures=shapes)
    assert lines[0].startswith("Epoch: 1 \tTraining Loss: ")
    assert any(line.startswith("Test Accuracy of       ring:") for line in lines)
    assert lines[-1].startswith("Test Accuracy (overall): ")


def test_no_epochs(shapes):
    result = run(mt, Config(epochs=0), pictures=shapes)
    assert result.step_losses == []
    assert np.isfinite(result.test_loss)


def test_unknown_model():
    with pytest.raises(ValueError, match="model must be one of"):
        Config(model="resnet")


def test_command_line(tmp_path, capsys, monkeypatch, shapes):
    monkeypatch.setattr(data, "pictures", lambda folder: shapes)
    out = tmp_path / "out"
    words = ["--epochs", "1", "--engine", "minitorch_ref", "torch", "--out", str(out)]
    assert lenet5.main(words) == 0
    said = capsys.readouterr().out
    assert "minitorch_ref and torch: the same initial weights" in said
    for name in ("samples", "losses", "confusion", "filters"):
        assert (out / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert (out / "lenet5-torch.pt").is_file() and (out / "lenet5-minitorch_ref.pt").is_file()


def test_simplenet_command_line_without_plots(tmp_path, capsys, monkeypatch, shapes):
    monkeypatch.setattr(data, "pictures", lambda folder: shapes)
    words = ["--model", "simplenet", "--epochs", "1", "--no-plots", "--out", str(tmp_path)]
    assert lenet5.main(words) == 0
    assert "saved" not in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["simplenet-minitorch_ref.pt"]


def test_a_torchvision_that_does_not_go_with_torch_is_named(tmp_path, capsys, monkeypatch):
    def broken(name):
        if name == "torchvision":
            raise RuntimeError("operator torchvision::nms does not exist")
        return __import__(name)

    monkeypatch.setattr(engines.importlib, "import_module", broken)
    with pytest.raises(SystemExit) as stopped:
        lenet5.main(["--engine", "torch", "--out", str(tmp_path)])
    assert stopped.value.code == 2
    said = capsys.readouterr().err
    assert "nms does not exist" in said and "python -m parity programs lenet5" in said
