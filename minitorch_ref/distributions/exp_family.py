"""Exponential families: densities exp(θ·t(x) - A(θ) + k(x)).

A, the log normaliser, knows everything: the mean of t is its gradient, so the entropy is
A(θ) - θ·∇A(θ) - E[k(x)], with the gradient by autograd (Nielsen and Nock 2010).
"""

from __future__ import annotations

from typing import Any

import minitorch_ref as torch

from ..tensor import Tensor
from .distribution import Distribution

__all__ = ["ExponentialFamily"]


class ExponentialFamily(Distribution):
    """The base of distributions with natural parameters θ and a log normaliser A(θ)."""

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        raise NotImplementedError

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        raise NotImplementedError

    @property
    def _mean_carrier_measure(self) -> Any:
        """E[k(x)]."""
        raise NotImplementedError

    def entropy(self) -> Tensor:
        natural, value, slopes = self._tangent()
        result = value - self._mean_carrier_measure
        for parameter, slope in zip(natural, slopes):
            result = result - (parameter * slope).reshape(self._batch_shape + (-1,)).sum(-1)
        return result

    def _tangent(self) -> tuple[list[Tensor], Tensor, Any]:
        """Natural parameters, the log normaliser there, and its gradient."""
        natural = [p.detach().requires_grad_() for p in self._natural_params]
        value = self._log_normalizer(*natural)
        return natural, value, torch.autograd.grad(value.sum(), natural, create_graph=True)
