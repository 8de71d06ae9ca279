"""From row to samples: each call multiplied by dtypes, memory layouts and special values.

* the first two calls run in every dtype of the row, the others in the row's `few`;
* the first call with a tensor of one or more dims is repeated in each memory layout;
* the first call is repeated with special values (±0, ±inf, nan, denormals, ties);
* bad calls run once, in float32 (or the row's first dtype): torch must raise on them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from .materialise import MATRICES, arrays_of
from .spec import LAYOUTS, Arr, Call, Row, Sample


def _shapes(call: Call) -> list[Arr]:
    found: list[Arr] = []
    arrays_of((call.args, call.kwargs), found.append)
    return found


def _note(call: Call) -> str:
    words = [repr(a) for a in call.args] + [f"{k}={v!r}" for k, v in call.kwargs.items()]
    return call.note or ", ".join(words)


def _with(call: Call, **changes: Any) -> Call:
    """The call with its own-dtype tensors changed (layout, domain)."""

    def change(arr: Arr) -> Arr:
        if arr.dtype is not None or arr.values is not None:
            return arr
        if changes.get("layout") == "expanded" and (0 in arr.shape or arr.domain in MATRICES):
            return arr  # equal rows would make the matrix singular
        return replace(arr, **changes)

    return replace(call, args=arrays_of(call.args, change), kwargs=arrays_of(call.kwargs, change))


def _sample(row: Row, call: Call, dtype: str, kind: str, **flags: Any) -> Sample:
    note = f"{_note(call)} · {dtype}" + ("" if kind == "call" else f" · {kind}")
    grad = row.grad and call.grad and flags.get("grad", True)
    return Sample(
        row.namespace,
        row.name,
        note,
        call.args,
        call.kwargs,
        dtype,
        kind=kind,
        grad=grad,
        second=grad and row.second and flags.get("second", True),
        bad=flags.get("bad", False),
        gauge=row.gauge,
    )


def samples_of(row: Row) -> Iterator[Sample]:
    """Every sample of `row`, each with a note of its own."""
    main = row.dtypes[0]
    for i, call in enumerate(row.calls):
        has_own = any(a.dtype is None for a in _shapes(call))
        few = tuple(d for d in row.few if d in row.dtypes) or (main,)
        dtypes = call.only or (row.dtypes if i < 2 else few)
        for dtype in dtypes if has_own else (main,):
            yield _sample(row, call, dtype, "call", second=dtype != "float16")
    dims = [
        c
        for c in row.calls
        if any(a.shape and 0 not in a.shape and a.dtype is None for a in _shapes(c))
    ]
    if row.layouts and dims:
        for layout in LAYOUTS:
            yield _sample(row, _with(dims[0], layout=layout), main, layout)
    if row.special and dims:
        for dtype in (
            d
            for d in ("float32", "float64", "float16", "int8", "int64", "complex64")
            if d in row.dtypes
        ):
            yield _sample(row, _with(dims[0], domain="special"), dtype, "special", second=False)
    for call in row.bad:
        yield _sample(row, call, main, "bad", bad=True, grad=False, second=False)
