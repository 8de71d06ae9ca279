"""Two trainings of a script: rounding stays inside the band of moved runs, a bug does not."""

import numpy as np
import pytest
import torch

from parity import diverge, trail, trajectory
from parity.__main__ import main
from parity.engines import EngineError, open_engine
from parity.outcome import Verdict
from parity.programs import NULL_RUNS

ENGINE = open_engine("torch")


def program(rate=0.05, steps=25, momentum=0.9, flip=False):
    def train():
        torch.manual_seed(4)
        net = torch.nn.Sequential(torch.nn.Linear(6, 12), torch.nn.Tanh(), torch.nn.Linear(12, 1))
        optimizer = torch.optim.SGD(net.parameters(), lr=rate, momentum=momentum)
        for _ in range(steps):
            x = torch.randn(20, 6)
            y = net(x.flip(1).flip(1)) if not flip else (net[0](x).tanh() * net[2].weight).flip(1).sum(1, keepdim=True) + net[2].bias
            loss = ((y - x.sum(1, keepdim=True)) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return train


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """torch's losses, and those of the moved runs."""
    folder = tmp_path_factory.mktemp("losses")
    names = {"-": "a.trail", **{f"{how}:{seed}": f"null{seed}.trail" for how, seed in NULL_RUNS}}
    for nudge, name in names.items():
        assert trajectory.record(ENGINE, folder / name, program(), nudge) == ""
    return folder / "a.trail", [folder / n for n in list(names.values())[1:]]


def judged(runs, tmp_path, **changes):
    path = tmp_path / "b.trail"
    trajectory.record(ENGINE, path, program(**changes))
    return trajectory.compare(runs[0], path, runs[1])


def test_the_losses_are_those_of_the_program(runs):
    found = []
    backward = torch.Tensor.backward
    try:
        torch.Tensor.backward = lambda t: (found.append(t.item()), backward(t))[1]
        program()()
    finally:
        torch.Tensor.backward = backward
    assert trajectory.trace(runs[0])[0].losses.tolist() == found and len(found) == 25


def test_the_moved_runs_are_moved(runs):
    plain = trajectory.trace(runs[0])[0].losses
    moved = [trajectory.trace(p)[0].losses for p in runs[1]]
    assert all(len(m) == 25 and 0 < np.max(np.abs(m / plain - 1)) < 1e-4 for m in moved)
    assert all(m[0] == plain[0] for m in moved), "the weights move after the first loss"


def test_the_same_run_and_another_order_of_summation_are_parity(runs, tmp_path):
    assert judged(runs, tmp_path).verdict == Verdict.IDENTICAL
    found = judged(runs, tmp_path, flip=True)
    assert found.verdict == Verdict.EQUAL and 0 < found.difference.max() < found.band.max()


@pytest.mark.parametrize("changes", [{"rate": 0.05001}, {"momentum": 0.8999}, {"steps": 24}])
def test_a_bug_is_outside(runs, tmp_path, changes):
    found = judged(runs, tmp_path, **changes)
    assert not found.verdict.ok
    assert "outside the null band from step" in found.detail or "ends with step 24, torch makes 25" in found.detail


def test_other_weights_at_the_start_are_named(runs, tmp_path):
    path = tmp_path / "b.trail"

    def program_of_another_start():
        weight = torch.nn.Parameter(torch.ones(3))
        optimizer = torch.optim.SGD([weight], lr=0.1)
        for _ in range(25):
            weight.sum().backward()
            optimizer.step()

    trajectory.record(ENGINE, path, program_of_another_start)
    assert "before the first step 1 of 4 and 1 weights have other bits" in trajectory.compare(runs[0], path, runs[1]).detail


def test_what_cannot_be_judged(runs, tmp_path):
    def by_hand(start):
        def train():
            w = torch.tensor(start, requires_grad=True)
            (w * w).backward()

        return train

    for start in (1.0, 2.0):
        trajectory.record(ENGINE, tmp_path / f"{start}.trail", by_hand(start))
    with pytest.raises(EngineError, match="no optimizer of torch.optim makes a step"):
        trajectory.compare(tmp_path / "1.0.trail", tmp_path / "2.0.trail", [])
    trajectory.record(ENGINE, tmp_path / "none.trail", lambda: torch.ones(2).sum())
    with pytest.raises(EngineError, match="calls backward\\(\\) on no scalar"):
        trajectory.compare(tmp_path / "none.trail", runs[0], [])
    with pytest.raises(trail.TrailError, match=r"a\.trail:1: a trail of losses, none of ops"):
        diverge.compare(runs[0], runs[0])


def test_the_command(tmp_path, capsys):
    script = tmp_path / "train.py"
    script.write_text(
        "import torch\ntorch.manual_seed(0)\nnet = torch.nn.Linear(4, 2)\n"
        "lr = 0.1 * (1 + 1e-5 * ('minitorch' in torch.__file__))\n"
        "opt = torch.optim.Adam(net.parameters(), lr=lr)\nx = torch.randn(8, 4)\n"
        "for i in range(12):\n    opt.zero_grad()\n    net(x).pow(2).mean().backward()\n    opt.step()\n"
    )
    assert main(["trajectory", str(script), "--keep", str(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert "train.py: worse: 12 losses; outside the null band from step" in said
    assert (tmp_path / "train.losses.png").read_bytes().startswith(b"\x89PNG")
