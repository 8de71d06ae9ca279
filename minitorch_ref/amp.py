"""`torch.amp` on a machine without a GPU: loss scaling works, half precision switches itself off.

`autocast` would run some operations in half precision.  For "cuda" torch itself disables it where
there is no GPU, with a warning.  On the CPU torch uses bfloat16, which NumPy does not have; so here
it is disabled too, in the words torch has for a type that it does not support.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from . import dtypes
from .device import device
from .tensor import Tensor, wrap

__all__ = [
    "GradScaler", "autocast", "custom_bwd", "custom_fwd", "get_autocast_dtype", "is_autocast_available",
    "is_autocast_cache_enabled", "is_autocast_enabled",
]  # fmt: skip


def is_autocast_available(device_type: str) -> bool:
    """Whether `autocast` knows this kind of device."""
    return device_type in ("cpu", "cuda")


def is_autocast_enabled(device_type: str | None = None) -> bool:
    """False: autocast switches itself off here.  Raises RuntimeError for an unknown device."""
    if device_type is not None:
        device(_name_of_device("is_autocast_enabled", device_type))
    return False


def is_autocast_cache_enabled() -> bool:
    return True


def get_autocast_dtype(device_type: str) -> dtypes.dtype:
    """The type that torch's autocast would compute in: bfloat16 on the CPU, else float16."""
    kind = device(_name_of_device("get_autocast_dtype", device_type)).type
    return dtypes.bfloat16 if kind == "cpu" else dtypes.float16


def _name_of_device(function: str, given: Any) -> str:
    if not isinstance(given, str):
        raise TypeError(
            f"{function}(): argument 'device_type' (position 1) must be str, not {type(given).__name__}"
        )
    return given


class autocast:  # noqa: N801
    """A context, or a decorator, in which torch would compute in half precision; here it warns.

    Raises RuntimeError for a device type torch does not know.
    """

    def __init__(
        self,
        device_type: str,
        dtype: Any = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,
    ) -> None:
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        if not is_autocast_available(device(device_type).type):
            raise RuntimeError(f"User specified an unsupported autocast device_type '{device_type}'")
        if enabled and device_type == "cuda":
            warnings.warn("CUDA is not available or torch_xla is imported. Disabling autocast.", stacklevel=2)
        elif enabled:
            warnings.warn(
                "In CPU autocast, but the target dtype is not supported. Disabling autocast.\n"
                "This engine computes in the dtypes of the operands.",
                stacklevel=2,
            )
        self.device, self.enabled = device_type, False

    def __enter__(self) -> autocast:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def inside(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return inside


def custom_fwd(
    fwd: Callable[..., Any] | None = None, *, device_type: str, cast_inputs: Any = None
) -> Any:
    """Decorator of a custom function's `forward`; it runs as it is, since autocast is always off."""
    return _decorated(custom_fwd, fwd, device_type)


def custom_bwd(bwd: Callable[..., Any] | None = None, *, device_type: str) -> Any:
    """Decorator of a custom function's `backward`, which runs as it is."""
    return _decorated(custom_bwd, bwd, device_type)


def _decorated(decorator: Any, function: Any, device_type: Any) -> Any:
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
    if function is None:
        return functools.partial(decorator, device_type=device_type)
    return functools.wraps(function)(lambda *args, **kwargs: function(*args, **kwargs))


class GradScaler:
    """Multiplies a loss so that small gradients do not vanish in half precision.

    `step` divides the gradients by the scale again, and skips the update if one is inf or NaN;
    `update` halves the scale after such a step, and doubles it after `growth_interval` good ones.
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        if enabled and device == "cuda":
            warnings.warn(
                "torch.cuda.amp.GradScaler is enabled, but CUDA is not available.  Disabling.",
                stacklevel=2,
            )
            enabled = False
        if enabled and growth_factor <= 1.0:
            raise AssertionError("The growth factor must be > 1.0.")
        if enabled and backoff_factor >= 1.0:
            raise AssertionError("The backoff factor must be < 1.0.")
        self._enabled, self._good_steps = enabled, 0
        self._initial = float(init_scale)
        self._scale: float | None = None  # until the first loss
        self._growth, self._backoff, self._interval = growth_factor, backoff_factor, growth_interval
        self._broken: dict[int, bool] = {}  # by optimizer: unscaled since the last update; any inf?
        self._stepped: set[int] = set()

    def is_enabled(self) -> bool:
        """Whether losses are scaled at all."""
        return self._enabled

    def scale(self, outputs: Any) -> Any:
        """A tensor, or a list or tuple of them, times the scale."""
        if not self._enabled:
            return outputs
        if self._scale is None:
            self._scale = self._initial
        if isinstance(outputs, Tensor):
            return outputs * wrap(np.array(self._scale, np.float32))
        if isinstance(outputs, (list, tuple)):
            return type(outputs)([self.scale(x) for x in outputs])
        raise ValueError("outputs must be a Tensor or an iterable of Tensors")

    def unscale_(self, optimizer: Any) -> None:
        """Divide the gradients of an optimizer's parameters by the scale, once per update."""
        if not self._enabled:
            return
        if id(optimizer) in self._stepped:
            raise RuntimeError("unscale_() is being called after step().")
        if id(optimizer) in self._broken:
            raise RuntimeError(
                "unscale_() has already been called on this optimizer since the last update()."
            )
        gradients = [
            p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None
        ]
        if any(g._array.dtype.char == "e" for g in gradients):
            raise ValueError("Attempting to unscale FP16 gradients.")
        inverse = np.float32(1 / np.float64(self._known("unscale_")))
        broken = False
        for g in gradients:
            broken |= not np.isfinite(g._array).all()
            g.detach().mul_(float(inverse))
        self._broken[id(optimizer)] = broken

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """Unscale, and step the optimizer unless a gradient is inf or NaN; what its step returns."""
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("Closure use is not currently supported if GradScaler is enabled.")
        if id(optimizer) in self._stepped:
            raise RuntimeError("step() has already been called since the last update().")
        if id(optimizer) not in self._broken:
            self.unscale_(optimizer)
        self._stepped.add(id(optimizer))
        return None if self._broken[id(optimizer)] else optimizer.step(*args, **kwargs)

    def update(self, new_scale: float | Tensor | None = None) -> None:
        """Adapt the scale to what the steps since the last update found, or set it."""
        if not self._enabled:
            return
        scale = self._known("update")
        if new_scale is not None:
            self._scale = float(new_scale)
        elif not self._broken:
            raise AssertionError("No inf checks were recorded prior to update.")
        elif any(self._broken.values()):
            self._scale, self._good_steps = scale * self._backoff, 0
        else:
            self._good_steps += 1
            if self._good_steps == self._interval:
                self._scale, self._good_steps = scale * self._growth, 0
        self._broken, self._stepped = {}, set()

    def get_scale(self) -> float:
        """The factor; 1 where scaling is disabled."""
        if not self._enabled:
            return 1.0
        return self._initial if self._scale is None else self._scale

    def _known(self, what: str) -> float:
        if self._scale is None:
            raise AssertionError(
                f"Attempted {what} but _scale is None.  This may indicate your script did not use "
                "scaler.scale(loss or outputs) earlier in the iteration."
            )
        return self._scale

    def state_dict(self) -> dict[str, Any]:
        """The scale and how it changes; empty where scaling is disabled."""
        if not self._enabled:
            return {}
        return {
            "scale": self.get_scale(),
            "growth_factor": self._growth,
            "backoff_factor": self._backoff,
            "growth_interval": self._interval,
            "_growth_tracker": self._good_steps,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over another scaler's state.  Raises RuntimeError for an empty one."""
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError(
                "The source state dict is empty, possibly because it was saved from a disabled "
                "instance of GradScaler."
            )
        self._initial = self._scale = state_dict["scale"]
        self._growth = state_dict["growth_factor"]
        self._backoff, self._interval = state_dict["backoff_factor"], state_dict["growth_interval"]
        self._good_steps = state_dict["_growth_tracker"]
