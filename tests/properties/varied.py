"""Calls that nobody wrote down: parity's rows, with what is arbitrary in them drawn anew.

A row of `parity.samples` says which arguments an op takes and how they fit together.  A varied call
keeps that and draws the rest: sizes are renamed (every 3 may become 0, 1, 2 or 5: what belonged
together still does), and each tensor gets a dtype, a memory layout and values of its own, with ties,
±0, infinities, NaN and denormals among them.  Some of these calls are no longer legal, and then both
engines must refuse.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from parity.samples import ROWS
from parity.samples.expand import _note
from parity.samples.materialise import MATRICES, arrays_of, specials
from parity.samples.spec import INEXACT, Arr, Call, Row, Sample

Key = tuple[str, str]
SIZES = (0, 1, 1, 2, 3, 4, 5)
# Of sort, and of what is built on it, torch promises no order of equals; from 17 elements on it has
# one of its own.  Matrices with equal rows are singular.
MATRIX = ("linear algebra", "solving", "decompositions")
ORDERED = ("sort", "argsort", "msort", "topk", "quantile", "nanquantile")
# Their slope at NaN depends in torch on the place in a vector register: the ledger has them.
NO_NAN = (
    "celu", "elu", "hardsigmoid", "hardswish", "hardtanh", "logit", "relu6", "selu", "softplus",
    "threshold",
)  # fmt: skip
# Which of two zeros wins does, too.
NO_ZERO = ("clamp", "clip", "clamp_min", "clamp_max")
# What belongs together in their arguments is more than sizes.
FIXED = (
    "lu_unpack", "resize", "resize_", "resize_as", "resize_as_", "set_", "map_", "map2_", "ctc_loss",
    "gru", "lstm", "rnn_relu", "rnn_tanh", "gru_cell", "lstm_cell", "rnn_relu_cell", "rnn_tanh_cell",
    "as_strided", "as_strided_", "as_strided_copy", "as_strided_scatter", "segment_reduce",
    "view_as_complex_copy", "norm_except_dim", "stride", "is_set_to", "batch_norm", "instance_norm",
    "pca_lowrank", "svd_lowrank",
)  # fmt: skip
LAYOUTS = ("contiguous", "contiguous", "transposed", "sliced", "offset", "expanded")


@st.composite
def varied(draw: Any, keys: list[Key]) -> Sample:
    """A sample of one of the ops `keys`."""
    row = ROWS[draw(st.sampled_from(keys))]
    call: Call = draw(st.sampled_from(row.calls))
    dtypes = call.only or row.dtypes
    if row.family == "spectral":  # of whole numbers the laboratory has no bound where the sum is 0
        dtypes = [d for d in dtypes if d in INEXACT] or dtypes
    dtype = draw(st.sampled_from(dtypes))
    special = row.special and draw(st.integers(0, 3)) == 0
    args, kwargs = (call.args, call.kwargs)
    if row.name not in FIXED and not _has_places(call) and draw(st.booleans()):
        args, kwargs = _resized(draw, args), _resized(draw, kwargs)
    seed = draw(st.integers(0, 9999))

    def change(arr: Arr) -> Arr:
        arr = replace(arr, layout=_layout(draw, row, arr))
        own = arr.dtype is None and arr.values is None and arr.domain not in MATRICES
        if not own or 0 in arr.shape:
            return arr
        if special:
            place = draw(st.integers(0, 9999))
            return replace(arr, values=_specials(arr.shape, dtype, place, row.name))
        loose = row.level == "exact" and row.name not in ORDERED and arr.domain == "any"
        tied = loose and draw(st.integers(0, 3)) == 0
        return replace(arr, domain="ties") if tied else arr

    args, kwargs = arrays_of(args, change), arrays_of(kwargs, change)
    grad = row.grad and call.grad and dtype in INEXACT
    second = grad and row.second and not special and dtype != "float16"
    note = f"varied {seed} · {_note(call)} · {dtype}" + " · special" * special
    return Sample(
        row.namespace,
        row.name,
        note,
        args,
        kwargs,
        dtype,
        grad=grad,
        second=second,
        gauge=row.gauge,
    )


def tensors(given: Call | Sample) -> list[Arr]:
    """Every tensor argument."""
    found: list[Arr] = []
    arrays_of((given.args, given.kwargs), found.append)
    return found


def _has_places(call: Call) -> bool:
    """Whether an argument may name places in another: beyond its end torch can write astray."""
    return any(a.dtype is not None and np.dtype(a.dtype).kind in "iu" for a in tensors(call))


def _resized(draw: Any, value: Any) -> Any:
    """Nested arguments with every size that is not 1 replaced, the same one by the same one."""
    new: dict[int, int] = {}

    def change(arr: Arr) -> Arr:
        if arr.values is not None:
            return arr
        for n in arr.shape:
            if n > 1 and n not in new:
                new[n] = draw(st.sampled_from(SIZES))
        return replace(arr, shape=tuple(new.get(n, n) for n in arr.shape))

    return arrays_of(value, change)


def _of_matrices(row: Row) -> bool:
    return row.family in MATRIX or row.name == "norm"


def _layout(draw: Any, row: Row, arr: Arr) -> str:
    if (
        not row.layouts
        or row.name in FIXED
        or arr.layout != "contiguous"
        or not arr.shape
        or 0 in arr.shape
    ):
        return arr.layout
    layout = draw(st.sampled_from(LAYOUTS))
    promises = _of_matrices(row) or arr.domain in (*MATRICES, "distinct") or arr.values is not None
    if layout == "expanded" and promises:
        return "contiguous"  # equal rows would break what the values promise
    return layout


def _specials(shape: tuple[int, ...], dtype: str, seed: int, name: str) -> Any:
    """Special values in random order, as nested lists."""
    pool, r = specials(dtype), np.random.default_rng(seed)
    if name in NO_NAN:
        pool = [v for v in pool if v == v]
    if name in NO_ZERO:
        pool = [v for v in pool if v != 0]
    picked = np.empty(int(np.prod(shape)), object)
    picked[:] = [pool[i] for i in r.integers(0, len(pool), picked.size)]
    return picked.reshape(shape).tolist()
