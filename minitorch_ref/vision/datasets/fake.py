"""Noise in place of images, for trying a program out without any."""

from __future__ import annotations

from typing import Any

from ... import random
from ...ops.sampling import randint, randn
from ..transforms.functional import to_pil_image
from .base import Transform, VisionDataset


class FakeData(VisionDataset):
    """`size` items of noise; item i is drawn with the seed `random_offset` + i, always the same.

    The default generator is afterwards where it was.  IndexError for i >= `size`.
    """

    def __init__(
        self,
        size: int = 1000,
        image_size: tuple[int, int, int] = (3, 224, 224),
        num_classes: int = 10,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        random_offset: int = 0,
    ):
        super().__init__(transform=transform, target_transform=target_transform)
        self.size = size
        self.num_classes = num_classes
        self.image_size = image_size
        self.random_offset = random_offset

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        if index >= len(self):
            raise IndexError(f"{type(self).__name__} index out of range")
        state = random.get_rng_state()
        random.manual_seed(index + self.random_offset)
        noise = randn(*self.image_size)
        target = randint(0, self.num_classes, size=(1,))[0]
        random.set_rng_state(state)
        img = to_pil_image(noise)
        if self.transform is not None:
            img = self.transform(img)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return img, target.item()
