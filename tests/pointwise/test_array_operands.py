"""A NumPy array is no operand: what becomes of `array ∘ tensor` and `tensor ∘ array`, as in torch."""

from __future__ import annotations

import operator
import warnings

import numpy as np
import pytest
import torch

import minitorch_ref as mt

OPERATORS = (
    "add sub mul truediv floordiv mod pow matmul and_ or_ xor lshift lt le gt ge eq ne".split()
)
PAIRS = {
    "array, tensor": lambda t: (np.ones(2), t.tensor([1.0, 2.0])),
    "tensor, array": lambda t: (t.tensor([1.0, 2.0]), np.ones(2)),
    "integers": lambda t: (t.tensor([1, 2]), np.array([1, 2])),
    "tracked, array": lambda t: (t.ones(2, requires_grad=True), np.ones(2)),
    "array, tracked": lambda t: (np.ones(2), t.ones(2, requires_grad=True)),
    "tensor, 0-d array": lambda t: (t.tensor([1.0, 2.0]), np.array(2.0)),
    "number, tracked": lambda t: (np.float64(3), t.ones(2, requires_grad=True)),
    "tracked, number": lambda t: (t.ones(2, requires_grad=True), np.float32(3)),
    "list": lambda t: ([1.0, 2.0], t.tensor([1.0, 2.0])),
    "None": lambda t: (t.tensor([1.0, 2.0]), None),
}


def outcome(t, name, pair):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy's, of torch's __array_wrap__
        try:
            result = getattr(operator, name)(*PAIRS[pair](t))
        except Exception as error:
            return type(error).__name__, str(error)
    if not isinstance(result, (torch.Tensor, mt.Tensor)):
        return type(result).__name__, result
    return str(result.dtype), result.requires_grad, result.tolist()


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("pair", PAIRS)
def test_as_torch_has_it(name, pair):
    assert outcome(mt, name, pair) == outcome(torch, name, pair)
