"""torch.special: special functions.  They are defined in `ops/`, and found in the registry."""

from __future__ import annotations

from .ops import bessel, polynomials, special_functions  # noqa: F401 - they register their rows
from .ops.registry import REGISTRY

__all__ = sorted(name for namespace, name in REGISTRY if namespace == "special")

for _name in __all__:
    globals()[_name] = REGISTRY["special", _name].call
