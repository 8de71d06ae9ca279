"""Whatever hangs or never ends is stopped, named with the place where it was, and costs itself only.

What hangs here says so in advance, and time then runs fast (hurried.py): the limits are minutes for
everything else.  The tests of the crew itself go by real time.
"""

import json
import multiprocessing as mp
import os
import re
import subprocess
import time
import types
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import forkserver
from pathlib import Path

import hurried
import pytest
import sleepy
import torch

from parity import atlas, atlas_run, crew, packs, programs, trail_processes
from parity.__main__ import main
from parity.outcome import Verdict
from parity.runner import run_ops

HERE = str(Path(__file__).parent)
DEPTH = atlas.Depth(50, 64, 10)
LIMIT = f"{hurried.LIMIT}"
ENGINES = ["torch", "minitorch_ref", "hanging_engine", "hanging_rules", "suicidal_engine"]


@pytest.fixture(scope="module", autouse=True)
def at_hand(tmp_path_factory):
    """Where what hangs says so; and workers come from one process that has imported the engines."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(HERE)
        path = [HERE, str(Path(HERE).parents[1]), os.environ.get("PYTHONPATH", "")]
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, path)))
        patch.setenv(hurried.FOLDER, str(tmp_path_factory.mktemp("hangs")))
        context = mp.get_context("forkserver")
        forkserver._forkserver._stop()  # one that another test has started knows neither
        context.set_forkserver_preload([*ENGINES, "parity.atlas", "parity.mutants", "parity.programs_run"])
        patch.setattr(crew, "mp", types.SimpleNamespace(get_context=lambda method: context))
        yield
        forkserver._forkserver._stop()
        context.set_forkserver_preload(["__main__"])


@pytest.fixture(autouse=True)
def fast(monkeypatch):
    """Workers and scripts that hang are waited for by the fast clock."""
    for path in Path(os.environ[hurried.FOLDER]).iterdir():
        path.unlink()
    monkeypatch.setattr(crew, "time", hurried.Clock())
    names = ("DEVNULL", "PIPE", "TimeoutExpired")
    changed = {n: getattr(subprocess, n) for n in names} | {"Popen": hurried.Popen}
    monkeypatch.setattr(trail_processes, "subprocess", types.SimpleNamespace(**changed))
    monkeypatch.setattr(trail_processes, "GRACE", float(LIMIT))


def run(tmp_path, *args, ours="hanging_engine"):
    return main([*args, "--ours", ours, "--out", str(tmp_path), "--processes", "1", "--op-limit", LIMIT])


def result(tmp_path, part):
    found = json.loads((tmp_path / "parity.json").read_text())
    return {r.get("op") or r["name"]: r for r in found[part]}


# ---- the crew, by real time --------------------------------------------------------------------------


def spread(work, keys, limit=crew.Limit()):
    return list(crew.in_processes(work, (), keys, 1, crew.Worker.ended, lambda w, why: f"{w.key}: {why}, {w.at}", limit))


@pytest.fixture
def real(monkeypatch):
    monkeypatch.setattr(crew, "time", time)


def test_a_worker_that_is_never_ready(monkeypatch, real):
    monkeypatch.setattr(crew, "READY", 1.0)
    assert spread(sleepy.to_start, ["a"]) == ["a: not ready within 1 s, "]


def test_one_that_is_silent_for_too_long_and_one_that_talks_for_too_long(real):
    """A limit starts when the worker is ready: that takes longer here than each of them allows."""
    with ThreadPoolExecutor(2) as pool:
        silent = pool.submit(spread, sleepy.work, ["silent"], crew.Limit(whole=60.0, silence=1.0))
        talks = pool.submit(spread, sleepy.work, ["talk"], crew.Limit(whole=1.0, silence=60.0))
    assert silent.result() == ["silent: nothing for 1 s, asleep"] and talks.result() == ["talk: no answer within 1 s, and on"]


def test_one_that_answers_is_ready_whatever_it_said():
    assert spread(sleepy.mute, ["a", "b"]) == [("a",), ("b",)]


# ---- what the commands say ---------------------------------------------------------------------------


def test_an_op_that_hangs_costs_itself_only():
    results = run_ops("hanging_engine", "torch", [("torch", "hypot"), ("torch", "erfinv")], 1, limit=hurried.LIMIT)
    said = results[1].samples[0].checks[0].detail
    assert said.startswith(f"no answer within {LIMIT} s, stopped in hypot(") and "float64" in said
    assert results[0].op == "erfinv" and results[0].verdict == 0, "a new process goes on"
    assert not results[1].verdict.ok


def test_a_module_that_hangs(tmp_path, capsys):
    assert run(tmp_path, "modules", "-k", "ReLU and not Leaky and not RReLU and not P and not Seq") == 1
    found = result(tmp_path, "modules")
    (check,) = found["ReLU()"]["notable"][0]["checks"]
    assert check["detail"] == f"no answer within {LIMIT} s: stopped (--op-limit)" and found["ReLU()"]["family"] == "layers"
    assert found["ReLU6()"]["verdict"] == "identical", "the others are compared all the same"
    assert f"ReLU(): no answer within {LIMIT} s" in capsys.readouterr().out


def test_a_program_that_hangs(tmp_path, capsys):
    assert run(tmp_path, "programs", "admissions", "sigmoid_gd", "--epochs", "4") == 1
    found = result(tmp_path, "programs")
    assert found["admissions"]["verdict"] == "mismatch"
    assert found["admissions"]["detail"].startswith(f"nothing for {LIMIT} s, stopped in hanging_engine, ")
    assert found["admissions"]["detail"].endswith("(--op-limit)")
    assert found["sigmoid_gd"]["verdict"] == "identical"
    assert f"nothing for {LIMIT} s" in capsys.readouterr().out.replace("\n", "")


def test_a_program_whose_runs_take_too_long_in_all(tmp_path, monkeypatch):
    """Time runs fast from a step on: what is heard of each next one does not help."""
    hear = crew.Worker.hear

    def heard(worker, message):
        hear(worker, message)
        if "after step" in message:
            hurried.mark(worker.process.pid)

    monkeypatch.setattr(crew.Worker, "hear", heard)
    args = ["programs", "sigmoid_gd", "admissions", "--epochs", "1000000", "--program-limit", LIMIT, "--op-limit", "100000", "--ours", "torch"]
    assert main([*args, "--out", str(tmp_path)]) == 1
    found = result(tmp_path, "programs")
    said = rf"no answer within {LIMIT} s, stopped in torch, after step \d+ \(--program-limit\)"
    assert all(re.fullmatch(said, p["detail"]) for p in found.values()) and len(found) == 2


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
    records, lost = atlas_run.run("hanging_engine", "torch", names, ("float64",), DEPTH, 1, places.append, limit=hurried.LIMIT)
    assert list(lost) == ["hypot"] and sorted(places) == ["erf", "hypot"]
    assert lost["hypot"].startswith(f"nothing for {LIMIT} s, stopped in hypot out of float64, [-10, 10]")
    assert {r["name"] for r in records} == {"erf"}


def test_a_function_of_the_atlas_that_ends_its_process():
    records, lost = atlas_run.run("suicidal_engine", "torch", ["hypot", "erf"], ("float32",), DEPTH, 1)
    assert "exit code 7, in hypot out of float32" in lost["hypot"] and {r["name"] for r in records} == {"erf"}


def test_the_atlas_command_names_what_it_could_not_survey(tmp_path, capsys):
    args = ["atlas", "-k", "hypot or erfinv", "--dtype", "float64", "--points", "50", "--slow", "10", "--store", str(tmp_path / "s.json")]
    assert run(tmp_path, *args) == 2
    assert f"parity: hypot: nothing for {LIMIT} s, stopped in hypot out of float64" in capsys.readouterr().err
    assert {r["name"] for r in json.loads((tmp_path / "atlas.json").read_text())["records"]} == {"erfinv"}
    assert not (tmp_path / "s.json").exists(), "figures that are not whole are not kept"


def test_in_the_main_run_such_a_function_is_a_deviation_of_its_op(tmp_path, monkeypatch):
    monkeypatch.setattr(atlas_run, "run", lambda *args: ([], {"erfinv": "nothing for 5 s, stopped in erfinv"}))
    assert main(["ops", "-k", "erfinv", "--ours", "torch", "--out", str(tmp_path), "--processes", "0"]) == 1
    found = result(tmp_path, "ops")
    assert found["erfinv"]["verdict"] == "mismatch" and found["special.erfinv"]["verdict"] == "identical"
    assert "nothing for 5 s" in found["erfinv"]["notable"][0]["checks"][0]["detail"]


def test_the_accuracy_command_names_what_it_could_not_measure(tmp_path, capsys):
    assert run(tmp_path, "accuracy", "-k", "hypot or erfinv", "--dtype", "float64", "--points", "50", "--slow", "10") == 2
    said = capsys.readouterr()
    assert f"parity: hypot: nothing for {LIMIT} s, stopped in hypot of float64, [-10, 10] × [-10, 10] (--op-limit)" in said.err
    assert {m["name"] for m in json.loads((tmp_path / "accuracy.json").read_text())} == {"erfinv"} and "erfinv" in said.out


def test_an_op_that_a_mutant_makes_hang_costs_itself_only(tmp_path, capsys):
    args = ["mutate", "-k", "deg2rad or rad2deg", "--kinds", "sign", "--ours", "hanging_rules", "--processes", "1", "--op-limit", LIMIT]
    assert main([*args, "--json", str(tmp_path / "m.json")]) == 2
    found = json.loads((tmp_path / "m.json").read_text())
    said = rf"nothing for {LIMIT} s, stopped in .*Rad2DegBackward0\[0\].* \(--op-limit\)"
    assert list(found["failed"]) == ["rad2deg"] and re.fullmatch(said, found["failed"]["rad2deg"]), found["failed"]
    assert found["counts"]["sign"]["killed"] > 1 and not found["survived"], "deg2rad is judged all the same"
    assert "stopped in" in capsys.readouterr().out


# ---- scripts -----------------------------------------------------------------------------------------


def script(folder, text):
    path = folder / "train.py"
    path.write_text("import time, hurried\nimport torch\nx = torch.rand(3)\ny = x.sin()\n" + text)
    return str(path)


HANG = "hurried.mark()\nwhile True: time.sleep(0.05)\n"


def test_a_script_that_hangs_on_one_engine_is_compared_as_far_as_it_came(tmp_path, capsys):
    path = script(tmp_path, "hang = 'minitorch' in torch.__file__ and not hurried.mark()\nwhile hang: time.sleep(0.05)\n")
    assert main(["diverge", path, "--limit", LIMIT, "--null", "1", "--keep", str(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert "2 records paired" in said and re.search(r"minitorch_ref ended with stopped at .*train\.py:[56]", said)


@pytest.mark.parametrize("tool", [["diverge", "--null", "0"], ["draws"]])
def test_a_script_that_hangs_on_the_reference_could_not_run(tmp_path, capsys, tool):
    assert main([*tool, script(tmp_path, HANG), "--limit", LIMIT, "--keep", str(tmp_path)]) == 2
    assert "torch:cpu: " in (said := capsys.readouterr().err) and f"did not end within {LIMIT} s (--limit): stopped" in said


def test_a_script_that_does_not_listen_is_killed_and_leaves_no_trail(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(trail_processes, "GRACE", 0.5)
    path = script(tmp_path, "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n" + HANG)
    assert main(["diverge", path, "--limit", LIMIT, "--record", str(tmp_path / "one.trail")]) == 2
    assert f"did not end within {LIMIT} s (--limit), nor when asked to" in capsys.readouterr().err
    assert not (tmp_path / "one.trail").exists()


# ---- tools that take one thing after the other -------------------------------------------------------


def command(*args):
    return main([*args, "--op-limit", LIMIT])


@pytest.mark.parametrize("name", ["hypot", "logaddexp"])
def test_a_pack_has_all_but_what_hangs_and_one_that_is_checked_is_checked_to_its_end(tmp_path, capsys, name):
    pack, good, some = tmp_path / "p.xz", tmp_path / "good.xz", ["-k", f"erfinv or {name} and not 2", "--dtypes", "float64"]
    assert command("record", *some, "--out", str(good)) == 0
    assert command("record", *some, "--engine", "hanging_engine", "--out", str(pack)) == 2
    said = capsys.readouterr()
    assert f"parity: {name}: nothing for {LIMIT} s, stopped in {name}(" in said.err and f"not whole in the pack: {name}" in said.out
    assert {e.key for e in packs.read(good)[1]} == {("torch", "erfinv"), ("special", "erfinv"), ("torch", name)}
    assert {e.key for e in packs.read(pack)[1]} == {("torch", "erfinv")}, "the engine has no special.erfinv"
    assert command("check", str(good), "--engine", "hanging_engine") == 2
    said = capsys.readouterr()
    assert f"parity: {name}: nothing for {LIMIT} s, stopped in {name}(" in said.err and " identical" in said.out


def test_a_pack_of_which_nothing_can_be_recorded_is_not_written(tmp_path, capsys):
    pack = tmp_path / "p.xz"
    pack.write_text("an older one")
    assert command("record", "-k", "hypot", "--dtypes", "float64", "--engine", "hanging_engine", "--out", str(pack)) == 2
    assert f"parity: hypot: nothing for {LIMIT} s, stopped in hypot(" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["p.xz"] and pack.read_text() == "an older one"


@pytest.mark.parametrize("op", ["hypot", "logaddexp"])
def test_a_sample_that_hangs_is_explained_no_further(capsys, op):
    assert command("explain", op, "-k", "[3, 4]", "--dtype", "float64", "--b", "hanging_engine") == 2
    said = capsys.readouterr()
    lines = [x for x in said.err.splitlines() if re.fullmatch(rf"parity: {op}\(.*: nothing for {LIMIT} s, stopped in {op}\(.* on hanging_engine \(--op-limit\)", x)]
    assert len(lines) == len(said.err.splitlines()) > 1 and "0 of " in said.out, "each has a process of its own"


@pytest.mark.parametrize("names, where", [
    (["hypot", "erfinv"], r"hypot\(.*float64.*"),
    (["logaddexp", "erfinv"], r"logaddexp\(.*float64.*"),
    (["module.ReLU()", "erfinv"], r"module\.ReLU\(\)"),
    (["program.admissions", "erfinv", "--epochs", "4"], "hanging_engine, after step 2"),
])
def test_a_repro_that_hangs_costs_its_name_only(tmp_path, capsys, names, where):
    assert command("repro", *names, "--ours", "hanging_engine", "--out", str(tmp_path)) == 2
    said = capsys.readouterr()
    assert re.search(rf"parity: {re.escape(names[0])}: nothing for {LIMIT} s, stopped in {where} \(--op-limit\)", said.err), said.err
    assert "erfinv: 0 kinds of failure" in said.out, "the next one has its turn"


def test_an_op_that_holds_the_interpreters_lock_costs_itself_only():
    results = run_ops("hanging_engine", "torch", [("torch", "logaddexp"), ("torch", "erfinv")], 1, limit=hurried.LIMIT)
    assert results[1].samples[0].checks[0].detail.startswith(f"no answer within {LIMIT} s, stopped in logaddexp(")
    assert results[0].op == "erfinv" and results[0].verdict == 0
