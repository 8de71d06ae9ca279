"""Peers: what they cannot run is left out of the row, what they run computes the same."""

from __future__ import annotations

import importlib.util
import json

import numpy as np
import pytest
import torch

from benchmarks import __main__ as command
from benchmarks import compare, engines, jobs, report, worker
from benchmarks.job import Formula, Job
from benchmarks.training import LeNet5

jax = pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed")


def arrays(result):
    if isinstance(result, tuple | list):
        return [array for part in result for array in arrays(part)]
    return [np.asarray(result)]


def agree(a, b):
    assert len(arrays(a)) == len(arrays(b))
    for x, y in zip(arrays(a), arrays(b)):
        assert x.shape == y.shape
        np.testing.assert_allclose(x, y, rtol=1e-4, atol=2e-3)


def test_formula_gives_the_value_or_the_gradient_of_every_tensor():
    call = lambda t, x, y: t.sin(x) * y
    value = Formula(call, ((5,), (5,)))(torch)()
    x, y, g = (torch.tensor(v) for v in drawn(3))
    torch.testing.assert_close(value, torch.sin(x) * y)
    dx, dy = Formula(call, ((5,), (5,)), grad=True)(torch)()
    torch.testing.assert_close(dx, torch.cos(x) * y * g)
    torch.testing.assert_close(dy, torch.sin(x) * g)


def drawn(count):
    return [np.random.default_rng(i).standard_normal(5, dtype=np.float32) for i in range(count)]


def test_a_peer_that_lacks_a_job_is_left_out_of_its_row():
    kept = worker.measure("rand", 1, ["minitorch_ref", "torch.compile"], 1)
    assert set(kept["seconds"]) == {"minitorch_ref"} and kept["ratios"] == {}


def test_jobs_that_are_not_compiled_exist():
    assert engines.NOT_COMPILED <= set(jobs.JOBS)


def test_torch_compile_gets_the_same_function(monkeypatch):
    seen = []
    monkeypatch.setattr(torch, "compile", lambda run: seen.append(run) or run)
    run = engines.build("torch.compile", jobs.JOBS["tiny-add"], torch.get_num_threads())
    agree(run(), jobs.JOBS["tiny-add"].build(torch)())
    assert seen == [run]


def test_table_and_chart_leave_holes(tmp_path):
    one = {"median": 1.0, "low": 0.9, "high": 1.1}
    results = [
        {"job": "rand", "threads": 1, "seconds": {"minitorch_ref": one}, "ratios": {}},
        {"job": "sort", "threads": 1, "seconds": {"minitorch_ref": one, "jax": one},
         "ratios": {"jax": one}},
    ]  # fmt: skip
    document = {"format": compare.FORMAT, "engine": "minitorch_ref", "peers": ["jax"],
                "machine": {"processor": "p", "cores": 2}, "results": results}  # fmt: skip
    columns = {c.header: list(c.cells) for c in report.table(document).columns}
    assert columns["jax"] == ["", "1 s ±10%"] and columns["over jax"][0] == ""
    report.chart(document, tmp_path / "ratios.png")
    assert (tmp_path / "ratios.png").exists()
    assert compare.slower(document, document) == ([], 2)


def test_peers_that_are_not_installed_are_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(engines, "installed", lambda name: name == "torch")
    monkeypatch.setattr(worker, "measure", lambda *_: {})
    monkeypatch.setattr(worker, "process", lambda *_: {})
    monkeypatch.setattr(command, "show", lambda *_: None)
    names = ["torch", "jax", "torch.compile"]
    assert command.main(["rand", "--peers", *names, "--out", str(tmp_path)]) == 0
    told = capsys.readouterr().err
    assert "not installed: jax" in told and "not installed: torch.compile" in told
    assert json.loads((tmp_path / "benchmarks.json").read_text())["peers"] == ["torch"]


ON_JAX = [
    "matmul-batched", "linear-training", "conv-lenet1-training", "conv-strided-training",
    "conv-depthwise-training", "conv-1x1-forward", "max-pool-training", "avg-pool-training",
    "relu-training", "gelu-training", "elu-training", "tanh-sum", "pointwise-chain-training",
    "sum-first", "lenet5-16", "inference-256",
]  # fmt: skip


@jax
@pytest.mark.parametrize("name", ON_JAX)
def test_jax_computes_the_same(name):
    job = jobs.JOBS[name]
    agree(engines.build("jax", job, 1)(), job.build(torch)())


@jax
def test_jax_trains_as_torch_does():
    job = Job("lenet5-4", "", LeNet5(4))
    ours, theirs = engines.build("jax", job, 1), job.build(torch)
    for _ in range(5):
        assert ours() == pytest.approx(theirs(), rel=1e-5)


@jax
@pytest.mark.parametrize("name", ["sort", "embedding", "import", "layer-norm-training", "topk"])
def test_what_jax_lacks_is_said(name):
    with pytest.raises(engines.LackingError):
        engines.build("jax", jobs.JOBS[name], 1)
