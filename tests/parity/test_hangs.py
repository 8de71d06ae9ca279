"""Whatever hangs or never ends is stopped, named with the place where it was, and costs itself only."""

import json
import os
import re
import subprocess
import sys
import time
import types
from pathlib import Path

import pytest
import torch

from parity import atlas, atlas_run, crew, programs, trail_processes
from parity.__main__ import main
from parity.outcome import Verdict

HERE = str(Path(__file__).parent)
DEPTH = atlas.Depth(50, 64, 10)


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    monkeypatch.syspath_prepend(HERE)


def run(tmp_path, *args):
    return main([*args, "--ours", "hanging_engine", "--out", str(tmp_path), "--processes", "1", "--op-limit", "5"])


def result(tmp_path, part):
    found = json.loads((tmp_path / "parity.json").read_text())
    return {r.get("op") or r["name"]: r for r in found[part]}


def test_a_module_that_hangs(tmp_path, capsys):
    assert run(tmp_path, "modules", "-k", "ReLU and not Leaky and not RReLU and not P and not Seq") == 1
    found = result(tmp_path, "modules")
    (check,) = found["ReLU()"]["notable"][0]["checks"]
    assert check["detail"] == "no answer within 5 s: stopped (--op-limit)" and found["ReLU()"]["family"] == "layers"
    assert found["ReLU6()"]["verdict"] == "identical", "the others are compared all the same"
    assert "ReLU(): no answer within 5 s" in capsys.readouterr().out


def test_a_program_that_hangs(tmp_path, capsys):
    assert run(tmp_path, "programs", "admissions", "sigmoid_gd", "--epochs", "30") == 1
    found = result(tmp_path, "programs")
    assert found["admissions"]["verdict"] == "mismatch"
    assert found["admissions"]["detail"].startswith("nothing for 5 s, stopped in hanging_engine, ")
    assert found["admissions"]["detail"].endswith("(--op-limit)")
    assert found["sigmoid_gd"]["verdict"] == "identical"
    assert "nothing for 5 s" in capsys.readouterr().out.replace("\n", "")


def test_a_program_whose_runs_take_too_long_in_all(tmp_path):
    began = time.monotonic()
    args = ["programs", "sigmoid_gd", "admissions", "--epochs", "1000000", "--program-limit", "4", "--ours", "torch"]
    assert main([*args, "--out", str(tmp_path)]) == 1
    found = result(tmp_path, "programs")
    where = r"(after step \d+|before its first step)"  # a busy machine takes seconds to import torch
    said = rf"no answer within 4 s, stopped in torch, {where} \(--program-limit\)"
    assert all(re.fullmatch(said, p["detail"]) for p in found.values()) and len(found) == 2
    assert time.monotonic() - began < 60


def endless(torch, config, on_step):
    w = torch.zeros(2, requires_grad=True)
    torch.optim.SGD([w], lr=0.1)
    step = 0
    while step < config.steps:
        on_step(step, w, 1.0)
        step += 1


def test_an_engine_that_makes_more_steps_than_the_reference_is_stopped():
    source = types.SimpleNamespace(run=endless)
    theirs = programs.trace(source, torch, types.SimpleNamespace(steps=7))
    ours = programs.trace(source, torch, types.SimpleNamespace(steps=float("inf")), most=7)
    found = programs.judge("endless", ours, theirs, [])
    assert found.verdict == Verdict.MISMATCH and found.detail == "ours goes on after step 7, torch makes 7"


def test_a_function_of_the_atlas_that_hangs():
    places, names = [], ["hypot", "erf"]
    records, lost = atlas_run.run("hanging_engine", "torch", names, ("float64",), DEPTH, 1, places.append, limit=5)
    assert list(lost) == ["hypot"] and sorted(places) == ["erf", "hypot"]
    assert lost["hypot"].startswith("nothing for 5 s, stopped in hypot out of float64, [-10, 10]")
    assert {r["name"] for r in records} == {"erf"}


def test_a_function_of_the_atlas_that_ends_its_process():
    records, lost = atlas_run.run("suicidal_engine", "torch", ["hypot", "erf"], ("float32",), DEPTH, 1)
    assert "exit code 7, in hypot out of float32" in lost["hypot"] and {r["name"] for r in records} == {"erf"}


def test_the_atlas_command_names_what_it_could_not_survey(tmp_path, capsys):
    args = ["atlas", "-k", "hypot or erfinv", "--dtype", "float64", "--points", "50", "--slow", "10", "--store", str(tmp_path / "s.json")]
    assert run(tmp_path, *args) == 2
    assert "parity: hypot: nothing for 5 s, stopped in hypot out of float64" in capsys.readouterr().err
    assert {r["name"] for r in json.loads((tmp_path / "atlas.json").read_text())["records"]} == {"erfinv"}
    assert not (tmp_path / "s.json").exists(), "figures that are not whole are not kept"


def test_in_the_main_run_such_a_function_is_a_deviation_of_its_op(tmp_path, monkeypatch):
    monkeypatch.setattr(atlas_run, "run", lambda *args: ([], {"erfinv": "nothing for 5 s, stopped in erfinv"}))
    assert main(["ops", "-k", "erfinv", "--ours", "torch", "--out", str(tmp_path), "--processes", "0"]) == 1
    found = result(tmp_path, "ops")
    assert found["erfinv"]["verdict"] == "mismatch" and found["special.erfinv"]["verdict"] == "identical"
    assert "nothing for 5 s" in found["erfinv"]["notable"][0]["checks"][0]["detail"]


def slow_to_start(pipe):
    time.sleep(60)


def test_a_worker_that_is_never_ready(monkeypatch):
    monkeypatch.setattr(crew, "READY", 1.0)
    said = crew.in_processes(slow_to_start, (), ["a"], 1, lambda w: "died", lambda w, why: why)
    assert list(said) == ["not ready within 1 s"]


# ---- scripts -----------------------------------------------------------------------------------------


def script(folder, text):
    path = folder / "train.py"
    path.write_text("import time\nimport torch\nx = torch.rand(3)\ny = x.sin()\n" + text)
    return str(path)


ONLY_OURS = "if 'minitorch' in torch.__file__:\n    "


def test_a_script_that_hangs_on_one_engine_is_compared_as_far_as_it_came(tmp_path, capsys):
    path = script(tmp_path, ONLY_OURS + "while True: time.sleep(0.05)\n")
    assert main(["diverge", path, "--limit", "15", "--null", "1", "--keep", str(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert "2 records paired" in said and re.search(r"minitorch_ref ended with stopped at .*train\.py:6", said)


@pytest.mark.parametrize("tool", ["diverge", "draws"])
def test_a_script_that_hangs_on_the_reference_could_not_run(tmp_path, capsys, tool):
    path = script(tmp_path, "while True:\n    time.sleep(0.05)\n")
    assert main([tool, path, "--limit", "12", "--keep", str(tmp_path)]) == 2
    assert "torch:cpu: " in (said := capsys.readouterr().err) and "did not end within 12 s (--limit): stopped" in said


def test_a_script_that_does_not_listen_is_killed_and_leaves_no_trail(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(trail_processes, "GRACE", 2.0)
    ignore = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    path = script(tmp_path, ignore + "while True: time.sleep(0.05)\n")
    assert main(["diverge", path, "--limit", "8", "--record", str(tmp_path / "one.trail")]) == 2
    assert "did not end within 8 s (--limit), nor when asked to" in capsys.readouterr().err
    assert not (tmp_path / "one.trail").exists()


# ---- packs -------------------------------------------------------------------------------------------


def command(*args):
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([HERE, str(Path(HERE).parents[1])])}
    return subprocess.run([sys.executable, "-m", "parity", *args], env=env, capture_output=True, text=True, timeout=120)


def test_a_pack_that_hangs_is_not_written_and_one_that_is_checked_names_the_sample(tmp_path):
    pack = tmp_path / "p.xz"
    pack.write_text("an older one")
    hung = ["-k", "hypot", "--dtypes", "float64", "--engine", "hanging_engine", "--op-limit", "4"]
    done = command("record", *hung, "--out", str(pack))
    assert done.returncode == 2 and "nothing for 4 s, stopped in hypot(" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["p.xz"] and pack.read_text() == "an older one"
    assert main(["record", "-k", "hypot", "--dtypes", "float64", "--out", str(pack)]) == 0
    done = command("check", str(pack), "--engine", "hanging_engine", "--op-limit", "4")
    assert done.returncode == 2 and "nothing for 4 s, stopped in hypot(" in done.stderr
