"""Cases of segments, of the convolution with time first, and of a linear map with its loss."""

from __future__ import annotations

from .spec import FLOATS, Arr, I, L, X, call, row, table


def N(*values: int, dtype: str = "int64") -> Arr:  # noqa: N802 - spelt as in the other tables
    """Lengths or offsets."""
    return L(list(values), dtype)


# fmt: off
DATA = X(6)
REDUCTIONS = ("sum", "mean", "max", "min", "prod", "amax", "amin")
SEGMENTS = row(
    "segment_reduce",
    call(DATA, "sum", lengths=N(2, 0, 4)), call(X(6, 2), "mean", lengths=N(2, 4)),
    *(call(DATA, r, lengths=N(2, 1, 3)) for r in REDUCTIONS),
    *(call(X(6, domain="ties"), r, lengths=N(4, 0, 2), initial=0.5) for r in REDUCTIONS),
    *(call(X(5, domain="ties"), r, offsets=N(0, 2, 5)) for r in ("sum", "max", "prod")),
    call(X(2, 3), "sum", lengths=L([[1, 2], [3, 0]], "int64"), axis=1),
    call(X(2, 3, 2), "max", lengths=L([[1, 2], [3, 0]], "int64"), axis=-2),
    call(DATA, "sum", lengths=N(2, 4, dtype="int32")), call(DATA, "sum", lengths=N(2, 3), unsafe=True),
    bad=[call(DATA, "sum"), call(DATA, "avg", lengths=N(6)), call(DATA, "sum", lengths=N(2, 3)),
         call(DATA, "sum", lengths=N(2, -1, 5)), call(DATA, "sum", indices=N(2, 4)),
         call(DATA, "sum", lengths=N(2, 4), axis=1), call(X(2, 3), "sum", lengths=N(1, 1), axis=1),
         call(DATA, "sum", lengths=L(6, "int64")), call(DATA, "sum", lengths=L([2.0, 4.0], "float32")),
         call(I(6), "sum", lengths=N(2, 4)), call(X(0), "sum", lengths=N())],
    dtypes=(*FLOATS, "float16"), layouts=False, second=False)

MILD = (-1.0, 1.0)


def A(*shape: int) -> Arr:  # noqa: N802
    return X(*shape, domain=MILD)


TIME = [
    row(f"{space}conv_tbc", call(A(5, 2, 3), A(3, 3, 4), A(4)), call(A(5, 2, 3), A(3, 3, 4), A(4), 1),
        call(A(4, 1, 2), A(2, 2, 3), A(3), pad=3), call(A(5, 2, 3), A(2, 3, 4), A(4), pad=-1),
        call(A(1, 2, 3), A(2, 3, 4), A(4)), call(A(5, 0, 3), A(3, 3, 4), A(4)),
        bad=[call(A(2, 3), A(3, 3, 4), A(4)), call(A(5, 2, 3), A(3, 4), A(4)),
             call(A(5, 2, 3), A(3, 3, 4), A(4, 1)), call(A(5, 2, 3), A(3, 2, 4), A(4)),
             call(A(5, 2, 3), A(3, 3, 4), A(3)), call(A(1, 2, 3), A(3, 3, 4), A(4))],
        level="sum", dtypes=FLOATS, layouts=False, special=False)
    for space in ("", "nn.functional.")
]

LOSSES = [
    row("nn.functional.linear_cross_entropy", call(A(5, 3), A(4, 3), I(5)), call(A(3), A(4, 3), I()),
        call(A(5, 3), A(4, 3), I(5), linear_bias=A(4), reduction="sum"),
        call(A(5, 3), A(4, 3), I(5), weight=L([0.5, 1.0, 2.0, 1.0], grad=False), reduction="none"),
        call(A(5, 3), A(4, 3), I(5), ignore_index=1, label_smoothing=0.25),
        call(A(2, 3), A(4, 2, 3), I(2, 2)), call(A(2, 3), A(4, 2, 3), I(2, 2), linear_bias=A(4, 2)),
        call(A(2, 3), A(4, 3), L([[0.25, 0.25, 0.5, 0.0], [1.0, 0.0, 0.0, 0.0]])),
        bad=[call(A(), A(4, 3), I()), call(A(5, 3), A(3), I(5)), call(A(5, 3), A(4, 2), I(5)),
             call(A(5, 3), A(4, 3), I(5), linear_bias=A(3)), call(A(3), A(4, 2, 3), I(2)),
             call(A(2, 3), A(4, 3), A(2, 4), ignore_index=1), call(A(5, 3), A(4, 3), I(4))],
        level="sum", dtypes=FLOATS, layouts=False, special=False),
]
# fmt: on

ROWS = table("sequences", [SEGMENTS, *TIME, *LOSSES])
