"""VonMises: the normal distribution's counterpart for angles."""

from __future__ import annotations

import math
from typing import Any

import minitorch_ref as torch

from ..tensor import Tensor
from . import constraints
from .formulas import Parametric, density, moment

__all__ = ["VonMises"]


class VonMises(Parametric):
    """An angle in [-π, π) around `loc`, density ∝ exp(concentration · cos(x - loc))."""

    arg_constraints = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.real
    has_rsample = False

    def __init__(self, loc: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self._set(validate_args, loc=loc, concentration=concentration)

    mean = mode = moment(lambda loc: loc)
    variance = moment(
        lambda concentration: (
            1 - torch.special.i1e(concentration) / torch.special.i0e(concentration)
        )
    )
    log_prob = density(
        lambda value, loc, concentration: (
            concentration * (torch.cos(value - loc) - 1)
            - math.log(2 * math.pi)
            - torch.special.i0e(concentration).log()
        )
    )

    def sample(self, sample_shape: Any = torch.Size()) -> Tensor:
        """In float64, rounded at the end."""
        shape = self._extended_shape(sample_shape)
        with torch.no_grad():
            kappa = self.concentration.double()
            angle = _around_zero(torch.zeros(shape, dtype=torch.float64), kappa)
            turned = (angle + math.pi + self.loc.double()) % (2 * math.pi) - math.pi
            return turned.to(self.loc.dtype)


def _around_zero(angle: Tensor, kappa: Tensor) -> Tensor:
    """Best and Fisher 1979: wrapped Cauchy angles, until all are accepted."""
    r = _cauchy_width(kappa)
    done = torch.zeros(angle.shape, dtype=torch.bool)
    while not done.all():
        u1, u2, u3 = torch.rand((3,) + angle.shape, dtype=torch.float64).unbind()
        z = torch.cos(math.pi * u1)
        f = (1 + r * z) / (r + z)
        c = kappa * (r - f)
        accepted = ((c * (2 - c) - u2) > 0) | ((c / u2).log() + 1 - c >= 0)
        angle = torch.where(accepted, (u3 - 0.5).sign() * f.acos(), angle)
        done = done | accepted
    return angle


def _cauchy_width(kappa: Tensor) -> Tensor:
    """The best width for a concentration; its Taylor series where 1 - ρ would cancel."""
    tau = 1 + (1 + 4 * kappa**2).sqrt()
    rho = (tau - (2 * tau).sqrt()) / (2 * kappa)
    return torch.where(kappa < 1e-5, 1 / kappa + kappa, (1 + rho**2) / (2 * rho))
