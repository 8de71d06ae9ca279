"""The cases themselves: every op has some, they are deterministic, and they do what they say."""

import numpy as np
import pytest
from bits import same_bits

from parity.compare import Lab
from parity.engines import open_engine
from parity.record import run
from parity.runner import op_name, registry_keys
from parity.samples import ROWS, row_for, samples_for
from parity.samples.materialise import Inputs, array, arrays_of, lay_out, specials
from parity.samples.spec import ALL, Arr, F, Row, call, row, table

TORCH = open_engine("torch")
LAB = Lab(TORCH, TORCH)
KEYS = sorted(ROWS)


def test_every_op_of_the_registry_has_samples():
    without = [op_name(k) for k in registry_keys(open_engine("minitorch_ref")) if not samples_for(k)]
    assert not without, f"ops with no samples (add a row to parity/samples): {without}"


@pytest.mark.parametrize("key", KEYS, ids=op_name)
def test_good_calls_work_and_bad_calls_raise(key):
    """On torch itself: at least one call succeeds, every bad one raises."""
    made, form = ROWS[key], LAB.primary(ROWS[key])
    assert form, "torch has no such op"
    worked = 0
    samples = samples_for(key)
    quick = [s for s in samples if s.bad or s.kind == "call"][:3] + [s for s in samples if s.bad]
    for sample in quick:
        record = run(TORCH, sample, form, grad=False, random=made.random)
        if sample.bad:
            assert record.error, f"torch accepts {sample}"
        worked += record.error is None
    if not worked and made.calls:               # a retired name has bad calls only
        worked = any(run(TORCH, s, form, grad=False, random=made.random).error is None for s in samples if not s.bad)
    assert worked or not made.calls, "no call of this row works on torch"


def test_notes_are_unique():
    for key in KEYS:
        notes = [s.note for s in samples_for(key)]
        twice = {n for n in notes if notes.count(n) > 1}
        assert not twice, (key, twice)


def floats_in(value):
    if isinstance(value, float):
        yield value
    elif isinstance(value, (list, tuple)):
        for v in value:
            yield from floats_in(v)
    elif isinstance(value, dict):
        yield from floats_in(list(value.values()))


def test_python_floats_are_exact_in_every_dtype():
    """An inexact 0.1 would be a different number to the float64 oracle."""
    for key in KEYS:
        for c in ROWS[key].calls:
            for v in floats_in((c.args, c.kwargs)):
                assert np.isnan(v) or float(np.float16(v)) == v, (key, v)


def test_samples_are_deterministic():
    for key in KEYS[::25]:
        for sample in samples_for(key)[:4]:
            first, second = Inputs(TORCH, sample), Inputs(TORCH, sample)
            for a, b in zip(first.arrays, second.arrays, strict=True):
                assert same_bits(a, b) and a.strides == b.strides


def test_different_samples_get_different_numbers():
    a = array(F(5), "float32", ("op", "note", 0))
    assert not np.array_equal(a, array(F(5), "float32", ("op", "note", 1)))
    assert not np.array_equal(a, array(F(5), "float32", ("op2", "note", 0)))


@pytest.mark.parametrize("layout, strides", [("contiguous", (16, 4)), ("transposed", (4, 12)), ("sliced", (32, 8)),
                                             ("expanded", (0, 4)), ("offset", (16, 4))])
def test_layouts(layout, strides):
    data = np.arange(12, dtype=np.float32).reshape(3, 4)
    laid = lay_out(data, layout)
    assert laid.strides == strides and laid.flags.writeable
    wanted = np.broadcast_to(data[:1], (3, 4)) if layout == "expanded" else data
    assert np.array_equal(laid, wanted)


@pytest.mark.parametrize("dtype", ALL)
def test_every_domain_gives_its_dtype(dtype):
    for domain in ("any", "positive", "nonzero", "unit", "prob", "ties", "distinct", "wide", "special", (0.0, 3.0)):
        made = array(Arr((3, 4), dtype, domain), "float32", ("x", domain))
        assert made.dtype.name == dtype and made.shape == (3, 4)
    assert len(specials(dtype)) >= 2


def test_special_floats_cover_the_odd_places():
    for dtype in ("float16", "float32", "float64"):
        values = np.array(specials(dtype), dtype)
        assert np.isnan(values).any() and np.isposinf(values).any() and np.isneginf(values).any()
        assert ((values == 0) & np.signbit(values)).any() and ((values == 0) & ~np.signbit(values)).any()
        tiny = np.finfo(dtype).tiny
        assert ((values != 0) & (np.abs(values) < tiny)).any(), "no denormal"


def test_a_row_is_multiplied_by_dtypes_layouts_and_special_values():
    made = list(table("t", [row("abs", call(F(2, 3)), call(Arr((2, 3))))]).values())[0]
    assert isinstance(made, Row) and made.family == "t"
    samples = samples_for(("torch", "abs"))
    kinds = {s.kind for s in samples}
    assert {"call", "transposed", "sliced", "expanded", "offset", "special", "bad"} <= kinds
    assert {s.dtype for s in samples} == set(ALL)


def test_a_second_row_for_an_op_is_refused():
    with pytest.raises(ValueError, match="more than one row"):
        table("t", [row("abs", call(F())), row("abs", call(F()))])


def test_method_only_ops_share_the_row():
    assert row_for(("Tensor", "view")) is ROWS["torch", "view"]
    assert row_for(("torch", "no_such_op")) is None and samples_for(("torch", "no_such_op")) == []


def test_arrays_are_replaced_in_reading_order():
    seen = []
    arrays_of(([F(1), {"k": F(2)}], slice(F(3), None)), lambda a: seen.append(a.shape))
    assert seen == [(1,), (2,), (3,)]
