"""Cases of copies of views, views turned round, counting, finite differences, storages, questions."""

from __future__ import annotations

from typing import Any

from .spec import ALL, FLOATS, INTS, REAL, D, I, L, X, call, row, table

# fmt: off

SHAPE = (3, 4)
VIEW_CALLS: dict[str, list[tuple[Any, ...]]] = {
    "alias": [()], "as_strided": [((3, 2), (4, 1)), ((2, 2), (1, 1), 2)], "detach": [()],
    "diagonal": [(), (1,), (-1, 1, 0)], "expand": [((2, 3, 4),), ((-1, 4),)], "permute": [((1, 0),)],
    "select": [(0, 1), (1, -1)], "slice": [(0, 1, 3), (), (1, -3, None, 2)], "squeeze": [(), (0,)],
    "t": [()], "transpose": [(0, 1), (-1, 0)],
    "unsqueeze": [(0,), (-1,)], "view": [((12,),), ((2, -1),)], "unbind": [(), (1,)],
    "split": [(2,), (3, 1)], "split_with_sizes": [([1, 2],), ([1, 3], 1)],
}
BAD_VIEWS: dict[str, list[tuple[Any, ...]]] = {
    "diagonal": [(0, 0, 0)], "expand": [((2, 4),)], "permute": [((0, 0),)], "select": [(0, 5)],
    "slice": [(0, 0, 2, 0)], "unsqueeze": [(4,)], "view": [((5,),)], "split": [(-1,)],
    "as_strided": [((9, 9), (9, 9))], "transpose": [(0, 2)], "unbind": [(2,)],
}
COPIES = [
    *(row(f"{n}_copy", *(call(X(*SHAPE), *a) for a in calls), layouts=n != "as_strided",
        bad=[call(X(*SHAPE), *a) for a in BAD_VIEWS.get(n, [])] + [call(3)], special=False)
      for n, calls in VIEW_CALLS.items()),
    row("view_as_real_copy", call(X(3, 4)), call(X()), dtypes=("complex64", "complex128"),
        few=("complex64",), special=False),
    row("view_as_complex_copy", call(X(3, 2)), call(X(2)), bad=[call(X(3))], dtypes=FLOATS,
        special=False),
]

SCATTERED = [
    row("as_strided_scatter", call(X(*SHAPE), X(2, 2), (2, 2), (4, 1)),
        call(X(*SHAPE), X(2, 2), (2, 2), (4, 1), 5), call(X(*SHAPE), X(3), (3,), (5,)),
        bad=[call(X(*SHAPE), X(3), (2, 2), (4, 1)), call(X(*SHAPE), X(2, 2), (2, 2), (4, 1), 50)],
        special=False, layouts=False),
    row("nonzero_static", call(X(3, 4, domain="ties"), size=5), call(X(domain="ties"), size=2),
        call(X(3, 4, domain="ties"), size=2, fill_value=7), call(X(0, 2), size=2),
        bad=[call(X(3), size=-1), call(X(3))], grad=False),
    row("unravel_index", call(I(4, low=0, high=11), (3, 4)), call(I(2, low=0, high=5), 6),
        call(I(), (3, 4)), call(L([-1, -5], "int64"), (3, 4)), call(I(0), (3, 4)),
        bad=[call(L([1.0]), (3, 4)), call(I(2), (3, -4)), call(I(2), (2.5,))], grad=False),
    row("as_strided_", call(X(*SHAPE, grad=False), (2, 2), (1, 2)),
        call(X(*SHAPE, grad=False), (2,), (3,), 1),
        bad=[call(X(*SHAPE, grad=False), (5, 5), (5, 1))], grad=False, special=False, layouts=False),
    row("set_", call(X(3, grad=False), X(2, 2, grad=False)), call(X(3, grad=False)),
        call(X(3, grad=False), X(4, grad=False), 1, (2,), (1,)),
        bad=[call(X(3, grad=False), L([1], "int32")), call(X(3, grad=False), 3)], grad=False,
        form="method", special=False, layouts=False),
    row("resize_as_", call(X(3, grad=False), X(2, 1, grad=False)), bad=[call(X(3, grad=False), 3)],
        grad=False, special=False, layouts=False),
    row("resize", call(X(2, 3), 3, 2), form="method", special=False, layouts=False),
    row("resize_as", call(X(2, 3), X(6, grad=False)), form="method", special=False, layouts=False),
]

COUNTS = [
    row("histogramdd", call(X(20, 2), [3, 4]), call(X(20, 1), [5], density=True), call(X(9, 2), 3),
        call(X(8, 2), [2, 2], range=[-1.0, 1.0, -2.0, 2.0]),
        call(X(6, 2), [2, 3], weight=L([1.0, 2.0, 0.5, 4.0, 1.0, 0.25], grad=False)),
        call(X(6, 2), [L([-2.0, 0.0, 2.0], grad=False), L([-1.0, 1.0], grad=False)]),
        call(X(0, 2), [2, 2]), call(X(2, 3, 2), [2, 2]),
        bad=[call(X(4, 2), [3]), call(X(4), [3]), call(X(4, 2), [2, 0]), call(I(4, 2), [2, 2]),
            call(X(4, 2), [2, 2], range=[0.0, 1.0])],
        dtypes=FLOATS, level="ulp", special=False),
]

SLOPES = [
    row("gradient", call(X(6)), call(X(3, 4), dim=1), call(X(6), spacing=0.5), call(X(3, 4)),
        call(X(5), edge_order=2), call(X(3, 4), spacing=[2.0, 0.5]), call(X(3, 4), dim=(1, 0)),
        call(X(5), spacing=[L([0.0, 1.0, 3.0, 4.0, 7.0], grad=False)]),
        call(X(5), spacing=[L([0.0, 1.0, 3.0, 4.0, 7.0], grad=False)], edge_order=2),
        bad=[call(X(1)), call(X(5), edge_order=3), call(X(3, 4), spacing=[1.0, 2.0, 3.0]),
            call(X(3, 4), dim=(0, 0)), call(X(3, 4), dim=5), call(3.0)], level="sum", dtypes=FLOATS,
        special=False),
]

ONE_BY_ONE = [
    row("apply_", call(X(3, 4, grad=False), abs), call(X(grad=False), abs), call(X(0, grad=False),
        abs), bad=[call(X(3, grad=False), 3)], dtypes=REAL, grad=False,
        form="method", special=False),
    row("map_", call(X(3, 4, grad=False), X(3, 4, grad=False), max),
        call(X(3, 4, grad=False), X(4, grad=False), min),
        bad=[call(X(3, grad=False), X(4, grad=False), max),
            call(X(3, grad=False), L([1, 2, 3], "int64"), max)], dtypes=FLOATS + INTS, grad=False,
        form="method", special=False),
    row("map2_", call(X(3, 4, grad=False), X(3, 4, grad=False), X(4, grad=False), max),
        bad=[call(X(3, grad=False), X(4, grad=False), X(3, grad=False), max)],
        dtypes=FLOATS + INTS, grad=False, form="method",
        special=False),
]

QUESTIONS = [
    *(row(n, call(X(2, 3)), call(X()), bad=[call(3)], grad=False, special=False) for n in (
        "get_device", "is_distributed")),
    row("typename", call(X(2)), call(3), call("a"), grad=False, special=False, dtypes=ALL),
    *(row(n, call(X(2, 3)), call(X()), grad=False, form="method", special=False) for n in (
        "is_shared", "dense_dim", "sparse_dim", "to_dense")),
    row("dim_order", call(X(2, 3)), call(X()), grad=False, special=False, form="method",
        layouts=False),
    row("is_coalesced", bad=[call(X(2))], grad=False, form="method", special=False),
    row("reinforce", bad=[call(X(2), 1)], grad=False, form="method", special=False),
    row("is_cpu", call(X(2)), grad=False, special=False),
    row("const_data_ptr", call(X(0)), grad=False, form="method", special=False),
    row("dequantize", call(X(3)), dtypes=("float64", "float16", "int32", "bool"), special=False),
    row("as_subclass", call(X(3), D("nn.Parameter")), bad=[call(X(3), int)],
        form="method", special=False, dtypes=FLOATS),
    row("module_load", call(X(3, grad=False), X(3, grad=False)), grad=False, form="method",
        special=False, dtypes=FLOATS),
]

FRACTIONAL = [
    *(row(f"nn.functional.fractional_max_pool{n}d{end}",
        call(X(2, 2, *(7, 8, 6)[:n], domain="distinct"), 2, (3, 4, 2)[:n]),
        call(X(2, *(7, 8, 6)[:n], domain="distinct"), 3, output_ratio=(0.5, 0.25, 0.5)[:n]),
        call(X(1, 2, *(7, 8, 6)[:n], domain="distinct"), 2, 2, return_indices=True),
        bad=[call(X(1, 2, *(7, 8, 6)[:n]), 2), call(X(1, 2, *(7, 8, 6)[:n]), 9, 2)],
        dtypes=FLOATS, random=True, special=False, layouts=False) for n in (2, 3)
        for end in ("", "_with_indices")),
]
GRID = X(2, 3, 4, 2, domain=(-1.25, 1.25))
LABELS, SIX, LONG = I(2, 3, low=1, high=5), L([6, 6], "int64"), L([3, 2], "int64")
SEQUENCES = [
    row("nn.functional.ctc_loss", call(X(6, 2, 5), LABELS, SIX, LONG),
        *(call(X(6, 2, 5), LABELS, SIX, LONG, reduction=r) for r in ("none", "sum")),
        call(X(6, 2, 5), I(5, low=1, high=5), SIX, LONG), call(X(6, 5), I(3, low=1, high=5), (6,), (3,)),
        call(X(6, 2, 5), LABELS, (6, 4), (2, 0)), call(X(6, 2, 5), I(2, 3, low=0, high=4), SIX, LONG, 4),
        call(X(6, 2, 5), LABELS, L([1, 6], "int64"), LONG, zero_infinity=True),
        bad=[call(X(6, 2, 5), LABELS, L([7, 6], "int64"), LONG), call(X(6, 2, 5), LABELS, (6,), (3, 2)),
            call(X(6, 2, 5), LABELS, SIX, L([4, 2], "int64")), call(X(6, 2, 5), LABELS, SIX, LONG, 9),
            call(X(6, 2, 5), I(4, low=1, high=5), SIX, LONG), call(I(6, 2, 5), LABELS, SIX, LONG),
            call(X(6, 2, 5), LABELS, SIX, LONG, reduction="odd"), call(X(6, 2, 5), LABELS, SIX, L([3.0, 2.0]))],
        level="sum", dtypes=FLOATS, special=False, second=False, layouts=False, depth=24),
]
SAMPLED = [
    row("nn.functional.affine_grid", *(call(X(2, 2, 3), (2, 3, 4, 5), a) for a in (True, False)),
        call(X(2, 3, 4), (2, 1, 2, 3, 4), False), call(X(1, 2, 3), (1, 1, 1, 4), True),
        bad=[call(X(2, 2, 3), (2, 3, 4), False), call(X(2, 3, 3), (2, 3, 4, 5), False),
            call(X(2, 2, 3), (2, 3, 0, 5), False), call(I(2, 2, 3), (2, 3, 4, 5), False)],
        dtypes=FLOATS, level="sum", depth=8, special=False),
    row("nn.functional.grid_sample", *(call(X(2, 2, 4, 5), GRID, m, p, a) for m in ("bilinear",
        "nearest", "bicubic") for p in ("zeros", "border", "reflection") for a in (True, False)),
        *(call(X(1, 2, 3, 4, 5), X(1, 2, 2, 3, 3, domain=(-1.25, 1.25)), m, p, False)
            for m in ("bilinear", "nearest") for p in ("zeros", "border", "reflection")),
        call(X(0, 2, 4, 5), X(0, 3, 4, 2), align_corners=False),
        bad=[call(X(2, 2, 4, 5), GRID, "odd"), call(X(2, 2, 4, 5), GRID, "nearest", "odd"),
            call(X(1, 2, 4, 5), GRID), call(X(2, 2, 0, 5), GRID), call(X(2, 2, 4, 5), X(2, 3, 4, 3)),
            call(X(1, 2, 3, 4, 5), X(1, 2, 2, 3, 3), "bicubic")],
        dtypes=FLOATS, level="sum", depth=24, second=False, special=False),
]

ROWS = table("others", FRACTIONAL + SEQUENCES + SAMPLED + COPIES + SCATTERED + COUNTS + SLOPES + ONE_BY_ONE + QUESTIONS)
