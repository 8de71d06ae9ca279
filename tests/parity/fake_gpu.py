"""A GPU that is made up: torch on the CPU with a `torch.cuda` that says it is there.

Every line of the laboratory that a real GPU would run is run once with it.
"""

import types

import numpy as np
import torch

FACTS = types.SimpleNamespace(
    name="made-up GPU", major=9, minor=0, multi_processor_count=132, max_threads_per_multi_processor=2048
)


class Philox(torch.Generator):
    """A generator whose state is a GPU's, seed and offset: four words further whenever the CPU's has moved."""

    def __new__(cls):
        return super().__new__(cls, "cpu")

    def __init__(self):
        super().__init__()
        self.place, self.seen = [77, 0], torch.get_rng_state()

    def get_state(self):
        now = torch.get_rng_state()
        self.place[1] += 4 * (not torch.equal(now, self.seen))
        self.seen = now
        return torch.from_numpy(np.array(self.place, "<i8").view(np.uint8).copy())


def install(patch):
    """Put it in, by pytest's monkeypatch."""
    generators = []
    to, empty = torch.Tensor.to, torch.empty

    def moved(tensor, *args, **kwargs):
        args = [a for a in args if a != "cuda"]
        return to(tensor, *args, **kwargs) if args or kwargs else tensor.clone()

    def made(*args, device=None, **kwargs):
        return empty(*args, **kwargs)

    patch.setattr(torch.Tensor, "to", moved)
    patch.setattr(torch, "empty", made)
    patch.setattr(torch, "set_default_device", lambda device: None)
    patch.setattr(torch.version, "cuda", "13.0")
    patch.setattr(torch.cuda, "is_available", lambda: True)
    patch.setattr(torch.cuda, "get_device_properties", lambda index: FACTS)
    patch.setattr(torch.cuda, "current_device", lambda: 0)
    patch.setattr(torch.cuda, "init", lambda: generators or generators.append(Philox()))
    patch.setattr(torch.cuda, "default_generators", generators)
    patch.setattr(torch.backends.cudnn, "version", lambda: 91002)
    patch.setattr(torch._C, "_cuda_getDriverVersion", lambda: 13000, raising=False)
