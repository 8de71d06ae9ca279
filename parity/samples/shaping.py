"""Cases of the shaping ops and views, and of joining and splitting."""

from __future__ import annotations

from .spec import COMPLEX, FLOATS, Arr, D, F, I, L, X, call, row, table

CUBE = X(2, 3, 4)
BAD_VIEW = [call(X(3, 4), 5), call(X(3, 4), -1, -1), call(X(3, 4), 7, -1)]
TRANSPOSED = X(3, 4, layout="transposed")

VIEWS = [
    row("view", call(X(3, 4), 12), call(X(3, 4), (2, -1)), call(X(), 1), call(X(0, 3), 3, 0), call(X(3, 4), 4, 3), call(X(1), ()),
        call(X(3, 4), D("int32"), note="view as int32"), bad=[*BAD_VIEW, call(TRANSPOSED, 12), call(X(0, 3), -1, 0)], layouts=False),
    row("reshape", call(X(3, 4), (12,)), call(X(3, 4), (2, -1)), call(X(), (1,)), call(X(0, 3), (3, 0)), call(TRANSPOSED, (12,)),
        call(X(3, 4), (-1,)), bad=[call(X(3, 4), (5,)), call(X(3, 4), (-1, -1)), call(X(0, 3), (-1, 0))]),
    row("view_as", call(X(3, 4), X(2, 6)), bad=[call(X(3, 4), X(5))], layouts=False),
    row("reshape_as", call(X(3, 4), X(2, 6)), call(TRANSPOSED, X(12)), bad=[call(X(3, 4), X(5))]),
    row("flatten", call(X(2, 3, 4)), call(CUBE, 1), call(CUBE, 0, 1), call(X()), call(CUBE, -2, -1), call(X(2, 0, 3)),
        bad=[call(CUBE, 2, 1), call(CUBE, 3)]),
    row("unflatten", call(X(2, 6), 1, (2, 3)), call(X(12), 0, (-1, 4)), call(X(2, 6), -1, (3, -1)), bad=[call(X(2, 6), 1, (4, 2)), call(X(2, 6), 1, ())]),
    row("ravel", call(X(3, 4)), call(TRANSPOSED), call(X())),
    row("squeeze", call(X(2, 1, 3, 1)), call(X(2, 1, 3), 1), call(X(2, 1, 3), 0), call(X(1, 2, 1), (0, 2)), call(X()), call(X(1), -1), bad=[call(X(3), 1)]),
    row("unsqueeze", call(X(3, 4), 0), call(X(3, 4), -1), call(X(), 0), call(X(3, 4), 2), bad=[call(X(3, 4), 3), call(X(3), -3)]),
    row("t", call(X(3, 4)), call(X(3)), call(X()), bad=[call(X(2, 3, 4))]),
    row("transpose", call(X(3, 4), 0, 1), call(CUBE, -1, 0), call(X(), 0, 0), call(CUBE, 1, 1), bad=[call(X(3, 4), 0, 2), call(X(3, 4), 0)]),
    *(row(n, call(X(3, 4), 0, 1), call(CUBE, -1, 0), bad=[call(X(3, 4), 0, 2)]) for n in ("swapaxes", "swapdims")),
    *(row(n, call(CUBE, 0, 2), call(CUBE, (0, 1), (2, 0)), call(CUBE, -1, 0), call(X(), 0, 0), bad=[call(CUBE, 3, 0), call(CUBE, (0, 0), (1, 2)), call(CUBE, (0, 1), (2,))])
      for n in ("movedim", "moveaxis")),
    row("permute", call(CUBE, (2, 0, 1)), call(CUBE, (-1, 0, 1)), call(X(), ()), bad=[call(CUBE, (0, 1)), call(CUBE, (0, 0, 1)), call(CUBE, (0, 1, 3))]),
    row("adjoint", call(X(2, 3, 4)), bad=[call(X(3))]),
    *(row(n, call(X(3, 4)), call(CUBE), bad=[call(X(3))]) for n in ("mT", "mH")), row("T", call(X(3, 4)), call(X(3))), row("H", call(X(3, 4)), bad=[call(X(3))]),
    row("expand", call(X(3, 1), 3, 4), call(X(4), (3, 4)), call(X(3, 1), -1, 2), call(X(), 2, 3), call(X(3, 1), 2, 3, 4), call(X(1, 3), 0, 3),
        bad=[call(X(3, 1), 2, 4), call(X(3, 4), 4), call(X(3), -1, 3)]),
    row("expand_as", call(X(3, 1), X(3, 4)), bad=[call(X(3), X(4))]),
    row("broadcast_to", call(X(3, 1), (3, 4)), call(X(), (2, 3)), bad=[call(X(3), (4,))]),
    row("narrow", call(X(3, 4), 1, 1, 2), call(X(3, 4), 0, -2, 1), call(X(3, 4), -1, 4, 0), bad=[call(X(3, 4), 1, 3, 2), call(X(3, 4), 2, 0, 1), call(X(), 0, 0, 1), call(X(3), 0, 0, -1)]),
    row("narrow_copy", call(X(3, 4), 1, 1, 2), call(X(3, 4), 0, 1, 1)),
    row("select", call(X(3, 4), 0, 1), call(X(3, 4), -1, -2), bad=[call(X(3, 4), 0, 3), call(X(3, 4), 2, 0), call(X(), 0, 0)]),
    row("unbind", call(X(3, 4)), call(X(3, 4), 1), call(X(3, 0), -1), bad=[call(X(3), 1), call(X())]),
    row("chunk", call(X(5, 4), 2), call(X(5, 4), 3, 1), call(X(5), 7), call(X(0, 3), 2), bad=[call(X(3), 0), call(X(3), 2, 1), call(X(), 2)]),
    row("split", call(X(5, 4), 2), call(X(5, 4), [1, 4]), call(X(5, 4), 3, dim=1), call(X(0, 3), 2), bad=[call(X(5), [1, 3]), call(X(5), -1), call(X(5), 2, 1)]),
    row("split_with_sizes", call(X(5, 4), [1, 4]), call(X(5, 4), (2, 2), 1), bad=[call(X(5), [1, 3])]),
    row("tensor_split", call(X(7, 4), 3), call(X(7, 4), (1, 5)), call(X(7, 4), 3, dim=1), call(X(7), L([2, 4], "int64")), bad=[call(X(3), 0), call(X(), 2)]),
    row("unsafe_chunk", call(X(5, 4), 2)), row("unsafe_split", call(X(5, 4), 2), call(X(5, 4), 3, 1)), row("unsafe_split_with_sizes", call(X(5, 4), [1, 4])),
    row("hsplit", call(X(4, 6), 2), call(X(4, 6), [1, 4]), bad=[call(X(4, 5), 2), call(X(), 2)]),
    row("vsplit", call(X(4, 6), 2), call(X(4, 6), [1, 3]), bad=[call(X(5, 4), 2), call(X(4), 2)]),
    row("dsplit", call(X(2, 2, 4), 2), bad=[call(X(2, 4), 2)]),
    row("diagonal", call(X(3, 4)), call(X(3, 4), 1), call(X(3, 4), -1), call(X(2, 3, 4), 0, 1, 2), call(X(3, 4), 5), bad=[call(X(3)), call(X(3, 3), 0, 1, 1), call(X(3, 4), 0, 0, 2)]),
    row("unfold", call(X(7), 0, 3, 2), call(X(3, 5), 1, 2, 1), call(X(3, 5), -2, 2, 2), bad=[call(X(3), 0, 4, 1), call(X(3), 0, 2, 0), call(X(3), 1, 1, 1)]),
    row("as_strided", call(X(12), (3, 2), (4, 1)), call(X(12), (3, 2), (1, 1), 2), call(X(12), (2, 3), (0, 2)), bad=[call(X(12), (4, 4), (4, 1)), call(X(12), (3,), (1, 1)), call(X(12), (2,), (-1,))],
        layouts=False),
    row("detach", call(X(3, 4)), call(X())),
    row("contiguous", call(X(3, 4)), call(TRANSPOSED), call(X())), row("clone", call(X(3, 4)), call(TRANSPOSED), call(X(0, 3))),
    row("view_as_real", call(X(3, 4)), dtypes=COMPLEX, few=COMPLEX, bad=[call(F(3))]),
    row("view_as_complex", call(X(3, 2)), dtypes=FLOATS, bad=[call(X(3)), call(I(3, 2))], layouts=False),
    row("meshgrid", call(X(3), X(2), indexing="ij"), call(X(3), X(2), indexing="xy"), call([X(3), X(), X(2)], indexing="ij"), bad=[call(X(3, 2), X(2), indexing="ij"), call(X(3), indexing="zz")]),
    row("broadcast_tensors", call(X(3, 1), X(4)), call(X(), X(2)), bad=[call(X(3), X(4))]),
    row("atleast_1d", call(X()), call(X(3)), call([X(), X(2)])), row("atleast_2d", call(X()), call(X(3)), call(X(2, 3))),
    row("atleast_3d", call(X()), call(X(3)), call(X(2, 3))),
]

JOIN = [call([X(2, 3), X(1, 3)]), call([X(2, 3), X(2, 2)], 1), call([X(2, 3), X(0)]), call([X(3)], -1), call([F(2), Arr((2,), "int64")]), call([F(2), F(2, dtype="float64")]),
        call((X(2, 0), X(2, 1)), dim=1)]
BAD_JOIN = [call([X(2, 3), X(2, 2)]), call([]), call([X(2)], 1), call([X(), X()]), call(X(2, 3)), call([X(2, 3), "a"])]
LINES = [call([X(3), X(3)]), call([X(2, 3), X(2, 3)]), call((X(), X()))]
JOINING = [
    *(row(n, *JOIN, bad=BAD_JOIN) for n in ("cat", "concat", "concatenate")),
    row("stack", call([X(2, 3), X(2, 3)]), call([X(2, 3), X(2, 3)], 1), call([X(), X()], -1), call([X(0), X(0)]), call([F(2), Arr((2,), "int64")]),
        bad=[call([X(2), X(3)]), call([]), call([X(2)], 2)]),
    *(row(n, *LINES, bad=[call([X(2, 3), X(3, 2)]), call([])]) for n in ("hstack", "vstack", "dstack", "row_stack", "column_stack")),
    row("block_diag", call(X(2, 3), X(1, 1)), call(X(2), X()), call(X(0, 2), X(1, 1)), bad=[call(X(2, 2, 2))]),
    row("cartesian_prod", call(X(2), X(3)), call(X(3)), bad=[call(X(2, 2))]),
    row("combinations", call(X(4)), call(X(4), 3), call(X(3), with_replacement=True), bad=[call(X(2, 2)), call(X(3), -1)]),
    row("repeat", call(X(2, 3), 2, 1), call(X(3), (2, 2)), call(X(), 3), call(X(2, 3), 1, 0), bad=[call(X(2, 3), 2), call(X(3), -1)]),
    row("tile", call(X(2, 3), (2, 1)), call(X(3), (2, 2)), call(X(), (3,)), call(X(2, 3), (2,)), bad=[call(X(3), (-1,))]),
    row("repeat_interleave", call(X(2, 3), 2), call(X(2, 3), 2, dim=1), call(X(3), L([1, 0, 2], "int64"), dim=0), call(L([1, 0, 2], "int64")), call(X(2, 3), L([1, 2], "int64"), 0),
        bad=[call(X(3), -1), call(X(3), L([1, 2], "int64"), dim=0), call(X(3), F(3), dim=0)]),
    row("flip", call(X(3, 4), (0,)), call(X(3, 4), (0, 1)), call(X(), ()), call(X(3, 4), [-1]), bad=[call(X(3), (1,)), call(X(3, 4), (0, 0))]),
    row("fliplr", call(X(3, 4)), bad=[call(X(3))]), row("flipud", call(X(3, 4)), call(X(3)), bad=[call(X())]),
    row("rot90", call(X(3, 4)), call(X(3, 4), 2), call(X(3, 4), -1), call(X(2, 3, 4), 1, (1, 2)), bad=[call(X(3)), call(X(3, 4), 1, (0, 0)), call(X(3, 4), 1, (0,))]),
    row("roll", call(X(3, 4), 1), call(X(3, 4), 1, 0), call(X(3, 4), (1, -1), (0, 1)), call(X(0, 3), 1, 0), call(X(), 1), bad=[call(X(3, 4), (1, 2), 0), call(X(3), 1, 1)]),
    row("tril", call(X(3, 4)), call(X(3, 4), 1), call(X(2, 3, 3), -1), call(X(0, 3)), bad=[call(X(3))]),
    row("triu", call(X(3, 4)), call(X(3, 4), 1), call(X(2, 3, 3), -1), call(X(0, 3)), bad=[call(X(3))]),
    row("diag", call(X(3)), call(X(3, 4)), call(X(3), 1), call(X(3, 4), -1), bad=[call(X()), call(X(2, 2, 2))]),
    row("diag_embed", call(X(3)), call(X(2, 3)), call(X(3), 1), call(X(2, 3), 0, 0, 2), bad=[call(X(3), 0, 0, 0)]),
    row("diagflat", call(X(3)), call(X(2, 2)), call(X(), 1)),
    row("vander", call(X(4)), call(X(4), 3), call(X(4), 3, True), bad=[call(X(2, 2))], level="ulp", complex_level="ulp", grad=False),
    row("tril_indices", call(3, 4), call(3, 4, 1), call(3, 3, -1), call(0, 2), bad=[call(-1, 2)]), row("triu_indices", call(3, 4), call(3, 4, 1), call(3, 3, -1), bad=[call(-1, 2)]),
    row("unfold_copy", call(X(7), 0, 3, 2)),
]

ROWS = table("shaping", VIEWS + JOINING)
