"""The pickle reader: right on Python 2's and Python 3's files, deaf to everything else."""

from __future__ import annotations

import io
import os
import pickle

import numpy as np
import pytest
from cifar_files import write_batch
from hypothesis import given, settings
from hypothesis import strategies as st

from minitorch_ref.vision.datasets.unpickle import load


def batch_bytes() -> bytes:
    rows = np.random.RandomState(0).randint(0, 256, (3, 3072), dtype=np.uint8)
    return write_batch(rows, [3, 1, 2])


def test_python_2_pickles_read_as_pythons_own_reader_reads_them():
    raw = batch_bytes()
    content, expected = load(io.BytesIO(raw)), pickle.loads(raw, encoding="latin1")
    assert content.keys() == expected.keys()
    np.testing.assert_array_equal(content["data"], expected["data"])
    assert content["labels"] == expected["labels"]
    assert content["batch_label"] == expected["batch_label"]


@pytest.mark.parametrize("protocol", range(2, 5))
@pytest.mark.parametrize("order", ["C", "F"])
def test_python_3_pickles(protocol, order):
    data = np.random.RandomState(0).randint(0, 256, (4, 3072), dtype=np.uint8)
    raw = pickle.dumps({"data": np.array(data, order=order), "labels": [1]}, protocol)
    content = load(io.BytesIO(raw))
    np.testing.assert_array_equal(content["data"], data)


class Evil:
    """Runs a command when unpickled."""

    def __init__(self, command, *args):
        self.call = (command, args)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    "make",
    [
        lambda mark: Evil(os.mkdir, mark),
        lambda mark: Evil(eval, f"__import__('os').mkdir({mark!r})"),
        lambda mark: {"data": Evil(os.mkdir, mark)},
        lambda mark: {"data": [Evil(os.mkdir, mark)]},
        lambda mark: {"data": np.array([Evil(os.mkdir, mark)], dtype=object)},
        lambda mark: {Evil(os.mkdir, mark): 1},
    ],
)
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_no_code_runs(make, protocol, tmp_path):
    mark = str(tmp_path / "was-run")
    raw = pickle.dumps(make(mark), protocol)
    with pytest.raises(pickle.UnpicklingError):
        load(io.BytesIO(raw))
    assert not os.path.exists(mark)


def forged(dtype_code=b"u1", shape=b"K\x02\x85", raw=b"ab", kind=b"cnumpy\ndtype\n") -> bytes:
    """A protocol-2 pickle of {"data": array} with parts of the array's description replaced."""
    return (
        b"\x80\x02}U\x04data"
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        b"(K\x01" + shape + kind + b"U" + bytes([len(dtype_code)]) + dtype_code + b"K\x00K\x01\x87R"
        b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        b"\x89U" + bytes([len(raw)]) + raw + b"tbs."
    )


def test_the_forged_pickle_is_sound_when_nothing_is_replaced():
    np.testing.assert_array_equal(load(io.BytesIO(forged()))["data"], [97, 98])


@pytest.mark.parametrize(
    "change",
    [
        {"dtype_code": b"O8"},  # object: its bytes would be taken for pointers
        {"dtype_code": b"f4"},
        {"dtype_code": b"u2"},
        {"shape": b"K\x03\x85"},  # more elements than bytes
        {"shape": b"J\xfe\xff\xff\xff\x85"},  # a negative extent
        {"shape": b"U\x02ab\x85"},
        {"shape": b"K\x02"},
        {"raw": b""},
        {"kind": b"cbuiltins\nlist\n"},
        {"kind": b"cnumpy\nndarray\n"},
    ],
)
def test_forged_arrays_are_refused(change):
    with pytest.raises(pickle.UnpicklingError):
        load(io.BytesIO(forged(**change)))


@pytest.mark.parametrize("raw", [b"", b".", b"\x80\x02]q\x00.", b"garbage", b"\x80\x02K\x01."])
def test_what_is_no_batch(raw):
    with pytest.raises(pickle.UnpicklingError):
        load(io.BytesIO(raw))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 9400), st.integers(0, 255))
def test_damaged_files_raise_one_error(place, value):
    raw = bytearray(batch_bytes())
    for damaged in (raw[: place % len(raw)], raw[:place] + bytes([value]) + raw[place + 1 :]):
        try:
            load(io.BytesIO(bytes(damaged)))
        except pickle.UnpicklingError:
            pass
