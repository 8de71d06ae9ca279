"""An engine: a namespace that speaks torch's API, and how to get data in and out of it.

`open_engine("minitorch_ref")`, `open_engine("torch")`, `open_engine("torch:cuda")`, and the simulated
device `open_engine("torch:tf32")`.  A test of the laboratory subclasses `Engine` and overrides
`find` to plant a fault in one op.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from .torch_side import import_torch


class InputError(Exception):
    """Something given is wrong, or not to be had: the command line says so and ends with exit code 2."""


class EngineError(InputError, RuntimeError):
    """The engine cannot be used here, or not for what was asked."""


class DeviceLostError(EngineError):
    """A GPU's context is broken: whatever this process does with it from here on fails."""


class Engine:
    """A torch-like `module` on one `device`."""

    def __init__(self, name: str, module: ModuleType | Any, device: str = "cpu") -> None:
        self.name, self.module, self.device = name, module, device

    def tensor(self, data: np.ndarray) -> Any:
        """A tensor over the memory of `data` (a copy on devices other than the CPU)."""
        tensor = self.module.from_numpy(data)
        return tensor if self.device == "cpu" else tensor.to(self.device)

    def array(self, tensor: Any) -> np.ndarray:
        """The values of `tensor`, sharing its memory where it has a plain NumPy layout."""
        if not self.is_torch:
            plain = tensor.detach()
            if hasattr(plain, "resolve_conj"):
                plain = plain.resolve_conj().resolve_neg()
            return plain.numpy()
        wider = {"torch.complex32": "complex64", "torch.bfloat16": "float32"}.get(str(tensor.dtype))
        return (tensor.to(getattr(self.module, wider)) if wider else tensor).numpy(force=True)

    @property
    def is_torch(self) -> bool:
        return self.module.__name__ == "torch"

    def is_tensor(self, value: Any) -> bool:
        return isinstance(value, self.module.Tensor)

    def space(self, namespace: str) -> Any:
        """The object that holds the functions of `namespace`, or None."""
        place = self.module
        for part in () if namespace == "torch" else namespace.split("."):
            try:
                place = getattr(place, part, None)
            except ModuleNotFoundError:  # a lazily imported namespace that is not there
                return None
        return place

    def find(self, namespace: str, name: str) -> Callable | None:
        """The function torch.<namespace>.<name>, or None."""
        place = self.space(namespace)
        if name.startswith("__") and name not in vars(place):
            return None  # every module has an __eq__ that is no op
        return getattr(place, name, None)

    def find_method(self, name: str) -> Callable | None:
        """The method (or property getter) Tensor.<name>, called with the tensor first, or None."""
        method = getattr(self.module.Tensor, name, None)
        if method is None or callable(method):
            return method
        return lambda tensor: getattr(tensor, name)

    def replacement(self, name: str, function: Callable) -> Callable:
        """What this device runs when a program calls the op `name`: `function`, unless simulated."""
        return function

    def generator(self, args: tuple = (), kwargs: dict | None = None) -> Any:
        """The generator that a call draws from: the one it is given, or the device's default."""
        for value in (*args, *(kwargs or {}).values()):
            if isinstance(value, self.module.Generator):
                return value
        if not self.on_gpu:
            return self.module.default_generator
        self.module.cuda.init()  # there are no generators before
        return self.module.cuda.default_generators[self.module.cuda.current_device()]

    @property
    def on_gpu(self) -> bool:
        """Whether the device is a GPU, whose layouts, messages and random streams are its own."""
        return self.device.startswith("cuda")

    def seed(self, seed: int) -> None:
        self.module.manual_seed(seed)

    def stream_position(self) -> tuple:
        """What the default generator gives next: equal only if the same words were consumed."""
        draw = self.module.randint(0, 2**24, (2,)).tolist()
        return (*draw, round(self.module.randn(1, dtype=self.module.float64).item(), 12))


def open_engine(spec: str) -> Engine:
    """The engine called "module" or "module:device"; EngineError when it cannot be had."""
    name, _, device = spec.partition(":")
    device = device or "cpu"
    try:
        module = import_torch() if name == "torch" else importlib.import_module(name)
    except ImportError as error:
        raise EngineError(f"cannot import the engine {name!r}: {error}") from error
    if not hasattr(module, "from_numpy"):
        raise EngineError(f"{name!r} does not speak torch's API: it has no from_numpy")
    if device.startswith("cuda") and not module.cuda.is_available():
        raise EngineError(f"the engine {spec!r} needs a CUDA device and {name} sees none")
    if name == "torch" and device == "tf32":
        from .tf32 import Tf32

        return Tf32(spec, module)
    if device != "cpu":
        try:
            module.empty(0, device=device)
        except (RuntimeError, AssertionError) as error:
            said = str(error).splitlines()[0]
            raise EngineError(f"the engine {spec!r}: no device {device!r}: {said}") from error
    return Engine(spec, module, device)
