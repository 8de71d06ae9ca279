"""Weight normalization: a weight as a length g times a direction v / ‖v‖, each trained by itself.

The older form, a hook that makes the weight before every forward (Salimans & Kingma 2016).
"""

from __future__ import annotations

import warnings
from typing import Any, TypeVar

from ...tensor import Tensor
from ..modules.module import Module
from ..parameter import Parameter, is_lazy

ModuleT = TypeVar("ModuleT", bound=Module)


def _hook(module: Any, kind: type, name: str) -> Any:
    """The number of the module's hook of a kind for a weight, or None."""
    hooks = module._forward_pre_hooks.items()
    return next((k for k, h in hooks if isinstance(h, kind) and h.name == name), None)  # type: ignore


def refuse_second(module: Any, kind: type, what: str, name: str) -> None:
    """Raise RuntimeError if a weight has a hook of this kind already."""
    if _hook(module, kind, name) is not None:
        raise RuntimeError(f"Cannot register two {what} hooks on the same parameter {name}")


def remove_hook(module: ModuleT, kind: type, what: str, name: str) -> ModuleT:
    """Undo what a hook of this kind did to a weight.  Raises ValueError where there is none."""
    key = _hook(module, kind, name)
    if key is None:
        raise ValueError(f"{what} of '{name}' not found in {module}")
    module._forward_pre_hooks.pop(key).remove(module)
    return module


def _lengths(v: Tensor, dim: int) -> Tensor:
    """The norms of the slices along `dim`, shaped to multiply them; -1: of the whole tensor."""
    if dim == -1:
        return v.norm(2)
    return v.norm(2, [d for d in range(v.dim()) if d != dim], keepdim=True)


class WeightNorm:
    """The hook: sets the weight `name` from `name_g` and `name_v`."""

    def __init__(self, name: str, dim: int | None) -> None:
        self.name = name
        self.dim = -1 if dim is None else dim

    def compute_weight(self, module: Any) -> Tensor:
        """v·(g / ‖v‖)."""
        g, v = (getattr(module, f"{self.name}_{part}") for part in "gv")
        return v * (g / _lengths(v, self.dim))

    @staticmethod
    def apply(module: Any, name: str, dim: int | None) -> WeightNorm:
        """Replace the parameter by two.  Raises RuntimeError if it is replaced already."""
        warnings.warn(
            "`torch.nn.utils.weight_norm` is deprecated in favor of "
            "`torch.nn.utils.parametrizations.weight_norm`.",
            FutureWarning,
            stacklevel=3,
        )
        refuse_second(module, WeightNorm, "weight_norm", name)
        made, weight = WeightNorm(name, dim), getattr(module, name)
        if is_lazy(weight):
            raise ValueError(
                "The module passed to `WeightNorm` can't have uninitialized parameters. Make sure "
                "to run the dummy forward before applying weight normalization"
            )
        del module._parameters[name]
        lengths = _lengths(weight.detach(), made.dim)
        module.register_parameter(f"{name}_g", Parameter(lengths))
        module.register_parameter(f"{name}_v", Parameter(weight.data))
        setattr(module, name, made.compute_weight(module))
        module.register_forward_pre_hook(made)
        return made

    def remove(self, module: Any) -> None:
        """Make the weight a parameter again."""
        weight = self.compute_weight(module)
        delattr(module, self.name)
        for part in "gv":
            del module._parameters[f"{self.name}_{part}"]
        setattr(module, self.name, Parameter(weight.data))

    def __call__(self, module: Any, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module))


def weight_norm(module: ModuleT, name: str = "weight", dim: int | None = 0) -> ModuleT:
    """Train length and direction of `module.name` apart, slices along `dim` each having a length."""
    WeightNorm.apply(module, name, dim)
    return module


def remove_weight_norm(module: ModuleT, name: str = "weight") -> ModuleT:
    """Undo `weight_norm`.  Raises ValueError where there is none."""
    return remove_hook(module, WeightNorm, "weight_norm", name)
