"""How a new array lies in memory: as torch would lay out a result of that shape.

torch keeps the order of an input's dims, and so does NumPy's order "K"; but dims that are expanded
(stride 0) NumPy puts innermost, while torch leaves them in their place.
"""

from __future__ import annotations

from typing import Literal

import numpy as np


def copy_order(array: np.ndarray) -> Literal["C", "K"]:
    """NumPy's order for a copy of `array`: its own, or row-major where `array` is expanded."""
    if array.flags.forc or 0 not in array.strides:
        return "K"
    return "C" if any(s == 0 and n > 1 for s, n in zip(array.strides, array.shape)) else "K"


def unexpanded(array: np.ndarray) -> np.ndarray:
    """`array`, or a copy where some of its elements share memory."""
    return array if copy_order(array) == "K" else array.copy("C")
