"""Damaged and malicious files end in a clear error; nothing in them ever runs."""

import io
import os
import pickle
import struct
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minitorch_ref as mt

GOOD = {"a": torch.arange(100.0), "b": {"c": [1, "two", 3.0]}}
EXPECTED_ERRORS = (RuntimeError, pickle.UnpicklingError, EOFError, ValueError)


def zip_bytes(obj=GOOD):
    buffer = io.BytesIO()
    torch.save(obj, buffer)
    return buffer.getvalue()


def legacy_bytes(obj=GOOD):
    buffer = io.BytesIO()
    torch.save(obj, buffer, _use_new_zipfile_serialization=False)
    return buffer.getvalue()


def load(data, **keywords):
    return mt.load(io.BytesIO(data), **keywords)


def repacked(data, change, **keywords):
    """The archive with its records changed: `change(name, content)` -> content or None."""
    source, out = zipfile.ZipFile(io.BytesIO(data)), io.BytesIO()
    with zipfile.ZipFile(out, "w", **keywords) as target:
        for name in source.namelist():
            content = change(name.partition("/")[2], source.read(name))
            if content is not None:
                target.writestr(name, content)
    return out.getvalue()


def with_pickle(program, obj=GOOD):
    return repacked(zip_bytes(obj), lambda n, c: program if n == "data.pkl" else c)


def test_repacking_alone_does_no_harm():
    assert load(repacked(zip_bytes(), lambda n, c: c))["b"] == GOOD["b"]


# ---- code --------------------------------------------------------------------------------------


class Runs:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


ATTACKS = {
    "os.system": Runs(os.system, "touch HERE"),
    "eval": Runs(eval, "1+1"),
    "getattr": Runs(getattr, "x", "__class__"),
    "open": Runs(open, "HERE", "w"),
    "numpy": Runs(np.load, "HERE"),
    "numpy's eval": Runs(np.fromfunction, "x", (1,)),
    "type": Runs(type, "x", (), {}),
    "torch.load": Runs(torch.load, "HERE"),
}


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("weights_only", [True, False, None])
def test_nothing_runs(name, protocol, weights_only, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for use_zip in (True, False):
        buffer = io.BytesIO()
        torch.save([ATTACKS[name]], buffer, pickle_protocol=protocol,
                   _use_new_zipfile_serialization=use_zip)  # fmt: skip
        with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
            load(buffer.getvalue(), weights_only=weights_only)
        assert os.listdir(tmp_path) == []


def test_the_attack_would_work_elsewhere(tmp_path, monkeypatch):
    """The test above can fail: Python's own unpickler does run the file."""
    monkeypatch.chdir(tmp_path)
    pickle.loads(pickle.dumps(ATTACKS["os.system"], 2))
    assert os.listdir(tmp_path) == ["HERE"]


G, S = pickle.GLOBAL, b"."
PROGRAMS = {
    "build on a dtype": G + b"torch\nfloat32\n}X\1\0\0\0xK\1sb" + S,
    "build on a class": G + b"torch\nTensor\n}X\1\0\0\0xK\1sb" + S,
    "build on a list": b"]}b" + S,
    "build with slots": G + b"collections\nOrderedDict\n)RN}\x86b" + S,
    "inst": b"(ios\nsystem\n" + S,
    "obj": b"(" + G + b"os\nsystem\nX\1\0\0\0xo" + S,
    "newobj": G + b"collections\nOrderedDict\n)\x81" + S,
    "extension": b"\x82\1" + S,
    "stack global": b"\x8c\2os\x8c\6system\x93" + S,
    "stack global of numbers": b"K\1K\2\x93" + S,
    "call a dtype": G + b"torch\nfloat32\n)R" + S,
    "call a result": G + b"collections\nOrderedDict\n)R)R" + S,
    "call with a list": G + b"collections\nOrderedDict\n]R" + S,
    "a function as value": G + b"torch\nTensor\n" + S,
    "a function in a list": b"]" + G + b"torch\nTensor\na" + S,
    "a function in a dict": b"}X\1\0\0\0x" + G + b"torch\nSize\ns" + S,
    "bytearray of a size": G + b"__builtin__\nbytearray\nJ\xff\xff\xff\x7f\x85R" + S,
    "set of a string": G + b"__builtin__\nset\nX\2\0\0\0ab\x85R" + S,
    "other encodings": G + b"_codecs\nencode\nX\1\0\0\0aX\3\0\0\0zip\x86R" + S,
    "Size of strings": G + b"torch\nSize\nX\2\0\0\0ab\x85R" + S,
    "device of a list": G + b"torch\ndevice\n]\x85R" + S,
    "unknown device": G + b"torch\ndevice\nX\2\0\0\0ab\x85R" + S,
    "complex of a string": G + b"__builtin__\ncomplex\nX\1\0\0\0jK\0\x86R" + S,
    "tensor without storage": G + b"torch._utils\n_rebuild_tensor\n(NK\0))tR" + S,
    "parameter of a number": G + b"torch._utils\n_rebuild_parameter\nK\1\x88N\x87R" + S,
    "set item in a list": b"]K\1K\1s" + S,
    "append to a dict": b"}K\1a" + S,
    "unhashable key": b"}]K\1s" + S,
    "odd number of items": b"}(K\1u" + S,
    "no mark": b"e" + S,
    "empty stack": b"." + S,
    "pop of nothing": b"0" + S,
    "two results": b"K\1K\2" + S,
    "unknown slot": b"h\7" + S,
    "persistent id of a number": b"K\1Q" + S,
    "persistent id of another kind": b"X\1\0\0\0x\x85Q" + S,
    "persistent id cut short": b"X\7\0\0\0storage\x85Q" + S,
    "no stop": b"N",
    "long string": b"X\xff\xff\xff\xffabc" + S,
    "negative length": b"\x8b\xff\xff\xff\xff" + S,
    "broken text": b"X\1\0\0\0\xff" + S,
    "unknown instruction": b"\xfe" + S,
    "future protocol": b"\x80\x63N" + S,
    "blocked module": G + b"os\ngetcwd\n)R" + S,
    "empty": b"",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_malformed_pickles(name):
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        load(with_pickle(PROGRAMS[name]))
    assert not hasattr(mt.float32, "x") and not hasattr(mt.Tensor, "x")


def test_error_names_what_it_refused():
    data = with_pickle(G + b"os\nsystem\n)R" + S)
    with pytest.raises(pickle.UnpicklingError, match="GLOBAL os.system .* module os is blocked"):
        load(data)
    data = with_pickle(G + b"my.package\nThing\n)R" + S)
    with pytest.raises(pickle.UnpicklingError, match="my.package.Thing was not an allowed global"):
        load(data)
    with pytest.raises(pickle.UnpicklingError, match="weights_only=False.* never runs code"):
        load(data, weights_only=False)


def test_keys_that_would_hash_for_ever():
    deep = b"N" + b"\x85" * 100_000
    wide = b"N" + b"q\0h\0\x86" * 64
    for key in (deep, wide):
        with pytest.raises(pickle.UnpicklingError, match="too many parts"):
            load(with_pickle(b"}" + key + b"K\1s."))


def test_deep_nesting_needs_no_recursion():
    nested = load(with_pickle(b"]" * 50_000 + b"a" * 49_999 + b"."))
    depth = 0
    while nested:
        (nested,) = nested
        depth += 1
    assert depth == 49_999


# ---- numbers that do not fit -------------------------------------------------------------------


def tensor_program(numel=4, offset=0, size=(4,), stride=(1,), kind="FloatStorage"):
    def tup(numbers):
        return b"(" + b"".join(b"J" + struct.pack("<i", n) for n in numbers) + b"t"

    storage = b"(X\7\0\0\0storage" + G + b"torch\n" + kind.encode() + b"\nX\1\0\0\x000X\3\0\0\0cpu"
    storage += b"J" + struct.pack("<i", numel) + b"tQ"
    return (
        G + b"torch._utils\n_rebuild_tensor_v2\n(" + storage + b"J" + struct.pack("<i", offset)
        + tup(size) + tup(stride) + b"\x89N" + b"tR."
    )  # fmt: skip


def four(program):
    return with_pickle(program, {"a": torch.arange(4.0)})


def test_a_sound_program_loads():
    assert load(four(tensor_program(offset=1, size=(3,)))).tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("case", [
    {"offset": 1}, {"offset": -1, "size": (1,)}, {"size": (5,)}, {"stride": (2,)},
    {"stride": (-1,)}, {"size": (-4,)}, {"size": (2, 2), "stride": (4, 1)}, {"stride": (1, 1)},
    {"size": (2**31 - 1,) * 3, "stride": (1, 1, 1)}, {"offset": 2**31 - 1},
])  # fmt: skip
def test_windows_outside_the_storage(case):
    with pytest.raises(pickle.UnpicklingError, match="setStorage"):
        load(four(tensor_program(**case)))


def test_a_large_expanded_window_is_no_memory():
    big = load(four(tensor_program(size=(2**31 - 1, 4), stride=(0, 1))))
    assert tuple(big.shape) == (2**31 - 1, 4)
    with pytest.raises(pickle.UnpicklingError):
        load(four(tensor_program(size=(2**31 - 1,) * 4, stride=(0,) * 4)))


@pytest.mark.parametrize("numel,kind", [(5, "FloatStorage"), (3, "FloatStorage"), (-1, "FloatStorage"),
                                        (2**31 - 1, "DoubleStorage"), (4, "DoubleStorage")])  # fmt: skip
def test_storage_size_must_match_its_record(numel, kind):
    with pytest.raises(RuntimeError, match="does not match expected size"):
        load(four(tensor_program(numel=numel, size=(1,), kind=kind)))


def test_types_this_engine_lacks():
    for program in (tensor_program(kind="BFloat16Storage", numel=8),):
        with pytest.raises(pickle.UnpicklingError, match="bfloat16 is not supported"):
            load(four(program))
    with pytest.raises(pickle.UnpicklingError, match="torch.uint16"):
        load(zip_bytes([torch.ones(2, dtype=torch.uint16)]))


# ---- damage ------------------------------------------------------------------------------------


def test_truncated_files_name_the_file(tmp_path):
    path = tmp_path / "model.pt"
    for data in (zip_bytes(), legacy_bytes()):
        for keep in [*range(0, len(data), 37), len(data) - 1]:
            path.write_bytes(data[:keep])
            with pytest.raises(EXPECTED_ERRORS, match=r"model\.pt"):
                mt.load(path)


@settings(max_examples=300, deadline=None)
@given(st.booleans(), st.lists(st.tuples(st.floats(0, 1), st.integers(1, 255)), min_size=1, max_size=4))
def test_flipped_bytes_never_crash(use_zip, flips):
    """Any damage gives the old contents (a byte that does not matter) or an error, never a crash."""
    data = bytearray(zip_bytes() if use_zip else legacy_bytes())
    for where, value in flips:
        data[min(int(where * len(data)), len(data) - 1)] ^= value
    try:
        load(bytes(data))
    except EXPECTED_ERRORS:
        pass


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_random_pickles_never_crash(program):
    with pytest.raises(EXPECTED_ERRORS) if b"." not in program else _maybe():
        load(with_pickle(program))


class _maybe:
    def __enter__(self):
        pass

    def __exit__(self, kind, error, trace):
        return kind is None or issubclass(kind, EXPECTED_ERRORS)


def test_checksums_are_verified():
    data = bytearray(zip_bytes())
    at = bytes(data).find(np.arange(100, dtype=np.float32).tobytes())
    data[at + 14] ^= 0xFF
    assert torch.load(io.BytesIO(bytes(data)))["a"][3] != 3  # torch does not notice
    with pytest.raises(RuntimeError, match="data/0.*CRC"):
        load(bytes(data))


def test_missing_and_extra_records():
    with pytest.raises(RuntimeError, match="failed locating file data/0"):
        load(repacked(zip_bytes(), lambda n, c: None if n == "data/0" else c))
    with pytest.raises(RuntimeError, match="failed locating file data.pkl"):
        load(repacked(zip_bytes(), lambda n, c: None if n == "data.pkl" else c))
    without = repacked(zip_bytes(), lambda n, c: None if n == "byteorder" else c)
    assert load(without)["a"].tolist() == list(range(100))
    with pytest.raises(ValueError, match="Unknown endianness"):
        load(repacked(zip_bytes(), lambda n, c: b"middle" if n == "byteorder" else c))


def test_big_endian_files():
    def swapped(name, content):
        if name == "byteorder":
            return b"big"
        return np.frombuffer(content, "<f4").astype(">f4").tobytes() if name == "data/0" else content

    data = repacked(zip_bytes(), swapped)
    assert load(data)["a"].tolist() == torch.load(io.BytesIO(data))["a"].tolist() == list(range(100))


def test_compressed_records_are_refused():
    bomb = {"a": torch.zeros(1 << 20)}
    data = repacked(zip_bytes(bomb), lambda n, c: c, compression=zipfile.ZIP_DEFLATED)
    assert len(data) < 100_000
    with pytest.raises(RuntimeError, match="compressed"):
        load(data)


def test_overlapping_records_are_refused():
    """One megabyte of data under a hundred names would be a hundred megabytes."""
    source = io.BytesIO(zip_bytes({"a": torch.zeros(1 << 18)}))
    with zipfile.ZipFile(source, "a") as archive:
        entry = archive.getinfo("archive/data/0")
        for i in range(100):
            twin = zipfile.ZipInfo(f"archive/data/{i + 1}")
            for field in ("header_offset", "CRC", "file_size", "compress_size", "flag_bits"):
                setattr(twin, field, getattr(entry, field))
            archive.filelist.append(twin)
        archive._didModify = True
    with pytest.raises(RuntimeError, match="overlap"):
        load(source.getvalue())


def test_no_checkpoint_at_all():
    with pytest.raises(RuntimeError, match="no torch checkpoint"):
        load(b"hello world")
    with pytest.raises(EOFError, match="empty"):
        load(b"")
    script = repacked(zip_bytes(), lambda n, c: c)
    out = io.BytesIO(script)
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("archive/constants.pkl", b"")
    with pytest.raises(RuntimeError, match="TorchScript"):
        load(out.getvalue())


def test_legacy_storages_must_fit_the_file():
    data = legacy_bytes([torch.arange(4.0)])
    at = data.find(b"cpu") + 3
    numel = data.find(b"K\4N", at)
    huge = data[:numel] + b"J\xff\xff\xff\x7f" + data[numel + 2 :]
    with pytest.raises(pickle.UnpicklingError, match="larger than the file"):
        load(huge)
    smaller = data[:numel] + b"K\3" + data[numel + 2 :]
    with pytest.raises((RuntimeError, pickle.UnpicklingError)):
        load(smaller)


# ---- what cannot be saved ----------------------------------------------------------------------


class Unknown:
    pass


class HasState:
    def state_dict(self):
        return {}


@pytest.mark.parametrize("obj,hint", [
    (Unknown(), "Unknown"), (HasState(), "state_dict"),
    (np.array([None]), "arrays of them"), (np.zeros(2, "i4,f4"), "arrays of them"),
    (np.datetime64("2020"), "arrays of them"), (np.matrix([1]), "arrays of them"), (lambda: 0, "function"), (frozenset(), "frozenset"), (int, "type"),
])  # fmt: skip
def test_saving_refuses_what_could_not_be_loaded(obj, hint):
    with pytest.raises(pickle.PicklingError, match=hint):
        mt.save({"x": [obj]}, io.BytesIO())
