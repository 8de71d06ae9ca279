"""Ten classes of drawn shapes, 32 x 32 RGB: what stands in for CIFAR-10 where there is none.

Each class is a signed distance d(x, y): how far a point is outside the shape (negative inside).
Clipping 1/2 - d/pixel to [0, 1] gives the part of a pixel that the shape covers, edges smooth.
Place, size, tilt, both colours, lighting and noise are drawn; only the shape tells the class.
Mirroring an image and shifting it a few pixels leave its class alone, as the transforms need.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .arrays import ImageArrays, in_planes
from .base import Transform

_SIDE = 32
_Field = Callable[[np.ndarray, np.ndarray], np.ndarray]


def _box(x: np.ndarray, y: np.ndarray, half_width: float, half_height: float) -> np.ndarray:
    return np.maximum(np.abs(x) - half_width, np.abs(y) - half_height)


def _disc(x: np.ndarray, y: np.ndarray, radius: float) -> np.ndarray:
    return np.sqrt(x * x + y * y) - radius


def _wedge(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """An upright triangle: below two slanted sides and above the base."""
    return np.maximum((2 * np.abs(x) - y - 0.9) / np.sqrt(np.float32(5)), y - 0.8)


def _turned(field: _Field) -> _Field:
    """`field` turned by 45 degrees."""
    half = np.sqrt(np.float32(0.5))
    return lambda x, y: field((x + y) * half, (y - x) * half)


# In units of the shape's radius; y points down, as image rows do.
_FIELDS: dict[str, _Field] = {
    "disc": lambda x, y: _disc(x, y, 0.9),
    "ring": lambda x, y: np.abs(_disc(x, y, 0.75)) - 0.18,
    "square": lambda x, y: _box(x, y, 0.8, 0.8),
    "frame": lambda x, y: np.abs(_box(x, y, 0.7, 0.7)) - 0.16,
    "triangle": _wedge,
    "funnel": lambda x, y: _wedge(x, -y),
    "plus": lambda x, y: np.minimum(_box(x, y, 0.95, 0.22), _box(x, y, 0.22, 0.95)),
    "cross": _turned(lambda x, y: np.minimum(_box(x, y, 1.0, 0.2), _box(x, y, 0.2, 1.0))),
    "rows": lambda x, y: _box(x, np.abs(y) - 0.6, 0.95, 0.22),
    "columns": lambda x, y: _box(np.abs(x) - 0.6, y, 0.22, 0.95),
}
CLASSES = tuple(_FIELDS)


def draw_shapes(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """`count` images uint8 (count, 32, 32, 3) and labels (count,), the classes in equal shares."""
    rng = np.random.RandomState(seed)
    labels = rng.permutation(count) % len(CLASSES)
    centre = rng.uniform(13, 18, (2, count, 1, 1)).astype(np.float32)
    radius = rng.uniform(7.5, 11, (count, 1, 1)).astype(np.float32)
    tilt = rng.uniform(-0.15, 0.15, (count, 1, 1)).astype(np.float32)
    paint, ground = _colours(rng, count)
    shade = rng.uniform(-12, 12, (2, count, 1, 1)).astype(np.float32)
    noise = rng.standard_normal((count, _SIDE, _SIDE, 1)).astype(np.float32) * 5

    rows, columns = np.mgrid[:_SIDE, :_SIDE].astype(np.float32)
    dx, dy = columns - centre[0], rows - centre[1]
    x = (dx * np.cos(tilt) + dy * np.sin(tilt)) / radius
    y = (dy * np.cos(tilt) - dx * np.sin(tilt)) / radius
    cover = np.empty((count, _SIDE, _SIDE), np.float32)
    for label, field in enumerate(_FIELDS.values()):
        mine = labels == label
        cover[mine] = np.clip(0.5 - field(x[mine], y[mine]) * radius[mine], 0, 1)
    light = shade[0] * (columns / 16 - 1) + shade[1] * (rows / 16 - 1)
    pixels = ground + cover[..., None] * (paint - ground) + light[..., None] + noise
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8), labels


def _colours(rng: np.random.RandomState, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Bright paint on dark ground, float32 (count, 1, 1, 3) each."""
    paint = rng.uniform(130, 250, (count, 1, 1, 3))
    paint[np.arange(count), 0, 0, rng.randint(3, size=count)] = 240  # never grey mud
    ground = rng.uniform(10, 90, (count, 1, 1, 3))
    return paint.astype(np.float32), ground.astype(np.float32)


class Shapes(ImageArrays):
    """`count` drawn shapes (5,000 for training, 1,000 for testing), the same ones every time."""

    def __init__(
        self,
        train: bool = True,
        transform: Transform | None = None,
        target_transform: Transform | None = None,
        *,
        count: int | None = None,
        seed: int = 0,
    ):
        self.train = train
        count = count if count is not None else 5000 if train else 1000
        data, labels = draw_shapes(count, 2 * seed + (not train))
        super().__init__(in_planes(data), labels.tolist(), CLASSES, transform, target_transform)

    def extra_repr(self) -> str:
        return f"Split: {'Train' if self.train else 'Test'}"
