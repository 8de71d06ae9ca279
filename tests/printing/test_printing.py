"""The text of a tensor equals torch's, character for character."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minitorch_ref as mt
from minitorch_ref import dtypes, printing

DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64",
          "float16", "float32", "float64", "complex64", "complex128"]  # fmt: skip


def texts(array):
    return repr(mt.from_numpy(array)), repr(torch.from_numpy(array.copy()))


def same_text(array):
    ours, theirs = texts(array)
    assert ours == theirs


@pytest.fixture(autouse=True)
def default_options():
    yield
    for engine in (torch, printing):
        engine.set_printoptions(profile="default")


SPECIALS = [0.0, -0.0, 1.0, -1.0, 0.5, 1e-4, 9.9e-5, 1e8, 1.00001e8, 1000.0, 1001.0, 1e-45, 6e-8,
            65504.0, 3.4e38, 1e300, 5e-324, np.inf, -np.inf, np.nan, 2.5, 0.99999, 12345.678]  # fmt: skip


def elements(dtype):
    kind = np.dtype(dtype).kind
    if kind == "f":
        width = np.dtype(dtype).itemsize * 8
        grids = [st.integers(-30, 30).map(lambda k: k / 4), st.integers(-2000, 2000).map(float)]
        with np.errstate(over="ignore"):
            specials = [float(v) for v in np.array(SPECIALS).astype(dtype)]
        return st.one_of(st.sampled_from(specials), *grids, st.floats(width=width))
    if kind == "c":
        part = elements("float32" if dtype == "complex64" else "float64")
        return st.builds(complex, part, part)
    return None


@st.composite
def arrays(draw):
    dtype = draw(st.sampled_from(DTYPES))
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5))
    return draw(hnp.arrays(dtype, shape, elements=elements(dtype)))


@settings(max_examples=400, deadline=None)
@given(arrays())
def test_any_array(array):
    same_text(array)


option_sets = st.fixed_dictionaries({}, optional={
    "precision": st.integers(0, 9),
    "threshold": st.sampled_from([0, 1, 5, 20, float("inf")]),
    "edgeitems": st.integers(0, 4),
    "linewidth": st.integers(1, 130),
    "profile": st.sampled_from(["default", "short", "full"]),
    "sci_mode": st.sampled_from([None, True, False]),
})  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(arrays(), option_sets)
def test_any_array_under_any_options(array, options):
    with torch._tensor_str.printoptions(**options), printing.printoptions(**options):
        assert printing.get_printoptions() == torch._tensor_str.get_printoptions()
        same_text(array)
    assert printing.get_printoptions() == torch._tensor_str.get_printoptions()


@pytest.mark.parametrize("shape", [(1001,), (1000,), (7, 200), (2, 3, 400), (30, 5, 9), (1500, 1),
                                   (6, 6, 6, 6), (1, 1, 2000), (0, 5), (3, 0, 2), (0,), ()])  # fmt: skip
@pytest.mark.parametrize("dtype", ["int64", "float32", "complex64", "bool"])
def test_large_tensors_are_summarised(shape, dtype):
    values = np.random.default_rng(0).normal(0, 40, shape)
    same_text(np.asarray(values > 0 if dtype == "bool" else values).astype(dtype))


def test_hidden_values_do_not_choose_the_format():
    values = np.ones(2000, np.float32)
    values[1000] = 1e-9
    assert "e-" not in repr(mt.from_numpy(values))
    same_text(values)


@pytest.mark.parametrize("length", range(1, 14))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_suffixes_break_the_line_where_torch_does(length, dtype):
    array = np.linspace(0.5, 7.25, length).astype(dtype)
    ours, theirs = [e.from_numpy(array).requires_grad_() for e in (mt, torch)]
    assert repr(ours) == repr(theirs)
    assert repr(ours * 1) == repr(theirs * 1)
    assert repr((ours * 2).sum()) == repr((theirs * 2).sum())


def test_default_dtype_decides_which_suffixes_show():
    before = torch.get_default_dtype()
    cases = [np.zeros(2, d) for d in DTYPES] + [np.zeros((0, 2), d) for d in DTYPES]
    try:
        torch.set_default_dtype(torch.float64)
        dtypes.set_default_dtype(dtypes.float64)
        for array in cases:
            same_text(array)
    finally:
        torch.set_default_dtype(before)
        dtypes.set_default_dtype(dtypes.float32)


def test_parameters_and_subclasses():
    for requires_grad in (True, False):
        pair = [e.nn.Parameter(e.ones(2, 2), requires_grad) for e in (mt, torch)]
        assert repr(pair[0]) == repr(pair[1])
        assert printing.parameter_repr(pair[0]) == repr(pair[1])

    class Marked(mt.Tensor):
        pass

    class TorchMarked(torch.Tensor):
        pass

    TorchMarked.__name__ = "Marked"
    ours = Marked()
    ours._array = np.ones((2, 2), np.float32)
    assert repr(ours) == repr(torch.ones(2, 2).as_subclass(TorchMarked))


def test_history_that_cannot_be_read_prints_as_invalid():
    class Broken(mt.Tensor):
        @property
        def grad_fn(self):
            raise RuntimeError("the view was made without recording")

    broken = Broken()
    broken._array = np.ones(1, np.float32)
    assert printing.tensor_repr(broken) == "Broken([1.], grad_fn=<Invalid>)"


@pytest.mark.filterwarnings("ignore:The given NumPy array is not writable")
def test_strided_and_transposed_arrays():
    base = np.arange(24.0, dtype=np.float32).reshape(4, 6)
    for view in (base.T, base[::2, ::3], np.broadcast_to(base[:1], (5, 6)), base[:, 1]):
        assert repr(mt.from_numpy(view)) == repr(torch.from_numpy(view.copy()))


def test_a_wrong_format_is_noticed():
    """The comparison above can fail: a printer that ignores the common width is caught."""
    array = np.array([1.0, 100.0], np.float32)
    ours, theirs = texts(array)
    assert ours == theirs
    assert ours.replace("  1.", "1.") != theirs
