"""nn.functional's pooling beside torch's: values, indices, nodes, gradients, second gradients."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from window_sides import both, compare, node, same

import minitorch_ref as mt

CASES = [
    ("max_pool1d", (2, 3, 9), (2,), {}),
    ("max_pool1d", (3, 9), (3, 2, 1), {"ceil_mode": True}),
    ("max_pool2d", (2, 3, 8, 8), (2,), {}),
    ("max_pool2d", (3, 9, 8), ((3, 2), 2, 1), {}),
    ("max_pool2d", (2, 3, 9, 8), (3, 1, 1), {"dilation": 2}),
    ("max_pool2d", (2, 3, 9, 8), (2,), {"ceil_mode": True}),
    ("max_pool3d", (2, 2, 5, 6, 7), (2,), {"ceil_mode": True}),
    ("max_pool3d", (2, 5, 6, 7), (3, 2, 1), {}),
    ("avg_pool1d", (2, 3, 9), (3, 2, 1), {}),
    ("avg_pool1d", (3, 9), (2,), {"ceil_mode": True}),
    ("avg_pool2d", (2, 3, 8, 8), (2,), {}),
    ("avg_pool2d", (3, 9, 8), (3, 2, 1), {"count_include_pad": False}),
    ("avg_pool2d", (2, 3, 9, 8), ((5, 4), 3, 2), {"ceil_mode": True}),
    ("avg_pool2d", (2, 3, 9, 8), (3,), {"divisor_override": 4}),
    ("avg_pool3d", (2, 2, 5, 6, 7), (2, 2, 1), {"count_include_pad": False, "ceil_mode": True}),
    ("avg_pool3d", (2, 5, 6, 7), (3,), {"divisor_override": 5}),
    ("adaptive_avg_pool1d", (2, 3, 9), (4,), {}),
    ("adaptive_avg_pool1d", (3, 9), (1,), {}),
    ("adaptive_avg_pool2d", (2, 3, 9, 8), ((4, 5),), {}),
    ("adaptive_avg_pool2d", (2, 3, 9, 8), ((None, 4),), {}),
    ("adaptive_avg_pool2d", (3, 9, 8), (1,), {}),
    ("adaptive_avg_pool2d", (2, 3, 3, 4), ((7, 5),), {}),
    ("adaptive_avg_pool3d", (2, 2, 5, 6, 7), ((2, 3, 4),), {}),
    ("adaptive_max_pool1d", (2, 3, 9), (4,), {}),
    ("adaptive_max_pool2d", (2, 3, 9, 8), ((4, 5),), {}),
    ("adaptive_max_pool2d", (3, 9, 8), (3,), {}),
    ("adaptive_max_pool3d", (2, 2, 5, 6, 7), ((2, 3, 4),), {}),
    ("lp_pool1d", (2, 3, 9), (3, 3), {}),
    ("lp_pool2d", (2, 3, 8, 8), (2, 2), {}),
    ("lp_pool3d", (2, 2, 4, 4, 4), (2, 2), {}),
]  # fmt: skip


@pytest.mark.parametrize("name, shape, arguments, options", CASES)
def test_against_torch(name, shape, arguments, options):
    def call(engine, x):
        x = x.abs() + 0.1 if name.startswith("lp") else x
        return getattr(engine.nn.functional, name)(x, *arguments, **options)

    compare(call, [shape])


@pytest.mark.parametrize("name, shape, arguments, options", [c for c in CASES if "max" in c[0]])
def test_indices(name, shape, arguments, options):
    for kind in ("float32", "float64"):
        outcomes = []
        for engine, (x,) in zip((torch, mt), both([shape], 3, kind)):
            x = engine.round(x.detach())  # ties
            function = getattr(engine.nn.functional, name)
            outcomes.append(function(x, *arguments, **options, return_indices=True))
        same(*outcomes, tolerance=0)


def test_nan_minus_infinity_and_zeros():
    nan, inf = float("nan"), float("inf")
    for rows in (
        [[nan, 1.0], [2.0, nan]], [[1.0, nan], [2.0, 3.0]], [[-inf, -inf], [-inf, -inf]],
        [[0.0, -1.0], [-0.5, 0.0]],
    ):  # fmt: skip
        for padding in (0, 1):
            theirs, ours = (
                engine.nn.functional.max_pool2d(
                    engine.tensor([rows]), 2, padding=padding, return_indices=True
                )
                for engine in (torch, mt)
            )
            np.testing.assert_array_equal(ours[0].numpy(), theirs[0].numpy())
            assert ours[1].tolist() == theirs[1].tolist()


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "int64", "float16"])
def test_other_dtypes_of_max_pool(dtype):
    outcomes = []
    for engine in (torch, mt):
        x = engine.arange(36).remainder(7).reshape(1, 1, 6, 6).to(getattr(engine, dtype))
        outcomes.append(engine.nn.functional.max_pool2d(x, 3, 2, 1, return_indices=True))
    same(*outcomes)


def test_integer_and_half_means():
    for engine in (torch, mt):
        x = engine.tensor([[[-3, -4], [0, 0]], [[7, 1], [1, 1]]])
        assert engine.nn.functional.avg_pool2d(x, 2).tolist() == [[[-1]], [[2]]]
    x = both([(2, 3, 6, 6)], 1, "float16", requires_grad=False)
    for name in ("avg_pool2d", "adaptive_avg_pool2d"):
        theirs, ours = (getattr(e.nn.functional, name)(t, 3) for e, (t,) in zip((torch, mt), x))
        same(theirs, ours, tolerance=5e-4)


@settings(max_examples=50, deadline=None)
@given(
    st.integers(1, 9), st.integers(1, 9), st.integers(1, 4), st.integers(1, 3), st.integers(0, 2),
    st.booleans(), st.integers(0, 99),
)  # fmt: skip
def test_random_windows(high, wide, kernel, stride, padding, ceil_mode, seed):
    padding = min(padding, kernel // 2)
    if min(high, wide) + 2 * padding < kernel:
        return
    for name in ("max_pool2d", "avg_pool2d"):
        options = {"stride": stride, "padding": padding, "ceil_mode": ceil_mode}

        def call(engine, x, name=name, options=options):
            return getattr(engine.nn.functional, name)(x, kernel, **options)

        compare(call, [(2, 2, high, wide)], seed, "float64", 1e-13)


@pytest.mark.parametrize("dims, shape", [(1, (2, 3, 8)), (2, (2, 3, 8, 6)), (3, (2, 2, 4, 4, 6))])
def test_unpooling(dims, shape):
    def call(engine, x):
        pooled = getattr(engine.nn.functional, f"max_pool{dims}d")(x, 2, return_indices=True)
        return getattr(engine.nn.functional, f"max_unpool{dims}d")(*pooled, 2)

    compare(call, [shape])
    y = call(mt, both([shape])[1][0])
    assert int((y != 0).sum()) == y.numel() // 2**dims


def test_unpooling_to_a_given_size():
    theirs, ours = (
        e.nn.functional.max_unpool2d(
            *e.nn.functional.max_pool2d(x, 2, return_indices=True), 2, output_size=(1, 1, 5, 5)
        )
        for e, (x,) in zip((torch, mt), both([(1, 1, 5, 5)]))
    )
    same(theirs, ours)


@pytest.mark.parametrize("window", [(2,), (3, 2), (3, 2, 1, 2)])
def test_columns(window):
    def call(engine, x):
        columns = engine.nn.functional.unfold(x, *window)
        back = engine.nn.functional.fold(columns * columns, (7, 8), *window)
        return back

    compare(call, [(2, 3, 7, 8)])
    compare(call, [(3, 7, 8)])


def test_places_are_kept_for_the_gradient_only_if_there_will_be_one(monkeypatch):
    from minitorch_ref.kernels import max_pool

    asked, right = [], max_pool.maxima
    spy = lambda *a: (asked.append(a[-1]), right(*a))[1]
    monkeypatch.setattr(max_pool, "maxima", spy)
    x = mt.randn(1, 1, 4, 4, requires_grad=True)
    mt.nn.functional.max_pool2d(x, 2)
    with mt.no_grad():
        mt.nn.functional.max_pool2d(x, 2)
    mt.nn.functional.max_pool2d(x.detach(), 2)
    assert asked == [True, False, False]


@pytest.mark.parametrize("name", ["max_pool1d", "max_pool2d", "adaptive_max_pool1d", "adaptive_max_pool2d"])
def test_writing_into_returned_indices_is_noticed(name):
    x = mt.randn(1, 4, 4, requires_grad=True)
    y, indices = getattr(mt.nn.functional, name)(x, 2, return_indices=True)
    indices.zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_gradgradcheck():
    for name in ("max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d"):
        (x,) = both([(1, 2, 5, 4)], 4, "float64")[1]
        call = lambda x, name=name: getattr(mt.nn.functional, name)(x, 2) ** 2
        assert mt.autograd.gradcheck(call, (x,)) and mt.autograd.gradgradcheck(call, (x,))


def test_names_in_torchs_own_namespace():
    x = mt.randn(2, 3, 8, requires_grad=True)
    assert node(mt.max_pool1d(x, 2)) == node(torch.max_pool1d(torch.randn(2, 3, 8, requires_grad=True), 2))
    for name in ("avg_pool1d", "adaptive_avg_pool1d", "max_pool2d", "max_pool3d", "conv1d", "conv3d"):
        assert hasattr(mt, name) and hasattr(torch, name)
