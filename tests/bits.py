"""Arrays compared bit for bit.

Not by `assert a.tobytes() == b.tobytes()`: where the variable CI is set, pytest explains a failure of
that by the difference of two texts of some million lines, which takes it hours.
"""

from __future__ import annotations

import numpy as np


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two arrays have one dtype, one shape, and the same bits: zeros' signs, NaN's payloads."""
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
