"""Torch with one op replaced: engines with planted faults, for testing the laboratory itself."""

from __future__ import annotations

import torch

from parity.engines import Engine
from parity.trail_run import Recorder


class Faulty(Engine):
    """The real torch, except that `name` (and `name_`, if given) is the fault."""

    def __init__(self, name, fault=None, inplace=None, namespace="torch"):
        super().__init__("faulty", torch)
        self.target, self.fault, self.inplace, self.namespace = name, fault, inplace, namespace

    def find(self, namespace, name):
        if self.fault is not None and (namespace, name) == (self.namespace, self.target):
            return self.fault
        return super().find(namespace, name)

    def find_method(self, name):
        if self.fault is not None and self.namespace == "torch" and name == self.target:
            return self.fault
        if self.inplace is not None and name == self.target + "_":
            return self.inplace
        return super().find_method(name)


def custom(forward, backward):
    """An op with gradients of its own: `backward(g, x)` in terms of differentiable torch ops."""

    class Op(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return forward(x)

        @staticmethod
        def backward(ctx, g):
            return backward(g, *ctx.saved_tensors)

    return lambda input: Op.apply(input)


class FaultyRecorder(Recorder):
    """A recorder on whose engine the ops named in `faults` are replaced: `fault(op, *args)`."""

    def __init__(self, engine, writer, nudge=None, faults=None):
        super().__init__(engine, writer, nudge)
        self.faults = faults or {}
        self.sites.inside = (*self.sites.inside, __file__)

    def around(self, name, function, args, kwargs):
        fault = self.faults.get(name)
        if fault is None or self.busy:
            return super().around(name, function, args, kwargs)
        return super().around(name, lambda *a, **k: fault(function, *a, **k), args, kwargs)
