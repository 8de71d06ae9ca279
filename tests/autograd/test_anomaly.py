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


def lines_of(t, program, watched=True):
    """The warnings of a backward that fails, without torch's own lines."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with t.autograd.set_detect_anomaly(watched), pytest.raises((RuntimeError, ValueError)):
            program(t)
    texts = [str(w.message).split(" (Triggered internally")[0] for w in caught]
    return [drop_library(text) for text in texts]


def drop_library(text):
    """`text` without the frames inside either library: each is a line and the source below it."""
    kept, inside = [], False
    for line in text.split("\n"):
        if line.startswith("  File "):
            inside = "site-packages/torch/" in line or "/minitorch_ref/" in line
        elif not line.startswith("    "):
            inside = False
        kept += [] if inside else [line]
    return "\n".join(kept)


def in_the_second_derivative(t):
    x = t.tensor([0.0], requires_grad=True)
    (g,) = t.autograd.grad(x.pow(1.5), x, create_graph=True)
    (g * 0).backward()


def in_a_function(t):
    class Failing(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, g):
            raise ValueError("no")

    Failing.apply(t.ones(1, requires_grad=True)).backward()


def unseen(t):
    with t.autograd.set_detect_anomaly(False):
        y = t.tensor([-1.0], requires_grad=True).sqrt()
    y.backward()


@pytest.mark.parametrize(
    "program", [root_of_negative, second_of_two, of_a_loss, in_the_second_derivative, in_a_function, unseen]
)
def test_a_warning_quotes_the_program(program):
    ours, theirs = lines_of(mt, program), lines_of(torch, program)
    assert ours == theirs != []
    assert program is unseen or program.__name__ in ours[0]


def test_nothing_is_noted_when_it_is_off():
    with mt.autograd.set_detect_anomaly(True):
        noted = mt.ones(1, requires_grad=True) * 2
    plain = mt.ones(1, requires_grad=True) * 2
    assert "test_nothing_is_noted" in noted.grad_fn.metadata["traceback_"][-1]
    assert plain.grad_fn.metadata == {}
