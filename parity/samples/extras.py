"""Cases of the rest of torch's dense API: statistics, retired names."""

from __future__ import annotations

from .linear import product
from .pointwise import FLOAT_PAIRS, POLES, binary
from .spec import FLOATS, L, X, call, row, table

# fmt: off

POSITIVE = (0.25, 6.0)
ROWS = table("extras", [
    *(binary(n, POSITIVE, scalar=False, pairs=FLOAT_PAIRS,
        extra=(call(X(3, 4, domain=POSITIVE, grad=False), X(4, domain=POSITIVE)),)) for n in (
        "igamma", "igammac", "special.gammainc", "special.gammaincc")),
    *(row(f"special.{n}", call(X(3, 4), 1), call(X(3, 4), 0), level="sum",
        dtypes=FLOATS) for n in ("softmax", "log_softmax")),
    row("special.polygamma", call(1, X(3, domain=POSITIVE)), *POLES, call(0, X(3, domain=POSITIVE)),
        level="ulp", dtypes=FLOATS),
    row("special.multigammaln", call(X(3, domain=(3.0, 8.0)), 2), level="sum", dtypes=FLOATS,
        special=False),
    *(binary(f"special.{n}", (0.0, 4.0), level="sum", grad=False, pairs=FLOAT_PAIRS) for n in (
        "chebyshev_polynomial_t", "chebyshev_polynomial_u", "hermite_polynomial_h",
        "hermite_polynomial_he", "laguerre_polynomial_l", "legendre_polynomial_p")),
    product("norm_except_dim", call(X(3, 4), 2, 0), dtypes=FLOATS),
    *(row(f"nn.functional.max_pool{n}d_with_indices",
        call(X(1, 2, *(5,) * n, domain="distinct"), 2), dtypes=FLOATS, special=False) for n in (1,
        2, 3)), row("max_pool1d_with_indices", call(X(1, 2, 5, domain="distinct"), 2),
        dtypes=FLOATS, special=False),
    *(row(f"nn.functional.adaptive_max_pool{n}d_with_indices",
        call(X(1, 2, *(5,) * n, domain="distinct"), 2), dtypes=FLOATS, special=False) for n in (1,
        2, 3)),
    row("nn.functional.max_unpool3d", call(X(1, 1, 1, 1, 2), L([[[[[0, 7]]]]], "int64"), 2),
        dtypes=FLOATS, special=False), row("nn.functional.lp_pool3d",
        call(X(1, 2, 4, 4, 4), 2.0, 2), level="sum", dtypes=FLOATS, special=False),
    row("nn.functional.upsample_nearest", call(X(1, 2, 3, 4), scale_factor=2), level="sum",
        dtypes=FLOATS, special=False), row("nn.functional.upsample_bilinear",
        call(X(1, 2, 3, 4), scale_factor=2), level="sum", dtypes=FLOATS, special=False),
    row("swapdims_", call(X(3, 4), 0, 1), grad=False, special=False),
])
