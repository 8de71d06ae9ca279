"""An engine that is torch, except that hypot of float64 never returns."""

import sys
import time

import torch
from torch import *  # noqa: F403

Tensor, nn, autograd, Generator = torch.Tensor, torch.nn, torch.autograd, torch.Generator
from_numpy, empty, manual_seed = torch.from_numpy, torch.empty, torch.manual_seed


def hypot(input, *args, **kwargs):
    while input.dtype == torch.float64:
        time.sleep(0.01)
    return torch.hypot(input, *args, **kwargs)


class ops:  # noqa: N801
    """What a registry looks like from outside."""


registry = sys.modules["hanging_engine.ops.registry"] = type(sys)("registry")
registry.REGISTRY = {}
