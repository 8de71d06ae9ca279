"""Coverage of torch's API: nothing of the documented tables is missing, and the figure does not fall."""

from __future__ import annotations

import types

import pytest
import torch

import minitorch_ref as mt
from parity import coverage
from parity.__main__ import main
from parity.coverage_data import EXCLUDED, TABLES


def test_every_name_of_the_tables_is_there_and_callable():
    assert coverage.absent_of_tables(mt) == {}


def test_the_tables_name_what_torch_has():
    assert coverage.absent_of_tables(torch) == {}
    assert sum(map(len, TABLES.values())) > 400


@pytest.mark.parametrize("namespace", coverage.NAMESPACES)
def test_coverage_does_not_fall(namespace):
    found = coverage.measure(mt, torch, namespace)
    assert len(found.present) >= coverage.stored()[namespace], found.missing


def test_nine_tenths_of_the_methods():
    assert coverage.measure(mt, torch, "Tensor").share >= 0.9


def test_a_missing_name_is_seen():
    class Tensor:
        def add(self): ...

    bare = types.SimpleNamespace(Tensor=Tensor, add=lambda: None)
    found = coverage.measure(bare, torch, "Tensor")
    assert "add" in found.present and "mul" in found.missing
    assert coverage.measure(bare, torch, "fft").present == ()
    absent = coverage.absent_of_tables(bare)
    assert "add" not in absent["pointwise"] and "mul" in absent["pointwise"]


def test_no_exclusion_hides_a_documented_name():
    for names in TABLES.values():
        for dotted in names:
            namespace, _, name = dotted.rpartition(".")
            assert coverage.reason_for(namespace or "torch", name) is None, dotted


def test_every_exclusion_matches_something():
    names = {
        (ns, n) for ns in coverage.NAMESPACES for n in coverage.public_names(torch, ns)
    }  # fmt: skip
    for reason in EXCLUDED:
        assert any(coverage.reason_for(ns, n) == reason for ns, n in names), reason


def test_a_name_is_counted_once():
    for found in coverage.measure_all(mt, torch):
        parts = [found.present, found.missing, *found.excluded.values()]
        together = [name for part in parts for name in part]
        assert sorted(together) == sorted(set(together))
        assert together and sorted(together) == sorted(
            coverage.public_names(torch, found.namespace)
        )


def test_the_command_prints_the_figures(capsys):
    assert main(["coverage"]) == 0
    printed = capsys.readouterr().out
    assert "nn.functional" in printed and "%" in printed and "left out" in printed
