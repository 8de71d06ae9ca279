"""The floor, the memory figure, turns in processes, and what a run that is cut short leaves."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import __main__ as command
from benchmarks import compare, jobs, memory, report, roofline, timing, worker
from benchmarks.job import Work
from benchmarks.turns import Server, Turns, TurnsEndedError, answer

PEAKS = roofline.Peaks(multiply_adds=1e10, bytes=2e10)


def test_floor_is_the_slower_of_arithmetic_and_memory():
    assert roofline.floor(Work(1e10, 0), PEAKS) == 1.0
    assert roofline.floor(Work(1e10, 4e10), PEAKS) == 2.0
    assert roofline.floor(Work(), PEAKS) == 0.0


def test_peaks_are_those_of_a_real_machine():
    found = roofline.peaks(1)
    assert 1e8 < found.multiply_adds < 1e13 and 1e8 < found.bytes < 1e13


@pytest.mark.parametrize("name", ["conv-lenet1", "conv-strided", "conv-depthwise", "conv-1x1"])
def test_multiply_adds_of_a_convolution(name):
    """Counted by torch: a convolution of ones, with no padding to spoil it, adds K ones an output."""
    job = jobs.JOBS[f"{name}-forward"]
    y = np.asarray(job.build(torch)())
    weights = {"conv-lenet1": 75, "conv-strided": 576, "conv-depthwise": 9, "conv-1x1": 128}[name]
    assert job.work.multiply_adds == y.size * weights
    assert jobs.JOBS[f"{name}-training"].work.multiply_adds == 3 * job.work.multiply_adds


def test_multiply_adds_of_lenet5():
    """The products of a step, from the parameters: each weight meets each of its output places."""
    from minitorch_ref.programs.nets import lenet5

    places = {"conv1": 28 * 28, "conv2": 10 * 10}
    forward = {
        name: math_prod(p.shape) * places.get(name.split(".")[0], 1)
        for name, p in lenet5(torch).named_parameters()
        if name.endswith("weight")
    }
    step = 3 * sum(forward.values()) - forward["conv1.weight"]
    assert jobs.JOBS["lenet5-16"].work.multiply_adds == 16 * step
    assert jobs.JOBS["inference-256"].work.multiply_adds == 256 * sum(forward.values())


def math_prod(shape):
    return int(np.prod(tuple(shape)))


def test_share_of_the_peak_is_shown():
    result = {"job": "matmul-1024", "threads": 1, "seconds": {"minitorch_ref": {"median": 1024**3 / 5e9}}}
    document = {"engine": "minitorch_ref", "peaks": {"1": PEAKS._asdict()}}
    assert report.floor_and_share(document, result) == ("107 ms", "50%")
    assert report.floor_and_share({**document, "peaks": {}}, result) == ("", "")
    assert report.floor_and_share(document, {**result, "job": "import"}) == ("", "")


def test_every_job_names_its_work_or_is_about_calls():
    calls = {"pipeline", "vision-epoch", "sigmoid-epoch", "admissions-epoch", "import", "chain-20"}
    without = {name for name, job in jobs.JOBS.items() if not any(job.work)}
    assert without == calls | {"tiny-add", "tiny-forward", "tiny-backward"}


@pytest.mark.skipif(not memory.STATUS.exists(), reason="the system does not tell")
def test_memory_process_measures_a_step():
    found = worker.process("memory", ["minitorch_ref"], 1, "memory")
    images = memory.BATCH * 3 * 32 * 32 * 4
    assert images < found < 200 * images


STEPS = """
import sys
import numpy as np
from benchmarks import memory
size = int(sys.argv[1])
memory.LeNet5 = lambda batch: lambda torch: lambda: np.ones(size if batch > 1 else 1, np.uint8)
print(memory.peak("minitorch_ref", 1))
"""


def test_memory_counts_what_a_step_needs():
    """A step that fills 64 MiB more is seen to; in processes whose heap holds nothing in reserve."""
    if not memory.STATUS.exists():
        pytest.skip("the system does not tell")
    peaks = []
    for size in (1 << 20, 65 << 20):
        command = [sys.executable, "-c", STEPS, str(size)]
        done = subprocess.run(
            command, env=worker.environment(1), capture_output=True, text=True, timeout=120, check=True
        )
        peaks.append(int(done.stdout))
    assert peaks[1] - peaks[0] > 60 << 20


def test_each_job_is_saved_before_the_next(tmp_path, monkeypatch):
    """A run that is cut short leaves what it has measured."""
    kept = []

    def measure(job, threads, engines, rounds, clock):
        path = tmp_path / "benchmarks.json"
        kept.append(len(json.loads(path.read_text())["results"]) if path.exists() else 0)
        if len(kept) == 3:
            raise KeyboardInterrupt
        one = {"median": 1.0, "low": 1.0, "high": 1.0}
        return {"job": job, "threads": threads, "seconds": dict.fromkeys(engines, one),
                "ratios": {"torch": one}}  # fmt: skip

    monkeypatch.setattr(worker, "measure", measure)
    monkeypatch.setattr(worker, "process", lambda *_: PEAKS._asdict())
    with pytest.raises(KeyboardInterrupt):
        command.main(["conv-3x3", "conv-1x1", "--out", str(tmp_path)])
    assert kept == [0, 1, 2]
    assert len(compare.load(tmp_path / "benchmarks.json")["results"]) == 2


def test_processes_print_json():
    assert set(worker.process("roofline", [], 1, "roofline")) == {"multiply_adds", "bytes"}
    with pytest.raises(worker.JobFailedError, match="^memory: .*no_such_engine"):
        worker.process("memory", ["no_such_engine"], 1, "memory")


@pytest.fixture
def server():
    made = Server("minitorch_ref", 1, environment=worker.environment(1))
    yield made
    made.close()
    assert made.process.poll() is not None


def test_turns_are_taken_in_another_process(server):
    turns = Turns(server, "tiny-forward")
    assert turns.wait()
    assert 1e-7 < turns.turn(100, False) < 1e-2
    assert server.process.pid != os.getpid()
    assert 1e-7 < timing.turn(turns, 3) < 1e-1
    turns.close()


def test_each_job_gets_a_fork_of_its_own(server):
    for name in ("tiny-forward", "no_such_job", "tiny-add"):
        turns = Turns(server, name)
        if name == "no_such_job":
            with pytest.raises(TurnsEndedError, match="no_such_job on minitorch_ref: .*unknown job"):
                turns.wait()
            continue
        assert turns.wait() and turns.turn(1, True) > 0
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
        if children.exists():
            assert len(children.read_text().split()) == 1
        turns.close()


def test_a_server_has_computed_nothing():
    """What would make a fork unsafe or unfair: threads, or a heap that was told to keep memory."""
    ask = """
import importlib, os, sys
from benchmarks import engines
for name in engines.preloaded(sys.argv[1]): importlib.import_module(name)
from minitorch_ref.kernels import heap, threads
print(len(os.listdir("/proc/self/task")), heap.keep.cache_info().currsize, threads._pool)
"""
    for engine in ("minitorch_ref", "torch"):
        command = [sys.executable, "-c", ask, engine]
        done = subprocess.run(command, env=worker.environment(1), capture_output=True, text=True, timeout=200)
        assert done.stdout == "1 0 None\n", done.stderr


def test_a_job_that_hangs_is_ended(monkeypatch):
    monkeypatch.setattr(worker, "TIMEOUT", 0.01)
    with pytest.raises(worker.JobFailedError, match="vision-epoch: took longer than 0.01 s"):
        worker.measure("vision-epoch", 1, ["minitorch_ref"], 5)


def test_a_slow_job_takes_longer_in_its_turn(monkeypatch, capsys):
    """The process's own loop: what it prints is the time of one call."""
    slow = jobs.Job("slow", "", lambda torch: lambda: time.sleep(0.01))
    monkeypatch.setitem(jobs.JOBS, "slow", slow)
    monkeypatch.setattr("sys.stdin", io.StringIO("2 0\n3 1\n\n9 9\n"))
    answer("slow", "minitorch_ref", 1)
    words = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [w[0] for w in words] == ["turns:"] * 3 and words[0][1] == "ready"
    assert all(0.01 <= float(w[1]) < 0.1 for w in words[1:])


@pytest.mark.parametrize("cold", [False, True])
def test_a_job_is_called_once_before_it_is_timed_unless_cold(monkeypatch, cold):
    """Whatever is loaded or compiled at the first call is not in the figure."""
    called = []
    job = jobs.Job("job", "", lambda torch: lambda: called.append(0), cold=cold)
    monkeypatch.setitem(jobs.JOBS, "job", job)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    answer("job", "minitorch_ref", 1)
    assert len(called) == (0 if cold else 1)


def test_the_processors_clock_leaves_out_what_others_do():
    """Sleeping takes no processor time; counting does."""
    assert timing.turn(lambda: time.sleep(0.02), 2, clock="processor") < 0.01
    assert timing.turn(lambda: sum(range(1_000_000)), 2, clock="processor") > 0.001


def test_the_processors_clock_counts_what_a_process_below_does():
    command = [sys.executable, "-c", "sum(range(3_000_000))"]
    assert timing.turn(lambda: subprocess.run(command, check=True, timeout=200), 1, True, "processor") > 0.02
