"""Files that are cut off or changed: an error with file and line, exit code 2, and nothing written.

Each kind of file is cut at many places and has bytes turned over; whatever is read of it must be
right or refused with a message that names the file, and no other exception may come out.
"""

import json
import re
import shutil

import numpy as np
import pytest

from parity import (
    atlas,
    atlas_page,
    atlas_ratchet,
    atlas_run,
    diverge,
    draws,
    packs,
    session,
    trail,
)
from parity.__main__ import main
from parity.engines import EngineError, open_engine
from parity.ledger import LedgerError
from parity.ledger import apply as apply_ledger
from parity.ledger import load as load_ledger
from parity.outcome import Check, OpResult, SampleResult, Verdict
from parity.pack_check import check
from parity.progress import changes

TORCH = open_engine("torch")
SCRIPT = "import torch\ntorch.manual_seed(1)\nx = torch.rand(5, requires_grad=True)\n(x.sin() * 2.5).sum().backward()\n"
FIGURES = {"format": atlas_ratchet.FORMAT, "build": {"numpy": "2"}, "depth": {"points": 50, "line": 64, "slow": 10, "full": True}, "figures": {"exp out float32": [1.0] * len(atlas_ratchet.FIGURES)}}
RUN = {"format": 1, "failing": ["exp"], "ops": [{"op": "exp", "ulp_ours": 1.5}, {"op": "sin", "ulp_ours": 0.5}]}
LEDGER = [{"op": "exp", "part": "out", "cause": "a cause", "oracle": "a figure", "bound": 3.5}, {"op": "s*", "part": "grad[0]", "cause": "a", "oracle": "b", "where": "*special*"}]


def results():
    check = Check(Verdict.WORSE, "out", ours=2.0)
    return [OpResult("torch", "exp", "pointwise", "ulp", [SampleResult("n", "exp(<[3] ·>)", "call", "float32", [check])])]


def record_with(module, path):
    script = path.with_suffix(".py")
    script.write_text(SCRIPT)
    command = [module, str(script), "--a", "torch", "--record", str(path)]
    assert main(command) == 0


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A whole file of each kind."""
    folder = tmp_path_factory.mktemp("whole")
    assert main(["record", "-k", "hypot", "--dtypes", "float16", "--out", str(folder / "pack.xz")]) == 0
    record_with("diverge", folder / "ops.trail")
    record_with("draws", folder / "draws.trail")
    for name, data in (("atlas.json", FIGURES), ("run.json", RUN), ("ledger.json", LEDGER)):
        (folder / name).write_text(json.dumps(data, indent=1))
    depth = atlas.Depth(50, 64, 10)
    records = [r for n in ("exp", "hypot") for r in atlas.survey(TORCH, TORCH, n, ("float32",), depth)]
    (folder / "drawn.json").write_text(atlas.as_json({"build": {"numpy": "2"}, "records": records}))
    return folder


def read_pack(path, whole):
    return [(e.key, e.note, {k: v.tobytes() for k, v in e.values.items()}) for e in packs.read(path)[1]]


def read_run(path, whole):
    session_now = session.Session("a", "b", {}, ops=results())
    return changes(session_now, session.previous(path))


READERS = {
    "pack.xz": (read_pack, packs.PackError),
    "ops.trail": (lambda path, whole: diverge.describe(diverge.compare(path, whole, [whole, whole])), trail.TrailError),
    "draws.trail": (lambda path, whole: draws.describe(*draws.compare(path, whole)), trail.TrailError),
    "atlas.json": (lambda path, whole: atlas.Depth(**atlas_ratchet.load(path)["depth"]), EngineError),
    "drawn.json": (lambda path, whole: json.dumps(atlas_page.embedded(atlas_run.stored(path)["records"])), EngineError),
    "run.json": (read_run, EngineError),
    "ledger.json": (lambda path, whole: apply_ledger(load_ledger(path), results()), LedgerError),
}


def spoilt(data, rng, cuts=40, flips=120):
    """The file cut at many places, with bytes turned over, with a line gone."""
    for at in np.unique(np.linspace(0, len(data) - 1, cuts).astype(int)):
        yield f"cut at byte {at}", data[:at]
    for _ in range(flips):
        at, mask = int(rng.integers(len(data))), int(rng.integers(1, 256))
        yield f"byte {at} changed by {mask}", data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :]
    lines = data.splitlines(keepends=True)
    for at in range(0, len(lines), max(1, len(lines) // 10)):
        yield f"line {at + 1} gone", b"".join(lines[:at] + lines[at + 1 :])


@pytest.mark.parametrize("name", READERS)
def test_a_spoilt_file_is_read_or_refused_by_name(name, files, tmp_path):
    read, error = READERS[name]
    whole, path = files / name, tmp_path / name
    read(whole, whole)
    refused = 0
    for what, data in spoilt(whole.read_bytes(), np.random.default_rng(5)):
        path.write_bytes(data)
        try:
            read(path, whole)
        except error as said:
            refused += 1
            assert re.search(rf"{re.escape(name)}(:\d+|: byte \d+|: entry \d+|: figures of)", str(said)), f"{what}: {said}"
        except Exception as other:
            raise AssertionError(f"{what}: {type(other).__name__}: {other}") from other
    assert refused > 40, "the test spoils something"


def test_a_spoilt_line_inside_a_pack(files, tmp_path):
    """The compression's own checksum is out of the way."""
    import lzma
    path, refused = tmp_path / "pack.xz", 0
    text = lzma.decompress((files / "pack.xz").read_bytes())
    for what, data in spoilt(text, np.random.default_rng(6)):
        path.write_bytes(lzma.compress(data, preset=0))
        try:
            read_pack(path, None)
        except packs.PackError as said:
            refused += 1
            assert re.search(r"pack\.xz:\d+: ", str(said)), f"{what}: {said}"
        except Exception as other:
            raise AssertionError(f"{what}: {type(other).__name__}: {other}") from other
    assert refused > 40


VALUES = (None, -1, 10**30, 1.5, float("nan"), True, "x", "float99", [], {}, ["x"], {"a": 1}, [[1, 2]])


def places(value, path=()):
    """Paths to everything in nested JSON."""
    yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(inner, (*path, key))


def changed(line, rng):
    """A line of JSON with one value of it gone, or replaced by one of another type."""
    whole = [json.loads(line)]
    path = (0, *list(places(whole[0]))[int(rng.integers(len(list(places(whole[0])))))])
    inner = whole
    for key in path[:-1]:
        inner = inner[key]
    if len(path) > 1 and rng.integers(6) == 0:
        del inner[path[-1]]
    else:
        inner[path[-1]] = VALUES[int(rng.integers(len(VALUES)))]
    return json.dumps(whole[0]), path[1:]


@pytest.mark.parametrize("name", READERS)
def test_what_is_json_but_no_such_file_is_read_or_refused_by_name(name, files, tmp_path):
    import lzma
    read, error = READERS[name]
    if name == "pack.xz":  # to its end
        read = lambda path, whole: check(packs.read(path)[1], TORCH, TORCH)
    path, rng, refused = tmp_path / name, np.random.default_rng(7), 0
    data = (files / name).read_bytes()
    text = (lzma.decompress(data) if name == "pack.xz" else data).decode()
    lines = [text] if name.endswith("json") else text.splitlines()
    for _ in range(150):
        at = int(rng.integers(len(lines)))
        line, where = changed(lines[at], rng)
        made = "\n".join([*lines[:at], line, *lines[at + 1 :]]).encode() + b"\n"
        path.write_bytes(lzma.compress(made, preset=0) if name == "pack.xz" else made)
        try:
            read(path, files / name)
        except error as said:
            refused += 1
            assert name in str(said)
        except Exception as other:
            raise AssertionError(f"line {at + 1}, {where}: {line[:200]}: {type(other).__name__}: {other}") from other
    assert refused > 25, "the test spoils something"


def half(source, target):
    data = source.read_bytes()
    target.write_bytes(data[: len(data) // 2])
    return target


@pytest.mark.parametrize("name, command", [
    ("pack.xz", ["check", "FILE", "--engine", "torch"]), ("ops.trail", ["diverge", "FILE", "WHOLE"]), ("ops.trail", ["diverge", "WHOLE", "FILE"]),
    ("ops.trail", ["diverge", "WHOLE", "WHOLE", "FILE"]), ("draws.trail", ["draws", "FILE", "WHOLE"]), ("draws.trail", ["draws", "WHOLE", "FILE"]),
    ("atlas.json", ["atlas", "-k", "exp2", "--against", "FILE", "--out", "FOLDER"]), ("ledger.json", ["ops", "-k", "hypot", "--ours", "torch", "--ledger", "FILE", "--out", "FOLDER", "--processes", "0"]),
])
def test_commands_refuse_half_a_file(name, command, files, tmp_path, capsys):
    path = half(files / name, tmp_path / name)
    before = path.read_bytes()
    words = {"FILE": str(path), "WHOLE": str(files / name), "FOLDER": str(tmp_path)}
    assert main([words.get(w, w) for w in command]) == 2
    said = capsys.readouterr().err
    assert re.search(rf"parity: .*{re.escape(name)}:\d+: ", said), said
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == [name]


def test_a_stored_run_that_cannot_be_read_stops_the_next_one(files, tmp_path, capsys):
    path = half(files / "run.json", tmp_path / "parity.json")
    before = path.read_bytes()
    command = ["ops", "-k", "hypot", "--ours", "torch", "--out", str(tmp_path), "--processes", "0"]
    assert main(command) == 2
    assert re.search(r"parity\.json:\d+: the stored run is not JSON", capsys.readouterr().err)
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["parity.json"]
    path.write_text('{"failing": 5}')
    assert main(command) == 2 and "not a stored run" in capsys.readouterr().err
    path.unlink()
    assert main(command) == 0


@pytest.mark.parametrize("module", ["diverge", "draws"])
@pytest.mark.parametrize("text, line", [("import torch\nx = torch.rand(3\n", 2), ("x = 'a\0b'", 1), ("def f(:\n    pass\n", 1)])
def test_a_script_that_is_none(module, text, line, files, tmp_path, capsys):
    script, old = tmp_path / "s.py", tmp_path / "old.trail"
    script.write_text(text)
    shutil.copy(files / "ops.trail", old)
    assert main([module, str(script), "--a", "torch", "--record", str(old)]) == 2
    assert f"s.py:{line}: not a Python script" in capsys.readouterr().err
    assert old.read_bytes() == (files / "ops.trail").read_bytes()
    assert main([module, str(tmp_path / "none.py")]) == 2 and "none.py: no such script" in capsys.readouterr().err


def test_one_trail_is_not_taken_for_the_other(files, capsys):
    assert main(["draws", str(files / "ops.trail"), str(files / "draws.trail")]) == 2
    assert "ops.trail:1: a trail of ops" in capsys.readouterr().err
    assert main(["diverge", str(files / "ops.trail"), str(files / "draws.trail")]) == 2
    assert "draws.trail:1: a ledger of draws" in capsys.readouterr().err


def test_a_recording_that_breaks_off_leaves_the_old_trail(files, tmp_path):
    path = tmp_path / "t.trail"
    shutil.copy(files / "ops.trail", path)
    writer = trail.Writer(path, engine="torch")
    writer.add(op="exp", way="forward", **{"in": [], "out": []})
    assert path.read_bytes() == (files / "ops.trail").read_bytes(), "nothing is written before the end"
    writer.discard()
    assert path.read_bytes() == (files / "ops.trail").read_bytes() and [p.name for p in tmp_path.iterdir()] == ["t.trail"]
    writer = trail.Writer(path, engine="torch")
    writer.close()
    assert list(trail.read(path)[1]) == []


@pytest.mark.parametrize("spoil, message", [
    (lambda text: text[:-200], r"atlas\.json:\d+: the atlas is not JSON"),
    (lambda text: text.replace('"part":"grad[0]"', '"part":3', 1), r"atlas\.json:[23]: not a record of the atlas: part is '3'"),
    (lambda text: '{"records": {}}', r"atlas\.json:1: not an atlas: it has no records; make it again with `python -m parity atlas`"),
    (lambda text: '{"records": []}', r"atlas\.json:1: not an atlas: it has no build"),
])
def test_a_spoilt_atlas_beside_the_report_stops_the_run_before_it_starts(files, tmp_path, capsys, spoil, message):
    (tmp_path / "atlas.json").write_text(spoil((files / "drawn.json").read_text()))
    before = (tmp_path / "atlas.json").read_bytes()
    assert main(["ops", "-k", "erfinv", "--ours", "torch", "--out", str(tmp_path), "--processes", "0"]) == 2
    assert re.search(message, capsys.readouterr().err)
    assert [p.name for p in tmp_path.iterdir()] == ["atlas.json"] and (tmp_path / "atlas.json").read_bytes() == before


def test_a_whole_atlas_beside_the_report_is_on_the_page(files, tmp_path):
    from parity.atlas_ratchet import build

    drawn = json.loads((files / "drawn.json").read_text()) | {"build": build(TORCH)}
    (tmp_path / "atlas.json").write_text(json.dumps(drawn))
    assert main(["ops", "-k", "erfinv", "--ours", "torch", "--out", str(tmp_path), "--processes", "0"]) == 0
    assert '"name": "hypot"' in (tmp_path / "index.html").read_text()
