"""Modules that a program might define, once for each engine."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import torch

import minitorch_ref as mt


def net_class(t: ModuleType) -> Any:
    class Net(t.nn.Module):
        def __init__(self):
            super().__init__()
            self.body = t.nn.Sequential(t.nn.Conv2d(1, 2, 3), t.nn.BatchNorm2d(2), t.nn.ReLU())
            self.head = t.nn.Linear(2, 3)
            self.register_buffer("steps", t.tensor(4))
            self.activation = t.nn.functional.relu
            self.norm = t.nn.BatchNorm2d
            self.sizes = {"in": (1, 2), "out": [3]}

        def forward(self, x):
            return self.head(self.activation(self.body(x)).mean((2, 3)))

    Net.__qualname__ = "OurNet" if t is mt else "TorchNet"
    return Net


OurNet, TorchNet = net_class(mt), net_class(torch)
