"""The first-divergence finder: planted faults are named with their line, rounding is no alarm."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from faults import FaultyRecorder

from parity import trail
from parity.__main__ import main
from parity.diverge import compare, describe
from parity.engines import open_engine
from parity.pairs import common
from parity.watch import plain_name, watching

ROOT = Path(__file__).parents[2]


def program(torch, order=lambda x: x, extra=False):
    """Three steps of a small network: convolution, dropout, a reduction, momentum."""
    F = torch.nn.functional
    torch.manual_seed(3)
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 3, 3, stride=2, padding=1), torch.nn.Tanh(), torch.nn.Dropout(0.3), torch.nn.Flatten(), torch.nn.Linear(48, 4))
    x, t = torch.randn(5, 1, 8, 8), torch.randint(0, 4, (5,))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    for _ in range(3):
        optimizer.zero_grad()
        if extra:
            torch.rand(1)
        y = net(torch.sin(x))  # the line of sin
        loss = F.cross_entropy(y, t) + order(y.exp()).sum() / 64
        loss.backward()
        optimizer.step()
    return y.max(1).indices


def trail_of(path, engine=None, nudge=None, faults=None, **options):
    engine = engine or open_engine("torch")
    writer = trail.Writer(path, engine=engine.name, version="", script="", argv=[])
    recorder = FaultyRecorder(engine, writer, nudge, faults)
    with recorder.steps(), watching(engine, recorder):
        program(engine.module, **options)
    writer.close()
    return path


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trails")
    return trail_of(folder / "a.trail"), [trail_of(folder / f"n{k}.trail", nudge=k) for k in range(1, 6)]


def found(good, path, **options):
    return compare(good[0], trail_of(path, **options), good[1])


def negate_gradient(sin, x):
    x = x.detach().requires_grad_()
    y = sin(x)
    y.grad_fn.register_hook(lambda grads, _: tuple(-g for g in grads))
    return y


def one_to_the_right(conv, x, *args, **kwargs):
    return conv(torch.roll(x, 1, -1), *args, **kwargs)


def tf32(linear, x, w, b=None):
    cut = lambda t: (t.view(torch.int32) & -8192).view(torch.float32)
    return linear(x, cut(w), b)


@pytest.mark.parametrize("faults, op, way", [
    ({"conv2d": one_to_the_right}, "conv2d", "forward"),
    ({"linear": tf32}, "linear", "forward"),
    ({"exp": lambda exp, x: exp(x) * 1.5}, "exp", "forward"),
    ({"tanh": lambda tanh, x: tanh(x.double()).float() + 1e-3}, "tanh", "forward"),
], ids=["padding", "tf32", "exp", "tanh"])
def test_a_wrong_op_is_named(good, tmp_path, faults, op, way):
    result = found(good, tmp_path / "b.trail", faults=faults)
    assert result.jump.a["op"] == op and result.jump.a["way"] == way and not result.ok
    assert result.first.a["i"] == result.jump.a["i"], "it is also the first bit that differs"


def test_the_source_line_is_given(good, tmp_path):
    result = found(good, tmp_path / "b.trail", faults={"sin": lambda sin, x: sin(x) * 1.01})
    assert result.jump.a["line"].endswith("# the line of sin") and Path(__file__).name in result.jump.a["at"]
    text = describe(result)
    assert "first divergence" in text and "beyond rounding" in text and "sin at" in text


def test_a_wrong_gradient_is_named(tmp_path):
    def wrong(tanh, x):
        y = tanh(x)
        y.grad_fn.register_hook(lambda grads, _: tuple(-g for g in grads))
        return y

    a = trail_of(tmp_path / "a.trail")
    result = compare(a, trail_of(tmp_path / "b.trail", faults={"tanh": wrong}))
    assert result.first.a["op"] == "tanh" and result.first.a["way"] == "backward"


def test_a_momentum_that_dampens(good, tmp_path, monkeypatch):
    step = torch.optim.SGD.step

    def dampened(self, closure=None):
        found = step(self, closure)
        for state in self.state.values():
            state["momentum_buffer"] *= 0.9
        return found

    monkeypatch.setattr(torch.optim.SGD, "step", dampened)
    result = found(good, tmp_path / "b.trail")
    assert result.first.a["op"] == "SGD.step" and result.jump.a["op"] == "SGD.step"
    assert torch.optim.SGD.step is dampened, "the recorder took its wrapper off"


def test_a_draw_too_many(good, tmp_path):
    result = found(good, tmp_path / "b.trail", extra=True)
    assert result.stream.a["op"] == "dropout" and not result.ok
    assert "random streams part" in describe(result)


def test_another_order_of_summation_is_rounding(good, tmp_path):
    result = found(good, tmp_path / "b.trail", order=lambda y: y.flip(0, 1))
    assert result.ok and "nothing beyond rounding" in describe(result)
    assert {r["op"] for r in result.unpaired.kept[1]} == {"flip"} == {r["op"] for r in result.unpaired.kept[1] if r["way"] == "backward"} and result.unpaired.counts == [0, 6]


def test_a_perturbed_run_is_rounding(good, tmp_path):
    assert found(good, tmp_path / "b.trail", nudge=77).ok


def test_the_same_run_twice(good, tmp_path):
    result = found(good, tmp_path / "b.trail")
    assert result.same_bits and result.ok and result.pairs == result.same > 60


def test_our_engine_against_torch(good, tmp_path, ours):
    result = found(good, tmp_path / "b.trail", engine=ours)
    assert result.ok, describe(result)
    assert result.pairs > 60 and {r["op"] for r in result.unpaired.kept[0]} <= {"uniform_"}


def test_a_simulated_tf32_device(good, tmp_path):
    result = found(good, tmp_path / "b.trail", engine=open_engine("torch:tf32"))
    assert result.jump.a["op"] == "conv2d" and result.first.a["i"] == result.jump.a["i"]


def test_the_engine_is_as_before(ours, tmp_path):
    mt = ours.module
    before = mt.add, mt.Tensor.__add__, mt.nn.functional.linear, mt.Tensor.backward
    seen = []

    class See:
        def around(self, name, function, args, kwargs):
            seen.append(name)
            return function(*args, **kwargs)

    with pytest.raises(ZeroDivisionError), watching(ours, See()):
        assert mt.add is not before[0]
        x = mt.ones(2, requires_grad=True)
        (2 - x * 3).sum().backward()
        x += 1 / 0
    assert (mt.add, mt.Tensor.__add__, mt.nn.functional.linear, mt.Tensor.backward) == before
    assert seen == ["ones", "mul", "rsub", "sum"]


@pytest.mark.parametrize("name, plain", [("__add__", "add"), ("__iadd__", "add_"), ("__rmul__", "mul"), ("__rsub__", "rsub"), ("__truediv__", "div"),
                                         ("mul_", "mul_"), ("multiply", "mul"), ("__getitem__", "getitem"), ("__itruediv__", "div_"), ("relu", "relu")])
def test_names(name, plain):
    assert plain_name(name) == plain


def test_memory_is_bounded(tmp_path, good):
    """A trail three times as long takes no more memory: it is read in a window."""
    import tracemalloc
    head, *records, _ = good[0].read_text().splitlines()
    peaks = []
    for times in (12, 36):
        many = tmp_path / "many.trail"
        rows = (json.loads(r) for _ in range(times) for r in records)
        lines = [json.dumps({**r, "i": i}) for i, r in enumerate(rows, 1)]
        many.write_text("\n".join([head, *lines, json.dumps({"end": len(lines)})]))
        count = len(lines)
        del lines
        tracemalloc.start()
        result = compare(many, many)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert result.same_bits and result.pairs == count > 800
    assert peaks[1] < 1.2 * peaks[0]


def test_records_that_one_side_has_alone(tmp_path, good):
    """Hundreds of extra records in between do not lead the pairing astray."""
    lines = good[0].read_text().splitlines()
    extra = [json.dumps({"i": 0, "op": "getitem", "way": "forward", "at": "loader.py:1", "line": "", "in": [], "out": []})] * 300
    longer = [lines[0], *lines[1:20], *extra, *lines[20:40], *extra[:70], *lines[40:-1]]
    (tmp_path / "b.trail").write_text("\n".join([*longer, json.dumps({"end": len(longer) - 1})]))
    result = compare(good[0], tmp_path / "b.trail")
    assert result.same_bits and result.pairs == len(lines) - 2 and result.unpaired.counts == [0, 370]


@pytest.mark.parametrize("spoil, message", [
    (lambda lines: lines[:-1], "cut off"),
    (lambda lines: [*lines[:4], lines[4][:30]], ":5: not JSON"),
    (lambda lines: [*lines[:3], "[1]", *lines[3:]], ":4: expected an object"),
    (lambda lines: [*lines[:3], '{"x":1}', *lines[3:]], ":4: not a record"),
    (lambda lines: lines[1:], ":1: not a trail"),
    (lambda lines: lines[:3] + lines[4:], "records, the end says"),
    (lambda lines: [], ":1: empty"),
])
def test_a_spoilt_trail(good, tmp_path, capsys, spoil, message):
    bad = tmp_path / "bad.trail"
    bad.write_text("\n".join(spoil(good[0].read_text().splitlines())))
    assert main(["diverge", str(good[0]), str(bad)]) == 2
    error = capsys.readouterr().err
    assert message in error and "bad.trail:" in error


SCRIPT = """
import torch
x = torch.arange(12, dtype=torch.float32).reshape(3, 4).requires_grad_()
y = torch.softmax(x / 7, 1)
if len(__import__("sys").argv) > 1:
    raise KeyError("no such thing")
y.sum().backward()
"""


def test_the_command(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, "-m", "parity", "diverge", str(script), "--a", "torch:cpu", "--b", "minitorch_ref", "--keep", str(tmp_path), "--null", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "records paired" in done.stdout


def test_what_cannot_run(tmp_path, capsys):
    assert main(["diverge", str(tmp_path / "no.py"), "--keep", str(tmp_path)]) == 2
    assert "no.py: no such script" in capsys.readouterr().err
    (tmp_path / "bad.py").write_text("x = 1\nx = = 2\n")
    assert main(["diverge", str(tmp_path / "bad.py"), "--keep", str(tmp_path)]) == 2
    assert "bad.py:2: not a Python script" in capsys.readouterr().err


# ---- an op that only one side has ----------------------------------------------------------------


def test_an_extra_op_is_named_and_not_what_it_spoils(good, tmp_path):
    """Everything after it is further off, backward through saved tensors too; its own line is the answer."""
    path = trail_of(tmp_path / "x.trail", faults={"sin": lambda sin, x: sin(x)})
    lines = path.read_text().splitlines()
    assert compare(good[0], path, good[1]).ok, "the same program"

    def program_with_more(torch):
        sin = torch.sin
        torch.sin = lambda x: sin(x) * 1.0001  # an op more
        try:
            program(torch)
        finally:
            torch.sin = sin

    engine = open_engine("torch")
    writer = trail.Writer(path, engine="torch", version="", script="", argv=[])
    recorder = FaultyRecorder(engine, writer)
    with recorder.steps(), watching(engine, recorder):
        program_with_more(torch)
    writer.close()
    assert len(path.read_text().splitlines()) > len(lines)
    answer = compare(good[0], path, good[1])
    assert not answer.ok and answer.strayed and not answer.jump
    text = describe(answer)
    assert "only on torch, just before: mul at" in text and "an op more" in text.split("just before: mul")[1].split("records")[0]


def test_a_loop_is_paired_turn_by_turn(good, tmp_path):
    """One op more in one turn: all the others find their partners."""
    path = tmp_path / "x.trail"
    records = [json.loads(line) for line in good[0].read_text().splitlines()]
    steps = [k for k, r in enumerate(records) if r.get("way") == "step"]
    more = {**records[steps[0] + 1], "op": "mul", "at": "elsewhere.py:1"}
    spoilt = records[: steps[1]] + [more] + records[steps[1] :]
    spoilt[-1] = {"end": spoilt[-1]["end"] + 1}
    path.write_text("\n".join(map(json.dumps, spoilt)) + "\n")
    answer = compare(good[0], path)
    assert answer.pairs == len(records) - 2 == answer.same and answer.unpaired.counts == [0, 1]


@pytest.mark.parametrize("seed", range(8))
def test_the_longest_common_subsequence(seed):
    """Against the definition, by trying all subsequences of the shorter side."""
    import itertools
    import random
    draw = random.Random(seed)
    a, b = ([(draw.choice("xyz"),) for _ in range(draw.randrange(9))] for _ in range(2))
    pairs = list(common(a, b))
    assert all(a[i] == b[j] for i, j in pairs) and all(p < q and r < s for (p, r), (q, s) in zip(pairs, pairs[1:]))

    def is_in(few, many):
        rest = iter(many)
        return all(x in rest for x in few)

    longest = max(n for n in range(len(a) + 1) if any(is_in(c, b) for c in itertools.combinations(a, n)))
    assert len(pairs) == longest


def test_turns_of_a_loop_are_paired_with_the_same_turns():
    """Though one side does much more in each turn, and the window holds twice as many of the other's."""
    turns = range(11)
    a = [item for _ in turns for item in [("step",), ("loss",), *[("a's own",)] * 20]]
    b = [item for _ in turns for item in [("step",), *[("b's own",)] * 45, ("loss",)]]
    pairs = list(common(a[:256], b[:256]))
    assert len(pairs) == 11 and all(i // 22 == j // 47 for i, j in pairs)


def test_a_long_window_is_paired_quickly():
    import time
    keys = [(k % 37,) for k in range(512)]
    began = time.process_time()
    assert len(list(common(keys, keys[1:]))) == 511
    assert time.process_time() - began < 0.5


def test_a_module_that_is_imported_while_somebody_watches_keeps_no_wrapper(monkeypatch):
    import sys
    import types

    from parity.watch import watching
    engine, seen = open_engine("minitorch_ref"), []

    class Watcher:
        def around(self, name, function, args, kwargs):
            seen.append(name)
            return function(*args, **kwargs)

    plain, late = engine.module.sin, types.ModuleType("minitorch_ref.late")
    monkeypatch.setitem(sys.modules, "minitorch_ref.late", late)
    x = engine.module.ones(2)
    with watching(engine, Watcher()):
        late.sin = held = engine.module.sin
        late.sin(x)
    assert late.sin is plain is engine.module.sin and held is not plain
    held(x), late.sin(x)
    assert seen == ["sin"]
