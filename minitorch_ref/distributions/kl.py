"""`kl_divergence(p, q)`: the mean, under p, of log p(x) - log q(x).

Which formula applies is looked up by the two types, the nearest registered ancestors first;
`register_kl` adds more.  The closed forms are in `divergences.py`, a pair of types each.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

from ..tensor import Tensor
from .distribution import Distribution

__all__ = ["kl_divergence", "register_kl"]

Formula = Callable[[Any, Any], Tensor]

_KL_REGISTRY: dict[tuple[type, type], Formula] = {}


def register_kl(type_p: type, type_q: type) -> Callable[[Formula], Formula]:
    """A decorator for a function of (p, q).  TypeError unless both are classes of distributions."""
    for name, kind in (("p", type_p), ("q", type_q)):
        if not issubclass(kind, Distribution):
            raise TypeError(f"Expected type_{name} to be a Distribution subclass but got {kind}")

    def register(formula: Formula) -> Formula:
        _KL_REGISTRY[type_p, type_q] = formula
        _formula_for.cache_clear()
        return formula

    return register


@functools.cache
def _formula_for(type_p: type, type_q: type) -> Formula | None:
    """The formula of the nearest ancestors: nearest to p's type first; a warning if q's type, asked
    first, would choose another."""
    p_near, q_near = type_p.__mro__, type_q.__mro__
    fitting = [key for key in _KL_REGISTRY if key[0] in p_near and key[1] in q_near]
    if not fitting:
        return None
    left = min(fitting, key=lambda key: (p_near.index(key[0]), q_near.index(key[1])))
    right = min(fitting, key=lambda key: (q_near.index(key[1]), p_near.index(key[0])))
    if _KL_REGISTRY[left] is not _KL_REGISTRY[right]:
        warnings.warn(
            f"Ambiguous kl_divergence({type_p.__name__}, {type_q.__name__}). "
            f"Please register_kl({left[0].__name__}, {right[1].__name__})",
            RuntimeWarning,
            stacklevel=4,
        )
    return _KL_REGISTRY[left]


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """KL(p ‖ q), of the batch shape of both.  NotImplementedError if no formula is registered."""
    formula = _formula_for(type(p), type(q))  # type: ignore[arg-type]
    if formula is None:
        raise NotImplementedError(
            f"No KL(p || q) is implemented for p type {p.__class__.__name__} and q type "
            f"{q.__class__.__name__}"
        )
    return formula(p, q)
