"""Cases of the rest of torch's dense API: copies of views, statistics, retired names, signals."""

from __future__ import annotations

from .linear import product
from .pointwise import FLOAT_PAIRS, binary
from .spec import FLOATS, I, L, X, call, row, table

# fmt: off

POSITIVE = (0.25, 6.0)
COPIES = {"expand": ((3, 4),), "permute": ((1, 0),), "select": (0, 1), "slice": (0, 1, 3),
    "squeeze": (), "t": (), "transpose": (0, 1),
          "unsqueeze": (0,), "view": ((12,),), "unbind": (), "split": (2,),
          "split_with_sizes": ([1, 2],), "diagonal": (), "detach": (), "alias": (),
          "as_strided": ((3, 2), (4, 1))}

ROWS = table("extras", [
    *(row(f"{name}_copy", call(X(3, 4), *args), special=False,
        layouts=name != "as_strided") for name, args in COPIES.items()),
    row("as_strided_scatter", call(X(3, 4), X(2, 2), (2, 2), (4, 1)), special=False, layouts=False),
    *(product(n, call(X(3, 6)), call(X(6)), call(X(3, 6),
        correction=0) if n == "cov" else call(X(2, 5)), dtypes=FLOATS, depth=16) for n in ("cov",
        "corrcoef")),
    row("gradient", call(X(6)), call(X(3, 4), dim=1), call(X(6), spacing=0.5), level="sum",
        dtypes=FLOATS, special=False),
    row("unravel_index", call(I(4, low=0, high=11), (3, 4)), call(I(2, low=0, high=5), 6),
        grad=False),
    *(binary(n, POSITIVE, scalar=False, grad=False, pairs=FLOAT_PAIRS) for n in ("igamma",
        "igammac", "special.gammainc", "special.gammaincc")),
    *(row(f"special.{n}", call(X(3, 4), 1), call(X(3, 4), 0), level="sum",
        dtypes=FLOATS) for n in ("softmax", "log_softmax")),
    row("special.polygamma", call(1, X(3, domain=POSITIVE)), call(0, X(3, domain=POSITIVE)),
        level="ulp", dtypes=FLOATS),
    row("special.multigammaln", call(X(3, domain=(3.0, 8.0)), 2), level="sum", dtypes=FLOATS,
        special=False),
    *(binary(f"special.{n}", (0.0, 4.0), "sum", grad=False, pairs=FLOAT_PAIRS) for n in (
        "chebyshev_polynomial_t", "chebyshev_polynomial_u", "hermite_polynomial_h",
        "hermite_polynomial_he", "laguerre_polynomial_l", "legendre_polynomial_p")),
    *(product(f"fft.{n}", call(X(4, 6)), call(X(4, 6), (3, 5)), dtypes=FLOATS,
        depth=20) for n in ("hfft2", "hfftn", "ihfft2", "ihfftn")),
    product("stft", call(X(40), 8, return_complex=True),
        call(X(2, 40), 8, 4, 8, L([1.0] * 8, grad=False), return_complex=True),
        bad=[call(X(4), 8, return_complex=True)], dtypes=FLOATS, depth=24),
    product("linalg.lu_solve", call(X(3, 3, domain="triangular"), L([1, 2, 3], "int32"), X(3, 2)),
        dtypes=FLOATS, depth=40),
    *(product(f"linalg.{n}", call(X(3, 3, domain="spd")), dtypes=FLOATS, depth=40,
        second=False) for n in ("cholesky_ex", "inv_ex", "lu_factor_ex")),
    product("linalg.solve_ex", call(X(3, 3, domain="invertible"), X(3, 2)), dtypes=FLOATS,
        depth=40),
    product("lu_unpack", call(X(3, 3), L([1, 2, 3], "int32")), dtypes=FLOATS),
    product("nuclear_norm", call(X(3, 4)), dtypes=FLOATS, second=False, depth=40),
    product("frobenius_norm", call(X(3, 4), (0, 1)), dtypes=FLOATS),
    product("norm_except_dim", call(X(3, 4), 2, 0), dtypes=FLOATS),
    row("nonzero_static", call(X(3, 4, domain="ties"), size=5),
        call(X(3, 4, domain="ties"), size=2, fill_value=7), grad=False),
        row("get_device", call(X(2)), grad=False, special=False),
    row("is_cpu", call(X(2)), grad=False, special=False),
    row("dim_order", call(X(2, 3)), grad=False, special=False),
    row("typename", call(X(2)), grad=False, special=False),
    row("histogramdd", call(X(20, 2), [3, 4]), dtypes=FLOATS, grad=False, level="ulp",
        special=False), row("binomial", call(L([10.0, 20.0]), L([0.25, 0.5])), dtypes=FLOATS,
        random=True, grad=False, special=False),
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
    row("nn.functional.ctc_loss", call(X(6, 2, 5), I(2, 3, low=1, high=5), L([6, 6], "int64"),
        L([3, 2], "int64")), level="sum", dtypes=FLOATS, special=False, second=False, depth=24),
    *(row(n, bad=[call(X(3, 3)), call(X(3, 3), X(3, 3))], grad=False) for n in ("eig", "symeig",
        "solve", "lstsq", "matrix_rank")),
    row("swapdims_", call(X(3, 4), 0, 1), grad=False, special=False),
])
