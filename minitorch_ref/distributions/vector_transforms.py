"""Transforms of vectors and matrices: onto the simplex, onto triangles, onto correlations."""

from __future__ import annotations

import math
from typing import Any

import minitorch_ref as torch

from ..nn.functional import logsigmoid, pad, softplus
from ..tensor import Tensor
from . import constraints
from .transforms import PlainTransform, check_dims, clipped_sigmoid
from .utils import tril_matrix_to_vec, vec_to_tril_matrix


class SoftmaxTransform(PlainTransform):
    """y = exp x over its sum: not a bijection, as a constant added to x changes nothing."""

    domain, codomain = constraints.real_vector, constraints.simplex

    def _call(self, x: Any) -> Any:
        weights = (x - x.max(-1, True)[0]).exp()
        return weights / weights.sum(-1, True)

    _inverse = lambda self, y: y.log()

    def forward_shape(self, shape: Any) -> Any:
        check_dims(shape, 1)
        return shape

    inverse_shape = forward_shape


class StickBreakingTransform(PlainTransform):
    """n numbers onto the simplex of n+1 parts: each says what share of the remaining stick to break
    off.  Zeros give equal parts: the i-th log odds are shifted by the log of the parts to come."""

    domain, codomain, bijective = constraints.real_vector, constraints.simplex, True

    def _call(self, x: Any) -> Any:
        share = clipped_sigmoid(x - _parts_to_come(x, x.shape[-1] + 1).log())
        remaining = (1 - share).cumprod(-1)
        return pad(share, [0, 1], value=1) * pad(remaining, [1, 0], value=1)

    def _inverse(self, y: Any) -> Any:
        broken = y[..., :-1]
        remaining = 1 - broken.cumsum(-1)
        remaining = torch.clamp(remaining, min=torch.finfo(y.dtype).tiny)
        return broken.log() - remaining.log() + _parts_to_come(broken, y.shape[-1]).log()

    def log_abs_det_jacobian(self, x: Any, y: Any) -> Any:
        shifted = x - _parts_to_come(x, x.shape[-1] + 1).log()
        return (-shifted + logsigmoid(shifted) + y[..., :-1].log()).sum(-1)

    def forward_shape(self, shape: Any) -> Any:
        check_dims(shape, 1)
        return shape[:-1] + (shape[-1] + 1,)

    def inverse_shape(self, shape: Any) -> Any:
        check_dims(shape, 1)
        return shape[:-1] + (shape[-1] - 1,)


def _parts_to_come(x: Tensor, parts: int) -> Tensor:
    return parts - x.new_ones(x.shape[-1]).cumsum(-1)


class LowerCholeskyTransform(PlainTransform):
    """A matrix onto lower triangles with a positive diagonal: exp of the diagonal, zeros above."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.lower_cholesky

    def _call(self, x: Any) -> Any:
        return x.tril(-1) + x.diagonal(dim1=-2, dim2=-1).exp().diag_embed()

    def _inverse(self, y: Any) -> Any:
        return y.tril(-1) + y.diagonal(dim1=-2, dim2=-1).log().diag_embed()


class PositiveDefiniteTransform(PlainTransform):
    """A matrix onto positive-definite ones: L Lᵀ, L by LowerCholeskyTransform."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.positive_definite

    def _call(self, x: Any) -> Any:
        factor = LowerCholeskyTransform()(x)
        return factor @ factor.mT

    def _inverse(self, y: Any) -> Any:
        return LowerCholeskyTransform().inv(torch.linalg.cholesky(y))


class CorrCholeskyTransform(PlainTransform):
    """n(n-1)/2 numbers onto Cholesky factors of correlation matrices, whose rows have length 1.

    tanh makes them partial correlations; row by row, each takes its share of the squared length
    that is left, and the diagonal takes the rest.
    """

    domain, codomain, bijective = constraints.real_vector, constraints.corr_cholesky, True

    def _call(self, x: Any) -> Any:
        eps = torch.finfo(x.dtype).eps
        partial = vec_to_tril_matrix(torch.tanh(x).clamp(min=-1 + eps, max=1 - eps), diag=-1)
        left = (1 - partial**2).sqrt().cumprod(-1)
        with_diagonal = partial + torch.eye(partial.shape[-1], dtype=partial.dtype)
        return with_diagonal * pad(left[..., :-1], [1, 0], value=1)

    def _inverse(self, y: Any) -> Any:
        left = 1 - torch.cumsum(y * y, dim=-1)
        before = tril_matrix_to_vec(pad(left[..., :-1], [1, 0], value=1), diag=-1)
        partial = tril_matrix_to_vec(y, diag=-1) / before.sqrt()
        return (partial.log1p() - partial.neg().log1p()) / 2

    def log_abs_det_jacobian(self, x: Any, y: Any, intermediates: Any = None) -> Any:
        left = tril_matrix_to_vec(1 - (y * y).cumsum(dim=-1), diag=-2)
        tanh_slope = -2 * (x + softplus(-2 * x) - math.log(2.0)).sum(dim=-1)
        return 0.5 * left.log().sum(-1) + tanh_slope

    def forward_shape(self, shape: Any) -> Any:
        check_dims(shape, 1)
        count = shape[-1]
        side = round((0.25 + 2 * count) ** 0.5 + 0.5)
        if side * (side - 1) // 2 != count:
            raise ValueError("Input is not a flattened lower-diagonal number")
        return shape[:-1] + (side, side)

    def inverse_shape(self, shape: Any) -> Any:
        check_dims(shape, 2)
        if shape[-2] != shape[-1]:
            raise ValueError("Input is not square")
        return shape[:-2] + (shape[-1] * (shape[-1] - 1) // 2,)
