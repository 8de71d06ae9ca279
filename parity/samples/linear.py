"""Cases of matrix products and Fourier transforms."""

from __future__ import annotations

from .spec import ALL, COMPLEX, FLOATS, INTS, REAL, X, call, rows_with, table

# fmt: off
NUMBERS = REAL + COMPLEX
MIXED = FLOATS + COMPLEX


product = rows_with(level="sum", dtypes=ALL, special=False)

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
    product("kron", call(X(2, 3), X(3, 2)), call(X(3), X(2)), call(X(2), X(2, 2))),
    product("trace", call(X(3, 4)), call(X(3, 3)), bad=[call(X(3))]),
    product("cross", call(X(4, 3), X(4, 3)), call(X(3, 4), X(3, 4), dim=0),
        bad=[call(X(4), X(4)), call(X(4, 3), X(4, 3), dim=0)], dtypes=NUMBERS),
    product("einsum", call("ij,jk->ik", X(3, 4), X(4, 2)), call("ij->ji", X(3, 4)),
        call("ii", X(3, 3)), call("ii->i", X(3, 3)), call("bij,bjk->bik", X(2, 3, 4), X(2, 4, 5)),
        call("i,j", X(3), X(4)), call("...ij,...jk->...ik", X(2, 3, 4), X(4, 5)),
            call("ij,kj,k->i", X(3, 4), X(2, 4), X(2)), call("ij->", X(3, 4)),
            call("a,b->ba", X(2), X(3)), call("ij", X(3, 4)), call("ij,jk->ki", X(3, 4), X(4, 2)),
            call("bij,b...j->...i", X(2, 3, 4), X(2, 3, 4)), call("...ij->...", X(2, 3, 4)),
            call("a,b,c->cab", X(2), X(3), X(2)), call("iij->j", X(3, 3, 4)),
            call(X(3, 4), [0, 1], X(4, 2), [1, 2], [2, 0]), call("ij,ij->", X(3, 1), X(3, 4)), bad=[call("ij,jk", X(3, 4), X(3, 4)),
                call("ij->k", X(3, 4)), call("ijk", X(3, 4)), call("i j,,", X(3, 4)), call("i->ii", X(3)), call("i..j", X(3, 4)),
                call("...i...", X(3, 4)), call("ii", X(3, 1)), call("i,i", X(3), X(4)),
                call("i1", X(3, 4)), call("ij"), call("i", 1.0)],
                dtypes=FLOATS + INTS + COMPLEX),
]

ROWS = table("linear algebra", PRODUCTS)
