"""The two nets of the vision program, written against a torch namespace: layers, loss, images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .data import Pictures


class Net(NamedTuple):
    """How to build a net, which images it gets, and the loss of its output."""

    build: Callable[[Any], Any]
    choose: Callable[[Pictures, int | None], Pictures]
    loss: Callable[[Any, Any, Any], Any]


def lenet5(torch: Any) -> Any:
    """LeNet-5 for 3 x 32 x 32 images: ten scores each."""
    nn, F = torch.nn, torch.nn.functional

    class LeNet5(nn.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(3, 6, 5)
            self.conv2 = nn.Conv2d(6, 16, 5)
            self.pool = nn.MaxPool2d(2, 2)
            self.fc1 = nn.Linear(16 * 5 * 5, 120)
            self.fc2 = nn.Linear(120, 84)
            self.fc3 = nn.Linear(84, 10)

        def forward(self, x: Any) -> Any:
            x = self.pool(F.relu(self.conv1(x)))
            x = self.pool(F.relu(self.conv2(x)))
            x = torch.flatten(x, 1)
            x = F.relu(self.fc1(x))
            x = F.relu(self.fc2(x))
            return self.fc3(x)

    return LeNet5()


def simple_net(torch: Any) -> Any:
    """Three linear layers for 2,048 numbers: the chances of two classes.

    An image of 3 x 32 x 32 gives its red and its green plane, 2 x 32 x 32 = 2,048 numbers.
    """
    nn, F = torch.nn, torch.nn.functional

    class SimpleNet(nn.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.fc1 = nn.Linear(2048, 256)
            self.fc2 = nn.Linear(256, 64)
            self.fc3 = nn.Linear(64, 2)

        def forward(self, x: Any) -> Any:
            x = x[:, :2].reshape(-1, 2048)
            x = F.relu(self.fc1(x))
            x = F.relu(self.fc2(x))
            return F.softmax(self.fc3(x), dim=1)

    return SimpleNet()


def all_classes(pictures: Pictures, limit: int | None) -> Pictures:
    """Every image, or the first `limit` of each part."""
    if limit is None:
        return pictures
    return pictures._replace(
        train_images=pictures.train_images[:limit],
        train_labels=pictures.train_labels[:limit],
        test_images=pictures.test_images[:limit],
        test_labels=pictures.test_labels[:limit],
    )


def two_classes(pictures: Pictures, limit: int | None) -> Pictures:
    """Only the first two classes (CIFAR-10: airplane, automobile)."""

    def part(images: np.ndarray, labels: list[int]) -> tuple[np.ndarray, list[int]]:
        chosen = [i for i, label in enumerate(labels) if label < 2]
        return images[chosen], [labels[i] for i in chosen]

    train = part(pictures.train_images, pictures.train_labels)
    test = part(pictures.test_images, pictures.test_labels)
    return all_classes(Pictures(*train, *test, pictures.classes[:2], pictures.source), limit)


def cross_entropy(torch: Any, scores: Any, labels: Any) -> Any:
    """Of scores, any real numbers."""
    return torch.nn.functional.cross_entropy(scores, labels)


def log_of_chance(torch: Any, chances: Any, labels: Any) -> Any:
    """Cross-entropy of chances, which the net's softmax has already made of its scores."""
    return torch.nn.functional.nll_loss(torch.log(chances.clamp(min=1e-12)), labels)


NETS = {
    "lenet5": Net(lenet5, all_classes, cross_entropy),
    "simplenet": Net(simple_net, two_classes, log_of_chance),
}
