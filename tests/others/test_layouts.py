"""How results lie in memory: where torch's are row-major a `view` of ours must work too."""

from __future__ import annotations

import pytest
import torch

import minitorch_ref as mt

INPUTS = {
    "expanded": lambda t: t.arange(12.0).view(3, 4).expand(2, 3, 4),
    "expanded, sliced": lambda t: t.arange(12.0).view(3, 4).expand(2, 3, 4)[..., 1:],
    "expanded, transposed": lambda t: t.arange(3.0).view(3, 1).expand(3, 4).t(),
    "permuted": lambda t: t.arange(24.0).view(2, 3, 4).permute(2, 0, 1),
    "channels last": lambda t: t.arange(120.0).view(2, 3, 4, 5).to(memory_format=t.channels_last),
}
OPS = {
    "clone": lambda t, x: x.clone(),
    "double": lambda t, x: x.double(),
    "int": lambda t, x: x.to(t.int32),
    "flip": lambda t, x: x.flip(0),
    "sigmoid": lambda t, x: x.sigmoid(),
    "digamma": lambda t, x: x.digamma(),
    "lerp": lambda t, x: x.lerp(x, 0.5),
    "addcmul": lambda t, x: x.addcmul(x, x),
    "sum": lambda t, x: x.sum(-1),
    "mean": lambda t, x: x.mean(-1),
    "var": lambda t, x: x.var(-1),
    "amax": lambda t, x: x.amax(0),
    "prod": lambda t, x: x.prod(0),
    "any": lambda t, x: (x > 1).any(0),
    "cumsum": lambda t, x: x.cumsum(0),
    "cumprod": lambda t, x: x.cumprod(-1),
    "cummax": lambda t, x: x.cummax(0)[0],
    "logcumsumexp": lambda t, x: x.logcumsumexp(0),
    "tril": lambda t, x: x.tril(),
    "renorm": lambda t, x: x.renorm(2, 0, 1.0),
}


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("kind", INPUTS)
def test_row_major_where_torchs_is(kind, op):
    ours, theirs = (OPS[op](t, INPUTS[kind](t)) for t in (mt, torch))
    if theirs.is_contiguous():
        assert ours.is_contiguous()
        assert ours.view(-1).tolist() == pytest.approx(theirs.view(-1).tolist())


def test_the_inputs_are_not_row_major():
    assert not any(make(mt).is_contiguous() for make in INPUTS.values())
