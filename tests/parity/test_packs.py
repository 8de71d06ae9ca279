"""Golden packs: recorded from torch's CPU and from a simulated TF32 device, checked without either."""

import json
import lzma
from pathlib import Path

import numpy as np
import pytest
import torch
from bits import same_bits
from faults import Faulty

from parity import packs
from parity.__main__ import main
from parity.engines import open_engine
from parity.pack_check import check
from parity.pack_record import accuracy, dtypes_of, entries, settings, sweep

TORCH = open_engine("torch")
# recorded on each kind of processor with `python -m parity record --out torch-avx2.pack.xz
# -k "tanh or conv2d or matmul or cumsum or logsumexp or argsort or softmax"`
PACKS = Path(__file__).with_name("golden")  # not "packs": tests/ in sys.path would make it parity.packs
OPS = "hypot or mv or argmax"


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    path = tmp_path_factory.mktemp("packs") / "cpu.pack.xz"
    assert main(["record", "--device", "cpu", "-k", OPS, "--out", str(path)]) == 0
    return path


def test_what_is_in_it(pack):
    header, rows = packs.read(pack)
    rows = list(rows)
    assert header["fingerprint"]["version"] == torch.__version__ and "matmul.allow_tf32" in header["fingerprint"]["flags"]
    assert {r.key[1] for r in rows} >= {"hypot", "mv", "argmax"} and len(rows) > 60
    assert pack.stat().st_size < 200 * len(rows), "a sample costs less than 200 bytes"
    grads = [r for r in rows if "grad[1]" in r.values]
    assert grads and all(r.values["grad[0]"].dtype == r.values["out"].dtype for r in grads)


def test_our_engine_against_it(pack, capsys):
    assert main(["check", str(pack)]) == 0
    out = capsys.readouterr().out
    assert "identical" in out and "mismatch" not in out


@pytest.mark.parametrize("cpu", ["AVX2", "AVX512"])
def test_a_pack_of_another_processor(cpu, capsys):
    """torch's kernels for the two round differently; neither our engine nor torch is blamed for that."""
    path = PACKS / f"torch-{cpu.lower()}.pack.xz"
    header, _ = packs.read(path)
    assert header["fingerprint"]["cpu"] == cpu and header["fingerprint"]["threads"] == 1
    for engine in ("minitorch_ref", "torch"):
        assert main(["check", str(path), "--engine", engine]) == 0
        out = capsys.readouterr().out
        assert f": {cpu} torch" in out and "mismatch" not in out and "worse" not in out, out
    found = check(packs.read(path)[1], TORCH, TORCH)
    assert 4 * len(found.stale) < sum(found.counts().values()), "most samples are what they were"
    if torch.backends.cpu.get_cpu_capability() == cpu or torch.__version__ != header["fingerprint"]["version"]:
        return
    assert found.counts()["equal within bound"] > 0, "the processors do differ"


def test_a_wrong_engine_is_found_on_any_processor():
    wrong = Faulty("tanh", lambda x: torch.tanh(x) * (1 + 2**-20))
    for path in PACKS.glob("*.pack.xz"):
        found = check((e for e in packs.read(path)[1] if e.key == ("torch", "tanh")), wrong, TORCH)
        assert not found.ops["tanh"].verdict.ok


def test_torch_against_its_own_pack(pack):
    counts = check(packs.read(pack)[1], TORCH, TORCH).counts()
    assert counts["identical"] == sum(counts.values()) > 60


def test_a_wrong_engine_is_found(pack):
    wrong = Faulty("hypot", lambda a, b: torch.hypot(a, b) * 1.01)
    found = check(packs.read(pack)[1], wrong, TORCH)
    assert [op for op, r in found.ops.items() if not r.verdict.ok] == ["hypot"]
    detail = next(c.detail for s in found.ops["hypot"].samples for c in s.checks if not c.verdict.ok)
    assert "of the pack)" in detail


def test_a_tie_broken_otherwise_is_no_deviation(pack):
    """Devices may choose differently; a wrong index is still wrong."""
    def last(x, dim=None, keepdim=False):
        if dim is None or not x.dim():
            return torch.argmax(x, dim, keepdim)
        return x.shape[dim] - 1 - torch.argmax(x.flip(dim), dim, keepdim)

    checks = [c for s in check(packs.read(pack)[1], Faulty("argmax", last), TORCH).ops["argmax"].samples for c in s.checks if "nan" not in s.note and "special" not in s.note]
    assert any("both are valid" in c.choice for c in checks) and all(c.verdict.ok for c in checks)
    wrong = check(packs.read(pack)[1], Faulty("argmax", lambda x, *a, **k: torch.argmin(x, *a, **k)), TORCH)
    assert not wrong.ops["argmax"].verdict.ok


def test_an_op_that_the_engine_does_not_have_is_absent(pack, capsys, monkeypatch):
    class Without(type(TORCH)):
        def find(self, namespace, name):
            return None if name == "hypot" else super().find(namespace, name)

        def find_method(self, name):
            return None if name == "hypot" else super().find_method(name)

    found = check(packs.read(pack)[1], Without("w", torch), TORCH)
    assert found.absent == {"hypot"} and "mv" in found.ops and not found.stale


def test_a_sample_that_has_changed_is_stale(pack, tmp_path):
    header, rows = packs.read(pack)
    rows = list(rows)
    rows[0].inputs, rows[1].note = "0" * 16, "gone"
    packs.write(tmp_path / "x.pack.xz", header, rows)
    found = check(packs.read(tmp_path / "x.pack.xz")[1], TORCH, TORCH)
    assert len(found.stale) == 2


def test_tf32_pack(tmp_path, capsys):
    """A device that is worse than we are: ours is better, never worse, and the pack says it is TF32."""
    path = tmp_path / "t.pack.xz"
    assert main(["record", "--device", "tf32", "-k", "mv or bmm", "--dtypes", "float32", "--out", str(path)]) == 0
    found = check(packs.read(path)[1], TORCH, TORCH)
    counts = found.counts()
    assert counts["better"] > 3 and counts["worse"] == counts["mismatch"] == 0
    assert found.ops["bmm"].worst("theirs") > 500 > found.ops["bmm"].worst("ours")


def test_the_sweep_shows_what_tf32_costs(capsys):
    rows = sweep("torch:tf32", open_engine("torch:tf32"), TORCH, "bmm or nn.functional.conv1d", {"float32"})
    cost = {(text, op): error for text, op, error in rows}
    off, default, both = "matmul.allow_tf32 = False, cudnn.allow_tf32 = False", "matmul.allow_tf32 = False, cudnn.allow_tf32 = True", "matmul.allow_tf32 = True, cudnn.allow_tf32 = True"
    assert cost[default, "nn.functional.conv1d"] > 200 > 8 > cost[off, "nn.functional.conv1d"]
    assert cost[both, "bmm"] > 200 > 8 > cost[default, "bmm"] == cost[off, "bmm"]
    assert main(["record", "--device", "tf32", "--sweep", "-k", "bmm", "--dtypes", "float32"]) == 0
    assert "times the default's" in capsys.readouterr().out


def test_the_sweep_leaves_flags_as_they_were():
    class Cuda(type(TORCH)):
        device = "cuda"

    fake = Cuda("torch:cuda", torch, "cuda")
    before = {n: getattr(*packs.flag(torch, n)) for n in packs.FLAGS}
    seen = [text for text, _ in settings("torch:cuda", fake)]
    assert {n: getattr(*packs.flag(torch, n)) for n in packs.FLAGS} == before
    assert len(seen) == 1 + len(packs.FLAGS) and "cudnn.allow_tf32 = False" in seen


def rewrite(pack, path, spoil):
    with lzma.open(pack, "rt") as file:
        lines = file.read().splitlines()
    with lzma.open(path, "wt") as file:
        file.write("\n".join(spoil(lines)) + "\n")


@pytest.mark.parametrize("spoil, message", [
    (lambda lines: lines[:-1], "cut off"), (lambda lines: lines[:3] + lines[4:], "samples, the end says"), (lambda lines: lines[1:], ":1: not a pack"),
    (lambda lines: [lines[0], lines[1][:50]], ":2: not JSON"), (lambda lines: [lines[0], "[]"], ":2: expected an object"),
    (lambda lines: [lines[0], '{"op": ["torch", "exp"]}'], ":2: not a sample's results: no field 'values'"),
    (lambda lines: [lines[0], lines[1].replace("float32", "float33")], ":2: not a sample's results: unknown dtype"),
    (lambda lines: [json.dumps({"parity pack": 1})], ":1: the header has no fingerprint"), (lambda lines: ['{"parity pack": 9}'], "format 1"),
])
def test_spoilt_packs(pack, tmp_path, capsys, spoil, message):
    bad = tmp_path / "bad.pack.xz"
    rewrite(pack, bad, spoil)
    assert main(["check", str(bad), "--engine", "torch"]) == 2
    error = capsys.readouterr().err
    assert message in error and "bad.pack.xz:" in error


def test_truncated_and_missing_files(pack, tmp_path, capsys):
    short = tmp_path / "short.pack.xz"
    short.write_bytes(pack.read_bytes()[:-500])
    assert main(["check", str(short), "--engine", "torch"]) == 2
    assert "short.pack.xz:" in capsys.readouterr().err
    assert main(["check", str(tmp_path / "no.pack.xz")]) == 2
    (tmp_path / "text").write_text("no pack at all")
    assert main(["check", str(tmp_path / "text")]) == 2
    assert "text:1: cut off or not a pack" in capsys.readouterr().err


def test_nothing_is_overwritten_by_a_recording_that_fails(pack, tmp_path, monkeypatch):
    path = tmp_path / "p.pack.xz"
    path.write_bytes(pack.read_bytes())

    def broken(*args):
        yield from list(packs.read(pack)[1])[:3]
        raise OSError("device lost")

    monkeypatch.setattr("parity.pack_record._recorded", broken)
    assert main(["record", "-k", OPS, "--out", str(path)]) == 2
    assert path.read_bytes() == pack.read_bytes() and [p.name for p in tmp_path.iterdir()] == ["p.pack.xz"]


@pytest.mark.parametrize("args", [["--dtypes", "float99"], ["--dtypes", ","], ["-k", "no such op"], ["--device", "cuda"]])
def test_what_cannot_be_recorded(args, tmp_path, capsys):
    if args[-1] == "cuda" and torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    assert main(["record", *args, "--out", str(tmp_path / "p.pack.xz")]) == 2
    assert capsys.readouterr().err.startswith("parity:") and not list(tmp_path.iterdir())
    (tmp_path / "p.pack.xz").write_text("an older pack")
    assert main(["record", *args, "--out", str(tmp_path / "p.pack.xz")]) == 2
    assert (tmp_path / "p.pack.xz").read_text() == "an older pack"


def test_values_survive_the_file(tmp_path):
    values = {"out": np.float32([[np.nan, -0.0], [np.inf, 1e-45]]), "out.indices": np.array(3), "grad[0]": np.zeros((0, 2), np.complex64), "b": np.array([True])}
    packs.write(tmp_path / "v.pack.xz", {"fingerprint": {}}, [packs.Entry(("torch", "x"), "n", "float32", "function", "d", values)])
    entry = next(packs.read(tmp_path / "v.pack.xz")[1])
    assert all(same_bits(entry.values[k], v) for k, v in values.items())


def test_accuracy_is_measured_against_float64():
    worst = accuracy(Faulty("mv", lambda a, b: torch.mv(a, b) * (1 + 2**-13)), TORCH, "mv", {"float32"})
    assert 400 < worst["mv"] < 3000 and accuracy(TORCH, TORCH, "mv", {"float32"})["mv"] < 8


def test_dtypes():
    assert dtypes_of("float32, float16") == {"float32", "float16"}


def test_a_recording_names_every_sample_once():
    seen = [(e.key, e.note, e.dtype) for e in entries(TORCH, TORCH, "hypot", {"float32"})]
    assert len(seen) == len(set(seen)) > 5
