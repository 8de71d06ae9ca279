"""A whole script as people write them, unchanged on both engines: the same printed lines.

Digits from MNIST's files, images from folders, a command line, a scheduler, a checkpoint with
NumPy's numbers in it, a model saved whole and loaded again.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from mnist_files import write_mnist

import minitorch_ref as mt

HOME = str(Path(mt.__file__).parents[1])

SCRIPT = """
import argparse
import numpy as np
import torch
import torch.distributed as dist
import torch.nn as nn
import torch.nn.functional as F
import torch.onnx
import torch.optim as optim
from torch.optim.lr_scheduler import StepLR
from torchvision import datasets, models, transforms
from torchvision.utils import save_image


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.drop = nn.Dropout(0.25)
        self.fc = nn.Linear(4 * 13 * 13, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv(x)), 2)
        return F.log_softmax(self.fc(torch.flatten(self.drop(x), 1)), dim=1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=0.5)
    args = parser.parse_args()
    accelerated = torch.accelerator.is_available()
    device = torch.accelerator.current_accelerator() if accelerated else torch.device("cpu")
    assert not (dist.is_available() and dist.is_initialized())
    print("device", device, "resnet18" in models.__dict__)
    torch.manual_seed(1)
    chain = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
    train = datasets.MNIST("data", train=True, transform=chain)
    test = datasets.MNIST("data", train=False, transform=chain)
    loader = torch.utils.data.DataLoader(train, batch_size=16, shuffle=True)
    model = Net().to(device)
    optimizer = optim.Adadelta(model.parameters(), lr=args.lr)
    scheduler = StepLR(optimizer, step_size=1, gamma=0.7)
    for epoch in range(2):
        model.train()
        for data, target in loader:
            optimizer.zero_grad()
            loss = F.nll_loss(model(data), target)
            loss.backward()
            optimizer.step()
            print("loss %.5f" % loss.item())
        scheduler.step()
    torch.save({"epoch": epoch, "best": np.float64(0.5), "seen": np.arange(3), "net": model.state_dict()}, "state.pt")
    torch.save(model, "whole.pt")
    state = torch.load("state.pt", weights_only=False)
    model = torch.load("whole.pt", weights_only=False)
    print(state["epoch"], state["best"] > 0.4, state["seen"].tolist(), model)
    model.eval()
    with torch.no_grad():
        images, labels = next(iter(torch.utils.data.DataLoader(test, batch_size=len(test))))
        print("test %.4f" % F.nll_loss(model(images), labels).item(), train)
    save_image(images[:4], "grid.png", nrow=2, normalize=True)


if __name__ == "__main__":
    main()
"""

THEIRS = """
import runpy, sys
sys.path.insert(0, {home!r})
from parity.torch_side import import_torchvision
import_torchvision()
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def run(tmp_path, *words):
    done = subprocess.run(
        [sys.executable, *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": HOME, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_script_prints_what_it_prints_on_torch(tmp_path):
    pytest.importorskip("PIL")
    outputs, grids = [], []
    for side in ("ours", "theirs"):
        folder = tmp_path / side
        folder.mkdir()
        write_mnist(folder / "data")
        (folder / "script.py").write_text(SCRIPT)
        start = ("-m", "minitorch_ref") if side == "ours" else ("-c", THEIRS.format(home=HOME))
        outputs.append(run(folder, *start, "script.py", "--lr", "0.3"))
        grids.append((folder / "grid.png").read_bytes())
    numbers = [[float(x) for x in re.findall(r"(?:loss|test) ([0-9.]+)", text)] for text in outputs]
    assert len(numbers[0]) == len(numbers[1]) > 6
    assert numbers[0][0] == numbers[1][0]  # the same weights, batches and dropout
    assert numbers[0] == pytest.approx(numbers[1], rel=2e-3)
    rest = [re.sub(r"(loss|test) [0-9.]+", "", text) for text in outputs]
    assert rest[0] == rest[1]
    assert grids[0] == grids[1]
