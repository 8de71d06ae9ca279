"""Cases of torch.special that other tables lack: polynomials of every family, poles, far regions."""

from __future__ import annotations

from .pointwise import FLOAT_PAIRS, binary
from .spec import L, call, table

# fmt: off

DEGREES = (-1.0, 12.0)
POLYNOMIALS = ("chebyshev_polynomial_v", "chebyshev_polynomial_w",
    *(f"shifted_chebyshev_polynomial_{k}" for k in "tuvw"))
PAIRS = call(L([[-2.0], [-1.0], [-0.5], [0.0], [0.25], [1.0], [1.5]]), L([-1.0, 0.0, 1.0, 2.0, 5.0, 9.0, 30.0]), note="every degree")

ROWS = table("special", [
    *(binary(f"special.{n}", DEGREES, level="exact", grad=False, pairs=FLOAT_PAIRS, extra=(PAIRS,)) for n in POLYNOMIALS),
])
