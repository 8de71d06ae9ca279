"""A failing program as a script of the one call at fault."""

import numpy as np
import planted_engine
import pytest
import torch
from test_repro_modules import assert_it_tells

from parity import repro_programs
from parity.__main__ import main
from parity.calls import Captured, NotCodeError, optimizer_text, written
from parity.engines import EngineError
from parity.scripts import Scripts
from parity.shrink_study import count

F = torch.nn.functional
SMALL = {"limit": 64, "epochs": 1}


def script_of(fault, program, options, ours, reference, folder, monkeypatch):
    with monkeypatch.context() as patch:
        planted_engine.FAULTS[fault](patch.setattr)
        return repro_programs.repro(program, ours, reference, Scripts(folder), options)


# fault, program, options, kind, what is left of the code, the numbers, where it was found
ROWS = [
    ("wrong_sigmoid", "sigmoid_gd", {"epochs": 2}, "grad", "torch.sigmoid(x0)", 1, "`p = torch.sigmoid("),
    ("wrong_sigmoid", "admissions", {"epochs": 10}, "grad", "torch.sigmoid(x0)", 2, "`p = torch.sigmoid("),
    ("wrong_kernel", "lenet5", SMALL, "output", "torch.conv2d(x0, x1)", 10, "`x = self.pool(F.relu(self.conv1(x)))`"),
    ("wrong_pool", "lenet5", SMALL, "grad", "torch.nn.functional.max_pool2d(x0, 1)", 2, "`x = self.pool("),
    ("dampened", "lenet5", SMALL, "afterwards", "torch.optim.SGD(p, momentum=0.9)", 3, "`optimizer.step()`"),
    ("wrong_linear", "lenet5", SMALL, "grad", "torch.nn.Linear(in_features=1, out_features=1)", 4, ""),
    ("hungry_permutation", "lenet5", SMALL, "draw", "torch.randperm(1)", 0, ""),
    ("refusing", "lenet5", SMALL, "error", "torch.conv2d(x0, x1)", 10, ""),
]


@pytest.mark.slow
@pytest.mark.parametrize("fault, program, options, kind, code, numbers, where", ROWS, ids=[f"{r[0]}-{r[1]}" for r in ROWS])
def test_a_planted_fault_as_a_script(fault, program, options, kind, code, numbers, where, ours, reference, tmp_path, monkeypatch):
    said, found = script_of(fault, program, options, ours, reference, tmp_path, monkeypatch)
    assert found is not None, said
    study = found.after
    assert (found.path.name, "; ".join(study.expressions.values() or study.calls)) == (f"program.{program}-{kind}.py", code)
    assert where in study.where and where in " ".join(found.path.read_text().split())
    assert count(study) <= numbers
    assert kind != "draw" or "torch.manual_seed(0)" in found.path.read_text(), "the program's own seed"
    assert_it_tells(found.path, fault)


def test_a_healthy_program_has_no_script(tmp_path, capsys):
    assert main(["--epochs", "2", "repro", "program.sigmoid_gd", "--out", str(tmp_path)]) == 0
    assert "program sigmoid_gd agrees: no script" in capsys.readouterr().out and not list(tmp_path.iterdir())
    assert main(["repro", "program.none", "--out", str(tmp_path)]) == 2


def test_no_such_program(ours, reference, tmp_path):
    with pytest.raises(EngineError, match="no program 'none'; there are sigmoid_gd"):
        repro_programs.repro("none", ours, reference, Scripts(tmp_path, 1), {})


# ---- a call as code ------------------------------------------------------------------------------

X, Y = torch.arange(6.0).reshape(2, 3), torch.ones(2, 3)


@pytest.mark.parametrize("call, text", [
    (lambda: X * 2, "x0.mul(2)"),
    (lambda: 2 - X, "2 - x0"),
    (lambda: 1 / X, "1 / x0"),
    (lambda: X - Y, "x0.sub(x1)"),
    (lambda: -X, "x0.neg()"),
    (lambda: X[0, 1:], "x0[(0, slice(1, None, None))]"),
    (lambda: X.sum(1, keepdim=True), "x0.sum(1, keepdim=True)"),
    (lambda: torch.cat([X, Y], 1), "torch.cat([x0, x1], 1)"),
    (lambda: torch.add(X, X, alpha=0.1), "torch.add(x0, x0, alpha=0.1)"),
    (lambda: F.conv2d(X[None, None], Y[None, None]), "torch.conv2d(x0, x1)"),
    (lambda: F.softmax(X, dim=1, dtype=torch.float64), "torch.nn.functional.softmax(x0, dim=1, _stacklevel=3, dtype=torch.float64)"),
    (lambda: torch.nn.init.uniform_(torch.empty(2), 0.0, float("inf")), 'torch.nn.init.uniform_(tensor=x0, a=0.0, b=float("inf"), generator=None)'),
    (lambda: torch.rand(3, generator=torch.Generator()), "torch.rand(3)"),
])
def test_calls_are_written_as_programs_write_them(call, text, reference):
    from torch.overrides import TorchFunctionMode

    seen = []

    class Mode(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            with torch._C.DisableTorchFunction():
                seen.append((Captured.of(reference, func, args, kwargs or {}), func, args, kwargs or {}))
            return func(*args, **(kwargs or {}))

    try:
        with Mode():
            call()
    except RuntimeError:  # uniform_ does not go up to infinity; what counts is how it was called
        pass
    texts = [found.text for found, *_ in seen if found.text]
    assert text in texts or text.replace("_stacklevel=3, ", "") in texts, texts
    found, func, args, kwargs = next(s for s in seen if s[0].text in (text, text.replace("_stacklevel=3, ", "")))
    if "generator" in kwargs or "inf" in text:
        return
    again = eval(found.text, {"torch": torch, **{k: torch.from_numpy(v) for k, v in found.arrays.items()}})
    expected = func(*args, **kwargs)
    assert torch.equal(again, expected)


def test_what_has_no_text_is_refused(reference):
    with pytest.raises(NotCodeError, match="object"):
        Captured.of(reference, torch.add, (X, object()), {})
    with pytest.raises(NotCodeError, match="a function 'nobody'"):
        written(reference, type("f", (), {"__name__": "nobody"})(), [], {})


def test_an_optimizer_is_written_without_its_defaults():
    p = [torch.nn.Parameter(torch.zeros(2))]
    assert optimizer_text(torch.optim.SGD(p, lr=0.25, momentum=0.9)) == "torch.optim.SGD(p, lr=0.25, momentum=0.9)"
    assert optimizer_text(torch.optim.Adam(p)) == "torch.optim.Adam(p)"
    assert optimizer_text(torch.optim.Adam(p, betas=(0.5, 0.75))) == "torch.optim.Adam(p, betas=(0.5, 0.75))"
    groups = [{"params": p, "lr": 0.5}, {"params": [torch.nn.Parameter(torch.zeros(1))], "lr": 0.25}]
    with pytest.raises(NotCodeError, match="different options"):
        optimizer_text(torch.optim.SGD(groups))


def test_last_step():
    """A program has to run no further than where it fails."""
    from parity.outcome import Verdict
    from parity.programs import ProgramResult, Trace

    def trace(losses, batches, weight=0.0):
        return Trace("e", [np.array([weight])], batches, np.array(losses), [], 0.0)

    def result(a, b, difference=(), band=()):
        return ProgramResult("p", Verdict.WORSE, "", 4, a, b, np.array(difference), np.array(band))

    a = trace([1.0, 2, 3, 4], list("abcd"))
    assert repro_programs.last_step(result(trace([1.0], ["a"], 1.0), a)) == 0
    assert repro_programs.last_step(result(trace([1.0, 2], list("ax")), a)) == 1
    assert repro_programs.last_step(result(trace([1.0, 2], list("ab")), a)) == 2
    assert repro_programs.last_step(result(a, a, [0, 0, 9.0, 1], [1.0, 1, 1, 99])) == 2
    assert repro_programs.last_step(result(None, None)) == 4
