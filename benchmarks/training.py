"""Jobs that train: LeNet-5, its input pipeline, the optimizers, the small programs, the import."""

from __future__ import annotations

import importlib
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from .job import Build, Run, draw, integers

RATE, MOMENTUM = 0.001, 0.9
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)  # of CIFAR-10's three channels

# Multiply-adds of LeNet-5's forward pass per image: two convolutions, three linear layers.
LENET5 = (
    28 * 28 * 6 * 3 * 25, 10 * 10 * 16 * 6 * 25, 400 * 120, 120 * 84, 84 * 10,
)  # fmt: skip
LENET5_STEP = 3 * sum(LENET5) - LENET5[0]  # the images need no gradient


@dataclass(frozen=True)
class LeNet5:
    """LeNet-5 on a batch: one training step, the loss read at its end; or its scores, no graph."""

    batch: int
    train: bool = True

    def __call__(self, torch: Any) -> Run:
        """The function to time."""
        from minitorch_ref.programs.nets import lenet5

        torch.manual_seed(0)
        net = lenet5(torch)
        images, labels = draw(torch, self.batch, 3, 32, 32), integers(torch, 10, self.batch)
        if self.train:
            return _step(torch, net, images, labels)

        def scores() -> Any:
            with torch.no_grad():
                return net(images)

        return scores


def _step(torch: Any, net: Any, images: Any, labels: Any) -> Run:
    optimizer = torch.optim.SGD(net.parameters(), lr=RATE, momentum=MOMENTUM)

    def step() -> float:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(images), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def optimizer_step(name: str, size: int, **options: Any) -> Build:
    """One update of a parameter of `size` elements."""

    def build(torch: Any) -> Run:
        p = draw(torch, size, grad=True)
        p.grad = draw(torch, size, seed=1)
        optimizer = getattr(torch.optim, name)([p], **options)

        def run() -> Any:
            optimizer.step()
            return p

        return run

    return build


def sigmoid_epoch(torch: Any) -> Run:
    """An epoch of the sigmoid program: one point, one step, a hundred times."""
    from minitorch_ref.programs import standins

    features, labels = (torch.from_numpy(np.asarray(a, np.float64)) for a in standins.points())
    w, b = (torch.zeros(size, dtype=torch.float64, requires_grad=True) for size in ((2,), ()))
    optimizer = torch.optim.SGD([w, b], lr=0.01)

    def epoch() -> list[float]:
        losses = []
        for x, y in zip(features, labels, strict=True):
            p = torch.sigmoid(torch.dot(x, w) + b)
            loss = -y * torch.log(p) - (1 - y) * torch.log(1 - p)
            optimizer.zero_grad()
            loss.backward()
            losses.append(loss.item())
            optimizer.step()
        return losses

    return epoch


def admissions_epoch(torch: Any) -> Run:
    """An epoch of the admissions program: one step with all applications."""
    from minitorch_ref.programs import standins

    table = np.asarray(standins.applications(), np.float64)
    inputs = (table[:, 1:] - table[:, 1:].mean(0)) / table[:, 1:].std(0)
    x, y = torch.from_numpy(inputs), torch.from_numpy(table[:, 0].copy())
    w = torch.zeros(x.shape[1], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.0001)

    def epoch() -> float:
        p = torch.sigmoid(torch.mv(x, w))
        loss = (-y * torch.log(p) - (1 - y) * torch.log(1 - p)).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return epoch


def pipeline(images: int, batch: int) -> Build:
    """A pass over a shuffling loader: crop, flip, to tensor, normalize."""

    def build(torch: Any) -> Run:
        loader = _loader(torch, images, batch)

        def epoch() -> Any:
            batch = None
            for batch in loader:  # noqa: B007  (the last one is what the tests look at)
                pass
            return batch

        return epoch

    return build


def vision_epoch(images: int, batch: int) -> Build:
    """The vision program's epoch: the loader with its four transforms, and a step per batch."""

    def build(torch: Any) -> Run:
        from minitorch_ref.programs.nets import lenet5

        torch.manual_seed(0)
        net = lenet5(torch)
        loader = _loader(torch, images, batch)
        optimizer = torch.optim.SGD(net.parameters(), lr=RATE, momentum=MOMENTUM)

        def epoch() -> list[float]:
            losses = []
            for inputs, labels in loader:
                optimizer.zero_grad()
                loss = torch.nn.functional.cross_entropy(net(inputs), labels)
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
            return losses

        return epoch

    return build


def _loader(torch: Any, images: int, batch: int) -> Any:
    from minitorch_ref.vision.datasets import ImageArrays

    transforms = transforms_of(torch)
    importlib.import_module(f"{torch.__name__}.utils.data")
    pixels = np.random.default_rng(0).integers(0, 256, (images, 32, 32, 3), dtype=np.uint8)
    chain = transforms.Compose([
        transforms.RandomCrop(32, padding=4),
        transforms.RandomHorizontalFlip(),
        transforms.ToTensor(),
        transforms.Normalize(MEAN, STD),
    ])  # fmt: skip
    data = ImageArrays(pixels, [i % 10 for i in range(images)], list("0123456789"), chain)
    torch.manual_seed(0)
    return torch.utils.data.DataLoader(data, batch_size=batch, shuffle=True)


def transforms_of(torch: Any) -> Any:
    """The `transforms` module that belongs to an engine; torchvision's for torch."""
    if torch.__name__ != "torch":
        return importlib.import_module(f"{torch.__name__}.vision.transforms")
    from parity.torch_side import import_torchvision

    import_torchvision()
    return importlib.import_module("torchvision.transforms")


def import_time(torch: Any) -> Run:
    """Importing the engine in a new interpreter (the interpreter's own start included)."""
    command = [sys.executable, "-c", f"import {torch.__name__}"]
    return lambda: subprocess.run(command, check=True, timeout=120).returncode
