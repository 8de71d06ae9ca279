"""The ledger: what it lets pass, and that it fails when a deviation grows or vanishes."""

import json

import pytest
import torch

from parity import ledger
from parity.outcome import Check, OpResult, SampleResult, Verdict

ENTRY = {"op": "tanh", "part": "grad[0]", "where": "*float32*", "bound": 5.0, "cause": "no FMA", "oracle": "ours 4.1, torch 2.2 ULP"}


def results(ulp=4.0, verdict=Verdict.WORSE, note="[3] · float32", part="grad[0]", op="tanh"):
    check = Check(verdict, part, ours=ulp, theirs=2.0, bound=2.0)
    return [OpResult("torch", op, "pointwise", "ulp", [SampleResult(note, "tanh(x)", "call", "float32", [check])])]


def load(tmp_path, *entries, cpu=None):
    path = tmp_path / "ledger.json"
    path.write_text(json.dumps(list(entries)))
    return ledger.load(path, cpu)


@pytest.mark.parametrize("cpu", [None, "AVX2", "AVX512"])
def test_the_shipped_ledger_is_valid(cpu):
    for entry in ledger.load(cpu=cpu):
        assert entry.cause and entry.oracle


def test_the_processor_is_the_one_torch_names():
    assert ledger.processor() == torch.backends.cpu.get_cpu_capability()
    assert ledger.processor() in ledger.CPUS


def test_an_entry_is_as_strict_as_any_on_the_processor_it_names(tmp_path):
    entry = {**ENTRY, "cpu": "AVX2"}
    assert not ledger.apply(load(tmp_path, entry, cpu="AVX2"), known := results())
    assert known[0].verdict.ok
    grew = ledger.apply(load(tmp_path, entry, cpu="AVX2"), results(ulp=6.0))
    gone = ledger.apply(load(tmp_path, entry, cpu="AVX2"), results(verdict=Verdict.EQUAL))
    assert [p.kind for p in grew + gone] == ["grew", "vanished"]


def test_an_entry_for_another_processor_neither_covers_nor_vanishes(tmp_path):
    entry = {**ENTRY, "cpu": "AVX2"}
    found = results()
    assert not ledger.apply(load(tmp_path, entry, cpu="AVX512"), found)
    assert not found[0].verdict.ok and not found[0].samples[0].checks[0].known
    assert not ledger.apply(load(tmp_path, entry, cpu="AVX512"), results(verdict=Verdict.EQUAL))


def test_this_processor_is_meant_if_none_is_given(tmp_path, monkeypatch):
    for here, kept in (("AVX2", 1), ("AVX512", 0)):
        monkeypatch.setattr(ledger, "processor", lambda here=here: here)
        assert len(load(tmp_path, {**ENTRY, "cpu": "AVX2"})) == kept
        assert len(load(tmp_path, ENTRY)) == 1


def test_a_known_deviation_passes(tmp_path):
    found = results()
    assert not ledger.apply(load(tmp_path, ENTRY), found)
    assert found[0].verdict.ok and found[0].counts()["known"] == 1
    assert found[0].samples[0].checks[0].known == "no FMA"


def test_one_that_grew_fails(tmp_path):
    found = results(ulp=6.0)
    problems = ledger.apply(load(tmp_path, ENTRY), found)
    assert [p.kind for p in problems] == ["grew"] and "6 ULP" in problems[0].text
    assert not found[0].verdict.ok


@pytest.mark.parametrize("changed", [{"verdict": Verdict.EQUAL}, {"note": "[3] · float64"}, {"part": "grad[1]"}])
def test_one_that_vanished_fails(tmp_path, changed):
    problems = ledger.apply(load(tmp_path, ENTRY), results(**changed))
    assert [p.kind for p in problems] == ["vanished"]


def test_a_run_without_the_op_says_nothing_about_it(tmp_path):
    assert not ledger.apply(load(tmp_path, ENTRY), results(op="sin"))


def test_patterns(tmp_path):
    entry = load(tmp_path, {**ENTRY, "op": "t*", "part": "*", "form": "func*", "where": "*"})
    assert not ledger.apply(entry, results())
    assert load(tmp_path, {**ENTRY, "form": "out=*"})[0].covers("tanh", results()[0].samples[0], results()[0].samples[0].checks[0]) is False


@pytest.mark.parametrize("text, message", [
    ("[\n{", "ledger.json:2: the ledger is not JSON"),
    ("{}", "expected a list"),
    ("[3]", "entry 0: expected an object"),
    (json.dumps([{**ENTRY, "tolerance": 1}]), "unknown fields ['tolerance']"),
    (json.dumps([{k: v for k, v in ENTRY.items() if k != "cause"}]), "needs ['cause']"),
    (json.dumps([{**ENTRY, "oracle": ""}]), "needs ['oracle']"),
    (json.dumps([{**ENTRY, "bound": "big"}]), "bound must be a number"),
    (json.dumps([{**ENTRY, "cpu": "avx2"}]), "cpu must be one of"),
    (json.dumps([{**ENTRY, "cpu": 512}]), "cpu must be"),
])
def test_a_malformed_ledger_names_file_and_place(tmp_path, text, message):
    path = tmp_path / "ledger.json"
    path.write_text(text)
    with pytest.raises(ledger.LedgerError) as caught:
        ledger.load(path)
    assert message in str(caught.value) and "ledger.json" in str(caught.value)


def test_a_missing_ledger(tmp_path):
    with pytest.raises(ledger.LedgerError, match="cannot read"):
        ledger.load(tmp_path / "none.json")


def test_an_entry_that_is_wrong_is_named_with_its_line(tmp_path):
    good = {"op": "exp", "part": "out", "cause": "[a \"cause\"", "oracle": "b", "bound": 2.5}
    path = tmp_path / "ledger.json"
    path.write_text(json.dumps([good, good, {**good, "oracle": ""}], indent=1))
    line = path.read_text().splitlines().index(" {", 12) + 1
    with pytest.raises(ledger.LedgerError, match=rf"ledger\.json:{line}: entry 2 \(exp\): needs \['oracle'\]"):
        ledger.load(path)
    path.write_text(json.dumps([good, 3]))
    with pytest.raises(ledger.LedgerError, match=r"ledger\.json:1: entry 1: expected an object"):
        ledger.load(path)


def test_a_part_of_a_run_does_not_say_that_what_another_part_has_is_gone(tmp_path):
    entries = load(tmp_path, {**ENTRY, "op": "*tanh"})
    fine = results(verdict=Verdict.EQUAL, op="atanh")
    assert [p.kind for p in ledger.apply(entries, fine)] == ["vanished"]
    assert ledger.apply(entries, fine, ["tanh", "atanh", "exp"]) == [], "tanh was not compared"
    assert [p.kind for p in ledger.apply(entries, fine, ["atanh", "exp"])] == ["vanished"]
