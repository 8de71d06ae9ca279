"""One call on both engines: values, types, node names, gradients, errors."""

from __future__ import annotations

import numpy as np
import torch

import minitorch_ref as mt


def leaf(engine, array):
    tensor = engine.from_numpy(array.copy())
    return tensor.requires_grad_() if array.dtype.kind in "fc" else tensor


def outcome(engine, call, arrays):
    """(values, dtypes, names of nodes, gradients of the inputs), or the error's type and line."""
    inputs = [leaf(engine, a) for a in arrays]
    try:
        result = call(engine, *inputs)
    except (RuntimeError, IndexError, TypeError, ValueError) as error:
        return type(error), str(error).split("\n")[0]
    outs = list(result) if isinstance(result, (tuple, list)) else [result]
    values = [o.detach().numpy() for o in outs]
    names = [o.grad_fn and type(o.grad_fn).__name__ for o in outs]
    flowing = [o for o, n in zip(outs, names, strict=True) if n not in (None, "NotImplemented")]
    if flowing:
        sum((o * (o.detach() + 1)).abs().sum() for o in flowing).backward()
    return values, names, [None if i.grad is None else i.grad.numpy() for i in inputs]


def assert_same(call, *arrays, message=True, tolerance=0.0):
    """Both engines agree; float values to `tolerance` (0: to the bit)."""
    ours, theirs = outcome(mt, call, arrays), outcome(torch, call, arrays)
    if isinstance(theirs[0], type):
        assert ours[0] is theirs[0], (ours, theirs)
        assert not message or ours[1] == theirs[1]
        return
    assert not isinstance(ours[0], type), ours
    assert ours[1] == theirs[1]
    for a, b in zip(ours[0] + ours[2], theirs[0] + theirs[2], strict=True):
        if a is None or b is None:
            assert a is None and b is None
            continue
        assert a.dtype == b.dtype and a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
