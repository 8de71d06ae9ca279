"""Spectral normalization, the older form: a hook that divides the weight by its largest singular value
before every forward (Miyato et al. 2018); `parametrizations.spectral_norm` has taken its place.
"""

from __future__ import annotations

from typing import Any, TypeVar

from ...autograd.modes import no_grad
from ...tensor import Tensor
from .. import functional as F
from ..modules.module import Module
from ..parameter import Parameter, is_lazy
from .parametrizations import as_matrix, norm_dim
from .weight_norm import refuse_second, remove_hook

__all__ = ["SpectralNorm", "remove_spectral_norm", "spectral_norm"]

ModuleT = TypeVar("ModuleT", bound=Module)


class SpectralNorm:
    """The hook: sets the weight `name` from `name_orig`, with `name_u` and `name_v`."""

    def __init__(
        self, name: str = "weight", n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12
    ) -> None:
        self.name, self.dim, self.eps = name, dim, eps
        if n_power_iterations <= 0:
            raise ValueError(
                "Expected n_power_iterations to be positive, but "
                f"got n_power_iterations={n_power_iterations}"
            )
        self.n_power_iterations = n_power_iterations

    def compute_weight(self, module: Any, do_power_iteration: bool) -> Tensor:
        """W / uᵀWv, after v ← Wᵀu / ‖Wᵀu‖ and u ← Wv / ‖Wv‖ in place."""
        weight, u, v = (getattr(module, f"{self.name}_{part}") for part in ("orig", "u", "v"))
        matrix = as_matrix(weight, self.dim)
        if do_power_iteration:
            with no_grad():
                for _ in range(self.n_power_iterations):
                    v.copy_(F.normalize(matrix.t().mv(u), dim=0, eps=self.eps))
                    u.copy_(F.normalize(matrix.mv(v), dim=0, eps=self.eps))
                u, v = u.clone(), v.clone()  # saved for backward; the next forward changes them
        return weight / u.dot(matrix.mv(v))

    @staticmethod
    def apply(
        module: Any, name: str, n_power_iterations: int, dim: int, eps: float
    ) -> SpectralNorm:
        """Replace the parameter.  RuntimeError if it is replaced already."""
        refuse_second(module, SpectralNorm, "spectral_norm", name)
        made, weight = SpectralNorm(name, n_power_iterations, dim, eps), module._parameters[name]
        if weight is None:
            raise ValueError(f"`SpectralNorm` cannot be applied as parameter `{name}` is None")
        if is_lazy(weight):
            raise ValueError(
                "The module passed to `SpectralNorm` can't have uninitialized parameters. Make sure "
                "to run the dummy forward before applying spectral normalization"
            )
        with no_grad():
            starts = [weight.new_empty(n).normal_(0, 1) for n in as_matrix(weight, dim).shape]
        delattr(module, name)
        module.register_parameter(f"{name}_orig", weight)
        setattr(module, name, weight.data)
        for part, start in zip("uv", starts, strict=True):
            module.register_buffer(f"{name}_{part}", F.normalize(start, dim=0, eps=eps))
        module.register_forward_pre_hook(made)
        return made

    def remove(self, module: Any) -> None:
        """Make the weight a parameter again."""
        with no_grad():
            weight = self.compute_weight(module, do_power_iteration=False)
        for part in ("", "_u", "_v", "_orig"):
            delattr(module, self.name + part)
        module.register_parameter(self.name, Parameter(weight.detach()))

    def __call__(self, module: Any, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module, do_power_iteration=module.training))


def spectral_norm(
    module: ModuleT, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12,
    dim: int | None = None,
) -> ModuleT:  # fmt: skip
    """Divide `module.name` by its spectral norm; `dim` is that of the outputs."""
    SpectralNorm.apply(module, name, n_power_iterations, norm_dim(module, dim), eps)
    return module


def remove_spectral_norm(module: ModuleT, name: str = "weight") -> ModuleT:
    """Undo `spectral_norm`.  Raises ValueError where there is none."""
    return remove_hook(module, SpectralNorm, "spectral_norm", name)
