"""The random numbers of image transforms, from torch's default generator.

torchvision draws `torch.randint(0, n, (1,))` and `torch.rand(1)`: one 32-bit word each.  Here are
those numbers without a tensor around them, and the words themselves for the batch path.
"""

from __future__ import annotations

import numpy as np

from .. import dtypes
from ..kernels import draws
from ..random import default_generator


def words(count: int) -> np.ndarray:
    """The next `count` 32-bit words, each in a uint64."""
    return default_generator.source.words(count)


def integer(n: int) -> int:
    """`torch.randint(0, n, (1,)).item()`."""
    return int(draws.integers(default_generator.source, 1, np.dtype(np.int64), 0, n)[0])


def uniform() -> np.floating:
    """`torch.rand(1)`, of the default dtype: compared with a float, it rounds that, as there."""
    kind = dtypes.get_default_dtype().np
    return draws.uniform(default_generator.source, 1, kind, 0.0, 1.0)[0]
