"""The backward pass in a trail: one record for each op, whatever nodes an engine makes of it."""

import sys

import numpy as np
import pytest
import torch
from faults import FaultyRecorder

from parity import trail
from parity.__main__ import main
from parity.engines import open_engine
from parity.trail_run import Recorder
from parity.watch import SILENT, _targets, plain_name, watching


def backward_records(path):
    return [(r["op"], r["in"], r["out"]) for r in trail.read(path)[1] if r["way"] == "backward"]


def apart(x):
    """tanh through e²ˣ: five nodes instead of one."""
    double = torch.exp(2 * x)
    return (double - 1) / (double + 1)


LAYERS = """
import torch
from torch import nn

torch.manual_seed(0)
for layer in (
    nn.LSTM(5, 6, num_layers=2, bidirectional=True, dropout=0.3), nn.GRU(5, 6), nn.RNN(5, 6),
    nn.MultiheadAttention(5, 1), nn.TransformerEncoderLayer(5, 1, 7),
    nn.Sequential(nn.Linear(5, 6), nn.LayerNorm(6), nn.GELU()),
):
    opt = torch.optim.SGD(layer.parameters(), lr=0.1)
    for step in range(2):
        x = torch.randn(7, 4, 5)
        out = layer(x, x, x) if isinstance(layer, nn.MultiheadAttention) else layer(x)
        out = out[0] if isinstance(out, tuple) else out
        opt.zero_grad()
        (out**2).mean().backward()
        nn.utils.clip_grad_norm_(layer.parameters(), 0.5)
        opt.step()
"""


def test_layers_that_the_engines_take_apart_differently_are_no_divergence(tmp_path):
    script = tmp_path / "layers.py"
    script.write_text(LAYERS)
    assert main(["diverge", str(script), "--null", "2", "--keep", str(tmp_path)]) == 0
    sides = [backward_records(tmp_path / f"layers.{s}.trail") for s in "ab"]
    names = [[r[0] for r in side] for side in sides]
    assert names[0] == names[1] and len(names[0]) >= 36, "as many on either side, in one order"


def test_the_gradients_that_leave_an_op_are_those_of_autograd(tmp_path):
    """An op of five nodes: what the trail says left it is what torch says is the gradient of its input."""
    x = torch.linspace(-1, 1, 6, requires_grad=True)
    path = tmp_path / "one.trail"
    engine, writer = open_engine("torch"), trail.Writer(path, engine="torch")
    recorder = FaultyRecorder(engine, writer, None, {"tanh": lambda op, v: apart(v)})
    with watching(engine, recorder):
        y = torch.tanh(x)
        (y * torch.arange(6.0)).sum().backward()
    writer.close()
    (record,) = [r for r in trail.read(path)[1] if r["way"] == "backward" and r["op"] == "tanh"]
    assert [t["d"] for t in record["in"]] == [trail.digest(np.arange(6, dtype=np.float32))]
    assert len(record["out"]) == 1, "the shares of the two uses of e²ˣ are one gradient"
    assert record["out"][0]["v"] == pytest.approx(
        x.grad.numpy()[np.array(range(6))].tolist(), rel=1e-6
    )


def test_a_graph_that_is_walked_twice_gives_two_records(tmp_path):
    path = tmp_path / "two.trail"
    engine, writer = open_engine("torch"), trail.Writer(path, engine="torch")
    recorder = Recorder(engine, writer)
    with watching(engine, recorder):
        x = torch.ones(3, requires_grad=True)
        y = torch.exp(x).sum()
        y.backward(retain_graph=True)
        y.backward()
    writer.close()
    assert [r[0] for r in backward_records(path)].count("exp") == 2


def test_sparse_gradients_are_recorded_as_dense_ones(tmp_path):
    script = tmp_path / "sparse.py"
    script.write_text(
        "import torch\ne = torch.nn.Embedding(4, 3, sparse=True)\ne(torch.tensor([1, 2, 1])).sum().backward()\n"
    )
    assert (
        main(["diverge", str(script), "--a", "torch", "--record", str(tmp_path / "s.trail")]) == 0
    )
    (record,) = [r for r in backward_records(tmp_path / "s.trail") if r[0] == "embedding"]
    assert record[2][0]["f"] == [0.0, 2.0, 0.75], "extremes and mean of the dense one"


def test_both_engines_call_every_op_by_one_name():
    """Aliases (sigmoid is special.expit, arccos acos) and torch's prefixes must not keep records apart."""

    ours, theirs = open_engine("minitorch_ref"), open_engine("torch")
    recorded = _targets(ours)
    registry = sys.modules["minitorch_ref.ops.registry"].REGISTRY
    unlike, count = [], 0
    for (space, name), op in registry.items():
        reference = theirs.find_method(name) if space == "Tensor" else theirs.find(space, name)
        label = getattr(reference, "__name__", "")
        if (
            not label
            or name.strip("_") in SILENT
            or label.strip("_") in SILENT
            or id(op.call) not in recorded
        ):
            continue
        count += 1
        if plain_name(recorded[id(op.call)][1]) != plain_name(label):
            unlike.append((space, name, recorded[id(op.call)][1], label))
    assert not unlike and count > 600
