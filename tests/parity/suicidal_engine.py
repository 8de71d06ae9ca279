"""An engine that is torch until hypot is called: then it ends its process."""

import os
import sys

import torch
from torch import *  # noqa: F403

Tensor, nn, autograd, Generator = torch.Tensor, torch.nn, torch.autograd, torch.Generator
from_numpy, empty, manual_seed = torch.from_numpy, torch.empty, torch.manual_seed


def hypot(*args, **kwargs):
    sys.stdout.flush()
    os._exit(7)


class ops:  # noqa: N801
    """What a registry looks like from outside."""


registry = sys.modules["suicidal_engine.ops.registry"] = type(sys)("registry")
registry.REGISTRY = {}
