"""Cases of the reductions, cumulative ops and sorting."""

from __future__ import annotations

from typing import Any, Unpack

from .spec import (
    ALL,
    BOOL,
    FLOATS,
    HALF,
    INEXACT,
    INTS,
    REAL,
    B,
    Call,
    D,
    F,
    I,
    L,
    Options,
    Row,
    X,
    call,
    forward,
    only,
    row,
    table,
)

# fmt: off
SHAPES = ((), (1,), (2, 3, 4))


def along(*, keep: bool = True, tuples: bool = True, none: bool = True, domain: str = "any",
    empty: bool = True, nothing: bool = True, **kwargs: Any) -> list[Call]:
    """The usual calls of a reduction: everything, one dim, negative dim, keepdim, several dims."""
    x = X(3, 4, domain=domain)
    calls = [call(x, **kwargs)] if none else []
    calls += [call(x, dim=1, **kwargs), call(x, dim=-2, **kwargs),
        call(X(domain=domain), dim=0, **kwargs),
              call(X(2, 1, 3, domain=domain), dim=1, **kwargs)]
    calls += [call(X(domain=domain), **kwargs), call(X(40, domain=domain),
        **kwargs)] if none else []
    calls += [call(x, dim=0, keepdim=True, **kwargs)] if keep else []
    calls += [call(X(2, 3, 4, domain=domain), dim=(0, 2), **kwargs),
              call(X(2, 3, 4, domain=domain), dim=[-1, 0], keepdim=True, **kwargs),
              *([call(x, dim=(), **kwargs)] if nothing else [])] if tuples else []
    calls += [call(X(0, 3, domain=domain), dim=1, **kwargs),
        call(X(0, 3, domain=domain), dim=0, **kwargs)] if empty else []
    return calls


BAD_DIM = [call(X(3, 4), dim=2), call(X(3, 4), dim=-3), call(X(3, 4), dim="a"), call("a")]
BAD_DIMS = [*BAD_DIM, call(X(3, 4), dim=(0, 0)), call(X(3, 4), dim=(0, 2))]
LONG = call(X(3, 200), dim=1)


def extreme(name: str, nothing: bool = True, empty: bool = True, **options: Unpack[Options]) -> Row:
    """max/min/argmax and friends: distinct values, ties, nan."""
    nan = float("nan")
    ties = [call(X(4, 5, domain="ties"), dim=1), call(X(4, 5, domain="ties"), dim=0, keepdim=True)]
    nans = [only(FLOATS + HALF, call(L([[1.0, nan, 3.0], [nan, nan, 2.0], [1.0, 2.0, 2.0]]),
        dim=1))]
    return row(name, *along(domain="distinct", tuples=False, empty=empty),
               *ties, *nans, bad=[*BAD_DIM, *([call(X(0))] if nothing else []),
                   call(X(0, 3), dim=0)], **options)


PAIRS = [call(X(3, 4, domain="distinct"), X(3, 4, domain="distinct")),
    call(X(3, 1, domain="ties"), X(4, domain="ties"))]
VAR = [*along(), call(X(3, 4), dim=1, correction=0), call(X(3, 4), correction=2),
    call(X(3, 4), 1, False), call(X(3, 4), False),
       call(X(1)), call(X(3, 1), dim=1), LONG]
QS = (call(X(3, 5), 0.5), call(X(3, 5), 0.25, dim=1), call(X(3, 5), L([0.0, 0.5, 1.0]), dim=0),
    call(X(3, 5), 0.75, 1, True), call(X(3, 5), L([0.375, 0.875]), dim=1),
      *(call(X(3, 5), 0.125, dim=1, interpolation=m) for m in ("linear", "lower", "higher",
          "midpoint", "nearest")))
NAN_ROW = L([[1.0, float("nan"), 3.0, 0.5], [float("nan")] * 4, [1.0, 2.0, 2.5, -1.0]])

REDUCTIONS = [
    row("sum", *along(), call(X(3, 4), dim=1, dtype=D("float64")),
        forward(call(X(3, 4), dtype=D("int64"))), call(X(3, 4), None), LONG,
        call(X(40, 3), dim=0), call(X(300)), bad=BAD_DIMS, level="sum"),
    row("nansum", *along(), call(NAN_ROW, dim=1), LONG, bad=BAD_DIM, level="sum",
        dtypes=REAL + BOOL),
    row("mean", *along(), LONG, call(X(40, 3), dim=0),
        only(INTS, call(X(3, 4), dtype=D("float32"))), bad=[*BAD_DIMS, call(I(3)), call(B(3))],
        level="sum",
        dtypes=ALL),
    row("nanmean", *along(), call(NAN_ROW, dim=1), bad=[call(X(3, 4), dim=2), call(I(3))],
        level="sum", dtypes=FLOATS + HALF),
    row("prod", *along(tuples=False), call(L([[0.0, 2.0, 3.0], [0.0, 0.0, 2.0], [1.0, 2.0, 0.0]]),
        dim=1), call(L([0.0, 2.0, 3.0])),
        call(L([0.0, 0.0, 3.0])), call(X(3, 4), dim=1, dtype=D("float64")), bad=BAD_DIM,
        level="sum"),
    row("logsumexp", *along(none=False, nothing=False), bad=[call(X(3, 4), dim=2)], level="sum",
        dtypes=REAL + BOOL),
    row("special.logsumexp", *along(none=False, nothing=False), level="sum", dtypes=REAL),
    *(row(n, *VAR, bad=[call(X(3, 4), dim=2), call(I(3))], level="sum", dtypes=INEXACT,
        special=False)
      for n in ("var", "std", "var_mean", "std_mean")),
    row("norm", *along(tuples=False), call(X(3, 4), 1), call(X(3, 4), 0, dim=1),
        call(X(3, 4), float("inf")), call(X(3, 4), -float("inf"), dim=0),
        call(X(3, 4), 3), call(X(3, 4), "fro"), call(X(3, 4), "fro", dim=(0, 1)),
        call(X(3, 4), p=2, dim=1, keepdim=True),
        call(X(3, 4), 0.5), call(X(3, 4), 2, dtype=D("float64"), dim=1), call(L([0.0, 0.0]), 2),
        call(L([0.0, 1.0]), 1), call(X(3, 4), "nuc"),
        bad=[call(X(3, 4), dim=2), call(X(3, 4), "abc")], level="sum", dtypes=INEXACT + ("int64",)),
    row("all", *along(), bad=[call(X(3, 4), dim=2)], grad=False),
    row("any", *along(), bad=[call(X(3, 4), dim=2)], grad=False),
    row("count_nonzero", call(X(3, 4, domain="ties")), call(X(3, 4, domain="ties"), dim=1),
        call(X(3, 4, domain="ties"), (0, 1)),
        call(X()), call(X(0, 3)), bad=[call(X(3, 4), dim=2)], grad=False),
    extreme("argmax", grad=False, dtypes=REAL, empty=False),
    extreme("argmin", grad=False, dtypes=REAL, empty=False),
    row("amax", *along(domain="distinct", empty=False), call(X(4, 5, domain="ties"), dim=1),
        call(X(4, 5, domain="ties"), dim=(0, 1)),
        call(NAN_ROW, dim=1), bad=[*BAD_DIM, call(X(0, 3), dim=0)], dtypes=REAL + BOOL),
    row("amin", *along(domain="distinct", empty=False), call(X(4, 5, domain="ties"), dim=1),
        call(X(4, 5, domain="ties"), dim=(0, 1)),
        call(NAN_ROW, dim=1), bad=[*BAD_DIM, call(X(0, 3), dim=0)], dtypes=REAL + BOOL),
    row("aminmax", call(X(3, 4, domain="distinct")), call(X(3, 4, domain="distinct"), dim=1),
        call(X(3, 4, domain="distinct"), dim=0, keepdim=True),
        call(X(4, 5, domain="ties"), dim=1), call(NAN_ROW, dim=1),
        bad=[call(X(3, 4), dim=2), call(X(0))], dtypes=REAL + BOOL),
    *(row(n, *extreme(n, empty=False).calls, *PAIRS, bad=extreme(n).bad,
        dtypes=REAL + BOOL) for n in ("max", "min")),
    extreme("median", dtypes=REAL, empty=False, nothing=False),
    extreme("nanmedian", dtypes=REAL, empty=False, nothing=False),
    row("mode", call(X(4, 5, domain="ties")), call(X(4, 5, domain="ties"), 0, True),
        call(X(3, 4, domain="distinct"), dim=1), call(X(), 0),
        bad=[call(X(3, 4), 2)], dtypes=REAL + BOOL),
    row("kthvalue", call(X(4, 5, domain="distinct"), 2), call(X(4, 5, domain="ties"), 3, 0, True),
        call(X(), 1), call(NAN_ROW, 2, dim=1), call(X(3, 40, domain="ties"), 11),
        bad=[call(X(3, 4), 5), call(X(3, 4), 0), call(X(3, 4), 1, 2)], dtypes=REAL),
    row("quantile", *QS, bad=[call(X(3), 1.5), call(I(3), 0.5), call(X(3), 0.5, dim=1)],
        level="ulp", dtypes=FLOATS, special=False),
    row("nanquantile", *QS, call(NAN_ROW, 0.5, dim=1), bad=[call(X(3), 1.5)], level="ulp",
        dtypes=FLOATS, special=False),
]

BIG = X(257, domain="ties")
SORT = [call(X(4, 5, domain="distinct")), call(X(4, 5, domain="distinct"), dim=0, descending=True),
    call(X(4, 6, domain="ties"), stable=True, dim=1),
        call(X(4, 6, domain="ties"), stable=True, dim=0, descending=True), call(X(), 0),
        call(X(0, 3)), call(BIG, stable=True),
        call(NAN_ROW, dim=1, stable=True)]
SORTING = [
    row("sort", *SORT, bad=[call(X(3, 4), 2)], dtypes=REAL + BOOL),
    row("argsort", *SORT, bad=[call(X(3, 4), 2)], dtypes=REAL + BOOL, grad=False),
    row("msort", call(X(4, 5, domain="distinct")), call(X(3)), call(X(0, 3)), dtypes=REAL + BOOL),
    row("topk", call(X(4, 5, domain="distinct"), 2), call(X(4, 5, domain="distinct"), 3, 0),
        call(X(4, 5, domain="distinct"), 2, largest=False),
        call(X(4, 5, domain="distinct"), 5, -1, False), call(X(), 1), call(X(4, 5), 0),
        call(NAN_ROW, 3), call(X(4, 30, domain="ties"), 7), call(X(3, 90, domain="ties"), 1, largest=False),
        call(X(4, 9, domain="ties"), 5, 1, False, False), bad=[call(X(3, 4), 5), call(X(3, 4), 1, 2), call(X(3, 4), -1)],
        dtypes=REAL),
    row("unique", call(X(4, 5, domain="ties")), call(X(4, 5, domain="ties"), return_inverse=True,
        return_counts=True),
        call(X(6, 2, domain="ties"), dim=0), call(X(6, 2, domain="ties"), dim=0,
            return_inverse=True, return_counts=True), call(X(0)), call(X()),
        bad=[call(X(3), dim=1)], dtypes=REAL + BOOL),
    row("unique_consecutive", call(X(20, domain="ties")),
        call(X(4, 5, domain="ties"), return_inverse=True, return_counts=True),
        call(X(6, 2, domain="ties"), dim=0), call(X(0)), dtypes=REAL + BOOL),
    row("searchsorted", call(L([1.0, 2.0, 2.0, 4.0]), X(5, domain="ties")),
        call(L([1.0, 2.0, 2.0, 4.0]), X(5, domain="ties"), right=True),
        call(L([1.0, 2.0, 4.0]), 2.0), call(L([1.0, 2.0, 4.0]), X(3), out_int32=True),
        call(L([[1.0, 3.0], [2.0, 4.0]]), X(2, 3)),
        call(L([1.0, 2.0, 4.0]), X(3), side="right"),
        call(L([4.0, 1.0, 2.0]), X(3), sorter=L([1, 2, 0], "int64")),
        call(L([4.0, 1.0, float("nan"), 2.0]), L([0.5, float("nan"), 1.0, 3.0])),
        bad=[call(L([[1.0, 3.0], [2.0, 4.0]]), X(3, 3)), call(X(3), X(2), side="middle"),
            call(X(3), X(2), side="left", right=True), call(X(2, 3), 1.0), call(X(), X(2)),
            call(X(3), X(2), sorter=L([0, 1], "int64")), call(X(3), X(2), sorter=F(3)),
            call(X(3), X(2), sorter=L([0, 1, 9], "int64"))], dtypes=REAL, grad=False, layouts=False),
    row("bucketize", call(X(5, domain="ties"), L([1.0, 2.0, 2.0, 4.0])),
        call(X(5, domain="ties"), L([1.0, 2.0, 4.0]), right=True),
        call(2.0, L([1.0, 2.0, 4.0])), call(X(3), L([0.0]), out_int32=True),
        bad=[call(X(3), X(2, 2))], dtypes=REAL, grad=False),
    row("histc", call(X(40), 5), call(X(40), bins=4, min=-1, max=1), call(X(0), 3),
        bad=[call(X(3), 0), call(X(3), 4, 2, 1)], dtypes=FLOATS + INTS,
        grad=False, special=False),
    row("histogram", call(X(40), 5), call(X(40), 4, range=(-1.0, 1.0)),
        call(X(40), L([-2.0, 0.0, 1.0])), call(X(9), 3, density=True),
        bad=[call(X(3), 0), call(I(3), 3)], dtypes=FLOATS, level="ulp", special=False),
    row("bincount", call(I(20)), call(I(20), minlength=9), call(I(20), F(20)), call(I(0)),
        bad=[call(F(3)), call(I(2, 2)), call(L([-1], "int64"))],
        level="sum", layouts=False, special=False),
]

CUM = [call(X(3, 4), 1), call(X(3, 4), dim=-2), call(X(), 0), call(X(0, 3), 0), call(X(1), 0),
    call(X(2, 3, 4), 1), call(X(60), 0)]
ZEROS = L([[0.0, 2.0, 3.0, 0.5], [2.0, 0.0, 0.0, 2.0], [1.0, 2.0, 4.0, 0.0]])
CUMULATIVE = [
    row("cumsum", *CUM, call(X(3, 4), 1, dtype=D("float64")),
        only(INTS + BOOL, call(X(3, 4), 1, dtype=D("int32"))), call(X(3, 4), axis=1),
        bad=[call(X(3, 4), 2), call(X(3, 4)), call(B(3), 0, dtype=D("bool"))], level="sum"),
    row("cumprod", *CUM, call(ZEROS, 1), call(ZEROS, 0), call(X(3, 4), 1, dtype=D("float64")),
        bad=[call(X(3, 4), 2)], level="sum"),
    row("cummax", *CUM, call(X(4, 6, domain="ties"), 1), call(NAN_ROW, 1), bad=[call(X(3, 4), 2)],
        dtypes=REAL + BOOL),
    row("cummin", *CUM, call(X(4, 6, domain="ties"), 1), call(NAN_ROW, 1), bad=[call(X(3, 4), 2)],
        dtypes=REAL + BOOL),
    row("logcumsumexp", *CUM, bad=[call(X(3, 4), 2), call(I(3), 0)], level="sum",
        dtypes=FLOATS + HALF),
    row("diff", call(X(3, 5)), call(X(3, 5), 2), call(X(3, 5), dim=0),
        call(X(3, 5), prepend=X(3, 1), append=X(3, 2)), call(X(1)), call(X(3), n=0),
        bad=[call(X()), call(X(3), dim=1)]),
    row("trapezoid", call(X(3, 5)), call(X(3, 5), X(5)), call(X(3, 5), dx=0.5),
        call(X(3, 5), dim=0), level="sum", dtypes=FLOATS),
    row("trapz", call(X(3, 5)), call(X(3, 5), X(3, 5)), level="sum", dtypes=FLOATS),
    row("cumulative_trapezoid", call(X(3, 5)), call(X(3, 5), X(5)), call(X(3, 5), dx=0.5),
        level="sum", dtypes=FLOATS),
]

ROWS = table("reduction", REDUCTIONS + SORTING + CUMULATIVE)
