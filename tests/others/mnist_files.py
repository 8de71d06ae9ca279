"""MNIST's four files with drawn digits: bars, whose place tells the class."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np


def write_mnist(root: Path, train: int = 64, test: int = 32) -> None:
    """The folder `root`/MNIST/raw."""
    folder = root / "MNIST" / "raw"
    folder.mkdir(parents=True)
    random = np.random.RandomState(0)
    for part, count in (("train", train), ("t10k", test)):
        labels = random.randint(0, 10, count).astype(np.uint8)
        images = random.randint(0, 60, (count, 28, 28)).astype(np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[2 * label : 2 * label + 6, 4:24] += 150
        for name, array in (("images-idx3", images), ("labels-idx1", labels)):
            head = struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(
                f">{array.ndim}I", *array.shape
            )
            (folder / f"{part}-{name}-ubyte").write_bytes(head + array.tobytes())
