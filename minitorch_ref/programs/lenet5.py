"""LeNet-5 on CIFAR-10: crop, flip and normalize, train, validate, save, load, test.

    3 x 32 x 32 --5x5 conv, relu, 2x2 max--> 6 x 14 x 14 --the same--> 16 x 5 x 5 = 400
                --> 120 --> 84 --> 10 scores, cross-entropy, SGD 0.001 with momentum 0.9

The net is that of LeCun, Bottou, Bengio and Haffner, *Gradient-based learning applied to document
recognition* (1998), as it is taught today: relu for sigmoid, max for average pooling.

`run(torch, config)` is the program, against the torch namespace it is handed.  With a seed, every
random number is drawn in this order: weights, the split, then per epoch the loader's seed and per
image crop top, crop left, flip.  So two engines see the same batches.

    python -m minitorch_ref.programs.lenet5 [--engine minitorch_ref torch] [--data DIR]
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from . import data as sources
from .engines import vision_of
from .nets import NETS
from .report import track

OnStep = Callable[[int, Any, float], None]
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)


@dataclass(frozen=True)
class Config:
    """`limit` keeps only the first images of each part; `drop_after` epochs the rate falls by ten.

    `save` is where the trained state dict goes (None: a temporary file; the test loop reads it back
    either way).  `log` is called with each line.
    """

    model: str = "lenet5"
    epochs: int = 10
    batch_size: int = 16
    learnrate: float = 0.001
    momentum: float = 0.9
    drop_after: int | None = None
    validation: float = 0.2
    seed: int = 0
    limit: int | None = None
    num_workers: int = 0
    data: str | None = None
    save: str | None = None
    log: Callable[[str], None] | None = None

    def __post_init__(self) -> None:
        if self.model not in NETS:
            raise ValueError(f"model must be one of {tuple(NETS)}, got {self.model!r}")


@dataclass
class Result:
    """Per step and per epoch the losses, then the test; `confusion` is [true, predicted] counts."""

    engine: str
    source: str
    classes: list[str]
    step_losses: list[float] = field(default_factory=list)
    train_losses: list[float] = field(default_factory=list)
    validation_losses: list[float] = field(default_factory=list)
    validation_accuracies: list[float] = field(default_factory=list)
    learnrates: list[float] = field(default_factory=list)
    test_loss: float = float("nan")
    test_accuracy: float = float("nan")
    confusion: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.int64))
    initial_state: dict[str, np.ndarray] = field(default_factory=dict)
    final_state: dict[str, np.ndarray] = field(default_factory=dict)
    seconds: float = 0.0  # training and validation
    test_seconds: float = 0.0


def run(
    torch: Any,
    config: Config = Config(),
    on_step: OnStep | None = None,
    pictures: sources.Pictures | None = None,
) -> Result:
    """Train, validate each epoch, save, load and test.

    `on_step(step, (images, labels), loss)` is called before each update, with `torch`'s tensors.
    `pictures` are taken instead of looking for data.
    """
    net_of = NETS[config.model]
    pictures = net_of.choose(pictures or sources.pictures(config.data), config.limit)
    result = Result(torch.__name__, pictures.source, pictures.classes)
    torch.manual_seed(config.seed)
    net = net_of.build(torch)
    result.initial_state = snapshot(net)
    train, validation, test = loaders(torch, config, pictures)
    optimizer = torch.optim.SGD(net.parameters(), lr=config.learnrate, momentum=config.momentum)
    milestones = [] if config.drop_after is None else [config.drop_after]
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones, gamma=0.1)
    began = time.perf_counter()
    for epoch in range(1, config.epochs + 1):
        result.learnrates.append(optimizer.param_groups[0]["lr"])
        title = f"{torch.__name__} {epoch}/{config.epochs}"
        loss = _train(torch, net, net_of.loss, track(train, title), optimizer, result, on_step)
        result.train_losses.append(loss)
        loss, confusion = evaluate(torch, net, net_of.loss, validation, len(pictures.classes))
        result.validation_losses.append(loss)
        result.validation_accuracies.append(_share(confusion))
        schedule.step()
        _log_epoch(config, result, epoch)
    result.seconds = time.perf_counter() - began
    result.final_state = snapshot(net)
    _test(torch, config, net, test, result)
    return result


def _train(
    torch: Any, net: Any, loss_of: Any, batches: Any, optimizer: Any, result: Result, on_step: Any
) -> float:
    """One epoch of updates; the mean loss over its images."""
    net.train()
    total, count = 0.0, 0
    for images, labels in batches:
        optimizer.zero_grad()
        loss = loss_of(torch, net(images), labels)
        loss.backward()
        value = loss.item()
        if on_step is not None:
            on_step(len(result.step_losses), (images, labels), value)
        optimizer.step()
        result.step_losses.append(value)
        total, count = total + value * len(labels), count + len(labels)
    return total / max(count, 1)


def evaluate(
    torch: Any, net: Any, loss_of: Any, batches: Any, classes: int
) -> tuple[float, np.ndarray]:
    """Mean loss and confusion counts (classes, classes), without updates or gradients."""
    net.eval()
    total, confusion = 0.0, np.zeros((classes, classes), np.int64)
    with torch.no_grad():
        for images, labels in batches:
            scores = net(images)
            total += loss_of(torch, scores, labels).item() * len(labels)
            predicted = scores.argmax(dim=1)
            np.add.at(confusion, (labels.numpy(), predicted.numpy()), 1)
    return total / max(int(confusion.sum()), 1), confusion


def _test(torch: Any, config: Config, net: Any, test: Any, result: Result) -> None:
    """Save the weights, read them into a net built anew, and test that one."""
    net_of = NETS[config.model]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(config.save or f"{folder}/{config.model}.pt")
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(net.state_dict(), path)
        fresh = net_of.build(torch)
        fresh.load_state_dict(torch.load(path))
    began = time.perf_counter()
    classes = len(result.classes)
    result.test_loss, result.confusion = evaluate(torch, fresh, net_of.loss, test, classes)
    result.test_accuracy = _share(result.confusion)
    result.test_seconds = time.perf_counter() - began
    if config.log is not None:
        config.log(f"Test Loss: {result.test_loss:.6f}")
        for name, row, right in zip(
            result.classes, result.confusion, result.confusion.diagonal(), strict=True
        ):
            share, count = right / max(row.sum(), 1), row.sum()
            config.log(f"Test Accuracy of {name:>10}: {share:4.0%} ({right}/{count})")
        total = result.confusion.sum()
        right = result.confusion.trace()
        config.log(f"Test Accuracy (overall): {result.test_accuracy:.1%} ({right}/{total})")


def _share(confusion: np.ndarray) -> float:
    return float(confusion.trace() / max(confusion.sum(), 1))


def _log_epoch(config: Config, result: Result, epoch: int) -> None:
    if config.log is not None:
        config.log(
            f"Epoch: {epoch} \tTraining Loss: {result.train_losses[-1]:.6f} "
            f"\tValidation Loss: {result.validation_losses[-1]:.6f} "
            f"\tValidation Accuracy: {result.validation_accuracies[-1]:.1%}"
        )


def snapshot(net: Any) -> dict[str, np.ndarray]:
    """A copy of a net's state dict, in NumPy."""
    return {name: value.detach().numpy().copy() for name, value in net.state_dict().items()}


# ---- the data, as batches -----------------------------------------------------------------------


def loaders(torch: Any, config: Config, pictures: sources.Pictures) -> tuple[Any, Any, Any]:
    """Training (augmented, shuffled), validation and test loaders.

    The split is drawn from the default generator.  Validation images are not augmented.
    """
    from ..vision.datasets import ImageArrays

    transforms = vision_of(torch).transforms
    plain = [transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
    augment = [transforms.RandomCrop(32, padding=4), transforms.RandomHorizontalFlip()]
    images, labels, classes = pictures.train_images, pictures.train_labels, pictures.classes
    training = ImageArrays(images, labels, classes, transforms.Compose(augment + plain))
    resting = ImageArrays(images, labels, classes, transforms.Compose(plain))
    held_out = int(len(images) * config.validation)
    data = torch.utils.data
    chosen, rest = data.random_split(training, [len(images) - held_out, held_out])
    testing = ImageArrays(
        pictures.test_images, pictures.test_labels, classes, transforms.Compose(plain)
    )
    load = {"batch_size": config.batch_size, "num_workers": config.num_workers}
    return (
        data.DataLoader(chosen, shuffle=True, **load),
        data.DataLoader(data.Subset(resting, rest.indices), **load),
        data.DataLoader(testing, **load),
    )


def main(argv: list[str] | None = None) -> int:
    """Train on each engine asked for; print, compare, save the weights and the plots."""
    from .lenet5_report import command_line

    return command_line(argv)


if __name__ == "__main__":
    raise SystemExit(main())
