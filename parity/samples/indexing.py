"""Cases of indexing: reading, writing, gathering, scattering, masking."""

from __future__ import annotations

from .spec import FLOATS, HALF, INTS, B, F, I, L, X, call, forward, row, table

# fmt: off
ELLIPSIS = Ellipsis
MASK = L([[True, False, True, True], [False] * 4, [True, True, False, False]], "bool")
ROWS_MASK = L([True, False, True], "bool")
IDX = L([0, 2, 2], "int64")
CUBE = X(3, 4, 5)

INDICES = [
    1, -1, slice(1, 3), slice(None, None, 2), (1, 2), (slice(None), 1), (ELLIPSIS, 0), None,
    (None, 1, None), (ELLIPSIS, None), ELLIPSIS, (),
    (slice(2, None), slice(0, 0)), IDX, (IDX, L([1, 0, 3], "int64")), (slice(None), IDX),
    (IDX, slice(None, 2)), (1, slice(None), IDX), (IDX, 1),
    (IDX, slice(None), L([0, 1, 4], "int64")), (slice(None), L([[0, 1], [2, 3]], "int64")),
    ROWS_MASK, MASK, (ROWS_MASK, 1), (slice(None), L([True, False, True, False], "bool")),
    [0, 2], ([0, 1], [1, 2]), (None, IDX), (L([-1, 0], "int64"), ELLIPSIS), L(1, "int64"),
    (L(1, "int64"), slice(None)), True, L([1, 0, 2], "uint8"), L([], "int64"),
    L([2, 0], "int32"), (IDX, None, L([1], "int64")),
]
BAD_INDICES = [3, (0, 4), (0, 0, 0, 0), L([5], "int64"), 1.5, "a", slice(None, None, -1),
    L([True, False], "bool"), (L([0, 1], "int64"), L([0, 1, 2], "int64")), F(2)]

GETSET = [
    row("__getitem__", *(call(CUBE, i) for i in INDICES), call(X(), ()), call(X(), None),
        call(X(), ELLIPSIS), call(X(0, 3), slice(None)), call(X(5), L([4, 4, 4, 0], "int64")),
        bad=[*(call(CUBE, i) for i in BAD_INDICES), call(X(), 0)]),
]

SOURCE = [call(X(3, 4), 0, IDX), call(X(3, 4), 1, L([3, 0], "int64")),
    call(X(3, 4), -1, L([], "int64")), call(X(5), 0, L(2, "int64")),
    call(X(3, 4), 0, L([1], "int32"))]
GI = L([[0, 1, 2], [2, 0, 0]], "int64")
SCATTER = (call(X(3, 4), 0, GI, X(2, 3)), call(X(3, 4), 1, GI, X(2, 3)),
    call(X(4), 0, L([1, 3], "int64"), X(2)))
BAD_SCATTER = [call(X(3, 4), 2, GI, X(2, 3)), call(X(2, 2), 0, GI, X(2, 3)),
    call(X(3, 4), 0, F(2, 3), X(2, 3)), call(X(3, 4), 0, GI, F(2, 3, dtype="float64")),
    call(X(3, 4), 0, GI, X(1, 1))]
INDEXED = (call(X(3, 4), 0, IDX, X(3, 4)), call(X(3, 4), 1, L([3, 0], "int64"), X(3, 2)),
    call(X(4), 0, L([1, 1, 1], "int64"), X(3)))
BAD_INDEXED = [call(X(3, 4), 0, L([5], "int64"), X(1, 4)), call(X(3, 4), 2, IDX, X(3, 4)),
    call(X(3, 4), 0, IDX, X(2, 4))]
REDUCE = [call(X(3, 4), 0, GI, X(2, 3), r, include_self=s) for r in ("sum", "prod", "mean", "amax",
    "amin") for s in (True, False)]

INDEXING = [
    row("index_select", *SOURCE, bad=[call(X(3, 4), 0, L([3], "int64")), call(X(3, 4), 2, IDX),
        call(X(3, 4), 0, F(2)), call(X(3, 4), 0, I(2, 2))]),
    row("gather", call(X(3, 4), 0, GI), call(X(3, 4), 1, GI), call(X(4), 0, L([3, 3, 0], "int64")),
        call(X(3, 4), -1, L([[]], "int64")), call(X(), 0, L(0, "int64")),
        bad=[call(X(3, 4), 0, L([[3]], "int64")), call(X(3, 4), 2, GI), call(X(3, 4), 0, F(2, 3)),
            call(X(3, 4), 0, L([0], "int64")), call(X(1, 2), 0, GI)]),
    row("take", call(X(3, 4), L([0, 11, 5], "int64")), call(X(3, 4), L([[-1, 2]], "int64")),
        call(X(3, 4), L([], "int64")), bad=[call(X(3), L([3], "int64")), call(X(3), F(1))]),
    row("take_along_dim", call(X(3, 4), L([[0, 1, 2, 2]], "int64"), 0),
        call(X(3, 4), L([[3], [0], [1]], "int64"), dim=1), call(X(3, 4), L([0, 11], "int64")),
        bad=[call(X(3, 4), F(3, 4), 0)]),
    row("masked_select", call(X(3, 4), MASK), call(X(3, 1), L([True, False], "bool")),
        call(X(3), L(True, "bool")), call(X(0, 3), B(0, 3)),
        bad=[call(X(3, 4), B(3)), call(X(3), I(3))]),
    row("nonzero", call(X(3, 4, domain="ties")), call(X(5, domain="ties"), as_tuple=True),
        call(X()), call(X(0, 3)), call(L([0.0, -0.0, float("nan")])), grad=False),
    row("argwhere", call(X(3, 4, domain="ties")), call(X(5, domain="ties")), grad=False),
    row("scatter", *SCATTER, call(X(3, 4), 0, GI, 1.5), call(X(3, 4), 1, GI, 2),
        forward(call(X(3, 4), 0, GI, X(2, 3), reduce="add")),
        forward(call(X(3, 4), 0, GI, 2.0, reduce="multiply")), bad=BAD_SCATTER),
    row("scatter_add", *SCATTER, call(X(4), 0, L([1, 1, 1], "int64"), X(3)), bad=BAD_SCATTER,
        level="sum"),
    row("scatter_reduce", *REDUCE, bad=[call(X(3), 0, L([0], "int64"), X(1), "median")],
        level="sum", dtypes=FLOATS + HALF + INTS, special=False, second=False),
    row("index_add", *INDEXED, call(X(3, 4), 0, IDX, X(3, 4), alpha=2), bad=BAD_INDEXED,
        level="sum"),
    row("index_copy", call(X(3, 4), 0, L([2, 0], "int64"), X(2, 4)),
        call(X(3, 4), 1, L([3, 0], "int64"), X(3, 2)), bad=BAD_INDEXED),
    row("index_fill", call(X(3, 4), 0, IDX, 2), call(X(3, 4), 1, L([3, 0], "int64"), X()),
        bad=[call(X(3, 4), 0, L([5], "int64"), 1), call(X(3), 0, L([0], "int64"), X(2))]),
    row("index_reduce", *(call(X(3, 4), 0, L([2, 0, 2], "int64"), X(3, 4), r) for r in ("prod",
        "mean", "amax", "amin")), level="sum", dtypes=FLOATS, special=False, second=False),
    row("index_put", call(X(3, 4), (IDX,), X(3, 4), note="repeated rows"),
        call(X(3, 4), (L([0, 2], "int64"),), X(2, 4)), call(X(3, 4), (MASK,), X(5)),
        call(X(3, 4), (L([0, 2], "int64"), L([1, 3], "int64")), X()),
        call(X(3, 4), (IDX,), X(3, 4), accumulate=True),
        call(X(3, 4), (L([0, 2], "int64"),), X(1, 4)), forward(call(X(3, 4), (MASK,), X(1, 1, 1))),
        bad=[call(X(3, 4), (L([5], "int64"),), X()), call(X(3, 4), (IDX,), X(1, 3, 4)),
            call(X(3, 4), (L([0], "int64"),), X(3))], level="sum", special=False),
    row("index_put_", call(X(3, 4), (L([0, 2], "int64"),), X(2, 4)), call(X(3, 4), (MASK,), X()),
        grad=False, special=False), row("put_", call(X(3, 4), L([0, 5], "int64"), X(2)), grad=False,
        special=False),
    row("put", call(X(3, 4), L([0, 5], "int64"), X(2)),
        call(X(3, 4), L([1, 1], "int64"), X(2), accumulate=True),
        bad=[call(X(3), L([3], "int64"), X(1)), call(X(3), L([0], "int64"), X(2))]),
    row("masked_fill", call(X(3, 4), MASK, 2), call(X(3, 4), L([True, False, True, False], "bool"),
        0.5), call(X(3, 4), MASK, X()), call(X(), L(True, "bool"), 1),
        bad=[call(X(3), B(4), 1), call(X(3), I(3), 1), call(X(3), B(3), X(2)),
            call(X(3), B(3), "a")]),
    row("masked_scatter", call(X(3, 4), MASK, X(3, 4)),
        call(X(3, 4), L([True, False, False, True], "bool"), X(9)),
        bad=[call(X(3), L([True] * 3, "bool"), X(2)), call(X(3), I(3), X(3))]),
    row("select_scatter", call(X(3, 4), X(4), 0, 1), call(X(3, 4), X(3), 1, -1),
        bad=[call(X(3, 4), X(3), 0, 1)]),
    row("slice_scatter", call(X(3, 4), X(2, 4), 0, 1, 3), call(X(3, 4), X(3, 2), 1, 0, 4, 2),
        bad=[call(X(3, 4), X(3, 4), 0, 1, 3)]),
    row("diagonal_scatter", call(X(3, 4), X(3)), call(X(3, 4), X(3), 1), bad=[call(X(3, 4), X(4))]),
    row("fill", call(X(3, 4), 2), call(X(3, 4), X()), bad=[call(X(3), X(2))]),
    row("tensordot", call(X(3, 4), X(4, 2), 1), call(X(2, 3, 4), X(4, 3, 5), ([1, 2], [1, 0])),
        call(X(3), X(2), 0), bad=[call(X(3, 4), X(3, 2), 1)], level="sum",
        dtypes=FLOATS + INTS, special=False),
]

SETITEM = [
    row("__setitem__", *(call(X(3, 4), i, 2) for i in (1, (0, 1), slice(None, None, 2), MASK,
        ROWS_MASK, IDX, ELLIPSIS, (ELLIPSIS, -1))),
        call(X(3, 4), 1, X(4)), call(X(3, 4), slice(1, 3), X()), call(X(3, 4), MASK, X(5)),
        call(X(3, 4), (slice(None), IDX), X(3, 1)), call(X(3, 4), 0, F(4, dtype="float64")),
        call(X(), (), 2), bad=[call(X(3, 4), 3, 1), call(X(3, 4), 0, X(3)), call(X(3, 4), "a", 1),
            call(X(3, 4), 0, "a"), call(X(3, 4), MASK, X(4))], grad=False, special=False),
]

ROWS = table("indexing", GETSET + INDEXING + SETITEM)
