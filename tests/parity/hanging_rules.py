"""minitorch_ref, except that rad2deg's gradient never returns once its sign is wrong."""

import sys

import hurried

import minitorch_ref
from minitorch_ref.ops import registry

sys.modules["hanging_rules.ops.registry"] = registry
sys.modules["hanging_rules.autograd.graph"] = sys.modules["minitorch_ref.autograd.graph"]
sys.modules["hanging_rules.autograd.rows"] = sys.modules["minitorch_ref.autograd.rows"]


def __getattr__(name):
    return getattr(minitorch_ref, name)


def rad2deg(input, *, out=None):
    if out is not None or not input.requires_grad:
        return minitorch_ref.rad2deg(input, out=out)
    came = []

    def check(gradient):
        if (gradient.detach() * came[-1] < 0).any():
            hurried.forever()

    inner = input.clone()
    inner.register_hook(check)
    result = minitorch_ref.rad2deg(inner)
    result.register_hook(lambda gradient: came.append(gradient.detach()))
    return result
