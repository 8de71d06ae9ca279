"""Images held in one array: the dataset behind CIFAR-10, the stand-in and your own pixels."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..image import from_array
from .base import Transform, VisionDataset
from .batched import collate_batch


def in_planes(images: np.ndarray) -> np.ndarray:
    """The same (N, H, W, C) with each channel's plane in one piece of memory, as CIFAR's files are.

    Batches of (C, H, W) are cut from that two or three times faster.
    """
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1)


class ImageArrays(VisionDataset):
    """`data`, uint8 of shape (N, H, W) or (N, H, W, C), and one integer of `targets` per image.

    An item is (image, target) after the transforms, the image a PIL one where Pillow is there.
    ValueError for other dtypes and ranks, and for lengths that differ.
    """

    classes: list[str]

    def __init__(
        self,
        data: np.ndarray,
        targets: Sequence[int],
        classes: Sequence[str] = (),
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        root: str | os.PathLike[str] | None = None,
    ):
        super().__init__(root, transform=transform, target_transform=target_transform)
        self._hold(np.asarray(data), [int(target) for target in targets], list(classes))

    def _hold(self, data: np.ndarray, targets: list[int], classes: list[str]) -> None:
        if data.dtype != np.uint8 or data.ndim not in (3, 4):
            raise ValueError(
                "images must be a uint8 array of shape (N, H, W) or (N, H, W, C), "
                f"got {data.dtype} of shape {data.shape}"
            )
        if len(data) != len(targets):
            raise ValueError(f"{len(data)} images but {len(targets)} targets")
        self.data = data
        self.targets = targets
        self.classes = classes
        self.class_to_idx = {name: i for i, name in enumerate(classes)}

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        img, target = from_array(self.data[index]), self.targets[index]
        if self.transform is not None:
            img = self.transform(img)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return img, target

    def _collated_batch(self, indices: Sequence[int]) -> Any:
        """What a loader's default collating of these items gives, or None if it must do it."""
        own = type(self).__getitem__ is not ImageArrays.__getitem__  # a subclass's way of making items
        if own or self.target_transform is not None:
            return None
        return collate_batch(self.data, self.targets, self.transform, indices)
