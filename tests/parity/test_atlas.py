"""The atlas: it looks where it says, draws what it finds, and its ratchet catches a worse engine."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from faults import Faulty, custom
from hypothesis import given, settings
from hypothesis import strategies as st

from parity import accuracy, atlas, atlas_page, atlas_points, atlas_ratchet, ulp
from parity.__main__ import main
from parity.accuracy import Case
from parity.engines import EngineError, open_engine
from parity.ledger import processor

OURS, TORCH = open_engine("minitorch_ref"), open_engine("torch")
FLOATS = [np.dtype(n) for n in ("float16", "float32", "float64")]


def three_up(x):
    """exp, three ULP too large."""
    y = torch.exp(x)
    up = torch.full_like(y, torch.inf)
    return torch.nextafter(torch.nextafter(torch.nextafter(y, up), up), up)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@given(st.integers(-(2**62), 2**62))
@settings(max_examples=60, deadline=None)
def test_number_undoes_ordered(dtype, place):
    place = np.array([place % (2 * atlas_points.largest(dtype) + 1) - atlas_points.largest(dtype)])
    assert ulp.ordered(atlas_points.number(place, dtype)) == place


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_the_line_has_denormals_huge_numbers_and_both_signs(dtype):
    x, info = atlas_points.line(dtype), np.finfo(dtype)
    assert (np.diff(ulp.ordered(x)) > 0).all() and x[0] == -info.max and x[-1] == info.max
    assert ((np.abs(x) < info.tiny) & (x != 0)).any()
    if dtype == np.float16:
        assert len(x) == 63_487 and set(np.diff(ulp.ordered(x))) == {1}, "every number there is; ±0 once"


@pytest.mark.parametrize("name, dtype, place, kind", [
    ("exp", "float32", 128 * math.log(2), "positive → inf"), ("exp", "float32", -126 * math.log(2), "denormal → positive"),
    ("exp", "float32", -150 * math.log(2), "0 → denormal"), ("exp", "float64", 1024 * math.log(2), "positive → inf"),
    ("log", "float32", 1.0, "negative → 0"), ("acosh", "float64", 1.0, "nan → 0"), ("digamma", "float32", 1.4616321, "negative → positive"),
])
def test_edges_are_found_to_the_last_bit(name, dtype, place, kind):
    dtype = np.dtype(dtype)
    found = {k: x for x, k in atlas_points.edges(lambda x: accuracy.call(TORCH, Case(name, ("whole line",)), [x]), dtype) if abs(x - place) < 1e-4}
    assert kind in found
    assert found[kind] == pytest.approx(place, rel=2 * float(np.finfo(dtype).eps))


def test_letters_and_columns():
    assert atlas.level(np.array([0.0, 2.0**-4, 0.5, 2.0, 2.0**30, ulp.FAR, -1.0])) == ["0", "1", "a", "g", "Y", "Z", "."]
    assert atlas._columns(np.array([0.0, 0.1, 0.99, 1.0]), np.array([0.5, 2.0, 0.0, 0.5]), 4) == "g..a"
    assert atlas._cells(np.array([0.0]), np.array([1.0]), np.array([2.0])) == "g" + "." * 255
    assert len(atlas.BINS) == 25, "the page draws 24 bins"


def record(engine, name, dtype="float32", part="out", depth=atlas.Depth(300, 512, 40)):
    (found,) = [r for r in atlas.survey(engine, TORCH, name, (dtype,), depth) if r["part"] == part]
    return found


def test_a_fault_shows_in_histogram_map_and_figures():
    good, bad = record(OURS, "exp"), record(Faulty("exp", three_up), "exp")
    assert good["ours"]["worst"] <= 2 and good["theirs"]["worst"] < 1 and 2.9 < bad["ours"]["worst"] < 7
    assert bad["theirs"] == good["theirs"]
    assert sum(bad["ours"]["histogram"]) == bad["points"] == good["points"]
    assert sum(bad["ours"]["histogram"][19:]) > 300, "to the right of +1.75"
    assert sum(bad["ours"]["histogram"][:11]) == 0, "none is too small"
    whole = next(r for r in bad["regions"] if r["text"] == "whole line")
    assert len(whole["map"][0]) == atlas.COLUMNS and max(whole["map"][0]) > max(whole["map"][1])


def test_a_wrong_slope_is_seen_where_the_value_is_right():
    wrong = Faulty("sin", custom(torch.sin, lambda g, x: -g * torch.cos(x)))
    assert record(wrong, "sin")["ours"] == record(wrong, "sin")["theirs"]
    slope = record(wrong, "sin", part="grad[0]")
    assert slope["ours"]["p99"] > 1e6 > 10 > slope["theirs"]["p99"] and not atlas_page.keeps(slope)


def test_an_oracle_that_cancels_is_found_out():
    """x − tanh(x) in double precision has no digit left at 1e-9: taken as truth it would blame the right answer."""
    x = np.linspace(1e-9, 1e-8, 500, dtype=np.float32)
    right = Faulty("tanhshrink", lambda t: t.double().pow(3).div(3).to(t.dtype), namespace="nn.functional")
    found = accuracy.evaluate(right, TORCH, Case("nn.functional.tanhshrink", (1e-9, 1e-8)), [x])
    assert (found.proven or Case("nn.functional.tanhshrink", ()).doubtful) and np.abs(found.ours).max() <= 1 and np.abs(found.theirs).max() > 1e6


def test_float64_is_judged_by_mpmath():
    found = record(OURS, "log", "float64")
    assert 0.3 < found["ours"]["worst"] <= 2 and not found["ours"]["wrong"]


# ---- the ratchet -----------------------------------------------------------------------------------


def data(engine, *names, build=None):
    depth = atlas.Depth(300, 512, 40)
    records = [r for n in names for r in atlas.survey(engine, TORCH, n, ("float32",), depth)]
    return {"records": records, "build": build or {"numpy": "1"}}


@pytest.fixture
def stored(tmp_path):
    path, run = tmp_path / "stored.json", data(OURS, "exp", "log")
    atlas_ratchet.store(path, run["records"], atlas.Depth(300, 512, 40), run["build"])
    return atlas_ratchet.load(path)


def test_the_same_run_is_not_worse(stored):
    again = data(OURS, "exp", "log")
    assert atlas_ratchet.report(stored, again, "", ("float32",)) == 0


@pytest.mark.parametrize("build", ["1", "2"])
def test_a_planted_three_ulp_exp_fails_the_ratchet(stored, capsys, build):
    """On the stored build, and on any other."""
    run = data(Faulty("exp", three_up), "exp", build={"numpy": build})
    assert atlas_ratchet.report(stored, run, "exp", ("float32",)) == 1
    out = capsys.readouterr().out
    assert "exp out float32: worst" in out and "times" in out and "worst at" in out


def test_another_build_may_round_otherwise_but_not_break_the_contract(stored):
    run = data(OURS, "exp", build={"numpy": "2"})
    for figures in stored["figures"].values():
        figures[:] = [v / 2 for v in figures]
    assert not atlas_ratchet.worse(stored, run)
    assert atlas_ratchet.worse(stored, run | {"build": stored["build"]})


def test_a_record_that_is_gone_fails(stored, capsys):
    run = data(OURS, "exp")
    assert atlas_ratchet.report(stored, run, "", ("float32",)) == 1
    assert "not measured any more: log out float32" in capsys.readouterr().out
    assert atlas_ratchet.report(stored, run, "exp", ("float32",)) == 0


@given(st.floats(0, 1e18))
def test_stored_figures_are_rounded_up(value):
    assert value <= atlas_ratchet._up(value) <= value * 1.0001


@pytest.mark.parametrize("text, message", [
    ("{\n\"format\": 1,\n oops", ":3: the stored atlas is not JSON"), ("[]", "format 1"), ('{"format": 1}', "build, depth and figures"),
    ('{"format": 1, "build": {}, "depth": {}, "figures": {"exp out float32": [1]}}', "exp out float32"),
])
def test_a_malformed_file_could_not_run(tmp_path, capsys, text, message):
    path = tmp_path / "stored.json"
    path.write_text(text)
    assert main(["atlas", "-k", "exp2", "--against", str(path), "--out", str(tmp_path / "out")]) == 2
    assert message in capsys.readouterr().err and path.read_text() == text and not (tmp_path / "out").exists()
    with pytest.raises(EngineError):
        atlas_ratchet.load(path)


@pytest.mark.skipif(processor() not in ("AVX512", "AVX2"), reason="another kind of processor")
def test_the_stored_figures_hold(tmp_path):
    """A few functions against the figures that the repository keeps, over the same points."""
    kept = atlas_ratchet.load(atlas_ratchet.kept(processor()))
    depth = atlas.Depth(**kept["depth"])
    records = [r for n in ("sqrt", "exp", "erf") for r in atlas.survey(OURS, TORCH, n, ("float32",), depth)]
    run = {"records": records, "build": atlas_ratchet.build(TORCH)}
    assert len(records) == 6 and not atlas_ratchet.worse(kept, run)
    planted = list(atlas.survey(Faulty("exp", three_up), TORCH, "exp", ("float32",), depth))
    assert any(t.startswith("exp out float32: worst") for t in atlas_ratchet.worse(kept, run | {"records": planted}))


@pytest.mark.parametrize("kind", ["AVX512", "AVX2"])
def test_the_stored_figures_are_of_the_processor_that_their_name_says(kind):
    kept = atlas_ratchet.load(atlas_ratchet.kept(kind))
    assert kept["build"]["cpu"] == kind and len(kept["figures"]) > 400


# ---- the command -----------------------------------------------------------------------------------


def test_the_command(tmp_path, capsys):
    args = ["atlas", "-k", "erfinv or hypot", "--dtype", "float32", "--points", "200", "--processes", "0", "--out", str(tmp_path)]
    kept = str(tmp_path / "stored.json")
    assert main([*args, "--store", kept]) == 0
    found = json.loads((tmp_path / "atlas.json").read_text())
    assert {(r["name"], r["part"]) for r in found["records"]} == {("erfinv", "out"), ("erfinv", "grad[0]"), ("hypot", "out"), ("hypot", "grad[0]"), ("hypot", "grad[1]")}
    assert main([*args, "--against", kept]) == 0 and "nothing is worse" in capsys.readouterr().out
    lower = json.loads(Path(kept).read_text())
    lower["figures"]["erfinv out float32"][0] = 0.25
    Path(kept).write_text(json.dumps(lower))
    assert main([*args, "--against", kept]) == 1 and "erfinv out float32: worst 0.25 →" in capsys.readouterr().out
    assert main(["atlas", "-k", "nothing like it", "--out", str(tmp_path / "none")]) == 2 and not (tmp_path / "none").exists()
