"""Batch normalization: each channel scaled to mean 0, variance 1 over the batch.

In training the batch's own statistics are used, and kept in running averages; in evaluation, the
averages.
"""

from __future__ import annotations

from typing import Any

from ... import dtypes
from ...ops.creation import empty, ones, zeros
from ...ops.from_data import tensor
from ...tensor import Tensor
from .. import functional as F
from .. import init
from ..parameter import Parameter
from .layer import describe
from .module import Module


def register_affine(module: Module, shape: Any, weight: bool, bias: bool, options: Any) -> None:
    """The scale and the shift of a normalization layer, each only if wanted."""
    for name, wanted in (("weight", weight), ("bias", weight and bias)):
        module.register_parameter(name, Parameter(empty(shape, **options)) if wanted else None)


def reset_affine(module: Any) -> None:
    """Scale 1, shift 0."""
    if module.weight is not None:
        init.ones_(module.weight)
    if module.bias is not None:
        init.zeros_(module.bias)


def check_dims(input: Tensor, allowed: tuple[int, ...]) -> None:
    """Raises ValueError unless the input has one of the allowed numbers of dims."""
    if input.dim() not in allowed:
        names = " or ".join(f"{n}D" for n in allowed)
        raise ValueError(f"expected {names} input (got {input.dim()}D input)")


class _NormBase(Module):
    """What batch and instance normalization share: scale, shift and running statistics."""

    _version = 2  # version 1 had no num_batches_tracked
    allowed_dims: tuple[int, ...]

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        options = {"device": device, "dtype": dtype}
        register_affine(self, num_features, affine, bias, options)
        tracked = track_running_stats
        self.register_buffer("running_mean", zeros(num_features, **options) if tracked else None)
        self.register_buffer("running_var", ones(num_features, **options) if tracked else None)
        self.register_buffer(
            "num_batches_tracked",
            tensor(0, dtype=dtypes.int64, device=device) if tracked else None,
        )
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Forget the batches seen."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Forget the batches seen; scale 1, shift 0."""
        self.reset_running_stats()
        reset_affine(self)

    def _check_input_dim(self, input: Tensor) -> None:
        check_dims(input, self.allowed_dims)

    def extra_repr(self) -> str:
        kept = describe(self, "eps", "momentum", "affine")
        tracked = describe(self, "track_running_stats")
        return f"{self.num_features}, {kept}, bias={self.bias is not None}, {tracked}"

    def _load_from_state_dict(
        self, state_dict: Any, prefix: str, local_metadata: Any, *rest: Any
    ) -> None:
        key = prefix + "num_batches_tracked"
        old = local_metadata.get("version", None) in (None, 1)
        if old and self.track_running_stats and key not in state_dict:
            count = self.num_batches_tracked
            state_dict[key] = tensor(0, dtype=dtypes.int64) if count is None else count
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)


class _BatchNorm(_NormBase):
    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        factor = 0.0 if self.momentum is None else self.momentum
        if self.training and self.track_running_stats and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if self.momentum is None:  # a plain mean over all batches
                factor = 1.0 / float(self.num_batches_tracked)
        mean, var = self.running_mean, self.running_var
        from_batch = self.training or (mean is None and var is None)
        if self.training and not self.track_running_stats:
            mean = var = None  # there may be some, from a loaded model; leave them alone
        return F.batch_norm(input, mean, var, self.weight, self.bias, from_batch, factor, self.eps)


class BatchNorm1d(_BatchNorm):
    """Over (N, C) or (N, C, L): one mean and variance for each channel C."""

    allowed_dims = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Over (N, C, H, W): one mean and variance for each channel C."""

    allowed_dims = (4,)


class BatchNorm3d(_BatchNorm):
    """Over (N, C, D, H, W): one mean and variance for each channel C."""

    allowed_dims = (5,)
