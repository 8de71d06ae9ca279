"""The command line: what it runs, what it writes, and its exit codes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from parity import session
from parity.__main__ import main
from parity.engines import EngineError, open_engine
from parity.runner import matches, run_ops

ROOT = Path(__file__).parents[2]


def run(tmp_path, *args):
    return main([*args, "--out", str(tmp_path), "--processes", "0"])


def result(tmp_path):
    return json.loads((tmp_path / "parity.json").read_text())


def test_torch_against_itself_is_parity(tmp_path, capsys):
    assert run(tmp_path, "ops", "-k", "hypot or erfinv", "--ours", "torch") == 0
    found = result(tmp_path)
    assert found["ok"] and {o["op"] for o in found["ops"]} == {"hypot", "erfinv", "special.erfinv"}
    assert found["counts"]["identical"] > 100 and not found["failing"]
    out = capsys.readouterr().out
    assert "parity" in out and "pointwise" in out and str(tmp_path / "index.html") in out


def test_a_deviation_gives_exit_code_one(tmp_path, capsys):
    ledger = tmp_path / "ledger.json"
    entry = {"op": "hypot", "part": "out", "cause": "made up", "oracle": "made up"}
    ledger.write_text(json.dumps([entry]))
    assert run(tmp_path, "ops", "-k", "hypot", "--ours", "torch", "--ledger", str(ledger)) == 1
    assert result(tmp_path)["ledger_problems"][0]["kind"] == "vanished"
    assert "vanished" in capsys.readouterr().out


@pytest.mark.parametrize("args, message", [
    (["ops", "-k", "no such op"], "nothing matches"),
    (["ops", "--ours", "no_such_engine"], "cannot import the engine 'no_such_engine'"),
    (["ops", "--ours", "json"], "does not speak torch's API"),
    (["programs", "pong"], "no program 'pong'; there are sigmoid_gd"),
    (["ops", "--ledger", "no/such.json"], "cannot read the ledger"),
    (["programs", "sigmoid_gd", "--data", "no/such/folder"], "no/such/folder"),
])
def test_what_cannot_run_gives_exit_code_two(tmp_path, capsys, args, message):
    assert run(tmp_path, *args) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "index.html").exists()


@pytest.mark.parametrize("args", [["--processes", "-1"], ["--epochs", "x"], ["opps"], ["--frobnicate"]])
def test_bad_arguments_are_usage_errors(args, capsys):
    with pytest.raises(SystemExit) as caught:
        main(args)
    assert caught.value.code == 2 and "usage:" in capsys.readouterr().err


def test_options_may_stand_before_or_after_the_part(tmp_path):
    assert main(["--ours", "torch", "--out", str(tmp_path), "ops", "-k", "hypot", "--processes", "0"]) == 0
    assert result(tmp_path)["ours"] == "torch"


def test_cuda_without_a_gpu_could_not_run(tmp_path, capsys):
    import torch
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    assert run(tmp_path, "ops", "--ours", "torch:cuda") == 2
    assert "needs a CUDA device" in capsys.readouterr().err


def test_python_dash_m(tmp_path):
    done = subprocess.run([sys.executable, "-m", "parity", "--help"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "Exit codes" in done.stdout


@pytest.mark.parametrize("pattern, names", [
    ("", {"conv1d", "conv2d", "relu", "softmax"}), ("conv", {"conv1d", "conv2d"}), ("conv or relu", {"conv1d", "conv2d", "relu"}),
    ("conv and not 2d", {"conv1d"}), ("not conv", {"relu", "softmax"}), ("zzz", set()),
])
def test_patterns(pattern, names):
    assert {n for n in ("conv1d", "conv2d", "relu", "softmax") if matches(n, pattern)} == names


def test_a_worker_that_dies_costs_its_op_only():
    """Some kernels kill their process; here the engine's module does, for every op."""
    code = ROOT / "tests" / "parity"
    sys.path.insert(0, str(code))
    results = run_ops("suicidal_engine", "torch", [("torch", "hypot"), ("torch", "erfinv")], 1)
    assert [r.op for r in results] == ["erfinv", "hypot"]
    assert "exit code 7" in results[1].samples[0].checks[0].detail
    assert results[0].verdict == 0, "the next op is compared by a new process"


def test_files_are_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "a" / "r.json"
    session.write_atomically(path, "one")

    def full(*args):
        raise OSError("disk full")

    monkeypatch.setattr(session.os, "replace", full)
    with pytest.raises(OSError, match="disk full"):
        session.write_atomically(path, "two")
    assert path.read_text() == "one" and [p.name for p in path.parent.iterdir()] == ["r.json"]


def test_a_stored_run_that_cannot_be_read_is_no_run(tmp_path):
    path = tmp_path / "parity.json"
    assert session.previous_failures(path) is None
    path.write_text("{ truncated")
    assert session.previous_failures(path) is None
    path.write_text('{"failing": ["abs"]}')
    assert session.previous_failures(path) == {"abs"}


def test_engines_by_name():
    assert open_engine("torch").device == "cpu" and open_engine("minitorch_ref").name == "minitorch_ref"
    with pytest.raises(EngineError):
        open_engine("nothing_here")
