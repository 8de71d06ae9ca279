"""The command line: what it runs, what it writes, and its exit codes."""

import io
import json
import os
import re
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from parity import session
from parity.__main__ import main
from parity.engines import EngineError, open_engine
from parity.memory import Peak
from parity.progress import Progress
from parity.runner import broken, matches, run_ops, shard

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


def test_the_ledger_is_of_one_engine(tmp_path):
    """What it knows of minitorch_ref and another does not show has not vanished; unless it is asked for."""
    words = ["ops", "-k", "fmod", "--ours", "torch"]
    assert run(tmp_path, *words) == 0 and not result(tmp_path)["ledger_problems"]
    assert run(tmp_path, *words, "--ledger", str(ROOT / "parity" / "ledger.json")) == 1


@pytest.mark.parametrize("args, message", [
    (["ops", "-k", "no such op"], "nothing matches"),
    (["ops", "--ours", "no_such_engine"], "cannot import the engine 'no_such_engine'"),
    (["ops", "--ours", "json"], "does not speak torch's API"),
    (["programs", "pong"], "no program 'pong'; there are sigmoid_gd"),
    (["ops", "--ledger", "no/such.json"], "cannot read the ledger"),
    (["programs", "sigmoid_gd", "--data", "no/such/folder"], "no/such/folder"),
    (["ops", "--ours", "torch:nowhere"], "the engine 'torch:nowhere': no device 'nowhere'"),
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


def test_an_engine_needs_no_registry(tmp_path, monkeypatch, capsys):
    """Any module that speaks torch's API is compared, in what it has; scripts run on two engines only."""
    monkeypatch.syspath_prepend(str(ROOT / "tests" / "parity"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "tests" / "parity"))
    assert run(tmp_path, "ops", "-k", "hypot or erfinv and not special", "--ours", "wrong_engine") == 0
    assert {o["op"] for o in result(tmp_path)["ops"]} == {"hypot", "erfinv"}
    assert run(tmp_path, "ops", "-k", "sinh and not asinh and not arcsinh", "--ours", "wrong_engine") == 1
    assert result(tmp_path)["failing"] == ["sinh"]
    (tmp_path / "s.py").write_text("import torch\n")
    assert main(["diverge", str(tmp_path / "s.py"), "--b", "wrong_engine", "--keep", str(tmp_path)]) == 2
    assert "wrong_engine: scripts run on torch and on minitorch_ref only" in capsys.readouterr().err


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


@pytest.mark.parametrize("n", [1, 3, 5])
def test_shards_are_the_whole_and_do_not_overlap(n):
    names = list("abcdefgh")
    parts = [names[shard(f"{i}/{n}")] for i in range(1, n + 1)]
    assert sorted(sum(parts, [])) == names and names[shard(None)] == names


@pytest.mark.parametrize("text", ["0/2", "3/2", "x", "1/0", "1/2/3", "-1/2"])
def test_what_is_no_shard(text, tmp_path, capsys):
    assert run(tmp_path, "ops", "-k", "hypot", f"--shard={text}") == 2
    assert "--shard: i/n" in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_a_shard_of_a_run(tmp_path):
    seen = []
    for i in (1, 2):
        folder = tmp_path / str(i)
        assert run(folder, "ops", "-k", "hypot or erfinv", "--ours", "torch", "--shard", f"{i}/2") == 0
        found = result(folder)
        seen += [o["op"] for o in found["ops"]]
        assert found["shard"] == f"{i}/2" and f"shard {i}/2" in (folder / "index.html").read_text()
    assert sorted(seen) == ["erfinv", "hypot", "special.erfinv"]


def test_without_a_terminal_progress_is_lines():
    said = io.StringIO()
    with Progress(said, every=0.05) as progress:
        progress.start("ops", 3)
        progress.done(broken(("torch", "exp"), "process", "it hung"))
        time.sleep(0.3)
        progress.step("two")
        progress.start("modules", 0)
    lines = said.getvalue().splitlines()
    assert lines[0] == "parity: ops: 3 to do"
    assert any(re.fullmatch(r"parity: ops: 1 of 3 after \d+ s, 1 deviating; last exp", line) for line in lines[1:-2])
    assert re.fullmatch(r"parity: ops: 2 of 3 in \d+ s, 1 deviating", lines[-2]) and lines[-1] == "parity: modules: 0 to do"


def test_a_program_that_cannot_run_costs_itself_only(tmp_path, monkeypatch, capsys):
    import parity.programs as programs

    def broken_program(name, *rest):
        raise RuntimeError("no such operator")

    monkeypatch.setattr(programs, "compare_program", broken_program)
    assert run(tmp_path, "programs", "sigmoid_gd", "admissions") == 1
    found = result(tmp_path)["programs"]
    assert [p["verdict"] for p in found] == ["mismatch"] * 2 and "no such operator" in found[0]["detail"]
    assert "could not run" in capsys.readouterr().out


def test_a_module_that_breaks_the_laboratory_costs_itself_only(monkeypatch):
    import parity.modules as modules

    def breaks(ours, theirs):
        raise KeyError("lost")

    real = modules.cases("ReLU")[:1]
    monkeypatch.setattr(modules, "cases", lambda pattern: [("Bad", "layers", breaks), *real])
    torch = open_engine("torch")
    first, second = modules.compare_modules(torch, torch)
    assert not first.verdict.ok and "KeyError" in first.samples[0].checks[0].detail and second.verdict.ok


def test_known_deviations_are_none_to_progress(tmp_path):
    from parity import ledger
    path, said = tmp_path / "ledger.json", io.StringIO()
    path.write_text(json.dumps([{"op": "exp", "part": "known", "cause": "c", "oracle": "o"}]))
    entries = ledger.load(path)
    with Progress(said, known=lambda result: ledger.apply(entries, [result])) as progress:
        progress.start("ops", 2)
        for part in ("known", "new"):
            result = broken(("torch", "exp"), "process", "it hung")
            result.samples[0].checks[0].part = part
            progress.done(result)
    assert "2 of 2" in said.getvalue() and ", 1 deviating" in said.getvalue()


def test_the_memory_of_a_run(tmp_path):
    """Of this process, against what the kernel says of it; and it is in the result."""
    peak = Peak()
    hold = b"x" * int(2e8)
    peak.look()
    assert peak.bytes > len(hold) and peak.processes == 1
    usage = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    assert abs(peak.bytes - usage) < 0.02 * usage
    child = subprocess.Popen([sys.executable, "-c", "x = b'x' * int(5e7); print(1, flush=True); input()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child.stdout.readline()
    before = peak.bytes
    peak.look([child.pid])
    child.communicate(b"\n")
    assert 50e6 < peak.bytes - before < 100e6 and peak.processes == 2
    assert run(tmp_path, "ops", "-k", "hypot", "--ours", "torch") == 0
    assert result(tmp_path)["memory"]["bytes"] > 200_000_000


def test_files_are_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "a" / "r.json"
    session.write_atomically(path, "one")

    def full(*args):
        raise OSError("disk full")

    monkeypatch.setattr(session.os, "replace", full)
    with pytest.raises(OSError, match="disk full"):
        session.write_atomically(path, "two")
    assert path.read_text() == "one" and [p.name for p in path.parent.iterdir()] == ["r.json"]


def test_engines_by_name():
    assert open_engine("torch").device == "cpu" and open_engine("minitorch_ref").name == "minitorch_ref"
    with pytest.raises(EngineError):
        open_engine("nothing_here")


def test_a_quick_run_still_has_a_null_model(tmp_path):
    assert run(tmp_path, "programs", "--quick", "-k", "simplenet") == 0
    found = result(tmp_path)["programs"][0]
    assert found["null_band"] > found["largest_relative_difference"] > 0


def test_a_report_that_cannot_be_written_is_refused_before_anything_is_compared(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    for words in (["ops", "-k", "hypot"], ["accuracy", "-k", "erfinv"], ["atlas", "-k", "erfinv"]):
        assert main([*words, "--out", str(tmp_path / "file" / "out"), "--processes", "0"]) == 2
        said = capsys.readouterr()
        assert str(tmp_path / "file") in said.err and "to do" not in said.err and not said.out
    assert main(["mutate", "-k", "deg2rad", "--json", str(tmp_path / "file" / "m.json"), "--processes", "0"]) == 2


def test_a_terminal_without_unicode():
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-m", "parity", "source", "tanh"], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "tanh_backward(grad, result)" in done.stdout, done.stderr


WINDOWS = """
import os, sys
sys.modules["resource"] = None
del os.sched_getaffinity
"""


def test_it_starts_where_there_is_no_resource_module(tmp_path):
    """Windows: no figures of memory but Linux's own, and as many processes as processors."""
    (tmp_path / "sitecustomize.py").write_text(WINDOWS)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    command = [sys.executable, "-m", "parity", "ops", "-k", "erfinv and not special", "--out", str(tmp_path / "out")]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    command = [sys.executable, "-c", "import os; from parity import memory; print(memory.resource, memory.most_of(os.getpid() + 10**6))"]
    assert subprocess.run(command, env=env, capture_output=True, text=True, timeout=60).stdout == "None 0\n"
