"""Orthogonal polynomials p(x, n): either argument may be a number; they broadcast, and have no gradient.

torch calls the operands x and n, and has no half-precision kernels for these.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..kernels.polynomials import KERNELS
from ..tensor import Tensor
from .common import is_number
from .refusals import bad_argument
from .registry import op
from .special_functions import REAL, SPECIAL, no_half, one_tensor
from .table import binary


def _polynomial(name: str, kernel: Any) -> Any:
    def broadcast(x: np.ndarray, n: np.ndarray) -> np.ndarray:
        x, n = np.broadcast_arrays(x, n)
        return kernel(x.copy(), n.copy())

    rows = no_half(f"{name}_cpu", broadcast)
    row = binary(
        name, rows, None, None, "float",
        kinds=REAL, quoted=f"{name}_cpu", check=one_tensor(f"special_{name}"), publish=False,
    )  # fmt: skip

    def call(x: Any, n: Any, *, out: Tensor | None = None) -> Tensor:
        if not isinstance(x, Tensor) and not is_number(x):
            raise bad_argument(f"special_{name}", "x", 1, x)
        if not isinstance(n, Tensor) and not is_number(n):
            raise bad_argument(f"special_{name}", "n", 2, n)
        return row(x, n, out=out)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"The {name.replace('_', ' ')} of degree `n` (cut to a whole number) at `x`."
    return op(call, own_out=True, **SPECIAL)


for _name, _kernel in KERNELS.items():
    globals()[_name] = _polynomial(_name, _kernel)
