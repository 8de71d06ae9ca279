"""Failing modules as scripts: short, of the first thing that is wrong, and they need the engine alone."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import planted_engine
import pytest
import torch
from bits import same_bits

from parity import repro_modules
from parity.__main__ import main
from parity.engines import Engine, EngineError
from parity.modules import compare_case
from parity.modules_table import CASES
from parity.repro_text import OBSERVE, assemble, observe, tells_apart
from parity.scripts import Scripts
from parity.shrink_study import (
    Attempts,
    _unwrapped,
    _without_keywords,
    _without_last,
    _without_members,
    fitted,
    numbers_in,
    shrink,
    with_numbers,
)
from parity.study import Study, failures, run
from parity.study_lines import call_lines

HERE = Path(__file__).parent
SGD = "optim.SGD(p, lr=0.1, momentum=0.9)"
CONV = "Conv2d(4, 6, (3, 2), stride=2, padding=1)"


ALONE = """
import contextlib, io, runpy, sys
sys.modules["parity"] = None
_, script, *engines = sys.argv
for engine in engines:
    said, code = io.StringIO(), None
    sys.argv = [script, engine]
    try:
        with contextlib.redirect_stdout(said):
            runpy.run_path(script, run_name="__main__")
    except SystemExit as ended:
        code = ended.code
    print(repr((code, said.getvalue())))
"""


def exit_codes(script, *engines, fault=""):
    """(exit code, what it said) on each engine, in a process that cannot import the laboratory."""
    env = {**os.environ, "PLANTED": fault, "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parents[1])])}
    command = [sys.executable, "-c", ALONE, str(script), *engines]
    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=script.parent, timeout=120)
    assert done.returncode == 0 and not done.stderr, done.stdout + done.stderr
    return [ast.literal_eval(line) for line in done.stdout.splitlines()]


def assert_it_tells(script, fault):
    """Sound engines exit with 0, that with the fault with 1, saying where it differs."""
    sound = exit_codes(script, "torch", "minitorch_ref")
    assert [code for code, _ in sound] == [0, 0], sound
    ((code, said),) = exit_codes(script, "planted_engine", fault=fault)
    assert code == 1 and "first difference: " in said and "not as torch when this was written" in said
    assert "the same as minitorch_ref when this was written" in said, said


def scripts_of(fault, text, ours, reference, folder, monkeypatch):
    with monkeypatch.context() as patch:
        planted_engine.FAULTS[fault](patch.setattr)
        return [written for _, _, written in repro_modules.repro(text, ours, reference, Scripts(folder))]


# fault, module, kind, what is left of the code, the numbers, and of the lines of `observe`
ROWS = [
    ("wrong_linear", "Linear(4, 3)", "grad", "torch.nn.Linear(1, 1)", 4, 16),
    ("wrong_conv", CONV, "output", "torch.nn.Conv2d(1, 1, (1, 1), stride=2)", 3, 14),
    ("dampened", SGD, "afterwards", "torch.optim.SGD(p, momentum=0.9)", 3, 21),
    ("dropped_draw", "Dropout(0.25)", "output", "torch.nn.Dropout(0.25)", 2, 10),
    ("biased_variance", "BatchNorm2d(4)", "afterwards", "torch.nn.BatchNorm2d(1)", 7, 16),
    ("late_schedule", "StepLR(3, gamma=0.3)", "rate", "torch.optim.lr_scheduler.StepLR(optimizer, 1)", 0, 11),
    ("other_start", "Linear(4, 3)", "initial", "torch.nn.Linear(1, 1)", 0, 9),
    ("other_repr", "Linear(4, 3)", "repr", "torch.nn.Linear(1, 1)", 0, 7),
    ("hungry_layer", "Dropout(0.25)", "output", "torch.nn.Dropout(0.25)", 1, 9),
    ("hungry_schedule", "StepLR(3, gamma=0.3)", "rate", "torch.optim.lr_scheduler.StepLR(optimizer, 1)", 0, 13),
    ("hungry_optimizer", "Linear(4, 3)", "afterwards", "torch.nn.Linear(1, 1); torch.optim.SGD(net.parameters())", 4, 17),
    ("hungry_start", "Linear(4, 3)", "initial", "torch.nn.Linear(1, 1)", 0, 9),
    ("lossy_file", "Linear(4, 3)", "file", "torch.nn.Linear(1, 1)", 0, 13),
]


@pytest.mark.parametrize("fault, module, kind, code, numbers, lines", ROWS, ids=[r[0] for r in ROWS])
def test_a_planted_fault_as_a_script(fault, module, kind, code, numbers, lines, ours, reference, tmp_path, monkeypatch):
    (written,) = scripts_of(fault, module, ours, reference, tmp_path, monkeypatch)
    assert written.after.kind == kind and "; ".join(written.after.expressions.values()) == code
    assert sum(a.size for a in written.after.given.values() if isinstance(a, np.ndarray)) <= numbers
    text = written.path.read_text()
    body = text[text.index("def observe") : text.index("REFERENCE =")].strip().splitlines()
    assert len(body) <= lines + 4, text  # def, docstring, try, except and returns
    assert_it_tells(written.path, fault)


def test_what_a_reader_sees(ours, reference, tmp_path, monkeypatch):
    """A difference in hex and in ULP; a title with the name that the report has."""
    (written,) = scripts_of("dampened", SGD, ours, reference, tmp_path, monkeypatch)
    text = written.path.read_text()
    assert text.startswith(f'"""module.{SGD}: afterwards.p[0]: ') and "`python FILE minitorch_ref`" in text.split('"""')[1]
    ((_, said),) = exit_codes(written.path, "planted_engine", fault="dampened")
    # a gradient of 1, then of 0, at the default rate of 1/1000: 1 + 0.9 of it, or 1 + 0.9 · 0.9
    words = said.split("first difference")[1].split("ULP")[0].replace(",", " ").split()
    numbers = [float.fromhex(w) for w in words if w.lstrip("-").startswith("0x")]
    assert numbers == pytest.approx([-0.00181, -0.0019], rel=1e-6) and "ULP apart" in said


def test_a_healthy_module_has_no_script(tmp_path, capsys):
    assert main(["repro", "module.Linear(4, 3)", "--out", str(tmp_path)]) == 0
    assert "0 kinds of failure" in capsys.readouterr().out and not list(tmp_path.iterdir())
    assert main(["repro", "module.no such layer", "--out", str(tmp_path)]) == 2


def test_names_are_exact_or_select():
    assert [c[0] for c in repro_modules.selected("Linear(4, 3)")] == ["Linear(4, 3)"]
    assert len(repro_modules.selected("Conv2d")) > 5 and [c[0] for c in repro_modules.selected("StepLR")][0].startswith("StepLR")
    with pytest.raises(EngineError, match="no module 'nothing'"):
        repro_modules.selected("nothing")


def test_the_command(tmp_path, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        planted_engine.FAULTS["late_schedule"](patch.setattr)
        assert main(["repro", "module.StepLR", "--out", str(tmp_path), "--processes", "0"]) == 1
        assert main(["repro", "module StepLR(3, gamma=0.3)", "--out", str(tmp_path), "--processes", "0"]) == 1  # as the summary names it
    said = capsys.readouterr().out
    assert "module StepLR(3, gamma=0.3) rate: " in said and "1 kind of failure" in said
    assert [p.name for p in tmp_path.iterdir()] == ["module.StepLR_3_gamma_0.3_-rate.py"]


def test_a_file_that_the_other_engine_cannot_read(ours, reference, tmp_path, monkeypatch):
    """It is read back where it was written: only the file itself shows what the other one makes of it."""
    right = ours.module.save
    monkeypatch.setattr(ours.module, "save", lambda what, file: right({"odd": what} if len(what) == 2 else what, file))
    load = ours.module.load
    monkeypatch.setattr(ours.module, "load", lambda file: (lambda found: found.get("odd", found))(load(file)))
    (written,) = [w for _, _, w in repro_modules.repro("Linear(4, 3)", ours, reference, Scripts(tmp_path, 50))]
    ((code, said),) = exit_codes(written.path, "torch")
    assert code == 1 and "raises RuntimeError" in said and "FILE = " in written.path.read_text()


@pytest.mark.parametrize("case", [CASES[0], next(c for c in CASES if c.name == SGD)], ids=["layer", "optimizer"])
def test_the_studies_of_a_healthy_module_agree(case, ours, reference):
    for kind in (*repro_modules.APART, *repro_modules.ORDER, "file"):
        assert not failures(repro_modules.layer_study(case, kind, reference, 2), ours, reference), kind
    if case.family == "optimizers":
        assert not failures(repro_modules.optimizer_study(case, reference, 3), ours, reference)


def test_a_study_computes_what_the_module_check_does(reference):
    """The parameters after three steps are those of the training that is compared."""
    from parity.modules import train

    case = next(c for c in CASES if c.name == "Linear(4, 3)")
    values, seen = train(reference, case).values, run(repro_modules.layer_study(case, "afterwards", reference, 3), reference)
    assert same_bits(seen.values["afterwards.weight"], values["step 3.weight"])
    optimizer = next(c for c in CASES if c.name == SGD)
    values, seen = train(reference, optimizer).values, run(repro_modules.optimizer_study(optimizer, reference, 3), reference)
    assert same_bits(seen.values["afterwards.p[0]"], values["step 3.0.weight"])


# ---- what counts as the same ---------------------------------------------------------------------


def script(within, line):
    return assemble("title", [f"seen = [{line!r}]"], {"torch": [line]}, "torch", within)


@pytest.mark.parametrize("within, line, seen, apart", [
    (0.0, "out float32 [1] 0x1p+0", "out float32 [1] 0x1.000002p+0", True),
    (2.0, "out float32 [1] 0x1p+0", "out float32 [1] 0x1.000002p+0", False),
    (2.0, "out float32 [1] 0x1p+0", "out float32 [1] 0x1.000008p+0", True),
    (2.0, "out float32 [2] 0x1p+0 0x1p-20", "out float32 [2] 0x1p+0 0x1.1p-20", False),  # of the largest
    (0.0, "out float32 [1] 0x0p+0", "out float32 [1] -0x0p+0", True),
    (2.0, "out float32 [1] 0x0p+0", "out float32 [1] -0x0p+0", False),
    (2.0, "out float32 [1] nan", "out float32 [1] nan", False),
    (2.0, "out float32 [1] 0x1p+0", "out float32 [1] nan", True),
    (2.0, "out float32 [1] inf", "out float32 [1] 0x1p+0", True),
    (2.0, "out float32 [1] 0x1p+0", "out float64 [1] 0x1p+0", True),
    (2.0, "out int64 [1] 3", "out int64 [1] 4", True),
    (2.0, "rate float [] 0x1p+0", "rate float [] 0x1.0000000000001p+0", False),
])
def test_what_a_script_calls_the_same(within, line, seen, apart):
    assert tells_apart(script(within, line), [seen]) is apart
    assert not tells_apart(script(within, line), [line])
    assert tells_apart(script(within, line), [line, "more"]) and tells_apart(script(within, line), [])


def test_a_script_within_rounding_exits_with_0(tmp_path):
    """Of two engines that round differently neither is wrong."""
    path = tmp_path / "script.py"
    for within, code in ((0.0, 1), (2.0, 0)):
        lines = ['seen = show("out", torch.tensor([1.0000001]))']
        path.write_text(assemble("title", lines, {"torch": ["out float32 [1] 0x1p+0"]}, "torch", within))
        ((found, said),) = exit_codes(path, "torch")
        assert found == code and "number 0: 0x1.000002p+0 instead of 0x1p+0, 1 ULP apart" in said


def test_numbers_are_shown_in_short_hex():
    space = {"h": float.fromhex}
    exec("import re\n" + OBSERVE, space)
    assert space["show"]("x", torch.tensor([1.0, 0.1, -0.0])) == ["x float32 [3] 0x1p+0 0x1.99999ap-4 -0x0p+0"]
    assert all(float.fromhex(space["number"](x)) == x for x in (0.1, 1e-310, 16.0, 1.5e300, 5e-324, 0.0))


# ---- judging and shrinking -----------------------------------------------------------------------


class Shifted(Engine):
    """torch whose exp is off by a factor."""

    def __init__(self, factor):
        class Namespace:
            def __getattr__(self, name):
                return getattr(torch, name)

            def exp(self, x):
                return torch.exp(x) * factor

        super().__init__("shifted", Namespace())
        self.module.__dict__["__name__"] = "torch"


@pytest.mark.parametrize("dtype, unit", [("float32", 2.0**-23), ("float64", 2.0**-52)])
def test_float64_is_judged_at_its_own_precision(dtype, unit, reference):
    x = np.linspace(-1, 1, 20).astype(dtype)
    study = Study("exp", "output", call_lines, {"x0": x}, {"call": "torch.exp(x0)"})
    assert not failures(study, reference, reference)
    assert not failures(study, Shifted(1 + unit), reference)
    (check,) = failures(study, Shifted(1 + 64 * unit), reference)
    assert check.part == "output" and check.ours > 30


def test_code_is_made_simpler():
    text = "nn.Sequential(nn.Linear(4, 3, bias=False), nn.ReLU())"
    assert numbers_in(text) == [4, 3] and with_numbers(text, {1: 1}) == "nn.Sequential(nn.Linear(4, 1, bias=False), nn.ReLU())"
    assert list(_without_keywords(text)) == ["nn.Sequential(nn.Linear(4, 3), nn.ReLU())"]
    assert list(_without_members(text)) == ["nn.Sequential(nn.ReLU())", "nn.Sequential(nn.Linear(4, 3, bias=False))"]
    assert list(_unwrapped("nn.Sequential(nn.ReLU())")) == ["nn.ReLU()"] and not list(_unwrapped(text))
    assert list(_without_last("f(x, 2, k=g(1))")) == ["f(x, k=g(1))"]


def test_weights_follow_the_net():
    old = np.arange(6).reshape(2, 3)
    assert fitted(old, np.zeros((1, 2))).tolist() == [[0, 1]]
    assert fitted(old, np.full((2, 4), 9)).tolist() == np.full((2, 4), 9).tolist() and fitted(None, old) is old


def test_nothing_grows_while_it_shrinks(reference):
    """Without `3` the net would have 2048 hidden numbers."""
    case = next(c for c in CASES if c.name == "TransformerEncoderLayer(4, 2, 8)")
    study = repro_modules.layer_study(case, "output", reference)
    before = sum(a.size for a in study.given["state"].values())
    small = shrink(study, Attempts(lambda s: True, reference, before + 48, 60))
    assert sum(a.size for a in small.given["state"].values()) < before / 2


def test_of_several_failures_the_first_in_the_computation(ours, reference, tmp_path, monkeypatch):
    """Output, gradients and everything after them are wrong: one script, of the output."""
    right = ours.module.nn.Tanh.forward
    monkeypatch.setattr(ours.module.nn.Tanh, "forward", lambda self, x: right(self, x) * 1.5)
    case = next(c for c in CASES if c.name == SGD)
    assert len({c.part.partition(".")[0] for c in compare_case(case, ours, reference).checks if not c.verdict.ok}) > 3
    (written,) = [w for _, _, w in repro_modules.repro(SGD, ours, reference, Scripts(tmp_path))]
    assert written.after.kind == "output" and written.after.expressions == {"net": "torch.nn.Tanh()"}
    assert tells_apart(written.path.read_text(), observe(written.path.read_text(), ours))


def test_a_module_that_raises(ours, reference, tmp_path, monkeypatch):
    def refuse(self, x):
        raise ValueError(f"rows {len(x)}")

    monkeypatch.setattr(ours.module.nn.Tanh, "forward", refuse)
    (written,) = [w for _, _, w in repro_modules.repro("Tanh()", ours, reference, Scripts(tmp_path, 100))]
    assert written.check.part == "error" and "ours raises ValueError: rows 1" in written.check.detail
    assert exit_codes(written.path, "torch")[0][0] == 0
