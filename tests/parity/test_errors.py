"""Key phrases: what counts as saying the same thing."""

import pytest

from parity import errors

BROADCAST = "The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 1"


@pytest.mark.parametrize("ours", [BROADCAST, BROADCAST + ". Shapes are [2, 3] and [2, 4]", "add: " + BROADCAST])
def test_same_message(ours):
    assert not errors.difference(("RuntimeError", ours), ("RuntimeError", BROADCAST))


@pytest.mark.parametrize("ours", [
    "operands could not be broadcast together",
    "The size of tensor a (3) must match the size of tensor b (5) at non-singleton dimension 1",
    "The size of tensor a must match the size of tensor b at non-singleton dimension",
])
def test_other_message(ours):
    assert "torch's message" in errors.difference(("RuntimeError", ours), ("RuntimeError", BROADCAST))


def test_other_type():
    assert "torch raises IndexError" in errors.difference(("ValueError", "x"), ("IndexError", "x"))


def test_kernel_names_do_not_count_but_dtypes_do():
    torch = ("NotImplementedError", "\"sinh_vml_cpu\" not implemented for 'Half'")
    assert not errors.difference(("NotImplementedError", "\"sinh\" not implemented for 'Half'"), torch)
    assert errors.difference(("NotImplementedError", "\"sinh\" not implemented for 'Float'"), torch)


def test_argument_parser_messages_are_compared_by_type():
    torch = ("TypeError", "sin(): argument 'input' (position 1) must be Tensor, not str")
    assert not errors.difference(("TypeError", "sin() takes a tensor"), torch)
    assert errors.difference(("ValueError", torch[1]), torch)


def test_short_messages_need_all_their_words():
    assert not errors.difference(("RuntimeError", "oh: ZeroDivisionError"), ("RuntimeError", "ZeroDivisionError"))
    assert errors.difference(("RuntimeError", "division by nothing"), ("RuntimeError", "ZeroDivisionError"))


def test_only_the_first_line_counts():
    assert not errors.difference(("RuntimeError", "one two three four"), ("RuntimeError", "one two three four\nat line 12"))


def test_decimals_are_data_not_facts():
    assert errors.facts("got -1.0284 -1.9883 for [3, 2], dim -2.") == {"3", "2", "-2"}


def test_digits_in_names_are_no_facts_but_shapes_are():
    assert errors.facts("max_pool1d() _fft_r2c 1D stride 0, (3x4 and 5x6)") == {"0", "3x4", "5x6"}
