"""The scaling series: the points are jobs, the lines are fitted, the picture is drawn."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import minitorch_ref
from benchmarks import __main__ as command
from benchmarks import jobs, scaling, worker

FLAT = {
    s.name: {"sizes": list(s.sizes), "minitorch_ref": [1e-6] * len(s.sizes)} for s in scaling.SERIES
}


def test_every_point_is_timed_and_divided_by_its_work(monkeypatch):
    """Engines that take a second for every unit of work, and two."""

    def measure(name, threads, engines, rounds, clock, budget, fewest):
        work = next(s.units(n) for s in scaling.SERIES for n in s.sizes if s.point(n).name == name)
        seconds = {e: {"median": work * (i + 1.0)} for i, e in enumerate(engines)}
        return {"seconds": seconds}

    told = []
    monkeypatch.setattr(worker, "measure", measure)
    found = scaling.measure(["minitorch_ref", "torch"], 1, "wall", told.append)
    assert told == list(scaling.POINTS)
    for series in scaling.SERIES:
        assert found[series.name]["sizes"] == list(series.sizes)
        assert found[series.name]["minitorch_ref"] == [1.0] * len(series.sizes)
        assert found[series.name]["torch"] == [2.0] * len(series.sizes)
    for fits in scaling.lines(found).values():
        for fit in fits.values():
            assert fit == pytest.approx((1, 1, 1))


def test_a_point_is_measured_like_a_job():
    name = scaling.SERIES[1].point(10).name
    kept = worker.measure(name, 1, ["minitorch_ref"], 3, "wall", 0.1, 2)
    assert kept["job"] == name and 1e-6 < kept["seconds"]["minitorch_ref"]["median"] < 1e-1


def test_points_are_the_same_work_at_the_smallest_size():
    for series in scaling.SERIES:
        build = jobs.find(series.point(series.sizes[0]).name).build
        ours, theirs = (build(e)() for e in (minitorch_ref, torch))
        for a, b in zip(*(r if isinstance(r, tuple) else (r,) for r in (ours, theirs)), strict=True):
            np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_slope_is_the_power_of_the_growth(power):
    work = [4.0**i for i in range(7)]
    fit = scaling.line(work, [3e-6 * w**power for w in work])
    assert fit == pytest.approx((power, 1.0, power))


def test_a_bend_is_seen():
    """A cost that is fixed first and grows as the square then: steep at the end, off the line."""
    work = [10.0**i for i in range(7)]
    fit = scaling.line(work, [1e3 + w**2 for w in work])
    assert fit.tail > 1.9 and fit.off > 5


def test_fixed_cost_is_seen_in_the_slope_but_not_in_the_tail():
    work = [10.0**i for i in range(1, 7)]
    fit = scaling.line(work, [100 + w for w in work])
    assert fit.slope < 0.9 and fit.tail == pytest.approx(1, abs=0.03)


def test_off_is_the_factor_of_one_outlier_at_most():
    seconds = [1.0] * 9
    seconds[4] = 3.0
    fit = scaling.line([2.0**i for i in range(9)], seconds)
    assert fit.slope == pytest.approx(0, abs=1e-12) and fit.off == pytest.approx(3 ** (8 / 9))


def test_lines_are_told_for_each_series_and_engine():
    told = scaling.told_lines(FLAT)
    assert len(told) == len(scaling.SERIES)
    assert told[0].startswith("batch, minitorch_ref: time grows as work^1.00, ^1.00 in its upper")


def test_plot_is_a_picture(tmp_path):
    scaling.plot(FLAT, "title", tmp_path / "new" / "scaling.png")
    assert (tmp_path / "new" / "scaling.png").read_bytes().startswith(b"\x89PNG")


def test_growth_goes_into_the_file_and_a_picture(tmp_path, monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(scaling, "measure", lambda names, *_: asked.append(names) or FLAT)
    document = {"peers": ["torch.compile", "torch"], "machine": {"processor": "t"}, "clock": "wall"}
    assert command.measure_growth([1, 2], document, tmp_path / "scaling.png") == []
    assert set(document["scaling"]) == {"1", "2"} and (tmp_path / "scaling.png").exists()
    assert document["lines"]["2"]["chain"]["minitorch_ref"]["slope"] == pytest.approx(1)
    assert asked == [["minitorch_ref", "torch"]] * 2
    assert "work^1.00" in capsys.readouterr().out


def test_growth_that_fails_is_told(tmp_path, monkeypatch):
    def fail(*_):
        raise worker.JobFailedError("scaling-batch-1: it broke")

    monkeypatch.setattr(scaling, "measure", fail)
    document = {"peers": [], "machine": {"processor": "t"}, "clock": "wall"}
    failures = command.measure_growth([1], document, tmp_path / "scaling.png")
    assert failures == ["scaling-batch-1: it broke"] and not (tmp_path / "scaling.png").exists()
