"""Anomaly detection against torch: which operation is named, and what the switches say."""

from __future__ import annotations

import warnings

import pytest
import torch

import minitorch_ref as mt


def root_of_negative(t):
    t.sqrt(t.tensor([-1.0], requires_grad=True)).sum().backward()


def second_of_two(t):
    x, y = (t.tensor([0.0], requires_grad=True) for _ in range(2))
    ((x * 1) / (y * 1)).backward()


def divided(t):
    x = t.tensor([1.0], requires_grad=True)
    ((x * 1) / 0.0 * 0.0).sum().backward()


def of_a_loss(t):
    t.nn.functional.log_softmax(t.tensor([float("inf"), 1.0], requires_grad=True), 0).sum().backward()


def found(t, program):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with t.autograd.detect_anomaly():
            try:
                program(t)
            except RuntimeError as error:
                return str(error)
    return ""


@pytest.mark.parametrize("program", [root_of_negative, second_of_two, divided, of_a_loss])
def test_the_operation_is_named(program):
    ours, theirs = found(mt, program), found(torch, program)
    assert ours == theirs != ""


@pytest.mark.parametrize("t", [mt, torch])
def test_switches(t):
    with pytest.warns(UserWarning, match="Anomaly Detection has been enabled"):
        t.autograd.detect_anomaly()
    assert not t.is_anomaly_enabled()
    with t.autograd.set_detect_anomaly(True, check_nan=False):
        assert t.is_anomaly_enabled() and not t.is_anomaly_check_nan_enabled()
        root_of_negative(t)
    assert not t.is_anomaly_enabled()
    t.autograd.set_detect_anomaly(True)
    assert t.is_anomaly_enabled()
    t.autograd.set_detect_anomaly(False)
    root_of_negative(t)


def test_a_warning_says_where():
    with pytest.warns(UserWarning, match="Error detected in SqrtBackward0"), pytest.raises(RuntimeError):
        with mt.autograd.set_detect_anomaly(True):
            root_of_negative(mt)
