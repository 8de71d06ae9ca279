"""The jobs that are timed compute the same on both engines, so a ratio compares equal work."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import minitorch_ref
from benchmarks import jobs

# matmul-1024 adds 1,024 products of normal numbers; the others fewer, but for one:
RTOL, ATOL = 2e-5, 3e-4
# The weight gradient of conv-3x3 adds n = 8·28·28 products: a total of size √n whose rounding errors, a
# random walk of n steps, come to about u·√n·√n on each engine, so at most twice that between them.
LONGEST_SUM = 2 * (8 * 28 * 28) * 2.0**-24
QUICK = [name for name in jobs.JOBS if name != "import"]


def numbers(result):
    """A job's result as a list of NumPy arrays."""
    if isinstance(result, tuple | list):
        return [array for part in result for array in numbers(part)]
    return [np.asarray(result.detach().numpy() if hasattr(result, "detach") else result)]


def assert_same_work(build, atol=ATOL):
    ours, theirs = (numbers(build(engine)()) for engine in (minitorch_ref, torch))
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs):
        assert a.shape == b.shape and a.dtype == b.dtype
        assert a.size > 0 and np.isfinite(b).all()
        np.testing.assert_allclose(a, b, rtol=RTOL, atol=atol)


@pytest.mark.parametrize("name", QUICK)
def test_same_numbers_on_both_engines(name):
    assert_same_work(jobs.JOBS[name].build, LONGEST_SUM if name == "conv-3x3-training" else ATOL)


def test_unequal_work_is_noticed():
    def build(engine):
        x = jobs.draw(engine, 8, 8)
        return lambda: engine.matmul(x, x) + (0.01 if engine is torch else 0)

    with pytest.raises(AssertionError):
        assert_same_work(build)


def test_lenet5_step_trains():
    step = jobs.JOBS["lenet5-16"].build(minitorch_ref)
    losses = [step() for _ in range(40)]
    assert isinstance(losses[0], float) and losses[-1] < losses[0]


def test_steps_stay_together_over_several_calls():
    """Timing calls the step again and again; the engines must still be doing the same work."""
    steps = [jobs.JOBS["lenet5-16"].build(engine) for engine in (minitorch_ref, torch)]
    for _ in range(10):
        ours, theirs = (step() for step in steps)
        assert ours == pytest.approx(theirs, rel=1e-5)


def test_backward_job_does_not_accumulate():
    run = jobs.JOBS["tiny-backward"].build(minitorch_ref)
    first, again = numbers(run()), numbers(run())
    for a, b in zip(first, again):
        np.testing.assert_array_equal(a, b)


def test_import_job_runs_the_engine_it_is_given():
    assert jobs.JOBS["import"].build(minitorch_ref)() == 0


def test_select_by_name_and_first_words():
    assert [j.name for j in jobs.select(["lenet5"])] == ["lenet5-16", "lenet5-64", "lenet5-256"]
    assert [j.name for j in jobs.select(["import"])] == ["import"]
    assert len(jobs.select([])) == len(jobs.JOBS)
    both = [j.name for j in jobs.select(["matmul-1024", "conv-3x3-forward"])]
    assert sorted(both, key=list(jobs.JOBS).index) == both and len(both) == 2


@pytest.mark.parametrize("name", ["lenet", "matmul-", "", "nonsense"])
def test_unknown_job_is_named(name):
    with pytest.raises(jobs.UnknownJobError, match=f"unknown job '{name}'.*lenet5-16"):
        jobs.select([name])
