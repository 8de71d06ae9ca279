"""The jobs: what is timed, each written once against the torch namespace it is handed.

A job builds its data once (from NumPy's generator, so every engine gets the same numbers) and
returns the function to time.  That function returns its result, so the tests can hold the engines
against each other with the very code that is timed.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

Run = Callable[[], Any]
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)  # of CIFAR-10's three channels


class Job(NamedTuple):
    """`build(torch)` gives the function to time.

    A `cold` one is called once a turn, with no call before it to warm up: a new process each time.
    """

    name: str
    what: str
    build: Callable[[Any], Run]
    cold: bool = False


class UnknownJobError(ValueError):
    """No job has this name."""


def draw(torch: Any, *shape: int, seed: int = 0, grad: bool = False) -> Any:
    """A float32 normal tensor, the same numbers on every engine."""
    values = np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)
    return torch.from_numpy(values).requires_grad_(grad)


def matmul(*left: int, right: tuple[int, ...]) -> Callable[[Any], Run]:
    """Product of two tensors, no graph."""

    def build(torch: Any) -> Run:
        a, b = draw(torch, *left), draw(torch, *right, seed=1)
        return lambda: torch.matmul(a, b)

    return build


def conv_forward(images: tuple[int, ...], weights: tuple[int, ...], padding: int = 0):
    """Convolution with bias, no graph."""

    def build(torch: Any) -> Run:
        x, w = draw(torch, *images), draw(torch, *weights, seed=1)
        b = draw(torch, weights[0], seed=2)
        return lambda: torch.nn.functional.conv2d(x, w, b, padding=padding)

    return build


def conv_training(images: tuple[int, ...], weights: tuple[int, ...], padding: int = 0):
    """Convolution and its three gradients, from a given output gradient."""

    def build(torch: Any) -> Run:
        x, w = draw(torch, *images, grad=True), draw(torch, *weights, seed=1, grad=True)
        b = draw(torch, weights[0], seed=2, grad=True)
        conv2d = torch.nn.functional.conv2d
        g = draw(torch, *conv2d(x, w, b, padding=padding).shape, seed=3)
        return lambda: torch.autograd.grad(conv2d(x, w, b, padding=padding), (x, w, b), g)

    return build


def lenet5_step(batch: int) -> Callable[[Any], Run]:
    """One training step of LeNet-5, the loss read at its end."""

    def build(torch: Any) -> Run:
        from minitorch_ref.programs.nets import lenet5

        torch.manual_seed(0)
        net = lenet5(torch)
        images = draw(torch, batch, 3, 32, 32)
        labels = torch.from_numpy(np.random.default_rng(1).integers(0, 10, batch))
        optimizer = torch.optim.SGD(net.parameters(), lr=0.001, momentum=0.9)

        def step() -> float:
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(net(images), labels)
            loss.backward()
            optimizer.step()
            return loss.item()

        return step

    return build


def pipeline(images: int, batch: int) -> Callable[[Any], Run]:
    """A pass over a shuffling loader: crop, flip, to tensor, normalize."""

    def build(torch: Any) -> Run:
        from minitorch_ref.vision.datasets import ImageArrays

        transforms = transforms_of(torch)
        importlib.import_module(f"{torch.__name__}.utils.data")
        source = np.random.default_rng(0)
        pixels = source.integers(0, 256, (images, 32, 32, 3), dtype=np.uint8)
        chain = transforms.Compose([
            transforms.RandomCrop(32, padding=4),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize(MEAN, STD),
        ])  # fmt: skip
        data = ImageArrays(pixels, [i % 10 for i in range(images)], list("0123456789"), chain)
        torch.manual_seed(0)
        loader = torch.utils.data.DataLoader(data, batch_size=batch, shuffle=True)

        def epoch() -> Any:
            batch = None
            for batch in loader:  # noqa: B007  (the last one is what the tests look at)
                pass
            return batch

        return epoch

    return build


def transforms_of(torch: Any) -> Any:
    """The `transforms` module that belongs to an engine; torchvision's for torch."""
    if torch.__name__ != "torch":
        return importlib.import_module(f"{torch.__name__}.vision.transforms")
    from parity.torch_side import import_torchvision

    import_torchvision()
    return importlib.import_module("torchvision.transforms")


def tiny_forward(torch: Any) -> Run:
    """The price of an op that does nothing: compute four products and record a node."""
    x, y = draw(torch, 4, grad=True), draw(torch, 4, seed=1, grad=True)
    return lambda: x * y


def tiny_backward(torch: Any) -> Run:
    """The price of a backward pass through that one node, two gradients accumulated."""
    x, y = draw(torch, 4, grad=True), draw(torch, 4, seed=1, grad=True)
    out, g = x * y, draw(torch, 4, seed=2)

    def run() -> tuple[Any, Any]:
        x.grad = y.grad = None
        out.backward(g, retain_graph=True)
        return x.grad, y.grad

    return run


def import_time(torch: Any) -> Run:
    """Importing the engine in a new interpreter (the interpreter's own start included)."""
    command = [sys.executable, "-c", f"import {torch.__name__}"]
    return lambda: subprocess.run(command, check=True, timeout=120).returncode


def _both(name: str, what: str, images: tuple, weights: tuple, padding: int = 0) -> list[Job]:
    """A convolution twice: forward alone, and with its gradients."""
    return [
        Job(f"{name}-forward", f"{what}, forward", conv_forward(images, weights, padding)),
        Job(f"{name}-training", f"{what}, forward+backward",
            conv_training(images, weights, padding)),
    ]  # fmt: skip


_ALL: list[Job] = [
    Job("matmul-1024", "1024 x 1024 by itself", matmul(1024, 1024, right=(1024, 1024))),
    Job("matmul-batched", "64 products of 64x128 by 128x64",
        matmul(64, 64, 128, right=(64, 128, 64))),
    *_both("conv-lenet1", "5x5, 3->6 on 32x32, batch 16", (16, 3, 32, 32), (6, 3, 5, 5)),
    *_both("conv-lenet2", "5x5, 6->16 on 14x14, batch 16", (16, 6, 14, 14), (16, 6, 5, 5)),
    *_both("conv-3x3", "3x3, 64->64 on 28x28, batch 8", (8, 64, 28, 28), (64, 64, 3, 3), 1),
    *_both("conv-1x1", "1x1, 64->64 on 28x28, batch 8", (8, 64, 28, 28), (64, 64, 1, 1)),
    *[Job(f"lenet5-{n}", f"LeNet-5 training step, batch {n}", lenet5_step(n))
      for n in (16, 64, 256)],
    Job("pipeline", "256 images: crop, flip, to tensor, normalize", pipeline(256, 16)),
    Job("tiny-forward", "4-element multiply, recorded", tiny_forward),
    Job("tiny-backward", "backward of a 4-element multiply", tiny_backward),
    Job("import", "import in a new interpreter", import_time, cold=True),
]  # fmt: skip
JOBS: dict[str, Job] = {job.name: job for job in _ALL}


def select(names: Iterable[str]) -> list[Job]:
    """The jobs called, or whose name's first words are, one of `names`; all of them for no names.

    Raises UnknownJobError, naming what there is.
    """
    names = list(names)
    for name in names:
        if not any(_fits(job, name) for job in JOBS):
            raise UnknownJobError(f"unknown job {name!r}; there are: {', '.join(JOBS)}")
    return [j for j in JOBS.values() if not names or any(_fits(j.name, n) for n in names)]


def _fits(job: str, name: str) -> bool:
    return job == name or job.startswith(name + "-")
