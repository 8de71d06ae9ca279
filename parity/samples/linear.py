"""Cases of matrix products, linear algebra and Fourier transforms.

Eigenvectors, singular vectors and QR factors are defined up to signs or phases; parity compares
them as they come, since both sides call LAPACK; where they differ the row says level "sum" and the
comparison tells.
"""

from __future__ import annotations

from .spec import ALL, COMPLEX, FLOATS, INEXACT, INTS, REAL, L, Row, X, call, row, table

# fmt: off
NUMBERS = REAL + COMPLEX
MIXED = FLOATS + COMPLEX


def product(name: str, *calls: object, bad: tuple = (), **options: object) -> Row:
    return row(name, *calls, bad=bad, level="sum", **{"dtypes": ALL, "special": False, **options})


SQUARE, SPD, STACK = X(4, 4, domain="invertible"), X(4, 4, domain="spd"), X(2, 3, 3,
    domain="invertible")
PIVOTS = L([1, 2, 3], "int32")
NOT_SQUARE = [call(X(3, 4)), call(X(3))]

PRODUCTS = [
    product("matmul", call(X(3, 4), X(4, 2)), call(X(4), X(4)), call(X(3, 4), X(4)),
        call(X(4), X(4, 2)), call(X(2, 3, 4), X(4, 2)), call(X(2, 1, 3, 4), X(5, 4, 2)),
        call(X(3, 0), X(0, 2)), call(X(0, 3), X(3, 2)),
            call(X(4), X(2, 4, 3)), call(X(2, 3, 4), X(4)), call(X(5, 60), X(60, 4)),
            bad=[call(X(3, 4), X(3, 4)), call(X(), X(3)), call(X(2, 3, 4), X(3, 4, 5)),
                call(X(3), X(4))]),
    product("mm", call(X(3, 4), X(4, 2)), call(X(3, 0), X(0, 2)), call(X(5, 60), X(60, 4)),
        bad=[call(X(3, 4), X(3, 4)), call(X(3), X(3)), call(X(2, 3, 4), X(4, 2))]),
    product("bmm", call(X(2, 3, 4), X(2, 4, 5)), call(X(0, 3, 4), X(0, 4, 5)),
        bad=[call(X(2, 3, 4), X(3, 4, 5)), call(X(3, 4), X(4, 2))]),
    product("mv", call(X(3, 4), X(4)), bad=[call(X(3, 4), X(3)), call(X(3), X(3))]),
    product("dot", call(X(4), X(4)), call(X(0), X(0)), call(X(100), X(100)),
        bad=[call(X(3), X(4)), call(X(3, 3), X(3))]),
    product("vdot", call(X(4), X(4)), bad=[call(X(3), X(4))]),
    product("inner", call(X(4), X(4)), call(X(2, 4), X(3, 4)), call(X(), X(3)),
        bad=[call(X(3), X(4))]),
    *(product(n, call(X(3), X(4)), call(X(0), X(2)), bad=[call(X(3, 3), X(3))]) for n in ("outer",
        "ger")),
    product("addmm", call(X(3, 2), X(3, 4), X(4, 2)),
        call(X(2), X(3, 4), X(4, 2), beta=2, alpha=0.5), call(X(), X(3, 4), X(4, 2)),
        call(X(3, 2), X(3, 4), X(4, 2), beta=0), bad=[call(X(3, 2), X(3, 4), X(3, 2)),
            call(X(5), X(3, 4), X(4, 2))], dtypes=NUMBERS),
    product("addmv", call(X(3), X(3, 4), X(4)), call(X(3), X(3, 4), X(4), beta=2, alpha=0.5),
        bad=[call(X(3), X(3, 4), X(3))], dtypes=NUMBERS),
    product("addr", call(X(3, 4), X(3), X(4)), call(X(4), X(3), X(4), beta=2, alpha=0.5),
        bad=[call(X(3, 3), X(3), X(4))], dtypes=NUMBERS),
    product("addbmm", call(X(3, 5), X(2, 3, 4), X(2, 4, 5)),
        call(X(5), X(2, 3, 4), X(2, 4, 5), beta=2, alpha=0.5),
        bad=[call(X(3, 5), X(2, 3, 4), X(3, 4, 5))], dtypes=NUMBERS),
    product("baddbmm", call(X(2, 3, 5), X(2, 3, 4), X(2, 4, 5)),
        call(X(5), X(2, 3, 4), X(2, 4, 5), beta=2, alpha=0.5),
        bad=[call(X(2, 3, 5), X(2, 3, 4), X(3, 4, 5))], dtypes=NUMBERS),
    product("chain_matmul", call(X(3, 4), X(4, 2), X(2, 5)), dtypes=FLOATS),
    product("linalg.multi_dot", call([X(3, 4), X(4, 2), X(2, 5)]), call([X(4), X(4, 2), X(2)]),
        bad=[call([X(3, 4)])], dtypes=MIXED),
    product("kron", call(X(2, 3), X(3, 2)), call(X(3), X(2)), call(X(2), X(2, 2))),
    product("trace", call(X(3, 4)), call(X(3, 3)), bad=[call(X(3))]),
    product("cross", call(X(4, 3), X(4, 3)), call(X(3, 4), X(3, 4), dim=0),
        bad=[call(X(4), X(4)), call(X(4, 3), X(4, 3), dim=0)], dtypes=NUMBERS),
        product("linalg.cross", call(X(4, 3), X(4, 3)), call(X(3, 4), X(3, 4), dim=0),
            call(X(3), X(4, 3)), bad=[call(X(4), X(4))], dtypes=NUMBERS),
    product("einsum", call("ij,jk->ik", X(3, 4), X(4, 2)), call("ij->ji", X(3, 4)),
        call("ii", X(3, 3)), call("ii->i", X(3, 3)), call("bij,bjk->bik", X(2, 3, 4), X(2, 4, 5)),
        call("i,j", X(3), X(4)), call("...ij,...jk->...ik", X(2, 3, 4), X(4, 5)),
            call("ij,kj,k->i", X(3, 4), X(2, 4), X(2)), call("ij->", X(3, 4)),
            call("a,b->ba", X(2), X(3)), bad=[call("ij,jk", X(3, 4), X(3, 4)),
                call("ij->k", X(3, 4)), call("ijk", X(3, 4)), call("i j,,", X(3, 4))],
                dtypes=FLOATS + INTS + COMPLEX),
]

LAPACK = [
    *(product(n, call(SQUARE), call(STACK), call(X(0, 0)), bad=NOT_SQUARE, dtypes=MIXED,
        depth=40) for n in ("inverse", "linalg.inv", "det", "linalg.det", "slogdet",
        "linalg.slogdet", "logdet")),
    *(product(n, call(SPD), call(X(2, 3, 3, domain="spd")),
        bad=[*NOT_SQUARE, call(X(2, 2, domain=(-3.0, -2.0)))], dtypes=MIXED,
        depth=40) for n in ("cholesky", "linalg.cholesky")),
    product("cholesky_inverse", call(X(3, 3, domain="triangular")),
        call(X(3, 3, domain="triangular"), upper=True), dtypes=FLOATS, depth=40),
        product("cholesky_solve", call(X(3, 2), X(3, 3, domain="triangular")), dtypes=FLOATS,
            depth=40),
    product("linalg.solve", call(SQUARE, X(4, 2)), call(SQUARE, X(4)), call(STACK, X(2, 3, 2)),
        bad=[call(SQUARE, X(3)), call(X(3, 4), X(3))], dtypes=MIXED, depth=40),
        product("linalg.solve_triangular", call(X(3, 3, domain="triangular"), X(3, 2), upper=False),
            call(X(3, 3, domain="triangular"), X(2, 3), upper=False, left=False), dtypes=MIXED,
            depth=40),
    product("triangular_solve", call(X(3, 2), X(3, 3, domain="triangular"), upper=False),
        dtypes=FLOATS, depth=40), product("linalg.lstsq", call(X(5, 3), X(5, 2)), dtypes=FLOATS,
        depth=60, grad=False),
    *(product(n, call(X(4, 3)), call(X(3, 3)), dtypes=MIXED, depth=60,
        second=False) for n in ("linalg.qr", "qr")), *(product(n, call(X(4, 3)),
        call(X(3, 4), full_matrices=False) if n == "linalg.svd" else call(X(3, 4)), dtypes=FLOATS,
        depth=60, grad=False) for n in ("linalg.svd", "svd")),
    product("linalg.svdvals", call(X(4, 3)), call(X(2, 3, 3)), dtypes=MIXED, depth=60,
        second=False), product("linalg.eigvalsh", call(SPD), dtypes=MIXED, depth=60, second=False),
        product("linalg.eigh", call(SPD), dtypes=FLOATS, depth=60, second=False),
        product("linalg.eigvals", call(SPD), dtypes=FLOATS, depth=60, grad=False),
        product("linalg.eig", call(SPD), dtypes=FLOATS, depth=60, grad=False),
    *(product(n, call(SQUARE), call(STACK), dtypes=FLOATS, depth=60,
        second=False) for n in ("linalg.lu", "linalg.lu_factor", "lu")),
        product("lu_solve", call(X(3, 2), X(3, 3, domain="triangular"), PIVOTS), dtypes=FLOATS,
            grad=False),
    *(product(n, call(X(4, 3)), call(X(3, 4)), dtypes=FLOATS, depth=80,
        second=False) for n in ("pinverse", "linalg.pinv")),
        *(product(n, call(SQUARE, 3), call(SQUARE, 0), call(SQUARE, -1), call(SQUARE, 2),
            bad=[call(X(3, 4), 2)], dtypes=MIXED, depth=40) for n in ("matrix_power",
            "linalg.matrix_power")),
    product("linalg.matrix_exp", call(X(3, 3)), dtypes=FLOATS, depth=60, second=False),
    product("matrix_exp", call(X(3, 3)), dtypes=FLOATS, depth=60, second=False),
    product("linalg.matrix_rank", call(SQUARE), dtypes=FLOATS, grad=False),
    product("linalg.cond", call(SQUARE), call(SQUARE, 1), dtypes=FLOATS, depth=80, second=False),
    product("linalg.vector_norm", call(X(3, 4)), call(X(3, 4), 1, dim=1),
        call(X(3, 4), float("inf"), dim=0, keepdim=True), call(X(3, 4), 3), call(X(3, 4), 0),
        bad=[call(X(3, 4), dim=2)], dtypes=INEXACT), product("linalg.matrix_norm", call(X(3, 4)),
        call(X(3, 4), 1), call(X(3, 4), float("inf")), call(X(3, 4), "nuc"), call(X(3, 4), 2),
        bad=[call(X(3)), call(X(3, 4), 3)], dtypes=MIXED, depth=60, second=False),
    product("linalg.norm", call(X(3, 4)), call(X(3, 4), 1), call(X(4), 3), call(X(3, 4), "fro"),
        call(X(3, 4), 2, dim=1), dtypes=MIXED, depth=60, second=False),
        product("linalg.diagonal", call(X(3, 4)), call(X(2, 3, 4), offset=1)),
        product("linalg.matmul", call(X(3, 4), X(4, 2))),
        product("linalg.vecdot", call(X(3, 4), X(3, 4)), call(X(4), X(3, 4)), dtypes=INEXACT),
    product("linalg.tensorinv", call(X(4, 2, 2), ind=1), dtypes=FLOATS, depth=40),
    product("linalg.tensorsolve", call(X(2, 2, 4), X(2, 2)), dtypes=FLOATS, depth=40),
    product("linalg.vander", call(X(4)), dtypes=FLOATS),
]

FFT = [call(X(8)), call(X(3, 6)), call(X(8), 5), call(X(8), n=11), call(X(3, 6), dim=0),
    call(X(8), norm="ortho"), call(X(8), norm="forward")]
FFTN = [call(X(4, 6)), call(X(4, 6), (3, 5)), call(X(2, 4, 6), dim=(0, 2)),
    call(X(4, 6), norm="ortho")]
SPECTRAL = [
    *(product(f"fft.{n}", *FFT, bad=[call(X(8), 0), call(X(8), norm="abc"), call(X(8), dim=1)],
        dtypes=MIXED + ("int64",), depth=20) for n in ("fft", "ifft", "hfft", "irfft")),
        *(product(f"fft.{n}", *FFT, bad=[call(X(8), 0)], dtypes=FLOATS + ("int64",),
            depth=20) for n in ("rfft", "ihfft")),
    *(product(f"fft.{n}", *FFTN, dtypes=MIXED, depth=20) for n in ("fft2", "ifft2", "irfft2",
        "fftn", "ifftn", "irfftn")), *(product(f"fft.{n}", *FFTN, dtypes=FLOATS,
        depth=20) for n in ("rfft2", "rfftn")),
    *(row(f"fft.{n}", call(8), call(7), call(8, 0.5), grad=False) for n in ("fftfreq", "rfftfreq")),
    *(row(f"fft.{n}", call(X(5)), call(X(3, 4)), call(X(3, 4), dim=1),
        special=False) for n in ("fftshift", "ifftshift")),
]

ROWS = table("linear algebra", PRODUCTS + LAPACK + SPECTRAL)
