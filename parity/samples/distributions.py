"""Cases of the draws that `torch.distributions` adds, bit for bit, streams included.

A gamma number's gradient is asked for at small shapes only, where torch evaluates a series: elsewhere
torch approximates it to 1e-3, in float64 too, and cannot be the oracle.  tests/distributions holds it
all against mpmath.
"""

from __future__ import annotations

from .spec import FLOATS, I, X, call, forward, only, rows_with, table

draw = rows_with(random=True, layouts=False, special=False, dtypes=FLOATS, second=False)

SHAPES = (0.125, 20.0)
DRAWS = [
    draw("_standard_gamma", only(("float32",), call(X(7, domain=(0.03125, 0.0625)))),
         forward(call(X(40, domain=SHAPES))),
         forward(call(X(3, 4, domain="prob"))), call(X(0)), bad=[call(I(3))], level="ulp"),
    draw("_sample_dirichlet", call(X(4, 7, domain=SHAPES)), call(X(2, 3, 4, domain="prob")),
         call(X(5, domain=SHAPES)), call(X(0, 3))),
    draw("binomial", call(X(40, domain=(0, 60)), X(40, domain="prob")),
         call(X(40, domain=(30, 900)), X(40, domain="prob")), call(X(0), X(0)),
         bad=[call(I(3), X(3, domain="prob")), call(X(3), I(3)), call(X(3), X(2, domain="prob"))]),
]  # fmt: skip

ROWS = table("distributions", DRAWS)
