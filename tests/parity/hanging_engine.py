"""An engine that is torch, except that four things never return.

hypot of float64, logaddexp of float64 (which holds the interpreter's lock), the module nn.ReLU in training, and mv from its fourth call on.
"""

import itertools
import sys
import types

import torch
from hurried import forever, holding
from torch import *  # noqa: F403

import minitorch_ref.programs

Tensor, autograd, Generator = torch.Tensor, torch.autograd, torch.Generator
from_numpy, empty, manual_seed = torch.from_numpy, torch.empty, torch.manual_seed
optim, utils, save, load = torch.optim, torch.utils, torch.save, torch.load
calls = itertools.count(1)


def hypot(input, *args, **kwargs):
    return forever() if input.dtype == torch.float64 else torch.hypot(input, *args, **kwargs)


def logaddexp(input, *args, **kwargs):
    return holding() if input.dtype == torch.float64 else torch.logaddexp(input, *args, **kwargs)


def mv(input, vec):
    return forever() if next(calls) >= 4 else torch.mv(input, vec)


class ReLU(torch.nn.ReLU):
    def forward(self, input):
        return forever()


nn = types.ModuleType("hanging_engine.nn")
nn.__dict__.update({k: v for k, v in vars(torch.nn).items() if not k.startswith("__")}, ReLU=ReLU)


class ops:  # noqa: N801
    """What a registry looks like from outside."""


registry = sys.modules["hanging_engine.ops.registry"] = types.ModuleType("registry")
registry.REGISTRY = {}
sys.modules["hanging_engine.programs"] = minitorch_ref.programs
