"""Bessel functions of orders 0 and 1, modified ones, Airy's Ai and the spherical j₀.

torch defines no derivative for these, and no half precision: every row is a name and a kernel.
"""

from __future__ import annotations

from typing import Any

from ..kernels import special as k
from ..tensor import Tensor
from .refusals import bad_argument
from .registry import op
from .special_functions import REAL, SPECIAL, no_half
from .table import unary


def _bessel(name: str, kernel: Any, argument: str = "input") -> Any:
    """`torch.special.name(argument)`, without gradient."""
    kernel = no_half(f"{name}_cpu", kernel)
    row = unary(name, kernel, None, "float", kinds=REAL, quoted=f"{name}_cpu", publish=False)
    if argument == "input":
        return op(row, own_out=True, **SPECIAL)

    def call(x: Tensor, *, out: Tensor | None = None) -> Tensor:
        if not isinstance(x, Tensor):
            raise bad_argument(f"special_{name}", "x", 1, x)
        return row(x, out=out)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = row.__doc__
    return op(call, own_out=True, **SPECIAL)


bessel_j0 = _bessel("bessel_j0", k.scipy_function("j0"))
bessel_j1 = _bessel("bessel_j1", k.scipy_function("j1"))
bessel_y0 = _bessel("bessel_y0", k.scipy_function("y0"))
bessel_y1 = _bessel("bessel_y1", k.scipy_function("y1"))
modified_bessel_i0 = _bessel("modified_bessel_i0", k.modified_bessel("i", 0))
modified_bessel_i1 = _bessel("modified_bessel_i1", k.modified_bessel("i", 1))
modified_bessel_k0 = _bessel("modified_bessel_k0", k.modified_bessel("k", 0))
modified_bessel_k1 = _bessel("modified_bessel_k1", k.modified_bessel("k", 1))
scaled_modified_bessel_k0 = _bessel("scaled_modified_bessel_k0", k.modified_bessel("k", 0, True), "x")
scaled_modified_bessel_k1 = _bessel("scaled_modified_bessel_k1", k.modified_bessel("k", 1, True), "x")
spherical_bessel_j0 = _bessel("spherical_bessel_j0", k.spherical_bessel_j0, "x")
airy_ai = _bessel("airy_ai", k.airy_ai, "x")
