"""minitorch_ref, except that rad2deg's gradient never returns once its sign is wrong."""

import sys

import hurried

import minitorch_ref
import minitorch_ref.autograd.function
import minitorch_ref.ops.registry

for name, module in list(sys.modules.items()):
    if name.startswith("minitorch_ref."):
        sys.modules[name.replace("minitorch_ref", "hanging_rules", 1)] = module


def __getattr__(name):
    if name == "__path__":  # it is no package: its modules are minitorch_ref's, above
        raise AttributeError(name)
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
