"""Bad arguments of convolutions and pooling: torch's exception and torch's words."""

import pytest
import torch
from window_sides import complaint

import minitorch_ref as mt


def F(name):
    return lambda e, *a, **k: getattr(e.nn.functional, name)(
        *[e.ones(x) if type(x) is tuple else x for x in a], **k
    )


# each: function, arguments (a tuple of ints is a tensor of that shape), keywords
CONVOLUTIONS = [
    ("conv2d", [(1, 4, 8, 8), (6, 3, 5, 5)], {}),
    ("conv2d", [(1, 4, 8, 8), (6, 3, 5, 5)], {"groups": 2}),
    ("conv2d", [(1, 4, 8, 8), (5, 2, 5, 5)], {"groups": 2}),
    ("conv2d", [(1, 4, 8, 8), (5, 2, 5, 5)], {"groups": 0}),
    ("conv2d", [(1, 3, 4, 4), (6, 3, 5, 5)], {}),
    ("conv2d", [(1, 3, 4, 4), (6, 3, 3, 3)], {"dilation": 3, "padding": 1}),
    ("conv2d", [(3, 3), (6, 3, 5, 5)], {}),
    ("conv2d", [(1, 1, 3, 8, 8), (6, 3, 5, 5)], {}),
    ("conv2d", [(1, 3, 8, 8), (6, 3, 5)], {}),
    ("conv2d", [(1, 3, 8, 8), (6, 3)], {}),
    ("conv2d", [(1, 3, 8, 8), (6, 3, 1, 1, 1)], {}),
    ("conv1d", [(1, 3, 8), (6, 3, 1, 1)], {}),
    ("conv2d", [(1, 3, 8, 8), (6, 3, 5, 5), (5,)], {}),
    ("conv2d", [(1, 3, 8, 8), (6, 3, 5, 5), (6, 1)], {}),
    ("conv2d", [(1, 3, 8, 8), (6, 3, 5, 5)], {"stride": 0}),
    ("conv2d", [(1, 3, 8, 8), (6, 3, 5, 5)], {"stride": -1}),
    ("conv2d", [(1, 3, 8, 8), (6, 3, 5, 5)], {"padding": -1}),
    ("conv2d", [(1, 3, 8, 8), (6, 3, 5, 5)], {"dilation": 0}),
    ("conv2d", [(1, 3, 8, 8), (6, 3, 5, 5)], {"stride": (1, 2, 3)}),
    ("conv2d", [(1, 3, 8, 8), (6, 3, 5, 5)], {"padding": (1, 2, 3)}),
    ("conv2d", [(1, 3, 8, 8), (6, 3, 5, 5)], {"padding": "full"}),
    ("conv2d", [(1, 3, 8, 8), (6, 3, 5, 5)], {"padding": "same", "stride": 2}),
    ("conv2d", [(1, 3, 8, 8), (0, 3, 5, 5)], {}),
    ("conv2d", [(2, 3, 0, 8), (6, 3, 1, 1)], {}),
    ("conv2d", [(2, 3, 0, 8), (6, 3, 1, 1)], {"padding": 1}),
    ("conv1d", [(1, 4, 8), (6, 3, 5)], {}),
    ("conv1d", [(8,), (6, 3, 5)], {}),
    ("conv1d", [(1, 3, 3), (6, 3, 5)], {}),
    ("conv3d", [(8, 8), (6, 3, 5, 5, 5)], {}),
    ("conv_transpose2d", [(1, 4, 8, 8), (6, 3, 5, 5)], {}),
    ("conv_transpose2d", [(1, 4, 8, 8), (4, 3, 5, 5)], {"output_padding": 1}),
    ("conv_transpose2d", [(1, 4, 8, 8), (4, 3, 5, 5)], {"output_padding": (1, 1, 1)}),
    ("conv_transpose2d", [(1, 4, 8, 8), (4, 3, 5, 5)], {"output_padding": -1, "stride": 2}),
    ("conv_transpose2d", [(1, 4, 8, 8), (4, 3, 5, 5), (4,)], {}),
    ("conv_transpose2d", [(1, 4, 1, 1), (4, 3, 1, 1)], {"padding": 2}),
    ("conv_transpose2d", [(1, 4, 8, 8), (4, 3, 5, 5)], {"groups": 3}),
    ("conv_transpose1d", [(1, 3, 8), (3, 6, 5)], {"output_padding": 1}),
    ("conv_transpose3d", [(1, 3, 4, 4, 4), (3, 6, 2, 2, 2)], {"output_padding": 1}),
    ("conv_transpose2d", [(3, 8), (3, 6, 5, 5)], {}),
]
POOLS = [
    ("max_pool2d", [(1, 3, 8, 8), 2], {"padding": 2}),
    ("max_pool2d", [(1, 3, 8, 8), 2], {"padding": -1}),
    ("max_pool2d", [(1, 3, 9, 9), 3], {"padding": 2, "dilation": 2}),
    ("max_pool2d", [(1, 3, 8, 8), 2, 0], {}),
    ("max_pool2d", [(1, 3, 8, 8), 2, -1], {}),
    ("max_pool2d", [(1, 3, 8, 8), 0], {}),
    ("max_pool2d", [(1, 3, 8, 8), -1, 1], {}),
    ("max_pool2d", [(1, 3, 8, 8), [2, 2, 2]], {}),
    ("max_pool2d", [(1, 3, 8, 8), 2], {"stride": (2, 2, 2)}),
    ("max_pool2d", [(1, 3, 8, 8), 2], {"padding": (1, 1, 1)}),
    ("max_pool2d", [(1, 3, 8, 8), 2], {"dilation": (1, 1, 1)}),
    ("max_pool2d", [(1, 3, 8, 8), 2], {"dilation": 0}),
    ("max_pool2d", [(1, 3, 8, 8), 2.5], {}),
    ("max_pool2d", [(1, 3, 8, 8), 9], {}),
    ("max_pool2d", [(4, 4), 2], {}),
    ("max_pool2d", [(1, 1, 1, 4, 4), 2], {}),
    ("max_pool2d", [(3, 0, 4, 4), 2], {}),
    ("max_pool2d", ["a", 2], {}),
    ("max_pool1d", [(4,), 2], {}),
    ("max_pool1d", [(3, 4), 5], {}),
    ("max_pool1d", [(3, 4), 2], {"padding": 2}),
    ("max_pool1d", [(3, 4), 2], {"dilation": 0}),
    ("max_pool1d", [(3, 4), [1, 1]], {}),
    ("max_pool1d", [(1, 0, 4), 2], {}),
    ("max_pool3d", [(4, 4), 2], {}),
    ("max_pool3d", [(1, 2, 2, 2, 2), 3], {}),
    ("max_pool3d", [(1, 2, 2, 2, 2), [1, 1]], {}),
    ("avg_pool2d", [(1, 3, 8, 8), 2], {"padding": 2}),
    ("avg_pool2d", [(1, 3, 8, 8), 2], {"divisor_override": 0}),
    ("avg_pool2d", [(1, 3, 8, 8), 9], {}),
    ("avg_pool2d", [(4, 4), 2], {}),
    ("avg_pool2d", [(1, 0, 4, 4), 2], {}),
    ("avg_pool1d", [(4,), 2], {}),
    ("avg_pool1d", [(1, 2, 4), 5], {}),
    ("avg_pool1d", [(1, 2, 4), [1, 1]], {}),
    ("avg_pool3d", [(1, 1, 2, 2, 2), 3], {"padding": 1}),
    ("adaptive_avg_pool1d", [(4,), 2], {}),
    ("adaptive_avg_pool1d", [(2, 4), None], {}),
    ("adaptive_avg_pool2d", [(4, 4), 2], {}),
    ("adaptive_avg_pool2d", [(1, 3, 4, 4), [2, 2, 2]], {}),
    ("adaptive_avg_pool2d", [(1, 3, 4, 4), -1], {}),
    ("adaptive_avg_pool2d", [(1, 3, 0, 4), 2], {}),
    ("adaptive_max_pool2d", [(4, 4), 2], {}),
    ("adaptive_max_pool2d", [(1, 0, 4, 4), 2], {}),
    ("adaptive_max_pool2d", [(1, 2, 4, 4), -1], {}),
    ("adaptive_max_pool3d", [(1, 2, 4, 4, 4), [1, 2]], {}),
    ("unfold", [(1, 2, 4, 4), 5], {}),
    ("unfold", [(1, 2, 4, 4), 0], {}),
    ("unfold", [(1, 2, 4, 4), 2], {"stride": 0}),
    ("unfold", [(1, 2, 4, 4), 2], {"padding": -1}),
    ("unfold", [(4, 4), 2], {}),
    ("fold", [(1, 12, 7), [4, 5], [2, 2]], {}),
    ("fold", [(1, 11, 12), [4, 5], [2, 2]], {}),
    ("fold", [(11,), [4, 5], [2, 2]], {}),
]


@pytest.mark.parametrize("name, arguments, options", CONVOLUTIONS + POOLS)
def test_the_same_exception_and_text(name, arguments, options):
    call = lambda engine: F(name)(engine, *arguments, **options)
    theirs, ours = complaint(call, torch), complaint(call, mt)
    assert theirs[0] != "nothing", "torch accepts this"
    assert ours == theirs


@pytest.mark.parametrize(
    "x, w, b",
    [
        ("float32", "float64", None), ("float64", "float32", None), ("float16", "float32", None),
        ("float32", "int64", None), ("int64", "float32", None), ("bool", "bool", None),
        ("complex64", "float32", None), ("float32", "complex64", None),
        ("float32", "float32", "float64"), ("float64", "float64", "float32"),
        ("int64", "int64", "float32"), ("float16", "float16", "float32"),
    ],
)  # fmt: skip
def test_mixed_dtypes(x, w, b):
    def call(engine):
        bias = None if b is None else engine.ones(6, dtype=getattr(engine, b))
        one, two = getattr(engine, x), getattr(engine, w)
        engine.nn.functional.conv2d(
            engine.ones(1, 3, 8, 8, dtype=one), engine.ones(6, 3, 5, 5, dtype=two), bias
        )

    assert complaint(call, mt) == complaint(call, torch) != ("nothing", "")


@pytest.mark.parametrize(
    "name, dtype",
    [
        ("max_pool2d", "bool"), ("max_pool1d", "bool"), ("avg_pool2d", "int32"),
        ("avg_pool2d", "uint8"), ("adaptive_avg_pool2d", "int64"), ("adaptive_max_pool2d", "int64"),
        ("max_pool2d", "complex64"), ("unfold", "int64"),
    ],
)  # fmt: skip
def test_types_without_a_kernel(name, dtype):
    def call(engine):
        x = engine.ones(1, 3, 8, dtype=getattr(engine, dtype))
        getattr(engine.nn.functional, name)(x if name.endswith("1d") else x.unsqueeze(-1).expand(1, 3, 8, 8), 2)

    assert complaint(call, mt) == complaint(call, torch) != ("nothing", "")


@pytest.mark.parametrize("stride", [1.5, True, "a", None])
def test_strides_that_are_no_integers(stride):
    call = lambda engine: engine.conv2d(engine.ones(1, 1, 4, 4), engine.ones(1, 1, 2, 2), None, stride)
    assert complaint(call, mt)[0] == complaint(call, torch)[0] == "TypeError"


def test_operands_that_are_no_tensors():
    for arguments in ((None, 1), ([1.0], 1)):
        call = lambda e: e.conv2d(arguments[0], e.ones(1, 1, 2, 2))
        theirs, ours = complaint(call, torch), complaint(call, mt)
        assert theirs[0] == ours[0] == "TypeError"
        assert theirs[1].split(", but")[0] == ours[1].split(", but")[0]


@pytest.mark.parametrize("size", [(6, 5), (4,)])
def test_impossible_sizes_of_unpooling(size):
    def call(engine):
        y, i = engine.nn.functional.max_pool2d(engine.ones(1, 2, 4, 4), 2, return_indices=True)
        engine.nn.functional.max_unpool2d(y, i, 2, output_size=size)

    assert complaint(call, mt) == complaint(call, torch) != ("nothing", "")


def test_indices_that_unpooling_refuses():
    for wrong in (
        lambda e: e.full((1, 2, 2), 99), lambda e: e.full((1, 2, 2), 1).int(),
        lambda e: e.full((1, 2, 3), 1), lambda e: e.full((1, 2, 2), -1),
    ):  # fmt: skip
        call = lambda e: e.nn.functional.max_unpool2d(e.ones(1, 2, 2), wrong(e), 2)
        assert complaint(call, mt) == complaint(call, torch) != ("nothing", "")
