"""The line that says how to get scripts: it names what fails, and what it prints can be run as it is."""

import argparse
import html
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from parity import hint
from parity.engines import open_engine
from parity.outcome import Check, OpResult, SampleResult, Verdict
from parity.programs import ProgramResult
from parity.runner import broken
from parity.session import Session

HERE = Path(__file__).parent
SOME = "igmoid and not og and not ard and not inary and not nn"  # an op, a module, a program


def made(ops=(), modules=(), programs=()):
    def result(namespace, name, verdict):
        return OpResult(namespace, name, "f", "ulp", [SampleResult("n", "t", "call", "float32", [Check(verdict, "out")])])

    session = Session("ours", "torch", {})
    session.ops = [result("torch", n, v) for n, v in ops]
    session.modules = [result("module", n, v) for n, v in modules]
    session.programs = [ProgramResult(n, v, "", steps) for n, v, steps in programs]
    return session


def line(session, **options):
    given = {"ours": "minitorch_ref", "theirs": "torch", "data": None, "epochs": None, "limit": None, **options}
    return hint.line(session, argparse.Namespace(**given))


def test_the_worst_of_each_sort_come_first():
    session = made([("exp", Verdict.WORSE), ("sin", Verdict.IDENTICAL), ("cos", Verdict.MISMATCH), ("tan", Verdict.WORSE)],
                   [("Linear(4, 3)", Verdict.MISMATCH)], [("lenet5", Verdict.WORSE, 9), ("admissions", Verdict.EQUAL, 9)])
    assert line(session) == "a script of the first of 5: python -m parity repro cos exp 'module.Linear(4, 3)' program.lenet5"
    assert line(session, ours="mine:cuda", epochs=3, data="my data").endswith("program.lenet5 --ours mine:cuda --data 'my data' --epochs 3")


def test_what_has_no_script_is_left_out():
    """What hung, what has no samples, and what is known."""
    session = made([("exp", Verdict.WORSE), ("sin", Verdict.WORSE)], (), [("lenet5", Verdict.MISMATCH, 0)])
    session.ops.append(broken(("torch", "hypot"), "process", "it hung"))
    session.ops.append(OpResult("torch", "untested", "f", "ulp", []))
    session.ops[1].samples[0].checks[0].known = "as torch has it"
    assert line(session) == "a script of each: python -m parity repro exp"
    assert line(made([("exp", Verdict.BETTER)])) == "" and line(made()) == ""


def test_an_op_is_named_once_whatever_other_names_it_has():
    """torch.special.expit is torch.sigmoid; linalg.norm is not norm."""
    worse = [(n, Verdict.WORSE) for n in ("arcsin", "asin", "linalg.norm", "norm", "sigmoid", "special.expit")]
    assert hint.names(made(worse))[1] == ["arcsin", "linalg.norm", "norm", "sigmoid"]
    assert line(made(worse[:2])) == "a script of each: python -m parity repro arcsin"


@pytest.mark.slow
def test_the_command_that_a_run_prints_writes_a_script_of_each(tmp_path):
    env = {**os.environ, "PLANTED": "wrong_sigmoid", "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parents[1])])}

    def run(*words):
        done = subprocess.run([sys.executable, *words], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=300)
        assert done.returncode == 1, done.stdout + done.stderr
        return done.stdout

    said = run("-m", "parity", "-k", SOME, "--ours", "planted_engine", "--epochs", "1", "--quick", "--processes", "0")
    ((which, command),) = re.findall(r"^a script of (.*?): (.*)$", said, re.M)
    assert which == "each" and "program sigmoid_gd" in said
    page = (tmp_path / "out/parity/index.html").read_text()
    assert f"a script of each: <code>{html.escape(command, quote=False)}".replace("'", "&#39;") in page
    python, *words = shlex.split(command)
    assert python == "python" and words[3:6] == ["sigmoid", "module.Sigmoid()", "program.sigmoid_gd"]
    run(*words)
    scripts = list((tmp_path / "out/parity/repros").iterdir())
    assert {"sigmoid", "module", "program"} <= {re.split(r"[.-]", p.name)[0] for p in scripts}
    for path in scripts:
        space = {"__name__": "repro"}
        exec(path.read_text(), space)
        recorded = space["RECORDED"]
        assert space["observe"](open_engine("torch").module) == recorded["torch"] != recorded["planted_engine"]
        assert space["observe"](open_engine("minitorch_ref").module) != recorded["planted_engine"]
