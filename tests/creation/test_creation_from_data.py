"""tensor, as_tensor, asarray, from_numpy, frombuffer, DLPack and the legacy constructors."""

import array
import decimal
import warnings

import numpy as np
import pytest
import torch
from creation_sides import OURS, outcome, same
from hypothesis import given, settings
from hypothesis import strategies as st

import minitorch_ref as mt


class Sequence:
    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


class HasFloat:
    def __float__(self):
        return 3.5


class HasArray:
    def __array__(self, dtype=None, copy=None):
        return np.arange(3)


class HasDlpack:
    def __dlpack__(self, **keywords):
        return np.arange(3.0).__dlpack__()

    def __dlpack_device__(self):
        return (1, 0)


CALLS = [
    lambda e: e.tensor(3),
    lambda e: e.tensor(3.5),
    lambda e: e.tensor(True),
    lambda e: e.tensor(1j),
    lambda e: e.tensor([]),
    lambda e: e.tensor([[]]),
    lambda e: e.tensor([[], []]),
    lambda e: e.tensor([[], [1]]),
    lambda e: e.tensor([1, 2.5]),
    lambda e: e.tensor([1, True]),
    lambda e: e.tensor([True, 1.5]),
    lambda e: e.tensor([1, 1j]),
    lambda e: e.tensor([[1, 2], [3]]),
    lambda e: e.tensor([[1], [3, 4]]),
    lambda e: e.tensor([1, [2]]),
    lambda e: e.tensor([[1], 2]),
    lambda e: e.tensor([[[1, 2], [3, 4]], [[1, 2], [3, 4, 5]]]),
    lambda e: e.tensor("a"),
    lambda e: e.tensor(["a"]),
    lambda e: e.tensor([1, "a"]),
    lambda e: e.tensor(b"abc"),
    lambda e: e.tensor([b"abc"]),
    lambda e: e.tensor(None),
    lambda e: e.tensor([None]),
    lambda e: e.tensor([1, None]),
    lambda e: e.tensor({1: 2}),
    lambda e: e.tensor({1, 2}),
    lambda e: e.tensor(range(4)),
    lambda e: e.tensor(x for x in [1]),
    lambda e: e.tensor(object()),
    lambda e: e.tensor(Sequence([1, 2])),
    lambda e: e.tensor([Sequence([1, 2]), Sequence([3, 4])]),
    lambda e: e.tensor(HasArray()),
    lambda e: e.tensor([HasFloat()]),
    lambda e: e.tensor([HasFloat()], dtype=e.float32),
    lambda e: e.tensor(HasDlpack()),
    lambda e: e.tensor(bytearray(b"abc")),
    lambda e: e.tensor(memoryview(np.arange(3.0))),
    lambda e: e.tensor(array.array("d", [1, 2])),
    lambda e: e.tensor(np.float64(3)),
    lambda e: e.tensor([np.float64(3)]),
    lambda e: e.tensor(np.float32(3)),
    lambda e: e.tensor([np.float16(3)]),
    lambda e: e.tensor([np.float32(3), 2.5]),
    lambda e: e.tensor([np.float16(3), 2.5]),
    lambda e: e.tensor([np.int8(3)]),
    lambda e: e.tensor([np.int8(3), 300]),
    lambda e: e.tensor(np.int32(3)),
    lambda e: e.tensor([np.bool_(1)]),
    lambda e: e.tensor([np.complex64(1)]),
    lambda e: e.tensor(np.array([1, 2])),
    lambda e: e.tensor(np.array(1.0)),
    lambda e: e.tensor(np.array(["a"])),
    lambda e: e.tensor(np.array([None])),
    lambda e: e.tensor(np.array([1, 2], dtype=">i4")),
    lambda e: e.tensor(np.arange(6)[::-1]),
    lambda e: e.tensor(np.arange(6.0).reshape(2, 3).T),
    lambda e: e.tensor(np.array([300]), dtype=e.uint8),
    lambda e: e.tensor(np.array([3.7, -3.7]), dtype=e.int64),
    lambda e: e.tensor(e.tensor(3)),
    lambda e: e.tensor(e.tensor([3.0, 4.0]), dtype=e.int64),
    lambda e: e.tensor([e.tensor(3)]),
    lambda e: e.tensor([e.tensor(3), 2.5]),
    lambda e: e.tensor([e.tensor(3, dtype=e.int8)]),
    lambda e: e.tensor([e.tensor([3]), e.tensor([4])]),
    lambda e: e.tensor([e.tensor([3, 4]), e.tensor([4, 5])]),
    lambda e: e.tensor([e.tensor([3.0, 4.0])]),
    lambda e: e.tensor([[e.tensor(3)], [e.tensor(3.0)]]),
    lambda e: e.tensor(2**63),
    lambda e: e.tensor([2**63]),
    lambda e: e.tensor([2**63], dtype=e.float32),
    lambda e: e.tensor(-(2**63)),
    lambda e: e.tensor(2**2000, dtype=e.float32),
    lambda e: e.tensor(300, dtype=e.uint8),
    lambda e: e.tensor([-1], dtype=e.uint8),
    lambda e: e.tensor([-255], dtype=e.uint8),
    lambda e: e.tensor([-256], dtype=e.uint8),
    lambda e: e.tensor([2.5], dtype=e.uint8),
    lambda e: e.tensor([256.5], dtype=e.uint8),
    lambda e: e.tensor([-1.5], dtype=e.uint8),
    lambda e: e.tensor([200], dtype=e.int8),
    lambda e: e.tensor([-128.9], dtype=e.int8),
    lambda e: e.tensor([3.7, -3.7], dtype=e.int64),
    lambda e: e.tensor([3.7, 0.0], dtype=e.bool),
    lambda e: e.tensor([float("nan")], dtype=e.bool),
    lambda e: e.tensor([float("nan")], dtype=e.int64),
    lambda e: e.tensor([float("inf")], dtype=e.int32),
    lambda e: e.tensor([1e20], dtype=e.int64),
    lambda e: e.tensor([1j], dtype=e.float32),
    lambda e: e.tensor(1j, dtype=e.int32),
    lambda e: e.tensor([1, 2], dtype=e.complex64),
    lambda e: e.tensor([1e300, -1e300], dtype=e.float32),
    lambda e: e.tensor([1e10, 70000], dtype=e.float16),
    lambda e: e.tensor([1.0 + 2.0**-11 + 2.0**-40], dtype=e.float16),
    lambda e: e.tensor(True, dtype=e.float32),
    lambda e: e.tensor([None], dtype=e.float32),
    lambda e: e.tensor({1: 2}, dtype=e.float32),
    lambda e: e.tensor("a", dtype=e.float32),
    lambda e: e.tensor([1], requires_grad=True),
    lambda e: e.tensor([1.0], requires_grad=True),
    lambda e: e.tensor([1.0], requires_grad=1),
    lambda e: e.tensor([1.0], device="cuda"),
    lambda e: e.tensor([1.0], pin_memory=True),
    lambda e: e.tensor(data=[1]),
    lambda e: e.tensor(1, 2),
    lambda e: e.tensor([1.0], dtype=float),
    lambda e: e.tensor([1.0], dtype="f"),
    lambda e: e.tensor([1.0], foo=3),
    lambda e: e.tensor([(1, 2), [3, 4]]),
    lambda e: e.ones(1).new_tensor([1, 2]),
    lambda e: e.ones(1).new_tensor(3),
    lambda e: e.ones(1).new_tensor([1, 2], dtype=e.int64),
    lambda e: e.ones(1).new_tensor(e.tensor(2)),
    lambda e: e.ones(1, dtype=e.int64).new_tensor([1.5]),
    lambda e: e.ones(1, dtype=e.int64).new_tensor(np.array([1.5])),
    lambda e: e.ones(1).new_tensor([1.0], requires_grad=True),
    lambda e: e.as_tensor([1, 2]),
    lambda e: e.as_tensor(np.arange(3), dtype=e.float32),
    lambda e: e.as_tensor(e.tensor([1.0]), dtype=e.float64),
    lambda e: e.as_tensor(3),
    lambda e: e.as_tensor(None),
    lambda e: e.as_tensor(np.arange(3)[::-1]),
    lambda e: e.from_numpy(np.arange(3)),
    lambda e: e.from_numpy(np.array(5)),
    lambda e: e.from_numpy([1]),
    lambda e: e.from_numpy(np.float32(3)),
    lambda e: e.from_numpy(np.array(["a"])),
    lambda e: e.from_numpy(np.arange(3)[::-1]),
    lambda e: e.from_numpy(np.broadcast_to(np.arange(3), (2, 3))),
    lambda e: e.frombuffer(bytearray(b"abcdefgh"), dtype=e.int32),
    lambda e: e.frombuffer(b"abcdefgh", dtype=e.int32),
    lambda e: e.frombuffer(bytearray(b"abcdefgh"), dtype=e.int32, count=1, offset=4),
    lambda e: e.frombuffer(bytearray(b"abcdefg"), dtype=e.int32),
    lambda e: e.frombuffer(bytearray(b"abcdefgh"), dtype=e.int32, offset=9),
    lambda e: e.frombuffer(bytearray(b"abcdefgh"), dtype=e.int32, offset=-1),
    lambda e: e.frombuffer(bytearray(b"abcdefgh"), dtype=e.int32, count=3),
    lambda e: e.frombuffer(bytearray(b"abcdefgh"), dtype=e.int32, count=0),
    lambda e: e.frombuffer(bytearray(b"abcdefgh"), dtype=e.int32, count=-5),
    lambda e: e.frombuffer(bytearray(b""), dtype=e.int32),
    lambda e: e.frombuffer([1], dtype=e.int32),
    lambda e: e.frombuffer(bytearray(b"abcdefgh"), dtype=e.float32, requires_grad=True),
    lambda e: e.asarray([1, 2]),
    lambda e: e.asarray(np.arange(3)),
    lambda e: e.asarray(np.arange(3), copy=True),
    lambda e: e.asarray(np.arange(3), dtype=e.float32, copy=False),
    lambda e: e.asarray([1, 2], copy=False),
    lambda e: e.asarray(bytearray(b"abcdefgh")),
    lambda e: e.asarray(bytearray(b"abcdefgh"), dtype=e.int32),
    lambda e: e.asarray(np.float64(3)),
    lambda e: e.asarray(e.ones(2), requires_grad=True),
    lambda e: e.asarray(np.arange(3), requires_grad=True),
    lambda e: e.asarray(HasDlpack()),
    lambda e: e.asarray(None),
    lambda e: e.from_dlpack(np.arange(3)),
    lambda e: e.from_dlpack(HasDlpack()),
    lambda e: e.from_dlpack(np.arange(3.0).__dlpack__()),
    lambda e: e.from_dlpack(3),
    lambda e: e.FloatTensor([1, 2]),
    lambda e: e.FloatTensor(),
    lambda e: e.FloatTensor((2, 3)),
    lambda e: e.FloatTensor(3.0),
    lambda e: e.FloatTensor("a"),
    lambda e: e.FloatTensor(np.arange(3.0)),
    lambda e: e.FloatTensor(e.ones(2)),
    lambda e: e.LongTensor([1.5, 2]),
    lambda e: e.ByteTensor([1, 2]),
    lambda e: e.BoolTensor([1, 0]),
    lambda e: e.HalfTensor([1.5]),
    lambda e: e.IntTensor(e.IntTensor([1])),
    lambda e: e.Tensor([1, 2]),
    lambda e: e.Tensor(),
    lambda e: e.Tensor([[1, 2], [3]]),
    lambda e: e.Tensor(e.ones(2, dtype=e.int64)),
    lambda e: e.Tensor(np.array([1, 2])),
    lambda e: e.Tensor(range(3)),
    lambda e: e.Tensor("abc"),
    lambda e: e.Tensor(None),
    lambda e: e.Tensor(True),
    lambda e: e.Tensor(3.5),
    lambda e: e.Tensor(-1),
    lambda e: e.Tensor([1], device="cpu"),
    lambda e: e.Tensor(data=[1]),
    lambda e: e.Tensor(1, 2.0),
    lambda e: e.FloatTensor(2, device="cuda"),
    lambda e: e.ones(1, dtype=e.int64).new([2, 3]),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(CALLS)))
def test_calls(number):
    same(CALLS[number])


@pytest.mark.parametrize(
    "call",
    [
        lambda e: e.FloatTensor(2, 3),
        lambda e: e.FloatTensor(e.Size([2, 3])),
        lambda e: e.LongTensor(3),
        lambda e: e.Tensor(2, 3),
        lambda e: e.Tensor(size=(2, 3)),
        lambda e: e.ones(1, dtype=e.int64).new(2, 3),
    ],
)
def test_legacy_constructors_with_sizes(call):
    same(call, values=False)


def test_legacy_types_recognise_their_tensors():
    for e in (torch, OURS):
        assert isinstance(e.zeros(2), e.FloatTensor)
        assert not isinstance(e.zeros(2), e.DoubleTensor)
        assert not isinstance(3, e.FloatTensor)
        assert e.FloatTensor.dtype is e.float32
        with pytest.raises(TypeError, match="expected TensorOptions"):
            e.FloatTensor(e.ones(2, dtype=e.float64))


NUMBERS = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.builds(np.float32, st.floats(width=32, allow_nan=False)),
    st.builds(np.int8, st.integers(-128, 127)),
    st.complex_numbers(allow_nan=False),
)


@given(shape=st.lists(st.integers(0, 3), max_size=3), data=st.data())
@settings(max_examples=100, deadline=None)
def test_nested_lists_of_all_numbers(shape, data):
    """Values and inferred dtype of any nesting of any mixture of numbers."""

    def nest(dims):
        if not dims:
            return data.draw(NUMBERS)
        items = [nest(dims[1:]) for _ in range(dims[0])]
        return tuple(items) if data.draw(st.booleans()) else items

    value = nest(shape)
    same(lambda e: e.tensor(value))


@given(
    values=st.lists(st.floats() | st.integers(-(2**40), 2**40) | st.booleans(), max_size=4),
    dtype=st.sampled_from(
        ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64",
         "complex64", "complex128"]
    ),
)  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_lists_forced_into_a_dtype(values, dtype):
    """What fits is converted as in C++; what does not is the same error."""
    nans = [e for e in values if e != e]
    theirs, ours = (outcome(e, lambda e: e.tensor(values, dtype=getattr(e, dtype))) for e in (torch, OURS))
    if nans and theirs[0] != "error":  # the payload of a NaN is nobody's business
        theirs, ours = (np.frombuffer(x[0], np.dtype(dtype if dtype != "bool" else "?")) for x in (theirs, ours))
        assert np.array_equal(theirs, ours, equal_nan=True)
    else:
        assert ours == theirs


def test_infer_ragged_lists_of_any_depth():
    for value in ([[1, 2], [3]], [[[1]], [[1, 2]]], [[[1], [2]], [[3]]], [1, [2, 3]], [[1, 2], 3]):
        same(lambda e: e.tensor(value))


# ---- who shares memory with whom -----------------------------------------------------------------


def test_tensor_copies_and_the_others_share():
    for e in (torch, OURS):
        source = np.arange(3.0)
        shared = [e.from_numpy(source), e.as_tensor(source), e.asarray(source), e.from_dlpack(source)]
        copies = [e.tensor(source), e.as_tensor(source, dtype=e.float32), e.asarray(source, copy=True)]
        source[0] = 7
        assert [x[0].item() for x in shared] == [7.0] * 4
        assert [x[0].item() for x in copies] == [0.0] * 3


def test_as_tensor_and_asarray_return_tensors_themselves():
    for e in (torch, OURS):
        x = e.ones(3)
        assert e.as_tensor(x) is x
        assert e.as_tensor(x, dtype=e.float32) is x
        assert e.asarray(x) is x
        y = e.asarray(x, copy=True)
        y.fill_(5)
        assert x.tolist() == [1, 1, 1]
        z = e.ones(3, requires_grad=True)
        assert not e.asarray(z, requires_grad=False).requires_grad
        assert e.asarray(z, requires_grad=True) is z
        assert e.as_tensor(z).requires_grad
        y = z * 2
        assert e.asarray(y, copy=True, requires_grad=True).grad_fn is not None
        assert e.asarray(y, dtype=e.float64, requires_grad=False).is_leaf


def test_arrays_within_lists():
    """torch warns that this is slow, once; here it is not."""
    for rows in ([np.array([1, 2]), [3, 4]], [np.array([1, 2]), np.array([3.0, 4])], [np.arange(3)]):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            same(lambda e: e.tensor(rows), warned=False)


def test_frombuffer_shares_the_bytes():
    for e in (torch, OURS):
        buffer = bytearray(8)
        x = e.frombuffer(buffer, dtype=e.int32)
        x.fill_(1)
        assert buffer == bytearray([1, 0, 0, 0] * 2)


def test_dlpack_crosses_engines_without_a_copy():
    theirs = torch.arange(4.0)
    ours = OURS.from_dlpack(theirs)
    back = torch.from_dlpack(ours)
    ours[1] = 9
    assert theirs.tolist() == back.tolist() == [0, 9, 2, 3]


def test_a_copied_tensor_has_no_history():
    x = OURS.ones(2, requires_grad=True)
    with pytest.warns(UserWarning, match="To copy construct from a tensor"):
        y = OURS.tensor(x * 2)
    assert not y.requires_grad and y.is_leaf


def test_numpy_types_that_torch_lacks():
    with pytest.raises(TypeError, match="can't convert np.ndarray of type numpy.uint16"):
        OURS.from_numpy(np.zeros(2, np.uint16))
    with pytest.raises(RuntimeError, match="Could not infer dtype of"):
        OURS.tensor(decimal.Decimal("1.5"))
    assert OURS.from_numpy(np.zeros(2, np.longlong)).dtype is mt.int64


# ---- files -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [torch, mt])
def test_a_mapped_file(side, tmp_path):
    """A shared file is made, made longer and written to; one that is not shared stays as it is."""
    path = tmp_path / "numbers"
    x = side.from_file(str(path), shared=True, size=3, dtype=side.float64)
    assert x.tolist() == [0, 0, 0] and path.stat().st_size == 24
    x[1] = 2.5
    assert np.fromfile(path).tolist() == [0, 2.5, 0]
    y = side.from_file(str(path), size=2, dtype=side.float64, requires_grad=True)
    with side.no_grad():
        y.mul_(4)
    assert y.requires_grad and y.tolist() == [0, 10] and np.fromfile(path).tolist() == [0, 2.5, 0]
    longer = side.from_file(str(path), True, 5, dtype=side.float64)
    assert longer.tolist() == [0, 2.5, 0, 0, 0]
    with pytest.raises(RuntimeError, match="is smaller than the required mapping size <48>"):
        side.from_file(str(path), size=6, dtype=side.float64)
    with pytest.raises(RuntimeError, match="unable to open file .* in read-only mode: No such file"):
        side.from_file(str(tmp_path / "none"), size=6)
