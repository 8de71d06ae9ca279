"""NumPy's arrays and numbers in files: as torch writes and reads them, and checked before they are."""

from __future__ import annotations

import contextlib
import io
import pickle
import zipfile

import numpy as np
import pytest
import torch
from bits import same_bits
from hypothesis import given, settings
from hypothesis import strategies as st
from test_serialization_hostile import EXPECTED_ERRORS, G, Runs, S, repacked, with_pickle

import minitorch_ref as mt

SAMPLES = {
    "floats": np.arange(6.0).reshape(2, 3),
    "by columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "strided": np.arange(12)[::2],
    "no dims": np.array(7, np.int16),
    "empty": np.zeros((0, 3), np.float32),
    "other byte order": np.arange(3, dtype=">i4"),
    "truth": np.array([True, False]),
    "complex": np.array([1 + 2j], np.complex64),
    "halves": np.array([0.5], np.float16),
    "text": np.array(["ab", "cde"]),
    "bytes": np.array([b"ab", b"c"]),
    "number": np.float64(0.9),
    "integer": np.int64(3),
    "boolean": np.bool_(True),
    "a text": np.str_("abc"),
    "dtype": np.dtype("f4"),
    "dtype of other order": np.dtype(">f4"),
    "checkpoint": {"epoch": 3, "acc": np.float64(0.9), "history": [np.arange(3.0), np.arange(2)]},
    "the same twice": [SAME := np.arange(3), SAME],
    "random state": np.random.RandomState(0).get_state(),
}


def torchs(obj, **keywords):
    buffer = io.BytesIO()
    torch.save(obj, buffer, **keywords)
    return buffer.getvalue()


def ours(obj):
    buffer = io.BytesIO()
    mt.save(obj, buffer)
    return buffer.getvalue()


def load(data, t=mt, **keywords):
    return t.load(io.BytesIO(data), **keywords)


def program_of(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read("archive/data.pkl")


def assert_equal(a, b):
    assert type(a) is type(b)
    if isinstance(a, (list, tuple)):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            assert_equal(x, y)
    elif isinstance(a, dict):
        assert_equal(list(a.items()), list(b.items()))
    elif isinstance(a, np.ndarray):
        assert a.strides == b.strides and a.dtype.byteorder == b.dtype.byteorder
        assert same_bits(a, b)
    else:
        assert a == b


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize(
    "how",
    [{}, {"pickle_protocol": 4}, {"pickle_protocol": 5}, {"_use_new_zipfile_serialization": False}],
    ids=str,
)
def test_torchs_files(name, how):
    data = torchs(SAMPLES[name], **how)
    found = load(data, weights_only=False)
    assert_equal(found, load(data, torch, weights_only=False))
    if isinstance(found, np.ndarray):
        assert found.flags.writeable and found.flags.owndata == (found.base is None)


@pytest.mark.parametrize("name", SAMPLES)
def test_our_files_are_torchs_byte_for_byte(name):
    data = ours(SAMPLES[name])
    assert program_of(data) == program_of(torchs(SAMPLES[name]))
    assert_equal(load(data, torch, weights_only=False), load(data, weights_only=False))


def test_one_array_stays_one():
    a, b = load(ours(SAMPLES["the same twice"]), weights_only=False)
    assert a is b


@pytest.mark.parametrize("name", SAMPLES)
def test_refused_by_default(name):
    data = torchs(SAMPLES[name])
    said = []
    for t in (mt, torch):
        with pytest.raises(pickle.UnpicklingError, match="Weights only load failed") as caught:
            load(data, t)
        text = str(caught.value)
        said.append(
            text[text.index("Unsupported global") : text.index("trust this class/function.")]
        )
    assert said[0] == said[1]


NAMES = [
    np._core.multiarray._reconstruct, np._core.multiarray.scalar, np.ndarray, np.dtype,
    np.dtypes.Float64DType,
]  # fmt: skip


@pytest.mark.parametrize("missing", [*range(len(NAMES)), None])
def test_approved_one_by_one(missing):
    """Each of NumPy's names counts, as in torch."""
    data = torchs([np.arange(2.0), np.float64(3)])
    names = [name for i, name in enumerate(NAMES) if i != missing]
    results = []
    for t in (mt, torch):
        before = set(t.serialization.get_safe_globals())  # torch approves a few of its own
        with t.serialization.safe_globals(names):
            assert set(t.serialization.get_safe_globals()) - before == set(names)
            try:
                results.append([x.tolist() for x in load(data, t)])
            except pickle.UnpicklingError as error:
                results.append(str(missing is not None and "allowlist" in str(error)))
        assert set(t.serialization.get_safe_globals()) == before
    assert results[0] == results[1] == ("True" if missing is not None else [[0.0, 1.0], 3.0])


def test_approval_by_another_name_and_its_end():
    data = torchs(np.float64(3)).replace(b"numpy._core.multiarray\n", b"numpy.mycor.multiarray\n")
    for t in (mt, torch):
        before = t.serialization.get_safe_globals()
        t.serialization.add_safe_globals([np.dtype, np.dtypes.Float64DType])
        t.serialization.add_safe_globals(
            [(np._core.multiarray.scalar, "numpy.mycor.multiarray.scalar")]
        )
        try:
            assert load(with_checksum(data), t) == 3.0
        finally:
            t.serialization.clear_safe_globals()
            assert t.serialization.get_safe_globals() == []
            t.serialization.add_safe_globals(before)
        with pytest.raises(pickle.UnpicklingError):
            load(with_checksum(data), t)
    for wrong, kind in ((("a",), ValueError), ((print, 3), TypeError)):
        for t in (mt, torch):
            with t.serialization.safe_globals([wrong]), pytest.raises(kind, match="Expected"):
                load(torchs(np.float64(3)), t)


def with_checksum(data):
    """The archive packed anew, so that its checksums fit what was changed in it."""

    class Lenient(zipfile.ZipExtFile):
        def _update_crc(self, newdata):
            pass

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zipfile, "ZipExtFile", Lenient)
        return repacked(data, lambda name, content: content)


class Point:
    """A class of the program's own."""

    def __init__(self, x):
        self.x = x


class Counted(Point):
    def __setstate__(self, state):
        self.x = state["x"] + 1


@pytest.mark.parametrize("kind", [Point, Counted])
def test_classes_that_the_program_approves(kind):
    data = torchs({"p": kind(4)})
    for t in (mt, torch):
        with pytest.raises(pickle.UnpicklingError, match=f"{kind.__name__} was not an allowed"):
            load(data, t)
        with t.serialization.safe_globals([kind]):
            point = load(data, t)["p"]
        assert type(point) is kind and point.x == (4 if kind is Point else 5)
    with pytest.raises(pickle.UnpicklingError):
        load(data, weights_only=False)  # which approves nothing of the program's


def test_approval_does_not_reach_further():
    """A class that is approved does not let a file call another, nor the modules never allowed."""
    import os

    for approved in ([Point], [os.system]):
        with mt.serialization.safe_globals(approved):
            with pytest.raises(pickle.UnpicklingError):
                load(torchs(Runs(os.system, "true")))


# ---- forged descriptions ---------------------------------------------------------------------------

RECONSTRUCT = (
    G + b"numpy._core.multiarray\n_reconstruct\n" + G + b"numpy\nndarray\nK\0\x85C\1b\x87R"
)
DTYPE = G + b"numpy\ndtype\nX\2\0\0\0%b\x89\x88\x87R"
SCALAR = G + b"numpy._core.multiarray\nscalar\n"
ORDER = b"(K\3X\1\0\0\0<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"


def array(
    shape=b"K\2\x85", dtype=DTYPE % b"u1" + ORDER, columns=b"\x89", data=b"C\2ab", version=b"K\1"
):
    return RECONSTRUCT + b"(" + version + shape + dtype + columns + data + b"tb" + S


def test_a_sound_description_loads():
    assert load(with_pickle(array()), weights_only=False).tolist() == [97, 98]


FORGED = {
    "too few bytes": array(shape=b"K\3\x85"),
    "too many bytes": array(shape=b"K\1\x85"),
    "negative": array(shape=b"J\xff\xff\xff\xffJ\xfe\xff\xff\xff\x86"),
    "no tuple": array(shape=b"K\2"),
    "truth as a size": array(shape=b"\x88K\2\x86"),
    "huge and empty": array(shape=b"K\0" + b"J\xff\xff\xff\x7f" * 2 + b"\x87", data=b"C\0"),
    "many dims": array(shape=b"(" + b"K\1" * 40 + b"t", data=b"C\1a"),
    "objects": array(dtype=DTYPE % b"O8" + ORDER, data=b"C\x10" + bytes(16)),
    "objects as a list": array(dtype=DTYPE % b"O8", data=b"]"),
    "records": array(dtype=DTYPE % b"V1" + ORDER),
    "dates": array(dtype=DTYPE % b"M8", data=b"C\x10" + bytes(16)),
    "no dtype": array(dtype=b"X\2\0\0\0u1"),
    "values as a list": array(data=b"]"),
    "order as a number": array(columns=b"K\1"),
    "truth beyond 1": array(dtype=DTYPE % b"b1" + ORDER),
    "fields": array(dtype=DTYPE % b"u1" + ORDER.replace(b"NNN", b"NN}")),
    "another size": array(dtype=DTYPE % b"u1" + ORDER.replace(b"\xff\xff\xff\xff", b"\1\0\0\0")),
    "flags": array(dtype=DTYPE % b"u1" + ORDER.replace(b"K\0t", b"K\x7ft")),
    "state of nothing": RECONSTRUCT + b")b" + S,
    "state as a dict": RECONSTRUCT + b"}b" + S,
    "another class": (
        G + b"numpy._core.multiarray\n_reconstruct\n" + G + b"numpy\ndtype\nK\0\x85C\1b\x87R" + S
    ),
    "called class": G + b"numpy\nndarray\nJ\xff\xff\xff\x7f\x85R" + S,
    "class as a value": G + b"numpy\nndarray\n" + S,
    "dtype of a dict": G + b"numpy\ndtype\n}\x85R" + S,
    "dtype of commas": G + b"numpy\ndtype\nX\5\0\0\0i4,f4\x85R" + S,
    "short number": SCALAR + DTYPE % b"f8" + b"C\2ab\x86R" + S,
    "number of nothing": SCALAR + b"NC\2ab\x86R" + S,
    "buffer": (
        G
        + b"numpy._core.numeric\n_frombuffer\n(C\2ab"
        + DTYPE % b"u1"
        + b"K\3\x85X\1\0\0\0Ct"
        + b"R"
        + S
    ),
    "buffer in no order": (
        G
        + b"numpy._core.numeric\n_frombuffer\n(C\2ab"
        + DTYPE % b"u1"
        + b"K\2\x85X\1\0\0\0Kt"
        + b"R"
        + S
    ),
    "another function": G + b"numpy._core.multiarray\nfrombuffer\nC\2ab\x85R" + S,
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_descriptions(name):
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        load(with_pickle(FORGED[name]), weights_only=False)


def test_no_file_changes_a_dtype_that_the_program_uses():
    flipped = DTYPE % b"f8" + ORDER.replace(b"<", b">") + S
    assert load(with_pickle(flipped), weights_only=False) == np.dtype(">f8")
    assert np.dtype("f8").isnative and np.arange(2.0).tolist() == [0.0, 1.0]


PROGRAM = pickle.dumps(list(SAMPLES.values()), 2)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, len(PROGRAM) - 1), st.integers(0, 255)), min_size=1, max_size=4
    )
)
def test_changed_bytes_never_crash(changes):
    """A damaged description is an error, or describes something else that can be looked at."""
    data = bytearray(PROGRAM)
    for where, value in changes:
        data[where] = value
    with contextlib.suppress(*EXPECTED_ERRORS):
        repr(load(with_pickle(bytes(data)), weights_only=False))
