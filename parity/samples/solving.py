"""Cases of everything that solves, inverts or measures matrices: solve, det, pinv, norms, exp, …

The bound is that of a backward-stable algorithm (level "factorization"); sums of elements, such as
vector norms, have that of a sum.
"""

from __future__ import annotations

from .decompositions import EMPTY, FLAT, M, S, lapack
from .spec import (
    COMPLEX,
    FLOATS,
    INEXACT,
    INTS,
    Arr,
    Call,
    D,
    I,
    L,
    X,
    call,
    forward,
    only,
    row,
    rows_with,
    table,
)

# fmt: off
MIXED = FLOATS + COMPLEX
INF = float("inf")
SQUARE, STACK = M(4, 4), M(2, 3, 3)
T = X(3, 3, domain="triangular")
PIVOTS = L([2, 3, 3], "int32")
NOT_SQUARE = [call(X(3, 4)), call(X(3)), call(X()), call(X(2, 3, 4))]
WRONG_TYPES = [call(Arr((2, 2), t)) for t in ("float16", "int64", "bool")]
SINGULAR = L([[1.0, 2.0], [2.0, 4.0]])
ZERO = L([[0.0, 0.0], [0.0, 0.0]])
ONE_SINGULAR = L([[[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.0], [2.0, 4.0]]])
SMALL = L([[1e-3, 0.0], [0.0, 1e-6]])


sums = rows_with(level="sum", dtypes=MIXED, few=MIXED, special=False, depth=12)


def sides() -> list[Call]:
    """Bad pairs of a matrix and a right-hand side."""
    return [call(SQUARE, X(3, 2)), call(X(3, 4), X(3, 2)), call(X(3), X(3)), call(SQUARE, X()),
        call(M(2, 3, 3), X(3, 3, 2)), call(Arr((2, 2), "float32"), Arr((2, 2), "float64")),
        *(call(Arr((2, 2), t), Arr((2, 2), t)) for t in ("float16", "int64", "bool"))]


SYSTEMS = [
    *(lapack(n, call(SQUARE, X(4, 2)), call(SQUARE, X(4)), call(STACK, X(2, 3, 2)),
        call(STACK, X(2, 3)), call(M(3, 3), X(2, 3, 2)), call(STACK, X(3)), call(STACK, X(3, 2)),
        call(SQUARE, X(2, 4), left=False), call(STACK, X(2, 2, 3), left=False), call(M(1, 1), X(1, 1)),
        call(X(0, 0), X(0, 2)), call(X(3, 0, 0), X(3, 0, 2)), call(M(3, 3), X(3, 0)),
        *([forward(call(SINGULAR, X(2, 2)))] if n.endswith("ex") else []),
        bad=[*sides(), call(SQUARE, X(4, 2), left=False), call(X(1, 1), X(1), left=False),
            *([call(ONE_SINGULAR, X(2, 2), check_errors=True)] if n.endswith("ex") else
              [call(SINGULAR, X(2, 2)), call(ZERO, X(2)), call(ONE_SINGULAR, X(2, 2))])])
      for n in ("linalg.solve", "linalg.solve_ex")),
    *(lapack(n, call(SQUARE), call(STACK), call(M(2, 1, 2, 2)), call(M(1, 1)), *EMPTY,
        call(S(3, 3)), *([forward(call(SINGULAR)), forward(call(ONE_SINGULAR))] if n.endswith("ex") else []),
        bad=[*NOT_SQUARE, *WRONG_TYPES, *([call(ONE_SINGULAR, check_errors=True)] if n.endswith("ex")
            else [call(SINGULAR), call(ZERO), call(ONE_SINGULAR)])])
      for n in ("inverse", "linalg.inv", "linalg.inv_ex")),
    lapack("linalg.tensorinv", call(M(4, 4), ind=1), call(L([[[1.0, 2.0], [3.0, 5.0]], [[2.0, 1.0],
        [1.0, 4.0]], [[0.5, 2.0], [7.0, 1.0]], [[1.0, 1.0], [0.0, 3.0]]]), ind=1),
        bad=[call(X(4, 3), ind=1), call(X(4, 4), ind=0), call(ZERO, ind=1), call(X(4, 4), ind=5)]),
    lapack("linalg.tensorsolve", call(M(4, 4), X(4)), call(L([[[1.0, 2.0, 0.0, 1.0], [3.0, 5.0, 1.0,
        1.0]], [[2.0, 1.0, 4.0, 0.0], [1.0, 4.0, 0.5, 3.0]]]), X(2, 2)), call(L([[[1.0, 2.0], [3.0,
        5.0]], [[2.0, 1.0], [1.0, 4.0]], [[0.5, 2.0], [7.0, 1.0]], [[1.0, 1.0], [0.0, 3.0]]]),
        X(2, 2), dims=(0,)), bad=[call(X(4, 4), X(3)), call(ZERO, X(2))]),
    lapack("linalg.solve_triangular", call(T, X(3, 2), upper=False), call(T, X(2, 3), upper=True,
        left=False), call(T, X(3, 2), upper=False, unitriangular=True), call(M(2, 3, 3), X(3, 2),
        upper=True), call(T, X(2, 2, 3), upper=False, left=False), call(X(0, 0), X(0, 2), upper=True),
        forward(call(ZERO, L([[1.0], [0.0]]), upper=True)), bad=[call(X(3, 4), X(3, 2), upper=True),
            call(T, X(4, 2), upper=True), call(T, X(3), upper=True), call(T, X(3, 2)),
            *(call(Arr((2, 2), t), Arr((2, 2), t), upper=True) for t in ("float16", "int64"))]),
    lapack("triangular_solve", call(X(3, 2), T, upper=False), call(X(3, 2), M(3, 3)),
        call(X(3, 2), T, False, True), call(X(3, 2), M(2, 3, 3), True, True), call(X(3, 2), T, False,
        False, True), call(X(0, 2), X(0, 0)), bad=[call(X(3, 2), X(3, 4)), call(X(4, 2), T),
            call(X(3), T), call(X(3, 2), X(3)), call(X(2, 2), Arr((2, 2), "float64")),
            call(Arr((2, 2), "int64"), Arr((2, 2), "int64"))]),
    lapack("cholesky_solve", call(X(3, 2), T), call(X(2, 3, 2), T), call(X(3, 2), M(3, 3), True),
        call(X(3, 2), X(2, 3, 3, domain="triangular")), call(X(0, 2), X(0, 0)),
        bad=[call(X(3, 2), X(3, 4)), call(X(4, 2), T), call(X(3), T), call(X(3, 2), X(3)),
            call(X(2, 2), Arr((2, 2), "float64")), call(Arr((2, 2), "int64"), Arr((2, 2), "int64"))]),
    lapack("cholesky_inverse", call(T), call(X(2, 3, 3, domain="triangular")), call(M(3, 3), upper=True),
        *EMPTY, bad=[*NOT_SQUARE, *WRONG_TYPES, call(ZERO)]),
    lapack("linalg.lu_solve", call(M(3, 3), PIVOTS, X(3, 2)), call(M(3, 3), PIVOTS, X(2, 3),
        left=False), call(M(3, 3), PIVOTS, X(3, 2), adjoint=True), call(M(3, 3), PIVOTS, X(2, 3),
        left=False, adjoint=True), call(M(2, 3, 3), L([[1, 3, 3], [2, 2, 3]], "int32"), X(3, 2)),
        call(M(3, 3), PIVOTS, X(2, 3, 2)), bad=[call(X(3, 4), PIVOTS, X(3, 2)), call(M(3, 3), PIVOTS,
            X(4, 2)), call(M(2, 3, 3), PIVOTS, X(3, 2)), call(M(3, 3), L([1, 2, 3], "int64"), X(3, 2)),
            call(Arr((2, 2), "float16"), L([1, 2], "int32"), Arr((2, 2), "float16"))]),
    lapack("lu_solve", call(X(3, 2), M(3, 3), PIVOTS), call(X(2, 3, 2), M(3, 3), PIVOTS),
        bad=[call(X(3, 2), X(3, 4), PIVOTS), call(X(4, 2), M(3, 3), PIVOTS)]),
]

DETERMINANTS = [
    *(lapack(n, call(SQUARE), call(STACK), call(M(2, 1, 2, 2)), call(M(1, 1)), *EMPTY,
        *([call(SINGULAR), call(ZERO), call(ONE_SINGULAR), call(SMALL)] if n.endswith("linalg.det") or n == "det" else
          [forward(call(SINGULAR)), call(SMALL)]), bad=[*NOT_SQUARE, *WRONG_TYPES])
      for n in ("det", "linalg.det", "slogdet", "linalg.slogdet", "logdet")),
]

ANY_RANK = [
    *(lapack(n, call(M(4, 3)), call(M(3, 4)), call(STACK), *EMPTY, *FLAT,
        *([call(M(4, 4), atol=0.5), call(M(4, 3), rtol=0.25), call(M(3, 4), 0.25),
           call(S(3, 3), hermitian=True), call(ZERO), call(STACK, rtol=L([0.5, 0.25], grad=False)),
           call(SINGULAR, rtol=0.125)] if n == "linalg.pinv" else [call(M(3, 3), 0.25)]),
        bad=[call(X(3)), *WRONG_TYPES, *([call(X(3, 4), hermitian=True)] if n == "linalg.pinv" else [])],
        depth=60)
      for n in ("pinverse", "linalg.pinv")),
    lapack("linalg.matrix_rank", call(SQUARE), call(M(2, 4, 3)), call(SINGULAR), call(ZERO),
        call(STACK, 2.5), call(SQUARE, atol=1.5, rtol=0.5), call(S(3, 3), hermitian=True),
        call(STACK, tol=2.5), call(SQUARE, L([1.5, 3.0], grad=False)), *EMPTY, *FLAT,
        bad=[call(X(3)), *WRONG_TYPES, call(X(3, 4), hermitian=True)], grad=False),
    lapack("linalg.lstsq", call(M(5, 3), X(5, 2)), call(M(3, 5), X(3, 2)), call(M(2, 4, 3),
        X(2, 4, 2)), call(M(5, 3), X(5)), call(M(2, 4, 3), X(2, 4)), *(call(M(5, 3), X(5, 2), driver=d)
            for d in ("gels", "gelsy", "gelsd", "gelss")), *(call(M(3, 4), X(3, 2), driver=d)
            for d in ("gels", "gelsd", "gelss")), call(M(2, 4, 3), X(2, 4, 2), driver="gelsd"),
        call(X(3, 0), X(3, 2), driver="gelsd"), call(X(0, 3), X(0, 2)),
        bad=[call(M(5, 3), X(4, 2)), call(M(5, 3), X(4)), call(M(5, 3), X(5, 2), driver="foo"),
            call(X(5), X(5)), call(M(5, 3), X()), call(M(5, 3), X(2, 5, 2)),
            call(X(2, 2), Arr((2, 2), "float64")), *(call(Arr((2, 2), t), Arr((2, 2), t))
                for t in ("float16", "int64"))], depth=60),
]

FUNCTIONS = [
    *(lapack(n, call(M(4, 4), 3), call(STACK, 2), call(M(4, 4), 0), call(M(4, 4), 1), call(M(3, 3),
        -1), call(STACK, -3), call(M(3, 3), 4), call(M(3, 3), 5), call(X(0, 0), 3),
        only(INTS + ("float16",), call(X(3, 3), 3)), only(("bool",), call(X(3, 3), 0)),
        bad=[call(X(3, 4), 2), call(X(3), 2), call(ZERO, -1), call(I(2, 2), -1),
            call(Arr((2, 2), "bool"), 2)], depth=60)
      for n in ("matrix_power", "linalg.matrix_power")),
    *(lapack(n, call(X(3, 3)), call(X(2, 4, 4)), call(L([[0.0, 1e-9], [1e-9, 0.0]])),
        call(L([[0.0, 1e-4], [0.0, 0.0]])), call(L([[0.02, 0.0], [0.01, 0.0]])),
        call(L([[0.25, 0.125], [0.0, 0.25]])), call(L([[0.0, 30.0], [-30.0, 0.0]])), call(X(1, 1)),
        *EMPTY, only(("float16",), call(L([[0.25, 0.125], [0.0, 0.25]]))), bad=[*NOT_SQUARE,
            *WRONG_TYPES[1:]], depth=60)
      for n in ("matrix_exp", "linalg.matrix_exp")),
    sums("linalg.multi_dot", call([X(3, 4), X(4, 2), X(2, 5)]), call([X(4), X(4, 2), X(2)]),
        call([X(3, 4), X(4)]), call([X(3), X(3)]), call([X(2, 6), X(6, 3), X(3, 5), X(5, 2)]),
        call([X(3, 0), X(0, 2)]), only(("float16", "int64"), call([X(3, 4), X(4, 2)])),
        bad=[call([X(3, 4)]), call([X(3, 4), X(3, 4)]), call([X(3, 4), X(4), X(4)]),
            call([X(2, 3, 4), X(4, 2)]), call([X(3, 4), Arr((4, 2), "float64")])]),
    sums("linalg.matmul", call(X(3, 4), X(4, 2)), call(X(2, 3, 4), X(4)), bad=[call(X(3, 4), X(3, 4))]),
    sums("linalg.vecdot", call(X(3, 4), X(3, 4)), call(X(4), X(3, 4)), call(X(3, 4), X(3, 4), dim=0),
        call(X(4), X(4)), call(X(), X()), call(X(3, 0), X(3, 0)), only(("float16",), call(X(4), X(3, 4))),
        bad=[call(X(3, 4), X(3)), call(I(3), I(3)), call(X(3), Arr((3,), "float64")),
            call(X(3), X(4)), call(X(3, 4), X(3, 4), dim=2)]),
    sums("linalg.cross", call(X(4, 3), X(4, 3)), call(X(3, 4), X(3, 4), dim=0), call(X(1, 3), X(4, 3)),
        call(X(0, 3), X(0, 3)), only(("float16", "int64", "uint8"), call(X(4, 3), X(4, 3))),
        bad=[call(X(4), X(4)), call(X(3), X(4, 3)), call(X(4, 3), X(4, 3), dim=0),
            call(X(4, 3), X(4, 3), dim=5), call(X(3), Arr((3,), "float64")), call(Arr((3,), "bool"),
            Arr((3,), "bool"))]),
    sums("linalg.vander", call(X(4)), call(X(2, 3), N=5), call(X(3), N=2), only(INTS, call(X(3))),
        bad=[call(X(3), N=1), call(X()), call(Arr((3,), "float16")), call(Arr((3,), "bool"))]),
    row("linalg.diagonal", call(X(3, 4)), call(X(2, 3, 4), offset=1), call(X(2, 3, 4), dim1=0, dim2=2,
        offset=-1), bad=[call(X(3)), call(X(2, 3), dim1=0, dim2=0)], special=False),
]

VECTOR = [call(X(3, 4)), call(X(3, 4), 1, dim=1), call(X(3, 4), INF, dim=0, keepdim=True),
    call(X(3, 4), 3), call(X(3, 4), 0), call(X(3, 4), -INF, 1), call(X(3, 4), 0.5), call(X(3, 4), -1.5),
    call(X(3, 4), 1.5, (0, 1)), call(X(3, 4), 2, dim=(0,), keepdim=True), call(X()), call(X(0, 3)),
    call(X(0, 3), 1, 1), call(X(300)), call(X(50, 7), 1, 0), call(X(40, 30), 2, 0), call(X(40, 30), 3),
    *(call(L([0.0, 0.0]), p) for p in (0.5, 1, 1.5, 2, 3, INF)), call(L([0.0, -2.0, 2.0]), INF),
    call(L([0.0, 3.0]), 1.5), only(("float32", "float64"), call(X(3, 4), dtype=D("float64")))]

NORMS = [
    sums("linalg.vector_norm", *VECTOR, bad=[call(X(3, 4), dim=2), call(I(3)), call(X(0), INF),
        call(X(0, 3), -1.0), call(X(0, 3), INF, 0), call(X(3), dtype=D("int64")), call(X(3),
        dtype=D("float16")), call(X(3), dtype=D("complex64")), call(X(3, 3), dim=(0, 0))],
        dtypes=INEXACT, special=True),
    lapack("linalg.matrix_norm", call(X(3, 4)), call(X(2, 3, 4), 1), *(call(X(3, 4), p) for p in (1, -1,
        INF, -INF, "nuc", 2, -2)), call(X(2, 3, 4), INF, (0, 2), True), call(X(2, 3, 4), "nuc", (2, 0)),
        call(X(2, 3, 4), 2, (0, 1), True), call(X(2, 3, 4), "fro", (0, -1)), call(X(0, 3), 1), call(X(0, 3)),
        call(X(2, 0, 3), "nuc"), call(X(3, 0), INF), call(ZERO, 1), call(ZERO), call(X(3, 0), 2),
        only(("float32",), call(X(3, 4), dtype=D("float64"))), only(("float16",), call(X(3, 4))),
        bad=[call(X(3)), call(X(3, 4), 3), call(X(3, 4), "foo"), call(X(3, 4), 1, (0, 0)), call(X(3, 4), 1,
            (0,)), call(X(3, 4), 1, (0, 3)), call(X(3, 0), -2), call(X(3, 0), -1), call(X(3, 4), 1, 0),
            *WRONG_TYPES[1:], call(Arr((2, 2), "float16"), 2), call(X(3, 4), dtype=D("int64"))], depth=60),
    lapack("linalg.norm", call(X(3, 4)), call(X(3, 4), 1), call(X(4), 3), call(X(3, 4), "fro"),
        call(X(3, 4), 2, dim=1), call(X(2, 3, 4)), call(X(2, 3, 4), 2, (0, 1)), call(X(3, 4), "nuc"),
        call(X(3, 4), dim=0, keepdim=True), call(X(2, 3, 4), -INF, (1, 2)), call(X(4), INF),
        call(X(3, 4), 0, (1,)), bad=[call(X(2, 3, 4), 2), call(X(2, 3, 4), 2, (0, 1, 2)), call(X(3), "fro"),
            call(X(3, 4), 3), call(X(), 2), call(I(3)), call(X(3, 4), "fro", 1)], depth=60),
    # Of rank one (equal rows) it has no derivative: that layout goes forward only.
    lapack("nuclear_norm", call(M(3, 4)), call(X(2, 3, 4), (0, 2)), call(X(3, 4), True), call(X(2, 3, 4),
        (1, 2), True), call(X(3, 4)), forward(call(X(3, 4, layout="expanded"))),
        bad=[call(X(3)), call(X(3, 4), (0,)), call(I(2, 2))], depth=60),
    sums("frobenius_norm", call(X(3, 4), (0, 1)), call(X(3, 4), (1,)), call(X(3, 4), 0, True),
        call(X(2, 3), ()), bad=[call(X(2, 3, 4), (0, 1, 2)), call(I(3), (0,)), call(X(3))],
        dtypes=INEXACT),
    lapack("linalg.cond", call(SQUARE), call(STACK, 1), *(call(SQUARE, p) for p in (2, -2, "nuc")),
        *(forward(call(SQUARE, p)) for p in ("fro", -1, INF, -INF)), call(M(4, 3)), call(M(2, 3, 4), -2),
        forward(call(SINGULAR, 1)), forward(call(ZERO, 1)), *EMPTY, call(X(0, 0), "fro"),
        bad=[call(X(3)), call(X(3, 4), 1), call(X(3, 4), "fro"), call(X(3), "nuc"), call(SQUARE, 3),
            call(SQUARE, "foo"), *WRONG_TYPES], depth=80),
    sums("renorm", call(X(3, 4), 2, 0, 1.0), call(X(3, 4), 1, 1, 2.0), call(X(2, 3, 4), 3.0, -1, 1.5),
        call(X(3, 4), 2, 0, 100.0), call(X(3, 0), 2, 0, 1.0), call(ZERO, 2, 0, 1.0), call(X(3, 4), INF, 0,
        1.0), only(("float16",), call(X(3, 4), 2, 0, 1.0)), bad=[call(X(3), 2, 0, 1.0), call(X(3, 4), 0,
            0, 1.0), call(X(3, 4), 2, 0, -1.0), call(X(3, 4), 2, 2, 1.0), call(I(3, 4), 2, 0, 1.0)]),
    sums("dist", call(X(3, 4), X(3, 4)), call(X(3, 4), X(4), 1), call(X(3, 4), X(3, 4), INF),
        call(X(3, 4), X(3, 4), 3), call(X(3), X(), 1.5), call(L([1.0, 2.0]), L([1.0, 2.0])),
        forward(call(X(3, 4), X(3, 4), 0)), bad=[call(X(3), X(4)), call(I(3), I(3))]),
]

DISTANCES = [
    sums("cdist", call(X(3, 4), X(5, 4)), call(X(2, 3, 4), X(2, 5, 4), 1.0), *(call(X(3, 4), X(5, 4), p)
        for p in (INF, 3.0, 0.0, 0.5, 1.5)), call(X(2, 1, 3, 4), X(5, 2, 4)), call(X(30, 4), X(5, 4)),
        call(X(3, 4), X(5, 4), 2.0, "use_mm_for_euclid_dist"), call(X(40, 4), X(5, 4), 2.0,
        "donot_use_mm_for_euclid_dist"), call(X(3, 0), X(4, 0)), call(X(0, 2), X(4, 2)),
        call(L([[1.0, 2.0], [3.0, 4.0]]), L([[1.0, 2.0]])), call(L([[1.0, 2.0]]), L([[1.0, 2.0]]), 1.5),
        bad=[call(X(3, 4), X(5, 3)), call(X(4), X(5, 4)), call(X(3, 4), X(4)), call(I(3, 4), I(5, 4)),
            call(X(3, 4), X(5, 4), -1.0), call(X(3, 4), X(5, 4), 2.0, "foo"), call(X(2, 3, 4), X(3, 5, 4)),
            call(X(3, 4), Arr((5, 4), "float64")), call(Arr((3, 4), "float16"), Arr((3, 4), "float16"))],
        dtypes=FLOATS, depth=16),
    sums("cov", call(X(3, 6)), call(X(6)), call(X(3, 6), correction=0), call(X()), only(("int64", "float16"),
        call(X(3, 6))), call(X(3, 4), fweights=L([1, 2, 3, 1], "int64")), call(X(3, 4), aweights=L([1.0,
        0.25, 2.0, 0.5], "float32", grad=False)), call(X(3, 4), fweights=L([1, 2, 3, 1], "int64"),
        aweights=L([1.0, 0.25, 2.0, 0.5], "float32", grad=False), correction=0), call(X(3, 1)), call(X(0, 3)),
        bad=[call(X(2, 3, 4)), call(Arr((3, 4), "bool")), call(X(3, 4), fweights=X(4)), call(X(3, 4),
            fweights=I(3)), call(X(3, 4), fweights=I(4, 1)), call(X(3, 4), fweights=L([1, 2, 3, -1],
            "int64")), call(X(3, 4), aweights=I(4)), call(X(3, 4), aweights=L([0.0, 0.0, 0.0, 0.0]))],
        depth=20),
    sums("corrcoef", call(X(3, 6)), call(X(6)), call(X(2, 5)), call(X()), only(("int64",), call(X(3, 6))),
        bad=[call(X(2, 3, 4))], depth=24),
]

RETIRED = [row(n, bad=[call(X(2, 2), X(2, 2)), call(), call(X(2, 2), X(2, 2), nothing=1)], dtypes=FLOATS,
    grad=False) for n in ("eig", "symeig", "solve", "lstsq", "matrix_rank")]

ROWS = table("solving", SYSTEMS + DETERMINANTS + ANY_RANK + FUNCTIONS + NORMS + DISTANCES + RETIRED)
