"""torch.linalg: matrix decompositions, solvers, norms; found in the registry, as the torch functions.

Decompositions are in `ops/factorizations.py`, `decompositions.py`, `reflectors.py`, `indefinite.py`;
everything that solves, inverts or measures in `ops/solving.py`, `triangular.py`, `determinants.py`,
`least_squares.py`, `matrix_functions.py` and `matrix_norms.py`.
"""

from __future__ import annotations

from .ops.matrices import LinAlgError
from .ops.registry import REGISTRY

_names = sorted(name for namespace, name in REGISTRY if namespace == "linalg")
for _name in _names:
    globals()[_name] = REGISTRY["linalg", _name].call

__all__ = ["LinAlgError", *_names]
