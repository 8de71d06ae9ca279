"""Cases of matrix decompositions.

LU, QR and Cholesky factors are unique as LAPACK defines them and are compared as they come.
Eigenvectors and singular vectors are defined up to a phase: their rows name the gauge in which they
are compared (parity/gauge.py).  The bound of all of them is that of a backward-stable algorithm.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .spec import (
    COMPLEX,
    FLOATS,
    HALF,
    INTS,
    Arr,
    Call,
    L,
    X,
    call,
    forward,
    only,
    rows_with,
    table,
)

# fmt: off
MIXED = FLOATS + COMPLEX
PIVOTS = L([2, 2, 3], "int32")


def M(*shape: int) -> Arr:
    """Matrices of full rank."""
    return X(*shape, domain="invertible")


def S(*shape: int) -> Arr:
    """Positive definite matrices."""
    return X(*shape, domain="spd")


lapack = rows_with(level="factorization", dtypes=MIXED, few=MIXED, special=False, depth=20)

NOT_SQUARE = [call(3), call(X(3, 4)), call(X(3)), call(X()), call(X(2, 3, 4))]
WRONG_TYPES = [call(Arr((2, 2), t)) for t in ("float16", "int64", "bool")]
EMPTY = [call(X(0, 0)), call(X(2, 0, 0)), call(X(0, 3, 3))]
FLAT = [call(X(0, 3)), call(X(3, 0)), call(X(2, 0, 3))]
NEGATIVE = [call(X(2, 2, domain=(-3.0, -2.0))), call(L([[[2.0, 1.0], [1.0, 2.0]], [[1.0, 2.0],
    [2.0, 1.0]]])), call(L([[0.0, 0.0], [0.0, 1.0]]))]
ZERO = L([[0.0, 1.0], [0.0, 2.0]])
STACKED_ZERO = L([[[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.0], [2.0, 4.0]]])

CHOLESKY = [
    *(lapack(n, call(S(4, 4)), call(S(2, 3, 3)), call(S(3, 3), upper=True), call(S(1, 1)),
        call(S(2, 1, 2, 2), upper=True), *EMPTY, call(L([[4.0, 9.0], [2.0, 5.0]])),
        bad=[*NOT_SQUARE, *NEGATIVE, *WRONG_TYPES]) for n in ("cholesky", "linalg.cholesky")),
    lapack("linalg.cholesky_ex", call(S(4, 4)), call(S(2, 3, 3)), call(S(3, 3), upper=True), *EMPTY,
        *(forward(c) for c in NEGATIVE), forward(call(NEGATIVE[1].args[0], upper=True)),
        call(S(3, 3), check_errors=True), bad=[*NOT_SQUARE, *WRONG_TYPES,
            call(NEGATIVE[1].args[0], check_errors=True)]),
]

QR = [
    lapack("qr", call(M(4, 3)), call(M(3, 3)), call(M(3, 5)), call(M(2, 4, 2)), call(M(3, 5), some=False),
        forward(call(M(5, 3), False)), *EMPTY, *FLAT, bad=[call(X(3)), *WRONG_TYPES]),
    lapack("linalg.qr", call(M(4, 3)), call(M(3, 3)), call(M(3, 5)), call(M(2, 4, 2)),
        call(M(2, 2, 4), "complete"), call(M(3, 3), mode="complete"), forward(call(M(5, 3), "complete")),
        call(M(4, 3), "r"), call(M(4, 3), "complete"), call(M(1, 1)),
        *EMPTY, *FLAT, bad=[call(X(3)), call(X()), *WRONG_TYPES, call(X(3, 3), "raw")]),
    lapack("geqrf", call(M(4, 3)), call(M(3, 5)), forward(call(M(2, 3, 3))), *map(forward, EMPTY + FLAT),
        bad=[call(X(3)), *WRONG_TYPES]),
]

REFLECTORS = [
    *(lapack(n, call(X(4, 3), X(3)), call(X(2, 3, 3), X(2, 3)), call(X(4, 3), X(2)), call(X(4, 3), X(0)),
        call(X(0, 0), X(0)), call(X(3, 0), X(0)), call(X(0, 3, 2), X(0, 2)), bad=[call(X(3), X(3)),
            call(X(3, 4), X(3)), call(X(4, 3), X(4)), call(X(2, 4, 3), X(3)), call(X(2, 4, 3), X(3, 3)),
            call(X(4, 3), L([1.0, 2.0], "float64")), call(L([[1, 2], [3, 4]], "int64"),
                L([1, 2], "int64"))]) for n in ("linalg.householder_product", "orgqr")),
    lapack("ormqr", call(X(4, 3), X(3), X(4, 2)), call(X(4, 3), X(3), X(2, 4), left=False),
        call(X(4, 3), X(3), X(4, 2), transpose=True), call(X(4, 3), X(3), X(2, 4), False, True),
        call(X(2, 3, 3), X(2, 3), X(2, 3, 2)), call(X(3, 5), X(3), X(3, 2)), call(X(0, 0), X(0), X(0, 2)),
        bad=[call(X(3), X(3), X(3, 2)), call(X(4, 3), X(3), X(4)), call(X(4, 3), X(2), X(4, 2)),
            call(X(4, 3), X(3), X(2, 2)), call(X(4, 3), X(3), X(4, 2), left=False), call(X(4, 3), X(4),
                X(4, 2)), call(X(2, 4, 3), X(2, 3), X(4, 2)), call(X(2, 4, 3), X(1, 3), X(2, 4, 2)),
            call(X(4, 3), L([1.0, 2.0, 3.0], "float64"), X(4, 2)), call(X(2, 4, 3), X(2, 3), X(3, 4, 2)),
            call(X(4, 3), X(3), L([[1.0], [2.0], [3.0], [4.0]], "float64"))]),
]

LU = [
    lapack("linalg.lu", call(M(4, 4)), call(M(4, 3)), call(M(3, 5)), call(M(2, 3, 3)), call(X(1, 1)),
        forward(call(ZERO)), *EMPTY, *FLAT, bad=[call(X(3)), *WRONG_TYPES, call(X(3, 3), pivot=False)]),
    lapack("linalg.lu_factor", call(M(4, 4)), call(M(4, 3)), call(M(3, 5)), call(M(2, 3, 3)), *EMPTY,
        *FLAT, call(L([[1.0, 2.0], [-1.0, 5.0]])), bad=[call(X(3)), *WRONG_TYPES, call(ZERO),
            call(STACKED_ZERO), call(X(3, 3), pivot=False)]),
    lapack("linalg.lu_factor_ex", call(M(4, 4)), call(M(4, 3)), call(M(2, 2, 4)), forward(call(ZERO)),
        forward(call(STACKED_ZERO)), *EMPTY, bad=[call(X(3)), *WRONG_TYPES, call(ZERO, check_errors=True),
            call(STACKED_ZERO, check_errors=True), call(X(3, 3), pivot=False)]),
    lapack("lu", call(M(4, 4)), call(M(2, 4, 3)), call(M(3, 3), get_infos=True), forward(call(ZERO)),
        bad=[call(X(3)), *WRONG_TYPES, call(X(3, 3), False)]),
    lapack("lu_unpack", call(X(3, 3), PIVOTS), call(X(3, 4), PIVOTS), call(X(4, 3), PIVOTS),
        call(X(3, 3), PIVOTS, unpack_data=False), call(X(3, 3), PIVOTS, unpack_pivots=False),
        call(X(2, 2, 2), L([[2, 2], [1, 2]], "int32")), call(X(0, 0), L([], "int32")),
        dtypes=MIXED + HALF + INTS, bad=[call(X(3), PIVOTS), call(X(3, 3), L([1, 2, 3], "int64")),
            call(X(2, 2), L([1, 3], "int32")), call(X(2, 2), L([0, 1], "int32"))]),
]

SYMMETRIC = L([[0.0, 2.0, 1.0], [2.0, 0.5, 3.0], [1.0, 3.0, -1.0]])
INDEFINITE = [
    *(lapack(f"linalg.{n}", call(S(4, 4)), call(X(2, 3, 3)), call(X(5, 5), hermitian=True),
        call(SYMMETRIC), call(S(1, 1)), *EMPTY, bad=[*NOT_SQUARE, *WRONG_TYPES]) for n in ("ldl_factor",
            "ldl_factor_ex")),
    lapack("linalg.ldl_solve", call(M(3, 3), L([1, 3, 3], "int32"), X(3, 2)),
        call(M(3, 3), L([-3, -3, 3], "int32"), X(3, 1)), call(M(2, 2), L([-2, -2], "int32"), X(4, 2, 2)),
        call(M(3, 3), L([1, 3, 3], "int32"), X(3, 2), hermitian=True), call(X(0, 0), L([], "int32"),
            X(0, 2)), bad=[call(M(3, 3), L([1, 2, 3], "int32"), X(3)), call(M(3, 3), L([1, 2, 3], "int32"),
            X(2, 2)), call(M(3, 3), L([1, 2], "int32"), X(3, 2)), call(M(3, 3), L([1.0, 2.0, 3.0],
            "float32"), X(3, 2)), call(M(3, 3), L([1, 2, 3], "int32"), Arr((3, 2), "float64"))]),
]

# lobpcg has derivatives at the eigenpairs that it has found: here it starts from them.  A matrix
# Q·diag(λ)·Q whose pairs are known has a reflection Q = 1 − 2/n that is exact in binary.
FIXED_S = X(9, 9, domain="spd", grad=False)
SEPARATE = (9.0, 6.5, 4.0, 2.5, 1.0, 0.5, -1.5, -3.0)


def known(note: str, size: int, *pairs: int, **options: Any) -> Call:
    """`pairs` of the matrix with the first `size` of SEPARATE as eigenvalues, asked for again."""
    q = np.eye(size) - 2 / size
    matrix, start = L((q @ np.diag(SEPARATE[:size]) @ q).tolist()), L(q[:, pairs].tolist(), grad=False)
    return only(("float64",), call(matrix, X=start, note=note, **options))


FOUND = [known("largest pairs", 8, 0, 1), known("smallest pairs", 8, 6, 7, largest=False),
    known("largest pair, basic", 4, 0, method="basic"),
    known("no derivative with B", 8, 0, B=L(np.eye(8).tolist(), grad=False))]

EIGEN = [
    lapack("linalg.eigh", call(S(4, 4)), call(S(2, 3, 3)), call(S(3, 3), "U"), call(S(3, 3), UPLO="l"),
        call(S(1, 1)), *EMPTY, call(L([[1.0, 9.0], [2.0, 5.0]])), gauge="eigh",
        bad=[*NOT_SQUARE, *WRONG_TYPES, call(S(2, 2), "X"), call(S(2, 2), UPLO="Upper")]),
    lapack("linalg.eigvalsh", call(S(4, 4)), call(S(2, 3, 3)), call(S(3, 3), "U"), *EMPTY,
        bad=[*NOT_SQUARE, *WRONG_TYPES, call(S(2, 2), "X")]),
    lapack("lobpcg", call(FIXED_S, 2, X=X(9, 2, grad=False), niter=2),
        call(FIXED_S, X=X(9, 2, grad=False), niter=2, largest=False),
        call(FIXED_S, 2, FIXED_S, X(9, 2, grad=False), niter=2),
        call(FIXED_S, X=X(9, 1, grad=False), niter=2, method="basic"),
        *FOUND, gauge="eigh", layouts=False, dtypes=FLOATS, few=FLOATS,
        bad=[call(X(3, 4)), call(S(5, 5), 2), call(S(6, 6), 1, S(7, 7)), call(3)]),
    lapack("linalg.eig", call(M(4, 4)), call(X(2, 3, 3)), call(X(5, 5)), call(X(1, 1)), *EMPTY,
        gauge="eig", bad=[*NOT_SQUARE, *WRONG_TYPES, call(L([[1.0, float("inf")], [0.0, 1.0]])),
            call(L([[1.0, float("nan")], [0.0, 1.0]]))]),
    lapack("linalg.eigvals", call(M(4, 4)), call(X(2, 3, 3)), call(X(5, 5)), *EMPTY, gauge="eigvals",
        bad=[*NOT_SQUARE, *WRONG_TYPES]),
]

SINGULAR_VALUES = [
    lapack("linalg.svd", call(M(4, 3)), call(M(3, 4)), call(M(4, 4)), call(M(2, 3, 3)),
        call(M(5, 2), full_matrices=False), call(M(2, 5), False), call(X(1, 1)), *EMPTY, *FLAT,
        gauge="svd", bad=[call(X(3)), *WRONG_TYPES, call(L([[1.0, float("nan")], [0.0, 1.0]])),
            call(X(3, 3), driver="gesvd")]),
    lapack("linalg.svdvals", call(M(4, 3)), call(M(2, 3, 3)), call(M(3, 5)), *EMPTY, *FLAT,
        bad=[call(X(3)), *WRONG_TYPES, call(L([[1.0, float("nan")], [0.0, 1.0]])),
            call(X(3, 3), driver="gesvd")]),
    lapack("svd", call(M(4, 3)), call(M(3, 4)), call(M(2, 3, 3)), call(M(5, 2), some=False),
        forward(call(M(4, 3), compute_uv=False)), *EMPTY, *FLAT, gauge="svd_v",
        bad=[call(X(3)), *WRONG_TYPES, call(L([[1.0, float("nan")], [0.0, 1.0]]))]),
    lapack("svd_lowrank", call(M(6, 4), 3), call(M(4, 6), q=2, niter=1), call(M(2, 5, 4), 2),
        call(M(5, 4), 2, M=X(4)), gauge="svd_v", random=True, depth=200,
        bad=[call(X(3, 3), -1), call(Arr((3, 3), "int64"))]),
    lapack("pca_lowrank", call(M(6, 4), 3), call(M(6, 4)), call(M(4, 6), 2, center=False),
        call(M(2, 5, 4), q=2, niter=1), gauge="svd_v", random=True, depth=200,
        bad=[call(X(4, 3), 4), call(X(4, 3), -1), call(X(4, 3), 2, niter=-1)]),
]

ROWS = table("decompositions", CHOLESKY + QR + REFLECTORS + LU + INDEFINITE + EIGEN + SINGULAR_VALUES)
