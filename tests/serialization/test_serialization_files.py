"""Files written by either engine load in the other, and are the same files."""

import collections
import io
import os
import stat
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minitorch_ref as mt

DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64",
          "float16", "float32", "float64", "complex64", "complex128"]  # fmt: skip


def saved(engine, obj):
    buffer = io.BytesIO()
    engine.save(obj, buffer)
    return buffer.getvalue()


def loaded(engine, data, **keywords):
    return engine.load(io.BytesIO(data), **keywords)


def plain(obj):
    """Any engine's object as plain data: what must be equal on both sides."""
    if isinstance(obj, (torch.Tensor, mt.Tensor)):
        return (
            "parameter" if isinstance(obj, (torch.nn.Parameter, mt.nn.Parameter)) else "tensor",
            repr(obj.dtype), tuple(obj.shape), tuple(obj.stride()), obj.storage_offset(),
            obj.requires_grad, obj.detach().numpy().tobytes(),
        )  # fmt: skip
    if isinstance(obj, dict):
        attributes = {k: plain(v) for k, v in getattr(obj, "__dict__", {}).items()}
        return (type(obj).__name__, [(plain(k), plain(v)) for k, v in obj.items()], attributes)
    if isinstance(obj, (list, tuple)):
        return (type(obj).__name__, [plain(x) for x in obj])
    if isinstance(obj, (torch.dtype, torch.device, mt.dtype, mt.device)):
        return repr(obj)
    return (type(obj).__name__, repr(obj))


def everything(engine):
    """One object of each kind that a file can hold."""
    x = engine.arange(10.0)
    state = collections.OrderedDict(weight=engine.ones(2, 3), bias=engine.zeros(2))
    state._metadata = collections.OrderedDict([("", {"version": 1})])
    recursive = [1]
    recursive.append((recursive,))
    return {
        "tensor": x, "view": x[2:8:2], "again": x, "matrix": x[1:9].reshape(2, 4).t(),
        "0-d": engine.tensor(1.5), "parameter": engine.nn.Parameter(engine.ones(2, 3)),
        "frozen": engine.nn.Parameter(engine.ones(2), requires_grad=False),
        "leaf": engine.ones(2, requires_grad=True), "expanded": engine.ones(1, 3).expand(4, 3),
        "state": state, "size": engine.Size([2, 3]), "dtype": engine.float16,
        "device": engine.device("cpu"), "gpu": engine.device("cuda", 1), "none": None,
        "numbers": [0, 255, 256, 65536, -1, 1 << 31, 1 << 70, -(1 << 900), 0.5, 1 + 2j],
        "strings": ["", "é✓", "\ud800", "a" * 300], "bools": (True, False), "bytes": b"\x00\xff",
        "tuples": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), ((1,), [()])], "empty": [[], {}],
        "bytearray": bytearray(b"\xff1"), "set": {3}, "counter": collections.Counter("aab"),
        "keys": {1: 2, None: 3, (1, "a"): 4, 2.5: 5}, "long": list(range(2500)),
        "many": {str(i) + "!": i for i in range(1500)}, "zeros": engine.zeros(0, 3),
    }  # fmt: skip


def test_everything_crosses_both_ways():
    ours, theirs = everything(mt), everything(torch)
    assert plain(ours) == plain(theirs)
    assert plain(loaded(torch, saved(mt, ours))) == plain(theirs)
    assert plain(loaded(mt, saved(torch, theirs))) == plain(ours)
    assert plain(loaded(mt, saved(mt, ours))) == plain(ours)


def test_files_are_byte_identical_to_torchs():
    """Except the hash of record names in serialization_id, and batches of over 1,000 dict items."""
    ours, theirs = [
        saved(engine, {k: v for k, v in everything(engine).items() if k != "many"})
        for engine in (mt, torch)
    ]
    assert len(ours) == len(theirs)
    at = zipfile.ZipFile(io.BytesIO(ours)).getinfo("archive/.data/serialization_id").header_offset
    assert ours[:at] == theirs[:at]
    names = [zipfile.ZipFile(io.BytesIO(data)) for data in (ours, theirs)]
    ids = [z.read("archive/.data/serialization_id") for z in names]
    assert ids[0][20:] == ids[1][20:] and len(ids[0]) == len(ids[1]) == 40
    assert [(i.filename, i.header_offset) for i in names[0].infolist()] == [
        (i.filename, i.header_offset) for i in names[1].infolist()
    ]


def test_integers_of_any_length():
    """Beyond 255 bytes torch's own restricted reader gives up."""
    assert loaded(mt, saved(mt, [1 << 9000, -(1 << 9000)])) == [1 << 9000, -(1 << 9000)]


def test_recursive_containers():
    recursive = [1]
    recursive.append((recursive, 2))
    data = saved(mt, recursive)
    assert data[: data.find(b"version")] == saved(torch, recursive)[: data.find(b"version")]
    again = loaded(mt, data)
    assert again[1][0] is again and again[1][1] == 2


@settings(max_examples=60, deadline=None)
@given(
    dtype=st.sampled_from(DTYPES),
    storage=st.integers(0, 60),
    offset=st.integers(0, 8),
    shape=st.lists(st.integers(0, 3), max_size=3),
    stride=st.lists(st.integers(0, 6), min_size=3, max_size=3),
)
def test_any_window_into_any_storage(dtype, storage, offset, shape, stride):
    stride = stride[: len(shape)]
    values = np.random.default_rng(storage).integers(0, 100, storage).astype(dtype)
    try:
        theirs = torch.from_numpy(values).as_strided(shape, stride, offset)
    except RuntimeError:
        return
    ours = loaded(mt, saved(torch, theirs))
    assert repr(ours.dtype) == repr(theirs.dtype) and tuple(ours.shape) == tuple(theirs.shape)
    np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    if theirs.numel():
        assert (tuple(ours.stride()), ours.storage_offset()) == (theirs.stride(), offset)
        assert ours._storage_array().size == storage
    back = loaded(torch, saved(mt, ours))
    assert torch.equal(back, theirs) and back.dtype == theirs.dtype
    if theirs.numel():
        assert (back.stride(), back.storage_offset()) == (theirs.stride(), offset)
        assert back.untyped_storage().nbytes() == theirs.untyped_storage().nbytes()


@pytest.mark.parametrize("writer,reader", [(mt, mt), (mt, torch), (torch, mt)])
def test_views_of_one_storage_stay_shared(writer, reader):
    x = writer.arange(6.0)
    data = saved(writer, {"x": x, "row": x.view(2, 3)[1], "other": writer.arange(6.0)})
    assert sum("data/" in n and "id" not in n for n in zipfile.ZipFile(io.BytesIO(data)).namelist()) == 2
    again = loaded(reader, data)
    again["x"][4] = 40.0
    assert again["row"].tolist() == [3.0, 40.0, 5.0]
    assert again["other"].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


@pytest.mark.parametrize("engine", [mt, torch])
def test_one_memory_under_two_dtypes_is_refused(engine):
    x = np.arange(4, dtype=np.float32)
    pair = [engine.from_numpy(x), engine.from_numpy(x.view(np.int32))]
    with pytest.raises(RuntimeError, match="view the same data as different types"):
        saved(engine, pair)


def test_conjugated_and_attributed_tensors_of_torch():
    z = torch.tensor([1 + 2j, 3 - 1j])
    np.testing.assert_array_equal(loaded(mt, saved(torch, z.conj())).numpy(), z.conj().resolve_conj())
    marked, parameter = torch.ones(2), torch.nn.Parameter(torch.ones(3))
    marked.note, parameter.note = "kept", [1]
    ours = loaded(mt, saved(torch, {"t": marked, "p": parameter}))
    assert ours["t"].note == "kept" and ours["p"].note == [1]
    assert isinstance(ours["p"], mt.nn.Parameter)


def test_uint8_bytes_seen_as_another_dtype():
    """A storage may be longer than a whole number of elements."""
    odd = torch.arange(7, dtype=torch.uint8)[:4].view(torch.int32)
    assert loaded(mt, saved(torch, odd)).tolist() == odd.tolist()


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_other_pickle_protocols(protocol):
    theirs = {"x": torch.arange(3), "d": {"k": (1, 2, b"bytes", {1})}, "f": 1.5, "s": "x" * 300}
    buffer = io.BytesIO()
    torch.save(theirs, buffer, pickle_protocol=protocol)
    ours = loaded(mt, buffer.getvalue())
    assert ours.pop("x").tolist() == [0, 1, 2]
    assert ours == {k: v for k, v in theirs.items() if k != "x"}


def test_state_dict_of_a_module_crosses_with_its_metadata():
    theirs = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    state = loaded(mt, saved(torch, theirs.state_dict()))
    assert plain(state) == plain(theirs.state_dict())
    assert state._metadata["1"] == {"version": 2}
    again = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    again.load_state_dict(loaded(torch, saved(mt, state)))
    assert all(torch.equal(a, b) for a, b in zip(again.parameters(), theirs.parameters(), strict=True))


# ---- the legacy format -------------------------------------------------------------------------


def legacy(obj):
    buffer = io.BytesIO()
    torch.save(obj, buffer, _use_new_zipfile_serialization=False)
    return buffer.getvalue()


def test_legacy_files_load():
    theirs = everything(torch)
    assert plain(loaded(mt, legacy(theirs))) == plain(theirs)


def test_legacy_views_stay_shared():
    x = torch.arange(6.0)
    ours = loaded(mt, legacy([x, x[3:]]))
    ours[0][4] = 40.0
    assert ours[1].tolist() == [3.0, 40.0, 5.0]


# ---- paths and file objects --------------------------------------------------------------------


@pytest.mark.parametrize("name", ["model.pt", "model.tar.gz", "noext", "é.pt", ".pt", "a b.pt"])
def test_paths(tmp_path, name):
    mt.save({"a": mt.arange(3)}, tmp_path / name)
    assert torch.load(tmp_path / name)["a"].tolist() == [0, 1, 2]
    assert mt.load(str(tmp_path / name))["a"].tolist() == [0, 1, 2]
    assert os.listdir(tmp_path) == [name]
    if name.strip("é").find(".") != 0:
        (tmp_path / "torch").mkdir()
        torch.save({}, tmp_path / "torch" / name)
        names = [zipfile.ZipFile(p).namelist()[0] for p in (tmp_path / name, tmp_path / "torch" / name)]
        assert names[0] == names[1]


def test_a_failed_save_leaves_the_old_file(tmp_path):
    path = tmp_path / "model.pt"
    mt.save([1], path)

    class Breaks(io.RawIOBase):
        pass

    with pytest.raises(mt_pickle_error()):
        mt.save([mt.ones(2), Breaks()], path)
    assert mt.load(path) == [1] and os.listdir(tmp_path) == ["model.pt"]


def mt_pickle_error():
    import pickle

    return pickle.PicklingError


def test_a_save_interrupted_while_writing_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "model.pt"
    mt.save([1], path)
    from minitorch_ref import serialization

    def full_disk(self):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(serialization.ArchiveWriter, "close", full_disk)
    with pytest.raises(OSError, match="No space"):
        mt.save([2], path)
    assert mt.load(path) == [1] and os.listdir(tmp_path) == ["model.pt"]


def test_permissions_and_links_survive(tmp_path):
    real, link = tmp_path / "real.pt", tmp_path / "link.pt"
    mt.save([1], real)
    os.chmod(real, 0o640)
    link.symlink_to(real)
    mt.save([2], link)
    assert link.is_symlink() and mt.load(real) == [2]
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    mt.save([3], tmp_path / "new.pt")
    (tmp_path / "plain").write_text("")
    assert (tmp_path / "new.pt").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_missing_places(tmp_path):
    for engine in (mt, torch):
        with pytest.raises(RuntimeError, match="Parent directory .* does not exist"):
            engine.save([1], tmp_path / "no" / "x.pt")
        with pytest.raises(FileNotFoundError):
            engine.load(tmp_path / "x.pt")
        with pytest.raises(AttributeError, match="'write' attribute"):
            engine.save([1], 3)
        with pytest.raises(AttributeError, match="seekable"):
            engine.load(3)


def test_file_objects(tmp_path):
    class OnlyWrites:
        def __init__(self):
            self.data = b""

        def write(self, data):
            self.data += bytes(data)

    sink = OnlyWrites()
    mt.save({"a": mt.ones(2)}, sink)
    assert torch.load(io.BytesIO(sink.data))["a"].tolist() == [1, 1]
    with open(tmp_path / "two.pt", "wb") as stream:
        stream.write(b"header")
        mt.save({"a": mt.ones(2)}, stream)
    with open(tmp_path / "two.pt", "rb") as stream:
        stream.seek(6)
        assert mt.load(stream)["a"].tolist() == [1, 1]


def test_large_archives_use_zip64(monkeypatch):
    """The limit is lowered, so that a small file has every field of a large one."""
    from minitorch_ref.serialization import archive

    monkeypatch.setattr(archive, "_WIDE_FROM", 300)
    data = saved(mt, {"a": mt.arange(500), "b": mt.arange(3)})
    z = zipfile.ZipFile(io.BytesIO(data))
    assert z.testzip() is None
    offset = z.getinfo("archive/data/0").header_offset
    start = offset + 30 + sum(int.from_bytes(data[offset + k : offset + k + 2], "little") for k in (26, 28))
    assert start % 64 == 0 and data[start : start + 16] == bytes(8) + b"\1" + bytes(7)
    with pytest.MonkeyPatch.context() as patch:
        patch.undo()
        assert loaded(mt, data)["a"].tolist() == list(range(500))


# ---- map_location ------------------------------------------------------------------------------


def on_gpu(data):
    """The same file as if its storages had been saved on a GPU."""
    source, out = zipfile.ZipFile(io.BytesIO(data)), io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name.endswith("data.pkl"):
                content = content.replace(b"X\3\0\0\0cpu", b"X\6\0\0\0cuda:0")
            target.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize("engine", [mt, torch])
def test_map_location(engine):
    data = saved(torch, [torch.arange(3)])
    gpu = on_gpu(data)
    with pytest.raises(RuntimeError, match="Attempting to deserialize object on a CUDA device"):
        loaded(engine, gpu)
    with pytest.raises(RuntimeError, match="Attempting to deserialize object on a CUDA device"):
        loaded(engine, data, map_location="cuda")
    with pytest.raises(RuntimeError, match="don't know how to restore"):
        loaded(engine, data, map_location="foo")
    with pytest.raises(TypeError, match="not callable"):
        loaded(engine, data, map_location=3)
    seen = []
    places = ["cpu", engine.device("cpu"), {"cuda:0": "cpu"}, lambda storage, tag: storage.cpu()]
    places.append(lambda storage, tag: seen.append(tag) or storage)
    for place in places:
        assert loaded(engine, gpu, map_location=place)[0].tolist() == [0, 1, 2]
    assert seen == ["cuda:0"]
