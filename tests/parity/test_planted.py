"""Every planted fault is found and named; harmless differences come out as explained."""

import pytest
import torch
from planted import EXPLAINED, FAULTS, HARMLESS, run


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("planted", FAULTS, ids=lambda p: p.name)
def test_a_planted_fault_is_named(planted):
    text, _ = run(planted)
    assert planted.phrase in text, text or "nothing was found"


@pytest.mark.parametrize("planted", HARMLESS, ids=lambda p: p.name)
def test_no_false_alarm(planted):
    text, _ = run(planted)
    assert any(word in text for word in EXPLAINED) and "first beyond rounding" not in text, text


def test_the_ten_are_ten():
    assert len(FAULTS) == 10 and len(HARMLESS) == 4


def test_dropout_in_another_memory_order_is_explained():
    text, _ = run(HARMLESS[-1])
    assert "both drew the same words here, in the order of their memory" in text and "dropout at" in text
