"""All that a GPU is needed for, on one that is made up: the first minutes with a real one are for figures."""

import json

import fake_gpu
import pytest
import torch

from parity import draws, packs, trail
from parity.__main__ import main
from parity.compare import Lab
from parity.engines import DeviceLostError, open_engine
from parity.pack_record import Missed, entries
from parity.record import run
from parity.runner import left_out
from parity.samples import samples_for
from parity.trail_run import record, run_script

HERE = ["--processes", "0"]  # where it is made up
OPS = "hypot or matmul or softmax or conv2d or index_select or dropout or cumsum_ or addmm"


@pytest.fixture
def gpu(monkeypatch):
    fake_gpu.install(monkeypatch)
    return open_engine("torch:cuda")


def test_a_pack_is_recorded_and_checked_without_it(gpu, tmp_path, capsys):
    pack = tmp_path / "gpu.pack.xz"
    assert main(["record", "--device", "cuda", *HERE, "-k", OPS, "--out", str(pack)]) == 0
    facts = packs.read(pack)[0]["fingerprint"]
    assert (facts["gpu"], facts["capability"], facts["sm_count"], facts["cudnn"], facts["driver"]) == ("made-up GPU", "9.0", 132, 91002, 13000)
    assert set(facts["flags"]) == set(packs.FLAGS)
    assert main(["check", str(pack), *HERE]) == 0
    out = capsys.readouterr().out
    assert "made-up GPU torch:cuda" in out and "worse" not in out and "mismatch" not in out


def test_the_flags_are_swept_and_large_products_are_among_the_samples(gpu, capsys):
    before = packs.fingerprint(gpu)["flags"]
    assert main(["record", "--device", "cuda", "--sweep", "-k", "matmul or conv1d", "--dtypes", "float32"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n    matmul ") == 1 + len(packs.FLAGS) and packs.fingerprint(gpu)["flags"] == before
    assert main(["record", "--device", "tf32", "--sweep", "-k", "matmul"]) == 0
    assert "times the default's" in capsys.readouterr().out


def test_recording_stops_in_time_and_says_what_is_missing(gpu, tmp_path, capsys):
    pack = tmp_path / "gpu.pack.xz"
    assert main(["record", "--device", "cuda", *HERE, "-k", "hypot or softmax", "--within", "0", "--out", str(pack)]) == 0
    out = capsys.readouterr().out
    assert "no time left (--within) for" in out and "softmax" in out and not list(packs.read(pack)[1])


def test_what_an_older_torch_does_not_have_is_left_out_by_name(gpu, tmp_path, capsys, monkeypatch):
    monkeypatch.delattr(torch.special, "erfinv")
    missed = Missed()
    kept = list(entries(gpu, open_engine("torch"), "hypot or erfinv", {"float32"}, missed))
    assert list(missed.absent) == ["special.erfinv"] and {e.key for e in kept} == {("torch", "erfinv"), ("torch", "hypot")}
    assert main(["ops", "-k", "hypot or erfinv", "--out", str(tmp_path), "--processes", "0"]) == 0
    found = json.loads((tmp_path / "parity.json").read_text())
    assert list(found["left_out"].values()) == [["special.erfinv"]] and {o["op"] for o in found["ops"]} == {"erfinv", "hypot"}
    said = "has not: special.erfinv"
    assert said in capsys.readouterr().out and said in (tmp_path / "index.html").read_text()


def test_our_engine_against_a_gpu(gpu, tmp_path):
    """No random draws, no wrong indices (they would break the context), no layouts."""
    assert main(["ops", "-k", OPS, "--theirs", "torch:cuda", "--out", str(tmp_path), "--processes", "0"]) == 0
    found = json.loads((tmp_path / "parity.json").read_text())
    assert "dropout" in " ".join(found["left_out"]["a GPU draws other words"]) and len(found["ops"]) >= 6
    lab = Lab(open_engine("minitorch_ref"), gpu)
    bad = {str(s) for s in samples_for(("torch", "index_select")) if s.bad}
    assert bad and not bad & {s.text for s in lab.compare_op(("torch", "index_select")).samples}
    assert left_out(lab, [("torch", "exp")]) == {}


def test_a_broken_context_is_said_and_not_taken_for_an_answer(gpu, monkeypatch, tmp_path, capsys):
    def broken(*args, **kwargs):
        raise RuntimeError("CUDA error: device-side assert triggered\nCompile with TORCH_USE_CUDA_DSA")

    monkeypatch.setattr(torch, "hypot", broken)
    sample = samples_for(("torch", "hypot"))[0]
    with pytest.raises(DeviceLostError, match=r"device-side assert triggered, in hypot\(.*nothing more can be run"):
        run(gpu, sample)
    pack = tmp_path / "gpu.pack.xz"
    assert main(["record", "--device", "cuda", *HERE, "-k", "hypot", "--out", str(pack)]) == 2
    assert "device-side assert triggered, in hypot" in capsys.readouterr().err and not pack.exists()


SCRIPT = """
import torch
layer = torch.nn.Linear(4, 3)
optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
for i in range(2):
    x = torch.rand(5, 4)
    loss = layer(torch.nn.functional.dropout(x, 0.25)).reshape(-1).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(layer.parameters(), 1.0)
    optimizer.step()
"""


def test_a_script_is_recorded_on_it_plain_moved_and_with_its_draws(gpu, tmp_path):
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    for nudge in (None, 1):
        torch.manual_seed(1)
        assert record(gpu, tmp_path / f"{nudge}.trail", script, [], nudge) == ""
    plain, moved = (list(trail.read(tmp_path / f"{n}.trail")[1]) for n in (None, 1))
    assert len(plain) == len(moved) > 20 and any(r["way"] == "backward" for r in plain)
    first = next(r for r in moved if r["op"] == "reshape")
    assert first["in"][0]["v"] == first["out"][0]["v"], "a view is not moved apart from its base"
    assert draws.record(gpu, tmp_path / "draws.trail", lambda: run_script(gpu, script, [])) == ""
    rows = list(trail.read(tmp_path / "draws.trail")[1])
    assert {(r["op"], r["generator"], r["seed"], r["words"]) for r in rows if r["op"] == "rand"} == {("rand", "default", 77, 4)}
    assert [r["offset"] % 4 for r in rows] == [0] * len(rows) and len({r["offset"] for r in rows}) == len(rows) > 3
